//! The issuer's key set, fetched before the functions are packaged: for a sandbox
//! that can't reach the issuer. An issuer without one is an error here already.

use crate::terminal::Terminal;
use frames_compiler::check::key_set_problem;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::plan::Plan;
use frames_edge::jose::{self, Key};
use frames_edge::key_answer::{Failed, with_cause};
use frames_edge::key_source::{KeySource, OnTheWay, TIME_LIMIT};
use frames_edge::{AuthConfig, Issuer};
use frames_network::{Network, Proxy, client};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use serde_json::{Map, Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// So often is a busy or slow issuer asked in all.
const ATTEMPTS: u32 = 3;

/// An issuer that asks for a longer wait than this ends the run.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a public key of a set is made of (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2).
/// Certificates, which some issuers add, verify no token here.
const MEMBERS: [&str; 10] = [
    "kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y",
];

/// Fetches the issuers' sets and bakes them into the authorizer's `config.json`.
/// `None`: the plan has no issuer to ask, or a set of its own.
pub async fn bake_keys(plan: &mut Plan, terminal: Terminal) -> Result<Option<usize>> {
    let auth = plan
        .authorizer_mut()
        .and_then(|config| config.auth.as_mut());
    let Some(auth) = auth.filter(|auth| auth.jwks.is_none()) else {
        return Ok(None);
    };
    let sets = fetch_keys(auth, terminal).await?;
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
pub async fn fetch_keys(auth: &AuthConfig, terminal: Terminal) -> Result<Vec<Value>> {
    let mut sets = Vec::new();
    for issuer in &auth.issuers {
        sets.push(fetch_set(issuer, auth, terminal).await?);
    }
    Ok(sets)
}

async fn fetch_set(issuer: &Issuer, auth: &AuthConfig, terminal: Terminal) -> Result<Value> {
    let failed = |problem: String| {
        Failure::new(format!("the issuer's keys can't be baked in: {problem}")).help(
            "check the issuer and the algorithms in `auth`, and whether this machine reaches the issuer. \
             Or save its `jwks_uri` document beside frames.yml, and name that file in `auth.jwksFile`",
        )
    };
    let source = KeySource::of(issuer).map_err(failed)?;
    let set = ask(&source, terminal).await.map_err(failed)?;
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

/// Nobody waits for a frame here: a busy issuer is asked again when it wants to be, and a
/// slow one at once.
async fn ask(source: &KeySource, terminal: Terminal) -> std::result::Result<Value, String> {
    let mut asked = 1;
    loop {
        let failed = match attempt(source).await {
            Ok(set) => return Ok(set),
            Err(failed) => failed,
        };
        let Some(wait) = failed.wait else {
            return Err(failed.problem);
        };
        let problem = failed.problem;
        let longest = LONGEST_WAIT.as_secs();
        if wait > LONGEST_WAIT {
            return Err(format!(
                "{problem}; frames waits for {longest} s at most, so run the command again then"
            ));
        }
        if asked == ATTEMPTS {
            return Err(format!("{problem}; it was asked {ATTEMPTS} times"));
        }
        asked += 1;
        let seconds = wait.as_secs();
        terminal.status("Waiting", &format!("{problem}; asked again in {seconds} s"));
        tokio::time::sleep(wait).await;
    }
}

/// One go, by the authorizer's own limits.
async fn attempt(source: &KeySource) -> std::result::Result<Value, Failed> {
    let on_the_way = OnTheWay::default();
    let fetched = source.follow(&on_the_way, send);
    match tokio::time::timeout(TIME_LIMIT, fetched).await {
        Ok(fetched) => fetched,
        Err(_) => {
            let mut failed = source.late(&on_the_way);
            if let Some(proxy) = proxy_to(source) {
                let through = format!(" through the proxy {proxy}; check it, and NO_PROXY");
                failed.problem.push_str(&through);
            }
            Err(failed)
        }
    }
}

fn proxy_to(source: &KeySource) -> Option<&'static Proxy> {
    let network = Network::of_environment().ok()?;
    network.proxy(&source.shown().parse().ok()?)
}

async fn send(request: Request<()>) -> std::result::Result<Response<Incoming>, String> {
    let network = Network::of_environment().map_err(|error| error.message)?;
    let client = network.client::<Empty<Bytes>>(TIME_LIMIT);
    let client = client.map_err(|error| error.message)?;
    let answer = client.request(request.map(|()| Empty::new())).await;
    answer.map_err(|error| match error {
        client::Failed::Proxy(trouble) => format!("{trouble}; {}", trouble.help),
        client::Failed::Other(error) => with_cause(&error),
    })
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
