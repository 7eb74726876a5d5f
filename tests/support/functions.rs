//! The functions' own libraries, asked by the examples beside their sources.
//! The functions are a workspace of their own: see `functions/Cargo.toml`.

use super::{root, target};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// `cargo` in the functions' workspace, without what it sets for these tests.
pub fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(root().join("functions"))
        .env("CARGO_TARGET_DIR", target().join("functions"));
    command
}

/// What an example answers to `questions` on its stdin, line by line.
pub fn answers(package: &str, example: &str, questions: &[u8]) -> Vec<String> {
    let mut asked = tempfile::tempfile().unwrap();
    asked.write_all(questions).unwrap();
    rewound(&mut asked);
    let output = cargo()
        .args(["run", "--locked", "--quiet", "--package", package])
        .args(["--example", example])
        .stdin(Stdio::from(asked))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {stderr}");
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(str::to_owned).collect()
}

fn rewound(file: &mut File) {
    std::io::Seek::rewind(file).unwrap();
}
