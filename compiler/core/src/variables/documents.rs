//! References into documents: this manifest (`self`) and files beside it (`file`).

use super::nodes::at;
use super::resolve::{Found, Missing, Outcome, Resolver};
use super::unfold::has_merge;
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::environments::OVERLAY;
use crate::source::Source;
use crate::span::Span;
use crate::syntax::{self, Entry, Key, Node, Value};
use crate::world::Unread;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

#[derive(Default)]
pub(super) struct Documents {
    files: HashMap<String, Rc<Node>>,
    /// The references that are being resolved, and where each is.
    under_way: Vec<(String, Span)>,
    /// The rings that are reported.
    rings: HashSet<BTreeSet<String>>,
    /// The root's keys: a hostile file has thousands, and as many references to them.
    index: Option<HashMap<String, usize>>,
    /// How many keys were looked for in vain.
    missed: usize,
}

/// A file that may not be read from here.
pub fn outside_file(path: &str, file: &str, span: Span) -> Diagnostic {
    let message = format!("`{file}` isn't read: {}", Unread::Outside);
    Diagnostic::new(codes::OUTSIDE_FILE, path, span, message).help(
        "put it below that directory, or, if you know this manifest, let it through with --allow-outside-files",
    )
}

impl<'a> Resolver<'a> {
    /// `${self:a.b}`: a place in the manifest itself.
    pub(super) fn own(&mut self, path: &str, span: Span, depth: usize) -> Outcome {
        if let Some(first) = path.split('.').next() {
            self.own_keys.insert(first.to_owned());
        }
        let what = format!("self:{path}");
        let segments = segments(path);
        let Some(first) = segments.first() else {
            let message = "`self` names no key".to_owned();
            self.report(span, message, "write `${self:a.b}`, a place in this file");
            return Outcome::Failed;
        };
        let node = self.root_value(first);
        let around = self.in_overlay;
        self.in_overlay |= *first == OVERLAY;
        let found = self.ringed(what.clone(), span, |resolver| {
            resolver.place(node?, segments.get(1..)?, depth)
        });
        self.in_overlay = around;
        found.map_or(Outcome::Failed, |node| match node {
            Some(node) => {
                let target = node.span;
                Outcome::Value(
                    node,
                    Found {
                        what: format!("`{path}` in this file"),
                        target: Some(target),
                    },
                )
            }
            None => Outcome::Missing(Missing {
                what: format!("`{path}` in this file"),
                near: self.near(&segments),
            }),
        })
    }

    pub(super) fn file(&mut self, path: &str, argument: &str, span: Span, depth: usize) -> Outcome {
        let what = if argument.is_empty() {
            format!("file({path})")
        } else {
            format!("file({path}):{argument}")
        };
        if !self.documents.files.contains_key(path) {
            match self.read(path) {
                // Findings in it are shown at the reference: it is another text.
                Ok(node) => {
                    // What `<<` brings in may be in this very file.
                    let raw = Rc::new(at(node, span));
                    self.documents.files.insert(path.to_owned(), raw.clone());
                    if has_merge(&raw) {
                        let merged = self.ringed(format!("file({path})"), span, |resolver| {
                            resolver.merged(Node::clone(&raw), depth)
                        });
                        let merged = merged.map_or(raw, Rc::new);
                        self.documents.files.insert(path.to_owned(), merged);
                    }
                }
                Err(Unread::Missing) => return Outcome::Missing(format!("file {path}").into()),
                Err(Unread::Outside) => {
                    self.found.push(outside_file("", path, span));
                    return Outcome::Failed;
                }
                Err(Unread::Other(reason)) => {
                    self.report(
                        span,
                        format!("`{path}` can't be read: {reason}"),
                        "the path is relative to frames.yml",
                    );
                    return Outcome::Failed;
                }
            }
        }
        let Some(root) = self.documents.files.get(path).cloned() else {
            return Outcome::Failed;
        };
        let segments = segments(argument);
        match self.ringed(what.clone(), span, |resolver| {
            resolver.place(&root, &segments, depth)
        }) {
            Some(Some(node)) => Outcome::Value(at(node, span), Found::new(what)),
            Some(None) => Outcome::Missing(format!("`{argument}` in {path}").into()),
            None => Outcome::Failed,
        }
    }

    fn read(&self, path: &str) -> Result<Node, Unread> {
        let bytes = self.world.read_file(path)?;
        parsed(path, &bytes).map_err(Unread::Other)
    }

