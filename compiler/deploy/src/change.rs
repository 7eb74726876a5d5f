//! One change of one stack: made as a change set, looked at, run, and followed to its end.
//!
//! Nothing else drives change sets. Deploy, diff and remove differ in what they want a stack to
//! be, and in what they do with the answer.

use super::follow::Ended;
use super::session::{Session, token};
use super::summary;
use crate::aws::stacks::{Begun, Body, Change, ChangeSet, Made, Stack, Stacks, Wanted, vanished};
use frames_compiler::failure::{Failure, Result};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use std::time::Duration;

/// How often a change set may become stale before frames stops and says that somebody else interferes.
pub(crate) const TRIES: usize = 4;

const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(3);

/// A change set that can be run.
pub struct Proposal<'a> {
    stacks: &'a Stacks,
    stack: &'a str,
    name: String,
    /// The stack came with the change set.
    new: bool,
    pub changes: Vec<Change>,
}

/// What came of asking for a change.
pub enum Proposed<'a> {
    Ready(Proposal<'a>),
    /// The stack is as wanted.
    Unchanged,
    /// CloudFormation refuses the template.
    Refused {
        status: String,
        reason: String,
    },
    /// The stack changed in between: look again.
    Stale,
}

/// What came of running a change set.
pub enum Ran {
    Ended(Box<Ended>),
    /// The stack changed in between: look again.
    Stale,
}

impl Session<'_> {
    /// Asks CloudFormation what a change would do. `deployed` is the stack as it was looked at;
    /// `None`: there is no stack yet.
    pub async fn propose<'a>(
        &self,
        stacks: &'a Stacks,
        wanted: &Wanted<'a>,
        deployed: Option<&Stack>,
    ) -> Result<Proposed<'a>> {
        let proposal = Proposal {
            stacks,
            stack: wanted.stack,
            name: change_set_name(wanted, deployed),
            new: deployed.is_none(),
            changes: Vec::new(),
        };
        let made = stacks
            .create_change_set(&proposal.name, wanted, proposal.new)
            .await?;
        if made == Made::Stale {
            return Ok(Proposed::Stale);
        }
        let Some(set) = self.computed(&proposal).await? else {
            return Ok(Proposed::Stale);
        };
        if made == Made::Exists && !is_ready(&set) {
            // An earlier request of this run left it; it is no longer of use.
            proposal.delete().await?;
            return Ok(Proposed::Stale);
        }
        if !stacks.has_read_it(&proposal.name, wanted).await? {
            proposal.discard().await?;
            return Err(tampered(wanted));
        }
        if set.status == "CREATE_COMPLETE" {
            let mut changes = set.changes;
            summary::mask(&mut changes, &self.masks);
            return Ok(Proposed::Ready(Proposal {
                changes,
                ..proposal
            }));
        }
        let reason = set.reason.unwrap_or_default();
        if is_unchanged(&reason) {
            proposal.delete().await?;
            return Ok(Proposed::Unchanged);
        }
        proposal.discard().await?;
        Ok(Proposed::Refused {
            status: set.status,
            reason,
        })
    }

    /// The change set, once CloudFormation knows what it does. `None`: it is gone.
    async fn computed(&self, proposal: &Proposal<'_>) -> Result<Option<ChangeSet>> {
        let mut pause = SOON;
        loop {
            let set = proposal.stacks.change_set(proposal.stack, &proposal.name);
            match set.await? {
                Some(set) if is_pending(&set) => {}
                found => return Ok(found),
            }
            self.interrupt.sleep(pause).await?;
            pause = (pause * 3 / 2).min(LATER);
        }
    }

    /// Runs it, and shows the events until the operation ends.
    pub async fn run(&self, stage: &str, proposal: &Proposal<'_>) -> Result<Ran> {
        let (stacks, stack) = (proposal.stacks, proposal.stack);
        let now = stacks.newest_event(stack).await?;
        let token = token();
        let begun = stacks.execute(stack, &proposal.name, &token).await?;
        if begun == Begun::Stale && !is_ours(stacks, stack, now.as_deref(), &token).await? {
            return Ok(Ran::Stale);
        }
        let state = stacks.describe(stack).await?;
        let state = state.ok_or_else(|| vanished(stack))?;
        let ended = self.follow(stacks, stage, &state.id, now).await?;
        Ok(Ran::Ended(Box::new(ended)))
    }
}

