//! What is asked of any bytes as an event, as a token, as a key set and as a table of access. Run by
//! `corpora.rs` beside this folder and by the fuzz targets of the same names.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/naive.rs"]
mod naive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_authorizer::keys::{KeyCache, KeySet, Keys, Lookup};
use frames_authorizer::{Decision, Reason, decide, prepare};
use frames_edge::access::Access;
use frames_edge::jose::{self, NAMES};
use frames_edge::operation::{Kind, Operation};
use frames_edge::{AuthorizerConfig, Event, Request, Response};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};
use std::sync::LazyLock;
use support::{ISSUER, KID, Key, NOW, bearer, config, jwks, now, request};

struct World {
    config: AuthorizerConfig,
    keys: Keys,
    key: Key,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = config(json!({"algorithms": ["RS256"]}));
    World {
        keys: prepare(&config).unwrap(),
        config,
        key: Key::issuer(),
    }
});

/// Any bytes as an event: an answer that CloudFront takes, or the request
/// without a token anywhere.
pub(crate) fn events(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else {
        return;
    };
    for record in event.records {
        let came = record.cf.request;
        judge(came.clone(), &WORLD.config, &WORLD.keys);
        let open = AuthorizerConfig {
            auth: None,
            ..WORLD.config.clone()
        };
        judge(came, &open, &Keys::new(vec![]));
    }
}

fn judge(came: Request, config: &AuthorizerConfig, keys: &Keys) -> bool {
    let tokens: Vec<String> = came
        .headers
        .iter()
        .filter(|(name, _)| ["authorization", "token"].contains(&&*name.to_ascii_lowercase()))
        .flat_map(|(_, values)| values.iter().map(|header| header.value.clone()))
        .filter(|value| value.len() > 40)
        .collect();
    match decide(came, config, keys, now()) {
        Decision::Pass(sent) => {
            check_sent(&sent);
            true
        }
        Decision::Respond(response, _) => {
            check_answer(&response, &tokens);
            false
        }
        Decision::NeedKeys { .. } => panic!("keys that are baked in are never fetched"),
    }
}

fn check_sent(sent: &Request) {
    let operation = Operation::parse(&sent.uri, WORLD.config.served()).unwrap();
    assert_eq!(operation.path(), sent.uri);
    let methods = operation.kind().methods(WORLD.config.served());
    assert!(methods.contains(&sent.method.as_str()));
    for name in sent.headers.keys() {
        let name = name.to_ascii_lowercase();
        assert!(
            !["authorization", "token"].contains(&name.as_str()),
            "{name}"
        );
    }
    check_query(&operation, &sent.querystring);
    let json = serde_json::to_vec(sent).unwrap();
    serde_json::from_slice::<Request>(&json).unwrap();
}

/// Read a second way: no parameter is left that anybody takes for a token, and
/// of a DICOMweb query only what that operation knows.
fn check_query(operation: &Operation, query: &str) {
    let mut text = query.to_owned();
    for _ in 0..3 {
        for pair in text.split(['&', ';']) {
            let (name, has_value) = match pair.split_once('=') {
                Some((name, _)) => (name, true),
                None => (pair, false),
            };
            let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let letters = letters.to_ascii_lowercase();
            let is_token = [
                "token",
                "accesstoken",
                "idtoken",
                "refreshtoken",
                "bearer",
                "jwt",
            ]
            .contains(&letters.as_str());
            assert!(!(is_token && has_value), "{query}");
        }
        text = unescaped(&text);
    }
    match operation.kind() {
        Kind::ImageFrame => return,
        Kind::ImageSetMetadata => {
            let version = query.strip_prefix("version=");
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            assert!(query.is_empty() || version.is_some_and(digits), "{query}");
        }
        _ => {}
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = unescaped(&pair.split('=').next().unwrap().replace('+', " "));
        let name = name.split(';').next().unwrap();
        assert!(operation.knows(name), "{name:?} in {query}");
    }
}

