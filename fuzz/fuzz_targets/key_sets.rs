//! Any bytes as a key set.
#![no_main]

#[path = "../../functions/authorizer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::key_sets(bytes));
