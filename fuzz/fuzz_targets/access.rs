//! Any bytes as a table of access, and as what is asked of it.
#![no_main]

#[path = "../../functions/authorizer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::access(bytes));
