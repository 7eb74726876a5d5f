//! What a deployment ends with: the wait for every edge location, and the look from outside. The
//! distribution of the tests' AWS serves nobody: an edge of the test's own, before the local delivery,
//! answers under its name.

use super::history::listed;
use super::{Stand, closing};
use crate::check::faults::only_13;
use crate::check::{MANIFEST, VIEWER, place, rows};
use crate::support::aws::Aws;
use crate::support::dev::{Dev, dicomweb_path};
use crate::support::edge::{Edge, Fault, IMAGES};
use crate::support::frames::{Project, Run};
use crate::support::process::{Background, eventually, send};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A deployable manifest, and the local delivery of the same.
struct Delivered {
    stand: Stand,
    dev: Dev,
}

impl Delivered {
    fn new() -> Self {
        let stand = Stand::with("", Aws::shared().account());
        let arn = stand.certificate(&[IMAGES]);
        let own =
            "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";
        let manifest = MANIFEST.replace(own, &arn).replace(
            "audience: frames",
            "audience: frames, jwksFile: ./jwks.json",
        );
        stand.write(&manifest);
        let dev = Dev::start(&stand.project, &[]);
        Self { stand, dev }
    }

    /// `frames`, to which `edge` is the endpoint.
    fn run(&self, edge: &Edge, arguments: &[&str]) -> Run {
        let mut command = self.stand.command(arguments);
        Project::without_proxies(&mut command)
            .env("FRAMES_CONNECT_TO", edge.address.to_string())
            .env("AWS_CA_BUNDLE", edge.authority());
        Run::of(&mut command)
    }

    fn edge(&self, fault: Fault) -> Edge {
        Edge::start(place(&self.dev), fault)
    }
}

const DEPLOY: [&str; 4] = ["deploy", "--yes", "--format", "json"];

#[test]
fn a_deployment_ends_with_a_look_from_outside() {
    let delivered = Delivered::new();
    let sound = delivered.edge(Fault::default());
    let run = delivered.run(&sound, &DEPLOY);
    assert_eq!(run.code, 0, "{run:#?}");
    let said = closing(&run);
    delivered.stand.serves(&said);
    let looked = &said["result"]["check"];
    assert_eq!(
        (&looked["ok"], &looked["open"]),
        (&json!(true), &json!(false))
    );
    // The template says which page has to be allowed.
    let found = rows(looked);
    assert!(found["preflight"].1.contains(VIEWER), "{looked:#}");
    assert_eq!(found["foreign-origin"].0, "ok", "{looked:#}");

    // As a person sees it, with nothing to change.
    let again = delivered.run(&sound, &["deploy", "--yes"]);
    assert_eq!(again.code, 0, "{again:#?}");
    assert_eq!(again.stdout, format!("https://{IMAGES}\n"));
    assert!(again.stderr.contains("Checked"), "{again:#?}");
    assert!(!again.stderr.contains('✓'), "{again:#?}");
}

/// What is deployed stays so, and is said so.
#[test]
fn an_open_endpoint_is_said_plainly_and_nothing_is_lost() {
    let delivered = Delivered::new();
    let bearer = format!("Bearer {}", delivered.dev.token());
    let open = delivered.edge(Fault::on_request(move |request| {
        request.set("authorization", &bearer);
    }));
    let run = delivered.run(&open, &DEPLOY);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = closing(&run);
    delivered.stand.serves(&said);
    assert_eq!(said["result"]["check"]["open"], true);
    for words in [
        "the stacks are deployed, and",
        "is OPEN to anybody",
        "no-token",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
    }
    // The next run finds nothing to change, and the same.
    let again = delivered.run(&open, &["deploy", "--yes"]);
    assert_eq!(again.code, 1, "{again:#?}");
    assert_eq!(again.stdout, format!("https://{IMAGES}\n"));
    assert!(again.stderr.contains("✗ no-token"), "{again:#?}");
    let sound = delivered.edge(Fault::default());
    assert_eq!(delivered.run(&sound, &["deploy", "--yes"]).code, 0);
}

