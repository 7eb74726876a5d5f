//! The GitHub Action. Its steps run as GitHub's runner would run them; GitHub itself is never asked.

use crate::support::frames::Run;
use crate::support::https::{Https, answer, with_field};
use crate::support::installer::{Home, Release};
use crate::support::yaml::yaml;
use crate::support::{read, root};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A job that uses the action, on a runner.
struct Job {
    home: Home,
    inputs: Map<String, Value>,
    server: String,
    repository: String,
    variables: BTreeMap<String, String>,
    /// Of the pull request that the run is for.
    event: BTreeMap<String, String>,
}

/// How the action ended: its last step's run, its outputs, and the runner's files.
#[derive(Debug)]
struct Ended {
    runs: Vec<Run>,
    outputs: BTreeMap<String, String>,
    path: String,
    summary: String,
}

impl Ended {
    fn last(&self) -> &Run {
        self.runs.last().unwrap()
    }

    /// How the job's step ends: as the first of these that failed.
    fn code(&self) -> i32 {
        let mut codes = self.runs.iter().map(|run| run.code);
        codes.find(|code| *code != 0).unwrap_or(0)
    }
}

impl Job {
    fn new(inputs: &[(&str, &str)]) -> Self {
        let given = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        let job = Self {
            home: Home::new(),
            inputs: given.collect(),
            server: "https://127.0.0.1:1".to_owned(),
            repository: "owner/frames".to_owned(),
            variables: BTreeMap::new(),
            event: BTreeMap::new(),
        };
        fs::create_dir(job.home.path().join("runner")).unwrap();
        job
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.temporary().parent().unwrap().join(name)
    }

    /// Runs each step. After one that failed, only those whose condition asks how the run stands.
    fn run(&self) -> Ended {
        let action = yaml(&read("action/action.yml"));
        assert_eq!(action["runs"]["using"], "composite");
        let mut context = BTreeMap::from([
            (
                "github.action_repository".to_owned(),
                self.repository.clone(),
            ),
            ("github.server_url".to_owned(), self.server.clone()),
            ("github.token".to_owned(), "secret-of-the-job".to_owned()),
        ]);
        for (name, value) in &self.event {
            context.insert(format!("github.event.pull_request.{name}"), value.clone());
        }
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = filled(input["default"].as_str().unwrap(), &context);
            let given = self.inputs.get(name);
            let value = given.map_or(default, |value| value.as_str().unwrap().to_owned());
            context.insert(format!("inputs.{name}"), value);
        }
        for name in ["path", "summary"] {
            fs::write(self.file(name), "").unwrap();
        }
        let mut runs = Vec::new();
        for step in action["runs"]["steps"].as_array().unwrap() {
            let failed = runs.iter().any(|run: &Run| run.code != 0);
            if !holds(step.get("if"), &context, failed) {
                continue;
            }
            let (run, outputs) = self.step(step, &context);
            let id = step["id"].as_str().unwrap();
            context.extend(
                outputs
                    .into_iter()
                    .map(|(name, value)| (format!("steps.{id}.outputs.{name}"), value)),
            );
            runs.push(run);
        }
        let outputs = action["outputs"].as_object().unwrap().iter();
        let outputs = outputs.map(|(name, output)| {
            let value = filled(output["value"].as_str().unwrap(), &context);
            (name.clone(), value)
        });
        let text = |name: &str| fs::read_to_string(self.file(name)).unwrap();
        Ended {
            runs,
            outputs: outputs.collect(),
            path: text("path"),
            summary: text("summary"),
        }
    }

    /// One step, and what it wrote to GITHUB_OUTPUT.
    fn step(
        &self,
        step: &Value,
        context: &BTreeMap<String, String>,
    ) -> (Run, BTreeMap<String, String>) {
        assert_eq!(step["shell"], "bash");
        let script = self.file("step.sh");
        fs::write(&script, step["run"].as_str().unwrap()).unwrap();
        fs::write(self.file("output"), "").unwrap();
        let folder = step
            .get("working-directory")
            .map_or_else(String::new, |folder| {
                filled(folder.as_str().unwrap(), context)
            });
        // GitHub's documentation, "Workflow syntax", on `shell`.
        let shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"];
        let mut command = self.home.shell(&shell);
        command
            .arg(&script)
            .current_dir(self.home.path().join(folder))
            .env("GITHUB_WORKSPACE", self.home.path())
            .env("GITHUB_ACTION_PATH", root().join("action"))
            .env("RUNNER_TEMP", self.home.path().join("runner"))
            .env("GITHUB_PATH", self.file("path"))
            .env("GITHUB_OUTPUT", self.file("output"))
            .env("GITHUB_STEP_SUMMARY", self.file("summary"))
            .envs(&self.variables);
        for (name, value) in step["env"].as_object().unwrap() {
            command.env(name, filled(value.as_str().unwrap(), context));
        }
        let run = Run::of(&mut command);
        let output = fs::read_to_string(self.file("output")).unwrap();
        let lines = output.lines().map(|line| line.split_once('=').unwrap());
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (run, lines.collect())
    }

    /// Nothing that an input could have run did so.
    fn assert_unharmed(&self) {
        let harm = self
            .home
            .files()
            .into_iter()
            .find(|name| name.contains("evil"));
        assert!(harm.is_none(), "{harm:?}");
    }
}

