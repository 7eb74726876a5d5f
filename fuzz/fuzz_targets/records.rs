//! Any bytes as a record of a deployment with its templates: one of this delivery, or why it is none.
#![no_main]

#[path = "../../compiler/core/tests/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::records(bytes);
});
