//! The stack policy: what holds data may not be replaced or deleted by an update.

use serde_json::{Value, json};

/// For the template's buckets that outlive it; `None` where there is nothing to guard.
pub(crate) fn policy(template: &Value) -> Option<String> {
    let guarded = guarded(template);
    if guarded.is_empty() {
        return None;
    }
    let guarded = guarded.iter().map(|id| format!("LogicalResourceId/{id}"));
    let guarded: Vec<String> = guarded.collect();
    let policy = json!({
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": guarded},
        ]
    });
    Some(policy.to_string())
}

/// The ids of the buckets that outlive the template.
pub(crate) fn guarded(template: &Value) -> Vec<&str> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let guarded = resources.filter(|(_, resource)| {
        resource["Type"] == "AWS::S3::Bucket" && resource["DeletionPolicy"] != "Delete"
    });
    guarded.map(|(id, _)| id.as_str()).collect()
}

/// A policy that guards nothing: a stack policy can't be removed.
pub(crate) fn none() -> String {
    json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}).to_string()
}

/// Whether frames wrote it, for this template or for another one: another policy is its owner's.
pub(crate) fn is_own(policy: &str) -> bool {
    let Ok(mut parsed) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"});
    let Some(statements) = parsed["Statement"].as_array_mut() else {
        return false;
    };
    match statements.as_mut_slice() {
        [only] => *only == allow,
        [first, second] => {
            let resources = second["Resource"].take();
            let ids = resources.as_array().into_iter().flatten();
            let mut ids = ids.map(|id| id.as_str().unwrap_or_default());
            let deny = json!({"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": null});
            *first == allow && *second == deny && ids.all(|id| id.starts_with("LogicalResourceId/"))
        }
        _ => false,
    }
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

    #[test]
    fn an_owners_policy_isnt_ours() {
        let kept = json!({"Resources": {"Logs": {"Type": "AWS::S3::Bucket"}, "More": {"Type": "AWS::S3::Bucket"}}});
        assert!(is_own(&policy(&kept).unwrap()) && is_own(&none()));
        let theirs = policy(&kept)
            .unwrap()
            .replace("Update:Delete", "Update:Modify");
        assert!(!is_own(&theirs) && !is_own("{}") && !is_own("") && !is_own("[]"));
        let more = none().replace("[{", "[{\"Effect\": \"Deny\"}, {");
        assert!(!is_own(&more));
    }
}