/// The only kinds of expression that the action has.
fn filled(text: &str, context: &BTreeMap<String, String>) -> String {
    let Some(expression) = text.strip_prefix("${{ ") else {
        assert!(!text.contains("${{"), "{text}");
        return text.to_owned();
    };
    let expression = expression.strip_suffix(" }}").unwrap();
    // GitHub makes an empty text of what isn't there.
    let may_lack = ["steps.", "github.event."]
        .iter()
        .any(|it| expression.starts_with(it));
    let value = context.get(expression);
    assert!(
        value.is_some() || may_lack,
        "nothing is known of {expression}"
    );
    value.cloned().unwrap_or_default()
}

/// GitHub's documentation, "Evaluate expressions in workflows and actions", on `success()`: a condition
/// without such a function has it.
fn holds(condition: Option<&Value>, context: &BTreeMap<String, String>, failed: bool) -> bool {
    const NOT_CANCELLED: &str = "!cancelled()";
    let condition = condition.map_or("", |it| it.as_str().unwrap());
    let mut parts = condition.split(" && ").filter(|part| !part.is_empty());
    let asks = condition.contains(NOT_CANCELLED);
    let value = |name: &str| {
        let value = context.get(name);
        assert!(value.is_some() || name.starts_with("steps."), "{name}");
        value.cloned().unwrap_or_default()
    };
    (asks || !failed)
        && parts.all(|part| match part.split_once(" != ''") {
            _ if part == NOT_CANCELLED => true,
            Some((name, _)) => !value(name).is_empty(),
            None => value(part.strip_suffix(" == 'true'").unwrap()) == "true",
        })
}

fn from(release: &Release) -> (&'static str, &str) {
    ("from", release.path().to_str().unwrap())
}

const HOSTILE: [&str; 8] = [
    "; touch evil",
    "$(touch evil)",
    "`touch evil`",
    "' ; touch evil '",
    "\" ; touch evil \"",
    "${{ github.token }}",
    "a  b * ~ \\n",
    "&& touch evil #",
];

#[test]
fn it_installs_and_runs_a_command_with_the_very_arguments() {
    let release = Release::new("1.2.3");
    let arguments = format!("--env\r\nprod\n\n{}\n", HOSTILE.join("\n"));
    let job = Job::new(&[from(&release), ("command", "deploy"), ("args", &arguments)]);
    let ended = job.run();
    let bin = job
        .home
        .path()
        .join("runner/frames/bin")
        .display()
        .to_string();
    assert_eq!(ended.path, format!("{bin}\n"));
    assert_eq!(ended.outputs["path"], format!("{bin}/frames"));
    assert_eq!(ended.outputs["exit-code"], "0");
    assert_eq!(ended.summary, "");
    let printed = &ended.last().stdout;
    let lines: Vec<&str> = printed.lines().collect();
    let given = ["deploy", "--env", "prod"].iter().chain(&HOSTILE);
    let given: Vec<String> = given.map(|argument| format!("<{argument}>")).collect();
    assert_eq!(lines[1..lines.len() - 1], given, "{ended:#?}");
    // What the command prints is no command for GitHub.
    let word = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert!(word.len() == 32 && lines[lines.len() - 1] == format!("::{word}::"));
    assert_ne!(job.run().last().stdout.lines().next(), Some(lines[0]));
    job.assert_unharmed();
    job.home.assert_tidy("run");
}

