//! What decides the tree's shape: a `${…}` that brings in the environments, one of them,
//! or what `<<` merges. It is put in its place before environments are merged, as it was
//! written: the references in it are resolved with all others.

use super::expression::{self, Part};
use super::nodes::{at, open};
use super::resolve::Resolver;
use super::sources::Problem;
use super::{Open, Origin, Secret};
use crate::diagnostic::{Diagnostic, codes};
use crate::environments::Follow;
use crate::syntax::{Entry, MERGE, Node, Value};
use crate::world::World;
use std::collections::{BTreeSet, HashSet};

/// What was found on the way.
#[derive(Debug, Default)]
pub struct Unfolded {
    pub diagnostics: Vec<Diagnostic>,
    /// Where mappings came from, for the findings in them.
    pub origins: Vec<Origin>,
    /// References that only AWS can answer.
    pub open: Vec<Open>,
    /// What must never be shown.
    pub secrets: Vec<Secret>,
    /// Keys of the root that `${self:…}` refers to.
    pub own_keys: BTreeSet<String>,
}

/// Brings in mappings, from the tree as it was written.
pub struct Unfolder<'a>(Resolver<'a>);

impl<'a> Unfolder<'a> {
    pub fn new(root: &'a Node, env: &'a str, world: &'a dyn World) -> Self {
        Self(Resolver::new(root, env, world))
    }

    /// The tree with what its `<<` bring in.
    pub fn tree(&mut self, root: Node) -> Node {
        if has_merge(&root) {
            self.0.merged(root, 0)
        } else {
            root
        }
    }

    pub fn finish(self) -> Unfolded {
        Unfolded {
            diagnostics: self.0.found,
            origins: self.0.origins,
            open: self.0.open,
            secrets: self.0.secrets,
            own_keys: self.0.own_keys,
        }
    }
}

impl Follow for Unfolder<'_> {
    fn follow(&mut self, node: Node) -> Node {
        let known = self.0.open.len();
        let brought = self.0.raw(&node, 0);
        if self.0.open.len() > known {
            let message =
                "an environment can't come from AWS: environments are merged before AWS is asked";
            let help = "write them here or in a file: `${file(./environments.yml)}`";
            self.0.report(node.span, message.to_owned(), help);
        }
        brought.unwrap_or(node)
    }

    /// One that doesn't bring in a mapping, or that fails, is left to where all references
    /// are resolved.
    fn mapping(&mut self, node: &Node) -> Option<Node> {
        let known = (self.0.found.len(), self.0.open.len(), self.0.origins.len());
        let brought = self.0.raw(node, 0);
        let brought = brought.filter(|node| matches!(node.value, Value::Mapping(_)));
        if brought.is_none() {
            self.0.found.truncate(known.0);
            self.0.open.truncate(known.1);
            self.0.origins.truncate(known.2);
        }
        brought
    }
}

/// Whether a `<<` is left in the tree, which a reference has to be followed for.
pub(super) fn has_merge(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .any(|entry| entry.key.text == MERGE || has_merge(&entry.value)),
        Value::Sequence(items) => items.iter().any(has_merge),
        Value::Scalar { .. } | Value::Open(_) => false,
    }
}

