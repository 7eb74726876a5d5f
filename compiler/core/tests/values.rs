//! What the user wrote is what counts: quotes never matter, and all findings of a
//! file come at once, in the order of their places.

mod support;

use frames_compiler::plan::Plan;
use frames_compiler::world::Fixed;
use frames_compiler::{Diagnostic, Source, compile};
use support::DEV;

fn plan(text: &str) -> Plan {
    let compiled = compile(&Source::new("frames.yml", text), DEV, &Fixed::empty());
    let found = compiled.diagnostics;
    compiled.plan.unwrap_or_else(|| panic!("{text}{found:#?}"))
}

/// Texts that YAML readers take for numbers, truths or nothing.
const TREACHEROUS: &[&str] = &[
    "012345678901",
    "1e234567890123456789012345678901",
    "12345678901234567890123456789012",
    "no",
    "on",
    "1.10",
    "0x1F",
    "0o17",
    "1_000",
    "2026-11-22",
    "true",
    "12:30",
    "+1",
    ".5",
];

#[test]
fn quoted_and_unquoted_are_the_same_strings() {
    for text in TREACHEROUS {
        let ways = [text.to_string(), format!("'{text}'"), format!("\"{text}\"")];
        let mut plans = ways.iter().map(|way| {
            let manifest =
                format!("service: x\nauth: {{mode: none}}\ndeploy: {{tags: {{t: {way}}}}}\n");
            let plan = plan(&manifest);
            assert_eq!(plan.stages[0].tags["t"], *text, "{way}");
            format!("{plan:?}")
        });
        let first = plans.next().unwrap();
        assert!(plans.all(|plan| plan == first), "{text}");
    }
}

#[test]
fn ids_of_digits_are_the_same_quoted_and_unquoted() {
    for id in [
        "12345678901234567890123456789012",
        "00000000000000000000000000000001",
        "1e234567890123456789012345678901",
        "0x234567890123456789012345678901",
    ] {
        let manifest = |id: &str| {
            format!(
                "service: x\nauth: {{mode: none}}\niam:\n  allow:\n    - datastore: {id}\n      imageSets: [{id}]\n"
            )
        };
        let plain = format!("{:?}", plan(&manifest(id)));
        assert!(plain.contains(id));
        assert_eq!(plain, format!("{:?}", plan(&manifest(&format!("'{id}'")))));
        assert_eq!(
            plain,
            format!("{:?}", plan(&manifest(&format!("\"{id}\""))))
        );
    }
}

const ALL_KINDS: &str = "\
service: x
auth:
  mode: cognito
  jwksUri: https://login.example.org/certs
delivery:
  dicomweb: yes
  originshield: us-east-1
  webAclArn: arn:aws:wafv2:us-east-1:1:global/webacl/x/y
iam:
  allow:
    - datastore: 12345678901234567890123456789012
    - datastore: 1234
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
";

#[test]
fn findings_of_every_kind_come_in_one_run_in_the_order_of_their_places() {
    let source = Source::new("frames.yml", ALL_KINDS);
    let found = compile(&source, DEV, &Fixed::empty()).diagnostics;
    let found: Vec<_> = found
        .iter()
        .filter(|finding| finding.is_error())
        .map(|finding: &Diagnostic| {
            let at = source.position(finding.span.start);
            (at.line, at.column, finding.code.name, finding.path.as_str())
        })
        .collect();
    assert_eq!(
        found,
        [
            (2, 1, "missing-key", "auth.userPoolId"),
            (4, 3, "unused-key", "auth.jwksUri"),
            (6, 13, "wrong-type", "delivery.dicomweb"),
            (7, 3, "unknown-key", "delivery.originshield"),
            (8, 14, "invalid-value", "delivery.webAclArn"),
            (12, 18, "invalid-value", "iam.allow[1].datastore"),
            (15, 19, "wrong-region", "domain.certificateArn"),
        ]
    );
}

#[test]
fn three_mistyped_keys_get_three_suggestions_and_nothing_else() {
    let text = "servce: x\nauht: {mod: none}\n";
    let found = compile(&Source::new("frames.yml", text), DEV, &Fixed::empty()).diagnostics;
    let errors = found.iter().filter(|finding| finding.is_error());
    let helps: Vec<_> = errors
        .map(|finding| finding.help.clone().unwrap())
        .collect();
    assert_eq!(
        helps,
        [
            "did you mean `service`?",
            "did you mean `auth`?",
            "did you mean `mode`?"
        ]
    );
}
