//! The manifest that the commands would take, and its issuer.

use super::{Check, LIMIT, State};
use crate::artifact;
use crate::cli::Global;
use crate::commands::findings::compile_with;
use crate::project::Project;
use crate::terminal::Terminal;
use frames_edge::{AuthConfig, Issuer};

pub(super) struct Looked {
    pub check: Check,
    /// What the authorizer needs, where there is an issuer to ask.
    auth: Option<AuthConfig>,
    /// Why it isn't asked.
    unasked: &'static str,
}

pub(super) fn look(global: &Global) -> Looked {
    const NAME: &str = "manifest";
    let only = |check: Check| Looked {
        check,
        auth: None,
        unasked: "there is no valid manifest",
    };
    let found = match &global.config {
        Some(path) => Project::read(path.clone(), global).map(Some),
        None => Project::search(global),
    };
    let project = match found {
        Ok(Some(project)) => project,
        Ok(None) => {
            let none = "there is no frames.yml here or in a directory above";
            return only(Check::new(NAME, State::Skipped, none).help("`frames init` writes one"));
        }
        Err(failure) => {
            let check = Check::new(NAME, State::Missing, failure.message);
            return only(match failure.help {
                Some(help) => check.help(help),
                None => check,
            });
        }
    };
    let (_, compiled) = compile_with(&project, global.target(), &project);
    let shown = &project.shown;
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|found| found.is_error())
        .count();
    if errors > 0 {
        let found = match errors {
            1 => format!("{shown} has 1 error"),
            n => format!("{shown} has {n} errors"),
        };
        return only(
            Check::new(NAME, State::Missing, found).help("`frames validate` shows what is wrong"),
        );
    }
    let Some(mut plan) = compiled.plan else {
        let found = format!("{shown} has no errors; the rest only AWS knows");
        return only(Check::new(NAME, State::Ok, found).help("`frames validate --online` asks"));
    };
    let text = String::from_utf8_lossy(&project.text);
    let auth = plan.authorizer_mut().and_then(|config| config.auth.clone());
    let (auth, unasked) = match auth {
        None => (None, "the manifest uses no tokens"),
        Some(auth) if auth.jwks.is_some() => (None, "the manifest has its own keys"),
        Some(auth) if !auth.issuers.iter().all(|issuer| is_written(issuer, &text)) => (
            None,
            "a variable is in its address; `frames package --fetch-keys` asks",
        ),
        Some(auth) => (Some(auth), ""),
    };
    Looked {
        check: Check::new(NAME, State::Ok, format!("{shown} is valid")),
        auth,
        unasked,
    }
}

/// Whether the address is in the manifest as it is asked for. Nothing that came from a variable,
/// and may be a secret, goes to a host that only a manifest names.
fn is_written(issuer: &Issuer, text: &str) -> bool {
    let pool = |name: &str| {
        let (host, pool) = name.strip_prefix("https://cognito-idp.")?.split_once('/')?;
        (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
            .then(|| pool.to_owned())
    };
    let is_in = |address: &str| {
        let pool = pool(address);
        text.contains(pool.as_deref().unwrap_or(address))
    };
    match &issuer.jwks_uri {
        Some(address) => is_in(address.trim_end_matches("/.well-known/jwks.json")),
        None => issuer.names.first().is_some_and(|name| is_in(name)),
    }
}

/// Why there are no keys: the host, for a whole address is longer than a line.
fn reason(message: &str) -> String {
    // What comes first is about baking them in.
    let (_, why) = message.split_once(": ").unwrap_or(("", message));
    let of_address = || {
        let (address, why) = why.split_once(": ")?;
        let host = address.strip_prefix("https://")?.split('/').next()?;
        Some(format!("{host}: {why}"))
    };
    of_address().unwrap_or_else(|| why.to_owned())
}

impl Looked {
    /// Whether its keys can be had from here.
    pub(super) async fn issuer(&self, terminal: Terminal) -> Check {
        const NAME: &str = "issuer";
        let Some(auth) = &self.auth else {
            return Check::new(NAME, State::Skipped, format!("not asked: {}", self.unasked));
        };
        let names = auth
            .issuers
            .iter()
            .filter_map(|issuer| issuer.names.first().cloned());
        let names = names.collect::<Vec<_>>().join(", ");
        let why = match tokio::time::timeout(LIMIT, artifact::fetch_keys(auth, terminal)).await {
            Ok(Ok(_)) => return Check::new(NAME, State::Ok, format!("{names} has keys")),
            Ok(Err(failure)) => reason(&failure.message),
            Err(_) => format!("{names} didn't answer within {} s", LIMIT.as_secs()),
        };
        Check::new(NAME, State::Missing, why).help(
            "deploy and package --fetch-keys ask the issuer from this machine, and the functions ask it from the edge: check `auth`, the network and the proxy",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(name: &str, jwks_uri: Option<&str>) -> Issuer {
        serde_json::from_value(serde_json::json!({"names": [name], "jwksUri": jwks_uri})).unwrap()
    }

    #[test]
    fn a_reason_names_the_host() {
        let said = "the issuer's keys can't be baked in: https://login.example.org/realms/a/keys: dns error: none";
        assert_eq!(reason(said), "login.example.org: dns error: none");
        let said = "the issuer's keys can't be baked in: twice they didn't come within 3 s";
        assert_eq!(reason(said), "twice they didn't come within 3 s");
        assert_eq!(reason("no"), "no");
    }

    #[test]
    fn only_what_is_written_in_the_manifest_is_asked() {
        let text = "auth: {issuer: 'https://login.example.org', userPoolId: us-east-1_AbCdEfGhI, jwksUri: 'https://keys.example.org/${env:KEY}'}";
        for (name, uri, expected) in [
            ("https://login.example.org", None, true),
            ("https://login.example.org/secret", None, false),
            (
                "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI",
                None,
                true,
            ),
            (
                "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other",
                None,
                false,
            ),
            (
                "https://cognito-idp.evil.example/us-east-1_AbCdEfGhI",
                None,
                false,
            ),
            (
                "https://login.example.org",
                Some("https://keys.example.org/secret"),
                false,
            ),
            (
                "https://x",
                Some(
                    "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI/.well-known/jwks.json",
                ),
                true,
            ),
        ] {
            assert_eq!(
                is_written(&issuer(name, uri), text),
                expected,
                "{name} {uri:?}"
            );
        }
    }
}
