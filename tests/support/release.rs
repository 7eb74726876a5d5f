//! A release of this checkout, with an unoptimised binary: the binary with the edge functions' programs inside, and
//! what `release/pack.py` makes of it.

use super::frames::{Project, set_apart};
use super::peers::packer;
use super::{root, target};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The time of the commit, for archives. Any will do.
pub const TIME: &str = "1700000000";

/// frames with the programs inside; where `FRAMES_RELEASED` names one, that one.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("FRAMES_RELEASED") {
        Some(named) => std::path::absolute(named).unwrap(),
        None => build(),
    })
}

/// Only the crate `frames` is compiled once more, in a profile of its own: the others are those of this very test. The
/// finished program has a folder of its own, too, since `target/debug/frames` carries no programs. It aborts on a panic
/// as a release does: the program's own crate decides that, and the others may be compiled to unwind.
fn build() -> PathBuf {
    // The programs are then in the cache that all tests share.
    Project::example().package();
    let folder = folder();
    // The caller's settings stay: with others, the dependencies would be compiled too.
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["build", "--locked", "--workspace", "--bin", "frames"])
        // With a test among what is built, Cargo chooses the dependencies' features as it did for the tests.
        .args(["--test", "arrows"])
        .args(["--config", "profile.dev.package.frames.debug=false"])
        .args(["--config", "profile.dev.package.frames.strip=true"])
        .env("RUSTC_WRAPPER", root().join("tests/support/rustc_abort.sh"))
        .env(
            "FRAMES_RUSTC_WRAPPER",
            std::env::var_os("RUSTC_WRAPPER").unwrap_or_default(),
        )
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_BUILD_BUILD_DIR", target())
        .env(
            "FRAMES_PROGRAMS",
            target().join("test-cache/frames/functions"),
        );
    succeeded(&mut command, "build frames with the programs inside");
    let binary = folder.join("debug/frames");
    assert!(!unwinds(&binary), "the tests' release unwinds");
    binary
}

/// Whether the program has the runtime that raises a panic.
pub fn unwinds(binary: &Path) -> bool {
    let raise = b"_Unwind_RaiseException";
    let bytes = fs::read(binary).unwrap();
    bytes.windows(raise.len()).any(|window| window == raise)
}

fn folder() -> PathBuf {
    let folder = target().join("released");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The folder that `release/pack.py` makes of the binary.
pub fn packages() -> &'static Path {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let binary = binary();
        // Other test processes wait here. The lock ends with the file.
        let lock = File::create(folder().join("lock")).unwrap();
        lock.lock().unwrap();
        let packages = folder().join("packages");
        let stamp_file = folder().join("stamp");
        let stamp = stamp(binary);
        if !fs::read_to_string(&stamp_file).is_ok_and(|text| text == stamp) {
            let _ = fs::remove_file(&stamp_file);
            let _ = fs::remove_dir_all(&packages);
            pack(binary, &packages);
            fs::write(stamp_file, stamp).unwrap();
        }
        packages
    })
}

/// The binary and all that the packages are made of.
fn stamp(binary: &Path) -> String {
    let mut hash = Sha256::new();
    let mut add = |path: &Path| hash.update(fs::read(path).unwrap());
    for file in [
        "Cargo.lock",
        "functions/Cargo.lock",
        "install.sh",
        "LICENSE",
    ] {
        add(&root().join(file));
    }
    for folder in [
        "release",
        "release/man",
        "release/python",
        "release/templates",
    ] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            add(file);
        }
    }
    let changed = fs::metadata(binary).unwrap().modified().unwrap();
    format!("{:x} {} {changed:?}\n", hash.finalize(), binary.display())
}

pub fn pack(binary: &Path, out: &Path) {
    succeeded(&mut packing(binary, out), "pack a release");
}

/// For this machine only: an unoptimised binary is linked against its glibc.
pub fn packing(binary: &Path, out: &Path) -> Command {
    let mut command = Command::new(packer());
    set_apart(&mut command);
    command
        .arg("-B")
        .arg(root().join("release/pack.py"))
        .args([binary, out])
        .args(["--time", TIME, "--compatibility", "linux"])
        .args(["--url", "https://downloads.example.org/frames"]);
    command
}

fn succeeded(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "can't {what}: {command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The one file of the release that ends so.
pub fn file(ending: &str) -> PathBuf {
    let entries = fs::read_dir(packages()).unwrap();
    let mut found = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending));
    let file = found.next().unwrap_or_else(|| panic!("no *{ending}"));
    assert!(found.next().is_none(), "two of *{ending}");
    file
}
