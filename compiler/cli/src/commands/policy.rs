//! `frames policy`: the IAM policy needed to deploy and remove this manifest.

use super::findings::{Asked, compile_findings, compile_with};
use super::online;
use crate::cli::{Global, Policy};
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Context, Result};
use frames_compiler::online as questions;
use frames_compiler::policy::{self, Printed, Request, Uses};
use serde::Serialize;

/// What IAM takes as the inline policies of a role, all together.
const INLINE: usize = 10_240;

pub(super) fn run(global: &Global, arguments: &Policy, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    let asked = if arguments.online {
        online::ask_for_policy(&project, global)?
    } else {
        offline(&project, global)
    };
    let plan = compile_findings(&asked.source, &asked.compiled, terminal)?;
    let resolved = asked.compiled.resolved.iter();
    let questions = resolved.flat_map(|resolved| {
        let quotas = questions::quotas::questions(resolved, &plan);
        questions::questions(resolved).into_iter().chain(quotas)
    });
    let request = Request {
        account: [&arguments.account, &plan.account, &asked.account]
            .into_iter()
            .find_map(|account| account.as_deref()),
        uses: Uses {
            subjects: questions.map(|question| question.subject).collect(),
            references: asked.references,
            region: asked.region,
            delete_logs: arguments.delete_logs,
            read_logs: arguments.read_logs,
        },
    };
    let printed = policy::policy(&plan, &request).context(|| "can't make the policy")?;
    tell(&printed, arguments.split, terminal);
    let text = if arguments.split {
        json(&printed.policy.split())
    } else {
        json(&printed.policy)
    };
    terminal::json(&text?);
    Ok(())
}

fn offline(project: &Project, global: &Global) -> Asked {
    let (source, compiled) = compile_with(project, global.target(), project);
    Asked {
        source,
        compiled,
        account: None,
        region: None,
        references: Vec::new(),
    }
}

/// What the policy leaves to the user.
fn tell(printed: &Printed, split: bool, terminal: Terminal) {
    if !printed.unknown.is_empty() {
        let what = format!(
            "frames doesn't know what CloudFormation needs for {}: add that to the policy by hand",
            printed.unknown.join(", ")
        );
        terminal.status("Note", &what);
    }
    let size = printed.policy.size();
    if split || printed.policy.is_managed_size() {
        return;
    }
    let inline = if size <= INLINE {
        "; it fits as an inline policy of a role"
    } else {
        ""
    };
    let what = format!(
        "the policy has {size} characters, and a managed policy takes {}: --split makes several policies{inline}",
        policy::MANAGED
    );
    terminal.status("Note", &what);
}

fn json(documents: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(documents).context(|| "can't write JSON")?;
    Ok(format!("{text}\n"))
}
