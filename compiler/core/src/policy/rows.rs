//! What CloudFormation's resource handlers do on the deployer's behalf: one row per
//! resource type. The actions are those of `handlers` in AWS's resource provider
//! schemas, as far as the properties beside them call for them; a test holds the
//! rows against the schemas, and says of each action left out why it is.

/// A resource type.
#[derive(Debug)]
pub struct Handler {
    pub kind: &'static str,
    pub name: Name,
    /// What the grants are enough for.
    pub properties: &'static [&'static str],
    pub grants: &'static [Grant],
}

/// Where a resource has its name from.
#[derive(Debug, Clone, Copy)]
pub enum Name {
    /// This property, or CloudFormation.
    Property(&'static str),
    /// The same; CloudFormation makes a bucket's up in lower case.
    OfBucket(&'static str),
    MadeByAws,
}

#[derive(Debug)]
pub struct Grant {
    pub(super) sid: &'static str,
    pub(super) only: Only,
    /// ARNs with holes: see `Scope::arn`.
    pub(super) on: &'static [&'static str],
    pub(super) actions: &'static [&'static str],
    /// Granted where the resource has this property.
    pub(super) with: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Only {
    Any,
    /// Where no name tells this service's resources from others: nobody but
    /// CloudFormation may use it on the deployer's behalf.
    ThroughCloudFormation,
    PassedToTheEdge,
    WithTheBoundary,
    OwnPolicies,
    OwnRecords,
    BucketElsewhere,
    /// A function URL is made and changed only with the authentication that this property names:
    /// who may make one can't open it to all.
    AuthType(&'static str),
    /// The same where a call needn't tell it.
    AuthTypeIfTold(&'static str),
}

const fn grant(
    sid: &'static str,
    on: &'static [&'static str],
    actions: &'static [&'static str],
) -> Grant {
    Grant {
        sid,
        only: Only::Any,
        on,
        actions,
        with: None,
    }
}

impl Grant {
    const fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    const fn with(mut self, property: &'static str) -> Self {
        self.with = Some(property);
        self
    }
}

/// Actions for which IAM knows no resource.
const fn nameless(actions: &'static [&'static str]) -> Grant {
    grant("NoResourceCanBeNamed", &["*"], actions)
}

/// The same, where something is made or changed.
const fn makes(actions: &'static [&'static str]) -> Grant {
    grant("NoResourceCanBeNamedToMake", &["*"], actions).only(Only::ThroughCloudFormation)
}

pub(super) fn of(kind: &str) -> Option<&'static Handler> {
    HANDLERS.iter().find(|handler| handler.kind == kind)
}

const ROLE: &str = "arn:aws:iam::{account}:role{Path}{name}";
const FUNCTION: &[&str] = &[
    "arn:aws:lambda:{region}:{account}:function:{FunctionName}",
    "arn:aws:lambda:{region}:{account}:function:{FunctionName}:*",
];
const FUNCTION_OF_URL: &[&str] = &[
    "arn:aws:lambda:{region}:{account}:function:{TargetFunctionArn}",
    "arn:aws:lambda:{region}:{account}:function:{TargetFunctionArn}:*",
];
const LOG_GROUP: &[&str] = &[
    "arn:aws:logs:{region}:{account}:log-group:{name}",
    "arn:aws:logs:{region}:{account}:log-group:{name}:*",
];
const DISTRIBUTION: &str = "arn:aws:cloudfront::{account}:distribution/*";
const BUCKET: &str = "arn:aws:s3:::{name}";
const WEB_ACL: &str = "arn:aws:wafv2:{region}:{account}:{scope}/webacl/{name}/*";
const ZONE: &str = "arn:aws:route53:::hostedzone/{HostedZoneId}";
const ALARM: &str = "arn:aws:cloudwatch:{region}:{account}:alarm:{name}";

