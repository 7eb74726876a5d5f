//! The corpus of the fuzz target `settings` as an ordinary test.

#[path = "../functions/edge/tests/support/corpus.rs"]
mod corpus;
mod targets;

use crate::support::read;

#[test]
fn settings() {
    let written = std::cell::Cell::new(0);
    corpus::replay("settings", 500, |bytes| {
        written.set(written.get() + usize::from(targets::settings(bytes)));
    });
    // Many changes leave the settings readable.
    assert!(written.get() > 20, "{}", written.get());
}

/// The corpus begins with the settings that other tests take over value for value.
#[test]
fn the_samples_are_in_the_corpus() {
    for name in ["sample", "sample-cognito", "successor"] {
        let seed = read(&format!("fuzz/corpus/settings/{name}"));
        assert_eq!(seed, read(&format!("tests/samples/{name}.ts")));
        assert!(targets::settings(seed.as_bytes()), "{name}");
    }
}
