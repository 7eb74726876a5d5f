//! A token's verification (RFC 8725). jsonwebtoken verifies the signature, `alg`,
//! `iss` and `aud`. Around it are the rules that it doesn't have. For each of them
//! `tests/stricter.rs` has a token that passes the library and is refused here.
//!
//! Times belong to these rules. The library reads the clock itself, so no caller
//! could say when, and it takes a token on the very second of its end.

use crate::claims::Claims;
use crate::crypto;
use crate::keys::{Keys, Lookup, Need};
use crate::object::Object;
use crate::reason::{Denial, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_edge::jose::{self, Algorithm, Key};
use frames_edge::{AuthConfig, Issuer};
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jws::{self, Jws};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::marker::PhantomData;
use std::time::SystemTime;

/// A longer token isn't read at all.
const LONGEST: usize = 16 * 1024;

/// How much of a token's own words gets into the log.
const LOGGED_CHARS: usize = 128;

/// Why a token isn't good, or isn't known to be yet.
pub(crate) enum Failure {
    NeedKeys(Need),
    Denied(Denial),
}

/// What is wrong with a token, unless its claims show something that counts first.
enum Doubt {
    NeedKeys { again: bool },
    Because(Reason),
}

/// Checks one token. Its claims come back where it is signed by the issuer, for us, now, and
/// reaches far enough.
pub(crate) fn verify(
    token: &str,
    auth: &AuthConfig,
    keys: &Keys,
    now: SystemTime,
) -> Result<Claims, Failure> {
    let anonymous = |reason| Failure::Denied(Denial::of(reason));
    if token.len() > LONGEST {
        return Err(anonymous(Reason::TokenTooLong));
    }
    let parts = Parts::split(token).ok_or_else(|| anonymous(Reason::MalformedToken))?;
    let header = Header::read(parts.header).ok_or_else(|| anonymous(Reason::MalformedToken))?;
    let (algorithm, kid) = header
        .check(auth)
        .map_err(|reason| header.denied(reason, parts.unverified().as_ref()))?;
    let unverified = || parts.unverified();
    let position = match auth.issuers.as_slice() {
        // Most have one: its claims need no reading twice.
        [_] => Some(0),
        issuers => unverified().and_then(|claims| {
            let name = claims.issuer()?.to_owned();
            issuers.iter().position(|one| one.names.contains(&name))
        }),
    };
    let Some((position, issuer, keys)) =
        position.and_then(|at| Some((at, auth.issuers.get(at)?, keys.of(at)?)))
    else {
        let reason = unverified().map_or(Reason::MalformedToken, |_| Reason::WrongIssuer);
        return Err(header.denied(reason, unverified().as_ref()));
    };
    let verified = match keys.lookup(kid, algorithm, now) {
        Lookup::Key(key) => {
            let verified = header.verified(&parts, key, algorithm, auth, issuer);
            verified.map_err(|reason| match reason {
                Reason::BadSignature if keys.may_be_replaced(now) => {
                    Doubt::NeedKeys { again: true }
                }
                reason => Doubt::Because(reason),
            })
        }
        Lookup::Fetch => Err(Doubt::NeedKeys { again: false }),
        Lookup::Unknown => Err(Doubt::Because(Reason::UnknownKey)),
        Lookup::Unsuitable => Err(Doubt::Because(Reason::UnsuitableKey)),
        Lookup::Unavailable => Err(Doubt::Because(Reason::KeysUnavailable)),
    };
    let (claims, doubt) = match verified {
        Ok(claims) => (Some(claims), None),
        Err(doubt) => (unverified(), Some(doubt)),
    };
    let Some(claims) = claims else {
        return Err(header.denied(Reason::MalformedToken, None));
    };
    let denied = |reason| header.denied(reason, Some(&claims));
    claims.check(&issuer.names, now).map_err(denied)?;
    // The claims come first: only a token that might be good makes anyone fetch keys.
    match doubt {
        None => {}
        Some(Doubt::NeedKeys { again }) => {
            return Err(Failure::NeedKeys(Need {
                issuer: position,
                kid: kid.to_owned(),
                again,
            }));
        }
        Some(Doubt::Because(Reason::KeysUnavailable)) => {
            let denial = header.denial(Reason::KeysUnavailable, Some(&claims));
            let wait = keys.rest(now);
            return Err(Failure::Denied(Denial { wait, ..denial }));
        }
        Some(Doubt::Because(reason)) => return Err(denied(reason)),
    }
    claims.check_recipient(auth).map_err(denied)?;
    claims.check_reach(auth).map_err(denied)?;
    Ok(claims)
}

/// The three parts of a compact JWS (RFC 7515, 7.1).
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some(Self {
            header,
            claims,
            signature,
        })
    }

    /// The claims, if this key signed them by this very algorithm, and if `iss` and
    /// `aud` are right. The library gets the token in parts: it would read a whole
    /// token's header twice.
    fn verified(
        &self,
        key: &Key,
        algorithm: Algorithm,
        auth: &AuthConfig,
        issuer: &Issuer,
    ) -> Result<Claims, Reason> {
        let token = Jws {
            protected: self.header.to_owned(),
            payload: self.claims.to_owned(),
            signature: self.signature.to_owned(),
            _pd: PhantomData,
        };
        crypto::install();
        let validation = validation(algorithm, auth, issuer);
        match jws::decode(&token, &key.public, &validation) {
            Ok(verified) => Ok(verified.claims),
            Err(error) => Err(reason(error.kind())),
        }
    }

    /// The claims, if this key signed them. Their rules are left to the caller.
    fn signed(&self, key: &Key, algorithm: Algorithm) -> Result<Claims, Reason> {
        crypto::install();
        let message = format!("{}.{}", self.header, self.claims);
        let verified = jsonwebtoken::crypto::verify(
            self.signature,
            message.as_bytes(),
            &key.public,
            algorithm,
        );
        match verified {
            Ok(true) => self.unverified().ok_or(Reason::MalformedToken),
            Ok(false) => Err(Reason::BadSignature),
            Err(error) => Err(reason(error.kind())),
        }
    }

    fn unverified(&self) -> Option<Claims> {
        decode(self.claims)
    }
}

