//! What earlier runs left: recognised, explained, and taken up again.

use super::agreed::Agreed;
use super::session::{Session, token};
use super::standing::Standing;
use super::summary;
use crate::aws::stacks::{Stack, Stacks};
use crate::cause::cause;
use crate::follow::Ended;
use crate::picture;
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::plan::Place;

/// No chain of states needs as many steps.
const STEPS: usize = 8;

impl Session<'_> {
    /// The stack once nothing is under way, ready for an update; `None` where there is none to update.
    pub async fn settled(
        &self,
        stacks: &Stacks,
        wanted: &Place,
        agreed: &Agreed,
    ) -> Result<Option<Stack>> {
        let (stage, name) = (wanted.name, &wanted.stack_name);
        for _ in 0..STEPS {
            let Some(stack) = stacks.describe(name).await? else {
                return Ok(None);
            };
            refuse_foreign(wanted, &stack)?;
            let status = &stack.status;
            if status.updatable() {
                return Ok(Some(stack));
            }
            if status.is("REVIEW_IN_PROGRESS") || status.is("DELETE_COMPLETE") {
                return Ok(None);
            }
            if status.in_progress() {
                let what = format!(
                    "stack {name} is {status}: another run began that, and this one waits until it has ended"
                );
                self.progress.step("Waiting", &what);
                let now = stacks.newest_event(name).await?;
                self.follow(stacks, stage, &stack.id, now).await?;
            } else if status.is("UPDATE_ROLLBACK_FAILED") {
                let what =
                    format!("the rollback of stack {name}, which an earlier run left unfinished");
                self.progress.step("Resuming", &what);
                self.resume_rollback(stacks, stage, &stack).await?;
            } else if status.never_stood() || status.is("DELETE_FAILED") {
                self.may_clear(wanted, &stack, agreed).await?;
                let what =
                    format!("what is left of stack {name} ({status}), before it is made again");
                self.progress.step("Clearing", &what);
                unprotected(stacks, &stack, self.delete_stack(stacks, stage, &stack)).await?;
            } else {
                return Err(Failure::new(format!("stack {name} is {status}, and frames doesn't know how to go on from there"))
                    .help("bring it to a stable state in the CloudFormation console, then run the same command"));
            }
        }
        Err(Failure::new(format!(
            "stack {name} keeps changing: somebody else is at work on it"
        ))
        .help("run the same command again, once nobody else is at work on this service"))
    }

    /// What is left of a stack goes where somebody agreed to that, before anything changed. Another
    /// run may have left one half deleted only then.
    async fn may_clear(&self, wanted: &Place, stack: &Stack, agreed: &Agreed) -> Result<()> {
        let standing = Standing::left(self, wanted, stack).await?;
        let shown = agreed.stack(&stack.id);
        let changes = standing.changes();
        let unseen = changes
            .iter()
            .filter(|it| summary::needs_a_yes(it) && !shown.ids.contains(&it.resource));
        let unseen: Vec<_> = unseen.collect();
        let protected = stack.termination_protection && !shown.protected;
        if unseen.is_empty() && !protected {
            return Ok(());
        }
        let (name, status) = (&stack.name, &stack.status);
        let mut what = format!("what is left of stack {name} ({status})");
        if protected {
            what.push_str(", its protection from deletion included");
        }
        if standing.takes_the_audit() {
            what.push_str(", and the audit record (`logs.audit`) of its Region");
        }
        self.progress.step("To go", &what);
        let everything = self.progress.wants_all();
        self.progress.note(summary::shown(unseen, everything));
        let question = format!("Go on with stage {}? First {what} goes.", wanted.name);
        let Some((no, yes)) = self.ask(&question).await?.refusal() else {
            return Ok(());
        };
        Err(Failure::new(format!(
            "{no}: stack {name} is {status}, and what is left of it stays"
        ))
        .help(format!(
            "run the same command again{yes}, which deletes that and goes on"
        )))
    }

    async fn resume_rollback(&self, stacks: &Stacks, stage: &str, stack: &Stack) -> Result<()> {
        let now = stacks.newest_event(&stack.id).await?;
        stacks.continue_rollback(&stack.name, &token()).await?;
        let ended = self.follow(stacks, stage, &stack.id, now).await?;
        if ended.stack.status.updatable() {
            Ok(())
        } else {
            Err(failed(self, stage, &ended))
        }
    }

    /// Deletes a stack and follows that to its end.
    async fn delete_stack(&self, stacks: &Stacks, stage: &str, stack: &Stack) -> Result<()> {
        let ended = self.try_delete(stacks, stage, stack, &[]).await?;
        if ended.stack.status.is("DELETE_COMPLETE") {
            Ok(())
        } else {
            Err(failed(self, stage, &ended))
        }
    }

    pub async fn try_delete(
        &self,
        stacks: &Stacks,
        stage: &str,
        stack: &Stack,
        retain: &[String],
    ) -> Result<Ended> {
        let now = stacks.newest_event(&stack.id).await?;
        // By id, so that a new stack of the same name isn't deleted.
        stacks.delete(&stack.id, &token(), retain).await?;
        self.follow(stacks, stage, &stack.id, now).await
    }
}

