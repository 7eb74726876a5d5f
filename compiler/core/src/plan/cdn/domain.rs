//! The distribution's own names, and their records.

use crate::check::{CheckedManifest, Domain};
use crate::names;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, Serialize)]
pub(super) struct DomainView {
    cnames: Vec<String>,
    certificate: Value,
    security_policy: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct AliasRecord {
    id: String,
    hosted_zone_id: String,
    name: String,
    r#type: &'static str,
}

pub(super) fn view(domain: &Domain) -> DomainView {
    DomainView {
        cnames: domain.cnames.clone(),
        certificate: match &domain.certificate_arn {
            Some(arn) => json!(arn),
            None => json!({"Ref": names::CERTIFICATE_ARN}),
        },
        security_policy: domain.security_policy.clone(),
    }
}

pub(super) fn alias_records(manifest: &CheckedManifest) -> Vec<AliasRecord> {
    let Some((domain, zone)) = manifest
        .domain
        .as_ref()
        .and_then(|d| Some((d, d.hosted_zone_id.as_ref()?)))
    else {
        return vec![];
    };
    // An HTTPS record tells a viewer of HTTP/3 before it connects.
    let types: &[&str] = if manifest.delivery.http3 {
        &["A", "AAAA", "HTTPS"]
    } else {
        &["A", "AAAA"]
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
