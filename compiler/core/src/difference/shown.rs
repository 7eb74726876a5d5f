//! Leaves for a person, and for a program.

use super::like::like;
use super::{Became, KNOWN_AFTER, Leaf, Step};
use crate::manifest::Printed;
use crate::printable::{Style, Styled};
use serde_json::{Value, json as object};

/// What isn't known before the deployment.
pub(super) const LATER: &str = "known after deploy";

/// An old and a new value of more columns together get lines of their own.
const WIDE: usize = 60;

/// A list of scalars of more columns gets a line for each.
const FLOW: usize = 50;

/// One leaf after the other, each line `indent` columns in.
pub fn text(leaves: &[Leaf], indent: usize) -> Styled {
    let shown = leaves.iter().enumerate().map(|(at, leaf)| {
        let before = leaves.get(..at).unwrap_or_default();
        match like(leaf, before) {
            Some(like) => {
                let but = if like.but.is_empty() { "" } else { ", but:" };
                let what = format!(" {}: like [{}]{but}\n", path(leaf), like.name);
                let start = Styled::new().text(&" ".repeat(indent));
                let start = start.paint(Style::Green, "+").text(&what);
                let but = like.but.iter();
                but.fold(start, |text, leaf| text.append(&made(leaf, indent + 4)))
            }
            None => one(leaf, indent),
        }
    });
    shown.fold(Styled::new(), |text, one| text.append(&one))
}

/// What a leaf is now, whatever it was.
fn made(leaf: &Leaf, indent: usize) -> Styled {
    let start = Styled::new().text(&" ".repeat(indent)).line(&path(leaf));
    match &leaf.became {
        Became::Added(value) | Became::Changed { after: value, .. } => match scalar(value) {
            Some(text) => start.line(&format!(": {text}")).text("\n"),
            None => block(start.text(":\n"), None, value, indent + 2),
        },
        Became::Unknown { .. } => start.line(&format!(": {LATER}")).text("\n"),
        // No member is like another one that has more, or the same in another order.
        Became::Removed(_) | Became::Order { .. } => start.text("\n"),
    }
}

fn one(leaf: &Leaf, indent: usize) -> Styled {
    let (style, mark) = match &leaf.became {
        Became::Added(_) | Became::Unknown { before: None } => (Style::Green, "+"),
        Became::Removed(_) => (Style::BoldRed, "-"),
        Became::Changed { .. } | Became::Order { .. } | Became::Unknown { .. } => {
            (Style::Yellow, "~")
        }
    };
    let start = Styled::new().text(&" ".repeat(indent)).paint(style, mark);
    let start = start.line(&format!(" {}", path(leaf)));
    match &leaf.became {
        Became::Added(value) | Became::Removed(value) if is_member(leaf, value) => start.text("\n"),
        Became::Added(value) | Became::Removed(value) => match scalar(value) {
            Some(text) => start.line(&format!(": {text}")).text("\n"),
            None => block(start.text("\n"), None, value, indent + 4),
        },
        Became::Changed { before, after } => match (scalar(before), scalar(after)) {
            (Some(before), Some(after)) if before.len() + after.len() <= WIDE => {
                start.line(&format!(": {before} -> {after}")).text("\n")
            }
            _ => {
                let sides = start.text("\n");
                let sides = block(sides, Some((Style::BoldRed, "-")), before, indent + 4);
                block(sides, Some((Style::Green, "+")), after, indent + 4)
            }
        },
        Became::Unknown { before } => match before.as_ref().map(scalar) {
            None => start.line(&format!(": {LATER}")).text("\n"),
            Some(Some(text)) => start.line(&format!(": {text} -> {LATER}")).text("\n"),
            Some(None) => start.line(&format!(": another, {LATER}")).text("\n"),
        },
        Became::Order { before, after } => {
            let order = format!(
                ": in another order: {} -> {}",
                before.join(", "),
                after.join(", ")
            );
            start.line(&order).text("\n")
        }
    }
}

/// A scalar of a list of such: its name says all.
fn is_member(leaf: &Leaf, value: &Value) -> bool {
    matches!(leaf.path.last(), Some(Step::Member(_))) && scalar(value).is_some()
}

/// `DistributionConfig.CacheBehaviors[/studies/*].Compress`
pub(super) fn path(leaf: &Leaf) -> String {
    let mut path = String::new();
    for step in &leaf.path {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Member(name) => path.push_str(&format!("[{name}]")),
            Step::Position(at) => path.push_str(&format!("[{at}]")),
        }
    }
    path
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if !items.is_empty() => None,
        Value::Object(entries) if !entries.is_empty() => None,
        value => Some(yaml(value).trim_end().to_owned()),
    }
}

/// YAML on lines of its own.
fn block(text: Styled, mark: Option<(Style, &str)>, value: &Value, indent: usize) -> Styled {
    yaml(value)
        .lines()
        .enumerate()
        .fold(text, |text, (at, line)| {
            let text = text.text(&" ".repeat(indent));
            let text = match mark {
                Some((style, mark)) if at == 0 => text.paint(style, mark).text(" "),
                Some(_) => text.text("  "),
                None => text,
            };
            text.line(line).text("\n")
        })
}

/// What isn't known yet is no text that YAML would quote.
fn yaml(value: &Value) -> String {
    let text = printed(value).to_yaml_within(FLOW);
    text.replace(&format!("'{LATER}'"), LATER)
}

fn printed(value: &Value) -> Printed {
    match value {
        Value::Null => Printed::Nothing,
        Value::Bool(flag) => Printed::Flag(*flag),
        // As it is written, whatever type a reader's numbers have.
        Value::Number(number) => number
            .as_u64()
            .map_or_else(|| Printed::Text(number.to_string()), Printed::Number),
        Value::String(text) if text == KNOWN_AFTER => Printed::Text(LATER.to_owned()),
        Value::String(text) => Printed::Text(text.clone()),
        Value::Array(items) => Printed::List(items.iter().map(printed).collect()),
        Value::Object(entries) => Printed::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), printed(value)))
                .collect(),
        ),
    }
}

/// The same for a program: `path` as a person reads it, and what became of it.
pub fn json(leaf: &Leaf) -> Value {
    let path = path(leaf);
    match &leaf.became {
        Became::Added(after) => object!({"path": path, "became": "added", "after": known(after)}),
        Became::Removed(before) => object!({"path": path, "became": "removed", "before": before}),
        Became::Changed { before, after } => {
            object!({"path": path, "became": "changed", "before": before, "after": known(after)})
        }
        Became::Unknown { before } => {
            object!({"path": path, "became": "known after deploy", "before": before})
        }
        Became::Order { before, after } => {
            object!({"path": path, "became": "reordered", "before": before, "after": after})
        }
    }
}

/// CloudFormation's word for what it can't know yet is nobody else's.
fn known(value: &Value) -> Value {
    match value {
        Value::String(text) if text == KNOWN_AFTER => Value::from(LATER),
        Value::Array(items) => items.iter().map(known).collect(),
        Value::Object(entries) => {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.clone(), known(value)))
                .collect()
        }
        value => value.clone(),
    }
}
