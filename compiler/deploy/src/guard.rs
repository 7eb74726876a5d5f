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

/// Whether frames wrote it, for these buckets: another policy is its owner's.
pub(crate) fn is_own(policy: &str, buckets: &[&str]) -> bool {
    let Ok(mut parsed) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"});
    let statements = parsed.get_mut("Statement");
    let Some(statements) = statements.and_then(Value::as_array_mut) else {
        return false;
    };
    match statements.as_mut_slice() {
        [only] => *only == allow,
        [first, second] => {
            let ids = second
                .get_mut("Resource")
                .map(Value::take)
                .unwrap_or_default();
            let deny = json!({"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": null});
            let is_bucket = |id: &Value| {
                let id = id
                    .as_str()
                    .and_then(|id| id.strip_prefix("LogicalResourceId/"));
                id.is_some_and(|id| buckets.contains(&id))
            };
            let ids = ids.as_array().map(Vec::as_slice).unwrap_or_default();
            let are_buckets = !ids.is_empty() && ids.iter().all(is_bucket);
            *first == allow && *second == deny && are_buckets
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
        let ours = policy(&kept).unwrap();
        let is_own = |policy: &str| super::is_own(policy, &["Logs", "More"]);
        assert!(is_own(&ours) && is_own(&none()));
        // Something else is guarded in the same way.
        assert!(!super::is_own(&ours, &["Logs"]));
        assert!(!is_own(&ours.replace("Update:Delete", "Update:Modify")));
        let more = none().replace("[{", "[{\"Effect\": \"Deny\"}, {");
        for theirs in [more.as_str(), "{}", "", "[]"] {
            assert!(!is_own(theirs), "{theirs}");
        }
    }
}
