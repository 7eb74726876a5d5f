//! Every manifest's policy against what AWS says of itself: its resource provider
//! schemas, which name the permissions of each type's handlers, and its service
//! authorization reference, which names the ARNs that an action applies to. Both
//! as cfn-lint carries them.

mod exceptions;

use crate::support::peers::peers;
use crate::support::root;
use exceptions::EXCEPTIONS;
use frames_compiler::policy::HANDLERS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

/// Services' actions in IAM that its reference doesn't write this way.
const PATTERNS: &[&str] = &["lambda:EnableReplication*", "lambda:DisableReplication*"];

/// A manifest's policy, and its templates' resources.
struct Case {
    name: String,
    statements: Vec<Value>,
    resources: Vec<Value>,
}

fn cases() -> Vec<Case> {
    let json =
        |path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let golden = std::fs::read_dir(root().join("tests/golden")).unwrap();
    let directories = golden.map(|case| case.unwrap().path());
    let cases: Vec<Case> = directories
        .filter(|directory| directory.join("policy.json").exists())
        .map(|directory| Case {
            name: directory
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned(),
            statements: list(&json(directory.join("policy.json"))["Statement"]),
            resources: ["lambda-edge", "reads", "cdn"]
                .iter()
                .map(|stage| directory.join(format!("{stage}.template.json")))
                .filter(|template| template.exists())
                .map(json)
                .flat_map(|template| {
                    let resources = template["Resources"].as_object().unwrap();
                    resources.values().cloned().collect::<Vec<_>>()
                })
                .collect(),
        })
        .collect();
    assert!(cases.len() > 8, "golden policies are missing");
    cases
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap().clone()
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    value.as_array().unwrap().iter().map(text).collect()
}

/// What AWS says: the permissions of the types' handlers, the ARNs of actions.
struct Reference {
    handlers: BTreeMap<String, Vec<String>>,
    actions: BTreeMap<String, Vec<String>>,
}

fn reference(services: &BTreeSet<String>) -> Reference {
    let types: Vec<&str> = HANDLERS.iter().map(|handler| handler.kind).collect();
    let mut child = Command::new(peers().program("python"))
        .arg(root().join("tests/peers/permissions.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({"types": types, "services": services}).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let map = |key: &str| {
        let entries = told[key].as_object().unwrap().iter();
        entries
            .map(|(name, value)| (name.clone(), texts(value)))
            .collect()
    };
    let reference = Reference {
        handlers: map("handlers"),
        actions: map("actions"),
    };
    assert_eq!(
        reference.handlers.len(),
        types.len(),
        "a type without a schema"
    );
    reference
}

/// IAM's asterisk.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let text = text.to_lowercase();
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, inner) = parts.split_last().unwrap();
    for part in inner {
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

fn is_allowed(statements: &[Value], action: &str) -> bool {
    let actions = statements
        .iter()
        .flat_map(|statement| texts(&statement["Action"]));
    actions.into_iter().any(|pattern| matches(&pattern, action))
}

#[test]
fn what_cloudformations_handlers_need_is_allowed() {
    let reference = reference(&BTreeSet::new());
    let mut used = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for case in cases() {
        for resource in &case.resources {
            let kind = resource["Type"].as_str().unwrap();
            let needed = reference
                .handlers
                .get(kind)
                .unwrap_or_else(|| panic!("no row for {kind}"));
            for action in needed {
                let excepted = EXCEPTIONS.iter().position(|exception| {
                    exception.kind == kind
                        && exception.actions.contains(&action.as_str())
                        && exception
                            .without
                            .is_none_or(|name| resource["Properties"][name].is_null())
                });
                match excepted {
                    Some(at) => drop(used.insert((at, action.clone()))),
                    None if is_allowed(&case.statements, action) => {}
                    None => drop(missing.insert(format!("{}: {kind} {action}", case.name))),
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    let known = |kind: &str, action: &str| {
        reference.handlers[kind]
            .iter()
            .any(|permission| permission == action)
    };
    for exception in EXCEPTIONS {
        for action in exception.actions {
            assert!(
                known(exception.kind, action),
                "{} doesn't ask for {action} any more ({})",
                exception.kind,
                exception.why
            );
        }
    }
    assert!(!used.is_empty());
}

#[test]
fn every_type_that_frames_makes_has_a_row_and_every_row_a_type() {
    let made: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| &case.resources)
        .map(|resource| resource["Type"].as_str().unwrap().to_owned())
        .collect();
    let rows: BTreeSet<String> = HANDLERS.iter().map(|row| row.kind.to_owned()).collect();
    assert_eq!(made, rows);
}

/// `arn:${Partition}:lambda:${Region}:${Account}:function:.*` against an ARN of ours.
fn fits(format: &str, arn: &str) -> bool {
    let split = |text: &str| {
        text.splitn(6, ':')
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    let (format, arn) = (split(format), split(arn));
    let (Some(kind), Some(name)) = (format.get(5), arn.get(5)) else {
        return false;
    };
    let place = |at: usize| format[at].is_empty() == arn[at].is_empty();
    format[2] == arn[2] && place(3) && place(4) && name.starts_with(kind.trim_end_matches(".*"))
}

#[test]
fn every_action_is_iams_and_on_a_resource_that_it_applies_to() {
    let cases = cases();
    let services: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| &case.statements)
        .flat_map(|statement| texts(&statement["Action"]))
        .map(|action| action.split(':').next().unwrap().to_owned())
        .collect();
    let reference = reference(&services);
    let mut wrong = BTreeSet::new();
    for case in &cases {
        for statement in &case.statements {
            let sid = statement["Sid"].as_str().unwrap();
            let resources = texts(&statement["Resource"]);
            let mut idle: BTreeSet<&String> = resources.iter().collect();
            for pattern in texts(&statement["Action"]) {
                let plain = if PATTERNS.contains(&pattern.as_str()) {
                    pattern.trim_end_matches('*')
                } else {
                    &pattern
                };
                let actions: Vec<_> = reference
                    .actions
                    .iter()
                    .filter(|(action, _)| matches(plain, action))
                    .collect();
                if actions.is_empty() {
                    wrong.insert(format!("{sid}: IAM knows no {pattern}"));
                }
                for (action, formats) in actions {
                    let applies = |arn: &&String| match arn.as_str() {
                        "*" => formats.is_empty(),
                        arn => formats.iter().any(|format| fits(format, arn)),
                    };
                    let applied: Vec<&String> = resources.iter().filter(applies).collect();
                    // A pattern may reach beyond what the resource knows.
                    if applied.is_empty() && !pattern.contains('*') {
                        wrong.insert(format!("{sid}: {action} applies to none of {resources:?}"));
                    }
                    for resource in applied {
                        idle.remove(resource);
                    }
                }
            }
            for resource in idle {
                wrong.insert(format!("{sid}: nothing applies to {resource}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_matcher_is_iams() {
    assert!(matches(
        "s3:Get*Configuration",
        "s3:GetBucketObjectLockConfiguration"
    ));
    assert!(matches("s3:GetBucket*", "s3:GetBucketPolicy"));
    assert!(!matches("s3:GetBucket*", "s3:GetObject"));
    assert!(!matches("s3:Get*Configuration", "s3:GetBucketPolicy"));
}