/// Percent-encoding taken away, once.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let digits = digits.filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn check_answer(response: &Response, tokens: &[String]) {
    let status: u16 = response.status.parse().unwrap();
    assert!([204, 400, 401, 403, 404, 405, 413, 414, 429, 502, 503].contains(&status));
    assert_eq!(response.headers["cache-control"][0].value, "no-store");
    let text = serde_json::to_string(response).unwrap();
    for token in tokens {
        assert!(!text.contains(token.as_str()), "a token in an answer");
    }
}

/// Any bytes as a token. The first byte says how they are read: as the token
/// itself, or as a header and claims, a NUL between them, which the issuer signs.
pub(crate) fn tokens(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    if kind % 2 == 0 {
        let headers = [
            ("Authorization", format!("Bearer {text}")),
            ("Token", text.clone().into_owned()),
        ];
        for (name, value) in headers {
            let passed = judge(request(&[(name, &value)], ""), &WORLD.config, &WORLD.keys);
            assert!(!passed || is_signed(text.trim()), "forged: {text:?}");
        }
        judge(request(&[], &text), &WORLD.config, &WORLD.keys);
        return;
    }
    let (header, claims) = text.split_once('\0').unwrap_or((&text, ""));
    let token = WORLD.key.token_of(header, claims);
    let passed = judge(bearer(&token), &WORLD.config, &WORLD.keys);
    assert!(!passed || is_good(header, claims), "{header:?} {claims:?}");
}

/// By ring itself, without a line of ours between.
fn is_signed(token: &str) -> bool {
    let (n, e) = WORLD.key.components();
    let key = RsaPublicKeyComponents { n, e };
    let Some((signed, signature)) = token.rsplit_once('.') else {
        return false;
    };
    URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .is_ok()
    })
}

/// What at least holds of a token that may pass, read a second way.
fn is_good(header: &str, claims: &str) -> bool {
    let (Ok(header), Ok(claims)) = (
        serde_json::from_str::<Value>(header),
        serde_json::from_str::<Value>(claims),
    ) else {
        return false;
    };
    let now = NOW as f64;
    let audience = match &claims["aud"] {
        Value::Array(list) => list.iter().any(|one| one == "frames"),
        one => one == "frames",
    };
    header["alg"] == "RS256"
        && header["kid"] == KID
        && header.get("crit").is_none()
        && claims["iss"] == ISSUER
        && audience
        && claims["exp"].as_f64().is_some_and(|exp| exp + 30.0 > now)
        && claims
            .get("nbf")
            .is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf <= now + 30.0))
}

/// Any bytes as a key set: what can be read of it verifies, or is left out.
pub(crate) fn key_sets(bytes: &[u8]) {
    let Ok(jwks) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Ok(set) = KeySet::parse(&jwks) else {
        return;
    };
    let keys = jwks["keys"].as_array().unwrap();
    let cache = KeyCache::fixed(set);
    for kid in keys
        .iter()
        .filter_map(|key| key["kid"].as_str())
        .chain([KID])
    {
        for name in NAMES {
            let algorithm = jose::algorithm(name).unwrap();
            let found = match cache.lookup(kid, algorithm, now()) {
                Lookup::Key(_) => true,
                Lookup::Fetch => panic!("keys that are baked in are never fetched"),
                _ => false,
            };
            let suits = |key: &&Value| {
                key["kid"] == kid
                    && (key["alg"].is_null()
                        || key["alg"].as_str().and_then(jose::algorithm) == Some(algorithm))
                    && (key["use"].is_null() || key["use"] == "sig")
            };
            assert!(
                !found || keys.iter().any(|key| suits(&key)),
                "{kid:?} for {name}"
            );
        }
    }
    // A token of ours against whatever keys those are: no key, or a good one, but never a panic.
    static GOOD: LazyLock<String> = LazyLock::new(|| WORLD.key.token(&support::claims(json!({}))));
    let foreign = !keys.iter().any(|key| key["n"] == jwks_modulus());
    let passed = judge(bearer(&GOOD), &WORLD.config, &Keys::new(vec![cache]));
    assert!(
        !(passed && foreign),
        "signed by a key that isn't in the set"
    );
}

