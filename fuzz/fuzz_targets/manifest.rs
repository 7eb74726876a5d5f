//! Any bytes as a frames.yml: findings or a plan, within bounds, never a panic.
#![no_main]

use frames_compiler::render;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = match Source::from_bytes("frames.yml", bytes) {
        Ok(source) => source,
        Err(unreadable) => unreadable.source,
    };
    let world = Fixed::empty()
        .file("x", "a: {b: [1, '${env:A}']}")
        .variable("A", "us-east-1_x");
    let compiled = compile(&source, Target { env: "prod", chosen: true, allow_unsafe_overlay: false }, &world);
    for diagnostic in &compiled.diagnostics {
        assert!(source.text().get(diagnostic.span.range()).is_some());
    }
    render::human(&source, &compiled.diagnostics);
    render::json(&source, &compiled.diagnostics);
});
