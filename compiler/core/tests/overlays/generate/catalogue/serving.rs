//! What watches a delivery, and what serves.

use super::Entry;
use crate::generate::hostile::*;
use serde_json::json;

pub(super) fn operations() -> Vec<Entry> {
    let metric = json!({
        "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1,
        "Namespace": "AWS/CloudFront", "MetricName": "Requests", "Period": 300,
        "Statistic": "Sum"
    });
    vec![
        ("AWS::CloudWatch::Alarm", metric),
        (
            "AWS::CloudWatch::CompositeAlarm",
            json!({ "AlarmRule": "ALARM(x)" }),
        ),
        (
            "AWS::CloudWatch::Dashboard",
            json!({ "DashboardBody": "{\"widgets\":[]}" }),
        ),
        (
            "AWS::CloudWatch::AnomalyDetector",
            json!({ "Namespace": "AWS/CloudFront" }),
        ),
        (
            "AWS::CloudWatch::MetricStream",
            json!({ "FirehoseArn": "arn:aws:firehose:us-east-1:444455556666:deliverystream/x", "RoleArn": FOREIGN_ROLE, "OutputFormat": "json" }),
        ),
        (
            "AWS::SSM::Parameter",
            json!({ "Type": "String", "Value": "x" }),
        ),
        ("AWS::SSM::Document", json!({ "Content": {} })),
        (
            "AWS::SSM::Association",
            json!({ "Name": "AWS-RunShellScript" }),
        ),
        (
            "AWS::Budgets::Budget",
            json!({ "Budget": { "BudgetType": "COST", "TimeUnit": "MONTHLY" } }),
        ),
        (
            "AWS::Budgets::BudgetsAction",
            json!({ "ExecutionRoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::CE::AnomalyMonitor",
            json!({ "MonitorName": "x", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE" }),
        ),
        ("AWS::ResourceGroups::Group", json!({ "Name": "imaging" })),
        (
            "AWS::CloudTrail::Trail",
            json!({ "IsLogging": true, "S3BucketName": "evil" }),
        ),
        (
            "AWS::Config::ConfigRule",
            json!({ "Source": { "Owner": "AWS" } }),
        ),
        (
            "AWS::Synthetics::Canary",
            json!({ "ExecutionRoleArn": FOREIGN_ROLE, "Name": "x" }),
        ),
        (
            "AWS::RUM::AppMonitor",
            json!({ "Name": "x", "Domain": "example.org" }),
        ),
        (
            "AWS::Chatbot::SlackChannelConfiguration",
            json!({ "IamRoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::Oam::Link",
            json!({ "SinkIdentifier": "arn:aws:oam:us-east-1:444455556666:sink/x", "ResourceTypes": ["AWS::Logs::LogGroup"] }),
        ),
        (
            "AWS::Oam::Sink",
            json!({ "Name": "x", "Policy": { "Statement": [open_statement("oam:*")] } }),
        ),
        (
            "AWS::ApplicationInsights::Application",
            json!({ "ResourceGroupName": "x" }),
        ),
        (
            "AWS::Backup::BackupVault",
            json!({ "BackupVaultName": "x", "AccessPolicy": { "Statement": [open_statement("backup:*")] } }),
        ),
        ("AWS::CDK::Metadata", json!({ "Analytics": "x" })),
    ]
}

pub(super) fn edge() -> Vec<Entry> {
    vec![
        (
            "AWS::CloudFront::Function",
            json!({ "Name": "x", "FunctionCode": "function handler(e) { return e.request; }", "FunctionConfig": { "Runtime": "cloudfront-js-2.0", "Comment": "" } }),
        ),
        (
            "AWS::CloudFront::KeyGroup",
            json!({ "KeyGroupConfig": { "Name": "x", "Items": ["K1"] } }),
        ),
        (
            "AWS::CloudFront::PublicKey",
            json!({ "PublicKeyConfig": { "Name": "x", "CallerReference": "x", "EncodedKey": "x" } }),
        ),
        (
            "AWS::CloudFront::OriginAccessControl",
            json!({ "OriginAccessControlConfig": { "Name": "x", "OriginAccessControlOriginType": "s3", "SigningBehavior": "always", "SigningProtocol": "sigv4" } }),
        ),
        ("AWS::CloudFront::KeyValueStore", json!({ "Name": "x" })),
        (
            "AWS::CloudFront::RealtimeLogConfig",
            json!({ "Name": "x", "SamplingRate": 100, "Fields": ["cs-uri-query"], "EndPoints": [] }),
        ),
        (
            "AWS::CloudFront::ContinuousDeploymentPolicy",
            json!({ "ContinuousDeploymentPolicyConfig": { "Enabled": true, "StagingDistributionDnsNames": ["evil.cloudfront.net"] } }),
        ),
        (
            "AWS::CloudFront::StreamingDistribution",
            json!({ "StreamingDistributionConfig": { "Enabled": true, "Comment": "", "S3Origin": { "DomainName": "evil.s3.amazonaws.com", "OriginAccessIdentity": "" } } }),
        ),
        (
            "AWS::CloudFront::VpcOrigin",
            json!({ "VpcOriginEndpointConfig": { "Arn": "x", "Name": "x" } }),
        ),
        ("AWS::CloudFront::ConnectionGroup", json!({ "Name": "x" })),
        ("AWS::CloudFront::TrustStore", json!({ "Name": "x" })),
        (
            "AWS::WAFv2::IPSet",
            json!({ "Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24"] }),
        ),
        (
            "AWS::WAFv2::RegexPatternSet",
            json!({ "Scope": "CLOUDFRONT", "RegularExpressionList": ["x"] }),
        ),
        (
            "AWS::WAFv2::RuleGroup",
            json!({ "Scope": "CLOUDFRONT", "Capacity": 1, "Rules": [] }),
        ),
        (
            "AWS::WAFv2::LoggingConfiguration",
            json!({ "ResourceArn": FOREIGN_ACL, "LogDestinationConfigs": [FOREIGN_BUCKET] }),
        ),
        (
            "AWS::WAFv2::WebACLAssociation",
            json!({ "ResourceArn": "x", "WebACLArn": FOREIGN_ACL }),
        ),
        ("AWS::WAF::WebACL", json!({ "Name": "x" })),
        ("AWS::FMS::Policy", json!({ "PolicyName": "x" })),
        (
            "AWS::Shield::Protection",
            json!({ "Name": "x", "ResourceArn": "x" }),
        ),
        (
            "AWS::GlobalAccelerator::Accelerator",
            json!({ "Name": "x" }),
        ),
        (
            "AWS::ApiGatewayV2::Api",
            json!({ "Name": "x", "ProtocolType": "HTTP", "Target": "https://evil.net" }),
        ),
        ("AWS::ApiGateway::RestApi", json!({ "Name": "x" })),
        (
            "AWS::VpcLattice::AuthPolicy",
            json!({ "ResourceIdentifier": "x", "Policy": { "Statement": [open_statement("*")] } }),
        ),
        (
            "AWS::MediaStore::Container",
            json!({ "ContainerName": "x", "Policy": "{\"Statement\":[]}" }),
        ),
        (
            "AWS::Route53::HealthCheck",
            json!({ "HealthCheckConfig": { "Type": "HTTPS" } }),
        ),
        (
            "AWS::Route53::RecordSet",
            json!({ "HostedZoneId": "Z1", "Name": "other.example.net", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"] }),
        ),
        ("AWS::Route53::HostedZone", json!({ "Name": "example.org" })),
        (
            "AWS::Route53Resolver::ResolverRule",
            json!({ "DomainName": "amazonaws.com", "RuleType": "FORWARD" }),
        ),
        (
            "AWS::CertificateManager::Certificate",
            json!({ "DomainName": "other.example.net", "ValidationMethod": "DNS" }),
        ),
        (
            "AWS::AppSync::GraphQLApi",
            json!({ "Name": "x", "AuthenticationType": "API_KEY" }),
        ),
    ]
}
