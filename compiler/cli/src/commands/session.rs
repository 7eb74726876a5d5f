//! What every command on a deployment begins with: the manifest or its names, the account, the
//! progress.

use super::findings::{LOUD, compile_findings, compile_with, report};
use super::{event_loop, online};
use crate::cli::Global;
use crate::interrupt;
use crate::project::Project;
use crate::terminal::{self, Progress, Terminal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::plan::{Footprint, Names};
use frames_compiler::secrets::Masks;
use frames_compiler::{Compiled, Diagnostic, Named, Plan, Source, render};
use frames_deploy::aws::Aws;
use frames_deploy::interrupt::Interrupt;
use frames_deploy::located;
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
        let masks = Masks::of(&self.compiled.secrets);
        session(&self.aws, &self.progress, self.command, questions, masks).await
    }

    /// Before anything can change: a signal ends the run at once, whatever it waits for.
    pub(super) async fn looking(&self) -> Result<Session<'_>> {
        looking(&self.aws, &self.progress, self.command).await
    }
}

/// The names of a deployment, and the account that it may be in.
pub(super) struct OpenedNames {
    pub footprint: Footprint,
    /// Where there is a manifest, and it has no errors.
    pub plan: Option<Plan>,
    pub aws: Aws,
    pub progress: Progress,
    /// No manifest says where the stacks are: that was looked for.
    pub is_located: bool,
    /// Regions where frames couldn't look.
    pub unseen: Vec<&'static str>,
    command: &'static str,
}

impl OpenedNames {
    /// As [`Opened::session`].
    pub(super) async fn session(&self, questions: Questions) -> Result<Session<'_>> {
        let masks = Masks::default();
        session(&self.aws, &self.progress, self.command, questions, masks).await
    }

    /// For a command that changes nothing: a signal ends it at once, whatever it waits for.
    pub(super) async fn looking(&self) -> Result<Session<'_>> {
        looking(&self.aws, &self.progress, self.command).await
    }
}

/// Runs `work` on no more than the names that `--service`, or else the manifest, gives: whatever
/// else is wrong with the manifest is a warning.
pub(super) fn run_named(
    command: &'static str,
    global: &Global,
    service: Option<&str>,
    terminal: Terminal,
    work: impl AsyncFnOnce(OpenedNames) -> Result<()>,
) -> Result<()> {
    named(command, global, service, terminal, Stacks::Sought, work)
}

/// The same for a command that asks nothing of the stacks: nobody looks for them, and so whoever runs
/// it needs no permission to see them.
pub(super) fn run_unlocated(
    command: &'static str,
    global: &Global,
    service: Option<&str>,
    terminal: Terminal,
    work: impl AsyncFnOnce(OpenedNames) -> Result<()>,
) -> Result<()> {
    named(command, global, service, terminal, Stacks::Unsought, work)
}

/// Whether stacks are looked for where no manifest says where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stacks {
    Sought,
    Unsought,
}

fn named(
    command: &'static str,
    global: &Global,
    service: Option<&str>,
    terminal: Terminal,
    stacks: Stacks,
    work: impl AsyncFnOnce(OpenedNames) -> Result<()>,
) -> Result<()> {
    let project = match service {
        Some(_) => {
            without_manifest(global, terminal)?;
            None
        }
        None => Some(Project::find(global).map_err(|failure| or_by_name(failure, command))?),
    };
    if let Some(project) = &project {
        let (source, compiled) = compile_with(project, global.target(), project);
        if let Named::Wrong(found) = &compiled.named {
            return Err(wrong_names(&source, found, command, terminal));
        }
    }
    event_loop()?.block_on(async {
        let aws = online::connect(global).await?;
        let progress = Progress::new(terminal);
        let mut unseen = Vec::new();
        let (footprint, plan) = match (&project, service) {
            (None, Some(service)) if stacks == Stacks::Unsought => {
                let names = Names {
                    service: service.to_owned(),
                    env: global.target().env.to_owned(),
                    account: None,
                    artifact_bucket: None,
                };
                (Footprint::of(&names, &[]), None)
            }
            (None, Some(service)) => {
                let session = looking(&aws, &progress, command).await?;
                let found = located::footprint(&session, service, global.target().env).await?;
                unseen = found.unseen;
                (found.footprint, None)
            }
            (project, _) => {
                let project = project.as_ref().ok_or_else(Failure::manifest)?;
                names(project, global, &aws, command, terminal).await?
            }
        };
        work(OpenedNames {
            footprint,
            plan,
            aws,
            progress,
            is_located: service.is_some() && stacks == Stacks::Sought,
            unseen,
            command,
        })
        .await
    })
}

