//! What isn't compiled. A list of what this judge knows to touch nothing of the delivery's, or
//! knows how to judge; the rest may do anything, and so is open.

use super::value::{canon, given, is, literal, mentions, referred};
use super::{Stack, Verdict, distribution, is_cdn, names, policy, resources_of};
use serde_json::Value;

/// They show, count, name or hold, and let nobody at anything by themselves.
const HARMLESS: &[&str] = &[
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::Budgets::Budget",
    "AWS::CDK::Metadata",
    "AWS::CE::AnomalyMonitor",
    "AWS::CE::AnomalySubscription",
    "AWS::CE::CostCategory",
    "AWS::CloudFormation::WaitConditionHandle",
    "AWS::CloudFront::AnycastIpList",
    // Until a behavior or an origin names them, and there they are judged.
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::CloudFrontOriginAccessIdentity",
    "AWS::CloudFront::Function",
    "AWS::CloudFront::KeyGroup",
    "AWS::CloudFront::KeyValueStore",
    "AWS::CloudFront::MonitoringSubscription",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::PublicKey",
    "AWS::CloudFront::RealtimeLogConfig",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::AnomalyDetector",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogStream",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::ResourceGroups::Group",
    "AWS::Route53::HealthCheck",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
    "AWS::Shield::Protection",
    "AWS::WAFv2::IPSet",
    "AWS::WAFv2::RegexPatternSet",
    // Until an ACL refers to it.
    "AWS::WAFv2::RuleGroup",
    "AWS::WAFv2::WebACL",
];

pub(super) fn judge(stack: &Stack, at: &str, resource: &Value, verdict: &mut Verdict) {
    let properties = resource.get("Properties").unwrap_or(&Value::Null);
    let Some(kind) = resource.get("Type").and_then(Value::as_str) else {
        return verdict.open("added-type", at, "is of no type");
    };
    match kind {
        "AWS::CloudFront::Distribution" => {
            distribution::judge(stack, at, properties, false, verdict);
        }
        "AWS::S3::Bucket" => bucket(at, properties, verdict),
        "AWS::S3::BucketPolicy" => {
            let free = subject_is_another(stack, properties.get("Bucket"));
            verdict.unless(
                free,
                "bucket-policy",
                at,
                "replaces the log bucket's policy",
            );
            policy::keeps_others_out(at, properties.get("PolicyDocument"), verdict);
        }
        "AWS::SNS::TopicPolicy" | "AWS::SQS::QueuePolicy" => {
            policy::keeps_others_out(at, properties.get("PolicyDocument"), verdict);
        }
        "AWS::KMS::Key" if properties.get("KeyPolicy").is_some() => {
            policy::keeps_others_out(at, properties.get("KeyPolicy"), verdict);
        }
        // Without a policy, a key has the account's default.
        "AWS::KMS::Key" | "AWS::KMS::Alias" => {}
        "AWS::Logs::LogGroup" => log_group(stack, at, properties, verdict),
        "AWS::Route53::RecordSet" => names::added_record(stack, at, properties, verdict),
        "AWS::Route53::RecordSetGroup" => match properties["RecordSets"].as_array() {
            Some(records) => records
                .iter()
                .for_each(|record| names::added_record(stack, at, record, verdict)),
            None => verdict.open("record", at, "has records that can't be told"),
        },
        "AWS::CertificateManager::Certificate" => {
            names::added_certificate(stack, at, properties, verdict);
        }
        "AWS::Events::Rule" => rule(stack, at, properties, verdict),
        _ if kind.starts_with("AWS::IAM::") => verdict.open("added-iam", at, kind),
        _ if HARMLESS.contains(&kind) => harmless(stack, at, kind, properties, verdict),
        _ => verdict.open("added-type", at, kind),
    }
}

/// Private unless it says otherwise: so are all buckets that have been made since 2023.
fn bucket(at: &str, properties: &Value, verdict: &mut Verdict) {
    let block = properties.get("PublicAccessBlockConfiguration");
    let members = block.and_then(Value::as_object).into_iter().flatten();
    let blocked = members
        .into_iter()
        .all(|(_, value)| is(Some(value), "true"));
    let acl = given(properties, "AccessControl");
    let private = acl.is_none() || is(acl, "Private") || is(acl, "LogDeliveryWrite");
    verdict.unless(
        blocked && private,
        "bucket-public",
        at,
        "can be made public",
    );
}

/// The bucket of a policy: one that the overlay adds. By another name it may be the one of the
/// logs, or of the functions' zips, whose own policy this one would replace.
fn subject_is_another(stack: &Stack, bucket: Option<&Value>) -> bool {
    let id = bucket.and_then(|bucket| referred(bucket, None));
    id.is_some_and(|id| {
        let found = stack.resource(&id);
        stack.compiled(&id).is_none()
            && found.is_some_and(|found| found["Type"] == "AWS::S3::Bucket")
    })
}

fn log_group(stack: &Stack, at: &str, properties: &Value, verdict: &mut Verdict) {
    if let Some(policy) = given(properties, "ResourcePolicyDocument") {
        policy::keeps_others_out(at, Some(policy), verdict);
    }
    let name = properties.get("LogGroupName");
    let taken = |template: &Value| {
        let mut groups =
            resources_of(template).map(|(_, resource)| &resource["Properties"]["LogGroupName"]);
        groups.any(|compiled| name.map(canon) == Some(canon(compiled)))
    };
    let fine = name.is_none_or(|name| literal(name).is_some_and(|_| !taken(&stack.stacks.0.edge)));
    verdict.unless(fine, "log-group", at, "may be one of the delivery's");
}

/// Events go to topics, queues and log groups of the stack; other targets do something.
fn rule(stack: &Stack, at: &str, properties: &Value, verdict: &mut Verdict) {
    let passive = ["AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Logs::LogGroup"];
    let targets = match properties.get("Targets") {
        None => vec![],
        Some(Value::Array(targets)) => targets.clone(),
        Some(_) => return verdict.open("added-property", at, "has targets that can't be told"),
    };
    let fine = given(properties, "RoleArn").is_none()
        && targets.iter().all(|target| {
            let id = target.get("Arn").and_then(|arn| referred(arn, None));
            let kind = id.and_then(|id| stack.resource(&id)?["Type"].as_str());
            given(target, "RoleArn").is_none() && kind.is_some_and(|kind| passive.contains(&kind))
        });
    verdict.unless(fine, "added-property", at, "does something with events");
}

/// Even a harmless one mustn't act with the delivery's roles, or take its place elsewhere.
fn harmless(stack: &Stack, at: &str, kind: &str, properties: &Value, verdict: &mut Verdict) {
    if !is_cdn(stack) {
        let mut roles =
            resources_of(stack.clean).filter(|(_, one)| one["Type"] == "AWS::IAM::Role");
        let acts = roles.any(|(id, _)| mentions(properties, id));
        verdict.unless(!acts, "added-property", at, "has a role of the functions'");
    }
    if kind == "AWS::SNS::Topic" {
        let policy = given(properties, "DataProtectionPolicy");
        verdict.unless(policy.is_none(), "added-property", at, "has a policy");
    }
}
