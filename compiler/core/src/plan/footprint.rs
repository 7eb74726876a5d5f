//! The names that a deployment has in an account, without what is in it. A removal and `info` go
//! by them: they need no more of a manifest than its names.

use super::{Place, Plan};
use crate::names;

/// Where an environment's stacks, functions and artifacts are, and how they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    pub service: String,
    pub env: String,
    /// The only account that it may be in; `None`: any.
    pub account: Option<String>,
    /// Holds the zips; `None`: the one that deploy makes.
    pub artifact_bucket: Option<String>,
    /// In the order in which they are deployed.
    pub stages: Vec<Place>,
    /// Stacks that an earlier form of the manifest may have left.
    pub former: Vec<Place>,
    pub functions: Vec<NamedFunction>,
}

/// A function by its name in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFunction {
    /// The stage that makes it.
    pub stage: &'static str,
    /// `image-frames-dev-authorizer`
    pub name: String,
}

impl Plan {
    pub fn footprint(&self) -> Footprint {
        let functions = self.stages.iter().flat_map(|stage| {
            stage.functions.iter().map(|function| NamedFunction {
                stage: stage.name,
                name: names::function(&self.service, &self.env, function.name),
            })
        });
        Footprint {
            service: self.service.clone(),
            env: self.env.clone(),
            account: self.account.clone(),
            artifact_bucket: self.artifact_bucket.clone(),
            stages: self
                .stages
                .iter()
                .map(|stage| stage.place.clone())
                .collect(),
            former: self.former.clone(),
            functions: functions.collect(),
        }
    }
}
