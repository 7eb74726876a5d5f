//! `frames validate --watch`: the findings again after every change.

use super::findings::{compile_with, show};
use super::one_of;
use crate::cli::{Format, Global};
use crate::interrupt::Signals;
use crate::project::Project;
use crate::terminal::Terminal;
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::world::{AwsValue, Unread, World};
use std::cell::RefCell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Asking again and again works on every file system, network mounts and containers included.
const INTERVAL: Duration = Duration::from_millis(300);

/// For how long a file has to stay as it is: editors write in several steps.
const SETTLED: Duration = Duration::from_millis(50);

pub(super) fn run(global: &Global, terminal: Terminal) -> Result<()> {
    one_of(terminal.format, Format::PLAIN)?;
    let project = Project::find(global)?;
    let Some(manifest) = project.path else {
        return Err(Failure::usage("there is no file to watch"));
    };
    let runtime = super::event_loop()?;
    runtime.block_on(async {
        // From here on, not only during the waits: Ctrl-C also ends a run in between.
        let mut signals = Signals::own()?;
        tokio::select! {
            () = rounds(&manifest, global, terminal) => Ok(()),
            () = signals.next() => {
                terminal.status("Stopped", &format!(
                    "{} is no longer watched; run the same command to watch it again",
                    manifest.display()
                ));
                Err(Failure { exit: Exit::Interrupted, ..Failure::new("") })
            }
        }
    })
}

async fn rounds(manifest: &Path, global: &Global, terminal: Terminal) {
    loop {
        let seen = round(manifest, global, terminal);
        while seen.iter().all(Seen::is_unchanged) {
            tokio::time::sleep(INTERVAL).await;
        }
        settled(&seen).await;
    }
}

/// One run. Returns the files that its findings depend on.
fn round(manifest: &Path, global: &Global, terminal: Terminal) -> Vec<Seen> {
    // Before it is read: a change in between is then noticed.
    let seen = Seen::now(manifest.to_owned());
    let time = chrono::Local::now().format("%H:%M:%S");
    terminal.note(format!("--- {time} {}", manifest.display()));
    let project = match Project::read(manifest.to_owned(), global) {
        Ok(project) => project,
        // Many editors take the file away for a moment.
        Err(failure) => {
            terminal.note(format!(
                "{}; frames waits until that changes",
                failure.message
            ));
            return vec![seen];
        }
    };
    let watched = Watched::new(&project, vec![seen]);
    let (source, compiled) = compile_with(&project, global.target(), &watched);
    // One document per line, for programs that read along.
    show(&source, &compiled, terminal, &|json| format!("{json}\n"));
    watched.seen()
}

async fn settled(seen: &[Seen]) {
    let mut before = Seen::stamps(seen);
    loop {
        tokio::time::sleep(SETTLED).await;
        let now = Seen::stamps(seen);
        if now == before {
            return;
        }
        before = now;
    }
}

/// Remembers what the compiler asks for.
pub(super) struct Watched<'a> {
    project: &'a Project,
    seen: RefCell<Vec<Seen>>,
}

impl<'a> Watched<'a> {
    /// `seen`: the manifest, before it was read.
    pub(super) fn new(project: &'a Project, seen: Vec<Seen>) -> Self {
        Self {
            project,
            seen: RefCell::new(seen),
        }
    }

    /// All files that were asked for, as they were then.
    pub(super) fn seen(self) -> Vec<Seen> {
        self.seen.into_inner()
    }
}

impl World for Watched<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.project.variable(name)
    }

    fn option(&self, name: &str) -> Option<String> {
        self.project.option(name)
    }

    fn aws(&self, reference: &str) -> AwsValue {
        self.project.aws(reference)
    }

    fn read_file(&self, path: &str) -> std::result::Result<Vec<u8>, Unread> {
        let seen = Seen::now(self.project.directory.join(path));
        self.seen.borrow_mut().push(seen);
        self.project.read_file(path)
    }
}

#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl Seen {
    pub(super) fn now(path: PathBuf) -> Self {
        let stamp = Stamp::of(&path);
        Self { path, stamp }
    }

    pub(super) fn is_unchanged(&self) -> bool {
        Stamp::of(&self.path) == self.stamp
    }

    /// How the files are by now.
    pub(super) fn stamps(seen: &[Self]) -> Vec<Option<Stamp>> {
        seen.iter().map(|one| Stamp::of(&one.path)).collect()
    }
}

/// What changes with a file, even where its clock is coarse.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// `None`: there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_an_exchange_and_a_loss_are_all_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("frames.yml");
        let seen = Seen::now(path.clone());
        assert!(seen.is_unchanged());
        std::fs::write(&path, "a").unwrap();
        assert!(!seen.is_unchanged());

        let seen = Seen::now(path.clone());
        assert!(seen.is_unchanged());
        let other = directory.path().join("other");
        std::fs::write(&other, "b").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!seen.is_unchanged());

        let seen = Seen::now(path.clone());
        std::fs::remove_file(&path).unwrap();
        assert!(!seen.is_unchanged());
    }
}
