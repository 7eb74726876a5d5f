//! What a deployment leaves in the artifact bucket: who deployed what and when, and all that it
//! takes to deploy it again as it was packaged.
//!
//! - [`Record`]: as it is written
//! - [`mod@open`]: a record that is read back, with its templates, to a plan. Whoever may write to
//!   the bucket may have written it, so nothing in it is believed before it is checked
//! - [`behind`]: what going back can't undo

pub mod behind;
mod names_of;
pub mod open;
mod shape;

use crate::check::Launch;
use crate::names;
use crate::package::Package;
use crate::plan::{Plan, Trial};
use crate::secrets::Masks;
use crate::template::Template;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shape::{PlanShape, StageShape};
use std::collections::{BTreeMap, BTreeSet};

/// A later form gets another number, and is refused by a frames that doesn't know it.
const FORMAT: u32 = 1;

/// What the plan is called among the stages.
const PLAN: &str = "plan.json";

/// Of a record, in RFC 3339 and always as long.
const TIME: &str = "0000-00-00T00:00:00.000Z";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    format: u32,
    /// Of what is deployed: the same package has the same id, however often it is deployed.
    pub id: String,
    /// When it began, in RFC 3339.
    pub time: String,
    pub state: State,
    pub kind: Kind,
    /// The caller's ARN.
    pub who: String,
    pub account: String,
    /// Of frames.
    pub version: String,
    /// Of the manifest's repository, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The only stage that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// An overlay was let through that opens the endpoint.
    #[serde(default)]
    pub unsafe_overlay: bool,
    /// `plan.json`
    plan: Value,
    templates: BTreeMap<String, Kept>,
    functions: BTreeMap<String, Asked>,
    /// By stage, where in its template a secret is, and where in the plan: JSON pointers, and no secret.
    #[serde(default)]
    concealed: BTreeMap<String, BTreeSet<String>>,
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    Begun,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Deploy,
    Rollback,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub id: String,
    /// Files differed from it.
    pub changed: bool,
}

impl Commit {
    /// By SHA-1, or by SHA-256.
    pub fn is_id(text: &str) -> bool {
        [40, 64].contains(&text.len()) && names::is_hex(text)
    }
}

/// A template in the artifact bucket of the edge's Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    key: String,
    sha256: String,
}

/// How a function is started, and what a new version of it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Asked {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    launch: Option<Launch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
}

/// What isn't in the package.
#[derive(Debug, Clone)]
pub struct About<'a> {
    pub time: &'a str,
    pub who: &'a str,
    pub account: &'a str,
    pub version: &'a str,
    pub commit: Option<&'a Commit>,
    pub only: Option<&'a str>,
    pub masks: &'a Masks,
}

/// A stage as it is deployed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub stage: &'static str,
    pub region: String,
    /// Of the template, as [`Template`] writes it.
    pub sha256: String,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
}

impl Record {
    /// Of a deployment that begins. `None`: `plan.json` is none, which is a defect.
    pub fn new(plan: &Plan, package: &Package, about: &About<'_>) -> Option<Self> {
        let written: Value = serde_json::from_str(&package.plan_json).ok()?;
        let (service, env) = (&plan.service, &plan.env);
        let templates = package.templates.iter().map(|template| {
            let sha256 = template.sha256.clone();
            let key = names::template_key(service, env, template.stage, &sha256);
            (template.stage.to_owned(), Kept { key, sha256 })
        });
        let functions = plan.functions().map(|function| {
            let (launch, trial) = (function.launch, function.trial.clone());
            (function.name.to_owned(), Asked { launch, trial })
        });
        let functions: BTreeMap<String, Asked> = functions.collect();
        let values = package.templates.iter().map(|it| (it.stage, &it.value));
        let concealed = values.chain([(PLAN, &written)]).filter_map(|(of, value)| {
            let places = secret_places(value, about.masks);
            (!places.is_empty()).then(|| (of.to_owned(), places))
        });
        let concealed = concealed.collect();
        Some(Self {
            format: FORMAT,
            id: short(&sha256(&written, plan.unsafe_overlay, &functions)),
            time: about.time.to_owned(),
            state: State::Begun,
            kind: Kind::Deploy,
            who: about.who.to_owned(),
            account: about.account.to_owned(),
            version: about.version.to_owned(),
            commit: about.commit.cloned(),
            only: about.only.map(str::to_owned),
            unsafe_overlay: plan.unsafe_overlay,
            templates: templates.collect(),
            functions,
            concealed,
            plan: written,
        })
    }

