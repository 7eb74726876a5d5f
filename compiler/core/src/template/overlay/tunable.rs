//! Where compiled and merged template differ, and whether they may.

use super::rows::{BEHAVIOR, CONFIG, TUNABLE, WEAKENS, number};
use super::{Place, is_literal};
use serde_json::Value;

/// A place where compiled and merged template differ.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub place: Place,
    kind: &'a str,
    /// The place's path within the resource, behavior, origin…
    path: Vec<String>,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

/// The innermost differences: mappings are gone into; lists and intrinsics are one value.
pub(super) fn changes<'a>(
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    kind: &'a str,
    place: &Place,
    out: &mut Vec<Change<'a>>,
) {
    differ(before, after, kind, place, &mut Vec::new(), out);
}

fn differ<'a>(
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    kind: &'a str,
    place: &Place,
    path: &mut Vec<String>,
    out: &mut Vec<Change<'a>>,
) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(was @ Value::Object(old)), Some(is @ Value::Object(new)))
            if is_literal(was) && is_literal(is) =>
        {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                path.push(key.clone());
                let inner = (old.get(key), new.get(key));
                // The behaviors' rules are the same for the default one.
                let (kind, mut own) = match key.as_str() {
                    "DefaultCacheBehavior" if kind == CONFIG => (BEHAVIOR, Vec::new()),
                    _ => (kind, path.clone()),
                };
                differ(inner.0, inner.1, kind, &place.at(key), &mut own, out);
                path.pop();
            }
        }
        (before, after) => out.push(Change {
            place: place.clone(),
            kind,
            path: path.clone(),
            before,
            after,
        }),
    }
}

/// What a change weakens; nothing, where it is one that may be made.
pub(super) fn weakens(change: &Change<'_>) -> Option<String> {
    let fits = |kind: &str, path: &str| change.kind.starts_with(kind) && begins(&change.path, path);
    let may = TUNABLE.iter().any(|(kind, path, may)| {
        // Within what a row names, something stood there before.
        let within = change.path.len() > path.split('.').count();
        let before = change.before.or(within.then_some(&Value::Null));
        fits(kind, path) && may(before, change.after)
    });
    if may && at_the_edge(change) {
        return None;
    }
    let row = WEAKENS.iter().find(|(kind, path, _)| fits(kind, path));
    Some(
        row.map_or("another template than the compiled one", |row| row.2)
            .to_owned(),
    )
}

fn begins(path: &[String], start: &str) -> bool {
    let mut segments = start.split('.').filter(|segment| !segment.is_empty());
    let mut path = path.iter();
    segments.all(|segment| {
        path.next()
            .is_some_and(|own| segment == "*" || own == segment)
    })
}

/// Lambda@Edge's bounds, tighter where a viewer's request is answered.
fn at_the_edge(change: &Change<'_>) -> bool {
    let viewer = change
        .place
        .0
        .get(1)
        .is_some_and(|id| *id == crate::names::function_id(crate::names::AUTHORIZER));
    let most = match (change.kind, change.path.last().map(String::as_str)) {
        ("AWS::Lambda::Function", Some("Timeout")) if viewer => 5,
        ("AWS::Lambda::Function", Some("Timeout")) => 30,
        ("AWS::Lambda::Function", Some("MemorySize")) if viewer => 128,
        ("AWS::Lambda::Function", Some("MemorySize")) => 10_240,
        _ => return true,
    };
    number(change.after).is_some_and(|given| given <= most)
}
