//! The rules around jsonwebtoken. For each of them there is a token that passes the
//! library by itself, with its own reading of the key set, and that is refused here.
//!
//! The library is set up as its documentation says: issuer, audience, `nbf` and the
//! same leeway. Its clock can't be set, so these tokens are made for this second.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use frames_authorizer::{Decision, Reason, crypto, decide, prepare};
use frames_edge::jose;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::*;

/// A rule, a token that breaks it, and what the configuration is beside the usual.
struct Case {
    rule: &'static str,
    token: String,
    auth: Value,
    reason: Reason,
}

fn case(rule: &'static str, token: String, auth: Value, reason: Reason) -> Case {
    Case {
        rule,
        token,
        auth,
        reason,
    }
}

/// Claims that are good at `at`, with changes.
fn claims_at(at: u64, changes: Value) -> Value {
    let mut times = json!({"exp": at + 300, "iat": at, "nbf": at});
    let given = changes.as_object().unwrap().clone();
    times.as_object_mut().unwrap().extend(given);
    claims(times)
}

/// Whether the library takes a token by the set, or says no.
fn library_takes(token: &str, jwks: &Value) -> bool {
    crypto::install();
    let set: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let header = decode_header(token).unwrap();
    // It finds a key by `kid`. Where there is none, its user takes the first.
    let named = header.kid.as_deref().and_then(|kid| set.find(kid));
    let key = DecodingKey::from_jwk(named.unwrap_or(&set.keys[0])).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&["frames"]);
    decode::<Value>(token, &key, &validation).is_ok()
}

/// The reason, or `None` for a token that passes.
fn here(token: &str, auth: &Value, at: u64) -> Option<Reason> {
    let config = config(auth.clone());
    let now = UNIX_EPOCH + Duration::from_secs(at);
    match decide(bearer(token), &config, &prepare(&config).unwrap(), now) {
        Decision::Pass(_) => None,
        Decision::Respond(_, denial) => Some(denial.reason),
        Decision::NeedKeys { need, .. } => panic!("asked for {need:?}"),
    }
}

fn set_of(auth: &Value) -> Value {
    auth.get("jwks").cloned().unwrap_or_else(jwks)
}

/// A set with this key, and with another: a set without any usable key is refused as a whole.
fn with_key(key: Value) -> Value {
    json!({"jwks": {"keys": [key, Key::stranger().jwk("other")]}})
}

