//! AWS's SDKs for Python and JavaScript read frames, and the metadata that names them, from the compiled edge, as they are: with a
//! SigV4 signature of their own in `Authorization`, and the token in the header beside it.

use crate::dicomweb::{digest, run};
use crate::support::dev::{CT, Dev};
use crate::support::frames::Project;
use crate::support::peers::{node_modules, peers};
use crate::support::root;
use serde_json::{Value, json};
use std::process::Command;

const STORE: &str = "12345678901234567890123456789012";

fn edge(metadata: bool) -> Dev {
    Dev::start(
        &Project::new(&format!(
            "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a}}
iam: {{allow: [{{datastore: {STORE}}}]}}
delivery: {{metadata: {metadata}}}
"
        )),
        &[],
    )
}

fn ask(dev: &Dev, command: &mut Command) -> Value {
    let id = |name: &str| dev.ready["frame"][name].clone();
    let wishes = json!({"datastore": id("datastoreId"), "set": id("imageSetId"), "frame": id("imageFrameId")});
    run(command.args([dev.url(), dev.token()]), &wishes)
}

/// What both SDKs get. `unparsed` is the code that the SDK gives to a body without one.
fn expected(dev: &Dev, metadata: bool, unparsed: impl Fn(u16) -> Value) -> Value {
    let got = json!({"type": "image/jph", "sha256": digest(CT)});
    let signed = |mut got: Value| {
        got["signed"] = json!(true);
        got
    };
    let frame = signed(got.clone());
    let refused = |status: u16| json!({"status": status, "code": unparsed(status), "signed": true});
    // HealthImaging's own answer, as the SDK knows it.
    let missing = json!({"status": 404, "code": "ResourceNotFoundException", "signed": true});
    let document = signed(json!({
        "type": "application/json",
        "encoding": "gzip",
        "set": dev.ready["frame"]["imageSetId"],
        "frames": [got],
    }));
    // Where it isn't served, nobody learns that it could be.
    let served = |answer: &Value| {
        if metadata {
            answer.clone()
        } else {
            refused(404)
        }
    };
    json!({
        "frame": frame,
        "the same again": frame,
        "no token": refused(401),
        "a wrong token": refused(401),
        "an unknown image set": missing,
        "another data store": refused(403),
        "metadata": served(&document),
        "metadata, version 1": served(&document),
        "metadata, version 2": served(&missing),
        "metadata, no token": served(&refused(401)),
        "metadata of another data store": served(&refused(403)),
    })
}

#[test]
fn boto3_reads_frames_with_a_token_beside_its_signature() {
    for metadata in [false, true] {
        let dev = edge(metadata);
        let mut command = Command::new(peers().program("python"));
        command
            .arg(root().join("tests/peers/sdk.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let got = ask(&dev, &mut command);
        let mut expected = expected(&dev, metadata, |status| json!(status.to_string()));
        // Without a signature all is the same.
        for (unsigned, like) in [("unsigned", "frame"), ("no token, unsigned", "no token")] {
            expected[unsigned] = expected[like].clone();
            expected[unsigned]["signed"] = json!(false);
        }
        assert_eq!(got, expected);
    }
}

#[test]
fn the_javascript_sdk_reads_frames_with_a_token_beside_its_signature() {
    for metadata in [false, true] {
        let dev = edge(metadata);
        let mut command = Command::new("node");
        command
            .arg(root().join("tests/peers/sdk.mjs"))
            .arg(node_modules());
        let got = ask(&dev, &mut command);
        assert_eq!(got, expected(&dev, metadata, |_| json!("Unknown")));
    }
}