pub const HANDLERS: &[Handler] = &[
    Handler {
        kind: "AWS::IAM::Role",
        name: Name::Property("RoleName"),
        properties: &[
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "Path",
            "PermissionsBoundary",
            "RoleName",
            "Tags",
        ],
        grants: &[
            grant("CreateRoles", &[ROLE], &["iam:CreateRole"]).only(Only::WithTheBoundary),
            grant("CreateRoles", &[ROLE], &["iam:PutRolePermissionsBoundary"])
                .only(Only::WithTheBoundary)
                .with("PermissionsBoundary"),
            grant(
                "Roles",
                &[ROLE],
                &[
                    "iam:DeleteRole",
                    "iam:GetRole",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:UpdateRole",
                    "iam:UpdateRoleDescription",
                ],
            ),
            grant(
                "PoliciesOfRoles",
                &[ROLE],
                &["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            )
            .only(Only::OwnPolicies),
            grant("PassRoles", &[ROLE], &["iam:PassRole"]).only(Only::PassedToTheEdge),
        ],
    },
    Handler {
        kind: "AWS::IAM::ManagedPolicy",
        name: Name::Property("ManagedPolicyName"),
        properties: &["Description", "ManagedPolicyName", "Path", "PolicyDocument"],
        grants: &[grant(
            "Policies",
            &["arn:aws:iam::{account}:policy{Path}{name}"],
            &[
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListEntitiesForPolicy",
                "iam:ListPolicyVersions",
            ],
        )],
    },
    Handler {
        kind: "AWS::Logs::LogGroup",
        name: Name::Property("LogGroupName"),
        properties: &["KmsKeyId", "LogGroupName", "RetentionInDays", "Tags"],
        grants: &[
            grant(
                "LogGroups",
                LOG_GROUP,
                &[
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:DeleteRetentionPolicy",
                    "logs:GetDataProtectionPolicy",
                    "logs:ListTagsForResource",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
            ),
            grant(
                "LogGroups",
                LOG_GROUP,
                &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
            )
            .with("KmsKeyId"),
            nameless(&[
                "logs:DescribeIndexPolicies",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
            ]),
        ],
    },
    Handler {
        kind: "AWS::Lambda::Function",
        name: Name::Property("FunctionName"),
        properties: &[
            "Architectures",
            "Code",
            "Description",
            "EphemeralStorage",
            "FunctionName",
            "Handler",
            "LoggingConfig",
            "MemorySize",
            "Role",
            "Runtime",
            "Tags",
            "Timeout",
        ],
        grants: &[grant(
            "Functions",
            &[
                "arn:aws:lambda:{region}:{account}:function:{name}",
                "arn:aws:lambda:{region}:{account}:function:{name}:*",
            ],
            &[
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                // CloudFront's, for replicas of what a distribution refers to.
                "lambda:DisableReplication*",
                "lambda:EnableReplication*",
                "lambda:GetFunction",
                "lambda:GetFunctionCodeSigningConfig",
                "lambda:GetFunctionRecursionConfig",
                "lambda:GetFunctionScalingConfig",
                "lambda:GetRuntimeManagementConfig",
                "lambda:ListTags",
                "lambda:PublishVersion",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ],
        )],
    },
    Handler {
        kind: "AWS::Lambda::Version",
        name: Name::MadeByAws,
        properties: &["CodeSha256", "Description", "FunctionName"],
        grants: &[grant(
            "Functions",
            FUNCTION,
            &[
                "lambda:DeleteFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:GetFunctionScalingConfig",
                "lambda:GetProvisionedConcurrencyConfig",
                "lambda:GetRuntimeManagementConfig",
                "lambda:ListVersionsByFunction",
                "lambda:PublishVersion",
            ],
        )],
    },
    Handler {
        kind: "AWS::Lambda::Alias",
        // What refers to an alias means one of this function.
        name: Name::Property("FunctionName"),
        properties: &["FunctionName", "FunctionVersion", "Name"],
        grants: &[grant(
            "Functions",
            FUNCTION,
            &[
                "lambda:CreateAlias",
                "lambda:DeleteAlias",
                "lambda:GetAlias",
                "lambda:GetProvisionedConcurrencyConfig",
                "lambda:UpdateAlias",
            ],
        )],
    },
    Handler {
        kind: "AWS::Lambda::Url",
        name: Name::MadeByAws,
        properties: &["AuthType", "InvokeMode", "Qualifier", "TargetFunctionArn"],
        grants: &[
            grant(
                "SignedFunctionUrls",
                FUNCTION_OF_URL,
                &[
                    "lambda:CreateFunctionUrlConfig",
                    "lambda:UpdateFunctionUrlConfig",
                ],
            )
            .only(Only::AuthType("AuthType")),
            grant(
                "FunctionUrls",
                FUNCTION_OF_URL,
                &[
                    "lambda:DeleteFunctionUrlConfig",
                    "lambda:GetFunctionUrlConfig",
                ],
            ),
        ],
    },
    Handler {
        kind: "AWS::Lambda::Permission",
        name: Name::MadeByAws,
        properties: &[
            "Action",
            "FunctionName",
            "FunctionUrlAuthType",
            "InvokedViaFunctionUrl",
            "Principal",
        ],
        grants: &[
            grant("FunctionPermissions", FUNCTION, &["lambda:AddPermission"])
                .only(Only::AuthTypeIfTold("FunctionUrlAuthType")),
            grant(
                "FunctionUrls",
                FUNCTION,
                &["lambda:GetPolicy", "lambda:RemovePermission"],
            ),
        ],
    },
    Handler {
        kind: "AWS::KMS::Key",
        name: Name::MadeByAws,
        properties: &["Description", "EnableKeyRotation", "KeyPolicy", "Tags"],
        grants: &[
            makes(&["kms:CreateKey"]),
            grant(
                "Keys",
                &["arn:aws:kms:{region}:{account}:key/*"],
                &[
                    "kms:DescribeKey",
                    "kms:EnableKeyRotation",
                    "kms:GetKeyPolicy",
                    "kms:GetKeyRotationStatus",
                    "kms:ListResourceTags",
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateKeyDescription",
                ],
            )
            .only(Only::ThroughCloudFormation),
        ],
    },
    Handler {
        kind: "AWS::WAFv2::WebACL",
        name: Name::Property("Name"),
        properties: &[
            "DefaultAction",
            "Description",
            "Name",
            "Rules",
            "Scope",
            "Tags",
            "VisibilityConfig",
        ],
        grants: &[grant(
            "WebAcl",
            &[
                WEB_ACL,
                // The rule groups of AWS's that it refers to.
                "arn:aws:wafv2:{region}:{account}:{scope}/managedruleset/*/*",
            ],
            &[
                "wafv2:CreateWebACL",
                "wafv2:DeleteWebACL",
                "wafv2:GetWebACL",
                "wafv2:ListTagsForResource",
                "wafv2:TagResource",
                "wafv2:UntagResource",
                "wafv2:UpdateWebACL",
            ],
        )],
    },
    Handler {
        kind: "AWS::WAFv2::LoggingConfiguration",
        name: Name::MadeByAws,
        properties: &[
            "LogDestinationConfigs",
            "LoggingFilter",
            "RedactedFields",
            "ResourceArn",
        ],
        grants: &[
            grant(
                "WebAcl",
                &["arn:aws:wafv2:{region}:{account}:{scope}/webacl/{ResourceArn}/*"],
                &[
                    "wafv2:DeleteLoggingConfiguration",
                    "wafv2:GetLoggingConfiguration",
                    "wafv2:PutLoggingConfiguration",
                ],
            ),
            makes(&[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:PutResourcePolicy",
            ]),
            nameless(&["logs:DescribeLogGroups", "logs:DescribeResourcePolicies"]),
        ],
    },
    Handler {
        kind: "AWS::CertificateManager::Certificate",
        name: Name::MadeByAws,
        properties: &[
            "DomainName",
            "DomainValidationOptions",
            "SubjectAlternativeNames",
            "Tags",
            "ValidationMethod",
        ],
        grants: &[
            makes(&["acm:RequestCertificate"]),
            grant(
                "Certificates",
                &["arn:aws:acm:{region}:{account}:certificate/*"],
                &[
                    "acm:AddTagsToCertificate",
                    "acm:DeleteCertificate",
                    "acm:DescribeCertificate",
                    "acm:ListTagsForCertificate",
                    "acm:RemoveTagsFromCertificate",
                ],
            )
            .only(Only::ThroughCloudFormation),
            grant(
                "Records",
                &["arn:aws:route53:::hostedzone/{DomainValidationOptions.HostedZoneId}"],
                &["route53:ChangeResourceRecordSets"],
            )
            .only(Only::OwnRecords),
        ],
    },
    Handler {
        kind: "AWS::CloudFront::Distribution",
        name: Name::MadeByAws,
        properties: &["DistributionConfig", "Tags"],
        grants: &[
            makes(&["cloudfront:CreateDistribution"]),
            grant(
                "DistributionsAndTheirPolicies",
                &[DISTRIBUTION],
                &[
                    "cloudfront:DeleteDistribution",
                    "cloudfront:GetDistribution",
                    "cloudfront:GetDistributionConfig",
                    "cloudfront:ListTagsForResource",
                    "cloudfront:TagResource",
                    "cloudfront:UntagResource",
                    "cloudfront:UpdateDistribution",
                ],
            )
            .only(Only::ThroughCloudFormation),
            grant(
                "ServiceLinkedRoles",
                &[
                    "arn:aws:iam::{account}:role/aws-service-role/logger.cloudfront.amazonaws.com/*",
                    "arn:aws:iam::{account}:role/aws-service-role/replicator.lambda.amazonaws.com/*",
                ],
                &["iam:CreateServiceLinkedRole"],
            ),
        ],
    },
    Handler {
        kind: "AWS::CloudFront::CachePolicy",
        name: Name::MadeByAws,
        properties: &["CachePolicyConfig"],
        grants: &[
            makes(&["cloudfront:CreateCachePolicy"]),
            grant(
                "DistributionsAndTheirPolicies",
                &["arn:aws:cloudfront::{account}:cache-policy/*"],
                &[
                    "cloudfront:DeleteCachePolicy",
                    "cloudfront:GetCachePolicy",
                    "cloudfront:UpdateCachePolicy",
                ],
            )
            .only(Only::ThroughCloudFormation),
        ],
    },
    Handler {
        kind: "AWS::CloudFront::OriginRequestPolicy",
        name: Name::MadeByAws,
        properties: &["OriginRequestPolicyConfig"],
        grants: &[
            makes(&["cloudfront:CreateOriginRequestPolicy"]),
            grant(
                "DistributionsAndTheirPolicies",
                &["arn:aws:cloudfront::{account}:origin-request-policy/*"],
                &[
                    "cloudfront:DeleteOriginRequestPolicy",
                    "cloudfront:GetOriginRequestPolicy",
                    "cloudfront:UpdateOriginRequestPolicy",
                ],
            )
            .only(Only::ThroughCloudFormation),
        ],
    },
    Handler {
        kind: "AWS::CloudFront::ResponseHeadersPolicy",
        name: Name::MadeByAws,
        properties: &["ResponseHeadersPolicyConfig"],
        grants: &[
            makes(&["cloudfront:CreateResponseHeadersPolicy"]),
            grant(
                "DistributionsAndTheirPolicies",
                &["arn:aws:cloudfront::{account}:response-headers-policy/*"],
                &[
                    "cloudfront:DeleteResponseHeadersPolicy",
                    "cloudfront:GetResponseHeadersPolicy",
                    "cloudfront:UpdateResponseHeadersPolicy",
                ],
            )
            .only(Only::ThroughCloudFormation),
        ],
    },
    Handler {
        kind: "AWS::S3::Bucket",
        name: Name::OfBucket("BucketName"),
        properties: &[
            "BucketEncryption",
            "BucketName",
            "LifecycleConfiguration",
            "ObjectLockConfiguration",
            "ObjectLockEnabled",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        ],
        grants: &[
            grant(
                "Buckets",
                &[BUCKET],
                &[
                    "s3:CreateBucket",
                    "s3:DeleteBucket",
                    // The handler reads all settings, those that nobody made too.
                    "s3:Get*Configuration",
                    "s3:GetBucket*",
                    "s3:ListBucket",
                    "s3:ListTagsForResource",
                    "s3:PutBucketOwnershipControls",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutBucketTagging",
                    "s3:PutBucketVersioning",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                    "s3:TagResource",
                    "s3:UntagResource",
                ],
            ),
            grant(
                "Buckets",
                &[BUCKET],
                &["s3:PutBucketObjectLockConfiguration"],
            )
            .with("ObjectLockEnabled"),
        ],
    },
    Handler {
        kind: "AWS::S3::BucketPolicy",
        name: Name::MadeByAws,
        properties: &["Bucket", "PolicyDocument"],
        grants: &[grant(
            "Buckets",
            &["arn:aws:s3:::{Bucket}"],
            &[
                "s3:DeleteBucketPolicy",
                "s3:GetBucketPolicy",
                "s3:PutBucketPolicy",
            ],
        )],
    },
    Handler {
        kind: "AWS::Logs::DeliverySource",
        name: Name::Property("Name"),
        properties: &["LogType", "Name", "ResourceArn", "Tags"],
        grants: &[
            grant(
                "LogDelivery",
                &[
                    "arn:aws:logs:{region}:{account}:delivery-source:{name}",
                    // IAM's reference names this one for DeleteDeliverySource.
                    "arn:aws:logs:{region}:{account}:delivery-destination:{name}",
                ],
                &[
                    "logs:DeleteDeliverySource",
                    "logs:GetDeliverySource",
                    "logs:ListTagsForResource",
                    "logs:PutDeliverySource",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
            ),
            // The source is a distribution, and its service is asked too.
            grant(
                "Distributions",
                &[DISTRIBUTION],
                &["cloudfront:AllowVendedLogDeliveryForResource"],
            ),
        ],
    },
    Handler {
        kind: "AWS::Logs::DeliveryDestination",
        name: Name::Property("Name"),
        properties: &["DestinationResourceArn", "Name", "OutputFormat", "Tags"],
        grants: &[
            grant(
                "LogDelivery",
                &["arn:aws:logs:{region}:{account}:delivery-destination:{name}"],
                &[
                    "logs:DeleteDeliveryDestination",
                    "logs:DeleteDeliveryDestinationPolicy",
                    "logs:GetDeliveryDestination",
                    "logs:GetDeliveryDestinationPolicy",
                    "logs:ListTagsForResource",
                    "logs:PutDeliveryDestination",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
            ),
            // Whether the bucket lets logs in; a bucket of the user's own stays as it is.
            grant(
                "BucketOfAccessLogs",
                &["arn:aws:s3:::{DestinationResourceArn}"],
                &["s3:GetBucketPolicy"],
            )
            .only(Only::BucketElsewhere),
        ],
    },
    Handler {
        kind: "AWS::Logs::Delivery",
        name: Name::MadeByAws,
        properties: &[
            "DeliveryDestinationArn",
            "DeliverySourceName",
            "RecordFields",
            "S3EnableHiveCompatiblePath",
            "S3SuffixPath",
            "Tags",
        ],
        grants: &[
            grant(
                "LogDelivery",
                &[
                    "arn:aws:logs:{region}:{account}:delivery-destination:{DeliveryDestinationArn}",
                    "arn:aws:logs:{region}:{account}:delivery-source:{DeliverySourceName}",
                    "arn:aws:logs:{region}:{account}:delivery:*",
                ],
                &[
                    "logs:CreateDelivery",
                    "logs:DeleteDelivery",
                    "logs:GetDelivery",
                    "logs:GetDeliveryDestination",
                    "logs:GetDeliverySource",
                    "logs:ListTagsForResource",
                    "logs:TagResource",
                    "logs:UntagResource",
                    "logs:UpdateDeliveryConfiguration",
                ],
            ),
            nameless(&["logs:DescribeDeliveries"]),
        ],
    },
    Handler {
        kind: "AWS::Route53::RecordSet",
        name: Name::MadeByAws,
        properties: &[
            "AliasTarget",
            "Comment",
            "HostedZoneId",
            "Name",
            "ResourceRecords",
            "TTL",
            "Type",
        ],
        grants: &[
            grant("Records", &[ZONE], &["route53:ChangeResourceRecordSets"]).only(Only::OwnRecords),
            grant(
                "HostedZone",
                &[ZONE, "arn:aws:route53:::change/*"],
                &[
                    "route53:GetChange",
                    "route53:GetHostedZone",
                    "route53:ListResourceRecordSets",
                ],
            ),
            nameless(&["route53:ListHostedZones"]),
        ],
    },
    Handler {
        kind: "AWS::CloudWatch::Alarm",
        name: Name::Property("AlarmName"),
        properties: &[
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "AlarmName",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluationPeriods",
            "MetricName",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Tags",
            "Threshold",
            "TreatMissingData",
            "Unit",
        ],
        grants: &[grant(
            "Alarms",
            &[ALARM],
            &[
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
        )],
    },
];
