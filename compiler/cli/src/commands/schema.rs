//! `frames schema`: the JSON Schema of frames.yml.

use crate::failure::Result;
use crate::terminal::json;
use frames_compiler::manifest;

pub fn run() -> Result<()> {
    json(&format!("{:#}\n", manifest::schema()));
    Ok(())
}
