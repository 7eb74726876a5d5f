//! `frames history`: the deployments of an environment, the newest first.

use super::info::footprint;
use super::session;
use crate::cli::{Global, History};
use crate::terminal::{Terminal, json, lines};
use chrono::{DateTime, Local};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::printable::Styled;
use frames_compiler::record::{Kind, Record, State};
use frames_deploy::history;

pub(super) fn run(global: &Global, arguments: &History, terminal: Terminal) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("history", global, service, terminal, async |opened| {
        let session = opened.looking().await?;
        let footprint = &footprint(&session, &opened, terminal).await?;
        let found = history::look(&session, footprint).await?;
        let deployed = history::deployed(&session, footprint).await?;
        let live = found.live(&deployed);
        for (key, reason) in &found.unreadable {
            let what = format!("{key}, which is no record that this frames can read: {reason}");
            terminal.status("Skipped", &what);
        }
        if terminal.is_json() {
            let result = session.signed(footprint, found.json(footprint, live));
            json(&format!("{}\n", serde_json::json!({"result": result})));
        } else {
            lines(text(&found, live));
        }
        if let Some(newest) = found.records.first() {
            if live.is_none() && !deployed.is_empty() && newest.state == State::Begun {
                between(&found, newest, terminal);
            }
            return Ok(());
        }
        let (service, env) = (&footprint.service, &footprint.env);
        let account = &session.identity.account;
        if deployed.is_empty() {
            let what = format!("{service} ({env}) is not deployed in account {account}");
            return Err(Failure::new(what).help(
                "`frames deploy` deploys it; --profile and --env choose another account and environment",
            ));
        }
        terminal.status(
            "Note",
            "it was deployed by a frames that left no records: the next `frames deploy` leaves one",
        );
        Ok(())
    })
}

/// An interrupted run left stages of two deployments.
fn between(found: &history::History, newest: &Record, terminal: Terminal) {
    let go_on = match newest.kind {
        Kind::Deploy => "`frames deploy` goes on with the newest".to_owned(),
        Kind::Rollback => format!("`frames rollback {}` goes on with the newest", newest.id),
    };
    let before = found.records.iter().find(|record| record.is_whole());
    let back = before.map(|record| format!(", `frames rollback {}` goes back", record.id));
    let what = format!(
        "none of these is deployed as a whole: {go_on}{}",
        back.unwrap_or_default()
    );
    terminal.status("Note", &what);
}

/// What is in a record is somebody else's: none of it may look like a line of the list.
fn text(history: &history::History, live: Option<usize>) -> Styled {
    let mut text = Styled::new();
    let line = |text: Styled, line: String| text.line(&line).text("\n");
    for (index, record) in history.records.iter().enumerate() {
        let is_live = if live == Some(index) { ", live" } else { "" };
        let (time, what) = (when(&record.time), what(record));
        text = line(text, format!("{}  {time}  {what}{is_live}", record.id));
        text = line(text, format!("    by {}", record.who));
        if let Some(commit) = commit(record) {
            text = line(text, format!("    commit {commit}"));
        }
        let changed = history.changed(index);
        if !changed.is_empty() {
            text = line(text, format!("    changed: {}", changed.join(", ")));
        }
    }
    text
}

/// `2026-11-29 00:12:05 +01:00`: in the zone of whoever reads it, as `frames logs` has times. What is no
/// time stays as it is.
pub(super) fn when(time: &str) -> String {
    let read = DateTime::parse_from_rfc3339(time).map(|time| time.with_timezone(&Local));
    read.map_or_else(
        |_| time.to_owned(),
        |time| time.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
    )
}

fn what(record: &Record) -> String {
    let kind = match record.kind {
        Kind::Deploy => "deployment",
        Kind::Rollback => "rollback",
    };
    let only = record.only.as_ref();
    let only = only.map(|only| format!(" of {only} only"));
    let end = match record.state {
        State::Done => "",
        State::Begun => ", didn't come to its end",
    };
    format!("{kind}{}{end}", only.unwrap_or_default())
}

/// `8d416dc… and changes`, in full.
pub(super) fn commit(record: &Record) -> Option<String> {
    let commit = record.commit.as_ref()?;
    let changes = if commit.changed { ", with changes" } else { "" };
    Some(format!("{}{changes}", commit.id))
}
