//! Overlays that those who run such a delivery write.

use crate::delivery::{CDN, EDGE, over};
use serde_json::{Value, json};

pub(crate) struct Honest {
    pub what: &'static str,
    pub body: Value,
}

fn added(kind: &str, properties: Value) -> Value {
    json!({ "Resources": { "Mine": { "Type": kind, "Properties": properties } } })
}

fn config(config: Value) -> Value {
    json!({ "Resources": { "Distribution": { "Properties": { "DistributionConfig": config } } } })
}

fn properties(id: &str, properties: Value) -> Value {
    json!({ "Resources": { id: { "Properties": properties } } })
}

/// The same for every manifest; the web ACL's compiled rules are given, since a list is replaced.
pub(crate) fn all(edge: &Value) -> Vec<Honest> {
    let mut all = Vec::new();
    let mut is = |stage: &str, what: &'static str, body: Value| {
        all.push(Honest {
            what,
            body: over(stage, body),
        });
    };
    for (what, body) in [watching(), tuning(), naming(), storing()].concat() {
        is(CDN, what, body);
    }
    for (what, body) in functions() {
        is(EDGE, what, body);
    }
    if let Some(rules) = edge["Resources"]["WebAcl"]["Properties"]["Rules"].as_array() {
        is(
            EDGE,
            "a rule that blocks further addresses",
            blocking(rules),
        );
    }
    all
}

type Row = (&'static str, Value);

fn watching() -> Vec<Row> {
    let dimensions = json!([
        { "Name": "DistributionId", "Value": { "Ref": "Distribution" } },
        { "Name": "Region", "Value": "Global" }
    ]);
    let alarm = json!({
        "Namespace": "AWS/CloudFront", "MetricName": "4xxErrorRate", "Statistic": "Average",
        "Period": 300, "EvaluationPeriods": 3, "Threshold": 20, "Dimensions": dimensions,
        "ComparisonOperator": "GreaterThanThreshold"
    });
    let mut with_topic = alarm.clone();
    with_topic["AlarmActions"] = json!([{ "Ref": "Topic" }]);
    vec![
        ("an alarm", added("AWS::CloudWatch::Alarm", alarm.clone())),
        (
            "an alarm with a topic and a subscription",
            json!({ "Resources": {
                "Mine": { "Type": "AWS::CloudWatch::Alarm", "Properties": with_topic },
                "Topic": { "Type": "AWS::SNS::Topic", "Properties": {
                    "KmsMasterKeyId": "alias/aws/sns"
                } },
                "Mail": { "Type": "AWS::SNS::Subscription", "Properties": {
                    "TopicArn": { "Ref": "Topic" }, "Protocol": "email",
                    "Endpoint": "imaging@example.org"
                } }
            } }),
        ),
        (
            "a topic that CloudWatch publishes to",
            json!({ "Resources": {
                "Topic": { "Type": "AWS::SNS::Topic" },
                "Mine": { "Type": "AWS::SNS::TopicPolicy", "Properties": {
                    "Topics": [{ "Ref": "Topic" }],
                    "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Action": "sns:Publish",
                        "Principal": { "Service": "cloudwatch.amazonaws.com" },
                        "Resource": { "Ref": "Topic" },
                        "Condition": { "StringEquals": {
                            "aws:SourceAccount": { "Ref": "AWS::AccountId" }
                        } }
                    }] }
                } }
            } }),
        ),
        (
            "a dashboard",
            added(
                "AWS::CloudWatch::Dashboard",
                json!({ "DashboardName": "imaging", "DashboardBody": {
                    "Fn::Sub": "{\"widgets\":[{\"type\":\"metric\",\"properties\":{\"region\":\"us-east-1\",\"metrics\":[[\"AWS/CloudFront\",\"Requests\",\"DistributionId\",\"${Distribution}\"]]}}]}"
                } }),
            ),
        ),
        (
            "a composite alarm",
            added(
                "AWS::CloudWatch::CompositeAlarm",
                json!({ "AlarmName": "imaging", "AlarmRule": "ALARM(\"a\") OR ALARM(\"b\")" }),
            ),
        ),
        (
            "anomaly detection on requests",
            added(
                "AWS::CloudWatch::AnomalyDetector",
                json!({ "Namespace": "AWS/CloudFront", "MetricName": "Requests",
                    "Stat": "Sum", "Dimensions": dimensions }),
            ),
        ),
        (
            "further CloudFront metrics",
            added(
                "AWS::CloudFront::MonitoringSubscription",
                json!({ "DistributionId": { "Ref": "Distribution" }, "MonitoringSubscription": {
                    "RealtimeMetricsSubscriptionConfig": {
                        "RealtimeMetricsSubscriptionStatus": "Enabled"
                    }
                } }),
            ),
        ),
        (
            "a budget",
            added(
                "AWS::Budgets::Budget",
                json!({ "Budget": {
                    "BudgetType": "COST", "TimeUnit": "MONTHLY",
                    "BudgetLimit": { "Amount": 500, "Unit": "USD" }
                } }),
            ),
        ),
        (
            "watch over costs",
            added(
                "AWS::CE::AnomalyMonitor",
                json!({ "MonitorName": "imaging", "MonitorType": "DIMENSIONAL",
                    "MonitorDimension": "SERVICE" }),
            ),
        ),
        (
            "a health check",
            added(
                "AWS::Route53::HealthCheck",
                json!({ "HealthCheckConfig": {
                    "Type": "HTTPS", "Port": 443, "ResourcePath": "/",
                    "FullyQualifiedDomainName": { "Fn::GetAtt": ["Distribution", "DomainName"] }
                } }),
            ),
        ),
    ]
}

