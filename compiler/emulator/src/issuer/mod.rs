//! An OIDC issuer for this machine. It replaces the manifest's issuer, with keys of
//! its own, so that the functions verify real tokens and no account is needed.

pub mod rsa;

use super::{
    Error,
    healthimaging::DataStore,
    http::{self as local_http, Answer},
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use frames_edge::jose::{self, Algorithm};
use frames_edge::{AuthConfig, AuthorizerConfig, TokenUse};
use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair,
};
use serde_json::{Map, Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use subtle::ConstantTimeEq;

/// A working day: longer than any token that is worth stealing, so never elsewhere.
pub(crate) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const BODY_BYTES: usize = 64 * 1024;

/// Of a list of groups or ids: a token of more than 16 KiB isn't read.
const MOST_LISTED: usize = 50;

/// What the tokens say, and how they are signed.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuerClaims {
    /// The first that the manifest allows.
    pub algorithm: Algorithm,
    /// `iss` and all else, but for the times.
    pub claims: Map<String, Value>,
}

impl IssuerClaims {
    /// Claims that satisfy `auth`, as the manifest's issuer would make them.
    pub fn satisfying(auth: &AuthConfig) -> Result<Self, Error> {
        let names = auth.algorithms.iter();
        let algorithm = names
            .filter_map(|name| jose::algorithm(name))
            .next()
            .ok_or_else(|| Error::new("auth.algorithms names no algorithm to sign with"))?;
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set(
            "iss",
            json!(
                auth.issuer_names()
                    .next()
                    .map_or("https://issuer.invalid", String::as_str)
            ),
        );
        set("sub", json!("frames-dev"));
        let client = auth.client_ids.first().map_or("frames-dev", String::as_str);
        match auth.token_use {
            Some(TokenUse::Id) => {
                set("token_use", json!("id"));
                set("aud", json!(client));
            }
            Some(TokenUse::Access | TokenUse::Any) => {
                set("token_use", json!("access"));
                set("client_id", json!(client));
            }
            None if !auth.client_ids.is_empty() => {
                set("client_id", json!(client));
            }
            None => {}
        }
        if let Some(audience) = auth.audience.first() {
            set("aud", json!(audience));
        }
        if !auth.scopes.is_empty() {
            set("scope", json!(auth.scopes.join(" ")));
        }
        // With those of `auth.access`, the token reads whatever anybody may read.
        let of_rows = auth.access.iter().flat_map(|access| access.groups());
        let mut groups: Vec<&String> = auth.groups.first().into_iter().collect();
        for group in of_rows.take(MOST_LISTED) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        if !groups.is_empty() {
            set(&auth.groups_claim, json!(groups));
        }
        Ok(Self { algorithm, claims })
    }

    /// With the claims of `auth.accessClaims`: they list what the stand-in has, and what
    /// `iam.allow` lists, since the stand-in takes its names from there.
    pub fn reading(mut self, config: &AuthorizerConfig, store: &DataStore) -> Self {
        let auth = config.auth.as_ref();
        let Some(names) = auth.and_then(|auth| auth.access_claims.as_ref()) else {
            return self;
        };
        let allowed = || config.allow.iter().flatten();
        let stores = allowed().map(|row| row.datastore.as_str());
        // The stand-in may have been given the name of one of them.
        let own_store = [store.id.as_str()].into_iter();
        let own_store = own_store.filter(|id| allowed().all(|row| row.datastore != *id));
        let stores = stores.chain(own_store);
        let image_sets = allowed().flat_map(|row| row.image_sets.iter().flatten());
        let image_sets = image_sets.map(String::as_str);
        let own = store
            .series()
            .iter()
            .map(|series| series.image_set_id.as_str());
        let studies = store.studies().iter().map(|study| &*study.uid);
        let mut set = |name: &Option<String>, listed: Vec<&str>| {
            if let Some(name) = name {
                self.claims.insert(name.clone(), json!(listed));
            }
        };
        set(&names.datastores, stores.take(MOST_LISTED).collect());
        set(
            &names.image_sets,
            image_sets.chain(own).take(MOST_LISTED).collect(),
        );
        set(&names.studies, studies.take(MOST_LISTED).collect());
        self
    }
}

/// The issuer, listening. It ends when it is dropped.
pub struct Issuer {
    server: local_http::Server,
    state: Arc<State>,
}

struct State {
    port: u16,
    /// The printed one: it allows its holder to mint and rotate.
    token: String,
    signing: Mutex<Signing>,
}

struct Signing {
    claims: IssuerClaims,
    /// The newest comes last. Each algorithm that tokens were signed by has one.
    keys: Vec<Key>,
    /// Still in the set: its tokens have not run out.
    previous: Option<Value>,
}

