//! Distributions: what protects the images, and how each behavior and
//! origin differs from the compiled one.

use super::tunable::{self, Change};
use super::{Found, Place, is_literal, rows};
use crate::names;
use serde_json::{Value, json};

/// Authorizer and HTTPS at every behavior and origin.
pub(super) fn guarded(resource: &Value, compiled: &Value, place: &Place, found: &mut Found) {
    // Only where the compiled stack takes the authorizer's version, a reference by that name
    // is to the authorizer.
    let parameter = names::version_arn(names::AUTHORIZER);
    let parameters = compiled.get("Parameters");
    let authorizer = parameters
        .and_then(|parameters| parameters.get(&parameter))
        .map(|_| json!({"Ref": parameter}));
    let place = place.at("Properties").at("DistributionConfig");
    let Some(config) = resource
        .pointer("/Properties/DistributionConfig")
        .filter(|config| is_literal(config))
    else {
        found.push((
            place,
            "a distribution whose configuration can't be checked".to_owned(),
        ));
        return;
    };
    let behavior = |one: &Value, place: &Place, found: &mut Found| {
        behavior(one, authorizer.as_ref(), place, found);
    };
    behavior(
        &config["DefaultCacheBehavior"],
        &place.at("DefaultCacheBehavior"),
        found,
    );
    list(config, "CacheBehaviors", &place, found, &behavior);
    list(config, "Origins", &place, found, &|origin, place, found| {
        let policy = origin.pointer("/CustomOriginConfig/OriginProtocolPolicy");
        if origin.get("CustomOriginConfig").is_some() && policy != Some(&"https-only".into()) {
            let place = place.at("CustomOriginConfig").at("OriginProtocolPolicy");
            found.push((place, "plain HTTP to the origin".to_owned()));
        }
    });
}

/// The items of a list that has to be there in plain sight.
fn list(
    config: &Value,
    key: &str,
    place: &Place,
    found: &mut Found,
    check: &dyn Fn(&Value, &Place, &mut Found),
) {
    match config.get(key) {
        None => {}
        Some(Value::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                let place = place.at(key).at(i);
                if is_literal(item) {
                    check(item, &place, found)
                } else {
                    found.push((place, format!("`{key}` that can't be checked")))
                }
            }
        }
        Some(_) => found.push((place.at(key), format!("`{key}` that can't be checked"))),
    }
}

fn behavior(behavior: &Value, authorizer: Option<&Value>, place: &Place, found: &mut Found) {
    if behavior.get("ViewerProtocolPolicy") != Some(&"https-only".into()) {
        found.push((
            place.at("ViewerProtocolPolicy"),
            "plain HTTP from the viewer".to_owned(),
        ));
    }
    let associations = behavior
        .get("LambdaFunctionAssociations")
        .and_then(Value::as_array);
    let mut viewer_request = associations
        .into_iter()
        .flatten()
        .filter(|a| a["EventType"] == "viewer-request");
    let guarded = viewer_request
        .next()
        .is_some_and(|association| association.get("LambdaFunctionARN") == authorizer);
    if authorizer.is_none() || !guarded || viewer_request.next().is_some() {
        found.push((
            place.at("LambdaFunctionAssociations"),
            "a behavior without the authorizer".to_owned(),
        ));
    }
    let functions = behavior
        .get("FunctionAssociations")
        .and_then(Value::as_array);
    if functions
        .into_iter()
        .flatten()
        .any(|function| function["EventType"] == "viewer-request")
    {
        // CloudFront runs one viewer-request function a behavior.
        found.push((
            place.at("FunctionAssociations"),
            "a behavior without the authorizer".to_owned(),
        ));
    }
}

/// What the merged configuration changes of the compiled one; behaviors and
/// origins are held against those of the same path or id.
pub(super) fn changes<'a>(
    compiled: &'a Value,
    merged: &'a Value,
    place: &Place,
    out: &mut Vec<Change<'a>>,
) {
    let at = place.at("Properties").at("DistributionConfig");
    let pointer = "/Properties/DistributionConfig";
    let (Some(before), Some(after)) = (compiled.pointer(pointer), merged.pointer(pointer)) else {
        return tunable::changes(Some(compiled), Some(merged), rows::CONFIG, place, out);
    };
    let mut whole = Vec::new();
    tunable::changes(
        Some(compiled),
        Some(merged),
        rows::CONFIG,
        place,
        &mut whole,
    );
    let listed = |change: &Change<'_>| {
        LISTS
            .iter()
            .any(|list| change.place.starts_with(&at.at(list)))
    };
    out.extend(whole.into_iter().filter(|change| !listed(change)));
    let default = before.get("DefaultCacheBehavior");
    each(
        before,
        after,
        "CacheBehaviors",
        "PathPattern",
        &at,
        &mut |old, new, place| {
            // A path of its own is as well kept as whatever no path matches.
            tunable::changes(old.or(default), Some(new), rows::BEHAVIOR, place, out);
        },
    );
    let mut foreign = Vec::new();
    each(
        before,
        after,
        "Origins",
        "Id",
        &at,
        &mut |old, new, place| {
            tunable::changes(old, Some(new), rows::ORIGIN, place, &mut foreign);
        },
    );
    out.extend(foreign);
}

const LISTS: [&str; 2] = ["CacheBehaviors", "Origins"];

/// The items of a merged list, each with the compiled one of the same name.
fn each<'a>(
    before: &'a Value,
    after: &'a Value,
    list: &str,
    name: &str,
    at: &Place,
    visit: &mut dyn FnMut(Option<&'a Value>, &'a Value, &Place),
) {
    let items = |config: &'a Value| config.get(list).and_then(Value::as_array);
    for (i, new) in items(after).into_iter().flatten().enumerate() {
        let mut known = items(before).into_iter().flatten();
        let old = known.find(|old| old.get(name).is_some() && old.get(name) == new.get(name));
        visit(old, new, &at.at(list).at(i));
    }
}
