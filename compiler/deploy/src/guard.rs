//! The stack policy: what holds data may not be replaced or deleted by an update.

use serde_json::{Value, json};

/// For the template's buckets that outlive it; `None` where there is nothing to guard.
pub(crate) fn policy(template: &Value) -> Option<String> {
    let resources = template.get("Resources")?.as_object()?;
    let guarded = resources
        .iter()
        .filter(|(_, resource)| {
            resource["Type"] == "AWS::S3::Bucket" && resource["DeletionPolicy"] != "Delete"
        })
        .map(|(id, _)| format!("LogicalResourceId/{id}"))
        .collect::<Vec<_>>();
    if guarded.is_empty() {
        return None;
    }
    let policy = json!({
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": guarded},
        ]
    });
    Some(policy.to_string())
}

/// A policy that guards nothing: a stack policy can't be removed.
pub(crate) fn none() -> String {
    json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}).to_string()
}

/// The same policy, whatever its spelling.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    parsed(a) == parsed(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_stays_is_guarded() {
        let kept = json!({"Resources": {"Logs": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, "X": {"Type": "AWS::X::Y"}}});
        let policy = policy(&kept).unwrap();
        assert!(
            policy.contains("LogicalResourceId/Logs") && !policy.contains("LogicalResourceId/X"),
            "{policy}"
        );
        assert!(same(
            &policy,
            &serde_json::to_string_pretty(&serde_json::from_str::<Value>(&policy).unwrap())
                .unwrap()
        ));
        assert!(!same(&policy, &none()));
        let gone =
            json!({"Resources": {"Logs": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}}});
        assert_eq!(super::policy(&gone), None);
    }
}
