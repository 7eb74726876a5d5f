//! Any bytes as an event, for both functions.
#![no_main]

#[path = "../../functions/authorizer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod authorizer;
#[path = "../../functions/signer/tests/targets/mod.rs"]
#[allow(dead_code)]
mod signer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    authorizer::events(bytes);
    signer::events(bytes);
});