#[test]
fn it_only_installs_without_a_command() {
    let release = Release::new("1.2.3");
    let job = Job::new(&[from(&release), ("version", "1.2.3")]);
    let ended = job.run();
    assert_eq!((ended.runs.len(), ended.last().code), (1, 0), "{ended:#?}");
    assert_eq!(ended.outputs["exit-code"], "");
}

/// The version is that of the sources beside the action, and the page is its repository's.
#[test]
fn without_a_place_it_is_the_release_of_the_same_sources() {
    let release = Release::new(env!("CARGO_PKG_VERSION"));
    let page = format!("/owner/frames/releases/download/v{}", release.version);
    let (sums, archive) = (
        release.read("SHA256SUMS"),
        release.read(&release.archive_name()),
    );
    let names = [
        format!("{page}/SHA256SUMS"),
        format!("{page}/{}", release.archive_name()),
    ];
    let server = Https::start(move |path| match path {
        path if path == names[0] => with_field("200 OK", "X-A: b", &sums),
        path if path == names[1] => with_field("200 OK", "X-A: b", &archive),
        _ => answer("404 Not Found", "").into_bytes(),
    });
    let mut job = Job::new(&[]);
    job.server.clone_from(&server.url);
    let authority = server.authority().display().to_string();
    job.variables.insert("CURL_CA_BUNDLE".to_owned(), authority);
    let ended = job.run();
    assert_eq!(ended.last().code, 0, "{ended:#?}");
    assert!(Path::new(&ended.outputs["path"]).exists());
    // Another version of the same page isn't there.
    job.inputs.insert("version".to_owned(), json!("9.9.9"));
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended
            .last()
            .stderr
            .contains("/releases/download/v9.9.9/SHA256SUMS")
    );
    // GitHub doesn't promise that the repository's name is there.
    job.repository.clear();
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended
            .last()
            .stderr
            .contains("help: Name the folder or the https address")
    );
}

#[test]
fn hostile_inputs_are_refused_or_are_only_text() {
    let release = Release::new("1.2.3");
    let more = [
        "--help",
        "a b",
        "deploy\ntouch evil",
        "deploy\n",
        "-x",
        "é",
        "../frames",
    ];
    for command in HOSTILE.iter().chain(&more) {
        let job = Job::new(&[from(&release), ("command", command)]);
        let ended = job.run();
        assert_eq!((ended.runs.len(), ended.last().code), (2, 2), "{ended:#?}");
        assert!(ended.last().stderr.contains("isn't a command of frames"));
        assert_eq!(ended.last().stdout, "");
        job.assert_unharmed();
    }
    let injected = ["x\npath=evil", "x\n/evil", "--uninstall", "--help"];
    for value in HOSTILE.iter().chain(&injected) {
        for input in ["from", "version"] {
            let mut job = Job::new(&[from(&release)]);
            job.inputs.insert(input.to_owned(), json!(value));
            let ended = job.run();
            assert!(ended.last().code > 0, "{ended:#?}");
            assert_eq!(
                (ended.path.as_str(), ended.outputs["path"].as_str()),
                ("", "")
            );
            job.assert_unharmed();
        }
    }
}

/// With the real program: findings are annotations, and the exit code is the step's.
#[test]
fn findings_are_annotations() {
    let script = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_frames")
    );
    let release = Release::running("1.2.3", &script);
    let job = Job::new(&[
        from(&release),
        ("command", "validate"),
        ("args", "--format\ngithub\n"),
        ("working-directory", "delivery"),
        ("summary", "true"),
    ]);
    fs::create_dir(job.home.path().join("delivery")).unwrap();
    let manifest = job.home.path().join("delivery/frames.yml");
    fs::write(
        &manifest,
        "service: x\nauth: {mode: cognitoo}\niam: {allow: []}\n",
    )
    .unwrap();
    let ended = job.run();
    assert_eq!(ended.last().code, 3, "{ended:#?}");
    assert_eq!(ended.outputs["exit-code"], "3");
    let printed = &ended.last().stdout;
    assert!(
        printed.starts_with("::warning file=delivery/frames.yml,")
            && printed.contains("\n::error file="),
        "{ended:#?}"
    );
    assert!(
        ended
            .summary
            .starts_with("### frames validate\n\n    ::warning file=")
    );
    fs::write(
        &manifest,
        "service: x\nauth: {mode: none}\niam: {allow: []}\n",
    )
    .unwrap();
    let ended = job.run();
    assert_eq!(
        (ended.last().code, ended.outputs["exit-code"].as_str()),
        (0, "0")
    );
}

