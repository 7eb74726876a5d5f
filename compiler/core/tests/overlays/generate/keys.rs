//! Keys that CloudFormation knows in a place, and that the compiled template doesn't have there.

use super::hostile::*;
use super::{Step, condition, merged, put, resource};
use serde_json::{Value, json};

/// Attributes of any resource.
fn attributes() -> Vec<Value> {
    let mine = |key: &str, value: Value| json!({ key: value });
    vec![
        mine("Condition", json!("Mine")),
        mine("DependsOn", json!(["AuthorizerFunction"])),
        mine(
            "CreationPolicy",
            json!({ "ResourceSignal": { "Count": 1 } }),
        ),
        mine(
            "UpdatePolicy",
            json!({ "CodeDeployLambdaAliasUpdate": { "ApplicationName": "evil" } }),
        ),
        mine("DeletionPolicy", json!("Delete")),
        mine("DeletionPolicy", json!("Retain")),
        mine("UpdateReplacePolicy", json!("Delete")),
        mine("UpdateReplacePolicy", json!("Snapshot")),
        mine("Metadata", json!({ "team": "imaging" })),
        mine("Metadata", json!({ "Fn::Transform": { "Name": "Evil" } })),
        mine("Version", json!("1.0")),
        mine("Fn::Transform", json!({ "Name": "Evil" })),
    ]
}

pub(super) fn all(template: &Value) -> Vec<Value> {
    let mut bodies = Vec::new();
    let resources = template["Resources"].as_object().into_iter().flatten();
    for (id, compiled) in resources {
        for attribute in attributes() {
            let with = resource(id, attribute);
            bodies.push(merged(condition(), with));
        }
        let kind = compiled["Type"].as_str().unwrap_or_default();
        for (place, key, value) in of(kind) {
            for way in ways(compiled, place) {
                let at = |step: &str| Step::Key(step.to_owned());
                let mut whole = vec![at("Resources"), at(id)];
                whole.extend(way);
                whole.push(at(key));
                bodies.push(put(template, &whole, Some(value.clone())));
            }
        }
    }
    bodies
}

/// The ways that a pattern names: `*` is every item.
fn ways(resource: &Value, pattern: &str) -> Vec<Vec<Step>> {
    let mut found = vec![(Vec::new(), resource)];
    for step in pattern.split('/').filter(|step| !step.is_empty()) {
        let mut next = Vec::new();
        for (way, value) in found {
            if step != "*" {
                let way: Vec<Step> = [way, vec![Step::Key(step.to_owned())]].concat();
                next.push((way, value.get(step).unwrap_or(&Value::Null)));
                continue;
            }
            let items = value.as_array().into_iter().flatten().enumerate();
            next.extend(items.map(|(i, item)| ([way.clone(), vec![Step::Item(i)]].concat(), item)));
        }
        found = next;
    }
    found.into_iter().map(|(way, _)| way).collect()
}

type Row = (&'static str, &'static str, Value);

const CONFIG: &str = "Properties/DistributionConfig";
const BEHAVIORS: &str = "Properties/DistributionConfig/CacheBehaviors/*";
const DEFAULT: &str = "Properties/DistributionConfig/DefaultCacheBehavior";
const ORIGINS: &str = "Properties/DistributionConfig/Origins/*";

