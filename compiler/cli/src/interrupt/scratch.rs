//! Temporary directories that don't outlive the run, even where it is interrupted.

use super::{POLL, held};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

static ALL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// How long the removal is tried: another thread may be at work in a directory until it fails there.
const REMOVING: Duration = Duration::from_secs(2);

/// A directory that goes when it is dropped, or when the run is interrupted.
pub struct Scratch {
    directory: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Scratch {
    pub fn new(builder: &tempfile::Builder<'_, '_>, within: &Path) -> io::Result<Self> {
        // Locked in between: an interruption knows each directory that exists.
        let mut all = held(&ALL);
        let directory = builder.tempdir_in(within)?;
        let path = directory.path().to_owned();
        all.push(path.clone());
        Ok(Self {
            directory: Some(directory),
            path,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.directory.take());
        held(&ALL).retain(|path| *path != self.path);
    }
}

/// For the end of the run: no other directory is made after it.
pub(super) fn remove_all() {
    let all = held(&ALL);
    let deadline = Instant::now() + REMOVING;
    for path in all.iter() {
        while path.symlink_metadata().is_ok() && Instant::now() < deadline {
            let _ = std::fs::remove_dir_all(path);
            std::thread::sleep(POLL);
        }
    }
    // Kept locked: whoever wants a directory now waits for the end.
    std::mem::forget(all);
}