/// The summary is a block of code, whatever the command prints.
#[test]
fn what_is_printed_stays_code_on_the_runs_page() {
    let release = Release::running(
        "1.2.3",
        "#!/bin/sh\ncase $1 in --version) echo frames 1.2.3;; *) printf '%s\\n' '```' '# big' '<b>' ''\nexit 7;; esac\n",
    );
    let job = Job::new(&[from(&release), ("command", "diff"), ("summary", "true")]);
    let ended = job.run();
    assert_eq!(ended.last().code, 7, "{ended:#?}");
    let mut lines = ended.summary.lines();
    assert_eq!(lines.next(), Some("### frames diff"));
    assert!(
        lines.all(|line| line.is_empty() || line.starts_with("    ")),
        "{}",
        ended.summary
    );
    assert!(ended.summary.contains("    # big\n"), "{}", ended.summary);
}

/// What `gh api` does with its arguments, where GitHub can't be asked: comments are files.
const GH: &str = r#"#!/bin/sh
set -eu
[ "$GH_TOKEN" = secret-of-the-job ] || exit 4
cd "$COMMENTS"
case $* in
  "api --paginate repos/owner/viewer/issues/7/comments --jq "*)
    printf '%s\n' "$5" >asked
    mark=$(printf '%s' "$5" | sed 's/.*startswith("\(.*\)")).*/\1/')
    for comment in [0-9]*; do
      [ ! -e "$comment" ] || { [ "$(sed 1q "$comment")" != "$mark" ] || echo "$comment"; }
    done
    ;;
  "api --silent repos/owner/viewer/issues/7/comments -F body=@"*) cp "${5#body=@}" "$(($(ls | grep -c '^[0-9]') + 1))" ;;
  "api --silent --method PATCH repos/owner/viewer/issues/comments/"*)
    [ -e "${5##*/}" ]
    cp "${7#body=@}" "${5##*/}"
    ;;
  *) exit 64 ;;
esac
"#;

