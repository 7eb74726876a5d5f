//! What somebody's distribution uses, what a removal or an update left behind, and a distribution that is off:
//! told before anything fails over it, and each way on is run.

use super::Stand;
use super::told::{DEPLOY, REMOVE, config, delete_distribution, says, switch};
use serde_json::{Value, json};

/// Off, and without its authorizer: consent to serve isn't consent to serve all comers.
#[test]
fn a_distribution_without_its_authorizer_isnt_switched_on() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    let before = config(&stand, id)["DistributionConfig"].clone();
    switch(&stand, id, false);
    let found = config(&stand, id);
    let mut open = found["DistributionConfig"].clone();
    open["DefaultCacheBehavior"]["LambdaFunctionAssociations"] = json!({"Quantity": 0});
    let update = |config: &Value, tag: &Value| {
        let asked = json!({"Id": id, "IfMatch": tag, "DistributionConfig": config});
        stand
            .account
            .call("cloudfront", "UpdateDistribution", asked);
    };
    update(&open, &found["ETag"]);
    let refused = stand.run(&["deploy", "--yes", "--enable"]);
    says(
        &refused,
        1,
        &[
            "is disabled, and doesn't run the authorizer on every path",
            "Then put arn:aws:lambda:us-east-1:",
        ],
    );
    assert_eq!(config(&stand, id)["DistributionConfig"]["Enabled"], false);
    // As the help says.
    let mut guarded = before;
    guarded["Enabled"] = json!(false);
    update(&guarded, &config(&stand, id)["ETag"]);
    says(&stand.run(&DEPLOY), 1, &["frames deploy --enable"]);
    says(&stand.run(&["deploy", "--enable"]), 0, &["Enabling"]);
    stand.never_open();
}

/// A removal left the functions behind, and somebody's distribution runs them: their names are taken.
#[test]
fn functions_that_were_left_behind_name_who_runs_them() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let own = deployed["result"]["distributionId"].as_str().unwrap();
    let id = copied(&stand, own, false);
    says(
        &stand.run(&["remove", "--yes", "--abandon"]),
        0,
        &["Abandoned", "Removed"],
    );
    let before = stand.account.state();
    let enabled = format!("distribution {id} (enabled, ");
    for _ in 0..2 {
        let run = stand.run(&DEPLOY);
        says(
            &run,
            1,
            &[
                "a removal left functions of these names behind",
                &enabled,
                "runs heart-dev-authorizer:1",
                "delete that distribution",
            ],
        );
    }
    assert_eq!(stand.account.state(), before, "nothing was begun");
    // As the help says.
    switch(&stand, &id, false);
    delete_distribution(&stand, &id);
    for function in ["heart-dev-authorizer", "heart-dev-signer"] {
        let asked = json!({"FunctionName": function});
        stand.account.call("lambda", "DeleteFunction", asked);
    }
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// A policy that somebody's distribution has can't be deleted: that is said before half of it is gone.
#[test]
fn a_distribution_with_our_policies_is_named() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let own = deployed["result"]["distributionId"].as_str().unwrap();
    let id = copied(&stand, own, true);
    let named = format!("distribution {id} (enabled, ");
    let used = "NativeRequestPolicy";
    says(&stand.run(&["info"]), 0, &[&named, used]);
    says(
        &stand.run(&["remove", "--dry-run"]),
        0,
        &["In use", &named, used],
    );
    let run = stand.run(&REMOVE);
    says(
        &run,
        1,
        &[
            "stack heart-dev-cdn can't be deleted",
            &named,
            used,
            "give the distribution's behaviors other policies",
        ],
    );
    // It serves nothing of ours: it has none of the functions.
    let asked = json!({"StackName": "heart-dev-cdn"});
    let found = stand
        .account
        .call("cloudformation", "DescribeStacks", asked);
    assert_eq!(found["Stacks"][0]["StackStatus"], "UPDATE_COMPLETE");
    switch(&stand, &id, false);
    delete_distribution(&stand, &id);
    says(&stand.run(&REMOVE), 0, &["Removed"]);
}

/// Another distribution like ours: with its policies and without its functions, or the other way round.
fn copied(stand: &Stand, own: &str, policies: bool) -> String {
    let mut config = config(stand, own)["DistributionConfig"].clone();
    config["CallerReference"] = json!("by hand");
    config["Aliases"] = json!({"Quantity": 0});
    config["WebACLId"] = json!("");
    config["CacheBehaviors"] = json!({"Quantity": 0});
    let behavior = config["DefaultCacheBehavior"].as_object_mut().unwrap();
    if policies {
        behavior.remove("LambdaFunctionAssociations");
    } else {
        behavior.retain(|key, _| !key.ends_with("PolicyId"));
        // AWS's own "CachingDisabled".
        let disabled = json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad");
        behavior.insert("CachePolicyId".to_owned(), disabled);
    }
    let asked = json!({"DistributionConfig": config});
    let made = stand
        .account
        .call("cloudfront", "CreateDistribution", asked);
    made["Distribution"]["Id"].as_str().unwrap().to_owned()
}

/// An update drops what it can't delete. What still needs that can't go, and in no stack is it seen.
#[test]
fn a_delivery_that_an_update_dropped_is_found() {
    let stand = Stand::new();
    stand.deploy();
    let kind = "AWS::Logs::Delivery";
    stand.account.fail("DELETE", kind, "*", "The moon is full");
    let remove = ["remove", "--yes", "--delete-logs"];
    stand.run(&remove);
    stand.account.set(&json!({"failures": []}));
    let run = stand.run(&remove);
    says(
        &run,
        1,
        &[
            "in use by a delivery",
            "aws logs delete-delivery",
            "the same command goes on",
        ],
    );
    // As the help says.
    let found = stand.account.call("logs", "DescribeDeliveries", json!({}));
    for delivery in found["deliveries"].as_array().unwrap() {
        let asked = json!({"id": delivery["id"]});
        stand.account.call("logs", "DeleteDelivery", asked);
    }
    says(&stand.run(&remove), 0, &["Removed"]);
}