/// Deletes a stack, by this work, that may be protected from deletion. Its protection comes back where
/// that can't be done.
pub(crate) async fn unprotected<T>(
    stacks: &Stacks,
    stack: &Stack,
    deletion: impl Future<Output = Result<T>>,
) -> Result<T> {
    if !stack.termination_protection {
        return deletion.await;
    }
    stacks.protect(&stack.id, false).await?;
    let deleted = deletion.await;
    if deleted.is_err() {
        stacks.protect(&stack.id, true).await?;
    }
    deleted
}

/// Leaves a stack of that name untouched where it doesn't belong to this service and environment.
pub(crate) fn refuse_foreign(stage: &Place, stack: &Stack) -> Result<()> {
    let unmade = stack.status.is("REVIEW_IN_PROGRESS") || stack.status.is("DELETE_COMPLETE");
    if unmade || picture::is_own(stage, stack) {
        Ok(())
    } else {
        Err(picture::foreign(stage, stack))
    }
}

/// Why a stage's operation failed, and in which state it left the stack.
pub(crate) fn failed(session: &Session<'_>, stage: &str, ended: &Ended) -> Failure {
    let status = &ended.stack.status;
    let Some(cause) = cause(&ended.events) else {
        let reason = ended
            .stack
            .reason
            .as_deref()
            .unwrap_or("CloudFormation gives no reason");
        return Failure::new(format!(
            "{stage}: stack {} is {status}: {reason}",
            ended.stack.name
        ))
        .help("see its events in the CloudFormation console, then run the same command again to go on from there");
    };
    let state = match status.0.as_str() {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => {
            let again = session.again("");
            &format!(
                "the first deployment of this stage was rolled back; {again}, which deletes what is left and begins again"
            )
        }
        "UPDATE_ROLLBACK_COMPLETE" => "everything in this stage is as it was before",
        "UPDATE_ROLLBACK_FAILED" => {
            "the rollback failed too: fix the cause, then the same command goes on with it; if it can't be fixed, run `frames remove`, then `frames deploy`"
        }
        "DELETE_FAILED" => {
            "once the cause is gone, the same command goes on where this one stopped"
        }
        _ => "run the same command again to go on from there",
    };
    let help = match cause.help {
        Some(help) => format!("{help}; {state}"),
        None => state.to_owned(),
    };
    let failure = Failure::new(format!(
        "{stage}: {} failed: {}",
        cause.resource, cause.reason
    ))
    .help(help);
    if cause.replicated {
        Failure {
            exit: Exit::Unfinished,
            ..failure
        }
    } else {
        failure
    }
}
