//! What somebody with a console does to a deployment. AWS's own rules hold: what AWS refuses isn't
//! done, and where the tests' AWS is laxer, the rule is kept here.

use super::ways::Runs;
use super::world::{Edge, Entry, Part, Stack, World};
use super::{Stand, idle};
use crate::support::process::eventually;
use serde_json::{Value, json};

/// A stage, and something in it, by numbers that fit any world: the n-th of those that there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Hand {
    /// The n-th resource of this type is deleted by its service's own call.
    Delete(&'static str, usize),
    DeleteStack(&'static str),
    /// The same, while this type fails to go: the stack stays, half deleted.
    FailToDelete(&'static str, &'static str),
    /// Tags of a stack, which takes a while: the next command finds it under way.
    Begin(&'static str),
    /// Tags of a stack, where this type fails; its rollback too, or not.
    FailToUpdate(&'static str, &'static str, bool),
    /// Somebody's change set for a stack of our name, never run.
    Review(&'static str),
    /// Another distribution with our functions, and with our policies or without.
    Borrow {
        enabled: bool,
        policies: bool,
    },
    /// The authorizer is taken off our distribution.
    Open,
    Switch {
        on: bool,
    },
    Protect(&'static str, bool),
    /// A stack policy of the owner's own.
    Guard(&'static str),
    LoseArtifacts,
}

/// Types that somebody may delete by hand.
pub const DELETABLE: [&str; 14] = [
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::Lambda::Version",
    "AWS::Lambda::Function",
    "AWS::CloudFront::Distribution",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::CloudWatch::Alarm",
    "AWS::KMS::Key",
    "AWS::Logs::Delivery",
    "AWS::CloudFront::ResponseHeadersPolicy",
];

pub const OTHERS: &str = "by hand";

impl Hand {
    /// Whether there is something to do it to.
    pub fn applies(&self, world: &World) -> bool {
        let edge = || ours(world);
        match self {
            Self::Delete(kind, _) => parts(world, kind).next().is_some(),
            Self::DeleteStack(stage)
            | Self::FailToDelete(stage, _)
            | Self::Begin(stage)
            | Self::FailToUpdate(stage, ..)
            | Self::Guard(stage) => world.stack(stage).is_some(),
            Self::Protect(stage, on) => world.stack(stage).is_some_and(|it| it.protected != *on),
            Self::Review(stage) => world.stack(stage).is_none(),
            Self::Borrow { .. } | Self::Open => edge().is_some_and(|edge| !edge.runs.is_empty()),
            Self::Switch { on } => edge().is_some_and(|edge| edge.enabled != *on),
            Self::LoseArtifacts => world.ours().any(|entry| entry.kind == "objects"),
        }
    }
}

/// The resources of a type that are in a stack, and there.
fn parts<'a>(world: &'a World, kind: &'a str) -> impl Iterator<Item = &'a Part> {
    let parts = world.stacks.iter().flat_map(|stack| &stack.parts);
    parts.filter(move |part| part.kind == kind && world.has(part) == Some(true))
}

/// Does it, and says what came of it.
pub fn take(stand: &Stand, world: &World, hand: &Hand) -> String {
    let done = match hand {
        Hand::Delete(kind, n) => delete(stand, world, kind, *n),
        Hand::DeleteStack(stage) => delete_stack(stand, world, stage, None),
        Hand::FailToDelete(stage, kind) => delete_stack(stand, world, stage, Some(kind)),
        Hand::Begin(stage) => begin(stand, world, stage),
        Hand::FailToUpdate(stage, kind, rollback) => {
            fail_to_update(stand, world, stage, kind, *rollback)
        }
        Hand::Review(stage) => review(stand, world, stage),
        Hand::Borrow { enabled, policies } => borrow(stand, world, *enabled, *policies),
        Hand::Open => open(stand, world),
        Hand::Switch { on } => switch(stand, world, *on),
        Hand::Protect(stage, on) => protect(stand, world, stage, *on),
        Hand::Guard(stage) => guard(stand, world, stage),
        Hand::LoseArtifacts => lose_artifacts(stand),
    };
    done.unwrap_or_else(|| "there is nothing to do that to".to_owned())
}

fn tried(answer: Result<Value, (String, String)>) -> String {
    match answer {
        Ok(_) => "done".to_owned(),
        Err((code, message)) => format!("AWS refuses: {code}: {message}"),
    }
}

fn call(stand: &Stand, service: &str, operation: &str, asked: Value) -> String {
    let answer = stand
        .account
        .try_call("us-east-1", service, operation, asked);
    tried(answer)
}

fn on_stack(stand: &Stand, stack: &Stack, operation: &str, mut asked: Value) -> String {
    asked["StackName"] = json!(stack.name);
    let answer = stand
        .account
        .try_call(&stack.region, "cloudformation", operation, asked);
    tried(answer)
}

fn delete(stand: &Stand, world: &World, kind: &str, n: usize) -> Option<String> {
    let there: Vec<&Part> = parts(world, kind).collect();
    if there.is_empty() {
        return None;
    }
    let part = there[n % there.len()];
    let what = delete_part(stand, world, part);
    Some(format!("{} {}: {what}", part.kind, part.physical))
}

fn delete_part(stand: &Stand, world: &World, part: &Part) -> String {
    let id = part.physical.as_str();
    let call = |service: &str, operation: &str, asked: Value| {
        let everywhere = !["lambda", "logs", "kms", "cloudwatch"].contains(&service);
        let region = if everywhere {
            "us-east-1"
        } else {
            &part.region
        };
        tried(stand.account.try_call(region, service, operation, asked))
    };
    match part.kind.as_str() {
        "AWS::IAM::Role" => delete_role(stand, id),
        "AWS::IAM::ManagedPolicy" => {
            for role in world.entries.iter().filter(|entry| entry.kind == "roles") {
                call(
                    "iam",
                    "DetachRolePolicy",
                    json!({"RoleName": role.id, "PolicyArn": id}),
                );
            }
            call("iam", "DeletePolicy", json!({"PolicyArn": id}))
        }
        "AWS::Logs::LogGroup" => call("logs", "DeleteLogGroup", json!({"logGroupName": id})),
        "AWS::S3::Bucket" => call("s3", "DeleteBucket", json!({"Bucket": id})),
        "AWS::S3::BucketPolicy" => {
            let bucket = id.strip_suffix("-policy").unwrap_or(id);
            call("s3", "DeleteBucketPolicy", json!({"Bucket": bucket}))
        }
        "AWS::Lambda::Version" | "AWS::Lambda::Function" => {
            call("lambda", "DeleteFunction", json!({"FunctionName": id}))
        }
        "AWS::CloudFront::Distribution" => delete_distribution(stand, id),
        "AWS::WAFv2::WebACL" => delete_web_acl(stand, id),
        "AWS::WAFv2::LoggingConfiguration" => call(
            "wafv2",
            "DeleteLoggingConfiguration",
            json!({"ResourceArn": id}),
        ),
        "AWS::CloudWatch::Alarm" => call("cloudwatch", "DeleteAlarms", json!({"AlarmNames": [id]})),
        "AWS::KMS::Key" => {
            let asked = json!({"KeyId": id, "PendingWindowInDays": 7});
            call("kms", "ScheduleKeyDeletion", asked)
        }
        "AWS::Logs::Delivery" => call("logs", "DeleteDelivery", json!({"id": id})),
        "AWS::Logs::DeliverySource" => call("logs", "DeleteDeliverySource", json!({"name": id})),
        "AWS::Logs::DeliveryDestination" => {
            call("logs", "DeleteDeliveryDestination", json!({"name": id}))
        }
        kind => match kind.strip_prefix("AWS::CloudFront::") {
            Some(policy) => delete_policy(stand, world, policy, id),
            None => format!("{kind} has no call here"),
        },
    }
}

/// CloudFront refuses while a behavior has it.
fn delete_policy(stand: &Stand, world: &World, kind: &str, id: &str) -> String {
    if !world.edges.is_empty() {
        return "AWS would refuse: a distribution may have it".to_owned();
    }
    let asked = json!({"Id": id});
    let get = format!("Get{kind}");
    let found = stand
        .account
        .try_call("us-east-1", "cloudfront", &get, asked);
    let asked = json!({"Id": id, "IfMatch": found.unwrap_or_default()["ETag"]});
    call(stand, "cloudfront", &format!("Delete{kind}"), asked)
}

/// What is in no stack, and in the way of one: not the logs and their key, which are kept on purpose.
pub fn delete_stray(stand: &Stand, world: &World, stray: &Entry) -> String {
    let kind = match stray.kind.as_str() {
        "roles" => "AWS::IAM::Role",
        "policies" => "AWS::IAM::ManagedPolicy",
        "log_groups" => "AWS::Logs::LogGroup",
        "functions" => "AWS::Lambda::Function",
        "web_acls" => "AWS::WAFv2::WebACL",
        "alarms" => "AWS::CloudWatch::Alarm",
        "deliveries" => "AWS::Logs::Delivery",
        "delivery_sources" => "AWS::Logs::DeliverySource",
        "delivery_destinations" => "AWS::Logs::DeliveryDestination",
        "distributions" => "AWS::CloudFront::Distribution",
        "cache_policies" => "AWS::CloudFront::CachePolicy",
        "origin_request_policies" => "AWS::CloudFront::OriginRequestPolicy",
        "response_headers_policies" => "AWS::CloudFront::ResponseHeadersPolicy",
        _ => return "it stays".to_owned(),
    };
    let physical = match kind {
        "AWS::WAFv2::WebACL" => format!("{}|{}|CLOUDFRONT", stray.name, stray.id),
        _ => stray.id.clone(),
    };
    let part = Part {
        id: String::new(),
        kind: kind.to_owned(),
        physical,
        status: String::new(),
        region: stray.region.clone(),
    };
    delete_part(stand, world, &part)
}

/// Puts a function back before a path, or before every path.
pub fn put_back(stand: &Stand, id: &str, runs: &Runs) -> String {
    let put = |behavior: &mut Value| {
        let path = behavior["PathPattern"].as_str().unwrap_or("*");
        if runs.path.as_ref().is_some_and(|only| only != path) {
            return;
        }
        let associations = &behavior["LambdaFunctionAssociations"]["Items"];
        let mut items = associations.as_array().cloned().unwrap_or_default();
        items.retain(|item| item["EventType"] != runs.event.as_str());
        items.push(
            json!({"EventType": runs.event, "LambdaFunctionARN": runs.arn, "IncludeBody": false}),
        );
        behavior["LambdaFunctionAssociations"] = json!({"Quantity": items.len(), "Items": items});
    };
    configure(stand, id, |config| {
        put(&mut config["DefaultCacheBehavior"]);
        let others = config.pointer_mut("/CacheBehaviors/Items");
        let others = others.and_then(Value::as_array_mut);
        others.into_iter().flatten().for_each(put);
    })
}

/// IAM deletes no role that has policies.
fn delete_role(stand: &Stand, name: &str) -> String {
    let asked = json!({"RoleName": name});
    let attached = stand
        .account
        .call("iam", "ListAttachedRolePolicies", asked.clone());
    let attached = attached["AttachedPolicies"].as_array();
    for policy in attached.into_iter().flatten() {
        let asked = json!({"RoleName": name, "PolicyArn": policy["PolicyArn"]});
        call(stand, "iam", "DetachRolePolicy", asked);
    }
    call(stand, "iam", "DeleteRole", asked)
}

/// CloudFront deletes none that is enabled, or that hasn't closed everywhere.
pub fn delete_distribution(stand: &Stand, id: &str) -> String {
    let closed = configure(stand, id, |config| config["Enabled"] = json!(false));
    if closed != "done" {
        return closed;
    }
    let etag = eventually("a distribution is closed", || {
        let asked = json!({"Id": id});
        let found = stand.account.call("cloudfront", "GetDistribution", asked);
        (found["Distribution"]["Status"] == "Deployed").then(|| found["ETag"].clone())
    });
    let asked = json!({"Id": id, "IfMatch": etag});
    call(stand, "cloudfront", "DeleteDistribution", asked)
}

fn delete_web_acl(stand: &Stand, physical: &str) -> String {
    let mut pieces = physical.split('|');
    let mut piece = || pieces.next().unwrap_or_default();
    let asked = json!({"Name": piece(), "Id": piece(), "Scope": "CLOUDFRONT"});
    let found = stand
        .account
        .try_call("us-east-1", "wafv2", "GetWebACL", asked.clone());
    let mut asked = asked;
    asked["LockToken"] = found.unwrap_or_default()["LockToken"].clone();
    call(stand, "wafv2", "DeleteWebACL", asked)
}

/// Changes a distribution behind CloudFormation's back.
pub fn configure(stand: &Stand, id: &str, change: impl Fn(&mut Value)) -> String {
    let asked = json!({"Id": id});
    let found = stand
        .account
        .try_call("us-east-1", "cloudfront", "GetDistributionConfig", asked);
    let Ok(found) = found else {
        return "it is gone".to_owned();
    };
    let mut config = found["DistributionConfig"].clone();
    change(&mut config);
    let asked = json!({"Id": id, "IfMatch": found["ETag"], "DistributionConfig": config});
    call(stand, "cloudfront", "UpdateDistribution", asked)
}

fn delete_stack(
    stand: &Stand,
    world: &World,
    stage: &str,
    failing: Option<&str>,
) -> Option<String> {
    let stack = world.stack(stage)?;
    if let Some(kind) = failing {
        stand.account.fail("DELETE", kind, "*", "The moon is full");
    }
    let said = on_stack(stand, stack, "DeleteStack", json!({}));
    idle(stand);
    stand.account.set(&json!({"failures": []}));
    Some(said)
}

fn tags(stand: &Stand, stack: &Stack) -> String {
    let asked = json!({"StackName": stack.name});
    let found = stand
        .account
        .call_in(&stack.region, "cloudformation", "DescribeStacks", asked);
    let parameters = found["Stacks"][0]["Parameters"].as_array();
    let parameters = parameters.into_iter().flatten();
    let parameters: Vec<Value> = parameters
        .map(|own| json!({"ParameterKey": own["ParameterKey"], "UsePreviousValue": true}))
        .collect();
    // Another value each time, or there would be nothing to update.
    let value = format!("hand-{}", stand.account.calls().len());
    let tags = json!([{"Key": "by", "Value": value}]);
    let asked = json!({"UsePreviousTemplate": true, "Parameters": parameters, "Tags": tags, "Capabilities": ["CAPABILITY_IAM"]});
    on_stack(stand, stack, "UpdateStack", asked)
}

fn begin(stand: &Stand, world: &World, stage: &str) -> Option<String> {
    let stack = world.stack(stage)?;
    stand.account.set(&json!({"step": 0.5}));
    Some(tags(stand, stack))
}

fn fail_to_update(
    stand: &Stand,
    world: &World,
    stage: &str,
    kind: &str,
    rollback: bool,
) -> Option<String> {
    let stack = world.stack(stage)?;
    let failure = |action: &str| json!({"action": action, "type": kind, "effect": "before", "reason": "The moon is full"});
    let failures = if rollback {
        json!([failure("UPDATE"), failure("ROLLBACK")])
    } else {
        json!([failure("UPDATE")])
    };
    stand.account.set(&json!({"failures": failures}));
    let said = tags(stand, stack);
    idle(stand);
    stand.account.set(&json!({"failures": []}));
    Some(said)
}

fn review(stand: &Stand, world: &World, stage: &str) -> Option<String> {
    if world.stack(stage).is_some() {
        return None;
    }
    let region = if stage == "cdn" {
        world.region
    } else {
        "us-east-1"
    };
    let template = json!({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}});
    let asked = json!({"StackName": format!("heart-dev-{stage}"), "ChangeSetName": "theirs", "ChangeSetType": "CREATE", "TemplateBody": template.to_string()});
    let answer = stand
        .account
        .try_call(region, "cloudformation", "CreateChangeSet", asked);
    Some(tried(answer))
}

fn ours(world: &World) -> Option<&Edge> {
    world.edges.iter().find(|edge| edge.comment != OTHERS)
}

/// With AWS's own cache policy "CachingDisabled", and no other.
fn plain(behavior: &mut Value) {
    if let Some(behavior) = behavior.as_object_mut() {
        behavior.retain(|key, _| !key.ends_with("PolicyId"));
        let disabled = json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad");
        behavior.insert("CachePolicyId".to_owned(), disabled);
    }
}

fn borrow(stand: &Stand, world: &World, enabled: bool, policies: bool) -> Option<String> {
    let edge = ours(world).filter(|edge| !edge.runs.is_empty())?;
    let asked = json!({"Id": edge.id});
    let found = stand
        .account
        .call("cloudfront", "GetDistributionConfig", asked);
    let mut config = found["DistributionConfig"].clone();
    config["CallerReference"] = json!(format!("hand-{}", stand.account.history().len()));
    config["Comment"] = json!(OTHERS);
    config["Enabled"] = json!(enabled);
    config["Aliases"] = json!({"Quantity": 0});
    config["ViewerCertificate"] = json!({"CloudFrontDefaultCertificate": true});
    config["WebACLId"] = json!("");
    if !policies {
        plain(&mut config["DefaultCacheBehavior"]);
        let others = config.pointer_mut("/CacheBehaviors/Items");
        let others = others.and_then(Value::as_array_mut);
        others.into_iter().flatten().for_each(plain);
    }
    let asked = json!({"DistributionConfig": config});
    Some(call(stand, "cloudfront", "CreateDistribution", asked))
}

fn open(stand: &Stand, world: &World) -> Option<String> {
    let edge = ours(world).filter(|edge| !edge.runs.is_empty())?;
    Some(configure(stand, &edge.id, |config| {
        config["DefaultCacheBehavior"]["LambdaFunctionAssociations"] =
            json!({"Quantity": 0, "Items": []});
    }))
}

fn switch(stand: &Stand, world: &World, on: bool) -> Option<String> {
    let edge = ours(world).filter(|edge| edge.enabled != on)?;
    Some(configure(stand, &edge.id, |config| {
        config["Enabled"] = json!(on);
    }))
}

fn protect(stand: &Stand, world: &World, stage: &str, on: bool) -> Option<String> {
    let stack = world.stack(stage).filter(|stack| stack.protected != on)?;
    let asked = json!({"EnableTerminationProtection": on});
    Some(on_stack(stand, stack, "UpdateTerminationProtection", asked))
}

/// Takes the protection off each stack, as AWS's own command does.
pub fn unprotect(stand: &Stand, world: &World) {
    for stack in world.stacks.iter().filter(|stack| stack.protected) {
        let asked = json!({"EnableTerminationProtection": false});
        on_stack(stand, stack, "UpdateTerminationProtection", asked);
    }
}

/// The owner's own, under which a distribution may not be replaced.
pub fn policy() -> Value {
    json!({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "Update:Replace", "Resource": "*", "Condition": {"StringEquals": {"ResourceType": ["AWS::CloudFront::Distribution"]}}},
    ]})
}

fn guard(stand: &Stand, world: &World, stage: &str) -> Option<String> {
    let stack = world.stack(stage)?;
    let policy = policy();
    let asked = json!({"StackPolicyBody": policy.to_string()});
    Some(on_stack(stand, stack, "SetStackPolicy", asked))
}

fn lose_artifacts(stand: &Stand) -> Option<String> {
    let bucket = stand.managed_bucket();
    let keys = stand.keys_in(&bucket);
    if keys.is_empty() {
        return None;
    }
    for key in &keys {
        stand
            .account
            .call("s3", "DeleteObject", json!({"Bucket": bucket, "Key": key}));
    }
    Some(format!("{} objects", keys.len()))
}
