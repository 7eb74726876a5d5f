//! A changed `deploy.region`, environment or service over something that is deployed. Names are
//! computed, so a deployment would make a second delivery and leave the first one open, unseen.

use super::located::{self, Elsewhere, Memory, is_deployed};
use super::picture::{Picture, serving};
use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::stacks::Sought;
use frames_compiler::environments;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Place, Plan};

/// What the manifest and the command line say about other deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What the manifest's `environments` are called.
    pub environments: &'a [String],
    /// Services of the same delivery that may go on beside this one.
    pub beside: &'a [String],
}

/// A delivery of frames's in this account.
struct Delivery {
    service: String,
    env: String,
    delivers: Option<String>,
}

/// Refuses to deploy, or to compare, what has moved away from something that is deployed.
pub async fn refuse(session: &Session<'_>, plan: &Plan, known: Known<'_>) -> Result<()> {
    let footprint = plan.footprint();
    let (service, env) = (&plan.service, &plan.env);
    if let Some(memory) = located::memory(session, service, env).await? {
        let elsewhere = located::elsewhere_by(session, &footprint, memory).await?;
        if let Some(elsewhere) = elsewhere.first() {
            return Err(moved_region(&footprint, elsewhere));
        }
    } else {
        for other in others(session, plan).await? {
            if let Some(failure) = renamed(plan, known, &other) {
                return Err(failure);
            }
        }
    }
    refuse_names(session, plan, &footprint).await
}

/// `frames remove` of a manifest whose `deploy.region` isn't where the cdn stack is.
pub fn refuse_removal(footprint: &Footprint, elsewhere: &Elsewhere) -> Failure {
    let Elsewhere { region, .. } = elsewhere;
    Failure::new(changed_region(elsewhere)).help(format!(
        "nothing was changed. {} removes it wherever it is; or set `deploy.region: {region}` back",
        removal(&footprint.service, &footprint.env)
    ))
}

fn moved_region(footprint: &Footprint, elsewhere: &Elsewhere) -> Failure {
    let Elsewhere { region, wanted, .. } = elsewhere;
    let (service, env) = (&footprint.service, &footprint.env);
    let removal = removal(service, env);
    Failure::new(changed_region(elsewhere)).help(format!(
        "nothing was changed. Set `deploy.region: {region}` back; or take it down, {removal}, and deploy to {wanted} then; \
         or have both for a while: deploy another environment (`frames deploy -e NAME`), switch the viewers to it, then {removal}"
    ))
}

fn changed_region(elsewhere: &Elsewhere) -> String {
    let Elsewhere {
        stack_name,
        region,
        wanted,
    } = elsewhere;
    format!("`deploy.region` is {wanted}, but stack {stack_name} is deployed in {region}")
}

fn removal(service: &str, env: &str) -> String {
    format!("`frames remove --service {service} --env {env}`")
}

/// Why another delivery may be this one under its former name.
fn renamed(plan: &Plan, known: Known<'_>, other: &Delivery) -> Option<Failure> {
    let delivers = plan.delivers();
    if delivers.is_none() || other.delivers.as_deref() != delivers {
        return None;
    }
    let removal = removal(&other.service, &other.env);
    let (service, env) = (&plan.service, &plan.env);
    let (old_service, old_env) = (&other.service, &other.env);
    if old_service == service {
        // Without a list, any name is as good as another: previews have one each.
        let listed = known.environments;
        let is_legal = listed.is_empty()
            || listed.contains(old_env)
            || old_env.as_str() == environments::DEFAULT;
        return (!is_legal).then(|| {
            Failure::new(format!(
                "{service} ({env}) isn't deployed yet, but {service} ({old_env}) delivers the same, and the manifest has no environment `{old_env}`"
            ))
            .help(format!(
                "nothing was changed. Where `{old_env}` is now called `{env}`: take it down, {removal}, and deploy then. To keep both, write `{old_env}` below `environments` too"
            ))
        });
    }
    (!known.beside.contains(old_service)).then(|| {
        Failure::new(format!(
            "{service} ({env}) isn't deployed yet, but {old_service} ({old_env}) delivers the same to the same users"
        ))
        .help(format!(
            "nothing was changed. Where `{old_service}` is now called `{service}`: take it down, {removal}, and deploy then; \
             or have both for a while: `frames deploy --beside {old_service}`, switch the viewers to it, then {removal}"
        ))
    })
}

