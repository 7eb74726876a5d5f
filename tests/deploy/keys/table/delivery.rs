//! What is delivered, and by which names.

use crate::deploy::keys::seen::{at, items};
use crate::deploy::keys::{Group, row};

pub const READS: Group = Group {
    name: "reads",
    base: "",
    set: "delivery: {cachedReads: true, metadata: true}",
    rows: &[
        row(
            "delivery.cachedReads",
            |seen| seen.paths(),
            "[]",
            r#"["/datastore/*/image?et/*/getImageFrame", "/datastore/*/image?et/*/getImageSetMetadata"]"#,
        ),
        row(
            "delivery.metadata",
            |seen| at(&seen.decides("authorizer"), "/metadata"),
            "null",
            "true",
        ),
        row(
            "delivery.metadata",
            |seen| at(&seen.statements("signer"), "/ReadFrames/Action"),
            r#"["medical-imaging:GetImageFrame"]"#,
            r#"["medical-imaging:GetImageFrame", "medical-imaging:GetImageSetMetadata"]"#,
        ),
        row(
            "delivery.cachedReads",
            |seen| at(&seen.decides("signer"), "/cachedReads"),
            "null",
            "true",
        ),
        row(
            "delivery.cachedReads",
            |seen| seen.sids("signer"),
            r#"["ReadFrames", "WriteOwnLogs"]"#,
            r#"["CallReader", "ReadFrames", "RunReader", "WriteOwnLogs"]"#,
        ),
    ],
};

pub const READS_OVERLAY: Group = Group {
    name: "overlay of reads",
    base: "delivery: {cachedReads: true}",
    set: "
delivery: {cachedReads: true}
resources:
  reads: {Resources: {ReaderFunction: {Properties: {Description: Mine}}}}",
    rows: &[row(
        "resources.reads",
        |seen| at(&seen.function("reader"), "/Configuration/Description"),
        "Function URL: reads from HealthImaging by POST what CloudFront asks for by GET",
        "Mine",
    )],
};

pub const DELIVERY: Group = Group {
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
            r#"["/datastore/*/studies/*/series/*/instances/*", "/datastore/*/studies/*/series/*/metadata", "/datastore/*/studies", "/datastore/*/series", "/datastore/*/instances"]"#,
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
            |seen| {
                at(
                    &seen.response_headers(),
                    "/CorsConfig/AccessControlAllowOrigins/Items",
                )
            },
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
            |seen| {
                at(
                    &seen.response_headers(),
                    "/CorsConfig/AccessControlAllowCredentials",
                )
            },
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
                origins
                    .map(|origin| at(origin, "/OriginShield/OriginShieldRegion"))
                    .collect()
            },
            "[null]",
            r#"["us-west-2", "us-west-2"]"#,
        ),
        row(
            "delivery.rateLimit",
            |seen| {
                at(
                    &seen.web_acl(),
                    "/Rules/0/Statement/RateBasedStatement/Limit",
                )
            },
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
};

pub const ZONE: Group = Group {
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
            |seen| {
                at(
                    &seen.certificate(),
                    "/DomainValidationOptions/0/ValidationMethod",
                )
            },
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
};

pub const CERTIFICATE: Group = Group {
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
};

pub const OTHER_WAY: Group = Group {
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
};

pub const OWN_WEB_ACL: Group = Group {
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
};
