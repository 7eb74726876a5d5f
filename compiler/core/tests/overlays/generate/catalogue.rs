//! Resources of many types, benign and hostile, that need nothing of the template around them.

use super::hostile::*;
use serde_json::{Value, json};

pub type Entry = (&'static str, Value);

pub fn plain() -> Vec<Entry> {
    [
        operations(),
        edge(),
        storage(),
        messaging(),
        compute(),
        elsewhere(),
        foreign(),
    ]
    .concat()
}

fn operations() -> Vec<Entry> {
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

fn edge() -> Vec<Entry> {
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

fn storage() -> Vec<Entry> {
    let policy = json!({ "Statement": [open_statement("s3:*")] });
    let private = json!({ "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true,
        "RestrictPublicBuckets": true
    } });
    vec![
        ("AWS::S3::Bucket", private),
        (
            "AWS::S3::Bucket",
            json!({ "PublicAccessBlockConfiguration": { "BlockPublicPolicy": false } }),
        ),
        (
            "AWS::S3::Bucket",
            json!({ "AccessControl": "PublicReadWrite" }),
        ),
        (
            "AWS::S3::BucketPolicy",
            json!({ "Bucket": "mine", "PolicyDocument": policy }),
        ),
        (
            "AWS::S3::AccessPoint",
            json!({ "Bucket": "mine", "Policy": policy }),
        ),
        (
            "AWS::S3::MultiRegionAccessPoint",
            json!({ "Regions": [{ "Bucket": "mine" }] }),
        ),
        (
            "AWS::S3::StorageLens",
            json!({ "StorageLensConfiguration": { "Id": "x" } }),
        ),
        (
            "AWS::S3ObjectLambda::AccessPoint",
            json!({ "ObjectLambdaConfiguration": {} }),
        ),
        (
            "AWS::S3Tables::TableBucket",
            json!({ "TableBucketName": "x" }),
        ),
        (
            "AWS::KMS::Key",
            json!({ "KeyPolicy": { "Statement": [open_statement("kms:*")] } }),
        ),
        (
            "AWS::KMS::Key",
            json!({ "KeyPolicy": { "Statement": [{ "Effect": "Allow", "Principal": { "AWS": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } }, "Action": "kms:*", "Resource": "*" }] } }),
        ),
        (
            "AWS::KMS::Alias",
            json!({ "AliasName": "alias/x", "TargetKeyId": FOREIGN_KEY }),
        ),
        (
            "AWS::KMS::ReplicaKey",
            json!({ "PrimaryKeyArn": FOREIGN_KEY, "KeyPolicy": {} }),
        ),
        (
            "AWS::DynamoDB::Table",
            json!({ "ResourcePolicy": { "PolicyDocument": policy } }),
        ),
        (
            "AWS::ECR::Repository",
            json!({ "RepositoryPolicyText": policy }),
        ),
        (
            "AWS::SecretsManager::Secret",
            json!({ "GenerateSecretString": {} }),
        ),
        (
            "AWS::SecretsManager::ResourcePolicy",
            json!({ "SecretId": "x", "ResourcePolicy": policy }),
        ),
        (
            "AWS::EFS::FileSystem",
            json!({ "FileSystemPolicy": policy }),
        ),
        (
            "AWS::Glue::Database",
            json!({ "CatalogId": { "Ref": "AWS::AccountId" }, "DatabaseInput": { "Name": "logs" } }),
        ),
        (
            "AWS::Athena::NamedQuery",
            json!({ "Database": "logs", "QueryString": "select 1" }),
        ),
        (
            "AWS::HealthImaging::Datastore",
            json!({ "DatastoreName": "x" }),
        ),
        (
            "AWS::DataSync::Task",
            json!({ "SourceLocationArn": "x", "DestinationLocationArn": "y" }),
        ),
    ]
}

fn messaging() -> Vec<Entry> {
    let policy = |principal: Value| {
        json!({ "Statement": [{
            "Effect": "Allow", "Principal": principal, "Action": "sns:Publish", "Resource": "*"
        }] })
    };
    let service = || policy(json!({ "Service": "cloudwatch.amazonaws.com" }));
    let topic = |document: Value| json!({ "Topics": ["x"], "PolicyDocument": document });
    let queue = |document: Value| json!({ "Queues": ["x"], "PolicyDocument": document });
    vec![
        ("AWS::SNS::Topic", json!({})),
        ("AWS::SNS::TopicPolicy", topic(service())),
        ("AWS::SNS::TopicPolicy", topic(policy(json!("*")))),
        (
            "AWS::SNS::TopicPolicy",
            topic(policy(json!({ "AWS": "444455556666" }))),
        ),
        (
            "AWS::SNS::Subscription",
            json!({ "Protocol": "email", "Endpoint": "x@example.org", "TopicArn": "x" }),
        ),
        ("AWS::SQS::Queue", json!({})),
        ("AWS::SQS::QueuePolicy", queue(service())),
        (
            "AWS::SQS::QueuePolicy",
            queue(policy(json!({ "AWS": "*" }))),
        ),
        (
            "AWS::Events::Rule",
            json!({ "EventPattern": { "source": ["aws.health"] }, "Targets": [{ "Id": "x", "Arn": "arn:aws:events:us-east-1:444455556666:event-bus/evil", "RoleArn": FOREIGN_ROLE }] }),
        ),
        (
            "AWS::Events::EventBusPolicy",
            json!({ "StatementId": "x", "Statement": open_statement("events:PutEvents") }),
        ),
        (
            "AWS::Scheduler::Schedule",
            json!({ "Target": { "Arn": "x", "RoleArn": FOREIGN_ROLE } }),
        ),
        (
            "AWS::Pipes::Pipe",
            json!({ "RoleArn": FOREIGN_ROLE, "Source": "x", "Target": "y" }),
        ),
        ("AWS::Kinesis::Stream", json!({ "ShardCount": 1 })),
        (
            "AWS::KinesisFirehose::DeliveryStream",
            json!({ "DeliveryStreamType": "DirectPut" }),
        ),
        ("AWS::Logs::LogGroup", json!({ "RetentionInDays": 30 })),
        (
            "AWS::Logs::LogGroup",
            json!({ "ResourcePolicyDocument": policy(json!("*")) }),
        ),
        (
            "AWS::Logs::ResourcePolicy",
            json!({ "PolicyName": "x", "PolicyDocument": "{}" }),
        ),
        (
            "AWS::Logs::AccountPolicy",
            json!({ "PolicyName": "x", "PolicyType": "SUBSCRIPTION_FILTER_POLICY", "PolicyDocument": "{}" }),
        ),
        (
            "AWS::Logs::Destination",
            json!({ "DestinationName": "x", "DestinationPolicy": "{}" }),
        ),
        (
            "AWS::Logs::QueryDefinition",
            json!({ "Name": "x", "QueryString": "fields @message" }),
        ),
        (
            "AWS::SES::ReceiptRule",
            json!({ "RuleSetName": "x", "Rule": {} }),
        ),
    ]
}

fn compute() -> Vec<Entry> {
    vec![
        (
            "AWS::EC2::Instance",
            json!({ "ImageId": "ami-1", "IamInstanceProfile": "x" }),
        ),
        (
            "AWS::ECS::TaskDefinition",
            json!({ "TaskRoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::CodeBuild::Project",
            json!({ "ServiceRole": FOREIGN_ROLE }),
        ),
        (
            "AWS::CodePipeline::Pipeline",
            json!({ "RoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::StepFunctions::StateMachine",
            json!({ "RoleArn": FOREIGN_ROLE }),
        ),
        (
            "AWS::AppRunner::Service",
            json!({ "SourceConfiguration": {} }),
        ),
        (
            "AWS::Lambda::Function",
            json!({ "Role": FOREIGN_ROLE, "Code": { "ZipFile": "x" } }),
        ),
        (
            "AWS::Lambda::LayerVersion",
            json!({ "Content": { "S3Bucket": "evil", "S3Key": "x" } }),
        ),
        (
            "AWS::Lambda::LayerVersionPermission",
            json!({ "Action": "lambda:GetLayerVersion", "Principal": "*", "LayerVersionArn": "x" }),
        ),
        (
            "AWS::Lambda::CodeSigningConfig",
            json!({ "AllowedPublishers": {} }),
        ),
        ("AWS::Serverless::Function", json!({ "InlineCode": "x" })),
        ("AWS::SSMIncidents::ResponsePlan", json!({ "Name": "x" })),
    ]
}

fn elsewhere() -> Vec<Entry> {
    vec![
        (
            "AWS::IAM::Role",
            json!({ "AssumeRolePolicyDocument": { "Statement": [] } }),
        ),
        ("AWS::IAM::User", json!({})),
        ("AWS::IAM::AccessKey", json!({ "UserName": "x" })),
        ("AWS::IAM::Group", json!({})),
        (
            "AWS::IAM::Policy",
            json!({ "PolicyName": "x", "Roles": ["x"], "PolicyDocument": { "Statement": [] } }),
        ),
        (
            "AWS::IAM::ManagedPolicy",
            json!({ "PolicyDocument": { "Statement": [] } }),
        ),
        ("AWS::IAM::InstanceProfile", json!({ "Roles": ["x"] })),
        (
            "AWS::IAM::OIDCProvider",
            json!({ "Url": "https://evil.net" }),
        ),
        (
            "AWS::IAM::SAMLProvider",
            json!({ "SamlMetadataDocument": "x" }),
        ),
        (
            "AWS::RolesAnywhere::Profile",
            json!({ "RoleArns": [FOREIGN_ROLE] }),
        ),
        ("AWS::SSO::PermissionSet", json!({ "InstanceArn": "x" })),
        (
            "AWS::Cognito::UserPoolClient",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }),
        ),
        (
            "AWS::Cognito::UserPoolUser",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "Username": "evil" }),
        ),
        (
            "AWS::Cognito::UserPoolUserToGroupAttachment",
            json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "Username": "evil", "GroupName": "radiology" }),
        ),
        (
            "AWS::Cognito::IdentityPool",
            json!({ "AllowUnauthenticatedIdentities": true }),
        ),
        (
            "AWS::RAM::ResourceShare",
            json!({ "Name": "x", "Principals": ["444455556666"] }),
        ),
        (
            "AWS::Organizations::Policy",
            json!({ "Name": "x", "Type": "SERVICE_CONTROL_POLICY" }),
        ),
        (
            "AWS::LakeFormation::PrincipalPermissions",
            json!({ "Principal": {} }),
        ),
        (
            "AWS::DLM::LifecyclePolicy",
            json!({ "ExecutionRoleArn": FOREIGN_ROLE }),
        ),
    ]
}