fn of(kind: &str) -> Vec<Row> {
    match kind {
        "AWS::CloudFront::Distribution" => distribution(),
        "AWS::CloudFront::ResponseHeadersPolicy" => headers(),
        "AWS::CloudFront::CachePolicy" => cache_policy(),
        "AWS::Lambda::Function" => function(),
        "AWS::Lambda::Version" => vec![
            (
                "Properties",
                "ProvisionedConcurrencyConfig",
                json!({ "ProvisionedConcurrentExecutions": 1 }),
            ),
            (
                "Properties",
                "RuntimePolicy",
                json!({ "UpdateRuntimeOn": "Manual" }),
            ),
            ("Properties", "Tags", json!([])),
        ],
        "AWS::IAM::Role" => role(),
        "AWS::IAM::ManagedPolicy" => vec![
            ("Properties", "Roles", json!(["evil"])),
            ("Properties", "Users", json!(["evil"])),
            ("Properties", "Groups", json!(["evil"])),
            ("Properties", "ManagedPolicyName", json!("mine")),
            (
                "Properties/PolicyDocument/Statement/*",
                "NotAction",
                json!("iam:*"),
            ),
            (
                "Properties/PolicyDocument/Statement/*",
                "NotResource",
                json!("x"),
            ),
        ],
        "AWS::S3::Bucket" => bucket(),
        "AWS::KMS::Key" => vec![
            ("Properties", "MultiRegion", json!(true)),
            ("Properties", "Enabled", json!(false)),
            ("Properties", "Origin", json!("EXTERNAL")),
            ("Properties", "KeySpec", json!("RSA_2048")),
            ("Properties", "PendingWindowInDays", json!(7)),
            ("Properties", "BypassPolicyLockoutSafetyCheck", json!(true)),
            (
                "Properties",
                "Tags",
                json!([{ "Key": "team", "Value": "imaging" }]),
            ),
        ],
        "AWS::Logs::LogGroup" => vec![
            (
                "Properties",
                "DataProtectionPolicy",
                json!({ "Name": "x", "Statement": [] }),
            ),
            ("Properties", "LogGroupClass", json!("INFREQUENT_ACCESS")),
            (
                "Properties",
                "ResourcePolicyDocument",
                json!({ "Statement": [open_statement("logs:*")] }),
            ),
            ("Properties", "FieldIndexPolicies", json!([])),
            (
                "Properties",
                "BearerTokenAuthenticationEnabled",
                json!(true),
            ),
            (
                "Properties",
                "Tags",
                json!([{ "Key": "team", "Value": "imaging" }]),
            ),
        ],
        "AWS::Logs::Delivery" => vec![
            ("Properties", "FieldDelimiter", json!(";")),
            ("Properties", "S3EnableHiveCompatiblePath", json!(true)),
        ],
        "AWS::Logs::DeliveryDestination" => vec![
            (
                "Properties",
                "DeliveryDestinationPolicy",
                json!({ "DeliveryDestinationPolicy": open_statement("*") }),
            ),
            ("Properties", "DestinationPolicy", open_statement("*")),
            ("Properties", "DeliveryDestinationType", json!("XRAY")),
        ],
        "AWS::Logs::DeliverySource" => vec![
            ("Properties", "ResourceArns", json!(["*"])),
            (
                "Properties",
                "DeliverySourceConfiguration",
                json!({ "x": "y" }),
            ),
        ],
        "AWS::WAFv2::WebACL" => web_acl(),
        "AWS::WAFv2::LoggingConfiguration" => vec![
            ("Properties", "ManagedByFirewallManager", json!(true)),
            ("Properties", "LogType", json!("SECURITY_LAKE")),
        ],
        "AWS::CertificateManager::Certificate" => vec![
            ("Properties", "CertificateExport", json!("ENABLED")),
            (
                "Properties",
                "CertificateAuthorityArn",
                json!("arn:aws:acm-pca:us-east-1:444455556666:certificate-authority/x"),
            ),
            ("Properties", "KeyAlgorithm", json!("EC_prime256v1")),
            (
                "Properties",
                "CertificateTransparencyLoggingPreference",
                json!("DISABLED"),
            ),
        ],
        "AWS::Route53::RecordSet" => vec![
            ("Properties", "ResourceRecords", json!(["192.0.2.1"])),
            ("Properties", "HostedZoneName", json!("evil.net.")),
            ("Properties", "TTL", json!("60")),
            ("Properties", "Weight", json!(0)),
            ("Properties", "SetIdentifier", json!("mine")),
            (
                "Properties/AliasTarget",
                "EvaluateTargetHealth",
                json!(true),
            ),
        ],
        _ => vec![],
    }
}

