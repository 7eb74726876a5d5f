//! New members of a list that are like another one, save for a leaf or two: the behaviours of a
//! distribution are so. A reader wants to see these leaves, and not the rest over and over.

use super::lists::is_name;
use super::{Became, KNOWN_AFTER, Leaf, Step, leaves};
use serde_json::Value;

/// With more differences than this, a member is shown whole.
const MOST: usize = 4;

/// So many more properties than differences: a tag is like no other tag.
const LEAST: usize = 4;

/// The other one's name, and where this one differs from it.
pub(super) struct Like<'a> {
    pub name: &'a str,
    pub but: Vec<Leaf>,
}

/// The member among those shown before that this one is most like.
pub(super) fn like<'a>(leaf: &Leaf, before: &'a [Leaf]) -> Option<Like<'a>> {
    let (name, list, value) = member(leaf)?;
    let siblings = before.iter().filter_map(member);
    let siblings = siblings.filter(|(_, other, _)| *other == list);
    let likes = siblings.filter_map(|(other, _, model)| {
        let mut but = leaves(&without_unknowns(model), value);
        but.retain(|leaf| match leaf.path.as_slice() {
            [Step::Key(key)] => !value.get(key).is_some_and(|it| is_name(key, it, name)),
            _ => true,
        });
        let says = |leaf: &Leaf| !matches!(leaf.became, Became::Removed(_) | Became::Order { .. });
        let is_like = but.len() <= MOST && value.as_object()?.len() >= but.len() + LEAST;
        (is_like && but.iter().all(says)).then_some(Like { name: other, but })
    });
    likes.min_by_key(|like| like.but.len())
}

/// A whole member that is new: its name, its list and what it is.
fn member(leaf: &Leaf) -> Option<(&str, &[Step], &Value)> {
    match (leaf.path.split_last()?, &leaf.became) {
        ((Step::Member(name), list), Became::Added(value)) if value.is_object() => {
            Some((name, list, value))
        }
        _ => None,
    }
}

/// Two values that aren't known yet may differ.
fn without_unknowns(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains(KNOWN_AFTER) => Value::Null,
        Value::Array(items) => items.iter().map(without_unknowns).collect(),
        Value::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| (key.clone(), without_unknowns(value)));
            Value::Object(entries.collect())
        }
        value => value.clone(),
    }
}