fn foreign() -> Vec<Entry> {
    vec![
        (
            "AWS::CloudFormation::Stack",
            json!({ "TemplateURL": "https://evil.s3.amazonaws.com/x" }),
        ),
        (
            "AWS::CloudFormation::StackSet",
            json!({ "StackSetName": "x", "PermissionModel": "SELF_MANAGED" }),
        ),
        (
            "AWS::CloudFormation::Macro",
            json!({ "Name": "x", "FunctionName": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::CustomResource",
            json!({ "ServiceToken": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::HookVersion",
            json!({ "TypeName": "Evil::Evil::Hook" }),
        ),
        (
            "AWS::CloudFormation::LambdaHook",
            json!({ "LambdaFunction": FOREIGN_VERSION }),
        ),
        (
            "AWS::CloudFormation::ModuleVersion",
            json!({ "ModuleName": "Evil::Evil::Evil::MODULE" }),
        ),
        (
            "AWS::CloudFormation::TypeActivation",
            json!({ "PublicTypeArn": "x" }),
        ),
        ("AWS::CloudFormation::WaitConditionHandle", json!({})),
        ("Custom::Evil", json!({ "ServiceToken": FOREIGN_VERSION })),
        (
            "Custom::S3AutoDeleteObjects",
            json!({ "ServiceToken": "x" }),
        ),
        ("My::Mod::Is::MODULE", json!({})),
        ("Evil::Corp::Thing", json!({})),
        ("aws::iam::role", json!({})),
        ("AWS::Unknown::Thing", json!({})),
        (
            "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
            json!({ "ProductId": "x" }),
        ),
        (
            "AWS::ServiceCatalog::CloudFormationProduct",
            json!({ "Name": "x" }),
        ),
        ("AWS::Proton::EnvironmentTemplate", json!({})),
        ("Alexa::ASK::Skill", json!({})),
    ]
}
