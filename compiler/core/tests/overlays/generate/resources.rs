//! Resources that come in, those of catalogue.rs and those that lay hold of what is compiled.

use super::hostile::*;
use super::{catalogue, condition, merged, of_type, resource};
use crate::delivery::{Delivery, EDGE, LOGS};
use serde_json::{Value, json};

pub(super) fn all(stage: &str, delivery: &Delivery) -> Vec<Value> {
    let mut bodies = Vec::new();
    for (kind, properties) in catalogue::plain() {
        bodies.push(added(kind, properties));
    }
    bodies.push(resource("Mine", json!({ "Properties": {} })));
    bodies.push(resource("Mine", json!({ "Type": ["AWS::SNS::Topic"] })));
    bodies.extend(distributions(stage, delivery));
    bodies.extend(names(delivery));
    match stage {
        EDGE => bodies.extend(beside_functions(&delivery.clean.edge)),
        LOGS => bodies.extend(delivery.clean.logs.iter().flat_map(beside_logs)),
        _ => bodies.extend(beside_logs(&delivery.clean.cdn)),
    }
    bodies
}

fn added(kind: &str, properties: Value) -> Value {
    resource("Mine", json!({ "Type": kind, "Properties": properties }))
}

/// A second distribution: as the compiled one, without a name of its own, and with one thing off.
fn distributions(stage: &str, delivery: &Delivery) -> Vec<Value> {
    let compiled = &delivery.clean.cdn["Resources"]["Distribution"]["Properties"];
    let mut good = compiled.clone();
    if let Some(config) = good["DistributionConfig"].as_object_mut() {
        config.remove("Aliases");
    }
    let mut bodies = vec![];
    let mut with = |change: &dyn Fn(&mut Value)| {
        let mut copy = good.clone();
        change(&mut copy["DistributionConfig"]);
        bodies.push(added("AWS::CloudFront::Distribution", copy));
    };
    with(&|_| {});
    with(&|config| config["Aliases"] = compiled["DistributionConfig"]["Aliases"].clone());
    for (key, value) in [
        ("Logging", json!({ "Bucket": "mine.s3.amazonaws.com" })),
        ("WebACLId", Value::Null),
        ("WebACLId", json!(FOREIGN_ACL)),
        ("Restrictions", Value::Null),
        (
            "Origins",
            json!([{ "Id": "healthimaging", "DomainName": "evil.net" }]),
        ),
        (
            "ViewerCertificate",
            json!({ "CloudFrontDefaultCertificate": true }),
        ),
        ("Staging", json!(true)),
        (
            "OriginGroups",
            json!({ "Quantity": 1, "Items": [{ "Id": "x" }] }),
        ),
    ] {
        with(&|config| config[key] = value.clone());
    }
    for (key, value) in [
        ("ViewerProtocolPolicy", json!("allow-all")),
        ("LambdaFunctionAssociations", json!([])),
        (
            "LambdaFunctionAssociations",
            json!([
                { "EventType": "viewer-request", "LambdaFunctionARN": { "Ref": "AuthorizerVersionArn" } },
                { "EventType": "origin-request", "LambdaFunctionARN": { "Ref": "SignerVersionArn" } },
                { "EventType": "viewer-response", "LambdaFunctionARN": FOREIGN_VERSION }
            ]),
        ),
        (
            "RealtimeLogConfigArn",
            json!("arn:aws:cloudfront::444455556666:realtime-log-config/x"),
        ),
        (
            "FunctionAssociations",
            json!([{ "EventType": "viewer-request", "FunctionARN": "x" }]),
        ),
        (
            "OriginRequestPolicyId",
            json!("216adef6-5c7f-47e4-b989-5492eafa07d3"),
        ),
        (
            "CachePolicyId",
            json!("658327ea-f89d-4fab-a63d-7e88639e58f6"),
        ),
        (
            "ResponseHeadersPolicyId",
            json!("60669652-455b-4ae9-85a4-c4c02393f86c"),
        ),
        ("ResponseHeadersPolicyId", Value::Null),
    ] {
        with(&|config| config["DefaultCacheBehavior"][key] = value.clone());
    }
    bodies.push(added(
        "AWS::CloudFront::DistributionTenant",
        json!({ "DistributionId": { "Ref": "Distribution" }, "Name": "x", "Domains": ["evil.net"] }),
    ));
    if stage == EDGE {
        // Parameters and versions of the names that only the cdn stack has.
        let arn = "arn:aws:lambda:us-east-1:444455556666:function:evil:1";
        let parameter = json!({ "Type": "String", "Default": arn });
        bodies.push(merged(
            json!({ "Parameters": {
                "AuthorizerVersionArn": parameter, "SignerVersionArn": parameter
            } }),
            added("AWS::CloudFront::Distribution", good.clone()),
        ));
        let version = json!({
            "Type": "AWS::Lambda::Version", "Properties": { "FunctionName": "evil" }
        });
        bodies.push(merged(
            json!({ "Resources": {
                "AuthorizerVersionArn": version, "SignerVersionArn": version
            } }),
            added("AWS::CloudFront::Distribution", good),
        ));
    }
    bodies
}

