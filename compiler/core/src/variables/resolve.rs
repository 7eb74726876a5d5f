//! References to values.

use super::documents::Documents;
use super::expression::{self, Alternative, Part, Reference};
use super::nodes::{at, open, scalar};
use super::sources::{AWS_VALUES, Problem, SOURCES, foreign, malformed, misspelt};
use super::{Open, Origin, Resolved, Secret};
use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::environments::may_be_overlay;
use crate::span::Span;
use crate::syntax::{Entry, Key, Node, Value};
use crate::world::{AwsValue, World};
use std::collections::BTreeSet;

/// Variables that are as secret as a SecureString, whatever a manifest wants with them: AWS's, and
/// those of pipelines (GitHub Actions, GitLab CI/CD, "Predefined variables").
const CREDENTIALS: &[&str] = &[
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "CI_JOB_TOKEN",
];

/// What a tree may grow to: references to references would double it at each step.
const MAX_NODES: usize = 50_000;
const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_DEPTH: usize = 64;

pub fn resolve(root: &Node, env: &str, world: &dyn World) -> Resolved {
    let mut resolver = Resolver::new(root, env, world);
    let node = match &root.value {
        Value::Mapping(entries) => Node {
            span: root.span,
            value: Value::Mapping(
                entries
                    .iter()
                    .map(|entry| {
                        resolver.in_overlay = may_be_overlay(&entry.key.text);
                        Entry {
                            key: entry.key.clone(),
                            value: resolver.node(&entry.value, 0),
                        }
                    })
                    .collect(),
            ),
        },
        _ => root.clone(),
    };
    Resolved {
        node,
        diagnostics: resolver.found,
        origins: resolver.origins,
        open: resolver.open,
        secrets: resolver.secrets,
        own_keys: resolver.own_keys,
    }
}

pub(super) struct Resolver<'a> {
    pub(super) root: &'a Node,
    env: &'a str,
    pub(super) world: &'a dyn World,
    pub(super) documents: Documents,
    pub(super) found: Vec<Diagnostic>,
    pub(super) origins: Vec<Origin>,
    pub(super) open: Vec<Open>,
    pub(super) secrets: Vec<Secret>,
    pub(super) own_keys: BTreeSet<String>,
    /// What is resolved is part of an overlay, wherever it is written: there, `${…}` that
    /// name no source are CloudFormation's.
    pub(super) in_overlay: bool,
    /// What is resolved is the argument of `Fn::Sub`, which has its own check of names.
    in_sub: bool,
    /// What a reference leads to is taken as it was written.
    pub(super) raw: bool,
    pub(super) nodes: usize,
    bytes: usize,
    exhausted: bool,
}

/// What an alternative comes to.
pub(super) enum Outcome {
    Value(Node, Found),
    /// There is no such value: the next alternative's turn. What was looked for.
    Missing(Missing),
    /// AWS isn't asked.
    Open,
    /// Reported already.
    Failed,
}

/// What there isn't, and a key beside it that may be meant.
pub(super) struct Missing {
    pub what: String,
    pub near: Option<Key>,
}

impl From<String> for Missing {
    fn from(what: String) -> Self {
        Self { what, near: None }
    }
}

/// Where a value was found.
pub(super) struct Found {
    pub what: String,
    pub target: Option<Span>,
}

