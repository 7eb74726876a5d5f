//! Where a secret may be. Whatever isn't listed here becomes an address that is asked, a
//! name, or a setting that a viewer gets to see.

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::is_root_key;
use crate::span::Span;
use crate::syntax::{Node, Value};
use crate::variables::Secret;
use std::collections::HashMap;

/// The keys whose values stay in the functions' configuration, or in the templates of the
/// owner's account.
const KEPT: &[&str] = &[
    "alarms.topicArn",
    "auth.access",
    "auth.accessClaims",
    "auth.audience",
    "auth.clientIds",
    "auth.groups",
    "auth.groupsClaim",
    "auth.scopes",
    "delivery.webAclArn",
    "deploy.tags",
    "domain.certificateArn",
    "domain.hostedZoneId",
    "iam.allow",
    "iam.permissionsBoundaryArn",
    "logs.kmsKeyArn",
    "resources",
];

/// What an overlay holds stays in the owner's account as well, but for the headers that every
/// viewer gets.
const OVERLAYS: &str = "resources";
const SENT: &str = ".CustomHeadersConfig";

/// What is part of an address that frames, or a function, sends a request to.
const ADDRESSES: &[&str] = &[
    "auth.issuer",
    "auth.jwksUri",
    "auth.userPoolId",
    "healthImaging",
];

/// A finding for every value with a secret in it that doesn't stay where it is safe.
pub fn check(root: &Node, secrets: &[Secret]) -> Vec<Diagnostic> {
    let mut by_place: HashMap<Span, Vec<&str>> = HashMap::new();
    for secret in secrets.iter().filter(|secret| !secret.text.is_empty()) {
        by_place.entry(secret.span).or_default().push(&secret.text);
    }
    let mut found = Vec::new();
    let Value::Mapping(entries) = &root.value else {
        return found;
    };
    if by_place.is_empty() {
        return found;
    }
    for entry in entries {
        // What the user's own keys hold counts where it is used.
        if is_root_key(&entry.key.text) {
            walk(&entry.value, &entry.key.text, &by_place, &mut found);
        }
    }
    found
}

fn walk(node: &Node, path: &str, secrets: &HashMap<Span, Vec<&str>>, found: &mut Vec<Diagnostic>) {
    let is_kept = is_in(KEPT, path) && !path.contains(SENT);
    if is_kept && !is_in(&[OVERLAYS], path) {
        return;
    }
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let path = format!("{path}.{}", entry.key.text);
                walk(&entry.value, &path, secrets, found);
            }
        }
        Value::Sequence(items) => {
            for (i, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{i}]"), secrets, found);
            }
        }
        Value::Scalar { text, .. } => {
            // Of a whole block that a variable brought, only some values may be secret.
            let here = secrets.get(&node.span).into_iter().flatten();
            if !is_kept && here.into_iter().any(|secret| shows(text, secret)) {
                found.push(finding(path, node.span));
            }
        }
        Value::Open(_) => {}
    }
}

/// Whether a value is made of the secret, or is one of the values in it.
fn shows(text: &str, secret: &str) -> bool {
    text.contains(secret) || secret.split(',').any(|part| part.trim() == text)
}

fn finding(path: &str, span: Span) -> Diagnostic {
    let message = if is_in(ADDRESSES, path) {
        format!(
            "`{path}` holds a secret value, which would be sent to the address that it is part of"
        )
    } else {
        format!("`{path}` holds a secret value, which would be a name or a setting that others see")
    };
    Diagnostic::new(codes::EXPOSED_SECRET, path, span, message).help(
        "if it is no secret, store it in a parameter of type String, or write it here; the value isn't shown",
    )
}

