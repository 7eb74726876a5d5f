//! Every line of the tour, run by a shell as a reader would.

use crate::support::dev::CT;
use crate::support::frames::{Project, path_with};
use crate::support::peers::peers;
use crate::support::{read, target};
use std::ffi::OsString;
use std::process::Command;

/// The block of the page that comes after this mark.
fn block(mark: &str) -> &'static str {
    let page = include_str!("../docs/tour.md");
    let (_, after) = page.split_once(&format!("<!-- {mark} -->")).unwrap();
    let (_, after) = after.split_once("```sh\n").unwrap();
    let (block, _) = after.split_once("\n```").unwrap();
    block
}

/// A reader of a release has neither a clone nor cargo: nothing of the tour itself may need them.
#[test]
fn the_tour_is_for_an_installed_program() {
    for of_a_clone in ["cargo build", "target/", "pip install"] {
        assert!(!block("tour").contains(of_a_clone), "{of_a_clone}");
    }
    // Building takes too long to be run here. The version is the one that the tests build with.
    let clone = block("clone");
    assert!(clone.contains("cargo build --release"), "{clone}");
    let pinned = read("tests/peers/requirements.txt");
    let builder = pinned
        .lines()
        .find(|line| line.starts_with("cargo-lambda="));
    assert!(clone.contains(builder.unwrap()), "{clone}");
}

#[test]
fn every_line_of_the_tour_runs() {
    let tour = block("tour");
    assert!(tour.lines().count() > 30);

    // `frames` is installed, and the directory has nothing else.
    let place = Project::empty();
    let bin = place.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_frames"), bin.join("frames")).unwrap();
    let mut path = OsString::from(bin);
    path.push(":");
    path.push(path_with(&peers().bin()));
    let script = place.path().join("tour.sh");
    std::fs::write(&script, tour).unwrap();

    let output = Command::new("bash")
        // A line that fails leaves `frames dev` running, whose end this would wait for.
        .args(["-eu", "-m", "-c"])
        .arg("trap 'kill %1 2> /dev/null || true' EXIT; . ./tour.sh")
        .current_dir(place.path())
        .env("PATH", path)
        .env("XDG_CACHE_HOME", target().join("test-cache"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = format!("stdout:\n{stdout}\nstderr:\n{stderr}");
    assert!(output.status.success(), "{said}");
    for expected in [
        "unknown key `userPoolID`",
        "did you mean `userPoolId`?",
        "neither true nor false",
        "exit code 3",
        "unknown-key (error)",
        "plan.json",
        "HTTP/1.1 401",
        "x-cache: miss from cloudfront\nx-cache: hit from cloudfront\n401\n",
    ] {
        let found = stdout.replace('\r', "").to_lowercase();
        assert!(
            found.contains(&expected.to_lowercase()),
            "{expected}\n{said}"
        );
    }
    assert!(std::fs::read(place.path().join("frames-tour/frame.jph")).unwrap() == CT);
}
