//! Which tokens are good, and what is wrong with the others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use frames_authorizer::keys::{KeyCache, KeySet, Keys, Need, PENALTY};
use frames_authorizer::{Decision, Denial, Reason, decide, prepare};
use frames_edge::key_answer::Failed;
use frames_edge::{AuthorizerConfig, Response};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use std::time::Duration;
use support::*;

fn decided(token: &str, config: &AuthorizerConfig) -> Option<(Response, Denial)> {
    match decide(bearer(token), config, &prepare(config).unwrap(), now()) {
        Decision::Pass(_) => None,
        Decision::Respond(response, denial) => Some((response, denial)),
        Decision::NeedKeys { need, .. } => panic!("asked for {need:?}"),
    }
}

fn reason(token: &str, config: &AuthorizerConfig) -> Option<Reason> {
    decided(token, config).map(|(_, denial)| denial.reason)
}

/// The verdict on claims that the right key signed.
fn on(changes: Value, auth: Value) -> Option<Reason> {
    reason(&Key::issuer().token(&claims(changes)), &config(auth))
}

/// The verdict on a header over good claims.
fn on_header(header: Value) -> Option<Reason> {
    let token = Key::issuer().token_of(&header.to_string(), &claims(json!({})).to_string());
    reason(&token, &config(json!({})))
}

#[test]
fn a_good_token_passes_by_each_algorithm() {
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        assert_eq!(
            on_header(json!({"alg": algorithm, "kid": KID})),
            None,
            "{algorithm}"
        );
    }
}

const CURVES: [&str; 3] = ["ES256", "ES384", "EdDSA"];

#[test]
fn a_good_token_passes_by_each_curve_and_no_other() {
    for algorithm in CURVES {
        let key = Curve::fresh(algorithm);
        let set = json!({"keys": [key.jwk()]});
        let all = config(json!({"jwks": set, "algorithms": CURVES}));
        let good = key.token(algorithm, &claims(json!({})));
        assert_eq!(reason(&good, &all), None, "{algorithm}");
        let forged = Curve::fresh(algorithm).token(algorithm, &claims(json!({})));
        assert_eq!(reason(&forged, &all), Some(Reason::BadSignature));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        for changed in [
            format!("{signed}.{}", &signature[..signature.len() - 4]),
            format!("{signed}.{signature}AAAA"),
            format!("{signed}."),
            good.replacen("ey", "eyA", 1),
        ] {
            assert!(reason(&changed, &all).is_some(), "{algorithm}: {changed}");
        }
        // The key's curve decides, not the header.
        for other in CURVES.iter().filter(|other| **other != algorithm) {
            let confused = key.token(other, &claims(json!({})));
            let found = reason(&confused, &all);
            assert_eq!(found, Some(Reason::UnsuitableKey), "{algorithm} as {other}");
        }
        let only = config(json!({"jwks": set}));
        assert_eq!(reason(&good, &only), Some(Reason::AlgorithmNotAllowed));
    }
}

#[test]
fn a_signature_of_zeros_is_none() {
    for (algorithm, length) in CURVES.into_iter().zip([64, 96, 64]) {
        let key = Curve::fresh(algorithm);
        let set = json!({"keys": [key.jwk()]});
        let all = config(json!({"jwks": set, "algorithms": CURVES}));
        let good = key.token(algorithm, &claims(json!({})));
        let (signed, _) = good.rsplit_once('.').unwrap();
        let zeros = format!("{signed}.{}", b64(&vec![0; length]));
        assert_eq!(reason(&zeros, &all), Some(Reason::BadSignature));
    }
}

#[test]
fn pss_is_not_pkcs1() {
    let issuer = Key::issuer();
    let good = issuer.token_of(
        &json!({"alg": "PS256", "kid": KID}).to_string(),
        &claims(json!({})).to_string(),
    );
    let signed = good.rsplit_once('.').unwrap().0;
    let token = format!("{signed}.{}", b64(&issuer.sign(&RSA_PKCS1_SHA256, signed)));
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::BadSignature)
    );
}

#[test]
fn only_tokens_by_type_are_taken() {
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/jwt",
        "Application/at+JWT",
    ] {
        let found = on_header(json!({"alg": "RS256", "kid": KID, "typ": typ}));
        assert_eq!(found, None, "{typ}");
    }
    for typ in [
        json!("logout+jwt"),
        json!("application/logout+jwt"),
        json!("secevent+jwt"),
        json!("dpop+jwt"),
        json!("JOSE"),
        json!("text/jwt"),
        json!("application/application/jwt"),
        json!(" JWT"),
        json!(""),
        json!(null),
        json!(["JWT"]),
    ] {
        let token = Key::issuer().token_of(
            &json!({"alg": "RS256", "kid": KID, "typ": typ}).to_string(),
            &claims(json!({})).to_string(),
        );
        let (response, denial) = decided(&token, &config(json!({}))).unwrap();
        assert_eq!(denial.reason, Reason::WrongType, "{typ}");
        assert_eq!(response.status, "401", "{typ}");
    }
}

#[test]
fn a_token_of_another_kind_without_a_type_is_told_by_its_claims() {
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(
        on(json!({"events": logout}), json!({})),
        Some(Reason::WrongType)
    );
    assert_eq!(on(json!({"events": ["mine"]}), json!({})), None);
}

