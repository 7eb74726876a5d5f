//! The issuer's key set, fetched before the functions are packaged: for a sandbox
//! that can't reach the issuer. An issuer without one is an error here already.

use frames_compiler::check::key_set_problem;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::plan::Plan;
use frames_edge::jose::{self, Key};
use frames_edge::key_source::{
    KeySource, SIZE_LIMIT, TIME_LIMIT, USER_AGENT, document, shown, with_cause,
};
use frames_edge::{AuthConfig, Issuer};
use frames_network::client::Failed;
use frames_network::{Network, Proxy};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use std::time::UNIX_EPOCH;

/// What a public key of a set is made of (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2).
/// Certificates, which some issuers add, verify no token here.
const MEMBERS: [&str; 10] = [
    "kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y",
];

/// Fetches the issuers' sets and bakes them into the authorizer's `config.json`.
/// `None`: the plan has no issuer to ask, or a set of its own.
pub async fn bake_keys(plan: &mut Plan) -> Result<Option<usize>> {
    let auth = plan
        .authorizer_mut()
        .and_then(|config| config.auth.as_mut());
    let Some(auth) = auth.filter(|auth| auth.jwks.is_none()) else {
        return Ok(None);
    };
    let sets = fetch_keys(auth).await?;
    let count = |set: &Value| set["keys"].as_array().map_or(0, Vec::len);
    let counted = sets.iter().map(count).sum();
    // Only what is trusted for a while has to know when that began: else the same keys
    // give the same bytes.
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let initial_at = auth.trust_keys_for.map(|_| now);
    for (issuer, set) in auth.issuers.iter_mut().zip(sets) {
        (issuer.initial_jwks, issuer.initial_at) = (Some(set), initial_at);
    }
    Ok(Some(counted))
}

/// The keys of each issuer that verify tokens by one of the allowed algorithms. They are
/// sorted: the same keys give the same bytes, in whichever order they come.
pub async fn fetch_keys(auth: &AuthConfig) -> Result<Vec<Value>> {
    let mut sets = Vec::new();
    for issuer in &auth.issuers {
        sets.push(fetch_set(issuer, auth).await?);
    }
    Ok(sets)
}

async fn fetch_set(issuer: &Issuer, auth: &AuthConfig) -> Result<Value> {
    let failed = |problem: String| {
        Failure::new(format!("the issuer's keys can't be baked in: {problem}")).help(
            "look whether `auth` names the right issuer and this machine reaches it, \
             or save its `jwks_uri` document beside frames.yml and name that in `auth.jwksFile`",
        )
    };
    let source = KeySource::of(issuer).map_err(failed)?;
    let attempt = || tokio::time::timeout(TIME_LIMIT, source.follow(get));
    // Nobody waits for a frame here: a slow issuer is asked once more.
    let fetched = match attempt().await {
        Err(_) => attempt().await,
        in_time => in_time,
    };
    let late = |_| {
        let seconds = TIME_LIMIT.as_secs();
        match proxy_to(issuer) {
            Some(proxy) => {
                format!(
                    "twice they didn't come within {seconds} s through the proxy {proxy}; check it, and NO_PROXY"
                )
            }
            None => format!("twice they didn't come within {seconds} s"),
        }
    };
    let set = fetched.map_err(late).and_then(|set| set).map_err(failed)?;
    match key_set_problem(&set, &auth.algorithms) {
        Some(problem) => Err(failed(problem)),
        None => Ok(pared(&set, &auth.algorithms)),
    }
}

fn pared(set: &Value, algorithms: &[String]) -> Value {
    let suits = |key: &Key| {
        let mut allowed = algorithms.iter().filter_map(|name| jose::algorithm(name));
        allowed.any(|algorithm| key.suits(algorithm))
    };
    let mut keys: Vec<Value> = set["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|key| Key::parse(key).is_ok_and(|key| suits(&key)))
        .map(|key| {
            let kept = MEMBERS
                .iter()
                .filter_map(|name| Some((name.to_string(), key.get(*name)?.clone())));
            Value::Object(kept.collect::<Map<_, _>>())
        })
        .collect();
    keys.sort_by_cached_key(Value::to_string);
    json!({ "keys": keys })
}

fn proxy_to(issuer: &Issuer) -> Option<&'static Proxy> {
    let network = Network::of_environment().ok()?;
    let address = issuer.jwks_uri.as_ref().or(issuer.names.first())?;
    network.proxy(&address.parse().ok()?)
}

/// One JSON document, by the authorizer's own limits.
async fn get(address: Uri) -> std::result::Result<Value, String> {
    let shown = shown(&address);
    let network = Network::of_environment().map_err(|error| error.message)?;
    let client = network.client::<Empty<Bytes>>(TIME_LIMIT);
    let client = client.map_err(|error| error.message)?;
    let request = Request::get(&address)
        .header("Accept", "application/json")
        .header("User-Agent", USER_AGENT)
        .body(Empty::new())
        .map_err(|_| format!("{shown}: not a valid request"))?;
    let answer = client.request(request).await.map_err(|error| match error {
        Failed::Proxy(trouble) => format!("{shown}: {trouble}; {}", trouble.help),
        Failed::Other(error) => format!("{shown}: {}", with_cause(&error)),
    })?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{shown} answered {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), SIZE_LIMIT).collect().await;
    let body = body
        .map_err(|error| format!("{shown}: {error}"))?
        .to_bytes();
    document(&body).map_err(|problem| format!("{shown} {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_are_the_same_bytes() {
        let key = |kid: &str| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x5c": ["MIIC"],
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            })
        };
        let encryption = json!({"kty": "RSA", "kid": "c", "use": "enc", "n": "AQAB", "e": "AQAB"});
        let algorithms = ["EdDSA".to_owned()];
        let one = json!({"keys": [key("a"), encryption, key("b")], "more": 1});
        let other = json!({"keys": [key("b"), key("a")]});
        let pared_one = pared(&one, &algorithms);
        assert_eq!(
            pared_one.to_string(),
            pared(&other, &algorithms).to_string()
        );
        assert_eq!(pared_one["keys"].as_array().unwrap().len(), 2);
        assert!(!pared_one.to_string().contains("MIIC"));
    }
}
