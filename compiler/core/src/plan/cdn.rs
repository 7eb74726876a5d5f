//! Stage `cdn`: the distribution, its policies, its access logs and its names.

use super::iam::{self, Statement};
use super::{Parameter, Stage, names, posture};
use crate::check::{self, CheckedManifest, EDGE_REGION, WebAcl};
use frames_edge::Cors;
use serde::Serialize;
use serde_json::{Value, json};

/// AWS's managed policy CachingDisabled.
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

/// All that CloudFront can keep an error for.
const ERRORS: &[u16] = &[400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/// The fields of CloudFront's v2 access logs that are kept. Left out:
/// `cs-uri-query`, `cs(Cookie)` and `cs(Referer)`, where a token may stand.
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

#[derive(Serialize)]
struct View {
    description: String,
    parameters: Vec<ParameterView>,
    associations: Vec<Association>,
    metadata: Value,
    http_version: &'static str,
    price_class: String,
    web_acl: Option<Value>,
    geo: Option<Geo>,
    domain: Option<DomainView>,
    origins: Vec<Origin>,
    origin_shield: Option<String>,
    default_behavior: Behavior,
    behaviors: Vec<Behavior>,
    uncached_errors: &'static [u16],
    cache_policies: Vec<CachePolicy>,
    origin_request_policies: Vec<OriginRequestPolicy>,
    response_headers: ResponseHeaders,
    access_logs: Option<AccessLogs>,
    alias_records: Vec<AliasRecord>,
    alarms: Vec<Alarm>,
    alarm_topic: Option<String>,
    url: Value,
}

/// An output of lambda-edge.
#[derive(Serialize)]
struct ParameterView {
    name: String,
    description: String,
}

#[derive(Serialize)]
struct Alarm {
    id: &'static str,
    name: String,
    description: &'static str,
    metric: &'static str,
    statistic: &'static str,
    threshold: u32,
    periods: u32,
}

#[derive(Serialize)]
struct Association {
    parameter: String,
    event_type: &'static str,
    include_body: bool,
}

#[derive(Serialize)]
struct Geo {
    restriction_type: &'static str,
    locations: Vec<String>,
}

#[derive(Serialize)]
struct DomainView {
    cnames: Vec<String>,
    certificate: Value,
    security_policy: String,
}

#[derive(Serialize)]
struct Origin {
    id: &'static str,
    domain_name: String,
}

#[derive(Serialize)]
struct Behavior {
    path_pattern: Option<&'static str>,
    origin_id: &'static str,
    cache_policy_id: Value,
    origin_request_policy_id: Value,
}

#[derive(Serialize)]
struct CachePolicy {
    id: &'static str,
    name: String,
    comment: &'static str,
    default_ttl: u64,
    max_ttl: u64,
    headers: &'static [&'static str],
    query_strings: &'static [&'static str],
}

#[derive(Serialize)]
struct OriginRequestPolicy {
    id: &'static str,
    name: String,
    comment: &'static str,
    headers: &'static [&'static str],
    query_string_behavior: &'static str,
    query_strings: &'static [&'static str],
}

#[derive(Serialize)]
struct ResponseHeaders {
    name: String,
    comment: &'static str,
    cors: Option<CorsView>,
}

#[derive(Serialize)]
struct CorsView {
    origins: Vec<String>,
    credentials: bool,
    methods: &'static [&'static str],
    headers: &'static [&'static str],
    expose: &'static [&'static str],
    max_age: u32,
}

#[derive(Serialize)]
struct AccessLogs {
    /// The stack's own bucket, where there is one.
    managed: Option<LogBucket>,
    bucket: Value,
    destination_arn: Value,
    format: String,
    suffix_path: String,
    source_name: String,
    destination_name: String,
    record_fields: &'static [&'static str],
}

#[derive(Serialize)]
struct LogBucket {
    key: Value,
    object_lock: Option<&'static str>,
    metadata: Value,
    retention_days: u64,
    statements: Vec<Statement>,
}

#[derive(Serialize)]
struct AliasRecord {
    id: String,
    hosted_zone_id: String,
    name: String,
    r#type: &'static str,
}

