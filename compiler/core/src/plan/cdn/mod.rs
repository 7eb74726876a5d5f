//! Stage `cdn`: the distribution, its policies and its names; and what watches it, unless
//! that is apart ([`logs`]).

mod domain;
mod headers;
mod paths;

use domain::{AliasRecord, DomainView, alias_records};
use headers::{ResponseHeaders, response_headers, search_policy};
pub use paths::ALL as PATHS;

use super::logs::{self, Watch};
use super::{ParameterView, PolicyCounts, Stage, View as StageView, outputs, posture};
use crate::check::{self, CheckedManifest, WebAcl};
use crate::names;
use frames_edge::READER_HEADER;
use serde::Serialize;
use serde_json::{Value, json};

/// AWS's managed policy CachingDisabled.
pub(crate) const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

/// What a native read by GET is chosen by, beside its path.
fn reads_query(delivery: &check::Delivery) -> &'static [&'static str] {
    const QUERY: [&str; 2] = ["imageFrameId", "version"];
    let of_frames = QUERY.get(..1).unwrap_or_default();
    if delivery.metadata { &QUERY } else { of_frames }
}

/// All that CloudFront can keep an error for.
const ERRORS: &[u16] = &[400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
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
    pub(super) response_headers: ResponseHeaders,
    alias_records: Vec<AliasRecord>,
    watch: Option<Watch>,
    url: Value,
}

#[derive(Debug, Clone, Serialize)]
struct Association {
    parameter: String,
    event_type: &'static str,
    include_body: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Geo {
    restriction_type: &'static str,
    locations: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Origin {
    id: &'static str,
    domain_name: String,
    /// What CloudFront adds to a request before the signer sees it.
    headers: Vec<OriginHeader>,
}

#[derive(Debug, Clone, Serialize)]
struct OriginHeader {
    name: &'static str,
    value: Value,
}

#[derive(Debug, Clone, Serialize)]
struct Behavior {
    path_pattern: Option<&'static str>,
    origin_id: &'static str,
    cache_policy_id: Value,
    origin_request_policy_id: Value,
    response_headers_policy_id: Value,
    /// The parameter of the function that marks errors, where browsers keep the rest.
    origin_response: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct CachePolicy {
    id: &'static str,
    name: String,
    comment: &'static str,
    default_ttl: u64,
    max_ttl: u64,
    headers: &'static [&'static str],
    query_strings: &'static [&'static str],
}

#[derive(Debug, Clone, Serialize)]
struct OriginRequestPolicy {
    id: &'static str,
    name: String,
    comment: &'static str,
    headers: &'static [&'static str],
    query_string_behavior: &'static str,
    query_strings: &'static [&'static str],
}

pub(super) fn stage(manifest: &CheckedManifest, env: &str) -> Stage {
    let stack_name = names::stack(&manifest.service, env, names::CDN);
    let view = view(manifest, env, &stack_name);
    let parameters = outputs(&view.parameters);
    let view = StageView::Cdn(Box::new(view));
    let region = &manifest.deploy.region;
    Stage {
        parameters,
        ..Stage::new(manifest, env, names::CDN, region, view)
    }
}

impl View {
    pub(super) fn policy_counts(&self) -> PolicyCounts {
        PolicyCounts {
            cache: self.cache_policies.len(),
            origin_request: self.origin_request_policies.len(),
            response_headers: self.response_headers.count(),
        }
    }
}

