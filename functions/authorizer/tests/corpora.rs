//! The fuzz targets' corpora as ordinary tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../edge/tests/support/corpus.rs"]
mod corpus;
mod targets;

#[test]
fn events() {
    corpus::replay("events", 10_000, targets::events);
}

#[test]
fn tokens() {
    corpus::replay("tokens", 2_000, targets::tokens);
}

#[test]
fn key_sets() {
    corpus::replay("key_sets", 10_000, targets::key_sets);
}

#[test]
fn access() {
    corpus::replay("access", 2_000, targets::access);
}
