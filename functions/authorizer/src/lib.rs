//! The viewer-request function: who may have a frame.
//!
//! [`decide`] is the whole decision, and pure. What it may need from outside,
//! the issuer's keys, it asks for by [`Decision::NeedKeys`]; [`fetch`] gets
//! them, which is this crate's one effect.
//!
//! | answer | `error` in the body | when |
//! | --- | --- | --- |
//! | 204 | | `OPTIONS`, for any path |
//! | 400 | `invalid_request` | two different tokens; a query that the path doesn't take |
//! | 401 | `missing_token` | no token in any allowed source |
//! | 401 | `invalid_token` | a token that isn't good |
//! | 403 | `insufficient_scope` | a good token without the scopes or groups |
//! | 403 | `forbidden` | what the delivery doesn't serve, or not to this token |
//! | 404 | `not_found` | a path that isn't served |
//! | 405 | `method_not_allowed` | a path that takes other methods |
//! | 503 | `keys_unavailable` | the issuer's keys can't be fetched; `Retry-After` says when to try again |
//! | 503 | `audit_unavailable` | the request would pass, and its audit line can't be written |

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

mod accept;
mod answer;
mod audit;
mod claims;
pub mod crypto;
pub mod fetch;
pub mod keys;
mod object;
mod query;
mod reason;
mod token;
mod verify;

pub use audit::Grant;
pub use reason::{Denial, Reason};

use frames_edge::decision::{self, Refusal};
use frames_edge::jose;
use frames_edge::key_source;
use frames_edge::operation::{Kind, Operation};
use frames_edge::{Allow, AuthConfig, AuthorizerConfig, Issuer, Request, Response};
use keys::{KeyCache, KeySet, Keys, Need};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision {
    /// Goes on to the cache and the origin, without its token.
    Pass(Box<Request>),
    /// Answered here.
    Respond(Response, Denial),
    /// Can't be told before the issuer's keys are fetched. Hand the result to
    /// [`Keys::fetched`], then decide on the same request again.
    NeedKeys { need: Need, request: Box<Request> },
}

/// No packaged key set is used longer without a word from its issuer: seven days.
const LONGEST_TRUST: u64 = 7 * 24 * 60 * 60;

/// Checks the configuration and prepares the keys that it holds.
pub fn prepare(config: &AuthorizerConfig) -> Result<Keys, String> {
    if let Some(names) = &config.audit_claims
        && (names.is_empty() || names.iter().any(|name| name.trim().is_empty()))
    {
        return Err("config.json: `auditClaims` names nobody".to_owned());
    }
    let Some(auth) = &config.auth else {
        return Ok(Keys::new(vec![]));
    };
    check(auth).map_err(|problem| format!("config.json: {problem}"))?;
    let caches = auth.issuers.iter().map(|issuer| cache(auth, issuer));
    caches.collect::<Result<_, _>>().map(Keys::new)
}

fn cache(auth: &AuthConfig, issuer: &Issuer) -> Result<KeyCache, String> {
    let read = |key: &str, jwks| {
        KeySet::parse(jwks).map_err(|problem| format!("config.json: `auth.{key}`: {problem}"))
    };
    match (&auth.jwks, &issuer.initial_jwks) {
        (Some(_), Some(_)) => {
            Err("config.json: `auth` has both `jwks` and `initialJwks`".to_owned())
        }
        (Some(jwks), None) => read("jwks", jwks).map(KeyCache::fixed),
        (None, initial) => {
            fetch::Source::of(issuer)?;
            let Some(jwks) = initial else {
                return Ok(KeyCache::empty());
            };
            let cache = KeyCache::initial(read("initialJwks", jwks)?);
            let since_epoch = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            let trusted = auth.trust_keys_for.zip(issuer.initial_at);
            let times = trusted
                .and_then(|(trust, at)| since_epoch(at).zip(since_epoch(at.checked_add(trust)?)));
            Ok(match times {
                Some((from, until)) => cache.trusted(from, until),
                None => cache,
            })
        }
    }
}

