//! The fuzz targets' corpora as ordinary tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../edge/tests/support/corpus.rs"]
mod corpus;
mod targets;

#[test]
fn canonical_requests() {
    corpus::replay("canonical_requests", 20_000, targets::canonical_requests);
}

#[test]
fn events() {
    corpus::replay("events", 10_000, targets::events);
}
