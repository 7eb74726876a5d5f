//! Lambda on this machine: one pool of sandboxes per packaged function, each sandbox
//! with a Runtime API and a process of its own.
//!
//! What Lambda bounds and this doesn't: memory, and a share of a core.

mod api;
mod peer;
mod process;
mod sandbox;
mod unpack;

pub use peer::knows_peers;

use super::{CredentialsSource, Error, package::Function};
use bytes::Bytes;
use sandbox::Sandbox;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Sandboxes of one function at most; further invocations wait.
const SANDBOXES: usize = 4;

/// Takes a function's name and a line that it wrote to stdout or stderr.
pub type FunctionLog = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Why an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It took longer than the function's `Timeout`, and was killed.
    TimedOut,
    /// The function answered with an error, ended, or never came up.
    Failed(String),
}

/// A packaged function, unpacked and ready to be invoked.
pub(crate) struct Pool {
    launch: Arc<Launch>,
    free: Semaphore,
    idle: Mutex<Vec<Sandbox>>,
}

/// All that it takes to start one more sandbox.
pub(crate) struct Launch {
    pub function: Function,
    pub task_root: PathBuf,
    pub credentials: CredentialsSource,
    pub log: FunctionLog,
    /// Removed with the pool.
    _unpacked: TempDir,
}

impl Pool {
    /// Unpacks `function`; starts nothing yet, as Lambda doesn't either.
    pub(crate) fn new(
        function: Function,
        credentials: CredentialsSource,
        log: FunctionLog,
    ) -> Result<Self, Error> {
        let (unpacked, task_root) = unpack::unpack(&function)?;
        Ok(Self {
            launch: Arc::new(Launch {
                function,
                task_root,
                credentials,
                log,
                _unpacked: unpacked,
            }),
            free: Semaphore::new(SANDBOXES),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// The function's name, as its log lines carry it.
    pub(crate) fn name(&self) -> &str {
        &self.launch.function.name
    }

    /// Invokes the function. A sandbox that failed or ran out of time is gone
    /// with its process; the next invocation gets another.
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Bytes, Failure> {
        let Ok(_permit) = self.free.acquire().await else {
            return Err(Failure::Failed("the edge is shutting down".to_owned()));
        };
        let mut sandbox = match self.idle_sandbox() {
            Some(sandbox) => sandbox,
            None => Sandbox::start(self.launch.clone()).await?,
        };
        let answer = sandbox.invoke(event).await;
        if sandbox.is_usable() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sandbox);
        }
        answer
    }

    /// An idle sandbox whose process still lives.
    fn idle_sandbox(&self) -> Option<Sandbox> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut sandbox) = idle.pop() {
            if sandbox.is_usable() {
                return Some(sandbox);
            }
        }
        None
    }
}
