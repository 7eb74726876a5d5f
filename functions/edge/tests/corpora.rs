//! The fuzz target's corpus as an ordinary test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/corpus.rs"]
mod corpus;
mod targets;

#[test]
fn paths() {
    corpus::replay("paths", 200_000, targets::paths);
}
