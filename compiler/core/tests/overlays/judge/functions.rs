//! The two functions, their published versions and their roles.

use super::value::{canon, given, is, referred, same};
use super::{Stack, Verdict, policy};
use crate::delivery::EDGE;
use serde_json::Value;

const FUNCTIONS: [&str; 2] = ["Authorizer", "Signer"];

/// The ids that the outputs name as versions, for the cdn stack to take.
pub(super) fn versions(stack: &Stack) -> Vec<String> {
    if stack.stage != EDGE {
        return vec![];
    }
    let outputs = FUNCTIONS.iter().filter_map(|function| {
        let value = &stack.finished["Outputs"][format!("{function}VersionArn")]["Value"];
        let id = canon(value).get("Ref")?.as_str()?.to_owned();
        // A compiled id, or what is in its place: not the function itself, say.
        let version = id.starts_with(&format!("{function}Version"));
        version.then_some(id)
    });
    outputs.collect()
}

/// The clean template's version of the same function; its id changes with the function's overlay.
pub(super) fn clean_version<'a>(stack: &Stack<'a>, id: &str) -> Option<&'a Value> {
    let function = FUNCTIONS.iter().find(|name| id.starts_with(**name))?;
    let resources = stack.clean["Resources"].as_object()?;
    resources
        .iter()
        .find(|(id, _)| id.starts_with(&format!("{function}Version")))
        .map(|(_, version)| version)
}

pub(super) fn version(stack: &Stack, at: &str, id: &str, new: &Value, verdict: &mut Verdict) {
    let Some(old) = clean_version(stack, id) else {
        return verdict.open("version", at, "is no compiled function's");
    };
    let old = &old["Properties"];
    verdict.kept("version", at, new, old, &["FunctionName", "CodeSha256"]);
    let known = [
        "CodeSha256",
        "Description",
        "FunctionName",
        "ProvisionedConcurrencyConfig",
    ];
    verdict.only(at, new, &known);
}

pub(super) fn function(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let code = [
        "Architectures",
        "Code",
        "Handler",
        "ImageConfig",
        "Layers",
        "PackageType",
        "Runtime",
        "RuntimeManagementConfig",
        "SnapStart",
    ];
    verdict.kept("function-code", at, new, old, &code);
    verdict.kept("function-role", at, new, old, &["Role"]);
    // What a function is told, where it reaches, and where it writes.
    let extras = [
        "DeadLetterConfig",
        "Environment",
        "FileSystemConfigs",
        "FunctionName",
        "KmsKeyArn",
        "LoggingConfig",
        "TracingConfig",
        "VpcConfig",
    ];
    verdict.kept("function-extras", at, new, old, &extras);
    let harmless = [
        "CodeSigningConfigArn",
        "Description",
        "EphemeralStorage",
        "MemorySize",
        "RecursiveLoop",
        "ReservedConcurrentExecutions",
        "Tags",
        "Timeout",
    ];
    let known = [&code[..], &["Role"], &extras, &harmless].concat();
    verdict.only(at, new, &known);
}

pub(super) fn role(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let trust = ["AssumeRolePolicyDocument"];
    verdict.kept("role-trust", at, new, old, &trust);
    let policies = |role: &Value| -> Vec<Value> {
        let given = given(role, "ManagedPolicyArns").map(canon);
        match given {
            Some(Value::Array(items)) => items,
            None => vec![],
            Some(other) => vec![other],
        }
    };
    let allowed = policies(old);
    let fine = policies(new).iter().all(|one| allowed.contains(one));
    verdict.unless(fine, "role-permissions", at, "has further policies");
    verdict.none("role-permissions", at, new, &["Policies"]);
    // A boundary takes away, so that one may come but not go.
    if given(old, "PermissionsBoundary").is_some() {
        verdict.kept("role-permissions", at, new, old, &["PermissionsBoundary"]);
    }
    let known = [
        "AssumeRolePolicyDocument",
        "Description",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Policies",
        "RoleName",
        "Tags",
    ];
    verdict.only(at, new, &known);
}

pub(super) fn managed_policy(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    policy::no_wider(
        at,
        &new["PolicyDocument"],
        &old["PolicyDocument"],
        "policy-statements",
        verdict,
    );
    verdict.none("policy-attachment", at, new, &["Groups", "Roles", "Users"]);
    let known = [
        "Description",
        "Groups",
        "ManagedPolicyName",
        "Path",
        "PolicyDocument",
        "Roles",
        "Users",
    ];
    verdict.only(at, new, &known);
}

/// An association's function: the authorizer's or the signer's version, in this stack.
pub(super) fn is_version(stack: &Stack, arn: Option<&Value>, function: &str) -> bool {
    let expected = stack.version(function);
    let id = referred(&expected, None);
    let known = match stack.stage {
        EDGE => id.is_some_and(|id| versions(stack).contains(&id)),
        _ => id.is_some_and(|id| {
            stack.clean["Parameters"].get(&id).is_some() && stack.resource(&id).is_none()
        }),
    };
    known && same(arn, Some(&expected))
}

/// The Lambda event of an association.
pub(super) fn is_event(association: &Value, event: &str) -> bool {
    is(association.get("EventType"), event)
}
