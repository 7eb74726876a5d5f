//! YAML as another reader of it sees it.

use super::peers::peers;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Every value is a text, a list or a table.
pub fn yaml(text: &str) -> Value {
    let program =
        "import json, sys, yaml; print(json.dumps(yaml.load(sys.stdin, yaml.BaseLoader)))";
    let output = fed(
        Command::new(peers().program("python")).args(["-c", program]),
        text,
    );
    serde_json::from_str(&output).unwrap()
}

/// What a program prints that gets this on stdin.
pub fn fed(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