/// Refuses what could not decide, or would let more in than anyone meant to.
fn check(auth: &AuthConfig) -> Result<(), String> {
    let names: Vec<String> = auth.issuer_names().cloned().collect();
    let lists = [
        ("issuers", &names),
        ("algorithms", &auth.algorithms),
        ("audience", &auth.audience),
        ("clientIds", &auth.client_ids),
        ("scopes", &auth.scopes),
        ("groups", &auth.groups),
    ];
    let blank = |text: &String| text.trim().is_empty();
    if let Some((key, _)) = lists.iter().find(|(_, list)| list.iter().any(blank)) {
        return Err(format!("`auth.{key}` holds an empty string"));
    }
    let required = [
        (
            "issuers",
            auth.issuers.iter().any(|issuer| issuer.names.is_empty()),
        ),
        ("issuers", auth.issuers.is_empty()),
        ("algorithms", auth.algorithms.is_empty()),
        ("tokenSources", auth.token_sources.is_empty()),
        ("groupsClaim", blank(&auth.groups_claim)),
    ];
    if let Some((key, _)) = required.iter().find(|(_, empty)| *empty) {
        return Err(format!("`auth.{key}` is empty"));
    }
    if auth.audience.is_empty() && auth.token_use.is_none() {
        return Err(
            "`auth` has neither `audience` nor `tokenUse`: any token of the issuer would pass"
                .to_owned(),
        );
    }
    if let Some(name) = auth
        .algorithms
        .iter()
        .find(|name| jose::algorithm(name).is_none())
    {
        return Err(format!(
            "`auth.algorithms` holds {name:?}, which isn't one of {}",
            jose::NAMES.join(", ")
        ));
    }
    let twice = |name: &&String| names.iter().filter(|other| other == name).count() > 1;
    if let Some(name) = names.iter().find(twice) {
        return Err(format!("`auth.issuers` has {name:?} twice"));
    }
    if auth
        .trust_keys_for
        .is_some_and(|trust| trust > LONGEST_TRUST)
    {
        return Err(format!(
            "`auth.trustKeysFor` is more than {LONGEST_TRUST} s"
        ));
    }
    if auth.jwks.is_some() && auth.issuers.len() > 1 {
        let problem = "`auth.jwks` is one issuer's set, and there are several";
        return Err(problem.to_owned());
    }
    let addresses = names.iter().map(|name| ("issuers", name));
    let key_sets = auth
        .issuers
        .iter()
        .filter_map(|issuer| issuer.jwks_uri.as_ref());
    check_access(auth)?;
    let mut addresses = addresses.chain(key_sets.map(|uri| ("jwksUri", uri)));
    match addresses.find(|(_, address)| key_source::has_credentials(address)) {
        Some((key, _)) => Err(format!("`auth.{key}`: an address with credentials in it")),
        None => Ok(()),
    }
}

/// Claims that say what a token may read have names, and there is one at least: a block
/// without any would limit nothing.
fn check_access(auth: &AuthConfig) -> Result<(), String> {
    let Some(names) = &auth.access_claims else {
        return Ok(());
    };
    let mut given = [&names.datastores, &names.image_sets, &names.studies]
        .into_iter()
        .flatten()
        .peekable();
    if given.peek().is_none() || given.any(|name| name.trim().is_empty()) {
        return Err("`auth.accessClaims` names no claim, or one without a name".to_owned());
    }
    Ok(())
}

/// Decides on one request.
pub fn decide(
    request: Request,
    config: &AuthorizerConfig,
    keys: &Keys,
    now: SystemTime,
) -> Decision {
    examine(request, config, keys, now).0
}

/// The same, and where a request passes that has to be written down: what was granted.
pub fn examine(
    mut request: Request,
    config: &AuthorizerConfig,
    keys: &Keys,
    now: SystemTime,
) -> (Decision, Option<Grant>) {
    match pass(&mut request, config, keys, now) {
        Ok(grant) => (Decision::Pass(Box::new(request)), grant),
        Err(Stop::NeedKeys(need)) => {
            let request = Box::new(request);
            (Decision::NeedKeys { need, request }, None)
        }
        Err(Stop::Denied(kind, denial)) => (respond(&request, config, kind, denial), None),
    }
}

/// Why a request doesn't go on.
enum Stop {
    NeedKeys(Need),
    Denied(Option<Kind>, Denial),
}

