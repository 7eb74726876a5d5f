//! Values that somebody would write who wants to get in.

use super::Step;
use crate::dice::Dice;
use serde_json::{Value, json};

pub(super) const FOREIGN_KEY: &str =
    "arn:aws:kms:us-east-1:444455556666:key/0a1b2c3d-7d3c-4e0f-9a52-0d6d4f0f9b11";
pub(super) const FOREIGN_BUCKET: &str = "arn:aws:s3:::evil-444455556666";
pub(super) const FOREIGN_ROLE: &str = "arn:aws:iam::444455556666:role/evil";
pub(super) const FOREIGN_VERSION: &str = "arn:aws:lambda:us-east-1:444455556666:function:evil:1";
pub(super) const FOREIGN_ACL: &str =
    "arn:aws:wafv2:us-east-1:444455556666:global/webacl/x/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";
pub(super) const FOREIGN_CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:444455556666:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";

pub(super) fn open_statement(action: &str) -> Value {
    json!({
        "Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"
    })
}

/// What suits the place, by its key and, inside a list, by the list's.
pub(super) fn values(way: &[Step], old: &Value) -> Vec<Value> {
    let mut keys = way.iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Item(_) => None,
    });
    let key = keys.next().unwrap_or_default();
    let outer = keys.next().unwrap_or_default();
    let found = by_key(key, outer);
    match (way.last(), old) {
        // An item of a list takes what the list holds.
        (Some(Step::Item(_)), Value::String(_)) => {
            let items = found.into_iter().map(|value| match value {
                Value::Array(items) => items.first().cloned().unwrap_or(json!("*")),
                other => other,
            });
            items.collect()
        }
        (Some(Step::Item(_)), _) => vec![],
        _ => found,
    }
}

fn by_key(key: &str, outer: &str) -> Vec<Value> {
    match key {
        "Type" => vec![
            json!("AWS::CloudFormation::CustomResource"),
            json!("Custom::Evil"),
            json!("AWS::SNS::Topic"),
        ],
        "DeletionPolicy" | "UpdateReplacePolicy" => vec![json!("Delete"), json!("Retain")],
        _ => distribution(key, outer)
            .or_else(|| functions(key, outer))
            .or_else(|| logs(key, outer))
            .unwrap_or_else(|| vec![json!("*"), json!("444455556666")]),
    }
}