impl Found {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            target: None,
        }
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(root: &'a Node, env: &'a str, world: &'a dyn World) -> Self {
        Self {
            root,
            env,
            world,
            documents: Documents::default(),
            found: Vec::new(),
            origins: Vec::new(),
            open: Vec::new(),
            secrets: Vec::new(),
            own_keys: BTreeSet::new(),
            in_overlay: false,
            in_sub: false,
            raw: false,
            nodes: 0,
            bytes: 0,
            exhausted: false,
        }
    }

    /// A node without references. Those that fail stay out of the tree's way as open values.
    pub(super) fn node(&mut self, node: &Node, depth: usize) -> Node {
        self.nodes += 1;
        if self.is_exhausted(node.span, depth) {
            return open(node.span, "");
        }
        let value = match &node.value {
            Value::Scalar { text, .. } if text.contains("${") => {
                return self.scalar(node, text, depth);
            }
            Value::Scalar { .. } | Value::Open(_) => node.value.clone(),
            Value::Sequence(items) => Value::Sequence(
                items
                    .iter()
                    .map(|item| self.node(item, depth + 1))
                    .collect(),
            ),
            Value::Mapping(entries) => Value::Mapping(
                entries
                    .iter()
                    .map(|entry| {
                        let around = self.in_sub;
                        self.in_sub |= entry.key.text == "Fn::Sub";
                        let value = self.node(&entry.value, depth + 1);
                        self.in_sub = around;
                        Entry {
                            key: entry.key.clone(),
                            value,
                        }
                    })
                    .collect(),
            ),
        };
        Node {
            span: node.span,
            value,
        }
    }

    /// Beyond the budget everything stays open, and one finding says so.
    pub(super) fn is_exhausted(&mut self, span: Span, depth: usize) -> bool {
        let over = self.nodes > MAX_NODES || self.bytes > MAX_BYTES || depth > MAX_DEPTH;
        if over && !self.exhausted {
            let mib = MAX_BYTES / (1024 * 1024);
            let message = format!(
                "variables take the manifest past a limit: {MAX_NODES} values, {mib} MiB of text, or references {MAX_DEPTH} deep. Use fewer"
            );
            self.found
                .push(Diagnostic::new(codes::TOO_LARGE, "", span, message));
        }
        self.exhausted |= over;
        over
    }

    fn scalar(&mut self, node: &Node, text: &str, depth: usize) -> Node {
        let parsed = if self.in_overlay {
            expression::parse_overlay(text)
        } else {
            expression::parse(text)
        };
        let parts = match parsed {
            Ok(parts) => parts,
            Err(Problem { message, help }) => {
                self.report(node.span, message, help);
                return open(node.span, text);
            }
        };
        if self.in_overlay && !self.in_sub {
            self.misspelt(text, node.span);
        }
        if matches!(parts.as_slice(), [Part::Text(same)] if same == text) {
            return node.clone();
        }
        if let [Part::Reference(reference)] = parts.as_slice() {
            return self.whole(reference, node.span, depth);
        }
        match self.text(&parts, node.span, depth) {
            Some(text) => Node {
                span: node.span,
                value: Value::Scalar { text, plain: false },
            },
            None => open(node.span, text),
        }
    }

    /// Outside `Fn::Sub`, `${evn:X}` in an overlay would stay as it is.
    fn misspelt(&mut self, text: &str, span: Span) {
        for (written, meant) in misspelt(text) {
            let message = format!("`${{{written}` names no source");
            let help = format!(
                "did you mean `${{{meant}`? To keep it as it is, write two dollars: `$${{{written}`"
            );
            self.report(span, message, help);
        }
    }

    /// A reference that is the whole value: it keeps the type of what it refers to.
    fn whole(&mut self, reference: &Reference, span: Span, depth: usize) -> Node {
        match self.reference(reference, span, depth) {
            Some((value, found)) => {
                self.origins.push(Origin {
                    span,
                    what: found.what,
                    whole: true,
                    target: found.target,
                });
                at(value, span)
            }
            None => open(span, &reference.text),
        }
    }

    /// Text with references in it. `None`: reported, or open.
    fn text(&mut self, parts: &[Part], span: Span, depth: usize) -> Option<String> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Reference(reference) => {
                    let (node, found) = self.reference(reference, span, depth)?;
                    if matches!(node.value, Value::Open(_)) {
                        return None;
                    }
                    let Value::Scalar { text: value, .. } = &node.value else {
                        let message = format!(
                            "`{}` is {}, and can't be within text",
                            reference.text,
                            node.kind()
                        );
                        self.report(span, message, "refer to a single value");
                        return None;
                    };
                    text.push_str(value);
                    self.bytes += value.len();
                    if self.is_exhausted(span, depth) {
                        return None;
                    }
                    self.origins.push(Origin {
                        span,
                        what: found.what,
                        whole: false,
                        target: found.target,
                    });
                }
            }
        }
        Some(text)
    }

    /// A reference's value; what has none is reported, or kept as open.
    pub(super) fn reference(
        &mut self,
        reference: &Reference,
        span: Span,
        depth: usize,
    ) -> Option<(Node, Found)> {
        let known = self.secrets.len();
        match self.alternatives(reference, span, depth) {
            Outcome::Value(node, found) => {
                // What `self` leads to is elsewhere, and is as secret here.
                let here = |secret: &Secret| Secret {
                    span,
                    text: secret.text.clone(),
                };
                let found_here: Vec<_> = self.secrets[known..].iter().map(here).collect();
                self.secrets.extend(found_here);
                Some((node, found))
            }
            Outcome::Open => {
                self.open.push(Open {
                    span,
                    reference: reference.text.clone(),
                });
                None
            }
            Outcome::Missing(Missing { what, near }) => {
                let message = format!("`{}` has no value: there is no {what}", reference.text);
                let inside = &reference.text[..reference.text.len() - 1];
                let help = if self.raw {
                    // A text can't be merged.
                    format!("write it, or another place behind a comma: `{inside}, self:x-base}}`")
                } else {
                    format!("give it a value, or a default after a comma: `{inside}, 'value'}}`")
                };
                let found = Diagnostic::new(codes::VARIABLE, "", span, message).help(help);
                self.found.push(match near {
                    Some(key) => found.related(key.span, format!("`{}` is here", key.text)),
                    None => found,
                });
                None
            }
            Outcome::Failed => None,
        }
    }

    fn alternatives(&mut self, reference: &Reference, span: Span, depth: usize) -> Outcome {
        let mut missing = Vec::new();
        for alternative in &reference.alternatives {
            match self.alternative(alternative, span, depth) {
                Outcome::Missing(one) => missing.push(one),
                outcome => return outcome,
            }
        }
        let what: Vec<&str> = missing.iter().map(|one| one.what.as_str()).collect();
        Outcome::Missing(Missing {
            what: what.join(" and no "),
            near: missing.into_iter().find_map(|one| one.near),
        })
    }

    fn alternative(&mut self, alternative: &Alternative, span: Span, depth: usize) -> Outcome {
        match alternative {
            Alternative::Literal(text) => {
                Outcome::Value(scalar(text, span), Found::new("a default"))
            }
            Alternative::Nested(reference) => self.alternatives(reference, span, depth),
            Alternative::Source {
                name,
                inner,
                argument,
            } => {
                let known = self.secrets.len();
                let raw = std::mem::replace(&mut self.raw, false);
                let argument = self.text(argument, span, depth);
                let inner = inner.as_ref().map(|inner| self.text(inner, span, depth));
                self.raw = raw;
                let (Some(argument), Some(inner)) =
                    (argument, inner.map_or(Some(None), |i| i.map(Some)))
                else {
                    return Outcome::Failed;
                };
                if self.secrets.len() > known {
                    self.found.push(exposed_name(span));
                    return Outcome::Failed;
                }
                self.source(name, inner.as_deref(), &argument, span, depth)
            }
        }
    }

    fn source(
        &mut self,
        name: &str,
        inner: Option<&str>,
        argument: &str,
        span: Span,
        depth: usize,
    ) -> Outcome {
        let given = |value: Option<String>, what: String| match value {
            Some(value) => Outcome::Value(scalar(&value, span), Found::new(format!("the {what}"))),
            None => Outcome::Missing(what.into()),
        };
        match (name, inner) {
            ("env", None) if CREDENTIALS.contains(&argument) => {
                let value = self.world.variable(argument);
                self.secrets.extend(value.iter().map(|text| Secret {
                    span,
                    text: text.clone(),
                }));
                given(value, format!("environment variable {argument}"))
            }
            ("env", None) => given(
                self.world.variable(argument),
                format!("environment variable {argument}"),
            ),
            ("opt", None) => given(
                self.world.option(argument),
                format!("option --opt {argument}=…"),
            ),
            ("frames", None) if argument == "env" => {
                Outcome::Value(scalar(self.env, span), Found::new("--env"))
            }
            ("frames", None) => {
                let message = format!("`frames` has no `{argument}`");
                self.report(span, message, "`${frames:env}` is the environment's name");
                Outcome::Failed
            }
            ("self", None) => self.own(argument, span, depth),
            ("file", Some(path)) => self.file(path, argument, span, depth),
            ("file", None) => {
                self.report(
                    span,
                    "`file` takes a path in parentheses".to_owned(),
                    "write `${file(./x.yml):a.b}`",
                );
                Outcome::Failed
            }
            ("cf" | "ssm" | "aws", None) => self.aws(name, None, argument, span),
            ("cf" | "ssm", Some(region)) => self.aws(name, Some(region.trim()), argument, span),
            (known, Some(inner)) if SOURCES.contains(&known) => {
                let message = format!("`{known}` takes nothing in parentheses");
                let help = if argument.is_empty() {
                    format!("write `${{{known}:{inner}}}`")
                } else {
                    format!("write `${{{known}:{argument}}}`")
                };
                self.report(span, message, help);
                Outcome::Failed
            }
            _ => {
                let help = did_you_mean(name, SOURCES.iter().copied())
                    .or_else(|| foreign(name))
                    .unwrap_or_else(|| format!("known: {}", SOURCES.join(", ")));
                self.report(
                    span,
                    format!("there is no source `{name}` for variables"),
                    help,
                );
                Outcome::Failed
            }
        }
    }

    fn aws(&mut self, name: &str, region: Option<&str>, argument: &str, span: Span) -> Outcome {
        let reference = match region {
            Some(region) => format!("{name}({region}):{argument}"),
            None => format!("{name}:{argument}"),
        };
        if let Some((message, help)) = malformed(name, region, argument) {
            self.report(span, message, help);
            return Outcome::Failed;
        }
        if name == "aws" && !AWS_VALUES.contains(&argument) {
            let message = format!("`aws` has no `{argument}`");
            self.report(
                span,
                message,
                "`${aws:accountId}` and `${aws:region}` are known",
            );
            return Outcome::Failed;
        }
        match self.world.aws(&reference) {
            AwsValue::Value(value) => Outcome::Value(
                scalar(&value, span),
                Found::new(format!("AWS, {reference}")),
            ),
            AwsValue::Secret(text) => {
                self.secrets.push(Secret {
                    span,
                    text: text.clone(),
                });
                Outcome::Value(
                    scalar(&text, span),
                    Found::new(format!("AWS, the SecureString {reference}")),
                )
            }
            AwsValue::Missing => Outcome::Missing(format!("`{reference}` in AWS").into()),
            AwsValue::Offline => Outcome::Open,
        }
    }

    pub(super) fn report(&mut self, span: Span, message: String, help: impl Into<String>) {
        self.found
            .push(Diagnostic::new(codes::VARIABLE, "", span, message).help(help));
    }
}

/// What is looked up is told to whoever is asked, and to whoever reads an error.
fn exposed_name(span: Span) -> Diagnostic {
    let message = "a secret value can't be the name of what a variable refers to";
    Diagnostic::new(codes::EXPOSED_SECRET, "", span, message)
        .help("write the name here, or store it in a parameter of type String")
}
