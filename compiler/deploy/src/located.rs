//! Where a deployment's stacks are, whatever a manifest says now: the lambda-edge stack remembers
//! its cdn stack's Region and the artifact bucket. Without it, all Regions are looked at.

use super::edge_logs;
use super::picture;
use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::stacks::{Sought, Stack};
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Names, Place, Placed};
use tokio::task::JoinSet;

/// What a deployed lambda-edge stack says of its deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The cdn stack's; `None`: a version of frames that kept none has deployed it.
    pub region: Option<String>,
    pub bucket: Option<String>,
    /// The stages whose Region may have changed.
    pub placed: Vec<Placed>,
    pub delivers: Option<String>,
}

impl Memory {
    pub(crate) fn of(stack: &Stack) -> Self {
        let output = |name: &str| stack.outputs.get(name).cloned();
        Self {
            region: output(names::DEPLOY_REGION),
            bucket: stack.parameters.get(names::ARTIFACT_BUCKET).cloned(),
            placed: picture::placed(stack).collect(),
            delivers: output(names::DELIVERS),
        }
    }
}

/// A cdn stack that is deployed elsewhere than `deploy.region` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    pub stack_name: String,
    pub region: String,
    /// The manifest's.
    pub wanted: String,
}

/// The cdn stacks of these names.
#[derive(Debug, Default)]
struct Cdns {
    regions: Vec<String>,
    /// Regions that the account keeps the caller out of.
    closed: Vec<&'static str>,
}

/// The lambda-edge stack's memory, where there is such a stack and it is this deployment's.
pub(crate) async fn memory(
    session: &Session<'_>,
    service: &str,
    env: &str,
) -> Result<Option<Memory>> {
    let place = Place::of(service, env, names::LAMBDA_EDGE, EDGE_REGION);
    let stacks = session.aws.stacks(EDGE_REGION);
    let stack = stacks.describe(&place.stack_name).await?;
    let own = stack.filter(|stack| is_deployed(&place, stack));
    Ok(own.as_ref().map(Memory::of))
}

/// Whether a stack was ever deployed, and is the place's own.
pub(crate) fn is_deployed(place: &Place, stack: &Stack) -> bool {
    let unmade = stack.status.is("REVIEW_IN_PROGRESS") || stack.status.is("DELETE_COMPLETE");
    !unmade && picture::is_own(place, stack)
}

/// What is there, as far as frames could look.
#[derive(Debug)]
pub struct Found {
    pub footprint: Footprint,
    /// Regions that a cdn stack may be in, and that the account keeps the caller out of.
    pub unseen: Vec<&'static str>,
}

/// Finds what is there of a service and an environment without a manifest.
pub async fn footprint(session: &Session<'_>, service: &str, env: &str) -> Result<Found> {
    let memory = memory(session, service, env).await?;
    let remembered = memory.as_ref().and_then(|memory| memory.region.clone());
    let mut cdns = cdns(session, service, env).await?;
    let closed = cdns.closed.iter();
    let mut unseen: Vec<&str> = closed
        .copied()
        .filter(|region| remembered.as_deref() != Some(*region))
        .collect();
    if !unseen.is_empty() {
        let stack = names::stack(service, env, names::CDN);
        let what = format!(
            "stack {stack} isn't looked for in {}: you have no permission for cloudformation:DescribeStacks there",
            unseen.join(", ")
        );
        // With a memory there is no reason to expect one there.
        match remembered {
            Some(_) => {
                session.progress.detail(&what);
                unseen.clear();
            }
            None => session.progress.step("Skipped", &what),
        }
    }
    // Also in a Region that isn't every account's.
    let known = remembered.or_else(|| cdns.regions.is_empty().then(|| EDGE_REGION.to_owned()));
    if let Some(region) = known.filter(|region| !cdns.regions.contains(region)) {
        cdns.regions.insert(0, region);
    }
    let managed = names::managed_bucket(&session.identity.account, EDGE_REGION);
    let (bucket, placed) = match memory {
        Some(memory) => (memory.bucket, memory.placed),
        None => (None, Vec::new()),
    };
    let names = Names {
        service: service.to_owned(),
        env: env.to_owned(),
        account: None,
        artifact_bucket: bucket.filter(|bucket| *bucket != managed),
    };
    Ok(Found {
        footprint: Footprint::of(&names, &cdns.regions).with(&placed),
        unseen,
    })
}

/// The same names, with the stages that the deployed stacks remember.
pub async fn remembered(session: &Session<'_>, footprint: Footprint) -> Result<Footprint> {
    let memory = memory(session, &footprint.service, &footprint.env).await?;
    let placed = memory.map(|memory| memory.placed);
    Ok(footprint.with(&placed.unwrap_or_default()))
}

/// The cdn stacks of this deployment that are in another Region than the manifest says.
pub async fn elsewhere(session: &Session<'_>, footprint: &Footprint) -> Result<Vec<Elsewhere>> {
    match memory(session, &footprint.service, &footprint.env).await? {
        Some(memory) => elsewhere_by(session, footprint, memory).await,
        None => Ok(Vec::new()),
    }
}

/// The same, with the memory at hand.
pub(crate) async fn elsewhere_by(
    session: &Session<'_>,
    footprint: &Footprint,
    memory: Memory,
) -> Result<Vec<Elsewhere>> {
    let (service, env) = (&footprint.service, &footprint.env);
    let Some(wanted) = footprint.cdn_region() else {
        return Ok(Vec::new());
    };
    let regions = match memory.region {
        Some(region) if region == wanted => Vec::new(),
        Some(region) if is_there(session, service, env, &region).await? => vec![region],
        Some(_) => Vec::new(),
        None if is_there(session, service, env, wanted).await? => Vec::new(),
        None => cdns(session, service, env).await?.regions,
    };
    let stack_name = names::stack(service, env, names::CDN);
    let elsewhere = regions.into_iter().filter(|region| region != wanted);
    let elsewhere = elsewhere.map(|region| Elsewhere {
        stack_name: stack_name.clone(),
        region,
        wanted: wanted.to_owned(),
    });
    Ok(elsewhere.collect())
}

async fn is_there(session: &Session<'_>, service: &str, env: &str, region: &str) -> Result<bool> {
    let place = Place::of(service, env, names::CDN, region);
    let stack = session
        .aws
        .stacks(region)
        .describe(&place.stack_name)
        .await?;
    Ok(stack.is_some_and(|stack| is_deployed(&place, &stack)))
}

/// All Regions at once.
async fn cdns(session: &Session<'_>, service: &str, env: &str) -> Result<Cdns> {
    let mut asked = JoinSet::new();
    for region in edge_logs::REGIONS.iter().chain([&EDGE_REGION]) {
        let stacks = session.aws.stacks(region);
        let place = Place::of(service, env, names::CDN, region);
        asked.spawn(async move { (*region, stacks.seek(&place.stack_name).await, place) });
    }
    let mut found = Cdns::default();
    while let Some(answer) = asked.join_next().await {
        let (region, sought, place) = answer.context(|| "can't look for the cdn stack")?;
        match sought? {
            Sought::Found(stack) if is_deployed(&place, &stack) => {
                found.regions.push(region.to_owned());
            }
            Sought::Found(_) | Sought::Absent => {}
            Sought::Closed => found.closed.push(region),
        }
    }
    found.regions.sort_unstable();
    found.closed.sort_unstable();
    Ok(found)
}
