//! What becomes of a value, leaf by leaf, as a person would say it: members of lists go by what
//! identifies them, and not by where they are.

mod group;
mod like;
mod lists;
mod shown;

pub use group::Group;
pub use shown::{json, text};

use crate::secrets::{MASK, Masks};
use serde_json::Value;

/// What CloudFormation says in a change set for a value that only the deployment makes.
pub const KNOWN_AFTER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// A step from a value to one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    /// Of a list whose members have names: a behaviour's path pattern, a statement's Sid.
    Member(String),
    /// Of any other list. Where a member is gone, its position before.
    Position(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    Added(Value),
    Removed(Value),
    Changed {
        before: Value,
        after: Value,
    },
    /// Only the deployment makes what it becomes.
    Unknown {
        before: Option<Value>,
    },
    /// The members are the same, in another order.
    Order {
        before: Vec<String>,
        after: Vec<String>,
    },
}

/// A place where two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    pub path: Vec<Step>,
    pub became: Became,
}

/// Where two values differ, in the order of the keys. None where they are the same.
pub fn leaves(before: &Value, after: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    Walk {
        path: vec![],
        found: &mut found,
    }
    .values(before, after);
    found
}

struct Walk<'a> {
    path: Vec<Step>,
    found: &'a mut Vec<Leaf>,
}

impl Walk<'_> {
    fn values(&mut self, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        if let (Some(before), Some(after)) = (document(before), document(after)) {
            return self.values(&before, &after);
        }
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                for (key, value) in before {
                    self.below(Step::Key(key.clone()), |walk| match after.get(key) {
                        Some(after) => walk.values(value, after),
                        None => walk.removed(value),
                    });
                }
                for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                    self.below(Step::Key(key.clone()), |walk| walk.added(value));
                }
            }
            (Value::Array(before), Value::Array(after)) => self.lists(before, after),
            (before, Value::String(text)) if text.contains(KNOWN_AFTER) => {
                self.became(Became::Unknown {
                    before: Some(before.clone()),
                });
            }
            (before, after) => self.became(Became::Changed {
                before: before.clone(),
                after: after.clone(),
            }),
        }
    }

    /// A list whose members have names is as many of them.
    fn added(&mut self, value: &Value) {
        match value {
            Value::Array(members) if lists::have_names(members) => self.lists(&[], members),
            Value::String(text) if text.contains(KNOWN_AFTER) => {
                self.became(Became::Unknown { before: None });
            }
            value => self.became(Became::Added(value.clone())),
        }
    }

    fn removed(&mut self, value: &Value) {
        match value {
            Value::Array(members) if lists::have_names(members) => self.lists(members, &[]),
            value => self.became(Became::Removed(value.clone())),
        }
    }

    fn below(&mut self, step: Step, walk: impl FnOnce(&mut Self)) {
        self.path.push(step);
        walk(self);
        self.path.pop();
    }

    fn became(&mut self, became: Became) {
        self.found.push(Leaf {
            path: self.path.clone(),
            became,
        });
    }
}

/// JSON that CloudFormation takes as text: a policy, a dashboard. Never a value of another type,
/// which is told apart from its text.
fn document(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Hides what holds a secret, and what it became or was: that is an older or a newer one. In a
/// list, and where a secret is a name, that may be any of the leaves beside it.
pub fn mask(leaves: &mut [Leaf], masks: &Masks) {
    if masks.is_empty() {
        return;
    }
    let hidden: Vec<Vec<Step>> = leaves
        .iter()
        .filter_map(|leaf| {
            let named = leaf.path.iter().position(|step| step.is_hidden(masks));
            let listed = leaf.path.iter().position(Step::is_of_a_list);
            let within = match (named, listed) {
                (Some(named), Some(listed)) => named.min(listed),
                (Some(named), None) => named,
                (None, _) if !leaf.became.holds(masks) => return None,
                (None, Some(listed)) => listed,
                (None, None) => leaf.path.len(),
            };
            leaf.path.get(..within).map(<[Step]>::to_vec)
        })
        .collect();
    for leaf in leaves {
        for within in &hidden {
            if leaf.path.starts_with(within) {
                leaf.hide(within.len());
            }
        }
    }
}

/// Takes these texts, on the side after the change, for values that only the deployment makes: they
/// stand for them. Each comes with what its value is called.
pub fn not_known_yet(leaves: &mut [Leaf], standing: &[(&str, &str)]) {
    let stands = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        standing.iter().any(|(known, _)| text.contains(known))
    };
    for leaf in leaves {
        match &mut leaf.became {
            Became::Added(after) if stands(after) => {
                leaf.became = Became::Unknown { before: None };
            }
            Became::Changed { before, after } if stands(after) => {
                let before = Some(before.take());
                leaf.became = Became::Unknown { before };
            }
            Became::Added(after) | Became::Changed { after, .. } => later(after, standing),
            Became::Removed(_) | Became::Unknown { .. } | Became::Order { .. } => {}
        }
    }
}

/// Within a value, its name tells two that aren't known apart.
fn later(value: &mut Value, standing: &[(&str, &str)]) {
    match value {
        Value::String(text) => {
            if let Some((_, name)) = standing.iter().find(|(known, _)| text.contains(known)) {
                *text = format!("{} ({name})", shown::LATER);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| later(item, standing)),
        Value::Object(entries) => entries
            .values_mut()
            .for_each(|value| later(value, standing)),
        _ => {}
    }
}

impl Step {
    fn is_hidden(&self, masks: &Masks) -> bool {
        match self {
            Self::Key(name) | Self::Member(name) => masks.hides(name),
            Self::Position(_) => false,
        }
    }

    fn is_of_a_list(&self) -> bool {
        matches!(self, Self::Member(_) | Self::Position(_))
    }
}

impl Became {
    fn holds(&self, masks: &Masks) -> bool {
        match self {
            Self::Changed { before, after } => holds(before, masks) || holds(after, masks),
            Self::Added(value) | Self::Removed(value) => holds(value, masks),
            Self::Unknown { before } => before.as_ref().is_some_and(|value| holds(value, masks)),
            Self::Order { before, after } => {
                before.iter().chain(after).any(|name| masks.hides(name))
            }
        }
    }
}

impl Leaf {
    /// Its values, and the names in its path from this step on.
    fn hide(&mut self, from: usize) {
        for step in self.path.iter_mut().skip(from) {
            if let Step::Key(name) | Step::Member(name) = step {
                MASK.clone_into(name);
            }
        }
        let masked = || Value::from(MASK);
        match &mut self.became {
            Became::Changed { before, after } => (*before, *after) = (masked(), masked()),
            Became::Added(value)
            | Became::Removed(value)
            | Became::Unknown {
                before: Some(value),
            } => *value = masked(),
            Became::Order { before, after } => {
                for name in before.iter_mut().chain(after) {
                    MASK.clone_into(name);
                }
            }
            Became::Unknown { before: None } => {}
        }
    }
}

fn holds(value: &Value, masks: &Masks) -> bool {
    match value {
        Value::String(text) => masks.hides(text),
        Value::Array(items) => items.iter().any(|item| holds(item, masks)),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| masks.hides(key) || holds(value, masks)),
        Value::Number(number) => masks.hides(&number.to_string()),
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests;
