//! The `frames` binary in a fresh project.

use super::peers::peers;
use super::{root, target};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than building the functions takes: a run that waits for ever fails its test.
const LIMIT: Duration = Duration::from_secs(600);

/// A directory with a `frames.yml`, gone after the test.
pub struct Project {
    directory: TempDir,
}

/// How a run of `frames` ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    pub fn new(manifest: &str) -> Self {
        let project = Self::empty();
        project.write("frames.yml", manifest);
        project
    }

    /// The repository's own manifest.
    pub fn example() -> Self {
        Self::new(&super::read("frames.yml"))
    }

    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What `frames package` wrote for the environment `dev`.
    pub fn output(&self, name: &str) -> PathBuf {
        self.path().join(".frames/dev").join(name)
    }

    /// `frames` with a PATH that has cargo-lambda, and the cache that all tests
    /// share: the functions are built once.
    pub fn command(&self) -> Command {
        let mut command = command();
        command.current_dir(self.path());
        command
    }

    /// With programs of the test's own in front of all others.
    pub fn command_with(&self, bin: &Path) -> Command {
        let mut command = self.command();
        let path = [bin.to_owned(), peers().bin()]
            .into_iter()
            .chain(inherited());
        command.env("PATH", joined(path));
        command
    }

    pub fn command_without_cargo_lambda(&self) -> Command {
        let mut command = self.command();
        let path = inherited().filter(|directory| !directory.join("cargo-lambda").exists());
        command.env("PATH", joined(path));
        command
    }

    /// The same command, in a shell that has set the umask.
    pub fn command_under(&self, umask: &str) -> Command {
        let frames = self.command();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(frames.get_program())
            .current_dir(self.path());
        for (name, value) in frames.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Without a word on proxies, whatever the caller has.
    pub fn without_proxies(command: &mut Command) -> &mut Command {
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command
    }

    pub fn frames(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments))
    }

    /// `frames package`, which has to succeed.
    pub fn package(&self) -> Run {
        let run = self.frames(&["package"]);
        assert_eq!(run.code, 0, "{run:#?}");
        run
    }

    /// `frames package` with another cache, and with a `cargo` that leaves a mark
    /// and fails: the run, and whether it has started that.
    pub fn package_with_failing_cargo(&self, cache: &Path) -> (Run, bool) {
        let mark = self.path().join("cargo-ran");
        self.write(
            "bin/cargo",
            format!("#!/bin/sh\ntouch '{}'\nexit 1\n", mark.display()),
        );
        let bin = self.path().join("bin");
        fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = self.command_with(&bin);
        let run = Run::of(command.arg("package").env("XDG_CACHE_HOME", cache));
        (run, mark.exists())
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frames"));
    set_apart(&mut command);
    // A proxy is for cargo's registry. What the tests start is on this machine.
    let proxies = ["http_proxy", "https_proxy", "all_proxy"];
    let is_proxy = |name: OsString| proxies.contains(&&*name.to_string_lossy().to_lowercase());
    if std::env::vars_os().any(|(name, _)| is_proxy(name)) {
        let outside = ["no_proxy", "NO_PROXY"]
            .into_iter()
            .find_map(std::env::var_os);
        let mut outside = outside.unwrap_or_default();
        outside.push(",127.0.0.1,localhost");
        command.env("no_proxy", outside);
    }
    command
        .env("PATH", path_with(&peers().bin()))
        .env("XDG_CACHE_HOME", target().join("test-cache"))
        .stdin(Stdio::null());
    command
}

/// Takes out what the test runner or its caller are set to: it is no part of a test.
pub fn set_apart(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let build = text.starts_with("CARGO_") && text != "CARGO_HOME";
        let colour = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"].contains(&&*text);
        if build || colour || text.starts_with("AWS_") || text == "RUSTFLAGS" {
            command.env_remove(&name);
        }
    }
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        Self::within(command, LIMIT)
    }

    /// One that is killed where it takes longer: its code is then -1.
    pub fn within(command: &mut Command, limit: Duration) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let (ended, end) = mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            if end.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(ended);
        watch.join().unwrap();
        Self::from(output)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The PATH with a directory in front.
pub fn path_with(first: &Path) -> OsString {
    joined(std::iter::once(first.to_owned()).chain(inherited()))
}

fn inherited() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn joined(directories: impl Iterator<Item = PathBuf>) -> OsString {
    std::env::join_paths(directories).unwrap()
}

/// The manifests that everything has to compile: the example and the minimal ones.
pub fn manifests() -> Vec<PathBuf> {
    let mut manifests: Vec<PathBuf> = fs::read_dir(root().join("tests/manifests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml"))
        .collect();
    manifests.push(root().join("frames.yml"));
    manifests
}
