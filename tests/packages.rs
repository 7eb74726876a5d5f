//! A release's packages (`release/pack.py`): a wheel and an archive, each installed on a machine that has nothing else, and
//! what is in them.

use crate::support::aws::Aws;
use crate::support::dev::{CT, Dev, bearer, get_frame};
use crate::support::frames::{Project, Run};
use crate::support::installer::only;
use crate::support::{read, release, root};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The data store that may be read.
const STORE: &str = "12345678901234567890123456789012";

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

/// The released binary with the tests' AWS, on a machine with nothing but what installed it.
struct Installed {
    project: Project,
    program: PathBuf,
    path: PathBuf,
}

fn done(command: &mut Command) -> Run {
    let run = Run::of(command);
    assert_eq!(run.code, 0, "{command:?}: {run:#?}");
    run
}

impl Installed {
    fn home(&self) -> PathBuf {
        self.project.path().join("home")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.project.path())
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", &self.path)
            .stdin(Stdio::null());
        command
    }

    fn frames(&self, arguments: &[&str]) -> Run {
        done(self.command().args(arguments))
    }

    /// From the first frames.yml to a delivery that is gone again.
    fn lives(&self) {
        for tool in ["cargo", "cargo-lambda", "node", "rustc", "zig"] {
            assert!(!self.path.join(tool).exists(), "{tool}");
        }
        let issuer = "https://login.example.org/";
        self.frames(&[
            "init",
            "--service",
            "heart",
            "--auth",
            "oidc",
            "--issuer",
            issuer,
            "--audience",
            "frames",
            "--datastore",
            STORE,
        ]);
        self.frames(&["validate"]);

        let dev = Dev::start_by(self.command(), &[]);
        let token = bearer(dev.token());
        assert_eq!(get_frame(&dev, &[], "").status, 401);
        let reply = get_frame(&dev, &[("Authorization", &token)], "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.body == CT);
        dev.stop();

        // This issuer has no address where keys could be fetched.
        let manifest = fs::read_to_string(self.project.path().join("frames.yml")).unwrap();
        let line = format!("  issuer: {issuer}\n");
        assert!(manifest.contains(&line), "{manifest}");
        let manifest = manifest.replace(&line, &format!("{line}  jwksFile: ./jwks.json\n"));
        self.project.write("frames.yml", manifest);
        self.project
            .write("jwks.json", read("tests/manifests/jwks.json"));
        self.frames(&["package"]);

        let account = Aws::shared().account();
        account.set(&json!({"step": 0.02, "datastores": {STORE: "ACTIVE"}}));
        let mut deploy = self.command();
        deploy.args(["deploy", "--yes"]).envs(account.environment());
        let url = done(&mut deploy).stdout;
        assert!(url.starts_with("https://"), "{url}");
        let names = ["heart-dev-lambda-edge", "heart-dev-cdn"];
        for name in names {
            let stacks = account.call(
                "cloudformation",
                "DescribeStacks",
                json!({"StackName": name}),
            );
            assert_eq!(
                stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE",
                "{name}"
            );
        }
        let mut remove = self.command();
        remove
            .args(["remove", "--yes", "--wait", "1m"])
            .envs(account.environment());
        done(&mut remove);
        // The logs and their key stay, and the bucket for artifacts.
        let goes = |line: &String| !line.starts_with("s3 ") && !line.starts_with("kms ");
        let left: Vec<String> = account.state().into_iter().filter(goes).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn a_wheel_is_all_that_a_delivery_needs() {
    let project = Project::empty();
    let venv = project.path().join("venv");
    let home = project.path().join("home");
    fs::create_dir(&home).unwrap();
    let installed = Installed {
        program: venv.join("bin/frames"),
        path: venv.join("bin"),
        project,
    };
    let mut make = Command::new("python3");
    done(make.args(["-m", "venv"]).arg(&venv));
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "--isolated",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ]);
        // It would ask a rustc on PATH for its version, and that may write to the home.
        pip.env("HOME", &home).env("PATH", &installed.path);
        done(pip.args(arguments))
    };
    let wheel = release::file(".whl");
    pip(&["install", "--no-index", wheel.to_str().unwrap()]);
    installed.lives();
    assert!(is_empty(&home));
    let shown = pip(&["show", "--files", "frames-cli"]).stdout;
    for said in [
        &format!("Version: {VERSION}"),
        "licenses/THIRD-PARTY-LICENSES.txt",
        "sboms/frames-",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    pip(&["uninstall", "--yes", "frames-cli"]);
    assert!(!installed.program.exists());
}

#[test]
fn an_archive_is_all_that_a_delivery_needs() {
    // What install.sh says it needs, and what POSIX has.
    const TOOLS: &[&str] = &[
        "cat",
        "chmod",
        "cp",
        "cut",
        "dirname",
        "getconf",
        "grep",
        "gzip",
        "head",
        "mkdir",
        "mktemp",
        "mv",
        "rm",
        "rmdir",
        "sed",
        "sh",
        "sha256sum",
        "sort",
        "tail",
        "tar",
        "tr",
        "uname",
        "wc",
    ];
    let project = Project::empty();
    let tools = only(TOOLS);
    let path = tools.path().to_owned();
    let home = project.path().join("home");
    fs::create_dir(&home).unwrap();
    let installed = Installed {
        program: home.join(".local/bin/frames"),
        path,
        project,
    };
    let install = |arguments: &[&str]| {
        let mut install = Command::new("sh");
        install
            .arg(release::packages().join("install.sh"))
            .args(arguments);
        install
            .env_clear()
            .env("HOME", &home)
            .env("PATH", &installed.path);
        done(&mut install)
    };
    install(&["--from", release::packages().to_str().unwrap()]);
    installed.lives();
    let share = home.join(".local/share");
    for file in [
        "man/man1/frames.1",
        "man/man1/frames-init.1",
        "bash-completion/completions/frames",
    ] {
        assert!(share.join(file).is_file(), "{file}");
    }
    install(&["--uninstall"]);
    assert!(
        is_empty(&home),
        "{:?}",
        fs::read_dir(&home).unwrap().collect::<Vec<_>>()
    );
}

