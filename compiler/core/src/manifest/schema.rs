//! The JSON Schema of frames.yml, from the field tables.

use super::field::{Field, Kind, Table};
use super::tables::{AUTH, MANIFEST};
use super::{MOST_TAGS, OWN_KEY, formats};
use crate::environments::KEY;
use crate::syntax;
use serde_json::{Map, Value, json};

/// Draft 7: what yaml-language-server and every editor understand.
pub fn schema() -> Value {
    let mut root = table(&MANIFEST);
    root["type"] = "object".into();
    root["patternProperties"] = own_keys();
    root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    root["title"] = "frames.yml".into();
    root["description"] =
        "Medical image frames from AWS HealthImaging through CloudFront, checked and signed at the edge.".into();
    at(&mut root, &["deploy", "tags"])["maxProperties"] = MOST_TAGS.into();
    at(&mut root, &["deploy", "tags"])["propertyNames"]["not"] =
        json!({"pattern": "^[Aa][Ww][Ss]:"});
    for (path, pattern) in [
        (
            ["healthImaging", "endpoint"],
            r"^runtime-medical-imaging\.[^.]+\.amazonaws\.com$",
        ),
        (["domain", "certificateArn"], "^arn:aws:acm:us-east-1:"),
        (["logs", "kmsKeyArn"], "^arn:aws:kms:us-east-1:"),
        (["alarms", "topicArn"], "^arn:aws:sns:us-east-1:"),
        (
            ["delivery", "webAclArn"],
            "^arn:aws:wafv2:us-east-1:[0-9]+:global/",
        ),
    ] {
        at(&mut root, &path)["allOf"] = json!([{"pattern": or_reference(pattern)}]);
    }
    // An environment may add what the rest lacks, and which one it will be isn't known. So may
    // what `<<` brings in.
    let whole = whole(&mut root);
    unless_merged(&mut root["properties"]);
    root["if"] = json!({"allOf": [{"not": {"required": [KEY]}}, not_merged()]});
    root["then"] = whole;
    root
}

/// What holds for the manifest as a whole, taken out of the schema of its parts.
fn whole(root: &mut Value) -> Value {
    let needs_cnames = json!(["cnames"]);
    json!({
        "required": take_required(root),
        "properties": {
            "auth": {
                "type": ["object", "string"],
                "if": not_merged(),
                "then": {"required": take_required(at(root, &["auth"])), "allOf": modes(&AUTH)},
            },
            "domain": {"if": not_merged(), "then": {"dependencies": {
                "cnames": {"anyOf": [{"required": ["certificateArn"]}, {"required": ["hostedZoneId"]}]},
                "certificateArn": needs_cnames,
                "hostedZoneId": needs_cnames,
                "securityPolicy": needs_cnames,
            }}},
            "delivery": {
                "properties": {"geo": {
                    "type": ["object", "string"],
                    "minProperties": 1,
                    "if": not_merged(),
                    "then": {"maxProperties": 1},
                }},
                "not": {"type": "object", "required": ["webAcl", "webAclArn"]},
            },
        },
    })
}

/// No `<<` brings in keys that aren't in the text. By names: yaml-language-server doesn't count `<<` among
/// the keys that a mapping has, but does look at its name.
fn not_merged() -> Value {
    json!({"propertyNames": {"not": {"const": syntax::MERGE}}})
}

/// What is required may come by `<<` from a variable, in each mapping for itself.
fn unless_merged(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(unless_merged);
            // A key of that name has a schema of its own; the keyword has a list.
            if map.get("required").is_some_and(Value::is_array) {
                let required = map.remove("required");
                map.insert("if".to_owned(), not_merged());
                map.insert("then".to_owned(), json!({"required": required}));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unless_merged),
        _ => {}
    }
}

fn take_required(schema: &mut Value) -> Option<Value> {
    schema.as_object_mut()?.remove("required")
}

/// The schema of a key.
fn at<'a>(root: &'a mut Value, path: &[&str]) -> &'a mut Value {
    let step = |schema: &'a mut Value, key: &&str| &mut schema["properties"][*key];
    path.iter().fold(root, step)
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
        "type": ["object", "string"],
        "pattern": REFERENCE,
        "additionalProperties": false,
        "properties": properties,
        "patternProperties": merge_key(),
    });
    if required.is_empty() {
        // Nothing behind the key is an empty section.
        nullable(&mut schema);
    } else {
        schema["required"] = required.into();
    }
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = kind(&field.kind);
    schema["description"] = field.doc.into();
    if field.non_empty {
        schema["minItems"] = 1.into();
    }
    if let Some(text) = field.default.filter(|_| field.mode_defaults.is_empty()) {
        let source = crate::source::Source::new("default", text);
        if let (Some(node), _) = syntax::parse(&source) {
            schema["default"] = node.to_json();
        }
    }
    schema
}

