//! Bytes as text, and places in it.

use std::fmt;

/// The file can't be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub line: usize,
    pub column: usize,
    pub what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

pub(super) type Result<T> = std::result::Result<T, Unreadable>;

pub(super) fn decoded(bytes: &[u8]) -> Result<&str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Unreadable {
            line: 1,
            column: 1,
            what: "the file is UTF-16; save it as UTF-8".to_owned(),
        });
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            let what = "the file isn't UTF-8 from here on".to_owned();
            Err(place(&before, before.len(), what))
        }
    }
}

/// Lines and columns from 1, columns in characters.
pub(super) fn place(text: &str, offset: usize, what: impl Into<String>) -> Unreadable {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Unreadable {
        line: line_of(text, offset),
        column: before.get(start..).unwrap_or_default().chars().count() + 1,
        what: what.into(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}
