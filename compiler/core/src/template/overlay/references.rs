//! References within a template: `Ref`, `Fn::GetAtt`, `Fn::Sub`, and what names a condition
//! or a mapping.

use super::{Place, is_intrinsic, walk};
use serde_json::Value;

/// "Pseudo parameters reference" of the AWS CloudFormation Template Reference.
pub(super) const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// A value that is one reference and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference<'a> {
    /// `{Ref: Topic}`, `{Fn::Sub: '${Topic}'}`
    Whole(&'a str),
    /// `{Fn::GetAtt: [Topic, TopicArn]}`, `{Fn::Sub: '${Topic.TopicArn}'}`
    Attribute(&'a str, &'a str),
}

impl<'a> Reference<'a> {
    pub(super) fn id(self) -> &'a str {
        match self {
            Self::Whole(id) | Self::Attribute(id, _) => id,
        }
    }
}

pub(super) fn refers_to(value: &Value) -> Option<Reference<'_>> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (function, argument) = map.iter().next()?;
    match (function.as_str(), argument) {
        ("Ref", Value::String(id)) => Some(Reference::Whole(id)),
        ("Fn::GetAtt", argument) => attribute(argument),
        ("Fn::Sub", Value::String(text)) => {
            let name = text.strip_prefix("${")?.strip_suffix('}')?;
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            plain.then(|| match name.split_once('.') {
                Some((id, attribute)) => Reference::Attribute(id, attribute),
                None => Reference::Whole(name),
            })
        }
        _ => None,
    }
}

fn attribute(argument: &Value) -> Option<Reference<'_>> {
    match argument {
        Value::Array(parts) => {
            let (first, second) = (parts.first()?.as_str()?, parts.get(1)?.as_str()?);
            Some(Reference::Attribute(first, second))
        }
        Value::String(text) => {
            let (id, name) = text.split_once('.')?;
            Some(Reference::Attribute(id, name))
        }
        _ => None,
    }
}

/// A name that has to be there for CloudFormation to take the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub place: Place,
    pub what: What,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A resource, a parameter or a pseudo parameter.
    Value,
    /// A resource's: `Topic.TopicArn`.
    Attribute,
    Condition,
    Mapping,
    /// What is between `${` and `}` in `Fn::Sub`, and isn't one of its own variables.
    Substitution,
}

/// Every name that a value refers to, in order.
pub(super) fn names(value: &Value, place: &Place) -> Vec<Named> {
    let mut names = Vec::new();
    walk(value, place, &mut |value, place| {
        let Some(map) = value.as_object() else { return };
        for (function, argument) in map.iter().filter(|(key, _)| is_intrinsic(key)) {
            let place = place.at(function);
            let mut push = |what, name: &str, place: Place| {
                let name = name.to_owned();
                names.push(Named { place, what, name });
            };
            match (function.as_str(), argument) {
                ("Ref", Value::String(name)) => push(What::Value, name, place),
                ("Fn::GetAtt", argument) => {
                    if let Some(Reference::Attribute(id, name)) = attribute(argument) {
                        push(What::Attribute, &format!("{id}.{name}"), place);
                    }
                }
                ("Fn::If", Value::Array(parts)) => {
                    if let Some(Value::String(name)) = parts.first() {
                        push(What::Condition, name, place.at(0));
                    }
                }
                ("Fn::FindInMap", Value::Array(parts)) => {
                    if let Some(Value::String(name)) = parts.first() {
                        push(What::Mapping, name, place.at(0));
                    }
                }
                ("Fn::Sub", argument) => {
                    let (text, own, place) = match argument {
                        Value::Array(parts) => (parts.first(), parts.get(1), place.at(0)),
                        text => (Some(text), None, place),
                    };
                    for name in substitutions(text.and_then(Value::as_str).unwrap_or("")) {
                        if own.and_then(|own| own.get(name)).is_none() {
                            push(What::Substitution, name, place.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    });
    names
}

/// What `${…}` in the text of `Fn::Sub` name; `${!x}` writes `${x}`.
fn substitutions(text: &str) -> Vec<&str> {
    let inner = text.split("${").skip(1);
    let names = inner.filter_map(|rest| rest.split_once('}').map(|(name, _)| name.trim()));
    names.filter(|name| !name.starts_with('!')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_reference_is_told_from_a_text_with_one_in_it() {
        for (value, expected) in [
            (json!({"Ref": "A"}), Some(Reference::Whole("A"))),
            (json!({"Fn::Sub": "${A}"}), Some(Reference::Whole("A"))),
            (
                json!({"Fn::GetAtt": ["A", "Arn"]}),
                Some(Reference::Attribute("A", "Arn")),
            ),
            (
                json!({"Fn::GetAtt": "A.Arn"}),
                Some(Reference::Attribute("A", "Arn")),
            ),
            (
                json!({"Fn::Sub": "${A.Arn}"}),
                Some(Reference::Attribute("A", "Arn")),
            ),
            (json!({"Fn::Sub": "${A}-${B}"}), None),
            (json!({"Fn::Sub": "x${A}"}), None),
            (json!({"Fn::Sub": ["${A}", {"A": "b"}]}), None),
            (json!({"Ref": "A", "x": 1}), None),
            (json!("A"), None),
        ] {
            assert_eq!(refers_to(&value), expected, "{value}");
        }
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        let value = json!({"a": [{"Fn::If": ["C", {"Ref": "R"}, {"Fn::Sub": ["${A}${B}${!L}", {"A": {"Ref": "X"}}]}]}],
            "b": {"Fn::FindInMap": ["M", "k", "v"]}, "c": {"Fn::GetAtt": "G.Arn"}});
        let found: Vec<(What, String)> = names(&value, &Place::root())
            .into_iter()
            .map(|named| (named.what, named.name))
            .collect();
        let expected = [
            (What::Condition, "C"),
            (What::Value, "R"),
            (What::Substitution, "B"),
            (What::Value, "X"),
            (What::Mapping, "M"),
            (What::Attribute, "G.Arn"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (what, name) in expected {
            assert!(
                found.contains(&(what, name.to_owned())),
                "{name}: {found:?}"
            );
        }
    }
}