fn view(manifest: &CheckedManifest, env: &str, stack: &str) -> View {
    let delivery = &manifest.delivery;
    let apart = logs::is_apart(manifest);
    let watch = logs::watch(manifest, env, names::DISTRIBUTION).filter(|_| !apart);
    let access_logs = manifest.logs.access.as_ref();
    let waivers = posture::distribution(
        access_logs.map(|_| apart),
        manifest.domain.is_none(),
        delivery.geo.is_some(),
    );
    View {
        parameters: parameters(manifest),
        metadata: posture::metadata(&waivers),
        description: format!(
            "{}medical image frames from AWS HealthImaging",
            names::mark(&manifest.service, env)
        ),
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
        domain: manifest.domain.as_ref().map(domain::view),
        origins: origins(manifest),
        origin_shield: delivery.origin_shield.clone(),
        default_behavior: Behavior {
            path_pattern: None,
            origin_id: names::NATIVE_ORIGIN,
            cache_policy_id: json!(CACHING_DISABLED),
            origin_request_policy_id: json!({"Ref": names::NATIVE_REQUEST_POLICY}),
            response_headers_policy_id: json!({"Ref": names::RESPONSE_HEADERS_POLICY}),
            // What answers a POST is nowhere kept.
            origin_response: None,
        },
        behaviors: behaviors(delivery),
        uncached_errors: ERRORS,
        cache_policies: cache_policies(delivery, stack),
        origin_request_policies: origin_request_policies(manifest, stack),
        response_headers: response_headers(delivery, stack),
        alias_records: alias_records(manifest),
        watch,
        url: url(manifest),
    }
}

/// What lambda-edge makes and this stage uses.
fn parameters(manifest: &CheckedManifest) -> Vec<ParameterView> {
    let parameter = |name: &str, description: &str| ParameterView {
        stage: names::LAMBDA_EDGE,
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
    if manifest.delivery.cached_reads {
        parameters.push(ParameterView {
            stage: names::READS,
            name: names::READER_HOST.to_owned(),
            description: "The host of the reader's function URL".to_owned(),
        });
    }
    if !logs::is_apart(manifest) {
        parameters.extend(logs::key_parameter(manifest));
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
        headers: vec![],
    }];
    if manifest.delivery.cached_reads {
        // POST goes there; GET goes where the header says, which nobody could know when the
        // signer was packaged.
        origins.push(Origin {
            id: names::READS_ORIGIN,
            domain_name: health_imaging.native_host.clone(),
            headers: vec![OriginHeader {
                name: READER_HEADER,
                value: json!({"Ref": names::READER_HOST}),
            }],
        });
    }
    if manifest.delivery.dicomweb {
        origins.push(Origin {
            id: names::DICOMWEB_ORIGIN,
            domain_name: health_imaging.dicomweb_host.clone(),
            headers: vec![],
        });
    }
    origins
}

/// A lifetime of nothing is no cache policy: CloudFront refuses one that names
/// parts of a key and never keeps anything.
fn is_cached(delivery: &check::Delivery) -> bool {
    delivery.cache_ttl > 0
}

fn behaviors(delivery: &check::Delivery) -> Vec<Behavior> {
    let mut behaviors = Vec::new();
    if delivery.cached_reads {
        behaviors.extend(native_behaviors(delivery));
    }
    if delivery.dicomweb {
        behaviors.extend(dicomweb_behaviors(delivery));
    }
    behaviors
}

/// The function that marks errors, where browsers keep the rest.
fn marks_errors(delivery: &check::Delivery) -> Option<String> {
    (delivery.cache_browser > 0).then(|| names::version_arn(names::SIGNER))
}

/// Native reads by GET, beside those by POST.
fn native_behaviors(delivery: &check::Delivery) -> Vec<Behavior> {
    let behavior = |path_pattern| Behavior {
        path_pattern: Some(path_pattern),
        origin_id: names::READS_ORIGIN,
        cache_policy_id: if is_cached(delivery) {
            json!({"Ref": names::READS_CACHE_POLICY})
        } else {
            json!(CACHING_DISABLED)
        },
        origin_request_policy_id: json!({"Ref": names::NATIVE_REQUEST_POLICY}),
        response_headers_policy_id: json!({"Ref": names::RESPONSE_HEADERS_POLICY}),
        origin_response: marks_errors(delivery),
    };
    let mut behaviors = vec![behavior(paths::FRAME)];
    if delivery.metadata {
        behaviors.push(behavior(paths::IMAGE_SET_METADATA));
    }
    behaviors
}

