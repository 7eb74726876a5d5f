//! The shapes of `compiler/core/templates/`, by logical id: whatever a manifest says, frames
//! compiles nothing else. Properties that an overlay may set to anything (`rows::TUNABLE`) are left
//! out.

use crate::names;
use frames_edge::cors::{ALLOWED_HEADERS, EXPOSED_HEADERS, PREFLIGHT_SECONDS};
use serde_json::{Value, json};

/// Whose template it is.
pub(super) struct Ours<'a> {
    pub service: &'a str,
    pub env: &'a str,
    /// The names of the distribution.
    pub aliases: &'a [Value],
    /// The stack's key encrypts the bucket of access logs, which stays.
    pub is_key_kept: bool,
}

const EDGE: [&str; 2] = [names::AUTHORIZER, names::SIGNER];

const NATIVE: &[&str] = &[
    "medical-imaging:GetImageFrame",
    "medical-imaging:GetImageSetMetadata",
];
const DICOMWEB: &[&str] = &[
    "medical-imaging:GetDICOMBulkdata",
    "medical-imaging:GetDICOMInstance",
    "medical-imaging:GetDICOMInstanceFrames",
    "medical-imaging:GetDICOMInstanceMetadata",
    "medical-imaging:GetDICOMSeriesMetadata",
    "medical-imaging:SearchDICOMInstances",
    "medical-imaging:SearchDICOMSeries",
    "medical-imaging:SearchDICOMStudies",
];
const USE_KEY: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
];
const RECORD_FIELDS: &[&str] = &[
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
];
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const KEY_ARN: &str = "arn:aws:kms:<word>:<word>:key/<word>";

fn any_of(texts: &[&str]) -> Value {
    json!([&["<each>"], texts].concat())
}

fn reference(id: &str) -> Value {
    json!({"Ref": id})
}

fn attribute(id: &str, name: &str) -> Value {
    json!({"Fn::GetAtt": [id, name]})
}

fn sub(text: &str) -> Value {
    json!({"Fn::Sub": text})
}

fn resource(kind: &str, properties: Value) -> Value {
    json!({"Type": kind, "Properties": properties})
}

/// It stays, or goes, with its stack.
fn lasting(deletion: &str, replaced: &str, resource: Value) -> Value {
    let mut resource = resource;
    resource["DeletionPolicy"] = deletion.into();
    resource["UpdateReplacePolicy"] = replaced.into();
    resource
}

