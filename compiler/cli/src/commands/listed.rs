//! `frames init --online`: the account's own user pools, hosted zones, certificates and data
//! stores as answers.

use super::event_loop;
use crate::init::Answers;
use crate::init::choices::{Account, Choice, Subject};
use frames_compiler::failure::Failure;
use frames_deploy::aws::listing::{self, Listed};
use frames_deploy::aws::{Aws, EDGE_REGION};
use std::time::Duration;

/// Somebody waits for a question.
const LIMIT: Duration = Duration::from_secs(15);

pub(super) struct Listing {
    pub aws: Aws,
}

impl Account for Listing {
    fn choices(&mut self, subject: Subject, answers: &Answers) -> Result<Vec<Choice>, String> {
        let said = |failure: Failure| failure.message;
        let listed = event_loop()
            .map_err(said)?
            .block_on(async { tokio::time::timeout(LIMIT, self.list(subject, answers)).await });
        let late = |_| format!("AWS didn't answer within {} s", LIMIT.as_secs());
        let listed = listed.map_err(late)?.map_err(said)?;
        let choice = |one: Listed| Choice {
            value: one.id,
            name: one.name,
        };
        Ok(listed.into_iter().map(choice).collect())
    }
}

impl Listing {
    async fn list(&self, subject: Subject, answers: &Answers) -> Result<Vec<Listed>, Failure> {
        let aws = &self.aws;
        match subject {
            Subject::UserPools => {
                listing::user_pools(aws, aws.region().unwrap_or(EDGE_REGION)).await
            }
            Subject::AppClients => match &answers.user_pool_id {
                Some(pool) => listing::app_clients(aws, pool).await,
                None => Ok(Vec::new()),
            },
            Subject::Certificates => listing::certificates(aws).await,
            Subject::Datastores => {
                listing::datastores(aws, answers.region.as_deref().unwrap_or(EDGE_REGION)).await
            }
            Subject::HostedZones => listing::hosted_zones(aws, &answers.cname).await,
        }
    }
}