pub fn stage(manifest: &CheckedManifest, env: &str) -> Stage {
    let stack_name = names::stack(&manifest.service, env, names::CDN);
    let view = view(manifest, env, &stack_name);
    let parameters = view.parameters.iter().map(|parameter| {
        let output = Parameter::Output {
            stage: names::LAMBDA_EDGE.to_owned(),
            output: parameter.name.clone(),
        };
        (parameter.name.clone(), output)
    });
    Stage {
        name: names::CDN,
        overlay: manifest.resources.get(names::CDN).cloned(),
        region: manifest.deploy.region.clone(),
        parameters: parameters.collect(),
        functions: vec![],
        tags: manifest.deploy.tags.clone(),
        termination_protection: manifest.deploy.termination_protection,
        view: json!(view),
        stack_name,
    }
}

fn view(manifest: &CheckedManifest, env: &str, stack: &str) -> View {
    let delivery = &manifest.delivery;
    let waivers = posture::distribution(
        manifest.logs.access.is_some(),
        manifest.domain.is_none(),
        delivery.geo.is_some(),
    );
    View {
        parameters: parameters(manifest),
        metadata: posture::metadata(&waivers),
        description: format!("{stack}: medical image frames from AWS HealthImaging"),
        associations: vec![
            association(names::AUTHORIZER, "viewer-request", false),
            association(names::SIGNER, "origin-request", true),
        ],
        http_version: if delivery.http3 { "http2and3" } else { "http2" },
        price_class: price_class(&delivery.price_class),
        web_acl: match &delivery.web_acl {
            WebAcl::None => None,
            WebAcl::Managed { .. } => Some(json!({"Ref": names::WEB_ACL_ARN})),
            WebAcl::Arn(arn) => Some(json!(arn)),
        },
        geo: delivery.geo.as_ref().map(geo),
        domain: manifest.domain.as_ref().map(|domain| DomainView {
            cnames: domain.cnames.clone(),
            certificate: match &domain.certificate_arn {
                Some(arn) => json!(arn),
                None => json!({"Ref": names::CERTIFICATE_ARN}),
            },
            security_policy: domain.security_policy.clone(),
        }),
        origins: origins(manifest),
        origin_shield: delivery.origin_shield.clone(),
        default_behavior: Behavior {
            path_pattern: None,
            origin_id: names::NATIVE_ORIGIN,
            cache_policy_id: json!(CACHING_DISABLED),
            origin_request_policy_id: json!({"Ref": names::NATIVE_REQUEST_POLICY}),
        },
        behaviors: if delivery.dicomweb {
            dicomweb_behaviors(delivery)
        } else {
            vec![]
        },
        uncached_errors: ERRORS,
        cache_policies: if is_cached(delivery) {
            vec![dicomweb_cache_policy(delivery, stack)]
        } else {
            vec![]
        },
        origin_request_policies: origin_request_policies(manifest, stack),
        response_headers: response_headers(&delivery.cors, stack),
        access_logs: access_logs(manifest, env),
        alias_records: alias_records(manifest),
        alarms: alarms(manifest, env),
        alarm_topic: manifest
            .alarms
            .as_ref()
            .map(|alarms| alarms.topic_arn.clone()),
        url: url(manifest),
    }
}

