//! Where an instance's bytes lie: in a file, or in this program. They are read
//! when they are asked for, and no more of them than was asked for.

use super::error::{Error, Kind};
use super::guard::{Identity, identity};
use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a window reads at once: most instances' attributes fit.
const CHUNK: u64 = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) enum Source {
    Embedded(Bytes),
    File(Arc<Path>, Stamp),
}

/// By which a file is known to be the one that was read at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds since the epoch.
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    pub(super) fn modified(self) -> SystemTime {
        let seconds = u64::try_from(self.modified.0).unwrap_or(0);
        let nanos = u32::try_from(self.modified.1).unwrap_or(0);
        UNIX_EPOCH
            .checked_add(Duration::new(seconds, nanos.min(999_999_999)))
            .unwrap_or(UNIX_EPOCH)
    }
}

impl Source {
    /// The file as it is now.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let stamp = open(path).and_then(|file| Stamp::of(&file));
        let stamp = stamp.map_err(|error| unreadable(path, &error))?;
        Ok(Self::File(path.into(), stamp))
    }

    pub(super) fn open(&self) -> Result<Data, Error> {
        let (path, stamp) = match self {
            Self::Embedded(bytes) => return Ok(Data::Memory(bytes.clone())),
            Self::File(path, stamp) => (path, stamp),
        };
        let file = open(path).map_err(|error| unreadable(path, &error))?;
        let now = Stamp::of(&file).map_err(|error| unreadable(path, &error))?;
        if now != *stamp {
            return Err(changed(path));
        }
        Ok(Data::File(file, stamp.bytes, path.clone()))
    }

    /// Whether it is the very same content, as far as can be told without reading it.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Embedded(a), Self::Embedded(b)) => a == b,
            (Self::File(path, stamp), Self::File(other, of_other)) => {
                path == other && stamp == of_other
            }
            _ => false,
        }
    }

    /// What is done to this very content.
    pub(super) fn identity(&self, what: &str) -> Identity {
        match self {
            Self::Embedded(bytes) => identity(&[what.as_bytes(), bytes]),
            Self::File(path, stamp) => identity(&[
                what.as_bytes(),
                path.as_os_str().as_encoded_bytes(),
                &stamp.bytes.to_le_bytes(),
                &stamp.modified.0.to_le_bytes(),
                &stamp.modified.1.to_le_bytes(),
            ]),
        }
    }

    /// How messages name it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Embedded(_) => "a built-in instance".to_owned(),
            Self::File(path, _) => path.display().to_string(),
        }
    }
}

/// A pipe or a device among the files must not hold anybody up.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound {
        Kind::Gone
    } else {
        Kind::Unreadable
    };
    Error::new(kind, format!("{} can't be read: {error}", path.display()))
}

fn changed(path: &Path) -> Error {
    Error::new(
        Kind::Changed,
        format!(
            "{} has changed since `frames dev` read it: start it again, or with --watch",
            path.display()
        ),
    )
}

/// An opened source.
#[derive(Debug)]
pub(super) enum Data {
    Memory(Bytes),
    File(File, u64, Arc<Path>),
}

impl Data {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, bytes, _) => *bytes,
        }
    }

    /// What is held of them as long as any part of them is.
    pub(super) fn in_memory(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(..) => 0,
        }
    }

    /// These bytes: all of them, or an error. Nothing is allocated before the
    /// file is known to hold as many.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Bytes, Error> {
        let end = offset.checked_add(length).filter(|end| *end <= self.len());
        let (Some(_), Ok(wanted)) = (end, usize::try_from(length)) else {
            return Err(Error::broken(format!(
                "{length} bytes at {offset} are said to be there, and the file ends at {}",
                self.len()
            )));
        };
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                Ok(bytes.slice(start..start.saturating_add(wanted)))
            }
            Self::File(file, _, path) => {
                let mut bytes = vec![0; wanted];
                match file.read_exact_at(&mut bytes, offset) {
                    Ok(()) => Ok(bytes.into()),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        Err(changed(path))
                    }
                    Err(error) => Err(unreadable(path, &error)),
                }
            }
        }
    }

    /// Reads on from `at`.
    pub(super) fn window(&self, at: u64) -> Window<'_> {
        Window {
            data: self,
            chunk: Bytes::new(),
            at,
        }
    }
}

/// A reader that skips without reading.
pub(super) struct Window<'a> {
    data: &'a Data,
    chunk: Bytes,
    /// Of the next byte.
    at: u64,
}

impl Window<'_> {
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    pub(super) fn left(&self) -> u64 {
        self.data.len().saturating_sub(self.at)
    }

    /// Skips what must be there.
    pub(super) fn skip(&mut self, length: u64) -> Result<(), Error> {
        if length > self.left() {
            return Err(Error::broken(format!(
                "a value of {length} bytes at {} is said to be there, and {} are left",
                self.at,
                self.left()
            )));
        }
        self.at += length;
        match usize::try_from(length) {
            Ok(length) if length < self.chunk.len() => drop(self.chunk.split_to(length)),
            _ => self.chunk = Bytes::new(),
        }
        Ok(())
    }
}

impl Read for Window<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            let length = self.left().min(CHUNK);
            self.chunk = self.data.read(self.at, length).map_err(io::Error::other)?;
        }
        let taken = self.chunk.split_to(into.len().min(self.chunk.len()));
        if let Some(into) = into.get_mut(..taken.len()) {
            into.copy_from_slice(&taken);
        }
        self.at += taken.len() as u64;
        Ok(taken.len())
    }
}
