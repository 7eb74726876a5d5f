//! What the findings on keys and values are put together from.

use super::field::{Field, Kind};
use crate::printable;
use crate::syntax::{Node, Value};

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// What to write for a field that is missing.
pub(super) fn what(field: &Field) -> String {
    match &field.kind {
        Kind::Choice(choice) => format!("one of {}", listed(choice.words)),
        _ => first_sentence(field.doc),
    }
}

/// As many words as fit on a line or two.
pub(super) fn listed(words: &[&str]) -> String {
    const MOST: usize = 24;
    match words.get(..6).filter(|_| words.len() > MOST) {
        Some(first) => format!("{}, … ({} in all)", first.join(", "), words.len()),
        None => words.join(", "),
    }
}

/// The words next to a number, where all are numbers and there are more than a few.
pub(super) fn nearest_numbers(given: u64, words: &[&str]) -> Option<String> {
    const FEW: usize = 8;
    let numbers: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() > FEW)?;
    let below = numbers.iter().rfind(|number| **number < given);
    let above = numbers.iter().find(|number| **number > given);
    let near: Vec<String> = [below, above]
        .into_iter()
        .flatten()
        .map(|number| format!("`{number}`"))
        .collect();
    let all = format!("docs/keys.md lists all {}", numbers.len());
    match near.as_slice() {
        [one] => Some(format!("the nearest is {one}; {all}")),
        several => Some(format!("the nearest are {}; {all}", several.join(" and "))),
    }
}

/// A field's first sentence, to go on a line with.
fn first_sentence(doc: &str) -> String {
    let first = doc
        .split_once(". ")
        .map_or(doc, |(first, _)| first)
        .trim_end_matches('.');
    let mut chars = first.chars();
    match (chars.next(), chars.next()) {
        // An acronym keeps its case.
        (Some(a), Some(b)) if !b.is_uppercase() => {
            format!("{}{}", a.to_lowercase(), &first[a.len_utf8()..])
        }
        _ => first.to_owned(),
    }
}

/// A user's text within a message: short, and on one line.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let line: String = text
        .chars()
        .take(MOST)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let line = printable::line(&line);
    if text.chars().nth(MOST).is_some() {
        format!("{line}…")
    } else {
        line.into_owned()
    }
}

/// What to write where a value is of another type.
pub(super) fn instead(node: &Node, expected: &str, path: &str) -> Option<String> {
    let key = path.rsplit('.').next().unwrap_or(path);
    match (expected, &node.value) {
        ("a list", _) if node.is_null() => Some(format!(
            "write a list behind `{key}:`, `[]` for an empty one, or remove the key"
        )),
        _ if node.is_null() && path.ends_with(']') => {
            Some("write a value behind the `-`, or remove it".to_owned())
        }
        _ if node.is_null() && !path.is_empty() => {
            Some(format!("write a value behind `{key}:`, or remove the key"))
        }
        ("a list", Value::Scalar { text, .. }) if !is_single(text) => Some(
            "write a list, `[a, b]`; in a variable, write the values with commas between: `a,b`"
                .to_owned(),
        ),
        ("a list", Value::Scalar { text, .. }) => {
            Some(format!("put it in brackets: `[{}]`", shown(text)))
        }
        ("text", Value::Sequence(items)) => only(items).map(|one| {
            if path.ends_with(']') {
                format!("write it without brackets: `{one}`")
            } else {
                format!("write it without brackets: `{key}: {one}`")
            }
        }),
        ("text", Value::Mapping(_)) => Some(format!("write `{key}: value` on one line")),
        ("a mapping", _) if path.is_empty() => {
            Some("write keys with their values, one per line: `service: name`".to_owned())
        }
        ("a mapping", _) if path.ends_with(']') => {
            Some("write keys with their values behind the `-`: `- key: value`".to_owned())
        }
        ("a mapping", _) => Some(format!(
            "write keys with their values, indented below it or in braces: `{key}: {{key: value}}`"
        )),
        _ => None,
    }
}

/// What makes a mapping the one item of the list that is wanted.
pub(super) const AS_ITEM: &str = "put `- ` before its first key, and indent its other keys as far; or put brackets around its braces";

/// Whether a text is one value, neither none nor a list of its own.
fn is_single(text: &str) -> bool {
    !text.trim_matches([' ', ',']).is_empty() && !text.trim_start().starts_with('[')
}

/// The one text in a list.
fn only(items: &[Node]) -> Option<String> {
    match items {
        [
            Node {
                value: Value::Scalar { text, .. },
                ..
            },
        ] => Some(shown(text)),
        _ => None,
    }
}
