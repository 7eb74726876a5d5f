//! What is deployed, as each service says.

use super::picture::case::{Case, Gone};
use super::picture::serving::{Ours, Serving};
use super::picture::{self, Picture, Seen};
use super::session::Session;
use crate::aws::distributions::Distribution;
use crate::aws::functions::function_version;
use crate::aws::stacks::{Drift, Stack};
use frames_compiler::failure::Result;
use frames_compiler::names;
use frames_compiler::plan::Footprint;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct State {
    pub stages: Vec<StageState>,
    pub distributions: Vec<DistributionState>,
    pub functions: Vec<FunctionState>,
    /// What reads beside the data stores, by the word of its stacks.
    pub readers: Vec<ReaderState>,
    /// Where frames are served from; `None` while they aren't.
    pub url: Option<String>,
    /// Distributions of nobody's stack here that run the functions.
    pub in_use: Vec<String>,
}

#[derive(Debug)]
pub struct StageState {
    pub name: &'static str,
    pub stack_name: String,
    pub region: String,
    pub stack: Option<Stack>,
    /// What it is in, in words.
    pub told: String,
    pub gone: Vec<Gone>,
    pub drift: Vec<Drift>,
    /// Why CloudFormation couldn't compare every resource.
    pub drift_unknown: Option<String>,
}

#[derive(Debug)]
pub struct DistributionState {
    pub id: String,
    pub state: Distribution,
}

#[derive(Debug)]
pub struct FunctionState {
    pub name: String,
    /// The version that a distribution runs.
    pub in_use: Option<u64>,
    /// Older ones that are still there.
    pub old: Vec<u64>,
}

/// A function that the signer calls, and the edge doesn't run.
#[derive(Debug)]
pub struct ReaderState {
    pub name: String,
    pub region: String,
    /// The version that its URL runs.
    pub version: u64,
    /// The host of that URL.
    pub host: String,
}

/// What is there, in the order of deployment; of stages that the manifest has nothing for any more,
/// those that are left.
pub async fn look(session: &Session<'_>, footprint: &Footprint, drift: bool) -> Result<State> {
    let places = footprint.stages.iter().chain(&footprint.former);
    let picture = Picture::look(session, places).await?;
    let mut state = State {
        stages: vec![],
        distributions: vec![],
        functions: vec![],
        readers: vec![],
        url: None,
        in_use: vec![],
    };
    let mut ours = Ours::functions(footprint.functions.iter().map(|it| it.name.clone()));
    let mut versions = BTreeMap::new();
    for seen in picture.stages {
        let is_former = footprint.former.contains(&seen.place);
        if let (Case::Foreign, Some(stack)) = (&seen.case, &seen.stack)
            && !is_former
        {
            return Err(picture::foreign(&seen.place, stack));
        }
        if is_former && !seen.is_ours() {
            continue;
        }
        let url = seen.stack.as_ref().and_then(|it| it.outputs.get("Url"));
        state.url = state.url.or(url.filter(|_| seen.is_ours()).cloned());
        ours.policies.extend(seen.policies());
        state.readers.extend(reader(&seen));
        let (stage, distributions, of_stage) = stage(session, seen, drift).await?;
        state.stages.push(stage);
        state.distributions.extend(distributions);
        versions.extend(of_stage);
    }
    // Nobody gets an answer there.
    if !state.distributions.iter().any(|one| one.state.enabled) {
        state.url = None;
    }
    let own = state.distributions.iter().map(|one| one.id.clone());
    ours.distributions = own.collect();
    let serving = Serving::look(session, ours).await?;
    state.in_use = serving.foreign().map(|one| serving.tell(one)).collect();
    let own = state.distributions.iter().map(|one| &one.state);
    let foreign = serving.foreign().map(|one| &one.state);
    let running: Vec<&Distribution> = own.chain(foreign).collect();
    state.functions = functions_of(session, footprint, versions, &running).await?;
    Ok(state)
}

/// The reader that a stage has, whatever the stage is called.
fn reader(seen: &Seen) -> Option<ReaderState> {
    let stack = seen.stack.as_ref().filter(|_| seen.is_ours())?;
    let arn = stack.outputs.get(&names::version_arn(names::READER))?;
    let (name, version) = function_version(arn)?;
    Some(ReaderState {
        name,
        version,
        region: seen.place.region.clone(),
        host: stack.outputs.get(names::READER_HOST)?.clone(),
    })
}

