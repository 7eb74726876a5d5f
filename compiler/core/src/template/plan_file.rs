//! `plan.json`: what is deployed from which files, for whoever reads the package.

use super::Template;
use crate::names;
use crate::plan::{Artifact, Parameter, Plan};
use serde::Serialize;
use std::collections::BTreeMap;

/// `plan.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFile<'a> {
    service: &'a str,
    env: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    artifact_bucket: &'a str,
    keep: usize,
    stages: Vec<StageFile<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StageFile<'a> {
    name: &'a str,
    stack_name: &'a str,
    region: &'a str,
    template: String,
    template_sha256: &'a str,
    parameters: &'a BTreeMap<String, Parameter>,
    tags: &'a BTreeMap<String, String>,
    termination_protection: bool,
    artifacts: Vec<ArtifactFile<'a>>,
}

#[derive(Debug, Serialize)]
struct ArtifactFile<'a> {
    function: &'a str,
    file: String,
    sha256: &'a str,
    bytes: u64,
    key: String,
}

impl<'a> PlanFile<'a> {
    pub fn new(plan: &'a Plan, artifacts: &'a [Artifact], templates: &'a [Template]) -> Self {
        let stages = plan
            .stages
            .iter()
            .zip(templates)
            .map(|(stage, template)| StageFile {
                name: stage.name,
                stack_name: &stage.stack_name,
                region: &stage.region,
                template: template.file_name(),
                template_sha256: &template.sha256,
                parameters: &stage.parameters,
                tags: &stage.tags,
                termination_protection: stage.termination_protection,
                artifacts: stage
                    .functions
                    .iter()
                    .filter_map(|function| {
                        Some((
                            function,
                            artifacts.iter().find(|a| a.function == function.name)?,
                        ))
                    })
                    .map(|(function, artifact)| ArtifactFile {
                        function: function.name,
                        file: names::artifact_file(function.name, &artifact.sha256),
                        sha256: &artifact.sha256,
                        bytes: artifact.bytes,
                        key: names::artifact_key(
                            &plan.service,
                            &plan.env,
                            function.name,
                            &artifact.sha256,
                        ),
                    })
                    .collect(),
            });
        Self {
            service: &plan.service,
            env: &plan.env,
            account: plan.account.as_deref(),
            artifact_bucket: plan.artifact_bucket.as_deref().unwrap_or("managed"),
            keep: plan.keep,
            stages: stages.collect(),
        }
    }
}
