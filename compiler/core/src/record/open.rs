//! A record and its templates to a plan, or why they can't be deployed.

use super::names_of::foreign;
use super::shape::{ArtifactShape, PlanShape, StageShape};
use super::{Asked, Record};
use crate::check::EDGE_REGION;
use crate::names;
use crate::plan::{Config, Function, Packaged, Parameter, Place, Plan, Stage, View};
use crate::template::{Template, overlay};
use crate::variables::is_region;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Whose a record has to be.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    pub service: &'a str,
    pub env: &'a str,
    pub account: &'a str,
    /// `None`: the one that deploy makes.
    pub artifact_bucket: Option<&'a str>,
}

/// What can be deployed again.
#[derive(Debug)]
pub struct Opened {
    pub plan: Plan,
    pub templates: Vec<Template>,
    /// What opens the endpoint, a log or a key: places and words.
    pub unsafe_overlays: Vec<String>,
}

/// A zip that has to be in the artifact bucket of its Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zip {
    pub region: String,
    pub key: String,
    pub sha256: String,
}

impl Record {
    /// Checks what can be checked without its templates: whose it is, what it names.
    pub fn check(&self, whose: Whose<'_>) -> Result<(), String> {
        let shape = PlanShape::deserialize(&self.plan).map_err(|error| error.to_string())?;
        self.belongs(&shape, whose)?;
        places(&shape, whose).map(drop)
    }

    /// Checks the record and its templates, by stage, and makes a plan of them.
    pub fn open(
        &self,
        whose: Whose<'_>,
        texts: &BTreeMap<String, String>,
    ) -> Result<Opened, String> {
        let shape = PlanShape::deserialize(&self.plan).map_err(|error| error.to_string())?;
        self.belongs(&shape, whose)?;
        let (mut stages, mut templates) = (Vec::new(), Vec::new());
        for (place, stage) in places(&shape, whose)?.into_iter().zip(&shape.stages) {
            let text = texts.get(&stage.name).map_or("", String::as_str);
            let template = template(&place, stage, text, whose)?;
            stages.push(self.stage(place, stage, &template.value)?);
            templates.push(template);
        }
        let aliases = templates.iter().flat_map(|it| aliases(&it.value));
        let names: Vec<String> = aliases.collect();
        let unsafe_overlays = templates.iter().flat_map(|template| {
            let found = overlay::recheck(&template.value, &names).into_iter();
            found.map(|what| format!("{}: {what}", template.stage))
        });
        let unsafe_overlays = unsafe_overlays.collect();
        Ok(Opened {
            plan: Plan {
                service: shape.service,
                env: shape.env,
                account: shape.account,
                artifact_bucket: whose.artifact_bucket.map(str::to_owned),
                names,
                unsafe_overlay: self.unsafe_overlay,
                // Only a deployment by a manifest says how many.
                keep: usize::MAX,
                former: former(&stages, whose),
                stages,
            },
            templates,
            unsafe_overlays,
        })
    }

    /// What [`Self::open`]ed stages take from the artifact buckets.
    pub fn zips(&self) -> Vec<Zip> {
        let stages = self.shape().stages.into_iter();
        let zips = stages.flat_map(|stage| {
            let region = stage.region;
            let zips = stage.artifacts.into_iter();
            zips.map(move |ArtifactShape { key, sha256, .. }| Zip {
                region: region.clone(),
                key,
                sha256,
            })
        });
        zips.collect()
    }

    /// `reads` moves by itself; a cdn stack can't.
    pub fn cdn_region(&self) -> Option<String> {
        let mut stages = self.shape().stages.into_iter();
        let cdn = stages.find(|stage| stage.name == names::CDN);
        cdn.map(|stage| stage.region)
    }

    fn belongs(&self, shape: &PlanShape, whose: Whose<'_>) -> Result<(), String> {
        if (shape.service.as_str(), shape.env.as_str()) != (whose.service, whose.env) {
            return Err(format!("it is of {} ({})", shape.service, shape.env));
        }
        let accounts = [Some(&self.account), shape.account.as_ref()];
        if let Some(other) = accounts
            .into_iter()
            .flatten()
            .find(|one| *one != whose.account)
        {
            return Err(format!("it is of account {other}"));
        }
        let bucket = whose.artifact_bucket.unwrap_or("managed");
        if shape.artifact_bucket != bucket {
            return Err(format!(
                "its zips are in another bucket (`deploy.bucket: {}`)",
                shape.artifact_bucket
            ));
        }
        let keys = self.templates.iter().map(|(stage, kept)| {
            let wanted = names::template_key(whose.service, whose.env, stage, &kept.sha256);
            (&kept.key, wanted)
        });
        let foreign = keys
            .filter(|(key, wanted)| *key != wanted)
            .map(|(key, _)| key);
        match foreign.into_iter().next() {
            Some(key) => Err(format!("it names {key} as a template")),
            None => Ok(()),
        }
    }