    /// Of a rollback to this one.
    #[must_use]
    pub fn again(&self, time: &str, who: &str) -> Self {
        Self {
            time: time.to_owned(),
            who: who.to_owned(),
            state: State::Begun,
            kind: Kind::Rollback,
            ..self.clone()
        }
    }

    /// The same, at its end.
    #[must_use]
    pub fn done(self) -> Self {
        Self {
            state: State::Done,
            ..self
        }
    }

    /// The same, in the place of one that was interrupted.
    #[must_use]
    pub fn since(self, earlier: &Self) -> Self {
        Self {
            time: earlier.time.clone(),
            ..self
        }
    }

    /// A record as it is in the bucket, under a key; else why it is none.
    pub fn read(text: &[u8], service: &str, env: &str, key: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if read.format != FORMAT {
            return Err(format!("it is of format {}", read.format));
        }
        if read.id != short(&read.sha256()) {
            return Err("its id isn't that of what it holds".to_owned());
        }
        read.formed()?;
        // Else its zips would count as none that anybody needs.
        PlanShape::deserialize(&read.plan).map_err(|error| format!("its plan: {error}"))?;
        // Else it would be listed as what it isn't, or written elsewhere.
        if names::record_key(service, env, &read.time, &read.id) != key {
            return Err("time and id in it aren't those of its key".to_owned());
        }
        Ok(read)
    }

    /// What is shown as a time, a commit and a stage is one. `who` is anybody's.
    fn formed(&self) -> Result<(), String> {
        if !names::is_of_form(&self.time, TIME) {
            return Err("its time is none".to_owned());
        }
        let mut commit = self.commit.iter();
        if commit.any(|commit| !Commit::is_id(&commit.id)) {
            return Err("its commit is none".to_owned());
        }
        let only = self.only.as_deref();
        if only.is_some_and(|only| !names::STAGES.contains(&only)) {
            return Err("it is of a stage that frames doesn't have".to_owned());
        }
        Ok(())
    }

    pub fn text(&self) -> String {
        let mut value = json!(self);
        value.sort_all_objects();
        format!("{value:#}\n")
    }

    /// Whether it is of all stages, and came to its end.
    pub fn is_whole(&self) -> bool {
        self.state == State::Done && self.only.is_none()
    }

    /// Whether a run of this one goes on with what `earlier` began.
    pub fn goes_on(&self, earlier: &Self) -> bool {
        earlier.state == State::Begun
            && (earlier.kind, &earlier.only) == (self.kind, &self.only)
            && self.is_same(earlier)
    }

    /// Whether its authorizer lets a request without a token go on.
    pub fn is_open(&self) -> bool {
        let asked = self.functions.get(names::AUTHORIZER);
        let trial = asked.and_then(|asked| asked.trial.as_ref());
        trial.is_some_and(|trial| trial.refuses_with().is_none())
    }

    /// The id in full. The short one is for people: somebody who may write to the bucket can find other
    /// content with the same.
    pub fn sha256(&self) -> String {
        sha256(&self.plan, self.unsafe_overlay, &self.functions)
    }

