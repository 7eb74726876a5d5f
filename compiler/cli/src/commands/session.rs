//! What every command on a deployment begins with: the manifest, the account, the progress.

use super::findings::compile_findings;
use super::{event_loop, online};
use crate::cli::Global;
use crate::interrupt;
use crate::project::Project;
use crate::terminal::{self, Progress, Terminal};
use frames_compiler::failure::Result;
use frames_compiler::{Compiled, Plan, Source};
use frames_deploy::aws::{Aws, Identity};
use frames_deploy::interrupt::Interrupt;
use frames_deploy::session::{Questions, Session};

/// A manifest without errors, and the account that it is for.
pub(super) struct Opened {
    pub project: Project,
    pub source: Source,
    pub compiled: Compiled,
    pub plan: Plan,
    pub aws: Aws,
    pub progress: Progress,
    command: &'static str,
}

/// Runs `work` on what `command` needs. Errors that don't depend on AWS are reported before
/// frames looks for credentials.
pub(super) fn run(
    command: &'static str,
    global: &Global,
    terminal: Terminal,
    work: impl AsyncFnOnce(Opened) -> Result<()>,
) -> Result<()> {
    let project = Project::find(global)?;
    online::offline(&project, global, terminal)?;
    event_loop()?.block_on(async {
        let aws = online::connect(global).await?;
        let (source, compiled) = online::compiled(&project, global, &aws).await?;
        let plan = compile_findings(&source, &compiled, terminal)?;
        work(Opened {
            project,
            source,
            compiled,
            plan,
            aws,
            progress: Progress::new(terminal),
            command,
        })
        .await
    })
}

impl Opened {
    /// From here on a signal ends the run at the next safe place: AWS may be changed.
    pub(super) async fn session(&self, questions: Questions) -> Result<Session<'_>> {
        let identity = self.aws.identity().await?;
        let say = |text: &str| terminal::say(text);
        let interrupt = Interrupt::listen(self.command, say, |failure| interrupt::leave(failure))?;
        interrupt::own();
        Ok(self.with(identity, interrupt, questions))
    }

    /// For a command that changes nothing: a signal ends it at once, whatever it waits for.
    pub(super) async fn looking(&self) -> Result<Session<'_>> {
        let identity = self.aws.identity().await?;
        let interrupt = Interrupt::never(self.command);
        Ok(self.with(identity, interrupt, Questions::Refuse))
    }

    fn with(&self, identity: Identity, interrupt: Interrupt, questions: Questions) -> Session<'_> {
        Session {
            aws: &self.aws,
            identity,
            progress: &self.progress,
            interrupt,
            questions,
        }
    }
}

/// Says yes with `--yes`, asks on a terminal, and refuses elsewhere.
pub(super) fn questions(yes: bool) -> Questions {
    if yes {
        Questions::Yes
    } else if terminal::can_ask() {
        Questions::Ask(terminal::ask)
    } else {
        Questions::Refuse
    }
}
