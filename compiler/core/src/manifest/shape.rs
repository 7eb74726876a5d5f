//! One walk over nodes and tables: unknown keys, wrong types, missing keys and
//! values out of their pattern. What passes comes out typed.

use super::block::{Block, Valid};
use super::duration::{Duration, seconds};
use super::field::{Choice, Field, Kind, Table};
use super::formats::Format;
use super::meant::{advice, country};
use super::tables;
use super::words::{AS_ITEM, instead, join, listed, nearest_numbers, shown, what};
use super::{Spanned, Text};
use crate::diagnostic::{Diagnostic, codes, did_you_mean, nearest};
use crate::span::Span;
use crate::syntax::{Entry, Node, Value};
use std::collections::{BTreeSet, HashSet};

/// What a key of the user's own, at the root, begins with.
pub const OWN_KEY: &str = "x-";

/// Reads the document's root; `own_keys` are the user's own, beside the table's.
pub(super) fn read(
    root: &Node,
    table: &'static Table,
    own_keys: &BTreeSet<String>,
    found: &mut Vec<Diagnostic>,
) -> Option<Block> {
    let first_key = match &root.value {
        Value::Mapping(entries) => entries.first().map(|entry| entry.key.span),
        _ => None,
    };
    let mut walk = Walk {
        found,
        partial: false,
        in_list: false,
        root: "",
        own_keys,
    };
    walk.table(root, table, "", first_key.unwrap_or(root.span))
}

/// Checks what is there, and asks for nothing more: an environment's differences.
/// Its variables aren't resolved.
pub(super) fn read_partial(
    node: &Node,
    table: &'static Table,
    path: &str,
    own_keys: &BTreeSet<String>,
    found: &mut Vec<Diagnostic>,
) {
    let mut walk = Walk {
        found,
        partial: true,
        in_list: false,
        root: path,
        own_keys,
    };
    walk.table(node, table, path, node.span);
}

struct Walk<'a> {
    found: &'a mut Vec<Diagnostic>,
    partial: bool,
    /// Within a list, which an environment replaces as a whole.
    in_list: bool,
    /// Where the manifest's own keys are: at the root, or below an environment's name.
    root: &'a str,
    own_keys: &'a BTreeSet<String>,
}

