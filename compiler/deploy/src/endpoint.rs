//! The endpoint that the stacks made, and whether every edge location has its last change.

use super::report::duration;
use super::session::Session;
use super::settle;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::plan::Footprint;
use serde_json::Value;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(1);
const PROPAGATION: Duration = Duration::from_secs(15);

/// As its stack's outputs say.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub url: String,
    /// CloudFront's own name for it.
    pub domain_name: String,
    region: String,
    stack: String,
}

/// Fails where none is deployed.
pub async fn find(session: &Session<'_>, footprint: &Footprint) -> Result<Endpoint> {
    for place in &footprint.stages {
        let stacks = session.aws.stacks(&place.region);
        let Some(stack) = stacks.describe(&place.stack_name).await? else {
            continue;
        };
        settle::refuse_foreign(place, &stack)?;
        let output = |name: &str| stack.outputs.get(name).cloned();
        if let (Some(url), Some(domain_name)) = (output("Url"), output("DistributionDomainName")) {
            return Ok(Endpoint {
                url,
                domain_name,
                region: place.region.clone(),
                stack: stack.id,
            });
        }
    }
    Err(Failure::new(format!(
        "{} ({}) has no endpoint in account {}",
        footprint.service, footprint.env, session.identity.account
    ))
    .help("`frames deploy` makes it, and `frames info` shows what is there; --profile and --env choose another account and environment, and a URL needs neither"))
}

/// The template of the stack that has it, as it is deployed.
pub async fn template(session: &Session<'_>, endpoint: &Endpoint) -> Result<Value> {
    let text = session.aws.stacks(&endpoint.region);
    let text = text.template(&endpoint.stack).await?;
    serde_json::from_str(&text).context(|| format!("can't read the template of {}", endpoint.stack))
}

/// Waits until every edge location has a distribution's last change: `false` where that takes longer
/// than `most`. `doing` says what for.
pub async fn until_deployed(
    session: &Session<'_>,
    id: &str,
    doing: &str,
    most: Option<Duration>,
) -> Result<bool> {
    let distributions = session.aws.distributions();
    let began = Instant::now();
    let countdown = session.progress.countdown();
    let mut pause = SOON;
    loop {
        let described = session.interrupt.or(distributions.describe(id)).await?;
        let Some(state) = described? else {
            return Err(gone(session, id));
        };
        if state.deployed {
            return Ok(true);
        }
        let left = most.map(|most| most.saturating_sub(began.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        countdown.show(
            &format!("for CloudFront to {doing} at every edge location, which takes minutes"),
            &format!("({})", duration(began.elapsed())),
        );
        let next = left.map_or(pause, |left| pause.min(left));
        session.interrupt.sleep(next).await?;
        pause = (pause * 3 / 2).min(PROPAGATION);
    }
}

pub(crate) fn gone(session: &Session<'_>, id: &str) -> Failure {
    Failure::new(format!(
        "distribution {id} is gone, though its stack is deployed"
    ))
    .help(format!(
        "somebody deleted it by hand: {}, which makes it again",
        session.again("")
    ))
}
