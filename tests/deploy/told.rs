//! What is there is told truly, and each way on that frames names is run and ends well.

use super::{MANIFEST, Stand, closing};
use crate::support::frames::Run;
use crate::support::process::eventually;
use serde_json::{Value, json};

pub const DEPLOY: [&str; 2] = ["deploy", "--yes"];
pub const REMOVE: [&str; 2] = ["remove", "--yes"];

fn wanted() -> Vec<String> {
    let reference = Stand::new();
    reference.deploy();
    without_numbers(&reference)
}

/// A version that was published again has another number, and the tags of a distribution stay
/// with MiniStack after it.
fn without_numbers(stand: &Stand) -> Vec<String> {
    let mut state = stand.account.state();
    state.retain(|line| !line.starts_with("cloudfront tags"));
    for line in &mut state {
        if line.starts_with("lambda_svc versions") {
            line.truncate(line.rfind(':').unwrap());
        }
    }
    state
}

pub fn says(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run:#?}");
    let all = format!("{}{}", run.stdout, run.stderr);
    for said in words {
        assert!(all.contains(said), "{said}: {run:#?}");
    }
}

/// The physical id of a stack's resource.
fn physical(stand: &Stand, stack: &str, id: &str) -> String {
    let asked = json!({"StackName": stack, "LogicalResourceId": id});
    let found = stand
        .account
        .call("cloudformation", "DescribeStackResource", asked);
    let id = &found["StackResourceDetail"]["PhysicalResourceId"];
    id.as_str().unwrap().to_owned()
}

/// After a damage: named by `info` and `diff`, mended by `deploy`, which then has nothing to do.
fn mended(stand: &Stand, gone: &str) {
    says(&stand.run(&["info"]), 0, &[&format!("gone: {gone}")]);
    says(&stand.run(&["diff"]), 0, &[gone, "is gone"]);
    let run = stand.run(&DEPLOY);
    says(&run, 0, &["Mending", gone]);
    let closing = stand.deploy();
    stand.serves(&closing);
    stand.never_open();
    says(&stand.run(&["diff"]), 0, &["nothing changes"]);
    assert_eq!(without_numbers(stand), wanted());
}

/// H2: a removal got as far as the versions, and ended there.
#[test]
fn versions_that_are_gone_are_made_again() {
    let stand = Stand::new();
    stand.deploy();
    stand.account.set(&json!({"replicas": 3600.0}));
    says(&stand.run(&REMOVE), 4, &["nothing is served any more"]);
    // They go at last.
    stand.account.set(&json!({"replicas": 0}));
    for function in ["heart-dev-authorizer", "heart-dev-signer"] {
        let asked = json!({"FunctionName": function, "Qualifier": "1"});
        stand.account.call("lambda", "DeleteFunction", asked);
    }
    says(
        &stand.run(&["diff"]),
        0,
        &["AuthorizerVersion", "SignerVersion", "is gone"],
    );
    says(&stand.run(&DEPLOY), 0, &["Mending lambda-edge: "]);
    let closing = stand.deploy();
    stand.serves(&closing);
    stand.never_open();
}

/// H7: what something that lasts needs, what holds logs, and what is served from.
#[test]
fn what_somebody_deleted_is_told_and_made_again() {
    let stand = Stand::new();
    let first = stand.deploy();
    stand.serves(&first);

    let role = physical(&stand, "heart-dev-lambda-edge", "SignerRole");
    let asked = json!({"RoleName": role});
    let attached = stand
        .account
        .call("iam", "ListAttachedRolePolicies", asked.clone());
    for policy in attached["AttachedPolicies"].as_array().unwrap() {
        let asked = json!({"RoleName": role, "PolicyArn": policy["PolicyArn"]});
        stand.account.call("iam", "DetachRolePolicy", asked);
    }
    stand.account.call("iam", "DeleteRole", asked);
    mended(&stand, "SignerRole (AWS::IAM::Role)");

    let policy = physical(&stand, "heart-dev-lambda-edge", "SignerLogsPolicy");
    let role = physical(&stand, "heart-dev-lambda-edge", "SignerRole");
    let asked = json!({"RoleName": role, "PolicyArn": policy});
    stand.account.call("iam", "DetachRolePolicy", asked);
    let asked = json!({"PolicyArn": policy});
    stand.account.call("iam", "DeletePolicy", asked);
    mended(&stand, "SignerLogsPolicy (AWS::IAM::ManagedPolicy)");

    let asked = json!({"logGroupName": "/frames/heart-dev-signer"});
    stand.account.call("logs", "DeleteLogGroup", asked);
    mended(&stand, "SignerLogGroup (AWS::Logs::LogGroup)");

    let bucket = physical(&stand, "heart-dev-cdn", "AccessLogs");
    let asked = json!({"Bucket": bucket});
    stand.account.call("s3", "DeleteBucket", asked);
    mended(&stand, "AccessLogs (AWS::S3::Bucket)");
}

