//! The JSON Schema in an editor: what yaml-language-server makes of it.

use crate::support::lsp::Server;
use crate::support::peers::node_peers;
use crate::support::{read, root};
use serde_json::{Value, json};
use std::process::Command;

/// A server that has the schema from its settings, for every file.
fn configured() -> Server {
    let schema = file("schema/frames.schema.json");
    let mut server = start(json!({ schema: "*.yml" }));
    // It fetches its settings after the start: an error shows that they count.
    let uri = "file:///settled.yml";
    server.open(uri, "serv: x\n");
    while server.findings(uri).is_empty() {}
    server
}

fn start(schemas: Value) -> Server {
    // Nothing but the schema of this repository: no network.
    let yaml = json!({
        "schemas": schemas,
        "schemaStore": {"enable": false},
        "kubernetesCRDStore": {"enable": false},
        "validate": true,
        "hover": true,
        "completion": true,
    });
    Server::start(
        Command::new(node_peers().join("yaml-language-server")).arg("--stdio"),
        json!({ "yaml": yaml }),
    )
}

fn file(path: &str) -> String {
    format!("file://{}", root().join(path).display())
}

/// Opens a text and asks about the place that `|` marks in it.
fn ask(server: &mut Server, method: &str, uri: &str, marked: &str) -> Value {
    let (before, after) = marked.split_once('|').unwrap();
    server.open(uri, &format!("{before}{after}"));
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap().len();
    server.ask(method, uri, (line, character))
}

fn labels(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().or(answer.as_array()).unwrap();
    items
        .iter()
        .filter_map(|item| item["label"].as_str())
        .collect()
}

/// The line (from 1) and the text of each finding.
fn findings(server: &mut Server, uri: &str, text: &str) -> Vec<(u64, String)> {
    server.open(uri, text);
    let found = server.findings(uri);
    let place = |finding: &Value| finding["range"]["start"]["line"].as_u64().unwrap() + 1;
    let message = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
    found
        .iter()
        .map(|finding| (place(finding), message(finding)))
        .collect()
}

#[test]
fn keys_and_values_complete() {
    let mut server = configured();
    for (uri, marked, wanted, unwanted) in [
        (
            "file:///root.yml",
            "service: x\n|",
            "healthImaging",
            "service",
        ),
        (
            "file:///begun.yml",
            "service: x\ndel|",
            "delivery",
            "service",
        ),
        (
            "file:///auth.yml",
            "auth:\n  mode: oidc\n  |",
            "groupsClaim",
            "cnames",
        ),
        ("file:///mode.yml", "auth:\n  mode: |", "cognito", "access"),
        (
            "file:///item.yml",
            "iam:\n  allow:\n    - |",
            "datastore",
            "mode",
        ),
        (
            "file:///dev.yml",
            "environments:\n  dev:\n    auth:\n      |",
            "tokenUse",
            "cnames",
        ),
    ] {
        let answer = ask(&mut server, "textDocument/completion", uri, marked);
        let labels = labels(&answer);
        assert!(labels.contains(&wanted), "{marked:?}: {labels:?}");
        assert!(!labels.contains(&unwanted), "{marked:?}: {labels:?}");
    }
}

#[test]
fn a_key_tells_what_it_is_for() {
    let schema: Value = serde_json::from_str(&read("schema/frames.schema.json")).unwrap();
    let mut server = configured();
    for (uri, marked, pointer) in [
        ("file:///root.yml", "ser|vice: x\n", "/service"),
        (
            "file:///auth.yml",
            "auth:\n  tokenS|ources: [header]\n",
            "/auth/properties/tokenSources",
        ),
        ("file:///table.yml", "del|ivery: {}\n", "/delivery"),
    ] {
        let doc = schema["properties"].pointer(&format!("{pointer}/description"));
        let doc = doc.and_then(Value::as_str).unwrap();
        let answer = ask(&mut server, "textDocument/hover", uri, marked);
        // Markdown escapes what it would take for markup.
        let shown = answer["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .replace('\\', "");
        assert!(shown.contains(doc), "{marked:?}: {answer}");
    }
}

#[test]
fn what_is_wrong_gets_a_red_line_and_what_is_right_none() {
    let mut server = configured();
    for (uri, line, named, text) in [
        (
            "file:///value.yml",
            3,
            "cognito",
            "service: x\nauth:\n  mode: saml\n",
        ),
        (
            "file:///key.yml",
            4,
            "userPool",
            "service: x\nauth:\n  mode: none\n  userPool: x\n",
        ),
        (
            "file:///root-key.yml",
            3,
            "servce",
            "service: x\nauth: {mode: none}\nservce: x\n",
        ),
        (
            "file:///pattern.yml",
            3,
            "pattern",
            "service: x\nauth: {mode: none}\nhealthImaging: {region: Dublin}\n",
        ),
        (
            "file:///type.yml",
            3,
            "array",
            "service: x\nauth: {mode: none}\niam: {allow: {}}\n",
        ),
        (
            "file:///unused.yml",
            4,
            "issuer",
            "service: x\nauth:\n  mode: none\n  issuer: https://a.example.org\n",
        ),
        (
            "file:///missing.yml",
            2,
            "userPoolId",
            "service: x\nauth: {mode: cognito}\n",
        ),
        (
            "file:///row.yml",
            3,
            "datastore",
            "service: x\nauth: {mode: none}\niam: {allow: [{imageSets: []}]}\n",
        ),
    ] {
        let found = findings(&mut server, uri, text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].0, line, "{text}: {found:#?}");
        assert!(found[0].1.contains(named), "{text}: {found:#?}");
    }
    // A required key may be in an environment.
    let text = "service: x\nauth: {mode: cognito}\n\
                environments: {dev: {auth: {userPoolId: us-east-1_AbCdEfGhI}}}\n";
    assert_eq!(findings(&mut server, "file:///environments.yml", text), []);
    // What a variable brings in by `<<` isn't in the text.
    let merged = "service: x
x-row: {datastore: 12345678901234567890123456789012}
x-topic: {topicArn: 'arn:aws:sns:us-east-1:111122223333:t'}
x-names: {cnames: [a.example.org]}
x-pool: {userPoolId: us-east-1_AbCdEfGhI}
auth:
  <<: ${self:x-pool}
  mode: cognito
iam:
  allow:
    - <<: ${self:x-row}
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
alarms:
  <<: ${self:x-topic}
domain:
  <<: ${self:x-names}
  hostedZoneId: Z0123
";
    assert_eq!(findings(&mut server, "file:///merged.yml", merged), []);
    let whole = "x-all: {service: x, auth: {mode: none}}\n<<: ${self:x-all}\n";
    assert_eq!(findings(&mut server, "file:///merged-whole.yml", whole), []);
    let mut manifests = 0;
    for entry in std::fs::read_dir(root().join("tests/manifests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yml") {
            let uri = format!("file://{}", path.display());
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(findings(&mut server, &uri, &text), [], "{uri}");
            manifests += 1;
        }
    }
    assert!(manifests > 3);
}

/// No settings at all: its first line names the schema.
#[test]
fn the_example_brings_its_schema_along() {
    let mut server = start(json!({}));
    let (uri, text) = (file("frames.yml"), read("frames.yml"));
    let wrong = text.replace("mode: cognito", "mode: cognit");
    assert_ne!(wrong, text);
    let found = findings(&mut server, &file("frames-wrong.yml"), &wrong);
    assert!(
        found.iter().any(|(_, text)| text.contains("cognito")),
        "{found:#?}"
    );
    assert_eq!(findings(&mut server, &uri, &text), []);
}
