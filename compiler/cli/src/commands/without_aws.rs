//! What replaces [`online`](super) in a build without the feature `aws`.

use super::findings::Asked;
use crate::cli::Global;
use crate::init::Answers;
use crate::init::choices::{Account, Choice, Subject};
use crate::project::Project;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::{Compiled, Source};
use frames_emulator::CredentialsSource;

/// One line on how to get the rest.
pub(super) fn refused() -> Failure {
    Failure::new("this build of frames can't use AWS: it was built for the local delivery only")
        .help("build the whole of frames with `cargo build --release`, then use target/release/frames")
}

pub(super) async fn whose(_: &Global) -> Result<String> {
    Err(refused())
}

/// There is none.
pub(super) enum NoAccount {}

impl Account for NoAccount {
    fn choices(&mut self, _: Subject, _: &Answers) -> std::result::Result<Vec<Choice>, String> {
        match *self {}
    }
}

pub(super) async fn account(_: &Global) -> Result<NoAccount> {
    Err(refused())
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