/// H7: a URL behind which there is nothing is no URL.
#[test]
fn a_distribution_that_is_gone_has_no_url() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"]
        .as_str()
        .unwrap()
        .to_owned();
    switch(&stand, &id, false);
    let info = stand.run(&["info"]);
    says(&info, 0, &["disabled"]);
    assert!(!info.stdout.contains("URL "), "{info:#?}");
    delete_distribution(&stand, &id);
    let info = stand.run(&["info", "--format", "json"]);
    assert_eq!(closing(&info)["result"]["url"], Value::Null, "{info:#?}");
    mended(&stand, "Distribution (AWS::CloudFront::Distribution)");
}

/// Once CloudFront allows it: it has to be disabled at every edge location.
pub fn delete_distribution(stand: &Stand, id: &str) {
    eventually("the distribution can be deleted", || {
        let tag = config(stand, id)["ETag"].clone();
        let asked = json!({"Id": id, "IfMatch": tag});
        let deleted =
            stand
                .account
                .try_call("us-east-1", "cloudfront", "DeleteDistribution", asked);
        deleted.ok()
    });
}

pub fn config(stand: &Stand, id: &str) -> Value {
    let asked = json!({"Id": id});
    stand
        .account
        .call("cloudfront", "GetDistributionConfig", asked)
}

/// As somebody does in the console.
pub fn switch(stand: &Stand, id: &str, enabled: bool) {
    let mut found = config(stand, id);
    found["DistributionConfig"]["Enabled"] = json!(enabled);
    let asked = json!({"Id": id, "IfMatch": found["ETag"], "DistributionConfig": found["DistributionConfig"]});
    stand
        .account
        .call("cloudfront", "UpdateDistribution", asked);
}

/// H7: a key takes with it what it encrypted, so its owner decides.
#[test]
fn a_key_whose_deletion_is_scheduled_is_its_owners_to_bring_back() {
    let stand = Stand::new();
    stand.deploy();
    let key = physical(&stand, "heart-dev-lambda-edge", "LogsKey");
    let asked = json!({"KeyId": key});
    stand
        .account
        .call("kms", "ScheduleKeyDeletion", asked.clone());
    let state = stand.account.state();
    says(&stand.run(&["info"]), 0, &["gone: LogsKey (AWS::KMS::Key)"]);
    let run = stand.run(&DEPLOY);
    says(
        &run,
        1,
        &[
            &format!(
                "key {key} of stack heart-dev-lambda-edge is gone, or its deletion is scheduled"
            ),
            &format!("aws kms cancel-key-deletion --key-id {key}"),
            &format!("aws kms enable-key --key-id {key}"),
        ],
    );
    assert_eq!(stand.account.state(), state);
    stand
        .account
        .call("kms", "CancelKeyDeletion", asked.clone());
    stand.account.call("kms", "EnableKey", asked.clone());
    says(&stand.run(&DEPLOY), 0, &["Unchanged"]);

    // Gone for good.
    stand.account.call("kms", "ScheduleKeyDeletion", asked);
    says(
        &stand.run(&DEPLOY),
        1,
        &["run `frames remove`, then `frames deploy`"],
    );
    says(&stand.run(&REMOVE), 0, &["Removed"]);
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// H3: somebody else's distribution runs our functions.
#[test]
fn a_distribution_of_nobodys_stack_is_named() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let own = deployed["result"]["distributionId"].as_str().unwrap();
    let mut config = config(&stand, own)["DistributionConfig"].clone();
    config["CallerReference"] = json!("by hand");
    config["Aliases"] = json!({"Quantity": 0});
    config["WebACLId"] = json!("");
    // It has the functions, and no policy of the stack's.
    let behavior = config["DefaultCacheBehavior"].as_object_mut().unwrap();
    behavior.remove("OriginRequestPolicyId");
    behavior.remove("ResponseHeadersPolicyId");
    config["CacheBehaviors"] = json!({"Quantity": 0});
    let made = stand.account.call(
        "cloudfront",
        "CreateDistribution",
        json!({"DistributionConfig": config}),
    );
    let id = made["Distribution"]["Id"].as_str().unwrap().to_owned();
    let enabled = format!("distribution {id} (enabled, ");
    says(
        &stand.run(&["info"]),
        0,
        &[&enabled, "belongs to none of these stacks"],
    );

    let run = stand.run(&REMOVE);
    says(
        &run,
        1,
        &[
            &enabled,
            "heart-dev-authorizer:1",
            "remove these functions from the distribution's behaviors",
        ],
    );
    assert!(!run.stderr.contains("nothing is served"), "{run:#?}");
    // What is left behind is told as long as it is in use.
    let other = Stand::new();
    let deployed = other.deploy();
    let own = deployed["result"]["distributionId"].as_str().unwrap();
    let mut copy = self::config(&other, own)["DistributionConfig"].clone();
    for member in [
        "CallerReference",
        "DefaultCacheBehavior",
        "CacheBehaviors",
        "Aliases",
        "WebACLId",
    ] {
        let functions = copy["DefaultCacheBehavior"]["LambdaFunctionAssociations"].clone();
        copy[member] = config[member].clone();
        if member == "DefaultCacheBehavior" {
            copy[member]["LambdaFunctionAssociations"] = functions;
        }
    }
    other.account.call(
        "cloudfront",
        "CreateDistribution",
        json!({"DistributionConfig": copy}),
    );
    says(
        &other.run(&["remove", "--yes", "--abandon"]),
        0,
        &["Abandoned", "Removed"],
    );
    let run = other.run(&REMOVE);
    says(
        &run,
        1,
        &["it has no stack any more, but distribution", "(enabled, "],
    );
    // The same again: nothing of it goes by itself.
    says(&stand.run(&REMOVE), 1, &[&enabled]);

    switch(&stand, &id, false);
    let disabled = format!("distribution {id} (disabled, ");
    says(&stand.run(&REMOVE), 1, &[&disabled]);
    delete_distribution(&stand, &id);
    says(&stand.run(&REMOVE), 0, &["Removed"]);
}

