//! The issuer's keys: fetched by `frames package --fetch-keys`, and by the very
//! function over HTTPS, from an issuer on this machine.

use crate::support::authorizer::Authorizer;
use crate::support::emulator::{Lambda, Task};
use crate::support::frames::{Project, Run};
use crate::support::https::{Https, answer};
use crate::support::process::eventually;
use crate::support::tokens::{AUDIENCE, Issuer};
use frames_edge::key_source::TIME_LIMIT;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// The function's own, after a fetch that failed (functions/authorizer/src/keys.rs).
const PENALTY: Duration = Duration::from_secs(10);

/// Discovery and this key set.
fn issuing(url: &str, set: Value) -> impl Fn(&str) -> String + Send + 'static {
    let document = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    move |path| match path {
        "/.well-known/openid-configuration" => answer("200 OK", &document.to_string()),
        "/keys" => answer("200 OK", &set.to_string()),
        _ => answer("404 Not Found", "{}"),
    }
}

fn serving(issuer: &Issuer) -> Https {
    let server = Https::start(|_| answer("503 Not Yet", ""));
    server.answer_with(issuing(&server.url, issuer.key_set()));
    server
}

fn project(server: &Https) -> Project {
    Project::new(&format!(
        "service: keys-test
auth: {{mode: oidc, issuer: '{}', audience: {AUDIENCE}}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
",
        server.url
    ))
}

fn package(project: &Project, server: &Https, arguments: &[&str]) -> Run {
    let mut command = project.command();
    command.arg("package").args(arguments);
    Run::of(command.env("SSL_CERT_FILE", server.authority()))
}

fn authorizer(project: &Project) -> Task {
    Task::of(project, "authorizer")
}

/// A packaged project whose tokens come from an issuer on this machine.
fn packaged(arguments: &[&str]) -> (Issuer, Https, Project) {
    let issuer = Issuer::new();
    let server = serving(&issuer);
    let project = project(&server);
    let run = package(&project, &server, arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    (issuer, server, project)
}

fn config(project: &Project) -> Value {
    let text = fs::read_to_string(authorizer(project).file("config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn package_asks_no_network_unless_it_is_told_to() {
    let issuer = Issuer::new();
    let server = serving(&issuer);
    let project = project(&server);
    let run = package(&project, &server, &[]);
    assert_eq!((run.code, server.asked()), (0, 0), "{run:#?}");
    assert!(
        config(&project)["auth"]["issuers"][0]
            .get("initialJwks")
            .is_none()
    );

    let run = package(&project, &server, &["--fetch-keys"]);
    assert_eq!((run.code, server.asked()), (0, 2), "{run:#?}");
    assert!(
        run.stderr.contains("1 key of the issuer is baked in"),
        "{run:#?}"
    );
    assert_eq!(
        config(&project)["auth"]["issuers"][0]["initialJwks"],
        issuer.key_set()
    );
    let plan = fs::read(project.output("plan.json")).unwrap();

    // What doesn't decide, doesn't change a byte: another order, keys of other uses.
    let mut set = issuer.key_set();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.insert(
        0,
        json!({"kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB"}),
    );
    keys[1]["x5t"] = json!("abc");
    server.answer_with(issuing(&server.url, set));
    let run = package(&project, &server, &["--fetch-keys"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(fs::read(project.output("plan.json")).unwrap(), plan);
}

#[test]
fn keys_that_cannot_be_had_are_an_error() {
    let issuer = Issuer::new();
    let server = serving(&issuer);
    let project = project(&server);
    let url = server.url.clone();
    let mut private = issuer.key_set();
    private["keys"][0]["d"] = json!("AQAB");
    let weak = json!({"keys": [{"kty": "RSA", "kid": "w", "n": "AQAB", "e": "AQAB"}]});
    let refused = |word: &str| {
        let run = package(&project, &server, &["--fetch-keys"]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
        assert!(run.stderr.contains("can't be baked in"), "{run:#?}");
        assert!(run.stderr.contains(word), "{word}: {run:#?}");
        assert!(run.stderr.contains("help: "), "{run:#?}");
        assert!(!project.path().join(".frames").exists());
    };
    server.answer_with(issuing(&url, private));
    refused("private key");
    server.answer_with(issuing(&url, weak));
    refused("2048");
    server.answer_with(issuing("https://evil.example", issuer.key_set()));
    refused("another issuer");
    server.answer_with(|_| answer("302 Found\r\nLocation: https://127.0.0.1/", ""));
    refused("302");
    server.answer_with(|_| answer("200 OK", &"x".repeat(300 * 1024)));
    refused("limit");
    server.answer_with(|_| answer("200 OK", "<html>"));
    refused("JSON");

    // Nobody vouches for the certificate.
    let run = project.frames(&["package", "--fetch-keys"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("certificate"), "{run:#?}");
}

#[test]
fn a_set_of_the_manifests_own_needs_no_issuer() {
    let issuer = Issuer::new();
    let server = serving(&issuer);
    let project = Project::new("service: x\nauth: {mode: none}\niam: {allow: []}\n");
    let run = package(&project, &server, &["--fetch-keys"]);
    assert_eq!((run.code, server.asked()), (0, 0), "{run:#?}");
    project.write("jwks.json", issuer.key_set().to_string());
    project.write(
        "frames.yml",
        format!(
            "service: x
auth: {{mode: oidc, issuer: '{}', audience: a, jwksFile: jwks.json}}
iam: {{allow: []}}
",
            server.url
        ),
    );
    let run = package(&project, &server, &["--fetch-keys"]);
    assert_eq!((run.code, server.asked()), (0, 0), "{run:#?}");
    assert_eq!(config(&project)["auth"]["jwks"], issuer.key_set());
}

/// What a sandbox said to a token, and how often its issuer had been asked by then.
type Said = (&'static str, String, usize);

/// The answers of a sandbox whose issuer goes down after the first fetch, and its log.
/// `None`: this machine was so slow that the function's own time limits had their say.
fn while_the_issuer_goes_down() -> Option<(Vec<Said>, String)> {
    let (issuer, server, project) = packaged(&[]);
    let lambda = Authorizer::start(&project, &server);
    let good = issuer.token(json!({"iss": server.url}));
    let expired = issuer.token(json!({"iss": server.url, "exp": 1}));
    let rotated = Issuer::named("test-2").token(json!({"iss": server.url}));
    let said = |name, token: &str| {
        let begun = Instant::now();
        let status = lambda.status(token);
        let in_time = begun.elapsed() < TIME_LIMIT;
        in_time.then(|| (name, status, server.asked()))
    };
    let mut all = vec![said("expired", &expired)?, said("good", &good)?];
    server.answer_with(|_| answer("500 Down", ""));
    all.push(said("good", &good)?);
    let begun = Instant::now();
    all.extend([said("rotated", &rotated)?, said("rotated", &rotated)?]);
    if begun.elapsed() >= PENALTY {
        return None;
    }
    all.push(said("good", &good)?);
    let log = lambda.log();
    assert!(!log.contains(&rotated), "a token in the log");
    Some((all, log))
}

#[test]
fn the_function_fetches_at_first_use_and_serves_on_when_the_issuer_is_down() {
    let (said, log) = (0..5)
        .find_map(|_| while_the_issuer_goes_down())
        .expect("five times too slow");
    let expected = [
        // A token that can't be good asks for nothing.
        ("expired", "401", 0),
        // Discovery and the set.
        ("good", "passed", 2),
        ("good", "passed", 2),
        // A key that nobody knows: one attempt, then ten seconds of rest.
        ("rotated", "503", 3),
        ("rotated", "503", 3),
        ("good", "passed", 3),
    ];
    let expected = expected.map(|(name, status, asked)| (name, status.to_owned(), asked));
    assert_eq!(said, expected);
    assert!(log.contains("keys_unavailable"), "{log}");
}

#[test]
fn a_baked_set_serves_while_the_issuer_is_down_and_a_withdrawn_key_is_refused() {
    let (issuer, server, project) = packaged(&["--fetch-keys"]);
    let start = || Authorizer::start(&project, &server);
    let good = issuer.token(json!({"iss": server.url}));
    let other = Issuer::named("test-2");
    let rotated = other.token(json!({"iss": server.url}));

    let asked = server.asked();
    server.answer_with(|_| answer("500 Down", ""));
    let lambda = start();
    assert_eq!(lambda.status(&good), "passed");
    assert_eq!(server.asked(), asked + 1, "it was asked first");
    assert_eq!(lambda.status(&good), "passed");
    assert_eq!(lambda.status(&rotated), "503");
    assert_eq!(server.asked(), asked + 1, "and is left in peace");

    // However long ago the function was packaged, a new sandbox goes by the issuer's word.
    server.answer_with(issuing(&server.url, other.key_set()));
    let lambda = start();
    assert_eq!(lambda.status(&good), "401", "withdrawn");
    assert_eq!(lambda.status(&rotated), "passed");
}

#[test]
fn the_function_trusts_the_systems_roots_only() {
    let (issuer, server, project) = packaged(&[]);
    let lambda = Authorizer {
        lambda: Lambda::start(authorizer(&project)),
    };
    let good = issuer.token(json!({"iss": server.url}));
    assert_eq!(lambda.status(&good), "503");
    assert_eq!(server.asked(), 0);
    // The answer may be there before the line is.
    eventually("the reason in the log", || {
        lambda.log().contains("certificate").then_some(())
    });
}
