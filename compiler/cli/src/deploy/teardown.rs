//! A stack's template on its way out: every distribution off, and without its
//! functions, in one change. A frame in an edge location's cache is never served
//! while no authorizer stands before it.

use frames_compiler::plan::names;
use serde_json::{Map, Value, json};

pub const DISTRIBUTION: &str = "AWS::CloudFront::Distribution";
pub const FUNCTION: &str = "AWS::Lambda::Function";
pub const BUCKET: &str = "AWS::S3::Bucket";
/// What encrypts the logs: it stays or goes with them.
pub const KEY: &str = "AWS::KMS::Key";
/// What `--delete-logs` takes: never what an overlay has added.
pub const LOGS: [&str; 2] = [names::ACCESS_LOGS, names::LOGS_KEY];
const DELIVERY: &str = "AWS::Logs::Delivery";

/// None where nothing is open any more, and the logs are treated as asked.
pub fn closed(template: &Value, delete_logs: bool) -> Option<Value> {
    let mut closed = template.clone();
    let resources = closed.get_mut("Resources")?.as_object_mut()?;
    for (id, resource) in resources.iter_mut() {
        if resource["Type"] == DISTRIBUTION {
            close(resource);
        }
        if delete_logs && LOGS.contains(&id.as_str()) {
            resource["DeletionPolicy"] = json!("Delete");
            resource["UpdateReplacePolicy"] = json!("Delete");
        }
    }
    if delete_logs {
        // Nothing is to be written into a bucket that is being emptied.
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
        }})
    }

    #[test]
    fn a_distribution_is_off_and_has_no_functions() {
        let closed = super::closed(&template(), false).unwrap();
        let config = &closed["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
        assert_eq!(config["Enabled"], false);
        assert!(!config.to_string().contains("viewer-request"), "{config}");
        assert_eq!(config["CacheBehaviors"][0]["TargetOriginId"], "o");
        assert_eq!(
            closed["Resources"]["AccessLogs"]["DeletionPolicy"],
            "Retain"
        );
        assert_eq!(
            super::closed(&closed, false),
            None,
            "nothing is left to close"
        );
    }

    #[test]
    fn logs_go_only_where_that_is_asked_for() {
        let closed = super::closed(&template(), true).unwrap();
        assert_eq!(
            closed["Resources"]["AccessLogs"]["DeletionPolicy"],
            "Delete"
        );
        assert_eq!(closed["Resources"]["LogsKey"]["DeletionPolicy"], "Delete");
        assert_eq!(closed["Resources"]["Research"]["DeletionPolicy"], "Retain");
        assert_eq!(closed["Resources"].get("Delivery"), None);
    }
}
