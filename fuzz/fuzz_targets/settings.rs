//! Any bytes as the settings that `frames init --from` reads: a manifest without errors, or why not.
#![no_main]

#[path = "../../tests/corpora/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::settings(bytes);
});
