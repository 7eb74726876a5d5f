//! Takes paths out of the caches of a deployment's distribution, and waits until they are gone.

use crate::aws::distributions::{Asked, Distributions};
use crate::located;
use crate::report::duration;
use crate::session::{Session, token};
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::Footprint;
use std::time::{Duration, Instant};

/// CloudFront needs a minute or two, rarely a quarter of an hour.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The first looks come soon, and later ones this far apart.
const FIRST: Duration = Duration::from_millis(500);
const APART: Duration = Duration::from_secs(5);

/// An invalidation that every edge location has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    pub distribution: String,
    pub invalidation: String,
}

pub async fn run(session: &Session<'_>, footprint: &Footprint, paths: &[String]) -> Result<Purged> {
    let distribution = distribution(session, footprint).await?;
    let distributions = session.aws.distributions();
    let end = Instant::now() + LIMIT;
    let invalidation = begin(session, &distributions, &distribution, paths, end).await?;
    session.progress.step(
        "Waiting",
        &format!("until all edge locations have invalidation {invalidation} of distribution {distribution}"),
    );
    let mut wait = FIRST;
    while !distributions
        .is_invalidated(&distribution, &invalidation)
        .await?
    {
        if Instant::now() > end {
            return Err(not_everywhere(&distribution, &invalidation));
        }
        session.interrupt.sleep(wait).await?;
        wait = (wait * 2).min(APART);
    }
    Ok(Purged {
        distribution,
        invalidation,
    })
}

/// Creates the invalidation, once CloudFront takes another one.
async fn begin(
    session: &Session<'_>,
    distributions: &Distributions,
    distribution: &str,
    paths: &[String],
    end: Instant,
) -> Result<String> {
    // The same for all attempts: what was taken and not answered isn't made twice.
    let reference = token();
    let mut is_said = false;
    loop {
        match distributions
            .invalidate(distribution, paths, &reference)
            .await?
        {
            Asked::Taken(invalidation) => return Ok(invalidation),
            Asked::TooMany if Instant::now() > end => return Err(not_taken(distribution)),
            Asked::TooMany => {
                if !is_said {
                    session.progress.step(
                        "Waiting",
                        "CloudFront takes 15 paths with an asterisk at a time, and has as many: until one is done",
                    );
                    is_said = true;
                }
                session.interrupt.sleep(APART).await?;
            }
        }
    }
}

fn not_everywhere(distribution: &str, invalidation: &str) -> Failure {
    unfinished(&format!(
        "invalidation {invalidation} of distribution {distribution} isn't everywhere"
    ))
}

fn not_taken(distribution: &str) -> Failure {
    unfinished(&format!(
        "CloudFront has too many invalidations of distribution {distribution} in progress, and has taken no other one"
    ))
}

fn unfinished(what: &str) -> Failure {
    let failure = Failure::new(format!("{what} after {}", duration(LIMIT)))
        .help("run the same command again: it purges once more, and waits until that is done");
    Failure {
        exit: Exit::Unfinished,
        ..failure
    }
}

/// The distribution of the cdn stack, wherever that is.
async fn distribution(session: &Session<'_>, footprint: &Footprint) -> Result<String> {
    let places = footprint.stages.iter().filter(|it| it.name == names::CDN);
    for place in places {
        let stacks = session.aws.stacks(&place.region);
        let stack = stacks.describe(&place.stack_name).await?;
        let own = stack.filter(|stack| located::is_deployed(place, stack));
        let output = own.and_then(|stack| stack.outputs.get(names::DISTRIBUTION_ID).cloned());
        if let Some(distribution) = output {
            return Ok(distribution);
        }
    }
    Err(Failure::new(format!(
        "{} ({}) has no distribution in account {}, so nothing is cached",
        footprint.service, footprint.env, session.identity.account
    ))
    .help("--profile, --env and --service choose another account, environment and service"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever of the two waits was too long.
    #[test]
    fn a_purge_that_is_late_is_unfinished_and_says_how_to_go_on() {
        for failure in [not_everywhere("E1", "I2"), not_taken("E1")] {
            assert_eq!(failure.exit, Exit::Unfinished);
            assert_eq!(failure.exit as i32, 4);
            let said = &failure.message;
            assert!(said.contains("distribution E1"), "{said}");
            assert!(said.contains("after 30 min"), "{said}");
            let help = failure.help.unwrap();
            assert!(help.contains("run the same command again"), "{help}");
        }
        let (late, refused) = (not_everywhere("E1", "I2").message, not_taken("E1").message);
        assert!(late.contains("invalidation I2"), "{late}");
        assert!(refused.contains("too many invalidations"), "{refused}");
    }
}