/// What lambda-edge makes and this stage uses.
fn parameters(manifest: &CheckedManifest) -> Vec<ParameterView> {
    let parameter = |name: &str, description: &str| ParameterView {
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let mut parameters = Vec::from(
        [
            (names::AUTHORIZER, "viewer-request"),
            (names::SIGNER, "origin-request"),
        ]
        .map(|(function, event)| {
            parameter(
                &names::version_arn(function),
                &format!("Version of the {function}, run at {event}"),
            )
        }),
    );
    if matches!(manifest.delivery.web_acl, WebAcl::Managed { .. }) {
        parameters.push(parameter(
            names::WEB_ACL_ARN,
            "The web ACL, which is in us-east-1",
        ));
    }
    let domain = manifest.domain.as_ref();
    if domain.is_some_and(|domain| domain.certificate_arn.is_none()) {
        parameters.push(parameter(
            names::CERTIFICATE_ARN,
            "The certificate, which is in us-east-1",
        ));
    }
    if manifest.logs.has_managed_bucket() && manifest.logs.kms_key_arn.is_none() {
        parameters.push(parameter(
            names::LOGS_KEY_ARN,
            "The key that encrypts the logs",
        ));
    }
    parameters
}

fn association(function: &str, event_type: &'static str, include_body: bool) -> Association {
    Association {
        parameter: names::version_arn(function),
        event_type,
        include_body,
    }
}

fn price_class(word: &str) -> String {
    match word {
        "all" => "PriceClass_All".to_owned(),
        number => format!("PriceClass_{number}"),
    }
}

fn geo(geo: &check::Geo) -> Geo {
    Geo {
        restriction_type: if geo.allow { "whitelist" } else { "blacklist" },
        locations: geo.countries.clone(),
    }
}

fn origins(manifest: &CheckedManifest) -> Vec<Origin> {
    let health_imaging = &manifest.health_imaging;
    let mut origins = vec![Origin {
        id: names::NATIVE_ORIGIN,
        domain_name: health_imaging.native_host.clone(),
    }];
    if manifest.delivery.dicomweb {
        origins.push(Origin {
            id: names::DICOMWEB_ORIGIN,
            domain_name: health_imaging.dicomweb_host.clone(),
        });
    }
    origins
}

/// A lifetime of nothing is no cache policy: CloudFront refuses one that names
/// parts of a key and never keeps anything.
fn is_cached(delivery: &check::Delivery) -> bool {
    delivery.dicomweb && delivery.cache_ttl > 0
}

/// Instances are cached; searches, whose results change with every import, are not.
fn dicomweb_behaviors(delivery: &check::Delivery) -> Vec<Behavior> {
    let behavior = |path_pattern, cache_policy_id, request_policy| Behavior {
        path_pattern: Some(path_pattern),
        origin_id: names::DICOMWEB_ORIGIN,
        cache_policy_id,
        origin_request_policy_id: json!({"Ref": request_policy}),
    };
    let search = |path_pattern| {
        behavior(
            path_pattern,
            json!(CACHING_DISABLED),
            names::SEARCH_REQUEST_POLICY,
        )
    };
    vec![
        behavior(
            "/datastore/*/studies/*/series/*/instances/*",
            if is_cached(delivery) {
                json!({"Ref": names::DICOMWEB_CACHE_POLICY})
            } else {
                json!(CACHING_DISABLED)
            },
            names::DICOMWEB_REQUEST_POLICY,
        ),
        search("/datastore/*/studies"),
        search("/datastore/*/series"),
        search("/datastore/*/instances"),
    ]
}

fn dicomweb_cache_policy(delivery: &check::Delivery, stack: &str) -> CachePolicy {
    CachePolicy {
        id: names::DICOMWEB_CACHE_POLICY,
        name: names::policy(stack, "dicomweb"),
        comment: "Instances by path, image set and accepted transfer syntax",
        default_ttl: delivery.cache_ttl,
        // Whatever the origin says: a study may be corrected or withdrawn.
        max_ttl: delivery.cache_ttl,
        headers: &["Accept"],
        query_strings: &["imageSetId"],
    }
}

fn origin_request_policies(manifest: &CheckedManifest, stack: &str) -> Vec<OriginRequestPolicy> {
    let mut policies = vec![OriginRequestPolicy {
        id: names::NATIVE_REQUEST_POLICY,
        name: names::policy(stack, "native"),
        comment: "What getImageFrame reads",
        headers: &["Accept", "Content-Type"],
        query_string_behavior: "none",
        query_strings: &[],
    }];
    if manifest.delivery.dicomweb {
        // What is in the cache's key goes to the origin anyhow; without a cache it is named here.
        let (query_string_behavior, query_strings): (_, &[_]) = if is_cached(&manifest.delivery) {
            ("none", &[])
        } else {
            ("whitelist", &["imageSetId"])
        };
        policies.push(OriginRequestPolicy {
            id: names::DICOMWEB_REQUEST_POLICY,
            name: names::policy(stack, "dicomweb"),
            comment: "What an instance is chosen by",
            headers: &["Accept"],
            query_string_behavior,
            query_strings,
        });
        policies.push(OriginRequestPolicy {
            id: names::SEARCH_REQUEST_POLICY,
            name: names::policy(stack, "search"),
            comment: "A search is its query",
            headers: &["Accept"],
            query_string_behavior: "all",
            query_strings: &[],
        });
    }
    policies
}

fn response_headers(cors: &Cors, stack: &str) -> ResponseHeaders {
    ResponseHeaders {
        name: names::policy(stack, "headers"),
        comment: "CORS and security headers",
        cors: (!cors.origins.is_empty()).then(|| CorsView {
            origins: cors.origins.clone(),
            credentials: cors.credentials,
            methods: &["GET", "HEAD", "POST", "OPTIONS"],
            headers: &["Accept", "Authorization", "Content-Type", "Token"],
            expose: &[
                "Age",
                "Content-Length",
                "Content-Type",
                "Server-Timing",
                "WWW-Authenticate",
                "X-Cache",
            ],
            max_age: 600,
        }),
    }
}

/// CloudFront's v2 access logs, whose fields can be chosen. Their resources
/// stand in us-east-1 alone; the legacy logs, which stand anywhere, would record
/// query strings, and with them tokens and patients' names.
fn access_logs(manifest: &CheckedManifest, env: &str) -> Option<AccessLogs> {
    let logs = manifest.logs.access.as_ref()?;
    let name = names::log_delivery(&manifest.service, env);
    let own = logs.bucket.as_deref();
    let destination = names::log_destination(&manifest.service, env, &logs.format, own);
    let (bucket, destination_arn) = match &logs.bucket {
        None => (
            json!({"Ref": names::ACCESS_LOGS}),
            json!({"Fn::GetAtt": [names::ACCESS_LOGS, "Arn"]}),
        ),
        Some(own) => (
            json!(own),
            json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:s3:::{own}")}),
        ),
    };
    Some(AccessLogs {
        managed: logs.bucket.is_none().then(|| LogBucket {
            key: match &manifest.logs.kms_key_arn {
                Some(own) => json!(own),
                None => json!({"Ref": names::LOGS_KEY_ARN}),
            },
            object_lock: logs.object_lock,
            metadata: posture::metadata(&posture::log_bucket()),
            retention_days: logs.retention_days,
            statements: iam::log_bucket(&name),
        }),
        bucket,
        destination_arn,
        format: logs.format.clone(),
        suffix_path: format!(
            "{}/{{DistributionId}}/{{yyyy}}/{{MM}}/{{dd}}/{{HH}}",
            logs.prefix
        ),
        source_name: name,
        destination_name: destination,
        record_fields: RECORD_FIELDS,
    })
}

fn alias_records(manifest: &CheckedManifest) -> Vec<AliasRecord> {
    let Some((domain, zone)) = manifest
        .domain
        .as_ref()
        .and_then(|d| Some((d, d.hosted_zone_id.as_ref()?)))
    else {
        return vec![];
    };
    // An HTTPS record tells a viewer of HTTP/3 before it connects.
    let types: &[&str] = match manifest.delivery.http3 {
        true => &["A", "AAAA", "HTTPS"],
        false => &["A", "AAAA"],
    };
    let names = domain.cnames.iter();
    names
        .flat_map(|name| {
            types.iter().map(move |r#type| AliasRecord {
                id: names::alias_record_id(name, r#type),
                hosted_zone_id: zone.clone(),
                name: name.clone(),
                r#type,
            })
        })
        .collect()
}

/// Alarms on CloudFront's own metrics, which are in us-east-1 and count all edges;
/// Lambda's are spread over the Regions where the replicas run.
fn alarms(manifest: &CheckedManifest, env: &str) -> Vec<Alarm> {
    if manifest.alarms.is_none() || manifest.deploy.region != EDGE_REGION {
        return vec![];
    }
    let function = |id, what, description, metric| Alarm {
        id,
        name: names::alarm(&manifest.service, env, what),
        description,
        metric,
        statistic: "Sum",
        threshold: 0,
        periods: 1,
    };
    vec![
        Alarm {
            id: "ServerErrorsAlarm",
            name: names::alarm(&manifest.service, env, "5xx"),
            description: "More than 5 % of the answers are 5xx, for a quarter of an hour",
            metric: "5xxErrorRate",
            statistic: "Average",
            threshold: 5,
            periods: 3,
        },
        function(
            "FunctionErrorsAlarm",
            "function-errors",
            "An edge function failed",
            "LambdaExecutionError",
        ),
        function(
            "FunctionAnswersAlarm",
            "function-answers",
            "CloudFront refused what an edge function answered",
            "LambdaValidationError",
        ),
        function(
            "FunctionThrottlesAlarm",
            "function-throttles",
            "An edge function was throttled",
            "LambdaLimitExceededErrors",
        ),
    ]
}

fn url(manifest: &CheckedManifest) -> Value {
    let cname = manifest
        .domain
        .as_ref()
        .and_then(|domain| domain.cnames.iter().find(|name| !name.starts_with('*')));
    match cname {
        Some(cname) => json!(format!("https://{cname}")),
        None => json!({"Fn::Sub": "https://${Distribution.DomainName}"}),
    }
}
