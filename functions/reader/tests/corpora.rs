//! The fuzz target's corpus as ordinary tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../edge/tests/support/corpus.rs"]
mod corpus;
mod targets;

#[test]
fn questions() {
    corpus::replay("questions", 20_000, |bytes| {
        targets::questions(bytes);
        targets::heads(bytes);
    });
}
