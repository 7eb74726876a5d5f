use crate::span::Span;
use serde_json::{Map, Number};

/// The key that merges other mappings into its own (YAML 1.1).
pub const MERGE: &str = "<<";

/// How deep values nest at the most.
pub(super) const MAX_DEPTH: usize = 64;

/// What is said of values that nest deeper.
pub(super) fn too_deep() -> String {
    format!(
        "the manifest is nested deeper than {MAX_DEPTH} levels, which is the limit: remove levels"
    )
}

/// A value and its place. Scalars keep the text that the user wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `plain`: written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// A value that isn't known: a variable that only AWS can answer, or one
    /// that has a finding already. As it was written.
    Open(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub text: String,
    pub span: Span,
    /// The `<<` that brought it into its mapping.
    pub merged: Option<Span>,
    /// It was written as CloudFormation's short form: `!Sub x` is `{Fn::Sub: x}`.
    pub short_form: bool,
}

impl Node {
    /// Nothing was written: `key:`, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What it is, in a user's words.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Open(_) => "an open variable",
        }
    }

    /// The value at `iam.allow.0.datastore`, where there is one.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |node, segment| match &node.value {
                Value::Mapping(entries) => entries
                    .iter()
                    .find(|entry| entry.key.text == segment)
                    .map(|entry| &entry.value),
                Value::Sequence(items) => items.get(segment.parse::<usize>().ok()?),
                Value::Scalar { .. } | Value::Open(_) => None,
            })
    }

    /// The dotted path of the innermost key or item around a byte; empty at the root.
    pub fn path_at(&self, byte: usize) -> String {
        let within = |span: Span| span.start <= byte && byte <= span.end;
        match &self.value {
            Value::Mapping(entries) => {
                let is_around = |entry: &&Entry| within(entry.key.span) || within(entry.value.span);
                // Keys are in order, but for those of a merge key.
                let after = entries.partition_point(|entry| entry.key.span.start <= byte);
                let before = after.checked_sub(1).and_then(|at| entries.get(at));
                let found = before
                    .filter(is_around)
                    .or_else(|| entries.iter().find(is_around));
                let Some(entry) = found else {
                    return String::new();
                };
                let rest = entry.value.path_at(byte);
                if entry.key.short_form {
                    // Nobody wrote that key.
                    return rest;
                }
                let dot = if rest.is_empty() || rest.starts_with('[') {
                    ""
                } else {
                    "."
                };
                format!("{}{dot}{rest}", entry.key.text)
            }
            Value::Sequence(items) => {
                let Some(i) = items.iter().position(|item| within(item.span)) else {
                    return String::new();
                };
                let rest = items[i].path_at(byte);
                let dot = if rest.is_empty() || rest.starts_with('[') {
                    ""
                } else {
                    "."
                };
                format!("[{i}]{dot}{rest}")
            }
            Value::Scalar { .. } | Value::Open(_) => String::new(),
        }
    }

    /// The merge key, or the key whose alias, that brings in from elsewhere what stands at
    /// this path and place.
    pub fn brought_in(&self, path: &str, place: Span) -> Option<Span> {
        let mut node = self;
        let (mut above, mut found) = (None, None);
        for segment in path.split(['.', '[', ']']).filter(|s| !s.is_empty()) {
            let (key, merged, value) = match &node.value {
                Value::Mapping(entries) => {
                    let entry = entries.iter().find(|entry| entry.key.text == segment)?;
                    (entry.key.span, entry.key.merged, &entry.value)
                }
                Value::Sequence(items) => {
                    let item = items.get(segment.parse::<usize>().ok()?)?;
                    (item.span, None, item)
                }
                Value::Scalar { .. } | Value::Open(_) => return None,
            };
            let inside = node.span.start <= key.start && key.end <= node.span.end;
            if !inside && found.is_none() {
                found = merged.or(above);
            }
            above = Some(key);
            node = value;
        }
        let is_there = above.is_some_and(|key| key.start == place.start);
        found.filter(|_| is_there || node.span.start == place.start)
    }

    /// The value by YAML 1.2's core schema, for documents that are data: the stack templates.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar { text, plain } => scalar_to_json(text, *plain),
            Value::Open(_) => serde_json::Value::Null,
            Value::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Value::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

fn scalar_to_json(text: &str, plain: bool) -> serde_json::Value {
    match text {
        _ if !plain => text.into(),
        "" | "~" | "null" => serde_json::Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        // A leading zero makes an id, not a number.
        "0" => 0.into(),
        _ if text.starts_with('0') => text.into(),
        _ => text
            .parse::<i64>()
            .map(|n| serde_json::Value::Number(Number::from(n)))
            .unwrap_or_else(|_| text.into()),
    }
}
