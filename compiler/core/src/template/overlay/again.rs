//! A finished template that somebody may have written instead of frames: the same rules, where
//! nothing is known of the manifest. What has an id of frames counts as compiled, as far as it is of a
//! type and may do what frames compiles.

use super::{Found, Overlaid, Place, added, opened, resources};
use crate::names;
use crate::span::Span;
use crate::syntax::{Node, Value as Yaml};
use serde_json::{Map, Value};

/// What a role of frames may do, by the beginnings of actions.
const ACTIONS: &[&str] = &[
    "lambda:InvokeFunction",
    "logs:",
    "medical-imaging:Get",
    "medical-imaging:Search",
];

/// Types that frames compiles, beside those that an overlay may add.
const COMPILED: &[&str] = &[
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Logs::Delivery",
    "AWS::Logs::DeliveryDestination",
    "AWS::Logs::DeliverySource",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACL",
];

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
    for (id, resource) in resources(&compiled) {
        let place = Place::root().at("Resources").at(id);
        own(resource, &place, &mut found);
    }
    let told = found
        .into_iter()
        .map(|(place, what)| format!("{what} ({})", place.0.join(".")));
    told.collect()
}

/// What has an id of frames.
fn compiled(finished: &Value) -> Value {
    let mut compiled = finished.clone();
    for section in ["Resources", "Parameters", "Outputs"] {
        if let Some(members) = compiled.get_mut(section).and_then(Value::as_object_mut) {
            let kept = std::mem::take(members).into_iter();
            *members = kept
                .filter(|(id, _)| names::is_reserved(id))
                .collect::<Map<_, _>>();
        }
    }
    compiled
}

/// A resource under an id of frames is what frames makes, and may do no more.
fn own(resource: &Value, place: &Place, found: &mut Found) {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let properties = &resource["Properties"];
    if !COMPILED.contains(&kind) && !added::TYPES.iter().any(|known| known.kind == kind) {
        found.push((
            place.at("Type"),
            "a type that frames doesn't compile".to_owned(),
        ));
    }
    let mut more = |what: &str| found.push((place.at("Properties"), what.to_owned()));
    match kind {
        "AWS::IAM::Role" => {
            let policies = properties["ManagedPolicyArns"]
                .as_array()
                .into_iter()
                .flatten();
            let refers = |policy: &Value| policy["Ref"].as_str().is_some_and(names::is_reserved);
            let own = policies.into_iter().all(refers);
            if !own || !properties["Policies"].is_null() || !is_assumed_by_lambda(properties) {
                more("a role that isn't as frames makes it");
            }
        }
        "AWS::IAM::ManagedPolicy" => {
            let mut statements =
                added::policy::statements(&properties["PolicyDocument"]).into_iter();
            if !statements.all(|statement| is_narrow(&statement)) {
                more("a policy that allows more than frames gives");
            }
        }
        "AWS::Lambda::Url" if properties["AuthType"] != "AWS_IAM" => {
            more("a function URL that anybody may call");
        }
        "AWS::Lambda::Permission" if properties["Principal"] == "*" => {
            more("a function that anybody may call");
        }
        _ => {}
    }
}

fn is_assumed_by_lambda(role: &Value) -> bool {
    const SERVICES: [&str; 2] = ["lambda.amazonaws.com", "edgelambda.amazonaws.com"];
    let statements = added::policy::statements(&role["AssumeRolePolicyDocument"]);
    !statements.is_empty()
        && statements.iter().all(|statement| {
            let principal = &statement["Principal"];
            let only = principal.as_object().is_some_and(|all| all.len() == 1);
            only && texts(&principal["Service"])
                .is_some_and(|all| all.iter().all(|one| SERVICES.contains(one)))
        })
}

fn is_narrow(statement: &Value) -> bool {
    let is_own = |action: &&str| ACTIONS.iter().any(|own| action.starts_with(own));
    let actions = texts(&statement["Action"]);
    statement["Effect"] == "Allow" && actions.is_some_and(|all| all.iter().all(is_own))
}

/// One text, or a list of them.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
