//! Parser events to a tree, within budgets that a hostile file can't pass.

use super::errors::{self, Read};
use super::node::{Entry, Key, MAX_DEPTH, MERGE, Node, Value, too_deep};
use super::short_forms;
use crate::diagnostic::{Diagnostic, codes};
use crate::source::Source;
use crate::span::Span;
use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

const MAX_NODES: usize = 50_000;

/// Parses one YAML document. The node is there unless the text is broken;
/// findings are there also beside a node (duplicate keys).
pub fn parse(source: &Source) -> (Option<Node>, Vec<Diagnostic>) {
    let mut options = Options::default();
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(source.text(), options) {
        let step = match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                builder.until = range.end;
                builder.event(
                    event,
                    trimmed(source.text(), Span::new(range.start, range.end)),
                )
            }
            Err(error) => {
                let read = builder.read(source.text());
                Err(Box::new(errors::explained(source, &error, &read)))
            }
        };
        if let Err(diagnostic) = step {
            let diagnostic = errors::helped(source.text(), *diagnostic);
            builder.diagnostics.push(diagnostic);
            return (None, builder.diagnostics);
        }
    }
    if builder.root.is_none() {
        builder.diagnostics.push(
            Diagnostic::new(
                codes::SYNTAX,
                "",
                Span::default(),
                "there is nothing in the file",
            )
            .help("a manifest has at least `service` and `auth`"),
        );
    }
    (builder.root, builder.diagnostics)
}

/// Block collections reach to the next token: the blank lines between aren't theirs.
fn trimmed(text: &str, span: Span) -> Span {
    let inside = text.get(span.range()).unwrap_or("");
    Span::new(span.start, span.start + inside.trim_end().len())
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
    /// Where the last event ended.
    until: usize,
    diagnostics: Vec<Diagnostic>,
}

/// What an alias costs when it is expanded.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

/// A collection whose end is still to come.
struct Open {
    start: Span,
    anchor: usize,
    size: Size,
    items: Items,
    /// The intrinsic function that the tag before it stands for.
    intrinsic: Option<&'static str>,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<Key>,
        /// Where each key is: a hostile file has thousands.
        seen: HashMap<String, Span>,
    },
}

type Step = Result<(), Box<Diagnostic>>;

fn fail(code: &'static codes::Code, span: Span, message: impl Into<String>) -> Step {
    Err(Box::new(Diagnostic::new(code, "", span, message)))
}

impl Builder {
    fn read(&self, text: &str) -> Read {
        let starts = self.stack.iter().rev().map(|open| open.start.start);
        Read {
            bracket: starts
                .into_iter()
                .find(|at| text[*at..].starts_with(['[', '{'])),
            collection: self.stack.last().map(|open| open.start.start),
            root: self.root.as_ref().map(|root| root.span),
            until: self.until,
        }
    }