    /// Runs a step, unless it is under way already: then the ring is shown.
    fn ringed<T>(
        &mut self,
        what: String,
        span: Span,
        step: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let under_way = &self.documents.under_way;
        if let Some(start) = under_way.iter().position(|(other, _)| *other == what) {
            let ring = under_way[start..].to_vec();
            self.ring(ring, span);
            return None;
        }
        self.documents.under_way.push((what, span));
        let result = step(self);
        self.documents.under_way.pop();
        Some(result)
    }

    /// One finding a ring, from whichever of its members it is entered.
    fn ring(&mut self, ring: Vec<(String, Span)>, closing: Span) {
        let members: BTreeSet<String> = ring.iter().map(|(what, _)| what.clone()).collect();
        if !self.documents.rings.insert(members) {
            return;
        }
        let names: Vec<&str> = ring.iter().map(|(what, _)| what.as_str()).collect();
        let message = format!(
            "the reference goes round in a ring: {} -> {}",
            names.join(" -> "),
            names[0]
        );
        // The first was entered from outside; the last one's reference closes the ring.
        let mut finding = Diagnostic::new(codes::VARIABLE, "", closing, message)
            .help("break the ring: give one of them a value of its own");
        for (what, span) in ring.iter().skip(1).filter(|(_, span)| *span != closing) {
            finding = finding.related(*span, format!("`{what}` is referred to here"));
        }
        self.found.push(finding);
    }

    fn root_value(&mut self, key: &str) -> Option<&'a Node> {
        let Value::Mapping(entries) = &self.root.value else {
            return None;
        };
        let index = self.documents.index.get_or_insert_with(|| {
            let keys = entries.iter().map(|entry| entry.key.text.clone());
            keys.zip(0..).collect()
        });
        let at = index.get(key)?;
        entries.get(*at).map(|entry| &entry.value)
    }

    /// The key that a path may have meant where it leads nowhere.
    fn near(&mut self, path: &[&str]) -> Option<Key> {
        // Nobody reads more hints, and a hostile file asks for thousands.
        const MOST: usize = 100;
        self.documents.missed += 1;
        if self.documents.missed > MOST {
            return None;
        }
        let mut node = self.root;
        for segment in path {
            let Value::Mapping(entries) = &node.value else {
                return None;
            };
            let found = entries.iter().find(|entry| entry.key.text == *segment);
            let Some(Entry { value, .. }) = found else {
                let known = entries.iter().map(|entry| entry.key.text.as_str());
                let nearest = nearest(segment, known.take(MOST))?;
                let entry = entries.iter().find(|entry| entry.key.text == nearest)?;
                return Some(entry.key.clone());
            };
            node = value;
        }
        None
    }

    fn place(&mut self, node: &Node, path: &[&str], depth: usize) -> Option<Node> {
        if self.raw {
            self.raw_at(node, path, depth)
        } else {
            self.at_path(node, path, depth)
        }
    }

    /// The node at `a.b.0`, resolved; references on the way are followed.
    fn at_path(&mut self, node: &Node, path: &[&str], depth: usize) -> Option<Node> {
        let Some((segment, rest)) = path.split_first() else {
            return Some(self.node(node, depth + 1));
        };
        match &node.value {
            Value::Mapping(entries) => {
                let entry = entries.iter().find(|entry| entry.key.text == *segment)?;
                self.at_path(&entry.value, rest, depth)
            }
            Value::Sequence(items) => {
                self.at_path(items.get(segment.parse::<usize>().ok()?)?, rest, depth)
            }
            Value::Scalar { .. } => {
                let value = self.node(node, depth + 1);
                // What is text still holds `${` that aren't ours, and nothing is inside.
                match value.value {
                    Value::Scalar { .. } => None,
                    _ => self.at_path(&value, path, depth),
                }
            }
            Value::Open(_) => Some(node.clone()),
        }
    }
}

fn parsed(path: &str, bytes: &[u8]) -> Result<Node, String> {
    let source =
        Source::from_bytes(path, bytes).map_err(|unreadable| unreadable.diagnostic.message)?;
    let (node, found) = syntax::parse(&source);
    match (node, found.first()) {
        (Some(node), None) => Ok(node),
        (_, Some(first)) => {
            let place = source.position(first.span.start);
            let (line, column) = (place.line, place.column);
            Err(format!("line {line}, column {column}: {}", first.message))
        }
        (None, None) => Err("it is empty".to_owned()),
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.split('.')
        .filter(|segment| !segment.is_empty())
        .collect()
}
