//! What holds data and keys, and what passes messages on.

use super::Entry;
use crate::generate::hostile::*;
use serde_json::{Value, json};

pub(super) fn storage() -> Vec<Entry> {
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

pub(super) fn messaging() -> Vec<Entry> {
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
