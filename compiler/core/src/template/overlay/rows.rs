//! What an overlay may change of a compiled resource, and what it would weaken
//! with the rest.

use super::is_literal;
use serde_json::Value;

/// Not types of CloudFormation's: parts of a template that have rules of their own.
pub(super) const BEHAVIOR: &str = "behavior";
pub(super) const ORIGIN: &str = "origin";
pub(super) const PARAMETER: &str = "parameter";
pub(super) const OUTPUT: &str = "output";

pub(super) const CONFIG: &str = "AWS::CloudFront::Distribution";
const HEADERS: &str = "AWS::CloudFront::ResponseHeadersPolicy";

/// Whether a change is one that may be made, by what stood there and what does.
pub(super) type May = fn(Option<&Value>, Option<&Value>) -> bool;

/// Kind, path (`*` is any one segment) and, if not always, when.
#[rustfmt::skip] // A row a line.
pub(super) const TUNABLE: &[(&str, &str, May)] = &[
    ("AWS::", "Metadata", always),
    ("AWS::", "DependsOn", always),
    ("AWS::", "DeletionPolicy", retains),
    ("AWS::", "UpdateReplacePolicy", retains),
    ("AWS::", "Properties.Tags", always),
    ("AWS::", "Properties.Description", always),
    ("AWS::IAM::Role", "Properties.PermissionsBoundary", only_added),
    ("AWS::Lambda::Function", "Properties.MemorySize", always),
    ("AWS::Lambda::Function", "Properties.Timeout", always),
    ("AWS::Logs::LogGroup", "Properties.RetentionInDays", always),
    ("AWS::Logs::LogGroup", "Properties.KmsKeyId", only_added),
    ("AWS::CloudWatch::Alarm", "Properties", always),
    ("AWS::Route53::RecordSet", "Properties.TTL", always),
    ("AWS::Route53::RecordSet", "Properties.Comment", always),
    ("AWS::Route53::RecordSet", "Properties.SetIdentifier", always),
    ("AWS::Route53::RecordSet", "Properties.Weight", always),
    ("AWS::Route53::RecordSet", "Properties.Region", always),
    ("AWS::Route53::RecordSet", "Properties.GeoLocation", always),
    ("AWS::S3::Bucket", "Properties.LifecycleConfiguration", no_sooner),
    ("AWS::S3::Bucket", "Properties.MetricsConfigurations", always),
    ("AWS::S3::Bucket", "Properties.IntelligentTieringConfigurations", always),
    ("AWS::S3::Bucket", "Properties.LoggingConfiguration", only_added),
    ("AWS::S3::Bucket", "Properties.ObjectLockEnabled", only_added),
    ("AWS::S3::Bucket", "Properties.ObjectLockConfiguration", only_added),
    ("AWS::WAFv2::WebACL", "Properties.Rules", stricter_rules),
    ("AWS::CloudFront::", "Properties.*.Comment", always),
    ("AWS::CloudFront::CachePolicy", "Properties.*.DefaultTTL", a_number),
    ("AWS::CloudFront::CachePolicy", "Properties.*.MaxTTL", a_number),
    ("AWS::CloudFront::CachePolicy", "Properties.*.MinTTL", a_number),
    (HEADERS, "Properties.*.ServerTimingHeadersConfig", always),
    (HEADERS, "Properties.*.CustomHeadersConfig", harmless_headers),
    (HEADERS, "Properties.*.CorsConfig.AccessControlMaxAgeSec", always),
    (HEADERS, "Properties.*.SecurityHeadersConfig.StrictTransportSecurity.AccessControlMaxAgeSec", no_less),
    (HEADERS, "Properties.*.SecurityHeadersConfig.StrictTransportSecurity.IncludeSubdomains", turned_on),
    (HEADERS, "Properties.*.SecurityHeadersConfig.StrictTransportSecurity.Preload", turned_on),
    (CONFIG, "Properties.*.PriceClass", always),
    (CONFIG, "Properties.*.HttpVersion", always),
    (CONFIG, "Properties.*.IPV6Enabled", always),
    (CONFIG, "Properties.*.Enabled", always),
    (CONFIG, "Properties.*.DefaultRootObject", always),
    (CONFIG, "Properties.*.WebACLId", only_added),
    (CONFIG, "Properties.*.Restrictions", only_added),
    (CONFIG, "Properties.*.CustomErrorResponses", fleeting_errors),
    (CONFIG, "Properties.*.ViewerCertificate.MinimumProtocolVersion", newer_tls),
    (BEHAVIOR, "PathPattern", always),
    (BEHAVIOR, "Compress", always),
    (BEHAVIOR, "TrustedKeyGroups", only_added),
    (BEHAVIOR, "AllowedMethods", fewer),
    (ORIGIN, "OriginShield", always),
    (ORIGIN, "ConnectionAttempts", always),
    (ORIGIN, "ConnectionTimeout", always),
    (ORIGIN, "ResponseCompletionTimeout", always),
    (ORIGIN, "CustomOriginConfig.OriginReadTimeout", always),
    (ORIGIN, "CustomOriginConfig.OriginKeepaliveTimeout", always),
    (PARAMETER, "Description", always),
    (OUTPUT, "Description", always),
    (OUTPUT, "Export", always),
];

