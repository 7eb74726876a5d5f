//! What references come to.

use super::resolve::*;
use super::*;
use crate::source::Source;
use crate::syntax;
use crate::world::Fixed;

fn world() -> Fixed {
    const X: &str = "a: {b: [1, '${env:POOL}']}\nring: '${file(./x.yml):ring}'\n";
    Fixed::empty()
        .file("./x.yml", X)
        .file("./broken.yml", "a: [")
        .variable("POOL", "us-east-1_x")
        .option("on", "true")
}

fn resolved(text: &str) -> Resolved {
    let (node, found) = syntax::parse(&Source::new("f", text));
    assert_eq!(found, []);
    resolve(&node.unwrap(), "prod", &world())
}

fn value(text: &str) -> serde_json::Value {
    let resolved = resolved(text);
    assert_eq!(resolved.diagnostics, []);
    resolved.node.to_json()
}

fn messages(text: &str) -> Vec<String> {
    resolved(text)
        .diagnostics
        .iter()
        .map(|d| d.message.clone())
        .collect()
}

#[test]
fn every_source_has_its_value() {
    use serde_json::json;
    assert_eq!(value("a: x-${env:POOL}-y")["a"], "x-us-east-1_x-y");
    assert_eq!(value("a: ${opt:on}")["a"], true, "as good as written");
    assert_eq!(value("a: ${frames:env}")["a"], "prod");
    assert_eq!(value("a: ${file(./x.yml):a.b.1}")["a"], "us-east-1_x");
    assert_eq!(
        value("a: ${file(./x.yml):a.b}")["a"],
        json!([1, "us-east-1_x"]),
        "whole values keep their type"
    );
    assert_eq!(
        value("p: {prod: x, dev: y}\na: ${self:p.${frames:env}}")["a"],
        "x"
    );
    assert_eq!(
        value("a: {b: '${self:c}'}\nc: ${self:d.0}\nd: [[1, 2]]")["a"]["b"],
        json!([1, 2])
    );
}

#[test]
fn defaults_take_their_turn() {
    assert_eq!(value("a: \"${env:NO, 'x, y'}\"")["a"], "x, y");
    assert_eq!(
        value("a: ${env:NO, opt:no, ${env:NO}, env:POOL}")["a"],
        "us-east-1_x"
    );
    assert_eq!(value("a: ${self:b, 'c'}")["a"], "c");
    assert_eq!(value("a: ${file(./none.yml):b, 'c'}")["a"], "c");
}

#[test]
fn what_has_no_value_is_reported_at_the_reference() {
    assert!(
        messages("a: ${env:NO, opt:no}")[0]
            .contains("no environment variable NO and no option --opt no")
    );
    assert!(messages("a: ${evn:NO}")[0].contains("no source `evn`"));
    assert!(messages("a: ${file(./broken.yml):a}")[0].contains("line 1"));
    assert!(messages("a: x${self:b}\nb: {c: 1}")[0].contains("a mapping"));
    let found = resolved("b: 1\na: [x, '${env:NO}']").diagnostics;
    assert_eq!((found[0].span.start, found[0].span.end), (12, 23));
}

#[test]
fn rings_are_shown() {
    let ring = messages("a: ${self:b}\nb: ${self:c.d}\nc: {d: '${self:a}'}");
    assert!(
        ring[0].contains("self:b -> self:c.d -> self:a -> self:b"),
        "{ring:?}"
    );
    assert!(messages("a: ${file(./x.yml):ring}")[0].contains("ring"));
    assert!(messages("a: ${self:a}")[0].contains("self:a -> self:a"));
    assert_eq!(ring.len(), 1, "once, from wherever it is entered");
}

#[test]
fn aws_stays_open_offline() {
    let resolved =
        resolved("a: ${ssm:/pool}\nb: x-${aws:accountId}\nc: ${self:a}\nd: \"${cf:s.O, 'x'}\"");
    assert_eq!(resolved.diagnostics, []);
    assert_eq!(resolved.open.len(), 4, "{:?}", resolved.open);
    assert_eq!(resolved.node.to_json()["b"], serde_json::json!(null));
    assert_eq!(messages("a: ${aws:acount}").len(), 1);
}

#[test]
fn the_overlays_own_references_are_cloudformations() {
    let text = "resources: {cdn: {a: 'x-${AWS::Region}-${Distribution.Arn}', b: '${env:POOL}', c: '${Url}'}}";
    let value = value(text);
    assert_eq!(
        value["resources"]["cdn"]["a"],
        "x-${AWS::Region}-${Distribution.Arn}"
    );
    assert_eq!(value["resources"]["cdn"]["b"], "us-east-1_x");
    assert_eq!(value["resources"]["cdn"]["c"], "${Url}");
}

#[test]
fn a_reference_into_the_overlay_leaves_cloudformations_alone() {
    let text = "a: ${self:resources.cdn.b}\nresources: {cdn: {b: 'x-${AWS::Region}'}}";
    assert_eq!(value(text)["a"], "x-${AWS::Region}");
    assert!(messages("a: ${self:}\nresources: {b: '${AWS::Region}'}")[0].contains("no key"));
}

#[test]
fn what_an_overlay_uses_is_read_as_one_wherever_it_is_written() {
    let text = "x-part: {b: '${AWS::Region} ${env:POOL}', c: '${Distribution}'}\n\
                resources: {cdn: '${self:x-part}', lambda-edge: '${self:x-part.b}'}";
    let value = value(text);
    assert_eq!(value["resources"]["cdn"]["b"], "${AWS::Region} us-east-1_x");
    assert_eq!(value["resources"]["cdn"]["c"], "${Distribution}");
    assert_eq!(
        value["resources"]["lambda-edge"],
        "${AWS::Region} us-east-1_x"
    );
    // Used elsewhere it is a value like any other.
    assert!(messages("x-a: '${Topic}'\nb: '${self:x-a}'")[0].contains("names no source"));
}

#[test]
fn both_kinds_of_references_live_in_one_text() {
    let text = "resources: {a: '${self:b}-${AWS::AccountId}-${Distribution.DomainName}', \
                c: '${aws:userid}', d: '${aws:SourceIp}/${frames:env}', e: '$${env:POOL}', f: '${!x}'}\n\
                b: $${env:POOL}";
    let value = value(text);
    let resources = &value["resources"];
    assert_eq!(
        resources["a"],
        "${env:POOL}-${AWS::AccountId}-${Distribution.DomainName}"
    );
    assert_eq!(resources["c"], "${aws:userid}");
    assert_eq!(resources["d"], "${aws:SourceIp}/prod");
    assert_eq!(resources["e"], "${env:POOL}");
    assert_eq!(resources["f"], "${!x}");
}

#[test]
fn hostile_references_end_soon() {
    let mut bomb = "a0: xxxxxxxxxxxxxxxx\n".to_owned();
    for i in 1..40 {
        let r = format!("${{self:a{}}}", i - 1);
        bomb.push_str(&format!("a{i}: \"{r}{r}{r}{r}\"\n"));
    }
    assert!(messages(&bomb)[0].contains("too large"));
    let chain: String = (0..5_000)
        .map(|i| format!("a{i}: ${{self:a{}}}\n", i + 1))
        .collect();
    assert!(messages(&format!("{chain}a5000: x\n"))[0].contains("too deeply"));
}
