//! What tests compile for: the usual target, and no file beside the manifest.

use frames_compiler::{Environment, Target};

pub const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};

pub struct Nothing;

impl Environment for Nothing {
    fn read_file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("there is no such file".to_owned())
    }
}
