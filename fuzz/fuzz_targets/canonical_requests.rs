//! Any bytes as a request to be signed.
#![no_main]

#[path = "../../functions/signer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::canonical_requests(bytes));