/// H5: what is left of it can't go while a stack that uses it is deployed.
#[test]
fn half_deleted_below_a_stack_that_uses_it() {
    let stand = Stand::new();
    stand.deploy();
    let name = "heart-dev-lambda-edge";
    stand
        .account
        .call("cloudformation", "DeleteStack", json!({"StackName": name}));
    eventually("the deletion fails", || {
        (stand.stack(name)["StackStatus"] == "DELETE_FAILED").then_some(())
    });
    for arguments in [&DEPLOY[..], &["deploy", "--dry-run"], &["diff"]] {
        says(
            &stand.run(arguments),
            1,
            &[
                "stack heart-dev-lambda-edge is half deleted (DELETE_FAILED), while stack heart-dev-cdn",
                "run `frames remove`, then `frames deploy`",
            ],
        );
    }
    says(
        &stand.run(&["info"]),
        0,
        &["its deletion failed, below a stack that uses it"],
    );
    stand.remove();
    stand.never_open();
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// H5: the rollback fails for good.
#[test]
fn a_rollback_that_never_ends_well() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let failure = |action: &str| json!({"action": action, "type": "AWS::CloudFront::Distribution", "reason": "The moon is full"});
    stand
        .account
        .set(&json!({"failures": [failure("UPDATE"), failure("ROLLBACK")]}));
    for _ in 0..2 {
        says(
            &stand.run(&DEPLOY),
            1,
            &[
                "The moon is full",
                "run `frames remove`, then `frames deploy`",
            ],
        );
    }
    says(
        &stand.run(&["diff"]),
        0,
        &["not compared: a rollback failed, and a deployment resumes it"],
    );
    stand.remove();
    stand.account.set(&json!({"failures": []}));
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// H6: what can't be compared isn't called new.
#[test]
fn a_diff_says_what_is_going_on() {
    let stand = Stand::new();
    stand.account.fail(
        "CREATE",
        "AWS::CloudFront::Distribution",
        "*",
        "The moon is full",
    );
    says(&stand.run(&DEPLOY), 1, &["The moon is full"]);
    stand.account.set(&json!({"failures": []}));
    says(
        &stand.run(&["diff"]),
        0,
        &[
            "cdn (heart-dev-cdn): not compared: its first deployment failed, and a deployment makes it anew",
        ],
    );
    stand.deploy();

    stand.account.set(&json!({"step": 3600}));
    let update = |name: &str| {
        let parameters = stand.stack(name)["Parameters"].clone();
        let parameters: Vec<Value> = parameters
            .as_array()
            .into_iter()
            .flatten()
            .map(|own| json!({"ParameterKey": own["ParameterKey"], "UsePreviousValue": true}))
            .collect();
        let tags = json!([{"Key": "by", "Value": "hand"}]);
        let update = json!({"StackName": name, "UsePreviousTemplate": true, "Tags": tags, "Parameters": parameters});
        stand.account.call("cloudformation", "UpdateStack", update);
    };
    update("heart-dev-lambda-edge");
    says(
        &stand.run(&["diff"]),
        0,
        &[
            "lambda-edge (heart-dev-lambda-edge): not compared: another operation is under way",
            "cdn (heart-dev-cdn): not compared: it uses outputs of a stage that isn't compared",
        ],
    );
    update("heart-dev-cdn");
    says(
        &stand.run(&["diff"]),
        0,
        &["cdn (heart-dev-cdn): not compared: another operation is under way"],
    );
    says(
        &stand.run(&["info"]),
        0,
        &["another operation is under way"],
    );
}

/// H9: the owner's own stack policy stays, and that is said.
#[test]
fn an_owners_stack_policy_stays() {
    let stand = Stand::new();
    stand.deploy();
    let theirs = json!({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/Distribution"},
    ]});
    let policy = || -> Value {
        let asked = json!({"StackName": "heart-dev-cdn"});
        let found = stand
            .account
            .call("cloudformation", "GetStackPolicy", asked);
        serde_json::from_str(found["StackPolicyBody"].as_str().unwrap()).unwrap()
    };
    assert!(
        policy()
            .to_string()
            .contains("LogicalResourceId/AccessLogs")
    );
    let asked = json!({"StackName": "heart-dev-cdn", "StackPolicyBody": theirs.to_string()});
    stand
        .account
        .call("cloudformation", "SetStackPolicy", asked);
    stand.write(&format!("{MANIFEST}deploy: {{tags: {{team: heart}}}}\n"));
    let run = stand.run(&DEPLOY);
    // It denies what its owner wanted it to deny.
    says(&run, 1, &["denied by"]);
    assert_eq!(policy(), theirs);
    stand.write(MANIFEST);
    let kept = "Keeping the stack policy of heart-dev-cdn, which frames didn't write";
    let run = stand.run(&DEPLOY);
    says(&run, 0, &["Unchanged"]);
    assert_eq!(policy(), theirs);
    assert!(
        run.stderr.contains(kept) || run.stderr.contains("Unchanged e"),
        "{run:#?}"
    );
}