/// One comment for each command with its arguments: drawn where it is a graph, and code otherwise.
#[test]
fn a_pull_request_gets_one_comment_that_is_renewed() {
    let printing = |what: &str| {
        let script = format!(
            "#!/bin/sh\ncase $1 in --version) echo frames 1.2.3;; *) cat <<'END'\n{what}\nEND\n[ -z \"${{GH_TOKEN-}}\" ];; esac\n"
        );
        Release::running("1.2.3", &script)
    };
    let comments = |job: &Job| {
        let entries = fs::read_dir(job.home.path().join("comments")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let numbered = paths.filter(|path| !path.ends_with("asked"));
        let texts = numbered.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
        texts
            .map(|(path, text)| (path.file_name().unwrap().to_owned(), text))
            .collect::<BTreeMap<_, _>>()
    };
    let release = printing("flowchart TB");
    let mut job = Job::new(&[from(&release), ("command", "diff"), ("comment", "true")]);
    let bin = job.home.path().join("gh-bin");
    fs::create_dir(&bin).unwrap();
    fs::create_dir(job.home.path().join("comments")).unwrap();
    fs::write(bin.join("gh"), GH).unwrap();
    fs::set_permissions(bin.join("gh"), Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    for (name, value) in [
        ("PATH", path),
        (
            "COMMENTS",
            job.home.path().join("comments").display().to_string(),
        ),
        ("GITHUB_REPOSITORY", "owner/viewer".to_owned()),
    ] {
        job.variables.insert(name.to_owned(), value);
    }
    // No pull request, no comment.
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended.last().stderr.contains("of no pull request"),
        "{ended:#?}"
    );

    job.event.insert("number".to_owned(), "7".to_owned());
    job.event
        .insert("head.sha".to_owned(), "1234abcd".to_owned());
    let mermaid = json!("--format\nmermaid\n");
    let drawn = "-->\n### frames diff\n\n```mermaid\nflowchart TB\n```\n\nOf commit 1234abcd.\n";
    for (arguments, expected) in [
        (json!(""), vec!["    flowchart TB\n"]),
        (mermaid.clone(), vec!["    flowchart TB\n", drawn]),
        (mermaid.clone(), vec!["    flowchart TB\n", drawn]),
    ] {
        job.inputs.insert("args".to_owned(), arguments);
        let ended = job.run();
        assert_eq!(ended.last().code, 0, "{ended:#?}");
        let written = comments(&job);
        assert_eq!(written.len(), expected.len(), "{written:#?}");
        for (text, expected) in written.values().zip(expected) {
            assert!(text.contains(expected), "{text}");
        }
    }
    // What could end the fence is code.
    let hostile = printing("flowchart TB\n```\n# big");
    job.inputs.insert("from".to_owned(), json!(hostile.path()));
    let ended = job.run();
    assert_eq!(ended.last().code, 0, "{ended:#?}");
    let written = comments(&job);
    let renewed = written.values().last().unwrap();
    assert_eq!(written.len(), 2);
    assert!(renewed.contains("    ```\n    # big\n"), "{renewed}");
    // What failed doesn't leave the last good one there.
    let script = "#!/bin/sh\ncase $1 in --version) echo frames 1.2.3;; *) echo flowchart TB; printf 'Reading\\r\\nerror: no access\\n```\\n' >&2; exit 3;; esac\n";
    let failing = Release::running("1.2.3", script);
    job.inputs.insert("from".to_owned(), json!(failing.path()));
    let ended = job.run();
    assert_eq!((ended.code(), ended.last().code), (3, 0), "{ended:#?}");
    assert_eq!(ended.outputs["exit-code"], "3");
    let step = &ended.runs[1];
    assert!(step.stderr.contains("error: no access\n"), "{ended:#?}");
    assert!(step.stdout.contains("flowchart TB\n"), "{ended:#?}");
    let written = comments(&job);
    let failed = "-->\n### frames diff\n\n    flowchart TB\n\n\nIt failed with exit code 3:\n\n    Reading\n    error: no access\n    ```\n\n\n\nOf commit 1234abcd.\n";
    assert_eq!(written.len(), 2);
    let text = written.values().last().unwrap();
    assert!(text.ends_with(failed), "{text}");
    // The next good one renews it again.
    job.inputs.insert("from".to_owned(), json!(release.path()));
    assert_eq!(job.run().code(), 0);
    let written = comments(&job);
    assert!(written.values().last().unwrap().contains(drawn));
    // However much is said, GitHub takes it.
    let script = "#!/bin/sh\ncase $1 in --version) echo frames 1.2.3;; *) yes | head -n 90000; yes 'é' | head -n 90000 >&2; exit 1;; esac\n";
    let long = Release::running("1.2.3", script);
    job.inputs.insert("from".to_owned(), json!(long.path()));
    let ended = job.run();
    assert_eq!((ended.code(), ended.last().code), (1, 0));
    let written = comments(&job);
    let text = written.values().last().unwrap();
    assert!(text.len() > 55_000 && text.chars().count() < 65_536);
    assert!(text.contains("\nIt failed with exit code 1:\n"));
    // A command that isn't one never ran: the comment stays.
    job.inputs.insert("command".to_owned(), json!("no command"));
    assert_eq!((job.run().runs.len(), job.run().code()), (2, 2));
    job.inputs.insert("command".to_owned(), json!("diff"));
    job.inputs.insert("from".to_owned(), json!(release.path()));
    // No permission is an error with a way on.
    fs::write(bin.join("gh"), "#!/bin/sh\nexit 1\n").unwrap();
    let ended = job.run();
    assert_eq!(ended.last().code, 1, "{ended:#?}");
    assert!(
        ended.last().stderr.contains("pull-requests: write"),
        "{ended:#?}"
    );
}
