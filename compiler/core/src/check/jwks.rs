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
                    .help("save the issuer's `jwks_uri` document there; the path is relative to frames.yml"),
            );
            None
        }
    }
}

/// What keeps a key set from being baked in, whoever brought it. The authorizer
/// reads keys by the same code: a set that it refuses would take the service down.
pub fn problem(set: &Value, algorithms: &[String]) -> Option<String> {
    let Some(keys) = set.get("keys").and_then(Value::as_array) else {
        return Some("it has no `keys` array".to_owned());
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

/// `None`: it verifies by one of the algorithms.
fn useless(key: &Value, algorithms: &[String]) -> Option<&'static str> {
    let mut allowed = algorithms.iter().filter_map(|name| jose::algorithm(name));
    match Key::parse(key) {
        Ok(key) if allowed.any(|algorithm| key.suits(algorithm)) => None,
        Ok(_) => Some("is for another algorithm"),
        Err(why) => Some(why),
    }
}
