//! A behavior, with the policies that it uses: who comes through, what is one object in the cache,
//! and what goes on to the origin.

use super::functions::{is_event, is_version};
use super::value::{given, is, literal, number, referred, texts};
use super::{Stack, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

/// AWS's own policy that caches nothing and puts nothing into the key.
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

pub(super) fn judge(stack: &Stack, at: &str, behavior: &Value, verdict: &mut Verdict) {
    let fine = is(behavior.get("ViewerProtocolPolicy"), "https-only");
    verdict.unless(fine, "viewer-protocol", at, "isn't HTTPS only");
    let fine = associated(stack, behavior);
    verdict.unless(fine, "associations", at, "runs other functions");
    verdict.none(
        "cloudfront-function",
        at,
        behavior,
        &["FunctionAssociations"],
    );
    verdict.none("realtime-log", at, behavior, &["RealtimeLogConfigArn"]);
    verdict.none("forwarding", at, behavior, &["ForwardedValues"]);
    response_headers(stack, at, behavior, verdict);
    caching(stack, at, behavior, verdict);
    let known = [
        "AllowedMethods",
        "CachePolicyId",
        "CachedMethods",
        "Compress",
        "DefaultTTL",
        "ForwardedValues",
        "FunctionAssociations",
        "LambdaFunctionAssociations",
        "MaxTTL",
        "MinTTL",
        "OriginRequestPolicyId",
        "PathPattern",
        "RealtimeLogConfigArn",
        "ResponseHeadersPolicyId",
        "TargetOriginId",
        "ViewerProtocolPolicy",
        // They ask for a signature beside the token.
        "TrustedKeyGroups",
        "TrustedSigners",
    ];
    verdict.only(at, behavior, &known);
}

/// The authorizer before the cache, the signer behind it, nothing else.
fn associated(stack: &Stack, behavior: &Value) -> bool {
    let Some(all) = behavior["LambdaFunctionAssociations"].as_array() else {
        return false;
    };
    let one = |event: &str, function: &str| {
        let mut of_event = all.iter().filter(|one| is_event(one, event));
        let first = of_event.next();
        first.is_some_and(|one| is_version(stack, one.get("LambdaFunctionARN"), function))
            && of_event.next().is_none()
    };
    // At origin-response the signer marks what browsers may not keep.
    let marks = usize::from(one("origin-response", "Signer"));
    all.len() == 2 + marks && one("viewer-request", "Authorizer") && one("origin-request", "Signer")
}

/// The stack's own policy, which headers.rs judges; a managed one has other CORS.
fn response_headers(stack: &Stack, at: &str, behavior: &Value, verdict: &mut Verdict) {
    let id = behavior
        .get("ResponseHeadersPolicyId")
        .and_then(|id| referred(id, Some("Id")));
    let compiled = id.is_some_and(|id| {
        let known = stack.compiled(&id);
        known.is_some_and(|known| known["Type"] == "AWS::CloudFront::ResponseHeadersPolicy")
    });
    verdict.unless(
        compiled,
        "response-headers",
        at,
        "has other response headers",
    );
}

/// Names, all of them, or all but some.
#[derive(Debug, Clone)]
enum Set {
    Of(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Set {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Of(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
        }
    }

    fn within(&self, outer: &Self) -> bool {
        match (self, outer) {
            (Self::Of(names), outer) => names.iter().all(|name| outer.has(name)),
            (Self::AllBut(left_out), Self::AllBut(outer)) => outer.is_subset(left_out),
            (Self::AllBut(_), Self::Of(_)) => false,
        }
    }
}

/// What a policy takes of a request.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    headers: Set,
    queries: Set,
    cookies: bool,
    /// A cache policy that keeps answers.
    keeps: bool,
}

fn nothing() -> Taken {
    Taken {
        headers: Set::Of(BTreeSet::new()),
        queries: Set::Of(BTreeSet::new()),
        cookies: false,
        keeps: false,
    }
}

fn set(behavior: Option<&Value>, names: Option<&Value>, lower: bool) -> Option<Set> {
    let names = || -> Option<BTreeSet<String>> {
        let names = texts(names)?.into_iter();
        Some(if lower {
            names.map(|name| name.to_lowercase()).collect()
        } else {
            names.collect()
        })
    };
    match literal(behavior?)?.as_str() {
        "none" => Some(Set::Of(BTreeSet::new())),
        "whitelist" => Some(Set::Of(names()?)),
        "all" | "allViewer" | "allViewerAndWhitelistCloudFront" => {
            Some(Set::AllBut(BTreeSet::new()))
        }
        "allExcept" => Some(Set::AllBut(names()?)),
        _ => None,
    }
}

/// Reads the three parts that cache and origin request policies have alike.
fn taken(parts: &Value) -> Option<Taken> {
    let (headers, queries) = (&parts["HeadersConfig"], &parts["QueryStringsConfig"]);
    let cookies = parts["CookiesConfig"].get("CookieBehavior");
    Some(Taken {
        headers: set(headers.get("HeaderBehavior"), headers.get("Headers"), true)?,
        queries: set(
            queries.get("QueryStringBehavior"),
            queries.get("QueryStrings"),
            false,
        )?,
        cookies: !is(cookies, "none"),
        keeps: false,
    })
}

/// A policy of the same template; one of another type, or from elsewhere, can't be told.
fn policy<'a>(template: &'a Value, id: &Value, kind: &str) -> Option<&'a Value> {
    let resource = template["Resources"].get(referred(id, Some("Id"))?)?;
    let unconditional = resource.get("Condition").is_none();
    let fits = unconditional && resource["Type"] == format!("AWS::CloudFront::{kind}");
    fits.then(|| &resource["Properties"][format!("{kind}Config")])
}

