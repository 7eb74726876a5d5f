//! The package as the edge needs it: which behavior serves a path, with which
//! policies, and which packaged function runs at which event.

mod at;
mod function;
mod notes;
mod pattern;
mod policies;
mod read;
mod reads;
mod role;
mod stages;
#[cfg(test)]
mod tests;
mod web_acl;

pub(crate) use pattern::glob;
#[cfg(test)]
pub use policies::SecurityHeader;
pub use policies::{CachePolicy, Cors, ForwardPolicy, ResponseHeadersPolicy, Selection};
pub use read::read;
pub use reads::Reader;
pub use role::{SERIES, STUDY, Statement};
pub use web_acl::{CoreRule, Rule, WebAcl};

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// A package (`.frames/<env>/`), read.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    pub distribution: Distribution,
    /// By logical id, each once, however many behaviors name it.
    pub functions: BTreeMap<String, Function>,
    /// What the signer's role says about HealthImaging.
    pub signer: Vec<Statement>,
    /// The function behind a URL that native reads by GET go to.
    pub reader: Option<Reader>,
    /// What a deployment would do and the local edge doesn't, one sentence each.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// In the template's order: the first whose pattern matches wins. The last
    /// one, without a pattern, is the default.
    pub behaviors: Vec<Behavior>,
    pub origins: BTreeMap<String, Origin>,
    /// The names that it answers to, beside its own.
    pub aliases: Vec<String>,
    pub geo: Option<Geo>,
    pub web_acl: Option<WebAcl>,
    /// `ErrorCachingMinTTL` by status.
    pub error_ttl: BTreeMap<u16, u64>,
}

/// The only countries that are served, or those that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geo {
    pub allow: bool,
    pub countries: Vec<String>,
}

impl Geo {
    pub fn serves(&self, country: &str) -> bool {
        let named = self
            .countries
            .iter()
            .any(|c| c.eq_ignore_ascii_case(country));
        named == self.allow
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// `None`: the default behavior.
    pub pattern: Option<String>,
    pub origin: String,
    pub allowed_methods: Vec<String>,
    pub cached_methods: Vec<String>,
    pub cache: CachePolicy,
    /// Names the policy in the cache's key: two policies never share an entry.
    pub cache_id: String,
    pub origin_request: ForwardPolicy,
    pub response_headers: Option<ResponseHeadersPolicy>,
    pub viewer_request: Option<Association>,
    pub origin_request_function: Option<Association>,
    pub origin_response_function: Option<Association>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Logical id in [`Package::functions`].
    pub function: String,
    pub include_body: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub id: String,
    pub domain_name: String,
    pub https_port: u16,
    pub path: String,
    /// Origin Shield is in front of it.
    pub shielded: bool,
    pub read_timeout: Duration,
    pub keepalive_timeout: u64,
    pub ssl_protocols: Vec<String>,
    /// What CloudFront adds to each request for it, and functions may change.
    pub custom_headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Where it runs; `None`: at the edge.
    pub region: Option<String>,
    pub handler: String,
    pub runtime: String,
    pub memory_mb: u64,
    pub timeout: Duration,
    pub zip: PathBuf,
    /// Lower-case hex, from the plan; what is unpacked must have it.
    pub sha256: String,
}

impl Distribution {
    /// Whether a host name is one of its aliases; `*.` matches one label.
    pub fn has_alias(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.aliases.iter().any(|alias| {
            let alias = alias.to_ascii_lowercase();
            match (alias.strip_prefix("*."), name.split_once('.')) {
                (Some(domain), Some((label, rest))) => !label.is_empty() && rest == domain,
                _ => alias == name,
            }
        })
    }

    /// The behavior that serves `path`.
    pub fn behavior(&self, path: &str) -> Option<&Behavior> {
        self.behaviors.iter().find(|b| {
            b.pattern
                .as_deref()
                .is_none_or(|pattern| pattern::matches(pattern, path))
        })
    }
}
