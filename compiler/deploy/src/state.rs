//! What is deployed, as each service says.

use super::picture::case::{Case, Gone, Row};
use super::picture::serving::Serving;
use super::picture::{self, Picture, Seen};
use super::session::Session;
use super::stage::Done;
use super::teardown::DISTRIBUTION;
use crate::aws::distributions::{DEFAULT_PATH, Distribution};
use crate::aws::functions::function_version;
use crate::aws::stacks::{Drift, Stack};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct State {
    pub stages: Vec<StageState>,
    pub distributions: Vec<DistributionState>,
    pub functions: Vec<FunctionState>,
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
    /// What it is in.
    pub case: &'static Row,
    pub gone: Vec<Gone>,
    pub drift: Vec<Drift>,
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

/// What is there, in the order of deployment; of stages that the manifest has nothing for any more,
/// those that are left.
pub async fn look(session: &Session<'_>, footprint: &Footprint, drift: bool) -> Result<State> {
    let places = footprint.stages.iter().chain(&footprint.former);
    let picture = Picture::look(session, places).await?;
    let mut state = State {
        stages: vec![],
        distributions: vec![],
        functions: vec![],
        url: None,
        in_use: vec![],
    };
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
        state.distributions(session, &seen).await?;
        let mut found = Vec::new();
        if let Some(stack) = seen.stack.as_ref().filter(|_| drift && seen.is_ours()) {
            let stacks = session.aws.stacks(&seen.place.region);
            found = picture::drifts(&stacks, &session.interrupt, stack).await??;
            found.retain(|drift| drift.is_modified() || drift.is_gone());
        }
        let own = seen.is_ours();
        let url = seen.stack.as_ref().and_then(|it| it.outputs.get("Url"));
        state.url = state.url.or(url.filter(|_| own).cloned());
        state.stages.push(StageState {
            name: seen.place.name,
            stack_name: seen.place.stack_name.clone(),
            region: seen.place.region.clone(),
            gone: seen.gone().to_vec(),
            case: seen.case.row(),
            stack: seen.stack.filter(|_| own),
            drift: found,
        });
    }
    // Nobody gets an answer there.
    if !state.distributions.iter().any(|one| one.state.enabled) {
        state.url = None;
    }
    let functions = footprint.functions.iter().map(|it| it.name.clone());
    let own = state.distributions.iter().map(|one| one.id.clone());
    let serving = Serving::look(session, functions, own).await?;
    state.in_use = serving.foreign().map(|one| serving.tell(one)).collect();
    let own = state.distributions.iter().map(|one| &one.state);
    let foreign = serving.foreign().map(|one| &one.state);
    let running: Vec<&Distribution> = own.chain(foreign).collect();
    state.functions = functions_of(session, footprint, &running).await?;
    Ok(state)
}

impl State {
    async fn distributions(&mut self, session: &Session<'_>, seen: &Seen) -> Result<()> {
        let resources = seen.resources.iter().filter(|it| it.kind == DISTRIBUTION);
        for resource in resources {
            let distributions = session.aws.distributions();
            if let Some(state) = distributions.describe(&resource.physical).await? {
                let id = resource.physical.clone();
                self.distributions.push(DistributionState { id, state });
            }
        }
        Ok(())
    }
}

/// Fails while a distribution of the stacks serves without the authorizer, or doesn't serve as its
/// template says, so that no run then says `Deployed` or `Unchanged`. Somebody may have changed it by
/// hand, which CloudFormation doesn't see.
pub async fn refuse_open(session: &Session<'_>, plan: &Plan, done: &[Done]) -> Result<()> {
    for done in done {
        let Some(stage) = plan.stages.iter().find(|stage| stage.name == done.stage) else {
            continue;
        };
        // What the distribution's own stage uses: a newer version may still wait for its turn.
        let parameter = names::version_arn(names::AUTHORIZER);
        let Some(guard) = done.stack.parameters.get(&parameter) else {
            continue;
        };
        let stacks = session.aws.stacks(&stage.region);
        for resource in stacks.resources(&done.stack.id).await? {
            if resource.kind != DISTRIBUTION || resource.status == "DELETE_COMPLETE" {
                continue;
            }
            let text = stacks.template(&done.stack.id).await?;
            let template: Value = serde_json::from_str(&text)
                .context(|| format!("can't read the template of stack {}", done.stack.name))?;
            let config = &template["Resources"][&resource.id]["Properties"]["DistributionConfig"];
            let wanted = Wanted::of(config, &done.stack.parameters);
            refuse_changed(session, &resource.physical, guard, &wanted).await?;
        }
    }
    Ok(())
}

