//! `frames remove`: everything down in the reverse order, replicas included.

use super::deploy::questions;
use super::{compile_findings, event_loop, online};
use crate::aws::Aws;
use crate::cli::{Global, Remove};
use crate::deploy::remove::{Options, remove};
use crate::deploy::{self, Interrupt, Progress, Session};
use crate::failure::Result;
use crate::project::Project;
use crate::terminal::{self, Terminal};
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
        let options = Options {
            wait: arguments
                .wait
                .unwrap_or(match terminal::stderr_is_terminal() {
                    true => PATIENCE,
                    false => Duration::ZERO,
                }),
            delete_logs: arguments.delete_logs,
            abandon: arguments.abandon,
        };
        let gone = remove(&session, &plan, options).await?;
        session.progress.clear();
        session.progress.result(&deploy::result(&gone));
        let what = match gone.is_empty() {
            true => format!("{} ({}): nothing of it stands", plan.service, plan.env),
            false => format!("{} ({})", plan.service, plan.env),
        };
        session.progress.step("Removed", &what);
        Ok(())
    })
}
