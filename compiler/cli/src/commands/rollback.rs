//! `frames rollback`: deploys an earlier deployment as it was packaged.

use super::deploy::conclude;
use super::history::{commit, when};
use super::info::footprint;
use super::session::{self, OpenedNames, questions};
use crate::cli::{Global, Rollback};
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::plan::Footprint;
use frames_compiler::printable;
use frames_compiler::record::Record;
use frames_deploy::agreed::Agreed;
use frames_deploy::history::{Deployed, History};
use frames_deploy::picture::Picture;
use frames_deploy::rollback::{self, Back};
use frames_deploy::session::Session;
use frames_deploy::stage::Done;
use frames_deploy::stages::{self, Options, Unchanged};
use frames_deploy::{agreement, artifacts, history, moves, validation};

pub(super) fn run(global: &Global, arguments: &Rollback, terminal: Terminal) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("rollback", global, service, terminal, async |opened| {
        back(opened, global, arguments, terminal).await
    })
}

async fn back(
    opened: OpenedNames,
    global: &Global,
    arguments: &Rollback,
    terminal: Terminal,
) -> Result<()> {
    let mut session = opened.session(questions(arguments.yes)).await?;
    let interrupt = session.interrupt.clone();
    let footprint = footprint(&session, &opened, terminal);
    let footprint = &interrupt.or(footprint).await??;
    let found = interrupt.or(history::look(&session, footprint)).await??;
    let deployed = interrupt
        .or(history::deployed(&session, footprint))
        .await??;
    let id = arguments.id.as_deref();
    let live = found.live(&deployed);
    let chosen = rollback::choose(&found, id, live)
        .map_err(|failure| nothing(failure, &session, footprint, &found, &deployed))?;
    let allowed = global.target().allow_unsafe_overlay;
    let opening = rollback::open(&session, footprint, &found, chosen, allowed);
    let back = interrupt.or(opening).await??;
    // No manifest says now what is secret: the records say where it is.
    let secrets = rollback::secrets(&found, &deployed, &back.package, chosen);
    let texts = secrets.iter().map(|(_, text)| text);
    texts.for_each(|secret| terminal::conceal_text(secret));
    announce(&session, footprint, chosen);
    session.masks = rollback::concealing(&session, &secrets);
    let live = live.and_then(|live| found.records.get(live));
    let asked = agreement::Back {
        id: &back.record.id,
        named: id.is_some(),
        warned: rollback::warn(&session, &deployed, &back, live)?,
    };
    let options = Options {
        dry_run: arguments.dry_run,
        only: None,
        unsafe_overlay: back.plan.unsafe_overlay && allowed,
        enable: arguments.enable,
        no_wait: arguments.no_wait,
    };
    let done = deploy(&session, &back, options, asked).await?;
    let mut result = session.signed(&back.plan.footprint(), stages::result(&done));
    result["deployment"] = serde_json::json!(back.record.id);
    conclude(
        &session,
        &opened.progress,
        (&back.plan, &back.package),
        result,
        options,
        terminal,
    )
    .await
}

/// As any deployment: what is there, what would move, the stages.
async fn deploy(
    session: &Session<'_>,
    back: &Back,
    options: Options<'_>,
    asked: agreement::Back<'_>,
) -> Result<Vec<Done>> {
    let Back {
        plan,
        package,
        record,
        ..
    } = back;
    let interrupt = &session.interrupt;
    let picture = interrupt.or(stages::picture(session, plan)).await??;
    picture.refuse()?;
    let unchanged = stages::unchanged(session, plan, package, options, &picture);
    let unchanged = interrupt.or(unchanged).await??;
    if unchanged.is_none() {
        // No manifest has environments here, and no flag allows another service.
        let known = moves::Known {
            environments: &[],
            beside: &[],
        };
        let moved = moves::refuse(session, plan, known);
        interrupt.or(moved).await??;
        let left = moves::refuse_left_behind(session, plan, &picture);
        interrupt.or(left).await??;
    }
    let agreed = match unchanged {
        Some(_) => Agreed::default(),
        None => {
            let outlook = agreement::outlook(session, plan, package, options, &picture).await?;
            if options.dry_run {
                outlook.tell(session);
                return Ok(outlook.dry());
            }
            agreement::ask_back(session, outlook, asked).await?
        }
    };
    let changed = change(session, back, options, &picture, (unchanged, agreed)).await;
    changed.map_err(|failure| going_on(failure, record))
}

/// What was agreed to, between the beginning and the end of a record.
async fn change(
    session: &Session<'_>,
    back: &Back,
    options: Options<'_>,
    picture: &Picture,
    (unchanged, agreed): (Option<Unchanged>, Agreed),
) -> Result<Vec<Done>> {
    let Back {
        plan,
        package,
        record,
        is_newest,
    } = back;
    let interrupt = &session.interrupt;
    let records = !options.dry_run && (unchanged.is_none() || !is_newest);
    if records {
        let validated = validation::large_templates(session, plan, package);
        interrupt.or(validated).await??;
        let uploaded = artifacts::upload(session, plan, package, record);
        interrupt.or(uploaded).await??;
    }
    let done = match unchanged {
        Some(unchanged) => {
            unchanged.tell(session);
            unchanged.done
        }
        None => stages::stages(session, plan, package, options, picture, &agreed).await?,
    };
    if records {
        history::done(session, &plan.footprint(), record.clone()).await?;
    }
    Ok(done)
}

/// `frames deploy` would deploy the manifest.
fn going_on(failure: Failure, record: &Record) -> Failure {
    let way = format!("`frames rollback {}` goes on with this rollback", record.id);
    let help = match &failure.help {
        Some(help) => format!("{help}; {way}"),
        None => way,
    };
    failure.help(help)
}

fn announce(session: &Session<'_>, footprint: &Footprint, chosen: &Record) {
    session.announce("Rolling back", "in", footprint);
    let commit = commit(chosen).map(|commit| format!(", commit {commit}"));
    let what = format!(
        "deployment {} of {}, by {}{}",
        chosen.id,
        when(&chosen.time),
        printable::line(&chosen.who),
        commit.unwrap_or_default()
    );
    session.progress.step("Taking", &what);
}

/// Where there is no record at all, that has a reason of its own.
fn nothing(
    failure: Failure,
    session: &Session<'_>,
    footprint: &Footprint,
    found: &History,
    deployed: &[Deployed],
) -> Failure {
    if !found.records.is_empty() {
        return failure;
    }
    let name = format!("{} ({})", footprint.service, footprint.env);
    let account = &session.identity.account;
    if deployed.is_empty() {
        return Failure::new(format!("{name} is not deployed in account {account}"))
            .help("`frames deploy` deploys it; --profile and --env choose another account and environment");
    }
    Failure::new(format!(
        "{name} was deployed by a frames that left no records, so there is nothing to go back to"
    ))
    .help("the next `frames deploy` leaves one")
}
