//! `frames remove`: the order, what stays, what goes on later.

use super::{MANIFEST, Stand, each};
use crate::support::aws::Aws;
use serde_json::{Value, json};

/// Without what the removal leaves on purpose: the logs and their key, the bucket for artifacts.
fn left(stand: &Stand) -> Vec<String> {
    let goes = |line: &String| !line.starts_with("s3 ") && !line.starts_with("kms ");
    stand.account.state().into_iter().filter(goes).collect()
}

fn logs_bucket(stand: &Stand) -> String {
    let stack = stand.stack("heart-dev-cdn");
    let outputs = stack["Outputs"].as_array().unwrap().iter();
    let mut outputs = outputs.filter(|output| output["OutputKey"] == "AccessLogsBucket");
    outputs.next().unwrap()["OutputValue"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn has_bucket(stand: &Stand, name: &str) -> bool {
    stand
        .account
        .try_call("us-east-1", "s3", "HeadBucket", json!({"Bucket": name}))
        .is_ok()
}

/// The states that a distribution went through, the last first.
fn backwards(stand: &Stand) -> Vec<Value> {
    stand.account.history().into_iter().rev().collect()
}

fn has_functions(state: &Value) -> bool {
    let behaviors = state["behaviors"].as_object().unwrap();
    behaviors
        .values()
        .any(|functions| !functions.as_object().unwrap().is_empty())
}

#[test]
fn it_is_closed_in_one_change_before_it_is_deleted() {
    let stand = Stand::new();
    stand.deploy();
    let logs = logs_bucket(&stand);
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let states = backwards(&stand);
    assert_eq!(states[0]["deleted"], true, "{states:#?}");
    assert!(
        states[1]["enabled"] == false && !has_functions(&states[1]),
        "{states:#?}"
    );
    assert!(
        states[2]["enabled"] == true && has_functions(&states[2]),
        "{states:#?}"
    );
    assert_eq!(left(&stand), Vec::<String>::new());
    assert!(has_bucket(&stand, &logs), "the logs stay");
    assert!(
        run.stderr
            .contains(&format!("bucket {logs} with the access logs in it")),
        "{run:#?}"
    );
    let objects = stand.managed_bucket();
    let objects = stand
        .account
        .call("s3", "ListObjectVersions", json!({"Bucket": objects}));
    assert!(objects.get("Versions").is_none(), "{objects:#}");

    let state = stand.account.state();
    let again = stand.run(&["remove", "--yes"]);
    assert_eq!(again.code, 0, "{again:#?}");
    assert!(again.stderr.contains("it is not deployed"), "{again:#?}");
    assert_eq!(stand.account.state(), state);
}

#[test]
fn logs_go_where_that_is_asked_for() {
    let stand = Stand::new();
    stand.deploy();
    let logs = logs_bucket(&stand);
    for key in ["one.gz", "two.gz"] {
        stand.account.call(
            "s3",
            "PutObject",
            json!({"Bucket": logs, "Key": key, "Body": "log"}),
        );
    }
    stand.account.call(
        "s3",
        "DeleteObject",
        json!({"Bucket": logs, "Key": "one.gz"}),
    );
    let run = stand.run(&["remove", "--yes", "--delete-logs"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!has_bucket(&stand, &logs));
    stand.never_open();
}

#[test]
fn nothing_goes_without_a_yes() {
    let stand = Stand::new();
    stand.deploy();
    let state = stand.account.state();
    let run = stand.run(&["remove"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("--yes") && run.stderr.contains("Distribution"),
        "{run:#?}"
    );
    assert_eq!(stand.account.state(), state);
}

#[test]
fn replicas_that_live_on() {
    let stand = Stand::new();
    stand.deploy();
    stand
        .account
        .set(&json!({"replicas": 3600.0, "distribution": 0.5}));
    let run = stand.run(&["remove", "--yes", "--format", "json"]);
    assert_eq!(run.code, 4, "{run:#?}");
    assert!(
        run.stderr
            .contains("CloudFront's replicas still hold heart-dev-authorizer:1"),
        "{run:#?}"
    );
    assert!(
        run.stderr.contains("run the same command again later"),
        "{run:#?}"
    );
    let states = backwards(&stand);
    assert_eq!(states[0]["deleted"], true);
    assert!(!has_functions(&states[1]));
    assert_eq!(stand.versions("heart-dev-signer"), ["1"]);
    let run = stand.run(&["remove", "--yes", "--wait", "1s"]);
    assert_eq!(run.code, 4, "{run:#?}");
    assert!(run.stderr.contains("not finished yet after "), "{run:#?}");
    assert!(!run.stderr.contains("after 0 s"), "{run:#?}");
    let said = "for CloudFront to delete the replicas of";
    let run = stand.waits(&["remove", "--yes", "--wait", "1h"], said, || {
        stand.account.set(&json!({"replicas": 0}));
    });
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(left(&stand), Vec::<String>::new());
}

#[test]
fn abandoned_functions_are_kept_and_named() {
    let stand = Stand::new();
    stand.deploy();
    stand.account.set(&json!({"replicas": 3600.0}));
    let run = stand.run(&["remove", "--yes", "--abandon"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let functions = ["heart-dev-authorizer", "heart-dev-signer"];
    for function in functions {
        assert!(run.stderr.contains(function), "{run:#?}");
        assert_eq!(stand.versions(function), ["1"]);
    }
    let kept = left(&stand);
    assert!(
        kept.iter()
            .all(|line| functions.iter().any(|function| line.contains(function))),
        "{kept:#?}"
    );
    assert!(
        !kept.iter().any(|line| line.starts_with("cloudformation")),
        "{kept:#?}"
    );
    let again = stand.run(&["remove", "--yes"]);
    assert_eq!(again.code, 0, "{again:#?}");
}

/// Two services and two environments side by side: the others keep all they have.
#[test]
fn nothing_of_others_goes() {
    let stand = Stand::with(MANIFEST, Aws::shared().account());
    let names = [("heart", "dev"), ("heart", "prod"), ("lung", "dev")];
    let mut closings = Vec::new();
    for (service, env) in names {
        stand.write(&MANIFEST.replace("heart", service));
        // The other service delivers the same.
        let both = ["--env", env, "--beside", "heart"];
        closings.push(stand.deploy_with(&both));
        stand.serves_env(&closings[closings.len() - 1], env);
    }
    let of = |service: &str, env: &str| -> Vec<String> {
        let name = [format!("{service}-{env}"), format!("{service}/{env}/")];
        let state = stand.account.state().into_iter();
        state
            .filter(|line| name.iter().any(|name| line.contains(name)))
            .collect()
    };
    let others = [of("heart", "prod"), of("lung", "dev")];
    assert!(others.iter().all(|lines| lines.len() > 15), "{others:#?}");
    stand.write(MANIFEST);
    stand.remove();
    assert_eq!([of("heart", "prod"), of("lung", "dev")], others);
    let rest = of("heart", "dev");
    assert!(
        rest.iter().all(|line| line.contains("accesslogs")),
        "{rest:#?}"
    );
    for (closing, (_, env)) in closings.iter().zip(names).skip(1) {
        let id = closing["result"]["distributionId"].as_str().unwrap();
        assert_eq!(
            stand.distribution(id)["DistributionConfig"]["Enabled"],
            true,
            "{env}"
        );
    }
}

#[test]
fn a_protected_stack_is_refused_with_what_to_do() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{terminationProtection: true}}\n"
    ));
    stand.deploy();
    let state = stand.account.state();
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("protected")
            && run.stderr.contains("deploy.terminationProtection: false"),
        "{run:#?}"
    );
    assert_eq!(stand.account.state(), state);
    stand.write(MANIFEST);
    stand.deploy();
    stand.remove();
    assert_eq!(left(&stand), Vec::<String>::new());
}

/// What is half gone already, by hand.
#[test]
fn what_is_gone_is_gone() {
    type ByHand = fn(&Stand);
    let by_hand: Vec<(&str, ByHand)> = vec![
        ("only lambda-edge is deployed", |stand| {
            stand.account.call(
                "cloudformation",
                "DeleteStack",
                json!({"StackName": "heart-dev-cdn"}),
            );
        }),
        ("the bucket for artifacts is gone", |stand| {
            let bucket = stand.managed_bucket();
            let objects = stand
                .account
                .call("s3", "ListObjectVersions", json!({"Bucket": bucket}));
            for version in objects["Versions"].as_array().unwrap() {
                let object = json!({"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]});
                stand.account.call("s3", "DeleteObject", object);
            }
            stand
                .account
                .call("s3", "DeleteBucket", json!({"Bucket": bucket}));
        }),
    ];
    each(by_hand, |(what, prepare)| {
        let stand = Stand::new();
        stand.deploy();
        prepare(&stand);
        stand.remove();
        assert_eq!(left(&stand), Vec::<String>::new(), "{what}");
    });
}
