//! Whom the policies of added resources let in.

use super::super::references::{Reference, refers_to};
use super::super::{Found, Overlaid, Place, is_dynamic, is_literal, walk};
use serde_json::Value;

/// Members that are policies, as mappings or as JSON text.
const POLICIES: [&str; 8] = [
    "AccessPolicies",
    "AccessPolicy",
    "FileSystemPolicy",
    "KeyPolicy",
    "PolicyDocument",
    "RepositoryPolicyText",
    "ResourcePolicy",
    "ResourcePolicyDocument",
];

const UNCHECKED: &str = "a policy that can't be checked";
const UNCHECKED_PRINCIPAL: &str =
    "a principal that can't be checked: write an AWS service's name or `!Ref AWS::AccountId`";
const OTHER_ACCOUNT: &str =
    "a grant to an account that may not be this one: write `!Ref AWS::AccountId`";
const AS_TEXT: &str = "a policy as text, which can't be checked: it has to be a mapping";

/// Every policy among the properties of an added resource.
pub(super) fn documents(stage: &Overlaid<'_>, properties: &Value, at: &Place, found: &mut Found) {
    let mut policies = Vec::new();
    walk(properties, at, &mut |value, place| {
        for (key, value) in value.as_object().into_iter().flatten() {
            if POLICIES.contains(&key.as_str()) {
                policies.push((value.clone(), place.at(key)));
            }
        }
    });
    for (policy, place) in policies {
        document(&policy, &place, stage, found);
    }
}

/// The statements of a policy, as a mapping or as JSON text.
pub(super) fn statements(policy: &Value) -> Vec<Value> {
    let policy = match policy {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        policy => policy.clone(),
    };
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// Whether a condition keeps a service's requests for other accounts out.
pub(super) fn for_this_account(statement: &Value, stage: &Overlaid<'_>) -> bool {
    const EQUAL: [&str; 4] = ["ArnEquals", "ArnLike", "StringEquals", "StringLike"];
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|(operator, keys)| {
        let mut keys = keys.as_object().into_iter().flatten();
        let is_literal = statement.get("Condition").is_some_and(is_literal);
        is_literal
            && EQUAL.contains(&operator.as_str())
            && keys.any(|(key, value)| {
                let key = key.to_ascii_lowercase();
                let values = match value {
                    Value::Array(all) => all.iter().collect(),
                    one => vec![one],
                };
                (key == "aws:sourceaccount" || key == "aws:sourcearn")
                    && !values.is_empty()
                    && values.iter().all(|value| is_of_this_account(value, stage))
            })
    })
}

/// The account's id, an ARN with it in its place, or what a resource of the stack is known by.
fn is_of_this_account(value: &Value, stage: &Overlaid<'_>) -> bool {
    const ACCOUNT: &str = "${AWS::AccountId}";
    match refers_to(value) {
        Some(Reference::Whole("AWS::AccountId")) => return true,
        Some(reference) => return stage.kind_of(reference.id()).is_some(),
        None => {}
    }
    let Some(text) = value.get("Fn::Sub").and_then(Value::as_str) else {
        return false;
    };
    // Pseudo parameters have colons of their own.
    let arn = text
        .replace(ACCOUNT, "ACCOUNT")
        .replace("${AWS::Partition}", "aws")
        .replace("${AWS::Region}", "region");
    let parts: Vec<&str> = arn.split(':').collect();
    text == ACCOUNT || (parts.first() == Some(&"arn") && parts.get(4) == Some(&"ACCOUNT"))
}

/// A policy of a resource: whom it lets in has to be in plain sight.
fn document(policy: &Value, place: &Place, stage: &Overlaid<'_>, found: &mut Found) {
    let parsed;
    let policy = match policy {
        // CloudFormation may put text into it, and of two keys of one name nobody knows which
        // one counts. What it says as it stands is told as well.
        Value::String(text) => {
            found.push((place.clone(), AS_TEXT.to_owned()));
            let Ok(value) = serde_json::from_str::<Value>(text) else {
                return;
            };
            parsed = value;
            &parsed
        }
        policy => policy,
    };
    if !only(policy, &["Version", "Id", "Statement"]) {
        return found.push((place.clone(), UNCHECKED.to_owned()));
    }
    let place = place.at("Statement");
    match &policy["Statement"] {
        Value::Array(statements) => {
            for (i, one) in statements.iter().enumerate() {
                statement(one, &place.at(i), stage, found);
            }
        }
        one => statement(one, &place, stage, found),
    }
}

