//! What of a mapping is well formed, by key: what the walk leaves for the manifest.

use super::{Spanned, Text};
use crate::span::Span;
use crate::syntax::Node;
use std::collections::BTreeMap;

/// A mapping's well-formed values.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) values: BTreeMap<&'static str, Valid>,
    pub keys: Keys,
    /// The key that opens the block: where to point at for what it lacks.
    pub span: Span,
}

/// The known keys of a mapping, well formed or not.
#[derive(Debug, Default)]
pub struct Keys {
    pub written: Vec<Text>,
    /// Those that a misspelt key stands for. They have a finding: nobody misses them.
    pub(super) meant: Vec<&'static str>,
}

impl Keys {
    pub fn find(&self, key: &str) -> Option<&Text> {
        self.written.iter().find(|written| written.value == key)
    }

    /// Written, or meant.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some() || self.meant.contains(&key)
    }
}

#[derive(Debug)]
pub(super) enum Valid {
    Text(Text),
    Flag(Spanned<bool>),
    Seconds(Spanned<u64>),
    Map(Vec<(Text, Text)>),
    List(Vec<Valid>),
    Block(Block),
    Free(Node),
}

impl Block {
    pub(super) fn text(&mut self, key: &str) -> Option<Text> {
        self.values.remove(key).and_then(Valid::text)
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<Spanned<bool>> {
        match self.values.remove(key)? {
            Valid::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(super) fn seconds(&mut self, key: &str) -> Option<Spanned<u64>> {
        match self.values.remove(key)? {
            Valid::Seconds(seconds) => Some(seconds),
            _ => None,
        }
    }

    pub(super) fn map(&mut self, key: &str) -> Option<Vec<(Text, Text)>> {
        match self.values.remove(key)? {
            Valid::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<Text>> {
        Some(
            self.list(key)?
                .into_iter()
                .filter_map(Valid::text)
                .collect(),
        )
    }

    pub(super) fn node(&mut self, key: &str) -> Option<Node> {
        match self.values.remove(key)? {
            Valid::Free(node) => Some(node),
            _ => None,
        }
    }

    pub(super) fn block(&mut self, key: &str) -> Option<Block> {
        self.values.remove(key).and_then(Valid::block)
    }

    pub(super) fn blocks(&mut self, key: &str) -> Option<Vec<Block>> {
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
