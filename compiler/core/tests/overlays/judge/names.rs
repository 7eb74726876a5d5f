//! Certificates and records: who answers for the delivery's names.

use super::value::{given, is, literal, texts};
use super::{Stack, Verdict};
use serde_json::Value;

pub(super) fn certificate(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let kept = [
        "CertificateAuthorityArn",
        "DomainName",
        "DomainValidationOptions",
        "SubjectAlternativeNames",
        "ValidationMethod",
    ];
    verdict.kept("certificate", at, new, old, &kept);
    let export = given(new, "CertificateExport");
    let fine = export.is_none() || is(export, "DISABLED");
    verdict.unless(fine, "certificate", at, "its private key can be exported");
    let harmless = [
        "CertificateExport",
        "CertificateTransparencyLoggingPreference",
        "KeyAlgorithm",
        "Tags",
    ];
    verdict.only(at, new, &[&kept[..], &harmless].concat());
}

pub(super) fn record(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let kept = [
        "AliasTarget",
        "HostedZoneId",
        "HostedZoneName",
        "Name",
        "ResourceRecords",
        "Type",
    ];
    verdict.kept("record", at, new, old, &kept);
    let harmless = [
        "CidrRoutingConfig",
        "Comment",
        "Failover",
        "GeoLocation",
        "GeoProximityLocation",
        "HealthCheckId",
        "MultiValueAnswer",
        "Region",
        "SetIdentifier",
        "TTL",
        "Weight",
    ];
    verdict.only(at, new, &[&kept[..], &harmless].concat());
}

/// Without the dot at the end, in lower case, Route 53's escapes (`\145`) undone.
fn plain(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name.trim_end_matches('.');
    while let Some(first) = rest.chars().next() {
        let escaped = rest.get(1..4).filter(|_| first == '\\');
        let byte = escaped.and_then(|octal| u8::from_str_radix(octal, 8).ok());
        let (shown, length) = byte.map_or((first, first.len_utf8()), |byte| (byte.into(), 4));
        text.push(shown);
        rest = &rest[length..];
    }
    text.to_lowercase()
}

/// Whether a name is one of the delivery's, or one that decides about it.
fn touches(name: &str, kind: &str, own: &[String]) -> bool {
    let name = plain(name);
    own.iter().any(|own| {
        let below = |inner: &str, outer: &str| inner.ends_with(&format!(".{outer}"));
        let base = own.strip_prefix("*.").unwrap_or(own);
        let wildcard = own.starts_with("*.") && below(&name, base);
        // By `_acme-challenge.<name>`, others get certificates for it.
        let proof = name.starts_with('_') && (below(&name, base) || name == *base);
        let delegates = ["NS", "DS"].contains(&kind) && (below(base, &name) || name == *base);
        name == *own || wildcard || proof || delegates
    })
}

/// A record that an overlay adds.
pub(super) fn added_record(stack: &Stack, at: &str, record: &Value, verdict: &mut Verdict) {
    let own = stack.names();
    let name = record.get("Name").and_then(literal);
    let kind = record.get("Type").and_then(literal).unwrap_or_default();
    let fine = own.is_empty()
        || name.is_some_and(|name| {
            kind == "TXT" && !name.starts_with('_') || !touches(&name, &kind, &own)
        });
    verdict.unless(fine, "record", at, "may answer for a name of the delivery");
}

pub(super) fn added_certificate(stack: &Stack, at: &str, new: &Value, verdict: &mut Verdict) {
    let own = stack.names();
    let further = texts(new.get("SubjectAlternativeNames"));
    let name = new.get("DomainName").and_then(literal);
    let fine = further.zip(name).is_some_and(|(mut names, name)| {
        names.push(name);
        !names.iter().any(|name| own.contains(&plain(name)))
    });
    verdict.unless(fine, "certificate", at, "is for a name of the delivery");
}