/// What any other change makes; the first row that fits counts.
#[rustfmt::skip]
pub(super) const WEAKENS: &[(&str, &str, &str)] = &[
    ("AWS::", "Type", "another resource in the place of a compiled one"),
    ("AWS::", "Condition", "a compiled resource that may be missing"),
    ("AWS::", "DeletionPolicy", "a resource that goes with the stack"),
    ("AWS::", "UpdateReplacePolicy", "a resource that goes when it is replaced"),
    ("AWS::IAM::", "Properties.AssumeRolePolicyDocument", "a role that others may take on"),
    ("AWS::IAM::", "Properties.PermissionsBoundary", "a role without its permissions boundary"),
    ("AWS::IAM::", "", "other IAM permissions than those that frames makes"),
    ("AWS::KMS::", "Properties.KeyPolicy", "a key that others may use"),
    ("AWS::KMS::", "", "a change to the logs' KMS key that may leave the logs less protected"),
    ("AWS::S3::BucketPolicy", "", "a bucket policy other than the compiled one"),
    ("AWS::S3::Bucket", "Properties.BucketEncryption", "a bucket without its encryption"),
    ("AWS::S3::Bucket", "Properties.VersioningConfiguration", "a bucket without its versions"),
    ("AWS::S3::Bucket", "Properties.ReplicationConfiguration", "logs that are copied elsewhere"),
    ("AWS::S3::Bucket", "Properties.ObjectLockConfiguration", "a bucket without its Object Lock"),
    ("AWS::S3::Bucket", "Properties.ObjectLockEnabled", "a bucket without its Object Lock"),
    ("AWS::S3::Bucket", "Properties.LifecycleConfiguration", "logs that are deleted sooner"),
    ("AWS::S3::Bucket", "Properties.OwnershipControls", "a bucket with ACLs"),
    ("AWS::S3::Bucket", "Properties.AccessControl", "a bucket with ACLs"),
    ("AWS::S3::Bucket", "", "a change to the logs' bucket that may leave the logs less protected"),
    ("AWS::WAFv2::WebACL", "", "a web ACL that blocks less or keeps samples of requests"),
    ("AWS::WAFv2::LoggingConfiguration", "Properties.RedactedFields", "web ACL logs that may hold tokens"),
    ("AWS::WAFv2::", "", "other logs of the web ACL, which may hold tokens"),
    ("AWS::Logs::LogGroup", "Properties.KmsKeyId", "logs without their key"),
    ("AWS::Logs::LogGroup", "", "a log group other than the compiled one"),
    ("AWS::Logs::Delivery", "Properties.RecordFields", "access logs that record other fields: tokens may be in queries and cookies"),
    ("AWS::Logs::Delivery", "", "access logs that go elsewhere, or nowhere"),
    ("AWS::Lambda::Alias", "", "a reader that runs another version than the packaged one"),
    ("AWS::Lambda::Url", "", "another way to the reader than the compiled one"),
    ("AWS::Lambda::Permission", "", "a reader that others may call"),
    ("AWS::Lambda::Function", "Properties.Role", "an edge function with another role"),
    ("AWS::Lambda::Function", "Properties.LoggingConfig", "an edge function that logs elsewhere"),
    ("AWS::Lambda::Function", "Properties.Timeout", "a timeout that Lambda@Edge doesn't take"),
    ("AWS::Lambda::Function", "Properties.MemorySize", "a memory size that Lambda@Edge doesn't take"),
    ("AWS::Lambda::Function", "", "an edge function that runs otherwise than compiled"),
    ("AWS::Route53::", "", "a name that points elsewhere"),
    ("AWS::CertificateManager::", "", "another certificate"),
    (HEADERS, "Properties.*.SecurityHeadersConfig", "answers without the compiled security headers"),
    (HEADERS, "Properties.*.CorsConfig", "answers that pages of other origins may read"),
    (HEADERS, "Properties.*.CustomHeadersConfig", "headers of your own that may undo the compiled ones, or whose value isn't plain text"),
    (HEADERS, "", "other headers of answers than those compiled"),
    ("AWS::CloudFront::CachePolicy", "", "another cache key: one viewer's answer may go to another"),
    ("AWS::CloudFront::OriginRequestPolicy", "", "other headers, cookies or queries for the origin, tokens among them"),
    (CONFIG, "Properties.*.WebACLId", "a distribution without its web ACL"),
    (CONFIG, "Properties.*.Logging", "legacy access logs, which record queries, and tokens with them"),
    (CONFIG, "Properties.*.CustomErrorResponses", "errors that are cached or hidden"),
    (CONFIG, "Properties.*.ViewerCertificate.MinimumProtocolVersion", "an older TLS for viewers"),
    (CONFIG, "Properties.*.ViewerCertificate", "another certificate"),
    (CONFIG, "Properties.*.Restrictions", "other countries than those of `delivery.geo`"),
    (CONFIG, "Properties.*.Aliases", "other names than those of `domain.cnames`"),
    (CONFIG, "", "a distribution other than the compiled one"),
    (BEHAVIOR, "LambdaFunctionAssociations", "other edge functions at a behavior than those compiled"),
    (BEHAVIOR, "FunctionAssociations", "a CloudFront Function at a behavior, which may change what passes"),
    (BEHAVIOR, "RealtimeLogConfigArn", "real-time logs, which may record queries and headers, and tokens with them"),
    (BEHAVIOR, "CachePolicyId", "another cache key: one viewer's answer may go to another"),
    (BEHAVIOR, "OriginRequestPolicyId", "other headers, cookies or queries for the origin, tokens among them"),
    (BEHAVIOR, "ResponseHeadersPolicyId", "answers without the compiled security headers"),
    (BEHAVIOR, "TargetOriginId", "another origin behind a behavior"),
    (BEHAVIOR, "", "a behavior other than the compiled one"),
    (ORIGIN, "CustomOriginConfig.OriginSSLProtocols", "a TLS older than 1.2 to the origin"),
    (ORIGIN, "", "an origin other than the compiled ones"),
    (PARAMETER, "", "a parameter with another value than the compiled one"),
    (OUTPUT, "", "an output other than the compiled one, which the other stack takes"),
];

