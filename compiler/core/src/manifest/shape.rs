//! One walk over nodes and tables: unknown keys, wrong types, missing keys and
//! values out of their pattern. What passes comes out typed.

use super::field::{Choice, Duration, Field, Kind, Table, seconds};
use super::formats::Format;
use super::{Spanned, Text};
use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::source::Span;
use crate::syntax::{Entry, Node, Value};
use std::collections::BTreeMap;

/// A mapping's well-formed values.
#[derive(Debug, Default)]
pub struct Block {
    values: BTreeMap<&'static str, Valid>,
    /// Every known key that was written.
    pub keys: Vec<Text>,
    /// The key that opens the block: where to point at for what it lacks.
    pub span: Span,
}

#[derive(Debug)]
enum Valid {
    Text(Text),
    Flag(Spanned<bool>),
    Seconds(Spanned<u64>),
    Map(Vec<(Text, Text)>),
    List(Vec<Valid>),
    Block(Block),
    Free(Node),
}

impl Block {
    pub fn text(&mut self, key: &str) -> Option<Text> {
        self.values.remove(key).and_then(Valid::text)
    }

    pub fn flag(&mut self, key: &str) -> Option<Spanned<bool>> {
        match self.values.remove(key)? {
            Valid::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn seconds(&mut self, key: &str) -> Option<Spanned<u64>> {
        match self.values.remove(key)? {
            Valid::Seconds(seconds) => Some(seconds),
            _ => None,
        }
    }

    pub fn map(&mut self, key: &str) -> Option<Vec<(Text, Text)>> {
        match self.values.remove(key)? {
            Valid::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn texts(&mut self, key: &str) -> Option<Vec<Text>> {
        Some(
            self.list(key)?
                .into_iter()
                .filter_map(Valid::text)
                .collect(),
        )
    }

    pub fn node(&mut self, key: &str) -> Option<Node> {
        match self.values.remove(key)? {
            Valid::Free(node) => Some(node),
            _ => None,
        }
    }

    pub fn block(&mut self, key: &str) -> Option<Block> {
        self.values.remove(key).and_then(Valid::block)
    }

    pub fn blocks(&mut self, key: &str) -> Option<Vec<Block>> {
        Some(
            self.list(key)?
                .into_iter()
                .filter_map(Valid::block)
                .collect(),
        )
    }

    fn list(&mut self, key: &str) -> Option<Vec<Valid>> {
        match self.values.remove(key)? {
            Valid::List(items) => Some(items),
            _ => None,
        }
    }
}

impl Valid {
    fn text(self) -> Option<Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn block(self) -> Option<Block> {
        match self {
            Self::Block(block) => Some(block),
            _ => None,
        }
    }
}

/// Reads the document's root; `own_keys` are the user's own, beside the table's.
pub fn read(
    root: &Node,
    table: &'static Table,
    own_keys: &[String],
    found: &mut Vec<Diagnostic>,
) -> Option<Block> {
    let first_key = match &root.value {
        Value::Mapping(entries) => entries.first().map(|entry| entry.key.span),
        _ => None,
    };
    let mut walk = Walk {
        found,
        partial: false,
        own_keys,
    };
    walk.table(root, table, "", first_key.unwrap_or(root.span))
}

/// Checks what is there, and asks for nothing more: an environment's differences.
/// Its variables aren't resolved.
pub fn read_partial(node: &Node, table: &'static Table, path: &str, found: &mut Vec<Diagnostic>) {
    let mut walk = Walk {
        found,
        partial: true,
        own_keys: &[],
    };
    walk.table(node, table, path, node.span);
}

struct Walk<'a> {
    found: &'a mut Vec<Diagnostic>,
    partial: bool,
    own_keys: &'a [String],
}

impl Walk<'_> {
    fn value(&mut self, node: &Node, kind: &'static Kind, path: &str, at: Span) -> Option<Valid> {
        if self.is_open(node) {
            return None;
        }
        match kind {
            Kind::Text(format) => self.text(node, format, path).map(Valid::Text),
            Kind::Choice(choice) => self.choice(node, choice, path).map(Valid::Text),
            Kind::Flag => self.flag(node, path).map(Valid::Flag),
            Kind::Duration(duration) => self.duration(node, duration, path).map(Valid::Seconds),
            Kind::Map { key, value } => self.map(node, key, value, path).map(Valid::Map),
            Kind::List(item) => self.list(node, item, path).map(Valid::List),
            Kind::OneOrMany(format) => match &node.value {
                Value::Scalar { .. } if !node.is_null() => Some(Valid::List(vec![Valid::Text(
                    self.text(node, format, path)?,
                )])),
                Value::Sequence(items) => {
                    Some(Valid::List(self.items(items, path, |walk, item, path| {
                        if walk.is_open(item) {
                            return None;
                        }
                        walk.text(item, format, path).map(Valid::Text)
                    })))
                }
                _ => self.wrong_type(node, "text or a list", path),
            },
            Kind::Table(table) => self.table(node, table, path, at).map(Valid::Block),
            // Taken out before, but for one inside another.
            Kind::Environments => self.wrong_place(path, at),
            Kind::Free => match &node.value {
                Value::Mapping(_) => Some(Valid::Free(node.clone())),
                _ => self.wrong_type(node, "a mapping", path),
            },
        }
    }

    fn wrong_place<T>(&mut self, path: &str, at: Span) -> Option<T> {
        let message = "`environments` stands within an environment";
        self.found.push(
            Diagnostic::new(codes::UNKNOWN_KEY, path, at, message)
                .help("name all environments side by side"),
        );
        None
    }

    /// What isn't known can't be wrong.
    fn is_open(&self, node: &Node) -> bool {
        match &node.value {
            Value::Open(_) => true,
            Value::Scalar { text, .. } => self.partial && text.contains("${"),
            _ => false,
        }
    }

    fn table(&mut self, node: &Node, table: &'static Table, path: &str, at: Span) -> Option<Block> {
        let Value::Mapping(entries) = &node.value else {
            return self.wrong_type(node, "a mapping", path);
        };
        let mut block = Block {
            span: at,
            ..Block::default()
        };
        for entry in entries {
            self.entry(entry, table, path, &mut block);
        }
        for field in table.fields {
            if field.required && !self.partial && !entries.iter().any(|e| e.key.text == field.key) {
                let missing = join(path, field.key);
                let message = format!("`{missing}` is missing");
                self.found.push(
                    Diagnostic::new(codes::MISSING_KEY, &missing, at, message).help(format!(
                        "add `{}`: {}",
                        field.key,
                        what(field)
                    )),
                );
            }
        }
        Some(block)
    }

    fn entry(&mut self, entry: &Entry, table: &'static Table, path: &str, block: &mut Block) {
        let key = &entry.key;
        let path = join(path, &key.text);
        match table.fields.iter().find(|field| field.key == key.text) {
            Some(field) => {
                block.keys.push(Spanned {
                    value: key.text.clone(),
                    span: key.span,
                });
                if field.non_empty
                    && matches!(&entry.value.value, Value::Sequence(items) if items.is_empty())
                {
                    let message = format!("`{path}` is an empty list");
                    self.found.push(
                        Diagnostic::new(codes::INVALID_VALUE, &path, entry.value.span, message)
                            .help(format!("name at least one, or leave `{}` out", field.key)),
                    );
                    return;
                }
                if let Some(value) = self.value(&entry.value, &field.kind, &path, key.span) {
                    block.values.insert(field.key, value);
                }
            }
            None if path == key.text && self.own_keys.contains(&key.text) => {}
            None => {
                let known = table.fields.iter().map(|field| field.key);
                let help = did_you_mean(&key.text, known.clone()).unwrap_or_else(|| {
                    format!("known here: {}", known.collect::<Vec<_>>().join(", "))
                });
                self.found.push(
                    Diagnostic::new(
                        codes::UNKNOWN_KEY,
                        &path,
                        key.span,
                        format!("unknown key `{}`", shown(&key.text)),
                    )
                    .help(help),
                );
            }
        }
    }

    fn list(&mut self, node: &Node, item: &'static Kind, path: &str) -> Option<Vec<Valid>> {
        let Value::Sequence(items) = &node.value else {
            return self.wrong_type(node, "a list", path);
        };
        Some(self.items(items, path, |walk, node, path| {
            walk.value(node, item, path, node.span)
        }))
    }

    fn items(
        &mut self,
        items: &[Node],
        path: &str,
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<Valid>,
    ) -> Vec<Valid> {
        let mut valid = Vec::new();
        for (i, item) in items.iter().enumerate() {
            valid.extend(read(self, item, &format!("{path}[{i}]")));
        }
        valid
    }

    fn scalar<'n>(&mut self, node: &'n Node, expected: &str, path: &str) -> Option<&'n str> {
        match &node.value {
            Value::Scalar { text, .. } if !node.is_null() => Some(text),
            _ => self.wrong_type(node, expected, path),
        }
    }

