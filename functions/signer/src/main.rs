//! Lambda@Edge, origin-request and, where browsers may keep answers, origin-response:
//! every effect of the signer. What it does is in the library.

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

use frames_edge::credentials;
use frames_edge::runtime::{self, Log, Reply};
use frames_edge::{Cf, LogLevel, SignerConfig};
use frames_signer::{Credentials, Outcome};
use serde_json::json;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::SystemTime;

fn main() -> ExitCode {
    runtime::run(|| {
        let config: SignerConfig = runtime::read_config()?;
        frames_signer::check(&config)?;
        let signer = Rc::new((config, credentials::of_environment("the signer")?));
        Ok(move |event: Cf| {
            let signer = Rc::clone(&signer);
            async move { reply(event, &signer.0, &signer.1) }
        })
    })
}

fn reply(event: Cf, config: &SignerConfig, credentials: &Credentials) -> Reply {
    let id = event.config.request_id;
    let log = Log::new(config.log_level);
    if let Some(response) = event.response {
        return Reply::Response(frames_signer::answered(response));
    }
    match frames_signer::sign(event.request, &id, config, credentials, SystemTime::now()) {
        Outcome::Send(request) => {
            log.write(LogLevel::Info, &id, json!({"decision": "sign"}));
            Reply::Request(request)
        }
        Outcome::Refuse(response, class) => {
            // The viewer's slip is a warning; what the delivery itself gets wrong, an error.
            let level = if response.status.starts_with('5') {
                LogLevel::Error
            } else {
                LogLevel::Warn
            };
            log.write(level, &id, json!({"decision": "refuse", "reason": class}));
            Reply::Response(response)
        }
    }
}
