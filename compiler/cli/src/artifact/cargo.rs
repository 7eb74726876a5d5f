//! Cargo, set to what decides the programs' bytes. Nothing of the caller's settings counts.

use super::builder::Builder;
use super::recipe::TARGET;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The functions' own profile, and Cargo's defaults for what it doesn't name:
/// the environment goes before any configuration file.
const PROFILE: [(&str, &str); 10] = [
    ("opt-level", "z"),
    ("lto", "fat"),
    ("codegen-units", "1"),
    ("panic", "abort"),
    ("strip", "true"),
    ("debug", "false"),
    ("debug-assertions", "false"),
    ("overflow-checks", "false"),
    ("incremental", "false"),
    ("rpath", "false"),
];

/// How Cargo gets at its registry: the lock file says what it has to get.
const NETWORK: [&str; 4] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
];

/// Downloads first: only then is it known where the dependencies' sources are.
pub(super) fn fetch(source: &Path) -> Command {
    let mut command = cargo();
    command
        .args(["fetch", "--locked", "--manifest-path"])
        .arg(source.join("Cargo.toml"));
    command
}

pub(super) fn build(builder: Builder, source: &Path, target: &Path) -> Command {
    let mut command = cargo();
    match builder {
        Builder::CargoLambda => {
            command.args([
                "lambda",
                "build",
                "--release",
                "--locked",
                "--target",
                TARGET,
            ]);
            command.arg("--lambda-dir").arg(target.join("lambda"));
        }
        Builder::Cargo => {
            command.args(["build", "--release", "--locked"]);
        }
    }
    command
        .arg("--manifest-path")
        .arg(source.join("Cargo.toml"))
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            remapped_paths(source, target).join("\u{1f}"),
        )
        .env("CARGO_TARGET_DIR", target);
    command
}

fn cargo() -> Command {
    let mut command = Command::new("cargo");
    // Configuration is searched from here upwards; of files, only CARGO_HOME's is left.
    command.current_dir("/");
    for (name, _) in std::env::vars_os() {
        // Build scripts have no business with credentials.
        let text = name.to_string_lossy();
        if is_setting(&text) || text.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    for (key, value) in PROFILE {
        let key = key.replace('-', "_").to_uppercase();
        command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    if std::env::var_os("CARGO_HOME").is_some()
        && let Some(home) = cargo_home()
    {
        command.env("CARGO_HOME", home);
    }
    // An empty value means no wrapper, whatever a configuration file names.
    command
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "");
    command
}

/// Whether a variable of the caller's could end up in the programs.
fn is_setting(name: &str) -> bool {
    let flags = ["RUSTFLAGS", "CFLAGS", "TARGET_CFLAGS", "HOST_CFLAGS"];
    flags.contains(&name)
        || name.starts_with("CFLAGS_")
        || name.starts_with("CARGO_")
            && name != "CARGO_HOME"
            && !NETWORK.iter().any(|prefix| name.starts_with(prefix))
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .and_then(|home| std::path::absolute(home).ok())
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
}

/// No path of this machine may decide a byte of the programs. Of several that
/// match, rustc takes the last.
fn remapped_paths(source: &Path, target: &Path) -> Vec<String> {
    let mut flags = vec![remap(source, "/frames"), remap(target, "/target")];
    if let Some(home) = cargo_home() {
        flags.push(remap(&home, "/cargo"));
        // One folder per registry, named after its address: mirrors differ.
        let registries = fs::read_dir(home.join("registry/src"))
            .into_iter()
            .flatten()
            .flatten();
        flags.extend(registries.map(|registry| remap(&registry.path(), "/cargo")));
    }
    flags
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_settings_are_dropped_and_its_network_kept() {
        for name in [
            "CARGO_BUILD_RUSTC_WRAPPER",
            "CARGO_INCREMENTAL",
            "CARGO_LAMBDA_COMPILER",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "RUSTFLAGS",
        ] {
            assert!(is_setting(name), "{name}");
        }
        for name in [
            "CARGO",
            "CARGO_HOME",
            "CARGO_HTTP_PROXY",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_MIRROR_INDEX",
            "CARGO_REGISTRY_TOKEN",
            "HTTPS_PROXY",
            "PATH",
        ] {
            assert!(!is_setting(name), "{name}");
        }
    }

    #[test]
    fn the_profile_is_the_functions_own() {
        let manifest = include_str!("../../../../functions/Cargo.toml");
        let (_, profile) = manifest.split_once("[profile.release]\n").unwrap();
        let own = profile
            .lines()
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split_once(" = "));
        let own: Vec<(&str, &str)> = own
            .map(|(key, value)| (key, value.trim_matches('"')))
            .collect();
        assert!(!own.is_empty());
        assert_eq!(own, PROFILE[..own.len()]);
    }

    /// A crate of one line, below a directory and in a CARGO_HOME that would break it.
    #[test]
    fn configuration_files_decide_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write(".cargo/config.toml", "[build]\nrustc = '/nowhere/rustc'\n");
        write(
            "home/config.toml",
            "[build]\nrustc-wrapper = '/nowhere/wrapper'\nrustc-workspace-wrapper = '/nowhere/wrapper'\n\
             rustflags = ['--nonsense']\n\
             [profile.release]\nopt-level = 0\npanic = 'unwind'\noverflow-checks = true\n",
        );
        write(
            "src/Cargo.toml",
            "[package]\nname = 'one'\nversion = '0.1.0'\nedition = '2024'\n",
        );
        write(
            "src/Cargo.lock",
            "version = 4\n[[package]]\nname = 'one'\nversion = '0.1.0'\n",
        );
        write("src/src/main.rs", "fn main() {}\n");
        let source = directory.path().join("src");
        let target = directory.path().join("target");
        let home = directory.path().join("home");
        let run = |command: &mut Command| {
            let output = command.env("CARGO_HOME", &home).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            said
        };
        run(&mut fetch(&source));
        let said = run(build(Builder::Cargo, &source, &target).arg("--verbose"));
        assert!(target.join("release/one").is_file());
        for expected in ["opt-level=z", "panic=abort", "lto", "codegen-units=1"] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        assert!(!said.contains("overflow-checks=on"), "{said}");
    }
}
