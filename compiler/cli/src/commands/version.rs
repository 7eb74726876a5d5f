//! `frames --version --format json`: which frames this is, and which programs it deploys.

use crate::{artifact, terminal};
use frames_compiler::failure::Result;
use serde_json::{Map, Value, json};

/// Programs that aren't built yet have no hash. Nothing is built for this.
pub fn run() -> Result<()> {
    let hashes = artifact::hashes()?;
    let programs: Map<String, Value> = hashes
        .into_iter()
        .map(|(function, sha256)| (function.to_owned(), json!(sha256)))
        .collect();
    let commit = Some(env!("FRAMES_BUILT_FROM")).filter(|commit| !commit.is_empty());
    let version = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": commit,
        "programs": programs,
        "embedded": artifact::is_embedded(),
    });
    terminal::json(&format!("{version:#}\n"));
    Ok(())
}
