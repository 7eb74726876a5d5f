//! `plan.json` as it is read back.

use crate::plan::Parameter;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanShape {
    pub service: String,
    pub env: String,
    pub account: Option<String>,
    pub artifact_bucket: String,
    pub stages: Vec<StageShape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StageShape {
    pub name: String,
    pub stack_name: String,
    pub region: String,
    pub template_sha256: String,
    pub parameters: BTreeMap<String, Parameter>,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    pub artifacts: Vec<ArtifactShape>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ArtifactShape {
    pub function: String,
    pub sha256: String,
    pub key: String,
}

impl StageShape {
    /// `lambda-edge (authorizer, signer)`, `cdn (tags)`; nothing where it is the same.
    pub(super) fn changed(&self, old: &Self) -> Option<String> {
        let same_zip = |zip: &ArtifactShape| {
            let mut before = old.artifacts.iter();
            before.any(|other| other.function == zip.function && other.sha256 == zip.sha256)
        };
        let zips = self.artifacts.iter().filter(|zip| !same_zip(zip));
        let mut what: Vec<&str> = zips.map(|zip| zip.function.as_str()).collect();
        if self.region != old.region {
            what.push("Region");
        }
        if self.tags != old.tags {
            what.push("tags");
        }
        if self.termination_protection != old.termination_protection {
            what.push("termination protection");
        }
        if what.is_empty() {
            let differs = self.template_sha256 != old.template_sha256;
            return differs.then(|| self.name.clone());
        }
        Some(format!("{} ({})", self.name, what.join(", ")))
    }
}
