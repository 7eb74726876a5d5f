//! Lambda@Edge, viewer-request: every effect of the authorizer. What it decides is in the library.

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

use frames_authorizer::fetch::Source;
use frames_authorizer::keys::{KeySet, Keys};
use frames_authorizer::{
    Decision, Denial, Grant, Reason, audit_unavailable, examine, keys_unavailable, prepare,
};
use frames_edge::key_answer::Failed;
use frames_edge::runtime::{self, Audit, Log, Reply};
use frames_edge::{AuthorizerConfig, Cf, LogLevel, Request};
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

async fn fetch(source: &Source) -> Result<KeySet, Failed> {
    let set = source.fetch().await?;
    KeySet::parse(&set)
        .map_err(|problem| Failed::from(format!("the key set can't be used: {problem}")))
}

struct Authorizer {
    config: AuthorizerConfig,
    /// Of each issuer whose keys are fetched, in the configuration's order.
    sources: Vec<Source>,
    keys: Mutex<Keys>,
    log: Log,
    /// There where each request that passes is written down.
    audit: Option<Audit>,
}

impl Authorizer {
    fn new(config: AuthorizerConfig) -> Result<Self, String> {
        let mut keys = prepare(&config)?;
        keys.begin(SystemTime::now());
        let sources = match &config.auth {
            Some(auth) if auth.jwks.is_none() => {
                let sources = auth.issuers.iter().map(Source::of);
                sources.collect::<Result<_, _>>()?
            }
            _ => vec![],
        };
        let audit = config.audit_claims.is_some().then(Audit::open);
        Ok(Self {
            audit: audit.transpose()?,
            log: Log::new(config.log_level),
            config,
            sources,
            keys: Mutex::new(keys),
        })
    }

    async fn reply(&self, event: Cf) -> Reply {
        let id = event.config.request_id;
        let (decision, grant) = self.decide(event.request, &id).await;
        let (response, denial) = match decision {
            Decision::Pass(request) => {
                if let Err(problem) = self.write_down(&id, grant.as_ref()) {
                    let line = json!({"event": "audit", "reason": problem});
                    self.log.write(LogLevel::Error, &id, line);
                    let (response, denial) = audit_unavailable(&request, &self.config);
                    self.log_denial(&id, &denial);
                    return Reply::Response(response);
                }
                self.log
                    .write(LogLevel::Info, &id, json!({"decision": "pass"}));
                return Reply::Request(request);
            }
            Decision::Respond(response, denial) => (response, denial),
            // `fetched` settles what a key is; should it ever not, nobody gets in.
            Decision::NeedKeys { request, .. } => keys_unavailable(&request, &self.config),
        };
        self.log_denial(&id, &denial);
        Reply::Response(response)
    }

    /// Before the request goes on: no image is delivered that isn't written down.
    fn write_down(&self, id: &str, grant: Option<&Grant>) -> Result<(), String> {
        match (&self.audit, grant) {
            (None, None) => Ok(()),
            (Some(audit), Some(grant)) => audit.write(&grant.line(id)),
            _ => Err("the configuration says it is audited, and nothing was granted".to_owned()),
        }
    }

    async fn decide(&self, request: Request, id: &str) -> (Decision, Option<Grant>) {
        let now = SystemTime::now();
        // Held while fetching: whoever comes meanwhile waits for this one fetch.
        let mut keys = self.keys.lock().await;
        let (need, request) = match examine(request, &self.config, &keys, now) {
            (Decision::NeedKeys { need, request }, _) => (need, request),
            decided => return decided,
        };
        let fetched = match self.sources.get(need.issuer) {
            Some(source) => fetch(source).await,
            None => Err(Failed::from("no source of keys")),
        };
        // A fetch takes up to three seconds.
        let now = SystemTime::now();
        let told = fetched.as_ref().map(KeySet::count);
        let told = told.map_err(|failed| failed.problem.clone());
        keys.fetched(fetched, &need, now);
        let outlook = keys.of(need.issuer).map(|cache| cache.outlook(now));
        self.log_fetch(id, need.issuer, told, outlook);
        examine(*request, &self.config, &keys, now)
    }

    /// One line per fetch: what was asked, what came, and what becomes of requests now.
    fn log_fetch(
        &self,
        id: &str,
        issuer: usize,
        told: Result<usize, String>,
        then: Option<String>,
    ) {
        let from = self.sources.get(issuer).map(Source::shown);
        let (level, line) = match told {
            Ok(count) => (
                LogLevel::Info,
                json!({"event": "keys", "from": from, "fetched": count}),
            ),
            Err(reason) => (
                LogLevel::Error,
                json!({"event": "keys", "from": from, "reason": reason, "then": then}),
            ),
        };
        self.log.write(level, id, line);
    }

    /// One line per denial. Neither the token nor the query string is ever in it.
    fn log_denial(&self, id: &str, denial: &Denial) {
        // A preflight is no denial, only no request to go on with.
        let (level, decision) = match denial.reason {
            Reason::Preflight => (LogLevel::Info, "answer"),
            _ => (LogLevel::Warn, "deny"),
        };
        let mut line = json!({
            "decision": decision,
            "reason": denial.reason.as_str(),
            "kid": denial.kid,
            "issuer": denial.issuer,
        });
        if let (Some(rule), Some(members)) = (&denial.rule, line.as_object_mut()) {
            members.insert("rule".to_owned(), json!(rule));
        }
        self.log.write(level, id, line);
    }
}
