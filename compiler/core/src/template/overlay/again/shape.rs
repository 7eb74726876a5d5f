//! Shapes of what frames compiles: JSON with holes, and the value of a shape that is nearest to a
//! given one.
//!
//! - a text may have holes: `<word>`, `<host>`, `<path>`, `<store>`, `<base64>`, or is one as a whole:
//!   `<number>`, `<bool>`, `<any>`, `<id:Prefix>`
//! - `{"<or>": […]}`: one of several shapes
//! - `["<each>", …]`: any number of items, each of one of the shapes
//! - `["<keyed:Id>", …]`: items that are told apart by a member
//! - `"Key?"`: may be missing; `"Key??"`: is there in this shape, or not at all

use serde_json::{Map, Value};

/// CloudFormation's own limit of most texts, and what keeps the comparison fast.
const LONGEST: usize = 4_096;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Nearest {
    pub value: Value,
    /// In how many places the given value isn't of the shape.
    pub misses: usize,
}

impl Nearest {
    fn hit(value: &Value) -> Self {
        Self {
            value: value.clone(),
            misses: 0,
        }
    }

    /// `null` is what no template of frames has, so whatever there is differs from it.
    fn miss(value: Value) -> Self {
        Self { value, misses: 1 }
    }
}

/// Which logical ids there are.
pub(super) type Known<'a> = &'a dyn Fn(&str) -> bool;

pub(super) fn nearest(shape: &Value, given: Option<&Value>, known: Known<'_>) -> Nearest {
    match shape {
        Value::Object(members) => match members.get("<or>") {
            Some(shapes) => one_of(shapes, given, known),
            None => object(members, given, known),
        },
        Value::Array(shapes) => match shapes.split_first() {
            Some((Value::String(word), shapes)) if word == "<each>" => each(shapes, given, known),
            Some((Value::String(word), shapes)) if word.starts_with("<keyed:") => {
                let key = word.trim_start_matches("<keyed:").trim_end_matches('>');
                keyed(key, shapes, given, known)
            }
            _ => list(shapes, given, known),
        },
        Value::String(text) => match given.filter(|given| is_of(text, given, known)) {
            Some(given) => Nearest::hit(given),
            None if text.contains('<') => Nearest::miss(Value::Null),
            None => Nearest::miss(shape.clone()),
        },
        literal if given == Some(literal) => Nearest::hit(literal),
        literal => Nearest::miss(literal.clone()),
    }
}

fn one_of(shapes: &Value, given: Option<&Value>, known: Known<'_>) -> Nearest {
    let shapes = shapes.as_array().into_iter().flatten();
    let all = shapes.map(|shape| nearest(shape, given, known));
    let best = all.min_by_key(|one| one.misses);
    best.unwrap_or_else(|| Nearest::miss(Value::Null))
}

fn object(shape: &Map<String, Value>, given: Option<&Value>, known: Known<'_>) -> Nearest {
    let members = given.and_then(Value::as_object);
    let mut misses = usize::from(members.is_none());
    let mut value = Map::new();
    let mut names = Vec::new();
    for (key, inner) in shape {
        let name = key.trim_end_matches('?');
        names.push(name);
        let member = members.and_then(|members| members.get(name));
        if member.is_none() && key.ends_with('?') {
            continue;
        }
        let inner = nearest(inner, member, known);
        misses += inner.misses;
        if inner.misses == 0 || !key.ends_with("??") {
            value.insert(name.to_owned(), inner.value);
        }
    }
    let keys = members.into_iter().flatten().map(|(key, _)| key.as_str());
    misses += keys.filter(|key| !names.contains(key)).count();
    Nearest {
        value: Value::Object(value),
        misses,
    }
}

/// Each shape once, in this order.
fn list(shapes: &[Value], given: Option<&Value>, known: Known<'_>) -> Nearest {
    let items = given.and_then(Value::as_array);
    let mut misses = usize::from(items.is_none());
    let items = items.map(Vec::as_slice).unwrap_or_default();
    let nearest = shapes.iter().enumerate().map(|(index, shape)| {
        let here = nearest(shape, items.get(index), known);
        if here.misses == 0 {
            return here.value;
        }
        misses += here.misses;
        let elsewhere = items.iter().map(|item| nearest(shape, Some(item), known));
        let elsewhere = elsewhere.into_iter().find(|one| one.misses == 0);
        elsewhere.unwrap_or(here).value
    });
    let value = Value::Array(nearest.collect());
    Nearest {
        value,
        misses: misses + items.len().saturating_sub(shapes.len()),
    }
}

fn each(shapes: &[Value], given: Option<&Value>, known: Known<'_>) -> Nearest {
    let items = given.and_then(Value::as_array);
    let mut misses = usize::from(items.is_none());
    let mut kept = Vec::new();
    for item in items.into_iter().flatten() {
        let fits = |shape: &Value| nearest(shape, Some(item), known).misses == 0;
        if shapes.iter().any(fits) {
            kept.push(item.clone());
        } else {
            misses += 1;
        }
    }
    Nearest {
        value: Value::Array(kept),
        misses,
    }
}

