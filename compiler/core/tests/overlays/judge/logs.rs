//! Where logs are kept: the key, the bucket, the log groups, and what is delivered.

use super::value::{given, is, literal, same, texts};
use super::{Verdict, policy};
use serde_json::Value;

pub(super) fn key(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    policy::no_wider(
        at,
        &new["KeyPolicy"],
        &old["KeyPolicy"],
        "policy-statements",
        verdict,
    );
    let kept = [
        "EnableKeyRotation",
        "KeySpec",
        "KeyUsage",
        "MultiRegion",
        "Origin",
    ];
    verdict.kept("key-protection", at, new, old, &kept);
    let harmless = [
        "BypassPolicyLockoutSafetyCheck",
        "Description",
        "Enabled",
        "KeyPolicy",
        "PendingWindowInDays",
        "RotationPeriodInDays",
        "Tags",
    ];
    verdict.only(at, new, &[&kept[..], &harmless].concat());
}

pub(super) fn bucket(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let block = &new["PublicAccessBlockConfiguration"];
    let blocks = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ];
    let private = blocks.iter().all(|one| is(block.get(*one), "true"))
        && same(new.get("OwnershipControls"), old.get("OwnershipControls"))
        && (given(new, "AccessControl").is_none() || is(new.get("AccessControl"), "Private"));
    verdict.unless(private, "bucket-public", at, "can be made public");
    let public = ["CorsConfiguration", "WebsiteConfiguration"];
    verdict.none("bucket-public", at, new, &public);
    let encryption = ["BucketEncryption"];
    verdict.kept("bucket-encryption", at, new, old, &encryption);
    let versions = &new["VersioningConfiguration"];
    let history = is(versions.get("Status"), "Enabled");
    verdict.unless(history, "bucket-history", at, "keeps no versions");
    let locks = ["ObjectLockConfiguration", "ObjectLockEnabled"];
    if given(old, "ObjectLockEnabled").is_some() {
        verdict.kept("bucket-history", at, new, old, &locks);
    }
    // What leads objects, their names, or news of them elsewhere.
    let copies = [
        "AnalyticsConfigurations",
        "InventoryConfigurations",
        "MetadataConfiguration",
        "MetadataTableConfiguration",
        "NotificationConfiguration",
        "ReplicationConfiguration",
    ];
    verdict.none("bucket-copies", at, new, &copies);
    let harmless = [
        "AccelerateConfiguration",
        "AccessControl",
        "BucketName",
        "IntelligentTieringConfigurations",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "MetricsConfigurations",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    ];
    let known = [&public[..], &encryption, &locks, &copies, &harmless].concat();
    verdict.only(at, new, &known);
}

pub(super) fn bucket_policy(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    verdict.kept("bucket-policy", at, new, old, &["Bucket"]);
    policy::no_wider(
        at,
        &new["PolicyDocument"],
        &old["PolicyDocument"],
        "bucket-policy",
        verdict,
    );
    verdict.only(at, new, &["Bucket", "PolicyDocument"]);
}

pub(super) fn log_group(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let kept = [
        "BearerTokenAuthenticationEnabled",
        "DataProtectionPolicy",
        "KmsKeyId",
        "LogGroupName",
        "ResourcePolicyDocument",
    ];
    verdict.kept("log-group", at, new, old, &kept);
    let harmless = [
        "DeletionProtectionEnabled",
        "FieldIndexPolicies",
        "LogGroupClass",
        "RetentionInDays",
        "Tags",
    ];
    verdict.only(at, new, &[&kept[..], &harmless].concat());
}

/// Where a token may be, or what leads to one.
fn may_hold_a_token(field: &str) -> bool {
    let field = field.to_lowercase();
    field.contains("query")
        || field.contains("cookie")
        || field.contains("referer")
        || field.contains("authorization")
        || field.contains("headers")
        || field.contains("header-names")
}

pub(super) fn delivery(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let fields = texts(new.get("RecordFields")).unwrap_or_default();
    // Left out, it is all fields that there are.
    let fine = !fields.is_empty() && !fields.iter().any(|field| may_hold_a_token(field));
    verdict.unless(fine, "record-fields", at, "records where tokens may be");
    let kept = ["DeliveryDestinationArn", "DeliverySourceName"];
    verdict.kept("log-delivery", at, new, old, &kept);
    let known = [
        "DeliveryDestinationArn",
        "DeliverySourceName",
        "FieldDelimiter",
        "RecordFields",
        "S3EnableHiveCompatiblePath",
        "S3SuffixPath",
        "Tags",
    ];
    verdict.only(at, new, &known);
}

pub(super) fn source(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let kept = ["LogType", "Name", "ResourceArn"];
    verdict.kept("log-delivery", at, new, old, &kept);
    verdict.only(at, new, &[&kept[..], &["Tags"]].concat());
}

pub(super) fn destination(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    verdict.kept("log-delivery", at, new, old, &["DestinationResourceArn"]);
    let policies = ["DeliveryDestinationPolicy", "DestinationPolicy"];
    verdict.none("log-delivery", at, new, &policies);
    let kind = given(new, "DeliveryDestinationType").and_then(literal);
    let fine = given(new, "DeliveryDestinationType").is_none() || kind.as_deref() == Some("S3");
    verdict.unless(fine, "log-delivery", at, "delivers elsewhere");
    let known = [
        "DeliveryDestinationPolicy",
        "DeliveryDestinationType",
        "DestinationPolicy",
        "DestinationResourceArn",
        "Name",
        "OutputFormat",
        "Tags",
    ];
    verdict.only(at, new, &known);
}
