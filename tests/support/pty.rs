//! A terminal of a test's own, and what a program shows on it.

use super::process::{collect, eventually};
use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than a deployment takes here.
const LIMIT: Duration = Duration::from_secs(300);

/// Both ends of a new one: the keyboard's and screen's, and the program's.
pub fn open() -> (File, File) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OpenptFlags::NOCTTY.bits() as i32)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(controller), terminal)
}

/// What the terminal shows, without colours, by its lines.
pub fn on_screen(shown: &str) -> Vec<String> {
    let mut parts = shown.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let plain = parts.fold(first, |all, part| {
        all + part
            .split_once(|c: char| c.is_ascii_alphabetic())
            .map_or("", |(_, text)| text)
    });
    plain.replace('\r', "").lines().map(str::to_owned).collect()
}

/// A program with a terminal for its streams. Dropping it ends it.
pub struct OnTerminal {
    child: Child,
    typing: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl OnTerminal {
    pub fn start(command: &mut Command) -> Self {
        let (typing, terminal) = open();
        let stdout = terminal.try_clone().unwrap().into();
        command.env("TERM", "xterm-256color");
        Self::spawn(command, stdout, typing, terminal)
    }

    /// On a terminal of so many columns.
    pub fn start_with_columns(command: &mut Command, columns: u16) -> Self {
        let (typing, terminal) = open();
        let size = rustix::termios::Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&terminal, size).unwrap();
        let stdout = terminal.try_clone().unwrap().into();
        command.env("TERM", "xterm-256color");
        Self::spawn(command, stdout, typing, terminal)
    }

    /// With the terminal for its input and its messages; nobody reads its data.
    pub fn start_without_data(command: &mut Command) -> Self {
        let (typing, terminal) = open();
        Self::spawn(command, Stdio::null(), typing, terminal)
    }

    fn spawn(command: &mut Command, stdout: Stdio, typing: File, terminal: File) -> Self {
        command
            .stdin(terminal.try_clone().unwrap())
            .stdout(stdout)
            .stderr(terminal);
        let child = command.spawn().unwrap();
        // The program's own are the last ones: reading ends with it.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let shown = Arc::default();
        let reader = collect(typing.try_clone().unwrap(), &shown);
        Self {
            child,
            typing,
            shown,
            reader: Some(reader),
        }
    }

    /// All that it has shown up to now.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    pub fn wait_for(&self, what: &str) {
        let deadline = Instant::now() + LIMIT;
        while !self.shown().contains(what) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has shown from a line that begins so, up to an empty one, once that is there: what
    /// somebody would mark and copy. The last of them, where there are several.
    pub fn copied(&self, beginning: &str) -> String {
        eventually(beginning, || {
            let lines = on_screen(&self.shown());
            let from = lines.iter().rposition(|line| line.starts_with(beginning))?;
            let lines = &lines[from..];
            let until = lines.iter().position(String::is_empty)?;
            Some(lines[..until].join("\n"))
        })
    }

    pub fn write(&mut self, text: &str) {
        self.typing.write_all(text.as_bytes()).unwrap();
    }

    /// Answers the question that ends in `prompt`.
    pub fn answer(&mut self, prompt: &str, answer: &str) {
        eventually(prompt, || {
            self.shown().trim_end().ends_with(prompt).then_some(())
        });
        self.write(&format!("{answer}\n"));
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The exit code, once all that it has shown was read.
    pub fn code(&mut self) -> i32 {
        let ended = eventually("the end", || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        ended.code().expect("an exit code, not death by a signal")
    }

    /// The exit code, and all that it has shown.
    pub fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "no end: {:?}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        (status.code().unwrap_or(-1), self.shown())
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
