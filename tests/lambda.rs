//! The very zips of `frames package`, run by AWS's own Lambda emulator and
//! Python runtime client: the import of `index.py` hands the process over to
//! the Rust program. The emulator is AWS's, but it isn't Lambda@Edge.

use crate::support::emulator::{CREDENTIALS, Lambda, Task};
use crate::support::events::{REQUEST_ID, origin_request, request_of, viewer_request};
use crate::support::frames::Project;
use crate::support::peers;
use crate::support::process::free_ports;
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

pub const FRAME: &str = "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame";
const INSTANCE: &str = "/datastore/12345678901234567890123456789012/studies/1.2.3/series/1.2.4/instances/1.2.5/frames/1";
pub const NATIVE_HOST: &str = "runtime-medical-imaging.us-west-2.amazonaws.com";
const DICOMWEB_HOST: &str = "dicom-medical-imaging.us-west-2.amazonaws.com";

/// A packaged delivery whose authorizer takes the tokens of `issuer`.
fn packaged(issuer: &Issuer) -> Project {
    let project = Project::new(&format!(
        "service: lambda-test
healthImaging: {{region: us-west-2}}
auth:
  mode: oidc
  issuer: {ISSUER}
  audience: {AUDIENCE}
  jwksFile: ./jwks.json
  tokenSources: [authorization, header, query]
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
delivery: {{dicomweb: true}}
"
    ));
    project.write("jwks.json", issuer.key_set().to_string());
    project.package();
    project
}

pub fn unpacked(function: &str, issuer: &Issuer) -> Task {
    Task::of(&packaged(issuer), function)
}

pub fn authorizer(issuer: &Issuer) -> Lambda {
    Lambda::start(unpacked("authorizer", issuer))
}

pub fn signer() -> Lambda {
    Lambda::start(unpacked("signer", &Issuer::new()))
}

#[test]
fn a_good_token_passes_and_goes_no_further() {
    let issuer = Issuer::new();
    let lambda = authorizer(&issuer);
    let token = issuer.token(json!({}));
    let bearer = format!("Bearer {token}");
    let sources: [(&[(&str, &str)], String); 3] = [
        (&[("Authorization", &bearer)], "a=1".to_owned()),
        (&[("Token", &token)], "a=1".to_owned()),
        (&[], format!("token={token}&a=1")),
    ];
    for (headers, query) in sources {
        let headers = [headers, &[("Accept", "image/jph"), ("X-Mine", "kept")]].concat();
        let event = viewer_request("POST", FRAME, &query, &headers);
        let answer = lambda.invoke(&event);
        // The same request, but for the token.
        let mut expected = request_of(&event).clone();
        let headers = expected["headers"].as_object_mut().unwrap();
        headers.retain(|name, _| name != "authorization" && name != "token");
        expected["querystring"] = json!("a=1");
        assert_eq!(answer, expected);
    }
    assert!(!lambda.log().contains(&token), "a token in the log");
}

