//! What the rules' own tests ask.

use super::CheckedManifest;
use crate::diagnostic::{Diagnostic, sort};
use crate::world::Fixed;
use crate::{Source, manifest, syntax};
use std::collections::BTreeSet;

/// Warnings that every short manifest gets.
const USUAL: &[&str] = &["auth-none", "iam-unrestricted", "default-certificate"];

fn run(text: &str) -> (Option<CheckedManifest>, Vec<Diagnostic>) {
    let (node, mut found) = syntax::parse(&Source::new("frames.yml", text));
    let (manifest, more) = manifest::read(&node.unwrap(), &BTreeSet::new());
    found.extend(more);
    let (checked, more) = super::check(&manifest.unwrap(), &Fixed::empty());
    found.extend(more);
    sort(&mut found);
    (checked, found)
}

/// Every finding, as it is told.
pub(crate) fn diagnostics(text: &str) -> Vec<Diagnostic> {
    run(text).1
}

/// Code and path of every finding, apart from the usual ones.
pub(crate) fn findings(text: &str) -> Vec<(String, String)> {
    let found = run(text).1.into_iter();
    found
        .filter(|finding| !USUAL.contains(&finding.code.name))
        .map(|finding| (finding.code.name.to_owned(), finding.path))
        .collect()
}

/// The manifest, which has no errors.
pub(crate) fn checked(text: &str) -> CheckedManifest {
    let (checked, found) = run(text);
    assert!(!found.iter().any(Diagnostic::is_error), "{found:#?}");
    checked.unwrap()
}