fn size(node: &Node) -> usize {
    let below: usize = match &node.value {
        Value::Mapping(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        Value::Sequence(items) => items.iter().map(size).sum(),
        Value::Scalar { .. } | Value::Open(_) => 0,
    };
    below + 1
}

impl Resolver<'_> {
    /// What a reference brings in, as it was written; open where that failed, or where only
    /// AWS knows. `None`: the node isn't a reference as a whole.
    fn raw(&mut self, node: &Node, depth: usize) -> Option<Node> {
        let Value::Scalar { text, .. } = &node.value else {
            return None;
        };
        if !text.contains("${") || self.is_exhausted(node.span, depth) {
            return None;
        }
        let parts = match expression::parse(text) {
            Ok(parts) => parts,
            Err(Problem { message, help }) => {
                self.report(node.span, message, help);
                return Some(open(node.span, text));
            }
        };
        let [Part::Reference(reference)] = parts.as_slice() else {
            return None;
        };
        let around = std::mem::replace(&mut self.raw, true);
        let found = self.reference(reference, node.span, depth);
        self.raw = around;
        let Some((value, found)) = found else {
            return Some(open(node.span, text));
        };
        self.origins.push(Origin {
            span: node.span,
            what: found.what,
            // A text in it is as the file has it.
            whole: false,
            target: found.target,
        });
        Some(at(value, node.span))
    }

    /// A place in a document, as it was written; references on the way, and at its end, are
    /// followed. One that can't be stays open.
    pub(super) fn raw_at(&mut self, node: &Node, path: &[&str], depth: usize) -> Option<Node> {
        let Some((segment, rest)) = path.split_first() else {
            // Each use is a copy.
            self.nodes += size(node);
            if self.is_exhausted(node.span, depth) {
                return Some(open(node.span, ""));
            }
            let node = if has_merge(node) {
                self.merged(node.clone(), depth + 1)
            } else {
                node.clone()
            };
            return Some(self.raw(&node, depth + 1).unwrap_or(node));
        };
        match &node.value {
            Value::Mapping(entries) if entries.iter().any(|entry| entry.key.text == MERGE) => {
                let merged = self.merged(node.clone(), depth + 1);
                self.raw_at(&merged, path, depth + 1)
            }
            Value::Mapping(entries) => {
                let entry = entries.iter().find(|entry| entry.key.text == *segment)?;
                self.raw_at(&entry.value, rest, depth + 1)
            }
            Value::Sequence(items) => {
                self.raw_at(items.get(segment.parse::<usize>().ok()?)?, rest, depth + 1)
            }
            Value::Scalar { .. } => {
                let further = self.raw(node, depth + 1)?;
                self.raw_at(&further, path, depth + 1)
            }
            Value::Open(_) => Some(node.clone()),
        }
    }

    /// The same tree, with the mappings that its `<<` name merged into those around them.
    pub(super) fn merged(&mut self, node: Node, depth: usize) -> Node {
        self.nodes += 1;
        if self.is_exhausted(node.span, depth) {
            return node;
        }
        let value = match node.value {
            Value::Sequence(items) => {
                let items = items.into_iter();
                Value::Sequence(items.map(|item| self.merged(item, depth + 1)).collect())
            }
            Value::Mapping(entries) => Value::Mapping(self.merged_entries(entries, depth)),
            other => other,
        };
        Node {
            span: node.span,
            value,
        }
    }

    fn merged_entries(&mut self, entries: Vec<Entry>, depth: usize) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut merge = None;
        for mut entry in entries {
            if entry.key.text == MERGE {
                merge = Some(entry);
                continue;
            }
            entry.value = self.merged(entry.value, depth + 1);
            all.push(entry);
        }
        let Some(merge) = merge else {
            return all;
        };
        let sources = match merge.value.value {
            Value::Sequence(items) => items,
            _ => vec![merge.value],
        };
        let mut seen: HashSet<String> = all.iter().map(|entry| entry.key.text.clone()).collect();
        for source in sources {
            for mut entry in self.merge_source(source, depth) {
                entry.key.merged = Some(merge.key.span);
                if seen.insert(entry.key.text.clone()) {
                    all.push(entry);
                }
            }
        }
        all
    }

    /// The entries that one of `<<`'s values has.
    fn merge_source(&mut self, source: Node, depth: usize) -> Vec<Entry> {
        let known = self.open.len();
        let brought = match &source.value {
            Value::Mapping(_) => Some(self.merged(source.clone(), depth + 1)),
            _ => self.raw(&source, depth + 1),
        };
        match brought.map(|node| (node.kind(), node.value)) {
            Some((_, Value::Mapping(entries))) => return entries,
            Some((_, Value::Open(_))) => {
                if self.open.len() > known {
                    self.open.truncate(known);
                    let message =
                        "`<<` can't merge a value of AWS: it merges before AWS is asked".to_owned();
                    let help =
                        "merge a mapping of this file or of another: `<<: ${file(./base.yml)}`";
                    self.report(source.span, message, help);
                }
            }
            other => {
                let kind = other.map_or("text", |(kind, _)| kind);
                let message = format!("`<<` merges mappings; here is {kind}");
                let help = "write `<<: *anchor`, `<<: ${file(./base.yml)}`, or a list of those";
                self.found
                    .push(Diagnostic::new(codes::WRONG_TYPE, "", source.span, message).help(help));
            }
        }
        Vec::new()
    }
}
