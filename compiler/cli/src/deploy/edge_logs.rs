//! The functions' log groups outside us-east-1. Lambda makes one in a Region with the first viewer
//! there: it belongs to no stack, and keeps its lines for ever unless somebody says otherwise.

use super::Session;
use crate::aws::log_groups::{LogGroup, LogGroups};
use crate::failure::{Context, Result};
use frames_compiler::plan::{Plan, names};
use tokio::task::JoinSet;

/// Where Lambda@Edge's replicas run: the Regions that are enabled in every account, but for
/// us-east-1, whose groups are the stack's.
const REGIONS: &[&str] = &[
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// Gives them the manifest's retention.
pub async fn retain(session: &Session<'_>, plan: &Plan) -> Result<()> {
    let Some(days) = plan.log_retention_days() else {
        return Ok(());
    };
    let mut changed = 0;
    for (groups, group) in find(session, plan).await? {
        if group.retention_days != Some(days) {
            groups.retain(&group.name, days).await?;
            changed += 1;
        }
    }
    if changed > 0 {
        let what = format!("{changed} log groups in other Regions: {days} days of retention");
        session.progress.step("Settled", &what);
    }
    Ok(())
}

/// Deletes them, when no function is left that writes to them.
pub async fn delete(session: &Session<'_>, plan: &Plan) -> Result<()> {
    let found = find(session, plan).await?;
    for (groups, group) in &found {
        groups.delete(&group.name).await?;
    }
    if !found.is_empty() {
        let what = format!("{} log groups in other Regions", found.len());
        session.progress.step("Deleted", &what);
    }
    Ok(())
}

/// All Regions at once.
async fn find(session: &Session<'_>, plan: &Plan) -> Result<Vec<(LogGroups, LogGroup)>> {
    let names: Vec<String> = plan
        .functions()
        .map(|function| names::function(&plan.service, &plan.env, function.name))
        .map(|function| names::log_group(&function))
        .collect();
    let prefix = names::log_group(&names::function(&plan.service, &plan.env, ""));
    let mut asked = JoinSet::new();
    for region in REGIONS {
        let (groups, prefix) = (session.aws.log_groups(region), prefix.clone());
        asked.spawn(async move { (*region, groups.list(&prefix).await, groups) });
    }
    let (mut found, mut closed) = (Vec::new(), Vec::new());
    while let Some(answer) = asked.join_next().await {
        let (region, listed, groups) = answer.context(|| "can't look for log groups")?;
        match listed? {
            Some(listed) => {
                let own = listed
                    .into_iter()
                    .filter(|group| names.contains(&group.name));
                found.extend(own.map(|group| (groups.clone(), group)));
            }
            None => closed.push(region),
        }
    }
    if !closed.is_empty() {
        closed.sort_unstable();
        // By an organization's rule, say: what has succeeded doesn't fail for that.
        let what = format!(
            "log groups in {} Regions, for want of logs:DescribeLogGroups there (-v names them)",
            closed.len()
        );
        session.progress.step("Skipped", &what);
        session.progress.detail(&closed.join(", "));
    }
    Ok(found)
}
