//! What a template's value says, whichever way it is written.

use serde_json::{Map, Value, json};

/// One form for what means the same: `Fn::GetAtt` as a list, a `Fn::Sub` without holes as text or
/// with a single one as its reference, a `Fn::Join` of texts as text, numbers and booleans as text.
pub(crate) fn canon(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 => {
            let (key, inner) = map.iter().next().expect("it has one");
            match key.as_str() {
                "Fn::GetAtt" => json!({ "Fn::GetAtt": path(inner) }),
                "Fn::Sub" => substituted(inner),
                "Fn::Join" => joined(inner),
                _ => json!({ key: canon(inner) }),
            }
        }
        Value::Object(map) => {
            let members = map.iter().map(|(key, inner)| (key.clone(), canon(inner)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(canon).collect(),
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(on) => json!(on.to_string()),
        _ => value.clone(),
    }
}

fn path(value: &Value) -> Value {
    match value.as_str().and_then(|text| text.split_once('.')) {
        Some((id, attribute)) => json!([id, attribute]),
        None => canon(value),
    }
}

fn substituted(value: &Value) -> Value {
    let kept = || json!({ "Fn::Sub": canon(value) });
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let (Some(text), Some(names)) = (
                parts.first().and_then(Value::as_str),
                parts.get(1).and_then(Value::as_object),
            ) else {
                return kept();
            };
            let mut text = text.to_owned();
            for (name, value) in names {
                match literal(value) {
                    Some(value) => text = text.replace(&format!("${{{name}}}"), &value),
                    None => return kept(),
                }
            }
            text
        }
        _ => return kept(),
    };
    let hole = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    match hole {
        _ if !text.contains("${") => json!(text),
        Some(name) if !name.contains(['$', '!', '}']) => match name.split_once('.') {
            Some((id, attribute)) => json!({ "Fn::GetAtt": [id, attribute] }),
            None => json!({ "Ref": name }),
        },
        _ => json!({ "Fn::Sub": text }),
    }
}

fn joined(value: &Value) -> Value {
    let text = || {
        let delimiter = value.get(0)?.as_str()?;
        let parts: Option<Vec<String>> = value.get(1)?.as_array()?.iter().map(literal).collect();
        Some(json!(parts?.join(delimiter)))
    };
    text().unwrap_or_else(|| json!({ "Fn::Join": canon(value) }))
}

/// A text that is known here and now.
pub(crate) fn literal(value: &Value) -> Option<String> {
    match canon(value) {
        Value::String(text) if !text.contains("{{resolve:") => Some(text),
        _ => None,
    }
}

pub(crate) fn is(value: Option<&Value>, text: &str) -> bool {
    value.and_then(literal).as_deref() == Some(text)
}

pub(crate) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let of = |value: Option<&Value>| value.map_or(Value::Null, canon);
    of(a) == of(b)
}

/// A member that says something: neither absent nor null nor empty.
pub(crate) fn given<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    })
}

/// The texts of a list, where all are known; one text is a list of one.
pub(crate) fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(vec![]),
        Some(Value::Array(items)) => items.iter().map(literal).collect(),
        Some(value) => Some(vec![literal(value)?]),
    }
}

pub(crate) fn number(value: Option<&Value>) -> Option<f64> {
    literal(value?)?.parse().ok()
}

/// The id that a `Ref`, or a `GetAtt` of the given attribute, leads to.
pub(crate) fn referred(value: &Value, attribute: Option<&str>) -> Option<String> {
    let value = canon(value);
    if let Some(id) = value.get("Ref").and_then(Value::as_str) {
        return Some(id.to_owned());
    }
    let path = value.get("Fn::GetAtt")?.as_array()?;
    let fits = attribute.is_none_or(|wanted| path.get(1).and_then(Value::as_str) == Some(wanted));
    path.first()?
        .as_str()
        .filter(|_| fits)
        .map(ToOwned::to_owned)
}

/// Every id that is mentioned somewhere in a value.
pub(crate) fn mentions(value: &Value, id: &str) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| match key.as_str() {
            "Ref" => inner == id,
            "Fn::GetAtt" => path(inner).get(0).is_some_and(|first| first == id),
            "Fn::Sub" => {
                let text = inner.as_str().or_else(|| inner.get(0)?.as_str());
                let (plain, dotted) = (format!("${{{id}}}"), format!("${{{id}."));
                text.is_some_and(|text| text.contains(&plain) || text.contains(&dotted))
                    || inner.get(1).is_some_and(|names| mentions(names, id))
            }
            _ => mentions(inner, id),
        }),
        Value::Array(items) => items.iter().any(|item| mentions(item, id)),
        _ => false,
    }
}