/// Fails where functions are to be made whose names a removal left to somebody's distribution.
pub async fn refuse_left_behind(
    session: &Session<'_>,
    plan: &Plan,
    picture: &Picture,
) -> Result<()> {
    let stage = plan.stage_of(names::AUTHORIZER);
    let seen = stage.and_then(|stage| picture.stage(stage.name));
    if !seen.is_some_and(|seen| seen.case.is_made_anew()) {
        return Ok(());
    }
    let functions = plan.footprint().functions;
    let functions = functions.into_iter().map(|it| it.name).collect();
    let own = picture.stages.iter().flat_map(|seen| &seen.distributions);
    let own = own.map(|(id, _)| id.clone()).collect();
    serving::refuse_left_behind(session, functions, own).await
}

/// The other deliveries that are deployed, as far as the caller may see them.
async fn others(session: &Session<'_>, plan: &Plan) -> Result<Vec<Delivery>> {
    const LIST: &str = "cloudformation:ListStacks";
    let stacks = session.aws.stacks(EDGE_REGION);
    let any = names::any_stack(names::LAMBDA_EDGE);
    let Some(mut names) = stacks.named(any.trim_start_matches('*')).await? else {
        skipped(session, LIST);
        return Ok(Vec::new());
    };
    names.sort_unstable();
    let own = names::stack(&plan.service, &plan.env, names::LAMBDA_EDGE);
    let (mut found, mut closed) = (Vec::new(), false);
    for name in names.iter().filter(|name| **name != own) {
        session.interrupt.check()?;
        match stacks.seek(name).await? {
            Sought::Found(stack) => {
                let marked = stack.description.as_deref().and_then(names::marked);
                let Some((service, env)) = marked else {
                    continue;
                };
                let place = Place::of(service, env, names::LAMBDA_EDGE, EDGE_REGION);
                if place.stack_name == *name && is_deployed(&place, &stack) {
                    found.push(Delivery {
                        service: service.to_owned(),
                        env: env.to_owned(),
                        delivers: Memory::of(&stack).delivers,
                    });
                }
            }
            Sought::Absent => {}
            Sought::Closed => closed = true,
        }
    }
    if closed {
        skipped(session, "cloudformation:DescribeStacks");
    }
    Ok(found)
}

/// No call that only warns is worth a failure.
fn skipped(session: &Session<'_>, action: &str) {
    let what = format!(
        "the check whether this account has the same delivery under another name: you have no permission for {action}"
    );
    session.progress.step("Skipped", &what);
}

/// A name can be one distribution's only. CloudFormation would say so after minutes, and not whose.
async fn refuse_names(session: &Session<'_>, plan: &Plan, footprint: &Footprint) -> Result<()> {
    if plan.names.is_empty() {
        return Ok(());
    }
    let distributions = session.aws.distributions();
    let own = own_distribution(session, footprint).await?;
    if let Some(id) = &own
        && let Some(deployed) = distributions.describe(id).await?
        && plan.names.iter().all(|name| deployed.has(name))
    {
        return Ok(());
    }
    let Some(all) = distributions.all().await? else {
        let what = "the check whether another delivery has one of `domain.cnames`: you have no permission for cloudfront:ListDistributions";
        session.progress.step("Skipped", what);
        return Ok(());
    };
    for other in all.iter().filter(|other| own.as_ref() != Some(&other.id)) {
        let taken = plan.names.iter().find(|name| other.state.has(name));
        let (Some(name), Some((service, env))) = (taken, names::marked(&other.comment)) else {
            continue;
        };
        // Of an interrupted run of this very deployment.
        if (service, env) == (&plan.service, &plan.env) {
            continue;
        }
        let removal = removal(service, env);
        return Err(Failure::new(format!(
            "{name} is a name of distribution {}, which is {service} ({env})'s: CloudFront gives a name to one distribution only",
            other.id
        ))
        .help(format!(
            "nothing was changed. Take that one down, {removal}, and deploy then; or have both for a while: deploy this one without {name} in `domain.cnames`, and add it once that one is removed"
        )));
    }
    Ok(())
}

async fn own_distribution(session: &Session<'_>, footprint: &Footprint) -> Result<Option<String>> {
    let cdn = footprint.stages.iter().find(|it| it.name == names::CDN);
    let Some(place) = cdn else {
        return Ok(None);
    };
    let stacks = session.aws.stacks(&place.region);
    let stack = stacks.describe(&place.stack_name).await?;
    let own = stack.filter(|stack| is_deployed(place, stack));
    Ok(own.and_then(|stack| stack.outputs.get(names::DISTRIBUTION_ID).cloned()))
}
