//! The key set that `auth.jwksFile` bakes in (RFC 7517).

use super::read_json;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Text;
use crate::variables::outside_file;
use crate::world::{Unread, World};
use frames_edge::jose::{self, Key};
use serde_json::Value;

/// Members that only private and symmetric keys have (RFC 7518, 6.2.2, 6.3.2, 6.4.1).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

pub(super) fn check(
    file: &Text,
    algorithms: &[String],
    world: &dyn World,
    found: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let result = read_json(world, &file.value).and_then(|set| match problem(&set, algorithms) {
        Some(problem) => Err(Unread::Other(problem)),
        None => Ok(set),
    });
    match result {
        Ok(set) => Some(set),
        Err(Unread::Outside) => {
            found.push(outside_file("auth.jwksFile", &file.value, file.span));
            None
        }
        Err(problem) => {
            let message = format!("`{}` can't be baked in: {problem}", file.value);
            found.push(
                Diagnostic::new(codes::JWKS_FILE, "auth.jwksFile", file.span, message)
                    .help("save the issuer's `jwks_uri` document there, and name the algorithm that it signs with in `auth.algorithms`; the path is relative to frames.yml"),
            );
            None
        }
    }
}

/// What keeps a key set from being baked in, whoever brought it. The authorizer
/// reads keys by the same code: a set that it refuses would take the service down.
pub fn problem(set: &Value, algorithms: &[String]) -> Option<String> {
    let Some(keys) = set.get("keys").and_then(Value::as_array) else {
        return Some(without_keys(set).to_owned());
    };
    for (i, key) in keys.iter().enumerate() {
        if let Some(member) = PRIVATE.iter().find(|member| key.get(**member).is_some()) {
            return Some(format!("keys[{i}] is a private key (it has `{member}`)"));
        }
    }
    let why: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| useless(key, algorithms).map(|why| format!("keys[{i}] {why}")))
        .collect::<Option<_>>()?;
    let list = algorithms.join(", ");
    Some(match why.first() {
        None => "there is no key in it".to_owned(),
        Some(first) => format!("no key in it can verify a signature by {list}: {first}"),
    })
}

/// What a document is that has no keys where a set has them.
fn without_keys(set: &Value) -> &'static str {
    if set.get("jwks_uri").is_some() {
        "it is the issuer's configuration document, which names the key set in `jwks_uri`"
    } else if set.get("kty").is_some() {
        "it is a single key, which a set has in its `keys` array: `{\"keys\": [ … ]}`"
    } else if set.is_array() {
        "it is an array, which a set has in its member `keys`: `{\"keys\": [ … ]}`"
    } else if set.get("keys").is_some() {
        "its `keys` is no array"
    } else {
        "it has no `keys` array"
    }
}

/// `None`: it verifies by one of the algorithms.
fn useless(key: &Value, algorithms: &[String]) -> Option<&'static str> {
    let mut allowed = algorithms.iter().filter_map(|name| jose::algorithm(name));
    match Key::parse(key) {
        Ok(key) if allowed.any(|algorithm| key.suits(algorithm)) => None,
        Ok(_) => Some("is for another algorithm"),
        Err(why) => Some(why),
    }
}

#[cfg(test)]
mod tests {
    use crate::world::Fixed;
    use crate::{Source, Target, compile};

    const KEY: &str = r#"{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn said(content: &[u8]) -> Vec<String> {
        let world = Fixed::empty().file("./keys.json", content);
        let auth = "{mode: oidc, issuer: 'https://a.example', audience: a, algorithms: [EdDSA], jwksFile: ./keys.json}";
        let source = Source::new("f", format!("service: x\nauth: {auth}\n"));
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        let found = compile(&source, target, &world).diagnostics;
        let of_the_file = found.into_iter().filter(|d| d.path == "auth.jwksFile");
        of_the_file.map(|d| d.message).collect()
    }

    #[test]
    fn a_key_set_is_read_as_a_manifest_is() {
        let set = format!("{{\"keys\": [{KEY}]}}");
        assert_eq!(said(set.as_bytes()), [""; 0]);
        assert_eq!(said(format!("\u{feff}{set}").as_bytes()), [""; 0]);
        let utf16: Vec<u8> = format!("\u{feff}{set}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (content, part) in [
            (utf16.as_slice(), "is UTF-16, not UTF-8; save it as UTF-8"),
            (b"\xff", "UTF-8"),
            (b" \n", "it is empty"),
            (b"<!doctype html>", "it is a web page"),
            (b"-----BEGIN PUBLIC KEY-----\n", "it is PEM"),
            (
                b"{\"keys\":\n [}",
                "it isn't JSON from line 2, column 3 on: expected value",
            ),
            (b"{\"keys\": [", "it ends in the middle of its JSON"),
            (KEY.as_bytes(), "a single key"),
            (format!("[{KEY}]").as_bytes(), "an array"),
            (
                b"{\"issuer\": \"https://a.example\", \"jwks_uri\": \"https://a.example/keys\"}",
                "the issuer's configuration document",
            ),
            (b"{\"keys\": {}}", "its `keys` is no array"),
            (b"{}", "it has no `keys` array"),
        ] {
            let said = said(content);
            assert_eq!(said.len(), 1, "{part}: {said:?}");
            assert!(said[0].contains(part), "{part}: {said:?}");
        }
    }
}
