//! Why a command ends: the exit code, what is wrong, what to do.

use std::fmt::Display;

#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// Empty where all has been said already.
    pub message: String,
    pub help: Option<String>,
}

/// Settled: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Failed = 1,
    Usage = 2,
    Manifest = 3,
    /// The same command, run again later, goes on.
    Unfinished = 4,
    Interrupted = 130,
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.into(),
            help: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(message)
        }
    }

    /// The findings have been printed.
    pub fn manifest() -> Self {
        Self {
            exit: Exit::Manifest,
            ..Self::new("")
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// `what` says what was being done: "can't write .frames/dev".
pub trait Context<T> {
    fn context<D: Display>(self, what: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context<D: Display>(self, what: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}: {error}", what())))
    }
}
