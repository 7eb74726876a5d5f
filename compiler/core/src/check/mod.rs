//! Manifest to [`CheckedManifest`]: what spans several keys. One file a rule
//! family; no rule depends on another's order. Only this module can make a
//! `CheckedManifest`, so that nothing unchecked is ever compiled.

mod absent;
mod access;
mod alarms;
mod auth;
mod delivery;
mod deploy;
mod domain;
mod exposed;
mod healthimaging;
mod iam;
mod jwks;
mod logs;
mod native;
mod swallowed;
#[cfg(test)]
pub(crate) mod testing;
mod writable;

pub(crate) use deploy::unguarded;
pub use domain::COMMON_NAME;
pub use exposed::check as exposed;
pub use jwks::problem as key_set_problem;

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{Manifest, Text};
use crate::source::Source;
use crate::syntax::Node;
use crate::world::{Unread, World};
use frames_edge::{AuthConfig, Cors, LogLevel};
use serde::{Deserialize, Serialize};
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
    pub alarms: Option<Alarms>,
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
    /// `None`: one that the stacks make, in `hosted_zone_id`.
    pub certificate_arn: Option<String>,
    pub hosted_zone_id: Option<String>,
    pub security_policy: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iam {
    /// `None`: everything in the account.
    pub allow: Option<Vec<Allow>>,
    pub path: String,
    pub permissions_boundary_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    pub datastore: String,
    /// `None`: every image set of it, unless it is limited to studies or series.
    pub image_sets: Option<Vec<String>>,
    pub studies: Option<Vec<String>>,
    pub series: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub dicomweb: bool,
    /// `GetImageSetMetadata`.
    pub metadata: bool,
    /// Native reads by GET, too.
    pub cached_reads: bool,
    /// In seconds.
    pub cache_ttl: u64,
    /// In seconds: how long a viewer's own cache keeps what it got.
    pub cache_browser: u64,
    pub cors: Cors,
    /// `all`, `200` or `100`.
    pub price_class: String,
    pub http3: bool,
    pub origin_shield: Option<String>,
    pub web_acl: WebAcl,
    pub geo: Option<Geo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebAcl {
    None,
    /// One of the lambda-edge stack's own.
    Managed {
        /// Requests of an address within five minutes.
        rate_limit: u32,
    },
    Arn(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geo {
    /// These countries and no others; else all others.
    pub allow: bool,
    pub countries: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// `None`: a key of the lambda-edge stack's own.
    pub kms_key_arn: Option<String>,
    /// `None`: switched off.
    pub access: Option<AccessLogs>,
    pub functions: FunctionLogs,
    /// The claims that an audit line has; `None`: there are no audit lines.
    pub audit_claims: Option<Vec<String>>,
}

impl Logs {
    /// Access logs go to a bucket that the stacks make.
    pub fn has_managed_bucket(&self) -> bool {
        self.access
            .as_ref()
            .is_some_and(|access| access.bucket.is_none())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogs {
    /// `None`: one of the stack's own.
    pub bucket: Option<String>,
    /// `json` or `parquet`.
    pub format: String,
    /// Without a slash at its end.
    pub prefix: String,
    pub retention_days: u64,
    /// S3 Object Lock's mode.
    pub object_lock: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    pub topic_arn: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLogs {
    pub level: LogLevel,
    pub retention_days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// The only account that this may be deployed to; `None`: any.
    pub account: Option<String>,
    /// Home of the cdn stage.
    pub region: String,
    /// Where the zips go; `None`: a bucket that deploy makes.
    pub bucket: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    pub launch: Launch,
    /// How many different deployments can be rolled back to.
    pub keep: usize,
}

/// How `index.py` hands over to the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Launch {
    /// The program replaces Python.
    #[default]
    Exec,
    /// Python stays, and is the program's Runtime API.
    Child,
}

/// A block without a value, since there are findings in it.
#[derive(Debug)]
struct Flawed;

/// The Region that CloudFront takes functions and certificates from.
pub const EDGE_REGION: &str = "us-east-1";

/// Runs every rule. The checked manifest is there when no rule found an error.
pub fn check(manifest: &Manifest, world: &dyn World) -> (Option<CheckedManifest>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let health_imaging = healthimaging::check(&manifest.health_imaging, &mut found);
    let auth = auth::check(manifest, world, &mut found);
    let domain = domain::check(manifest, &mut found);
    let delivery = delivery::check(&manifest.delivery, &mut found);
    let logs = logs::check(manifest, &mut found);
    let alarms = alarms::check(manifest, &mut found);
    let deploy = deploy::check(&manifest.deploy, &mut found);
    let iam = iam::check(manifest, delivery.dicomweb, &mut found);
    let access = access::check(manifest, delivery.dicomweb, &mut found);
    if found.iter().any(Diagnostic::is_error) {
        return (None, found);
    }
    let checked = || {
        Some(CheckedManifest {
            service: manifest.service.as_ref()?.value.clone(),
            health_imaging: health_imaging?,
            auth: auth.ok()?.map(|auth| access.of(auth)),
            domain: domain.ok()?,
            iam,
            delivery,
            logs,
            alarms,
            deploy,
            resources: manifest.resources.clone(),
            _checked: Checked,
        })
    };
    (checked(), found)
}

/// Where and how the stacks are deployed, as far as that is well formed.
pub(crate) fn deploy(given: &crate::manifest::Deploy) -> Deploy {
    deploy::check(given, &mut Vec::new())
}

/// An ARN of another Region than the edge's. `what` in a sentence: "the certificate"; `help`
/// is how to get one there.
fn edge_arn(arn: &Text, path: &str, what: &str, help: &str, found: &mut Vec<Diagnostic>) {
    let region = arn.value.split(':').nth(3).unwrap_or_default();
    if region != EDGE_REGION {
        let message =
            format!("{what} is in {region}; it is used in {EDGE_REGION} and has to be there");
        found.push(Diagnostic::new(codes::WRONG_REGION, path, arn.span, message).help(help));
    }
}

/// Reads a file that the manifest names, as JSON. Its text is read as a manifest's is.
fn read_json(world: &dyn World, path: &str) -> Result<Value, Unread> {
    let bytes = world.read_file(path)?;
    let source = Source::from_bytes(path, &bytes).map_err(|unreadable| {
        let diagnostic = unreadable.diagnostic;
        let help = diagnostic.help.map(|help| format!("; {help}"));
        Unread::Other(diagnostic.message + &help.unwrap_or_default())
    })?;
    let text = source.text();
    serde_json::from_str(text).map_err(|error| Unread::Other(not_json(text, &error)))
}

/// What a text is that should be JSON.
fn not_json(text: &str, error: &serde_json::Error) -> String {
    let text = text.trim_start();
    if text.is_empty() {
        "it is empty".to_owned()
    } else if text.starts_with("-----BEGIN") {
        "it is PEM, not a JSON Web Key Set".to_owned()
    } else if text.starts_with('<') {
        "it is a web page, not JSON".to_owned()
    } else if error.is_eof() {
        "it ends in the middle of its JSON".to_owned()
    } else {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or(&what);
        format!("it isn't JSON from line {line}, column {column} on: {what}")
    }
}

/// The second of two equal texts in a list is a finding.
fn no_duplicates(texts: &[Text], path: &str, found: &mut Vec<Diagnostic>) {
    for (i, text) in texts.iter().enumerate() {
        let same = |other: &&Text| other.value.eq_ignore_ascii_case(&text.value);
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
