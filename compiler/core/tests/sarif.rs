//! SARIF, held against the standard's own schema.

mod support;

use frames_compiler::diagnostic::codes;
use frames_compiler::render;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, compile};
use jsonschema::Validator;
use serde_json::{Value, json};
use support::DEV;

fn schema() -> Validator {
    let mut schema: Value =
        serde_json::from_str(include_str!("sarif/sarif-schema-2.1.0.json")).unwrap();
    // Its two patterns that are no regular expressions (a stray bracket) are for a key that we don't write.
    for owner in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][owner]["properties"]["language"];
        let removed = language.as_object_mut().unwrap().remove("pattern");
        assert!(removed.is_some(), "{owner}");
    }
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn sarif(name: &str, text: &str) -> Value {
    let source = Source::new(name, text);
    let compiled = compile(&source, DEV, &Fixed::empty());
    render::sarif(&source, &compiled.diagnostics)
}

const BROKEN: &str = "\
servce: 😀
auth: {mode: cognito, userPoolId: x, userPoolId: y, issuer: 'https://a.example'}
domain:
  cnames: [a.example, a.example]
iam:
  allow:
    - imageSets: []
";

#[test]
fn every_log_is_valid_sarif() {
    let schema = schema();
    let broken = sarif("a dir/[é].yml", BROKEN);
    let results = broken["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 5, "{results:#?}");
    assert!(results.iter().any(|r| r.get("relatedLocations").is_some()));
    for log in [
        broken.clone(),
        sarif("frames.yml", include_str!("../../../frames.yml")),
        sarif("/abs/frames.yml", "service: x\nauth: {mode: none}\n"),
        sarif("../frames.yml", ""),
        sarif("frames.yml", "a: [1,\n"),
    ] {
        let errors: Vec<_> = schema
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{log:#}");
    }
}

/// The schema bites: a slip of ours wouldn't pass.
#[test]
fn a_slip_is_found() {
    let schema = schema();
    let mut log = sarif("frames.yml", BROKEN);
    log["runs"][0]["results"][0]["level"] = json!("fatal");
    assert!(!schema.is_valid(&log));
}

#[test]
fn every_result_points_at_its_rule() {
    let log = sarif("frames.yml", BROKEN);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), codes::all().count());
    for result in run["results"].as_array().unwrap() {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
    }
    for rule in rules {
        let text = |key: &str| rule[key]["text"].as_str().unwrap().to_owned();
        assert!(text("fullDescription").starts_with(&text("shortDescription")));
        assert!(text("shortDescription").ends_with('.'), "{rule}");
    }
}