#[test]
fn a_token_bound_to_its_senders_key_is_no_bearer_token() {
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({}),
        json!("key"),
    ] {
        let token = Key::issuer().token(&claims(json!({"cnf": cnf})));
        let (response, denial) = decided(&token, &config(json!({}))).unwrap();
        assert_eq!(denial.reason, Reason::SenderConstrained, "{cnf}");
        assert_eq!(response.status, "401", "{cnf}");
    }
    let null = claims(json!({}))
        .to_string()
        .replacen('{', r#"{"cnf":null,"#, 1);
    let token = Key::issuer().token_of(&json!({"alg": "RS256", "kid": KID}).to_string(), &null);
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::SenderConstrained)
    );
}

#[test]
fn header_and_claims_are_objects() {
    let issuer = Key::issuer();
    let good = claims(json!({})).to_string();
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    let values: Vec<Value> = claims(json!({}))
        .as_object()
        .unwrap()
        .values()
        .cloned()
        .collect();
    for token in [
        issuer.token_of(r#"["RS256","key-1"]"#, &good),
        issuer.token_of(r#"["RS256","key-1",null]"#, &good),
        issuer.token_of(&format!("[{header}]"), &good),
        issuer.token_of(&header, &json!(values).to_string()),
        issuer.token_of(&header, &format!("[{good}]")),
    ] {
        let found = reason(&token, &config(json!({})));
        assert_eq!(found, Some(Reason::MalformedToken), "{token}");
    }
}

#[test]
fn every_bad_token_looks_the_same_from_outside() {
    let expired = Key::issuer().token(&claims(json!({"exp": NOW - 3600})));
    let forged = Key::stranger().token(&claims(json!({})));
    let mut seen = Vec::new();
    for token in [expired.as_str(), &forged, "nonsense", "a.b.c"] {
        let (response, _) = decided(token, &config(json!({}))).unwrap();
        assert_eq!(response.status, "401");
        assert_eq!(
            response.body.as_deref(),
            Some(r#"{"error":"invalid_token"}"#)
        );
        assert_eq!(
            value(&response, "www-authenticate"),
            Some(r#"Bearer error="invalid_token""#)
        );
        seen.push(response);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn tokens_that_are_none() {
    let good = Key::issuer().token(&claims(json!({})));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let issuer = Key::issuer();
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    for token in [
        "a",
        "a.b",
        "a.b.c",
        "....",
        "é.é.é",
        head,
        &format!("{good}.{signature}"),
        &format!("{good}="),
        &format!("{head}.={signature}"),
        &issuer.token_of("[]", "{}"),
        &issuer.token_of(&header, "[]"),
        &issuer.token_of(&header, "no json"),
        &issuer.token_of(&header, &"[".repeat(5_000)),
        &issuer.token_of(r#"{"alg":5,"kid":"key-1"}"#, "{}"),
        &issuer.token_of(r#"{"kid":"key-1"}"#, "{}"),
    ] {
        let found = reason(token, &config(json!({})));
        let expected = [Some(Reason::MalformedToken), Some(Reason::BadSignature)];
        assert!(expected.contains(&found), "{token}: {found:?}");
    }
}

#[test]
fn the_same_name_twice_is_refused() {
    let issuer = Key::issuer();
    let good = claims(json!({})).to_string();
    let twice = good.replacen('{', r#"{"iss":"https://evil.example","#, 1);
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    assert_eq!(
        reason(&issuer.token_of(&header, &good), &config(json!({}))),
        None
    );
    let token = issuer.token_of(&header, &twice);
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::MalformedToken)
    );
    for header in [
        r#"{"alg":"RS256","kid":"key-1","kid":"key-1"}"#,
        r#"{"alg":"RS256","kid":"key-1","x":1,"x":2}"#,
    ] {
        let found = reason(&issuer.token_of(header, &good), &config(json!({})));
        assert_eq!(found, Some(Reason::MalformedToken), "{header}");
    }
}

#[test]
fn a_token_beyond_16_kib_is_not_read() {
    let long = |size: usize| {
        let padded = |pad: usize| Key::issuer().token(&claims(json!({"pad": "x".repeat(pad)})));
        let mut pad = (size - padded(0).len()) * 3 / 4;
        while padded(pad).len() < size {
            pad += 1;
        }
        padded(pad)
    };
    assert_eq!(reason(&long(16_000), &config(json!({}))), None);
    let (response, denial) = decided(&long(16_386), &config(json!({}))).unwrap();
    assert_eq!(
        denial,
        Denial {
            reason: Reason::TokenTooLong,
            kid: None,
            issuer: None,
            rule: None,
            wait: None
        }
    );
    assert_eq!(response.status, "401");
}

#[test]
fn algorithms_outside_the_list_are_refused() {
    for algorithm in [
        "none", "None", "HS256", "RS1", "rs256", "ES256", "EdDSA", "",
    ] {
        assert_eq!(
            on_header(json!({"alg": algorithm, "kid": KID})),
            Some(Reason::AlgorithmNotAllowed),
            "{algorithm}"
        );
    }
    let only = config(json!({"algorithms": ["RS512"]}));
    let token = Key::issuer().token(&claims(json!({})));
    assert_eq!(reason(&token, &only), Some(Reason::AlgorithmNotAllowed));
}

#[test]
fn no_signature_is_no_signature() {
    let none = format!(
        "{}.{}.",
        b64(json!({"alg": "none", "kid": KID}).to_string().as_bytes()),
        b64(claims(json!({})).to_string().as_bytes())
    );
    assert_eq!(
        reason(&none, &config(json!({}))),
        Some(Reason::AlgorithmNotAllowed)
    );
    let good = Key::issuer().token(&claims(json!({})));
    let stripped = &good[..=good.rfind('.').unwrap()];
    assert_eq!(
        reason(stripped, &config(json!({}))),
        Some(Reason::BadSignature)
    );
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let (n, _) = Key::issuer().components();
    let signed = format!(
        "{}.{}",
        b64(json!({"alg": "HS256", "kid": KID}).to_string().as_bytes()),
        b64(claims(json!({})).to_string().as_bytes())
    );
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &n);
    let tag = ring::hmac::sign(&key, signed.as_bytes());
    let token = format!("{signed}.{}", b64(tag.as_ref()));
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::AlgorithmNotAllowed)
    );
}

#[test]
fn another_key_does_not_verify() {
    let token = Key::stranger().token(&claims(json!({})));
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::BadSignature)
    );
}

#[test]
fn a_changed_token_does_not_verify() {
    let good = Key::issuer().token(&claims(json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    let other = b64(claims(json!({"sub": "admin"})).to_string().as_bytes());
    let header = b64(br#"{"alg":"RS384","kid":"key-1"}"#);
    for token in [
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{header}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], b64(&[0; 256])),
    ] {
        assert_eq!(
            reason(&token, &config(json!({}))),
            Some(Reason::BadSignature)
        );
    }
}

#[test]
fn a_key_is_found_only_by_its_exact_kid() {
    for kid in [json!("key-2"), json!("KEY-1"), json!("key-1 "), json!("")] {
        assert_eq!(
            on_header(json!({"alg": "RS256", "kid": kid})),
            Some(Reason::UnknownKey),
            "{kid}"
        );
    }
    assert_eq!(on_header(json!({"alg": "RS256"})), Some(Reason::NoKid));
    assert_eq!(
        on_header(json!({"alg": "RS256", "kid": null})),
        Some(Reason::NoKid)
    );
    let two = json!({"keys": [Key::stranger().jwk("old"), Key::issuer().jwk(KID)]});
    assert_eq!(on(json!({}), json!({"jwks": two})), None);
}

#[test]
fn a_token_does_not_bring_its_own_key() {
    let stranger = Key::stranger();
    let header = json!({
        "alg": "RS256", "kid": KID, "jwk": stranger.jwk(KID), "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/cert",
    });
    let forged = stranger.token_of(&header.to_string(), &claims(json!({})).to_string());
    assert_eq!(
        reason(&forged, &config(json!({}))),
        Some(Reason::BadSignature)
    );
    assert_eq!(
        on_header(header),
        None,
        "the same header over the issuer's signature"
    );
}

#[test]
fn critical_headers_are_refused() {
    for crit in [json!(["b64"]), json!([]), json!(null), json!("exp")] {
        assert_eq!(
            on_header(json!({"alg": "RS256", "kid": KID, "crit": crit, "b64": false})),
            Some(Reason::CriticalHeader),
            "{crit}"
        );
    }
}

/// Nothing of these is heeded. Who writes them otherwise than RFC 7515, 4.1, isn't understood here.
#[test]
fn a_headers_members_are_of_their_type() {
    for (name, value) in [
        ("cty", json!(1)),
        ("jku", json!(["https://issuer.example/keys"])),
        ("x5u", json!({})),
        ("x5c", json!("MIIC")),
        ("x5t", json!(true)),
        ("nonce", json!(5)),
    ] {
        let mut header = json!({"alg": "RS256", "kid": KID});
        assert_eq!(on_header(header.clone()), None, "{name}");
        header[name] = value;
        assert_eq!(on_header(header), Some(Reason::MalformedToken), "{name}");
    }
}

#[test]
fn a_key_verifies_only_what_it_is_made_for() {
    let with = |changes: Value| {
        let mut key = Key::issuer().jwk(KID);
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        json!({"jwks": {"keys": [key, Key::stranger().jwk("other")]}})
    };
    assert_eq!(on(json!({}), with(json!({"alg": "RS256"}))), None);
    assert_eq!(on(json!({}), with(json!({"key_ops": ["verify"]}))), None);
    assert_eq!(
        on(json!({}), with(json!({"alg": "RS512"}))),
        Some(Reason::UnsuitableKey)
    );
    for out in [
        json!({"alg": "RSA-OAEP"}),
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "EC"}),
        json!({"n": "AQAB"}),
        json!({"n": "not base64!"}),
        json!({"e": ""}),
        json!({"kid": 7}),
    ] {
        assert_eq!(
            on(json!({}), with(out.clone())),
            Some(Reason::UnknownKey),
            "{out}"
        );
    }
}

#[test]
fn a_leading_zero_of_the_modulus_is_read_over() {
    let (n, e) = Key::issuer().components();
    let key =
        json!({"kty": "RSA", "kid": KID, "n": b64(&[&[0], n.as_slice()].concat()), "e": b64(&e)});
    assert_eq!(on(json!({}), json!({"jwks": {"keys": [key]}})), None);
}

#[test]
fn a_1024_bit_key_verifies_nothing() {
    let weak = openssl_modulus(include_bytes!("keys/weak.der"));
    assert_eq!(weak.len(), 128);
    let key = json!({"kty": "RSA", "kid": KID, "n": b64(&weak), "e": "AQAB"});
    let problem = prepare(&config(json!({"jwks": {"keys": [key]}}))).unwrap_err();
    assert!(problem.contains("2048"), "{problem}");
}

/// The modulus of a PKCS #1 private key: its second INTEGER.
fn openssl_modulus(der: &[u8]) -> Vec<u8> {
    assert_eq!(&der[4..11], [0x02, 0x01, 0x00, 0x02, 0x81, 0x81, 0x00]);
    der[11..11 + 128].to_vec()
}

#[test]
fn the_issuer_is_matched_character_for_character() {
    for issuer in [
        json!("https://evil.example"),
        json!("https://issuer.example/"),
        json!("https://ISSUER.example"),
        json!("https://issuer.example.evil"),
        json!([ISSUER]),
        json!(null),
        json!(5),
        json!(""),
    ] {
        assert_eq!(
            on(json!({"iss": issuer}), json!({})),
            Some(Reason::WrongIssuer),
            "{issuer}"
        );
    }
}

#[test]
fn both_of_cognitos_issuers_are_known() {
    let old = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a1B2c3D4e";
    let new = "https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_a1B2c3D4e";
    for issuer in [old, new] {
        assert_eq!(
            on(json!({"iss": issuer}), json!({"issuers": [old, new]})),
            None
        );
    }
    let other_pool = old.replace("a1B2c3D4e", "a1B2c3D4f");
    assert_eq!(
        on(json!({"iss": other_pool}), json!({"issuers": [old, new]})),
        Some(Reason::WrongIssuer)
    );
}

#[test]
fn time_has_thirty_seconds_of_play() {
    for (changes, expected) in [
        (json!({"exp": NOW - 29}), None),
        (json!({"exp": NOW - 30}), Some(Reason::Expired)),
        (json!({"exp": 0}), Some(Reason::Expired)),
        (json!({"exp": -1}), Some(Reason::Expired)),
        (json!({"exp": NOW as f64 - 29.5}), None),
        (json!({"exp": 1e300}), None),
        (json!({"exp": null}), Some(Reason::NoExpiry)),
        (
            json!({"exp": (NOW + 300).to_string()}),
            Some(Reason::NoExpiry),
        ),
        (json!({"nbf": NOW + 30}), None),
        (json!({"nbf": NOW + 31}), Some(Reason::NotYetValid)),
        (json!({"nbf": null}), None),
        (json!({"nbf": "now"}), Some(Reason::MalformedToken)),
    ] {
        assert_eq!(on(changes.clone(), json!({})), expected, "{changes}");
    }
    let token = Key::issuer().token_of(
        &json!({"alg": "RS256", "kid": KID}).to_string(),
        &format!(r#"{{"iss":"{ISSUER}","exp":1e999}}"#),
    );
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::MalformedToken)
    );
}

