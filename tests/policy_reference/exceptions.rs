//! What CloudFormation's schemas ask for and the policy leaves out, each with its reason.

/// A handler's permission that the policy leaves out. `without`: the property
/// whose absence is the reason.
pub struct Exception {
    pub kind: &'static str,
    pub actions: &'static [&'static str],
    pub without: Option<&'static str>,
    pub why: &'static str,
}

const fn never(
    kind: &'static str,
    why: &'static str,
    actions: &'static [&'static str],
) -> Exception {
    Exception {
        kind,
        actions,
        without: None,
        why,
    }
}

const fn without(
    kind: &'static str,
    property: &'static str,
    actions: &'static [&'static str],
) -> Exception {
    Exception {
        kind,
        actions,
        without: Some(property),
        why: "the resource doesn't have the property",
    }
}

pub const EXCEPTIONS: &[Exception] = &[
    never(
        "AWS::CertificateManager::Certificate",
        "no private certificate authority",
        &["acm-pca:GetCertificate", "acm-pca:IssueCertificate"],
    ),
    never(
        "AWS::CertificateManager::Certificate",
        "CertificateTransparencyLoggingPreference isn't set",
        &["acm:UpdateCertificateOptions"],
    ),
    never(
        "AWS::CloudFront::Distribution",
        "no tenants",
        &[
            "cloudfront:CreateConnectionGroup",
            "cloudfront:GetConnectionGroup",
        ],
    ),
    never(
        "AWS::CloudFront::Distribution",
        "an API operation; IAM knows it as CreateDistribution with TagResource",
        &["cloudfront:CreateDistributionWithTags"],
    ),
    never(
        "AWS::CloudFront::Distribution",
        "no origin in a VPC",
        &["cloudfront:GetVpcOrigin"],
    ),
    never(
        "AWS::CloudFront::Distribution",
        "no continuous deployment",
        &["cloudfront:UpdateDistributionWithStagingConfig"],
    ),
    never(
        "AWS::IAM::ManagedPolicy",
        "only policies of roles, attached by the role",
        &[
            "iam:AttachGroupPolicy",
            "iam:AttachUserPolicy",
            "iam:DetachGroupPolicy",
            "iam:DetachUserPolicy",
        ],
    ),
    never(
        "AWS::IAM::Role",
        "no policies in line",
        &[
            "iam:DeleteRolePolicy",
            "iam:GetRolePolicy",
            "iam:PutRolePolicy",
        ],
    ),
    never(
        "AWS::IAM::Role",
        "a deployer doesn't take a boundary away",
        &["iam:DeleteRolePermissionsBoundary"],
    ),
    without(
        "AWS::IAM::Role",
        "PermissionsBoundary",
        &["iam:PutRolePermissionsBoundary"],
    ),
    never(
        "AWS::KMS::Key",
        "Enabled and EnableKeyRotation never change",
        &["kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey"],
    ),
    never(
        "AWS::Lambda::Function",
        "no VPC, no file system: Lambda@Edge has neither",
        &[
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "elasticfilesystem:DescribeMountTargets",
            "s3files:ListMountTargets",
        ],
    ),
    never(
        "AWS::Lambda::Function",
        "no KmsKeyArn: there are no environment variables",
        &[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
        ],
    ),
    never(
        "AWS::Lambda::Alias",
        "no UpdatePolicy by CodeDeploy, and no concurrency of its own",
        &[
            "codedeploy:CreateDeployment",
            "codedeploy:GetDeployment",
            "codedeploy:GetDeploymentConfig",
            "codedeploy:GetDeploymentGroup",
            "codedeploy:StopDeployment",
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:PutProvisionedConcurrencyConfig",
        ],
    ),
    never(
        "AWS::Lambda::Function",
        "no layers, code signing, concurrency, recursion, scaling, capacity or runtime management of its own",
        &[
            "lambda:AssociateRuntimeAlias",
            "lambda:DeleteFunctionCodeSigningConfig",
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetCodeSigningConfig",
            "lambda:GetLayerVersion",
            "lambda:PassCapacityProvider",
            "lambda:PutFunctionCodeSigningConfig",
            "lambda:PutFunctionConcurrency",
            "lambda:PutFunctionRecursionConfig",
            "lambda:PutFunctionScalingConfig",
            "lambda:PutRuntimeManagementConfig",
        ],
    ),
    never(
        "AWS::Lambda::Function",
        "no S3ObjectVersion",
        &["s3:GetObjectVersion"],
    ),
    never(
        "AWS::Lambda::Version",
        "no concurrency, scaling or runtime management of its own",
        &[
            "lambda:PutFunctionScalingConfig",
            "lambda:PutProvisionedConcurrencyConfig",
            "lambda:PutRuntimeManagementConfig",
        ],
    ),
    never(
        "AWS::Logs::DeliveryDestination",
        "no DeliveryDestinationPolicy",
        &["logs:PutDeliveryDestinationPolicy"],
    ),
    never(
        "AWS::Logs::DeliverySource",
        "a source of another service",
        &[
            "autoloop:AllowVendedLogDeliveryForResource",
            "codewhisperer:AllowVendedLogDeliveryForResource",
            "logs:AllowVendedLogDeliveryForResource",
            "workmail:AllowVendedLogDeliveryForResource",
        ],
    ),
    without(
        "AWS::Logs::LogGroup",
        "KmsKeyId",
        &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
    ),
    never(
        "AWS::Logs::LogGroup",
        "no data protection, field indexes, bearer tokens, deletion protection or resource policy of its own",
        &[
            "firehose:TagDeliveryStream",
            "logs:CreateLogDelivery",
            "logs:DeleteDataProtectionPolicy",
            "logs:DeleteIndexPolicy",
            "logs:DeleteResourcePolicy",
            "logs:PutBearerTokenAuthentication",
            "logs:PutDataProtectionPolicy",
            "logs:PutIndexPolicy",
            "logs:PutLogGroupDeletionProtection",
            "logs:PutResourcePolicy",
            "s3:REST.PUT.OBJECT",
        ],
    ),
    without(
        "AWS::S3::Bucket",
        "ObjectLockEnabled",
        &["s3:PutBucketObjectLockConfiguration"],
    ),
    never(
        "AWS::S3::Bucket",
        "no such action in IAM",
        &[
            "s3:DeleteBucketAnalyticsConfiguration",
            "s3:DeleteBucketCors",
            "s3:DeleteBucketEncryption",
            "s3:DeleteBucketLifecycle",
            "s3:DeleteBucketMetricsConfiguration",
            "s3:DeleteBucketReplication",
            "s3:PutBucketReplication",
            "s3:PutObjectLockConfiguration",
        ],
    ),
    never(
        "AWS::S3::Bucket",
        "objects are nobody's but the log delivery's",
        &["s3:DeleteObject", "s3:PutObjectAcl"],
    ),
    never(
        "AWS::S3::Bucket",
        "no replication",
        &["s3:PutReplicationConfiguration"],
    ),
    never(
        "AWS::S3::Bucket",
        "no metadata table",
        &[
            "s3:CreateBucketMetadataTableConfiguration",
            "s3:DeleteBucketMetadataTableConfiguration",
            "s3:UpdateBucketMetadataAnnotationTableConfiguration",
            "s3:UpdateBucketMetadataInventoryTableConfiguration",
            "s3:UpdateBucketMetadataJournalTableConfiguration",
            "s3tables:CreateNamespace",
            "s3tables:CreateTable",
            "s3tables:CreateTableBucket",
            "s3tables:GetTable",
            "s3tables:GetTableMetadataLocation",
            "s3tables:PutTableBucketPolicy",
            "s3tables:PutTableEncryption",
            "s3tables:PutTablePolicy",
            "s3tables:UpdateTableMetadataLocation",
        ],
    ),
    never(
        "AWS::S3::Bucket",
        "the property isn't set",
        &[
            "s3:DeleteBucketWebsite",
            "s3:PutAccelerateConfiguration",
            "s3:PutAnalyticsConfiguration",
            "s3:PutBucketAbac",
            "s3:PutBucketAcl",
            "s3:PutBucketCORS",
            "s3:PutBucketLogging",
            "s3:PutBucketNotification",
            "s3:PutBucketWebsite",
            "s3:PutIntelligentTieringConfiguration",
            "s3:PutInventoryConfiguration",
            "s3:PutMetricsConfiguration",
        ],
    ),
    never(
        "AWS::WAFv2::LoggingConfiguration",
        "logs go to a log group: no Firehose, no bucket",
        &[
            "firehose:ListDeliveryStreams",
            "iam:CreateServiceLinkedRole",
            "iam:DescribeOrganization",
            "s3:GetBucketPolicy",
            "s3:PutBucketPolicy",
        ],
    ),
    never(
        "AWS::WAFv2::WebACL",
        "no such action in IAM, no payments",
        &["payments:GetConnectedAccount"],
    ),
];