fn tuning() -> Vec<Row> {
    vec![
        (
            "a price class",
            config(json!({ "PriceClass": "PriceClass_100" })),
        ),
        (
            "a comment",
            config(json!({ "Comment": "Frames of the hospital" })),
        ),
        ("no IPv6", config(json!({ "IPV6Enabled": false }))),
        ("an HTTP version", config(json!({ "HttpVersion": "http2" }))),
        (
            "switched off for a night",
            config(json!({ "Enabled": false })),
        ),
        (
            "tags",
            properties(
                "Distribution",
                json!({ "Tags": [{ "Key": "team", "Value": "imaging" }] }),
            ),
        ),
        (
            "tags of the log bucket",
            properties(
                "AccessLogs",
                json!({ "Tags": [{ "Key": "data", "Value": "logs" }] }),
            ),
        ),
        (
            "a distribution that stays",
            json!({ "Resources": { "Distribution": {
                "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"
            } } }),
        ),
        (
            "cheaper storage for old logs",
            properties(
                "AccessLogs",
                json!({ "LifecycleConfiguration": { "Rules": [{
                    "Id": "retention", "Status": "Enabled", "ExpirationInDays": 2555,
                    "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
                    "Transitions": [{ "StorageClass": "GLACIER_IR", "TransitionInDays": 90 }]
                }] } }),
            ),
        ),
        (
            "metrics of the log bucket",
            properties(
                "AccessLogs",
                json!({ "MetricsConfigurations": [{ "Id": "all" }] }),
            ),
        ),
        (
            "a header of their own",
            properties(
                "ResponseHeadersPolicy",
                json!({ "ResponseHeadersPolicyConfig": { "CustomHeadersConfig": { "Items": [
                    { "Header": "X-Team", "Value": "imaging", "Override": true }
                ] } } }),
            ),
        ),
        (
            "less Server-Timing",
            properties(
                "ResponseHeadersPolicy",
                json!({ "ResponseHeadersPolicyConfig": {
                    "ServerTimingHeadersConfig": { "Enabled": true, "SamplingRate": 1 }
                } }),
            ),
        ),
        (
            "a longer HSTS",
            properties(
                "ResponseHeadersPolicy",
                json!({ "ResponseHeadersPolicyConfig": { "SecurityHeadersConfig": {
                    "StrictTransportSecurity": { "AccessControlMaxAgeSec": 63072000 }
                } } }),
            ),
        ),
        (
            "a remark for a checker",
            json!({ "Resources": { "Distribution": { "Metadata": { "owner": "imaging" } } } }),
        ),
    ]
}

fn naming() -> Vec<Row> {
    let domain = json!({ "Fn::GetAtt": ["Distribution", "DomainName"] });
    vec![
        (
            "an output",
            json!({ "Outputs": { "Arn": { "Value": { "Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}" } } } }),
        ),
        (
            "an export",
            json!({ "Outputs": { "Mine": { "Value": { "Ref": "Distribution" }, "Export": { "Name": "imaging-distribution" } } } }),
        ),
        (
            "an export of a compiled output",
            json!({ "Outputs": { "DistributionId": { "Export": { "Name": { "Fn::Sub": "${AWS::StackName}-id" } } } } }),
        ),
        (
            "a description",
            json!({ "Description": "Frames of the hospital" }),
        ),
        (
            "a mapping",
            json!({ "Mappings": { "Team": { "dev": { "name": "imaging" } } } }),
        ),
        (
            "a parameter and a condition",
            json!({
                "Parameters": { "Alarms": { "Type": "String", "Default": "on" } },
                "Conditions": { "HasAlarms": { "Fn::Equals": [{ "Ref": "Alarms" }, "on"] } },
                "Resources": { "Mine": { "Type": "AWS::SNS::Topic", "Condition": "HasAlarms" } }
            }),
        ),
        (
            "how the console shows parameters",
            json!({ "Metadata": { "AWS::CloudFormation::Interface": { "ParameterGroups": [] } } }),
        ),
        (
            "the address for others to read",
            added(
                "AWS::SSM::Parameter",
                json!({
                    "Name": "/imaging/frames", "Type": "String", "Value": { "Fn::Sub": "https://${Distribution.DomainName}" }
                }),
            ),
        ),
        (
            "the id for others to read",
            added(
                "AWS::SSM::Parameter",
                json!({
                    "Type": "String", "Value": { "Ref": "Distribution" }
                }),
            ),
        ),
        (
            "a record of another name",
            added(
                "AWS::Route53::RecordSet",
                json!({
                    "HostedZoneId": "Z0000000000000000000A", "Name": "imaging.example.net", "Type": "CNAME",
                    "TTL": "300", "ResourceRecords": [domain]
                }),
            ),
        ),
        (
            "another name's alias",
            added(
                "AWS::Route53::RecordSet",
                json!({
                    "HostedZoneId": "Z0000000000000000000A", "Name": "viewer.example.net", "Type": "A",
                    "AliasTarget": { "DNSName": domain, "HostedZoneId": "Z2FDTNDATAQYW2" }
                }),
            ),
        ),
        (
            "a proof for another name",
            added(
                "AWS::Route53::RecordSet",
                json!({
                    "HostedZoneId": "Z0000000000000000000A", "Name": "viewer.example.net", "Type": "TXT",
                    "TTL": "300", "ResourceRecords": ["\"v=spf1 -all\""]
                }),
            ),
        ),
        (
            "a group of resources",
            added(
                "AWS::ResourceGroups::Group",
                json!({
                    "Name": "imaging", "ResourceQuery": { "Type": "CLOUDFORMATION_STACK_1_0" }
                }),
            ),
        ),
    ]
}

