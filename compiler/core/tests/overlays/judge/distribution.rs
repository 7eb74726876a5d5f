//! A distribution: the compiled one, and whatever other one is in the stacks.

use super::value::{canon, given, is, literal, number, referred, same, texts};
use super::{Stack, Verdict, behavior, firewall};
use serde_json::Value;

pub(super) fn judge(
    stack: &Stack,
    at: &str,
    properties: &Value,
    is_compiled: bool,
    verdict: &mut Verdict,
) {
    verdict.only(at, properties, &["DistributionConfig", "Tags"]);
    let config = properties.get("DistributionConfig").unwrap_or(&Value::Null);
    let known = [
        "Aliases",
        "CNAMEs",
        "CacheBehaviors",
        "Comment",
        "ContinuousDeploymentPolicyId",
        "CustomErrorResponses",
        "CustomOrigin",
        "DefaultCacheBehavior",
        "DefaultRootObject",
        "Enabled",
        "HttpVersion",
        "IPV6Enabled",
        "Logging",
        "OriginGroups",
        "Origins",
        "PriceClass",
        "Restrictions",
        "S3Origin",
        "Staging",
        "ViewerCertificate",
        "WebACLId",
    ];
    verdict.only(at, config, &known);
    let clean = stack.distribution;
    names(stack, at, config, is_compiled, verdict);
    origins(at, config, clean, is_compiled, verdict);
    behaviors(stack, at, config, verdict);
    certificate(at, config, clean, verdict);
    restrictions(at, config, clean, verdict);
    web_acl(stack, at, config, verdict);
    errors(at, config, verdict);
    let staging = given(config, "ContinuousDeploymentPolicyId").is_some()
        || given(config, "Staging").is_some_and(|staging| !is(Some(staging), "false"));
    verdict.unless(!staging, "staging", at, "has traffic of another one");
    // They have the query string, and with it tokens, in a bucket whose ACL lets others in.
    verdict.none("legacy-logging", at, config, &["Logging"]);
}

fn names(stack: &Stack, at: &str, config: &Value, is_compiled: bool, verdict: &mut Verdict) {
    verdict.none("aliases", at, config, &["CNAMEs"]);
    if is_compiled {
        return verdict.kept("aliases", at, config, stack.distribution, &["Aliases"]);
    }
    let own = stack.names();
    match texts(config.get("Aliases")) {
        Some(names) => {
            let foreign = names.iter().all(|name| !own.contains(&name.to_lowercase()));
            verdict.unless(foreign, "aliases", at, "takes a name of the delivery");
        }
        None => verdict.open("aliases", at, "has names that can't be told"),
    }
}

fn origins(at: &str, config: &Value, clean: &Value, is_compiled: bool, verdict: &mut Verdict) {
    verdict.none("origin", at, config, &["S3Origin", "CustomOrigin"]);
    let groups = config
        .get("OriginGroups")
        .filter(|groups| !groups.is_null());
    let empty = groups.is_none_or(|groups| given(groups, "Items").is_none());
    verdict.unless(empty, "origin-group", at, "fails over");
    let none = vec![];
    let compiled = clean["Origins"].as_array().unwrap_or(&none);
    let Some(origins) = config["Origins"].as_array() else {
        return verdict.open("origin", at, "has origins that can't be told");
    };
    for origin in origins {
        let host = origin.get("DomainName").and_then(literal);
        let fits = |one: &&Value| {
            literal(&one["DomainName"]) == host
                && (!is_compiled || same(one.get("Id"), origin.get("Id")))
        };
        let ours = host.is_some() && compiled.iter().any(|one| fits(&one));
        verdict.unless(
            ours,
            "origin",
            at,
            "has an origin that isn't HealthImaging's",
        );
        let further = [
            "OriginPath",
            "OriginCustomHeaders",
            "S3OriginConfig",
            "VpcOriginConfig",
            "OriginAccessControlId",
        ];
        verdict.none("origin", at, origin, &further);
        let known = [
            "ConnectionAttempts",
            "ConnectionTimeout",
            "CustomOriginConfig",
            "DomainName",
            "Id",
            "OriginShield",
            "ResponseCompletionTimeout",
        ];
        verdict.only(at, origin, &[&known[..], &further].concat());
        origin_tls(at, &origin["CustomOriginConfig"], verdict);
    }
}

fn origin_tls(at: &str, config: &Value, verdict: &mut Verdict) {
    let protocols = texts(config.get("OriginSSLProtocols")).unwrap_or_default();
    let fine = is(config.get("OriginProtocolPolicy"), "https-only")
        && !protocols.is_empty()
        && protocols.iter().all(|protocol| protocol == "TLSv1.2")
        && (config.get("HTTPSPort").is_none() || is(config.get("HTTPSPort"), "443"));
    verdict.unless(fine, "origin-tls", at, "reaches an origin without TLS 1.2");
    let known = [
        "HTTPPort",
        "HTTPSPort",
        "IpAddressType",
        "OriginKeepaliveTimeout",
        "OriginProtocolPolicy",
        "OriginReadTimeout",
        "OriginSSLProtocols",
    ];
    verdict.only(at, config, &known);
}

