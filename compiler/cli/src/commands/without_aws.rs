//! What replaces [`online`](super) in a build without the feature `aws`.

use super::findings::Asked;
use crate::cli::Global;
use crate::project::Project;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::{Compiled, Source};
use frames_emulator::CredentialsSource;

/// One line on how to get the rest.
pub(super) fn refused() -> Failure {
    Failure::new("this build of frames can't use AWS: it was built for the local delivery only")
        .help("build the whole of frames with `cargo build --release`, then use target/release/frames")
}

pub(super) fn compile(_: &Project, _: &Global) -> Result<(Source, Compiled)> {
    Err(refused())
}

pub(super) fn validate(_: &Project, _: &Global) -> Result<(Source, Compiled)> {
    Err(refused())
}

pub(super) fn ask_for_policy(_: &Project, _: &Global) -> Result<Asked> {
    Err(refused())
}

pub(super) async fn credentials(_: &Global, _: &str) -> Result<CredentialsSource> {
    Err(refused())
}