    fn event(&mut self, event: Event, span: Span) -> Step {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return fail(
                        codes::SYNTAX,
                        span,
                        "a second YAML document begins here, and a manifest is only one: remove the `---` or `...`",
                    );
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let intrinsic = intrinsic(tag, span)?;
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar {
                    text: text.into_owned(),
                    plain,
                };
                let size = Size { nodes: 1, depth: 1 };
                self.complete(Node { span, value }, intrinsic, anchor, size)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let intrinsic = intrinsic(tag, span)?;
                self.open(span, anchor, Items::Sequence(Vec::new()), intrinsic)
            }
            Event::MappingStart(_, anchor, tag) => {
                let intrinsic = intrinsic(tag, span)?;
                let items = Items::Mapping {
                    entries: Vec::new(),
                    key: None,
                    seen: HashMap::new(),
                };
                self.open(span, anchor, items, intrinsic)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some((mut node, size)) => {
                    node.span = span;
                    self.nodes += size.nodes;
                    self.add(node, 0, size)
                }
                None => fail(
                    codes::SYNTAX,
                    span,
                    "this alias stands for a value that it is itself a part of: remove it, or name another anchor",
                ),
            },
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        start: Span,
        anchor: usize,
        items: Items,
        intrinsic: Option<&'static str>,
    ) -> Step {
        let size = Size { nodes: 1, depth: 1 };
        self.stack.push(Open {
            start,
            anchor,
            size,
            items,
            intrinsic,
        });
        Ok(())
    }

    /// A node at its end, within the intrinsic function that its tag stands for.
    fn complete(
        &mut self,
        node: Node,
        intrinsic: Option<&'static str>,
        anchor: usize,
        size: Size,
    ) -> Step {
        let Some(intrinsic) = intrinsic else {
            return self.add(node, anchor, size);
        };
        let size = Size {
            nodes: size.nodes + 1,
            depth: size.depth + 1,
        };
        self.add(short_forms::expand(node, intrinsic), anchor, size)
    }

    fn close(&mut self, end: Span) -> Step {
        let Some(open) = self.stack.pop() else {
            return Ok(());
        };
        let (value, last) = match open.items {
            Items::Sequence(items) => {
                let last = items.last().map(|node| node.span.end);
                (Value::Sequence(items), last)
            }
            Items::Mapping { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end);
                (Value::Mapping(self.merged(entries)), last)
            }
        };
        // A flow collection ends at its bracket; a block one, which has none, with its last value.
        let until = match last {
            Some(last) if end.start == end.end => last.max(open.start.end),
            _ => end.end.max(open.start.end),
        };
        let span = Span::new(open.start.start, until);
        self.complete(Node { span, value }, open.intrinsic, open.anchor, open.size)
    }

    /// `<<`: another mapping's entries, or several mappings', below those that
    /// stand here; of several the first wins. (The merge key of YAML 1.1.)
    fn merged(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let Some(at) = entries.iter().position(|entry| entry.key.text == MERGE) else {
            return entries;
        };
        if entries
            .get(at)
            .is_some_and(|merge| is_referred(&merge.value))
        {
            return entries;
        }
        let merge = entries.remove(at);
        let sources = match merge.value.value {
            Value::Sequence(items) => items,
            _ => vec![merge.value],
        };
        for source in sources {
            let Value::Mapping(more) = source.value else {
                let message = format!("`<<` merges mappings; here is {}", source.kind());
                self.diagnostics.push(
                    Diagnostic::new(codes::WRONG_TYPE, "", source.span, message)
                        .help("write `<<: *anchor`, or a list of anchors"),
                );
                continue;
            };
            for mut entry in more {
                entry.key.merged = Some(merge.key.span);
                if !entries.iter().any(|e| e.key.text == entry.key.text) {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    fn add(&mut self, node: Node, anchor: usize, size: Size) -> Step {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return fail(
                codes::TOO_LARGE,
                node.span,
                format!(
                    "the manifest has more than {MAX_NODES} values, which is the limit: an alias counts as all that it stands for"
                ),
            );
        }
        if size.depth + self.stack.len() > MAX_DEPTH {
            return fail(codes::TOO_LARGE, node.span, too_deep());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some((parent, above)) = self.stack.split_last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.size.nodes += size.nodes;
        parent.size.depth = parent.size.depth.max(size.depth + 1);
        match &mut parent.items {
            Items::Sequence(items) => items.push(node),
            Items::Mapping { entries, key, seen } => match key.take() {
                None => *key = Some(as_key(node)?),
                Some(found) => {
                    if let Some(first) = seen.get(&found.text) {
                        let message = format!("`{}` is in this mapping twice", found.text);
                        self.diagnostics.push(
                            Diagnostic::new(
                                codes::DUPLICATE_KEY,
                                path(above, &found.text),
                                found.span,
                                message,
                            )
                            .related(*first, "first here")
                            .help("remove one of them"),
                        );
                    } else {
                        seen.insert(found.text.clone(), found.span);
                        entries.push(Entry {
                            key: found,
                            value: node,
                        });
                    }
                }
            },
        }
        Ok(())
    }
}

/// Whether variables have to be resolved to know what is merged: that comes later.
fn is_referred(merge: &Node) -> bool {
    match &merge.value {
        Value::Scalar { text, .. } => text.contains("${"),
        Value::Sequence(items) => items.iter().any(is_referred),
        Value::Mapping(_) | Value::Open(_) => false,
    }
}

/// A key's place, `iam.allow[0].datastore`, from the collections that are open above its mapping.
fn path(above: &[Open], key: &str) -> String {
    let mut path = String::new();
    for open in above {
        match &open.items {
            Items::Sequence(items) => path.push_str(&format!("[{}]", items.len())),
            Items::Mapping { key: Some(key), .. } => {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(&key.text);
            }
            Items::Mapping { key: None, .. } => {}
        }
    }
    path.push_str(if path.is_empty() { "" } else { "." });
    path + key
}

/// The intrinsic function that a tag stands for; core tags decide nothing here.
fn intrinsic(
    tag: Option<Cow<'_, Tag>>,
    span: Span,
) -> Result<Option<&'static str>, Box<Diagnostic>> {
    let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else {
        return Ok(None);
    };
    match short_forms::intrinsic(&tag.to_string()) {
        Some(intrinsic) => Ok(Some(intrinsic)),
        None => Err(Box::new(short_forms::no_meaning(&tag.to_string(), span))),
    }
}

fn as_key(node: Node) -> Result<Key, Box<Diagnostic>> {
    match node.value {
        Value::Scalar { text, .. } => Ok(Key {
            text,
            span: node.span,
            merged: None,
            short_form: false,
        }),
        _ => Err(Box::new(Diagnostic::new(
            codes::SYNTAX,
            "",
            node.span,
            errors::NO_KEY,
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<(&'static str, usize, usize)> {
        let source = Source::new("f", text);
        let (_, found) = parse(&source);
        found
            .iter()
            .map(|d| {
                let at = source.position(d.span.start);
                (d.code.name, at.line, at.column)
            })
            .collect()
    }

    #[test]
    fn scalars_keep_their_text_and_place() {
        let text = "a: 012345678901\nb: no\nc: '1.10'\nd: 😀\ne:\n  - 1e23\n";
        let source = Source::new("f", text);
        let (node, found) = parse(&source);
        assert_eq!(found, []);
        let Value::Mapping(entries) = node.unwrap().value else {
            panic!()
        };
        let texts: Vec<&str> = entries
            .iter()
            .filter_map(|e| match &e.value.value {
                Value::Scalar { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["012345678901", "no", "1.10", "😀"]);
        assert_eq!(&text[entries[0].value.span.range()], "012345678901");
        assert_eq!(&text[entries[4].value.span.range()], "- 1e23");
    }

    #[test]
    fn duplicates_name_both_places() {
        let source = Source::new("f", "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n");
        let (_, found) = parse(&source);
        assert_eq!(found.len(), 2);
        assert_eq!(source.position(found[0].related[0].0.start).line, 3);
        assert_eq!(source.position(found[1].span.start).line, 5);
    }

    #[test]
    fn merge_keys_fill_in_what_is_missing() {
        let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nx: {b: 0, <<: *base}\ny: {<<: [*base, *more]}\n";
        let (node, found) = parse(&Source::new("f", text));
        assert_eq!(found, []);
        let value = node.unwrap().to_json();
        assert_eq!(value["x"], serde_json::json!({"a": 1, "b": 0}));
        assert_eq!(value["y"], serde_json::json!({"a": 1, "b": 2, "c": 4}));
        assert_eq!(findings("x: {<<: 1}\n"), [("wrong-type", 1, 9)]);
    }

    #[test]
    fn what_is_brought_in_is_known() {
        let text = "a: &a {x: {y: 1}}\nb:\n  <<: *a\nc: *a\nd: {x: {y: 1}}\n";
        let (node, _) = parse(&Source::new("f", text));
        let node = node.unwrap();
        let y = text.find('y').unwrap();
        let brought = |path: &str, at: usize| node.brought_in(path, Span::new(at, at + 1));
        for (key, by) in [("b", "<<"), ("c", "c")] {
            let at = text.find(&format!("{by}:")).unwrap();
            let span = brought(&format!("{key}.x.y"), y).unwrap();
            assert_eq!((span.start, span.end), (at, at + by.len()));
        }
        assert_eq!(brought("a.x.y", y), None);
        assert_eq!(brought("d.x.y", text.rfind('y').unwrap()), None);
        assert_eq!(brought("b.z", y), None);
    }

    #[test]
    fn broken_text_is_placed() {
        assert_eq!(findings("a: 1\n\tb: 2\n"), [("syntax", 2, 1)]);
        assert_eq!(findings("a:\n  b: 1\n  \tc: 1\n"), [("syntax", 3, 3)]);
        assert_eq!(findings("a: '😀\nb: 1\n"), [("syntax", 1, 4)]);
        assert_eq!(findings("a: {b: 1\nc: 1\n"), [("syntax", 2, 2)]);
        assert_eq!(findings("a:\n  - b\n c: 1\n"), [("syntax", 3, 2)]);
        assert_eq!(findings("a: [1, 2\nb: 3\n")[0].0, "syntax");
        assert_eq!(findings("a: 1\n---\nb: 1\n"), [("syntax", 2, 1)]);
        assert_eq!(findings("a: !Mine x\n")[0].0, "syntax");
        assert_eq!(findings("? [a]\n: b\n")[0].0, "syntax");
    }

    #[test]
    fn hostile_text_is_refused_quickly() {
        let deep = "[".repeat(100_000);
        assert_eq!(findings(&deep)[0].0, "too-large");
        let block: String = (0..200).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
        assert_eq!(findings(&block)[0].0, "too-large");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert_eq!(findings(&bomb)[0].0, "too-large");
        let many = "- 1\n".repeat(200_000);
        assert_eq!(findings(&many)[0].0, "too-large");
    }
}