fn distribution() -> Vec<Row> {
    let config = [
        (
            "Logging",
            json!({ "Bucket": "evil.s3.amazonaws.com", "IncludeCookies": true }),
        ),
        ("ContinuousDeploymentPolicyId", json!("evil")),
        ("Staging", json!(true)),
        (
            "OriginGroups",
            json!({ "Quantity": 1, "Items": [{ "Id": "g" }] }),
        ),
        ("DefaultRootObject", json!("index.html")),
        ("CNAMEs", json!(["evil.example.net"])),
        (
            "S3Origin",
            json!({ "DNSName": "evil.s3.amazonaws.com", "OriginAccessIdentity": "" }),
        ),
        ("CustomOrigin", json!({ "DNSName": "evil.example.net" })),
        ("AnycastIpListId", json!("x")),
        ("TenantConfig", json!({ "ParameterDefinitions": [] })),
        ("ConnectionMode", json!("tenant-only")),
        ("ViewerMtlsConfig", json!({ "Mode": "optional" })),
        ("WebACLId", json!(FOREIGN_ACL)),
        (
            "Restrictions",
            json!({ "GeoRestriction": { "RestrictionType": "none" } }),
        ),
        (
            "Restrictions",
            json!({ "GeoRestriction": { "RestrictionType": "whitelist", "Locations": ["US"] } }),
        ),
    ];
    let behavior = [
        (
            "FunctionAssociations",
            json!([{ "EventType": "viewer-response", "FunctionARN": "arn:aws:cloudfront::444455556666:function/evil" }]),
        ),
        (
            "RealtimeLogConfigArn",
            json!("arn:aws:cloudfront::444455556666:realtime-log-config/evil"),
        ),
        ("TrustedSigners", json!(["444455556666"])),
        (
            "TrustedKeyGroups",
            json!(["5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11"]),
        ),
        ("FieldLevelEncryptionId", json!("evil")),
        (
            "ForwardedValues",
            json!({ "QueryString": true, "Headers": ["*"], "Cookies": { "Forward": "all" } }),
        ),
        ("SmoothStreaming", json!(true)),
        ("MinTTL", json!(86400)),
        ("GrpcConfig", json!({ "Enabled": true })),
    ];
    let origin = [
        ("OriginPath", json!("/evil")),
        (
            "OriginCustomHeaders",
            json!([{ "HeaderName": "x-amz-security-token", "HeaderValue": "x" }]),
        ),
        ("OriginAccessControlId", json!("evil")),
        ("S3OriginConfig", json!({ "OriginAccessIdentity": "" })),
        ("VpcOriginConfig", json!({ "VpcOriginId": "vo_evil" })),
        ("ConnectionAttempts", json!(2)),
        (
            "OriginShield",
            json!({ "Enabled": true, "OriginShieldRegion": "us-east-1" }),
        ),
    ];
    let custom = [
        ("OriginReadTimeout", json!(60)),
        ("OriginKeepaliveTimeout", json!(60)),
        ("IpAddressType", json!("dualstack")),
        (
            "OriginMtlsConfig",
            json!({ "ClientCertificateArn": FOREIGN_CERTIFICATE }),
        ),
    ];
    let mut rows: Vec<Row> = Vec::new();
    rows.extend(config.map(|(key, value)| (CONFIG, key, value)));
    for place in [DEFAULT, BEHAVIORS] {
        rows.extend(behavior.clone().map(|(key, value)| (place, key, value)));
    }
    rows.extend(origin.map(|(key, value)| (ORIGINS, key, value)));
    let in_origins = "Properties/DistributionConfig/Origins/*/CustomOriginConfig";
    rows.extend(custom.map(|(key, value)| (in_origins, key, value)));
    let certificate = "Properties/DistributionConfig/ViewerCertificate";
    rows.push((certificate, "IamCertificateId", json!("evil")));
    rows.push((certificate, "CloudFrontDefaultCertificate", json!(true)));
    let errors = "Properties/DistributionConfig/CustomErrorResponses/*";
    rows.push((errors, "ResponsePagePath", json!("/open")));
    rows.push((errors, "ResponseCode", json!(200)));
    rows.push((
        CONFIG,
        "ViewerCertificate",
        json!({ "AcmCertificateArn": FOREIGN_CERTIFICATE }),
    ));
    rows
}

