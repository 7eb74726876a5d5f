//! What is compiled stays as compiled, but for what `tunable` lists.

use super::tunable::{self, Change};
use super::{Found, Place, distribution, resources, rows};
use serde_json::Value;

/// Members of compiled resources that decide what protects the images.
pub(super) fn programs(compiled: &Value, merged: &Value, found: &mut Found) {
    let mut keep = |place: Place, what: &str| {
        if place.of(compiled) != place.of(merged) {
            found.push((place, what.to_owned()));
        }
    };
    for (id, resource) in resources(compiled) {
        let place = Place::root().at("Resources").at(id);
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::Lambda::Function") => {
                for property in ["Code", "Handler", "Runtime", "Layers", "PackageType"] {
                    keep(
                        place.at("Properties").at(property),
                        "another program in the place of the edge function",
                    );
                }
                keep(
                    place.at("Type"),
                    "another program in the place of the edge function",
                );
            }
            Some("AWS::Lambda::Version") => {
                keep(place, "another version in the place of the edge function's")
            }
            Some("AWS::CloudFront::Distribution") => {
                keep(place.at("Type"), "a distribution that isn't one");
                keep(place.at("Condition"), "a distribution that may be missing");
            }
            _ => {}
        }
    }
    for output in compiled
        .get("Outputs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        if output.ends_with("VersionArn") {
            keep(
                Place::root().at("Outputs").at(output),
                "another version in the place of the edge function's",
            );
        }
    }
}

/// Every other change of what is compiled, unless it is one that may be tuned.
pub(super) fn rest(compiled: &Value, merged: &Value, found: &mut Found) {
    let mut changes = Vec::new();
    for (id, before) in resources(compiled) {
        let place = Place::root().at("Resources").at(id);
        let kind = before
            .get("Type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let after = merged.get("Resources").and_then(|all| all.get(id));
        match (kind, after) {
            ("AWS::CloudFront::Distribution", Some(after)) => {
                distribution::changes(before, after, &place, &mut changes);
            }
            (kind, after) => tunable::changes(Some(before), after, kind, &place, &mut changes),
        }
    }
    for (section, kind) in [("Parameters", rows::PARAMETER), ("Outputs", rows::OUTPUT)] {
        let members = compiled.get(section).and_then(Value::as_object);
        for (name, before) in members.into_iter().flatten() {
            let after = merged.get(section).and_then(|all| all.get(name));
            let place = Place::root().at(section).at(name);
            tunable::changes(Some(before), after, kind, &place, &mut changes);
        }
    }
    // What a check above has found is told once.
    let told: Vec<Place> = found.iter().map(|(place, _)| place.clone()).collect();
    let known = |change: &Change<'_>| {
        let near =
            |place: &Place| place.starts_with(&change.place) || change.place.starts_with(place);
        told.iter().any(near)
    };
    for change in changes.iter().filter(|change| !known(change)) {
        if let Some(what) = tunable::weakens(change) {
            found.push((change.place.clone(), what));
        }
    }
}
