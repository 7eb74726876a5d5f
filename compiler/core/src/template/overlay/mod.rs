//! The manifest's `resources`: merged into a stage's template after rendering,
//! unless the result would open what the compiled template keeps closed.

mod added;
mod distribution;
mod kept;
mod rows;
mod tunable;

use crate::source::Span;
use crate::syntax::{Node, Value as Yaml};
use serde_json::Value;

/// Merges an overlay: mappings key by key, whatever else is replaced.
pub fn merge(template: &mut Value, overlay: &Node) {
    match (template, &overlay.value) {
        (Value::Object(map), Yaml::Mapping(entries)) => {
            for entry in entries {
                merge(
                    map.entry(entry.key.text.clone()).or_insert(Value::Null),
                    &entry.value,
                );
            }
        }
        (template, _) => *template = overlay.to_json(),
    }
}

/// What an overlay would open, and where it does so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub span: Span,
    /// `Resources.Distribution.Properties…`, as far as the overlay goes.
    pub path: String,
    pub what: String,
}

/// Compares the template as compiled with the merged one.
pub fn opened(compiled: &Value, merged: &Value, overlay: &Node) -> Vec<Opened> {
    let mut found = Vec::new();
    macros(merged, &mut found);
    kept::programs(compiled, merged, &mut found);
    for (id, resource) in resources(merged) {
        let place = Place::root().at("Resources").at(id);
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::CloudFront::Distribution") => {
                distribution::guarded(resource, &place, &mut found);
            }
            Some("AWS::S3::Bucket") => added::bucket(resource, &place, &mut found),
            _ => {}
        }
        added::principals(resource, &place, &mut found);
        if compiled.pointer(&format!("/Resources/{id}")).is_none() {
            added::resource(resource, &place, merged, &mut found);
        }
    }
    kept::rest(compiled, merged, &mut found);
    let mut opened: Vec<Opened> = found
        .into_iter()
        .map(|(place, what)| locate(overlay, &place, what))
        .collect();
    opened.sort_by(|a, b| (a.span, &a.what).cmp(&(b.span, &b.what)));
    opened.dedup();
    opened
}

/// Resources that the overlay adds without saying what they are: a slip in the
/// name of one that is there, most likely. Each with the names that are.
pub fn nameless<'a>(merged: &'a Value, overlay: &Node) -> Vec<(Opened, Vec<&'a str>)> {
    let known = || resources(merged).filter(|(_, resource)| resource.get("Type").is_some());
    resources(merged)
        .filter(|(_, resource)| resource.get("Type").is_none())
        .map(|(id, _)| {
            let place = Place::root().at("Resources").at(id);
            let what = format!("`{id}` has no `Type`, and isn't a resource of this stack");
            (
                locate(overlay, &place, what),
                known().map(|(id, _)| id.as_str()).collect(),
            )
        })
        .collect()
}

/// A path in the merged template.
#[derive(Debug, Clone)]
struct Place(Vec<String>);

impl Place {
    fn root() -> Self {
        Self(Vec::new())
    }

    fn at(&self, segment: impl ToString) -> Self {
        Self(
            self.0
                .iter()
                .cloned()
                .chain([segment.to_string()])
                .collect(),
        )
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

type Found = Vec<(Place, String)>;

fn resources(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
    template
        .get("Resources")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// A macro rewrites the template after this check, and could undo all of it.
fn macros(template: &Value, found: &mut Found) {
    if template.get("Transform").is_some() {
        found.push((
            Place::root().at("Transform"),
            "a transform, which may change anything".to_owned(),
        ));
    }
    walk(template, &Place::root(), &mut |value, place| {
        if value.get("Fn::Transform").is_some() {
            found.push((
                place.at("Fn::Transform"),
                "a transform, which may change anything".to_owned(),
            ));
        }
    });
}

/// A mapping that is what it says, not what an intrinsic makes of it.
fn is_literal(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        !map.keys()
            .any(|key| key.starts_with("Fn::") || key == "Ref")
    })
}

fn walk(value: &Value, place: &Place, visit: &mut dyn FnMut(&Value, &Place)) {
    visit(value, place);
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| walk(value, &place.at(key), visit)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| walk(value, &place.at(i), visit)),
        _ => {}
    }
}

/// Where the overlay brings a place about: the innermost value of it on the way there.
fn locate(overlay: &Node, place: &Place, what: String) -> Opened {
    let (mut node, mut span, mut path) = (overlay, overlay.span, Vec::new());
    for segment in &place.0 {
        let next = match &node.value {
            Yaml::Mapping(entries) => {
                let entry = entries.iter().find(|entry| entry.key.text == *segment);
                entry.map(|entry| (entry.key.span, &entry.value))
            }
            Yaml::Sequence(items) => {
                let item = segment.parse::<usize>().ok().and_then(|i| items.get(i));
                item.map(|item| (item.span, item))
            }
            Yaml::Scalar { .. } | Yaml::Open(_) => None,
        };
        let Some((at, value)) = next else { break };
        (node, span) = (value, at);
        path.push(segment.as_str());
    }
    if matches!(node.value, Yaml::Scalar { .. }) {
        span = node.span;
    }
    Opened {
        span,
        path: path.join("."),
        what,
    }
}

#[cfg(test)]
mod tests;
