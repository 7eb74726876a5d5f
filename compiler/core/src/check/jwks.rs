//! The key set that `auth.jwksFile` bakes in (RFC 7517).

use super::read_json;
use crate::Environment;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Text;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Members that only private and symmetric keys have (RFC 7518, 6.2.2, 6.3.2, 6.4.1).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

pub fn check(
    file: &Text,
    algorithms: &[String],
    environment: &dyn Environment,
    found: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let result =
        read_json(environment, &file.value).and_then(|set| match problem(&set, algorithms) {
            Some(problem) => Err(problem),
            None => Ok(set),
        });
    match result {
        Ok(set) => Some(set),
        Err(problem) => {
            let message = format!("`{}` can't be baked in: {problem}", file.value);
            found.push(
                Diagnostic::new(codes::JWKS_FILE, "auth.jwksFile", file.span, message)
                    .help("save the issuer's `jwks_uri` document there; the path is relative to frames.yml"),
            );
            None
        }
    }
}

fn problem(set: &Value, algorithms: &[String]) -> Option<String> {
    let Some(keys) = set.get("keys").and_then(Value::as_array) else {
        return Some("it has no `keys` array".to_owned());
    };
    for (i, key) in keys.iter().enumerate() {
        if let Some(member) = PRIVATE.iter().find(|member| key.get(**member).is_some()) {
            return Some(format!("keys[{i}] is a private key (it has `{member}`)"));
        }
    }
    if !keys.iter().any(|key| usable(key, algorithms)) {
        return Some(format!(
            "no key in it has a `kid`, 2048 bits or more, and fits the algorithms {}",
            algorithms.join(", ")
        ));
    }
    None
}

/// What the authorizer takes, too: a set that it refuses would take the service down.
fn usable(key: &Value, algorithms: &[String]) -> bool {
    let member = |name| key.get(name).and_then(Value::as_str);
    let bytes = |name| URL_SAFE_NO_PAD.decode(member(name)?).ok();
    let verifies = match key.get("key_ops").and_then(Value::as_array) {
        Some(operations) => operations.iter().any(|operation| operation == "verify"),
        None => true,
    };
    member("kty") == Some("RSA")
        && member("kid").is_some()
        && bytes("n").is_some_and(|n| bits(&n) >= MIN_BITS)
        && bytes("e").is_some()
        && verifies
        && member("use").is_none_or(|usage| usage == "sig")
        && member("alg").is_none_or(|alg| algorithms.iter().any(|a| a == alg))
}

/// RFC 7518, 3.3: "A key of size 2048 bits or larger MUST be used".
const MIN_BITS: usize = 2048;

fn bits(number: &[u8]) -> usize {
    let Some(first) = number.iter().position(|byte| *byte != 0) else {
        return 0;
    };
    (number.len() - first) * 8 - number[first].leading_zeros() as usize
}