fn keyed(key: &str, shapes: &[Value], given: Option<&Value>, known: Known<'_>) -> Nearest {
    let items = given.and_then(Value::as_array);
    let mut misses = usize::from(items.is_none());
    let mut kept = Vec::new();
    for item in items.into_iter().flatten() {
        let same = |shape: &&Value| {
            shape
                .get(key)
                .is_some_and(|name| item.get(key) == Some(name))
        };
        if let Some(shape) = shapes.iter().find(same) {
            let near = nearest(shape, Some(item), known);
            misses += near.misses;
            kept.push(near.value);
        } else {
            misses += 1;
        }
    }
    Nearest {
        value: Value::Array(kept),
        misses,
    }
}

fn is_of(shape: &str, given: &Value, known: Known<'_>) -> bool {
    match (shape, given) {
        ("<any>", _) | ("<bool>", Value::Bool(_)) => true,
        ("<number>", given) => given.is_u64(),
        (shape, Value::String(text)) => match shape.strip_prefix("<id:") {
            Some(prefix) => {
                let hash = text.strip_prefix(prefix.trim_end_matches('>'));
                hash.is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit())) && known(text)
            }
            None => text.len() <= LONGEST && fills(shape, text),
        },
        _ => false,
    }
}

/// What may stand in a hole of a text. None takes what CloudFormation fills in.
fn takes(hole: &str, byte: u8) -> bool {
    let more: &[u8] = match hole {
        "word" => b"-_",
        "host" => b".-*",
        "store" => b"/-*",
        "base64" => b"+/=",
        "path" => b"-_./*:=+,@!'()&;?~%#$<>^",
        _ => return false,
    };
    byte.is_ascii_alphanumeric() || more.contains(&byte)
}

fn fills(shape: &str, text: &str) -> bool {
    let Some((before, rest)) = shape.split_once('<') else {
        return shape == text;
    };
    let (Some(text), Some((hole, after))) = (text.strip_prefix(before), rest.split_once('>'))
    else {
        return false;
    };
    let most = text.bytes().take_while(|byte| takes(hole, *byte)).count();
    let fits = |end: &usize| text.get(*end..).is_some_and(|rest| fills(after, rest));
    (1..=most).rev().any(|end| fits(&end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn near(shape: &Value, given: &Value) -> (Value, usize) {
        let near = nearest(shape, Some(given), &|id| id == "Role01ab");
        (near.value, near.misses)
    }

    #[test]
    fn what_is_of_a_shape_is_nearest_to_itself() {
        for (shape, given) in [
            (json!("a-<word>:<host>"), json!("a-b_1:c.d")),
            (json!("<id:Role>"), json!("Role01ab")),
            (json!({"a?": 1, "b": "<number>"}), json!({"b": 3})),
            (json!({"a??": "<word>"}), json!({"a": "x"})),
            (json!(["<each>", "a", "b"]), json!(["b", "b", "a"])),
            (json!(["a", "<bool>"]), json!(["a", true])),
            (json!({"<or>": ["a", {"Ref": "B"}]}), json!({"Ref": "B"})),
            (
                json!(["<keyed:Id>", {"Id": "a", "x": "<any>"}]),
                json!([{"Id": "a", "x": {"y": 1}}]),
            ),
        ] {
            assert_eq!(near(&shape, &given), (given, 0), "{shape}");
        }
    }

    #[test]
    fn what_is_not_differs_from_what_is_nearest() {
        for (shape, given, expected) in [
            (json!("a-<word>"), json!("a-{{resolve:x}}"), Value::Null),
            (json!("a-<word>"), json!("a-"), Value::Null),
            (json!("a-<word>"), json!("a-${B}"), Value::Null),
            (json!("<word>"), json!({"Fn::Sub": "a"}), Value::Null),
            (json!("<id:Role>"), json!("Role02"), Value::Null),
            (json!("<id:Role>"), json!("OtherRole01ab"), Value::Null),
            (json!(1), json!("1"), json!(1)),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"a": 1})),
            (json!({"a": 1}), json!({"Ref": "x"}), json!({"a": 1})),
            (
                json!({"a??": 1, "b": 2}),
                json!({"a": 2, "b": 2}),
                json!({"b": 2}),
            ),
            (json!(["<each>", "a"]), json!(["a", "c"]), json!(["a"])),
            (json!(["<each>", "a"]), json!({"Fn::Split": []}), json!([])),
            (json!(["a", "b"]), json!(["b", "a"]), json!(["a", "b"])),
            (json!(["a"]), json!(["a", "b"]), json!(["a"])),
            (
                json!(["<keyed:Id>", {"Id": "a", "x": 1}]),
                json!([{"Id": "a", "x": 2}, {"Id": "b", "x": 1}]),
                json!([{"Id": "a", "x": 1}]),
            ),
        ] {
            let (value, misses) = near(&shape, &given);
            assert_eq!(value, expected, "{shape}");
            assert!(misses > 0, "{shape}");
        }
    }
}
