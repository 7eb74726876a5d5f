//! The manifest's `resources`: merged into a stage's template and checked there, on the
//! very value that is written.
//!
//! - [`merge`]: compiled template and overlay to the finished template
//! - [`kept`], [`tunable`], [`rows`], [`distribution`]: what is compiled stays as compiled, but
//!   for a table of what may be tuned
//! - [`added`]: which types may be added, with which properties, by which rules
//! - [`reserved`]: ids that belong to frames
//! - [`sound`], [`references`]: what CloudFormation would refuse
//! - [`again`]: the same of a template that was made before

mod added;
mod again;
mod distribution;
mod kept;
mod references;
mod reserved;
mod rows;
mod sound;
mod tunable;

pub use again::recheck;

use crate::span::Span;
use crate::syntax::{Node, Value as Yaml};
use serde_json::Value;

/// Sections of a template that are mappings of a user's own names.
const SECTIONS: [&str; 6] = [
    "Conditions",
    "Mappings",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
];

/// Merges an overlay: mappings key by key, whatever else is replaced. An empty section is
/// nothing; one that isn't a mapping is a finding of [`check`] and stays out.
pub fn merge(template: &mut Value, overlay: &Node) {
    let (Value::Object(sections), Yaml::Mapping(entries)) = (template, &overlay.value) else {
        return;
    };
    for entry in entries {
        let section = entry.key.text.as_str();
        let is_mapping = matches!(entry.value.value, Yaml::Mapping(_));
        if entry.value.is_null() || (SECTIONS.contains(&section) && !is_mapping) {
            continue;
        }
        let before = sections.get(section).cloned();
        merge_value(
            sections.entry(section.to_owned()).or_insert(Value::Null),
            &entry.value,
        );
        if let (Some(before), Some(after)) = (before, sections.get_mut(section)) {
            keep_headers(&before, after);
        }
    }
}

/// A header that the overlay adds comes beside those that are compiled, by whose names browsers
/// keep nothing: it would replace their list else.
fn keep_headers(before: &Value, after: &mut Value) {
    const ITEMS: &str = "/Properties/ResponseHeadersPolicyConfig/CustomHeadersConfig/Items";
    let name = |item: &Value| {
        let name = item.get("Header").and_then(Value::as_str);
        name.map(str::to_ascii_lowercase)
    };
    for (id, resource) in before.as_object().into_iter().flatten() {
        let compiled = resource.pointer(ITEMS).and_then(Value::as_array);
        let merged = after.get_mut(id).and_then(|it| it.pointer_mut(ITEMS));
        let (Some(compiled), Some(Value::Array(merged))) = (compiled, merged) else {
            continue;
        };
        let missing = compiled.iter().filter(|item| {
            let own = name(item);
            !merged.iter().any(|other| name(other) == own)
        });
        let missing: Vec<Value> = missing.cloned().collect();
        merged.splice(0..0, missing);
    }
}

fn merge_value(template: &mut Value, overlay: &Node) {
    match (template, &overlay.value) {
        // An intrinsic function is one value: half of one and half of another is none.
        (template @ Value::Object(_), Yaml::Mapping(entries))
            if is_literal(template) && !entries.iter().any(|e| is_intrinsic(&e.key.text)) =>
        {
            for entry in entries {
                if let Value::Object(map) = template {
                    let member = map.entry(entry.key.text.clone()).or_insert(Value::Null);
                    merge_value(member, &entry.value);
                }
            }
        }
        (template, _) => *template = overlay.to_json(),
    }
}

/// A stage's template before and after its overlay.
#[derive(Debug, Clone, Copy)]
pub struct Overlaid<'a> {
    /// What the overlay was merged into.
    pub compiled: &'a Value,
    /// What is written and deployed.
    pub finished: &'a Value,
    pub overlay: &'a Node,
    /// The names under which the distribution is reached, `domain.cnames`.
    pub names: &'a [String],
}

/// Something wrong with an overlay, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub span: Span,
    /// `Resources.Distribution.Properties…`, as far as the overlay goes.
    pub path: String,
    pub what: String,
    pub help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// CloudFormation would refuse the template.
    Invalid,
    /// A resource without a type: a slip in the name of a compiled one, most likely.
    Nameless,
    /// It could open the endpoint, a log or a key.
    Unsafe,
}

/// Everything that is wrong with an overlay, in order of place.
pub fn check(stage: &Overlaid<'_>) -> Vec<Finding> {
    let mut found = sound::check(stage);
    // A value that isn't known yet is judged once it is: before, nothing is made of it.
    let is_open = |place: &Place| {
        let (node, ..) = innermost(stage.overlay, place);
        matches!(node.value, Yaml::Open(_))
    };
    let opened = opened(stage).into_iter();
    let known = opened.filter(|(place, _)| !is_open(place));
    found.extend(known.map(|(place, what)| locate(stage.overlay, &place, Kind::Unsafe, what)));
    found.sort_by(|a, b| (a.span, a.kind, &a.what).cmp(&(b.span, b.kind, &b.what)));
    found.dedup();
    found
}