fn cache(template: &Value, behavior: &Value) -> Option<Taken> {
    let id = behavior.get("CachePolicyId")?;
    if is(Some(id), CACHING_DISABLED) {
        return Some(nothing());
    }
    let config = policy(template, id, "CachePolicy")?;
    let key = taken(&config["ParametersInCacheKeyAndForwardedToOrigin"])?;
    let off = ["MinTTL", "DefaultTTL", "MaxTTL"]
        .iter()
        .all(|ttl| number(config.get(*ttl)) == Some(0.0));
    Some(Taken { keeps: !off, ..key })
}

fn origin(template: &Value, behavior: &Value) -> Option<Taken> {
    match given(behavior, "OriginRequestPolicyId") {
        None => Some(nothing()),
        Some(id) => taken(policy(template, id, "OriginRequestPolicy")?),
    }
}

/// What a distribution's behaviors send on, cache policy and origin request policy each.
pub(super) fn ways(template: &Value, config: &Value) -> Vec<Taken> {
    let others = config["CacheBehaviors"].as_array().into_iter().flatten();
    others
        .chain([&config["DefaultCacheBehavior"]])
        .flat_map(|behavior| [cache(template, behavior), origin(template, behavior)])
        .flatten()
        .collect()
}

fn caching(stack: &Stack, at: &str, behavior: &Value, verdict: &mut Verdict) {
    let (Some(key), Some(sent)) = (
        cache(stack.finished, behavior),
        origin(stack.finished, behavior),
    ) else {
        return verdict.open("cache-key", at, "what is cached can't be told");
    };
    for one in [&key, &sent] {
        let headers = stack
            .ways
            .iter()
            .any(|way| one.headers.within(&way.headers));
        let queries = stack
            .ways
            .iter()
            .any(|way| one.queries.within(&way.queries));
        let fine = headers && queries && !one.cookies;
        verdict.unless(fine, "forwarding", at, "sends more on to the origin");
    }
    // What decides the answer is in the key, wherever answers are kept.
    let apart = key.headers.has("accept")
        && key.queries.has("imageSetId")
        && sent.headers.within(&key.headers)
        && sent.queries.within(&key.queries);
    verdict.unless(
        !key.keeps || apart,
        "cache-key",
        at,
        "the key doesn't tell objects apart",
    );
}
