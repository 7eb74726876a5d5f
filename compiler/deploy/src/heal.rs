//! A stack of which something was deleted behind CloudFormation's back. It can't be updated as it
//! is: CloudFormation takes what the template still has for what is there. So a step in between
//! drops what is gone, and the deployment that follows makes it again.
//!
//! What uses it goes with it where nothing is lost by that. Where something else would be, such as
//! a function that needs a role, another resource takes the place of the one that is gone until the
//! following deployment.

use crate::picture::case::Gone;
use crate::teardown::{FUNCTION, KEY, VERSION};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What holds nothing and serves nothing by itself: it goes for a moment with what it belongs to.
const PASSING: [&str; 13] = [
    VERSION,
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::Delivery",
    "AWS::Logs::DeliveryDestination",
    "AWS::Logs::DeliverySource",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::LoggingConfiguration",
];

/// Where a resource has its name, which two can't have at a time; CloudFront's policies have it in
/// their `…Config`.
const NAMES: [&str; 5] = [
    "FunctionName",
    "LogGroupName",
    "RoleName",
    "ManagedPolicyName",
    "Name",
];

/// At the end of what takes a place for a while.
const FOR_NOW: &str = "ForNow";

/// What brings a damaged stack back.
#[derive(Debug, PartialEq)]
pub(crate) enum Healing {
    /// The template of the step in between.
    Through(Value),
    /// A key: what it encrypted is lost with it, which isn't for frames to decide.
    Key(String),
}

/// The step in between for a stack with this template.
pub(crate) fn healing(template: &Value, gone: &[Gone]) -> Healing {
    if let Some(key) = gone.iter().find(|gone| gone.kind == KEY) {
        return Healing::Key(key.id.clone());
    }
    let mut template = template.clone();
    let mut drop: BTreeSet<String> = BTreeSet::new();
    for gone in gone {
        let ids: BTreeSet<String> = gone_ids(&template, std::slice::from_ref(gone));
        let all = with_users(&template, &ids);
        if all
            .iter()
            .all(|id| ids.contains(id) || is_passing(&template, id))
        {
            drop.extend(all);
        } else {
            for id in ids {
                drop.extend(versions_that_keep(&template, &id));
                replace_for_now(&mut template, &id);
            }
        }
    }
    let drop = with_users(&template, &drop);
    drop_all(&mut template, &drop);
    Healing::Through(template)
}

/// The functions' code as it will be: the zip of an earlier deployment may be gone. What is served are
/// versions, which keep theirs.
pub(crate) fn take_code(template: &mut Value, wanted: &Value) {
    let Some(resources) = template["Resources"].as_object_mut() else {
        return;
    };
    for (id, resource) in resources {
        let code = &wanted["Resources"][id.as_str()]["Properties"]["Code"];
        if resource["Type"] == FUNCTION && !code.is_null() {
            resource["Properties"]["Code"] = code.clone();
        }
    }
}

/// The ids that the template still has.
fn gone_ids(template: &Value, gone: &[Gone]) -> BTreeSet<String> {
    let has = |gone: &&Gone| template["Resources"].get(&gone.id).is_some();
    gone.iter()
        .filter(has)
        .map(|gone| gone.id.clone())
        .collect()
}

fn is_passing(template: &Value, id: &str) -> bool {
    let kind = template["Resources"][id]["Type"].as_str();
    kind.is_some_and(|kind| PASSING.contains(&kind))
}

fn resources(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
    template["Resources"].as_object().into_iter().flatten()
}

/// These resources, and all that refer to them, however indirectly.
fn with_users(template: &Value, ids: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = ids.clone();
    loop {
        let users = resources(template).filter(|(id, resource)| {
            !all.contains(*id)
                && references(&resource["Properties"])
                    .iter()
                    .any(|it| all.contains(it))
        });
        let users: Vec<String> = users.map(|(id, _)| id.clone()).collect();
        if users.is_empty() {
            return all;
        }
        all.extend(users);
    }
}

/// A version keeps its function's configuration as it was when it was published: it is published
/// again where the function gets another one, such as a role with a new name. Without a change
/// there, Lambda publishes nothing, which CloudFormation calls a failure.
fn versions_that_keep(template: &Value, id: &str) -> BTreeSet<String> {
    let properties = &template["Resources"][id]["Properties"];
    if NAMES.iter().any(|name| properties[*name].is_string()) {
        return BTreeSet::new();
    }
    let kind = |id: &str| &template["Resources"][id]["Type"];
    let users_of = |id: &str, of: &str| -> BTreeSet<String> {
        let users = resources(template).filter(|(user, resource)| {
            *kind(user) == of && references(&resource["Properties"]).contains(id)
        });
        users.map(|(user, _)| user.clone()).collect()
    };
    let functions = users_of(id, FUNCTION);
    functions
        .iter()
        .flat_map(|function| users_of(function, VERSION))
        .collect()
}

