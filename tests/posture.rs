//! What a security review looks at first: checkov, and cdk-nag's AwsSolutions
//! and HIPAASecurity packs, over the stacks of every manifest. They find nothing
//! but what a manifest gives up by a line of its own. What is switched off in a
//! resource's `Metadata` would be found otherwise, and is in docs/security.md.

use crate::support::frames::{Project, Run};
use crate::support::manifests::{Compiled, generated, written};
use crate::support::peers::{checkov, node_modules};
use crate::support::{read, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A template's file, a rule and a resource's logical id.
type Findings = BTreeSet<(String, String, String)>;

/// Which manifests, the rule, the stage, the resource.
type GivenUp = (fn(&str) -> bool, &'static str, &'static str, &'static str);

struct Checker {
    /// Where it looks in a resource's `Metadata`.
    section: &'static str,
    list: &'static str,
    run: fn(&Path) -> Findings,
    /// What a manifest gives up by a line of its own.
    given_up: &'static [GivenUp],
}

const CHECKOV: Checker = Checker {
    section: "checkov",
    list: "skip",
    run: run_checkov,
    given_up: &[
        (no_access_logs, "CKV_AWS_86", "cdn", "Distribution"),
        (no_web_acl, "CKV_AWS_68", "cdn", "Distribution"),
        (wildcard, "CKV2_AWS_71", "lambda-edge", "Certificate"),
    ],
};

const CDK_NAG: Checker = Checker {
    section: "cdk_nag",
    list: "rules_to_suppress",
    run: run_cdk_nag,
    given_up: &[
        (no_access_logs, "AwsSolutions-CFR3", "cdn", "Distribution"),
        (no_web_acl, "AwsSolutions-CFR2", "cdn", "Distribution"),
    ],
};

fn no_access_logs(manifest: &str) -> bool {
    manifest.contains("access: {enabled: false")
}

fn no_web_acl(manifest: &str) -> bool {
    manifest.contains("webAcl: none")
}

/// In a certificate that the stacks make.
fn wildcard(manifest: &str) -> bool {
    manifest.contains("cnames: ['*.") && !manifest.contains("certificateArn:")
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn run_checkov(directory: &Path) -> Findings {
    let run = Run::of(
        Command::new(checkov())
            .args(["--framework", "cloudformation", "--skip-download"])
            .args(["--compact", "--quiet", "--output", "json", "--directory"])
            .arg(directory),
    );
    assert!([0, 1].contains(&run.code), "{run:#?}");
    let report: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"));
    assert_eq!(report["summary"]["parsing_errors"], 0, "{run:#?}");
    assert!(report["summary"]["passed"].as_u64() > Some(0), "{run:#?}");
    let failed = report["results"]["failed_checks"].as_array().unwrap();
    failed
        .iter()
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap().to_owned();
            let resource = text("resource");
            let resource = resource.rsplit('.').next().unwrap().to_owned();
            (file_name(&text("file_path")), text("check_id"), resource)
        })
        .collect()
}

fn run_cdk_nag(directory: &Path) -> Findings {
    let modules = node_modules();
    let files = fs::read_dir(directory).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let mut node = Command::new("node")
        .arg(root().join("tests/peers/nag.mjs"))
        .current_dir(modules.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let list = serde_json::to_vec(&files).unwrap();
    node.stdin.take().unwrap().write_all(&list).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    found
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            (file_name(&text("file")), text("rule"), text("resource"))
        })
        .collect()
}

impl Checker {
    /// What is switched off in a template.
    fn waived(&self, file: &str, template: &Value) -> Findings {
        let resources = template["Resources"].as_object().unwrap().iter();
        resources
            .flat_map(|(id, resource)| {
                let list = &resource["Metadata"][self.section][self.list];
                let rules = list.as_array().into_iter().flatten();
                rules
                    .map(|rule| rule["id"].as_str().unwrap().to_owned())
                    .map(|rule| (file.to_owned(), rule, id.clone()))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// What the manifest itself gives up isn't hidden. Some ids end in a hash.
    fn given_up(&self, manifest: &Compiled, file: &str, template: &Value) -> Findings {
        let resources = template["Resources"].as_object().unwrap();
        let id = |begin: &str| resources.keys().find(|id| id.starts_with(begin)).unwrap();
        let rows = self.given_up.iter();
        rows.filter(|(holds, _, stage, _)| {
            holds(&manifest.text) && file.contains(&format!(".{stage}."))
        })
        .map(|(_, rule, _, begin)| (file.to_owned(), (*rule).to_owned(), id(begin).clone()))
        .collect()
    }

    fn hold(&self) {
        let project = Project::empty();
        let manifests: Vec<Compiled> = written().into_iter().chain(generated(12)).collect();
        let mut expected = Findings::new();
        for manifest in &manifests {
            for path in manifest.write(project.path()) {
                let file = file_name(&path.to_string_lossy());
                let mut template: Value =
                    serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                let bare = format!("bare-{file}");
                expected.extend(self.given_up(manifest, &file, &template));
                // Without its Metadata a template has just the findings that are switched off.
                expected.extend(self.given_up(manifest, &bare, &template));
                expected.extend(self.waived(&bare, &template));
                for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
                    resource.as_object_mut().unwrap().remove("Metadata");
                }
                fs::write(project.path().join(bare), template.to_string()).unwrap();
            }
        }
        assert!(expected.len() > 100);
        let found = (self.run)(project.path());
        let more: Vec<_> = found.difference(&expected).collect();
        let less: Vec<_> = expected.difference(&found).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "found and not expected: {more:#?}\nexpected and not found: {less:#?}"
        );
    }
}

#[test]
fn checkov_finds_nothing() {
    CHECKOV.hold();
}

#[test]
fn cdk_nag_finds_nothing() {
    CDK_NAG.hold();
}

/// The rules of the docs' table are those that are switched off in some stack,
/// each with its reason and the resources that it is for.
#[test]
fn what_is_switched_off_is_in_the_docs() {
    let mut actual = BTreeSet::new();
    for manifest in written() {
        for template in &manifest.templates {
            let template: Value = serde_json::from_str(&template.text).unwrap();
            for (id, resource) in template["Resources"].as_object().unwrap() {
                for (section, list, why) in [
                    ("checkov", "skip", "comment"),
                    ("cdk_nag", "rules_to_suppress", "reason"),
                ] {
                    let rules = &resource["Metadata"][section][list];
                    for rule in rules.as_array().into_iter().flatten() {
                        let name = rule["id"].as_str().unwrap();
                        let name = name.split('[').next().unwrap();
                        // A policy's number, and the hash of a Region.
                        let id = match id.split_once("Policy") {
                            Some((of, rest)) if rest.bytes().all(|b| b.is_ascii_hexdigit()) => {
                                format!("{of}Policy")
                            }
                            _ => id.clone(),
                        };
                        let reason = rule[why].as_str().unwrap();
                        actual.insert([id, name.to_owned(), reason.to_owned()]);
                    }
                }
            }
        }
    }
    let page = read("docs/security.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect::<Vec<_>>())
        .filter(|row| row.len() == 3 && row[0].contains('`'));
    let words = |cell: &str| -> Vec<String> {
        cell.split(", ")
            .map(|word| word.trim_matches('`').to_owned())
            .collect()
    };
    let mut documented = BTreeSet::new();
    for row in rows {
        for id in words(row[0]) {
            for rule in words(row[1]) {
                documented.insert([id.clone(), rule, row[2].trim_end_matches('.').to_owned()]);
            }
        }
    }
    assert_eq!(documented, actual);
}
