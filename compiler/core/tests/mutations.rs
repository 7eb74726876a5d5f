//! One-character edits of whole manifests: each leaves a valid manifest, or gets
//! findings where the edit is.
//!
//! "Where" is: on the edited line; or in the block that the edit broke, from its key
//! to the first line behind it; or elsewhere with a label that leads back to the
//! edited line (an unclosed bracket that is noticed later); or on a key that an
//! edited one decides about.

use frames_compiler::syntax::{self, Node, Value};
use frames_compiler::world::Fixed;
use frames_compiler::{Diagnostic, Source, Target, compile};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};

/// One key set beside the manifest.
fn beside() -> Fixed {
    Fixed::empty().file(
        "./jwks.json",
        include_bytes!("../../../tests/manifests/jwks.json"),
    )
}

const FULL: &str = include_str!("../../../frames.yml");

/// Other keys and other ways to write.
const OTHERS: &[&str] = &[
    include_str!("../../../tests/manifests/full.yml"),
    include_str!("../../../tests/manifests/oidc.yml"),
    include_str!("../../../tests/manifests/jwks-file.yml"),
    include_str!("../../../tests/manifests/overlay.yml"),
    include_str!("../../../tests/manifests/other-way.yml"),
    VARIED,
];

const VARIED: &str = r#"---
# Quotes, blocks, anchors, merge keys, variables, environments.
"service": 'varied'
x-defaults: &defaults
  tags: {team: 'it: imaging', "cost center": 007}
  terminationProtection: false

x-pool: us-east-1_AbCdEfGhI
auth:
    mode: cognito
    userPoolId: ${self:x-pool}
    scopes:
    - "frames/read"
    - 'frames/list'
    groups: [
      radiology,   # a remark
      "café ☕",
    ]
iam:
  allow:
    -
      datastore: "12345678901234567890123456789012"
    - datastore: 012345678901234567890123456789ab
      imageSets:
        - aaaabbbbccccddddeeeeffff00001111
deploy:
  <<: *defaults
  region: ${opt:region, 'us-east-1'}

environments:
  dev: {}
  prod:
    deploy: {terminationProtection: true}
    logs:
      functions: {level: error}
resources:
  cdn:
    Outputs:
      Team:
        Description: >-
          Who answers
          for it.
        Value: 'it''s imaging'
"#;

#[derive(Debug, Clone, Copy)]
enum Edit {
    Delete,
    Insert(char),
    Replace(char),
}

/// The text after an edit of the character at a byte.
fn edited(text: &str, at: usize, edit: Edit) -> String {
    let (before, rest) = text.split_at(at);
    let behind = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
    match edit {
        Edit::Delete => format!("{before}{behind}"),
        Edit::Insert(new) => format!("{before}{new}{rest}"),
        Edit::Replace(new) => format!("{before}{new}{behind}"),
    }
}

type Lines = RangeInclusive<usize>;

/// A manifest, what is found in it as it is, and its blocks.
struct Original {
    text: &'static str,
    usual: BTreeSet<(&'static str, String)>,
    blocks: Vec<Lines>,
}

impl Original {
    fn new(text: &'static str) -> Self {
        let source = Source::new("frames.yml", text);
        let compiled = compile(&source, DEV, &beside());
        assert!(compiled.plan.is_some(), "{:#?}", compiled.diagnostics);
        let usual = compiled.diagnostics.into_iter();
        let mut blocks = Vec::new();
        blocks_of(&syntax::parse(&source).0.unwrap(), &source, &mut blocks);
        Self {
            text,
            usual: usual.map(|d| (d.code.name, d.path)).collect(),
            blocks,
        }
    }

    /// The findings far away from an edit.
    fn astray(&self, at: usize, edit: Edit) -> Vec<String> {
        let text = edited(self.text, at, edit);
        let source = Source::new("frames.yml", text.as_str());
        let found = compile(&source, DEV, &beside()).diagnostics;
        let line = source.position(at).line;
        let newline = |c: char| matches!(c, '\n' | '\r');
        let parted = matches!(edit, Edit::Insert(c) | Edit::Replace(c) if newline(c));
        let joined = self.text[at..].starts_with(newline);
        let here = line..=line + usize::from(parted || joined);
        let mut allowed = self.blocks_around(line, usize::from(parted));
        if joined {
            allowed.extend(self.blocks_around(line + 1, 0));
        }
        allowed.push(here);
        let mut astray = Vec::new();
        for finding in &found {
            let usual = (finding.code.name, finding.path.clone());
            if self.usual.contains(&usual) && !finding.is_error() {
                continue;
            }
            let spans = [finding.span].into_iter();
            let mut lines = spans
                .chain(finding.related.iter().map(|(span, _)| *span))
                .map(|span| source.position(span.start).line..=source.position(span.end).line);
            let near = lines.any(|lines| allowed.iter().any(|allowed| meet(&lines, allowed)));
            if !near && !names_an_absent_block(finding, &source) {
                let place = source.position(finding.span.start);
                astray.push(format!(
                    "{edit:?} in line {line} {:?}: {} in line {}: {} ({})",
                    text.lines().nth(line - 1).unwrap_or_default(),
                    finding.code.name,
                    place.line,
                    finding.message,
                    finding.path,
                ));
            }
        }
        astray
    }

