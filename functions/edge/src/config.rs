//! `config.json`: all that a function knows. The compiler writes it into the
//! zip, the function reads it before its first invocation. An unknown key is an
//! error: a function must never run on a configuration it only half understands.

use crate::access::Access;
use crate::operation::Served;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The viewer-request function's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorizerConfig {
    /// `null` when the manifest says `auth.mode: none`: every request passes the token step.
    /// Written out, as serde would take a forgotten key for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub auth: Option<AuthConfig>,
    pub dicomweb: bool,
    /// Whether `GetImageSetMetadata` is served; missing without `delivery.metadata`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metadata: bool,
    /// Whether native reads are served by GET, too; missing without `delivery.cachedReads`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached_reads: bool,
    /// What may be asked for, cached or not; missing: whatever the signer's role may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Allow>>,
    pub cors: Cors,
    pub log_level: LogLevel,
    /// There where each request that passes is written down: the claims that say whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_claims: Option<Vec<String>>,
}

impl AuthorizerConfig {
    /// Which reads it lets pass.
    pub fn served(&self) -> Served {
        Served {
            dicomweb: self.dicomweb,
            metadata: self.metadata,
            reads: self.cached_reads,
        }
    }
}

/// A data store that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allow {
    pub datastore: String,
    /// Missing: all of the data store, by DICOMweb too, which knows no image sets in its paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_sets: Option<Vec<String>>,
    /// What DICOMweb serves of the data store: these studies and series, and no searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub studies: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthConfig {
    /// Whose tokens are taken. Each has its own keys.
    pub issuers: Vec<Issuer>,
    /// A key set (RFC 7517) baked in by `jwksFile`, of the only issuer; nothing is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// For how many seconds after they were fetched the issuers' `initialJwks` are used
    /// without asking the issuer; missing: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_keys_for: Option<u64>,
    /// JOSE algorithm names, asymmetric ones only.
    pub algorithms: Vec<String>,
    /// `aud` must hold one of these; empty: not checked, and then `tokenUse` is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The clients whose tokens are taken; empty: any. Cognito names the client in
    /// `client_id` of an access token and in `aud` of an id token, others in `azp`,
    /// else `client_id`, `cid` or `appid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_ids: Vec<String>,
    /// Cognito's `token_use`; missing for other issuers, whose tokens have no such claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_use: Option<TokenUse>,
    /// All of them must be in `scope`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// One of them must be in `groupsClaim`: a claim by that whole name, else a path of
    /// members with dots between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    pub groups_claim: String,
    /// Who may read what; missing: whoever passes may read all that `allow` lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Where a token says itself what it may read; with `access`, both have to allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_claims: Option<AccessClaims>,
    pub token_sources: Vec<TokenSource>,
}

/// The claims that list what a token may read, each found as `groupsClaim` is. One that
/// is named here and isn't in the token, as a text or a list of texts, reads nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessClaims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastores: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_sets: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub studies: Option<String>,
}

/// One issuer of tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// `iss` is one of these, character for character. Some issuers write more than one.
    pub names: Vec<String>,
    /// Where the key set is fetched from. Missing: by discovery
    /// (`<first name>/.well-known/openid-configuration`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The key set as it was when the function was packaged: for a sandbox that can't
    /// reach the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_jwks: Option<Value>,
    /// When `initialJwks` was fetched, in seconds since 1970; there only with `trustKeysFor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_at: Option<u64>,
}

impl AuthConfig {
    /// Everything that `iss` may be.
    pub fn issuer_names(&self) -> impl Iterator<Item = &String> {
        self.issuers.iter().flat_map(|issuer| &issuer.names)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenUse {
    Access,
    Id,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenSource {
    /// `Authorization: Bearer …`
    Authorization,
    /// Header `token`
    Header,
    /// Query parameter `token`
    Query,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cors {
    /// Origins that browsers may call from; `*` for any; empty for none.
    pub origins: Vec<String>,
    /// Whether browsers may send cookies along. Never with `*`: they refuse that.
    pub credentials: bool,
}

/// Which lines a function writes to its log: those of this level, and graver ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
}

/// The origin-request function's `config.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignerConfig {
    /// SigV4's region: where the data store lives.
    pub region: String,
    /// `runtime-medical-imaging.<region>.amazonaws.com`
    pub native_host: String,
    /// `dicom-medical-imaging.<region>.amazonaws.com`; missing without `delivery.dicomweb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dicomweb_host: Option<String>,
    /// Whether `GetImageSetMetadata` is signed for; missing without `delivery.metadata`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metadata: bool,
    /// Whether it also signs for the reader, in the same Region; missing without
    /// `delivery.cachedReads`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached_reads: bool,
    pub log_level: LogLevel,
}

/// The header of the origin in which the signer is told the host of the reader's function URL.
pub const READER_HEADER: &str = "Frames-Reader";

impl SignerConfig {
    /// Which reads it signs for.
    pub fn served(&self) -> Served {
        Served {
            dicomweb: self.dicomweb_host.is_some(),
            metadata: self.metadata,
            reads: self.cached_reads,
        }
    }
}

/// The reader's `config.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReaderConfig {
    /// SigV4's region: where the data store lives.
    pub region: String,
    /// `runtime-medical-imaging.<region>.amazonaws.com`
    pub native_host: String,
    /// Whether metadata is served, too.
    pub metadata: bool,
    pub log_level: LogLevel,
}

impl ReaderConfig {
    /// Which reads it makes.
    pub fn served(&self) -> Served {
        Served {
            dicomweb: false,
            metadata: self.metadata,
            reads: true,
        }
    }
}

/// Refuses a Region that isn't one, and hosts that aren't HealthImaging's own in it.
/// A host comes with its key and the word that its API begins with.
pub fn check_hosts<'a>(
    region: &str,
    hosts: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), String> {
    if !is_region(region) {
        return Err(format!(
            "config.json: `region` is {region:?}, which isn't an AWS Region's code"
        ));
    }
    for (key, api, host) in hosts {
        let own = format!("{api}-medical-imaging.{region}.amazonaws.com");
        if host != own {
            return Err(format!(
                "config.json: `{key}` is {host:?}; the only host to sign for is {own:?}"
            ));
        }
    }
    Ok(())
}

/// One label of a host name, as a Region's code is.
fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_forgotten_auth_is_not_mode_none() {
        let rest = json!({
            "dicomweb": true,
            "cors": {"origins": [], "credentials": false},
            "logLevel": "warn",
        });
        let problem = serde_json::from_value::<AuthorizerConfig>(rest.clone()).unwrap_err();
        assert!(problem.to_string().contains("auth"), "{problem}");
        let mut open = rest;
        open["auth"] = Value::Null;
        let open: AuthorizerConfig = serde_json::from_value(open).unwrap();
        assert_eq!(open.auth, None);
        let written = serde_json::to_value(&open).unwrap();
        assert_eq!(written.get("auth"), Some(&Value::Null));
    }

    #[test]
    fn levels_are_ordered_by_how_much_is_written() {
        assert!(LogLevel::Error < LogLevel::Warn && LogLevel::Warn < LogLevel::Info);
        assert_eq!(json!(LogLevel::Warn), "warn");
        assert!(serde_json::from_value::<LogLevel>(json!("debug")).is_err());
    }
}
