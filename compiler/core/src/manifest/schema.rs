//! The JSON Schema of frames.yml, from the field tables.

use super::field::{Field, Kind, Table};
use super::tables::{AUTH, MANIFEST};
use crate::syntax;
use serde_json::{Map, Value, json};

/// Draft 7: what yaml-language-server and every editor understand.
pub fn schema() -> Value {
    let mut root = table(&MANIFEST);
    root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    root["title"] = "frames.yml".into();
    root["description"] =
        "Medical image frames from AWS HealthImaging through CloudFront, checked and signed at the edge.".into();
    root["properties"]["auth"]["allOf"] = modes(&AUTH);
    let geo = &mut root["properties"]["delivery"]["properties"]["geo"];
    geo["minProperties"] = 1.into();
    geo["maxProperties"] = 1.into();
    root
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> = table
        .fields
        .iter()
        .map(|field| (field.key.to_owned(), property(field)))
        .collect();
    let required: Vec<&str> = table
        .fields
        .iter()
        .filter(|f| f.required)
        .map(|f| f.key)
        .collect();
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = kind(&field.kind);
    schema["description"] = field.doc.into();
    if field.non_empty {
        let list = match schema.get_mut("anyOf") {
            Some(any) => &mut any[1],
            None => &mut schema,
        };
        list["minItems"] = 1.into();
    }
    if let Some(text) = field.default {
        let source = crate::source::Source::new("default", text);
        if let (Some(node), _) = syntax::parse(&source) {
            schema["default"] = node.to_json();
        }
    }
    schema
}

fn kind(kind_: &Kind) -> Value {
    match kind_ {
        Kind::Text(format) => {
            // An editor reads a text of digits alone as a number; frames doesn't.
            let digits = (1..=32).any(|n| format.matches(&"1".repeat(n)));
            let types = if digits {
                json!(["string", "number"])
            } else {
                json!("string")
            };
            json!({"type": types, "pattern": format.pattern, "examples": [format.example]})
        }
        Kind::Choice(choice) => {
            // An unquoted `30` is a number to an editor, and the same word here.
            let words = choice.words.iter();
            let either = words.flat_map(|word| {
                let number = word.parse::<u64>().ok().map(Value::from);
                number.into_iter().chain([Value::from(*word)])
            });
            json!({"enum": either.collect::<Vec<_>>()})
        }
        Kind::Duration(duration) => kind(&Kind::Text(duration.format)),
        Kind::Map { key, value } => json!({
            "type": "object",
            "propertyNames": {"pattern": key.pattern},
            "additionalProperties": {"type": ["string", "number", "boolean"], "pattern": value.pattern},
            "examples": [{key.example: value.example}],
        }),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::List(item) => json!({"type": "array", "items": kind(item)}),
        Kind::OneOrMany(format) => {
            let one = kind(&Kind::Text(format));
            json!({"anyOf": [one.clone(), {"type": "array", "items": one}]})
        }
        Kind::Table(fields) => table(fields),
    }
}

/// Each mode with the keys that it requires, and without those that it doesn't use.
fn modes(auth: &Table) -> Value {
    let rule = |mode: &str, required: &[&str]| {
        let unused: Map<String, Value> = auth
            .fields
            .iter()
            .filter(|field| !field.modes.is_empty() && !field.modes.contains(&mode))
            .map(|field| (field.key.to_owned(), Value::Bool(false)))
            .collect();
        json!({
            "if": {"properties": {"mode": {"const": mode}}, "required": ["mode"]},
            "then": {"required": required, "properties": unused},
        })
    };
    json!([
        rule("cognito", &["userPoolId"]),
        rule("oidc", &["issuer", "audience"]),
        rule("none", &[]),
    ])
}
