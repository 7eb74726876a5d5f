//! What an overlay adds: types that open by being there, and whom policies let in.

use super::{Found, Place, is_literal, resources, walk};
use serde_json::Value;

/// Types, by their beginnings, and what they make.
const OPENING: &[(&str, &str)] = &[
    ("AWS::IAM::", "permissions beside those compiled"),
    ("AWS::Lambda::Permission", "a function that others may call"),
    (
        "AWS::Lambda::LayerVersionPermission",
        "a layer that others may use",
    ),
    (
        "AWS::CloudFormation::Stack",
        "another stack, which isn't checked",
    ),
    (
        "AWS::CloudFormation::CustomResource",
        "a program that CloudFormation runs, which may change anything",
    ),
    (
        "Custom::",
        "a program that CloudFormation runs, which may change anything",
    ),
    (
        "AWS::CloudFormation::Macro",
        "a transform, which may change anything",
    ),
    ("AWS::ApiGateway", "another way in beside the distribution"),
    ("AWS::S3::AccessPoint", "another way into a bucket"),
    (
        "AWS::S3::MultiRegionAccessPoint",
        "another way into a bucket",
    ),
    ("AWS::S3ObjectLambda::", "another way into a bucket"),
    ("AWS::RAM::", "resources that other accounts share"),
    (
        "AWS::CloudFront::DistributionTenant",
        "another way in beside the distribution",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "other logs of a web ACL, which may hold tokens",
    ),
    (
        "AWS::Logs::Delivery",
        "other access logs, which may hold tokens",
    ),
];

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

/// A resource of the overlay's own.
pub fn resource(resource: &Value, place: &Place, template: &Value, found: &mut Found) {
    let kind = match resource.get("Type") {
        Some(Value::String(kind)) => kind,
        None => return,
        Some(_) => {
            return found.push((place.at("Type"), "a type that can't be checked".to_owned()));
        }
    };
    if let Some((_, what)) = OPENING.iter().find(|(start, _)| kind.starts_with(start)) {
        found.push((place.at("Type"), (*what).to_owned()));
    }
    if kind == "AWS::Lambda::Url" {
        let (place, what) = match resource.pointer("/Properties/AuthType") {
            Some(auth) if auth == "AWS_IAM" => {
                (place.at("Type"), "another way in beside the distribution")
            }
            _ => (
                place.at("Properties").at("AuthType"),
                "a function URL that anybody may call",
            ),
        };
        found.push((place, what.to_owned()));
    }
    if kind.starts_with("AWS::IAM::") {
        // A finding already; policies of identities name no principal.
        return;
    }
    if resource
        .get("Properties")
        .is_some_and(|properties| !is_literal(properties))
    {
        found.push((
            place.at("Properties"),
            "properties that can't be checked".to_owned(),
        ));
    }
    let mut policies = Vec::new();
    let properties = resource.get("Properties").unwrap_or(&Value::Null);
    walk(properties, &place.at("Properties"), &mut |value, place| {
        for (key, value) in value.as_object().into_iter().flatten() {
            if POLICIES.contains(&key.as_str()) {
                policies.push((value.clone(), place.at(key)));
            }
        }
    });
    for (policy, place) in policies {
        document(&policy, &place, template, found);
    }
}

/// A policy of a resource: whom it lets in has to be in plain sight.
fn document(policy: &Value, place: &Place, template: &Value, found: &mut Found) {
    let parsed;
    let policy = match policy {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(value) => {
                parsed = value;
                &parsed
            }
            Err(_) => return found.push((place.clone(), UNCHECKED.to_owned())),
        },
        policy => policy,
    };
    // SecretsManager and DynamoDB have a document within.
    if policy.get("PolicyDocument").is_some() {
        return;
    }
    if !only(policy, &["Version", "Id", "Statement"]) {
        return found.push((place.clone(), UNCHECKED.to_owned()));
    }
    let place = place.at("Statement");
    match &policy["Statement"] {
        Value::Array(statements) => {
            for (i, one) in statements.iter().enumerate() {
                statement(one, &place.at(i), template, found);
            }
        }
        one => statement(one, &place, template, found),
    }
}

fn statement(statement: &Value, place: &Place, template: &Value, found: &mut Found) {
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
        .and_then(|who| lets_in(who, template))
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
fn lets_in(principal: &Value, template: &Value) -> Option<&'static str> {
    if everybody(principal) {
        return Some("a wildcard principal");
    }
    let Some(kinds) = principal.as_object().filter(|_| is_literal(principal)) else {
        return Some("a principal that can't be checked");
    };
    kinds.iter().find_map(|(kind, who)| {
        let mut who = match who {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        }
        .into_iter();
        match kind.as_str() {
            "Service" => {
                who.find_map(|who| (!service(who)).then_some("a principal that can't be checked"))
            }
            "AWS" => who.find_map(|who| match this_account(who, template) {
                true => None,
                false if who.is_string() => Some("a grant to an account that needn't be this one"),
                false => Some("a principal that can't be checked"),
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

/// `!Ref AWS::AccountId`, an ARN with it, or the ARN of a resource of the stack.
fn this_account(who: &Value, template: &Value) -> bool {
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
    let id = match who.get("Fn::GetAtt") {
        Some(Value::Array(of)) if of.len() == 2 && of[1] == "Arn" => of[0].as_str(),
        Some(Value::String(of)) => of.strip_suffix(".Arn"),
        _ => None,
    };
    id.is_some_and(|id| resources(template).any(|(known, _)| known == id))
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
        Value::String(text) => !resolved(text),
        Value::Array(items) => items.iter().all(|item| item.is_string() && plain(item)),
        _ => false,
    }
}

/// What CloudFormation looks up at deployment.
fn resolved(text: &str) -> bool {
    text.contains("{{resolve:")
}

/// A bucket that nobody outside may read, whoever says so later.
pub fn bucket(resource: &Value, place: &Place, found: &mut Found) {
    let block = resource.pointer("/Properties/PublicAccessBlockConfiguration");
    let blocked = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ]
    .iter()
    .all(|key| block.and_then(|block| block.get(*key)) == Some(&true.into()));
    if !blocked {
        let place = place.at("Properties").at("PublicAccessBlockConfiguration");
        found.push((place, "a bucket that can be made public".to_owned()));
    }
    let acl = resource.pointer("/Properties/AccessControl");
    let place = place.at("Properties").at("AccessControl");
    match acl.map(|acl| acl.as_str().filter(|acl| !resolved(acl))) {
        None => {}
        Some(Some(acl)) if !acl.starts_with("Public") && acl != "AuthenticatedRead" => {}
        Some(Some(_)) => found.push((place, "a public bucket".to_owned())),
        Some(None) => found.push((place, "an ACL that can't be checked".to_owned())),
    }
}

/// `Effect: Allow` for everybody, in whatever policy.
pub fn principals(resource: &Value, place: &Place, found: &mut Found) {
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
