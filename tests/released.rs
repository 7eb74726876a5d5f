//! The programs inside a release's binary, and what `frames --version` says of them.
//! `FRAMES_RELEASED` names a binary that `release/build` made; without it, the tests build one without optimisation.

use crate::support::dev::{CT, CT_INSTANCE, CT_SERIES, CT_STUDY, Dev, bearer, get_frame};
use crate::support::dicom::File;
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

/// The decoder of RLE indexes behind the end of a segment that is too short.
fn short_segment() -> Vec<u8> {
    let mut frame = vec![1, 0, 0, 0, 64, 0, 0, 0];
    frame.resize(64, 0);
    // A run of four octets, for eight pixels.
    frame.extend([0xFD, 7]);
    let short = |number: u16| number.to_le_bytes();
    File::of("1.2.840.10008.1.2.5")
        .with(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.7")
        .with(0x0008, 0x0018, b"UI", b"1.2.3.4.5")
        .with(0x0020, 0x000D, b"UI", b"1.2.3")
        .with(0x0020, 0x000E, b"UI", b"1.2.3.4")
        .with(0x0028, 0x0002, b"US", &short(1))
        .with(0x0028, 0x0004, b"CS", b"MONOCHROME2")
        .with(0x0028, 0x0010, b"US", &short(2))
        .with(0x0028, 0x0011, b"US", &short(4))
        .with(0x0028, 0x0100, b"US", &short(8))
        .with(0x0028, 0x0101, b"US", &short(8))
        .encapsulated(&frame)
        .bytes()
}

#[test]
fn a_decoder_that_panics_costs_one_image_where_nothing_unwinds_too() {
    let project = Project::new("service: x\nauth: {mode: none}\ndelivery: {dicomweb: true}\n");
    let images = project.path().join("images");
    fs::create_dir(&images).unwrap();
    fs::write(images.join("broken.dcm"), short_segment()).unwrap();
    let whole = crate::support::root().join("compiler/emulator/data/study/ct_small.dcm");
    fs::copy(whole, images.join("whole.dcm")).unwrap();
    let arguments = ["--dicom", images.to_str().unwrap()];
    for command in [released(&project), project.command()] {
        let dev = Dev::start_by(command, &arguments);
        let get = |instance: &str, accept: &str| {
            let store = dev.ready["frame"]["datastoreId"].as_str().unwrap();
            let url = format!("{}/datastore/{store}{instance}/frames/1", dev.url());
            dev.request("GET", &url, &[("Accept", accept)], None)
        };
        let broken = "/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.5";
        let whole = format!("/studies/{CT_STUDY}/series/{CT_SERIES}/instances/{CT_INSTANCE}");
        let octets = "multipart/related; type=application/octet-stream; transfer-syntax";
        let decoded = |instance: &str| get(instance, &format!("{octets}=1.2.840.10008.1.2.1"));
        let refused = || {
            let reply = decoded(broken);
            assert_eq!(reply.status, 406, "{}", reply.text());
            let said = "broken.dcm: the frame can't be decoded: it is broken";
            assert!(reply.text().contains(said), "{}", reply.text());
        };
        refused();
        assert_eq!(decoded(&whole).status, 200);
        let threads = dev.threads("decoder");
        for _ in 0..20 {
            refused();
            assert_eq!(decoded(&whole).status, 200);
        }
        assert!(dev.threads("decoder") <= threads, "one for each request");
        // What needs no decoder is served as before.
        assert_eq!(get(broken, &format!("{octets}=*")).status, 200);
        assert!(!dev.stderr().contains("panicked"), "{}", dev.stderr());
        dev.stop();
    }
}
