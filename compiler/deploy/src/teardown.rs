//! A stack's template before its removal: every distribution disabled, and without its
//! functions, in one change. A frame in an edge location's cache is never served
//! while no authorizer is in front of it.

use frames_compiler::names;
use serde_json::{Map, Value, json};

pub(crate) const DISTRIBUTION: &str = "AWS::CloudFront::Distribution";
pub(crate) const FUNCTION: &str = "AWS::Lambda::Function";
pub(crate) const BUCKET: &str = "AWS::S3::Bucket";
/// What encrypts the logs: it is kept or deleted with them.
pub(crate) const KEY: &str = "AWS::KMS::Key";
pub(crate) const VERSION: &str = "AWS::Lambda::Version";
const TRUST: &str = "AssumeRolePolicyDocument";
/// Source: "Setting IAM permissions and roles for Lambda@Edge", CloudFront Developer Guide.
const EDGE_LAMBDA: &str = "edgelambda.amazonaws.com";
/// What behaviors of any distribution may have.
pub(crate) const POLICIES: [&str; 3] = [
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::ResponseHeadersPolicy",
];
const DELIVERY: &str = "AWS::Logs::Delivery";

/// What `--delete-logs` deletes, and what uses it: (id, type, type of the user, its property). An id
/// isn't enough. Where frames compiles no such resource, one with that id belongs to an overlay, and
/// has data of its own.
const LOGS: [(&str, &str, &str, &str); 2] = [
    (
        names::ACCESS_LOGS,
        BUCKET,
        "AWS::Logs::DeliveryDestination",
        "DestinationResourceArn",
    ),
    (names::LOGS_KEY, KEY, "AWS::Logs::LogGroup", "KmsKeyId"),
];

/// Whether a resource is the bucket of the access logs, or the key that the logs are encrypted with.
pub(crate) fn is_of_logs(template: &Value, id: &str) -> bool {
    let resources = &template["Resources"];
    let users = || resources.as_object().into_iter().flatten();
    LOGS.iter().any(|(known, kind, user, property)| {
        let uses = |resource: &Value| {
            resource["Type"] == *user && mentions(&resource["Properties"][property], id)
        };
        *known == id
            && resources[id]["Type"] == *kind
            && users().any(|(_, resource)| uses(resource))
    })
}

/// Whether the stack keeps something that is encrypted with the logs' key, other than the logs.
pub(crate) fn needs_logs_key(template: &Value) -> bool {
    let resources = template["Resources"].as_object();
    resources.into_iter().flatten().any(|(id, resource)| {
        let properties = &resource["Properties"];
        let uses =
            mentions(properties, names::LOGS_KEY) || mentions(properties, names::LOGS_KEY_ARN);
        uses && is_retained(template, id) && !goes_with_logs(template, id)
    })
}

/// Whether the stack drops a resource without deleting it.
pub(crate) fn is_retained(template: &Value, id: &str) -> bool {
    let policy = template["Resources"][id]["DeletionPolicy"].as_str();
    policy.is_some_and(|policy| policy.starts_with("Retain"))
}

/// Whether edge locations may run a function: its role trusts Lambda@Edge, or isn't in the template.
pub(crate) fn may_be_replicated(template: &Value, function: &str) -> bool {
    let resources = &template["Resources"];
    let role = &resources[function]["Properties"]["Role"]["Fn::GetAtt"][0];
    let trust = role.as_str().map(|id| &resources[id]["Properties"][TRUST]);
    let trust = trust.filter(|trust| !trust.is_null());
    trust.is_none_or(|trust| trust.to_string().contains(EDGE_LAMBDA))
}

/// Whether it is deleted with the logs: the logs, and the bucket's policy.
pub(crate) fn goes_with_logs(template: &Value, id: &str) -> bool {
    let resource = &template["Resources"][id];
    let bucket = resource["Properties"]["Bucket"]["Ref"].as_str();
    let bucket = bucket.filter(|_| resource["Type"] == "AWS::S3::BucketPolicy");
    is_of_logs(template, bucket.unwrap_or(id))
}

/// Why a resource that outlives its stack does so.
pub(crate) fn why_kept(
    template: &Value,
    id: &str,
    kind: &str,
    key_is_needed: bool,
) -> &'static str {
    match (kind, goes_with_logs(template, id)) {
        (BUCKET, true) => ", which is kept with the logs in it: --delete-logs deletes it too",
        (KEY, true) if key_is_needed => ", which is kept: it encrypts something else that is kept",
        (KEY, true) => ", which is kept because the logs need it: --delete-logs deletes it too",
        (_, true) => ", which is kept with the logs: --delete-logs deletes it too",
        _ => ", which is kept: its DeletionPolicy says so",
    }
}

/// Whether a property's value refers to a resource: `Ref`, `Fn::GetAtt`, `Fn::Sub`.
fn mentions(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => {
            let is_attribute = |rest: &str| rest.is_empty() || rest.starts_with('.');
            text.strip_prefix(id).is_some_and(is_attribute)
                || text.contains(&format!("${{{id}}}"))
                || text.contains(&format!("${{{id}."))
        }
        Value::Array(items) => items.iter().any(|item| mentions(item, id)),
        Value::Object(map) => map.values().any(|item| mentions(item, id)),
        _ => false,
    }
}

