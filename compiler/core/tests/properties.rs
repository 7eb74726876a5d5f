//! Laws that hold for any text.

mod support;

use frames_compiler::render;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, compile};
use proptest::prelude::*;
use support::DEV;

const EXAMPLE: &str = include_str!("../../../frames.yml");

/// Compiles, and holds every finding to what all of them promise.
fn hold(text: &str) -> bool {
    let source = match Source::from_bytes("frames.yml", text.as_bytes()) {
        Ok(source) => source,
        Err(unreadable) => unreadable.source,
    };
    let compiled = compile(&source, DEV, &Fixed::empty());
    let found = &compiled.diagnostics;
    assert_eq!(
        compiled.plan.is_some(),
        !found.iter().any(|d| d.is_error()),
        "a plan, or an error"
    );
    for diagnostic in found {
        let span = diagnostic.span.range();
        assert!(
            span.start <= span.end && span.end <= source.text().len(),
            "{diagnostic:?}"
        );
        assert!(
            source.text().is_char_boundary(span.start) && source.text().is_char_boundary(span.end)
        );
        assert!(
            !diagnostic.message.is_empty() && !diagnostic.message.contains('\n'),
            "{diagnostic:?}"
        );
    }
    assert!(
        found.is_sorted_by_key(|d| d.span.start),
        "in the order of their place"
    );
    render::human(&source, found);
    assert_eq!(render::github(&source, found).lines().count(), found.len());
    assert_eq!(
        render::sarif(&source, found)["runs"][0]["results"]
            .as_array()
            .map(Vec::len),
        Some(found.len())
    );
    let json = render::json(&source, found);
    assert_eq!(json["ok"], !found.iter().any(|d| d.is_error()));
    compiled.plan.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_findings_or_a_plan(text in "(?s).{0,200}") {
        hold(&text);
    }

    #[test]
    fn any_yaml_like_text_too(text in "([a-z]{1,6}: ?|- |  |\n|\t|[\\[\\]{},'\"&*!|>#?%@`]|[a-z0-9${}]{1,8}|😀|\r\n){0,60}") {
        hold(&text);
    }

    #[test]
    fn an_edit_of_the_example_stays_valid_or_is_found_near(at in 0..EXAMPLE.len(), edit in 0..3, new in any::<char>()) {
        prop_assume!(EXAMPLE.is_char_boundary(at));
        let rest = &EXAMPLE[at..];
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let text = match edit {
            0 => format!("{}{}", &EXAMPLE[..at], &rest[first..]),
            1 => format!("{}{new}{rest}", &EXAMPLE[..at]),
            _ => format!("{}{new}{}", &EXAMPLE[..at], &rest[first..]),
        };
        hold(&text);
    }
}

#[test]
fn the_example_compiles() {
    assert!(hold(EXAMPLE));
}
