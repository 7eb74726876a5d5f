//! A terminal, for what asks on one.

use super::process::eventually;
use super::pty;
use rustix::process::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A program with a terminal for its input and its messages; nobody reads its data.
pub struct AtTerminal {
    child: Child,
    typing: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl AtTerminal {
    pub fn start(command: &mut Command) -> Self {
        let (typing, terminal) = pty::open();
        let child = command
            .stdin(terminal.try_clone().unwrap())
            .stdout(Stdio::null())
            .stderr(terminal)
            .spawn()
            .unwrap();
        let mut screen = typing.try_clone().unwrap();
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let into = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            child,
            typing,
            shown,
        }
    }

    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Answers the question that ends in `prompt`.
    pub fn answer(&mut self, prompt: &str, answer: &str) {
        eventually(prompt, || {
            self.shown().trim_end().ends_with(prompt).then_some(())
        });
        writeln!(self.typing, "{answer}").unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn code(&mut self) -> i32 {
        let ended = eventually("the end", || self.child.try_wait().unwrap());
        ended.code().expect("an exit code, not death by a signal")
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
