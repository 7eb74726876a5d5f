//! `frames deploy`: package, upload, then the stages in order.

use super::online::Asking;
use super::{compile_findings, event_loop, online};
use crate::artifact::{self, Builder};
use crate::aws::Aws;
use crate::cli::{Deploy, Global};
use crate::deploy::{self, Interrupt, Options, Progress, Questions, Session, artifacts};
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::Plan;
use frames_compiler::package::Package;
use serde_json::Value;

pub fn run(global: &Global, arguments: &Deploy, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    online::offline(&project, global, terminal)?;
    event_loop()?.block_on(deploy(&project, global, arguments, terminal))
}

async fn deploy(
    project: &Project,
    global: &Global,
    arguments: &Deploy,
    terminal: Terminal,
) -> Result<()> {
    let interrupt = Interrupt::listen("deploy")?;
    let aws = Aws::connect(global).await?;
    let (source, mut compiled) = online::compiled(project, global, &aws).await?;
    let plan = compile_findings(&source, &compiled, terminal)?;

    let asks = !arguments.dry_run || deploy::asks_as_deployed(&aws, &plan).await?;
    let (plan, package) = package(plan, asks, terminal).await?;
    let only = arguments.only.as_deref();
    let only = only.map(|only| stage_name(&plan, only)).transpose()?;
    let options = Options {
        dry_run: arguments.dry_run,
        only,
        unsafe_overlay: global.target().allow_unsafe_overlay,
    };
    artifact::write(&package, &project.output(global.target().env))?;

    let session = Session {
        identity: aws.identity().await?,
        aws: &aws,
        progress: Progress::new(terminal),
        interrupt,
        questions: questions(arguments.yes),
    };
    session.announce("Deploying", "to", &plan);
    let done = match deploy::unchanged(&session, &plan, &package, options).await? {
        Some(done) => {
            session.progress.step(
                "Unchanged",
                "everything stands as it is here: nothing to do",
            );
            done
        }
        None => {
            let before = compiled.diagnostics.len();
            let first = deploy::is_first(&session, &plan).await?;
            online::check(&mut compiled, &aws, Asking::Deploy { first }).await?;
            if compiled.diagnostics.len() > before {
                compile_findings(&source, &compiled, terminal)?;
            }
            if !options.dry_run {
                deploy::validation::large_templates(&session, &plan, &package).await?;
                artifacts::upload(&session, &plan, &package).await?;
            }
            deploy::stages(&session, &plan, &package, options).await?
        }
    };
    let result = session.signed(&plan, deploy::result(&done));
    conclude(&session, &result, options, terminal);
    Ok(())
}

/// With the issuer's keys baked in: the functions start without asking for them. Unless the
/// issuer isn't to be asked: then they are as good as changed.
pub(super) async fn package(
    mut plan: Plan,
    asks: bool,
    terminal: Terminal,
) -> Result<(Plan, Package)> {
    if asks {
        artifact::bake_keys(&mut plan).await?;
    } else {
        terminal.status(
            "Note",
            "the issuer isn't asked for its keys before its address is deployed: which they are isn't known here, and the authorizer counts as changed",
        );
    }
    let programs = artifact::programs(Builder::CargoLambda, terminal)?;
    let package = artifact::package(&plan, &programs)?;
    Ok((plan, package))
}

fn conclude(session: &Session<'_>, result: &Value, options: Options<'_>, terminal: Terminal) {
    session.progress.clear();
    session.progress.result(result);
    if options.dry_run {
        session.progress.step("Dry run", "nothing was changed");
    } else if !terminal.is_json()
        && let Some(url) = result["url"].as_str()
    {
        session.progress.step("Deployed", "the frames are at");
        terminal::value(url);
    }
}

fn stage_name<'a>(plan: &'a Plan, only: &str) -> Result<&'a str> {
    let found = plan.stages.iter().find(|stage| stage.name == only);
    found.map(|stage| stage.name).ok_or_else(|| {
        let names: Vec<&str> = plan.stages.iter().map(|stage| stage.name).collect();
        Failure::usage(format!("there is no stage `{only}`"))
            .help(format!("the stages are {}", names.join(", ")))
    })
}

pub(super) fn questions(yes: bool) -> Questions {
    match yes {
        true => Questions::Yes,
        false if terminal::can_ask() => Questions::Ask,
        false => Questions::Refuse,
    }
}
