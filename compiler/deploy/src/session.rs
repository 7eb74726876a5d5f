//! One run of a command against an account: whose it is, who listens, who says yes.

use crate::aws::{Aws, Identity};
use crate::interrupt::Interrupt;
use crate::report::Report;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::plan::Plan;
use serde_json::{Value, json};

/// One run of a command against an account.
pub struct Session<'a> {
    pub aws: &'a Aws,
    pub identity: Identity,
    pub progress: &'a dyn Report,
    pub interrupt: Interrupt,
    pub questions: Questions,
}

/// What to do where a yes is needed.
#[derive(Debug, Clone, Copy)]
pub enum Questions {
    /// `--yes`
    Yes,
    /// Somebody is there: asks a question on the terminal, and tells whether it was a yes.
    Ask(fn(&str) -> std::io::Result<bool>),
    /// Nobody is there: refuse.
    Refuse,
}

impl Session<'_> {
    /// `Deploying heart (dev) to account 111122223333 (us-east-1) as arn:…`
    pub fn announce(&self, verb: &str, to: &str, plan: &Plan) {
        let what = format!(
            "{} ({}) {to} account {}",
            plan.service,
            plan.env,
            self.whereabouts(plan)
        );
        self.progress.step(verb, &what);
    }

    /// `111122223333 (us-east-1), as arn:…`
    pub fn whereabouts(&self, plan: &Plan) -> String {
        let (account, arn) = (&self.identity.account, &self.identity.arn);
        format!("{account} ({}), as {arn}", regions(plan).join(", "))
    }

    /// A yes, from the flag or the terminal.
    pub async fn yes(&self, question: &str) -> Result<()> {
        match self.questions {
            Questions::Yes => Ok(()),
            Questions::Refuse => Err(Failure::new(
                "this needs a yes, and there is no terminal to ask on",
            )
            .help("look at the changes above, then run the same command with --yes")),
            Questions::Ask(ask) => {
                let account = &self.identity.account;
                let question = format!("Account {account}: {question} [y/N]");
                let (send, answer) = tokio::sync::oneshot::channel();
                // A thread of its own: Ctrl-C ends the waiting, not the reading.
                std::thread::spawn(move || send.send(ask(&question)));
                let answer = self.interrupt.or(answer).await?;
                let answer = answer
                    .context(|| "can't ask")?
                    .context(|| "can't read the answer")?;
                if answer {
                    Ok(())
                } else {
                    Err(Failure::new(
                        "not confirmed: nothing was changed by this step",
                    ))
                }
            }
        }
    }

    /// A closing object that says whose account it was.
    pub fn signed(&self, plan: &Plan, mut result: Value) -> Value {
        result["account"] = json!(self.identity.account);
        result["caller"] = json!(self.identity.arn);
        result["regions"] = json!(regions(plan));
        result
    }
}

/// The stages', each once.
fn regions(plan: &Plan) -> Vec<&str> {
    let mut regions: Vec<&str> = Vec::new();
    for stage in &plan.stages {
        if !regions.contains(&stage.region.as_str()) {
            regions.push(&stage.region);
        }
    }
    regions
}

/// Each request of a kind has one token, whatever the SDK has to repeat.
pub(crate) fn token() -> String {
    format!("frames-{}", uuid::Uuid::new_v4())
}