/// Leaves the request as it goes on, or as it came.
fn pass(
    request: &mut Request,
    config: &AuthorizerConfig,
    keys: &Keys,
    now: SystemTime,
) -> Result<Option<Grant>, Stop> {
    let parsed = Operation::parse(&request.uri, config.served());
    let kind = parsed.as_ref().ok().map(Operation::kind);
    let denied = |denial| Stop::Denied(kind, denial);
    if request.method == "OPTIONS" {
        return Err(denied(Denial::of(Reason::Preflight)));
    }
    let operation = parsed.map_err(|_| denied(Denial::of(Reason::UnknownPath)))?;
    let methods = operation.kind().methods(config.served());
    if !methods.contains(&request.method.as_str()) {
        return Err(denied(Denial::of(Reason::WrongMethod)));
    }
    let by = match &config.auth {
        None => None,
        Some(auth) => {
            let claims = token::find(request, &auth.token_sources)
                .map_err(|reason| verify::Failure::Denied(Denial::of(reason)))
                .and_then(|token| verify::verify(&token, auth, keys, now))
                .map_err(|failure| match failure {
                    verify::Failure::NeedKeys(need) => Stop::NeedKeys(need),
                    verify::Failure::Denied(denial) => denied(denial),
                })?;
            Some((auth, claims))
        }
    };
    if !is_allowed(&operation, config) {
        return Err(denied(Denial {
            rule: Some("iam.allow".to_owned()),
            ..Denial::of(Reason::NotAllowed)
        }));
    }
    let querystring = token::kept(request, &operation);
    if let Some((auth, claims)) = &by {
        decision::check(&operation, &querystring, auth, claims).map_err(|refusal| {
            let (reason, rule) = match refusal {
                Refusal::ByRows(rule) => (Reason::NoAccessRow, rule),
                Refusal::ByClaims(rule) => (Reason::NoAccessClaim, rule),
            };
            denied(Denial {
                issuer: claims.issuer().map(verify::shortened),
                rule: Some(rule),
                ..Denial::of(reason)
            })
        })?;
    }
    let Ok(settled) = operation.settled_by(&request.method, &request.querystring) else {
        return Err(denied(Denial::of(Reason::BadQuery)));
    };
    let by = by.as_ref().map(|(auth, claims)| (*auth, claims));
    let names = config.audit_claims.as_ref();
    let grant = names.map(|names| Grant::new(&operation, by, names));
    token::remove(request, settled.unwrap_or(querystring));
    accept::settle(request, operation.kind());
    request.uri = operation.path().to_owned();
    Ok(grant)
}

/// By the same rows as the signer's role: what leaves the list is no longer served
/// from the cache either.
fn is_allowed(operation: &Operation, config: &AuthorizerConfig) -> bool {
    let Some(rows) = &config.allow else {
        return true;
    };
    rows.iter()
        .filter(|row| row.datastore == operation.datastore())
        .any(|row| is_in(operation, row))
}

/// Whether a row of this data store reaches as far as the operation.
fn is_in(operation: &Operation, row: &Allow) -> bool {
    let listed =
        |list: &[String], id: Option<&str>| list.iter().any(|one| Some(one.as_str()) == id);
    let within = |list: &Option<Vec<String>>, id| list.as_ref().is_none_or(|it| listed(it, id));
    let in_parts = row.studies.is_some() || row.series.is_some();
    match operation.kind() {
        Kind::ImageFrame | Kind::ImageSetMetadata => match &row.image_sets {
            Some(sets) => listed(sets, operation.image_set()),
            None => !in_parts,
        },
        // A search that names no study goes through all of them.
        _ if in_parts => {
            within(&row.studies, operation.study()) && within(&row.series, operation.series())
        }
        _ => row.image_sets.is_none(),
    }
}

/// The answer to a request that passed, and whose audit line can't be written.
pub fn audit_unavailable(request: &Request, config: &AuthorizerConfig) -> (Response, Denial) {
    let denial = Denial::of(Reason::NotLogged);
    let response = answer::denied(request, config, None, &denial);
    (response, denial)
}

/// The answer where the keys stayed out of reach.
pub fn keys_unavailable(request: &Request, config: &AuthorizerConfig) -> (Response, Denial) {
    let denial = Denial::of(Reason::KeysUnavailable);
    let response = answer::denied(request, config, None, &denial);
    (response, denial)
}

fn respond(
    request: &Request,
    config: &AuthorizerConfig,
    kind: Option<Kind>,
    denial: Denial,
) -> Decision {
    let response = answer::denied(request, config, kind, &denial);
    Decision::Respond(response, denial)
}