fn headers() -> Vec<Row> {
    const PLACE: &str = "Properties/ResponseHeadersPolicyConfig";
    let one = |header: &str, value: &str| json!({ "Items": [{ "Header": header, "Value": value, "Override": true }] });
    let mut rows: Vec<Row> = vec![];
    for (header, value) in [
        ("X-Team", "imaging"),
        ("Report-To", "{}"),
        ("NEL", "{}"),
        ("Alt-Svc", "h3=\"evil.net:443\""),
        ("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("Cache-Control", "public, max-age=31536000"),
        ("Pragma", "public"),
        ("Access-Control-Allow-Origin", "*"),
        ("access-control-allow-private-network", "true"),
        ("Timing-Allow-Origin", "*"),
        ("Set-Cookie", "a=b"),
        ("Location", "https://evil.net"),
        ("Refresh", "0;url=https://evil.net"),
        ("Link", "<https://evil.net>; rel=preload"),
        ("Content-Type", "text/html"),
        (
            "Content-Security-Policy-Report-Only",
            "report-uri https://evil.net",
        ),
        ("Reporting-Endpoints", "default=\"https://evil.net\""),
        ("Service-Worker-Allowed", "/"),
        ("SourceMap", "https://evil.net"),
        ("Clear-Site-Data", "\"*\""),
        ("WWW-Authenticate", "Basic"),
        ("Vary", "*"),
        ("Speculation-Rules", "\"https://evil.net\""),
        ("Supports-Loading-Mode", "credentialed-prerender"),
        ("No-Vary-Search", "params"),
        ("X-Permitted-Cross-Domain-Policies", "all"),
    ] {
        rows.push((PLACE, "CustomHeadersConfig", one(header, value)));
    }
    for header in [
        "Server",
        "Cache-Control",
        "WWW-Authenticate",
        "Content-Type",
    ] {
        let removed = json!({ "Items": [{ "Header": header }] });
        rows.push((PLACE, "RemoveHeadersConfig", removed));
    }
    rows.push((
        "Properties/ResponseHeadersPolicyConfig/SecurityHeadersConfig",
        "XSSProtection",
        json!({ "Protection": false, "Override": true }),
    ));
    rows.push((
        PLACE,
        "CorsConfig",
        json!({
            "AccessControlAllowOrigins": { "Items": ["https://evil.net"] },
            "AccessControlAllowMethods": { "Items": ["ALL"] },
            "AccessControlAllowHeaders": { "Items": ["*"] },
            "AccessControlAllowCredentials": true, "OriginOverride": true
        }),
    ));
    rows
}

fn cache_policy() -> Vec<Row> {
    const PLACE: &str = "Properties/CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin";
    vec![
        (PLACE, "EnableAcceptEncodingBrotli", json!(true)),
        (
            "Properties/CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin/CookiesConfig",
            "Cookies",
            json!(["a"]),
        ),
    ]
}

fn function() -> Vec<Row> {
    [
        ("Layers", json!(["arn:aws:lambda:us-east-1:444455556666:layer:evil:1"])),
        ("Environment", json!({ "Variables": { "RUST_LOG": "trace" } })),
        ("VpcConfig", json!({ "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"] })),
        ("FileSystemConfigs", json!([{ "Arn": "arn:aws:elasticfilesystem:us-east-1:444455556666:access-point/x", "LocalMountPath": "/mnt/x" }])),
        ("DeadLetterConfig", json!({ "TargetArn": "arn:aws:sqs:us-east-1:444455556666:evil" })),
        ("TracingConfig", json!({ "Mode": "Active" })),
        ("SnapStart", json!({ "ApplyOn": "PublishedVersions" })),
        ("KmsKeyArn", json!(FOREIGN_KEY)),
        ("PackageType", json!("Image")),
        ("ImageConfig", json!({ "Command": ["evil"] })),
        ("RuntimeManagementConfig", json!({ "UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:evil" })),
        ("ReservedConcurrentExecutions", json!(0)),
        ("CodeSigningConfigArn", json!("arn:aws:lambda:us-east-1:444455556666:code-signing-config:x")),
        ("EphemeralStorage", json!({ "Size": 1024 })),
        ("RecursiveLoop", json!("Allow")),
        ("Tags", json!([{ "Key": "team", "Value": "imaging" }])),
        ("DurableConfig", json!({ "ExecutionTimeout": 1 })),
        ("CapacityProviderConfig", json!({ "LambdaManagedInstancesCapacityProviderConfig": {} })),
        ("TenancyConfig", json!({ "TenantIsolationMode": "PER_TENANT" })),
    ]
    .map(|(key, value)| ("Properties", key, value))
    .to_vec()
}