#[test]
fn the_same_binary_gives_the_same_packages() {
    let again = tempfile::tempdir().unwrap();
    release::pack(release::binary(), again.path());
    let (first, second) = (contents(release::packages()), contents(again.path()));
    assert!(first.keys().eq(second.keys()));
    for (name, content) in &first {
        assert!(content == &second[name], "{name} is different");
    }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        )
    });
    named
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

#[test]
fn every_file_has_its_sum() {
    let files = contents(release::packages());
    let sums = std::str::from_utf8(&files["SHA256SUMS"]).unwrap();
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sum, name)| (name, sum))
        .collect();
    assert_eq!(sums.len() + 1, files.len());
    for (name, sum) in &sums {
        let found = format!("{:x}", Sha256::digest(&files[*name]));
        assert_eq!(&found, sum, "{name}");
    }
    // What names the archive says the same sum.
    let address = format!(
        "url \"https://downloads.example.org/frames/frames-{VERSION}-x86_64-linux.tar.gz\""
    );
    let formula = std::str::from_utf8(&files["frames.rb"]).unwrap();
    assert!(formula.contains(&address), "{formula}");
    let archive = sums[&*format!("frames-{VERSION}-x86_64-linux.tar.gz")];
    let templates = contents(&root().join("release/templates"));
    for template in templates.keys() {
        let name = template.strip_suffix(".in").unwrap();
        let text = std::str::from_utf8(&files[name]).unwrap();
        for said in [archive, VERSION] {
            assert!(text.contains(said), "{name}: {said}");
        }
        for placeholder in ["@VERSION@", "@SHA256@", "@URL@"] {
            assert!(!text.contains(placeholder), "{name}: {placeholder}");
        }
    }
}

#[test]
fn wheel_and_archive_hold_one_binary() {
    let binary = fs::read(release::binary()).unwrap();
    let wheel = fs::File::open(release::file(".whl")).unwrap();
    let mut wheel = zip::ZipArchive::new(wheel).unwrap();
    let script = format!("frames_cli-{VERSION}.data/scripts/frames");
    let mut script = wheel.by_name(&script).unwrap();
    assert_eq!(script.unix_mode().unwrap() & 0o777, 0o755);
    let mut in_wheel = Vec::new();
    script.read_to_end(&mut in_wheel).unwrap();
    assert!(in_wheel == binary);
    drop(script);
    let about = format!("frames_cli-{VERSION}.dist-info/METADATA");
    let mut metadata = String::new();
    let mut entry = wheel.by_name(&about).unwrap();
    entry.read_to_string(&mut metadata).unwrap();
    let version = format!("Version: {VERSION}");
    for line in [
        "Name: frames-cli",
        &version,
        "License-Expression: Apache-2.0",
    ] {
        assert!(metadata.lines().any(|said| said == line), "{metadata}");
    }

    let folder = format!("frames-{VERSION}-x86_64-linux");
    let archive = fs::File::open(release::file(".tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut held = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let header = entry.header();
        let owner = (header.uid().unwrap(), header.gid().unwrap());
        assert_eq!(owner, (0, 0), "{path}");
        let time = header.mtime().unwrap().to_string();
        assert_eq!(time, release::TIME, "{path}");
        let mode = header.mode().unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        held.insert(path, (mode, content));
    }
    assert!(held[&format!("{folder}/frames")] == (0o755, binary));
    for file in [
        "LICENSE",
        "THIRD-PARTY-LICENSES.txt",
        "completions/_frames",
        "completions/frames.bash",
        "completions/frames.fish",
        "man/man1/frames.1",
        "man/man1/frames-deploy.1",
    ] {
        let (mode, content) = &held[&format!("{folder}/{file}")];
        assert_eq!(*mode, 0o644, "{file}");
        assert!(!content.is_empty(), "{file}");
    }
}

/// Whatever else a release may be, it is never one that needs what it was to bring along.
#[test]
fn a_binary_without_programs_isnt_packed() {
    let out = tempfile::tempdir().unwrap();
    let mut command = release::packing(Path::new(env!("CARGO_BIN_EXE_frames")), out.path());
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("has no programs inside"), "{run:#?}");
    assert!(is_empty(out.path()));
}

/// The programs in a release come from the tools that all other tests ran with.
#[test]
fn a_releases_tools_are_pinned_by_their_sums() {
    let pins = |file: &str| -> BTreeMap<String, String> {
        let text = read(file);
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pins = lines.map(|line| {
            let (name, rest) = line
                .split_once("==")
                .unwrap_or_else(|| panic!("{file}: {line}"));
            (name.to_owned(), rest.to_owned())
        });
        pins.collect()
    };
    let peers = pins("tests/peers/requirements.txt");
    let tools = pins("release/tools.txt");
    for tool in ["cargo-lambda", "ziglang"] {
        let (version, _) = tools[tool].split_once(' ').unwrap();
        assert_eq!(version, peers[tool], "{tool}");
    }
    let mut all = tools;
    all.extend(pins("release/pack.txt"));
    assert!(all.len() > 10, "{all:?}");
    for (name, pin) in all {
        let (_, sum) = pin
            .split_once(" --hash=sha256:")
            .unwrap_or_else(|| panic!("{name}: {pin}"));
        assert!(
            sum.len() == 64 && sum.chars().all(|digit| digit.is_ascii_hexdigit()),
            "{name}: {pin}"
        );
    }
}