    /// Whether both are of the same package.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.sha256() == other.sha256()
    }

    /// The keys of all that a rollback to it needs.
    pub fn keys(&self) -> Vec<String> {
        let zips = self
            .shape()
            .stages
            .into_iter()
            .flat_map(|stage| stage.artifacts);
        let zips = zips.map(|zip| zip.key);
        let templates = self.templates.values().map(|kept| kept.key.clone());
        zips.chain(templates).collect()
    }

    /// What the templates are called in the bucket, by stage.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &str)> {
        self.templates
            .iter()
            .map(|(stage, kept)| (stage.as_str(), kept.key.as_str()))
    }

    /// Whether this is what is deployed.
    pub fn is_live(&self, standing: &[Standing]) -> bool {
        let stages = self.shape().stages;
        let same = |stage: &StageShape, one: &Standing| {
            stage.name == one.stage
                && stage.region == one.region
                && stage.template_sha256 == one.sha256
                && stage.tags == one.tags
                && stage.termination_protection == one.termination_protection
        };
        !stages.is_empty()
            && stages.len() == standing.len()
            && stages
                .iter()
                .all(|stage| standing.iter().any(|one| same(stage, one)))
    }

    /// What it has that isn't as in the one before, in words: functions with another zip, stages
    /// with another template or tags.
    pub fn changed(&self, before: Option<&Self>) -> Vec<String> {
        let Some(before) = before else {
            return vec!["everything".to_owned()];
        };
        let (now, then) = (self.shape(), before.shape());
        let mut changed = Vec::new();
        for stage in &now.stages {
            let old = then.stages.iter().find(|old| old.name == stage.name);
            match old {
                None => changed.push(format!("{} (new)", stage.name)),
                Some(old) => changed.extend(stage.changed(old)),
            }
        }
        let gone = then.stages.iter();
        let gone = gone.filter(|old| now.stages.iter().all(|stage| stage.name != old.name));
        changed.extend(gone.map(|old| format!("{} (removed)", old.name)));
        changed
    }

    /// The values in these templates, and in its own plan, where this record has seen a secret: by
    /// places, as `cdn /Resources/…`.
    pub fn secrets<'a>(
        &'a self,
        templates: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (of, value) in templates.chain([(PLAN, &self.plan)]) {
            let places = self.concealed.get(of).into_iter().flatten();
            let values = places.filter_map(|place| Some((place, value.pointer(place)?.as_str()?)));
            found.extend(values.map(|(place, text)| (format!("{of} {place}"), text.to_owned())));
        }
        found
    }

    /// What is [`Self::read`] has one.
    fn shape(&self) -> PlanShape {
        PlanShape::deserialize(&self.plan).unwrap_or_default()
    }
}

/// Of what decides what is deployed: how many deployments are kept doesn't.
fn sha256(plan: &Value, unsafe_overlay: bool, functions: &BTreeMap<String, Asked>) -> String {
    let mut content =
        json!({"plan": plan, "unsafeOverlay": unsafe_overlay, "functions": functions});
    if let Some(plan) = content["plan"].as_object_mut() {
        plan.remove("keep");
    }
    content.sort_all_objects();
    format!("{:x}", Sha256::digest(content.to_string()))
}

fn short(sha256: &str) -> String {
    let digits = names::ID_DIGITS;
    format!("{sha256:.digits$}")
}

/// JSON pointers to the texts that show a secret.
fn secret_places(template: &Value, masks: &Masks) -> BTreeSet<String> {
    fn walk(value: &Value, place: &str, visit: &mut dyn FnMut(&str, &str)) {
        match value {
            Value::String(text) => visit(text, place),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{place}/{index}"), visit);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(member, &format!("{place}/{key}"), visit);
                }
            }
            _ => {}
        }
    }
    let mut places = BTreeSet::new();
    if !masks.is_empty() {
        walk(template, "", &mut |text, place| {
            if masks.hides(text) {
                places.insert(place.to_owned());
            }
        });
    }
    places
}

/// A stack's template as [`Standing`] has it; `None`: it isn't JSON, and so none of frames.
pub fn digest(stage: &'static str, template: &str) -> Option<String> {
    let value = serde_json::from_str(template).ok()?;
    Some(Template::new(stage, value).sha256)
}

#[cfg(test)]
mod tests;