#[test]
fn token_use_is_checked_where_it_is_asked_for() {
    for (asked, claim, expected) in [
        (json!("access"), json!("access"), None),
        (json!("access"), json!("id"), Some(Reason::WrongTokenUse)),
        (json!("access"), json!(null), Some(Reason::WrongTokenUse)),
        (json!("id"), json!("id"), None),
        (json!("id"), json!("access"), Some(Reason::WrongTokenUse)),
        (json!("any"), json!("access"), None),
        (json!("any"), json!("id"), None),
        (json!("any"), json!("refresh"), Some(Reason::WrongTokenUse)),
        (json!("any"), json!(null), Some(Reason::WrongTokenUse)),
        (json!(null), json!(null), None),
        (json!(null), json!("whatever"), None),
    ] {
        let found = on(json!({"token_use": claim}), json!({"tokenUse": asked}));
        assert_eq!(found, expected, "{asked} {claim}");
    }
}

#[test]
fn the_client_is_in_client_id_of_an_access_token_and_in_aud_of_an_id_token() {
    let clients = json!({"clientIds": ["one", "two"], "tokenUse": "any", "audience": null});
    for (changes, expected) in [
        (json!({"token_use": "access", "client_id": "two"}), None),
        (
            json!({"token_use": "access", "client_id": "three"}),
            Some(Reason::WrongClient),
        ),
        (
            json!({"token_use": "access", "client_id": null, "aud": "one"}),
            Some(Reason::WrongClient),
        ),
        (
            json!({"token_use": "id", "aud": "one", "client_id": null}),
            None,
        ),
        (
            json!({"token_use": "id", "aud": "three", "client_id": "one"}),
            Some(Reason::WrongClient),
        ),
        (
            json!({"token_use": "id", "aud": null, "client_id": "one"}),
            Some(Reason::WrongClient),
        ),
    ] {
        assert_eq!(on(changes.clone(), clients.clone()), expected, "{changes}");
    }
}