/// Whether the path is one of these, or is below one.
fn is_in(places: &[&str], path: &str) -> bool {
    places.iter().any(|place| {
        path.strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::paths;
    use crate::world::{AwsValue, Fixed};
    use crate::{Source, Target, compile};

    fn world() -> Fixed {
        let secret = |text: &str| AwsValue::Secret(text.to_owned());
        Fixed::empty()
            .variable("AWS_SESSION_TOKEN", "s3cret-token")
            .aws("ssm:/secret", secret("s3cret"))
            .aws("ssm:/list", secret("https://a.example,https://b.example"))
    }

    fn found(text: &str) -> Vec<String> {
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        let compiled = compile(&Source::new("f", text), target, &world());
        let shown = format!("{:?}", compiled.diagnostics);
        assert!(!shown.contains("s3cret"), "{shown}");
        let exposed = compiled.diagnostics.into_iter();
        let exposed: Vec<_> = exposed
            .filter(|d| d.code == codes::EXPOSED_SECRET)
            .collect();
        assert!(exposed.is_empty() || compiled.plan.is_none());
        exposed.into_iter().map(|d| d.path).collect()
    }

    #[test]
    fn every_list_names_keys_that_there_are() {
        let known = paths();
        for path in KEPT.iter().chain(ADDRESSES) {
            let is_known = |known: &String| is_in(&[path], known);
            assert!(known.iter().any(is_known), "{path}");
        }
    }

    /// Every key of the manifest, so that a new one has to be thought of.
    #[test]
    fn a_secret_stays_in_the_functions_and_in_the_account() {
        let mut kept = 0;
        for path in paths() {
            let keys: Vec<&str> = path.split('.').collect();
            let mut text = "'${ssm:/secret}'".to_owned();
            for key in keys.iter().rev() {
                text = match key.strip_suffix("[]") {
                    Some(key) => format!("{{{key}: [{text}]}}"),
                    None => format!("{{{key}: {text}}}"),
                };
            }
            let exposed = found(&format!("{text}\n"));
            let is_kept = is_in(KEPT, &path.replace("[]", ""));
            kept += usize::from(is_kept);
            assert_eq!(
                exposed.is_empty(),
                is_kept || path == "environments",
                "{path}: {exposed:?}"
            );
        }
        assert!(kept > 10);
    }

    #[test]
    fn it_is_found_wherever_it_comes_from() {
        for (text, path) in [
            (
                "auth: {issuer: 'https://h.example/${ssm:/secret}'}",
                "auth.issuer",
            ),
            (
                "x-a: ${ssm:/secret}\nauth: {jwksUri: 'https://h/${self:x-a}'}",
                "auth.jwksUri",
            ),
            (
                "x-a: {issuer: '${ssm:/secret}', audience: b}\nauth: ${self:x-a}",
                "auth.issuer",
            ),
            (
                "auth: {issuer: 'https://h/${env:NO, ssm:/secret}'}",
                "auth.issuer",
            ),
            (
                "auth: {issuer: 'https://h/${env:AWS_SESSION_TOKEN}'}",
                "auth.issuer",
            ),
            (
                "delivery: {cors: {origins: [x, '${ssm:/secret}']}}",
                "delivery.cors.origins[1]",
            ),
            ("service: ${env:x-${ssm:/secret}, 'y'}", "service"),
            ("service: ${cf:stack-${ssm:/secret}.Output}", "service"),
            ("service: ${ssm:/${ssm:/secret}}", "service"),
            (
                "auth: {jwksFile: '${file(${ssm:/secret})}'}",
                "auth.jwksFile",
            ),
        ] {
            assert_eq!(found(text), [path], "{text}");
        }
        let header = |id: &str, config: &str| {
            format!(
                "resources: {{cdn: {{Resources: {{{id}: {{Properties: {{ResponseHeadersPolicyConfig: {config}}}}}}}}}}}"
            )
        };
        let sent = "{CustomHeadersConfig: {Items: [{Header: X-A, Value: '${ssm:/secret}'}]}}";
        assert_eq!(
            found(&header("ResponseHeadersPolicy", sent)),
            [
                "resources.cdn.Resources.ResponseHeadersPolicy.Properties.ResponseHeadersPolicyConfig.CustomHeadersConfig.Items[0].Value"
            ]
        );
        for text in [
            &header("ResponseHeadersPolicy", "{Comment: '${ssm:/secret}'}"),
            "x-a: ${ssm:/secret}\nservice: x",
            "x-a: {issuer: 'https://i', audience: '${ssm:/secret}'}\nauth: ${self:x-a}",
            "auth: {issuer: 'https://${env:HOST, 'h'}'}",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
