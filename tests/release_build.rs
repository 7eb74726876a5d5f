//! `release/build`: what it refuses, and what it leaves behind. A whole run takes half an hour: what it would build and
//! pack with are stand-ins here.

use crate::support::frames::{Project, Run, path_with, set_apart};
use crate::support::{read, root};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The script says what it refuses.
fn refused(command: &mut Command, out: &Path) -> String {
    let run = Run::of(command.current_dir(root()).arg("release/build").arg(out));
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
    run.stderr
}

fn executable(project: &Project, name: &str, script: &str) {
    project.write(name, script);
    let file = project.path().join(name);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_release_is_refused_where_nobody_has_tried_it() {
    let project = Project::empty();
    let out = project.path().join("out");
    for (system, machine) in [("Darwin", "arm64"), ("Linux", "aarch64")] {
        let script =
            format!("#!/bin/sh\ncase $1 in -s) echo {system} ;; *) echo {machine} ;; esac\n");
        executable(&project, "bin/uname", &script);
        let mut command = Command::new("bash");
        command.env("PATH", path_with(&project.path().join("bin")));
        let said = refused(&mut command, &out);
        assert!(
            said.contains(&format!("this is {system} on {machine}")),
            "{said}"
        );
    }
    // What is in a folder already would be published with the rest.
    project.write("out/old.whl", "");
    let said = refused(&mut Command::new("bash"), &out);
    assert!(said.contains("isn't empty"), "{said}");
}

/// Its program begins with a text, and has as many bytes as it is told.
const CARGO: &str = r#"#!/bin/sh
case $1 in
  build)
    mkdir -p target/debug
    printf '#!/bin/sh\n' >target/debug/frames
    chmod +x target/debug/frames
    ;;
  zigbuild)
    made=$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/dist
    mkdir -p "$made"
    printf '%s' "$TEST_TEXT" >"$made/frames"
    truncate -s "$TEST_PROGRAM" "$made/frames"
    ;;
esac
"#;

/// Makes a virtual environment with itself in it, and packs.
const PYTHON: &str = r#"#!/bin/sh
case "$1 $2" in
  '-m venv') mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  '-B release/pack.py')
    mkdir "$4" && cd "$4" || exit 1
    echo archive >frames.tar.gz
    truncate -s "$TEST_WHEEL" frames.whl
    sha256sum frames.* >SHA256SUMS
    ;;
esac
"#;

/// The script among stand-ins for its tools.
fn among_stand_ins() -> Project {
    let project = Project::new("service: x\n");
    project.write("release/build", read("release/build"));
    for pins in ["release/tools.txt", "release/pack.txt"] {
        project.write(pins, "");
    }
    let uname = "#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo x86_64 ;; esac\n";
    for (name, script) in [
        ("cargo", CARGO),
        ("python3", PYTHON),
        ("rustc", "#!/bin/sh\necho /sysroot\n"),
        ("uname", uname),
    ] {
        executable(&project, &format!("bin/{name}"), script);
    }
    project
}

/// A run with a program and a wheel of so many bytes.
fn built(project: &Project, out: &Path, text: &str, program: u64, wheel: u64) -> Run {
    let mut command = Command::new("bash");
    set_apart(&mut command);
    command
        .arg(project.path().join("release/build"))
        .arg(out)
        .env("PATH", path_with(&project.path().join("bin")))
        .env("CARGO_HOME", "/cargo-home")
        .env("FRAMES_COMMIT", "0123456")
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env_remove("FRAMES_URL")
        .env("TEST_TEXT", text)
        .env("TEST_PROGRAM", program.to_string())
        .env("TEST_WHEEL", wheel.to_string())
        .stdin(Stdio::null());
    Run::of(&mut command)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder that isn't there yet, and an empty one. Each is in a folder of its own.
fn places(project: &Project) -> [PathBuf; 2] {
    let [absent, empty] = ["absent", "empty"].map(|name| project.path().join(name).join("out"));
    fs::create_dir_all(&empty).unwrap();
    [absent, empty]
}

#[test]
fn a_release_appears_at_once() {
    let project = among_stand_ins();
    for out in places(&project) {
        let run = built(&project, &out, "", 25_000_000, 9_000_000);
        assert_eq!(run.code, 0, "{run:#?}");
        assert_eq!(names(&out), ["SHA256SUMS", "frames.tar.gz", "frames.whl"]);
        assert_eq!(names(out.parent().unwrap()), ["out"]);
        let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
        assert_eq!(run.stdout, sums);
        // Anybody may read it, whatever the folder was made in.
        let mode = fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}

#[test]
fn a_release_that_fails_leaves_nothing() {
    let project = among_stand_ins();
    for (text, program, wheel, said) in [
        ("", 25_000_001, 1, "frames is too large"),
        ("/cargo-home/x", 100, 1, "has paths of this machine in it"),
        ("", 100, 9_000_001, "frames.whl is too large"),
    ] {
        let [absent, empty] = places(&project);
        for out in [&absent, &empty] {
            let run = built(&project, out, text, program, wheel);
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
            assert!(run.stderr.contains(said), "{run:#?}");
        }
        assert_eq!(names(absent.parent().unwrap()), [""; 0], "{said}");
        assert_eq!(names(empty.parent().unwrap()), ["out"], "{said}");
        assert_eq!(names(&empty), [""; 0], "{said}");
    }
}
