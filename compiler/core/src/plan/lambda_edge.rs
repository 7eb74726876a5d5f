//! Stage `lambda-edge`: the functions and their roles. Always in us-east-1.

use super::iam::{self, Statement};
use super::{Function, Parameter, Stage, names};
use crate::check::{Allow, CheckedManifest, EDGE_REGION};
use frames_edge::{AuthorizerConfig, SignerConfig};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The managed runtime that starts the shim (functions/shim/index.py).
const RUNTIME: &str = "python3.13";
const HANDLER: &str = "index.handler";

#[derive(Serialize)]
struct View {
    description: String,
    artifact_bucket: &'static str,
    permissions_boundary: Option<String>,
    functions: Vec<FunctionView>,
    log_retention_days: u32,
}

#[derive(Serialize)]
struct FunctionView {
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
    role_id: String,
    role_description: String,
    policies: Vec<PolicyView>,
    output: String,
    output_description: String,
}

#[derive(Serialize)]
struct PolicyView {
    name: &'static str,
    statements: Vec<Statement>,
}

pub fn stage(manifest: &CheckedManifest, env: &str) -> Stage {
    let stack_name = names::stack(&manifest.service, env, names::LAMBDA_EDGE);
    let view = View {
        description: format!("{stack_name}: the edge functions of frames"),
        artifact_bucket: names::ARTIFACT_BUCKET,
        log_retention_days: manifest.logs.functions.retention_days,
        permissions_boundary: manifest.iam.permissions_boundary_arn.clone(),
        functions: vec![
            function(
                manifest,
                env,
                names::AUTHORIZER,
                "Viewer request: verifies the token",
                5,
                vec![],
            ),
            function(
                manifest,
                env,
                names::SIGNER,
                "Origin request: signs for HealthImaging with SigV4",
                5,
                iam::read_frames(manifest),
            ),
        ],
    };
    Stage {
        name: names::LAMBDA_EDGE,
        overlay: manifest.resources.get(names::LAMBDA_EDGE).cloned(),
        stack_name,
        region: EDGE_REGION.to_owned(),
        parameters: BTreeMap::from([(
            names::ARTIFACT_BUCKET.to_owned(),
            Parameter::ArtifactBucket,
        )]),
        functions: vec![
            Function {
                name: names::AUTHORIZER,
                config: authorizer_config(manifest),
            },
            Function {
                name: names::SIGNER,
                config: signer_config(manifest),
            },
        ],
        tags: manifest.deploy.tags.clone(),
        termination_protection: manifest.deploy.termination_protection,
        view: json!(view),
    }
}

fn function(
    manifest: &CheckedManifest,
    env: &str,
    name: &'static str,
    trigger: &'static str,
    timeout: u32,
    statements: Vec<Statement>,
) -> FunctionView {
    let full_name = names::function(&manifest.service, env, name);
    let log_group = names::log_group(&full_name);
    let mut policies = vec![PolicyView {
        name: "logs",
        statements: iam::logs(&log_group),
    }];
    if !statements.is_empty() {
        policies.push(PolicyView {
            name: "read-frames",
            statements,
        });
    }
    FunctionView {
        id: names::function_id(name),
        trigger,
        description: trigger.to_owned(),
        version_description: format!("{name} of {} ({env})", manifest.service),
        runtime: RUNTIME,
        handler: HANDLER,
        // The older limit of viewer triggers, which may still hold somewhere.
        memory_size: 128,
        timeout,
        log_group_id: names::log_group_id(name),
        log_group,
        role_id: names::role_id(name),
        role_description: format!("{full_name} at the edge"),
        policies,
        output: names::version_arn(name),
        output_description: format!("The version of the {name} that CloudFront runs"),
        name: full_name,
    }
}

fn authorizer_config(manifest: &CheckedManifest) -> Value {
    json!(AuthorizerConfig {
        auth: manifest.auth.clone(),
        dicomweb: manifest.delivery.dicomweb,
        allow: manifest.iam.allow.as_ref().map(|rows| {
            let row = |row: &Allow| frames_edge::Allow {
                datastore: row.datastore.clone(),
                image_sets: row.image_sets.clone(),
            };
            rows.iter().map(row).collect()
        }),
        cors: manifest.delivery.cors.clone(),
        log_level: manifest.logs.functions.level,
    })
}

fn signer_config(manifest: &CheckedManifest) -> Value {
    let health_imaging = &manifest.health_imaging;
    json!(SignerConfig {
        region: health_imaging.region.clone(),
        native_host: health_imaging.native_host.clone(),
        log_level: manifest.logs.functions.level,
        dicomweb_host: manifest
            .delivery
            .dicomweb
            .then(|| health_imaging.dicomweb_host.clone()),
    })
}
