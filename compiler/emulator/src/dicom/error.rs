//! What can be wrong with an instance, and of which kind it is: HTTP is decided by the kind.

use super::guard::Failed;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It isn't a DICOM file, or it is broken.
    Broken,
    /// It is no longer the file that was read at first.
    Changed,
    /// The file is gone.
    Gone,
    /// The file can't be read: permissions, a failing disk.
    Unreadable,
    /// There is no such frame, or no such value.
    Missing,
    /// It is there, but not in the form that was asked for: nothing here decodes it.
    NotDecodable,
}

/// What is wrong, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
}

impl Error {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::new(Kind::Broken, message)
    }

    /// Of a data set that couldn't be read at all.
    pub(super) fn unread(failed: Failed) -> Self {
        match failed {
            Failed::Broken => Self::broken("its data set is broken"),
            failed => Self::new(Kind::Unreadable, format!("it can't be read: {failed}")),
        }
    }

    pub(super) fn not_decodable(message: impl Into<String>) -> Self {
        Self::new(Kind::NotDecodable, message)
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(Kind::Missing, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
