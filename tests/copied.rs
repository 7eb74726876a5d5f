//! What people copy from a terminal: frames breaks none of it, however narrow the terminal is.

use crate::support::dev::CT;
use crate::support::frames::Project;
use crate::support::process::{eventually, shell};
use crate::support::pty::{OnTerminal, on_screen};
use clap::CommandFactory;
use frames::cli::Cli;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

const COLUMNS: u16 = 80;

fn manifest(audience: &str) -> String {
    format!(
        "service: x
auth: {{mode: oidc, issuer: 'https://login.example.org', audience: {audience}}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
delivery: {{dicomweb: true}}
"
    )
}

/// As it is on the screen, by a shell.
fn gets_the_frame(line: &str, project: &Project) {
    let file = project.path().join("frame.jph");
    let _ = std::fs::remove_file(&file);
    let output = shell(line, project.path());
    assert!(output.status.success(), "{line}: {output:?}");
    assert!(std::fs::read(&file).unwrap() == CT, "{line}");
}

#[test]
fn the_lines_of_dev_are_whole() {
    let project = Project::new(&manifest("a"));
    let mut command = project.command();
    command.args(["dev", "--port", "0", "--watch", "-v"]);
    let dev = OnTerminal::start_with_columns(&mut command, COLUMNS);
    dev.wait_for("-o frame.jph\r\n\r\n");
    let line = dev.copied("curl ");
    assert!(line.len() > 400, "{line}");
    gets_the_frame(&line, &project);

    // A function's line, as jq would be given it.
    let (url, _) = line["curl -sSf ".len()..].split_once(' ').unwrap();
    let output = shell(&format!("curl -sS '{url}' -d '{{}}'"), project.path());
    assert!(output.status.success(), "{output:?}");
    let denied = eventually("a denial", || {
        let lines = on_screen(&dev.shown());
        let line = lines.iter().find(|line| line.contains("no_token"))?;
        Some(line[line.find('{')?..].to_owned())
    });
    let denied: Value =
        serde_json::from_str(&denied).unwrap_or_else(|error| panic!("{error}: {denied}"));
    assert_eq!(denied["decision"], "deny");
    // So is a request's.
    let path = url.split_once("/datastore/").unwrap().1;
    let lines = on_screen(&dev.shown());
    let is_request = |line: &&String| line.trim_start().starts_with("POST 401");
    let request = lines.iter().find(is_request).unwrap();
    assert!(request.ends_with(path), "{request}");

    // Another token, and so another line.
    project.write("frames.yml", manifest("b"));
    dev.wait_for("other claims from now on");
    let again = eventually("another line", || {
        let again = dev.copied("curl ");
        (again != line).then_some(again)
    });
    gets_the_frame(&again, &project);
    kill_process(dev.pid(), Signal::INT).unwrap();
    assert_eq!(dev.end().0, 0);
}

/// Each example of each command, at a width at which most of them would be broken.
#[test]
fn the_examples_of_every_help_are_whole() {
    let project = Project::empty();
    let mut count = 0;
    for command in Cli::command().get_subcommands() {
        let Some(after) = command.get_after_help() else {
            continue;
        };
        let after = after.to_string();
        let mut run = project.command();
        run.args([command.get_name(), "--help"]);
        let (code, shown) = OnTerminal::start_with_columns(&mut run, 40).end();
        assert_eq!(code, 0, "{shown}");
        let lines = on_screen(&shown);
        for example in after.lines().filter(|line| line.starts_with("  ")) {
            count += 1;
            assert!(
                lines.iter().any(|line| line == example),
                "{example}\n{lines:#?}"
            );
        }
    }
    assert!(count > 30, "{count}");
}