/// What a distribution's template says of it.
struct Wanted {
    enabled: bool,
    /// Path pattern, event, and the version there, as far as a parameter of the stack has it.
    functions: Vec<(String, String, String)>,
}

impl Wanted {
    fn of(config: &Value, parameters: &BTreeMap<String, String>) -> Self {
        let others = config["CacheBehaviors"].as_array().into_iter().flatten();
        let default = std::iter::once(&config["DefaultCacheBehavior"]);
        let functions = default.chain(others).flat_map(|behavior| {
            let path = behavior["PathPattern"].as_str().unwrap_or(DEFAULT_PATH);
            let all = behavior["LambdaFunctionAssociations"].as_array();
            all.into_iter().flatten().filter_map(|one| {
                let event = one["EventType"].as_str()?;
                let arn = parameters.get(one["LambdaFunctionARN"]["Ref"].as_str()?)?;
                Some((path.to_owned(), event.to_owned(), arn.clone()))
            })
        });
        Self {
            enabled: config["Enabled"] == true,
            functions: functions.collect(),
        }
    }
}

async fn refuse_changed(
    session: &Session<'_>,
    id: &str,
    guard: &str,
    wanted: &Wanted,
) -> Result<()> {
    let Some(deployed) = session.aws.distributions().describe(id).await? else {
        return Err(Failure::new(format!(
            "distribution {id} is gone, though its stack is deployed"
        ))
        .help("somebody deleted it by hand: run `frames deploy`, which makes it again"));
    };
    if !deployed.enabled {
        let what = format!(
            "distribution {id} is disabled: somebody switched it off outside of CloudFormation, and nothing is served by it"
        );
        return if wanted.enabled {
            Err(Failure::new(what).help(
                "once the reason for that is gone, enable it in the CloudFront console; or run `frames remove`, then `frames deploy`",
            ))
        } else {
            Ok(())
        };
    }
    let mut behaviors = deployed.behaviors.values();
    let is_guarded = |functions: &BTreeMap<String, String>| {
        functions.get("viewer-request").map(String::as_str) == Some(guard)
    };
    if !behaviors.all(is_guarded) {
        let what = format!(
            "distribution {id} doesn't run the authorizer on every path: it was changed outside of CloudFormation"
        );
        return Err(Failure::new(what).help(format!("what it serves may be open to all. Disable it in the CloudFront console at once. Then put {guard} back at viewer-request of every behavior, and run the same command")));
    }
    let missing = wanted.functions.iter().find(|(path, event, arn)| {
        let there = deployed.behaviors.get(path);
        there.and_then(|functions| functions.get(event)) != Some(arn)
    });
    let Some((path, event, arn)) = missing else {
        return Ok(());
    };
    let what = format!(
        "distribution {id} doesn't run {arn} at {event} of {path}: it was changed outside of CloudFormation"
    );
    Err(Failure::new(what).help(format!("requests there aren't served as they should be. Put {arn} back at {event} of {path} in the CloudFront console, and run the same command; or run `frames remove`, then `frames deploy`")))
}

async fn functions_of(
    session: &Session<'_>,
    footprint: &Footprint,
    running: &[&Distribution],
) -> Result<Vec<FunctionState>> {
    let running = running.iter().flat_map(|one| &one.functions);
    let running: Vec<(String, u64)> = running.filter_map(|arn| function_version(arn)).collect();
    let mut found = Vec::new();
    for function in &footprint.functions {
        let name = function.name.clone();
        let versions = session.aws.functions().versions(&name).await?;
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
                "state": stage.case.info,
                "gone": stage.gone.iter().map(|it| json!({"resource": it.id, "type": it.kind})).collect::<Vec<_>>(),
                "drift": drift.collect::<Vec<_>>(),
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
        json!({
            "url": self.url,
            "distributionId": self.distributions.first().map(|distribution| distribution.id.clone()),
            "stages": stages.collect::<Vec<_>>(),
            "distributions": distributions.collect::<Vec<_>>(),
            "functions": functions.collect::<Vec<_>>(),
            "inUseBy": self.in_use,
        })
    }
}