impl Proposal<'_> {
    /// Deletes a change set that isn't run, and the empty stack that came with it. The stack stays
    /// where somebody else has a change set in it.
    pub async fn discard(&self) -> Result<()> {
        self.delete().await?;
        if self.new
            && let Some(stack) = self.stacks.describe(self.stack).await?
            && stack.status.is("REVIEW_IN_PROGRESS")
            && self.stacks.change_sets(&stack.name).await?.is_empty()
        {
            self.stacks.delete(&stack.id, &token(), &[]).await?;
        }
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        self.stacks.delete_change_set(self.stack, &self.name).await
    }
}

/// The same for the same change of the same state, so that a repeated request finds it again. Its
/// random part is unique to this run, so that nobody else can have made one of that name.
fn change_set_name(wanted: &Wanted<'_>, deployed: Option<&Stack>) -> String {
    static RUN: OnceLock<String> = OnceLock::new();
    let run = RUN.get_or_init(|| uuid::Uuid::new_v4().to_string());
    let state = deployed.map(|stack| (&stack.id, stack.changed));
    let body = Sha256::digest(wanted.body.text());
    let content = format!(
        "{body:x} {:?} {:?} {state:?}",
        wanted.parameters, wanted.tags
    );
    let hash = format!("{:x}", Sha256::digest(content));
    format!("frames-{hash:.16}-{run}")
}

fn is_pending(set: &ChangeSet) -> bool {
    matches!(set.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS")
}

fn is_ready(set: &ChangeSet) -> bool {
    set.status == "CREATE_COMPLETE" && set.execution == "AVAILABLE"
}

/// CloudFormation says it in one of two sentences, depending on the kind of change set.
fn is_unchanged(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// Whether a run that AWS calls stale is our own, whose answer was lost.
async fn is_ours(stacks: &Stacks, stack: &str, after: Option<&str>, token: &str) -> Result<bool> {
    let events = stacks.events(stack, after).await?;
    Ok(events
        .iter()
        .any(|event| event.token.as_deref() == Some(token)))
}

/// Somebody else wrote to the bucket between the upload and CloudFormation's reading.
fn tampered(wanted: &Wanted<'_>) -> Failure {
    let key = match &wanted.body {
        Body::InS3 { object, .. } => object.key.as_str(),
        Body::Text(_) => "",
    };
    Failure::new(format!(
        "stack {}: CloudFormation didn't read the template that frames uploaded as {key}: somebody else wrote to the artifact bucket in between",
        wanted.stack
    ))
    .help("nothing was changed. Check who may write to that bucket, and switch its versioning on: CloudFormation then reads exactly the uploaded version")
}

/// After [`TRIES`] stale change sets.
pub(crate) fn changed_by_somebody_else(stack: &str) -> Failure {
    Failure::new(format!(
        "somebody else is changing stack {stack} at the same time"
    ))
    .help("run the same command again, once nobody else is at work on this service")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_change_set_is_named_by_what_it_would_do() {
        let none = BTreeMap::new();
        let one = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
        let wanted = |text: &'static str, parameters| Wanted {
            stack: "s",
            mark: "x (dev): ",
            body: Body::Text(text),
            parameters,
            tags: &none,
        };
        let name = |wanted| change_set_name(&wanted, None);
        assert_eq!(name(wanted("{}", &none)), name(wanted("{}", &none)));
        assert_ne!(name(wanted("{}", &none)), name(wanted("{ }", &none)));
        assert_ne!(name(wanted("{}", &none)), name(wanted("{}", &one)));
        // CloudFormation takes 128 characters.
        assert!(name(wanted("{}", &none)).len() <= 128);
    }
}