fn storing() -> Vec<Row> {
    let private = json!({
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "BlockPublicPolicy": true,
            "IgnorePublicAcls": true, "RestrictPublicBuckets": true
        },
        "BucketEncryption": { "ServerSideEncryptionConfiguration": [
            { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }
        ] },
        "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
        "VersioningConfiguration": { "Status": "Enabled" }
    });
    let root = json!({ "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" });
    vec![
        (
            "a private bucket",
            added("AWS::S3::Bucket", private.clone()),
        ),
        (
            "a private bucket that takes TLS alone",
            json!({ "Resources": {
            "Mine": { "Type": "AWS::S3::Bucket", "Properties": private },
            "Policy": { "Type": "AWS::S3::BucketPolicy", "Properties": {
                "Bucket": { "Ref": "Mine" },
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                    "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                    "Resource": [{ "Fn::GetAtt": ["Mine", "Arn"] }, { "Fn::Sub": "${Mine.Arn}/*" }],
                    "Condition": { "Bool": { "aws:SecureTransport": "false" } }
                }] }
            } }
        } }),
        ),
        (
            "a key",
            added(
                "AWS::KMS::Key",
                json!({
                    "EnableKeyRotation": true,
                    "KeyPolicy": { "Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*"
                    }] }
                }),
            ),
        ),
        (
            "a queue",
            added("AWS::SQS::Queue", json!({ "SqsManagedSseEnabled": true })),
        ),
        (
            "a log group",
            added(
                "AWS::Logs::LogGroup",
                json!({
                    "LogGroupName": "/imaging/audit", "RetentionInDays": 365
                }),
            ),
        ),
    ]
}

fn functions() -> Vec<Row> {
    vec![
        (
            "more memory",
            properties("SignerFunction", json!({ "MemorySize": 256 })),
        ),
        (
            "a longer time-out",
            properties("SignerFunction", json!({ "Timeout": 10 })),
        ),
        (
            "a function's description",
            properties("SignerFunction", json!({ "Description": "Signs" })),
        ),
        (
            "a function's tags",
            properties(
                "SignerFunction",
                json!({ "Tags": [{ "Key": "team", "Value": "imaging" }] }),
            ),
        ),
        (
            "logs for longer",
            properties("AuthorizerLogGroup", json!({ "RetentionInDays": 731 })),
        ),
        (
            "a metric of a log",
            added(
                "AWS::Logs::MetricFilter",
                json!({
                    "LogGroupName": { "Ref": "AuthorizerLogGroup" }, "FilterPattern": "{ $.level = \"ERROR\" }",
                    "MetricTransformations": [{ "MetricNamespace": "imaging", "MetricName": "errors", "MetricValue": "1" }]
                }),
            ),
        ),
        (
            "a stored query",
            added(
                "AWS::Logs::QueryDefinition",
                json!({
                    "Name": "imaging/errors", "QueryString": "fields @message | filter level = 'ERROR'",
                    "LogGroupNames": [{ "Ref": "SignerLogGroup" }]
                }),
            ),
        ),
        (
            "a set of addresses",
            added(
                "AWS::WAFv2::IPSet",
                json!({
                    "Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24"]
                }),
            ),
        ),
        (
            "an output of the functions",
            json!({ "Outputs": { "Authorizer": { "Value": { "Ref": "AuthorizerFunction" } } } }),
        ),
    ]
}

fn blocking(rules: &[Value]) -> Value {
    let further = json!({
        "Name": "blocked", "Priority": 100, "Action": { "Block": {} },
        "Statement": { "IPSetReferenceStatement": { "Arn": { "Fn::GetAtt": ["Mine", "Arn"] } } },
        "VisibilityConfig": {
            "SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true,
            "MetricName": "blocked"
        }
    });
    let rules: Vec<Value> = rules.iter().cloned().chain([further]).collect();
    json!({ "Resources": {
        "Mine": { "Type": "AWS::WAFv2::IPSet", "Properties": {
            "Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24"]
        } },
        "WebAcl": { "Properties": { "Rules": rules } }
    } })
}
