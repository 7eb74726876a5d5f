//! Lambda on this machine: one pool of sandboxes per packaged function, each sandbox
//! with a Runtime API and a process of its own.
//!
//! What Lambda bounds and this doesn't: memory, and a share of a core.

mod api;
mod peer;
mod process;
mod sandbox;
mod stream;
mod unpack;
mod url;

pub use peer::knows_peers;
pub(crate) use url::FunctionUrl;

use super::{CredentialsSource, Error, package::Function};
use bytes::Bytes;
use sandbox::Sandbox;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use stream::Streamed;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
};
use unpack::Unpacked;

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
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Sandbox>>,
    /// Answers that are still streamed, each with its sandbox. They end with the pool.
    streaming: Mutex<JoinSet<()>>,
}

/// All that it takes to start one more sandbox.
pub(crate) struct Launch {
    pub function: Function,
    unpacked: Unpacked,
    pub credentials: CredentialsSource,
    pub log: FunctionLog,
    /// Where the function finds HealthImaging, where that is on this machine.
    pub endpoint: Option<SocketAddr>,
}

/// Where the functions of Lambda@Edge are deployed, and the part of their log groups' names.
const HOME_REGION: &str = "us-east-1";

impl Launch {
    fn region(&self) -> &str {
        self.function.region.as_deref().unwrap_or(HOME_REGION)
    }

    fn arn(&self) -> String {
        // At the edge a version runs, elsewhere the function itself.
        let version = if self.function.region.is_none() {
            ":1"
        } else {
            ""
        };
        format!(
            "arn:aws:lambda:{}:000000000000:function:{}{version}",
            self.region(),
            self.function.name
        )
    }
}

impl Pool {
    /// Unpacks `function`, which takes the place of `before`; starts nothing yet, as Lambda
    /// doesn't either.
    pub(crate) fn new(
        function: Function,
        credentials: CredentialsSource,
        log: FunctionLog,
        endpoint: Option<SocketAddr>,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let before = before.map(|before| &before.launch.unpacked);
        let unpacked = unpack::unpack(&function, before)?;
        Ok(Self {
            launch: Arc::new(Launch {
                function,
                unpacked,
                credentials,
                log,
                endpoint,
            }),
            free: Arc::new(Semaphore::new(SANDBOXES)),
            idle: Mutex::default(),
            streaming: Mutex::default(),
        })
    }

    pub(crate) fn function(&self) -> &Function {
        &self.launch.function
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
        self.put_back(sandbox);
        answer
    }

    /// Invokes the function, and gives its answer once that begins. The sandbox is busy
    /// until it ends.
    pub(crate) async fn stream(self: &Arc<Self>, event: Bytes) -> Result<Streamed, Failure> {
        let Ok(permit) = self.free.clone().acquire_owned().await else {
            return Err(Failure::Failed("the edge is shutting down".to_owned()));
        };
        let mut sandbox = match self.idle_sandbox() {
            Some(sandbox) => sandbox,
            None => Sandbox::start(self.launch.clone()).await?,
        };
        let (begin, begun) = oneshot::channel();
        let (fail, failed) = oneshot::channel();
        // The pool has the task, so the task must not have the pool.
        let pool = Arc::downgrade(self);
        let running = async move {
            if let Err(failure) = sandbox.stream(event, begin).await {
                let _ = fail.send(failure);
            }
            if let Some(pool) = pool.upgrade() {
                pool.put_back(sandbox);
            }
            drop(permit);
        };
        {
            let mut streaming = self
                .streaming
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            while streaming.try_join_next().is_some() {}
            streaming.spawn(running);
        }
        tokio::select! {
            biased;
            Ok(streamed) = begun => Ok(streamed),
            Ok(failure) = failed => Err(failure),
            else => Err(Failure::Failed("it ended without an answer".to_owned())),
        }
    }

    fn put_back(&self, mut sandbox: Sandbox) {
        if sandbox.is_usable() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sandbox);
        }
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
