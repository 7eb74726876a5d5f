//! What a deployment shows while it runs: a live tree on a terminal, a line an
//! event elsewhere, JSON for scripts.

use super::cause::is_cascade;
use crate::aws::stacks::Event;
use crate::terminal::{Terminal, data, say};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// After this long, a distribution's row tells what it waits for.
const LONG: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(120);
const DISTRIBUTION: &str = "AWS::CloudFront::Distribution";

pub struct Progress {
    terminal: Terminal,
    live: Option<MultiProgress>,
    rows: RefCell<BTreeMap<(String, String), Row>>,
    /// The last state that was shown of each resource: CloudFormation repeats itself.
    shown: RefCell<BTreeMap<(String, String), String>>,
}

/// A resource that CloudFormation is at work on.
struct Row {
    bar: Option<ProgressBar>,
    began: Instant,
    kind: String,
}

impl Progress {
    pub fn new(terminal: Terminal) -> Self {
        let live = !terminal.is_json() && !terminal.is_quiet() && std::io::stderr().is_terminal();
        Self {
            terminal,
            live: live.then(MultiProgress::new),
            rows: RefCell::default(),
            shown: RefCell::default(),
        }
    }

    /// A step of our own: `Uploading`, `Deployed`.
    pub fn step(&self, verb: &str, what: &str) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.status(verb, what)),
            None => self.terminal.status(verb, what),
        }
    }

    pub fn note(&self, text: &str) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.note(text)),
            None => self.terminal.note(text),
        }
    }

    pub fn detail(&self, text: &str) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.detail(text)),
            None => self.terminal.detail(text),
        }
    }

    /// An event of a stage's stack.
    pub fn event(&self, stage: &str, event: &Event) {
        if self.terminal.is_json() {
            let line = json!({
                "time": event.time,
                "stage": stage,
                "resource": event.resource,
                "status": event.status,
                "reason": event.reason,
            });
            return data(&format!("{line}\n"));
        }
        if is_cascade(event) && !event.of_stack && !self.terminal.is_verbose() {
            self.end(stage, event);
            return;
        }
        let key = (stage.to_owned(), event.resource.clone());
        let before = self.shown.borrow_mut().insert(key, event.status.clone());
        if before.as_deref() == Some(&event.status) {
            return;
        }
        match &self.live {
            Some(live) if event.status.ends_with("_IN_PROGRESS") => self.begin(live, stage, event),
            Some(live) => {
                let line = self.ended(stage, event);
                if let Some(line) = line {
                    live.suspend(|| self.terminal.note(&line));
                }
            }
            None => self.terminal.note(&plain(stage, event)),
        }
    }

    /// The closing object for scripts.
    pub fn result(&self, result: &Value) {
        if self.terminal.is_json() {
            data(&format!("{}\n", json!({"result": result})));
        }
    }

    /// What takes long says why: called between events.
    pub fn tick(&self) {
        for row in self.rows.borrow().values() {
            if let Some(bar) = &row.bar
                && row.kind == DISTRIBUTION
                && row.began.elapsed() > LONG
            {
                bar.set_message("on its way to every edge location, which takes minutes");
            }
        }
    }

    /// A wait with an end in sight, drawn in place on a terminal.
    pub fn countdown(&self) -> Countdown<'_> {
        let bar = self.live.as_ref().map(|live| {
            let bar = live.add(ProgressBar::new_spinner());
            bar.set_style(style("   {spinner} {wide_msg}"));
            bar.enable_steady_tick(TICK);
            bar
        });
        Countdown {
            bar,
            progress: self,
            said: RefCell::default(),
        }
    }

    /// Nothing is drawn any more.
    pub fn clear(&self) {
        if let Some(live) = &self.live {
            let _ = live.clear();
        }
        self.rows.borrow_mut().clear();
    }

    fn begin(&self, live: &MultiProgress, stage: &str, event: &Event) {
        let key = (stage.to_owned(), event.resource.clone());
        let mut rows = self.rows.borrow_mut();
        rows.entry(key).or_insert_with(|| {
            let bar = live.add(ProgressBar::new_spinner());
            let indent = if event.of_stack { " " } else { "   " };
            bar.set_style(style(&format!(
                "{indent}{{spinner}} {{prefix}} {{elapsed:>4}}  {{wide_msg}}"
            )));
            bar.set_prefix(format!("{:<30}", named(stage, event)));
            bar.set_message(event.kind.clone());
            bar.enable_steady_tick(TICK);
            Row {
                bar: Some(bar),
                began: Instant::now(),
                kind: event.kind.clone(),
            }
        });
    }

    fn end(&self, stage: &str, event: &Event) -> Option<Row> {
        let row = self
            .rows
            .borrow_mut()
            .remove(&(stage.to_owned(), event.resource.clone()))?;
        if let Some(bar) = &row.bar {
            bar.finish_and_clear();
        }
        Some(row)
    }

    fn ended(&self, stage: &str, event: &Event) -> Option<String> {
        let row = self.end(stage, event);
        let took = row
            .map(|row| format!("{}s", row.began.elapsed().as_secs()))
            .unwrap_or_default();
        let failed = event.status.ends_with("_FAILED");
        let (mark, colour) = if failed {
            ("✗", "\x1b[1;31m")
        } else {
            ("✓", "\x1b[32m")
        };
        let indent = if event.of_stack { " " } else { "   " };
        let reason = event.reason.as_ref().filter(|_| failed);
        let reason = reason
            .map(|reason| format!("\n     {reason}"))
            .unwrap_or_default();
        let name = named(stage, event);
        Some(format!(
            "{indent}{colour}{mark}\x1b[0m {name:<30} {took:>4}  \x1b[2m{}\x1b[0m{reason}",
            event.status
        ))
    }
}

pub struct Countdown<'a> {
    bar: Option<ProgressBar>,
    progress: &'a Progress,
    said: RefCell<String>,
}

impl Countdown<'_> {
    /// `what` comes once; `left` changes in place on a terminal.
    pub fn show(&self, what: &str, left: &str) {
        let said = self.said.replace(what.to_owned()) == what;
        match &self.bar {
            Some(bar) => {
                if !said {
                    self.progress.step("Waiting", what);
                }
                bar.set_message(left.to_owned());
            }
            None if !said => self.progress.step("Waiting", &format!("{what} {left}")),
            None => {}
        }
    }
}

impl Drop for Countdown<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn named(stage: &str, event: &Event) -> String {
    if event.of_stack {
        stage.to_owned()
    } else {
        event.resource.clone()
    }
}

fn plain(stage: &str, event: &Event) -> String {
    let reason = match &event.reason {
        Some(reason) if event.status.ends_with("_FAILED") => format!("  {reason}"),
        _ => String::new(),
    };
    let resource = if event.of_stack {
        "(stack)"
    } else {
        &event.resource
    };
    format!("{stage:>12}  {:<27} {resource}{reason}", event.status)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `12 s`, `4 min`, `2 h 5 min`
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `1 stack`, `2 stacks`
pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// A question on the terminal, answered by yes or no.
pub fn ask(question: &str) -> std::io::Result<bool> {
    say(question);
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
