//! The functions' own tests. They are a workspace of their own, because their
//! sources and their lock file travel inside the `frames` binary; so `cargo test`
//! here doesn't reach them by itself.

use crate::support::functions::cargo;

#[test]
fn the_functions_pass_their_own_tests() {
    let output = cargo()
        .args(["test", "--locked", "--workspace"])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for binary in [
        "frames_edge",
        "frames_authorizer",
        "frames_signer",
        "frames_reader",
    ] {
        assert!(stderr.contains(binary), "{binary} wasn't tested\n{stderr}");
    }
    assert!(passed(&stdout) > 20, "{stdout}\n{stderr}");
}

/// The sum of all `test result: ok. 12 passed; …` lines.
fn passed(stdout: &str) -> u32 {
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|line| line.split(' ').next()?.parse::<u32>().ok())
        .sum()
}