/// `None` where nothing is open any more, and the logs are treated as asked.
pub(crate) fn closed(template: &Value, delete_logs: bool, keep_key: bool) -> Option<Value> {
    let mut closed = template.clone();
    let resources = closed.get_mut("Resources")?.as_object_mut()?;
    for (id, resource) in resources.iter_mut() {
        if resource["Type"] == DISTRIBUTION {
            close(resource);
        }
        let is_kept = keep_key && resource["Type"] == KEY;
        if delete_logs && is_of_logs(template, id) && !is_kept {
            resource["DeletionPolicy"] = json!("Delete");
            resource["UpdateReplacePolicy"] = json!("Delete");
        }
    }
    if delete_logs {
        // Nothing may be written into a bucket that is being emptied.
        resources.retain(|_, resource| resource["Type"] != DELIVERY);
    }
    (closed != *template).then_some(closed)
}

fn close(distribution: &mut Value) {
    let Some(config) = distribution
        .pointer_mut("/Properties/DistributionConfig")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    config.insert("Enabled".to_owned(), json!(false));
    if let Some(default) = config
        .get_mut("DefaultCacheBehavior")
        .and_then(Value::as_object_mut)
    {
        take_functions(default);
    }
    let others = config
        .get_mut("CacheBehaviors")
        .and_then(Value::as_array_mut);
    for behavior in others.into_iter().flatten() {
        if let Some(behavior) = behavior.as_object_mut() {
            take_functions(behavior);
        }
    }
}

fn take_functions(behavior: &mut Map<String, Value>) {
    behavior.remove("LambdaFunctionAssociations");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        let behavior = json!({"TargetOriginId": "o", "LambdaFunctionAssociations": [{"EventType": "viewer-request"}]});
        json!({"Resources": {
            "Distribution": {"Type": DISTRIBUTION, "Properties": {"DistributionConfig": {
                "Enabled": true, "DefaultCacheBehavior": behavior.clone(), "CacheBehaviors": [behavior],
            }}},
            "AccessLogs": {"Type": BUCKET, "DeletionPolicy": "Retain"},
            "Research": {"Type": BUCKET, "DeletionPolicy": "Retain"},
            "LogsKey": {"Type": KEY, "DeletionPolicy": "RetainExceptOnCreate"},
            "Delivery": {"Type": DELIVERY},
            "Destination": {"Type": "AWS::Logs::DeliveryDestination", "Properties": {
                "DestinationResourceArn": {"Fn::GetAtt": ["AccessLogs", "Arn"]},
            }},
            "SignerLogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {
                "KmsKeyId": {"Fn::GetAtt": ["LogsKey", "Arn"]},
            }},
        }})
    }

    #[test]
    fn a_distribution_is_off_and_has_no_functions() {
        let closed = super::closed(&template(), false, false).unwrap();
        let config = &closed["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
        assert_eq!(config["Enabled"], false);
        assert!(!config.to_string().contains("viewer-request"), "{config}");
        assert_eq!(config["CacheBehaviors"][0]["TargetOriginId"], "o");
        assert_eq!(
            closed["Resources"]["AccessLogs"]["DeletionPolicy"],
            "Retain"
        );
        assert_eq!(
            super::closed(&closed, false, false),
            None,
            "nothing is left to close"
        );
    }

    #[test]
    fn logs_go_only_where_that_is_asked_for() {
        let closed = super::closed(&template(), true, false).unwrap();
        assert_eq!(
            closed["Resources"]["AccessLogs"]["DeletionPolicy"],
            "Delete"
        );
        assert_eq!(closed["Resources"]["LogsKey"]["DeletionPolicy"], "Delete");
        assert_eq!(closed["Resources"]["Research"]["DeletionPolicy"], "Retain");
        assert_eq!(closed["Resources"].get("Delivery"), None);
    }

    /// An overlay may add a bucket and a key of these ids where frames compiles none.
    #[test]
    fn what_isnt_used_for_logs_isnt_of_the_logs() {
        let mut own = template();
        let arn = "arn:aws:s3:::their-logs";
        own["Resources"]["Destination"]["Properties"]["DestinationResourceArn"] = json!(arn);
        let key = "arn:aws:kms:us-east-1:111122223333:key/theirs";
        own["Resources"]["SignerLogGroup"]["Properties"]["KmsKeyId"] = json!(key);
        let closed = super::closed(&own, true, false).unwrap();
        for id in ["AccessLogs", "LogsKey"] {
            assert!(!is_of_logs(&own, id), "{id}");
            assert_eq!(closed["Resources"][id], own["Resources"][id]);
        }
    }

    #[test]
    fn a_destination_may_have_a_prefix() {
        let mut prefixed = template();
        let arn = json!({"Fn::Sub": "${AccessLogs.Arn}/heart"});
        prefixed["Resources"]["Destination"]["Properties"]["DestinationResourceArn"] = arn;
        assert!(is_of_logs(&prefixed, "AccessLogs"));
        let arn = json!({"Fn::Sub": "arn:aws:s3:::${AccessLogsOfOthers}"});
        prefixed["Resources"]["Destination"]["Properties"]["DestinationResourceArn"] = arn;
        assert!(!is_of_logs(&prefixed, "AccessLogs"));
    }

    #[test]
    fn a_policy_goes_with_its_bucket() {
        let mut template = template();
        let policy = |bucket| json!({"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": bucket}}});
        template["Resources"]["P"] = policy("AccessLogs");
        template["Resources"]["Q"] = policy("Research");
        assert!(goes_with_logs(&template, "P") && goes_with_logs(&template, "AccessLogs"));
        assert!(!goes_with_logs(&template, "Q") && !goes_with_logs(&template, "Research"));
    }
}
