//! What a deployment of the package would do and the local edge doesn't. The edge says
//! it at its start, so that nobody takes it for tested.

use super::{at::At, stages::Stage, web_acl::WebAcl};
use crate::Error;

/// Parts of a distribution that the edge obeys, or that no viewer can notice.
const DISTRIBUTION: &[&str] = &[
    "Aliases",
    "CacheBehaviors",
    "Comment",
    "CustomErrorResponses",
    "DefaultCacheBehavior",
    "Enabled",
    "HttpVersion",
    "IPV6Enabled",
    "Logging",
    "Origins",
    "PriceClass",
    "Restrictions",
    "ViewerCertificate",
    "WebACLId",
];
const BEHAVIOR: &[&str] = &[
    "AllowedMethods",
    "CachePolicyId",
    "CachedMethods",
    "Compress",
    "LambdaFunctionAssociations",
    "OriginRequestPolicyId",
    "PathPattern",
    "RealtimeLogConfigArn",
    "ResponseHeadersPolicyId",
    "TargetOriginId",
    "ViewerProtocolPolicy",
];
const ORIGIN: &[&str] = &[
    "ConnectionAttempts",
    "ConnectionTimeout",
    "CustomOriginConfig",
    "DomainName",
    "Id",
    "OriginCustomHeaders",
    "OriginPath",
    "OriginShield",
];

/// Resources beside the distribution, and what they would do.
const BESIDE: &[(&str, &str)] = &[
    ("AWS::Logs::Delivery", "access logs"),
    ("AWS::CloudWatch::Alarm", "alarms"),
    ("AWS::Route53::RecordSet", "DNS records"),
];

pub(super) fn notes(
    stages: &[Stage],
    config: &At<'_>,
    web_acl: Option<&WebAcl>,
) -> Result<Vec<String>, Error> {
    let mut notes: Vec<String> = web_acl.and_then(web_acl_note).into_iter().collect();
    if config.opt("Aliases").is_some() {
        notes.push(
            "plain HTTP is used instead of HTTPS here: no certificate, no security policy"
                .to_owned(),
        );
    }
    let mut resources = Vec::new();
    for stage in stages {
        let template = At::root(&stage.file, &stage.template);
        for (_, resource) in template.get("Resources")?.entries()? {
            resources.push((resource.get("Type")?.text()?.to_owned(), resource));
        }
    }
    let bounded = |resource: &At<'_>| resource.dig(&["Properties", "PermissionsBoundary"]).is_ok();
    if resources
        .iter()
        .any(|(kind, resource)| kind == "AWS::IAM::Role" && bounded(resource))
    {
        notes.push(
            "the permissions boundary isn't known here: it may forbid what the role allows"
                .to_owned(),
        );
    }
    let beside: Vec<&str> = BESIDE
        .iter()
        .filter(|(kind, _)| resources.iter().any(|(found, _)| found == kind))
        .map(|(_, what)| *what)
        .collect();
    if !beside.is_empty() {
        notes.push(format!("not made here: {}", beside.join(", ")));
    }
    notes.extend(unmodelled(config)?);
    Ok(notes)
}

fn web_acl_note(web_acl: &WebAcl) -> Option<String> {
    match web_acl {
        WebAcl::Elsewhere => Some(
            "the web ACL doesn't belong to these stacks: what it blocks isn't known, and nothing is blocked here"
                .to_owned(),
        ),
        WebAcl::Here { unmodelled, .. } if unmodelled.is_empty() => None,
        WebAcl::Here { unmodelled, .. } => Some(format!(
            "these parts of the web ACL aren't modelled: {}",
            unmodelled.join(", ")
        )),
    }
}

/// An overlay may say more about a distribution than the edge knows.
fn unmodelled(config: &At<'_>) -> Result<Vec<String>, Error> {
    let mut found = unknown_keys("distribution", config, DISTRIBUTION)?;
    if config
        .opt("Enabled")
        .is_some_and(|e| !e.flag().unwrap_or(true))
    {
        found.push("the distribution is disabled: deployed, it would answer nothing".to_owned());
    }
    let default = config.opt("DefaultCacheBehavior");
    let others = config.items_or_empty("CacheBehaviors")?;
    for behavior in default.iter().chain(&others) {
        found.extend(unknown_keys("behavior", behavior, BEHAVIOR)?);
    }
    for origin in config.get("Origins")?.items()? {
        found.extend(unknown_keys("origin", &origin, ORIGIN)?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn unknown_keys(what: &str, node: &At<'_>, known: &[&str]) -> Result<Vec<String>, Error> {
    let says_nothing = |node: &At<'_>| {
        let value = node.value;
        value.is_null()
            || value == &serde_json::Value::Bool(false)
            || value.as_str().is_some_and(str::is_empty)
            || value.as_array().is_some_and(Vec::is_empty)
    };
    Ok(node
        .entries()?
        .into_iter()
        .filter(|(key, value)| !known.contains(key) && !says_nothing(value))
        .map(|(key, _)| format!("the {what}'s `{key}` isn't modelled"))
        .collect())
}
