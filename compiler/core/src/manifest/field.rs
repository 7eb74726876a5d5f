//! What a field table says of a key.

use super::formats::Format;
use crate::diagnostic::codes::{self, Code};

/// A mapping and its keys.
#[derive(Debug)]
pub struct Table {
    pub fields: &'static [Field],
}

#[derive(Debug)]
pub struct Field {
    pub key: &'static str,
    /// One sentence or two, as a tooltip shows them.
    pub doc: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What holds where the key is left out.
    pub default: Option<&'static str>,
    /// What it becomes: a property of a resource, a member of plan.json or of a config.json.
    pub makes: &'static str,
    /// The values of `mode` that use the key; empty: all.
    pub modes: &'static [&'static str],
    /// An empty list would say the opposite of what it looks like.
    pub non_empty: bool,
}

#[derive(Debug)]
pub enum Kind {
    Text(&'static Format),
    Choice(Choice),
    Flag,
    /// A length of time, in seconds once it is read.
    Duration(Duration),
    List(&'static Kind),
    /// A text, or a list of them.
    OneOrMany(&'static Format),
    /// Names of the user's own.
    Map {
        key: &'static Format,
        value: &'static Format,
    },
    Table(&'static Table),
    /// A mapping that CloudFormation reads, not frames.
    Free,
    /// Differences by an environment's name: the manifest's own keys, none of them required.
    Environments,
}

/// How long a duration may be, and how it is written.
#[derive(Debug)]
pub struct Duration {
    pub format: &'static Format,
    pub least: &'static str,
    pub most: &'static str,
}

impl Duration {
    /// The bounds, in seconds.
    pub fn bounds(&self) -> (u64, u64) {
        (
            seconds(self.least).unwrap_or(0),
            seconds(self.most).unwrap_or(u64::MAX),
        )
    }
}

/// `12h` as seconds; the format has been checked.
pub fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A word from a list, and the code of a finding where it is none of them.
#[derive(Debug)]
pub struct Choice {
    pub words: &'static [&'static str],
    pub code: &'static Code,
}

impl Field {
    pub const fn new(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            key,
            doc,
            kind,
            required: false,
            default: None,
            makes: "",
            modes: &[],
            non_empty: false,
        }
    }

    pub const fn makes(mut self, property: &'static str) -> Self {
        self.makes = property;
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    pub const fn non_empty(mut self) -> Self {
        self.non_empty = true;
        self
    }

    pub const fn modes(mut self, modes: &'static [&'static str]) -> Self {
        self.modes = modes;
        self
    }
}

pub const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Choice(Choice {
        words,
        code: codes::INVALID_VALUE,
    })
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_duration_in_seconds() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("12h", Some(43_200)),
            ("365d", Some(31_536_000)),
            ("", None),
            ("é", None),
            ("5", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