struct Key {
    id: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Issuer {
    /// Makes a key, mints the run's token and serves the key set on a free port.
    pub async fn start(claims: IssuerClaims) -> Result<Self, Error> {
        let key = Key::generate(claims.algorithm)?;
        let token = sign(&key, &with_times(claims.claims.clone()))?;
        let listener = local_http::bind(0).await?;
        let port = listener.local_addr().map_or(0, |address| address.port());
        let signing = Mutex::new(Signing {
            claims,
            keys: vec![key],
            previous: None,
        });
        let state = Arc::new(State {
            port,
            token,
            signing,
        });
        let shared = state.clone();
        let server = local_http::serve(listener, move |request, _| {
            let state = shared.clone();
            async move { state.answer(request).await }
        })?;
        Ok(Self { server, state })
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// For the authorizer's `config.json`.
    pub fn jwks_uri(&self) -> String {
        format!("{}/.well-known/jwks.json", self.url())
    }

    /// The run's token: valid for twelve hours, and what `/token` and `/rotate` ask for.
    pub fn token(&self) -> &str {
        &self.state.token
    }

    /// What tokens say by now, but for the times.
    pub fn claims(&self) -> Map<String, Value> {
        self.state.lock().claims.claims.clone()
    }

    /// Mints a token with some claims set otherwise; `null` leaves one out.
    pub fn mint(&self, overrides: Map<String, Value>) -> Result<String, Error> {
        self.state.mint(overrides)
    }

    /// From now on tokens have these claims; returns whether they had others before. The
    /// tokens that there are, the run's own too, are as good as before.
    pub fn update(&self, claims: IssuerClaims) -> Result<bool, Error> {
        self.state.update(claims)
    }

    /// Signs with a new key from now on.
    pub fn rotate(&self) -> Result<(), Error> {
        self.state.rotate()
    }

    /// The public keys, as served.
    pub fn jwks(&self) -> Value {
        self.state.jwks()
    }
}

impl State {
    /// No CORS headers on any answer: no page may read what is said here.
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let own = local_http::check_host(request.headers(), request.uri(), self.port);
        if let Err(not_ours) = own {
            return error(not_ours.status(), "the Host is not this server's");
        }
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::GET, "/.well-known/openid-configuration") => self.discovery(),
            (&Method::GET, "/.well-known/jwks.json") => {
                local_http::json(StatusCode::OK, &self.jwks())
            }
            (&Method::POST, "/token" | "/rotate") if !self.is_authorized(&request) => {
                let mut answer = error(
                    StatusCode::UNAUTHORIZED,
                    "this needs the run's token: Authorization: Bearer <token>",
                );
                answer.headers_mut().insert(
                    header::WWW_AUTHENTICATE,
                    http::HeaderValue::from_static("Bearer"),
                );
                answer
            }
            (&Method::POST, "/token") => self.token_call(request).await,
            (&Method::POST, "/rotate") => {
                respond(self.rotate().and_then(|()| self.mint(Map::new())))
            }
            _ => error(
                StatusCode::NOT_FOUND,
                "there are /.well-known/openid-configuration, /.well-known/jwks.json, POST /token and POST /rotate",
            ),
        }
    }

    fn discovery(&self) -> Answer {
        let base = format!("http://127.0.0.1:{}", self.port);
        let claims = self.lock().claims.clone();
        let body = json!({
            "issuer": claims.claims.get("iss"),
            "jwks_uri": format!("{base}/.well-known/jwks.json"),
            "token_endpoint": format!("{base}/token"),
            "id_token_signing_alg_values_supported": [claims.algorithm],
        });
        local_http::json(StatusCode::OK, &body)
    }

    fn is_authorized(&self, request: &Request<Incoming>) -> bool {
        let value = request
            .headers()
            .get(header::AUTHORIZATION)
            .map(|v| v.as_bytes())
            .unwrap_or_default();
        let token = value.strip_prefix(b"Bearer ").unwrap_or_default();
        token.ct_eq(self.token.as_bytes()).into()
    }

    async fn token_call(&self, request: Request<Incoming>) -> Answer {
        let Ok(body) = local_http::read(request.into_body(), BODY_BYTES).await else {
            return error(
                StatusCode::BAD_REQUEST,
                "the body could not be read, or is over 64 KiB",
            );
        };
        let overrides = if body.is_empty() {
            Ok(Map::new())
        } else {
            serde_json::from_slice(&body)
        };
        match overrides {
            Ok(overrides) => respond(self.mint(overrides)),
            Err(_) => error(
                StatusCode::BAD_REQUEST,
                "the body must be a JSON object of claims, like {\"exp\": 1}",
            ),
        }
    }

    fn mint(&self, overrides: Map<String, Value>) -> Result<String, Error> {
        let signing = self.lock();
        let mut claims = with_times(signing.claims.claims.clone());
        for (name, value) in overrides {
            if value.is_null() {
                claims.remove(&name);
            } else {
                claims.insert(name, value);
            }
        }
        let algorithm = signing.claims.algorithm;
        let key = signing.keys.iter().find(|key| key.algorithm == algorithm);
        let key = key.ok_or_else(|| Error::new("there is no key to sign with"))?;
        sign(key, &claims)
    }

    fn update(&self, claims: IssuerClaims) -> Result<bool, Error> {
        let mut signing = self.lock();
        if signing.claims == claims {
            return Ok(false);
        }
        let is_known = |key: &Key| key.algorithm == claims.algorithm;
        if !signing.keys.iter().any(is_known) {
            signing.keys.push(Key::generate(claims.algorithm)?);
        }
        signing.claims = claims;
        Ok(true)
    }

    fn rotate(&self) -> Result<(), Error> {
        let mut signing = self.lock();
        let algorithm = signing.claims.algorithm;
        let fresh = Key::generate(algorithm)?;
        let mut keys = signing.keys.iter_mut();
        if let Some(key) = keys.find(|key| key.algorithm == algorithm) {
            let former = std::mem::replace(key, fresh);
            signing.previous = Some(former.public());
        }
        Ok(())
    }

    fn jwks(&self) -> Value {
        let signing = self.lock();
        let keys = signing.keys.iter().rev().map(Key::public);
        let set: Vec<Value> = keys.chain(signing.previous.clone()).collect();
        json!({ "keys": set })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Signing> {
        self.signing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let pair = match (curve(algorithm), encoding(algorithm)) {
            (Some((name, curve)), _) => Pair::Ec(name, on_curve(curve)?),
            (_, Some(_)) => Pair::Rsa(Box::new(rsa::generate()?)),
            _ => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&random::random::<32>()?);
                Pair::Ed25519(pair.map_err(|_| no_key())?)
            }
        };
        Ok(Self {
            id: random::uuid()?,
            algorithm,
            pair,
        })
    }

    /// RFC 7517.
    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let key = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": text(&key.n), "e": text(&key.e)})
            }
            Pair::Ec(curve, pair) => {
                // An uncompressed point: 4, x, y (SEC 1, 2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        };
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm);
        key["kid"] = json!(self.id);
        key
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let encoding = encoding(self.algorithm)?;
                let signed = pair.sign(encoding, &random, message, &mut signature);
                signed.ok().map(|()| signature)
            }
            Pair::Ec(_, pair) => pair
                .sign(&random, message)
                .ok()
                .map(|s| s.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn with_times(mut claims: Map<String, Value>) -> Map<String, Value> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    claims.insert("iat".to_owned(), json!(now.as_secs()));
    claims.insert("exp".to_owned(), json!((now + LIFETIME).as_secs()));
    claims
}

