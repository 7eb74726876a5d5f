//! `frames doctor`: what it finds here, and what it says where something is missing.

use crate::support::aws::Aws;
use crate::support::frames::{Project, Run};
use crate::support::pty::OnTerminal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

const PUBLIC: &str = "service: x\nauth: {mode: none}\niam: {allow: []}\n";

/// By name: state, what was found, help.
fn checks(run: &Run) -> BTreeMap<String, (String, String, String)> {
    let said: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:#?}"));
    let checks = said["checks"].as_array().unwrap();
    assert_eq!(
        said["ok"],
        Value::Bool(checks.iter().all(|check| check["state"] != "missing"))
    );
    assert_eq!(run.code, i32::from(said["ok"] != true), "{run:#?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |check: &Value| {
        let row = (
            text(&check["state"]),
            text(&check["found"]),
            text(&check["help"]),
        );
        (text(&check["name"]), row)
    };
    checks.iter().map(row).collect()
}

fn doctor(project: &Project, variables: &[(&str, &str)]) -> Run {
    let mut command = project.command();
    command.args(["doctor", "--format", "json"]);
    command.envs(variables.iter().copied());
    Run::of(&mut command)
}

/// No credentials, and nobody asked for any.
const NOBODY: [(&str, &str); 6] = [
    ("AWS_ACCESS_KEY_ID", ""),
    ("AWS_SECRET_ACCESS_KEY", ""),
    ("AWS_PROFILE", ""),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];

const TOOLS: [&str; 2] = ["cargo", "cargo-lambda"];

#[test]
fn all_that_is_needed_is_here() {
    let project = Project::new(PUBLIC);
    project.package();
    let account = Aws::shared().account();
    let environment = account.environment();
    let variables = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let mut variables: Vec<(&str, &str)> = variables.collect();
    variables.push(("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128"));
    variables.push(("NO_PROXY", "127.0.0.1"));
    // A tool has three seconds to say its version, which a busy machine may let pass.
    let is_late = |run: &Run| {
        let found = checks(run);
        TOOLS.iter().any(|tool| found[*tool].0 != "ok")
    };
    let mut run = doctor(&project, &variables);
    for _ in 0..4 {
        if is_late(&run) {
            run = doctor(&project, &variables);
        }
    }
    let found = checks(&run);
    for name in [
        "frames",
        "programs",
        "cargo",
        "cargo-lambda",
        "cache",
        "manifest",
        "credentials",
        "network",
    ] {
        assert_eq!(found[name].0, "ok", "{name}: {run:#?}");
    }
    assert_eq!(found["issuer"].0, "skipped", "{run:#?}");
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(found["frames"].1, env!("CARGO_PKG_VERSION"));
    let credentials = &found["credentials"].1;
    for part in [
        format!("account {}", account.number()),
        format!("arn:aws:iam::{}:root", account.number()),
        "us-east-1".to_owned(),
        "AWS_ACCESS_KEY_ID".to_owned(),
    ] {
        assert!(credentials.contains(&part), "{part}: {credentials}");
    }
    for secret in ["hunter2", "me:", "root-secret"] {
        assert!(!format!("{run:?}").contains(secret), "{secret}: {run:#?}");
    }
    assert!(found["network"].1.contains("http://***@proxy.example:3128"));
}

#[test]
fn what_is_missing_is_named_with_who_needs_it() {
    let project = Project::new("service: x\nauth: {mode: cognitoo}\n");
    let empty = tempfile::tempdir().unwrap();
    let mut variables = NOBODY.to_vec();
    let path = empty.path().to_str().unwrap();
    variables.extend([
        ("PATH", path),
        ("CARGO_HOME", path),
        ("XDG_CACHE_HOME", path),
    ]);
    let run = doctor(&project, &variables);
    let found = checks(&run);
    assert_eq!(run.code, 1);
    for (name, said, help) in [
        ("programs", "can't be built", "need cargo"),
        ("manifest", "frames.yml has 1 error", "`frames validate`"),
        (
            "credentials",
            "no AWS credentials were found",
            "deploy, diff, info, check, logs, history",
        ),
    ] {
        let (state, shown, advice) = &found[name];
        assert_eq!(state, "missing", "{run:#?}");
        assert!(
            shown.contains(said) && advice.contains(help),
            "{name}: {run:#?}"
        );
    }
    for name in ["cargo", "cargo-lambda", "issuer"] {
        assert_eq!(found[name].0, "skipped", "{run:#?}");
    }
    assert!(
        run.stderr
            .contains("something is missing: programs, manifest, credentials"),
        "{run:#?}"
    );
    // It looks, and leaves nothing.
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);

    // No manifest is no fault: `frames init` comes first.
    let found = checks(&doctor(&Project::empty(), &variables));
    assert_eq!(found["manifest"].0, "skipped");
    assert!(found["manifest"].2.contains("frames init"));
}

