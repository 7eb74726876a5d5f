//! `frames diff`: what a deploy would change, per stage.

use super::session;
use crate::cli::{Diff, Format, Global};
use crate::terminal::{Terminal, data, json, lines};
use frames_compiler::failure::{Failure, Result};
use frames_deploy::diff;
use frames_deploy::session::Questions;
use frames_deploy::stages::{self, asks_as_deployed};

pub(super) fn run(global: &Global, arguments: &Diff, terminal: Terminal) -> Result<()> {
    session::run("diff", global, terminal, async |mut opened| {
        {
            let session = opened.looking().await?;
            super::deploy::moved(&session, &opened, &arguments.beside).await?;
        }
        let asks = asks_as_deployed(&opened.aws, &opened.plan).await?;
        let package =
            super::deploy::package(&mut opened.plan, asks, &opened.project.warnings, terminal)
                .await?;
        let plan = &opened.plan;
        let session = opened.session(Questions::Refuse).await?;
        let footprint = plan.footprint();
        session.announce("Comparing", "with", &footprint);
        let picture = stages::picture(&session, plan).await?;
        picture.refuse()?;
        let diffs = diff::diff(&session, plan, &package, &picture, None).await?;
        if terminal.is_json() {
            json(&format!(
                "{}\n",
                serde_json::json!({"result": session.signed(&footprint, diff::json(&diffs))})
            ))
        } else if terminal.format == Format::Mermaid {
            lines(diff::mermaid(&diffs))
        } else {
            data(diff::text(&diffs, terminal.is_verbose()))
        }
        if arguments.exit_code && diffs.iter().any(|diff| diff.differs) {
            // What differs has been shown.
            Err(Failure::new(""))
        } else {
            Ok(())
        }
    })
}
