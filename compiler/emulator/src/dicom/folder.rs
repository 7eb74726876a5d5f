//! A folder of anybody's files: which are DICOM instances, and which aren't.

use super::error::Error;
use super::instance::{Instance, Shared};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// No tree of folders is deeper.
const DEPTH: usize = 64;

/// More files than this aren't looked at.
const FILES: usize = 1_000_000;

/// More threads than this wait for the disk only.
const THREADS: usize = 8;

/// A file that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub path: PathBuf,
    pub reason: String,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Folder {
    /// In the order of their paths.
    pub instances: Vec<Instance>,
    pub left: Vec<Left>,
}

/// The files below a folder, each with what changes when it does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    files: Vec<(PathBuf, Stamp)>,
    left: Vec<Left>,
}

/// Length, inode, and the time of the last write in seconds and nanoseconds.
type Stamp = (u64, u64, i64, i64);

/// What was read of a folder, by path: a file that is as it was isn't read again.
#[derive(Debug, Default)]
pub struct Known(HashMap<PathBuf, (Stamp, Result<Instance, Error>)>);

type Results = Vec<(usize, Result<Instance, Error>)>;

impl Listing {
    pub fn of(path: &Path) -> Self {
        let mut found = Found {
            root: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            ..Found::default()
        };
        found.walk(path, 0);
        found.files.sort();
        Self {
            files: found.files,
            left: found.left,
        }
    }

    /// Reads all files, but those that are known, in several threads.
    fn read(&self, known: &Known, progress: &(dyn Fn(usize, usize) + Sync)) -> Results {
        let next = AtomicUsize::new(0);
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut read: Results = thread::scope(|scope| {
            let work = || read_some(&self.files, known, &next, progress);
            let threads: Vec<_> = (0..threads.min(THREADS))
                .map(|_| scope.spawn(work))
                .collect();
            let done = threads.into_iter().map(thread::ScopedJoinHandle::join);
            done.flat_map(Result::unwrap_or_default).collect()
        });
        read.sort_by_key(|(index, _)| *index);
        read
    }

    fn folder(&self, read: Results) -> Folder {
        let mut left = self.left.clone();
        let mut instances = Vec::with_capacity(read.len());
        for (index, result) in read {
            match (result, self.files.get(index)) {
                (Ok(instance), _) => instances.push(instance),
                (Err(error), Some((path, _))) => left.push(Left {
                    path: path.clone(),
                    reason: error.message,
                }),
                (Err(_), None) => {}
            }
        }
        Folder { instances, left }
    }
}

impl Known {
    /// What the folder holds by now.
    pub fn read(&mut self, listing: &Listing, progress: &(dyn Fn(usize, usize) + Sync)) -> Folder {
        let read = listing.read(self, progress);
        let files = |(index, result): &(usize, Result<Instance, Error>)| {
            let (path, stamp) = listing.files.get(*index)?;
            Some((path.clone(), (*stamp, result.clone())))
        };
        self.0 = read.iter().filter_map(files).collect();
        listing.folder(read)
    }

    fn get(&self, path: &Path, stamp: Stamp) -> Option<Result<Instance, Error>> {
        let known = self.0.get(path).filter(|(known, _)| *known == stamp);
        known.map(|(_, result)| result.clone())
    }
}

impl Folder {
    /// Reads all files below `path` up to their pixels. `progress` is told how
    /// many of how many are read, from several threads.
    pub fn read(path: &Path, progress: &(dyn Fn(usize, usize) + Sync)) -> Self {
        let listing = Listing::of(path);
        listing.folder(listing.read(&Known::default(), progress))
    }
}

/// Reads the files that no other thread has taken.
fn read_some(
    files: &[(PathBuf, Stamp)],
    known: &Known,
    next: &AtomicUsize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Results {
    let mut shared = Shared::default();
    let mut read = Vec::new();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some((path, stamp)) = files.get(index) else {
            return read;
        };
        let result = known
            .get(path, *stamp)
            .unwrap_or_else(|| Instance::open(path, &mut shared));
        read.push((index, result));
        progress(index + 1, files.len());
    }
}

#[derive(Default)]
struct Found {
    /// The folder that was named, without links in its path.
    root: PathBuf,
    files: Vec<(PathBuf, Stamp)>,
    left: Vec<Left>,
    /// Folders that were entered, by device and inode: a link may lead back to one.
    entered: HashSet<(u64, u64)>,
}

impl Found {
    fn walk(&mut self, path: &Path, depth: usize) {
        // Below the folder that was named: a link could lead to what nobody meant to serve.
        let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
        if is_link && depth > 0 && !self.is_below(path) {
            return self.leave(path, "it is a link that leads out of the folder");
        }
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.leave(path, &format!("it can't be read: {error}")),
        };
        if !metadata.is_dir() {
            if !metadata.is_file() {
                self.leave(path, "it is no regular file");
            } else if self.files.len() < FILES {
                let stamp = (
                    metadata.len(),
                    metadata.ino(),
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                );
                self.files.push((path.to_owned(), stamp));
            } else {
                self.leave(path, "there are too many files");
            }
            return;
        }
        if !self.entered.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        if depth == DEPTH {
            return self.leave(path, "it lies too deep");
        }
        match fs::read_dir(path) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    self.walk(&entry.path(), depth + 1);
                }
            }
            Err(error) => self.leave(path, &format!("it can't be read: {error}")),
        }
    }

    fn is_below(&self, path: &Path) -> bool {
        // One that leads nowhere is told of as such.
        let target = fs::canonicalize(path);
        !target.is_ok_and(|target| !target.starts_with(&self.root))
    }

    fn leave(&mut self, path: &Path, reason: &str) {
        self.left.push(Left {
            path: path.to_owned(),
            reason: reason.to_owned(),
        });
    }
}
