//! The fuzz target's corpus as an ordinary test.

#[path = "../../../functions/edge/tests/support/corpus.rs"]
mod corpus;
mod support;
mod targets;

use frames_compiler::package::Package;
use frames_compiler::plan::Artifact;
use frames_compiler::record::{About, Record};
use frames_compiler::secrets::Masks;
use frames_compiler::template::PlanFile;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, compile, template};
use serde_json::{Map, Value, json};
use std::path::Path;
use support::DEV;

/// Records as they are made. Mutations of what no longer opens would try nothing.
const MADE: [(&str, &str); 3] = [
    (
        "tokens",
        "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a}\n",
    ),
    (
        "open",
        "auth: {mode: none}\nlogs: {access: {enabled: false}}\ndelivery: {webAcl: none}\ndeploy: {region: eu-west-1, tags: {team: a}}\n",
    ),
    (
        "reads",
        "auth: {mode: none}\nhealthImaging: {region: us-west-2}\ndelivery: {cachedReads: true, dicomweb: true}\n",
    ),
];

fn made(manifest: &str) -> String {
    let manifest = format!("service: x\n{manifest}");
    let compiled = compile(&Source::new("frames.yml", manifest), DEV, &Fixed::empty());
    let plan = compiled.plan.unwrap();
    let artifacts = plan.functions().map(|function| Artifact {
        function: function.name.to_owned(),
        sha256: "a".repeat(64),
        bytes: 1,
    });
    let artifacts: Vec<Artifact> = artifacts.collect();
    let templates = template::render(&plan, &artifacts).unwrap();
    let plan_json = serde_json::to_string(&PlanFile::new(&plan, &artifacts, &templates)).unwrap();
    let package = Package {
        zips: vec![],
        templates,
        plan_json,
    };
    let about = About {
        time: "2026-11-28T23:12:05.123Z",
        who: "arn:aws:iam::111122223333:user/deployer",
        account: targets::ACCOUNT,
        version: "0.1.0",
        commit: None,
        only: None,
        masks: &Masks::default(),
    };
    let record = Record::new(&plan, &package, &about).unwrap();
    let templates = package.templates.into_iter();
    let templates: Map<String, Value> = templates
        .map(|template| (template.stage.to_owned(), template.value))
        .collect();
    format!("{}\n", json!({"record": record, "templates": templates}))
}

/// With `FRAMES_BLESS=1` they are made anew.
fn check_made() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/records");
    for (name, manifest) in MADE {
        let path = corpus.join(name);
        if std::env::var_os("FRAMES_BLESS").is_some() {
            std::fs::write(&path, made(manifest)).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            targets::records(&bytes),
            "{} doesn't open any more: FRAMES_BLESS=1 makes it anew",
            path.display()
        );
        // One of today does, too.
        assert!(targets::records(made(manifest).as_bytes()), "{name}");
    }
}

#[test]
fn records() {
    check_made();
    let opened = std::cell::Cell::new(0);
    corpus::replay("records", 600, |bytes| {
        opened.set(opened.get() + usize::from(targets::records(bytes)));
    });
    // Not all that is changed breaks it: descriptions, times, tags.
    assert!(opened.get() > MADE.len(), "{}", opened.get());
}
