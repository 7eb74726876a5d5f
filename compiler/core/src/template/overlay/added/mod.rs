//! What an overlay adds: types that may be added, with the properties that may be set and
//! the rule that holds for them. Whatever isn't in the table is `unsafe-overlay`.

pub(super) mod policy;
pub(super) mod rules;

use super::{Found, Overlaid, Place, is_literal};
use rules::Rule;
use serde_json::Value;

/// A type that may be added.
#[derive(Debug)]
pub(super) struct Addable {
    pub kind: &'static str,
    /// Those that may be set; empty: all of them, since none lets anybody in.
    properties: &'static [&'static str],
    rule: Rule,
}

const fn free(kind: &'static str, properties: &'static [&'static str]) -> Addable {
    ruled(kind, properties, rules::nothing)
}

const fn ruled(kind: &'static str, properties: &'static [&'static str], rule: Rule) -> Addable {
    Addable {
        kind,
        properties,
        rule,
    }
}

/// What users of CloudFront add beside a distribution, and what a deployment is watched with.
#[rustfmt::skip] // A type a line.
pub(super) const TYPES: &[Addable] = &[
    free("AWS::Athena::NamedQuery", &[]),
    free("AWS::Budgets::Budget", &[]),
    free("AWS::CE::AnomalyMonitor", &[]),
    free("AWS::CE::AnomalySubscription", &[]),
    free("AWS::CertificateManager::Certificate", &["DomainName", "SubjectAlternativeNames", "DomainValidationOptions", "ValidationMethod", "KeyAlgorithm", "CertificateTransparencyLoggingPreference", "Tags"]),
    ruled("AWS::CloudFront::Distribution", &["DistributionConfig", "Tags"], rules::distribution),
    free("AWS::CloudFront::KeyGroup", &[]),
    free("AWS::CloudFront::MonitoringSubscription", &[]),
    free("AWS::CloudFront::PublicKey", &[]),
    free("AWS::CloudWatch::Alarm", &[]),
    free("AWS::CloudWatch::AnomalyDetector", &[]),
    free("AWS::CloudWatch::CompositeAlarm", &[]),
    free("AWS::CloudWatch::Dashboard", &[]),
    ruled("AWS::Events::Rule", &["Name", "Description", "EventPattern", "ScheduleExpression", "State", "Targets", "Tags"], rules::events),
    free("AWS::Glue::Database", &["CatalogId", "DatabaseInput", "DatabaseName"]),
    free("AWS::Glue::Table", &["CatalogId", "DatabaseName", "Name", "TableInput"]),
    free("AWS::KMS::Alias", &["AliasName", "TargetKeyId"]),
    ruled("AWS::KMS::Key", &["Description", "Enabled", "EnableKeyRotation", "KeyPolicy", "KeySpec", "KeyUsage", "MultiRegion", "PendingWindowInDays", "RotationPeriodInDays", "Tags"], rules::key),
    ruled("AWS::Logs::LogGroup", &["LogGroupName", "LogGroupClass", "RetentionInDays", "KmsKeyId", "DeletionProtectionEnabled", "Tags"], rules::log_group),
    free("AWS::Logs::MetricFilter", &[]),
    free("AWS::Logs::QueryDefinition", &[]),
    free("AWS::ResourceGroups::Group", &["Name", "Description", "ResourceQuery", "Resources", "Tags"]),
    free("AWS::Route53::HealthCheck", &[]),
    ruled("AWS::Route53::RecordSet", &[], rules::record),
    free("AWS::S3::Bucket", &["BucketName", "BucketEncryption", "IntelligentTieringConfigurations", "LifecycleConfiguration", "LoggingConfiguration", "MetricsConfigurations", "ObjectLockConfiguration", "ObjectLockEnabled", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags", "VersioningConfiguration"]),
    ruled("AWS::S3::BucketPolicy", &["Bucket", "PolicyDocument"], rules::bucket_policy),
    free("AWS::SNS::Subscription", &["DeliveryPolicy", "Endpoint", "FilterPolicy", "FilterPolicyScope", "Protocol", "RawMessageDelivery", "RedrivePolicy", "Region", "TopicArn"]),
    free("AWS::SNS::Topic", &["ContentBasedDeduplication", "DisplayName", "FifoThroughputScope", "FifoTopic", "KmsMasterKeyId", "SignatureVersion", "Subscription", "Tags", "TopicName", "TracingConfig"]),
    ruled("AWS::SNS::TopicPolicy", &["PolicyDocument", "Topics"], rules::topic_policy),
    free("AWS::SQS::Queue", &[]),
    ruled("AWS::SQS::QueuePolicy", &["PolicyDocument", "Queues"], rules::queue_policy),
    free("AWS::SSM::Parameter", &[]),
    free("AWS::Shield::Protection", &["ApplicationLayerAutomaticResponseConfiguration", "HealthCheckArns", "Name", "ResourceArn", "Tags"]),
    free("AWS::WAFv2::IPSet", &[]),
    free("AWS::WAFv2::RegexPatternSet", &[]),
    ruled("AWS::WAFv2::RuleGroup", &[], rules::firewall),
    ruled("AWS::WAFv2::WebACL", &[], rules::firewall),
];

/// Other types, by their beginnings, and what they would make: a better reason than that
/// nobody has looked at them.
const REASONS: &[(&str, &str)] = &[
    (
        "AWS::IAM::",
        "IAM permissions in addition to those that frames makes",
    ),
    ("AWS::Lambda::Permission", "a function that others may call"),
    (
        "AWS::Lambda::LayerVersionPermission",
        "a layer that others may use",
    ),
    (
        "AWS::Lambda::",
        "a Lambda resource in addition to the edge functions",
    ),
    (
        "AWS::CloudFormation::Stack",
        "another stack, which isn't checked",
    ),
    (
        "AWS::CloudFormation::CustomResource",
        "a program that CloudFormation runs, which may change anything",
    ),
    (
        "Custom::",
        "a program that CloudFormation runs, which may change anything",
    ),
    (
        "AWS::CloudFormation::Macro",
        "a transform, which may change anything",
    ),
    ("AWS::ApiGateway", "another way in beside the distribution"),
    ("AWS::S3::AccessPoint", "another way into a bucket"),
    (
        "AWS::S3::MultiRegionAccessPoint",
        "another way into a bucket",
    ),
    ("AWS::S3ObjectLambda::", "another way into a bucket"),
    ("AWS::RAM::", "resources that other accounts share"),
    (
        "AWS::CloudFront::DistributionTenant",
        "another way in beside the distribution",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "other logs of a web ACL, which may hold tokens",
    ),
    (
        "AWS::Logs::Delivery",
        "other access logs, which may hold tokens",
    ),
    (
        "AWS::Logs::SubscriptionFilter",
        "logs that are copied elsewhere",
    ),
    ("AWS::Oam::", "logs that other accounts may read"),
];

/// A resource that the overlay adds.
pub(super) struct Added<'a> {
    stage: &'a Overlaid<'a>,
    place: &'a Place,
    properties: &'a Value,
}

pub(super) fn resource(stage: &Overlaid<'_>, resource: &Value, place: &Place, found: &mut Found) {
    let kind = match resource.get("Type") {
        Some(Value::String(kind)) => kind,
        // A finding already: it is nameless.
        None => return,
        Some(_) => {
            return found.push((place.at("Type"), "a type that can't be checked".to_owned()));
        }
    };
    let nothing = Value::Object(serde_json::Map::new());
    let properties = resource.get("Properties").unwrap_or(&nothing);
    let at = place.at("Properties");
    // Policies of identities name no principal, and their types can't be added.
    if !kind.starts_with("AWS::IAM::") {
        policy::documents(stage, properties, &at, found);
    }
    let Some(row) = TYPES.iter().find(|row| row.kind == kind) else {
        if kind == "AWS::Lambda::Url" {
            return found.push(function_url(properties, place));
        }
        let reason = REASONS.iter().find(|(start, _)| kind.starts_with(start));
        let what = match reason {
            Some((_, what)) => (*what).to_owned(),
            None => {
                format!("a resource of type {kind}, which isn't one of those that may be added")
            }
        };
        return found.push((place.at("Type"), what));
    };
    if !is_literal(properties) {
        return found.push((at, "properties that can't be checked".to_owned()));
    }
    let set = properties.as_object().into_iter().flatten();
    for (property, _) in set.filter(|_| !row.properties.is_empty()) {
        if !row.properties.contains(&property.as_str()) {
            let what = format!(
                "`{property}` of an added {kind}, which isn't one of those that may be set"
            );
            found.push((at.at(property), what));
        }
    }
    let added = Added {
        stage,
        place,
        properties,
    };
    (row.rule)(&added, found);
}

fn function_url(properties: &Value, place: &Place) -> (Place, String) {
    let (place, what) = match properties.get("AuthType") {
        Some(auth) if auth == "AWS_IAM" => {
            (place.at("Type"), "another way in beside the distribution")
        }
        _ => (
            place.at("Properties").at("AuthType"),
            "a function URL that anybody may call",
        ),
    };
    (place, what.to_owned())
}

impl Added<'_> {
    fn property(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    fn at(&self, property: &str) -> Place {
        self.place.at("Properties").at(property)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_documented() {
        let docs = include_str!("../../../../../../docs/security.md");
        assert!(TYPES.is_sorted_by(|a, b| a.kind < b.kind));
        for row in TYPES {
            let (_, name) = row.kind.split_once("::").unwrap();
            assert!(docs.contains(&format!("`{name}`")), "{name}");
        }
    }
}
