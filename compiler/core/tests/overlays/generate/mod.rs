//! Overlays of every kind over the compiled templates of a manifest.

mod catalogue;
mod hostile;
mod ids;
mod keys;
mod paths;
mod redirect;
mod resources;
mod sections;

use crate::delivery::{Delivery, Written, over};
use crate::dice::Dice;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Category {
    /// A compiled value is set to something else, or taken out.
    Path,
    /// A key that CloudFormation knows in that place comes in.
    Key,
    /// A reference leads elsewhere.
    Redirect,
    /// A compiled id is given to something else, or one that looks like it.
    Id,
    /// A resource comes in.
    Resource,
    /// A section beside the resources changes.
    Section,
    /// Two of them at once.
    Pair,
}

pub(crate) const CATEGORIES: [Category; 7] = [
    Category::Path,
    Category::Key,
    Category::Redirect,
    Category::Id,
    Category::Resource,
    Category::Section,
    Category::Pair,
];

#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    pub category: Category,
    /// The stages' overlays: what stands below `resources`.
    pub body: Value,
    pub written: Written,
}

/// A step into a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

/// Everything below a value, with the way there.
pub(crate) fn walk<'a>(
    value: &'a Value,
    way: &mut Vec<Step>,
    see: &mut dyn FnMut(&[Step], &'a Value),
) {
    see(way, value);
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                way.push(Step::Key(key.clone()));
                walk(inner, way, see);
                way.pop();
            }
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                way.push(Step::Item(i));
                walk(inner, way, see);
                way.pop();
            }
        }
        _ => {}
    }
}

/// The overlay that puts a value there, or takes away what is there. Mappings are merged; a list
/// is replaced, and so written whole.
pub(crate) fn put(template: &Value, way: &[Step], value: Option<Value>) -> Value {
    match way.first() {
        None => value.unwrap_or(Value::Null),
        Some(Step::Key(key)) => {
            let inner = template.get(key).unwrap_or(&Value::Null);
            json!({ key: put(inner, &way[1..], value) })
        }
        Some(Step::Item(_)) => {
            let mut list = template.clone();
            edit(&mut list, way, value);
            list
        }
    }
}

fn edit(at: &mut Value, way: &[Step], value: Option<Value>) {
    match (way, at) {
        ([Step::Item(i)], Value::Array(items)) => match value {
            Some(value) if *i < items.len() => items[*i] = value,
            Some(value) => items.push(value),
            None => {
                items.remove(*i);
            }
        },
        ([Step::Key(key)], Value::Object(map)) => match value {
            Some(value) => {
                map.insert(key.clone(), value);
            }
            None => {
                map.remove(key);
            }
        },
        ([Step::Item(i), rest @ ..], Value::Array(items)) => {
            if let Some(item) = items.get_mut(*i) {
                edit(item, rest, value);
            }
        }
        ([Step::Key(key), rest @ ..], Value::Object(map)) => {
            edit(map.entry(key.clone()).or_insert(json!({})), rest, value);
        }
        _ => {}
    }
}

pub(crate) fn merged(mut a: Value, b: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut a, &b) {
        for (key, value) in from {
            let before = into.remove(key);
            let now = before.map_or(value.clone(), |before| merged(before, value.clone()));
            into.insert(key.clone(), now);
        }
        return a;
    }
    b
}

pub(crate) fn resource(id: &str, value: Value) -> Value {
    json!({ "Resources": { id: value } })
}

pub(crate) fn condition() -> Value {
    let equals = json!([{ "Ref": "AWS::AccountId" }, "444455556666"]);
    json!({ "Conditions": { "Mine": { "Fn::Equals": equals } } })
}

/// All overlays of a manifest, but for the pairs.
pub(crate) fn singles(delivery: &Delivery, dice: &mut Dice) -> BTreeMap<Category, Vec<Overlay>> {
    let mut all = BTreeMap::new();
    for (stage, template) in delivery.clean.stages() {
        let mut of = |category: Category, bodies: Vec<Value>| {
            let into: &mut Vec<Overlay> = all.entry(category).or_default();
            let overlays = bodies.into_iter().map(|body| Overlay {
                category,
                body: over(stage, body),
                written: Written::Plainly,
            });
            into.extend(overlays);
        };
        of(Category::Path, paths::all(template, dice));
        of(Category::Key, keys::all(template));
        of(Category::Redirect, redirect::all(template));
        of(Category::Id, ids::all(stage, template));
        of(Category::Resource, resources::all(stage, delivery));
        of(Category::Section, sections::all(stage, template));
    }
    all
}

/// A number of overlays of a manifest, each category in its share.
pub(crate) fn some(delivery: &Delivery, count: usize, dice: &mut Dice) -> Vec<Overlay> {
    let mut singles = singles(delivery, dice);
    for overlays in singles.values_mut() {
        dice.shuffle(overlays);
    }
    // Paths are the most by far; the rest is few enough to be had whole sooner.
    let share = |category: Category| match category {
        Category::Path => count * 3 / 10,
        Category::Resource => count * 2 / 10,
        _ => count / 10,
    };
    let mut chosen = Vec::with_capacity(count);
    for (category, overlays) in &singles {
        chosen.extend(overlays.iter().take(share(*category)).cloned());
    }
    let kinds: Vec<&Vec<Overlay>> = singles.values().collect();
    let pick = |dice: &mut Dice| {
        let kind = *dice.pick(&kinds);
        dice.pick(kind)
    };
    while chosen.len() < count {
        let one = pick(dice);
        let other = pick(dice);
        chosen.push(Overlay {
            category: Category::Pair,
            body: merged(one.body.clone(), other.body.clone()),
            written: Written::Plainly,
        });
    }
    // One in eight is written some other way.
    for overlay in &mut chosen {
        overlay.written = match dice.below(24) {
            0 => Written::ByMergeKey,
            1 => Written::ByVariable,
            2 => Written::InEnvironment,
            _ => Written::Plainly,
        };
    }
    chosen
}

/// The resources of a template by type.
pub(crate) fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<&'a str> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let fits = resources.filter(|(_, resource)| resource["Type"] == kind);
    fits.map(|(id, _)| id.as_str()).collect()
}
