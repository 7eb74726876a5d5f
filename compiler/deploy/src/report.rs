//! What a run reports while it works. The listener draws it: this crate knows no terminal.

use crate::aws::stacks::Event;
use frames_compiler::printable::Styled;
use std::time::Duration;

/// Receives what happens, as it happens.
pub trait Report {
    /// A step of our own: `Uploading`, `Deployed`.
    fn step(&self, verb: &str, what: &str);

    /// Text that is laid out already.
    fn note(&self, text: Styled);

    /// A line for those who asked for more.
    fn detail(&self, text: &str);

    /// Whether the reader asked for more.
    fn wants_all(&self) -> bool;

    /// An event of a stage's stack.
    fn event(&self, stage: &str, event: &Event);

    /// Called between events, to say why something takes long.
    fn tick(&self);

    /// A wait with an end in sight.
    fn countdown(&self) -> Box<dyn Countdown + '_>;
}

/// Ends when it is dropped.
pub trait Countdown {
    /// `what` is said once; `left` changes.
    fn show(&self, what: &str, left: &str);
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
