//! Any bytes as a token.
#![no_main]

#[path = "../../functions/authorizer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::tokens(bytes));
