//! CheckedManifest to [`Plan`]: the stages in order, each with its names,
//! parameters and what its template shows. Nothing but this folder knows how
//! many stages there are and what they are called.

mod cdn;
mod iam;
mod lambda_edge;
mod posture;
mod trial;

pub use crate::check::Launch;
pub use trial::Trial;

use crate::check::CheckedManifest;
use crate::syntax::Node;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is deployed, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    pub service: String,
    pub env: String,
    /// The account that this may be deployed to; `None`: any.
    pub account: Option<String>,
    /// Holds the zips; `None`: one that deploy makes.
    pub artifact_bucket: Option<String>,
    /// Under which the distribution is reached, beside its own name.
    pub names: Vec<String>,
    /// The user lets an overlay through that opens the endpoint.
    pub unsafe_overlay: bool,
    pub stages: Vec<Stage>,
}

/// A CloudFormation stack.
#[derive(Debug, Clone)]
pub struct Stage {
    pub name: &'static str,
    pub stack_name: String,
    /// What the stack's description begins with: whose it is.
    pub mark: String,
    pub region: String,
    pub parameters: BTreeMap<String, Parameter>,
    /// Functions whose zips the stack takes from the artifact bucket.
    pub functions: Vec<Function>,
    /// The stack's; CloudFormation hands them on to its resources.
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    /// What the stage's template shows, apart from what the zips' hashes decide.
    pub view: Value,
    /// The manifest's `resources` for this stage.
    pub overlay: Option<Node>,
}

/// Where a parameter's value comes from at deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "source", rename_all = "camelCase")]
pub enum Parameter {
    /// The bucket that holds the zips.
    ArtifactBucket,
    /// An output of a stage before.
    Output { stage: String, output: String },
}

/// An edge function: the same program for everybody, decided by its `config.json`.
#[derive(Debug, Clone)]
pub struct Function {
    pub name: &'static str,
    pub config: Value,
    pub launch: Launch,
    pub trial: Trial,
}

impl Function {
    /// The zip's file [`names::LAUNCH_FILE`], where it has one.
    pub fn launch_file(&self) -> Option<&'static str> {
        match self.launch {
            Launch::Exec => None,
            Launch::Child => Some("child\n"),
        }
    }
}

/// A function's zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub function: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
    pub bytes: u64,
}

pub fn plan(manifest: &CheckedManifest, env: &str) -> Plan {
    Plan {
        service: manifest.service.clone(),
        env: env.to_owned(),
        account: manifest.deploy.account.clone(),
        artifact_bucket: manifest.deploy.bucket.clone(),
        names: manifest
            .domain
            .as_ref()
            .map(|domain| domain.cnames.clone())
            .unwrap_or_default(),
        unsafe_overlay: false,
        stages: vec![lambda_edge::stage(manifest, env), cdn::stage(manifest, env)],
    }
}

impl Plan {
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.stages.iter().flat_map(|stage| &stage.functions)
    }

    /// For how long the functions' logs are kept, in every Region; none: for ever.
    pub fn log_retention_days(&self) -> Option<i32> {
        let days = self.stages.first()?.view.get("log_retention_days")?;
        days.as_i64().and_then(|days| days.try_into().ok())
    }

    /// Lets the pages of one more origin read the answers: the page of `frames dev`.
    /// Nothing changes where CORS is off, or open to all.
    pub fn admit(&mut self, origin: &str) {
        for stage in &mut self.stages {
            let configs = stage.functions.iter_mut().map(|function| {
                let config = &mut function.config;
                config.pointer_mut("/cors/origins")
            });
            let policy = stage.view.pointer_mut("/response_headers/cors/origins");
            for list in configs.chain([policy]).flatten() {
                if let Value::Array(origins) = list
                    && !origins.is_empty()
                    && !origins.contains(&Value::from("*"))
                {
                    origins.push(origin.into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;

    /// The origins in the functions' configurations and in the distribution's policy.
    fn origins(cors: &str) -> Vec<Value> {
        let text = format!("service: x\nauth: {{mode: none}}\ndelivery: {{cors: {cors}}}\n");
        let mut plan = plan(&checked(&text), "dev");
        plan.admit("http://127.0.0.1:1");
        let configs = plan
            .functions()
            .filter_map(|f| f.config.pointer("/cors/origins"));
        let policies = plan.stages.iter();
        let policies = policies.filter_map(|s| s.view.pointer("/response_headers/cors/origins"));
        configs.chain(policies).cloned().collect()
    }

    #[test]
    fn an_admitted_origin_joins_named_ones_alone() {
        let named = serde_json::json!(["https://a.example", "http://127.0.0.1:1"]);
        assert_eq!(
            origins("{origins: ['https://a.example']}"),
            [named.clone(), named]
        );
        let any = serde_json::json!(["*"]);
        assert_eq!(origins("{}"), [any.clone(), any]);
        assert_eq!(origins("{origins: []}"), [serde_json::json!([])]);
    }
}
