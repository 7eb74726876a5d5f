//! Lambda@Edge, viewer-request: every effect of the authorizer. What it decides is in the library.

use frames_authorizer::fetch::Source;
use frames_authorizer::keys::{KeyCache, KeySet};
use frames_authorizer::{Decision, Denial, Reason, decide, keys_unavailable, prepare};
use frames_edge::runtime::{self, Reply};
use frames_edge::{AuthorizerConfig, Cf, Request};
use serde_json::json;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::SystemTime;
use tokio::sync::Mutex;

fn main() -> ExitCode {
    runtime::run(|| {
        let authorizer = Rc::new(Authorizer::new(runtime::read_config()?)?);
        Ok(move |event: Cf| {
            let authorizer = Rc::clone(&authorizer);
            async move { authorizer.reply(event).await }
        })
    })
}

struct Authorizer {
    config: AuthorizerConfig,
    source: Option<Source>,
    keys: Mutex<KeyCache>,
}

impl Authorizer {
    fn new(config: AuthorizerConfig) -> Result<Self, String> {
        let keys = Mutex::new(prepare(&config)?);
        let source = match &config.auth {
            Some(auth) if auth.jwks.is_none() => Some(Source::of(auth)?),
            _ => None,
        };
        Ok(Self {
            config,
            source,
            keys,
        })
    }

    async fn reply(&self, event: Cf) -> Reply {
        let id = event.config.request_id;
        let (response, denial) = match self.decide(event.request, &id).await {
            Decision::Pass(request) => return Reply::Request(request),
            Decision::Respond(response, denial) => (response, denial),
            // `fetched` settles what a `kid` is; should it ever not, nobody gets in.
            Decision::NeedKeys { request, .. } => keys_unavailable(&request, &self.config),
        };
        log_denial(&id, &denial);
        Reply::Response(response)
    }

    async fn decide(&self, request: Request, id: &str) -> Decision {
        let now = SystemTime::now();
        // Held while fetching: whoever comes meanwhile waits for this one fetch.
        let mut keys = self.keys.lock().await;
        let (kid, request) = match decide(request, &self.config, &keys, now) {
            Decision::NeedKeys { kid, request } => (kid, request),
            decided => return decided,
        };
        let fetched = self.fetch().await;
        if let Err(problem) = &fetched {
            runtime::log(&json!({
                "level": "error",
                "requestId": id,
                "event": "keys",
                "reason": problem,
            }));
        }
        keys.fetched(fetched, &kid, now);
        decide(*request, &self.config, &keys, now)
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let source = self.source.as_ref().ok_or("no source of keys")?;
        KeySet::parse(&source.fetch().await?)
    }
}

/// One line a denial. Neither the token nor the query string is ever in it.
fn log_denial(id: &str, denial: &Denial) {
    if denial.reason == Reason::Preflight {
        return;
    }
    runtime::log(&json!({
        "level": "warn",
        "requestId": id,
        "decision": "deny",
        "reason": denial.reason.as_str(),
        "kid": denial.kid,
        "issuer": denial.issuer,
    }));
}
