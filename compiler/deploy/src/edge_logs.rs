//! The functions' log groups outside us-east-1. Lambda makes one in a Region with the first viewer
//! there. It belongs to no stack, and keeps its lines for ever unless its retention is set.

use super::report::count;
use super::session::Session;
use crate::aws::log_groups::{LogGroup, LogGroups};
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Plan};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// The log groups of all Regions.
struct Everywhere {
    groups: Vec<Found>,
    /// Regions that the account keeps the caller out of.
    closed: Vec<String>,
}

impl Everywhere {
    /// The groups, after saying in which Regions frames couldn't look.
    fn told(self, session: &Session<'_>) -> Vec<Found> {
        if !self.closed.is_empty() {
            // An organization's rule may cause this: what has succeeded doesn't fail for it.
            let what = format!(
                "log groups in {} Regions: you have no permission for logs:DescribeLogGroups there (-v names them)",
                self.closed.len()
            );
            session.progress.step("Skipped", &what);
            session.progress.detail(&self.closed.join(", "));
        }
        self.groups
    }
}

/// A group, and where it is.
pub(crate) type Found = (LogGroups, LogGroup);

/// Where Lambda@Edge's replicas run: the Regions that are enabled in every account, but for
/// us-east-1, whose groups are the stack's.
pub(crate) const REGIONS: &[&str] = &[
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
pub(crate) async fn retain(session: &Session<'_>, plan: &Plan) -> Result<()> {
    let Some(days) = plan.log_retention_days() else {
        return Ok(());
    };
    let mut changed = 0;
    for (groups, group) in find(session, &plan.footprint()).await?.told(session) {
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

/// Those that a removal deletes. A group's name tells its owner only where this environment's stack
/// made the function. Without that stack, a function of that name belongs to somebody else, and so do
/// its logs. Names can collide: `a` in `b-c` and `a-b` in `c` have functions of the same names.
pub(crate) async fn own(
    session: &Session<'_>,
    footprint: &Footprint,
    stages: &[&str],
) -> Result<Vec<Found>> {
    let functions = footprint.functions.iter();
    let kept = functions.filter(|function| !stages.contains(&function.stage));
    let kept: Vec<(String, &String)> = kept
        .map(|function| (names::log_group(&function.name), &function.name))
        .collect();
    let (mut own, mut foreign) = (Vec::new(), BTreeSet::new());
    for (groups, group) in find(session, footprint).await?.told(session) {
        let kept = kept.iter().find(|(name, _)| *name == group.name);
        match kept {
            Some((_, function)) if session.aws.functions().exists(function).await? => {
                foreign.insert(function);
            }
            _ => own.push((groups, group)),
        }
    }
    for function in foreign {
        let what = format!(
            "log groups of function {function} in other Regions: no stack of {} ({}) has this function",
            footprint.service, footprint.env
        );
        session.progress.step("Keeping", &what);
    }
    own.sort_by(|(a, x), (b, y)| (&a.region, &x.name).cmp(&(&b.region, &y.name)));
    Ok(own)
}

/// Those of removed stages that have come since `known` was found, with the last viewers.
pub(crate) async fn late(
    session: &Session<'_>,
    footprint: &Footprint,
    removed: &[&str],
    known: &[Found],
) -> Result<Vec<Found>> {
    let functions = footprint.functions.iter();
    let names: Vec<String> = functions
        .filter(|function| removed.contains(&function.stage))
        .map(|function| names::log_group(&function.name))
        .collect();
    let same = |(a, x): &Found, (b, y): &Found| (&a.region, &x.name) == (&b.region, &y.name);
    let mut found = find(session, footprint).await?.groups;
    found.retain(|one| names.contains(&one.1.name) && !known.iter().any(|other| same(one, other)));
    Ok(found)
}

/// Deletes them, once no function writes to them.
pub(crate) async fn delete(session: &Session<'_>, found: &[Found]) -> Result<()> {
    for (groups, group) in found {
        groups.delete(&group.name).await?;
    }
    if !found.is_empty() {
        let what = format!("{} in other Regions", count(found.len(), "log group"));
        session.progress.step("Deleted", &what);
    }
    Ok(())
}

/// A Region, and the log groups there whose names may be this environment's; `None`: the account keeps
/// the caller out.
pub(crate) type Looked = (LogGroups, Result<Option<Vec<LogGroup>>>);

/// Asks these Regions at once.
pub(crate) fn look<'r>(
    session: &Session<'_>,
    footprint: &Footprint,
    regions: impl IntoIterator<Item = &'r str>,
) -> JoinSet<Looked> {
    let prefix = names::log_group(&names::function(&footprint.service, &footprint.env, ""));
    let mut asked = JoinSet::new();
    for region in regions {
        let (groups, prefix) = (session.aws.log_groups(region), prefix.clone());
        asked.spawn(async move {
            let found = groups.list(&prefix).await;
            (groups, found)
        });
    }
    asked
}

/// All Regions at once.
async fn find(session: &Session<'_>, footprint: &Footprint) -> Result<Everywhere> {
    let functions = footprint.functions.iter();
    let names: Vec<String> = functions
        .map(|function| names::log_group(&function.name))
        .collect();
    let mut asked = look(session, footprint, REGIONS.iter().copied());
    let (mut found, mut closed): (Vec<Found>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(answer) = asked.join_next().await {
        let (groups, listed) = answer.context(|| "can't look for log groups")?;
        match listed? {
            Some(listed) => {
                let own = listed
                    .into_iter()
                    .filter(|group| names.contains(&group.name));
                found.extend(own.map(|group| (groups.clone(), group)));
            }
            None => closed.push(groups.region),
        }
    }
    closed.sort_unstable();
    Ok(Everywhere {
        groups: found,
        closed,
    })
}
