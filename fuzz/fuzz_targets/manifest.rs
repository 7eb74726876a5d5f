//! Any bytes as a frames.yml: findings or a plan, within bounds, never a panic.
#![no_main]

use frames_compiler::diagnostic::render;
use frames_compiler::{Environment, Source, Target, compile};
use libfuzzer_sys::fuzz_target;

struct World;

impl Environment for World {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "x" => Ok(b"a: {b: [1, '${env:A}']}".to_vec()),
            _ => Err("there is no such file".to_owned()),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "A").then(|| "us-east-1_x".to_owned())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let source = match Source::from_bytes("frames.yml", bytes) {
        Ok(source) => source,
        Err(unreadable) => unreadable.source,
    };
    let compiled = compile(&source, Target { env: "prod", chosen: true, allow_unsafe_overlay: false }, &World);
    for diagnostic in &compiled.diagnostics {
        assert!(source.text().get(diagnostic.span.range()).is_some());
    }
    render::human(&source, &compiled.diagnostics);
    render::json(&source, &compiled.diagnostics);
});