pub(super) fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn always(_: Option<&Value>, _: Option<&Value>) -> bool {
    true
}

fn only_added(before: Option<&Value>, _: Option<&Value>) -> bool {
    before.is_none()
}

fn retains(before: Option<&Value>, after: Option<&Value>) -> bool {
    let kept = |value: Option<&Value>| {
        matches!(
            value.and_then(Value::as_str),
            Some("Retain" | "RetainExceptOnCreate")
        )
    };
    kept(after) || !kept(before)
}

fn turned_on(_: Option<&Value>, after: Option<&Value>) -> bool {
    after == Some(&Value::Bool(true))
}

fn no_less(before: Option<&Value>, after: Option<&Value>) -> bool {
    matches!((number(before), number(after)), (Some(before), Some(after)) if before <= after)
}

/// The oldest that the manifest takes.
pub(super) const OLDEST_TLS: &str = "TLSv1.2_2021";

/// CloudFront's security policies, older ones first.
const TLS: [&str; 5] = [
    "TLSv1.2_2018",
    "TLSv1.2_2019",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
];

pub(super) fn newer_tls(before: Option<&Value>, after: Option<&Value>) -> bool {
    let rank = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str)?;
        TLS.iter().position(|known| *known == text)
    };
    rank(after).is_some_and(|after| rank(before).is_none_or(|before| before <= after))
}

fn fewer(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (
        before.and_then(Value::as_array),
        after.and_then(Value::as_array),
    ) {
        (Some(before), Some(after)) => after.iter().all(|method| before.contains(method)),
        _ => false,
    }
}

