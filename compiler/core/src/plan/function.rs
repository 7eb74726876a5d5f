//! What a template shows of a function, whichever stage makes it: its role, its log group, itself.

use super::iam::Statement;
use super::{Built, posture};
use crate::check::CheckedManifest;
use crate::names;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct FunctionView {
    id: String,
    name: String,
    trigger: &'static str,
    description: String,
    version_description: String,
    runtime: &'static str,
    handler: &'static str,
    memory_size: u32,
    timeout: u32,
    log_group_id: String,
    log_group: String,
    /// Whether the audit record is in its log.
    holds_audit: bool,
    role_id: String,
    role_description: String,
    pub(super) policies: Vec<PolicyView>,
    metadata: Value,
    output: String,
    output_description: String,
    /// There once the zip is.
    #[serde(flatten)]
    pub(super) built: Option<Built>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyView {
    id: String,
    description: String,
    statements: Vec<Statement>,
    metadata: Value,
}

/// What tells one function from another.
pub(super) struct Spec<'a> {
    pub name: &'static str,
    /// What starts it, and what it does then.
    pub trigger: &'static str,
    /// Completes the role's description, after the function's name.
    pub place: &'static str,
    pub runtime: &'static str,
    pub handler: &'static str,
    pub memory_size: u32,
    pub timeout: u32,
    pub waivers: Vec<posture::Waiver>,
    /// The Region of what its role may read, where that is none of the stack's.
    pub reads_in: Option<&'a str>,
    pub policies: Vec<PolicyView>,
}

impl FunctionView {
    pub(super) fn new(manifest: &CheckedManifest, env: &str, spec: Spec<'_>) -> Self {
        let Spec { name, trigger, .. } = spec;
        let full_name = names::function(&manifest.service, env, name);
        Self {
            id: names::function_id(name),
            trigger,
            description: trigger.to_owned(),
            version_description: format!("{name} of {} ({env})", manifest.service),
            runtime: spec.runtime,
            handler: spec.handler,
            memory_size: spec.memory_size,
            timeout: spec.timeout,
            log_group_id: names::log_group_id(name),
            log_group: names::log_group(&full_name),
            holds_audit: name == names::AUTHORIZER && manifest.logs.audit_claims.is_some(),
            role_id: names::role_id(name, &manifest.iam.path, spec.reads_in),
            role_description: format!("{full_name} {}", spec.place),
            policies: spec.policies,
            metadata: posture::metadata(&spec.waivers),
            output: names::version_arn(name),
            output_description: format!("The version of the {name} that CloudFront runs"),
            built: None,
            name: full_name,
        }
    }
}

/// Managed policies, as many as the statements need. `reason` is why their wildcards are there.
pub(super) fn policies(
    function: &str,
    what: &str,
    reads_in: Option<&str>,
    description: &str,
    policies: Vec<Vec<Statement>>,
    reason: &'static str,
) -> Vec<PolicyView> {
    let policies = policies.into_iter().enumerate();
    let view = |(index, statements): (usize, Vec<Statement>)| PolicyView {
        id: names::policy_id(function, what, reads_in, index),
        description: description.to_owned(),
        metadata: posture::metadata(&posture::wildcards(&statements, reason)),
        statements,
    };
    policies.map(view).collect()
}

/// Why a role may read what it does.
pub(super) fn read_reason(manifest: &CheckedManifest) -> &'static str {
    match manifest.iam.allow {
        Some(_) => {
            "frames.yml asks for it: a row of iam.allow without imageSets is every image set of its data store"
        }
        None => {
            "frames.yml leaves iam.allow out, which is every image set of the account, and which frames warns of"
        }
    }
}
