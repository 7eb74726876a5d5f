//! `frames validate` for machines: SARIF, GitHub's annotations, and on every change.

use crate::support::frames::{Project, Run};
use crate::support::process::{Background, eventually};
use rustix::process::Signal;
use serde_json::Value;

const BROKEN: &str = "service: ct-viewer\nauth: {mode: none}\ndelivery: {dicomwep: true}\n";
const VALID: &str = "service: ct-viewer\nauth: {mode: none}\n";

fn validate(project: &Project, directory: &str, arguments: &[&str]) -> Run {
    Run::of(
        project
            .command()
            .current_dir(project.path().join(directory))
            .env_remove("GITHUB_WORKSPACE")
            .arg("validate")
            .args(arguments),
    )
}

#[test]
fn sarif_is_json_alone_and_keeps_the_exit_codes() {
    let project = Project::new(BROKEN);
    let run = validate(&project, "", &["--format", "sarif"]);
    assert_eq!((run.code, run.stderr.as_str()), (3, ""));
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let unknown = results
        .iter()
        .find(|result| result["ruleId"] == "unknown-key")
        .unwrap();
    let place = &unknown["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "frames.yml");
    assert_eq!(place["region"]["startLine"], 3);
    assert_eq!(place["region"]["startColumn"], 12);
    assert_eq!(unknown["level"], "error");

    project.write("frames.yml", VALID);
    assert_eq!(validate(&project, "", &["--format", "sarif"]).code, 0);
}

#[test]
fn annotations_stand_at_the_line() {
    let project = Project::new(BROKEN);
    let run = validate(&project, "", &["--format", "github"]);
    assert_eq!(run.code, 3);
    assert!(
        run.stdout.contains(
            "::error file=frames.yml,line=3,col=12,endLine=3,endColumn=20,title=unknown-key::unknown key `dicomwep`%0Ahelp: did you mean `dicomweb`?\n"
        ),
        "{run:#?}"
    );
    assert!(run.stdout.lines().all(|line| line.starts_with("::")));
    assert!(run.stdout.contains("::warning file=frames.yml,"));
}

/// Services know a file by its path from the repository's root.
#[test]
fn files_are_named_from_the_repositorys_root() {
    let project = Project::empty();
    project.write("infra/frames.yml", BROKEN);
    project.write("infra/deeper/x", "");
    let absolute = project.path().join("infra/frames.yml");
    let absolute = absolute.to_str().unwrap();
    for (directory, arguments) in [
        ("infra", vec![]),
        ("infra/deeper", vec![]),
        ("", vec!["-c", "./infra/frames.yml"]),
        ("infra", vec!["-c", absolute]),
    ] {
        let run = Run::of(
            project
                .command()
                .current_dir(project.path().join(directory))
                .env("GITHUB_WORKSPACE", project.path())
                .args(["validate", "--format", "github"])
                .args(arguments),
        );
        assert!(
            run.stdout.contains("::error file=infra/frames.yml,"),
            "{run:#?}"
        );
    }
    // Without a workspace, from the directory that it is run in.
    let run = validate(&project, "", &["--format", "github", "-c", absolute]);
    assert!(run.stdout.contains(" file=infra/frames.yml,"), "{run:#?}");
}

#[test]
fn other_commands_say_which_formats_they_take() {
    let project = Project::new(VALID);
    for arguments in [
        ["package", "--format", "sarif"].as_slice(),
        &["schema", "--format", "github"],
        &["init", "x", "--format", "sarif"],
        &["validate", "--watch", "--format", "github"],
    ] {
        let run = project.frames(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert!(
            run.stderr
                .contains("use one of these: --format human or json\n"),
            "{run:#?}"
        );
    }
    assert!(!project.path().join("x").exists());
    // clap names the whole list.
    let run = project.frames(&["validate", "--format", "xml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("human, json, sarif, github"),
        "{run:#?}"
    );
}

#[test]
fn watching_checks_again_after_every_change() {
    let project = Project::new(BROKEN);
    let mut watch = Background::start(project.command().args(["validate", "--watch"]));
    let shows = |text: &str, times: usize| {
        eventually(text, || {
            (watch.output().matches(text).count() == times).then_some(())
        });
    };
    shows("unknown key `dicomwep`", 1);
    project.write("frames.yml", VALID.replace("ct-viewer", "1"));
    shows("isn't a service name", 1);
    // As editors do: another file in its place.
    project.write("new", BROKEN);
    std::fs::rename(
        project.path().join("new"),
        project.path().join("frames.yml"),
    )
    .unwrap();
    shows("unknown key `dicomwep`", 2);
    std::fs::remove_file(project.path().join("frames.yml")).unwrap();
    shows("frames waits until that changes", 1);
    project.write("frames.yml", "service: x\nauth: {mode: nune}\n");
    shows("did you mean `none`?", 1);
    let rounds = watch
        .output()
        .lines()
        .filter(|line| line.starts_with("--- "))
        .count();
    assert_eq!(rounds, 5, "{}", watch.output());

    assert_eq!(watch.end(Signal::INT), 130);
    eventually("a last line", || {
        watch
            .output()
            .contains("run the same command to watch it again")
            .then_some(())
    });
}

/// A key set is part of the manifest, and is watched although it isn't there yet.
#[test]
fn watching_includes_files_that_the_manifest_names() {
    let manifest = "service: x\nauth: {mode: oidc, issuer: 'https://a.example', audience: b, jwksFile: keys.json}\n";
    let project = Project::new(manifest);
    let mut watch = Background::start(
        project
            .command()
            .args(["validate", "--watch", "--format", "json"]),
    );
    let document = |n: usize| -> Value {
        let line = eventually("a document", || {
            let output = watch.output();
            let (whole, _) = output.rsplit_once('\n')?;
            whole
                .lines()
                // Both streams come in pieces: a document may follow on a line of stderr.
                .filter_map(|line| line.find('{').map(|at| line[at..].to_owned()))
                .nth(n)
        });
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(document(0)["ok"], false);
    project.write("keys.json", include_str!("manifests/jwks.json"));
    assert_eq!(document(1)["ok"], true, "{}", watch.output());
    project.write("keys.json", "{}");
    assert_eq!(document(2)["ok"], false);
    assert_eq!(watch.end(Signal::INT), 130);
}