fn distribution(key: &str, outer: &str) -> Option<Vec<Value>> {
    Some(match (key, outer) {
        ("ViewerProtocolPolicy", _) => vec![json!("allow-all"), json!("redirect-to-https")],
        ("LambdaFunctionARN", _) => vec![
            json!(FOREIGN_VERSION),
            json!({ "Ref": "SignerVersionArn" }),
            json!({ "Ref": "AuthorizerVersionArn" }),
        ],
        ("EventType", _) => vec![
            json!("viewer-response"),
            json!("origin-response"),
            json!("origin-request"),
        ],
        ("LambdaFunctionAssociations", _) => vec![json!([
            { "EventType": "viewer-response", "LambdaFunctionARN": FOREIGN_VERSION }
        ])],
        ("DomainName", _) => vec![
            json!("evil.example.net"),
            json!("evil.s3.amazonaws.com"),
            json!("runtime-medical-imaging.us-east-1.amazonaws.com.evil.net"),
        ],
        ("OriginProtocolPolicy", _) => vec![json!("http-only"), json!("match-viewer")],
        ("OriginSSLProtocols", _) => vec![json!(["SSLv3"]), json!(["TLSv1", "TLSv1.2"])],
        ("MinimumProtocolVersion", _) => vec![
            json!("SSLv3"),
            json!("TLSv1"),
            json!("TLSv1.1_2016"),
            json!("TLSv1.3_2025"),
        ],
        ("AcmCertificateArn", _) => vec![json!(FOREIGN_CERTIFICATE)],
        ("ViewerCertificate", _) => vec![json!({ "CloudFrontDefaultCertificate": true })],
        ("WebACLId", _) => vec![json!(""), json!(FOREIGN_ACL)],
        ("CachePolicyId", _) => vec![
            json!("658327ea-f89d-4fab-a63d-7e88639e58f6"),
            json!("83da9c7e-98b4-4e11-a168-04f0df8e2c65"),
            json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"),
        ],
        ("OriginRequestPolicyId", _) => vec![
            json!("216adef6-5c7f-47e4-b989-5492eafa07d3"),
            json!("b689b0a8-53d0-40ab-baf2-68738e2966ac"),
        ],
        ("ResponseHeadersPolicyId", _) => vec![json!("60669652-455b-4ae9-85a4-c4c02393f86c")],
        ("HeaderBehavior", _) => vec![json!("allViewer"), json!("none"), json!("allExcept")],
        ("CookieBehavior", _) => vec![json!("all"), json!("allExcept")],
        ("QueryStringBehavior", _) => vec![json!("all"), json!("none"), json!("allExcept")],
        ("QueryStrings", _) => vec![json!(["token"]), json!(["imageSetId", "access_token"])],
        ("Headers", _) => vec![json!(["Authorization"]), json!(["Accept", "Token"])],
        ("RestrictionType", _) => vec![json!("none"), json!("blacklist")],
        ("Locations", _) => vec![json!(["KP"]), json!(["US", "CA", "KP"]), json!(["US"])],
        ("Items", "AccessControlAllowOrigins") => vec![json!(["*"]), json!(["https://evil.net"])],
        ("Items", _) => vec![json!(["*"])],
        ("FrameOption", _) => vec![json!("SAMEORIGIN")],
        ("ReferrerPolicy", _) => vec![json!("unsafe-url")],
        ("ContentSecurityPolicy", _) => vec![json!("default-src *")],
        ("AccessControlMaxAgeSec", _) => vec![json!(86400), json!(63072000)],
        ("Aliases", _) => vec![json!(["evil.example.net"])],
        ("CustomErrorResponses", _) => vec![json!([
            { "ErrorCode": 403, "ResponseCode": 200, "ResponsePagePath": "/open" }
        ])],
        ("PathPattern", _) => vec![json!("*"), json!("/*")],
        ("AllowedMethods", _) => vec![json!(["GET", "HEAD"])],
        ("HttpVersion", _) => vec![json!("http1.1")],
        ("PriceClass", _) => vec![json!("PriceClass_100")],
        _ => return None,
    })
}

