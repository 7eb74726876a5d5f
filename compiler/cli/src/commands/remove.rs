//! `frames remove`: everything down in the reverse order, replicas included.

use super::deploy::questions;
use super::{compile_findings, event_loop, online};
use crate::aws::Aws;
use crate::cli::{Global, Remove};
use crate::deploy::remove::{Options, Removed, remove};
use crate::deploy::{self, Interrupt, Progress, Session};
use crate::failure::Result;
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::Plan;
use serde_json::Value;
use std::time::Duration;

/// Somebody is watching, and may end it.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

pub fn run(global: &Global, arguments: &Remove, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    online::offline(&project, global, terminal)?;
    event_loop()?.block_on(async {
        let interrupt = Interrupt::listen("remove")?;
        let aws = Aws::connect(global).await?;
        let (source, compiled) = online::compiled(&project, global, &aws).await?;
        let plan = compile_findings(&source, &compiled, terminal)?;
        let session = Session {
            identity: aws.identity().await?,
            aws: &aws,
            progress: Progress::new(terminal),
            interrupt,
            questions: questions(arguments.yes),
        };
        session.announce("Removing", "from", &plan);
        let options = Options {
            dry_run: arguments.dry_run,
            wait: arguments
                .wait
                .unwrap_or(match terminal::stderr_is_terminal() {
                    true => PATIENCE,
                    false => Duration::ZERO,
                }),
            delete_logs: arguments.delete_logs,
            abandon: arguments.abandon,
        };
        let removed = remove(&session, &plan, options).await?;
        session.progress.clear();
        session.progress.result(&result(&session, &plan, &removed));
        let name = format!("{} ({})", plan.service, plan.env);
        match (removed.nothing, options.dry_run) {
            (true, _) => {
                let what = format!("{name}: nothing of it stands");
                session.progress.step("Removed", &what);
            }
            (false, true) => session.progress.step("Dry run", "nothing was changed"),
            (false, false) => session.progress.step("Removed", &name),
        }
        Ok(())
    })
}

fn result(session: &Session<'_>, plan: &Plan, removed: &Removed) -> Value {
    let mut result = session.signed(plan, deploy::result(&removed.stages));
    for (key, value) in removed.what.as_object().into_iter().flatten() {
        result[key] = value.clone();
    }
    result
}