/// What the overlay opens or weakens, or what can't be checked.
fn opened(stage: &Overlaid<'_>) -> Found {
    let mut found = Vec::new();
    macros(stage.finished, &mut found);
    reserved::check(stage, &mut found);
    kept::programs(stage.compiled, stage.finished, &mut found);
    for (id, resource) in resources(stage.finished) {
        let place = Place::root().at("Resources").at(id);
        match resource.get("Type").and_then(Value::as_str) {
            Some(rows::CONFIG) => {
                distribution::guarded(resource, stage.compiled, &place, &mut found);
            }
            Some("AWS::S3::Bucket") => added::rules::bucket(resource, &place, &mut found),
            _ => {}
        }
        added::policy::principals(resource, &place, &mut found);
        if stage.compiled_resource(id).is_none() {
            added::resource(stage, resource, &place, &mut found);
        }
    }
    kept::rest(stage.compiled, stage.finished, &mut found);
    found
}

impl<'a> Overlaid<'a> {
    fn compiled_resource(&self, id: &str) -> Option<&'a Value> {
        self.compiled.get("Resources")?.get(id)
    }

    /// The type of a resource of the stage, and whether it is a compiled one.
    fn kind_of(&self, id: &str) -> Option<(&'a str, bool)> {
        let resource = self.finished.get("Resources")?.get(id)?;
        let compiled = self.compiled_resource(id).is_some();
        Some((resource.get("Type")?.as_str()?, compiled))
    }
}

/// A path in the finished template.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place(Vec<String>);

impl Place {
    fn root() -> Self {
        Self(Vec::new())
    }

    fn at(&self, segment: impl ToString) -> Self {
        let segment = [segment.to_string()];
        Self(self.0.iter().cloned().chain(segment).collect())
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// What is there; segments are a user's text, and so no JSON pointer is made of them.
    fn of<'v>(&self, template: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(template, |value, segment| {
            let item = || segment.parse::<usize>().ok().and_then(|i| value.get(i));
            value.get(segment).or_else(item)
        })
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

/// What rewrites the template after this check could undo all of it.
fn macros(template: &Value, found: &mut Found) {
    const AFTERWARDS: &str = "a transform, which may change anything";
    for section in ["Transform", "Hooks"] {
        if template.get(section).is_some() {
            found.push((Place::root().at(section), AFTERWARDS.to_owned()));
        }
    }
    walk(template, &Place::root(), &mut |value, place| {
        let keys = value.as_object().into_iter().flatten().map(|(key, _)| key);
        for key in keys.filter(|key| *key == "Fn::Transform" || key.starts_with("Fn::ForEach")) {
            found.push((place.at(key), AFTERWARDS.to_owned()));
        }
    });
}

fn is_intrinsic(key: &str) -> bool {
    key.starts_with("Fn::") || key == "Ref"
}

/// A mapping that is what it says, not what an intrinsic makes of it.
fn is_literal(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|map| !map.keys().any(|key| is_intrinsic(key)))
}

/// What CloudFormation looks up at deployment.
fn is_dynamic(text: &str) -> bool {
    text.contains("{{resolve:")
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

/// The overlay's innermost value on the way to a place: its key's place, and the path to it.
fn innermost<'n>(overlay: &'n Node, place: &Place) -> (&'n Node, Span, usize) {
    let (mut node, mut span) = (overlay, overlay.span);
    for (depth, segment) in place.0.iter().enumerate() {
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
        let Some((at, value)) = next else {
            return (node, span, depth);
        };
        (node, span) = (value, at);
    }
    (node, span, place.0.len())
}

/// Where the overlay brings a place about.
fn locate(overlay: &Node, place: &Place, kind: Kind, what: String) -> Finding {
    let (node, mut span, depth) = innermost(overlay, place);
    if matches!(node.value, Yaml::Scalar { .. }) && !node.is_null() {
        span = node.span;
    }
    let replaces = kind == Kind::Unsafe && matches!(node.value, Yaml::Sequence(_));
    Finding {
        kind,
        span,
        path: place.0[..depth].join("."),
        what,
        help: replaces.then(|| {
            "a list in `resources` replaces the whole list that frames makes. Repeat the items of that list unchanged: without the overlay, `frames package` writes them to .frames/<env>/"
                .to_owned()
        }),
    }
}

#[cfg(test)]
mod tests;
