//! The distribution, its policies, its certificate and its names.

use super::{Ours, any_of, attribute, hashed, reference, resource};
use crate::names;
use crate::plan::cdn::CACHING_DISABLED;
use frames_edge::cors::{ALLOWED_HEADERS, EXPOSED_HEADERS, PREFLIGHT_SECONDS};
use serde_json::{Value, json};

impl Ours<'_> {
    pub(super) fn of_distribution(&self, id: &str) -> Option<Value> {
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