    fn text(&mut self, node: &Node, format: &'static Format, path: &str) -> Option<Text> {
        let text = Spanned {
            value: self.scalar(node, "text", path)?.to_owned(),
            span: node.span,
        };
        self.fits(&text, format, path).then_some(text)
    }

    /// Whether the text has the format; else there is a finding.
    fn fits(&mut self, text: &Text, format: &'static Format, path: &str) -> bool {
        if format.matches(&text.value) {
            return true;
        }
        let message = format!("`{}` isn't {}", shown(&text.value), format.what);
        let help = format!("for example `{}`", format.example);
        self.found
            .push(Diagnostic::new(codes::INVALID_VALUE, path, text.span, message).help(help));
        false
    }

    fn duration(
        &mut self,
        node: &Node,
        duration: &'static Duration,
        path: &str,
    ) -> Option<Spanned<u64>> {
        let text = self.text(node, duration.format, path)?;
        let (least, most) = duration.bounds();
        match seconds(&text.value) {
            Some(value) if (least..=most).contains(&value) => Some(Spanned {
                value,
                span: text.span,
            }),
            _ => {
                let message = format!(
                    "`{}` is out of bounds: from {} to {}",
                    shown(&text.value),
                    duration.least,
                    duration.most
                );
                self.found.push(
                    Diagnostic::new(codes::INVALID_VALUE, path, text.span, message)
                        .help("write a duration within them"),
                );
                None
            }
        }
    }

