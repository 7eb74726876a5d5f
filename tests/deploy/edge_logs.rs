//! The functions' log groups in Regions where viewers were: Lambda makes them, no stack has them.

use super::{MANIFEST, Stand};
use serde_json::{Value, json};

const AUTHORIZER: &str = "/frames/heart-dev-authorizer";

/// What Lambda does with a replica's first line.
fn a_viewer_in(stand: &Stand, region: &str, group: &str) {
    let asked = json!({"logGroupName": group});
    stand
        .account
        .call_in(region, "logs", "CreateLogGroup", asked);
}

fn groups(stand: &Stand, region: &str) -> Vec<(String, Value)> {
    let found = stand
        .account
        .call_in(region, "logs", "DescribeLogGroups", json!({}));
    let found = found["logGroups"].as_array().unwrap().iter();
    let name = |group: &Value| group["logGroupName"].as_str().unwrap().to_owned();
    found
        .map(|group| (name(group), group["retentionInDays"].clone()))
        .collect()
}

#[test]
fn they_are_kept_as_long_as_the_others_and_go_with_the_service() {
    let stand = Stand::new();
    stand.deploy();
    let other = "/frames/heart-development-authorizer";
    a_viewer_in(&stand, "eu-west-1", AUTHORIZER);
    a_viewer_in(&stand, "eu-west-1", other);
    a_viewer_in(&stand, "ap-southeast-2", "/frames/heart-dev-signer");
    stand.write(&format!(
        "{MANIFEST}logs: {{functions: {{retentionDays: 60}}}}\n"
    ));
    stand.deploy();
    let theirs = (other.to_owned(), Value::Null);
    let own = (AUTHORIZER.to_owned(), json!(60));
    assert_eq!(groups(&stand, "eu-west-1"), [own, theirs.clone()]);
    let signer = ("/frames/heart-dev-signer".to_owned(), json!(60));
    assert_eq!(groups(&stand, "ap-southeast-2"), [signer]);

    stand.remove();
    assert_eq!(groups(&stand, "eu-west-1"), [theirs]);
    assert_eq!(groups(&stand, "ap-southeast-2"), []);
}

/// Organizations close Regions; that is no reason to fail.
#[test]
fn a_closed_region_is_passed_over() {
    let stand = Stand::new();
    stand.account.rule(json!({
        "kind": "answer", "service": "logs", "operation": "DescribeLogGroups", "at": 1, "count": 1,
        "status": 400, "code": "AccessDeniedException",
        "message": "User: x is not authorized to perform: logs:DescribeLogGroups with an explicit deny in a service control policy",
    }));
    let run = stand.run(&["deploy", "--yes", "-v"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("log groups in 1 Regions"), "{run:#?}");
}