    fn stage(&self, place: Place, shape: &StageShape, template: &Value) -> Result<Stage, String> {
        let functions = shape.artifacts.iter().map(|zip| self.function(zip));
        let group = names::log_group_id(names::AUTHORIZER);
        let retention = &template["Resources"][&group]["Properties"]["RetentionInDays"];
        let delivers = &template["Outputs"][names::DELIVERS]["Value"];
        Ok(Stage {
            place,
            parameters: shape.parameters.clone(),
            functions: functions.collect::<Result<_, _>>()?,
            tags: shape.tags.clone(),
            termination_protection: shape.termination_protection,
            view: View::Packaged(Packaged {
                delivers: delivers.as_str().map(str::to_owned),
                log_retention_days: retention.as_i64().and_then(|days| days.try_into().ok()),
            }),
            overlay: None,
        })
    }

    fn function(&self, zip: &ArtifactShape) -> Result<Function, String> {
        let name = names::FUNCTIONS.iter().find(|name| **name == zip.function);
        let unknown = || format!("it has a function {}", zip.function);
        let name = *name.ok_or_else(unknown)?;
        let Asked { launch, trial } = self.functions.get(name).ok_or_else(unknown)?;
        // Else a version would run at the edge that nobody has tried.
        if names::EDGE_FUNCTIONS.contains(&name) != (launch.is_some() && trial.is_some()) {
            return Err(format!("it doesn't say how the {name} is tried"));
        }
        Ok(Function {
            name,
            config: Config::Packaged,
            launch: *launch,
            trial: trial.clone(),
        })
    }
}

/// The places of all stages, in their order.
fn places(shape: &PlanShape, whose: Whose<'_>) -> Result<Vec<Place>, String> {
    let stages = shape.stages.iter().enumerate();
    let places = stages.map(|(index, stage)| {
        let before = shape.stages.get(..index).unwrap_or_default();
        place(stage, before, whose)
    });
    let places: Vec<Place> = places.collect::<Result<_, _>>()?;
    let has = |name: &str| places.iter().any(|place| place.name == name);
    if has(names::LAMBDA_EDGE) && has(names::CDN) {
        Ok(places)
    } else {
        Err("it has no functions, or no distribution".to_owned())
    }
}

/// A stage has the names that frames gives it, and takes nothing but what a stage before it has.
fn place(stage: &StageShape, before: &[StageShape], whose: Whose<'_>) -> Result<Place, String> {
    let (service, env) = (whose.service, whose.env);
    let name = names::STAGES.iter().find(|name| **name == stage.name);
    let name = *name.ok_or_else(|| format!("it has a stage {}", stage.name))?;
    if before.iter().any(|other| other.name == name) {
        return Err(format!("it has two stages {name}"));
    }
    let place = Place::of(service, env, name, &stage.region);
    if stage.stack_name != place.stack_name {
        return Err(format!("it names stack {}", stage.stack_name));
    }
    let at_home = [names::LAMBDA_EDGE, names::LOGS].contains(&name);
    if (at_home && stage.region != EDGE_REGION) || !is_region(&stage.region) {
        return Err(format!("it has stage {name} in {}", stage.region));
    }
    for parameter in stage.parameters.values() {
        if let Parameter::Output { stage: from, .. } = parameter
            && !before.iter().any(|other| other.name == *from)
        {
            return Err(format!("stage {name} takes an output of {from}"));
        }
    }
    let zip = stage
        .artifacts
        .iter()
        .find(|zip| zip.key != names::artifact_key(service, env, &zip.function, &zip.sha256));
    match zip {
        Some(zip) => Err(format!("it names {} as a zip", zip.key)),
        None => Ok(place),
    }
}

/// A template is the one that was packaged, and of this delivery.
fn template(
    place: &Place,
    stage: &StageShape,
    text: &str,
    whose: Whose<'_>,
) -> Result<Template, String> {
    let name = place.name;
    if format!("{:x}", Sha256::digest(text)) != stage.template_sha256 {
        return Err(format!(
            "the template of {name} isn't the one that was packaged"
        ));
    }
    let value = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    let template = Template::new(name, value);
    if template.text != text {
        return Err(format!("frames didn't write the template of {name}"));
    }
    let described = template.value["Description"].as_str().unwrap_or_default();
    if !described.starts_with(&place.mark) {
        return Err(format!(
            "the template of {name} is of another delivery: {described:?}"
        ));
    }
    match foreign(&template.value, stage, whose.service, whose.env) {
        Some(what) => Err(format!(
            "the template of {name} has {what}, which isn't this delivery's"
        )),
        None => Ok(template),
    }
}

/// The stack of logs that a later deployment may have made.
fn former(stages: &[Stage], whose: Whose<'_>) -> Vec<Place> {
    let is_apart = |stage: &Stage| stage.name == names::CDN && stage.region != EDGE_REGION;
    if !stages.iter().any(is_apart) || stages.iter().any(|stage| stage.name == names::LOGS) {
        return Vec::new();
    }
    vec![Place::of(
        whose.service,
        whose.env,
        names::LOGS,
        EDGE_REGION,
    )]
}

/// The names under which a distribution is reached.
fn aliases(template: &Value) -> Vec<String> {
    let config = &template["Resources"][names::DISTRIBUTION]["Properties"]["DistributionConfig"];
    let aliases = config["Aliases"].as_array().into_iter().flatten();
    let aliases = aliases.filter_map(|alias| alias.as_str().map(str::to_owned));
    aliases.collect()
}
