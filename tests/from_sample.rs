//! `frames init --from`: the settings of the AWS sample and of its successor, value for value.
//! The files in `tests/samples/` have the names, the forms and the types of those settings.

use crate::support::frames::{Project, Run};
use crate::support::read;
use serde_json::{Value, json};
use std::fs;

fn from(settings: &str, arguments: &[&str]) -> (Project, Run) {
    let project = Project::empty();
    project.write("config.ts", settings);
    let all = [
        &["init", "--from", "config.ts", "--service", "moved"],
        arguments,
    ]
    .concat();
    let run = project.frames(&all);
    (project, run)
}

/// All that the manifest says after defaults.
fn printed(project: &Project) -> Value {
    let run = project.frames(&["print", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    serde_json::from_str(&run.stdout).unwrap()
}

fn manifest(project: &Project) -> String {
    fs::read_to_string(project.path().join("frames.yml")).unwrap()
}

/// What the defaults of a manifest without anything of its own are.
fn defaults(auth: &str) -> Value {
    printed(&Project::new(&format!("service: moved\nauth: {auth}\n")))
}

#[test]
fn the_samples_settings_mean_the_same() {
    let (project, run) = from(&read("tests/samples/sample.ts"), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    assert!(!run.stderr.contains("Left out"), "{run:#?}");
    let mut expected = defaults("{mode: none}");
    expected["healthImaging"]["region"] = json!("us-west-2");
    assert_eq!(printed(&project), expected);
    assert_eq!(project.frames(&["validate"]).code, 0);
}

#[test]
fn the_samples_settings_with_everything_filled_in_mean_the_same() {
    let (project, run) = from(&read("tests/samples/sample-cognito.ts"), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    assert!(!run.stderr.contains("Left out"), "{run:#?}");
    let mut expected = defaults(
        "{mode: cognito, userPoolId: us-west-2_AbCdEfGhI, clientIds: [3n4b5urk1ft4fl3mg5e62d9ado]}",
    );
    assert_eq!(expected["auth"]["tokenUse"], "access");
    expected["healthImaging"] = json!({
        "region": "us-west-2",
        "endpoint": "runtime-medical-imaging.us-west-2.amazonaws.com",
    });
    expected["domain"] = json!({
        "cnames": ["frames.example.org", "images.example.org"],
        "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
        "securityPolicy": "TLSv1.2_2021",
    });
    assert_eq!(printed(&project), expected);
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 0, "{run:#?}");
}

#[test]
fn its_successors_settings_mean_the_same() {
    let (project, run) = from(&read("tests/samples/successor.ts"), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:#?}");
    let mut expected = defaults(
        "{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, clientIds: [3n4b5urk1ft4fl3mg5e62d9ado]}",
    );
    // The sample takes access tokens only.
    assert_eq!(expected["auth"]["tokenUse"], "access");
    expected["healthImaging"]["region"] = json!("eu-west-1");
    expected["domain"] = json!({
        "cnames": ["frames.example.org", "images.example.org"],
        "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
    });
    let found = printed(&project);
    expected["domain"]["securityPolicy"] = found["domain"]["securityPolicy"].clone();
    assert_eq!(found["domain"]["securityPolicy"], "TLSv1.2_2021");
    expected["logs"]["functions"]["level"] = json!("info");
    // Its viewers go on with what they fetch.
    expected["delivery"]["metadata"] = json!(true);
    expected["delivery"]["cachedReads"] = json!(true);
    assert_eq!(found, expected);
    assert_eq!(project.frames(&["validate"]).code, 0);

    // What has no counterpart is said twice, with its place.
    let text = manifest(&project);
    for (setting, line) in [
        ("ALB_DOMAIN", 19),
        ("CF_CACHE_HEADERS", 29),
        ("CONTAINER_ARCHITECTURE", 31),
    ] {
        let place = format!("{setting} (config.ts:{line}): ");
        assert!(
            run.stderr.contains(&format!("Left out {place}")),
            "{run:#?}"
        );
        assert!(text.contains(&format!("# - {place}")), "{text}");
    }
    assert_eq!(run.stderr.matches("Left out").count(), 3, "{run:#?}");
}

#[test]
fn json_has_what_was_left_out() {
    let (_, run) = from(&read("tests/samples/successor.ts"), &["--format", "json"]);
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said["file"], "frames.yml");
    assert_eq!(said["leftOut"].as_array().unwrap().len(), 3, "{said}");
}

/// The successor reads config.local.ts over config.ts; flags go over both.
#[test]
fn local_settings_and_flags_go_first() {
    let project = Project::empty();
    project.write("config.ts", read("tests/samples/successor.ts"));
    project.write(
        "config.local.ts",
        "export const COGNITO_CLIENT_ID = null;\nexport const AHI_REGION = 'us-west-2';\n",
    );
    let run = project.frames(&[
        "init",
        "--from",
        "config.ts",
        "--user-pool-id",
        "us-east-1_FromFlag0",
        "--dicomweb",
    ]);
    assert_eq!(run.code, 0, "{run:#?}");
    let found = printed(&project);
    assert_eq!(found["healthImaging"]["region"], "us-west-2");
    assert_eq!(found["auth"]["userPoolId"], "us-east-1_FromFlag0");
    assert!(found["auth"].get("clientIds").is_none(), "{found}");
    assert_eq!(found["delivery"]["dicomweb"], true);
}

/// No guess opens the delivery to more people than the sample's is.
#[test]
fn what_decides_who_may_fetch_is_never_guessed() {
    let successor = read("tests/samples/successor.ts");
    let sample = read("tests/samples/sample.ts");
    let client = "COGNITO_CLIENT_ID: string = \"3n4b5urk1ft4fl3mg5e62d9ado\"";
    for (settings, wanted) in [
        (
            successor.replace("AuthMode = 'cognito_jwt'", "AuthMode = process.env.MODE"),
            "AUTH_MODE (config.ts:15) is `process.env.MODE`",
        ),
        (
            successor.replace("AuthMode = 'cognito_jwt'", "AuthMode = null"),
            "AUTH_MODE (config.ts:15) is `null`",
        ),
        (
            successor.replace("AuthMode = 'cognito_jwt'", "AuthMode = 'null'"),
            "AUTH_MODE (config.ts:15) is `'null'`",
        ),
        (
            successor.replace(
                "const AUTH_MODE: AuthMode = 'cognito_jwt'",
                "let AUTH_MODE: AuthMode = 'none'",
            ),
            "AUTH_MODE (config.ts:15) is `'none'`",
        ),
        (
            successor.replace(
                "AUTH_MODE: AuthMode = 'cognito_jwt'",
                "OTHER: AuthMode = 'none'",
            ),
            "AUTH_MODE is missing",
        ),
        (
            sample.replace("AuthMode = null", "AuthMode = 'null'"),
            "AUTH_MODE (config.ts:11) is `'null'`",
        ),
        (
            sample.replace("AuthMode = null", "AuthMode = 'none'"),
            "AUTH_MODE (config.ts:11) is `'none'`",
        ),
        (
            successor.replace(client, "COGNITO_CLIENT_ID: string = ''"),
            "COGNITO_CLIENT_ID (config.ts:17) is `''`: name the app client with `--client-id`",
        ),
        (
            successor.replace(client, "COGNITO_CLIENT_ID = CLIENTS.viewer"),
            "COGNITO_CLIENT_ID (config.ts:17) is `CLIENTS.viewer`",
        ),
        (
            successor.replace("'eu-west-1_AbCdEfGhI'", "pools[0]"),
            "--user-pool-id is missing",
        ),
        (
            successor.replace("cfCertificateArn: 'arn", "cfCertificateArn: prefix + 'arn"),
            "--cname needs --hosted-zone-id (frames makes a certificate, validated in that zone) or --certificate-arn (",
        ),
    ] {
        let (project, run) = from(&settings, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert!(run.stderr.contains(wanted), "{wanted}: {run:#?}");
        assert!(!project.path().join("frames.yml").exists(), "{wanted}");
    }
    let settings = sample.replace("AuthMode = null", "AuthMode = 'null'");
    let (project, run) = from(&settings, &["--auth", "none"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(printed(&project)["auth"]["mode"], "none");
}

#[test]
fn what_isnt_the_samples_settings_is_refused_with_its_place() {
    let proxy = "const DEPLOY_REGION: string = 'us-east-1';\nconst AUTH_MODE = 'cognito_jwt';\n";
    for (settings, said) in [
        ("", "none of the sample's settings is here"),
        (
            "const A = 1;\nexport const B = { C: 'x' };",
            "none of the sample's settings is here",
        ),
        (proxy, "tile-level-marker-proxy"),
        (
            "const AUTH_MODE = 'cognito_jwt",
            "can't read config.ts:1:19: this text has no end",
        ),
        (
            "const A = 1;\nconst AUTH_MODE = {\n",
            "can't read config.ts:2:19: this isn't closed",
        ),
    ] {
        let (project, run) = from(settings, &["--auth", "none"]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
        assert!(!project.path().join("frames.yml").exists());
    }
    let project = Project::empty();
    for (path, said) in [
        ("none.ts", "none.ts"),
        (".", "it isn't a regular file"),
        ("/dev/zero", "it isn't a regular file"),
    ] {
        let run = project.frames(&["init", "--from", path, "--auth", "none"]);
        assert_eq!(run.code, 2, "{run:#?}");
        assert!(
            run.stderr.contains(&format!("can't read {path}: ")) && run.stderr.contains(said),
            "{run:#?}"
        );
    }
    project.write("long.ts", "/".repeat(300_000));
    let run = project.frames(&["init", "--from", "long.ts"]);
    assert!(run.stderr.contains("more than 262144 bytes"), "{run:#?}");
}

/// Somebody else's text reaches neither the terminal nor the manifest as more than text.
#[test]
fn hostile_settings_stay_text() {
    let settings = "export const AUTH_MODE = 'none';\n\
        export const AHI_REGION = 'us-east-1';\n\
        export const PROXY_LOG_LEVEL = 'x\\nservice: other\\u001b]0;t\\u0007';\n\
        export const X\u{202e}Y = f('\u{9b}31m');\n";
    let (project, run) = from(settings, &[]);
    assert_eq!(run.code, 0, "{run:#?}");
    let text = manifest(&project);
    for shown in [&run.stderr, &text] {
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
            "{shown:?}"
        );
        assert!(shown.contains("PROXY_LOG_LEVEL"), "{shown}");
    }
    assert_eq!(printed(&project)["service"], "moved");
    assert_eq!(printed(&project)["logs"]["functions"]["level"], "warn");
}
