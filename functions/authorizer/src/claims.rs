//! What a token says, and whether that is enough.

use crate::object::Object;
use crate::reason::Reason;
use frames_edge::{AuthConfig, TokenUse, decision};
use serde::Deserialize;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the issuer's clock and ours may be apart.
const SKEW: Duration = Duration::from_secs(30);

/// A token's claims.
#[derive(Deserialize)]
pub(crate) struct Claims(Object);

impl Claims {
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.0.get("iss")?.as_str()
    }

    /// All that can be said without a key. A claim by which nothing is decided may be
    /// of any type: some issuers write a number for `sub`.
    pub(crate) fn check(&self, names: &[String], now: SystemTime) -> Result<(), Reason> {
        self.check_kind()?;
        self.check_issuer(names)?;
        self.check_times(now)
    }

    /// Whoever bears it may use it. A token bound to its sender's key (RFC 7800,
    /// RFC 9449) isn't such a one, as nobody proves the key here; nor is the
    /// message of an event (RFC 8417), a logout for one, whose header may leave `typ` out.
    fn check_kind(&self) -> Result<(), Reason> {
        if self.0.get("cnf").is_some() {
            return Err(Reason::SenderConstrained);
        }
        match self.0.get("events") {
            Some(Value::Object(_)) => Err(Reason::WrongType),
            _ => Ok(()),
        }
    }

    /// Issued under one of these names, character for character.
    fn check_issuer(&self, names: &[String]) -> Result<(), Reason> {
        let known = self
            .issuer()
            .is_some_and(|issuer| names.iter().any(|known| known == issuer));
        known.then_some(()).ok_or(Reason::WrongIssuer)
    }

    /// `exp`, which must be there, and `nbf`.
    fn check_times(&self, now: SystemTime) -> Result<(), Reason> {
        let now = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let skew = SKEW.as_secs_f64();
        let expiry = self
            .0
            .get("exp")
            .and_then(Value::as_f64)
            .ok_or(Reason::NoExpiry)?;
        if now >= expiry + skew {
            return Err(Reason::Expired);
        }
        match self.0.get("nbf").map(Value::as_f64) {
            None => Ok(()),
            Some(Some(start)) if start <= now + skew => Ok(()),
            Some(Some(_)) => Err(Reason::NotYetValid),
            Some(None) => Err(Reason::MalformedToken),
        }
    }

    /// Made for this delivery: `aud`, `token_use` and the client.
    pub(crate) fn check_recipient(&self, auth: &AuthConfig) -> Result<(), Reason> {
        if !auth.audience.is_empty() && !holds_any(self.0.get("aud"), &auth.audience) {
            return Err(Reason::WrongAudience);
        }
        let token_use = self.0.get("token_use").and_then(Value::as_str);
        let right_use = match auth.token_use {
            None => true,
            Some(TokenUse::Access) => token_use == Some("access"),
            Some(TokenUse::Id) => token_use == Some("id"),
            Some(TokenUse::Any) => matches!(token_use, Some("access" | "id")),
        };
        if !right_use {
            return Err(Reason::WrongTokenUse);
        }
        let known = |client: &str| auth.client_ids.iter().any(|known| known == client);
        if !auth.client_ids.is_empty() && !self.client(auth).is_some_and(known) {
            return Err(Reason::WrongClient);
        }
        Ok(())
    }

    /// The client that the token was issued to. Cognito names it in `aud` of an id token and in
    /// `client_id` of an access token.
    pub(crate) fn client(&self, auth: &AuthConfig) -> Option<&str> {
        let token_use = self.0.get("token_use").and_then(Value::as_str);
        let claims: &[&str] = match (auth.token_use, token_use) {
            (None, _) => &CLIENT,
            (Some(_), Some("id")) => &["aud"],
            (Some(_), _) => &["client_id"],
        };
        let named = claims.iter().find_map(|claim| self.0.get(claim));
        named.and_then(Value::as_str)
    }

    /// Reaches far enough: all scopes, one of the groups.
    pub(crate) fn check_reach(&self, auth: &AuthConfig) -> Result<(), Reason> {
        if !auth.scopes.is_empty() && !self.grants_all(&auth.scopes) {
            return Err(Reason::MissingScope);
        }
        if !auth.groups.is_empty() && !self.holds_group(auth) {
            return Err(Reason::MissingGroup);
        }
        Ok(())
    }

    /// `scope` (RFC 8693, 4.2) is one text by the standard, and a list of many an issuer's.
    fn grants_all(&self, scopes: &[String]) -> bool {
        let granted: Vec<&str> = ["scope", "scp"]
            .into_iter()
            .flat_map(|claim| self.strings(claim))
            .flat_map(|scopes| scopes.split(' '))
            .collect();
        scopes.iter().all(|scope| granted.contains(&scope.as_str()))
    }

    fn holds_group(&self, auth: &AuthConfig) -> bool {
        holds_any(self.member(&auth.groups_claim), &auth.groups)
    }

    /// A claim by that whole name, else by a path of members, whatever it is.
    pub(crate) fn member(&self, claim: &str) -> Option<&Value> {
        member(&|name| self.0.get(name), claim)
    }

    fn strings(&self, claim: &str) -> Vec<&str> {
        self.0.get(claim).and_then(texts).unwrap_or_default()
    }
}

impl decision::Claims for Claims {
    fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.member(name).and_then(texts)
    }
}

/// Where others than Cognito name the client that a token was issued to (OpenID Connect
/// Core 1.0, 2; RFC 9068, 2.2; Okta's `cid`; Entra's `appid`). The first that is there counts.
const CLIENT: [&str; 4] = ["azp", "client_id", "cid", "appid"];

/// A member by its whole name, else by a path with dots between names. A name may have
/// dots itself: Keycloak has clients' names in `resource_access.<client>.roles`.
fn member<'a>(get: &dyn Fn(&str) -> Option<&'a Value>, path: &str) -> Option<&'a Value> {
    get(path).or_else(|| {
        let mut ends = path.match_indices('.');
        ends.find_map(|(at, _)| {
            let (name, rest) = (path.get(..at)?, path.get(at.checked_add(1)?..)?);
            let inner = get(name)?.as_object()?;
            member(&|name| inner.get(name), rest)
        })
    })
}

fn holds_any(found: Option<&Value>, wanted: &[String]) -> bool {
    let held = found.and_then(texts).unwrap_or_default();
    held.iter()
        .any(|value| wanted.iter().any(|wanted| wanted == value))
}

/// A string, or an array of strings and of nothing else.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        value => value.as_str().map(|text| vec![text]),
    }
}
