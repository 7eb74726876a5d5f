//! One process with its Runtime API: one invocation at a time.

use super::{
    Failure, Launch,
    api::{Api, Invocation, Phase, Reply},
    process,
    stream::Streamed,
};
use crate::{Error, random};
use bytes::Bytes;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{process::Child, sync::oneshot, time::timeout};

/// Lambda's bound on what a function does before its first event.
const INIT: Duration = Duration::from_secs(10);
/// Credentials about to expire are expired by the time the origin sees them.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

pub(super) struct Sandbox {
    api: Api,
    // Killed when it is dropped.
    child: Child,
    expires: Option<SystemTime>,
    failed: bool,
    launch: Arc<Launch>,
}

impl Sandbox {
    /// Starts a process and waits until it asks for its first event.
    pub(super) async fn start(launch: Arc<Launch>) -> Result<Self, Failure> {
        let mut sandbox = Self::spawn(launch)
            .await
            .map_err(|e| Failure::Failed(e.to_string()))?;
        sandbox.wait_until_ready().await?;
        Ok(sandbox)
    }

    async fn spawn(launch: Arc<Launch>) -> Result<Self, Error> {
        let credentials = (launch.credentials)().await?;
        let api = Api::start().await?;
        let child = process::start(&launch, api.address, &credentials).await?;
        api.serve_only(child.id().unwrap_or_default());
        Ok(Self {
            api,
            child,
            expires: credentials.expires,
            failed: false,
            launch,
        })
    }

    async fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let mut phase = self.api.phase.clone();
        let ready = timeout(INIT, phase.wait_for(|phase| *phase != Phase::Starting));
        let reached = tokio::select! {
            // What it reported says more than that it then ended.
            biased;
            reached = ready => reached.ok().and_then(Result::ok).map(|phase| phase.clone()),
            status = self.child.wait() => return Err(ended("before its first event", status)),
        };
        match reached {
            Some(Phase::Ready) => Ok(()),
            Some(Phase::InitFailed(class)) => {
                Err(Failure::Failed(format!("its start failed: {class}")))
            }
            _ => Err(Failure::Failed(
                "it did not ask for an event within 10 s".to_owned(),
            )),
        }
    }

    /// Runs one invocation. A failure leaves the sandbox unusable, except for an
    /// error that the function itself reported.
    pub(super) async fn invoke(&mut self, event: Bytes) -> Result<Bytes, Failure> {
        let (reply, answer) = oneshot::channel();
        self.run(event, Reply::Whole(reply), answer).await
    }

    /// Runs one invocation whose answer is streamed, up to the end of its stream. Its start
    /// goes to `begun`.
    pub(super) async fn stream(
        &mut self,
        event: Bytes,
        begun: oneshot::Sender<Streamed>,
    ) -> Result<(), Failure> {
        let (ended, end) = oneshot::channel();
        self.run(event, Reply::Streamed { begun, ended }, end).await
    }

    async fn run<T>(
        &mut self,
        event: Bytes,
        reply: Reply,
        answer: oneshot::Receiver<Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.launch.function.timeout;
        let invocation = self
            .invocation(event, reply, limit)
            .map_err(|e| Failure::Failed(e.to_string()))?;
        self.failed = true;
        self.api.send(invocation).await?;
        tokio::select! {
            answer = timeout(limit, answer) => match answer {
                Ok(Ok(answer)) => {
                    self.failed = false;
                    answer
                }
                Ok(Err(_)) => Err(Failure::Failed("the sandbox is gone".to_owned())),
                Err(_) => {
                    let _ = self.child.start_kill();
                    Err(Failure::TimedOut)
                }
            },
            status = self.child.wait() => Err(ended("during an invocation", status)),
        }
    }

    fn invocation(&self, event: Bytes, reply: Reply, limit: Duration) -> Result<Invocation, Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let trace: [u8; 20] = random::random()?;
        let hex: String = trace.iter().map(|b| format!("{b:02x}")).collect();
        let (root, parent) = hex.split_at(24);
        Ok(Invocation {
            id: random::uuid()?,
            event,
            deadline_ms: (now + limit).as_millis(),
            arn: self.launch.arn(),
            trace_id: format!(
                "Root=1-{:08x}-{root};Parent={parent};Sampled=0",
                now.as_secs()
            ),
            reply,
        })
    }

    /// Whether it can take another invocation.
    pub(super) fn is_usable(&mut self) -> bool {
        let fresh = self
            .expires
            .is_none_or(|at| at > SystemTime::now() + EXPIRY_MARGIN);
        !self.failed && fresh && matches!(self.child.try_wait(), Ok(None))
    }
}

fn ended(when: &str, status: std::io::Result<std::process::ExitStatus>) -> Failure {
    let how = status.map_or_else(|e| e.to_string(), |status| status.to_string());
    Failure::Failed(format!("its process ended {when} ({how})"))
}
