//! What belongs to another service isn't touched, and changes by hand are reported.

use super::{MANIFEST, Stand};
use crate::support::frames::Run;
use serde_json::{Value, json};

fn refused(run: &Run, stack: &str) {
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains(&format!("stack {stack}")), "{run:#?}");
    assert!(run.stderr.contains(" doesn't belong to "), "{run:#?}");
}

#[test]
fn a_stack_of_another_tool() {
    let stand = Stand::new();
    let template = json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}).to_string();
    let asked = json!({"StackName": "heart-dev-cdn", "TemplateBody": template});
    stand.account.call("cloudformation", "CreateStack", asked);
    let before = stand.stack("heart-dev-cdn")["StackId"].clone();
    for command in [
        &["remove", "--yes"][..],
        &["diff"],
        &["info"],
        &["deploy", "--yes"],
        &["deploy", "--dry-run"],
    ] {
        refused(&stand.run(command), "heart-dev-cdn");
        assert_eq!(stand.stack("heart-dev-cdn")["StackId"], before);
    }
}

/// Where the manifest wants no third stack, one of its name is nobody's business.
#[test]
fn a_stack_of_another_tool_where_none_is_wanted() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{region: eu-west-1}}\nlogs: {{access: {{enabled: false}}}}\n"
    ));
    let template = json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}).to_string();
    let asked = json!({"StackName": "heart-dev-logs", "TemplateBody": template});
    stand.account.call("cloudformation", "CreateStack", asked);
    let before = stand.stack("heart-dev-logs")["StackId"].clone();
    let closing = stand.deploy();
    stand.serves(&closing);
    for command in [&["diff"][..], &["info"]] {
        let stages = stand.json(command)["result"]["stages"].clone();
        assert_eq!(stages.as_array().unwrap().len(), 2, "{stages:#}");
    }
    stand.remove();
    assert_eq!(stand.stack("heart-dev-logs")["StackId"], before);
}

/// `a-b` in `dev` and `a` in `b-dev` have stacks of the same names.
#[test]
fn a_stack_of_another_service() {
    let stand = Stand::new();
    stand.write(&MANIFEST.replace("service: heart", "service: heart-left"));
    let first = stand.deploy();
    let before = stand.account.state();
    let open =
        "service: heart\nauth: {mode: none}\niam: {allow: []}\nenvironments: {left-dev: {}}\n";
    stand.write(open);
    for command in [
        &["deploy", "--yes", "-e", "left-dev"],
        &["remove", "--yes", "-e", "left-dev"],
    ] {
        refused(&stand.run(command), "heart-left-dev-");
    }
    assert_eq!(stand.account.state(), before);
    stand.write(&MANIFEST.replace("service: heart", "service: heart-left"));
    stand.serves(&first);
}

/// A description of the user's own doesn't hide whose a stack is.
#[test]
fn a_description_of_ones_own() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Description: Ward 7}}}}\n"
    ));
    stand.deploy();
    assert_eq!(
        stand.stack("heart-dev-cdn")["Description"],
        "heart (dev): Ward 7"
    );
    stand.write(MANIFEST);
    stand.deploy();
    stand.remove();
}

#[test]
fn versions_of_other_functions() {
    let stand = Stand::new();
    stand.deploy();
    let artifact = stand.plan("dev")["stages"][0]["artifacts"][1]["key"].clone();
    let number = stand.account.number();
    let code =
        json!({"S3Bucket": format!("frames-artifacts-{number}-us-east-1"), "S3Key": artifact});
    let role = format!("arn:aws:iam::{number}:role/billing");
    let asked = json!({"FunctionName": "billing", "Runtime": "python3.13", "Role": role, "Handler": "index.handler", "Code": code});
    stand.account.call("lambda", "CreateFunction", asked);
    for memory in [128, 256, 512] {
        let asked = json!({"FunctionName": "billing", "MemorySize": memory});
        stand
            .account
            .call("lambda", "UpdateFunctionConfiguration", asked);
        stand.account.call(
            "lambda",
            "PublishVersion",
            json!({"FunctionName": "billing"}),
        );
    }
    assert_eq!(stand.versions("billing"), ["1", "2", "3"]);
    let output = format!("{{Value: 'arn:aws:lambda:us-east-1:{number}:function:billing:3'}}");
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Outputs: {{Peer: {output}}}}}}}\n"
    ));
    stand.deploy();
    assert_eq!(stand.versions("billing"), ["1", "2", "3"]);
}

#[test]
fn an_authorizer_taken_off_by_hand() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    open_by_hand(&stand, id);
    let run = stand.run(&["deploy"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("doesn't run the authorizer on every path"),
        "{run:#?}"
    );
}

/// One stage is looked at like all of them, where a later one isn't deployed yet.
#[test]
fn an_authorizer_taken_off_by_hand_before_the_last_stage() {
    let stand = Stand::new();
    let elsewhere = format!("{MANIFEST}deploy: {{region: eu-west-1}}\n");
    stand.write(&format!(
        "{elsewhere}logs: {{access: {{enabled: false}}}}\n"
    ));
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    open_by_hand(&stand, id);
    stand.write(&elsewhere);
    let run = stand.run(&["deploy", "--yes", "--only", "cdn"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = "doesn't run the authorizer on every path";
    assert!(run.stderr.contains(said), "{run:#?}");
}

/// Takes the authorizer off a distribution's default path, as somebody with a console does.
fn open_by_hand(stand: &Stand, id: &str) {
    let asked = json!({"Id": id});
    let found = stand
        .account
        .call("cloudfront", "GetDistributionConfig", asked);
    let mut config = found["DistributionConfig"].clone();
    config["DefaultCacheBehavior"]["LambdaFunctionAssociations"] =
        json!({"Quantity": 0, "Items": []});
    let asked = json!({"Id": id, "IfMatch": found["ETag"], "DistributionConfig": config});
    stand
        .account
        .call("cloudfront", "UpdateDistribution", asked);
}

#[test]
fn a_second_distribution_is_looked_at_like_the_first() {
    let stand = Stand::new();
    stand.deploy();
    let path = stand.project.path().join(".frames/dev/cdn.template.json");
    let template: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let second = &template["Resources"]["Distribution"];
    let with = |outputs: &str| {
        format!("{MANIFEST}resources: {{cdn: {{Resources: {{Second: {second}}}{outputs}}}}}\n")
    };
    stand.write(&with(""));
    stand.deploy();
    let asked = json!({"StackName": "heart-dev-cdn", "LogicalResourceId": "Second"});
    let resource = stand
        .account
        .call("cloudformation", "DescribeStackResource", asked);
    let id = resource["StackResourceDetail"]["PhysicalResourceId"]
        .as_str()
        .unwrap();
    open_by_hand(&stand, id);
    // Where nothing changes, and where another part of the stack does.
    for outputs in ["", ", Outputs: {Team: {Value: imaging}}"] {
        stand.write(&with(outputs));
        let run = stand.run(&["deploy", "--yes"]);
        assert_eq!(run.code, 1, "{run:#?}");
        let said = format!("distribution {id} doesn't run the authorizer on every path");
        assert!(run.stderr.contains(&said), "{run:#?}");
    }
}
