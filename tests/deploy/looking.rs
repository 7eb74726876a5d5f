//! `frames diff` and `frames info`: what would change, and what is deployed.

use super::reads::reads_in;
use super::{MANIFEST, Stand, closing};
use crate::access::image_sets;
use serde_json::{Value, json};

fn diff(stand: &Stand) -> Value {
    let run = stand.run(&["diff", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    closing(&run)["result"].clone()
}

fn info(stand: &Stand, arguments: &[&str]) -> Value {
    let run = stand.run(&[&["info", "--format", "json"], arguments].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    closing(&run)["result"].clone()
}

fn stage<'a>(result: &'a Value, name: &str) -> &'a Value {
    let mut stages = result["stages"].as_array().unwrap().iter();
    stages.find(|stage| stage["name"] == name).unwrap()
}

/// The changes of a stage: action and logical id.
fn changes(stage: &Value) -> Vec<String> {
    let changes = stage["changes"].as_array().unwrap().iter();
    let text = |change: &Value, key: &str| change[key].as_str().unwrap().to_owned();
    changes
        .map(|change| format!("{} {}", text(change, "action"), text(change, "resource")))
        .collect()
}

#[test]
fn a_diff_leaves_no_trace() {
    let stand = Stand::new();
    let before = stand.account.state();
    let all_new = diff(&stand);
    assert_eq!(all_new["differs"], true);
    for name in ["lambda-edge", "cdn"] {
        let stage = stage(&all_new, name);
        assert_eq!(stage["status"], Value::Null);
        assert!(
            changes(stage).iter().all(|it| it.starts_with("Add ")),
            "{stage:#}"
        );
    }
    assert_eq!(stand.account.state(), before);

    stand.deploy();
    let (before, calls) = (stand.account.state(), stand.account.calls().len());
    let same = diff(&stand);
    assert_eq!(same["differs"], false, "{same:#}");
    let run = stand.run(&["diff", "--exit-code"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(run.stdout.matches("nothing changes").count(), 2, "{run:#?}");
    let more = &stand.account.calls()[calls..];
    assert!(more.iter().all(|call| !call.is_mutating()), "{more:#?}");

    stand.write(&format!("{MANIFEST}delivery: {{priceClass: 100}}\n"));
    let run = stand.run(&["diff", "--exit-code"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(!run.stderr.contains("error"), "{run:#?}");
    for line in [
        "lambda-edge (heart-dev-lambda-edge): nothing changes",
        "PriceClass",
        "PriceClass_All -> PriceClass_100",
    ] {
        assert!(run.stdout.contains(line), "{line}: {run:#?}");
    }
    let changed = diff(&stand);
    assert_eq!(changes(stage(&changed, "cdn")), ["Modify Distribution"]);
    assert_eq!(stand.account.state(), before);
}

#[test]
fn what_a_later_stage_takes_is_in_the_diff() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}delivery: {{webAcl: none}}\n"));
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let found = diff(&stand);
    let edge = changes(stage(&found, "lambda-edge"));
    assert!(edge.contains(&"Add WebAcl".to_owned()), "{edge:?}");
    let cdn = stage(&found, "cdn");
    assert_eq!(cdn["status"], "CREATE_COMPLETE");
    assert_eq!(cdn["differs"], true);
    let taken = cdn["newVersions"].as_array().unwrap();
    assert!(taken.contains(&json!("WebAclArn")), "{cdn:#}");
    assert!(
        taken
            .iter()
            .any(|it| it.as_str().unwrap().starts_with("AuthorizerVersion")),
        "{cdn:#}"
    );
    let tried = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(tried.code, 0, "{tried:#?}");
    assert!(
        tried.stderr.contains("uses the new WebAclArn"),
        "{tried:#?}"
    );
}

#[test]
fn what_stands_is_told() {
    let stand = Stand::new();
    let nothing = stand.run(&["info"]);
    assert_eq!(nothing.code, 1, "{nothing:#?}");
    assert!(
        nothing.stderr.contains("heart (dev) is not deployed"),
        "{nothing:#?}"
    );

    let zone = stand.zone();
    let manifest =
        format!("{MANIFEST}domain: {{cnames: [frames.example.org], hostedZoneId: {zone}}}\n");
    stand.write(&manifest);
    let deployed = stand.deploy();
    let found = info(&stand, &[]);
    assert_eq!(found["url"], "https://frames.example.org");
    assert_eq!(
        found["distributionId"],
        deployed["result"]["distributionId"]
    );
    let distribution = &found["distributions"][0];
    assert_eq!(distribution["enabled"], true);
    assert_eq!(distribution["deployed"], true);
    assert_eq!(distribution["aliases"], json!(["frames.example.org"]));
    assert_eq!(
        found["functions"][0],
        json!({"name": "heart-dev-authorizer", "version": 1, "oldVersions": []})
    );

    // A replica holds the old version for a while.
    stand.account.set(&json!({"replicas": 60.0}));
    stand.write(&manifest.replace("audience: frames", "audience: images"));
    stand.deploy();
    let found = info(&stand, &[]);
    assert_eq!(
        found["functions"][0],
        json!({"name": "heart-dev-authorizer", "version": 2, "oldVersions": [1]})
    );
    let run = stand.run(&["info"]);
    for line in [
        "version 2 in use; 1 old, which CloudFront's replicas still hold: 1",
        "CNAME         frames.example.org -> ",
    ] {
        assert!(run.stdout.contains(line), "{line}: {run:#?}");
    }
}

/// CloudFormation couldn't look at a resource: whether that is there is unknown, and never unchanged.
#[test]
fn what_couldnt_be_compared_isnt_called_unchanged() {
    let stand = Stand::new();
    stand.deploy();
    let reason = "The moon is full";
    stand.account.set(
        &json!({"failures": [{"action": "DETECT", "type": "AWS::IAM::Role", "reason": reason}]}),
    );
    for role in ["AuthorizerRole", "SignerRole"] {
        gone(&stand, role);
    }
    let run = stand.run(&["deploy", "--yes", "-v"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for said in ["frames couldn't look at the others", "SignerRole"] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
    assert!(!run.stderr.contains("everything is deployed"), "{run:#?}");
    let run = stand.run(&["info", "--drift"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for said in [
        "deployed, and not everything could be looked at: ",
        "SignerRole",
        "drift: not known of every resource: ",
    ] {
        assert!(run.stdout.contains(said), "{said}: {run:#?}");
    }
    let run = stand.run(&["diff"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("couldn't be looked at"), "{run:#?}");
    let compared = diff(&stand);
    let edge = &stage(&compared, "lambda-edge")["notLookedAt"];
    assert_eq!(edge, &json!(["AuthorizerRole", "SignerRole"]));
    let found = info(&stand, &["--drift"]);
    assert!(stage(&found, "lambda-edge")["driftUnknown"].is_string());
    assert_eq!(stage(&found, "cdn")["driftUnknown"], Value::Null);
    assert_eq!(stage(&found, "cdn")["state"], "deployed");

    // Once it can be looked at, it is told as what it is.
    stand.account.set(&json!({"failures": []}));
    let found = info(&stand, &["--drift"]);
    let edge = stage(&found, "lambda-edge");
    assert_eq!(edge["driftUnknown"], Value::Null);
    assert_eq!(edge["state"], "2 of its resources gone", "{edge:#}");
}

/// Somebody deletes a role by hand: IAM deletes none that has policies.
fn gone(stand: &Stand, id: &str) {
    let asked = json!({"StackName": "heart-dev-lambda-edge", "LogicalResourceId": id});
    let found = stand
        .account
        .call("cloudformation", "DescribeStackResource", asked);
    let name = &found["StackResourceDetail"]["PhysicalResourceId"];
    let asked = json!({"RoleName": name});
    let attached = stand
        .account
        .call("iam", "ListAttachedRolePolicies", asked.clone());
    for policy in attached["AttachedPolicies"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let asked = json!({"RoleName": name, "PolicyArn": policy["PolicyArn"]});
        stand.account.call("iam", "DetachRolePolicy", asked);
    }
    stand.account.call("iam", "DeleteRole", asked);
}

#[test]
fn drift_is_found_where_it_is_asked_for() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    let drifts = |found: &Value| -> usize {
        let stages = found["stages"].as_array().unwrap().iter();
        stages
            .map(|stage| stage["drift"].as_array().unwrap().len())
            .sum()
    };
    assert_eq!(drifts(&info(&stand, &["--drift"])), 0);
    for (region, function) in [("us-east-1", "signer"), ("us-west-2", "reader")] {
        let group = format!("/frames/heart-dev-{function}");
        let asked = json!({"logGroupName": group, "retentionInDays": 1});
        let account = &stand.account;
        account.call_in(region, "logs", "PutRetentionPolicy", asked);
    }
    assert_eq!(drifts(&info(&stand, &[])), 0, "nobody asked");
    let found = info(&stand, &["--drift"]);
    for (name, resource) in [
        ("lambda-edge", "SignerLogGroup"),
        ("reads", "ReaderLogGroup"),
    ] {
        let drift = &stage(&found, name)["drift"];
        assert_eq!(drift[0]["resource"], resource, "{found:#}");
        assert_eq!(drift[0]["status"], "MODIFIED");
        assert_eq!(drift[0]["properties"], json!(["/RetentionInDays"]));
    }
    assert_eq!(drifts(&found), 2, "{found:#}");
}

/// `validate` shows a warning whole. Whoever deploys has read it, and is told of it in one line per run.
#[test]
fn warnings_are_counted_and_not_repeated() {
    let stand = Stand::new();
    let note = "      Note 1 warning: `frames validate` shows it\n";
    let validated = stand.run(&["validate"]);
    assert!(
        validated
            .stdout
            .starts_with("warning[default-certificate]: ")
    );
    assert!(
        validated.stdout.ends_with("\n1 warning\n"),
        "{validated:#?}"
    );
    for arguments in [
        &["print"][..],
        &["package"],
        &["policy"],
        &["deploy", "--dry-run"],
        &["deploy", "--yes"],
        &["deploy", "--yes"],
        &["diff"],
        &["info"],
        &["remove", "--dry-run"],
        &["remove", "--yes"],
    ] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
        assert_eq!(
            run.stderr.matches(note).count(),
            1,
            "{arguments:?}: {run:#?}"
        );
        let all = format!("{}{}", run.stdout, run.stderr);
        for whole in ["warning[", "default-certificate", "TLS 1.0"] {
            assert!(!all.contains(whole), "{arguments:?}: {whole}: {run:#?}");
        }
    }
}

/// A zip that an older limit would refuse gets no further than this machine. It can be allowed.
#[test]
fn a_heavy_zip_that_is_denied_ends_a_deployment_before_it_begins() {
    let stand = Stand::new();
    let ids = image_sets(10_000);
    stand.write(&format!(
        "service: heart
auth:
  mode: oidc
  issuer: https://login.example.org/
  audience: frames
  jwksFile: ./jwks.json
  access:
    - datastore: 12345678901234567890123456789012
      groups: [cardiology]
      imageSets:
{ids}iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
"
    ));
    let deny = [
        "deploy",
        "--yes",
        "--deny-warnings",
        "--allow",
        "default-certificate",
    ];
    let refused = stand.run(&deny);
    assert_eq!(refused.code, 1, "{refused:#?}");
    for words in ["the authorizer's zip has ", "`--allow zip-heavy`"] {
        assert!(refused.stderr.contains(words), "{words}: {refused:#?}");
    }
    let calls = stand.account.calls();
    assert!(!calls.iter().any(|call| call.is_mutating()), "{calls:#?}");
    let allowed = stand.run(&[&deny[..], &["--allow", "zip-heavy"]].concat());
    assert_eq!(allowed.code, 0, "{allowed:#?}");
    assert!(stand.has("heart-dev-cdn"));
    assert!(!allowed.stderr.contains("zip-heavy"), "{allowed:#?}");
}

/// Nobody is asked before, and nothing is written. What is allowed is no warning.
#[test]
fn warnings_that_are_denied_end_a_deployment_before_it_begins() {
    let stand = Stand::new();
    let refused = stand.run(&["deploy", "--yes", "--deny-warnings"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (3, ""),
        "{refused:#?}"
    );
    for words in [
        "error[default-certificate]: ",
        "--deny-warnings counts",
        "--allow",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {refused:#?}");
    }
    assert!(
        stand.account.calls().is_empty(),
        "{:#?}",
        stand.account.calls()
    );
    assert!(!stand.project.output("plan.json").exists());
    // Another warning than the one that is there.
    let other = ["--deny-warnings", "--allow", "iam-unrestricted"];
    let refused = stand.run(&[&["deploy", "--yes"], &other[..]].concat());
    assert_eq!(refused.code, 3, "{refused:#?}");
    assert!(stand.account.calls().is_empty());

    let allowed = ["--deny-warnings", "--allow", "default-certificate"];
    let deployed = stand.run(&[&["deploy", "--yes"], &allowed[..]].concat());
    assert_eq!(deployed.code, 0, "{deployed:#?}");
    assert!(stand.has("heart-dev-cdn"));
    let again = stand.run(&["deploy", "--yes", "--allow", "default-certificate"]);
    assert_eq!(again.code, 0, "{again:#?}");
    for run in [deployed, again] {
        for said in ["1 warning", "default-certificate"] {
            assert!(!run.stderr.contains(said), "{said}: {run:#?}");
        }
    }
}