    /// A mapping whose keys are the user's.
    fn map(
        &mut self,
        node: &Node,
        key: &'static Format,
        value: &'static Format,
        path: &str,
    ) -> Option<Vec<(Text, Text)>> {
        let Value::Mapping(entries) = &node.value else {
            return self.wrong_type(node, "a mapping", path);
        };
        let mut valid = Vec::new();
        for entry in entries {
            if self.is_open(&entry.value) {
                continue;
            }
            let path = join(path, &entry.key.text);
            let name = Spanned {
                value: entry.key.text.clone(),
                span: entry.key.span,
            };
            let fits = self.fits(&name, key, &path);
            if let Some(text) = self.text(&entry.value, value, &path)
                && fits
            {
                valid.push((name, text));
            }
        }
        Some(valid)
    }

    fn choice(&mut self, node: &Node, choice: &'static Choice, path: &str) -> Option<Text> {
        let text = self.scalar(node, "text", path)?;
        if !choice.words.contains(&text) {
            let all = format!("one of: {}", listed(choice.words));
            // A number isn't mistyped, it is another number.
            let is_number = text.parse::<u64>().is_ok();
            let guess = did_you_mean(text, choice.words.iter().copied());
            // Nor is a country's code: the nearest is another country.
            let is_code = choice.words.iter().all(|word| word.len() == 2);
            let help = match guess.filter(|_| !is_number && !is_code) {
                _ if is_code => "a two-letter code of ISO 3166-1, such as US or GB".to_owned(),
                Some(guess) => format!("{guess} ({all})"),
                None => all,
            };
            let key = path.rsplit('.').next().unwrap_or(path);
            let key = key.split('[').next().unwrap_or(key);
            let message = format!("`{}` isn't a value of `{key}`", shown(text));
            self.found
                .push(Diagnostic::new(choice.code, path, node.span, message).help(help));
            return None;
        }
        Some(Spanned {
            value: text.to_owned(),
            span: node.span,
        })
    }

    fn flag(&mut self, node: &Node, path: &str) -> Option<Spanned<bool>> {
        match self.scalar(node, "true or false", path)? {
            "true" => Some(Spanned {
                value: true,
                span: node.span,
            }),
            "false" => Some(Spanned {
                value: false,
                span: node.span,
            }),
            other => {
                let message = format!("`{}` is neither true nor false", shown(other));
                self.found.push(
                    Diagnostic::new(codes::WRONG_TYPE, path, node.span, message)
                        .help("write `true` or `false`"),
                );
                None
            }
        }
    }

    fn wrong_type<T>(&mut self, node: &Node, expected: &str, path: &str) -> Option<T> {
        let name = if path.is_empty() {
            "the manifest"
        } else {
            path
        };
        let message = format!("{name} takes {expected}; here is {}", node.kind());
        let mut diagnostic = Diagnostic::new(codes::WRONG_TYPE, path, node.span, message);
        if let ("a list", Value::Scalar { text, .. }) = (expected, &node.value)
            && !node.is_null()
        {
            diagnostic = diagnostic.help(format!("put it in brackets: `[{}]`", shown(text)));
        }
        self.found.push(diagnostic);
        None
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// What to write for a field that is missing.
fn what(field: &Field) -> String {
    match &field.kind {
        Kind::Choice(choice) => format!("one of {}", listed(choice.words)),
        _ => first_sentence(field.doc),
    }
}

/// As many words as fit on a line or two.
fn listed(words: &[&str]) -> String {
    const MOST: usize = 24;
    match words.get(..6).filter(|_| words.len() > MOST) {
        Some(first) => format!("{}, … ({} in all)", first.join(", "), words.len()),
        None => words.join(", "),
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
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let line: String = text
        .chars()
        .take(MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MOST).is_some() {
        format!("{line}…")
    } else {
        line
    }
}