/// Records and certificates for the delivery's names, and for others.
fn names(delivery: &Delivery) -> Vec<Value> {
    let config = &delivery.clean.cdn["Resources"]["Distribution"]["Properties"];
    let aliases = config["DistributionConfig"]["Aliases"].as_array();
    let mut bodies = vec![];
    for name in aliases.into_iter().flatten().filter_map(Value::as_str) {
        let base = name.trim_start_matches("*.");
        let spelled = [
            name.to_owned(),
            format!("{}.", name.to_uppercase()),
            format!("a.{base}"),
            format!("_acme-challenge.{base}"),
            format!("other-{base}"),
            base.replace("e", "\\145"),
        ];
        for spelling in &spelled {
            for kind in ["A", "CNAME", "TXT", "NS", "HTTPS", "CAA"] {
                bodies.push(added(
                    "AWS::Route53::RecordSet",
                    json!({
                        "HostedZoneId": "Z0123456789ABCDEFGHIJ", "Name": spelling, "Type": kind,
                        "TTL": "60", "ResourceRecords": ["evil.net"]
                    }),
                ));
            }
            bodies.push(added(
                "AWS::CertificateManager::Certificate",
                json!({ "DomainName": spelling, "ValidationMethod": "DNS", "CertificateExport": "ENABLED" }),
            ));
        }
        bodies.push(added(
            "AWS::Route53::RecordSetGroup",
            json!({ "HostedZoneName": "example.org.", "RecordSets": [
                { "Name": name, "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"] }
            ] }),
        ));
        bodies.push(added(
            "AWS::Route53::RecordSet",
            json!({ "Name": { "Fn::Join": [".", ["frames", { "Ref": "AWS::StackName" }]] },
                "HostedZoneId": "Z1", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"] }),
        ));
    }
    bodies
}

fn beside_functions(template: &Value) -> Vec<Value> {
    let roles = of_type(template, "AWS::IAM::Role");
    let groups = of_type(template, "AWS::Logs::LogGroup");
    let mut bodies = vec![];
    for role in roles {
        let arn = json!({ "Fn::GetAtt": [role, "Arn"] });
        for (kind, properties) in [
            (
                "AWS::Lambda::Function",
                json!({ "Role": arn, "Runtime": "python3.13", "Handler": "index.h", "Code": { "ZipFile": "x" } }),
            ),
            (
                "AWS::SNS::Topic",
                json!({ "DeliveryStatusLogging": [{ "Protocol": "sqs", "SuccessFeedbackRoleArn": arn }] }),
            ),
            (
                "AWS::Events::Rule",
                json!({ "ScheduleExpression": "rate(1 day)", "RoleArn": arn, "Targets": [{ "Id": "x", "Arn": "x", "RoleArn": arn }] }),
            ),
            (
                "AWS::CloudFront::RealtimeLogConfig",
                json!({ "Name": "x", "EndPoints": [{ "KinesisStreamConfig": { "RoleArn": arn, "StreamArn": "x" } }] }),
            ),
            (
                "AWS::IAM::Policy",
                json!({ "PolicyName": "x", "Roles": [{ "Ref": role }], "PolicyDocument": { "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] } }),
            ),
            (
                "AWS::IAM::InstanceProfile",
                json!({ "Roles": [{ "Ref": role }] }),
            ),
            (
                "AWS::IAM::RolePolicy",
                json!({ "RoleName": { "Ref": role }, "PolicyName": "x" }),
            ),
        ] {
            bodies.push(added(kind, properties));
        }
    }
    for function in of_type(template, "AWS::Lambda::Function") {
        let name = json!({ "Ref": function });
        for (kind, properties) in [
            (
                "AWS::Lambda::Permission",
                json!({ "FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "*" }),
            ),
            (
                "AWS::Lambda::Url",
                json!({ "TargetFunctionArn": name, "AuthType": "NONE" }),
            ),
            (
                "AWS::Lambda::Alias",
                json!({ "FunctionName": name, "FunctionVersion": "1", "Name": "x" }),
            ),
            ("AWS::Lambda::Version", json!({ "FunctionName": name })),
            (
                "AWS::Lambda::EventInvokeConfig",
                json!({ "FunctionName": name, "Qualifier": "$LATEST", "DestinationConfig": { "OnSuccess": { "Destination": "arn:aws:sqs:us-east-1:444455556666:evil" } } }),
            ),
            (
                "AWS::Lambda::EventSourceMapping",
                json!({ "FunctionName": name, "EventSourceArn": "arn:aws:sqs:us-east-1:444455556666:evil" }),
            ),
        ] {
            bodies.push(added(kind, properties));
        }
    }
    for group in groups {
        let name = json!({ "Ref": group });
        for (kind, properties) in [
            (
                "AWS::Logs::SubscriptionFilter",
                json!({ "LogGroupName": name, "FilterPattern": "", "DestinationArn": "arn:aws:logs:us-east-1:444455556666:destination:evil" }),
            ),
            (
                "AWS::Logs::MetricFilter",
                json!({ "LogGroupName": name, "FilterPattern": "ERROR", "MetricTransformations": [{ "MetricName": "x", "MetricNamespace": "x", "MetricValue": "1" }] }),
            ),
            (
                "AWS::Logs::Transformer",
                json!({ "LogGroupIdentifier": name, "TransformerConfig": [] }),
            ),
            ("AWS::Logs::LogStream", json!({ "LogGroupName": name })),
            (
                "AWS::Logs::LogGroup",
                json!({ "LogGroupName": template["Resources"][group]["Properties"]["LogGroupName"] }),
            ),
            (
                "AWS::Logs::LogAnomalyDetector",
                json!({ "LogGroupArnList": [{ "Fn::GetAtt": [group, "Arn"] }] }),
            ),
        ] {
            bodies.push(added(kind, properties));
        }
    }
    for key in of_type(template, "AWS::KMS::Key") {
        let arn = json!({ "Fn::GetAtt": [key, "Arn"] });
        bodies.push(added(
            "AWS::KMS::Alias",
            json!({ "AliasName": "alias/x", "TargetKeyId": { "Ref": key } }),
        ));
        bodies.push(added("AWS::KMS::ReplicaKey", json!({ "PrimaryKeyArn": arn, "KeyPolicy": { "Statement": [open_statement("kms:*")] } })));
        bodies.push(added(
            "AWS::SNS::Topic",
            json!({ "KmsMasterKeyId": { "Ref": key } }),
        ));
    }
    for acl in of_type(template, "AWS::WAFv2::WebACL") {
        let arn = json!({ "Fn::GetAtt": [acl, "Arn"] });
        bodies.push(added("AWS::WAFv2::LoggingConfiguration", json!({ "ResourceArn": arn, "LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-evil"] })));
        bodies.push(added(
            "AWS::WAFv2::WebACLAssociation",
            json!({ "WebACLArn": arn, "ResourceArn": "x" }),
        ));
    }
    for statement in [
        open_statement("s3:*"),
        json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*" }),
    ] {
        bodies.push(added("AWS::S3::BucketPolicy", json!({ "Bucket": { "Ref": "ArtifactBucket" }, "PolicyDocument": { "Statement": [statement] } })));
    }
    bodies
}

fn beside_logs(template: &Value) -> Vec<Value> {
    let mut bodies = vec![];
    let denial =
        json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*" });
    let allowed = json!({ "Effect": "Allow", "Principal": { "AWS": "444455556666" }, "Action": "s3:GetObject", "Resource": "*" });
    for bucket in of_type(template, "AWS::S3::Bucket") {
        let bucket_name = [
            json!({ "Ref": bucket }),
            json!({ "Fn::Sub": format!("${{{bucket}}}") }),
            json!({ "Fn::If": ["Mine", { "Ref": bucket }, "x"] }),
            json!({ "Fn::Select": [0, [{ "Ref": bucket }]] }),
        ];
        for name in bucket_name {
            for statement in [&denial, &allowed] {
                bodies.push(merged(
                    condition(),
                    added(
                        "AWS::S3::BucketPolicy",
                        json!({ "Bucket": name, "PolicyDocument": { "Statement": [statement] } }),
                    ),
                ));
            }
            bodies.push(added("AWS::S3::AccessPoint", json!({ "Bucket": name })));
            bodies.push(added(
                "AWS::S3::AccessGrant",
                json!({ "Permission": "READ" }),
            ));
        }
    }
    bodies.push(added(
        "AWS::S3::BucketPolicy",
        json!({ "Bucket": "imaging-access-logs", "PolicyDocument": { "Statement": [denial] } }),
    ));
    for source in of_type(template, "AWS::Logs::DeliverySource") {
        let name = template["Resources"][source]["Properties"]["Name"].clone();
        bodies.push(added("AWS::Logs::Delivery", json!({ "DeliverySourceName": name, "DeliveryDestinationArn": "arn:aws:logs:us-east-1:444455556666:delivery-destination:evil" })));
    }
    let distribution =
        json!({ "Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Distribution}" });
    bodies.extend([
        added("AWS::Logs::DeliverySource", json!({ "Name": "mine", "LogType": "ACCESS_LOGS", "ResourceArn": distribution })),
        added("AWS::Logs::DeliveryDestination", json!({ "Name": "mine", "DestinationResourceArn": FOREIGN_BUCKET })),
        added("AWS::CloudFront::MonitoringSubscription", json!({ "DistributionId": { "Ref": "Distribution" }, "MonitoringSubscription": { "RealtimeMetricsSubscriptionConfig": { "RealtimeMetricsSubscriptionStatus": "Enabled" } } })),
        added("AWS::Shield::Protection", json!({ "Name": "x", "ResourceArn": distribution })),
        added("AWS::SSM::Parameter", json!({ "Type": "String", "Value": { "Ref": "Distribution" } })),
        behavior(template),
        attached(false),
        attached(true),
    ]);
    bodies
}

/// A web ACL that comes in, before the compiled distribution.
fn attached(sampled: bool) -> Value {
    let acl = added(
        "AWS::WAFv2::WebACL",
        json!({
            "Scope": "CLOUDFRONT", "DefaultAction": { "Allow": {} }, "Rules": [],
            "VisibilityConfig": {
                "SampledRequestsEnabled": sampled, "CloudWatchMetricsEnabled": true, "MetricName": "x"
            }
        }),
    );
    let config = json!({ "WebACLId": { "Fn::GetAtt": ["Mine", "Arn"] } });
    merged(
        acl,
        resource(
            "Distribution",
            json!({ "Properties": { "DistributionConfig": config } }),
        ),
    )
}

/// A further behavior without the authorizer.
fn behavior(template: &Value) -> Value {
    let config = &template["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let mut open = config["DefaultCacheBehavior"].clone();
    open["PathPattern"] = json!("/open/*");
    open["LambdaFunctionAssociations"] = json!([]);
    let mut all = config["CacheBehaviors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.push(open);
    let config = json!({ "DistributionConfig": { "CacheBehaviors": all } });
    resource("Distribution", json!({ "Properties": config }))
}