fn changed(mut key: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

fn header_cases(at: u64) -> Vec<Case> {
    let signed = |header: &str| {
        let claims = claims_at(at, json!({})).to_string();
        Key::issuer().token_of(header, &claims)
    };
    let rows = [
        (
            "a name once in a header",
            r#"{"alg":"RS256","kid":"key-1","x":1,"x":2}"#,
            Reason::MalformedToken,
        ),
        (
            "extensions that must be understood",
            r#"{"alg":"RS256","kid":"key-1","crit":["b64"],"b64":true}"#,
            Reason::CriticalHeader,
        ),
        (
            "extensions that must be understood, without one",
            r#"{"alg":"RS256","kid":"key-1","crit":null}"#,
            Reason::CriticalHeader,
        ),
        (
            "the token's own kind",
            r#"{"alg":"RS256","kid":"key-1","typ":"logout+jwt"}"#,
            Reason::WrongType,
        ),
        (
            "the token's own kind, left open",
            r#"{"alg":"RS256","kid":"key-1","typ":null}"#,
            Reason::WrongType,
        ),
        ("a key by its name", r#"{"alg":"RS256"}"#, Reason::NoKid),
        (
            "a key by its exact name",
            r#"{"alg":"RS256","kid":"KEY-1"}"#,
            Reason::UnknownKey,
        ),
    ];
    let cases = rows.map(|(rule, header, reason)| case(rule, signed(header), json!({}), reason));
    cases.into()
}

fn claims_cases(at: u64) -> Vec<Case> {
    let now = at as f64;
    let rows = [
        (
            "bearer tokens",
            json!({"cnf": {"jkt": "x"}}),
            Reason::SenderConstrained,
        ),
        (
            "no message of an event",
            json!({"events": {"logout": {}}}),
            Reason::WrongType,
        ),
        (
            "one issuer",
            json!({"iss": [ISSUER, "https://evil.example"]}),
            Reason::WrongIssuer,
        ),
        ("an issuer", json!({"iss": null}), Reason::WrongIssuer),
        ("an audience", json!({"aud": null}), Reason::WrongAudience),
        (
            "an audience of strings",
            json!({"aud": ["other", 1]}),
            Reason::WrongAudience,
        ),
        (
            "the second of the end",
            json!({"exp": at - 30}),
            Reason::Expired,
        ),
        (
            "fractions of the end",
            json!({"exp": now - 30.5}),
            Reason::Expired,
        ),
        (
            "fractions of the start",
            json!({"nbf": now + 30.4}),
            Reason::NotYetValid,
        ),
        (
            "16 KiB",
            json!({"pad": "x".repeat(17_000)}),
            Reason::TokenTooLong,
        ),
    ];
    let cases = rows.map(|(rule, changes, reason)| {
        let token = Key::issuer().token(&claims_at(at, changes));
        case(rule, token, json!({}), reason)
    });
    let text = claims_at(at, json!({})).to_string();
    let twice = text.replacen('{', r#"{"scope":"frames/write","#, 1);
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    let mut cases = Vec::from(cases);
    cases.push(case(
        "a name once in claims",
        Key::issuer().token_of(&header, &twice),
        json!({}),
        Reason::MalformedToken,
    ));
    cases
}

fn configured_cases(at: u64) -> Vec<Case> {
    let token = Key::issuer().token(&claims_at(at, json!({})));
    let rows = [
        (
            "the use that is asked for",
            json!({"tokenUse": "id"}),
            Reason::WrongTokenUse,
        ),
        (
            "the client that is asked for",
            json!({"tokenUse": "access", "clientIds": ["other"]}),
            Reason::WrongClient,
        ),
        (
            "all scopes",
            json!({"scopes": ["frames/read", "admin"]}),
            Reason::MissingScope,
        ),
        (
            "one of the groups",
            json!({"groups": ["admin"]}),
            Reason::MissingGroup,
        ),
    ];
    let cases = rows.map(|(rule, auth, reason)| case(rule, token.clone(), auth, reason));
    cases.into()
}

fn key_cases(at: u64) -> Vec<Case> {
    let token = Key::issuer().token(&claims_at(at, json!({})));
    let rows = [
        (
            "keys for signatures",
            json!({"use": "enc"}),
            Reason::UnknownKey,
        ),
        (
            "keys for signatures, said",
            json!({"use": null}),
            Reason::UnknownKey,
        ),
        (
            "keys for verifying",
            json!({"key_ops": ["sign"]}),
            Reason::UnknownKey,
        ),
        (
            "keys for verifying, said",
            json!({"key_ops": null}),
            Reason::UnknownKey,
        ),
        (
            "keys for their own algorithm",
            json!({"alg": "RS512"}),
            Reason::UnsuitableKey,
        ),
        (
            "keys for a signature's algorithm",
            json!({"alg": "RSA-OAEP"}),
            Reason::UnknownKey,
        ),
        (
            "keys for an algorithm that is one",
            json!({"alg": null}),
            Reason::UnknownKey,
        ),
        ("keys with a name", json!({"kid": null}), Reason::UnknownKey),
        (
            "keys with a name that is one",
            json!({"kid": ""}),
            Reason::UnknownKey,
        ),
    ];
    let cases = rows.map(|(rule, changes, reason)| {
        let key = changed(Key::issuer().jwk(KID), changes);
        case(rule, token.clone(), with_key(key), reason)
    });
    let mut cases = Vec::from(cases);

    let curve = Curve::fresh("ES256");
    let (x, y) = coordinates(&curve.jwk());
    let shifted = json!({"x": b64(&x[..31]), "y": b64(&[&x[31..], y.as_slice()].concat())});
    let edwards = Curve::fresh("EdDSA");
    for (rule, curve, algorithm, changes) in [
        ("coordinates of full length", &curve, "ES256", shifted),
        (
            "the curve's own coordinates",
            &curve,
            "ES256",
            json!({"crv": "P-384"}),
        ),
        (
            "a curve that signs so",
            &curve,
            "ES256",
            json!({"crv": "Ed25519"}),
        ),
        ("Ed25519", &edwards, "EdDSA", json!({"crv": "P-256"})),
    ] {
        let mut auth = with_key(changed(curve.jwk(), changes));
        auth["algorithms"] = json!([algorithm, "RS256"]);
        let token = curve.token(algorithm, &claims_at(at, json!({})));
        cases.push(case(rule, token, auth, Reason::UnknownKey));
    }
    cases
}

fn coordinates(jwk: &Value) -> (Vec<u8>, Vec<u8>) {
    use base64::Engine as _;
    let read = |name: &str| {
        let text = jwk[name].as_str().unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text)
    };
    (read("x").unwrap(), read("y").unwrap())
}

fn second() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

/// A case is tried again where the second passed meanwhile: some rules are about it.
#[test]
fn what_passes_the_library_and_a_rule_refuses() {
    let mut wrong = Vec::new();
    for cases in [header_cases, claims_cases, configured_cases, key_cases] {
        for index in 0..cases(second()).len() {
            let (taken, found, case) = loop {
                let at = second();
                let case = cases(at).swap_remove(index);
                let taken = library_takes(&case.token, &set_of(&case.auth));
                let found = here(&case.token, &case.auth, at);
                if second() == at {
                    break (taken, found, case);
                }
            };
            if !taken || found != Some(case.reason) {
                wrong.push((case.rule, taken, found));
            }
        }
    }
    assert!(wrong.is_empty(), "rule, by the library, here: {wrong:#?}");
}

/// A library that takes everything, or a configuration that refuses everything, would prove nothing.
#[test]
fn the_library_verifies_and_a_good_token_passes_both() {
    let at = second();
    let good = Key::issuer().token(&claims_at(at, json!({})));
    assert!(library_takes(&good, &jwks()));
    assert_eq!(here(&good, &json!({}), at), None);
    for (token, reason) in [
        (
            Key::stranger().token(&claims_at(at, json!({}))),
            Reason::BadSignature,
        ),
        (
            Key::issuer().token(&claims_at(at, json!({"iss": "https://evil.example"}))),
            Reason::WrongIssuer,
        ),
        (
            Key::issuer().token(&claims_at(at, json!({"aud": ["other"]}))),
            Reason::WrongAudience,
        ),
        (
            Key::issuer().token(&claims_at(at, json!({"exp": at - 3600}))),
            Reason::Expired,
        ),
    ] {
        assert!(!library_takes(&token, &jwks()), "{reason:?}");
        assert_eq!(here(&token, &json!({}), at), Some(reason));
    }
}

/// The library makes a key of any numbers. Which of them verify is left to the provider.
#[test]
fn what_the_library_takes_for_a_key_and_a_rule_refuses() {
    let rsa = Key::issuer().jwk(KID);
    let even = |bytes: usize| {
        let mut number = vec![0xff; bytes];
        number[bytes - 1] = 0xfe;
        b64(&number)
    };
    for (rule, changes) in [
        ("2048 bits", json!({"n": b64(&[0xff; 128])})),
        ("8192 bits", json!({"n": b64(&[0xff; 2048])})),
        ("an odd modulus", json!({"n": even(256)})),
        ("an exponent", json!({"e": ""})),
        ("an exponent over 1", json!({"e": "AQ"})),
        ("an odd exponent", json!({"e": "Ag"})),
        ("an exponent of 33 bits", json!({"e": b64(&[0xff; 5])})),
    ] {
        let key = changed(rsa.clone(), changes);
        let read: Jwk = serde_json::from_value(key.clone()).unwrap();
        assert!(DecodingKey::from_jwk(&read).is_ok(), "{rule}");
        assert!(jose::Key::parse(&key).is_err(), "{rule}");
    }
    let p521 =
        json!({"kty": "EC", "crv": "P-521", "kid": KID, "x": b64(&[1; 66]), "y": b64(&[1; 66])});
    let read: Jwk = serde_json::from_value(p521.clone()).unwrap();
    assert!(DecodingKey::from_jwk(&read).is_ok());
    assert!(jose::Key::parse(&p521).is_err());
}

#[test]
fn one_token_where_the_library_takes_either() {
    let at = second();
    let now = UNIX_EPOCH + Duration::from_secs(at);
    let [one, other] = ["one", "other"].map(|subject| {
        let token = Key::issuer().token(&claims_at(at, json!({"sub": subject})));
        assert!(library_takes(&token, &jwks()));
        token
    });
    let config = config(json!({}));
    let both = request(
        &[
            ("Authorization", &format!("Bearer {one}")),
            ("Token", &other),
        ],
        "",
    );
    match decide(both, &config, &prepare(&config).unwrap(), now) {
        Decision::Respond(_, denial) => assert_eq!(denial.reason, Reason::DifferentTokens),
        decision => panic!("{decision:?}"),
    }
}
