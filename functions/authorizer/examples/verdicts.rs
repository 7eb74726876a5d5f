//! The authorizer's verdict on tokens, for the tests that put other libraries'
//! beside it. Lines of JSON on stdin: `{"profile", "now", "config"}` names a
//! configuration, `{"profile", "token"}` asks. It answers with one
//! line per token: `pass`, or the reason.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use frames_authorizer::keys::Keys;
use frames_authorizer::{Decision, decide, prepare};
use frames_edge::AuthorizerConfig;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

struct Profile {
    config: AuthorizerConfig,
    keys: Keys,
    now: SystemTime,
}

fn main() {
    let mut profiles = HashMap::new();
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let profile = line["profile"].as_str().unwrap().to_owned();
        match line.get("config") {
            Some(config) => {
                let seconds = line["now"].as_u64().unwrap();
                profiles.insert(profile, Profile::new(config, seconds));
            }
            None => {
                let token = line["token"].as_str().unwrap();
                writeln!(stdout, "{}", profiles[&profile].verdict(token)).unwrap();
            }
        }
    }
}

impl Profile {
    fn new(config: &Value, seconds: u64) -> Self {
        let config: AuthorizerConfig = serde_json::from_value(config.clone()).unwrap();
        Self {
            keys: prepare(&config).unwrap(),
            config,
            now: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    /// Asked through the query: no other source carries every character as it is.
    fn verdict(&self, token: &str) -> &'static str {
        let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = json!({
            "method": "POST",
            "uri": "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame",
            "querystring": format!("token={encoded}"),
        });
        let request = serde_json::from_value(request).unwrap();
        match decide(request, &self.config, &self.keys, self.now) {
            Decision::Pass(_) => "pass",
            Decision::Respond(_, denial) => denial.reason.as_str(),
            Decision::NeedKeys { .. } => "need_keys",
        }
    }
}