fn statement(statement: &Value, place: &Place, stage: &Overlaid<'_>, found: &mut Found) {
    const KEYS: [&str; 9] = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    if !only(statement, &KEYS) {
        return found.push((place.clone(), UNCHECKED.to_owned()));
    }
    match statement["Effect"].as_str() {
        Some("Allow") => {}
        Some("Deny") => return,
        _ => return found.push((place.at("Effect"), UNCHECKED.to_owned())),
    }
    if statement.get("NotPrincipal").is_some() {
        found.push((
            place.at("NotPrincipal"),
            "a grant to all but a few".to_owned(),
        ));
    }
    if let Some(what) = statement
        .get("Principal")
        .and_then(|who| lets_in(who, stage))
    {
        found.push((place.at("Principal"), what.to_owned()));
    }
    for key in ["Action", "NotAction"] {
        let actions = statement.get(key);
        if actions.is_some_and(|actions| !plain(actions)) && statement.get("Condition").is_none() {
            found.push((place.at(key), UNCHECKED.to_owned()));
        }
    }
}

/// Whom a principal lets in, unless it is a service or this very account.
fn lets_in(principal: &Value, stage: &Overlaid<'_>) -> Option<&'static str> {
    if everybody(principal) {
        return Some("a wildcard principal");
    }
    let Some(kinds) = principal.as_object().filter(|_| is_literal(principal)) else {
        return Some(UNCHECKED_PRINCIPAL);
    };
    kinds.iter().find_map(|(kind, who)| {
        let mut who = match who {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        }
        .into_iter();
        match kind.as_str() {
            "Service" => who.find_map(|who| (!service(who)).then_some(UNCHECKED_PRINCIPAL)),
            "AWS" => who.find_map(|who| match this_account(who, stage) {
                true => None,
                false if who.is_string() => Some(OTHER_ACCOUNT),
                false => Some(UNCHECKED_PRINCIPAL),
            }),
            _ => Some("a grant to others than services and this account"),
        }
    })
}

/// A service's name, of this Region perhaps.
fn service(who: &Value) -> bool {
    let text = who.as_str().or_else(|| who.get("Fn::Sub")?.as_str());
    text.is_some_and(|text| {
        let name = match who {
            Value::String(_) => text.to_owned(),
            _ => text
                .replace("${AWS::Region}", "")
                .replace("${AWS::URLSuffix}", "amazonaws.com"),
        };
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        name.chars().all(letters)
            && (name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"))
    })
}

/// `!Ref AWS::AccountId`, an ARN with it, or the ARN of a compiled role.
fn this_account(who: &Value, stage: &Overlaid<'_>) -> bool {
    if who.get("Ref") == Some(&"AWS::AccountId".into()) {
        return true;
    }
    if let Some(text) = who.get("Fn::Sub").and_then(Value::as_str) {
        let rest = text
            .strip_prefix("arn:${AWS::Partition}:iam::${AWS::AccountId}:")
            .or_else(|| text.strip_prefix("arn:aws:iam::${AWS::AccountId}:"));
        return text == "${AWS::AccountId}"
            || rest.is_some_and(|rest| !rest.contains(['*', '{', '$']));
    }
    match refers_to(who) {
        Some(Reference::Attribute(id, "Arn")) => {
            matches!(stage.kind_of(id), Some(("AWS::IAM::Role", true)))
        }
        _ => false,
    }
}

/// A mapping of none but these members, so that there is no intrinsic either.
fn only(value: &Value, keys: &[&str]) -> bool {
    value
        .as_object()
        .is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str())))
}

/// Text, or a list of text, that CloudFormation puts nothing into.
fn plain(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_dynamic(text),
        Value::Array(items) => items.iter().all(|item| item.is_string() && plain(item)),
        _ => false,
    }
}

/// `Effect: Allow` for everybody, in whatever policy.
pub(crate) fn principals(resource: &Value, place: &Place, found: &mut Found) {
    if resource.get("Type") == Some(&"AWS::Lambda::Permission".into())
        && resource
            .pointer("/Properties/Principal")
            .is_some_and(everybody)
    {
        found.push((
            place.at("Properties").at("Principal"),
            "a wildcard principal".to_owned(),
        ));
    }
    walk(resource, place, &mut |value, place| {
        if value.get("Effect") != Some(&"Allow".into()) {
            return;
        }
        if value.get("Principal").is_some_and(everybody) {
            found.push((place.at("Principal"), "a wildcard principal".to_owned()));
        }
        if value.get("NotPrincipal").is_some() {
            found.push((
                place.at("NotPrincipal"),
                "a grant to all but a few".to_owned(),
            ));
        }
    });
}

fn everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(items) => items.iter().any(everybody),
        Value::Object(map) => map.values().any(everybody),
        _ => false,
    }
}