fn kind(kind_: &Kind) -> Value {
    match kind_ {
        Kind::Text(format) | Kind::Count(format) => {
            // An editor reads a text of nothing but digits as a number; frames doesn't.
            let digits = (1..=32).any(|n| format.matches(&"1".repeat(n)));
            let types = if digits {
                json!(["string", "number"])
            } else {
                json!("string")
            };
            json!({"type": types, "pattern": or_reference(format.pattern), "examples": [format.example]})
        }
        Kind::Choice(choice) => {
            // An unquoted `30` is a number to an editor, and the same word here.
            let words = choice.words.iter();
            let either = words.flat_map(|word| {
                let number = word.parse::<u64>().ok().map(Value::from);
                number.into_iter().chain([Value::from(*word)])
            });
            json!({"anyOf": [{"enum": either.collect::<Vec<_>>()}, {"type": "string", "pattern": REFERENCE}]})
        }
        Kind::Duration(duration) => kind(&Kind::Text(duration.format)),
        Kind::Map { key, value } => json!({
            "type": ["object", "string", "null"],
            "pattern": REFERENCE,
            "propertyNames": {"pattern": key.pattern},
            "additionalProperties": {"type": ["string", "number", "boolean"], "pattern": value.pattern},
            "examples": [{key.example: value.example}],
        }),
        Kind::Flag => {
            json!({"type": ["boolean", "string"], "pattern": or_reference("^(true|false)$")})
        }
        Kind::List(item) => {
            json!({"type": ["array", "string"], "pattern": REFERENCE, "items": kind(item)})
        }
        Kind::OneOrMany(format) => {
            let one = kind(&Kind::Text(format));
            let types: Vec<&str> = ["string", "number", "array"]
                .into_iter()
                .filter(|name| *name != "number" || one["type"].is_array())
                .collect();
            json!({"type": types, "pattern": one["pattern"], "items": one})
        }
        Kind::Free => json!({"type": ["object", "string", "null"], "pattern": REFERENCE}),
        Kind::Environments => json!({
            "type": ["object", "string", "null"],
            "pattern": REFERENCE,
            "additionalProperties": partial(&MANIFEST),
            "patternProperties": merge_key(),
        }),
        Kind::Table(fields) => table(fields),
    }
}

/// The user's own keys, beside the manifest's. (Those that have no `x-` and are named by a
/// only `${self:…}` are beyond a schema.)
fn own_keys() -> Value {
    let mut keys = merge_key();
    keys[format!("^{OWN_KEY}")] = json!({
        "description": "A key of your own, for `${self:…}` and anchors.",
    });
    keys
}

/// What `<<` merges is looked at where it is written.
fn merge_key() -> Value {
    json!({format!("^{}$", syntax::MERGE): {}})
}

/// Takes nothing too.
fn nullable(schema: &mut Value) {
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.push(json!({"type": "null"}));
    }
    let Some(types) = schema.get_mut("type") else {
        return;
    };
    let mut all = match types.take() {
        Value::Array(all) => all,
        one => vec![one],
    };
    if !all.contains(&Value::from("null")) {
        all.push("null".into());
    }
    *types = all.into();
}

/// In an environment, `null` takes a key away, but for items of lists.
fn keys_nullable(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for schema in properties.values_mut() {
        keys_nullable(schema);
        nullable(schema);
    }
    // A mapping whose keys are the user's.
    for key in ["tags"] {
        if let Some(tags) = properties.get_mut(key) {
            nullable(&mut tags["additionalProperties"]);
        }
    }
}

/// A text with a `${…}` reference may become anything.
const REFERENCE: &str = r"\$\{";

fn or_reference(pattern: &str) -> String {
    format!("(?:{pattern})|{REFERENCE}")
}

/// The same keys, none of them required: an environment's differences.
fn partial(whole: &Table) -> Value {
    let environments = |field: &&Field| !matches!(field.kind, Kind::Environments);
    let properties = whole
        .fields
        .iter()
        .filter(environments)
        .map(|field| (field.key.to_owned(), property(field)));
    let mut schema = json!({
        "type": ["object", "string", "null"],
        "pattern": REFERENCE,
        "additionalProperties": false,
        "properties": properties.collect::<Map<_, _>>(),
        "patternProperties": own_keys(),
    });
    not_required(&mut schema);
    keys_nullable(&mut schema);
    schema
}

fn not_required(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            // A key of that name has a schema of its own; the keyword has a list.
            if map.get("required").is_some_and(Value::is_array) {
                map.remove("required");
            }
            map.values_mut().for_each(not_required);
        }
        Value::Array(items) => items.iter_mut().for_each(not_required),
        _ => {}
    }
}

/// Each mode with the keys that it requires, and without those that it doesn't use.
fn modes(auth: &Table) -> Value {
    let rule = |mode: &str, required: &[&str]| {
        let mut keys: Map<String, Value> = auth
            .fields
            .iter()
            .filter(|field| !field.modes.is_empty() && !field.modes.contains(&mode))
            .map(|field| (field.key.to_owned(), Value::Bool(false)))
            .collect();
        if mode == "cognito" {
            let client = kind(&Kind::Text(&formats::COGNITO_CLIENT_ID));
            keys.insert("clientIds".to_owned(), json!({"items": client}));
        }
        json!({
            "if": {"properties": {"mode": {"const": mode}}, "required": ["mode"]},
            "then": {"required": required, "properties": keys},
        })
    };
    json!([
        rule("cognito", &["userPoolId"]),
        rule("oidc", &["issuer", "audience"]),
        rule("none", &[]),
    ])
}
