//! Every line of the tour, run by a shell as a reader would.

use crate::support::dev::CT;
use crate::support::frames::{Project, path_with};
use crate::support::peers::peers;
use crate::support::target;
use std::process::Command;

#[test]
fn every_line_of_the_tour_runs() {
    let page = include_str!("../docs/tour.md");
    let (_, after) = page.split_once("<!-- tour -->").unwrap();
    let (_, after) = after.split_once("```sh\n").unwrap();
    let (tour, _) = after.split_once("\n```").unwrap();
    assert!(tour.lines().count() > 30);

    // A clone in which `cargo build --release` has built `frames`.
    let clone = Project::empty();
    let release = clone.path().join("target/release");
    std::fs::create_dir_all(&release).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_frames"), release.join("frames")).unwrap();
    let script = clone.path().join("tour.sh");
    std::fs::write(&script, tour).unwrap();

    let output = Command::new("bash")
        // A line that fails leaves `frames dev` running, whose end this would wait for.
        .args(["-eu", "-m", "-c"])
        .arg("trap 'kill %1 2> /dev/null || true' EXIT; . ./tour.sh")
        .current_dir(clone.path())
        .env("PATH", path_with(&peers().bin()))
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
    assert!(std::fs::read(clone.path().join("target/tour/frame.jph")).unwrap() == CT);
}
