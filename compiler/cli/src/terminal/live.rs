//! What is drawn in place on a terminal.

#![allow(clippy::disallowed_types)]

use super::masked;
use frames_compiler::printable;
use frames_compiler::secrets::Masks;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);

/// Bars below everything else that is said.
pub struct Live(MultiProgress);

impl Live {
    /// `None` where stderr is no terminal.
    pub fn new() -> Option<Self> {
        super::stderr_is_terminal().then(|| Self(MultiProgress::new()))
    }

    /// Says something above the bars.
    pub fn suspend(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    pub fn clear(&self) {
        let _ = self.0.clear();
    }

    /// `template` is indicatif's, and ours.
    pub fn bar(&self, template: &str) -> Bar {
        let bar = self.0.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TICK);
        Bar(bar)
    }
}

/// One bar; its texts are made printable like all others.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn prefix(&self, text: &str) {
        self.0.set_prefix(shown(text));
    }

    pub fn message(&self, text: &str) {
        self.0.set_message(shown(text));
    }

    /// `done` of `all`, drawn as a bar by a template that has one.
    pub fn count(&self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
    }

    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn shown(text: &str) -> String {
    let text = masked(text, Masks::mask);
    printable::line(&text).into_owned()
}
