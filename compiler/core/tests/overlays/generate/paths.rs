//! Each compiled value is taken out, set to another one, to a hostile one, to an intrinsic.

use super::{Step, condition, hostile, merged, put, walk};
use crate::dice::Dice;
use serde_json::{Value, json};

pub(super) fn all(template: &Value, dice: &mut Dice) -> Vec<Value> {
    let mut bodies = Vec::new();
    let resources = &template["Resources"];
    let mut way = vec![Step::Key("Resources".to_owned())];
    walk(resources, &mut way, &mut |way, value| {
        if way.len() < 2 {
            return;
        }
        // A suppressed rule of a checker, a remark: one value of each is enough.
        let is_metadata = way.contains(&Step::Key("Metadata".to_owned()));
        if is_metadata && way.len() > 3 {
            return;
        }
        bodies.push(put(template, way, None));
        for other in others(value) {
            bodies.push(put(template, way, Some(other)));
        }
        for other in hostile::values(way, value) {
            bodies.push(put(template, way, Some(other)));
        }
        let (intrinsic, needs_condition) = hostile::intrinsic(value, dice);
        let body = put(template, way, Some(intrinsic));
        bodies.push(if needs_condition {
            merged(condition(), body)
        } else {
            body
        });
        if let (Value::Array(items), false) = (value, is_metadata) {
            lists(template, way, items, &mut bodies);
        }
    });
    bodies
}

/// Another value of the same type.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) => vec![json!("x"), json!("")],
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            vec![json!(number + 1), json!(0)]
        }
        Value::Array(_) => vec![json!([])],
        _ => vec![json!({ "X": "x" }), json!("x")],
    }
}

/// One item more, the first one twice, the list the other way round.
fn lists(template: &Value, way: &[Step], items: &[Value], bodies: &mut Vec<Value>) {
    let further = items.first().map_or(json!("*"), |first| match first {
        Value::String(_) => json!("*"),
        other => other.clone(),
    });
    let more: Vec<Value> = items.iter().cloned().chain([further]).collect();
    bodies.push(put(template, way, Some(json!(more))));
    let back: Vec<Value> = items.iter().rev().cloned().collect();
    bodies.push(put(template, way, Some(json!(back))));
}
