//! The manifest after environments, variables and defaults, in the tables' order.

use super::field::{Field, Kind, Table};
use super::tables::MANIFEST;
use crate::printable::is_hidden;
use crate::secrets::{MASK, Masks};
use crate::source::Source;
use crate::syntax::{self, Entry, Node, Value};
use crate::variables::Secret;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value to print; mappings keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printed {
    /// Of an overlay, where it means nothing.
    Nothing,
    Text(String),
    Flag(bool),
    Number(u64),
    List(Vec<Printed>),
    Map(Vec<(String, Printed)>),
}

/// What a resolved tree says, with the defaults of what it leaves out. Keys of
/// the user's own, for variables, have done their work and are left out.
pub fn complete(root: &Node) -> Printed {
    block(root, &MANIFEST)
}

impl Printed {
    /// The same, with no secret in it.
    pub fn masked(self, secrets: &[Secret]) -> Self {
        self.masked_by(&Masks::of(secrets))
    }

    fn masked_by(self, masks: &Masks) -> Self {
        match self {
            Self::Text(text) => Self::Text(masks.mask(&text).into_owned()),
            Self::Number(number) if masks.hides(&number.to_string()) => Self::Text(MASK.to_owned()),
            Self::Nothing | Self::Flag(_) | Self::Number(_) => self,
            Self::List(items) => {
                let items = items.into_iter().map(|item| item.masked_by(masks));
                Self::List(items.collect())
            }
            Self::Map(entries) => {
                let entries = entries.into_iter();
                Self::Map(
                    entries
                        .map(|(key, value)| (key, value.masked_by(masks)))
                        .collect(),
                )
            }
        }
    }

    /// Whether a key or a value has characters that a terminal wouldn't show.
    pub fn has_hidden(&self) -> bool {
        let hidden = |text: &str| text.contains(|c| c != '\n' && is_hidden(c));
        match self {
            Self::Text(text) => hidden(text),
            Self::Nothing | Self::Flag(_) | Self::Number(_) => false,
            Self::List(items) => items.iter().any(Self::has_hidden),
            Self::Map(entries) => entries
                .iter()
                .any(|(key, value)| hidden(key) || value.has_hidden()),
        }
    }

    /// The value at `a.b.0`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .filter(|segment| !segment.is_empty())
            .try_fold(self, |value, segment| match value {
                Self::Map(entries) => entries
                    .iter()
                    .find(|(key, _)| key == segment)
                    .map(|(_, value)| value),
                Self::List(items) => items.get(segment.parse::<usize>().ok()?),
                Self::Nothing | Self::Text(_) | Self::Flag(_) | Self::Number(_) => None,
            })
    }

    /// The keys at this place, for a suggestion.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Map(entries) => entries.iter().map(|(key, _)| key.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Serialize for Printed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items
                    .iter()
                    .try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries
                    .iter()
                    .try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

