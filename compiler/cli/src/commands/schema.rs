//! `frames schema`: the JSON Schema of frames.yml.

use crate::terminal::json;
use frames_compiler::failure::Result;
use frames_compiler::manifest;

pub(super) fn run() -> Result<()> {
    json(&format!("{:#}\n", manifest::schema()));
    Ok(())
}
