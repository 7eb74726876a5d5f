//! Ways in that are known: what the judge has to say of each, on the manifest `hospital`.

use serde_json::{Value, json};

/// The rule, and the overlay that it has to find.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let foreign = "arn:aws:lambda:us-east-1:444455556666:function:evil:1";
    let added = |stage: &str, kind: &str, properties: Value| json!({ stage: { "Resources": { "Mine": { "Type": kind, "Properties": properties } } } });
    let compiled = |stage: &str, id: &str, properties: Value| json!({ stage: { "Resources": { id: { "Properties": properties } } } });
    let distribution = |config: Value| {
        let properties = json!({ "DistributionConfig": config });
        compiled("cdn", "Distribution", properties)
    };
    let default = |behavior: Value| distribution(json!({ "DefaultCacheBehavior": behavior }));
    let anybody = json!({ "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" }
    ] });
    let denial = json!({ "Statement": [
        { "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*" }
    ] });
    vec![
        (
            "version",
            compiled(
                "lambda-edge",
                "AuthorizerVersiondb05c1c4d3ab",
                json!({ "FunctionName": "evil" }),
            ),
        ),
        (
            "output",
            json!({ "cdn": { "Outputs": { "Url": { "Value": "https://evil.net" } } } }),
        ),
        (
            "parameter",
            json!({ "cdn": { "Parameters": { "AuthorizerVersionArn": { "Default": foreign } } } }),
        ),
        (
            "id",
            json!({ "cdn": { "Resources": {
                "Distribution/Properties": { "Type": "AWS::IAM::Role" }
            } } }),
        ),
        (
            "reserved-id",
            json!({ "lambda-edge": { "Resources": {
                "SignerVersion0123456789ab": { "Type": "AWS::SNS::Topic" }
            } } }),
        ),
        (
            "macro",
            json!({ "cdn": { "Metadata": { "Fn::Transform": { "Name": "Evil" } } } }),
        ),
        (
            "viewer-protocol",
            default(json!({ "ViewerProtocolPolicy": "redirect-to-https" })),
        ),
        (
            "associations",
            default(json!({ "LambdaFunctionAssociations": [] })),
        ),
        (
            "associations",
            default(json!({ "LambdaFunctionAssociations": [
                { "EventType": "viewer-request", "LambdaFunctionARN": foreign },
                { "EventType": "origin-request",
                    "LambdaFunctionARN": { "Ref": "SignerVersionArn" } }
            ] })),
        ),
        (
            "cache-key",
            default(json!({ "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6" })),
        ),
        // A search, kept without its query.
        (
            "cache-key",
            default(json!({
                "CachePolicyId": { "Ref": "DicomwebCachePolicy" },
                "OriginRequestPolicyId": { "Ref": "SearchRequestPolicy" }
            })),
        ),
        (
            "forwarding",
            compiled(
                "cdn",
                "NativeRequestPolicy",
                json!({ "OriginRequestPolicyConfig": { "CookiesConfig": { "CookieBehavior": "all" } } }),
            ),
        ),
        (
            "forwarding",
            compiled(
                "cdn",
                "DicomwebCachePolicy",
                json!({ "CachePolicyConfig": { "ParametersInCacheKeyAndForwardedToOrigin": {
                    "HeadersConfig": { "Headers": ["Accept", "Authorization"] }
                } } }),
            ),
        ),
        (
            "geo",
            distribution(
                json!({ "Restrictions": { "GeoRestriction": { "Locations": ["US", "KP"] } } }),
            ),
        ),
        (
            "viewer-certificate",
            distribution(json!({ "ViewerCertificate": { "MinimumProtocolVersion": "TLSv1" } })),
        ),
        (
            "web-acl",
            distribution(json!({ "WebACLId": { "Ref": "AWS::NoValue" } })),
        ),
        (
            "web-acl",
            distribution(json!({ "WebACLId": {
                "Fn::If": ["Mine", { "Ref": "WebAclArn" }, ""]
            } })),
        ),
        (
            "cors",
            compiled(
                "cdn",
                "ResponseHeadersPolicy",
                json!({ "ResponseHeadersPolicyConfig": { "CorsConfig": {
                    "AccessControlAllowOrigins": { "Items": ["*"] }
                } } }),
            ),
        ),
        (
            "record-fields",
            compiled(
                "cdn",
                "AccessLogsDelivery",
                json!({ "RecordFields": ["cs-uri-query"] }),
            ),
        ),
        (
            "bucket-policy",
            added(
                "cdn",
                "AWS::S3::BucketPolicy",
                json!({ "Bucket": { "Fn::Sub": "${AccessLogs}" }, "PolicyDocument": denial }),
            ),
        ),
        (
            "bucket-policy",
            added(
                "lambda-edge",
                "AWS::S3::BucketPolicy",
                json!({ "Bucket": { "Ref": "ArtifactBucket" }, "PolicyDocument": denial }),
            ),
        ),
        (
            "policy-statements",
            compiled(
                "lambda-edge",
                "SignerReadPolicy",
                json!({ "PolicyDocument": anybody.to_string() }),
            ),
        ),
        (
            "resource-policy",
            added("cdn", "AWS::KMS::Key", json!({ "KeyPolicy": anybody })),
        ),
        (
            "role-trust",
            compiled(
                "lambda-edge",
                "SignerRolec64eafe7",
                json!({ "AssumeRolePolicyDocument": anybody }),
            ),
        ),
        (
            "acl-log",
            compiled(
                "lambda-edge",
                "WebAclLogging",
                json!({ "RedactedFields": [] }),
            ),
        ),
        (
            "acl-rules",
            compiled("lambda-edge", "WebAcl", json!({ "Rules": [] })),
        ),
        (
            "record",
            added(
                "cdn",
                "AWS::Route53::RecordSet",
                json!({ "HostedZoneId": "Z1", "Name": "FRAM\\105S.example.org.", "Type": "A" }),
            ),
        ),
        (
            "added-property",
            added(
                "lambda-edge",
                "AWS::SNS::Topic",
                json!({ "DeliveryStatusLogging": [{
                    "SuccessFeedbackRoleArn": { "Fn::Sub": "${SignerRolec64eafe7.Arn}" }
                }] }),
            ),
        ),
        ("added-type", added("cdn", "Evil::Corp::Thing", json!({}))),
        (
            "added-type",
            added("lambda-edge", "AWS::Logs::SubscriptionFilter", json!({})),
        ),
        ("added-iam", added("cdn", "AWS::IAM::User", json!({}))),
    ]
}