impl Walk<'_> {
    fn value(&mut self, node: &Node, kind: &'static Kind, path: &str, at: Span) -> Option<Valid> {
        if self.is_open(node) {
            return None;
        }
        match kind {
            Kind::Text(format) | Kind::Count(format) => {
                self.text(node, format, path).map(Valid::Text)
            }
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
                // An empty section says nothing.
                _ if node.is_null() => None,
                _ => self.wrong_type(node, "a mapping", path),
            },
        }
    }

    fn wrong_place<T>(&mut self, path: &str, at: Span) -> Option<T> {
        let message = "`environments` is within an environment";
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
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            // An empty section says as much as `{}`.
            _ if node.is_null() && !path.is_empty() => &[],
            _ => return self.wrong_type(node, "a mapping", path),
        };
        let mut block = Block {
            span: at,
            ..Block::default()
        };
        let written: HashSet<&str> = entries.iter().map(|e| e.key.text.as_str()).collect();
        for entry in entries {
            self.entry(entry, &written, table, path, &mut block);
        }
        if !self.partial {
            self.missing(table, path, &block);
        }
        Some(block)
    }

    fn missing(&mut self, table: &'static Table, path: &str, block: &Block) {
        let absent = |field: &&Field| field.required && !block.keys.has(field.key);
        for field in table.fields.iter().filter(absent) {
            let missing = join(path, field.key);
            let message = format!("`{missing}` is missing");
            self.found.push(
                Diagnostic::new(codes::MISSING_KEY, &missing, block.span, message).help(format!(
                    "add `{}`: {}",
                    field.key,
                    what(field)
                )),
            );
        }
    }

    fn entry(
        &mut self,
        entry: &Entry,
        beside: &HashSet<&str>,
        table: &'static Table,
        path: &str,
        block: &mut Block,
    ) {
        let key = &entry.key;
        let at_root = path == self.root;
        let path = join(path, &key.text);
        let Some(field) = table.fields.iter().find(|field| field.key == key.text) else {
            if !at_root || !self.is_own(&key.text) {
                self.unknown(entry, beside, table, &path, block);
            }
            return;
        };
        block.keys.written.push(Spanned {
            value: key.text.clone(),
            span: key.span,
        });
        if self.takes_away(&entry.value) {
            return;
        }
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

    /// In an environment, `null` takes a key of the rest away. An item of a list is no key.
    fn takes_away(&self, node: &Node) -> bool {
        self.partial && !self.in_list && node.is_null()
    }

    /// The user's own keys, for variables and anchors.
    fn is_own(&self, key: &str) -> bool {
        key.starts_with(OWN_KEY) || self.own_keys.contains(key)
    }

    fn unknown(
        &mut self,
        entry: &Entry,
        beside: &HashSet<&str>,
        table: &'static Table,
        path: &str,
        block: &mut Block,
    ) {
        let key = &entry.key;
        let known = table.fields.iter().map(|field| field.key);
        let guess = nearest(&key.text, known.clone());
        let help = match guess {
            Some(guess) => format!("did you mean `{guess}`?"),
            None => match tables::places_of(&key.text) {
                [] => format!("known here: {}", known.collect::<Vec<_>>().join(", ")),
                places => format!("it belongs elsewhere: `{}`", places.join("` or `")),
            },
        };
        let message = format!("unknown key `{}`", shown(&key.text));
        self.found
            .push(Diagnostic::new(codes::UNKNOWN_KEY, path, key.span, message).help(help));
        let is_free = |field: &&Field| !beside.contains(field.key) && !block.keys.has(field.key);
        let meant = table.fields.iter().find(|field| Some(field.key) == guess);
        if let Some(field) = meant.filter(is_free) {
            self.meant(entry, field, path, block);
        }
    }

    /// The checks go on as if the key were spelt well. What they find below it
    /// counts where the guess is beyond doubt.
    fn meant(&mut self, entry: &Entry, field: &'static Field, path: &str, block: &mut Block) {
        block.keys.meant.push(field.key);
        let before = self.found.len();
        let value = self.value(&entry.value, &field.kind, path, entry.key.span);
        if self.found.len() > before && !resembles(&entry.value, &field.kind) {
            self.found.truncate(before);
            return;
        }
        if let Some(value) = value {
            block.values.insert(field.key, value);
        }
    }

    fn list(&mut self, node: &Node, item: &'static Kind, path: &str) -> Option<Vec<Valid>> {
        let Value::Sequence(items) = &node.value else {
            let none = self.wrong_type(node, "a list", path);
            let is_item = matches!((item, &node.value), (Kind::Table(_), Value::Mapping(_)));
            if let Some(found) = self.found.last_mut().filter(|_| is_item) {
                found.help = Some(AS_ITEM.to_owned());
            }
            return none;
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
        let around = std::mem::replace(&mut self.in_list, true);
        for (i, item) in items.iter().enumerate() {
            valid.extend(read(self, item, &format!("{path}[{i}]")));
        }
        self.in_list = around;
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
        let help = match advice(&text.value, format) {
            Some(advice) => advice,
            None => format!("for example `{}`", format.example),
        };
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
        let written = self.scalar(node, "text", path)?;
        if let Some(guess) = duration.guess(written) {
            let message = format!("`{}` isn't {}", shown(written), duration.format.what);
            let help = format!("did you mean `{guess}`?");
            self.found
                .push(Diagnostic::new(codes::INVALID_VALUE, path, node.span, message).help(help));
            return None;
        }
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
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            _ if node.is_null() => &[],
            _ => return self.wrong_type(node, "a mapping", path),
        };
        let mut valid = Vec::new();
        for entry in entries {
            if self.is_open(&entry.value) || self.takes_away(&entry.value) {
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
            let number = text.parse::<u64>().ok();
            // Nor is a country's code: the nearest is another country.
            let is_code = choice.words.iter().all(|word| word.len() == 2);
            let nearest = number.and_then(|number| nearest_numbers(number, choice.words));
            let missing = choice.missing.iter().find(|(word, _)| *word == text);
            let help = match did_you_mean(text, choice.words.iter().copied()) {
                _ if is_code => match country(text, choice.words) {
                    Some(code) => format!("did you mean `{code}`?"),
                    None => "a two-letter code of ISO 3166-1, such as US or GB".to_owned(),
                },
                _ if nearest.is_some() => nearest.unwrap_or_default(),
                Some(guess) if number.is_none() => format!("{guess} ({all})"),
                _ => all.clone(),
            };
            let help = missing.map_or(help, |(_, why)| format!("{why} ({all})"));
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
        diagnostic.help = instead(node, expected, path);
        self.found.push(diagnostic);
        None
    }
}

/// Whether a mapping reads like the one that is due, slips included.
fn resembles(node: &Node, kind: &Kind) -> bool {
    let (Value::Mapping(entries), Kind::Table(table)) = (&node.value, kind) else {
        return false;
    };
    let known = table.fields.iter().map(|field| field.key);
    let mut keys = entries.iter().map(|entry| entry.key.text.as_str());
    keys.any(|key| nearest(key, known.clone()).is_some())
}
