//! What a token says, and whether that is enough.

use crate::object::Object;
use crate::reason::Reason;
use frames_edge::{AuthConfig, TokenUse};
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

    /// All that can be said without a key.
    pub(crate) fn check(&self, auth: &AuthConfig, now: SystemTime) -> Result<(), Reason> {
        self.check_types()?;
        self.check_kind()?;
        self.check_issuer(auth)?;
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

    /// The types that RFC 7519, 4.1, and RFC 8693, 4.2, give these claims. Who
    /// writes them otherwise is no issuer whose tokens are understood here.
    fn check_types(&self) -> Result<(), Reason> {
        let right = self.0.iter().all(|(name, value)| match name.as_str() {
            "sub" | "jti" | "scope" => value.is_string(),
            "iat" => value.is_number(),
            "aud" => texts(value).is_some(),
            _ => true,
        });
        right.then_some(()).ok_or(Reason::MalformedToken)
    }

    /// Issued by one of the issuers, character for character.
    fn check_issuer(&self, auth: &AuthConfig) -> Result<(), Reason> {
        let known = self
            .issuer()
            .is_some_and(|issuer| auth.issuers.iter().any(|known| known == issuer));
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

    /// Made for this delivery: `token_use` and Cognito's client. The library checks `aud`.
    pub(crate) fn check_recipient(&self, auth: &AuthConfig) -> Result<(), Reason> {
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
        // Cognito names the client in `aud` of an id token and in `client_id` of an access token.
        let client = match token_use {
            Some("id") => "aud",
            _ => "client_id",
        };
        let client = self.0.get(client).and_then(Value::as_str);
        let known = |client: &str| auth.client_ids.iter().any(|known| known == client);
        if !auth.client_ids.is_empty() && !client.is_some_and(known) {
            return Err(Reason::WrongClient);
        }
        Ok(())
    }

    /// Reaches far enough: all scopes, one of the groups.
    pub(crate) fn check_reach(&self, auth: &AuthConfig) -> Result<(), Reason> {
        if !auth.scopes.is_empty() && !self.grants_all(&auth.scopes) {
            return Err(Reason::MissingScope);
        }
        if !auth.groups.is_empty() && !self.holds_any(&auth.groups_claim, &auth.groups) {
            return Err(Reason::MissingGroup);
        }
        Ok(())
    }

    fn grants_all(&self, scopes: &[String]) -> bool {
        let granted: Vec<&str> = ["scope", "scp"]
            .into_iter()
            .flat_map(|claim| self.strings(claim))
            .flat_map(|scopes| scopes.split(' '))
            .collect();
        scopes.iter().all(|scope| granted.contains(&scope.as_str()))
    }

    fn holds_any(&self, claim: &str, wanted: &[String]) -> bool {
        self.strings(claim)
            .iter()
            .any(|value| wanted.iter().any(|wanted| wanted == value))
    }

    fn strings(&self, claim: &str) -> Vec<&str> {
        self.0.get(claim).and_then(texts).unwrap_or_default()
    }
}

/// A string, or an array of strings and of nothing else.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        value => value.as_str().map(|text| vec![text]),
    }
}
