//! Ctrl-C: the first stops at the next safe place, the second at once.

use frames_compiler::failure::{Context, Exit, Failure, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct Interrupt {
    asked: watch::Receiver<bool>,
    /// Where nobody asks: the channel stays open, so that nobody is told either.
    _nobody: Option<Arc<watch::Sender<bool>>>,
    command: &'static str,
}

impl Interrupt {
    /// `command` is the command that continues later: `deploy`. `say` shows what an interruption does,
    /// and `leave` ends the process.
    pub fn listen(command: &'static str, say: fn(&str), leave: fn(Failure)) -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "can't listen for signals");
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if *ask.borrow() {
                    let failure = Failure::new("interrupted at once").help(format!(
                        "run `frames {command}` again: it goes on from what AWS has by then"
                    ));
                    leave(Failure {
                        exit: Exit::Interrupted,
                        ..failure
                    });
                    return;
                }
                say("stopping at the next safe place; Ctrl-C again leaves at once");
                if ask.send(true).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            asked,
            _nobody: None,
            command,
        })
    }

    /// For a command that only looks: whatever ends it, ends it anywhere.
    pub fn never(command: &'static str) -> Self {
        let (nobody, asked) = watch::channel(false);
        Self {
            asked,
            _nobody: Some(Arc::new(nobody)),
            command,
        }
    }

    pub fn check(&self) -> Result<()> {
        if *self.asked.borrow() {
            return Err(self.failure());
        }
        Ok(())
    }

    pub async fn sleep(&self, time: Duration) -> Result<()> {
        let mut asked = self.asked.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = asked.wait_for(|asked| *asked) => {}
        }
        self.check()
    }

    /// Does work that only waits, or ends it when interrupted.
    pub async fn or<T>(&self, waiting: impl Future<Output = T>) -> Result<T> {
        let mut asked = self.asked.clone();
        tokio::select! {
            done = waiting => Ok(done),
            _ = asked.wait_for(|asked| *asked) => Err(self.failure()),
        }
    }

    fn failure(&self) -> Failure {
        let failure = Failure::new("interrupted").help(format!(
            "CloudFormation completes by itself what it has begun; run `frames {}` again to go on from there",
            self.command
        ));
        Failure {
            exit: Exit::Interrupted,
            ..failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signal that comes before anybody waits is heard by who waits then. No other test of this crate
    /// sends one.
    #[tokio::test]
    async fn a_signal_between_listening_and_waiting_is_heard() {
        let leave = |failure: Failure| panic!("{failure:?}");
        let interrupt = Interrupt::listen("deploy", |_| {}, leave).unwrap();
        let kill = ["-TERM", &std::process::id().to_string()].map(str::to_owned);
        // Nothing is awaited here: the task that listens hasn't begun yet.
        let sent = std::process::Command::new("kill").args(kill).status();
        assert!(sent.unwrap().success());
        let limit = Duration::from_secs(30);
        let never = std::future::pending::<()>();
        let ended = tokio::time::timeout(limit, interrupt.or(never)).await;
        assert_eq!(ended.unwrap().unwrap_err().exit, Exit::Interrupted);
        // And by all who come later.
        assert!(interrupt.check().is_err());
        assert!(interrupt.sleep(limit).await.is_err());
    }

    #[tokio::test]
    async fn nobody_asks_a_command_that_only_looks() {
        let interrupt = Interrupt::never("info");
        let long = Duration::from_secs(3600);
        let short = Duration::from_millis(20);
        assert!(
            tokio::time::timeout(short, interrupt.sleep(long))
                .await
                .is_err()
        );
        assert_eq!(interrupt.or(async { 7 }).await.unwrap(), 7);
    }
}
