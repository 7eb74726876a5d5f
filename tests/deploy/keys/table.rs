//! Which key shows where: what a service tells before, and with the key set.

use super::seen::{at, items};
use super::{Group, row};

/// Keys that no update can show, and where they are shown.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "service",
        "another name is another pair of stacks: `another_service_is_another_pair_of_stacks`",
    ),
    (
        "deploy.account",
        "nothing deployed has it: `another_account_than_the_manifests_is_asked_nothing`",
    ),
    (
        "deploy.region",
        "a cdn stack doesn't move: `another_region_takes_a_removal_first`",
    ),
    (
        "resources.logs",
        "no such stack beside a cdn stack in us-east-1: `a_stack_elsewhere_is_watched_from_us_east_1`",
    ),
];

pub const GROUPS: &[Group] = &[
    Group {
        name: "user pool",
        base: "auth: {mode: cognito, userPoolId: <pool>, groups: [cardiology], jwksFile: ./jwks.json}",
        set: "auth: {mode: cognito, userPoolId: <other-pool>, clientIds: [<client>], tokenUse: any, scopes: [frames/read], groups: [radiology], groupsClaim: roles, tokenSources: [query], jwksFile: ./other.json}",
        rows: &[
            row(
                "auth.userPoolId",
                |seen| at(&seen.decides("authorizer"), "/auth/issuers/0"),
                "https://cognito-idp.us-east-1.amazonaws.com/<pool>",
                "https://cognito-idp.us-east-1.amazonaws.com/<other-pool>",
            ),
            row(
                "auth.clientIds",
                |seen| at(&seen.decides("authorizer"), "/auth/clientIds"),
                "null",
                r#"["<client>"]"#,
            ),
            row(
                "auth.tokenUse",
                |seen| at(&seen.decides("authorizer"), "/auth/tokenUse"),
                "access",
                "any",
            ),
            row(
                "auth.scopes",
                |seen| at(&seen.decides("authorizer"), "/auth/scopes"),
                "null",
                r#"["frames/read"]"#,
            ),
            row(
                "auth.groups",
                |seen| at(&seen.decides("authorizer"), "/auth/groups"),
                r#"["cardiology"]"#,
                r#"["radiology"]"#,
            ),
            row(
                "auth.groupsClaim",
                |seen| at(&seen.decides("authorizer"), "/auth/groupsClaim"),
                "cognito:groups",
                "roles",
            ),
            row(
                "auth.tokenSources",
                |seen| at(&seen.decides("authorizer"), "/auth/tokenSources"),
                r#"["authorization", "header"]"#,
                r#"["query"]"#,
            ),
            // A token in the query string is no reason to block a request.
            row(
                "auth.tokenSources",
                |seen| {
                    let rules = seen.web_acl()["Rules"].to_string();
                    rules.contains("RuleActionOverrides").into()
                },
                "false",
                "true",
            ),
            row(
                "auth.jwksFile",
                |seen| at(&seen.decides("authorizer"), "/auth/jwks/keys/0/kid"),
                "2026-01",
                "2026-02",
            ),
        ],
    },
    Group {
        name: "issuer",
        base: "auth: {mode: none}",
        set: "auth: {mode: oidc, issuer: '<issuer>', audience: [frames, images], jwksUri: '<issuer>/keys', algorithms: [RS256, ES256]}",
        rows: &[
            row(
                "auth.mode",
                |seen| seen.decides("authorizer")["auth"].is_object().into(),
                "false",
                "true",
            ),
            row(
                "auth.issuer",
                |seen| at(&seen.decides("authorizer"), "/auth/issuers"),
                "null",
                r#"["<issuer>"]"#,
            ),
            row(
                "auth.audience",
                |seen| at(&seen.decides("authorizer"), "/auth/audience"),
                "null",
                r#"["frames", "images"]"#,
            ),
            row(
                "auth.jwksUri",
                |seen| at(&seen.decides("authorizer"), "/auth/jwksUri"),
                "null",
                "<issuer>/keys",
            ),
            row(
                "auth.algorithms",
                |seen| at(&seen.decides("authorizer"), "/auth/algorithms"),
                "null",
                r#"["RS256", "ES256"]"#,
            ),
        ],
    },
    Group {
        name: "delivery",
        base: "",
        set: "
healthImaging: {region: us-west-2}
delivery:
  dicomweb: true
  cache: {ttl: 1h, browser: 30m}
  cors: {origins: ['https://viewer.example.org'], credentials: true}
  priceClass: 100
  http3: false
  originShield: us-west-2
  rateLimit: 5000
  geo: {allow: [US, CA]}",
        rows: &[
            row(
                "healthImaging.region",
                |seen| at(&seen.origins(), "/0"),
                "runtime-medical-imaging.us-east-1.amazonaws.com",
                "runtime-medical-imaging.us-west-2.amazonaws.com",
            ),
            row(
                "healthImaging.region",
                |seen| at(&seen.decides("signer"), "/region"),
                "us-east-1",
                "us-west-2",
            ),
            row(
                "healthImaging.region",
                |seen| at(&seen.statements("signer"), "/ReadFrames/Resource/0"),
                "arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>",
                "arn:aws:medical-imaging:us-west-2:<account>:datastore/<store>",
            ),
            row(
                "delivery.dicomweb",
                |seen| seen.paths(),
                "[]",
                r#"["/datastore/*/studies/*/series/*/instances/*", "/datastore/*/studies", "/datastore/*/series", "/datastore/*/instances"]"#,
            ),
            row(
                "delivery.dicomweb",
                |seen| at(&seen.origins(), "/1"),
                "null",
                "dicom-medical-imaging.us-west-2.amazonaws.com",
            ),
            row(
                "delivery.dicomweb",
                |seen| seen.sids("signer"),
                r#"["ReadFrames", "WriteOwnLogs"]"#,
                r#"["ReadDicomweb", "ReadFrames", "WriteOwnLogs"]"#,
            ),
            row(
                "delivery.cache.ttl",
                |seen| at(&seen.cache_policy(), "/MaxTTL"),
                "null",
                "3600",
            ),
            row(
                "delivery.cache.ttl",
                |seen| at(&seen.cache_policy(), "/DefaultTTL"),
                "null",
                "3600",
            ),
            row(
                "delivery.cache.browser",
                |seen| seen.sent_with("Cache-Control"),
                "private, no-store",
                "private, max-age=1800",
            ),
            row(
                "delivery.cors.origins",
                |seen| at(&seen.response_headers(), "/CorsConfig/AccessControlAllowOrigins/Items"),
                r#"["*"]"#,
                r#"["https://viewer.example.org"]"#,
            ),
            row(
                "delivery.cors.origins",
                |seen| at(&seen.decides("authorizer"), "/cors/origins"),
                r#"["*"]"#,
                r#"["https://viewer.example.org"]"#,
            ),
            row(
                "delivery.cors.credentials",
                |seen| at(&seen.response_headers(), "/CorsConfig/AccessControlAllowCredentials"),
                "false",
                "true",
            ),
            row(
                "delivery.priceClass",
                |seen| at(&seen.config(), "/PriceClass"),
                "PriceClass_All",
                "PriceClass_100",
            ),
            row(
                "delivery.http3",
                |seen| at(&seen.config(), "/HttpVersion"),
                "http2and3",
                "http2",
            ),
            row(
                "delivery.originShield",
                |seen| {
                    let origins = items(&seen.config()["Origins"]);
                    let origins = origins.as_array().unwrap().iter();
                    origins.map(|origin| at(origin, "/OriginShield/OriginShieldRegion")).collect()
                },
                "[null]",
                r#"["us-west-2", "us-west-2"]"#,
            ),
            row(
                "delivery.rateLimit",
                |seen| at(&seen.web_acl(), "/Rules/0/Statement/RateBasedStatement/Limit"),
                "100000",
                "5000",
            ),
            row(
                "delivery.geo.allow",
                |seen| at(&seen.config(), "/Restrictions/GeoRestriction"),
                "null",
                r#"{"RestrictionType": "whitelist", "Quantity": 2, "Items": ["US", "CA"]}"#,
            ),
        ],
    },
    Group {
        name: "zone",
        base: "",
        set: "domain: {cnames: [a.example.org, b.example.org], hostedZoneId: <zone>, securityPolicy: TLSv1.3_2025}",
        rows: &[
            row(
                "domain.cnames",
                |seen| items(&seen.config()["Aliases"]),
                "[]",
                r#"["a.example.org", "b.example.org"]"#,
            ),
            row(
                "domain.hostedZoneId",
                |seen| seen.records(),
                "[]",
                r#"["a.example.org. A", "a.example.org. AAAA", "a.example.org. HTTPS", "b.example.org. A", "b.example.org. AAAA", "b.example.org. HTTPS"]"#,
            ),
            row(
                "domain.hostedZoneId",
                |seen| at(&seen.certificate(), "/SubjectAlternativeNames"),
                "null",
                r#"["a.example.org", "b.example.org"]"#,
            ),
            row(
                "domain.hostedZoneId",
                |seen| at(&seen.certificate(), "/DomainValidationOptions/0/ValidationMethod"),
                "null",
                "DNS",
            ),
            row(
                "domain.securityPolicy",
                |seen| at(&seen.config(), "/ViewerCertificate/MinimumProtocolVersion"),
                "null",
                "TLSv1.3_2025",
            ),
        ],
    },
    Group {
        name: "certificate",
        base: "domain: {cnames: [frames.example.org], hostedZoneId: <zone>}",
        set: "domain: {cnames: [frames.example.org], hostedZoneId: <zone>, certificateArn: '<certificate>', securityPolicy: TLSv1.2_2025}\ndelivery: {http3: false}",
        rows: &[
            row(
                "domain.certificateArn",
                |seen| {
                    let certificate = seen.certificate()["CertificateArn"].clone();
                    (certificate == seen.word("<certificate>")).into()
                },
                "false",
                "true",
            ),
            row(
                "domain.securityPolicy",
                |seen| at(&seen.config(), "/ViewerCertificate/MinimumProtocolVersion"),
                "TLSv1.2_2021",
                "TLSv1.2_2025",
            ),
            row(
                "delivery.http3",
                |seen| seen.records(),
                r#"["frames.example.org. A", "frames.example.org. AAAA", "frames.example.org. HTTPS"]"#,
                r#"["frames.example.org. A", "frames.example.org. AAAA"]"#,
            ),
        ],
    },
    Group {
        name: "roles",
        base: "iam: {allow: [{datastore: <store>}]}",
        set: "iam: {path: /imaging/, permissionsBoundaryArn: '<boundary>', allow: []}\nalarms: {topicArn: '<topic>'}",
        rows: &[
            row(
                "iam.path",
                |seen| seen.iam_paths("authorizer"),
                r#"["/", "/"]"#,
                r#"["/imaging/", "/imaging/"]"#,
            ),
            row(
                "iam.permissionsBoundaryArn",
                |seen| at(&seen.role("signer"), "/PermissionsBoundary/PermissionsBoundaryArn"),
                "null",
                "<boundary>",
            ),
            row(
                "iam.allow",
                |seen| seen.sids("signer"),
                r#"["ReadFrames", "WriteOwnLogs"]"#,
                r#"["WriteOwnLogs"]"#,
            ),
            row(
                "alarms.topicArn",
                |seen| seen.alarms(),
                "{}",
                r#"{"heart-dev-5xx": ["<topic>"], "heart-dev-function-answers": ["<topic>"], "heart-dev-function-errors": ["<topic>"], "heart-dev-function-throttles": ["<topic>"]}"#,
            ),
        ],
    },
    Group {
        name: "rows",
        base: "iam: {allow: [{datastore: <store>}]}\ndelivery: {dicomweb: true}",
        set: "
iam:
  allow:
    - datastore: <store>
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
      studies: [1.2.3]
      series: [1.2.3.4]
delivery: {dicomweb: true}",
        rows: &[
            row(
                "iam.allow[].datastore",
                |seen| at(&seen.decides("authorizer"), "/allow"),
                r#"[{"datastore": "<store>"}]"#,
                r#"[{"datastore": "<store>", "imageSets": ["aaaabbbbccccddddeeeeffff00001111"], "studies": ["1.2.3"], "series": ["1.2.3.4"]}]"#,
            ),
            row(
                "iam.allow[].imageSets",
                |seen| at(&seen.statements("signer"), "/ReadFrames/Resource"),
                r#"["arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>", "arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>/imageset/*"]"#,
                r#"["arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>", "arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>/imageset/aaaabbbbccccddddeeeeffff00001111"]"#,
            ),
            row(
                "iam.allow[].studies",
                |seen| seen.statements("signer").to_string().contains(r#""medical-imaging:StudyInstanceUID":["1.2.3"]"#).into(),
                "false",
                "true",
            ),
            row(
                "iam.allow[].series",
                |seen| seen.statements("signer").to_string().contains(r#""medical-imaging:SeriesInstanceUID":["1.2.3.4"]"#).into(),
                "false",
                "true",
            ),
        ],
    },
    Group {
        name: "logs",
        base: "",
        set: "
logs:
  kmsKeyArn: <key>
  access: {format: parquet, prefix: a/b/, retention: 30d, objectLock: governance}
  functions: {level: info, retentionDays: 365}",
        rows: &[
            row(
                "logs.kmsKeyArn",
                |seen| {
                    let rules = seen.log_bucket("GetBucketEncryption");
                    let rule = at(&rules, "/ServerSideEncryptionConfiguration/Rules/0");
                    let key = at(&rule, "/ApplyServerSideEncryptionByDefault/KMSMasterKeyID");
                    (key == seen.word("<key>")).into()
                },
                "false",
                "true",
            ),
            row(
                "logs.kmsKeyArn",
                |seen| {
                    let keys = seen.log_groups("kmsKeyId");
                    let keys = keys.as_array().unwrap().iter();
                    keys.map(|key| *key == seen.word("<key>")).collect()
                },
                "[false, false, false]",
                "[true, true, true]",
            ),
            row(
                "logs.access.format",
                |seen| at(&seen.destination(), "/outputFormat"),
                "json",
                "parquet",
            ),
            row(
                "logs.access.prefix",
                |seen| seen.log_keys(),
                "cloudfront/{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
                "a/b/{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
            ),
            row(
                "logs.access.retention",
                |seen| {
                    let rules = seen.log_bucket("GetBucketLifecycleConfiguration");
                    at(&rules, "/Rules/0/Expiration/Days")
                },
                "365",
                "30",
            ),
            // Once on, it stays; only new objects have no retention any more.
            row(
                "logs.access.objectLock",
                |seen| seen.log_bucket("GetObjectLockConfiguration"),
                "ObjectLockConfigurationNotFoundError",
                r#"{"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}}"#,
            )
            .and_then(r#"{"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}"#),
            row(
                "logs.functions.level",
                |seen| at(&seen.decides("signer"), "/logLevel"),
                "warn",
                "info",
            ),
            row(
                "logs.functions.retentionDays",
                |seen| seen.log_groups("retentionInDays"),
                "[30, 30, 30]",
                "[365, 365, 365]",
            ),
        ],
    },
    Group {
        name: "own bucket",
        base: "",
        set: "logs: {access: {bucket: logs-<account>}}\nenvironments: {dev: {delivery: {priceClass: 200}}}",
        rows: &[
            row(
                "logs.access.bucket",
                |seen| {
                    let to = &seen.destination()["deliveryDestinationConfiguration"];
                    (to["destinationResourceArn"] == seen.word("arn:aws:s3:::logs-<account>/cloudfront")).into()
                },
                "false",
                "true",
            ),
            // Who owns a bucket says who may write to it.
            row(
                "logs.access.bucket",
                |seen| {
                    let policy = seen.log_bucket("GetBucketPolicy");
                    policy.to_string().contains("TlsOnly").into()
                },
                "true",
                "false",
            ),
            row(
                "environments",
                |seen| at(&seen.config(), "/PriceClass"),
                "PriceClass_All",
                "PriceClass_200",
            ),
        ],
    },
    Group {
        name: "other way",
        base: "",
        set: "
healthImaging: {endpoint: runtime-medical-imaging.eu-west-1.amazonaws.com}
delivery: {webAcl: none, geo: {deny: [KP]}}
logs: {access: {enabled: false}}",
        rows: &[
            row(
                "healthImaging.endpoint",
                |seen| at(&seen.decides("signer"), "/nativeHost"),
                "runtime-medical-imaging.us-east-1.amazonaws.com",
                "runtime-medical-imaging.eu-west-1.amazonaws.com",
            ),
            row(
                "delivery.webAcl",
                |seen| at(&seen.web_acl(), "/Name"),
                "heart-dev",
                "null",
            ),
            // One is the account's own.
            row(
                "delivery.webAcl",
                |seen| seen.web_acls(),
                r#"["heart-dev", "hospital"]"#,
                r#"["hospital"]"#,
            ),
            row(
                "delivery.webAcl",
                |seen| seen.log_groups("logGroupName"),
                r#"["/frames/heart-dev-authorizer", "/frames/heart-dev-signer", "aws-waf-logs-heart-dev"]"#,
                r#"["/frames/heart-dev-authorizer", "/frames/heart-dev-signer"]"#,
            ),
            row(
                "delivery.geo.deny",
                |seen| at(&seen.config(), "/Restrictions/GeoRestriction"),
                "null",
                r#"{"RestrictionType": "blacklist", "Quantity": 1, "Items": ["KP"]}"#,
            ),
            row(
                "logs.access.enabled",
                |seen| seen.sources(),
                r#"["heart-dev-access"]"#,
                "[]",
            ),
        ],
    },
    Group {
        name: "own web ACL",
        base: "",
        set: "delivery: {webAclArn: '<acl>'}",
        rows: &[
            row(
                "delivery.webAclArn",
                |seen| at(&seen.web_acl(), "/Name"),
                "heart-dev",
                "hospital",
            ),
            row(
                "delivery.webAclArn",
                |seen| seen.web_acls(),
                r#"["heart-dev", "hospital"]"#,
                r#"["hospital"]"#,
            ),
        ],
    },
    Group {
        name: "beside",
        base: "",
        set: "
deploy: {bucket: zips-<account>, tags: {team: imaging}, terminationProtection: true, launch: child}
resources:
  lambda-edge: {Resources: {AuthorizerFunction: {Properties: {Description: Mine}}}}
  cdn: {Resources: {Distribution: {Properties: {DistributionConfig: {Comment: Mine}}}}}",
        rows: &[
            // A bucket that was left isn't looked at again.
            row(
                "deploy.bucket",
                |seen| seen.zips_of_ones_own(),
                "0",
                "2",
            )
            .and_then("2"),
            row(
                "deploy.tags",
                |seen| at(&seen.function("signer"), "/Tags/team"),
                "null",
                "imaging",
            ),
            row(
                "deploy.tags",
                |seen| seen.tag_of_distribution("team"),
                "null",
                "imaging",
            ),
            row(
                "deploy.terminationProtection",
                |seen| seen.protected(),
                "[false, false]",
                "[true, true]",
            ),
            row(
                "deploy.launch",
                |seen| seen.launch("authorizer"),
                "null",
                "child\n",
            ),
            row(
                "deploy.launch",
                |seen| seen.launch("signer"),
                "null",
                "child\n",
            ),
            row(
                "resources.lambda-edge",
                |seen| at(&seen.function("authorizer"), "/Configuration/Description"),
                "Viewer request: verifies the token",
                "Mine",
            ),
            row(
                "resources.cdn",
                |seen| at(&seen.config(), "/Comment"),
                "heart (dev): medical image frames from AWS HealthImaging",
                "Mine",
            ),
        ],
    },
];
