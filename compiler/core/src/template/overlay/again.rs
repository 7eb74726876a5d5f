//! A finished template that somebody may have written instead of frames: the same rules as for an
//! overlay, where nothing is known of the manifest.
//!
//! What has an id of frames is held against what frames could have compiled under that id, for
//! whatever manifest ([`ours`]): of all that, the nearest ([`shape`]) counts as compiled. Where they
//! differ, the rules decide as for an overlay.

mod ours;
mod shape;

use super::{Found, Overlaid, Place, opened, resources, walk};
use crate::names;
use crate::span::Span;
use crate::syntax::{Node, Value as Yaml};
use crate::template::unhex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ours::Ours;
use serde_json::{Map, Value, json};

/// What in a finished template opens the endpoint, a log or a key: place and words.
/// `names` are those under which the distribution is reached.
pub fn recheck(finished: &Value, names: &[String]) -> Vec<String> {
    let compiled = compiled(finished);
    let overlay = Node {
        value: Yaml::Mapping(Vec::new()),
        span: Span::default(),
    };
    let stage = Overlaid {
        compiled: &compiled,
        finished,
        overlay: &overlay,
        names,
    };
    let mut found = opened(&stage);
    other_bytes(finished, &mut found);
    empty(finished, &mut found);
    let told = found
        .into_iter()
        .map(|(place, what)| format!("{what} ({})", place.0.join(".")));
    told.collect()
}

/// The nearest that frames could have compiled.
fn compiled(finished: &Value) -> Value {
    let nothing = Vec::new();
    let description = finished["Description"].as_str().unwrap_or_default();
    let (service, env) = names::marked(description).unwrap_or_default();
    let config = &finished["Resources"][names::DISTRIBUTION]["Properties"]["DistributionConfig"];
    let ours = Ours {
        service,
        env,
        aliases: config["Aliases"].as_array().unwrap_or(&nothing),
        is_key_kept: !finished["Outputs"][names::LOGS_KEY_ARN].is_null(),
    };
    let known = |id: &str| !finished["Resources"][id].is_null();
    let section = |name: &str, shape: &dyn Fn(&str) -> Option<Value>| {
        let members = finished[name].as_object().into_iter().flatten();
        let near = members.filter_map(|(id, member)| {
            let shape = shape(id).filter(|_| names::is_reserved(id))?;
            Some((
                id.clone(),
                shape::nearest(&shape, Some(member), &known).value,
            ))
        });
        Value::Object(near.collect::<Map<_, _>>())
    };
    json!({
        "Resources": section("Resources", &|id| ours.resource(id)),
        "Parameters": section("Parameters", &ours::parameter),
        "Outputs": section("Outputs", &|id| ours::output(id, ours.aliases)),
    })
}

/// `null` stands for what no shape has, and CloudFormation refuses it.
fn empty(finished: &Value, found: &mut Found) {
    walk(finished, &Place::root(), &mut |value, place| {
        if value.is_null() {
            found.push((place.clone(), "a value that is `null`".to_owned()));
        }
    });
}

/// A version is published of the zip that its function has: the record names zips of several.
fn other_bytes(finished: &Value, found: &mut Found) {
    for (id, resource) in resources(finished) {
        let properties = &resource["Properties"];
        if resource["Type"] != "AWS::Lambda::Version" || !names::is_reserved(id) {
            continue;
        }
        let digest = properties["CodeSha256"].as_str().unwrap_or_default();
        let function = properties["FunctionName"]["Ref"]
            .as_str()
            .unwrap_or_default();
        let key = &finished["Resources"][function]["Properties"]["Code"]["S3Key"];
        let hash = key.as_str().and_then(|key| {
            let (_, hash) = key.strip_suffix(".zip")?.rsplit_once('-')?;
            unhex(hash)
        });
        let is_of_zip = STANDARD.decode(digest).is_ok_and(|bytes| {
            hash.is_some_and(|hash| !hash.is_empty() && bytes.starts_with(&hash))
        });
        if !is_of_zip {
            let place = Place::root().at("Resources").at(id).at("Properties");
            let what = "a version of other bytes than its function's zip";
            found.push((place.at("CodeSha256"), what.to_owned()));
        }
    }
}
