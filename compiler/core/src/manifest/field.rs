//! What a field table says of a key.

use super::duration::Duration;
use super::formats::Format;
use crate::diagnostic::codes::{self, Code};

/// A mapping and its keys.
#[derive(Debug)]
pub(super) struct Table {
    pub fields: &'static [Field],
}

#[derive(Debug)]
pub(super) struct Field {
    pub key: &'static str,
    /// One sentence or two, as a tooltip shows them.
    pub doc: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What holds where the key is left out.
    pub default: Option<&'static str>,
    /// Modes in which another default holds.
    pub mode_defaults: &'static [(&'static str, &'static str)],
    /// Keys beside which there is no default.
    pub unless: &'static [&'static str],
    /// What it becomes: a property of a resource, a member of plan.json or of a config.json.
    pub makes: &'static str,
    /// The values of `mode` that use the key; empty: all.
    pub modes: &'static [&'static str],
    /// An empty list would say the opposite of what it looks like.
    pub non_empty: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(&'static Format),
    /// A text that is a number to everybody, and not an id of digits.
    Count(&'static Format),
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

/// A word from a list, and the code of a finding where it is none of them.
#[derive(Debug)]
pub(super) struct Choice {
    pub words: &'static [&'static str],
    /// Words that one may well expect among them, and why they aren't there.
    pub missing: &'static [(&'static str, &'static str)],
    pub code: &'static Code,
}

impl Field {
    pub(super) const fn new(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            key,
            doc,
            kind,
            required: false,
            default: None,
            mode_defaults: &[],
            unless: &[],
            makes: "",
            modes: &[],
            non_empty: false,
        }
    }

    pub(super) const fn makes(mut self, property: &'static str) -> Self {
        self.makes = property;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    /// With `default`: what holds in some modes instead.
    pub(super) const fn default_in(
        mut self,
        modes: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.mode_defaults = modes;
        self
    }

    /// With `default`: keys beside which it doesn't hold.
    pub(super) const fn unless(mut self, keys: &'static [&'static str]) -> Self {
        self.unless = keys;
        self
    }

    pub(super) const fn non_empty(mut self) -> Self {
        self.non_empty = true;
        self
    }

    pub(super) const fn modes(mut self, modes: &'static [&'static str]) -> Self {
        self.modes = modes;
        self
    }
}

pub(super) const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Choice(Choice {
        words,
        missing: &[],
        code: codes::INVALID_VALUE,
    })
}