/// It was switched off by hand, perhaps for a reason: no run says that it serves, or switches it on
/// where only what deployments always ask was answered.
#[test]
fn a_distribution_that_somebody_switched_off_isnt_called_deployed() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    switch(&stand, id, false);
    for _ in 0..2 {
        let run = stand.run(&DEPLOY);
        let what = format!("distribution {id} is disabled: somebody switched it off");
        says(&run, 1, &[&what, "run `frames deploy --enable`"]);
        assert!(!run.stdout.contains("https://"), "{run:#?}");
    }
    let is_enabled = || config(&stand, id)["DistributionConfig"]["Enabled"] == true;
    // Nobody said so for this one, and a dry run does nothing.
    for arguments in [
        &["deploy"][..],
        &["deploy", "--dry-run"],
        &["deploy", "--enable", "--dry-run"],
    ] {
        stand.run(arguments);
        assert!(!is_enabled(), "{arguments:?}");
    }
    switch(&stand, id, true);
    let closing = stand.deploy();
    assert_eq!(closing["result"]["stages"][1]["changed"], false);

    // A protected delivery can't be removed, and needn't be.
    stand.write(&format!(
        "{MANIFEST}deploy: {{terminationProtection: true}}\n"
    ));
    stand.deploy();
    switch(&stand, id, false);
    stand.account.set(&json!({"distribution": 0.3}));
    let run = stand.run(&["deploy", "--enable"]);
    let enabling = format!("distribution {id} (");
    says(
        &run,
        0,
        &[
            "Enabling",
            &enabling,
            "now that the distribution is on again",
        ],
    );
    assert!(is_enabled());
    let asked = json!({"Id": id});
    let found = stand.account.call("cloudfront", "GetDistribution", asked);
    assert_eq!(
        found["Distribution"]["Status"], "Deployed",
        "it was waited for"
    );
    let run = stand.run(&["deploy", "--enable"]);
    says(&run, 0, &["Unchanged"]);
    assert!(!run.stderr.contains("Enabling"), "{run:#?}");
}

/// Without the signer, nothing that HealthImaging has is served.
#[test]
fn a_path_without_its_signer_isnt_called_deployed() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    let mut found = config(&stand, id);
    let before = found["DistributionConfig"].clone();
    let behavior = &mut found["DistributionConfig"]["DefaultCacheBehavior"];
    let all = behavior["LambdaFunctionAssociations"]["Items"].as_array_mut();
    let all = all.unwrap();
    all.retain(|one| one["EventType"] == "viewer-request");
    let left = all.len();
    behavior["LambdaFunctionAssociations"]["Quantity"] = json!(left);
    let update = |config: &Value, tag: &Value| {
        let asked = json!({"Id": id, "IfMatch": tag, "DistributionConfig": config});
        stand
            .account
            .call("cloudfront", "UpdateDistribution", asked);
    };
    update(&found["DistributionConfig"], &found["ETag"]);
    let run = stand.run(&DEPLOY);
    let what = format!("distribution {id} doesn't run arn:aws:lambda:us-east-1:");
    says(&run, 1, &[&what, "at origin-request of *"]);
    // As the help says.
    update(&before, &config(&stand, id)["ETag"]);
    says(&stand.run(&DEPLOY), 0, &["Unchanged"]);
}
