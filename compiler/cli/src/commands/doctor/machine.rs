//! What this machine has: the build, tools, the cache, the way to the network.

use super::super::said::said;
use super::{Check, State};
use crate::artifact::{self, Builder, CARGO_LAMBDA_INSTALL};
use rustix::fs::{Access, access};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// For a tool that says its version.
const LIMIT: Duration = Duration::from_secs(3);

/// More files than this aren't counted.
const MOST_FILES: usize = 50_000;

/// What the functions are built with, at least.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

const RUST: &str = concat!(
    "install Rust ",
    env!("CARGO_PKG_RUST_VERSION"),
    " or newer (https://rustup.rs)"
);

pub(super) fn checks() -> Vec<Check> {
    let lambda = std::thread::spawn(|| version(Builder::CargoLambda, &["lambda", "--version"]));
    let cargo = version(Builder::Cargo, &["--version"]);
    let lambda = lambda.join().unwrap_or(None);
    vec![
        build(),
        programs(
            cargo.as_deref().is_some_and(is_new_enough),
            lambda.is_some(),
        ),
        tool("cargo", cargo, Builder::Cargo),
        tool("cargo-lambda", lambda, Builder::CargoLambda),
        cache(),
    ]
}

fn build() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    if cfg!(feature = "aws") {
        return Check::new("frames", State::Ok, version);
    }
    let found = format!("{version}, built for the local delivery only");
    Check::new("frames", State::Skipped, found).help(
        "deploy, diff, info, check, logs, history, rollback, purge, remove and --online need the whole of frames: `cargo build --release`",
    )
}

/// The edge functions, as `package` and `deploy` need them.
fn programs(has_cargo: bool, has_lambda: bool) -> Check {
    const NAME: &str = "programs";
    if artifact::is_embedded() && artifact::is_built(Builder::CargoLambda) {
        return Check::new(NAME, State::Ok, "the edge functions are inside this frames");
    }
    if artifact::is_embedded() {
        let found = "the edge functions inside this frames are damaged";
        return Check::new(NAME, State::Missing, found)
            .help("package, deploy and dev need them: install frames again");
    }
    if artifact::is_built(Builder::CargoLambda) {
        return Check::new(NAME, State::Ok, "the edge functions are built already");
    }
    if has_cargo && has_lambda {
        let found = "the edge functions will be built once, which takes a minute or two";
        return Check::new(NAME, State::Ok, found);
    }
    let help = match (has_cargo, has_lambda) {
        (true, _) => format!("package and deploy need cargo-lambda: `{CARGO_LAMBDA_INSTALL}`"),
        (false, true) => format!("package, deploy and dev need cargo: {RUST}"),
        (false, false) => {
            format!("package, deploy and dev need cargo: {RUST}, then `{CARGO_LAMBDA_INSTALL}`")
        }
    };
    let found = if artifact::is_built(Builder::Cargo) {
        "the edge functions are built for dev, and not for Lambda"
    } else {
        "the edge functions aren't built, and can't be built for Lambda here"
    };
    Check::new(NAME, State::Missing, found).help(help)
}

/// Where it is missing, `programs` says for whom.
fn tool(name: &'static str, version: Option<String>, builder: Builder) -> Check {
    match (version, artifact::tool(builder)) {
        (Some(version), _) if builder == Builder::Cargo && !is_new_enough(&version) => {
            let found = format!("{version}, which is older than {OLDEST}");
            Check::new(name, State::Skipped, found)
        }
        (Some(version), _) => Check::new(name, State::Ok, version),
        (None, Some(path)) => {
            let found = format!("{} doesn't say its version", path.display());
            Check::new(name, State::Skipped, found)
        }
        (None, None) => Check::new(name, State::Skipped, "isn't on the PATH"),
    }
}