#[test]
fn one_audience_must_match() {
    for (aud, expected) in [
        (json!("frames"), None),
        (json!(["other", "frames"]), None),
        (json!("frame"), Some(Reason::WrongAudience)),
        (json!([]), Some(Reason::WrongAudience)),
        (json!(null), Some(Reason::WrongAudience)),
        (json!([["frames"]]), Some(Reason::WrongAudience)),
        (json!(["frames", 1]), Some(Reason::WrongAudience)),
    ] {
        let found = on(
            json!({"aud": aud}),
            json!({"audience": ["frames", "pictures"]}),
        );
        assert_eq!(found, expected, "{aud}");
    }
}

/// Entra, Auth0 and Keycloak write them as texts, others as they like.
#[test]
fn a_claim_by_which_nothing_is_decided_may_have_any_type() {
    for changes in [
        json!({"sub": 1}),
        json!({"sub": null}),
        json!({"jti": ["a"]}),
        json!({"iat": NOW.to_string()}),
        json!({"scope": ["a", "b"]}),
        json!({"scope": 5}),
        json!({"scp": {"a": true}}),
        json!({"azp": 7}),
        json!({"cognito:groups": 7}),
        json!({"token_use": 7}),
    ] {
        assert_eq!(on(changes.clone(), json!({})), None, "{changes}");
    }
    let pool = json!({"audience": null, "tokenUse": "access"});
    let access = json!({"token_use": "access", "aud": {"frames": true}});
    assert_eq!(on(access, pool), None);
}

