//! Manifest to [`CheckedManifest`]: what spans several keys. One file a rule
//! family; no rule depends on another's order. Only this module can make a
//! `CheckedManifest`, so that nothing unchecked is ever compiled.

mod auth;
mod delivery;
mod deploy;
mod domain;
mod healthimaging;
mod iam;
mod jwks;
mod logs;
#[cfg(test)]
pub(crate) mod testing;

pub use deploy::MOST_TAGS;
pub use jwks::problem as key_set_problem;

use crate::Environment;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Manifest;
use crate::syntax::Node;
use frames_edge::{AuthConfig, Cors, LogLevel};
use serde_json::Value;
use std::collections::BTreeMap;

/// A manifest without errors, its defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedManifest {
    pub service: String,
    pub health_imaging: HealthImaging,
    /// `None`: `auth.mode: none`.
    pub auth: Option<AuthConfig>,
    pub domain: Option<Domain>,
    pub iam: Iam,
    pub delivery: Delivery,
    pub logs: Logs,
    pub deploy: Deploy,
    /// What is merged into the stages' templates.
    pub resources: BTreeMap<&'static str, Node>,
    /// Keeps construction inside this module.
    _checked: Checked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Checked;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthImaging {
    pub region: String,
    pub native_host: String,
    pub dicomweb_host: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub cnames: Vec<String>,
    pub certificate_arn: String,
    pub hosted_zone_id: Option<String>,
    pub security_policy: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iam {
    /// `None`: everything in the account.
    pub allow: Option<Vec<Allow>>,
    pub permissions_boundary_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    pub datastore: String,
    /// `None`: every image set of it.
    pub image_sets: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub dicomweb: bool,
    /// In seconds.
    pub cache_ttl: u64,
    pub cors: Cors,
    /// `all`, `200` or `100`.
    pub price_class: String,
    pub http3: bool,
    pub origin_shield: Option<String>,
    pub web_acl_arn: Option<String>,
    pub geo: Option<Geo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geo {
    /// These countries and no others; else all others.
    pub allow: bool,
    pub countries: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// `None`: switched off, or not to be had where the cdn stack is.
    pub access: Option<AccessLogs>,
    pub functions: FunctionLogs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogs {
    /// `None`: one of the stack's own.
    pub bucket: Option<String>,
    /// Without a slash at its end.
    pub prefix: String,
    pub retention_days: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLogs {
    pub level: LogLevel,
    pub retention_days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Home of the cdn stage.
    pub region: String,
    /// Where the zips go; `None`: a bucket that deploy makes.
    pub bucket: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
}

/// The Region that CloudFront takes functions and certificates from.
pub const EDGE_REGION: &str = "us-east-1";

/// Runs every rule. The checked manifest is there when no rule found an error.
pub fn check(
    manifest: &Manifest,
    environment: &dyn Environment,
) -> (Option<CheckedManifest>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let health_imaging = healthimaging::check(&manifest.health_imaging, &mut found);
    let auth = auth::check(manifest, environment, &mut found);
    let domain = domain::check(manifest, &mut found);
    let delivery = delivery::check(&manifest.delivery, &mut found);
    let logs = logs::check(manifest, &mut found);
    let deploy = deploy::check(&manifest.deploy, &mut found);
    let iam = iam::check(manifest, delivery.dicomweb, &mut found);
    if found.iter().any(Diagnostic::is_error) {
        return (None, found);
    }
    let checked = || {
        Some(CheckedManifest {
            service: manifest.service.as_ref()?.value.clone(),
            health_imaging: health_imaging?,
            auth: auth?,
            domain: domain?,
            iam,
            delivery,
            logs,
            deploy,
            resources: manifest.resources.clone(),
            _checked: Checked,
        })
    };
    (checked(), found)
}

/// Reads a file that the manifest names, as JSON.
fn read_json(environment: &dyn Environment, path: &str) -> Result<Value, String> {
    let bytes = environment.read_file(path)?;
    serde_json::from_slice(&bytes).map_err(|error| format!("it isn't JSON: {error}"))
}

/// The second of two equal texts in a list is a finding.
fn no_duplicates(texts: &[crate::manifest::Text], path: &str, found: &mut Vec<Diagnostic>) {
    for (i, text) in texts.iter().enumerate() {
        let same = |other: &&crate::manifest::Text| other.value.eq_ignore_ascii_case(&text.value);
        if let Some(first) = texts[..i].iter().find(same) {
            let message = format!("`{}` is listed twice", text.value);
            found.push(
                Diagnostic::new(
                    codes::DUPLICATE_VALUE,
                    format!("{path}[{i}]"),
                    text.span,
                    message,
                )
                .related(first.span, "first here")
                .help("remove one of them"),
            );
        }
    }
}
