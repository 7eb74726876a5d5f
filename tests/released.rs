//! The programs inside a release's binary, and what `frames --version` says of them.
//! `FRAMES_RELEASED` names a binary that `release/build` made; without it, the tests build one without optimisation.

use crate::support::dev::{CT, Dev, bearer, get_frame};
use crate::support::frames::{Project, Run};
use crate::support::release;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const VERSION: [&str; 3] = ["--version", "--format", "json"];

/// On a machine with nothing: no tool, no cache, no settings.
fn released(project: &Project) -> Command {
    for name in ["home", "bin"] {
        fs::create_dir_all(project.path().join(name)).unwrap();
    }
    let mut command = Command::new(release::binary());
    command
        .current_dir(project.path())
        .env_clear()
        .env("HOME", project.path().join("home"))
        .env("PATH", project.path().join("bin"))
        .stdin(Stdio::null());
    command
}

fn output(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(project.output("")).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The SHA-256 of each packaged program.
fn programs(project: &Project) -> Value {
    let zips = output(project).into_iter().filter_map(|(name, bytes)| {
        let function = name.strip_suffix(".zip")?.rsplit_once('-')?.0.to_owned();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut program = Vec::new();
        let mut entry = zip.by_name("bootstrap").unwrap();
        entry.read_to_end(&mut program).unwrap();
        Some((function, json!(format!("{:x}", Sha256::digest(program)))))
    });
    Value::Object(zips.collect())
}

/// With every program that there is.
fn whole() -> Project {
    Project::new(
        "service: released
auth: {mode: oidc, issuer: https://issuer.example.org/, audience: frames}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
delivery: {cachedReads: true}
",
    )
}

fn said(run: &Run) -> Value {
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:#?}");
    serde_json::from_str(&run.stdout).unwrap()
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

#[test]
fn the_version_tells_which_programs_are_deployed() {
    let project = whole();
    project.package();
    let version = said(&project.frames(&VERSION));
    let commit = version["commit"].as_str();
    assert_eq!(
        version,
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "commit": commit,
            "programs": programs(&project),
            "embedded": false,
        })
    );
    let short = commit.map(|commit| format!(" ({})", &commit[..12]));
    let expected = format!(
        "frames {}{}\n",
        env!("CARGO_PKG_VERSION"),
        short.unwrap_or_default()
    );
    for arguments in [&["--version"][..], &["-V"], &["--version", "--quiet"]] {
        assert_eq!(project.frames(arguments).stdout, expected, "{arguments:?}");
    }
}

/// Nothing is built to answer.
#[test]
fn programs_that_arent_built_have_no_hash() {
    let project = Project::empty();
    let cache = project.path().join("cache");
    for cache in [cache.to_str().unwrap(), ""] {
        let mut command = project.command();
        let run = Run::of(
            command
                .args(VERSION)
                .env("XDG_CACHE_HOME", cache)
                .env("HOME", ""),
        );
        let version = said(&run);
        assert_eq!(
            version["programs"],
            json!({"authorizer": null, "reader": null, "signer": null})
        );
    }
    assert!(!cache.exists());
}

#[test]
fn a_release_packages_the_same_bytes_without_any_tool() {
    let project = whole();
    let run = Run::of(released(&project).args(["package", "--verbose"]));
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr.contains("programs from inside this frames"),
        "{run:#?}"
    );
    assert!(is_empty(&project.path().join("home")));
    let built = whole();
    built.package();
    assert!(output(&project) == output(&built));

    let mut command = released(&project);
    let version = said(&Run::of(command.args(VERSION)));
    assert_eq!(version["embedded"], json!(true));
    assert_eq!(version["programs"], programs(&built));
    let mut command = released(&project);
    let line = Run::of(command.arg("--version")).stdout;
    assert!(line.ends_with("programs inside)\n"), "{line}");

    let mut command = released(&project);
    let doctor = Run::of(command.args(["doctor", "--format", "json"]));
    let doctor: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let line = checks.iter().find(|check| check["name"] == "programs");
    let found = "the edge functions are inside this frames";
    let expected = json!({"name": "programs", "state": "ok", "found": found, "help": null});
    assert_eq!(line, Some(&expected));
}

#[test]
fn a_release_serves_a_frame_without_any_tool() {
    let project = Project::example();
    let dev = Dev::start_by(released(&project), &[]);
    let token = bearer(dev.token());
    let reply = get_frame(&dev, &[("Authorization", &token)], "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.body == CT);
    dev.stop();
    assert!(is_empty(&project.path().join("home")));
}
