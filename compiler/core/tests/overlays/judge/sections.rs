//! The template's sections beside its resources.

use super::value::{given, same};
use super::{Stack, Verdict};
use serde_json::Value;

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    // Assertions: they can but stop a deployment.
    "Rules",
];

pub(super) fn judge(stack: &Stack, verdict: &mut Verdict) {
    let at = stack.stage;
    let sections = stack.finished.as_object().into_iter().flatten();
    for (section, _) in sections.filter(|(key, _)| !SECTIONS.contains(&key.as_str())) {
        // A macro makes another template of this one.
        let rule = if section == "Transform" {
            "macro"
        } else {
            "section"
        };
        verdict.open(rule, at, format!("has a section `{section}`"));
    }
    if has_a_macro(stack.finished) {
        verdict.open("macro", at, "CloudFormation runs a macro over it");
    }
    parameters(stack, verdict);
    outputs(stack, verdict);
}

fn has_a_macro(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| {
            key == "Fn::Transform" || key.starts_with("Fn::ForEach") || has_a_macro(inner)
        }),
        Value::Array(items) => items.iter().any(has_a_macro),
        _ => false,
    }
}

/// What `deploy` fills in has to be taken as it comes.
fn parameters(stack: &Stack, verdict: &mut Verdict) {
    let none = serde_json::Map::new();
    for (name, clean) in stack.clean["Parameters"].as_object().unwrap_or(&none) {
        let at = format!("{}.Parameters.{name}", stack.stage);
        let found = &stack.finished["Parameters"][name];
        let fine = same(found.get("Type"), clean.get("Type"));
        verdict.unless(fine, "parameter", &at, "is of another type");
        let fine = same(found.get("Default"), clean.get("Default"));
        verdict.unless(fine, "parameter", &at, "has a default of another's");
        if stack.resource(name).is_some() {
            verdict.open("shadow", &at, "is the name of a resource, too");
        }
    }
}

/// What the other stage, or a viewer, takes from this one.
fn outputs(stack: &Stack, verdict: &mut Verdict) {
    let none = serde_json::Map::new();
    for (name, clean) in stack.clean["Outputs"].as_object().unwrap_or(&none) {
        let at = format!("{}.Outputs.{name}", stack.stage);
        let found = &stack.finished["Outputs"][name];
        if given(found, "Condition").is_some() {
            verdict.open("output", &at, "is there under a condition");
        }
        // Which version it is, functions.rs looks up.
        let is_version = name.ends_with("VersionArn");
        let fine = is_version || same(found.get("Value"), clean.get("Value"));
        verdict.unless(fine, "output", &at, "says something else");
    }
}
