//! One run of a command against an account: whose it is, who listens, who confirms.

use crate::aws::{Aws, Identity};
use crate::interrupt::Interrupt;
use crate::report::Report;
use frames_compiler::failure::{Context, Exit, Failure, Result};
use frames_compiler::plan::Footprint;
use frames_compiler::secrets::Masks;
use serde_json::{Value, json};

const ROLLBACK: &str = "rollback";

/// One run of a command against an account.
pub struct Session<'a> {
    pub aws: &'a Aws,
    pub identity: Identity,
    pub progress: &'a dyn Report,
    pub interrupt: Interrupt,
    pub questions: Questions,
    /// What no change shows.
    pub masks: Masks,
    /// Which command it is, as it is written.
    pub command: &'static str,
}

/// How a change is confirmed.
#[derive(Debug, Clone, Copy)]
pub enum Questions {
    /// `--yes`
    Yes,
    /// Asks a question on the terminal, and returns whether the answer was yes.
    Ask(fn(&str) -> std::io::Result<bool>),
    /// Refuses, because nobody can answer.
    Refuse,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// There is no terminal to ask on.
    Nobody,
}

impl Answer {
    /// Where it isn't a yes: what is said of it, and with which flag the same is run without a question.
    pub(crate) fn refusal(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Yes => None,
            Self::No => Some(("not confirmed", "")),
            Self::Nobody => Some((
                "this has to be confirmed, and there is no terminal to ask on",
                " with --yes",
            )),
        }
    }
}

impl Session<'_> {
    /// `Deploying heart (dev) to account 111122223333 (us-east-1) as arn:…`
    pub fn announce(&self, verb: &str, to: &str, footprint: &Footprint) {
        let what = format!(
            "{} ({}) {to} account {}",
            footprint.service,
            footprint.env,
            self.whereabouts(footprint)
        );
        self.progress.step(verb, &what);
    }

    /// `111122223333 (us-east-1), as arn:…`
    pub fn whereabouts(&self, footprint: &Footprint) -> String {
        let (account, arn) = (&self.identity.account, &self.identity.arn);
        format!("{account} ({}), as {arn}", regions(footprint).join(", "))
    }

    /// Asks for a confirmation, from the flag or the terminal, before anything has changed.
    pub async fn yes(&self, question: &str) -> Result<()> {
        let answer = self.ask(question).await;
        match answer.map_err(|failure| self.unanswered(failure))? {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::new("not confirmed: nothing was changed")),
            Answer::Nobody => Err(Failure::new(
                "this has to be confirmed, and there is no terminal to ask on: nothing was changed",
            )
            .help("look at the changes above, then run the same command with --yes")),
        }
    }

    /// Ctrl-C instead of an answer: nothing has begun that would have to be gone on with.
    fn unanswered(&self, failure: Failure) -> Failure {
        if failure.exit != Exit::Interrupted {
            return failure;
        }
        let help = format!(
            "nothing was changed: run `frames {}` to start again",
            self.command
        );
        Failure {
            help: Some(help),
            ..failure
        }
    }

    /// The same where something may have changed: what no means then, the caller says.
    pub(crate) async fn ask(&self, question: &str) -> Result<Answer> {
        match self.questions {
            Questions::Yes => Ok(Answer::Yes),
            Questions::Refuse => Ok(Answer::Nobody),
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
                Ok(if answer { Answer::Yes } else { Answer::No })
            }
        }
    }

    /// How a person goes on with it: `frames deploy` in the middle of a rollback would deploy the
    /// manifest. `flag`: with a space before it.
    pub(crate) fn again(&self, flag: &str) -> String {
        match (self.command, flag) {
            (ROLLBACK, "") => "run the same command again".to_owned(),
            (ROLLBACK, flag) => format!("run the same command again with{flag}"),
            _ => format!("run `frames deploy{flag}`"),
        }
    }

    pub(crate) fn is_rollback(&self) -> bool {
        self.command == ROLLBACK
    }

    /// A closing object that says whose account it was.
    pub fn signed(&self, footprint: &Footprint, mut result: Value) -> Value {
        result["account"] = json!(self.identity.account);
        result["caller"] = json!(self.identity.arn);
        result["regions"] = json!(regions(footprint));
        result
    }
}

/// The stages' Regions, each once.
fn regions(footprint: &Footprint) -> Vec<&str> {
    let mut regions: Vec<&str> = Vec::new();
    for stage in &footprint.stages {
        if !regions.contains(&stage.region.as_str()) {
            regions.push(&stage.region);
        }
    }
    regions
}

/// One token per request of a kind, whatever the SDK has to repeat.
pub(crate) fn token() -> String {
    format!("frames-{}", uuid::Uuid::new_v4())
}
