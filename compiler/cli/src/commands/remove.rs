//! `frames remove`: removes everything in the reverse order, replicas included.

use super::session::{self, questions};
use crate::cli::{Global, Remove};
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::plan::Footprint;
use frames_deploy::remove::{Options, Outcome, Removed, remove};
use frames_deploy::report::Report;
use frames_deploy::session::Session;
use frames_deploy::{located, moves, stages};
use serde_json::Value;
use std::time::Duration;

/// Somebody is watching, and may end it.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

pub(super) fn run(global: &Global, arguments: &Remove, terminal: Terminal) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("remove", global, service, terminal, async |opened| {
        let (footprint, progress) = (&opened.footprint, &opened.progress);
        let session = opened.session(questions(arguments.yes)).await?;
        if !opened.is_located
            && let Some(elsewhere) = located::elsewhere(&session, footprint).await?.first()
        {
            return Err(moves::refuse_removal(footprint, elsewhere));
        }
        // What is deployed, whatever the manifest says of it now.
        let footprint = &located::remembered(&session, footprint.clone()).await?;
        session.announce("Removing", "from", footprint);
        let options = Options {
            dry_run: arguments.dry_run,
            wait: arguments.wait.unwrap_or(if terminal::stderr_is_terminal() {
                PATIENCE
            } else {
                Duration::ZERO
            }),
            delete_logs: arguments.delete_logs,
            abandon: arguments.abandon,
            audit: opened.plan.as_ref().is_some_and(|plan| {
                let authorizer = plan.authorizer();
                authorizer.is_some_and(|it| it.audit_claims.is_some())
            }),
        };
        let removed = remove(&session, footprint, options).await?;
        progress.clear();
        progress.result(&result(&session, footprint, &removed));
        let name = format!("{} ({})", footprint.service, footprint.env);
        match removed.outcome {
            // Nothing was found where frames could look, which isn't everywhere.
            Outcome::Nothing if !opened.unseen.is_empty() => {
                let what = format!(
                    "nothing of {name} was found, but frames couldn't look in {}",
                    opened.unseen.join(", ")
                );
                return Err(Failure::new(what).help(
                    "run the same command with credentials that may call cloudformation:DescribeStacks there",
                ));
            }
            Outcome::LeftBehind(left) => {
                let what = format!("{name}: it has no stack any more, but {}", left.join("; "));
                return Err(Failure::new(what).help(
                    "an earlier removal left these functions behind, or they are somebody else's: if they are yours, remove them from that distribution's behaviors in the CloudFront console, and delete them in Lambda's",
                ));
            }
            Outcome::Nothing => {
                let what = format!("{name}: it is not deployed");
                progress.step("Removed", &what);
            }
            Outcome::DryRun => progress.step("Dry run", "nothing was changed"),
            Outcome::Gone(_) => progress.step("Removed", &name),
        }
        Ok(())
    })
}

fn result(session: &Session<'_>, footprint: &Footprint, removed: &Removed) -> Value {
    let mut result = session.signed(footprint, stages::result(&removed.stages));
    for (key, value) in removed.what.as_object().into_iter().flatten() {
        result[key] = value.clone();
    }
    result
}