fn jwks_modulus() -> Value {
    jwks()["keys"][0]["n"].clone()
}

/// Any bytes as a table of access, as `accessClaims`, as claims, as a path and as a query, with
/// a NUL between two: what can't be read is refused, and what can is decided as by the naive
/// writing of the rule.
pub(crate) fn access(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.splitn(5, '\0').collect();
    let [table, names, changes, path, query] = parts[..] else {
        return;
    };
    let table = serde_json::from_str::<Access>(table).ok();
    if let Some(table) = &table {
        let written = serde_json::to_string(table).unwrap();
        assert_eq!(&serde_json::from_str::<Access>(&written).unwrap(), table);
    }
    let names = serde_json::from_str(names).ok();
    let Ok(Value::Object(mut said)) = serde_json::from_str::<Value>(changes) else {
        return;
    };
    // The token is good: what it may read is the question.
    for (name, value) in support::claims(json!({"groups": null}))
        .as_object()
        .unwrap()
    {
        if name != "cognito:groups" {
            said.insert(name.clone(), value.clone());
        }
    }
    for name in ["cnf", "events"] {
        said.remove(name);
    }
    let said = Value::Object(said);
    let mut config = WORLD.config.clone();
    let auth = config.auth.as_mut().unwrap();
    auth.access = table;
    auth.access_claims = names;
    let Ok(keys) = prepare(&config) else {
        return;
    };
    let auth = config.auth.as_ref().unwrap();
    let rows = auth.access.as_ref().map(rows);
    let names = auth.access_claims.as_ref();
    let names = names.map(|names| serde_json::to_value(names).unwrap());
    let allows = |path: &str, query: &str| {
        let groups = &auth.groups_claim;
        naive::allows(rows.as_deref(), names.as_ref(), groups, &said, path, query)
    };
    let mut request = bearer(&WORLD.key.token(&said));
    let served = config.served();
    let Ok(operation) = Operation::parse(path, served) else {
        return;
    };
    request.method = operation.kind().methods(served)[0].to_owned();
    request.uri = path.to_owned();
    request.querystring = query.to_owned();
    match decide(request, &config, &keys, now()) {
        Decision::Pass(sent) => {
            assert!(allows(&sent.uri, &sent.querystring), "{text:?}");
        }
        Decision::Respond(_, denial) => {
            let by_access = [Reason::NoAccessRow, Reason::NoAccessClaim];
            // What of a query goes on isn't told in a refusal.
            if by_access.contains(&denial.reason) && query.is_empty() {
                assert!(!allows(operation.path(), ""), "{text:?}");
            }
        }
        Decision::NeedKeys { .. } => panic!("keys that are baked in are never fetched"),
    }
}

/// The table's rows, as a manifest would have them: one per id.
fn rows(access: &Access) -> Vec<Value> {
    let written = serde_json::to_value(access).unwrap();
    let index = |number: &Value| usize::try_from(number.as_u64().unwrap()).unwrap();
    let named = |readers: usize| match written["readers"][readers].as_array() {
        None => Value::Null,
        Some(numbers) => {
            let names = numbers.iter();
            names
                .map(|number| written["groups"][index(number)].clone())
                .collect()
        }
    };
    let mut rows = vec![];
    for store in written["datastores"].as_array().unwrap() {
        let row = |readers| json!({"datastore": store["datastore"], "groups": named(readers)});
        rows.extend(store.get("whole").map(|whole| row(index(whole))));
        for key in ["imageSets", "studies"] {
            let Some(list) = store.get(key) else { continue };
            let ids = list["ids"].as_str().unwrap().split(' ');
            for (id, readers) in ids.zip(list["readers"].as_str().unwrap().split(' ')) {
                let mut row = row(readers.parse().unwrap());
                row[key] = json!([id]);
                rows.push(row);
            }
        }
    }
    rows
}