    /// The innermost block of several lines in which a line stands, and the one that
    /// it begins: from their keys to the first lines behind them.
    fn blocks_around(&self, line: usize, more: usize) -> Vec<Lines> {
        let innermost = |within: &dyn Fn(&Lines) -> bool| {
            let around = self.blocks.iter().filter(|block| within(block));
            around.min_by_key(|block| block.end() - block.start())
        };
        let around = innermost(&|block| block.contains(&line) && *block.start() < line);
        let own = innermost(&|block| *block.start() == line);
        [around, own]
            .into_iter()
            .flatten()
            .map(|block| *block.start()..=block.end() + more)
            .collect()
    }
}

fn meet(a: &Lines, b: &Lines) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}

/// What the whole manifest lacks stands at its first key: there is no better place.
fn names_an_absent_block(finding: &Diagnostic, source: &Source) -> bool {
    let block = finding.path.split('.').next().unwrap_or_default();
    let root = syntax::parse(source).0.map(|node| node.value);
    matches!(root, Some(Value::Mapping(entries)) if entries.iter().all(|e| e.key.text != block))
        && ["missing-key", "iam-unrestricted", "default-certificate"].contains(&finding.code.name)
}

fn blocks_of(node: &Node, source: &Source, blocks: &mut Vec<Lines>) {
    let line = |byte| source.position(byte).line;
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let (first, last) = (line(entry.key.span.start), line(entry.value.span.end));
                if first < last {
                    blocks.push(first..=last + 1);
                }
                blocks_of(&entry.value, source, blocks);
            }
        }
        Value::Sequence(items) => items
            .iter()
            .for_each(|item| blocks_of(item, source, blocks)),
        _ => {}
    }
}

/// Repeatable, and spread well enough.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn edit(&mut self, text: &str) -> (usize, Edit) {
        const NEW: &[char] = &[
            'a', 'e', 's', 'X', '0', '7', '-', '_', '.', '/', ' ', '\t', '\n', '\r', ':', ',', '[',
            ']', '{', '}', '\'', '"', '#', '&', '*', '!', '|', '>', '%', '@', '`', '?', '$', '\\',
            '~', '=', '<', 'é', '😀', '\u{0}', '\u{7f}', '\u{85}', '\u{2028}', '\u{feff}',
        ];
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = places[self.below(places.len())];
        let new = NEW[self.below(NEW.len())];
        let edit = [Edit::Delete, Edit::Insert(new), Edit::Replace(new)][self.below(3)];
        (at, edit)
    }
}

/// More with `FRAMES_EDITS`.
fn edits() -> usize {
    let given = std::env::var("FRAMES_EDITS").ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(200)
}

fn seed() -> u64 {
    let given = std::env::var("FRAMES_SEED").ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(2026)
}

/// No edit of a text gets a finding far away.
fn hold(text: &'static str) {
    let astray = astray(text);
    let some: Vec<&str> = astray.iter().take(30).map(String::as_str).collect();
    assert!(
        astray.is_empty(),
        "{} of them:\n{}",
        astray.len(),
        some.join("\n")
    );
}

fn astray(text: &'static str) -> Vec<String> {
    let original = Original::new(text);
    let mut dice = Dice(seed());
    let edits = (0..edits()).map(|_| dice.edit(text));
    edits
        .flat_map(|(at, edit)| original.astray(at, edit))
        .collect()
}

#[test]
fn an_edit_of_the_full_example_stays_valid_or_is_found_where_it_is() {
    hold(FULL);
}

#[test]
fn so_is_an_edit_of_other_ways_to_write() {
    OTHERS.iter().for_each(|text| hold(text));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn so_is_any_edit_of_the_full_example(at in 0..FULL.len(), which in 0usize..3, new in any::<char>()) {
        prop_assume!(FULL.is_char_boundary(at));
        let edit = [Edit::Delete, Edit::Insert(new), Edit::Replace(new)][which];
        prop_assert_eq!(Original::new(FULL).astray(at, edit), Vec::<String>::new());
    }
}
