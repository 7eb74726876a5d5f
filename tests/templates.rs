//! The stacks, read by cfn-lint against AWS's own resource schemas: it finds nothing.

use crate::support::frames::{Project, Run};
use crate::support::manifests::generated;
use crate::support::peers::peers;
use crate::support::{read, root};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

fn cfn_lint(templates: &[PathBuf]) -> Run {
    assert!(!templates.is_empty());
    Run::of(Command::new(peers().program("cfn-lint")).args(templates))
}

fn nothing_found(templates: &[PathBuf]) {
    let run = cfn_lint(templates);
    let output = format!("{}{}", run.stdout, run.stderr);
    assert_eq!((run.code, output.trim()), (0, ""));
}

#[test]
fn the_golden_stacks_have_no_findings() {
    let golden = std::fs::read_dir(root().join("tests/golden")).unwrap();
    let templates: Vec<PathBuf> = golden
        .flat_map(|case| std::fs::read_dir(case.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".template.json"))
        .collect();
    assert!(templates.len() >= 10, "{templates:?}");
    nothing_found(&templates);
}

#[test]
fn two_hundred_generated_stacks_have_no_findings() {
    let project = Project::empty();
    let manifests = generated(200);
    let paths: Vec<PathBuf> = manifests
        .iter()
        .flat_map(|manifest| manifest.write(project.path()))
        .collect();
    let with = |stage: &str| {
        let templates = manifests.iter().flat_map(|manifest| &manifest.templates);
        templates.filter(|template| template.stage == stage).count()
    };
    let (elsewhere, reads) = (with("logs"), with("reads"));
    assert!(elsewhere > 20 && reads > 20, "{elsewhere} {reads}");
    assert_eq!(paths.len(), 400 + elsewhere + reads);
    nothing_found(&distinct(paths));
}

/// Manifests that differ in one stage have the other in common.
fn distinct(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let fresh = |path: &PathBuf| seen.insert(std::fs::read(path).unwrap());
    paths.into_iter().filter(fresh).collect()
}

#[test]
fn what_package_writes_has_no_findings() {
    let project = Project::example();
    project.package();
    nothing_found(&[
        project.output("lambda-edge.template.json"),
        project.output("cdn.template.json"),
    ]);
}

/// Or the tests above would say nothing.
#[test]
fn a_broken_stack_has_findings() {
    let project = Project::empty();
    let good = read("tests/golden/example/lambda-edge.template.json");
    for (what, from, to) in [
        ("an unknown property", "\"MemorySize\"", "\"MemorySise\""),
        ("an unknown runtime", "\"python3.", "\"python2."),
        (
            "a reference to nothing",
            "ArtifactBucket\"",
            "ArtifactPail\"",
        ),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{what}");
        project.write("broken.template.json", broken);
        let run = cfn_lint(&[project.path().join("broken.template.json")]);
        assert_ne!(run.code, 0, "{what}: {run:#?}");
        assert!(run.stdout.contains("broken.template.json"), "{run:#?}");
    }
}
