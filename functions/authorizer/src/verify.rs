//! A token's verification (RFC 8725). The cheap checks come first, so that only
//! a token that might be good makes anyone fetch keys.

use crate::claims::Claims;
use crate::crypto;
use crate::keys::{KeyCache, Lookup};
use crate::object::Object;
use crate::reason::{Denial, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_edge::AuthConfig;
use frames_edge::jose::Algorithm;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::SystemTime;

/// A longer token isn't read at all.
const LONGEST: usize = 16 * 1024;

/// How much of an unverified token's own words gets into the log.
const LOGGED_CHARS: usize = 128;

/// Why a token isn't good, or isn't known to be yet.
pub enum Failure {
    NeedKeys(String),
    Denied(Denial),
}

/// Checks one token. `Ok` means: signed by the issuer, for us, now, and far-reaching enough.
pub fn verify(
    token: &str,
    auth: &AuthConfig,
    keys: &KeyCache,
    now: SystemTime,
) -> Result<(), Failure> {
    let anonymous = |reason| Failure::Denied(Denial::of(reason));
    if token.len() > LONGEST {
        return Err(anonymous(Reason::TokenTooLong));
    }
    let parts = Parts::split(token).ok_or_else(|| anonymous(Reason::MalformedToken))?;
    let header = Header::read(parts.header).ok_or_else(|| anonymous(Reason::MalformedToken))?;
    let claims: Option<Claims> = decode(parts.claims);
    let denied = |reason| {
        Failure::Denied(Denial {
            reason,
            kid: header.kid.as_deref().map(shortened),
            issuer: claims.as_ref().and_then(Claims::issuer).map(shortened),
        })
    };

    let algorithm = allowed(&header.alg, auth).map_err(denied)?;
    if header.crit {
        return Err(denied(Reason::CriticalHeader));
    }
    header.check_type().map_err(denied)?;
    let kid = header.kid.as_deref().ok_or_else(|| denied(Reason::NoKid))?;
    let claims = claims
        .as_ref()
        .ok_or_else(|| denied(Reason::MalformedToken))?;
    claims.check_types().map_err(denied)?;
    claims.check_kind().map_err(denied)?;
    claims.check_issuer(auth).map_err(denied)?;
    claims.check_times(now).map_err(denied)?;

    let key = match keys.lookup(kid, algorithm, now) {
        Lookup::Key(key) => key,
        Lookup::Fetch => return Err(Failure::NeedKeys(kid.to_owned())),
        Lookup::Unknown => return Err(denied(Reason::UnknownKey)),
        Lookup::Unsuitable => return Err(denied(Reason::UnsuitableKey)),
        Lookup::Unavailable => return Err(denied(Reason::KeysUnavailable)),
    };
    let signed = parts.signed.as_bytes();
    let signature = URL_SAFE_NO_PAD.decode(parts.signature);
    if !signature.is_ok_and(|signature| crypto::verify(key, algorithm, signed, &signature)) {
        return Err(denied(Reason::BadSignature));
    }
    claims.check_recipient(auth).map_err(denied)?;
    claims.check_reach(auth).map_err(denied)
}

/// The algorithm, if the configuration lists it by this very name.
fn allowed(name: &str, auth: &AuthConfig) -> Result<Algorithm, Reason> {
    auth.algorithms
        .iter()
        .find(|allowed| *allowed == name)
        .and_then(|name| Algorithm::parse(name))
        .ok_or(Reason::AlgorithmNotAllowed)
}

/// The three parts of a compact JWS (RFC 7515, 7.1).
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// What the signature is over: the first two, with the dot.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some(Self {
            header,
            claims,
            signature,
            signed,
        })
    }
}

/// What is read of a token's header. `jku`, `jwk`, `x5u` and `x5c` aren't: a token doesn't choose its key.
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<Value>,
    /// An extension that must be understood (RFC 7515, 4.1.11) is named; none is.
    crit: bool,
}

impl Header {
    fn read(part: &str) -> Option<Self> {
        let object: Object = decode(part)?;
        let kid = match object.get("kid") {
            None | Some(Value::Null) => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        Some(Self {
            alg: object.get("alg")?.as_str()?.to_owned(),
            kid,
            typ: object.get("typ").cloned(),
            crit: object.get("crit").is_some(),
        })
    }

    /// Explicit typing (RFC 8725, 3.11): the same issuer signs tokens of other
    /// kinds, logouts for one, with the same keys.
    fn check_type(&self) -> Result<(), Reason> {
        let right = match &self.typ {
            None => true,
            Some(typ) => typ.as_str().is_some_and(is_token_type),
        };
        right.then_some(()).ok_or(Reason::WrongType)
    }
}

/// `JWT` or `at+jwt`, with `application/` or, as is usual, without (RFC 7515, 4.1.9).
fn is_token_type(typ: &str) -> bool {
    let name = match typ.split_once('/') {
        Some((kind, name)) if kind.eq_ignore_ascii_case("application") => name,
        _ => typ,
    };
    ["JWT", "at+jwt"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

fn shortened(text: &str) -> String {
    text.chars().take(LOGGED_CHARS).collect()
}
