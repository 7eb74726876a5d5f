//! Tokens, keys and requests for the tests. The keys in tests/keys are made for
//! the tests only: RSA private keys (PKCS #1, DER) of 2048 bits, `weak.der` of 1024.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_edge::{AuthorizerConfig, Request, Response};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const KID: &str = "key-1";
/// 2026-11-22T09:08:07Z
pub(crate) const NOW: u64 = 1_795_338_487;
pub(crate) const PATH: &str = "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame";
pub(crate) const METADATA: &str = "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageSetMetadata";
pub(crate) const STUDIES: &str = "/datastore/12345678901234567890123456789012/studies";

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

pub(crate) struct Key(RsaKeyPair);

impl Key {
    pub(crate) fn issuer() -> Self {
        Self(RsaKeyPair::from_der(include_bytes!("../keys/issuer.der")).unwrap())
    }

    pub(crate) fn stranger() -> Self {
        Self(RsaKeyPair::from_der(include_bytes!("../keys/stranger.der")).unwrap())
    }

    pub(crate) fn components(&self) -> (Vec<u8>, Vec<u8>) {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        (public.n, public.e)
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let (n, e) = self.components();
        json!({"kty": "RSA", "use": "sig", "kid": kid, "n": b64(&n), "e": b64(&e)})
    }

    pub(crate) fn sign(&self, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                encoding,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .unwrap();
        signature
    }

    /// A token with this very header and these claims, as JSON text.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
        let algorithm = serde_json::from_str::<Value>(header).unwrap_or_default();
        let encoding: &dyn RsaEncoding = match algorithm["alg"].as_str() {
            Some("RS384") => &RSA_PKCS1_SHA384,
            Some("RS512") => &RSA_PKCS1_SHA512,
            Some("PS256") => &RSA_PSS_SHA256,
            Some("PS384") => &RSA_PSS_SHA384,
            Some("PS512") => &RSA_PSS_SHA512,
            _ => &RSA_PKCS1_SHA256,
        };
        format!("{signed}.{}", b64(&self.sign(encoding, &signed)))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": KID});
        self.token_of(&header.to_string(), &claims.to_string())
    }
}

/// A fresh key on a curve, by the one algorithm that goes with it.
pub(crate) enum Curve {
    Ecdsa(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Curve {
    pub(crate) fn fresh(algorithm: &str) -> Self {
        let random = SystemRandom::new();
        let ecdsa = |curve, algorithm| {
            let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
            Self::Ecdsa(curve, pair.unwrap())
        };
        match algorithm {
            "ES256" => ecdsa("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ecdsa("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Ecdsa(curve, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "kid": KID, "x": b64(x), "y": b64(y)})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": KID, "x": b64(pair.public_key().as_ref())})
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ecdsa(_, pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).unwrap();
                signature.as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    pub(crate) fn token(&self, algorithm: &str, claims: &Value) -> String {
        let header = json!({"alg": algorithm, "kid": KID}).to_string();
        let signed = format!(
            "{}.{}",
            b64(header.as_bytes()),
            b64(claims.to_string().as_bytes())
        );
        format!("{signed}.{}", b64(&self.sign(signed.as_bytes())))
    }
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Claims that are good in every configuration here, with the changes of one test; `null` takes one away.
pub(crate) fn claims(changes: Value) -> Value {
    merged(
        json!({
            "iss": ISSUER, "sub": "user", "exp": NOW + 300, "iat": NOW, "nbf": NOW,
            "token_use": "access", "client_id": "client", "aud": "frames",
            "scope": "frames/read frames/list", "cognito:groups": ["radiology", "staff"],
        }),
        changes,
    )
}

pub(crate) fn jwks() -> Value {
    json!({"keys": [Key::issuer().jwk(KID)]})
}

/// The configuration with `changes` merged into `auth`.
/// With changes to `auth`. Names in `issuers` are one issuer's, and what belongs to an
/// issuer is its.
pub(crate) fn config(changes: Value) -> AuthorizerConfig {
    let mut auth = merged(
        json!({
            "issuers": [ISSUER],
            "jwks": jwks(),
            "algorithms": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            "audience": ["frames"],
            "groupsClaim": "cognito:groups",
            "tokenSources": ["authorization", "header", "query"],
        }),
        changes,
    );
    let names = auth["issuers"].as_array().unwrap().clone();
    if names.iter().any(Value::is_string) {
        let mut issuer = json!({"names": names});
        for key in ["jwksUri", "initialJwks", "initialAt"] {
            if let Some(value) = auth.as_object_mut().unwrap().remove(key) {
                issuer[key] = value;
            }
        }
        auth["issuers"] = json!([issuer]);
    }
    serde_json::from_value(json!({
        "auth": auth,
        "dicomweb": true,
        "metadata": true,
        "cors": {"origins": ["*"], "credentials": false},
        "logLevel": "warn",
    }))
    .unwrap()
}

fn merged(mut base: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(key);
        } else {
            base[key] = value.clone();
        }
    }
    base
}

/// A native request with these headers and this query.
pub(crate) fn request(headers: &[(&str, &str)], query: &str) -> Request {
    let mut map = json!({});
    for (name, value) in headers {
        let header = json!({"key": name, "value": value});
        let name = name.to_lowercase();
        match map[&name].as_array_mut() {
            Some(values) => values.push(header),
            None => map[&name] = json!([header]),
        }
    }
    serde_json::from_value(json!({
        "clientIp": "203.0.113.178", "method": "POST", "uri": PATH, "querystring": query, "headers": map,
    }))
    .unwrap()
}

pub(crate) fn bearer(token: &str) -> Request {
    request(&[("Authorization", &format!("Bearer {token}"))], "")
}

pub(crate) fn value<'a>(response: &'a Response, header: &str) -> Option<&'a str> {
    response
        .headers
        .get(header)
        .map(|values| values[0].value.as_str())
}
