//! `frames deploy`: package, upload, then the stages in order.

use super::check::{self as outside, After, Deployed};
use super::commit::commit;
use super::findings::{LOUD, judge, report, warn};
use super::online::{self, Asking};
use super::session::{self, Opened, questions};
use crate::artifact::{self, Builder};
use crate::cli::{Deploy, Global, Warnings};
use crate::terminal::{self, Progress, Terminal};
use frames_compiler::Plan;
use frames_compiler::diagnostic::{self, codes};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::package::Package;
use frames_deploy::agreed::Agreed;
use frames_deploy::history::Run;
use frames_deploy::picture::Picture;
use frames_deploy::report::Report;
use frames_deploy::session::Session;
use frames_deploy::stage::Done;
use frames_deploy::stages::{self, Options};
use frames_deploy::{agreement, artifacts, history, moves, validation};
use serde_json::Value;

pub(super) fn run(global: &Global, arguments: &Deploy, terminal: Terminal) -> Result<()> {
    session::run("deploy", global, terminal, async |opened| {
        deploy(opened, global, arguments, terminal).await
    })
}

async fn deploy(
    mut opened: Opened,
    global: &Global,
    arguments: &Deploy,
    terminal: Terminal,
) -> Result<()> {
    let asks = !arguments.dry_run || stages::asks_as_deployed(&opened.aws, &opened.plan).await?;
    let package = package(&mut opened.plan, asks, &opened.project.warnings, terminal).await?;
    let plan = &opened.plan;
    let only = arguments.only.as_deref();
    let only = only.map(|only| stage_name(plan, only)).transpose()?;
    let options = Options {
        dry_run: arguments.dry_run,
        only,
        unsafe_overlay: global.target().allow_unsafe_overlay,
        enable: arguments.enable,
        no_wait: arguments.no_wait,
    };
    let commit = commit(&opened.project.directory);
    let run = Run {
        version: env!("FRAMES_VERSION"),
        commit: commit.as_ref(),
        only,
    };
    artifact::write(&package, &opened.project.output(global.target().env))?;

    let session = opened.session(questions(arguments.yes)).await?;
    let footprint = plan.footprint();
    session.announce("Deploying", "to", &footprint);
    // A call that hangs is given up: whatever it did, the next run takes it up.
    let interrupt = &session.interrupt;
    let picture = interrupt.or(stages::picture(&session, plan)).await??;
    picture.refuse()?;
    let unchanged = stages::unchanged(&session, plan, &package, options, &picture);
    let done = match interrupt.or(unchanged).await?? {
        Some(unchanged) => {
            unchanged.tell(&session);
            if !options.dry_run {
                let recorded = history::unchanged(&session, plan, &package, run);
                interrupt.or(recorded).await??;
            }
            unchanged.done
        }
        // What stands as it is here hasn't moved.
        None => {
            interrupt
                .or(moved(&session, &opened, &arguments.beside))
                .await??;
            let left = moves::refuse_left_behind(&session, plan, &picture);
            interrupt.or(left).await??;
            interrupt.or(check(&session, &opened, terminal)).await??;
            let outlook = agreement::outlook(&session, plan, &package, options, &picture).await?;
            if options.dry_run {
                outlook.tell(&session);
                outlook.dry()
            } else {
                let agreed = agreement::ask(&session, outlook).await?;
                recorded(&session, plan, &package, (options, run), &picture, &agreed).await?
            }
        }
    };
    let result = session.signed(&footprint, stages::result(&done));
    conclude(
        &session,
        &opened.progress,
        (plan, &package),
        result,
        options,
        terminal,
    )
    .await
}

/// The stages, between the beginning and the end of a record.
async fn recorded(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    (options, run): (Options<'_>, Run<'_>),
    picture: &Picture,
    agreed: &Agreed,
) -> Result<Vec<Done>> {
    let interrupt = &session.interrupt;
    let validated = validation::large_templates(session, plan, package);
    interrupt.or(validated).await??;
    let begun = history::begin(session, plan, package, run);
    let record = interrupt.or(begun).await??;
    let uploaded = artifacts::upload(session, plan, package, &record);
    interrupt.or(uploaded).await??;
    let done = stages::stages(session, plan, package, options, picture, agreed).await?;
    history::end(session, plan, record).await?;
    Ok(done)
}

/// Refuses what has another name or Region now than what is deployed.
pub(super) async fn moved(session: &Session<'_>, opened: &Opened, beside: &[String]) -> Result<()> {
    let known = moves::Known {
        environments: &opened.compiled.environments,
        beside,
    };
    moves::refuse(session, &opened.plan, known).await
}

/// Holds the manifest against AWS, and shows what that adds.
async fn check(session: &Session<'_>, opened: &Opened, terminal: Terminal) -> Result<()> {
    let first = stages::is_first(session, &opened.plan).await?;
    let asking = Asking::Deploy { first };
    let found = online::ask(&opened.compiled, &opened.aws, asking).await?;
    if found.is_empty() {
        return Ok(());
    }
    let mut all = opened.compiled.diagnostics.clone();
    all.extend(found);
    judge(&mut all, &opened.project.warnings);
    diagnostic::sort(&mut all);
    report(&opened.source, &all, LOUD, terminal)
}

/// Bakes the issuer's keys in, so that the functions start without asking for them. Where the
/// issuer must not be asked, the keys count as changed.
pub(super) async fn package(
    plan: &mut Plan,
    asks: bool,
    warnings: &Warnings,
    terminal: Terminal,
) -> Result<Package> {
    if asks {
        // An issuer may ask to wait, and is slow at times.
        artifact::bake_keys(plan, terminal).await?;
    } else {
        terminal.status(
            "Note",
            "the issuer's address isn't deployed yet, so frames doesn't ask there for keys now. The authorizer therefore counts as changed",
        );
    }
    let programs = artifact::programs(Builder::CargoLambda, terminal)?;
    let package = artifact::package(plan, &programs)?;
    if let Some(heavy) = artifact::heavy(&package) {
        warn(codes::ZIP_HEAVY, &heavy, warnings, terminal)?;
    }
    Ok(package)
}

/// What is deployed stays deployed, whatever the look from outside comes to.
pub(super) async fn conclude(
    session: &Session<'_>,
    progress: &Progress,
    (plan, package): (&Plan, &Package),
    mut result: Value,
    options: Options<'_>,
    terminal: Terminal,
) -> Result<()> {
    progress.clear();
    if options.dry_run {
        progress.result(&result);
        progress.step("Dry run", "nothing was changed");
        return Ok(());
    }
    if !terminal.is_json()
        && let Some(url) = result["url"].as_str()
    {
        progress.step("Deployed", "the frames are at");
        terminal::value(url);
    }
    let deployed = Deployed::of(plan, package, &result, options);
    let looked = match deployed {
        Some(deployed) => outside::after(session, &deployed, terminal).await,
        None => Ok(After::default()),
    };
    progress.clear();
    let after = match looked {
        Ok(after) => after,
        Err(failure) => After::cut_short(failure),
    };
    result["check"] = after.json;
    progress.result(&result);
    after.failure.map_or(Ok(()), Err)
}

fn stage_name<'a>(plan: &'a Plan, only: &str) -> Result<&'a str> {
    let found = plan.stages.iter().find(|stage| stage.name == only);
    found.map(|stage| stage.name).ok_or_else(|| {
        let names: Vec<&str> = plan.stages.iter().map(|stage| stage.name).collect();
        Failure::usage(format!("there is no stage `{only}`"))
            .help(format!("the stages are {}", names.join(", ")))
    })
}