fn role() -> Vec<Row> {
    [
        ("Policies", json!([{ "PolicyName": "evil", "PolicyDocument": { "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] } }])),
        ("ManagedPolicyArns", json!(["arn:aws:iam::aws:policy/AdministratorAccess"])),
        ("PermissionsBoundary", json!("arn:aws:iam::111122223333:policy/mine")),
        ("RoleName", json!("evil")),
        ("MaxSessionDuration", json!(43200)),
        ("Tags", json!([{ "Key": "team", "Value": "imaging" }])),
    ]
    .map(|(key, value)| ("Properties", key, value))
    .to_vec()
}

fn bucket() -> Vec<Row> {
    [
        ("AccessControl", json!("PublicRead")),
        ("AccessControl", json!("LogDeliveryWrite")),
        ("WebsiteConfiguration", json!({ "IndexDocument": "index.html" })),
        ("CorsConfiguration", json!({ "CorsRules": [{ "AllowedMethods": ["GET"], "AllowedOrigins": ["*"] }] })),
        ("ReplicationConfiguration", json!({ "Role": FOREIGN_ROLE, "Rules": [{ "Status": "Enabled", "Destination": { "Bucket": FOREIGN_BUCKET } }] })),
        ("NotificationConfiguration", json!({ "TopicConfigurations": [{ "Event": "s3:ObjectCreated:*", "Topic": "arn:aws:sns:us-east-1:444455556666:x" }] })),
        ("NotificationConfiguration", json!({ "EventBridgeConfiguration": { "EventBridgeEnabled": true } })),
        ("InventoryConfigurations", json!([{ "Id": "x", "Enabled": true, "IncludedObjectVersions": "All", "ScheduleFrequency": "Daily", "Destination": { "BucketArn": FOREIGN_BUCKET, "BucketAccountId": "444455556666", "Format": "CSV" } }])),
        ("AnalyticsConfigurations", json!([{ "Id": "x", "StorageClassAnalysis": { "DataExport": { "OutputSchemaVersion": "V_1", "Destination": { "BucketArn": FOREIGN_BUCKET, "Format": "CSV" } } } }])),
        ("MetadataTableConfiguration", json!({ "S3TablesDestination": { "TableBucketArn": FOREIGN_BUCKET, "TableName": "x" } })),
        ("MetadataConfiguration", json!({ "JournalTableConfiguration": {} })),
        ("LoggingConfiguration", json!({ "DestinationBucketName": "mine" })),
        ("AccelerateConfiguration", json!({ "AccelerationStatus": "Enabled" })),
        ("ObjectLockEnabled", json!(true)),
        ("BucketName", json!("mine")),
        ("AbacStatus", json!("Enabled")),
        ("Tags", json!([{ "Key": "team", "Value": "imaging" }])),
    ]
    .map(|(key, value)| ("Properties", key, value))
    .to_vec()
}

fn web_acl() -> Vec<Row> {
    [
        (
            "CustomResponseBodies",
            json!({ "x": { "ContentType": "TEXT_PLAIN", "Content": "no" } }),
        ),
        (
            "AssociationConfig",
            json!({ "RequestBody": { "CLOUDFRONT": { "DefaultSizeInspectionLimit": "KB_64" } } }),
        ),
        ("DataProtectionConfig", json!({ "DataProtections": [] })),
        ("TokenDomains", json!(["example.org"])),
        (
            "CaptchaConfig",
            json!({ "ImmunityTimeProperty": { "ImmunityTime": 60 } }),
        ),
        ("Monetization", json!({ "x": 1 })),
        ("Tags", json!([{ "Key": "team", "Value": "imaging" }])),
    ]
    .map(|(key, value)| ("Properties", key, value))
    .to_vec()
}
