//! Lists: which member of the one is which of the other.

use super::{Became, KNOWN_AFTER, Step, Walk};
use serde_json::Value;
use std::collections::BTreeMap;

/// What identifies the members of CloudFront's, IAM's and CloudFormation's lists, the first that
/// all of them have.
const NAMES: &[&str] = &[
    "PathPattern",
    "Id",
    "Sid",
    "Key",
    "Name",
    "EventType",
    "Header",
    "HeaderName",
    "ErrorCode",
];

impl Walk<'_> {
    pub(super) fn lists(&mut self, before: &[Value], after: &[Value]) {
        match named(before, after) {
            Some((before, after)) => self.by_name(&before, &after),
            None => self.by_content(before, after),
        }
    }

    fn by_name(&mut self, before: &Named<'_>, after: &Named<'_>) {
        let (old, new) = (index(before), index(after));
        for (name, value) in before {
            let other = new.get(name.as_str());
            self.below(Step::Member(name.clone()), |walk| match other {
                Some(after) => walk.values(value, after),
                None => walk.removed(value),
            });
        }
        for (name, value) in after
            .iter()
            .filter(|(name, _)| !old.contains_key(name.as_str()))
        {
            self.below(Step::Member(name.clone()), |walk| walk.added(value));
        }
        let both = |list: &Named<'_>, other: &BTreeMap<&str, &Value>| {
            let names = list.iter().map(|(name, _)| name);
            names
                .filter(|name| other.contains_key(name.as_str()))
                .cloned()
                .collect()
        };
        self.order(both(before, &new), both(after, &old));
    }

    /// Members that are the same go with each other, the others in their order.
    fn by_content(&mut self, before: &[Value], after: &[Value]) {
        let mut left: Vec<Option<&Value>> = after.iter().map(Some).collect();
        let mut same = Vec::new();
        let mut gone = Vec::new();
        for (at, value) in before.iter().enumerate() {
            match left
                .iter_mut()
                .enumerate()
                .find(|(_, it)| **it == Some(value))
            {
                Some((other, it)) => {
                    *it = None;
                    same.push((value, other));
                }
                None => gone.push((at, value)),
            }
        }
        let new = left.iter().enumerate();
        let mut new = new.filter_map(|(at, value)| value.map(|value| (at, value)));
        for (at, value) in gone {
            match new.next() {
                Some((at, other)) => {
                    self.below(Step::Position(at), |walk| walk.values(value, other));
                }
                None => self.below(Step::Position(at), |walk| walk.removed(value)),
            }
        }
        for (at, value) in new {
            self.below(Step::Position(at), |walk| walk.added(value));
        }
        let texts = |same: &[(&Value, usize)]| same.iter().map(|(it, _)| it.to_string()).collect();
        let one = texts(&same);
        same.sort_by_key(|(_, at)| *at);
        self.order(one, texts(&same));
    }

    fn order(&mut self, before: Vec<String>, after: Vec<String>) {
        if before != after {
            self.became(Became::Order { before, after });
        }
    }
}

/// Whether these are things with a name of their own each: behaviours, statements, tags.
pub(super) fn have_names(list: &[Value]) -> bool {
    list.iter().all(Value::is_object) && !list.is_empty() && named(list, &[]).is_some()
}

/// Whether a key of a member is what identifies it.
pub(super) fn is_name(key: &str, value: &Value, member: &str) -> bool {
    NAMES.contains(&key) && scalar(value).is_some_and(|name| name == member)
}

type Named<'a> = Vec<(String, &'a Value)>;

/// The members of both by their names, where each has one that is its own.
fn named<'a>(before: &'a [Value], after: &'a [Value]) -> Option<(Named<'a>, Named<'a>)> {
    let by = |name: &dyn Fn(&Value) -> Option<String>| {
        Some((unique(before, name)?, unique(after, name)?))
    };
    by(&scalar).or_else(|| {
        NAMES
            .iter()
            .find_map(|key| by(&|value| scalar(value.get(key)?)))
    })
}

fn unique<'a>(list: &'a [Value], name: &dyn Fn(&Value) -> Option<String>) -> Option<Named<'a>> {
    let named: Option<Named<'a>> = list
        .iter()
        .map(|value| Some((name(value)?, value)))
        .collect();
    named.filter(|named| index(named).len() == named.len())
}

fn index<'a>(named: &'a Named<'a>) -> BTreeMap<&'a str, &'a Value> {
    named
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

/// A value without parts, as a name. What isn't known yet names nothing.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.contains(KNOWN_AFTER)).then(|| text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