fn cache_policies(delivery: &check::Delivery, stack: &str) -> Vec<CachePolicy> {
    let mut policies = Vec::new();
    if delivery.cached_reads && is_cached(delivery) {
        policies.push(CachePolicy {
            id: names::READS_CACHE_POLICY,
            name: names::policy(stack, "reads"),
            comment: "Native reads by path and what the query names",
            default_ttl: delivery.cache_ttl,
            max_ttl: delivery.cache_ttl,
            headers: &[],
            query_strings: reads_query(delivery),
        });
    }
    if delivery.dicomweb && is_cached(delivery) {
        policies.push(dicomweb_cache_policy(delivery, stack));
    }
    policies
}

/// What is retrieved is cached; searches, whose results change with every import, are not.
///
/// The first pattern that matches decides, and a `*` also matches slashes: an instance's
/// metadata and frames come by the first one, searches inside a study by those of their level.
fn dicomweb_behaviors(delivery: &check::Delivery) -> Vec<Behavior> {
    let behavior = |path_pattern, cache_policy_id, request_policy, headers_policy| Behavior {
        path_pattern: Some(path_pattern),
        origin_id: names::DICOMWEB_ORIGIN,
        cache_policy_id,
        origin_request_policy_id: json!({"Ref": request_policy}),
        response_headers_policy_id: json!({"Ref": headers_policy}),
        origin_response: None,
    };
    let search = |path_pattern| {
        behavior(
            path_pattern,
            json!(CACHING_DISABLED),
            names::SEARCH_REQUEST_POLICY,
            search_policy(delivery),
        )
    };
    let retrieval = |path_pattern| {
        let cache_policy_id = if is_cached(delivery) {
            json!({"Ref": names::DICOMWEB_CACHE_POLICY})
        } else {
            json!(CACHING_DISABLED)
        };
        Behavior {
            origin_response: marks_errors(delivery),
            ..behavior(
                path_pattern,
                cache_policy_id,
                names::DICOMWEB_REQUEST_POLICY,
                names::RESPONSE_HEADERS_POLICY,
            )
        }
    };
    vec![
        retrieval(paths::INSTANCE),
        retrieval(paths::SERIES_METADATA),
        search(paths::STUDIES),
        search(paths::SERIES),
        search(paths::INSTANCES),
    ]
}

fn dicomweb_cache_policy(delivery: &check::Delivery, stack: &str) -> CachePolicy {
    CachePolicy {
        id: names::DICOMWEB_CACHE_POLICY,
        name: names::policy(stack, "dicomweb"),
        comment: "Retrievals by path, image set and accepted transfer syntax",
        default_ttl: delivery.cache_ttl,
        // Whatever the origin says: a study may be corrected or withdrawn.
        max_ttl: delivery.cache_ttl,
        headers: &["Accept"],
        query_strings: &["imageSetId"],
    }
}

fn origin_request_policies(manifest: &CheckedManifest, stack: &str) -> Vec<OriginRequestPolicy> {
    let delivery = &manifest.delivery;
    let comment = if delivery.metadata {
        "What getImageFrame and getImageSetMetadata read"
    } else {
        "What getImageFrame reads"
    };
    // What is in the cache's key goes to the origin anyhow; without a cache it is named here.
    let uncached = delivery.cached_reads && !is_cached(delivery);
    let query_strings: &[_] = match (uncached, delivery.metadata) {
        (true, _) => reads_query(delivery),
        (false, true) => &["version"],
        (false, false) => &[],
    };
    let mut policies = vec![OriginRequestPolicy {
        id: names::NATIVE_REQUEST_POLICY,
        name: names::policy(stack, "native"),
        comment,
        headers: &["Accept", "Content-Type"],
        query_string_behavior: if query_strings.is_empty() {
            "none"
        } else {
            "whitelist"
        },
        query_strings,
    }];
    if manifest.delivery.dicomweb {
        // As with native reads.
        let (query_string_behavior, query_strings): (_, &[_]) = if is_cached(&manifest.delivery) {
            ("none", &[])
        } else {
            ("whitelist", &["imageSetId"])
        };
        policies.push(OriginRequestPolicy {
            id: names::DICOMWEB_REQUEST_POLICY,
            name: names::policy(stack, "dicomweb"),
            comment: "What a retrieval is chosen by",
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
