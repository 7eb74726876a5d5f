//! AWS with hostile text in whatever it says, on a terminal. See `tests/hostile.rs`.

use super::history::{put, records};
use super::{MANIFEST, Stand};
use crate::support::hostile::{harmless, name, shows, text, unharmed, xml};
use crate::support::https::{Https, answer};
use crate::support::process::eventually;
use crate::support::pty::OnTerminal;
use serde_json::{Value, json};

fn said() -> String {
    xml(&text())
}

fn named() -> String {
    xml(&name())
}

fn refused(stand: &Stand, operation: &str, code: &str) {
    let rule = json!({"kind": "answer", "status": 400, "code": code, "message": said(), "operation": operation, "count": 1000});
    stand.account.rule(rule);
}

#[test]
fn errors() {
    let stand = Stand::new();
    for code in [
        "ValidationError",
        "AccessDenied",
        "SignatureDoesNotMatch",
        "Throttling",
    ] {
        refused(&stand, "GetCallerIdentity", code);
        for command in [
            "deploy", "diff", "info", "check", "history", "rollback", "remove",
        ] {
            harmless(code, &mut stand.command(&[command, "-v"]));
        }
        stand.account.clear_rules();
    }
    // Codes are AWS's text too, and what a denial is about.
    let message = format!(
        "User: {0} is not authorized to perform: a:{1} on resource: {1}",
        said(),
        named()
    );
    let rule = json!({"kind": "answer", "status": 403, "code": "AccessDenied", "message": message, "operation": "DescribeStacks", "count": 1000});
    stand.account.rule(rule);
    for command in [
        "deploy", "diff", "info", "check", "history", "rollback", "remove",
    ] {
        shows(command, &mut stand.command(&[command]));
    }
    stand.account.clear_rules();
    refused(&stand, "DescribeStacks", "ValidationError");
    for arguments in [&["deploy"][..], &["info", "--format", "json"]] {
        shows("an error", &mut stand.command(arguments));
    }
}

#[test]
fn reasons_of_events() {
    let stand = Stand::new();
    stand.account.fail("CREATE", "AWS::IAM::Role", "*", &said());
    shows("deploy", &mut stand.command(&["deploy", "--yes", "-v"]));
    shows(
        "deploy",
        &mut stand.command(&["deploy", "--yes", "--format", "json"]),
    );
    stand.account.set(&json!({"failures": []}));
    let mut first = stand.command(&["deploy"]);
    harmless("deploy", &mut first);
    stand.write(&format!("{MANIFEST}delivery: {{webAcl: none}}\n"));
    stand.account.fail("UPDATE", "*", "*", &said());
    let asked = OnTerminal::start(&mut stand.command(&["deploy"]));
    let mut asked = asked;
    asked.wait_for("[y/N]");
    asked.write("y\n");
    let (_, shown) = asked.end();
    unharmed("deploy", &shown);
    stand.account.set(&json!({"failures": []}));
    stand.account.fail("DELETE", "*", "*", &said());
    shows("remove", &mut stand.command(&["remove", "--yes"]));
}

/// Stacks that look like this service's, made by somebody else with any content.
fn like_ours(stand: &Stand) {
    let version = format!("arn:aws:lambda:us-east-1:1:function:{}:1", named());
    for stack in ["heart-dev-lambda-edge", "heart-dev-cdn"] {
        let template = json!({
            "Description": format!("heart (dev): {}", said()),
            "Resources": {named(): {"Type": "AWS::Logs::LogGroup"}},
            "Outputs": {
                "Url": {"Value": said()},
                "DistributionId": {"Value": named()},
                "AuthorizerVersionArn": {"Value": version},
            },
        });
        make(stand, stack, &template);
    }
}

#[test]
fn stacks_outputs_and_resources() {
    let stand = Stand::new();
    like_ours(&stand);
    // No distribution serves at that address, so it isn't shown.
    harmless("info", &mut stand.command(&["info"]));
    harmless("info", &mut stand.command(&["info", "--format", "json"]));
    harmless("info", &mut stand.command(&["info", "--drift"]));
    shows("diff", &mut stand.command(&["diff"]));
    harmless("diff", &mut stand.command(&["diff", "--format", "json"]));
    shows("deploy", &mut stand.command(&["deploy", "--dry-run"]));
    shows("remove", &mut stand.command(&["remove", "--yes"]));
    let stand = Stand::new();
    like_ours(&stand);
    shows("deploy", &mut stand.command(&["deploy", "--yes"]));
}

