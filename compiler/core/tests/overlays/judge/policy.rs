//! Policy documents.

use super::Verdict;
use super::value::{canon, given, is, literal};
use serde_json::{Value, json};

/// The document, also where it is JSON in a text.
fn document(value: &Value) -> Option<Value> {
    let parsed = match value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    parsed.is_object().then_some(parsed)
}

fn statements(document: &Value) -> Option<Vec<Value>> {
    match document.get("Statement")? {
        Value::Array(items) => Some(items.clone()),
        one @ Value::Object(_) => Some(vec![one.clone()]),
        _ => None,
    }
}

/// One form for a statement: lists also of one, no `Sid`.
fn normal(statement: &Value) -> Value {
    let mut statement = canon(statement);
    if let Some(map) = statement.as_object_mut() {
        map.remove("Sid");
        for key in ["Action", "Resource"] {
            if let Some(one @ (Value::String(_) | Value::Object(_))) = map.get(key).cloned() {
                map.insert(key.to_owned(), json!([one]));
            }
        }
    }
    statement
}

fn denies(statement: &Value) -> bool {
    is(statement.get("Effect"), "Deny")
}

/// Every grant is one of the clean document's, and every denial of it is still there.
pub(super) fn no_wider(
    at: &str,
    new: &Value,
    old: &Value,
    rule: &'static str,
    verdict: &mut Verdict,
) {
    let of = |value: &Value| document(value).and_then(|document| statements(&document));
    let (Some(new), Some(old)) = (of(new), of(old)) else {
        return verdict.open(rule, at, "the policy can't be read");
    };
    let new: Vec<Value> = new.iter().map(normal).collect();
    let old: Vec<Value> = old.iter().map(normal).collect();
    for statement in &new {
        if !denies(statement) && !old.contains(statement) {
            verdict.open(rule, at, format!("grants {statement}"));
        }
    }
    for statement in old.iter().filter(|statement| denies(statement)) {
        if !new.contains(statement) {
            verdict.open(rule, at, format!("no longer denies {statement}"));
        }
    }
}

/// A policy of a resource that isn't the delivery's lets in this account and services alone.
pub(super) fn keeps_others_out(at: &str, value: Option<&Value>, verdict: &mut Verdict) {
    let statements = value
        .and_then(document)
        .and_then(|document| statements(&document));
    let Some(statements) = statements else {
        return verdict.open("resource-policy", at, "the policy can't be read");
    };
    for statement in statements.iter().filter(|statement| !denies(statement)) {
        let fine = is(statement.get("Effect"), "Allow")
            && given(statement, "NotPrincipal").is_none()
            && statement.get("Principal").is_some_and(|principal| {
                principal_is_ours(principal) || of_this_account(statement)
            });
        verdict.unless(fine, "resource-policy", at, "lets in others");
    }
}

fn principal_is_ours(principal: &Value) -> bool {
    let Some(kinds) = principal.as_object() else {
        return false;
    };
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    !kinds.is_empty()
        && kinds.iter().all(|(kind, value)| {
            list(value).iter().all(|one| match kind.as_str() {
                "AWS" => is_in_this_account(one),
                "Service" => literal(one).is_some_and(|name| !name.contains('*')),
                _ => false,
            })
        })
}

fn is_in_this_account(principal: &Value) -> bool {
    let principal = canon(principal);
    let text = principal.get("Fn::Sub").and_then(Value::as_str);
    principal == json!({ "Ref": "AWS::AccountId" })
        || text.is_some_and(|text| {
            ["arn:aws:iam::", "arn:${AWS::Partition}:iam::"]
                .iter()
                .any(|arn| text.starts_with(&format!("{arn}${{AWS::AccountId}}:")))
        })
}

/// A condition that nobody outside the account meets.
fn of_this_account(statement: &Value) -> bool {
    const KEYS: [&str; 4] = [
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:principalaccount",
        "kms:calleraccount",
    ];
    let equals = statement["Condition"].get("StringEquals");
    let members = equals.and_then(Value::as_object).into_iter().flatten();
    members.into_iter().any(|(key, value)| {
        KEYS.contains(&key.to_lowercase().as_str())
            && canon(value) == json!({ "Ref": "AWS::AccountId" })
    })
}