#[test]
fn what_is_decided_by_is_of_its_type() {
    for (changes, auth, reason) in [
        (
            json!({"aud": ["frames", 1]}),
            json!({}),
            Reason::WrongAudience,
        ),
        (
            json!({"aud": {"frames": true}}),
            json!({}),
            Reason::WrongAudience,
        ),
        (
            json!({"scope": 5}),
            json!({"scopes": ["5"]}),
            Reason::MissingScope,
        ),
        (
            json!({"scope": {"a": 1}}),
            json!({"scopes": ["a"]}),
            Reason::MissingScope,
        ),
    ] {
        assert_eq!(on(changes.clone(), auth), Some(reason), "{changes}");
    }
    let found = on(
        json!({"client_id": ["client"], "token_use": "access"}),
        json!({"clientIds": ["client"], "tokenUse": "access"}),
    );
    assert_eq!(found, Some(Reason::WrongClient));
    let found = on(
        json!({"cognito:groups": [1, "staff"]}),
        json!({"groups": ["staff"]}),
    );
    assert_eq!(found, Some(Reason::MissingGroup));
}

/// Outside Cognito: the first that is there says which client it is.
#[test]
fn a_client_is_known_by_the_claim_that_its_issuer_has() {
    let clients = json!({"clientIds": ["viewer"]});
    for (claims, expected) in [
        (json!({"azp": "viewer"}), None),
        (json!({"client_id": "viewer"}), None),
        (json!({"cid": "viewer"}), None),
        (json!({"appid": "viewer"}), None),
        (json!({"azp": "viewer", "client_id": "other"}), None),
        (
            json!({"azp": "other", "client_id": "viewer"}),
            Some(Reason::WrongClient),
        ),
        (json!({"azp": ["viewer"]}), Some(Reason::WrongClient)),
        (json!({"azp": null, "client_id": "viewer"}), None),
        (
            json!({"aud": ["frames", "viewer"]}),
            Some(Reason::WrongClient),
        ),
        (json!({}), Some(Reason::WrongClient)),
    ] {
        let claims = merge(json!({"client_id": null}), &claims);
        assert_eq!(on(claims.clone(), clients.clone()), expected, "{claims}");
    }
}

