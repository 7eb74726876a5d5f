//! What `frames print` writes is a manifest: of the same stacks.

mod support;

use frames_compiler::plan::Artifact;
use frames_compiler::world::Fixed;
use frames_compiler::{Compiled, Diagnostic, Source, compile, manifest, template};
use std::path::Path;
use support::DEV;

fn compiled(text: &str) -> Compiled {
    let keys = include_bytes!("../../../tests/manifests/jwks.json");
    let beside = Fixed::empty().file("./jwks.json", keys);
    compile(&Source::new("frames.yml", text), DEV, &beside)
}

fn templates(compiled: &Compiled) -> Vec<String> {
    let plan = compiled.plan.as_ref().unwrap();
    let artifacts: Vec<Artifact> = plan
        .functions()
        .map(|function| Artifact {
            function: function.name.to_owned(),
            sha256: "5".repeat(64),
            bytes: 400_000,
        })
        .collect();
    let templates = template::render(plan, &artifacts).unwrap();
    templates
        .into_iter()
        .map(|template| template.text)
        .collect()
}

#[test]
fn a_printed_manifest_compiles_to_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = std::fs::read_dir(root.join("tests/manifests")).unwrap();
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.push(root.join("frames.yml"));
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
    assert!(paths.len() > 5);
    for path in paths {
        let name = path.display();
        let first = compiled(&std::fs::read_to_string(&path).unwrap());
        let printed = manifest::complete(first.resolved.as_ref().unwrap()).to_yaml();
        let second = compiled(&printed);
        let errors: Vec<_> = second
            .diagnostics
            .iter()
            .filter(|d| Diagnostic::is_error(d))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}\n{printed}");
        assert!(templates(&first) == templates(&second), "{name}\n{printed}");
        let again = manifest::complete(second.resolved.as_ref().unwrap()).to_yaml();
        assert_eq!(printed, again, "{name}");
    }
}
