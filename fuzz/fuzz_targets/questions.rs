//! Any bytes as a function URL's event, and as the head of HealthImaging's answer.
#![no_main]

#[path = "../../functions/reader/tests/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::questions(bytes);
    targets::heads(bytes);
});