/// Takes resources out, with what refers to them: `DependsOn` and outputs.
fn drop_all(template: &mut Value, ids: &BTreeSet<String>) {
    if let Some(resources) = template["Resources"].as_object_mut() {
        resources.retain(|id, _| !ids.contains(id));
        for resource in resources.values_mut().filter_map(Value::as_object_mut) {
            dont_depend(resource, ids);
        }
    }
    if let Some(outputs) = template["Outputs"].as_object_mut() {
        outputs.retain(|_, output| references(output).is_disjoint(ids));
    }
}

fn dont_depend(resource: &mut Map<String, Value>, ids: &BTreeSet<String>) {
    let is_gone = |id: &Value| id.as_str().is_some_and(|id| ids.contains(id));
    match resource.get_mut("DependsOn") {
        Some(Value::Array(all)) => all.retain(|id| !is_gone(id)),
        Some(one) if is_gone(one) => {
            resource.remove("DependsOn");
        }
        _ => {}
    }
}

/// Another resource with the same properties, which all refer to from now on. It goes with the
/// deployment that makes the wanted one again.
fn replace_for_now(template: &mut Value, id: &str) {
    let new = format!("{id}{FOR_NOW}");
    let Some(resources) = template["Resources"].as_object_mut() else {
        return;
    };
    let Some(mut resource) = resources.remove(id) else {
        return;
    };
    if let Some(properties) = resource["Properties"].as_object_mut() {
        let configs = properties
            .iter_mut()
            .filter(|(key, _)| key.ends_with("Config"));
        configs
            .filter_map(|(_, config)| config.as_object_mut())
            .for_each(name_for_now);
        name_for_now(properties);
    }
    resource["DeletionPolicy"] = json!("Delete");
    resource["UpdateReplacePolicy"] = json!("Delete");
    resources.insert(new.clone(), resource);
    rename(template, id, &new);
}

fn name_for_now(properties: &mut Map<String, Value>) {
    for name in NAMES {
        if let Some(Value::String(name)) = properties.get_mut(name) {
            name.push_str("-for-now");
        }
    }
}

/// Every reference to a resource, renamed.
fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match (key.as_str(), &mut *value) {
                    ("Ref" | "DependsOn", Value::String(id)) if id == old => new.clone_into(id),
                    ("DependsOn" | "Fn::GetAtt", Value::Array(items)) => {
                        for item in items.iter_mut().filter(|item| **item == *old) {
                            *item = json!(new);
                        }
                    }
                    ("Fn::GetAtt", Value::String(path)) => {
                        if let Some(rest) = path.strip_prefix(&format!("{old}.")) {
                            *path = format!("{new}.{rest}");
                        }
                    }
                    ("Fn::Sub", Value::String(text)) => *text = renamed(text, old, new),
                    ("Fn::Sub", Value::Array(items)) => {
                        if let Some(Value::String(text)) = items.first_mut() {
                            *text = renamed(text, old, new);
                        }
                        items
                            .iter_mut()
                            .skip(1)
                            .for_each(|item| rename(item, old, new));
                    }
                    _ => rename(value, old, new),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        _ => {}
    }
}

fn renamed(text: &str, old: &str, new: &str) -> String {
    text.replace(&format!("${{{old}}}"), &format!("${{{new}}}"))
        .replace(&format!("${{{old}."), &format!("${{{new}."))
}