/// Whoever may write to the artifact bucket.
#[test]
fn records_of_deployments() {
    let stand = Stand::new();
    stand.deploy();
    let (key, record) = records(&stand).pop().unwrap();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let forged = |place: &str| {
        let mut forged = record.clone();
        *forged.pointer_mut(place).unwrap() = json!(text());
        put(&stand, &key, &forged.to_string());
    };
    for place in ["/who", "/version"] {
        forged(place);
        harmless(place, &mut stand.command(&["history", "-v"]));
        harmless(place, &mut stand.command(&["history", "--format", "json"]));
        harmless(place, &mut stand.command(&["rollback", "--dry-run"]));
    }
    forged("/who");
    shows("who", &mut stand.command(&["history"]));
    shows("who", &mut stand.command(&["rollback", "--dry-run"]));
    // No line of it looks like one of the list.
    let mut lines = record.clone();
    lines["who"] =
        json!("me\n0123456789ab  2026-11-28 23:12:05 +00:00  deployment, live\n    by you");
    put(&stand, &key, &lines.to_string());
    let run = stand.run(&["history"]);
    assert!(run.stdout.contains("    by me\\n0123456789ab"), "{run:#?}");
    let begun = |with: &str| run.stdout.lines().any(|line| line.starts_with(with));
    assert!(!begun("0123456789ab") && !begun("    by you"), "{run:#?}");
    // One that can't be read is named by its key, and its reason.
    for place in ["/time", "/state", "/plan/stages/0/name"] {
        forged(place);
        harmless(place, &mut stand.command(&["history"]));
        harmless(place, &mut stand.command(&["rollback", "--dry-run"]));
    }
}

#[test]
fn a_stack_of_somebody_elses() {
    let stand = Stand::new();
    let template =
        json!({"Description": said(), "Resources": {"G": {"Type": "AWS::Logs::LogGroup"}}});
    make(&stand, "heart-dev-lambda-edge", &template);
    for command in ["deploy", "diff", "info", "check", "remove"] {
        shows(command, &mut stand.command(&[command]));
    }
}

fn make(stand: &Stand, stack: &str, template: &Value) {
    let wanted = json!({"StackName": stack, "TemplateBody": template.to_string()});
    stand.account.call("cloudformation", "CreateStack", wanted);
    eventually("the stack", || {
        (stand.stack(stack)["StackStatus"] == "CREATE_COMPLETE").then_some(())
    });
}

/// Parameters, and other stacks' outputs.
#[test]
fn values_of_variables() {
    let stand = Stand::new();
    let parameter = |kind: &str, path: &str| json!({"Name": path, "Value": text(), "Type": kind});
    stand
        .account
        .call("ssm", "PutParameter", parameter("String", "/plain"));
    stand
        .account
        .call("ssm", "PutParameter", parameter("SecureString", "/secret"));
    make(
        &stand,
        "other",
        &json!({"Resources": {"G": {"Type": "AWS::Logs::LogGroup"}}, "Outputs": {"O": {"Value": said()}}}),
    );
    for value in ["${ssm:/plain}", "${cf:other.O}"] {
        stand.write(&MANIFEST.replace(
            "audience: frames",
            &format!("audience: 'x', jwksUri: '{value}'"),
        ));
        for arguments in [
            &["validate", "--online"][..],
            &["print", "--online"],
            &["deploy"],
            &["validate", "--online", "--format", "github"],
        ] {
            shows(value, &mut stand.command(arguments));
        }
    }
    stand.write(&MANIFEST.replace("audience: frames", "audience: '${ssm:/secret}'"));
    for arguments in [
        &["validate", "--online"][..],
        &["print", "--online"],
        &["deploy", "--yes", "-v"],
        &["diff"],
        &["info"],
    ] {
        let shown = harmless("a secret", &mut stand.command(arguments));
        assert!(!shown.contains("evil"), "{shown}");
    }
}

/// An issuer that answers with what it likes.
#[test]
fn what_an_issuer_says() {
    let stand = Stand::new();
    let issuer = Https::start(|_| String::new());
    let document =
        |keys: Value| json!({"issuer": text(), "jwks_uri": text(), "keys": keys}).to_string();
    let manifest = MANIFEST
        .replace("https://login.example.org/", &issuer.url)
        .replace(", jwksFile: ./jwks.json", "");
    stand.write(&manifest);
    let key = json!({"kty": "RSA", "kid": text(), "alg": text(), "n": text(), "e": "AQAB"});
    for body in [
        document(json!([key])),
        document(json!([])),
        text(),
        document(json!(text())),
    ] {
        let reply = answer("200 OK", &body);
        issuer.answer_with(move |_| reply.clone());
        let with_keys = manifest.replace(
            "audience: frames",
            &format!("audience: frames, jwksUri: '{}/keys'", issuer.url),
        );
        for manifest in [&manifest, &with_keys] {
            stand.write(manifest);
            let mut command = stand.command(&["package", "--fetch-keys"]);
            let shown = harmless(
                "an issuer",
                command.env("SSL_CERT_FILE", issuer.authority()),
            );
            assert!(shown.contains("error"), "{shown}");
        }
    }
    let reply = format!(
        "HTTP/1.1 500 {}\r\nContent-Length: 0\r\n\r\n",
        "\u{9b}2J\u{202e}"
    );
    issuer.answer_with(move |_| reply.clone());
    let mut command = stand.command(&["deploy"]);
    harmless(
        "an issuer",
        command.env("SSL_CERT_FILE", issuer.authority()),
    );
}
