//! Behind a function URL: every effect of the reader. What it does is in the library.

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

mod lambda;
mod origin;
mod stream;

use frames_edge::runtime::{self, Log};
use frames_edge::{LogLevel, ReaderConfig, credentials};
use frames_reader::Credentials;
use frames_reader::answer::Refusal;
use frames_reader::question::{Event, Question};
use origin::Origin;
use serde_json::json;
use std::process::ExitCode;
use std::time::SystemTime;
use stream::Answer;

fn main() -> ExitCode {
    runtime::start(
        || {
            let config: ReaderConfig = runtime::read_config()?;
            frames_reader::check(&config)?;
            Ok(Reader {
                origin: Origin::new(&config)?,
                credentials: credentials::of_environment("the reader")?,
                config,
            })
        },
        |reader, api| async move { lambda::serve(&api, &reader).await },
    )
}

struct Reader {
    config: ReaderConfig,
    credentials: Credentials,
    origin: Origin,
}

impl Reader {
    /// Answers one event. Its log has the reason of a refusal, and of the request no more
    /// than its id.
    async fn answer(&self, event: &Event, id: &str, ends: Option<SystemTime>) -> Answer {
        let log = Log::new(self.config.log_level);
        let id = event.request_id().unwrap_or(id).to_owned();
        match self.asked(event, ends).await {
            Ok(mut answer) => {
                let status = answer.status.as_u16();
                let level = if status < 500 {
                    LogLevel::Info
                } else {
                    LogLevel::Error
                };
                log.write(level, &id, json!({"decision": "read", "status": status}));
                answer.when_broken(log, id);
                answer
            }
            Err(refusal) => {
                // What was asked wrongly is a warning; what failed behind it, an error.
                let level = if refusal.status().is_server_error() {
                    LogLevel::Error
                } else {
                    LogLevel::Warn
                };
                let reason = refusal.class();
                let line = if refusal == Refusal::TooLarge {
                    json!({"decision": "refuse", "reason": reason, "message": refusal.message()})
                } else {
                    json!({"decision": "refuse", "reason": reason})
                };
                log.write(level, &id, line);
                Answer::refused(refusal)
            }
        }
    }

    async fn asked(&self, event: &Event, ends: Option<SystemTime>) -> Result<Answer, Refusal> {
        let question = Question::of(event, self.config.served())?;
        let answer = self
            .origin
            .ask(&question, &self.config, &self.credentials)
            .await?;
        // A time that has passed leaves nothing.
        let left = |ends: SystemTime| ends.duration_since(SystemTime::now()).unwrap_or_default();
        let answer = Answer::of(answer, ends.map(left))?;
        Ok(if event.is_head() {
            answer.without_body()
        } else {
            answer
        })
    }
}