/// CloudFront's default is to cache an error for ten seconds: each code that is
/// compiled has to stay, and none may be kept or answered with a page.
fn fleeting_errors(before: Option<&Value>, after: Option<&Value>) -> bool {
    let Some(after) = after.and_then(Value::as_array) else {
        return false;
    };
    let fleeting = |error: &Value| {
        let keys = error.as_object().map(|map| map.keys());
        keys.is_some_and(|mut keys| {
            keys.all(|key| key == "ErrorCode" || key == "ErrorCachingMinTTL")
        }) && number(error.get("ErrorCachingMinTTL")) == Some(0)
    };
    let code = |error: &Value| number(error.get("ErrorCode"));
    let before = before.and_then(Value::as_array).into_iter().flatten();
    after.iter().all(fleeting)
        && before
            .map(code)
            .all(|old| after.iter().any(|new| code(new) == old))
}

/// A number in plain sight.
fn a_number(_: Option<&Value>, after: Option<&Value>) -> bool {
    number(after).is_some()
}

/// Lifecycle rules by which nothing expires before the compiled rules let it.
fn no_sooner(before: Option<&Value>, after: Option<&Value>) -> bool {
    let rules = |value: Option<&Value>| {
        let value = value?;
        value.get("Rules").unwrap_or(value).as_array().cloned()
    };
    let Some(after) = rules(after) else {
        return false;
    };
    let before = rules(before).unwrap_or_default();
    let days = |pointer: &str| {
        let all = before
            .iter()
            .filter_map(|rule| number(rule.pointer(pointer)));
        all.min().unwrap_or_default()
    };
    let keeps = |rule: &Value, pointer: &str| match rule.pointer(pointer) {
        None => true,
        given => number(given).is_some_and(|given| given >= days(pointer)),
    };
    after.iter().all(|rule| {
        is_literal(rule)
            && rule.get("ExpirationDate").is_none()
            && rule.get("NoncurrentVersionExpirationInDays").is_none()
            && keeps(rule, "/ExpirationInDays")
            && rule
                .get("NoncurrentVersionExpiration")
                .is_none_or(is_literal)
            && keeps(rule, "/NoncurrentVersionExpiration/NoncurrentDays")
    })
}

/// Headers that change nothing that the compiled ones, a cookie, a cache or CORS decide. They
/// come beside those that are compiled.
fn harmless_headers(before: Option<&Value>, after: Option<&Value>) -> bool {
    fn items(value: Option<&Value>) -> Option<&Vec<Value>> {
        let value = value?;
        value.get("Items").unwrap_or(value).as_array()
    }
    let Some(after) = items(after) else {
        return false;
    };
    let before = items(before).cloned().unwrap_or_default();
    before.iter().all(|item| after.contains(item))
        && after
            .iter()
            .all(|item| before.contains(item) || is_harmless(item))
}

fn is_harmless(item: &Value) -> bool {
    const HEADERS: [&str; 7] = [
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "origin-agent-cluster",
        "permissions-policy",
        "server",
        "x-robots-tag",
    ];
    // What begins so has a meaning to browsers, to CloudFront or to the proxies before it.
    const MEANT: [&str; 14] = [
        "x-accel-",
        "x-amz-",
        "x-amzn-",
        "x-cache",
        "x-content-",
        "x-dns-",
        "x-edge-",
        "x-forwarded-",
        "x-frame-",
        "x-permitted-",
        "x-sendfile",
        "x-sourcemap",
        "x-webkit-",
        "x-xss-",
    ];
    let name = item.get("Header").and_then(Value::as_str);
    let Some(name) = name.map(str::to_ascii_lowercase) else {
        return false;
    };
    // Every viewer gets it: what CloudFormation looks up for it could be anything.
    let value = item.get("Value").and_then(Value::as_str);
    if !value.is_some_and(|value| !value.contains("{{") && !value.contains(['\r', '\n'])) {
        return false;
    }
    let is_token = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let own = name.starts_with("x-") && !MEANT.iter().any(|start| name.starts_with(start));
    is_token && (HEADERS.contains(&name.as_str()) || own)
}

/// All compiled rules, and further ones that block and keep no samples.
fn stricter_rules(before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(before), Some(after)) = (
        before.and_then(Value::as_array),
        after.and_then(Value::as_array),
    ) else {
        return false;
    };
    // A response of the rule's own could be a redirect, and browsers send a token along with it.
    let block = serde_json::json!({"Block": {}});
    let blocks = |rule: &Value| {
        rule.get("Action") == Some(&block)
            && rule.pointer("/VisibilityConfig/SampledRequestsEnabled") == Some(&Value::Bool(false))
    };
    before.iter().all(|rule| after.contains(rule))
        && after
            .iter()
            .all(|rule| before.contains(rule) || blocks(rule))
}
