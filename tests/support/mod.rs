//! What the tests share: the peers, the binary, processes that end with their test.

pub mod authorizer;
pub mod aws;
pub mod browser;
pub mod dev;
pub mod dice;
pub mod dicom;
pub mod edge;
pub mod emulator;
pub mod events;
pub mod frames;
pub mod functions;
pub mod gateway;
pub mod golden;
pub mod hostile;
pub mod https;
pub mod installer;
pub mod lsp;
pub mod manifests;
pub mod peers;
pub mod plain;
pub mod process;
pub mod pty;
pub mod reader;
pub mod release;
pub mod sample;
pub mod screen;
pub mod tokens;
pub mod viewer;
pub mod yaml;

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A file of the repository, as text.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