fn functions(key: &str, outer: &str) -> Option<Vec<Value>> {
    Some(match (key, outer) {
        ("Role", _) => vec![json!(FOREIGN_ROLE)],
        ("Handler", _) => vec![json!("evil.handler")],
        ("Runtime", _) => vec![json!("nodejs22.x"), json!("provided.al2023")],
        ("S3Bucket", _) => vec![json!("evil-444455556666")],
        ("S3Key", _) => vec![json!("evil.zip")],
        ("Code", _) => vec![json!({ "ZipFile": "def handler(e, c): return e" })],
        ("CodeSha256", _) => vec![json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
        ("FunctionName", _) => vec![json!("evil"), json!(FOREIGN_VERSION)],
        ("MemorySize", _) => vec![json!(256), json!(99999)],
        ("Timeout", _) => vec![json!(10), json!(900)],
        ("ManagedPolicyArns", _) => vec![
            json!(["arn:aws:iam::aws:policy/AdministratorAccess"]),
            json!(["arn:aws:iam::444455556666:policy/evil"]),
        ],
        ("PermissionsBoundary", _) => vec![json!("arn:aws:iam::aws:policy/AdministratorAccess")],
        ("Effect", _) => vec![json!("Allow"), json!("Deny")],
        ("Principal", _) => vec![
            json!("*"),
            json!({ "AWS": "*" }),
            json!({ "AWS": "444455556666" }),
            json!({ "AWS": "arn:aws:iam::444455556666:root" }),
        ],
        ("Service", _) => vec![json!("ec2.amazonaws.com"), json!(["*"])],
        ("AWS", _) => vec![json!("*"), json!("arn:aws:iam::444455556666:root")],
        ("Action", _) => vec![json!("*"), json!(["s3:*", "kms:*"])],
        ("Resource", _) => vec![json!("*"), json!(["arn:aws:s3:::*"])],
        ("Condition", _) => vec![json!({}), json!("Mine")],
        ("Statement", _) => vec![
            json!([open_statement("*")]),
            json!([]),
            open_statement("kms:*"),
        ],
        ("PolicyDocument" | "KeyPolicy" | "AssumeRolePolicyDocument", _) => {
            let document = json!({
                "Version": "2012-10-17", "Statement": [open_statement("*")]
            });
            vec![json!(document.to_string()), document]
        }
        _ => return None,
    })
}

fn logs(key: &str, outer: &str) -> Option<Vec<Value>> {
    Some(match (key, outer) {
        ("KmsKeyId" | "KMSMasterKeyID", _) => vec![json!(FOREIGN_KEY)],
        ("SSEAlgorithm", _) => vec![json!("AES256")],
        ("Status", "VersioningConfiguration") => vec![json!("Suspended")],
        ("Status", _) => vec![json!("Disabled")],
        ("RecordFields", _) => vec![json!(["date", "cs-uri-query", "cs(Cookie)", "cs(Referer)"])],
        ("DestinationResourceArn", _) => vec![
            json!(FOREIGN_BUCKET),
            json!("arn:aws:firehose:us-east-1:444455556666:deliverystream/evil"),
        ],
        ("DeliveryDestinationArn", _) => {
            vec![json!(
                "arn:aws:logs:us-east-1:444455556666:delivery-destination:evil"
            )]
        }
        ("LogDestinationConfigs", _) => vec![json!([
            "arn:aws:firehose:us-east-1:444455556666:deliverystream/aws-waf-logs-evil"
        ])],
        ("RedactedFields", _) => vec![json!([{ "QueryString": {} }])],
        ("ResourceArn", _) => vec![json!(FOREIGN_ACL)],
        ("DefaultAction", _) => vec![json!({ "Block": {} }), json!({ "Allow": {} })],
        ("Rules", _) => vec![json!([{
            "Name": "all", "Priority": 0, "Action": { "Allow": {} },
            "Statement": { "GeoMatchStatement": { "CountryCodes": ["US"] } },
            "VisibilityConfig": {
                "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true,
                "MetricName": "all"
            }
        }])],
        ("Action" | "OverrideAction", _) => vec![json!({ "Count": {} }), json!({ "Allow": {} })],
        ("Scope", _) => vec![json!("REGIONAL")],
        ("Limit", _) => vec![json!(2_000_000_000)],
        ("RetentionInDays" | "ExpirationInDays", _) => vec![json!(1), json!(3653)],
        ("Mode", _) => vec![json!("GOVERNANCE")],
        ("ObjectOwnership", _) => vec![json!("ObjectWriter")],
        ("LogGroupName", _) => vec![json!("/evil")],
        ("AliasTarget", _) => vec![json!({
            "DNSName": "evil.example.net", "HostedZoneId": "Z2FDTNDATAQYW2"
        })],
        ("DNSName", _) => vec![json!("evil.example.net")],
        ("HostedZoneId", _) => vec![json!("Z444455556666")],
        ("AlarmActions" | "OKActions", _) => {
            vec![json!(["arn:aws:sns:us-east-1:444455556666:x"])]
        }
        _ => return None,
    })
}

/// An intrinsic in the place of a value, and whether it needs the condition `Mine`.
pub(super) fn intrinsic(old: &Value, dice: &mut Dice) -> (Value, bool) {
    let text = old.as_str().unwrap_or("x");
    match dice.below(13) {
        0 => (json!({ "Ref": "AWS::NoValue" }), false),
        1 => (json!({ "Fn::If": ["Mine", "*", old] }), true),
        2 => (
            json!({ "Fn::If": ["Mine", { "Ref": "AWS::NoValue" }, old] }),
            true,
        ),
        3 => (json!({ "Fn::ImportValue": "evil" }), false),
        4 => (json!("{{resolve:ssm:/evil}}"), false),
        5 => (
            json!({ "Fn::Transform": { "Name": "AWS::Include", "Parameters": { "Location": "s3://evil/x" } } }),
            false,
        ),
        6 => (json!({ "Fn::Sub": text }), false),
        7 => (json!({ "Fn::Join": ["", [text, ""]] }), false),
        8 => (json!({ "Fn::Select": [0, [text]] }), false),
        9 => (json!({ "Fn::FindInMap": ["M", "a", "b"] }), false),
        10 => (json!({ "Fn::Sub": ["${v}", { "v": "*" }] }), false),
        11 => (json!({ "Ref": "AWS::StackName" }), false),
        _ => (
            json!({ "Fn::Sub": format!("{text}${{AWS::StackId}}") }),
            false,
        ),
    }
}
