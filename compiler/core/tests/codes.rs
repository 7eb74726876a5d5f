//! Each code's example gets that code, and its mended form doesn't: what
//! `frames validate --explain` and docs/codes.md show is true.

use frames_compiler::diagnostic::codes::{self, Code, Given, Severity};
use frames_compiler::online::{self, Answer, Subject};
use frames_compiler::world::{AwsValue, Fixed};
use frames_compiler::{Diagnostic, Source, Target, compile};
use std::collections::BTreeSet;

/// One key set beside the manifest.
fn beside() -> Fixed {
    let secret = AwsValue::Secret("hunter2".to_owned());
    Fixed::empty()
        .file(
            "./jwks.json",
            include_bytes!("../../../tests/manifests/jwks.json"),
        )
        .aws("ssm:/frames/secret", secret)
}

fn found(given: Given, manifest: &str) -> Vec<Diagnostic> {
    let env = match given {
        Given::Env(name) => Some(name),
        _ => None,
    };
    let target = Target {
        env: env.unwrap_or("dev"),
        chosen: env.is_some(),
        allow_unsafe_overlay: given == Given::AllowUnsafeOverlay,
    };
    let bytes: Vec<u8> = match given {
        Given::Latin1 => manifest
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect(),
        _ => manifest.as_bytes().to_vec(),
    };
    let source = match Source::from_bytes("frames.yml", &bytes) {
        Ok(source) => source,
        Err(unreadable) => return vec![unreadable.diagnostic],
    };
    let compiled = compile(&source, target, &beside());
    let mut found = compiled.diagnostics;
    if let (Given::Online, Some(resolved)) = (given, &compiled.resolved) {
        let plan = compiled.plan.iter();
        let quotas = plan.flat_map(|plan| online::quotas::questions(resolved, plan));
        let plan = compiled.plan.iter();
        let templates = plan.flat_map(|plan| online::templates::questions(resolved, plan));
        let questions = online::questions(resolved).into_iter().chain(quotas);
        for question in questions.chain(templates) {
            found.extend(online::findings(&question, &answer(&question.subject)));
        }
    }
    found
}

/// An account as the examples suppose it.
fn answer(subject: &Subject) -> Answer {
    let text = |text: &str| text.to_owned();
    match subject {
        Subject::UserPool { id } if id == "us-east-1_NoSuchOne" => Answer::Missing,
        Subject::Certificate { arn, .. } => Answer::Certificate {
            status: text(if arn.ends_with("-000000000000") {
                "PENDING_VALIDATION"
            } else {
                "ISSUED"
            }),
            names: vec![text("*.example.org")],
        },
        Subject::WebAcl { arn } if arn.contains("/hidden/") => {
            Answer::Unknown(text("wafv2:GetWebACL isn't allowed"))
        }
        Subject::Policies(_) => Answer::Names((0..18).map(|n| format!("other-{n}")).collect()),
        Subject::Datastore { id, .. } if id.starts_with("0000") => Answer::Datastore {
            status: text("CREATING"),
        },
        Subject::Template { body, .. } if body.contains("\"Strng\"") => {
            Answer::Refused(text("Unrecognized parameter type: Strng"))
        }
        _ => Answer::Found,
    }
}

fn errors(found: &[Diagnostic]) -> BTreeSet<&'static str> {
    let errors = found.iter().filter(|d| d.is_error());
    errors.map(|d| d.code.name).collect()
}

#[test]
fn every_example_gets_its_code_and_no_other_error() {
    for code in codes::all() {
        let found = found(code.given, code.example);
        // That one needs the functions' programs: tests/access.rs packages it.
        assert!(
            code.given == Given::Packaged || found.iter().any(|d| d.code == code),
            "{}: {found:#?}",
            code.name
        );
        let mut others = errors(&found);
        others.remove(code.name);
        assert!(others.is_empty(), "{}: {found:#?}", code.name);
    }
}

#[test]
fn every_mended_example_has_no_error_and_not_its_code() {
    for code in codes::all() {
        let found = found(code.given, code.fixed);
        assert!(errors(&found).is_empty(), "{}: {found:#?}", code.name);
        assert!(
            !found.iter().any(|d| d.code == code),
            "{}: {found:#?}",
            code.name
        );
    }
}

#[test]
fn every_code_says_what_it_means_why_and_what_to_do() {
    let sentence = |text: &str| text.ends_with('.') && !text.contains('\n');
    let mut names = BTreeSet::new();
    for code in codes::all() {
        let Code {
            name,
            what,
            why,
            remedy,
            ..
        } = code;
        assert!(names.insert(*name), "{name} stands twice");
        for text in [what, why, remedy] {
            assert!(sentence(text), "{name}: {text}");
        }
        assert!(code.explained().lines().count() > 10, "{name}");
        assert!(
            code.explained()
                .lines()
                .all(|line| line.starts_with("    ") || line.chars().count() <= 80),
            "{name}"
        );
        assert_eq!(codes::find(name), Some(code));
        let severity = code.severity == Severity::Error;
        let example = found(code.given, code.example);
        assert_eq!(severity, !errors(&example).is_empty(), "{name}");
    }
}