#[test]
fn a_cache_that_cant_be_written_is_named() {
    let project = Project::new(PUBLIC);
    let mut variables = NOBODY.to_vec();
    project.write("file", "");
    let file = project.path().join("file");
    variables.push(("XDG_CACHE_HOME", file.to_str().unwrap()));
    let run = doctor(&project, &variables);
    let (state, said, help) = &checks(&run)["cache"];
    assert_eq!(state, "missing", "{run:#?}");
    assert!(
        said.contains("can't be written to") && help.contains("XDG_CACHE_HOME"),
        "{run:#?}"
    );
}

/// An issuer whose address came from the environment isn't asked: it may hold a secret.
#[test]
fn an_issuer_is_asked_only_as_it_is_written() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let manifest = |issuer: &str| {
        format!(
            "service: x\nauth: {{mode: oidc, issuer: '{issuer}', audience: a}}\niam: {{allow: []}}\n"
        )
    };
    let mut variables = NOBODY.to_vec();
    let address = format!("https://127.0.0.1:{port}");
    variables.push(("ISSUER", &address));
    let found = checks(&doctor(
        &Project::new(&manifest("${env:ISSUER}/x")),
        &variables,
    ));
    assert_eq!(found["issuer"].0, "skipped", "{found:#?}");
    assert!(listener.accept().is_err(), "it was asked");

    let found = checks(&doctor(&Project::new(&manifest(&address)), &variables));
    assert_eq!(found["issuer"].0, "missing", "{found:#?}");
    assert!(listener.accept().is_ok(), "it wasn't asked");
}

#[test]
fn on_a_terminal_of_80_columns_it_fits() {
    let project = Project::new(PUBLIC);
    let mut command = project.command();
    command.arg("doctor").envs(NOBODY);
    let (code, shown) = OnTerminal::start_with_columns(&mut command, 80).end();
    assert_eq!(code, 1, "{shown}");
    let plain = anstream::adapter::strip_str(&shown).to_string();
    for line in plain.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line:?}\n{plain}");
    }
    // What goes on is below the second column.
    let (_, credentials) = plain.split_once("✗ credentials  ").expect("credentials");
    let second = credentials.lines().nth(1).unwrap();
    assert!(
        second.starts_with("               ") && !second[15..].starts_with(' '),
        "{plain}"
    );
    assert!(shown.contains("\u{1b}[32m✓"), "{shown:?}");
    let mut command = project.command();
    command.arg("doctor").envs(NOBODY).env("NO_COLOR", "1");
    let (_, shown) = OnTerminal::start_with_columns(&mut command, 80).end();
    assert!(
        !shown.contains('\u{1b}') && shown.contains("✓ frames"),
        "{shown:?}"
    );
}

/// What a checkout says about toolchains, or puts beside the manifest, has no say in what is found.
#[test]
fn tools_are_asked_outside_of_the_project() {
    let project = Project::new(PUBLIC);
    project.write("rust-toolchain.toml", "[toolchain]\nchannel = '1.0.0'\n");
    let tools = tempfile::tempdir().unwrap();
    for name in ["cargo", "cargo-lambda"] {
        let tool = tools.path().join(name);
        let script = format!("#!/bin/sh\necho \"{name} 99.0.0 from $(pwd) with $AWS_PROFILE.\"\n");
        std::fs::write(&tool, script).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = tools.path().to_str().unwrap();
    let mut variables = NOBODY.to_vec();
    variables.retain(|(name, _)| *name != "AWS_PROFILE");
    variables.extend([("PATH", path), ("AWS_PROFILE", "theirs")]);
    let run = doctor(&project, &variables);
    let found = checks(&run);
    for name in ["cargo", "cargo-lambda"] {
        let (state, shown, _) = &found[name];
        assert_eq!(state, "ok", "{run:#?}");
        assert!(shown.contains("99.0.0 from / with ."), "{name}: {shown}");
    }
}