/// The logical ids that a value refers to: `Ref`, `Fn::GetAtt`, `Fn::Sub`.
fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("Ref", Value::String(id)) => {
                        found.insert(id.clone());
                    }
                    ("Fn::GetAtt", Value::String(path)) => found.extend(first(path, '.')),
                    ("Fn::GetAtt", Value::Array(path)) => {
                        found.extend(path.first().and_then(Value::as_str).map(str::to_owned));
                    }
                    ("Fn::Sub", Value::String(text)) => found.extend(substituted(text)),
                    ("Fn::Sub", Value::Array(items)) => {
                        let text = items.first().and_then(Value::as_str).unwrap_or_default();
                        found.extend(substituted(text));
                        items.iter().skip(1).for_each(|item| collect(item, found));
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn first(path: &str, at: char) -> Option<String> {
    path.split(at).next().map(str::to_owned)
}

/// `${Id}` and `${Id.Attribute}`
fn substituted(text: &str) -> impl Iterator<Item = String> {
    let names = text.split("${").skip(1);
    let names = names.filter_map(|rest| rest.split_once('}'));
    names.filter_map(|(name, _)| first(name, '.'))
}

/// What is said of it: `AuthorizerRole (AWS::IAM::Role)`.
pub(crate) fn named(gone: &[Gone]) -> String {
    let names: Vec<String> = gone
        .iter()
        .map(|gone| format!("{} ({})", gone.id, gone.kind))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teardown::BUCKET;

    const LOG_GROUP: &str = "AWS::Logs::LogGroup";

    fn template() -> Value {
        json!({
            "Resources": {
                "Key": {"Type": KEY, "DeletionPolicy": "Retain"},
                "Group": {"Type": LOG_GROUP, "Properties": {"LogGroupName": "/frames/x", "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
                "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {}},
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": [{"Ref": "Policy"}]}},
                "Function": {"Type": FUNCTION, "DependsOn": ["Role", "Group"], "Properties": {"FunctionName": "x", "Role": {"Fn::GetAtt": "Role.Arn"}, "LoggingConfig": {"LogGroup": {"Ref": "Group"}}}},
                "Version": {"Type": VERSION, "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"FunctionName": {"Ref": "Function"}}},
                "Logs": {"Type": BUCKET, "DeletionPolicy": "Retain"},
                "LogsPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Fn::Sub": "${Logs}"}}},
            },
            "Outputs": {"Arn": {"Value": {"Ref": "Version"}}, "Bucket": {"Value": {"Ref": "Logs"}}},
        })
    }

    fn gone(id: &str) -> Gone {
        let kind = template()["Resources"][id]["Type"]
            .as_str()
            .unwrap()
            .to_owned();
        Gone {
            id: id.to_owned(),
            kind,
        }
    }

    fn through(ids: &[&str]) -> Value {
        let gone: Vec<Gone> = ids.iter().map(|id| gone(id)).collect();
        match healing(&template(), &gone) {
            Healing::Through(template) => template,
            Healing::Key(key) => panic!("{key}"),
        }
    }

    fn ids(template: &Value) -> Vec<&str> {
        resources(template).map(|(id, _)| id.as_str()).collect()
    }

    #[test]
    fn what_nothing_lasting_needs_is_dropped_with_what_uses_it() {
        let step = through(&["Version"]);
        assert_eq!(step["Resources"].get("Version"), None);
        assert_eq!(
            step["Outputs"],
            json!({"Bucket": {"Value": {"Ref": "Logs"}}})
        );
        assert_eq!(ids(&step).len(), ids(&template()).len() - 1);

        let step = through(&["Logs"]);
        assert!(!ids(&step).contains(&"Logs") && !ids(&step).contains(&"LogsPolicy"));
        assert_eq!(
            step["Outputs"],
            json!({"Arn": {"Value": {"Ref": "Version"}}})
        );

        let step = through(&["Function", "Version"]);
        assert!(!ids(&step).contains(&"Function") && !ids(&step).contains(&"Version"));
    }

    #[test]
    fn what_something_lasting_needs_is_replaced_for_now() {
        let step = through(&["Role"]);
        let all = &step["Resources"];
        assert_eq!(all.get("Role"), None);
        assert_eq!(
            all["Function"]["Properties"]["Role"],
            json!({"Fn::GetAtt": "RoleForNow.Arn"})
        );
        assert_eq!(all["Function"]["DependsOn"], json!(["RoleForNow", "Group"]));
        // It would keep the role that is gone.
        assert_eq!(all.get("Version"), None);

        let step = through(&["Group"]);
        let group = &step["Resources"]["GroupForNow"];
        assert_eq!(group["Properties"]["LogGroupName"], "/frames/x-for-now");
        assert_eq!(group["DeletionPolicy"], "Delete");
        // Its function is configured as before in the end: nothing could be published.
        assert!(step["Resources"].get("Version").is_some());
        let step = through(&["Policy"]);
        assert!(step["Resources"].get("Version").is_some());
    }

    #[test]
    fn several_at_once() {
        let step = through(&["Policy", "Role", "Version", "Logs"]);
        let all = ids(&step);
        for id in ["Policy", "Role", "Version", "Logs", "LogsPolicy"] {
            assert!(!all.contains(&id), "{id}: {step:#}");
        }
        // Nothing refers to what isn't there.
        let known: BTreeSet<String> = all.iter().map(|id| (*id).to_owned()).collect();
        assert!(references(&step).is_subset(&known), "{step:#}");
    }

    #[test]
    fn code_is_what_is_there_now() {
        let mut step = through(&["Role"]);
        let mut wanted = template();
        let code = json!({"S3Key": "new.zip"});
        wanted["Resources"]["Function"]["Properties"]["Code"] = code.clone();
        wanted["Resources"]["Group"]["Properties"]["Code"] = code.clone();
        take_code(&mut step, &wanted);
        assert_eq!(step["Resources"]["Function"]["Properties"]["Code"], code);
        assert_eq!(step["Resources"]["Group"]["Properties"].get("Code"), None);
    }

    #[test]
    fn a_key_is_for_its_owner_to_decide() {
        assert_eq!(
            healing(&template(), &[gone("Key"), gone("Role")]),
            Healing::Key("Key".to_owned())
        );
    }

    #[test]
    fn a_text_is_searched_for_whole_names() {
        let found: Vec<String> = substituted("a${A}${B.Arn}${!Not}").collect();
        assert_eq!(found, ["A", "B", "!Not"]);
        assert_eq!(renamed("${A}${AB}${A.Arn}", "A", "C"), "${C}${AB}${C.Arn}");
    }
}
