//! A stack's operation, from its start to its end.

use super::session::Session;
use crate::aws::stacks::{Event, Stack, Stacks, vanished};
use frames_compiler::failure::Result;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(4);

/// How an operation ended, and all that happened in it.
pub struct Ended {
    pub stack: Stack,
    pub events: Vec<Event>,
}

impl Ended {
    /// Nothing had to be done.
    pub fn without_events(stack: Stack) -> Self {
        let events = Vec::new();
        Self { stack, events }
    }
}

impl Session<'_> {
    /// Shows the events after the given one until the operation ends. `stack` is an
    /// id, so that a deletion can be followed to its end.
    pub async fn follow(
        &self,
        stacks: &Stacks,
        stage: &str,
        stack: &str,
        after: Option<String>,
    ) -> Result<Ended> {
        let mut newest = after;
        let mut seen = Vec::new();
        let mut pause = SOON;
        loop {
            // The state first: what happened until then is in the events.
            let state = stacks
                .describe(stack)
                .await?
                .ok_or_else(|| vanished(stack))?;
            let events = stacks.events(stack, newest.as_deref()).await?;
            for event in &events {
                self.progress.event(stage, event);
            }
            if let Some(event) = events.last() {
                newest = Some(event.id.clone());
            }
            let quiet = events.is_empty();
            seen.extend(events);
            if !state.status.in_progress() {
                return Ok(Ended {
                    stack: state,
                    events: seen,
                });
            }
            self.progress.tick();
            pause = if quiet {
                (pause * 3 / 2).min(LATER)
            } else {
                SOON
            };
            self.interrupt.sleep(pause).await?;
        }
    }
}