fn block(node: &Node, table: &Table) -> Printed {
    let entries: &[Entry] = match &node.value {
        Value::Mapping(entries) => entries,
        _ => &[],
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key.text == key);
    let is_there = |key: &&str| find(key).is_some();
    let mode = find("mode").and_then(|entry| match &entry.value.value {
        Value::Scalar { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let mut printed = Vec::new();
    for field in table.fields {
        let value = match find(field.key) {
            // An empty section, which says nothing.
            Some(entry) if entry.value.is_null() && matches!(field.kind, Kind::Free) => None,
            Some(entry) => Some(value(&entry.value, &field.kind)),
            None if field.unless.iter().any(is_there) => None,
            None if field.modes.is_empty()
                || mode.is_some_and(|mode| field.modes.contains(&mode)) =>
            {
                default(field, mode)
            }
            None => None,
        };
        printed.extend(value.map(|value| (field.key.to_owned(), value)));
    }
    Printed::Map(printed)
}

/// A key's default; a block that is left out, with what holds in it all the same.
fn default(field: &Field, mode: Option<&str>) -> Option<Printed> {
    let other = field.mode_defaults.iter().find(|(of, _)| Some(*of) == mode);
    let text = other.map(|(_, text)| *text).or(field.default);
    match (&field.kind, text) {
        (kind, Some(text)) => {
            let (node, _) = syntax::parse(&Source::new("default", text));
            Some(value(&node?, kind))
        }
        (Kind::Table(table), None) => {
            let fields = table.fields.iter();
            let inner: Vec<_> = fields
                .filter_map(|field| Some((field.key.to_owned(), default(field, None)?)))
                .collect();
            (!inner.is_empty()).then_some(Printed::Map(inner))
        }
        _ => None,
    }
}

fn value(node: &Node, kind: &Kind) -> Printed {
    match (kind, &node.value) {
        (Kind::Table(table), Value::Mapping(_)) => block(node, table),
        (Kind::Table(table), _) if node.is_null() => block(node, table),
        (Kind::Map { .. }, _) if node.is_null() => Printed::Map(Vec::new()),
        (Kind::Count(_), Value::Scalar { text, .. }) => {
            let number = text.parse().ok();
            number.map_or_else(|| plain(node), Printed::Number)
        }
        (Kind::List(item), Value::Sequence(items)) => {
            Printed::List(items.iter().map(|node| value(node, item)).collect())
        }
        (Kind::Flag, Value::Scalar { text, .. }) if text == "true" || text == "false" => {
            Printed::Flag(text == "true")
        }
        // A key whose words are all numbers takes a number; one with ids of digits takes text.
        (Kind::Choice(choice), Value::Scalar { text, .. }) => {
            let numbers = choice.words.iter().all(|word| word.parse::<u64>().is_ok());
            let number = text.parse().ok().filter(|_| numbers);
            number.map_or_else(|| plain(node), Printed::Number)
        }
        (Kind::Free, _) => free(node),
        _ => plain(node),
    }
}

/// As a template has it, where a value's type counts.
fn free(node: &Node) -> Printed {
    match &node.value {
        Value::Scalar { text, .. } => match node.to_json() {
            serde_json::Value::Null => Printed::Nothing,
            serde_json::Value::Bool(flag) => Printed::Flag(flag),
            serde_json::Value::Number(number) if number.is_u64() => {
                number.as_u64().map_or(Printed::Nothing, Printed::Number)
            }
            _ => Printed::Text(text.clone()),
        },
        Value::Open(text) => Printed::Text(text.clone()),
        Value::Sequence(items) => Printed::List(items.iter().map(free).collect()),
        Value::Mapping(entries) => {
            let entries = entries.iter();
            Printed::Map(
                entries
                    .map(|entry| (entry.key.text.clone(), free(&entry.value)))
                    .collect(),
            )
        }
    }
}

/// As it was written; a scalar is text.
fn plain(node: &Node) -> Printed {
    match &node.value {
        Value::Scalar { text, .. } | Value::Open(text) => Printed::Text(text.clone()),
        Value::Sequence(items) => Printed::List(items.iter().map(plain).collect()),
        Value::Mapping(entries) => Printed::Map(
            entries
                .iter()
                .map(|entry| (entry.key.text.clone(), plain(&entry.value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> serde_json::Value {
        let (node, _) = syntax::parse(&Source::new("f", text));
        serde_json::to_value(complete(&node.unwrap())).unwrap()
    }

    #[test]
    fn an_overlay_keeps_its_types() {
        let text = "service: x\nauth: {mode: none}\nresources: {cdn: {Outputs: , Metadata: {a: true, b: 7, c: '7', d: 007}}}\n";
        let cdn = &printed(text)["resources"]["cdn"];
        let expected = serde_json::json!({"Outputs": null, "Metadata": {"a": true, "b": 7, "c": "7", "d": "007"}});
        assert_eq!(*cdn, expected);
    }

    #[test]
    fn defaults_are_filled_in_where_they_hold() {
        let value = printed("service: x\nauth: {mode: none}\n");
        assert_eq!(value["healthImaging"]["region"], "us-east-1");
        assert_eq!(value["delivery"]["dicomweb"], false);
        assert_eq!(
            value["auth"],
            serde_json::json!({"mode": "none"}),
            "no default that the mode doesn't use"
        );
        let value = printed("service: x\nauth: {mode: cognito, userPoolId: a}\n");
        assert_eq!(value["auth"]["tokenUse"], "access");
        assert_eq!(
            value["auth"]["tokenSources"],
            serde_json::json!(["authorization", "header"])
        );
    }

    #[test]
    fn scalars_keep_their_text() {
        let value = printed(
            "service: 012\nauth: {mode: none}\niam: {allow: [{datastore: 1e2}]}\nown: {a: [1]}\n",
        );
        assert_eq!(
            (&value["service"], &value["iam"]["allow"][0]["datastore"]),
            (&"012".into(), &"1e2".into())
        );
        assert!(value.get("own").is_none());
    }

    #[test]
    fn a_number_is_printed_as_one_where_a_key_takes_numbers() {
        let logs = "logs: {functions: {retentionDays: '14'}}";
        let value = printed(&format!(
            "service: x\nauth: {{mode: none}}\n{logs}\ndelivery: {{priceClass: 200}}\n"
        ));
        assert_eq!(value["logs"]["functions"]["retentionDays"], 14);
        assert_eq!(
            value["delivery"]["priceClass"], "200",
            "a class, not a number"
        );
    }

    #[test]
    fn an_empty_section_is_printed_as_what_it_says() {
        let value = printed(
            "service: x\nauth: {mode: none}\ndelivery:\nlogs: {access: }\ndeploy: {tags: }\nresources: {cdn: }\n",
        );
        let without = printed("service: x\nauth: {mode: none}\n");
        assert_eq!(value["delivery"], without["delivery"]);
        assert_eq!(value["logs"], without["logs"]);
        assert_eq!(value["deploy"], without["deploy"]);
        assert_eq!(value["resources"], serde_json::json!({}));
    }

    #[test]
    fn a_default_holds_by_mode_and_beside_other_keys() {
        let delivery = |text: &str| {
            printed(&format!(
                "service: x\nauth: {{mode: none}}\ndelivery: {text}\n"
            ))["delivery"]
                .clone()
        };
        let value = delivery("{}");
        assert_eq!(
            (&value["webAcl"], &value["rateLimit"]),
            (&"managed".into(), &100_000.into())
        );
        assert_eq!(delivery("{rateLimit: '5000'}")["rateLimit"], 5000);
        assert_eq!(delivery("{webAclArn: a}").get("webAcl"), None);
        let claim = |mode: &str| {
            printed(&format!("auth: {{mode: {mode}}}\n"))["auth"]["groupsClaim"].clone()
        };
        assert_eq!(
            (claim("oidc"), claim("cognito")),
            ("groups".into(), "cognito:groups".into())
        );
    }

    #[test]
    fn a_path_leads_to_a_value() {
        let (node, _) = syntax::parse(&Source::new(
            "f",
            "auth: {mode: none}\niam: {allow: [{datastore: a}]}\n",
        ));
        let printed = complete(&node.unwrap());
        assert_eq!(
            printed.at("iam.allow.0.datastore"),
            Some(&Printed::Text("a".to_owned()))
        );
        assert_eq!(printed.at("iam.deny"), None);
        assert_eq!(
            printed.at("").map(Printed::keys).unwrap()[0],
            "healthImaging"
        );
    }
}
