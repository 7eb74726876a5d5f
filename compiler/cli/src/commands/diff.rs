//! `frames diff`: what a deploy would change, per stage.

use super::{compile_findings, event_loop, online};
use crate::aws::Aws;
use crate::cli::{Diff, Global};
use crate::deploy::{self, Interrupt, Progress, Questions, Session};
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::{Terminal, data, json};
use frames_compiler::secrets::Masks;

pub fn run(global: &Global, arguments: &Diff, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    online::offline(&project, global, terminal)?;
    event_loop()?.block_on(async {
        let interrupt = Interrupt::listen("diff")?;
        let aws = Aws::connect(global).await?;
        let (source, compiled) = online::compiled(&project, global, &aws).await?;
        let plan = compile_findings(&source, &compiled, terminal)?;
        let asks = deploy::asks_as_deployed(&aws, &plan).await?;
        let (plan, package) = super::deploy::package(plan, asks, terminal).await?;
        let session = Session {
            identity: aws.identity().await?,
            aws: &aws,
            progress: Progress::new(terminal),
            interrupt,
            questions: Questions::Refuse,
        };
        session.announce("Comparing", "with", &plan);
        let mut diffs = deploy::diff::diff(&session, &plan, &package).await?;
        deploy::diff::mask(&mut diffs, &Masks::of(&compiled.secrets));
        match terminal.is_json() {
            true => json(&format!(
                "{}\n",
                serde_json::json!({"result": session.signed(&plan, deploy::diff::json(&diffs))})
            )),
            false => data(deploy::diff::text(&diffs)),
        }
        match arguments.exit_code && diffs.iter().any(|diff| diff.differs) {
            // What differs has been shown.
            true => Err(Failure::new("")),
            false => Ok(()),
        }
    })
}
