//! `frames doctor`: what is here, and what is missing for which command. Every look is bounded
//! in time, and what takes time is done side by side.

mod machine;
mod project;

use super::{event_loop, online};
use crate::cli::Global;
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::printable::{Style, Styled};
use serde_json::{Value, json};
use std::time::Duration;

/// For each look that waits for somebody else.
const LIMIT: Duration = Duration::from_secs(5);

/// Where the second column begins.
const SECOND: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// A command can't work without it.
    Missing,
    /// Not needed, or not looked at.
    Skipped,
}

/// One line: what was looked at, and what was found.
#[derive(Debug)]
pub(super) struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// What it is needed for, and what to do.
    help: Option<String>,
}

impl Check {
    pub(super) fn new(name: &'static str, state: State, found: impl Into<String>) -> Self {
        Self {
            name,
            state,
            found: found.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn json(&self) -> Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Missing => "missing",
            State::Skipped => "skipped",
        };
        json!({"name": self.name, "state": state, "found": self.found, "help": self.help})
    }

    fn shown(&self) -> Styled {
        let mark = match self.state {
            State::Ok => Styled::new().paint(Style::Green, "✓"),
            State::Missing => Styled::new().paint(Style::BoldRed, "✗"),
            State::Skipped => Styled::new().paint(Style::Dim, "–"),
        };
        let name = format!(
            " {:width$}",
            self.name,
            width = SECOND - "✓ ".chars().count()
        );
        let line = mark.text(&name).line(&self.found).text("\n");
        match &self.help {
            Some(help) => line.text(&" ".repeat(SECOND)).line(help).text("\n"),
            None => line,
        }
    }
}

pub(super) fn run(global: &Global, terminal: Terminal) -> Result<()> {
    let looked = project::look(global);
    let machine = std::thread::spawn(machine::checks);
    let (aws, issuer) = event_loop()?
        .block_on(async { tokio::join!(credentials(global), looked.issuer(terminal)) });
    let mut checks = machine.join().unwrap_or_default();
    checks.push(looked.check);
    checks.push(issuer);
    checks.push(aws);
    checks.push(machine::network());
    show(&checks, terminal);
    let missing = checks.iter().filter(|check| check.state == State::Missing);
    let missing: Vec<&str> = missing.map(|check| check.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(
        Failure::new(format!("something is missing: {}", missing.join(", ")))
            .help("the lines above say which command needs it, and what to do"),
    )
}

async fn credentials(global: &Global) -> Check {
    const NAME: &str = "credentials";
    if !cfg!(feature = "aws") {
        return Check::new(
            NAME,
            State::Skipped,
            "not looked at: this build can't use AWS",
        );
    }
    let why = match tokio::time::timeout(LIMIT, online::whose(global)).await {
        Ok(Ok(whose)) => return Check::new(NAME, State::Ok, whose),
        Ok(Err(failure)) => failure.message,
        Err(_) => format!("none were found within {} s", LIMIT.as_secs()),
    };
    Check::new(NAME, State::Missing, why).help(
        "deploy, diff, info, check, logs, history, rollback, purge, remove and --online need them: name a profile with --profile, or sign in (`aws sso login`)",
    )
}

fn show(checks: &[Check], terminal: Terminal) {
    if terminal.is_json() {
        let ok = checks.iter().all(|check| check.state != State::Missing);
        let all: Vec<Value> = checks.iter().map(Check::json).collect();
        terminal::json(&format!("{:#}\n", json!({"ok": ok, "checks": all})));
        return;
    }
    let wanted = |check: &&Check| !terminal.is_quiet() || check.state == State::Missing;
    let lines = checks.iter().filter(wanted).map(Check::shown);
    let text = lines.fold(Styled::new(), |all, line| all.append(&line));
    terminal::rows(text, SECOND);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_with_its_help_below() {
        let check =
            Check::new("cargo", State::Missing, "isn't\non the PATH\u{9b}").help("install it");
        let shown = anstream::adapter::strip_str(check.shown().ansi()).to_string();
        assert_eq!(
            shown,
            "✗ cargo        isn't\\non the PATH\\u{9b}\n               install it\n"
        );
        assert_eq!(
            check.json(),
            json!({"name": "cargo", "state": "missing", "found": "isn't\non the PATH\u{9b}", "help": "install it"})
        );
    }
}
