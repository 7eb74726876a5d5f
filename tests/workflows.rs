//! The workflows, the one to copy among them, and the templates of a release: by GitHub's own
//! language service and by other people's linters.

use crate::support::frames::Run;
use crate::support::peers::fed;
use crate::support::peers::{linters, node_modules};
use crate::support::yaml::yaml;
use crate::support::{read, root};
use clap::Parser;
use frames::cli::Cli;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Where frames will be isn't known yet.
const OURS: &str = "OWNER/frames/action@0000000000000000000000000000000000000000";

/// Workflows, the example among them, and the action, by the names that GitHub wants.
fn sources() -> Vec<(String, String)> {
    let folder = root().join(".github/workflows");
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut sources: Vec<_> = names
        .map(|name| format!(".github/workflows/{name}"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    let example = ".github/workflows/example.yml".to_owned();
    sources.push((example, read("action/example.yml")));
    sources.push(("action/action.yml".to_owned(), read("action/action.yml")));
    sources
}

/// What GitHub's language service finds.
fn findings(sources: &[(String, String)]) -> Vec<String> {
    let mut actions: Value = serde_json::from_str(&read("tests/peers/actions.json")).unwrap();
    let ours = yaml(&read("action/action.yml"));
    let inputs: Vec<&String> = ours["inputs"].as_object().unwrap().keys().collect();
    actions[OURS] = json!({"inputs": inputs, "required": []});
    let mut node = Command::new("node");
    node.arg(root().join("tests/peers/workflows.mjs"))
        .current_dir(node_modules().parent().unwrap());
    let input = json!({"files": sources, "actions": actions});
    serde_json::from_str(&fed(&mut node, &input.to_string())).unwrap()
}

/// The same with something else in one of them.
fn with(sources: &[(String, String)], name: &str, from: &str, to: &str) -> Vec<(String, String)> {
    let mut changed = sources.to_vec();
    let file = changed.iter_mut().find(|(path, _)| path.ends_with(name));
    let (_, text) = file.unwrap();
    assert!(text.contains(from), "{from}");
    *text = text.replacen(from, to, 1);
    changed
}

/// `tests/peers/actions.json` has the actions whose tag was looked up, with the inputs that they
/// have at that commit. Another one is a finding.
#[test]
fn workflows_and_action_are_what_github_takes() {
    let sources = sources();
    assert!(sources.len() >= 5);
    assert_eq!(findings(&sources), Vec::<String>::new());
    for (name, from, to, said) in [
        (
            "ci.yml",
            "persist-credentials",
            "persist-credential",
            "Invalid action input",
        ),
        ("ci.yml", "3d3c42e5", "3d3c42e6", "Unable to resolve action"),
        (
            "ci.yml",
            "timeout-minutes",
            "timeout-minute",
            "Unexpected value",
        ),
        ("release.yml", "needs: build", "needs: built", "built"),
        (
            "example.yml",
            "          command: diff",
            "          comand: diff",
            "Invalid action input",
        ),
        (
            "example.yml",
            "github.event_name ==",
            "github.event_nam ==",
            "Context access",
        ),
        (
            "action.yml",
            "inputs.from",
            "input.from",
            "Unrecognized named-value",
        ),
        (
            "action.yml",
            "using: composite",
            "using: composed",
            "composed",
        ),
    ] {
        let broken = with(&sources, name, from, to);
        let found = findings(&broken);
        assert!(
            !found.is_empty() && found.iter().any(|finding| finding.contains(said)),
            "{to}: {found:?}"
        );
    }
    let actions: Value = serde_json::from_str(&read("tests/peers/actions.json")).unwrap();
    let mut used = 0;
    for (name, text) in &sources {
        for line in text
            .lines()
            .filter(|line| line.trim().trim_start_matches("- ").starts_with("uses: "))
        {
            let (_, reference) = line.split_once("uses: ").unwrap();
            let (action, version) = reference.split_once(" # ").unwrap();
            used += 1;
            let known = if action == OURS {
                format!("v{}", env!("CARGO_PKG_VERSION"))
            } else {
                actions[action]["version"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            assert_eq!(version, known, "{name}: {line}");
        }
    }
    assert!(used > 15, "{used}");
}

#[test]
fn zizmor_finds_nothing() {
    let audit = |sources: &[(String, String)]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in sources {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut command = Command::new(linters().join("zizmor"));
        command.args([
            "--offline",
            "--no-progress",
            "--no-config",
            "--strict-collection",
        ]);
        Run::of(command.arg(folder.path()).env("NO_COLOR", "1"))
    };
    let sources = sources();
    let run = audit(&sources);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("No findings to report"), "{run:#?}");
    for (name, from, to, said) in [
        (
            "example.yml",
            "  pull_request:\n",
            "  pull_request_target:\n",
            "dangerous-triggers",
        ),
        (
            "release.yml",
            "    permissions: {contents: write}",
            "    permissions: write-all",
            "excessive-permissions",
        ),
        (
            "release.yml",
            "@3d3c42e5aac5ba805825da76410c181273ba90b1",
            "@v7",
            "unpinned-uses",
        ),
        (
            "release.yml",
            "        with: {persist-credentials: false}\n",
            "",
            "artipacked",
        ),
        (
            "action.yml",
            "bin=$RUNNER_TEMP",
            "bin=${{ inputs.from }}",
            "template-injection",
        ),
    ] {
        let broken = with(&sources, name, from, to);
        let run = audit(&broken);
        assert!(
            run.code != 0 && run.stdout.contains(said),
            "{said}: {run:#?}"
        );
    }
}

/// What the linters know as rules of thumb, and what is ours: as few permissions as a job needs.
#[test]
fn a_job_may_do_what_it_needs() {
    let release = yaml(&read(".github/workflows/release.yml"));
    let example = yaml(&read("action/example.yml"));
    let permissions = |workflow: &Value, job: &str| workflow["jobs"][job]["permissions"].clone();
    assert_eq!(release["permissions"], json!({"contents": "read"}));
    assert_eq!(example["permissions"], json!({}));
    for (workflow, job, may) in [
        // What builds can neither sign nor publish.
        (&release, "build", Value::Null),
        (&release, "elsewhere", Value::Null),
        (
            &release,
            "attest",
            json!({"id-token": "write", "attestations": "write"}),
        ),
        (&release, "publish", json!({"contents": "write"})),
        (
            &release,
            "pypi",
            json!({"contents": "read", "id-token": "write"}),
        ),
        (&example, "validate", json!({"contents": "read"})),
        (
            &example,
            "diff",
            // The last is for the comment with the graph.
            json!({"contents": "read", "id-token": "write", "pull-requests": "write"}),
        ),
        (
            &example,
            "deploy",
            json!({"contents": "read", "id-token": "write"}),
        ),
    ] {
        assert_eq!(permissions(workflow, job), may, "{job}");
    }
    // Whatever gets credentials or publishes has an environment, whose rules say who agrees.
    for (workflow, jobs) in [
        (&release, &["publish", "pypi"][..]),
        (&example, &["diff", "deploy"]),
    ] {
        for job in jobs {
            assert!(workflow["jobs"][job]["environment"].is_string(), "{job}");
        }
    }
    for (name, text) in sources() {
        let long_lived = ["secrets.", "aws-access-key-id", "AWS_SECRET_ACCESS_KEY"];
        let found = long_lived.iter().find(|word| text.contains(**word));
        assert!(found.is_none(), "{name}: {found:?}");
    }
    let [diff, deploy] = ["diff", "deploy"].map(|job| &example["jobs"][job]["concurrency"]);
    for concurrency in [diff, deploy, &release["concurrency"]] {
        assert_eq!(concurrency["cancel-in-progress"], "false");
    }
    // A job that waits gives way to a newer one of its group: a diff never to a deployment's cost.
    assert_ne!(diff["group"], deploy["group"]);
}

/// The example's command lines are frames'.
#[test]
fn the_examples_commands_are_frames_own() {
    let example = yaml(&read("action/example.yml"));
    let mut commands = Vec::new();
    for job in example["jobs"].as_object().unwrap().values() {
        for step in job["steps"].as_array().unwrap() {
            let Some(command) = step["with"]["command"].as_str() else {
                continue;
            };
            let arguments = step["with"]["args"].as_str().unwrap().lines();
            let line: Vec<&str> = ["frames", command].into_iter().chain(arguments).collect();
            assert!(Cli::try_parse_from(&line).is_ok(), "{line:?}");
            commands.push(command.to_owned());
        }
    }
    commands.sort();
    assert_eq!(commands, ["deploy", "diff", "diff", "validate"]);
    assert!(Cli::try_parse_from(["frames", "validate", "--formt", "github"]).is_err());
}

/// A template of release/, filled in.
fn rendered(name: &str) -> String {
    let text = read(&format!("release/templates/{name}"));
    let values = [
        ("@VERSION@", "1.2.3".to_owned()),
        ("@SHA256@", "0".repeat(64)),
        (
            "@URL@",
            "https://example.org/frames-1.2.3-x86_64-linux.tar.gz".to_owned(),
        ),
    ];
    let text = values
        .iter()
        .fold(text, |text, (hole, value)| text.replace(hole, value));
    let hole = text
        .split_whitespace()
        .find(|word| word.starts_with('@') && word.ends_with('@'));
    assert!(hole.is_none(), "{name}: {hole:?}");
    text
}

/// By Ruby's own parser. brew itself isn't here.
#[test]
fn the_formula_is_ruby_and_installs_what_is_in_the_archive() {
    let errors = |source: &str| {
        let mut node = Command::new("node");
        node.arg("--no-warnings")
            .arg(root().join("tests/peers/formula.mjs"))
            .current_dir(node_modules().parent().unwrap());
        let errors: Vec<String> = serde_json::from_str(&fed(&mut node, source)).unwrap();
        errors
    };
    let formula = rendered("frames.rb.in");
    assert_eq!(errors(&formula), Vec::<String>::new());
    assert!(!errors(&formula.replacen("  end\n", "", 1)).is_empty());
    let (_, install) = formula.split_once("def install\n").unwrap();
    let (install, _) = install.split_once("\n  end").unwrap();
    let quoted: Vec<&str> = install.split('"').skip(1).step_by(2).collect();
    let archive = [
        "frames",
        "man/man1/frames*.1",
        "completions/frames.bash",
        "completions/_frames",
        "completions/frames.fish",
        "LICENSE",
        "THIRD-PARTY-LICENSES.txt",
    ];
    for name in archive {
        assert!(quoted.contains(&name), "{name}: {quoted:?}");
    }
    assert!(
        quoted.iter().all(|name| archive.contains(name)),
        "{quoted:?}"
    );
}

#[test]
fn hadolint_finds_nothing_in_the_container_file() {
    let lint = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let mut command = Command::new(linters().join("hadolint"));
        Run::of(
            command
                .args(["--no-color", "--failure-threshold", "style"])
                .arg(file.path()),
        )
    };
    let text = rendered("Containerfile.in");
    let run = lint(&text);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    let run = lint(&text.replace("USER 1000", "USER root"));
    assert!(run.code != 0 && run.stdout.contains("DL3002"), "{run:#?}");
    assert!(text.contains("sha256sum --check --strict"), "{text}");
}

/// docs/ci.md: the step is one that GitHub takes, and the role trusts one environment.
#[test]
fn the_pages_blocks_are_right() {
    let page = read("docs/ci.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let step: String = block("yaml")
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let workflow = |step: &str| {
        let head = "on: push\njobs:\n  x:\n    runs-on: ubuntu-24.04\n    steps:\n";
        [(
            ".github/workflows/page.yml".to_owned(),
            format!("{head}{step}"),
        )]
    };
    assert_eq!(findings(&workflow(&step)), Vec::<String>::new());
    assert!(!findings(&workflow(&step.replace("args:", "arguments:"))).is_empty());

    let policy: Value = serde_json::from_str(&block("json")).unwrap();
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Action"], "sts:AssumeRoleWithWebIdentity");
    let condition = statement["Condition"]["StringEquals"].as_object().unwrap();
    let value = |claim: &str| {
        let name = format!("token.actions.githubusercontent.com:{claim}");
        condition[&name].as_str().unwrap().to_owned()
    };
    assert_eq!(value("aud"), "sts.amazonaws.com");
    let example = yaml(&read("action/example.yml"));
    let environment = example["jobs"]["deploy"]["environment"].as_str().unwrap();
    assert_eq!(
        value("sub"),
        format!("repo:OWNER/REPOSITORY:environment:{environment}")
    );

    // Inputs and outputs of the action, all of them.
    let action = yaml(&read("action/action.yml"));
    for kind in ["inputs", "outputs"] {
        for name in action[kind].as_object().unwrap().keys() {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
