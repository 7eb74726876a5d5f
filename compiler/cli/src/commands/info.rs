//! `frames info`: what is deployed, and in which state.

use super::session::{self, OpenedNames};
use crate::cli::{Global, Info};
use crate::terminal::{Terminal, data, json};
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::names::READER_ALIAS;
use frames_compiler::plan::Footprint;
use frames_deploy::aws::stacks::Drift;
use frames_deploy::report::duration;
use frames_deploy::session::Session;
use frames_deploy::state::{self, State};
use frames_deploy::{endpoint, located};
use std::fmt::Write;
use std::time::{Duration, Instant};

pub(super) fn run(global: &Global, arguments: &Info, terminal: Terminal) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("info", global, service, terminal, async |opened| {
        let session = opened.looking().await?;
        let footprint = &footprint(&session, &opened, terminal).await?;
        let mut state = state::look(&session, footprint, arguments.drift).await?;
        let late = match arguments.wait {
            Some(most) => propagated(&session, &mut state, most).await?,
            None => Vec::new(),
        };
        if terminal.is_json() {
            let result = session.signed(footprint, state.json());
            json(&format!("{}\n", serde_json::json!({"result": result})));
        } else {
            let account = session.whereabouts(footprint);
            data(text(&state, &account, arguments.drift));
        }
        if state.stages.iter().any(|stage| stage.stack.is_some()) {
            in_time(&late, arguments.wait)
        } else {
            let what = format!(
                "{} ({}) is not deployed in account {}",
                footprint.service, footprint.env, session.identity.account
            );
            if !state.in_use.is_empty() {
                return Err(Failure::new(format!(
                    "{what}, but {}, which a removal left behind",
                    state.in_use.join("; ")
                ))
                .help(
                    "remove these functions from the distribution's behaviors in the CloudFront console, or delete that distribution",
                ));
            }
            Err(Failure::new(what)
            .help("`frames deploy` deploys it; --profile and --env choose another account and environment"))
        }
    })
}

/// Waits for each distribution. Returns those that aren't everywhere yet.
async fn propagated(
    session: &Session<'_>,
    state: &mut State,
    most: Duration,
) -> Result<Vec<String>> {
    let began = Instant::now();
    let mut late = Vec::new();
    for distribution in &mut state.distributions {
        let id = &distribution.id;
        let left = most.saturating_sub(began.elapsed());
        let doing = format!("have distribution {id}");
        if endpoint::until_deployed(session, id, &doing, Some(left)).await? {
            distribution.state.deployed = true;
        } else {
            late.push(id.clone());
        }
    }
    Ok(late)
}

fn in_time(late: &[String], most: Option<Duration>) -> Result<()> {
    if late.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "the last change of distribution {} isn't at every edge location after {}",
        late.join(", "),
        duration(most.unwrap_or_default())
    ));
    Err(Failure {
        exit: Exit::Unfinished,
        ..failure.help("run the same command again: until then, some viewers are served as before")
    })
}

/// The names of what is deployed, wherever it is.
pub(super) async fn footprint(
    session: &Session<'_>,
    opened: &OpenedNames,
    terminal: Terminal,
) -> Result<Footprint> {
    let footprint = whereabouts(session, opened, terminal).await?;
    located::remembered(session, footprint).await
}

/// Where the stacks are, which may not be where the manifest says.
pub(super) async fn whereabouts(
    session: &Session<'_>,
    opened: &OpenedNames,
    terminal: Terminal,
) -> Result<Footprint> {
    let footprint = &opened.footprint;
    if opened.is_located {
        return Ok(footprint.clone());
    }
    let elsewhere = located::elsewhere(session, footprint).await?;
    let Some(first) = elsewhere.first() else {
        return Ok(footprint.clone());
    };
    let regions: Vec<String> = elsewhere.iter().map(|it| it.region.clone()).collect();
    let what = format!(
        "`deploy.region` is {}, but stack {} is deployed in {}, and is shown as it is there",
        first.wanted,
        first.stack_name,
        regions.join(", ")
    );
    terminal.status("Note", &what);
    Ok(footprint.moved(&regions))
}

/// `compared`: drift was asked for.
fn text(state: &State, account: &str, compared: bool) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    row("account", account);
    for stage in &state.stages {
        let status = match &stage.stack {
            Some(stack) => format!("{} ({}, {})", stack.status, stack.name, stage.region),
            None => format!("{} ({}, {})", stage.told, stage.stack_name, stage.region),
        };
        row(stage.name, &status);
        if stage.stack.is_some() && stage.told != "deployed" {
            row("", &stage.told);
        }
        for gone in &stage.gone {
            let what = format!(
                "gone: {} ({}): `frames deploy` makes it again",
                gone.id, gone.kind
            );
            row("", &what);
        }
        for drift in &stage.drift {
            row("", &drifted(drift));
        }
        if compared
            && stage.stack.is_some()
            && stage.drift.is_empty()
            && stage.drift_unknown.is_none()
        {
            row("", "drift: none, by CloudFormation's comparison");
        }
        if let Some(reason) = &stage.drift_unknown {
            row("", &format!("drift: not known of every resource: {reason}"));
        }
    }
    for distribution in &state.in_use {
        row(
            "in use",
            &format!("{distribution}, and belongs to none of these stacks"),
        );
    }
    for distribution in &state.distributions {
        let enabled = if distribution.state.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let deployed = if distribution.state.deployed {
            "deployed"
        } else {
            "on its way to the edge locations"
        };
        row(
            "distribution",
            &format!("{} ({enabled}, {deployed})", distribution.id),
        );
        for alias in &distribution.state.aliases {
            row(
                "CNAME",
                &format!("{alias} -> {}", distribution.state.domain_name),
            );
        }
    }
    if let Some(url) = &state.url {
        row("URL", url);
    }
    for function in &state.functions {
        let in_use = function
            .in_use
            .map_or("none".to_owned(), |version| version.to_string());
        let old = old_versions(&function.old);
        row(
            "function",
            &format!("{}: version {in_use} in use{old}", function.name),
        );
    }
    for reader in &state.readers {
        let (name, region) = (&reader.name, &reader.region);
        let version = format!("version {} as {READER_ALIAS}", reader.version);
        row("reader", &format!("{name} ({region}): {version}"));
        row("", &format!("its function URL is at {}", reader.host));
    }
    text
}

fn old_versions(old: &[u64]) -> String {
    if old.is_empty() {
        return String::new();
    }
    let numbers: Vec<String> = old.iter().map(u64::to_string).collect();
    format!(
        "; {} old, which CloudFront's replicas still hold: {}",
        old.len(),
        numbers.join(", ")
    )
}

fn drifted(drift: &Drift) -> String {
    let properties = drift.properties.join(", ");
    let properties = if properties.is_empty() {
        properties
    } else {
        format!(": {properties}")
    };
    format!(
        "drift: {} ({}) {}{properties}",
        drift.resource, drift.kind, drift.status
    )
}
