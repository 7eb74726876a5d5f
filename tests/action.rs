//! The GitHub Action. Its steps run as GitHub's runner would run them; GitHub itself is never asked.

mod comments;

use crate::support::frames::Run;
use crate::support::https::{Https, answer, with_field};
use crate::support::installer::{Home, Release};
use crate::support::yaml::yaml;
use crate::support::{read, root};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
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
