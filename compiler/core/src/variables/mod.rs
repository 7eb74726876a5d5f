//! `${…}`: nodes with references to nodes with values.
//!
//! A reference takes its value from a source: `${env:NAME}`, `${opt:name}`,
//! `${self:a.b}`, `${file(./x.yml):a.b}`, `${frames:env}`; from AWS
//! `${cf:stack.Output}`, `${ssm:/path}`, `${aws:accountId}`, `${aws:region}`;
//! `${cf(eu-west-1):stack.Output}` and `${ssm(eu-west-1):/path}` ask another Region.
//! After commas come defaults: `${env:POOL, 'us-east-1_x'}`. References nest. One
//! that is the whole value keeps the type of what it refers to.

mod documents;
mod expression;
mod nodes;
mod resolve;
mod sources;
#[cfg(test)]
mod tests;
mod unfold;

pub use documents::outside_file;
pub use resolve::resolve;
pub use sources::SOURCES;
pub(crate) use sources::is_region;
pub use unfold::{Unfolded, Unfolder};

use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;
use crate::syntax::Node;
use std::collections::{BTreeSet, HashMap};

/// A tree without references, apart from those that need AWS.
#[derive(Debug)]
pub struct Resolved {
    pub node: Node,
    pub diagnostics: Vec<Diagnostic>,
    /// Where values came from, for the findings in them.
    pub origins: Vec<Origin>,
    /// References that only AWS can answer, as they were written.
    pub open: Vec<Open>,
    /// What came from a SecureString.
    pub secrets: Vec<Secret>,
    /// Keys of the root that `${self:…}` refers to: the user's own, beside the known ones.
    pub own_keys: BTreeSet<String>,
}

impl Resolved {
    /// What was found before, where the tree's shape was decided.
    pub fn add(&mut self, unfolded: Unfolded) {
        self.diagnostics.extend(unfolded.diagnostics);
        // The innermost origin comes first.
        self.origins.splice(0..0, unfolded.origins);
        self.open.extend(unfolded.open);
        self.secrets.extend(unfolded.secrets);
        self.own_keys.extend(unfolded.own_keys);
    }
}

/// A reference and what its value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub span: Span,
    /// "the environment variable POOL"
    pub what: String,
    /// The value is all that the reference brought, not text with more around it.
    pub whole: bool,
    /// Where in the manifest the value is, if it is there.
    pub target: Option<Span>,
}

/// A secret's text, and the value that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub span: Span,
    pub text: String,
}

/// A reference that stayed open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub span: Span,
    pub reference: String,
}

/// Tells of each finding within a referred value where the value came from.
pub fn explain_origins(diagnostics: &mut [Diagnostic], origins: &[Origin]) {
    // Of nested references the outermost comes last.
    let by_span: HashMap<Span, &Origin> = origins.iter().map(|one| (one.span, one)).collect();
    for diagnostic in diagnostics {
        let origin = by_span.get(&diagnostic.span);
        let Some(origin) = origin.filter(|_| diagnostic.code != codes::VARIABLE) else {
            continue;
        };
        let from = format!("the value comes from {}", origin.what);
        diagnostic.help = Some(match diagnostic.help.take() {
            Some(help) if help.ends_with('?') => format!("{help} ({from})"),
            Some(help) => format!("{help}; {from}"),
            None => from,
        });
        if let Some(target) = origin.target {
            diagnostic.related.push((target, "the value".to_owned()));
        }
    }
}
