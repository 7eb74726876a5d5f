//! Every code, in one table by family. Codes are stable: scripts and suppressions
//! name them. What is here is what `frames validate --explain` and docs/codes.md say.

macro_rules! codes {
    ($title:literal $($ident:ident $name:literal $severity:ident $(as $given:ident $(($argument:literal))?)?
        what: $what:literal
        why: $why:literal
        remedy: $remedy:literal
        example: $example:literal
        fixed: $fixed:literal
    )*) => {
        $(pub const $ident: &super::Code = &super::Code {
            name: $name,
            severity: super::Severity::$severity,
            what: $what,
            why: $why,
            remedy: $remedy,
            given: given!($($given $(($argument))?)?),
            example: $example,
            fixed: $fixed,
        };)*

        pub(super) const FAMILY: super::Family = super::Family {
            title: $title,
            codes: &[$($ident),*],
        };
    };
}

macro_rules! given {
    () => { super::Given::Nothing };
    ($given:ident $(($argument:literal))?) => { super::Given::$given $(($argument))? };
}

mod delivery;
mod online;
mod page;
mod security;
mod text;
mod values;

pub use delivery::*;
pub use online::*;
pub use page::page;
pub use security::*;
pub use text::*;
pub use values::*;

use std::fmt::{self, Debug, Formatter, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

#[derive(PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    pub severity: Severity,
    /// What it means; the first sentence says it all in short.
    pub what: &'static str,
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// How the example is read.
    pub given: Given,
    /// A manifest that gets it.
    pub example: &'static str,
    /// The same without the mistake.
    pub fixed: &'static str,
}

/// What an example needs beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    Nothing,
    /// `--env NAME`
    Env(&'static str),
    /// `--allow-unsafe-overlay`
    AllowUnsafeOverlay,
    /// The text is saved as Latin-1.
    Latin1,
    /// `--online`
    Online,
    /// `frames package`, and more of the same where its comment says so.
    Packaged,
}

impl Given {
    /// To go behind "Example".
    fn phrase(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Env(name) => format!(", with `--env {name}`"),
            Self::AllowUnsafeOverlay => ", with `--allow-unsafe-overlay`".to_owned(),
            Self::Online => ", with `--online`".to_owned(),
            Self::Packaged => ", with `frames package`".to_owned(),
            Self::Latin1 => ", saved as Latin-1".to_owned(),
        }
    }
}

/// A finding names it; its texts would bury the finding.
impl Debug for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Code {
    /// All of it in a paragraph.
    pub fn explanation(&self) -> String {
        format!("{} {} {}", self.what, self.why, self.remedy)
    }

    /// All of it for a terminal, with the examples.
    pub fn explained(&self) -> String {
        let mut out = format!("{} ({})\n", self.name, self.severity.as_str());
        for paragraph in [self.what, self.why, self.remedy] {
            let _ = write!(out, "\n{}\n", super::wrap::wrapped(paragraph, 80));
        }
        let titles = [format!("Example{}", self.given.phrase()), "Mended".into()];
        for (title, manifest) in titles.iter().zip([self.example, self.fixed]) {
            let lines: String = manifest.lines().map(|l| format!("    {l}\n")).collect();
            let _ = write!(out, "\n{title}:\n\n{lines}");
        }
        out
    }
}

struct Family {
    title: &'static str,
    codes: &'static [&'static Code],
}

const FAMILIES: &[Family] = &[
    text::FAMILY,
    values::FAMILY,
    security::FAMILY,
    delivery::FAMILY,
    online::FAMILY,
];

/// The whole table.
pub fn all() -> impl Iterator<Item = &'static Code> + Clone {
    FAMILIES
        .iter()
        .flat_map(|family| family.codes.iter().copied())
}

pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}