/// Whether an id is `start`, with a hash behind it perhaps.
fn hashed(id: &str, start: &str) -> bool {
    let hash = id.strip_prefix(start);
    hash.is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

pub(super) fn parameter(id: &str) -> Option<Value> {
    let known = [
        names::ARTIFACT_BUCKET,
        names::CERTIFICATE_ARN,
        names::DISTRIBUTION_ID,
        names::LOGS_KEY_ARN,
        names::READER_HOST,
        names::SIGNER_ROLE_ARN,
        names::WEB_ACL_ARN,
    ];
    let is_version = EDGE.iter().any(|name| names::version_arn(name) == id);
    (is_version || known.contains(&id)).then(|| json!({"Type": "String"}))
}

pub(super) fn output(id: &str, aliases: &[Value]) -> Option<Value> {
    for name in names::FUNCTIONS {
        if names::version_arn(name) == id {
            let version = names::version_id(name, "", "");
            let value = reference(&format!("<id:{version}>"));
            return Some(json!({"Value": value, "Description?": "<any>"}));
        }
    }
    let value = match id {
        "AccessLogsBucket" => json!({"<or>": [reference(names::ACCESS_LOGS), "<host>"]}),
        "DistributionDomainName" => attribute(names::DISTRIBUTION, "DomainName"),
        "Url" => {
            let own = aliases.iter().filter_map(Value::as_str);
            let mut urls: Vec<Value> = own.map(|own| json!(format!("https://{own}"))).collect();
            urls.push(sub("https://${Distribution.DomainName}"));
            json!({ "<or>": urls })
        }
        names::CERTIFICATE_ARN => reference("<id:Certificate>"),
        names::DELIVERS | names::DEPLOY_REGION | names::KEYS_FROM => json!("<word>"),
        names::DISTRIBUTION_ID => reference(names::DISTRIBUTION),
        names::LOGS_KEY_ARN => attribute(names::LOGS_KEY, "Arn"),
        names::READER_HOST => {
            let url = attribute("ReaderUrl", "FunctionUrl");
            json!({"Fn::Select": [2, {"Fn::Split": ["/", url]}]})
        }
        names::SIGNER_ROLE_ARN => attribute("<id:SignerRole>", "Arn"),
        names::WEB_ACL_ARN => attribute(names::WEB_ACL, "Arn"),
        _ if id.starts_with("StageIn") => json!("<word> <word>"),
        _ => return None,
    };
    Some(json!({"Value": value}))
}

impl Ours<'_> {
    pub(super) fn resource(&self, id: &str) -> Option<Value> {
        let function = names::FUNCTIONS.iter().find(|name| {
            let start = names::function_id(name);
            let start = start.trim_end_matches("Function");
            id.starts_with(start) && !id.starts_with("ReaderUrl")
        });
        let of_function = function.and_then(|name| self.of_function(name, id));
        of_function
            .or_else(|| self.of_reader(id))
            .or_else(|| self.of_logs(id))
            .or_else(|| self.of_distribution(id))
    }

    /// `image-frames-dev`
    fn delivery(&self) -> String {
        format!("{}-{}", self.service, self.env)
    }

    fn of_function(&self, name: &str, id: &str) -> Option<Value> {
        let (service, env, delivery) = (self.service, self.env, self.delivery());
        let function_id = names::function_id(name);
        let own = function_id.trim_end_matches("Function");
        let at_edge = EDGE.contains(&name);
        if id == function_id {
            let (runtime, handler, memory, timeout) = match at_edge {
                true => ("python3.<word>", "index.handler", 128, 5),
                false => ("provided.<word>", "bootstrap", 512, 150),
            };
            return Some(resource(
                "AWS::Lambda::Function",
                json!({
                    "FunctionName": format!("{delivery}-{name}"),
                    "Runtime": runtime,
                    "Handler": handler,
                    "Architectures": ["x86_64"],
                    "MemorySize": memory,
                    "Timeout": timeout,
                    "LoggingConfig": {"LogFormat": "Text", "LogGroup": reference(&names::log_group_id(name))},
                    "Role": attribute(&format!("<id:{own}Role>"), "Arn"),
                    "Code": {
                        "S3Bucket": reference(names::ARTIFACT_BUCKET),
                        "S3Key": format!("{service}/{env}/{name}-<word>.zip"),
                    },
                }),
            ));
        }
        if id == names::log_group_id(name) {
            return Some(log_group(&names::log_group(&format!("{delivery}-{name}"))));
        }
        if hashed(id, &format!("{own}Version")) {
            let version = resource(
                "AWS::Lambda::Version",
                json!({
                    "FunctionName": reference(&function_id),
                    "Description": format!("{name} of {service} ({env})"),
                    "CodeSha256": "<base64>",
                }),
            );
            return Some(lasting("RetainExceptOnCreate", "Retain", version));
        }
        if hashed(id, &format!("{own}Role")) {
            return Some(role(own, at_edge));
        }
        let policy = |what| hashed(id, &format!("{own}{what}Policy"));
        let statements = match name {
            _ if policy("Logs") => vec![self.writes_logs(name, at_edge)],
            names::SIGNER if policy("Read") => vec![reads(&[NATIVE, DICOMWEB].concat())],
            names::READER if policy("Read") => vec![reads(NATIVE)],
            names::SIGNER if policy("Invoke") => self.calls_reader().to_vec(),
            _ => return None,
        };
        let mut all = vec![json!("<each>")];
        all.extend(statements);
        Some(resource(
            "AWS::IAM::ManagedPolicy",
            json!({
                "Path??": "/<path>",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": all},
            }),
        ))
    }

    fn writes_logs(&self, function: &str, at_edge: bool) -> Value {
        let group = names::log_group(&format!("{}-{function}", self.delivery()));
        let region = if at_edge { "*" } else { "${AWS::Region}" };
        let arn =
            format!("arn:${{AWS::Partition}}:logs:{region}:${{AWS::AccountId}}:log-group:{group}");
        let mut actions = vec!["logs:CreateLogStream", "logs:PutLogEvents"];
        if at_edge {
            actions.push("logs:CreateLogGroup");
        }
        json!({
            "Sid": "WriteOwnLogs",
            "Effect": "Allow",
            "Action": any_of(&actions),
            "Resource": ["<each>", sub(&arn), sub(&format!("{arn}:*"))],
        })
    }

    fn calls_reader(&self) -> [Value; 2] {
        let arn = format!(
            "arn:${{AWS::Partition}}:lambda:<word>:${{AWS::AccountId}}:function:{}-{}:{}",
            self.delivery(),
            names::READER,
            names::READER_ALIAS
        );
        let statement = |sid: &str, action: &str, condition: Value| {
            json!({
                "Sid": sid,
                "Effect": "Allow",
                "Action": [action],
                "Resource": [sub(&arn)],
                "Condition": condition,
            })
        };
        let by_url = json!({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}});
        let via_url = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
        [
            statement("CallReader", "lambda:InvokeFunctionUrl", by_url),
            statement("RunReader", "lambda:InvokeFunction", via_url),
        ]
    }

    fn of_reader(&self, id: &str) -> Option<Value> {
        let function = reference(&names::function_id(names::READER));
        let permission = |properties: Value| {
            let mut all = json!({
                "FunctionName": reference(names::READER_ALIAS_ID),
                "Principal": reference(names::SIGNER_ROLE_ARN),
            });
            if let (Some(all), Value::Object(own)) = (all.as_object_mut(), properties) {
                all.extend(own);
            }
            resource("AWS::Lambda::Permission", all)
        };
        Some(match id {
            names::READER_ALIAS_ID => resource(
                "AWS::Lambda::Alias",
                json!({
                    "FunctionName": function,
                    "FunctionVersion": attribute("<id:ReaderVersion>", "Version"),
                    "Name": names::READER_ALIAS,
                }),
            ),
            "ReaderUrl" => resource(
                "AWS::Lambda::Url",
                json!({
                    "TargetFunctionArn": function,
                    "Qualifier": names::READER_ALIAS,
                    "AuthType": "AWS_IAM",
                    "InvokeMode": "RESPONSE_STREAM",
                }),
            ),
            "ReaderUrlPermission" => permission(
                json!({"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"}),
            ),
            "ReaderRunPermission" => permission(
                json!({"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true}),
            ),
            _ => return None,
        })
    }

    fn of_logs(&self, id: &str) -> Option<Value> {
        let (service, env, delivery) = (self.service, self.env, self.delivery());
        let source = names::log_delivery(service, env);
        Some(match id {
            names::LOGS_KEY => {
                let deletion = match self.is_key_kept {
                    true => "RetainExceptOnCreate",
                    false => "Delete",
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
                    "OutputFormat": {"<or>": ["json", "parquet", "plain", "w3c"]},
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

    fn of_distribution(&self, id: &str) -> Option<Value> {
        let name = |what: &str| {
            let stack = names::stack(self.service, self.env, names::CDN);
            names::policy(&stack, what)
        };
        Some(match id {
            names::DISTRIBUTION => distribution(),
            names::DICOMWEB_CACHE_POLICY => {
                let headers = json!({"HeaderBehavior": "whitelist", "Headers": ["Accept"]});
                cache_policy(&name("dicomweb"), headers, json!(["imageSetId"]))
            }
            names::READS_CACHE_POLICY => {
                let queries = json!({"<or>": [["imageFrameId"], ["imageFrameId", "version"]]});
                cache_policy(&name("reads"), json!({"HeaderBehavior": "none"}), queries)
            }
            names::NATIVE_REQUEST_POLICY => {
                let queries = json!({"<or>": [
                    {"QueryStringBehavior": "none"},
                    {"QueryStringBehavior": "whitelist", "QueryStrings": any_of(&["imageFrameId", "version"])},
                ]});
                request_policy(&name("native"), json!(["Accept", "Content-Type"]), queries)
            }
            names::DICOMWEB_REQUEST_POLICY => {
                let queries = json!({"<or>": [
                    {"QueryStringBehavior": "none"},
                    {"QueryStringBehavior": "whitelist", "QueryStrings": ["imageSetId"]},
                ]});
                request_policy(&name("dicomweb"), json!(["Accept"]), queries)
            }
            names::SEARCH_REQUEST_POLICY => {
                let queries = json!({"QueryStringBehavior": "all"});
                request_policy(&name("search"), json!(["Accept"]), queries)
            }
            names::RESPONSE_HEADERS_POLICY => headers_policy(&name("headers")),
            names::SEARCH_HEADERS_POLICY => headers_policy(&name("search-headers")),
            _ if hashed(id, "Certificate") => certificate(),
            _ if id.starts_with("Alias") => resource(
                "AWS::Route53::RecordSet",
                json!({
                    "HostedZoneId": "<path>",
                    "Name": {"<or>": self.aliases},
                    "Type": {"<or>": ["A", "AAAA", "HTTPS"]},
                    "AliasTarget": {
                        "DNSName": attribute(names::DISTRIBUTION, "DomainName"),
                        "HostedZoneId": "Z2FDTNDATAQYW2",
                    },
                }),
            ),
            _ => return None,
        })
    }
}

fn log_group(name: &str) -> Value {
    let group = resource(
        "AWS::Logs::LogGroup",
        json!({
            "LogGroupName": name,
            "RetentionInDays": "<number>",
            "KmsKeyId": {"<or>": [attribute(names::LOGS_KEY, "Arn"), KEY_ARN]},
        }),
    );
    lasting("Delete", "Delete", group)
}

fn role(function: &str, at_edge: bool) -> Value {
    let services = match at_edge {
        true => json!(["lambda.amazonaws.com", "edgelambda.amazonaws.com"]),
        false => json!("lambda.amazonaws.com"),
    };
    let policy = |what: &str| reference(&format!("<id:{function}{what}Policy>"));
    resource(
        "AWS::IAM::Role",
        json!({
            "Path??": "/<path>",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"Service": services},
                    "Action": "sts:AssumeRole",
                }],
            },
            "PermissionsBoundary??": "arn:aws:iam::<word>:policy/<path>",
            "ManagedPolicyArns": ["<each>", policy("Logs"), policy("Read"), policy("Invoke")],
        }),
    )
}

/// Reads of data stores of this account, of some of their studies perhaps.
fn reads(actions: &[&str]) -> Value {
    let arn = "arn:${AWS::Partition}:medical-imaging:<word>:${AWS::AccountId}:datastore/<store>";
    json!({
        "Sid": "<word>",
        "Effect": "Allow",
        "Action": any_of(actions),
        "Resource": ["<each>", sub(arn)],
        "Condition?": {"StringEquals": {
            "medical-imaging:StudyInstanceUID?": ["<each>", "<host>"],
            "medical-imaging:SeriesInstanceUID?": ["<each>", "<host>"],
        }},
    })
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

fn certificate() -> Value {
    resource(
        "AWS::CertificateManager::Certificate",
        json!({
            "DomainName": "<host>",
            "SubjectAlternativeNames?": ["<each>", "<host>"],
            "ValidationMethod": "DNS",
            "DomainValidationOptions": ["<each>", {"DomainName": "<host>", "HostedZoneId": "<path>"}],
        }),
    )
}

fn distribution() -> Value {
    const ERRORS: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
    let errors = ERRORS.map(|code| json!({"ErrorCode": code, "ErrorCachingMinTTL": 0}));
    let dicomweb = |path: &str, cache: Value, request: &str, headers: Value| {
        behavior(
            names::DICOMWEB_ORIGIN,
            (cache, request, headers),
            Some(path),
        )
    };
    let kept = |policy: &str| json!({"<or>": [CACHING_DISABLED, reference(policy)]});
    let retrieval = |path: &str| {
        let cache = kept(names::DICOMWEB_CACHE_POLICY);
        let headers = reference(names::RESPONSE_HEADERS_POLICY);
        dicomweb(path, cache, names::DICOMWEB_REQUEST_POLICY, headers)
    };
    let search = |path: &str| {
        let headers = json!({"<or>": [
            reference(names::RESPONSE_HEADERS_POLICY),
            reference(names::SEARCH_HEADERS_POLICY),
        ]});
        let disabled = json!(CACHING_DISABLED);
        dicomweb(path, disabled, names::SEARCH_REQUEST_POLICY, headers)
    };
    let native = |cache: Value, origin: &str, path: Option<&str>| {
        let headers = reference(names::RESPONSE_HEADERS_POLICY);
        let policies = (cache, names::NATIVE_REQUEST_POLICY, headers);
        behavior(origin, policies, path)
    };
    let read = |path| {
        native(
            kept(names::READS_CACHE_POLICY),
            names::READS_ORIGIN,
            Some(path),
        )
    };
    let certificate = json!({"<or>": [
        reference(names::CERTIFICATE_ARN),
        "arn:aws:acm:us-east-1:<word>:certificate/<word>",
    ]});
    let web_acl = json!({"<or>": [
        reference(names::WEB_ACL_ARN),
        "arn:aws:wafv2:us-east-1:<word>:global/webacl/<path>",
    ]});
    let config = json!({
        "Aliases?": ["<each>", "<host>"],
        "CacheBehaviors?": ["<keyed:PathPattern>",
            read("/datastore/*/image?et/*/getImageFrame"),
            read("/datastore/*/image?et/*/getImageSetMetadata"),
            retrieval("/datastore/*/studies/*/series/*/instances/*"),
            retrieval("/datastore/*/studies/*/series/*/metadata"),
            search("/datastore/*/studies"),
            search("/datastore/*/series"),
            search("/datastore/*/instances"),
        ],
        "CustomErrorResponses": errors,
        "DefaultCacheBehavior": native(json!(CACHING_DISABLED), names::NATIVE_ORIGIN, None),
        "Origins": ["<keyed:Id>",
            origin(names::NATIVE_ORIGIN, "runtime", false),
            origin(names::READS_ORIGIN, "runtime", true),
            origin(names::DICOMWEB_ORIGIN, "dicom", false),
        ],
        "Restrictions??": {"GeoRestriction": {
            "RestrictionType": {"<or>": ["whitelist", "blacklist"]},
            "Locations": ["<each>", "<word>"],
        }},
        "ViewerCertificate": {"<or>": [
            {"CloudFrontDefaultCertificate": true},
            {
                "AcmCertificateArn": certificate,
                "SslSupportMethod": "sni-only",
                "MinimumProtocolVersion": {"<or>": ["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"]},
            },
        ]},
        "WebACLId??": web_acl,
    });
    let properties = json!({"DistributionConfig": config});
    resource("AWS::CloudFront::Distribution", properties)
}

fn origin(id: &str, service: &str, names_reader: bool) -> Value {
    let mut origin = json!({
        "Id": id,
        "DomainName": format!("{service}-medical-imaging.<word>.amazonaws.com"),
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSSLProtocols": ["TLSv1.2"],
        },
    });
    if names_reader {
        origin["OriginCustomHeaders"] = json!([{
            "HeaderName": frames_edge::READER_HEADER,
            "HeaderValue": reference(names::READER_HOST),
        }]);
    }
    origin
}

/// `policies`: of the cache, of requests and of answers.
fn behavior(origin: &str, policies: (Value, &str, Value), path: Option<&str>) -> Value {
    let (cache, request, headers) = policies;
    let version = |name| reference(&names::version_arn(name));
    let authorizer = json!({
        "EventType": "viewer-request",
        "IncludeBody": false,
        "LambdaFunctionARN": version(names::AUTHORIZER),
    });
    let signer = json!({
        "EventType": "origin-request",
        "IncludeBody": true,
        "LambdaFunctionARN": version(names::SIGNER),
    });
    let marks = json!({
        "EventType": "origin-response",
        "LambdaFunctionARN": version(names::SIGNER),
    });
    let associations = match path {
        Some(_) => json!({"<or>": [[authorizer, signer], [authorizer, signer, marks]]}),
        None => json!([authorizer, signer]),
    };
    let mut behavior = json!({
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "https-only",
        "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
        "CachedMethods": ["GET", "HEAD"],
        "Compress": false,
        "CachePolicyId": cache,
        "OriginRequestPolicyId": reference(request),
        "ResponseHeadersPolicyId": headers,
        "LambdaFunctionAssociations": associations,
    });
    if let Some(path) = path {
        behavior["PathPattern"] = path.into();
    }
    behavior
}

fn cache_policy(name: &str, headers: Value, queries: Value) -> Value {
    let key = json!({
        "EnableAcceptEncodingBrotli": false,
        "EnableAcceptEncodingGzip": false,
        "CookiesConfig": {"CookieBehavior": "none"},
        "HeadersConfig": headers,
        "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": queries},
    });
    resource(
        "AWS::CloudFront::CachePolicy",
        json!({"CachePolicyConfig": {
            "Name": name,
            "MinTTL": 0,
            "DefaultTTL": "<number>",
            "MaxTTL": "<number>",
            "ParametersInCacheKeyAndForwardedToOrigin": key,
        }}),
    )
}

fn request_policy(name: &str, headers: Value, queries: Value) -> Value {
    resource(
        "AWS::CloudFront::OriginRequestPolicy",
        json!({"OriginRequestPolicyConfig": {
            "Name": name,
            "CookiesConfig": {"CookieBehavior": "none"},
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": headers},
            "QueryStringsConfig": queries,
        }}),
    )
}

fn headers_policy(name: &str) -> Value {
    let header = |name: &str, value: &str, overrides: bool| json!({"Header": name, "Value": value, "Override": overrides});
    let not_kept = header("Cache-Control", "private, no-store", true);
    let kept = header("Cache-Control", "private, max-age=<word>", false);
    let by = header("Vary", "Accept, Authorization, Origin, Token", true);
    let overriding = |mut value: Value| {
        value["Override"] = true.into();
        value
    };
    resource(
        "AWS::CloudFront::ResponseHeadersPolicy",
        json!({"ResponseHeadersPolicyConfig": {
            "Name": name,
            "CorsConfig?": {"<or>": [
                cors(false, json!("<path>")),
                // No manifest lets every page send credentials.
                cors(true, json!({"<or>": ["https://<path>", "http://<path>"]})),
            ]},
            "CustomHeadersConfig": {"Items": {"<or>": [[not_kept], [kept, by]]}},
            "SecurityHeadersConfig": {
                "StrictTransportSecurity": overriding(json!({"AccessControlMaxAgeSec": 31_536_000, "IncludeSubdomains": false})),
                "ContentTypeOptions": overriding(json!({})),
                "FrameOptions": overriding(json!({"FrameOption": "DENY"})),
                "ReferrerPolicy": overriding(json!({"ReferrerPolicy": "no-referrer"})),
                "ContentSecurityPolicy": overriding(json!({
                    "ContentSecurityPolicy": "default-src 'none'; frame-ancestors 'none'",
                })),
            },
        }}),
    )
}

fn cors(credentials: bool, origin: Value) -> Value {
    json!({
        "OriginOverride": true,
        "AccessControlAllowCredentials": credentials,
        "AccessControlAllowOrigins": {"Items": ["<each>", origin]},
        "AccessControlAllowMethods": {"Items": any_of(&["GET", "HEAD", "POST", "OPTIONS"])},
        "AccessControlAllowHeaders": {"Items": any_of(&ALLOWED_HEADERS)},
        "AccessControlExposeHeaders": {"Items": any_of(&EXPOSED_HEADERS)},
        "AccessControlMaxAgeSec": PREFLIGHT_SECONDS,
    })
}
