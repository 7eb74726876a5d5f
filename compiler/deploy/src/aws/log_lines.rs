//! CloudWatch Logs: the lines of one Region's log groups, page by page.

use super::{Aws, errors, explain};
use aws_config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use aws_sdk_cloudwatchlogs::error::SdkError;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use frames_compiler::failure::{Failure, Result};

/// The lines of one Region.
#[derive(Debug, Clone)]
pub struct LogLines {
    client: Client,
    region: String,
}

/// Which lines of a group are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub group: String,
    /// In milliseconds since 1970.
    pub from: i64,
    /// The last millisecond of it.
    pub until: Option<i64>,
    /// A filter pattern of CloudWatch Logs.
    pub pattern: Option<String>,
    /// Where the page before it ended.
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its own within the account and Region.
    pub id: String,
    /// In milliseconds since 1970.
    pub time: i64,
    pub message: String,
}

/// What came of asking.
#[derive(Debug)]
pub enum Answer {
    /// Lines in the order of time. A page may be empty, and others follow all the same.
    Page {
        events: Vec<Event>,
        next: Option<String>,
    },
    /// Nobody answers, or it is too much for now: the same may be asked later.
    Later(Failure),
    /// There is no such group any more.
    Gone,
}

impl Aws {
    /// Each call is made once. Whoever reads asks again at a pace of its own, and the SDK's tries,
    /// which come sooner, would be beyond it.
    pub fn log_lines(&self, region: &str) -> LogLines {
        let config = Builder::from(&self.within(region)).retry_config(RetryConfig::disabled());
        LogLines {
            client: Client::from_conf(config.build()),
            region: region.to_owned(),
        }
    }
}

impl LogLines {
    pub async fn page(&self, asked: &Asked) -> Result<Answer> {
        let request = self
            .client
            .filter_log_events()
            .log_group_name(&asked.group)
            .start_time(asked.from)
            .set_end_time(asked.until)
            .set_filter_pattern(asked.pattern.clone())
            .set_next_token(asked.after.clone());
        let error = match request.send().await {
            Ok(page) => {
                let events = page.events.unwrap_or_default();
                return Ok(Answer::Page {
                    events: events.into_iter().filter_map(event).collect(),
                    next: page.next_token,
                });
            }
            Err(error) => error,
        };
        if errors::code(&error) == Some("ResourceNotFoundException") {
            return Ok(Answer::Gone);
        }
        let is_answer = matches!(error, SdkError::ServiceError(_));
        // An answer of somebody on the way has no code, and may pass as well.
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let is_of_a_server = status.is_some_and(|status| status >= 500);
        let may_pass = !is_answer || is_of_a_server || errors::is_passing(&error);
        let is_denied = errors::is_denied(&error);
        let doing = format!("read log group {} in {}", asked.group, self.region);
        let failure = explain("logs:FilterLogEvents", &doing, error);
        match (may_pass, is_denied) {
            (true, _) => Ok(Answer::Later(failure)),
            (false, true) => Err(failure.help("`frames policy --read-logs` allows it")),
            (false, false) => Err(failure),
        }
    }
}

fn event(event: FilteredLogEvent) -> Option<Event> {
    Some(Event {
        id: event.event_id?,
        time: event.timestamp?,
        message: event.message.unwrap_or_default(),
    })
}
