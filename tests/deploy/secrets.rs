//! Nothing secret is said or written, `-v` included.

use super::{MANIFEST, Stand};
use crate::support::frames::Run;
use serde_json::json;
use std::fs;
use std::path::Path;

const KEY: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEBYaDGV4YW1wbGVzZXNzaW9u";
const SECRET: &str = "correct-horse-battery-staple";

fn run(stand: &Stand, arguments: &[&str]) -> Run {
    let mut command = stand.command(arguments);
    command
        .env("AWS_SECRET_ACCESS_KEY", KEY)
        .env("AWS_SESSION_TOKEN", TOKEN);
    let run = Run::of(command.env("RUST_LOG", "trace"));
    for stream in [&run.stdout, &run.stderr] {
        clean(arguments[0], stream);
        // A template names this header, in its CORS settings.
        assert!(!stream.contains("Authorization"), "{stream}");
    }
    files(&stand.project.path().join(".frames"));
    run
}

fn clean(what: &str, text: &str) {
    for secret in [
        KEY,
        TOKEN,
        SECRET,
        "AWS4-HMAC-SHA256",
        "X-Amz-Signature",
        "Credential=",
    ] {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

/// Zips are opened: what they hold is deflated.
fn files(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path);
        } else if path.extension().is_some_and(|ending| ending == "zip") {
            let mut zip = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
            let mut config = String::new();
            std::io::Read::read_to_string(&mut zip.by_name("config.json").unwrap(), &mut config)
                .unwrap();
            clean(&path.display().to_string(), &config);
        } else {
            let text = fs::read(&path).unwrap();
            clean(&path.display().to_string(), &String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn nothing_secret_is_said_or_written() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    // What the functions or the stacks need of a secret is in them: this is about the rest.
    stand.write(&format!("{MANIFEST}x-note: '${{ssm:/frames/secret}}'\n"));
    let deployed = run(&stand, &["deploy", "--yes", "-v"]);
    assert_eq!(deployed.code, 0, "{deployed:#?}");
    assert_eq!(
        run(&stand, &["deploy", "--yes", "-v", "--format", "json"]).code,
        0
    );
    // What AWS refuses may quote the request.
    let leak =
        format!("The Canonical String should have been 'x-amz-security-token:{TOKEN}' {KEY}");
    let refusal = json!({"kind": "answer", "status": 403, "code": "SignatureDoesNotMatch", "message": leak, "operation": "DescribeStacks", "count": 1000});
    stand.account.rule(refusal);
    let refused = run(&stand, &["deploy", "--yes", "-v"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    stand.account.clear_rules();
    let removed = run(&stand, &["remove", "--yes", "-v"]);
    assert_eq!(removed.code, 0, "{removed:#?}");
}

#[test]
fn a_secret_that_is_used_is_masked_wherever_it_is_shown() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    stand.write(&MANIFEST.replace("audience: frames", "audience: '${ssm:/frames/secret}'"));
    let printed = run(&stand, &["print", "--online", "-v"]);
    assert_eq!(printed.code, 0, "{printed:#?}");
    assert!(
        printed.stdout.contains("audience: '********'"),
        "{printed:#?}"
    );
    for arguments in [&["deploy", "--yes", "-v"][..], &["remove", "--yes", "-v"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        clean(arguments[0], &run.stdout);
        clean(arguments[0], &run.stderr);
    }
}

/// A rule that a secret breaks is told; the value isn't.
#[test]
fn a_secret_that_isnt_right_isnt_shown() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/frames/secret", "Value": SECRET, "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", parameter);
    stand.write(&MANIFEST.replace(
        "12345678901234567890123456789012",
        "'${ssm:/frames/secret}'",
    ));
    for arguments in [
        &["validate", "--online", "-v"][..],
        &["deploy", "--yes", "-v"],
    ] {
        let run = run(&stand, arguments);
        assert_eq!(run.code, 3, "{run:#?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("isn't shown"), "{run:#?}");
    }
}