/// What doesn't look like a version is left to Cargo.
fn is_new_enough(version: &str) -> bool {
    let parsed = |version: &str| {
        let mut parts = version.split(['.', ' ', '-']).map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    match (parsed(version), parsed(OLDEST)) {
        (Some(version), Some(oldest)) => version >= oldest,
        _ => true,
    }
}

/// The first line that a tool prints about itself. One that takes too long is ended.
fn version(builder: Builder, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(artifact::tool(builder)?);
    command
        .args(arguments)
        // A checkout's own toolchain file doesn't count.
        .current_dir("/")
        // A toolchain that isn't installed isn't fetched for this.
        .env("RUSTUP_AUTO_INSTALL", "0");
    let said = said(command, LIMIT)?;
    let line = said.lines().next()?.trim();
    let number = line.split_once(' ').map_or(line, |(_, number)| number);
    (!number.is_empty()).then(|| number.to_owned())
}

fn cache() -> Check {
    const NAME: &str = "cache";
    const HELP: &str = "package, deploy and dev keep the functions there: set XDG_CACHE_HOME to a directory that you may write to";
    let path = match artifact::of_frames() {
        Ok(path) => path,
        Err(failure) => return Check::new(NAME, State::Missing, failure.message).help(HELP),
    };
    // Where it isn't there yet, it is made below the nearest directory that is.
    let Some(there) = path.ancestors().find(|directory| directory.exists()) else {
        return Check::new(NAME, State::Missing, path.display().to_string()).help(HELP);
    };
    let shown = path.display();
    if !there.is_dir() || access(there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let found = format!("{shown}: {} can't be written to", there.display());
        return Check::new(NAME, State::Missing, found).help(HELP);
    }
    if there != path {
        return Check::new(NAME, State::Ok, format!("{shown}, empty so far"));
    }
    let (bytes, is_whole) = size(&path);
    let more = if is_whole { "" } else { " or more" };
    let found = format!("{shown}, {} MB{more}", bytes.div_ceil(1_000_000));
    Check::new(NAME, State::Ok, found)
}

/// Of the files below, links not followed; and whether all were counted.
fn size(path: &Path) -> (u64, bool) {
    let mut directories: Vec<PathBuf> = vec![path.to_owned()];
    let (mut bytes, mut files) = (0, 0);
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            files += 1;
            if files > MOST_FILES {
                return (bytes, false);
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => directories.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    (bytes, true)
}

/// What the environment says about the way out.
pub(super) fn network() -> Check {
    const VARIABLES: [&str; 7] = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "AWS_CA_BUNDLE",
    ];
    let set = VARIABLES.iter().filter_map(|name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={}", without_credentials(&value)))
    });
    let set: Vec<String> = set.collect();
    if set.is_empty() {
        return Check::new(
            "network",
            State::Skipped,
            "no proxy is set in the environment",
        );
    }
    Check::new("network", State::Ok, set.join(" "))
}

/// A proxy's address without who one is there.
fn without_credentials(address: &OsStr) -> String {
    let address = address.to_string_lossy();
    let Some((before, host)) = address.rsplit_once('@') else {
        return address.into_owned();
    };
    let scheme = before
        .split_once("://")
        .map(|(scheme, _)| format!("{scheme}://"));
    format!("{}***@{host}", scheme.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_cargo_builds_nothing() {
        for (version, expected) in [
            ("1.94.1 (abc 2026-01-01)", false),
            ("0.99.0", false),
            ("1.95.0", true),
            ("1.100.0-nightly", true),
            ("2.0.0", true),
            ("unknown", true),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn a_proxys_credentials_arent_shown() {
        for (address, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            (
                "http://me:pass@proxy.example:3128",
                "http://***@proxy.example:3128",
            ),
            ("me:p@ss@proxy.example", "***@proxy.example"),
            ("http://me:p://x@proxy.example", "http://***@proxy.example"),
            ("localhost,.example.org", "localhost,.example.org"),
        ] {
            assert_eq!(without_credentials(OsStr::new(address)), shown);
        }
    }

    #[test]
    fn a_directorys_size_is_that_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("a")).unwrap();
        std::fs::write(directory.path().join("a/b"), [0; 300]).unwrap();
        std::fs::write(directory.path().join("c"), [0; 40]).unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("a/d")).unwrap();
        let (bytes, is_whole) = size(directory.path());
        assert!(is_whole && (340..340 + 4096).contains(&bytes), "{bytes}");
    }
}
