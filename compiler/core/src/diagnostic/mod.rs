//! What is wrong, where, and what to do about it.

pub mod codes;
pub mod wrap;

pub use codes::{Code, Severity};

use crate::span::Span;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static Code,
    /// What is wrong, in one line.
    pub message: String,
    /// `iam.allow[0].datastore`; empty for the whole file.
    pub path: String,
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that belong to it: the first of two duplicate keys, say.
    pub related: Vec<(Span, String)>,
    /// The user wants warnings to count as errors.
    pub(crate) denied: bool,
}

impl Diagnostic {
    pub fn new(
        code: &'static Code,
        path: impl Into<String>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.into(),
            span,
            help: None,
            related: Vec::new(),
            denied: false,
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// The code's own, unless it is denied.
    pub fn severity(&self) -> Severity {
        if self.denied {
            Severity::Error
        } else {
            self.code.severity
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// A warning that counts as an error from now on.
    pub fn deny(&mut self) {
        self.denied = self.code.severity == Severity::Warning;
    }

    pub fn is_denied(&self) -> bool {
        self.denied
    }
}

/// Puts findings in the order of their place, so that neither the order of the
/// checks nor that of the fields shows.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.span, a.code.name, &a.path, &a.message).cmp(&(b.span, b.code.name, &b.path, &b.message))
    });
    diagnostics.dedup();
}

/// An explanation's or a documentation's first sentence.
pub fn first_sentence(text: &str) -> &str {
    match text.find(". ") {
        Some(end) => &text[..=end],
        None => text,
    }
}

/// The known word that is close enough to the given one to be meant by it.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = given.to_lowercase();
    // A hostile text is long, and comparing takes the product of the lengths.
    const LONGEST: usize = 100;
    if given.len() > LONGEST {
        return None;
    }
    let length = |word: &str| word.chars().count();
    let most = |word: &str| length(word).max(length(given)) / 3;
    known
        .into_iter()
        .filter(|word| word.len() <= LONGEST)
        .map(|word| {
            (
                strsim::damerau_levenshtein(&folded, &word.to_lowercase()),
                word,
            )
        })
        .filter(|(distance, word)| *distance <= most(word))
        .min()
        .map(|(_, word)| word)
}

/// `did you mean `x`?`, where there is such a word.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(given, known).map(|word| format!("did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_misses_alone() {
        let known = ["userPoolId", "clientIds", "tokenUse"];
        let suggest = |given| did_you_mean(given, known);
        assert_eq!(suggest("userPoolID").unwrap(), "did you mean `userPoolId`?");
        assert_eq!(suggest("clientId").unwrap(), "did you mean `clientIds`?");
        assert_eq!(suggest("tokenUse😀").unwrap(), "did you mean `tokenUse`?");
        assert_eq!(suggest("colour"), None);
        assert_eq!(suggest(&"x".repeat(1_000_000)), None);
    }
}