fn behaviors(stack: &Stack, at: &str, config: &Value, verdict: &mut Verdict) {
    let default = config.get("DefaultCacheBehavior").unwrap_or(&Value::Null);
    behavior::judge(
        stack,
        &format!("{at}.DefaultCacheBehavior"),
        default,
        verdict,
    );
    match config.get("CacheBehaviors") {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) => {
            for (i, one) in all.iter().enumerate() {
                behavior::judge(stack, &format!("{at}.CacheBehaviors.{i}"), one, verdict);
            }
        }
        Some(_) => verdict.open("associations", at, "has behaviors that can't be told"),
    }
}

/// Newer is later.
const FLOORS: [&str; 4] = [
    "TLSv1.2_2019",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
];

fn certificate(at: &str, config: &Value, clean: &Value, verdict: &mut Verdict) {
    let (new, old) = (&config["ViewerCertificate"], &clean["ViewerCertificate"]);
    let rank = |certificate: &Value| {
        let floor = certificate
            .get("MinimumProtocolVersion")
            .and_then(literal)?;
        FLOORS.iter().position(|known| *known == floor)
    };
    let is_default = |certificate: &Value| {
        is(certificate.get("CloudFrontDefaultCertificate"), "true")
            || given(certificate, "AcmCertificateArn").is_none()
    };
    let fine = match (is_default(old), is_default(new)) {
        (true, true) => given(new, "IamCertificateId").is_none(),
        (true, false) => rank(new) >= Some(1),
        (false, true) => false,
        (false, false) => {
            rank(new).is_some()
                && rank(new) >= rank(old)
                && same(new.get("AcmCertificateArn"), old.get("AcmCertificateArn"))
                && given(new, "IamCertificateId").is_none()
        }
    };
    verdict.unless(
        fine,
        "viewer-certificate",
        at,
        "another certificate, or an older TLS",
    );
    let known = [
        "AcmCertificateArn",
        "CloudFrontDefaultCertificate",
        "IamCertificateId",
        "MinimumProtocolVersion",
        "SslSupportMethod",
    ];
    if !new.is_null() {
        verdict.only(at, new, &known);
    }
}

fn restrictions(at: &str, config: &Value, clean: &Value, verdict: &mut Verdict) {
    let of = |config: &Value| config["Restrictions"]["GeoRestriction"].clone();
    let (new, old) = (of(config), of(clean));
    let kind = |geo: &Value| geo.get("RestrictionType").map(canon);
    let within = |inner: &Value, outer: &Value| {
        let all = (texts(inner.get("Locations")), texts(outer.get("Locations")));
        matches!(all, (Some(inner), Some(outer)) if inner.iter().all(|one| outer.contains(one)))
    };
    let fine = match old.get("RestrictionType").and_then(Value::as_str) {
        None | Some("none") => true,
        Some("whitelist") => {
            kind(&new) == kind(&old) && within(&new, &old) && given(&new, "Locations").is_some()
        }
        _ => kind(&new) == kind(&old) && within(&old, &new),
    };
    verdict.unless(fine, "geo", at, "serves further countries");
}

/// The compiled web ACL; where there is none, one that keeps no samples.
fn web_acl(stack: &Stack, at: &str, config: &Value, verdict: &mut Verdict) {
    if given(stack.distribution, "WebACLId").is_some() {
        return verdict.kept("web-acl", at, config, stack.distribution, &["WebACLId"]);
    }
    let Some(acl) = given(config, "WebACLId").filter(|acl| literal(acl).is_none()) else {
        return;
    };
    let added = referred(acl, Some("Arn")).and_then(|id| stack.resource(&id));
    match added.filter(|added| added["Type"] == "AWS::WAFv2::WebACL") {
        Some(added) => firewall::samples(at, &added["Properties"], verdict),
        None => verdict.open("web-acl", at, "has a web ACL that can't be told"),
    }
}

/// A refusal has to come as it is, from the authorizer: not as a page, or another status.
fn errors(at: &str, config: &Value, verdict: &mut Verdict) {
    let fine = match config.get("CustomErrorResponses") {
        None | Some(Value::Null) => true,
        Some(Value::Array(all)) => all.iter().all(|one| {
            given(one, "ResponsePagePath").is_none()
                && given(one, "ResponseCode").is_none()
                && number(one.get("ErrorCachingMinTTL")).is_some()
        }),
        Some(_) => false,
    };
    verdict.unless(fine, "error-page", at, "answers errors with something else");
}