async fn session<'a>(
    aws: &'a Aws,
    progress: &'a Progress,
    command: &'static str,
    questions: Questions,
    masks: Masks,
) -> Result<Session<'a>> {
    let identity = aws.identity().await?;
    let say = |text: &str| terminal::say(text);
    let interrupt = Interrupt::listen(command, say, |failure| interrupt::leave(failure))?;
    interrupt::own();
    Ok(Session {
        identity,
        aws,
        progress,
        interrupt,
        questions,
        masks,
        command,
    })
}

async fn looking<'a>(
    aws: &'a Aws,
    progress: &'a Progress,
    command: &'static str,
) -> Result<Session<'a>> {
    Ok(Session {
        identity: aws.identity().await?,
        aws,
        progress,
        interrupt: Interrupt::never(command),
        questions: Questions::Refuse,
        masks: Masks::default(),
        command,
    })
}

/// The names in a manifest, with what AWS answers; its plan, unless it has errors.
async fn names(
    project: &Project,
    global: &Global,
    aws: &Aws,
    command: &str,
    terminal: Terminal,
) -> Result<(Footprint, Option<Plan>)> {
    let (source, compiled, failure) = online::compiled_for_names(project, global, aws).await?;
    let is_error = |found: &&Diagnostic| found.is_error();
    let errors = compiled.diagnostics.iter().filter(is_error).count();
    let footprint = match (&compiled.named, failure) {
        (Named::Known(footprint), _) => footprint.clone(),
        (_, Some(failure)) => return Err(or_by_name(failure, command)),
        (Named::Wrong(found), None) => {
            return Err(wrong_names(&source, found, command, terminal));
        }
        // Each round of answers brings up new references.
        (Named::Open, None) => {
            let failure = Failure::new("a name of this deployment refers to AWS too many times");
            return Err(or_by_name(failure, command));
        }
    };
    if errors == 0 {
        report(&source, &compiled.diagnostics, LOUD, terminal)?;
    } else {
        let offline = compile_with(project, global.target(), project).1;
        let offline = offline.diagnostics.iter().filter(is_error).count();
        let online = if offline == errors { "" } else { " --online" };
        let env = global.env.as_ref().map(|env| format!(" -e {env}"));
        let env = env.unwrap_or_default();
        let (errors, them) = match errors {
            1 => ("1 error".to_owned(), "it"),
            n => (format!("{n} errors"), "them"),
        };
        let what = format!(
            "{} has {errors}, but `frames {command}` works all the same: `frames validate{online}{env}` shows {them}",
            source.name()
        );
        terminal.status("Warning", &what);
    }
    Ok(match compiled.plan {
        Some(plan) => (plan.footprint(), Some(plan)),
        None => (footprint, None),
    })
}

/// The findings that keep the names unknown, and the way that needs no manifest.
fn wrong_names(
    source: &Source,
    found: &[Diagnostic],
    command: &str,
    terminal: Terminal,
) -> Failure {
    terminal::say(render::human(source, found));
    if terminal.is_json() {
        terminal::json(&format!("{:#}\n", render::json(source, found)));
    }
    let what = format!(
        "because of the errors above, frames can't tell which stacks {} names",
        source.name()
    );
    or_by_name(
        Failure {
            message: what,
            ..Failure::manifest()
        },
        command,
    )
}

/// The way that needs no manifest, beside any other.
fn or_by_name(failure: Failure, command: &str) -> Failure {
    let way = format!("`frames {command} --service NAME --env NAME` needs no manifest");
    let help = match &failure.help {
        Some(help) => format!("{help}; {way}"),
        None => format!("mend it; or {way}"),
    };
    failure.help(help)
}

/// `--service` and a manifest would be two answers to the same question.
fn without_manifest(global: &Global, terminal: Terminal) -> Result<()> {
    let given = [
        ("--config", global.config.is_some()),
        ("--opt", !global.options.is_empty()),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!(
            "`--service` and `{flag}` exclude each other: with `--service`, no manifest is read"
        ))
        .help("leave one of them out"));
    }
    terminal.detail("no manifest is read: --service and --env name what is deployed");
    Ok(())
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
