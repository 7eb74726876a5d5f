//! One compiler and fixed actions: what is promised is what the workflows run.

use crate::support::{read, root};
use std::process::Command;

/// `rust-version` of a manifest.
fn rust_version(manifest: &str) -> String {
    let text = read(manifest);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""));
    let line = line.unwrap_or_else(|| panic!("{manifest} has no rust-version"));
    line.trim_end_matches('"').to_owned()
}

fn workflows() -> Vec<(String, String)> {
    let folder = root().join(".github/workflows");
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| (name.clone(), read(&format!(".github/workflows/{name}"))))
        .collect()
}

/// Cargo refuses an older compiler than `rust-version`, and clippy what only a newer one knows
/// (`incompatible_msrv`). That the oldest one passes the tests, the workflow shows: it runs with exactly that.
#[test]
fn the_oldest_compiler_is_the_one_that_is_tested() {
    let oldest = rust_version("Cargo.toml");
    for manifest in ["functions/Cargo.toml", "fuzz/Cargo.toml"] {
        assert_eq!(rust_version(manifest), oldest, "{manifest}");
    }
    let ci = read(".github/workflows/ci.yml");
    let version = |key: &str| {
        let (_, rest) = ci
            .split_once(key)
            .unwrap_or_else(|| panic!("ci.yml: {key}"));
        rest.split_once('"').unwrap().0
    };
    let [python, node] = ["python-version: \"", "node-version: \""].map(version);
    let readme = read("README.md");
    let needed = readme
        .lines()
        .find(|line| line.starts_with("You need Rust "))
        .unwrap();
    for needs in [
        format!("Rust {oldest},"),
        format!("Python {python}"),
        format!("Node.js {node},"),
    ] {
        assert!(needed.contains(&needs), "{needs}: {needed}");
    }
    for (name, text) in [
        ("ci.yml", &ci),
        ("release.yml", &read(".github/workflows/release.yml")),
    ] {
        assert!(
            text.contains(&format!("  RUSTUP_TOOLCHAIN: {oldest}.0\n")),
            "{name}"
        );
    }
    assert!(ci.contains("run: bash .ci/run\n"), "ci.yml");

    let output = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let minor = |version: &str| -> u32 { version.split('.').nth(1).unwrap().parse().unwrap() };
    let used = version.strip_prefix("rustc ").unwrap();
    assert!(
        used.starts_with("1.") && minor(used) >= minor(&oldest),
        "{version}"
    );
}

/// A tag can be moved to other code; a commit can't.
#[test]
fn actions_are_pinned_by_commit() {
    let mut actions = 0;
    for (name, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("uses:")) {
            actions += 1;
            let (_, action) = line
                .split_once('@')
                .unwrap_or_else(|| panic!("{name}: {line}"));
            let (commit, version) = action
                .split_once(" # v")
                .unwrap_or_else(|| panic!("{name}: no version: {line}"));
            let is_commit =
                commit.len() == 40 && commit.chars().all(|char| char.is_ascii_hexdigit());
            assert!(is_commit, "{name}: not a commit: {line}");
            assert!(version.split('.').count() == 3, "{name}: {line}");
        }
        for needed in [
            "permissions: {contents: read}",
            "timeout-minutes: ",
            "persist-credentials: false",
        ] {
            assert!(text.contains(needed), "{name}: {needed}");
        }
    }
    assert!(actions >= 4, "{actions}");
}
