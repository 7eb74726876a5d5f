//! The logs: their key, their bucket, where they go, and the web ACL with its own.

use super::{KEY_ARN, Ours, any_of, attribute, lasting, log_group, reference, resource, sub};
use crate::names;
use crate::plan::iam::USE_KEY;
use crate::plan::logs::RECORD_FIELDS;
use serde_json::{Value, json};

impl Ours<'_> {
    pub(super) fn of_logs(&self, id: &str) -> Option<Value> {
        let (service, env, delivery) = (self.service, self.env, self.delivery());
        let source = names::log_delivery(service, env);
        Some(match id {
            names::LOGS_KEY => {
                let deletion = if self.is_key_kept {
                    "RetainExceptOnCreate"
                } else {
                    "Delete"
                };
                let policy = json!({"Version": "2012-10-17", "Statement": self.key_policy()});
                let key = json!({"EnableKeyRotation": true, "KeyPolicy": policy});
                lasting(deletion, "Retain", resource("AWS::KMS::Key", key))
            }
            names::WEB_ACL => self.web_acl(),
            "WebAclLogGroup" => log_group(&names::web_acl_log_group(service, env)),
            "WebAclLogging" => web_acl_logging(),
            names::ACCESS_LOGS => lasting("RetainExceptOnCreate", "Retain", bucket()),
            "AccessLogsPolicy" => lasting("RetainExceptOnCreate", "Retain", bucket_policy(&source)),
            "AccessLogsSource" => resource(
                "AWS::Logs::DeliverySource",
                json!({
                    "Name": source,
                    "LogType": "ACCESS_LOGS",
                    "ResourceArn": {"<or>": [
                        sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"),
                        sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${DistributionId}"),
                    ]},
                }),
            ),
            "AccessLogsDestination" => resource(
                "AWS::Logs::DeliveryDestination",
                json!({
                    "Name": format!("{delivery}-<word>"),
                    "OutputFormat": {"<or>": ["json", "parquet"]},
                    "DestinationResourceArn": {"<or>": [
                        sub("${AccessLogs.Arn}/<path>"),
                        sub("arn:${AWS::Partition}:s3:::<host>/<path>"),
                    ]},
                }),
            ),
            "AccessLogsDelivery" => resource(
                "AWS::Logs::Delivery",
                json!({
                    "DeliverySourceName": source,
                    "DeliveryDestinationArn": attribute("AccessLogsDestination", "Arn"),
                    "S3SuffixPath": "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
                    "RecordFields": any_of(RECORD_FIELDS),
                }),
            ),
            "ServerErrorsAlarm"
            | "FunctionErrorsAlarm"
            | "FunctionAnswersAlarm"
            | "FunctionThrottlesAlarm"
            | "ReaderErrorsAlarm"
            | "ReaderThrottlesAlarm" => resource("AWS::CloudWatch::Alarm", json!("<any>")),
            _ => return None,
        })
    }

    fn key_policy(&self) -> Value {
        let arn = |group: &str| {
            sub(&format!(
                "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{group}"
            ))
        };
        let mut groups = vec![json!("<each>")];
        groups.extend(names::FUNCTIONS.iter().map(|name| {
            let function = names::function(self.service, self.env, name);
            arn(&names::log_group(&function))
        }));
        groups.push(arn(&names::web_acl_log_group(self.service, self.env)));
        json!(["<each>",
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
                "Action": ["kms:*"],
                "Resource": ["*"],
            },
            {
                "Sid": "LogGroups",
                "Effect": "Allow",
                "Principal": {"Service": sub("logs.${AWS::Region}.amazonaws.com")},
                "Action": any_of(USE_KEY),
                "Resource": ["*"],
                "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
            },
            {
                "Sid": "AccessLogs",
                "Effect": "Allow",
                "Principal": {"Service": "delivery.logs.amazonaws.com"},
                "Action": any_of(USE_KEY),
                "Resource": ["*"],
                "Condition": from_delivery(&names::log_delivery(self.service, self.env)),
            },
        ])
    }

    fn web_acl(&self) -> Value {
        let visibility = |name: &str| json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": name});
        let group = |name: &str, priority: u32, counted: bool| {
            let mut statement = json!({"VendorName": "AWS", "Name": name});
            if counted {
                statement["RuleActionOverrides?"] = json!([
                    {"Name": "SizeRestrictions_QUERYSTRING", "ActionToUse": {"Count": {}}},
                ]);
            }
            json!({
                "Name": name,
                "Priority": priority,
                "OverrideAction": {"None": {}},
                "Statement": {"ManagedRuleGroupStatement": statement},
                "VisibilityConfig": visibility(name),
            })
        };
        let name = names::web_acl(self.service, self.env);
        resource(
            "AWS::WAFv2::WebACL",
            json!({
                "Name": name,
                "Scope": "CLOUDFRONT",
                "DefaultAction": {"Allow": {}},
                "VisibilityConfig": visibility(&name),
                "Rules": [
                    {
                        "Name": "rate-limit",
                        "Priority": 0,
                        "Action": {"Block": {}},
                        "Statement": {"RateBasedStatement": {
                            "AggregateKeyType": "IP",
                            "EvaluationWindowSec": 300,
                            "Limit": "<number>",
                        }},
                        "VisibilityConfig": visibility("rate-limit"),
                    },
                    group("AWSManagedRulesAmazonIpReputationList", 1, false),
                    group("AWSManagedRulesCommonRuleSet", 2, true),
                    group("AWSManagedRulesKnownBadInputsRuleSet", 3, false),
                ],
            }),
        )
    }
}

