//! An issuer of tokens for the tests, with an RSA key made on the spot.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use frames_emulator::issuer::rsa;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub const ISSUER: &str = "https://login.example.org/";
pub const AUDIENCE: &str = "frames";

pub struct Issuer {
    kid: &'static str,
    key: RsaKeyPair,
}

impl Issuer {
    pub fn new() -> Self {
        Self::named("test-1")
    }

    /// Its key goes by this name.
    pub fn named(kid: &'static str) -> Self {
        Self {
            kid,
            key: rsa::generate().unwrap(),
        }
    }

    /// The key set (RFC 7517) that verifies this issuer's tokens.
    pub fn key_set(&self) -> Value {
        let key = PublicKeyComponents::<Vec<u8>>::from(self.key.public());
        json!({"keys": [{
            "kty": "RSA",
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
            "n": BASE64URL.encode(key.n),
            "e": BASE64URL.encode(key.e),
        }]})
    }

    /// A good token, but for the claims that are given.
    pub fn token(&self, claims: Value) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut all = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "viewer",
            "iat": now,
            "exp": now + 300,
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid});
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&all));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", BASE64URL.encode(signature))
    }
}
