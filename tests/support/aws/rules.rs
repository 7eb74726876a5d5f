//! What befalls a call: holds for tests that kill, faults for tests that retry.

use super::Account;
use serde_json::{Value, json};
use std::time::Duration;

/// Which calls are counted.
#[derive(Clone, Copy, Debug)]
pub enum Calls {
    Any,
    Mutating,
}

/// On which side of its effect a call hangs.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Before,
    After,
}

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Throttle,
    ServerError,
    /// The connection is reset before the call takes effect.
    Reset,
    /// It takes effect; the connection is reset instead of an answer.
    Lost,
    /// This error instead: expired credentials, skewed clocks, missing permissions.
    Answer {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
}

impl Calls {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Mutating => "mutating",
        }
    }
}

impl When {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Before => "hold-before",
            Self::After => "hold-after",
        }
    }
}

impl Fault {
    pub(super) fn rule(self) -> Value {
        let answer = |status, code, message| json!({"kind": "answer", "status": status, "code": code, "message": message});
        match self {
            Self::Throttle => answer(400, "ThrottlingException", "Rate exceeded"),
            Self::ServerError => answer(500, "InternalFailure", "Injected by the test"),
            Self::Reset => json!({"kind": "reset"}),
            Self::Lost => json!({"kind": "lost"}),
            Self::Answer {
                status,
                code,
                message,
            } => answer(status, code, message),
        }
    }
}

/// A call as AWS saw it.
#[derive(Debug)]
pub struct Call(pub(super) Value);

impl Call {
    pub fn service(&self) -> &str {
        self.0["service"].as_str().unwrap()
    }

    pub fn operation(&self) -> &str {
        self.0["operation"].as_str().unwrap()
    }

    pub fn is_mutating(&self) -> bool {
        self.0["mutating"].as_bool().unwrap()
    }

    /// When it came, in seconds.
    pub fn time(&self) -> f64 {
        self.0["time"].as_f64().unwrap()
    }

    /// None when it was held or cut.
    pub fn status(&self) -> Option<u64> {
        self.0["status"].as_u64()
    }
}

pub struct Rule<'a> {
    pub(super) account: &'a Account,
    pub(super) id: u64,
}

impl Rule<'_> {
    /// Waits until the rule has met a call: true when it did, false after `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        let wanted = json!({"id": self.id, "seconds": patience.as_secs_f64()});
        let rule = self
            .account
            .control("POST", "rules/await", &wanted.to_string());
        !rule["met"].as_array().unwrap().is_empty()
    }

    /// Whether it has met a call by now.
    pub fn met(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}
