//! CloudFormation's short forms: `!Sub x` is read as `{Fn::Sub: x}`. They have a meaning
//! below `resources`, and nowhere else.

use super::node::{Entry, Key, Node, Value};
use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::span::Span;

/// Tags and the intrinsic functions that they stand for ("Intrinsic function reference" of
/// the AWS CloudFormation Template Reference).
const SHORT_FORMS: &[(&str, &str)] = &[
    ("!And", "Fn::And"),
    ("!Base64", "Fn::Base64"),
    ("!Cidr", "Fn::Cidr"),
    ("!Condition", "Condition"),
    ("!Equals", "Fn::Equals"),
    ("!FindInMap", "Fn::FindInMap"),
    ("!GetAtt", "Fn::GetAtt"),
    ("!GetAZs", "Fn::GetAZs"),
    ("!If", "Fn::If"),
    ("!ImportValue", "Fn::ImportValue"),
    ("!Join", "Fn::Join"),
    ("!Not", "Fn::Not"),
    ("!Or", "Fn::Or"),
    ("!Ref", "Ref"),
    ("!Select", "Fn::Select"),
    ("!Split", "Fn::Split"),
    ("!Sub", "Fn::Sub"),
    ("!Transform", "Fn::Transform"),
];

pub(super) fn intrinsic(tag: &str) -> Option<&'static str> {
    let found = SHORT_FORMS.iter().find(|(short, _)| *short == tag);
    found.map(|(_, intrinsic)| *intrinsic)
}

/// `{Fn::Sub: node}`.
pub(super) fn expand(node: Node, intrinsic: &str) -> Node {
    let span = node.span;
    let key = Key {
        text: intrinsic.to_owned(),
        span,
        merged: None,
        short_form: true,
    };
    let value = match &node.value {
        // Nothing stays nothing, which is a finding.
        Value::Scalar { text, .. } if text.is_empty() => node,
        Value::Scalar { text, .. } if intrinsic == "Fn::GetAtt" => attribute(text, span),
        // A name of digits only is a name all the same.
        Value::Scalar { text, .. } => scalar(text, span),
        _ => node,
    };
    Node {
        span,
        value: Value::Mapping(vec![Entry { key, value }]),
    }
}

/// `Bucket.Arn` as the list that the function takes in JSON; a nested stack's output has a
/// point of its own.
fn attribute(text: &str, span: Span) -> Node {
    let (id, name) = text.split_once('.').unwrap_or((text, ""));
    let items = [id, name].into_iter().filter(|part| !part.is_empty());
    Node {
        span,
        value: Value::Sequence(items.map(|part| scalar(part, span)).collect()),
    }
}

fn scalar(text: &str, span: Span) -> Node {
    let value = Value::Scalar {
        text: text.to_owned(),
        plain: false,
    };
    Node { span, value }
}

/// Short forms in what isn't an overlay: each is a finding, and its value stays open.
pub fn misplaced(node: &mut Node, found: &mut Vec<Diagnostic>) {
    match &mut node.value {
        Value::Mapping(entries) => {
            let Some(entry) = entries.iter().find(|entry| entry.key.short_form) else {
                return entries
                    .iter_mut()
                    .for_each(|entry| misplaced(&mut entry.value, found));
            };
            let intrinsic = &entry.key.text;
            let short = SHORT_FORMS.iter().find(|(_, long)| long == intrinsic);
            found.push(no_meaning(short.map_or("", |(short, _)| short), node.span));
            node.value = Value::Open(String::new());
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| misplaced(item, found)),
        Value::Scalar { .. } | Value::Open(_) => {}
    }
}

pub(super) fn no_meaning(tag: &str, span: Span) -> Diagnostic {
    let message = format!("the tag `{tag}` has no meaning here");
    let known = SHORT_FORMS.iter().map(|(short, _)| *short);
    let help = match (intrinsic(tag), did_you_mean(tag, known)) {
        (Some(_), _) => {
            "CloudFormation's short forms work below `resources`; here a value is text, or a variable such as `${aws:region}`".to_owned()
        }
        (None, Some(guess)) => guess,
        (None, None) => "leave it out, or put the value in quotes if it begins with `!`".to_owned(),
    };
    Diagnostic::new(codes::SYNTAX, "", span, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax::parse;
    use serde_json::json;

    fn read(text: &str) -> serde_json::Value {
        let (node, found) = parse(&Source::new("f", text));
        assert_eq!(found, [], "{text}");
        node.unwrap().to_json()
    }

    #[test]
    fn each_short_form_is_its_intrinsic_function() {
        let cases = [
            ("!Ref Topic", json!({"Ref": "Topic"})),
            ("!GetAtt Logs.Arn", json!({"Fn::GetAtt": ["Logs", "Arn"]})),
            (
                "!GetAtt Nested.Outputs.Url",
                json!({"Fn::GetAtt": ["Nested", "Outputs.Url"]}),
            ),
            (
                "!GetAtt [Logs, Arn]",
                json!({"Fn::GetAtt": ["Logs", "Arn"]}),
            ),
            ("!Sub '${A}'", json!({"Fn::Sub": "${A}"})),
            (
                "!Join ['-', [!Ref A, b]]",
                json!({"Fn::Join": ["-", [{"Ref": "A"}, "b"]]}),
            ),
            (
                "!If [Prod, !Sub x, {a: !Ref b}]",
                json!({"Fn::If": ["Prod", {"Fn::Sub": "x"}, {"a": {"Ref": "b"}}]}),
            ),
            (
                "!Not [!Condition Prod]",
                json!({"Fn::Not": [{"Condition": "Prod"}]}),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&format!("a: {text}\n"))["a"], expected, "{text}");
        }
        for (tag, intrinsic) in SHORT_FORMS {
            assert!(read(&format!("{tag} x\n")).get(intrinsic).is_some());
        }
        let block = "a: !Sub\n  - '${x}'\n  - x: !Ref y\n";
        assert_eq!(
            read(block)["a"],
            json!({"Fn::Sub": ["${x}", {"x": {"Ref": "y"}}]})
        );
        let anchored = "a: &a !Ref x\nb: *a\n";
        assert_eq!(read(anchored)["b"], json!({"Ref": "x"}));
    }

    #[test]
    fn elsewhere_they_are_findings_and_stay_open() {
        let text = "a: [!Ref x]\nb: {c: !Sub y}\nd: {'Fn::Sub': z}\n";
        let (node, _) = parse(&Source::new("f", text));
        let (mut node, mut found) = (node.unwrap(), Vec::new());
        misplaced(&mut node, &mut found);
        let tags: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            tags,
            [
                "the tag `!Ref` has no meaning here",
                "the tag `!Sub` has no meaning here"
            ]
        );
        let (_, unknown) = parse(&Source::new("f", "a: !Mine x\n"));
        assert!(unknown[0].help.as_ref().unwrap().contains("quotes"));
        let (_, near) = parse(&Source::new("f", "a: !ref x\n"));
        assert!(near[0].help.as_ref().unwrap().contains("`!Ref`"));
        let (nothing, _) = parse(&Source::new("f", "a: !Sub\n"));
        assert_eq!(nothing.unwrap().to_json()["a"]["Fn::Sub"], json!(null));
    }
}