/// What is expected is what its record says: no manifest says it now.
#[test]
fn a_rollback_to_an_open_delivery_is_as_it_should_be() {
    let Delivered { stand, dev } = Delivered::new();
    let guarded = std::fs::read_to_string(stand.project.path().join("frames.yml")).unwrap();
    let open = guarded.lines().filter(|line| !line.starts_with("iam:"));
    let open = open.map(|line| {
        if line.starts_with("auth:") {
            "auth: {mode: none}\n".to_owned()
        } else {
            format!("{line}\n")
        }
    });
    stand.write(&open.collect::<String>());
    drop(dev);
    let dev = Dev::start(&stand.project, &[]);
    let delivered = Delivered { stand, dev };
    let sound = delivered.edge(Fault::default());
    assert_eq!(delivered.run(&sound, &DEPLOY).code, 0);
    delivered.stand.write(&guarded);
    delivered.stand.deploy();
    // Nobody is asked for a token any more: that takes a yes.
    let first = listed(&delivered.stand)[1]["id"].clone();
    let first = first.as_str().unwrap();
    let refused = delivered.run(&sound, &["rollback", first]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    let opening = "Opening the endpoint: whoever knows its address";
    assert!(refused.stderr.contains(opening), "{refused:#?}");
    let run = delivered.run(&sound, &["rollback", first, "--yes", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let looked = &closing(&run)["result"]["check"];
    assert_eq!(
        (&looked["ok"], &looked["open"]),
        (&json!(true), &json!(true))
    );
    assert!(run.stderr.contains("is OPEN: whoever"), "{run:#?}");
    assert!(run.stderr.contains("as that deployment's"), "{run:#?}");
    // Nothing is opened that is open already.
    let run = delivered.run(&sound, &["rollback", first, "--yes"]);
    assert!(!run.stderr.contains(opening), "{run:#?}");
}

#[test]
fn check_takes_the_endpoint_from_the_stack_and_holds_it_against_the_template() {
    let delivered = Delivered::new();
    let sound = delivered.edge(Fault::default());
    let none = delivered.run(&sound, &["check"]);
    assert_eq!(none.code, 1, "{none:#?}");
    assert!(none.stderr.contains("has no endpoint"), "{none:#?}");
    assert_eq!(delivered.run(&sound, &DEPLOY).code, 0);

    let path = dicomweb_path(&delivered.dev);
    delivered
        .stand
        .project
        .write("token", delivered.dev.token());
    let with_frame = ["check", "--token-file", "token", "--path", &path];
    let json = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap();
    let run = delivered.run(&sound, &[&with_frame[..], &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(rows(&json(&run))["edge-cache"].0, "ok", "{run:#?}");
    assert_eq!(rows(&json(&run))["behaviors"].1, "401 on 5", "{run:#?}");
    let by_name = delivered.run(&sound, &["check", "--service", "heart"]);
    assert_eq!(by_name.code, 0, "{by_name:#?}");

    // The template says that images are kept, that no other page may read, which versions of TLS
    // are spoken, and which behaviors there are.
    for (fault, name) in [
        (
            Fault::on_answer(|_, answer| answer.set("x-cache", "Miss from cloudfront")),
            "edge-cache",
        ),
        (
            Fault::on_answer(|_, answer| answer.set("access-control-allow-origin", "*")),
            "foreign-origin",
        ),
        (only_13(IMAGES, &[IMAGES]), "tls-1.2"),
        (
            Fault::on_answer(|request, answer| {
                if request.first.contains("/series HTTP/") {
                    answer.first = "HTTP/1.1 403 Forbidden".to_owned();
                }
            }),
            "behaviors",
        ),
    ] {
        let edge = delivered.edge(fault);
        let run = delivered.run(&edge, &[&with_frame[..], &["--format", "json"]].concat());
        assert_eq!(run.code, 1, "{run:#?}");
        assert_eq!(rows(&json(&run))[name].0, "wrong", "{run:#?}");
    }
}

/// Who can't reach it learns that nothing was looked at, and that nothing failed.
#[test]
fn an_endpoint_out_of_reach_is_deployed_and_not_looked_at() {
    let stand = Stand::new();
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for words in [
        "wasn't checked from outside",
        "127.0.0.1:1 can't be reached",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
    }
    let closing = stand.deploy();
    let check = &closing["result"]["check"];
    assert_eq!((&check["ok"], &check["open"]), (&Value::Null, &Value::Null));
    assert!(check["skipped"].as_str().unwrap().contains("127.0.0.1:1"));
    let dry = stand.json(&["deploy", "--dry-run"]);
    assert_eq!(dry["result"]["check"], Value::Null);
}

/// A change that CloudFormation knows nothing of, and that takes its time.
fn propagating(stand: &Stand, id: &str, seconds: f64) {
    stand.account.set(&json!({"distribution": seconds}));
    let call = |operation, asked| stand.account.call("cloudfront", operation, asked);
    let found = call("GetDistributionConfig", json!({"Id": id}));
    let (mut config, tag) = (found["DistributionConfig"].clone(), &found["ETag"]);
    config["HttpVersion"] = json!("http1.1");
    let asked = json!({"Id": id, "IfMatch": tag, "DistributionConfig": config});
    call("UpdateDistribution", asked);
}

#[test]
fn no_wait_says_what_isnt_true_yet_and_info_waits_for_it() {
    let stand = Stand::new();
    let id = stand.deploy()["result"]["distributionId"].clone();
    let id = id.as_str().unwrap();
    propagating(&stand, id, 600.0);
    let run = stand.run(&["deploy", "--yes", "--no-wait"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for words in [
        "still serve as before",
        "frames info --wait",
        "frames check",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
    }
    let late = stand.run(&["info", "--wait", "1s"]);
    assert_eq!(late.code, 4, "{late:#?}");
    assert!(late.stdout.contains("on its way"), "{late:#?}");
    assert!(late.stderr.contains("after 1 s"), "{late:#?}");

    propagating(&stand, id, 3.0);
    let info = stand.json(&["info", "--wait"]);
    assert_eq!(info["result"]["distributions"][0]["deployed"], true);
    assert_eq!(stand.distribution(id)["Status"], "Deployed");
    let run = stand.run(&["deploy", "--yes", "--no-wait"]);
    assert!(
        run.stderr.contains("every edge location has the change"),
        "{run:#?}"
    );
}

/// Without the flag, the deployment itself waits.
#[test]
fn a_deployment_waits_for_every_edge_location() {
    let stand = Stand::new();
    let id = stand.deploy()["result"]["distributionId"].clone();
    let id = id.as_str().unwrap();
    propagating(&stand, id, 3600.0);
    let run = stand.waits(&["deploy", "--yes"], "for CloudFront to bring", || {
        stand.account.set(&json!({"distribution": 0}));
    });
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(stand.distribution(id)["Status"], "Deployed");
}

/// Ctrl-C in the wait ends the wait: scripts still learn what is deployed.
#[test]
fn a_wait_that_is_ended_loses_nothing() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    propagating(&stand, id, 600.0);
    let mut process = Background::start(&mut stand.command(&DEPLOY));
    eventually("the wait", || {
        let waits = process.output().contains("for CloudFront to bring");
        waits.then_some(())
    });
    send(process.pid(), Signal::INT);
    let code = eventually("the end", || process.exit_code());
    let output = process.output();
    assert_eq!(code, 130, "{output}");
    let closing = output.lines().find(|line| line.contains("\"result\""));
    let closing: Value = serde_json::from_str(closing.unwrap()).unwrap();
    assert_eq!(closing["result"]["url"], deployed["result"]["url"]);
    assert_eq!(closing["result"]["check"]["skipped"], "interrupted");
}
