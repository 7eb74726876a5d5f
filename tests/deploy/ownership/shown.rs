//! What a removal shows before it asks is what it takes: neither less nor more.

use super::a_group_in;
use crate::deploy::{MANIFEST, Stand, closing};
use crate::support::aws::Aws;
use crate::support::process::eventually;
use crate::support::pty::OnTerminal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_dry_run_lists_what_goes() {
    let stand = Stand::new();
    stand.deploy();
    a_group_in(&stand, "eu-west-1", "/frames/heart-dev-signer");
    a_group_in(&stand, "ap-southeast-2", "/frames/heart-dev-authorizer");
    for delete_logs in [false, true] {
        let (before, calls) = (stand.account.state(), stand.account.calls().len());
        let more = if delete_logs {
            &["--delete-logs"][..]
        } else {
            &[]
        };
        let arguments = [&["remove", "--dry-run"], more].concat();
        let run = stand.run(&arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        for said in [
            "To go stack heart-dev-cdn in us-east-1",
            "5 artifacts in bucket frames-artifacts-",
            "2 log groups of the functions in other Regions",
            "nothing was changed",
        ] {
            assert!(run.stderr.contains(said), "{said}: {run:#?}");
        }
        let logs = run.stderr.contains("with all access logs in it");
        assert_eq!(logs, delete_logs, "{run:#?}");
        let run = stand.run(&[&arguments[..], &["--format", "json"]].concat());
        let result = closing(&run)["result"].clone();
        assert_eq!(result["account"], stand.account.number());
        assert_eq!(result["protected"], false);
        let stages = result["stages"].as_array().unwrap();
        assert_eq!(stages.len(), 2);
        assert!(stages.iter().all(|stage| stage["changed"] == true));
        let made = &stand.account.calls()[calls..];
        assert!(made.iter().all(|call| !call.is_mutating()), "{made:#?}");
        assert_eq!(stand.account.state(), before);
        if delete_logs {
            as_listed(&stand, &result);
        }
    }
}

/// By what is deployed, and by the manifest: either may be the older.
#[test]
fn an_audit_record_that_goes_is_named() {
    let audited = format!(
        "{MANIFEST}logs: {{audit: true, auditClaims: [sub], functions: {{retentionDays: 2192}}}}\n"
    );
    for (deployed, now, said) in [
        (audited.as_str(), audited.as_str(), true),
        (&audited, MANIFEST, true),
        (MANIFEST, &audited, true),
        (MANIFEST, MANIFEST, false),
    ] {
        let stand = Stand::new();
        stand.write(deployed);
        stand.deploy();
        a_group_in(&stand, "eu-west-1", "/frames/heart-dev-authorizer");
        a_group_in(&stand, "eu-west-1", "/frames/heart-dev-signer");
        stand.write(now);
        let dry = stand.run(&["remove", "--dry-run"]);
        assert_eq!(dry.code, 0, "{dry:#?}");
        for line in [
            "AuthorizerLogGroup (AWS::Logs::LogGroup), with the audit record in it",
            "/frames/heart-dev-authorizer (eu-west-1), with the audit record in it",
            "the audit record (`logs.audit`): all lines of /frames/heart-dev-authorizer, in 2 Regions (us-east-1, eu-west-1)",
        ] {
            assert_eq!(dry.stderr.contains(line), said, "{line}: {dry:#?}");
        }
        assert_eq!(
            dry.stderr.matches("audit record").count(),
            if said { 3 } else { 0 }
        );
        let mut asked = OnTerminal::start(&mut stand.command(&["remove"]));
        asked.wait_for("[y/N]");
        let shown = asked.shown();
        let question = shown.contains("The audit record goes with it, in 2 Regions.");
        assert_eq!(question, said, "{shown}");
        asked.write("n\n");
        assert_eq!(asked.end().0, 1);
    }
}

/// Every resource is there, with what becomes of it, by what a reader asks.
#[test]
fn what_goes_is_grouped() {
    let stand = Stand::with(
        &format!("{MANIFEST}logs: {{access: {{enabled: true}}}}\n"),
        Aws::shared().account(),
    );
    stand.deploy();
    let run = stand.run(&["remove", "--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let at = |said: &str| {
        let found = run.stderr.find(said);
        found.unwrap_or_else(|| panic!("{said}: {run:#?}"))
    };
    let order = [
        "To go stack heart-dev-cdn",
        "\n   delivery\n",
        "\n   - remove      Distribution (AWS::CloudFront::Distribution)\n",
        "\n   logs\n",
        "(AWS::S3::Bucket), which is kept with the logs in it",
        "To go stack heart-dev-lambda-edge",
        "\n   functions\n",
        "\n   - remove      AuthorizerFunction (AWS::Lambda::Function)\n",
    ];
    assert!(order.map(at).is_sorted(), "{run:#?}");
    let count = |lines: &str| run.stderr.matches(lines).count();
    let shown = count("\n   - remove ") + count("\n   · keep ");
    let json = closing(&stand.run(&["remove", "--dry-run", "--format", "json"]));
    assert_eq!(shown, json["result"]["resources"].as_array().unwrap().len());
}

/// Removes it all, and compares what was there with what is.
fn as_listed(stand: &Stand, listed: &Value) {
    let known = |entry: &Value| {
        ["service", "kind", "region", "id"].map(|key| entry[key].as_str().unwrap().to_owned())
    };
    let now = || -> BTreeSet<[String; 4]> { stand.account.inventory().iter().map(known).collect() };
    let before = now();
    let stacks = ["heart-dev-cdn", "heart-dev-lambda-edge"];
    let resources: Vec<Value> = stacks
        .iter()
        .flat_map(|stack| {
            let asked = json!({"StackName": stack});
            let found = stand
                .account
                .call("cloudformation", "DescribeStackResources", asked);
            found["StackResources"].as_array().unwrap().clone()
        })
        .collect();
    let run = stand.run(&["remove", "--yes", "--delete-logs"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let after = now();
    let gone: Vec<_> = before.difference(&after).collect();
    let of = |service: &str, kind: &str| -> BTreeSet<&str> {
        let of = gone.iter().filter(|it| it[0] == service && it[1] == kind);
        of.map(|it| it[3].as_str()).collect()
    };
    let artifacts = &listed["artifacts"];
    let bucket = artifacts["bucket"].as_str().unwrap();
    let keys = artifacts["keys"].as_array().unwrap().iter();
    let keys: BTreeSet<String> = keys
        .map(|key| format!("{bucket}/{}", key.as_str().unwrap()))
        .collect();
    assert_eq!(
        of("s3", "objects"),
        keys.iter().map(String::as_str).collect()
    );
    let buckets = listed["logBuckets"].as_array().unwrap().iter();
    let buckets = buckets.map(|bucket| bucket.as_str().unwrap()).collect();
    assert_eq!(of("s3", "buckets"), buckets);
    for group in listed["logGroups"].as_array().unwrap() {
        let is_it = |it: &&&[String; 4]| it[2] == group["region"] && it[3] == group["name"];
        assert!(gone.iter().find(is_it).is_some(), "{group}: {gone:#?}");
    }
    let entries = listed["resources"].as_array().unwrap();
    assert_eq!(entries.len(), resources.len());
    for entry in entries {
        assert_eq!(entry["kept"], false, "{entry}");
        let mut found = resources.iter();
        let found = found.find(|it| it["LogicalResourceId"] == entry["resource"]);
        assert_eq!(found.unwrap()["ResourceType"], entry["type"]);
    }
}

/// One question for all of it, with the account in it.
#[test]
fn one_question_is_asked_on_a_terminal() {
    let stand = Stand::with(MANIFEST, Aws::shared().account());
    stand.deploy();
    a_group_in(&stand, "eu-west-1", "/frames/heart-dev-signer");
    let before = stand.account.state();
    let asked = format!(
        "Account {}: Remove all of this (2 stacks, 5 artifacts, 1 log group)? [y/N]",
        stand.account.number()
    );
    let mut removal = OnTerminal::start_without_data(&mut stand.command(&["remove"]));
    removal.answer(&asked, "n");
    assert_eq!(removal.code(), 1, "{}", removal.shown());
    assert_eq!(stand.account.state(), before);

    let mut removal = OnTerminal::start_without_data(&mut stand.command(&["remove"]));
    removal.answer(&asked, "y");
    assert_eq!(removal.code(), 0, "{}", removal.shown());
    assert_eq!(removal.shown().matches("[y/N]").count(), 1);
}

/// A protected stack is shown like any other, and refused.
#[test]
fn a_dry_run_says_what_is_protected() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{terminationProtection: true}}\n"
    ));
    stand.deploy();
    let run = stand.run(&["remove", "--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for said in ["is protected from deletion", "To go stack heart-dev-cdn"] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
}

/// The yes is for what was shown: what somebody deploys meanwhile isn't taken down with it.
#[test]
fn what_came_after_the_question_is_not_removed() {
    let stand = Stand::new();
    stand.deploy();
    let mut removal = OnTerminal::start_without_data(&mut stand.command(&["remove"]));
    eventually("the question", || {
        removal.shown().contains("[y/N]").then_some(())
    });
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Resources: {{Results: {{Type: 'AWS::SQS::Queue'}}}}}}}}\n"
    ));
    stand.deploy();
    removal.answer("[y/N]", "y");
    assert_eq!(removal.code(), 1, "{}", removal.shown());
    let shown = removal
        .shown()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        shown.contains("has more in it than was shown: Results"),
        "{shown}"
    );
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "UPDATE_COMPLETE"
    );
    stand.remove();
}