/// A JWT in its compact form (RFC 7515).
fn sign(key: &Key, claims: &Map<String, Value>) -> Result<String, Error> {
    let header = json!({"alg": key.algorithm, "typ": "JWT", "kid": key.id});
    let text = |value: String| URL_SAFE_NO_PAD.encode(value);
    let signed = format!(
        "{}.{}",
        text(header.to_string()),
        text(Value::Object(claims.clone()).to_string())
    );
    let signature = key
        .sign(signed.as_bytes())
        .ok_or_else(|| Error::new("cannot sign a token"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn on_curve(curve: &'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, Error> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(curve, &random).map_err(|_| no_key())?;
    EcdsaKeyPair::from_pkcs8(curve, made.as_ref(), &random).map_err(|_| no_key())
}

fn no_key() -> Error {
    Error::new("cannot make a key")
}

fn curve(algorithm: Algorithm) -> Option<(&'static str, &'static EcdsaSigningAlgorithm)> {
    Some(match algorithm {
        Algorithm::ES256 => ("P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::ES384 => ("P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => return None,
    })
}

fn respond(token: Result<String, Error>) -> Answer {
    match token {
        Ok(token) => {
            let mut answer = local_http::json(StatusCode::OK, &json!({ "token": token }));
            answer.headers_mut().insert(
                header::CACHE_CONTROL,
                http::HeaderValue::from_static("no-store"),
            );
            answer
        }
        Err(problem) => error(StatusCode::INTERNAL_SERVER_ERROR, problem.message()),
    }
}

fn error(status: StatusCode, message: &str) -> Answer {
    local_http::json(status, &json!({ "message": message }))
}

#[cfg(test)]
mod tests;
