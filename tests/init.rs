//! `frames init`: by flags, through a pipe, at a terminal.

use crate::support::aws::{Account, Aws};
use crate::support::frames::Project;
use crate::support::process::{eventually, shell};
use crate::support::pty::{OnTerminal, on_screen};
use crate::support::read;
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn entries(project: &Project) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(project.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn manifest(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path().join(path)).unwrap()
}

#[test]
fn flags_make_a_manifest_that_validates() {
    let project = Project::empty();
    let run = project.frames(&["init", "My Viewer", "--user-pool-id", "us-east-1_AbCdEfGhI"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    // What is said to come next finds the file, pasted into a shell.
    let go = "cd 'My Viewer'";
    let next = format!("Wrote My Viewer/frames.yml; next: `{go}`, `frames validate`, `frames dev`");
    assert!(run.stderr.contains(&next), "{run:#?}");
    let there = shell(&format!("{go} && test -f frames.yml"), project.path());
    assert!(there.status.success(), "{there:?}");
    let text = manifest(&project, "My Viewer/frames.yml");
    assert!(text.contains("\nservice: My-Viewer\n"), "{text}");
    assert!(
        text.contains("\n  mode: cognito\n  userPoolId: us-east-1_AbCdEfGhI\n"),
        "{text}"
    );
    let run = project.frames(&["validate", "-c", "My Viewer/frames.yml", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");

    // Beside it: what its first line names, and what Git leaves alone. Readable like any file.
    let directory = project.path().join("My Viewer");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
    let first = "# yaml-language-server: $schema=./frames.schema.json\n";
    assert!(text.starts_with(first), "{text}");
    assert_eq!(
        manifest(&project, "My Viewer/frames.schema.json"),
        read("schema/frames.schema.json")
    );
    assert_eq!(manifest(&project, "My Viewer/.gitignore"), ".frames/\n");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let ordinary = project.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    assert_eq!(mode(directory.join("frames.yml")), mode(ordinary));
}

/// Where the file is in the current directory, by whatever name, there is nowhere to go first.
#[test]
fn what_comes_next_is_run_beside_the_file() {
    let project = Project::empty();
    let here = project.path().to_str().unwrap();
    for (directory, next) in [
        (None, "frames.yml; next: `frames validate`"),
        (Some("."), "/frames.yml; next: `frames validate`"),
        (Some(here), "/frames.yml; next: `frames validate`"),
        (
            Some("v5"),
            "v5/frames.yml; next: `cd v5`, `frames validate`",
        ),
        (
            Some("a/it's"),
            "; next: `cd 'a/it'\\''s'`, `frames validate`",
        ),
        (
            Some("-v5"),
            "-v5/frames.yml; next: `cd ./-v5`, `frames validate`",
        ),
    ] {
        let mut arguments = vec!["init", "--auth", "none", "--"];
        arguments.extend(directory);
        let run = project.frames(&arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stderr.contains(next), "{next}: {run:#?}");
        fs::remove_file(project.path().join("frames.yml")).ok();
    }
}

#[test]
fn every_flag_comes_to_its_key() {
    let project = Project::empty();
    let run = project.frames(&[
        "init",
        "--format",
        "json",
        "--service",
        "ct",
        "--auth",
        "oidc",
        "--issuer",
        "https://login.example.org",
        "--audience",
        "a b",
        "--audience",
        "c",
        "--cname",
        "frames.example.org",
        "--certificate-arn",
        "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
        "--hosted-zone-id",
        "Z0123456789ABCDEFGHIJ",
        "--datastore",
        "12345678901234567890123456789012",
        "--dicomweb",
        "--origin",
        "https://viewer.example.org",
        "--region",
        "us-west-2",
    ]);
    assert_eq!(run.code, 0, "{run:#?}");
    let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said, serde_json::json!({"file": "frames.yml"}));
    let text = manifest(&project, "frames.yml");
    for line in [
        "service: ct",
        "  region: us-west-2",
        "  mode: oidc",
        "  issuer: https://login.example.org",
        "  audience: ['a b', c]",
        "  cnames: [frames.example.org]",
        "  hostedZoneId: Z0123456789ABCDEFGHIJ",
        "  dicomweb: true",
        "  cors: {origins: [https://viewer.example.org]}",
        "    - datastore: '12345678901234567890123456789012'",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let run = project.frames(&["validate", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["diagnostics"], serde_json::json!([]), "{run:#?}");
}

#[test]
fn what_is_missing_or_wrong_is_named_by_its_flag() {
    let project = Project::empty();
    for (arguments, expected) in [
        (vec![], vec!["--auth is missing"]),
        (vec!["--auth", "cognito"], vec!["--user-pool-id is missing"]),
        (
            vec!["--auth", "oidc"],
            vec!["--issuer is missing", "--audience is missing"],
        ),
        (
            vec!["--auth", "cognitoo"],
            vec!["--auth: ", "did you mean `cognito`?"],
        ),
        (
            vec![
                "--user-pool-id",
                "x",
                "--datastore",
                "y",
                "--cname",
                "frames.example.org",
            ],
            vec![
                "--user-pool-id: `x`",
                "--datastore: `y`",
                "--cname needs --hosted-zone-id (frames makes a certificate, validated in that zone) or --certificate-arn (an issued one in us-east-1)",
            ],
        ),
        (
            vec!["--auth", "none", "--issuer", "https://a.example"],
            vec!["--issuer: `issuer` has no effect with mode `none`"],
        ),
        (
            vec!["--auth", "oidc", "--client-id", "x", "--origin", "viewer"],
            vec!["--origin: `viewer`", "--issuer is missing"],
        ),
        (
            vec![
                "--auth",
                "none",
                "--hosted-zone-id",
                "Z0123456789ABCDEFGHIJ",
            ],
            vec!["--cname is missing (without a name, --hosted-zone-id and"],
        ),
        (
            vec!["--auth", "none", "--online"],
            vec!["on a terminal, and without flags"],
        ),
        (
            vec!["--auth", "none", "-c", "x.yml"],
            vec!["takes no --config"],
        ),
    ] {
        let run = project.frames(&[["init"].as_slice(), &arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        for text in expected {
            assert!(run.stderr.contains(text), "{text}: {run:#?}");
        }
    }
    assert!(entries(&project).is_empty());
}

#[test]
fn nothing_is_overwritten() {
    let project = Project::new("mine");
    let run = project.frames(&["init", "--auth", "none"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("frames.yml is there already"),
        "{run:#?}"
    );
    assert_eq!(manifest(&project, "frames.yml"), "mine");
    assert_eq!(entries(&project), ["frames.yml"]);

    // Nor is what is beside it.
    let project = Project::empty();
    project.write("frames.schema.json", "mine");
    project.write(".gitignore", "/target\n/.frames\n");
    assert_eq!(project.frames(&["init", "--auth", "none"]).code, 0);
    assert_eq!(manifest(&project, "frames.schema.json"), "mine");
    assert_eq!(manifest(&project, ".gitignore"), "/target\n/.frames\n");

    // Nor is a link followed that leads nowhere yet.
    let project = Project::empty();
    std::os::unix::fs::symlink("elsewhere.yml", project.path().join("frames.yml")).unwrap();
    assert_eq!(project.frames(&["init", "--auth", "none"]).code, 1);
    assert_eq!(entries(&project), ["frames.yml"]);
}

fn at_terminal(project: &Project) -> OnTerminal {
    OnTerminal::start_without_data(project.command().arg("init"))
}

#[test]
fn a_terminal_is_asked_until_the_answer_is_right() {
    let project = Project::empty();
    let mut init = at_terminal(&project);
    init.answer("]:", "ct viewer");
    eventually("the finding", || {
        init.shown()
            .contains("`ct viewer` isn't a service name")
            .then_some(())
    });
    init.answer("]:", "ct-viewer");
    init.answer("[cognito]:", "");
    init.answer("pool's id:", "us-east-1_AbCdEfGhI");
    init.answer("of the pool: leave empty:", "3n4b5urk1ft4fl3mg5e62d9ado");
    init.answer("none: leave empty:", "");
    init.answer("[us-east-1]:", "us-west-2");
    init.answer(
        "of the account: leave empty:",
        "12345678901234567890123456789012",
    );
    init.answer("yes or no? [no]:", "yes");
    init.answer("any: leave empty:", "https://viewer.example.org");
    assert_eq!(init.code(), 0, "{}", init.shown());
    let text = manifest(&project, "frames.yml");
    assert!(text.contains("\nservice: ct-viewer\n"), "{text}");
    let clients = "\n  clientIds: ['3n4b5urk1ft4fl3mg5e62d9ado']\n";
    assert!(text.contains(clients), "{text}");
    assert!(text.contains("\n  region: us-west-2\n"), "{text}");
    assert!(text.contains("\n  dicomweb: true\n"), "{text}");
    assert!(text.contains("https://viewer.example.org"), "{text}");
    assert_eq!(
        entries(&project),
        [".gitignore", "frames.schema.json", "frames.yml"]
    );
    assert_eq!(project.frames(&["validate"]).code, 0);
}

/// The lines that are wider than a terminal of 80 columns.
fn too_wide(shown: &str) -> Vec<String> {
    let mut lines = on_screen(shown);
    lines.retain(|line| line.chars().count() > 80);
    lines
}

#[test]
fn on_a_terminal_of_80_columns_it_fits() {
    let project = Project::empty();
    let mut init = OnTerminal::start_with_columns(project.command().arg("init"), 80);
    for (prompt, wrong, said, right) in [
        ("]:", "ct viewer", "`ct viewer` isn't", "ct-viewer"),
        ("[cognito]:", "oicd", "did you mean `oidc`?", "oidc"),
        (
            "tokens' `iss`:",
            "http://x.example",
            "can't use `http://x.example`",
            "https://x.example",
        ),
        ("several: with commas:", "", "an answer is needed", "a"),
        (
            "several: with commas; none: leave empty:",
            "x",
            "error: ",
            "frames.example.org",
        ),
        (
            "name one\r\n  none: leave empty:",
            "x",
            "error: `x`",
            "Z0123456789ABCDEFGHIJ",
        ),
        ("have one made: leave empty:", "x", "error: `x`", ""),
        (
            "[us-east-1]:",
            "Frankfurt",
            "`Frankfurt` isn't",
            "eu-central-1",
        ),
        ("the account: leave empty:", "x", "error: `x`", ""),
        (
            "yes or no? [no]:",
            "maybe",
            "the answer is yes or no",
            "yes",
        ),
        (
            "any: leave empty:",
            "viewer",
            "did you mean `https://viewer`?",
            "",
        ),
    ] {
        let before = init.shown().matches(said).count();
        init.answer(prompt, wrong);
        eventually(said, || {
            (init.shown().matches(said).count() > before).then_some(())
        });
        init.answer(prompt, right);
    }
    assert_eq!(init.code(), 0, "{}", init.shown());
    let shown = init.shown();
    // An ARN is to be copied, so that the example of one isn't broken.
    let wide = too_wide(&shown);
    assert_eq!(wide.len(), 1, "{shown}");
    assert!(wide[0].trim().starts_with("`arn:aws:acm:"), "{shown}");
    assert!(!wide[0].trim().contains(' '), "{shown}");
    // Some of it wouldn't have fitted, and goes on below its words.
    assert!(
        shown.contains("every image set of the\r\n           account"),
        "{shown}"
    );
}

/// Without a zone and a certificate, all answers but the names make a file that validates.
#[test]
fn names_that_nothing_covers_are_no_dead_end() {
    let project = Project::empty();
    let mut init = OnTerminal::start_with_columns(project.command().arg("init"), 80);
    init.answer("]:", "ct-viewer");
    init.answer("[cognito]:", "none");
    init.answer("commas; none: leave empty:", "frames.example.org");
    init.answer("name one\r\n  none: leave empty:", "");
    init.answer("to leave the names out for now: leave empty:", "");
    init.answer("[us-east-1]:", "");
    init.answer("of the account: leave empty:", "");
    init.answer("yes or no? [no]:", "yes");
    init.answer("any: leave empty:", "");
    assert_eq!(init.code(), 0, "{}", init.shown());
    let shown = init.shown();
    assert!(shown.contains("note: the names are left out"), "{shown}");
    assert_eq!(too_wide(&shown), Vec::<String>::new(), "{shown}");
    let text = manifest(&project, "frames.yml");
    let names = "\n#domain:\n#  cnames: [frames.example.org]\n";
    assert!(text.contains(names), "{text}");
    // Nor does it suggest what DICOMweb can't be limited to.
    assert!(!text.contains("imageSets: ["), "{text}");
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 0, "{run:#?}");
}

#[test]
fn an_interrupted_question_leaves_nothing() {
    let project = Project::empty();
    let mut init = at_terminal(&project);
    init.answer("]:", "ct-viewer");
    eventually("the next question", || {
        init.shown().contains("[cognito]").then_some(())
    });
    kill_process(init.pid(), Signal::INT).unwrap();
    assert_eq!(init.code(), 130);
    eventually("a last line", || {
        init.shown().contains("nothing was written").then_some(())
    });
    assert!(entries(&project).is_empty());

    // Ctrl-D ends the input.
    let mut init = at_terminal(&project);
    init.answer("]:", "\u{4}");
    assert_eq!(init.code(), 130);
    assert!(entries(&project).is_empty());
}

fn online(project: &Project, account: &Account) -> OnTerminal {
    let mut command = project.command();
    command
        .args(["init", "--online"])
        .envs(account.environment());
    OnTerminal::start_with_columns(&mut command, 80)
}

/// Against the tests' AWS, whose HealthImaging is a stand-in.
#[test]
fn online_lists_what_the_account_has() {
    let account = Aws::shared().account();
    let pool = account.call(
        "cognito-idp",
        "CreateUserPool",
        json!({"PoolName": "radiology"}),
    );
    let pool = pool["UserPool"]["Id"].as_str().unwrap();
    let client = json!({"UserPoolId": pool, "ClientName": "viewer"});
    let client = account.call("cognito-idp", "CreateUserPoolClient", client);
    let client = client["UserPoolClient"]["ClientId"].as_str().unwrap();
    let asked = json!({"DomainName": "frames.example.org", "ValidationMethod": "DNS"});
    let certificate = account.call("acm", "RequestCertificate", asked);
    let certificate = certificate["CertificateArn"].as_str().unwrap();
    let [_, zone] = ["example.net", "example.org"].map(|name| {
        let zone = json!({"Name": name, "CallerReference": name});
        let zone = account.call("route53", "CreateHostedZone", zone);
        let id = zone["HostedZone"]["Id"].as_str().unwrap();
        id.rsplit('/').next().unwrap().to_owned()
    });
    let store = "12345678901234567890123456789012";
    account.set(
        &json!({"datastores": {store: "ACTIVE", "22345678901234567890123456789012": "DELETED"}}),
    );

    let project = Project::empty();
    let mut init = online(&project, &account);
    init.answer("]:", "ct");
    init.answer("[cognito]:", "");
    init.answer("pool's id, or its number:", "1");
    init.answer("of the pool: leave empty:", "1");
    init.answer("none: leave empty:", "frames.example.org");
    // The other zone can't have the name.
    init.answer("name one\r\n  none: leave empty:", "1");
    init.answer("to have one made: leave empty:", "1");
    init.answer("[us-east-1]:", "");
    init.answer("of the account: leave empty:", "1");
    init.answer("[no]:", "");
    init.answer("any: leave empty:", "");
    assert_eq!(init.code(), 0, "{}", init.shown());
    let shown = init.shown();
    for listed in ["radiology", "viewer", "frames.example.org"] {
        assert!(shown.contains(listed), "{listed}: {shown}");
    }
    assert!(
        !shown.contains("22345678901234567890123456789012"),
        "{shown}"
    );
    // Only the certificate's ARN is wider than the terminal: it is to be copied. Its name is below.
    let listed = format!("   1  {certificate}");
    assert_eq!(too_wide(&shown), [&*listed], "{shown}");
    let lines = on_screen(&shown);
    let at = lines.iter().position(|line| *line == listed).unwrap();
    assert_eq!(lines[at + 1], "      frames.example.org", "{shown}");
    let text = manifest(&project, "frames.yml");
    for value in [pool, client, &zone, certificate, store] {
        assert!(text.contains(value), "{value}\n{text}");
    }
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 0, "{run:#?}");
}

#[test]
fn what_may_not_be_listed_is_asked_for() {
    let root = Aws::with_auth().account();
    let only = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"},
    ]});
    let account = root.as_user("beginner", &only);
    let project = Project::empty();
    let mut init = online(&project, &account);
    init.answer("]:", "ct");
    init.answer("[cognito]:", "");
    init.answer("pool's id:", "us-east-1_AbCdEfGhI");
    let shown = init.shown();
    let denied = "you have no permission for `cognito-idp:ListUserPools`";
    assert!(shown.contains(denied), "{shown}");
    assert_eq!(too_wide(&shown), Vec::<String>::new(), "{shown}");
    init.answer("of the pool: leave empty:", "\u{4}");
    assert_eq!(init.code(), 130, "{}", init.shown());
    assert!(entries(&project).is_empty());
}
