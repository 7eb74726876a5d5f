//! README.md: two minutes of a stranger's time, and nothing in it that isn't so.

use crate::support::frames::Project;
use crate::support::{read, root};
use std::process::Command;

/// The code blocks of a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("\n```{language}\n");
    page.split(opening.as_str())
        .skip(1)
        .map(|rest| rest.split_once("```").expect("an end").0)
        .collect()
}

/// README's example.
pub fn manifest() -> String {
    let readme = read("README.md");
    let [manifest] = blocks(&readme, "yaml")[..] else {
        panic!("README.md has one manifest");
    };
    manifest.to_owned()
}

#[test]
fn it_takes_two_minutes() {
    let bytes = read("README.md").len();
    assert!(bytes <= 7_168, "README.md has {bytes} bytes");
}

#[test]
fn its_manifest_is_eight_lines_without_a_finding() {
    let manifest = manifest();
    assert_eq!(manifest.lines().count(), 8);
    let run = Project::new(&manifest).frames(&["validate", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["diagnostics"], serde_json::json!([]), "{answer:#}");
}

/// What README says of the eight lines.
#[test]
fn its_manifest_brings_what_is_said() {
    let project = Project::new(&manifest());
    project.package();
    let templates: Vec<serde_json::Value> = std::fs::read_dir(project.output(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(".template.json"))
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect();
    let of_type = |kind: &str| -> Vec<&serde_json::Value> {
        let resources = templates
            .iter()
            .flat_map(|stack| stack["Resources"].as_object().unwrap());
        let typed = resources.filter(|(_, resource)| resource["Type"] == kind);
        typed.map(|(_, resource)| resource).collect()
    };
    for (kind, count) in [
        ("AWS::WAFv2::WebACL", 1),
        ("AWS::CertificateManager::Certificate", 1),
        ("AWS::IAM::Role", 2),
    ] {
        assert_eq!(of_type(kind).len(), count, "{kind}");
    }
    assert!(!of_type("AWS::Route53::RecordSet").is_empty());
    let [bucket] = of_type("AWS::S3::Bucket")[..] else {
        panic!("one bucket, for the access logs");
    };
    let encryption = bucket["Properties"]["BucketEncryption"].to_string();
    assert!(encryption.contains("aws:kms"), "{encryption}");
    let read: Vec<String> = of_type("AWS::IAM::ManagedPolicy")
        .iter()
        .map(|policy| policy["Properties"]["PolicyDocument"].to_string())
        .filter(|policy| policy.contains("medical-imaging:"))
        .collect();
    let [read] = &read[..] else {
        panic!("one policy reads images: {read:?}");
    };
    assert!(
        read.contains("datastore/12345678901234567890123456789012"),
        "{read}"
    );
    assert!(!read.contains("datastore/*"), "{read}");
}

/// As cargo itself lists them: `dev` is an alias of this repository's.
#[test]
fn its_two_commands_are_cargos() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## Two commands\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = blocks(section, "sh").concat();
    let commands: Vec<&str> = blocks.lines().collect();
    assert_eq!(commands, ["cargo dev", "cargo test"]);
    let output = Command::new(env!("CARGO"))
        .arg("--list")
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    for command in commands {
        let name = command.strip_prefix("cargo ").unwrap();
        assert!(
            listed
                .lines()
                .any(|line| line.split_whitespace().next() == Some(name)),
            "cargo has no `{name}` here:\n{listed}"
        );
    }
}

/// `tests/packages.rs` runs them.
#[test]
fn it_installs_a_release_by_two_ways() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## Installing\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let lines = [
        "pip install OUT/frames_cli-*.whl",
        "sh install.sh --from OUT",
    ];
    assert_eq!(
        blocks(section, "sh").concat().lines().collect::<Vec<_>>(),
        lines
    );
    // Where they come from, the page on releases says the same.
    let releasing = read("docs/releasing.md");
    for line in lines.into_iter().chain(["bash release/build OUT"]) {
        assert!(releasing.contains(&format!("\n{line}\n")), "{line}");
    }
}

/// What no account was there to try has to be said where a reader sees it.
#[test]
fn what_is_not_known_comes_before_everything_else() {
    let readme = read("README.md");
    let (introduction, _) = readme.split_once("\n## ").unwrap();
    for said in ["never run on AWS", "not tried", "docs/not-tried.md"] {
        assert!(introduction.contains(said), "{said}");
    }
}