fn validation(algorithm: Algorithm, auth: &AuthConfig, issuer: &Issuer) -> Validation {
    let mut validation = Validation::new(algorithm);
    // Times are checked by the caller's clock, not by the library's.
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    validation.set_issuer(&issuer.names);
    if auth.audience.is_empty() {
        validation.validate_aud = false;
    } else {
        validation.set_audience(&auth.audience);
        // The library would take a token that names no audience.
        validation.required_spec_claims.insert("aud".to_owned());
    }
    validation
}

fn reason(error: &ErrorKind) -> Reason {
    match error {
        ErrorKind::InvalidSignature | ErrorKind::Base64(_) => Reason::BadSignature,
        ErrorKind::InvalidIssuer => Reason::WrongIssuer,
        ErrorKind::InvalidAudience | ErrorKind::MissingRequiredClaim(_) => Reason::WrongAudience,
        ErrorKind::InvalidKeyFormat | ErrorKind::InvalidAlgorithm => Reason::UnsuitableKey,
        _ => Reason::MalformedToken,
    }
}

/// What is read of a token's header. `jku`, `jwk`, `x5u` and `x5c` aren't: a token doesn't choose its key.
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<Value>,
    /// It names extensions that must be understood (RFC 7515, 4.1.11). None is understood here.
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

    /// The algorithm, and the `kid` of the key that is said to have signed.
    fn check(&self, auth: &AuthConfig) -> Result<(Algorithm, &str), Reason> {
        let algorithm = allowed(&self.alg, auth)?;
        if self.crit {
            return Err(Reason::CriticalHeader);
        }
        self.check_type()?;
        let kid = self.kid.as_deref().ok_or(Reason::NoKid)?;
        Ok((algorithm, kid))
    }

    /// The claims, if the token is signed as it says. `Ed25519` (RFC 9864) is a name that
    /// the library doesn't know, for what it knows as `EdDSA`.
    fn verified(
        &self,
        parts: &Parts<'_>,
        key: &Key,
        algorithm: Algorithm,
        auth: &AuthConfig,
        issuer: &Issuer,
    ) -> Result<Claims, Reason> {
        if self.alg == jose::ED25519 {
            parts.signed(key, algorithm)
        } else {
            parts.verified(key, algorithm, auth, issuer)
        }
    }

    fn denied(&self, reason: Reason, claims: Option<&Claims>) -> Failure {
        Failure::Denied(self.denial(reason, claims))
    }

    fn denial(&self, reason: Reason, claims: Option<&Claims>) -> Denial {
        Denial {
            kid: self.kid.as_deref().map(shortened),
            issuer: claims.and_then(Claims::issuer).map(shortened),
            ..Denial::of(reason)
        }
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

/// The algorithm, if the configuration lists it, under this name or its other one.
fn allowed(name: &str, auth: &AuthConfig) -> Result<Algorithm, Reason> {
    let mut allowed = auth
        .algorithms
        .iter()
        .filter_map(|name| jose::algorithm(name));
    jose::algorithm(name)
        .filter(|algorithm| allowed.any(|allowed| allowed == *algorithm))
        .ok_or(Reason::AlgorithmNotAllowed)
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

pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(LOGGED_CHARS).collect()
}
