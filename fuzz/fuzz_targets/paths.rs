//! Any bytes as a path.
#![no_main]

#[path = "../../functions/edge/tests/targets/mod.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::paths(bytes));