#[test]
fn nothing_passes_without_a_good_token() {
    let issuer = Issuer::new();
    let lambda = authorizer(&issuer);
    let denied = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers: &[(&str, &str)] = match token {
            "" => &[],
            _ => &[("Authorization", &bearer)],
        };
        let answer = lambda.invoke(&viewer_request("POST", FRAME, "", headers));
        assert_eq!(header(&answer, "cache-control"), "no-store");
        (
            answer["status"].as_str().unwrap_or_default().to_owned(),
            header(&answer, "www-authenticate").to_owned(),
            answer["body"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let refused = |status: &str, challenge: &str, class: &str| {
        let body = json!({"error": class}).to_string();
        (status.to_owned(), challenge.to_owned(), body)
    };
    assert_eq!(denied(""), refused("401", "Bearer", "missing_token"));
    let invalid = refused("401", "Bearer error=\"invalid_token\"", "invalid_token");
    for (what, token) in [
        ("expired", issuer.token(json!({"exp": 1_700_000_000}))),
        (
            "another issuer",
            issuer.token(json!({"iss": "https://evil.example/"})),
        ),
        ("another audience", issuer.token(json!({"aud": "others"}))),
        ("another key", Issuer::new().token(json!({}))),
        ("no token at all", "e30.e30.".to_owned()),
    ] {
        assert_eq!(denied(&token), invalid, "{what}");
        assert!(!lambda.log().contains(&token), "a token in the log");
    }
    // The log says why; it has one line a denial.
    for reason in [
        "no_token",
        "expired",
        "wrong_issuer",
        "wrong_audience",
        "bad_signature",
    ] {
        assert!(lambda.log().contains(reason), "{reason}: {}", lambda.log());
    }
}

#[test]
fn other_paths_other_methods_and_the_preflight() {
    let issuer = Issuer::new();
    let lambda = authorizer(&issuer);
    let bearer = format!("Bearer {}", issuer.token(json!({})));
    let ask = |method, path, headers: &[(&str, &str)]| {
        lambda.invoke(&viewer_request(method, path, "", headers))
    };
    let with_token = [("Authorization", bearer.as_str())];
    assert_eq!(ask("GET", "/datastore", &with_token)["status"], "404");
    let wrong_method = ask("DELETE", FRAME, &with_token);
    assert_eq!(wrong_method["status"], "405");
    assert_eq!(header(&wrong_method, "allow"), "POST, OPTIONS");
    let preflight = ask(
        "OPTIONS",
        FRAME,
        &[
            ("Origin", "https://viewer.example.org"),
            ("Access-Control-Request-Method", "POST"),
        ],
    );
    assert_eq!(preflight["status"], "204");
    assert_eq!(header(&preflight, "access-control-allow-origin"), "*");
    assert!(header(&preflight, "access-control-allow-methods").contains("POST"));
}

#[test]
fn the_signer_signs_as_botocore_does() {
    let lambda = signer();
    let body = r#"{"imageFrameId": "0123456789abcdef0123456789abcdef", "ü": "é"}"#;
    let query = "imageSetId=aaaabbbbccccddddeeeeffff00001111&b=%20x&a=1";
    for event in [
        origin_request("POST", FRAME, "", NATIVE_HOST, body),
        origin_request("GET", INSTANCE, query, DICOMWEB_HOST, ""),
    ] {
        let answer = lambda.invoke(&event);
        let sent = request_of(&event);
        for same in ["method", "uri", "querystring", "origin"] {
            assert_eq!(answer[same], sent[same], "{same}");
        }
        assert!(answer["headers"].get("x-amz-cf-id").is_none());
        let body = if sent["method"] == "POST" { body } else { "" };
        assert_eq!(header(&answer, "authorization"), botocore(&answer, body));
        for secret in [CREDENTIALS[1].1, CREDENTIALS[2].1, "Signature="] {
            assert!(!lambda.log().contains(secret), "a secret in the log");
        }
    }
}

/// The `Authorization` that botocore computes for the request as it leaves CloudFront.
fn botocore(answer: &Value, body: &str) -> String {
    let [(_, access_key), (_, secret_key), (_, token)] = CREDENTIALS;
    let query = answer["querystring"].as_str().unwrap();
    let question = json!({
        "accessKey": access_key,
        "secretKey": secret_key,
        "token": token,
        "region": "us-west-2",
        "service": "medical-imaging",
        "method": answer["method"],
        "url": format!("https://{}{}{}{query}", header(answer, "host"), answer["uri"].as_str().unwrap(), if query.is_empty() { "" } else { "?" }),
        "headers": {
            "host": header(answer, "host"),
            "content-type": header(answer, "content-type"),
            "x-amz-cf-id": REQUEST_ID,
            "x-amz-content-sha256": header(answer, "x-amz-content-sha256"),
        },
        "date": header(answer, "x-amz-date"),
        "body": body,
    });
    peers::botocore(&question)
}

#[test]
fn the_program_takes_pythons_place_and_stays() {
    let lambda = signer();
    let ask = || {
        let answer = lambda.invoke(&origin_request("POST", FRAME, "", NATIVE_HOST, "{}"));
        assert!(!header(&answer, "authorization").is_empty(), "{answer}");
    };
    ask();
    // The emulator started Python. What it finds at that process's id now is the
    // program itself: no interpreter above it, none below it.
    let program = lambda.program();
    assert_eq!(program.executable(), lambda.task().file("bootstrap"));
    assert_eq!(program.children(), [0; 0]);
    assert_eq!(program.status("Threads:"), "1");
    assert!(
        lambda.log().contains("awslambdaric") || lambda.log().contains("/python"),
        "{}",
        lambda.log()
    );
    for _ in 0..5 {
        ask();
    }
    assert_eq!(
        lambda.program().pid,
        program.pid,
        "warm invocations stay in the sandbox"
    );
}

#[test]
fn a_lost_mode_bit_is_survived() {
    let task = unpacked("signer", &Issuer::new());
    fs::set_permissions(task.file("bootstrap"), fs::Permissions::from_mode(0o644)).unwrap();
    let lambda = Lambda::start(task);
    for _ in 0..2 {
        let answer = lambda.invoke(&origin_request("POST", FRAME, "", NATIVE_HOST, "{}"));
        assert!(!header(&answer, "authorization").is_empty(), "{answer}");
    }
    let executable = lambda.program().executable();
    assert!(
        executable.starts_with("/memfd:bootstrap (deleted)"),
        "{executable:?}"
    );
}

#[test]
fn a_broken_package_fails_at_its_start_and_says_why() {
    for (name, config, reason) in [
        (
            "authorizer",
            Some("{\"auth\": null, \"dicomweb\": true"),
            "isn't this function's configuration",
        ),
        (
            "authorizer",
            Some("{\"auth\": null, \"dicomweb\": true, \"x\": 1}"),
            "unknown field `x`",
        ),
        (
            "authorizer",
            Some(
                "{\"auth\": {\"issuers\": [{\"names\": [\"https://a.example\"], \"initialJwks\": {\"keys\": []}}], \
                 \"algorithms\": [\"RS256\"], \"audience\": [\"a\"], \"groupsClaim\": \"groups\", \
                 \"tokenSources\": [\"header\"]}, \"dicomweb\": true, \"logLevel\": \"warn\", \
                 \"cors\": {\"origins\": [], \"credentials\": false}}",
            ),
            "`auth.initialJwks`: a JWK set without a key",
        ),
        (
            "signer",
            Some(
                "{\"region\": \"us-east-1\", \"nativeHost\": \"evil.example\", \"logLevel\": \"warn\"}",
            ),
            "the only host to sign for is",
        ),
        ("signer", None, "can't read"),
    ] {
        let task = unpacked(name, &Issuer::new());
        match config {
            Some(text) => fs::write(task.file("config.json"), text).unwrap(),
            None => fs::remove_file(task.file("config.json")).unwrap(),
        }
        let lambda = Lambda::start(task);
        let answer = lambda.invoke(&viewer_request("POST", FRAME, "", &[]));
        assert_eq!(answer["errorType"], "InvalidPackage", "{answer}");
        let message = answer["errorMessage"].as_str().unwrap();
        assert!(
            message.contains(reason) && message.contains("config.json"),
            "{message}"
        );
        // The emulator may lose what a process writes last, so its log is read without it.
        assert_eq!(started_alone(lambda.task()), format!("error: {message}\n"));
    }
}

/// What the program writes to its log where there is no Runtime API to report to.
fn started_alone(task: &Task) -> String {
    let [nobody] = free_ports();
    let output = Command::new(task.file("bootstrap"))
        .env_clear()
        .envs(CREDENTIALS)
        .env("LAMBDA_TASK_ROOT", task.file(""))
        .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{nobody}"))
        .env("AWS_LAMBDA_FUNCTION_NAME", "us-east-1.frames")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// The first value of a header in CloudFront's shape; empty where it is missing.
fn header<'a>(message: &'a Value, name: &str) -> &'a str {
    message["headers"][name][0]["value"]
        .as_str()
        .unwrap_or_default()
}
