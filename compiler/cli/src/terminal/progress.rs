//! What a deployment shows while it runs: a live tree on a terminal, one line per
//! event elsewhere, JSON for scripts.

use super::live::{Bar, Live};
use super::{Terminal, json as write_json};
use frames_compiler::printable::{Style, Styled};
use frames_deploy::aws::stacks::Event;
use frames_deploy::cause::is_cascade;
use frames_deploy::report::{Countdown, Report};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// After this long, a distribution's row tells what it waits for.
const LONG: Duration = Duration::from_secs(20);
const DISTRIBUTION: &str = "AWS::CloudFront::Distribution";

pub struct Progress {
    terminal: Terminal,
    live: Option<Live>,
    rows: RefCell<BTreeMap<(String, String), Row>>,
    /// The last state that was shown of each resource: CloudFormation repeats itself.
    shown: RefCell<BTreeMap<(String, String), String>>,
}

/// A resource that CloudFormation is at work on.
struct Row {
    bar: Option<Bar>,
    began: Instant,
    kind: String,
}

impl Progress {
    pub fn new(terminal: Terminal) -> Self {
        let live = !terminal.is_json() && !terminal.is_quiet();
        Self {
            terminal,
            live: live.then(Live::new).flatten(),
            rows: RefCell::default(),
            shown: RefCell::default(),
        }
    }
}

impl Report for Progress {
    fn step(&self, verb: &str, what: &str) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.status(verb, what)),
            None => self.terminal.status(verb, what),
        }
    }

    fn note(&self, text: Styled) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.note(text)),
            None => self.terminal.note(text),
        }
    }

    fn detail(&self, text: &str) {
        match &self.live {
            Some(live) => live.suspend(|| self.terminal.detail(text)),
            None => self.terminal.detail(text),
        }
    }

    fn wants_all(&self) -> bool {
        self.terminal.is_verbose()
    }

    fn event(&self, stage: &str, event: &Event) {
        if self.terminal.is_json() {
            let line = json!({
                "time": event.time,
                "stage": stage,
                "resource": event.resource,
                "status": event.status,
                "reason": event.reason,
            });
            return write_json(&format!("{line}\n"));
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
                live.suspend(|| self.terminal.note(line));
            }
            None => self.terminal.note(plain(stage, event)),
        }
    }

    fn tick(&self) {
        for row in self.rows.borrow().values() {
            if let Some(bar) = &row.bar
                && row.kind == DISTRIBUTION
                && row.began.elapsed() > LONG
            {
                bar.message("CloudFront updates every edge location, which takes minutes");
            }
        }
    }

    fn countdown(&self) -> Box<dyn Countdown + '_> {
        let live = self.live.as_ref();
        let bar = live.map(|live| live.bar("   {spinner} {wide_msg}"));
        Box::new(Waiting {
            bar,
            progress: self,
            said: RefCell::default(),
        })
    }
}

impl Progress {
    /// The closing object for scripts.
    pub fn result(&self, result: &Value) {
        if self.terminal.is_json() {
            write_json(&format!("{}\n", json!({"result": result})));
        }
    }

    /// Nothing is drawn any more.
    pub fn clear(&self) {
        if let Some(live) = &self.live {
            live.clear();
        }
        self.rows.borrow_mut().clear();
    }

    fn begin(&self, live: &Live, stage: &str, event: &Event) {
        let key = (stage.to_owned(), event.resource.clone());
        let mut rows = self.rows.borrow_mut();
        rows.entry(key).or_insert_with(|| {
            let indent = if event.of_stack { " " } else { "   " };
            let bar = live.bar(&format!(
                "{indent}{{spinner}} {{prefix}} {{elapsed:>4}}  {{wide_msg}}"
            ));
            bar.prefix(&format!("{:<30}", named(stage, event)));
            bar.message(&event.kind);
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
            bar.end();
        }
        Some(row)
    }

    fn ended(&self, stage: &str, event: &Event) -> Styled {
        let row = self.end(stage, event);
        let took = row
            .map(|row| format!("{}s", row.began.elapsed().as_secs()))
            .unwrap_or_default();
        let failed = event.status.ends_with("_FAILED");
        let (mark, style) = if failed {
            ("✗", Style::BoldRed)
        } else {
            ("✓", Style::Green)
        };
        let indent = if event.of_stack { " " } else { "   " };
        let name = format!(" {:<30} {took:>4}  ", named(stage, event));
        let line = Styled::new().text(indent).paint(style, mark).line(&name);
        let line = line.paint(Style::Dim, &event.status);
        match event.reason.as_ref().filter(|_| failed) {
            Some(reason) => line.text("\n     ").line(reason),
            None => line,
        }
    }
}

/// A wait, drawn in place on a terminal.
struct Waiting<'a> {
    bar: Option<Bar>,
    progress: &'a Progress,
    said: RefCell<String>,
}

impl Countdown for Waiting<'_> {
    fn show(&self, what: &str, left: &str) {
        let said = self.said.replace(what.to_owned()) == what;
        match &self.bar {
            Some(bar) => {
                if !said {
                    self.progress.step("Waiting", what);
                }
                bar.message(left);
            }
            None if !said => self.progress.step("Waiting", &format!("{what} {left}")),
            None => {}
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.end();
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

fn plain(stage: &str, event: &Event) -> Styled {
    let reason = match &event.reason {
        Some(reason) if event.status.ends_with("_FAILED") => format!("  {reason}"),
        _ => String::new(),
    };
    let resource = if event.of_stack {
        "(stack)"
    } else {
        &event.resource
    };
    let line = format!("{stage:>12}  {:<27} {resource}{reason}", event.status);
    Styled::new().line(&line)
}