fn merge(mut base: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

#[test]
fn all_scopes_must_be_granted() {
    for (changes, expected) in [
        (json!({"scope": "a b c"}), None),
        (json!({"scope": null, "scp": "b a"}), None),
        (json!({"scope": null, "scp": ["a", "b"]}), None),
        (json!({"scope": ["a", "b"]}), None),
        (json!({"scope": ["b a"]}), None),
        (json!({"scope": ["a"], "scp": ["b"]}), None),
        (json!({"scope": ["a", "c"]}), Some(Reason::MissingScope)),
        (json!({"scope": ["a", 1, "b"]}), Some(Reason::MissingScope)),
        (json!({"scope": "a"}), Some(Reason::MissingScope)),
        (json!({"scope": "ab a"}), Some(Reason::MissingScope)),
        (json!({"scope": "A B"}), Some(Reason::MissingScope)),
        (json!({"scope": null}), Some(Reason::MissingScope)),
        (json!({"scope": "a\tb"}), Some(Reason::MissingScope)),
        (
            json!({"scope": null, "scp": ["a", "b", 1]}),
            Some(Reason::MissingScope),
        ),
    ] {
        let found = on(changes.clone(), json!({"scopes": ["a", "b"]}));
        assert_eq!(found, expected, "{changes}");
    }
}

#[test]
fn one_group_is_enough() {
    for (changes, auth, expected) in [
        (json!({}), json!({"groups": ["none", "staff"]}), None),
        (
            json!({"cognito:groups": "staff"}),
            json!({"groups": ["staff"]}),
            None,
        ),
        (
            json!({"roles": ["staff"]}),
            json!({"groups": ["staff"], "groupsClaim": "roles"}),
            None,
        ),
        (
            json!({}),
            json!({"groups": ["Staff"]}),
            Some(Reason::MissingGroup),
        ),
        (
            json!({"cognito:groups": "staff admin"}),
            json!({"groups": ["staff"]}),
            Some(Reason::MissingGroup),
        ),
        (
            json!({"cognito:groups": null}),
            json!({"groups": ["staff"]}),
            Some(Reason::MissingGroup),
        ),
        (
            json!({}),
            json!({"groups": ["staff"], "groupsClaim": "roles"}),
            Some(Reason::MissingGroup),
        ),
    ] {
        assert_eq!(
            on(changes.clone(), auth.clone()),
            expected,
            "{changes} {auth}"
        );
    }
}

#[test]
fn a_good_token_that_does_not_reach_is_forbidden() {
    let token = Key::issuer().token(&claims(json!({})));
    for auth in [json!({"scopes": ["admin"]}), json!({"groups": ["admin"]})] {
        let (response, _) = decided(&token, &config(auth)).unwrap();
        assert_eq!(response.status, "403");
        assert_eq!(
            response.body.as_deref(),
            Some(r#"{"error":"insufficient_scope"}"#)
        );
        assert_eq!(
            value(&response, "www-authenticate"),
            Some(r#"Bearer error="insufficient_scope""#)
        );
    }
}

#[test]
fn the_log_learns_kid_and_issuer_shortened_and_never_the_token() {
    let header = json!({"alg": "RS256", "kid": "k".repeat(500)});
    let claims = claims(json!({"iss": "é".repeat(500)}));
    let token = Key::issuer().token_of(&header.to_string(), &claims.to_string());
    let (_, denial) = decided(&token, &config(json!({}))).unwrap();
    assert_eq!(denial.kid.as_deref(), Some("k".repeat(128).as_str()));
    assert_eq!(denial.issuer.as_deref(), Some("é".repeat(128).as_str()));
    assert!(!format!("{denial:?}").contains(&token[token.len() - 20..]));
}

fn need_of(kid: &str) -> Need {
    Need {
        issuer: 0,
        kid: kid.to_owned(),
        again: false,
    }
}

#[test]
fn keys_are_asked_for_only_by_a_token_that_might_be_good() {
    let remote = config(json!({"jwks": null}));
    let keys = prepare(&remote).unwrap();
    let verdict = |token: &str| decide(bearer(token), &remote, &keys, now());
    let good = Key::issuer().token(&claims(json!({})));
    let Decision::NeedKeys { need, request } = verdict(&good) else {
        panic!("didn't ask");
    };
    assert_eq!(need, need_of(KID));
    assert_eq!(
        request.header("authorization"),
        Some(format!("Bearer {good}").as_str())
    );
    for changes in [
        json!({"exp": 1}),
        json!({"iss": "https://evil.example"}),
        json!({"nbf": NOW + 99}),
    ] {
        let token = Key::issuer().token(&claims(changes.clone()));
        assert!(
            matches!(verdict(&token), Decision::Respond(..)),
            "{changes}"
        );
    }
}

#[test]
fn a_fetched_key_verifies_and_an_unknown_one_stays_unknown() {
    let remote = config(json!({"jwks": null}));
    let token = Key::issuer().token(&claims(json!({})));
    let mut keys = Keys::new(vec![KeyCache::empty()]);
    keys.fetched(KeySet::parse(&jwks()), &need_of(KID), now());
    assert!(matches!(
        decide(bearer(&token), &remote, &keys, now()),
        Decision::Pass(_)
    ));

    let rotated = json!({"keys": [Key::stranger().jwk("key-2")]});
    keys.fetched(KeySet::parse(&rotated), &need_of(KID), now());
    let Decision::Respond(response, denial) = decide(bearer(&token), &remote, &keys, now()) else {
        panic!("passed");
    };
    assert_eq!(
        (response.status.as_str(), denial.reason),
        ("401", Reason::UnknownKey)
    );

    let mut unreachable = Keys::new(vec![KeyCache::empty()]);
    unreachable.fetched(Err("no route".to_owned()), &need_of(KID), now());
    let Decision::Respond(response, denial) = decide(bearer(&token), &remote, &unreachable, now())
    else {
        panic!("passed");
    };
    assert_eq!(
        (response.status.as_str(), denial.reason),
        ("503", Reason::KeysUnavailable)
    );
    assert_eq!(response.headers["retry-after"][0].value, "10");
    let busy = Failed {
        problem: "busy".to_owned(),
        wait: Some(Duration::from_secs(30)),
    };
    let mut rested = Keys::new(vec![KeyCache::empty()]);
    rested.fetched(Err::<KeySet, _>(busy), &need_of(KID), now());
    let soon = now() + Duration::from_millis(4500);
    let Decision::Respond(response, _) = decide(bearer(&token), &remote, &rested, soon) else {
        panic!("passed");
    };
    assert_eq!(response.headers["retry-after"][0].value, "26");
    let later = decide(bearer(&token), &remote, &unreachable, now() + PENALTY);
    assert!(matches!(later, Decision::NeedKeys { .. }));
}

#[test]
fn a_signature_over_other_bytes_with_the_right_key_is_refused() {
    let issuer = Key::issuer();
    let good = issuer.token(&claims(json!({})));
    let signed = good.rsplit_once('.').unwrap().0;
    let token = format!(
        "{signed}.{}",
        b64(&issuer.sign(&RSA_PKCS1_SHA256, "other.bytes"))
    );
    assert_eq!(
        reason(&token, &config(json!({}))),
        Some(Reason::BadSignature)
    );
}

/// Keycloak's, Auth0's, and names with dots in them.
#[test]
fn groups_are_at_a_claim_by_its_whole_name_or_at_a_path() {
    let changes = json!({
        "realm_access": {"roles": ["realm"]},
        "resource_access": {"my.viewer": {"roles": ["client"]}, "account": {"roles": ["x"]}},
        "https://example.org/roles": ["named"],
        "a.b": {"c": ["whole-first"], "d.e": "text"},
        "a": {"b": {"c": ["path"], "f": ["inner"]}},
        "a.b.c": ["whole"],
        "list": [{"roles": ["in-a-list"]}],
    });
    for (claim, group) in [
        ("realm_access.roles", "realm"),
        ("resource_access.my.viewer.roles", "client"),
        ("https://example.org/roles", "named"),
        ("a.b.c", "whole"),
        ("a.b.d.e", "text"),
        ("a.b.f", "inner"),
    ] {
        let auth = |group: &str| json!({"groups": [group], "groupsClaim": claim});
        assert_eq!(on(changes.clone(), auth(group)), None, "{claim}");
        let other = on(changes.clone(), auth("other"));
        assert_eq!(other, Some(Reason::MissingGroup), "{claim}");
    }
    for claim in [
        "realm_access",
        "realm_access.",
        ".roles",
        "realm_access..roles",
        "list.roles",
        "list.0.roles",
        ".",
    ] {
        let auth = json!({"groups": ["realm", "in-a-list"], "groupsClaim": claim});
        assert_eq!(
            on(changes.clone(), auth),
            Some(Reason::MissingGroup),
            "{claim}"
        );
    }
}

/// RFC 9864: another name for EdDSA with this curve, in each place.
#[test]
fn ed25519_is_eddsa() {
    let curve = Curve::fresh("EdDSA");
    let mut jwk = curve.jwk();
    for (own, allowed, alg, expected) in [
        (None, "EdDSA", "EdDSA", None),
        (None, "EdDSA", "Ed25519", None),
        (None, "Ed25519", "EdDSA", None),
        (Some("Ed25519"), "Ed25519", "Ed25519", None),
        (Some("EdDSA"), "EdDSA", "Ed25519", None),
        (Some("Ed25519"), "EdDSA", "EdDSA", None),
        (None, "RS256", "Ed25519", Some(Reason::AlgorithmNotAllowed)),
        (None, "Ed25519", "Ed448", Some(Reason::AlgorithmNotAllowed)),
        (
            None,
            "Ed25519",
            "ed25519",
            Some(Reason::AlgorithmNotAllowed),
        ),
        (
            Some("Ed448"),
            "Ed25519",
            "Ed25519",
            Some(Reason::UnknownKey),
        ),
    ] {
        match own {
            Some(own) => jwk["alg"] = own.into(),
            None => jwk.as_object_mut().unwrap().retain(|key, _| key != "alg"),
        }
        let keys = json!({"keys": [jwk, Key::issuer().jwk("other")]});
        let config = config(json!({"jwks": keys, "algorithms": [allowed]}));
        let token = |claims: &Value| curve.token(alg, claims);
        let shown = format!("{own:?} {allowed} {alg}");
        assert_eq!(
            reason(&token(&claims(json!({}))), &config),
            expected,
            "{shown}"
        );
        if expected.is_some() {
            continue;
        }
        for (changes, wrong) in [
            (json!({"aud": "other"}), Reason::WrongAudience),
            (json!({"aud": null}), Reason::WrongAudience),
            (json!({"iss": "https://evil.example"}), Reason::WrongIssuer),
            (json!({"exp": 1}), Reason::Expired),
        ] {
            let found = reason(&token(&claims(changes.clone())), &config);
            assert_eq!(found, Some(wrong), "{shown} {changes}");
        }
        let good = token(&claims(json!({})));
        let (signed, _) = good.rsplit_once('.').unwrap();
        for signature in ["", "AAAA", &b64(&[0; 64])] {
            let found = reason(&format!("{signed}.{signature}"), &config);
            assert_eq!(found, Some(Reason::BadSignature), "{shown} {signature}");
        }
    }
}

/// Entra's v1 and v2 are two, by their names and by their keys.
#[test]
fn each_issuer_has_its_own_keys() {
    const OTHER: &str = "https://other.example";
    let several = config(json!({
        "jwks": null,
        "issuers": [
            {"names": [ISSUER], "jwksUri": "https://issuer.example/keys"},
            {"names": [OTHER, "other.example"], "jwksUri": "https://other.example/keys"},
        ],
    }));
    let set = |key: &Key| KeySet::parse(&json!({"keys": [key.jwk(KID)]}));
    let mut keys = prepare(&several).unwrap();
    let need = |issuer| Need {
        issuer,
        ..need_of(KID)
    };
    let token = |key: &Key, iss: &str| key.token(&claims(json!({"iss": iss})));
    let verdict = |keys: &Keys, token: &str| match decide(bearer(token), &several, keys, now()) {
        Decision::Pass(_) => "pass".to_owned(),
        Decision::NeedKeys { need, .. } => format!("keys of {}", need.issuer),
        Decision::Respond(_, denial) => denial.reason.as_str().to_owned(),
    };
    let (first, second) = (Key::issuer(), Key::stranger());
    assert_eq!(verdict(&keys, &token(&first, ISSUER)), "keys of 0");
    assert_eq!(
        verdict(&keys, &token(&second, "other.example")),
        "keys of 1"
    );
    keys.fetched(set(&first), &need(0), now());
    assert_eq!(verdict(&keys, &token(&first, ISSUER)), "pass");
    assert_eq!(verdict(&keys, &token(&second, OTHER)), "keys of 1");
    keys.fetched(set(&second), &need(1), now());
    assert_eq!(verdict(&keys, &token(&second, OTHER)), "pass");
    assert_eq!(verdict(&keys, &token(&second, "other.example")), "pass");
    // The same kid, each signed by the other's key.
    assert_eq!(verdict(&keys, &token(&second, ISSUER)), "bad_signature");
    assert_eq!(verdict(&keys, &token(&first, OTHER)), "bad_signature");
    for iss in [json!("https://third.example"), json!(null), json!([ISSUER])] {
        let token = first.token(&claims(json!({"iss": iss})));
        assert_eq!(verdict(&keys, &token), "wrong_issuer", "{iss}");
    }
    // One that is out of reach keeps no other from its tokens.
    keys.fetched(Err("no route".to_owned()), &need(1), now());
    assert_eq!(verdict(&keys, &token(&first, ISSUER)), "pass");
}

/// An issuer may put another key under the old `kid`.
#[test]
fn a_signature_by_another_key_of_that_kid_costs_one_fetch() {
    let remote = config(json!({"jwks": null, "jwksUri": "https://issuer.example/keys"}));
    let set = |key: &Key| KeySet::parse(&json!({"keys": [key.jwk(KID)]}));
    let (old, new) = (Key::issuer(), Key::stranger());
    let mut keys = prepare(&remote).unwrap();
    keys.fetched(set(&old), &need_of(KID), now());
    let token = new.token(&claims(json!({})));
    let asked = |keys: &Keys, after| match decide(bearer(&token), &remote, keys, now() + after) {
        Decision::NeedKeys { need, .. } => Some(need),
        Decision::Respond(_, denial) => {
            assert_eq!(denial.reason, Reason::BadSignature);
            None
        }
        Decision::Pass(_) => panic!("passed"),
    };
    assert_eq!(asked(&keys, Duration::ZERO), None, "the set just came");
    let need = asked(&keys, PENALTY).unwrap();
    assert!(need.again);
    // Nothing new: nobody is asked again for a while.
    keys.fetched(set(&old), &need, now() + PENALTY);
    assert_eq!(asked(&keys, PENALTY), None);
    assert_eq!(asked(&keys, PENALTY * 2 - Duration::from_secs(1)), None);
    let need = asked(&keys, PENALTY * 2).unwrap();
    keys.fetched(set(&new), &need, now() + PENALTY * 2);
    let decision = decide(bearer(&token), &remote, &keys, now() + PENALTY * 2);
    assert!(matches!(decision, Decision::Pass(_)));
    // A forged token of which nothing else is right asks for nothing.
    let expired = new.token(&claims(json!({"exp": 1})));
    let decision = decide(bearer(&expired), &remote, &keys, now() + PENALTY * 9);
    assert!(matches!(decision, Decision::Respond(..)));
}

/// Who deploys often lets a sandbox start without a fetch.
#[test]
fn a_packaged_set_is_trusted_as_long_as_it_was_said() {
    let token = Key::issuer().token(&claims(json!({})));
    let remote = json!({
        "jwks": null, "jwksUri": "https://issuer.example/keys", "initialJwks": jwks(),
    });
    let asks = |changes: Value| {
        let config = config(merge(remote.clone(), &changes));
        let mut keys = prepare(&config).unwrap();
        keys.begin(now());
        match decide(bearer(&token), &config, &keys, now()) {
            Decision::Pass(_) => false,
            Decision::NeedKeys { .. } => true,
            Decision::Respond(_, denial) => panic!("{denial:?}"),
        }
    };
    assert!(asks(json!({})));
    assert!(asks(json!({"initialAt": NOW})));
    assert!(asks(json!({"trustKeysFor": 60})));
    assert!(!asks(json!({"trustKeysFor": 60, "initialAt": NOW})));
    assert!(!asks(json!({"trustKeysFor": 60, "initialAt": NOW - 59})));
    assert!(asks(json!({"trustKeysFor": 60, "initialAt": NOW - 60})));
    // Fetched in what this machine takes for the future: a clock is wrong, and nothing is worse for it.
    assert!(!asks(json!({"trustKeysFor": 60, "initialAt": NOW + 30})));
    assert!(asks(json!({"trustKeysFor": 600, "initialAt": NOW + 301})));
    assert!(asks(json!({"trustKeysFor": 60, "initialAt": u64::MAX})));
}
