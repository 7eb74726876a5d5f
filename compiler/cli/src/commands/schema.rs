//! `frames schema`: the JSON Schema of frames.yml.

use crate::failure::Result;
use crate::terminal::data;
use frames_compiler::manifest;

pub fn run() -> Result<()> {
    data(&format!("{:#}\n", manifest::schema()));
    Ok(())
}