/// This account's delivery and no other's.
fn from_delivery(source: &str) -> Value {
    json!({
        "StringEquals": {"aws:SourceAccount": reference("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": sub(&format!(
            "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:delivery-source:{source}"
        ))},
    })
}

fn bucket() -> Value {
    resource(
        "AWS::S3::Bucket",
        json!({
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
                "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": {"<or>": [reference(names::LOGS_KEY_ARN), KEY_ARN]},
                },
                "BucketKeyEnabled": true,
            }]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "ObjectLockEnabled??": true,
            "ObjectLockConfiguration??": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {
                    "Mode": {"<or>": ["COMPLIANCE", "GOVERNANCE"]},
                    "Days": "<number>",
                }},
            },
            "LifecycleConfiguration": {"Rules": [{
                "Id": "retention",
                "Status": "Enabled",
                "ExpirationInDays": "<number>",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            }]},
        }),
    )
}

fn bucket_policy(source: &str) -> Value {
    let objects = sub("${AccessLogs.Arn}/*");
    let mut written = from_delivery(source);
    written["StringEquals"]["s3:x-amz-acl"] = "bucket-owner-full-control".into();
    resource(
        "AWS::S3::BucketPolicy",
        json!({
            "Bucket": reference(names::ACCESS_LOGS),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["s3:*"],
                    "Resource": [attribute(names::ACCESS_LOGS, "Arn"), objects],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
                {
                    "Sid": "WriteAccessLogs",
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": ["s3:PutObject"],
                    "Resource": [objects],
                    "Condition": written,
                },
            ]},
        }),
    )
}

fn web_acl_logging() -> Value {
    let group =
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${WebAclLogGroup}";
    let header = |name: &str| json!({"SingleHeader": {"Name": name}});
    let action = |name: &str| json!({"ActionCondition": {"Action": name}});
    resource(
        "AWS::WAFv2::LoggingConfiguration",
        json!({
            "ResourceArn": attribute(names::WEB_ACL, "Arn"),
            "LogDestinationConfigs": [sub(group)],
            "RedactedFields": [
                header("authorization"),
                header("token"),
                header("cookie"),
                header("referer"),
                {"QueryString": {}},
            ],
            "LoggingFilter": {
                "DefaultBehavior": "DROP",
                "Filters": [{
                    "Behavior": "KEEP",
                    "Requirement": "MEETS_ANY",
                    "Conditions": [action("BLOCK"), action("COUNT")],
                }],
            },
        }),
    )
}