type Versions = BTreeMap<String, Vec<u64>>;

/// A stage, with what the picture has read of its distributions and functions.
async fn stage(
    session: &Session<'_>,
    seen: Seen,
    drift: bool,
) -> Result<(StageState, Vec<DistributionState>, Versions)> {
    let own = seen.is_ours();
    let (mut drifts, mut drift_unknown) = (Vec::new(), None);
    if let Some(stack) = seen.stack.as_ref().filter(|_| drift && own) {
        let compared = match seen.compared {
            Some(compared) => compared?,
            // Whatever state it is in, the answer to --drift is CloudFormation's.
            None => {
                let stacks = session.aws.stacks(&seen.place.region);
                picture::drifts(&stacks, &session.interrupt, stack).await??
            }
        };
        drifts = compared.found;
        drifts.retain(|drift| drift.is_modified() || drift.is_gone());
        drift_unknown = compared.failed;
    }
    let distributions = seen.distributions.into_iter();
    let distributions = distributions.map(|(id, state)| DistributionState { id, state });
    let stage = StageState {
        name: seen.place.name,
        stack_name: seen.place.stack_name,
        region: seen.place.region,
        gone: seen
            .case
            .looked()
            .map(|it| it.gone.clone())
            .unwrap_or_default(),
        told: seen.case.told(),
        stack: seen.stack.filter(|_| own),
        drift: drifts,
        drift_unknown,
    };
    Ok((stage, distributions.collect(), seen.versions))
}

/// By the picture's word, and by Lambda's for functions that no stack of it has.
async fn functions_of(
    session: &Session<'_>,
    footprint: &Footprint,
    mut known: Versions,
    running: &[&Distribution],
) -> Result<Vec<FunctionState>> {
    let running = running.iter().flat_map(|one| &one.functions);
    let running: Vec<(String, u64)> = running.filter_map(|arn| function_version(arn)).collect();
    let mut found = Vec::new();
    for function in &footprint.functions {
        let name = function.name.clone();
        let versions = match known.remove(&name) {
            Some(versions) => versions,
            None => session.aws.functions().versions(&name).await?,
        };
        let in_use = running
            .iter()
            .filter(|(running, _)| *running == name)
            .map(|(_, version)| *version)
            .max();
        if versions.is_empty() && in_use.is_none() {
            continue;
        }
        let old = versions
            .into_iter()
            .filter(|version| in_use.is_some_and(|in_use| *version < in_use))
            .collect();
        found.push(FunctionState { name, in_use, old });
    }
    Ok(found)
}

impl State {
    pub fn json(&self) -> Value {
        let stages = self.stages.iter().map(|stage| {
            let drift = stage.drift.iter().map(|drift| {
                json!({"resource": drift.resource, "type": drift.kind, "status": drift.status, "properties": drift.properties})
            });
            json!({
                "name": stage.name,
                "stackName": stage.stack_name,
                "region": stage.region,
                "status": stage.stack.as_ref().map(|stack| stack.status.0.clone()),
                "state": stage.told,
                "gone": stage.gone.iter().map(|it| json!({"resource": it.id, "type": it.kind})).collect::<Vec<_>>(),
                "drift": drift.collect::<Vec<_>>(),
                "driftUnknown": stage.drift_unknown,
            })
        });
        let distributions = self.distributions.iter().map(|distribution| {
            json!({
                "id": distribution.id,
                "enabled": distribution.state.enabled,
                "deployed": distribution.state.deployed,
                "domainName": distribution.state.domain_name,
                "aliases": distribution.state.aliases,
            })
        });
        let functions = self.functions.iter().map(|function| {
            json!({"name": function.name, "version": function.in_use, "oldVersions": function.old})
        });
        let readers = self.readers.iter().map(|reader| {
            json!({"name": reader.name, "region": reader.region, "version": reader.version, "alias": names::READER_ALIAS, "host": reader.host})
        });
        json!({
            "url": self.url,
            "distributionId": self.distributions.first().map(|distribution| distribution.id.clone()),
            "stages": stages.collect::<Vec<_>>(),
            "distributions": distributions.collect::<Vec<_>>(),
            "functions": functions.collect::<Vec<_>>(),
            "readers": readers.collect::<Vec<_>>(),
            "inUseBy": self.in_use,
        })
    }
}
