//! What a deployment would change, stage by stage. It leaves nothing changed.

use super::change::{Proposed, TRIES, changed_by_somebody_else};
use super::going::{Options, Standing};
use super::session::Session;
use super::stage::Done;
use super::stage::Job;
use super::stage::{added, refused};
use super::stages::{new_outputs, parameters};
use super::teardown::VERSION;
use super::{artifacts, summary};
use crate::aws::stacks::{Body, Change, Stack, Stacks};
use crate::picture::Picture;
use crate::picture::case::{Case, Gone};
use frames_compiler::difference;
use frames_compiler::failure::Result;
use frames_compiler::mermaid::{self, Fate};
use frames_compiler::package::Package;
use frames_compiler::plan::{Parameter, Place, Plan, Stage};
use frames_compiler::printable::{Style, Styled};
use serde_json::{Value, json};

#[derive(Debug)]
pub struct StageDiff {
    pub name: &'static str,
    pub stack_name: String,
    /// `None`: the stack isn't deployed.
    pub status: Option<String>,
    pub changes: Vec<Change>,
    /// Tags, outputs, metadata or settings differ.
    pub differs: bool,
    /// Why it wasn't compared.
    pub note: Option<&'static str>,
    /// What somebody deleted: a deployment makes it again.
    pub gone: Vec<Gone>,
    /// The ids of what nobody could look at.
    pub unknown: Vec<String>,
    /// What an earlier stage makes again and this one uses: versions, outputs.
    pub versions: Vec<String>,
    /// How many resources the stage is to have.
    pub resources: usize,
}

impl StageDiff {
    /// One that differs in a way that isn't known yet.
    fn new(stage: &Place, status: Option<&Stack>) -> Self {
        Self {
            name: stage.name,
            stack_name: stage.stack_name.clone(),
            status: status.map(|stack| stack.status.0.clone()),
            changes: vec![],
            differs: true,
            note: None,
            gone: vec![],
            unknown: vec![],
            versions: vec![],
            resources: 0,
        }
    }
}

pub async fn diff(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    picture: &Picture,
) -> Result<Vec<StageDiff>> {
    let footprint = plan.footprint();
    let mut diffs: Vec<StageDiff> = Vec::new();
    let mut done: Vec<Done> = Vec::new();
    for (stage, template) in plan.stages.iter().zip(&package.templates) {
        let stacks = session.aws.stacks(&stage.region);
        let versions = new_versions(&diffs, stage);
        let seen = picture.stage(stage.name);
        let stack = seen.and_then(|seen| seen.stack.clone());
        let bucket = artifacts::bucket_name(session, &footprint, &stage.region);
        let known = parameters(stage, &bucket, &done);
        let (stack, looked) = match (seen.map(|seen| (seen, seen.case.looked())), stack) {
            (Some((_, Some(looked))), Some(stack)) => (stack, looked),
            (Some((seen, None)), Some(stack)) if !matches!(seen.case, Case::Reserved) => {
                let note = Some(seen.case.row().diff);
                let diff = StageDiff::new(stage, Some(&stack));
                diffs.push(StageDiff { note, ..diff });
                continue;
            }
            _ => {
                let changes = added(template);
                let diff = StageDiff::new(stage, None);
                diffs.push(StageDiff {
                    changes,
                    versions,
                    ..diff
                });
                continue;
            }
        };
        let Ok(parameters) = known else {
            if uses_unsettled(&diffs, stage) {
                diffs.push(StageDiff {
                    note: Some(AFTER_UNSETTLED),
                    gone: looked.gone.clone(),
                    unknown: looked.unknown.clone(),
                    ..StageDiff::new(stage, Some(&stack))
                });
                continue;
            }
            let new = new_outputs(stage, &done);
            diffs.push(StageDiff {
                gone: looked.gone.clone(),
                unknown: looked.unknown.clone(),
                versions: versions.into_iter().chain(new).collect(),
                ..StageDiff::new(stage, Some(&stack))
            });
            continue;
        };
        let job = Job::new(stage, template, &parameters);
        let mut differs = !job.settings_stand(&stacks, &stack).await?
            || !versions.is_empty()
            || !looked.gone.is_empty();
        let mut found = Vec::new();
        if !job.stands(&stacks, &stack).await? {
            let body = artifacts::body(session, &footprint, stage, &template.text).await?;
            differs = true;
            found = session.would_change(&job, &body, &stacks, &stack).await?;
        }
        diffs.push(StageDiff {
            changes: found,
            differs,
            gone: looked.gone.clone(),
            unknown: looked.unknown.clone(),
            versions,
            ..StageDiff::new(stage, Some(&stack))
        });
        done.push(Done::unchanged(stage, stack));
    }
    for (diff, template) in diffs.iter_mut().zip(&package.templates) {
        diff.resources = added(template).len();
    }
    for place in picture.left(plan).iter().rev() {
        let standing = Standing::find_former(session, place).await?;
        diffs.extend(standing.map(|standing| removed(&standing)));
    }
    Ok(diffs)
}

/// A stack that a deployment removes.
fn removed(standing: &Standing<'_>) -> StageDiff {
    let changes = standing.contents.resources().map(|resource| Change {
        action: "Remove".to_owned(),
        resource: resource.id.clone(),
        kind: resource.kind.clone(),
        replacement: None,
        policy: standing
            .contents
            .is_kept(resource, Options::default())
            .then(|| "Retain".to_owned()),
        details: vec![],
        leaves: vec![],
    });
    StageDiff {
        changes: changes.collect(),
        ..StageDiff::new(standing.stage, Some(&standing.stack))
    }
}

impl Session<'_> {
    async fn would_change(
        &self,
        job: &Job<'_>,
        body: &Body<'_>,
        stacks: &Stacks,
        stack: &Stack,
    ) -> Result<Vec<Change>> {
        let wanted = job.wanted(body);
        for _ in 0..TRIES {
            match self.propose(stacks, &wanted, Some(stack)).await? {
                Proposed::Ready(proposal) => {
                    proposal.discard().await?;
                    return Ok(proposal.changes);
                }
                Proposed::Unchanged => return Ok(Vec::new()),
                Proposed::Refused { status, reason } => {
                    return Err(refused(job.stage.name, &status, &reason));
                }
                Proposed::Stale => {}
            }
        }
        Err(changed_by_somebody_else(&stack.name))
    }
}

/// Nobody knows what an earlier stage's outputs are once that one is settled.
const AFTER_UNSETTLED: &str = "not compared: it uses outputs of a stage that isn't compared";

fn uses_unsettled(diffs: &[StageDiff], stage: &Stage) -> bool {
    stage.parameters.values().any(|parameter| match parameter {
        Parameter::Output { stage, .. } => diffs
            .iter()
            .any(|diff| diff.name == *stage && diff.note.is_some()),
        Parameter::ArtifactBucket => false,
    })
}

/// The new versions that a stage uses, but can't know yet.
fn new_versions(diffs: &[StageDiff], stage: &Stage) -> Vec<String> {
    let changes = diffs.iter().flat_map(|diff| &diff.changes);
    let added = changes.filter(|change| change.kind == VERSION && change.action == "Add");
    let uses = |version: &str| {
        stage.parameters.values().any(|parameter| match parameter {
            // `AuthorizerVersionArn` is the output of `AuthorizerVersion0123456789ab`.
            Parameter::Output { output, .. } => output
                .strip_suffix("Arn")
                .is_some_and(|name| version.starts_with(name)),
            Parameter::ArtifactBucket => false,
        })
    };
    let used = added.filter(|change| uses(&change.resource));
    used.map(|change| change.resource.clone()).collect()
}

/// What happens to a stage, in a few words.
fn what(diff: &StageDiff) -> String {
    match (&diff.status, diff.differs) {
        (None, _) => format!("not deployed: {}", summary::counts(&diff.changes)),
        _ if diff.note.is_some() => diff.note.unwrap_or_default().to_owned(),
        (Some(_), false) => "nothing changes".to_owned(),
        (Some(_), true) if diff.changes.is_empty() && !diff.versions.is_empty() => {
            "uses what an earlier stage makes".to_owned()
        }
        (Some(_), true) if diff.changes.is_empty() && !diff.gone.is_empty() => {
            format!("{} to make again", diff.gone.len())
        }
        (Some(_), true) => summary::counts(&diff.changes),
    }
}

/// `everything`: with what the short form leaves out.
pub fn text(diffs: &[StageDiff], everything: bool) -> Styled {
    let mut text = Styled::new();
    for diff in diffs {
        let what = format!(" ({}): {}", diff.stack_name, what(diff));
        text = text.paint(Style::Bold, diff.name).line(&what).text("\n");
        for gone in &diff.gone {
            let what = format!(
                " {} ({}) is gone: somebody deleted it, and a deployment makes it again",
                gone.id, gone.kind
            );
            text = text
                .text("   ")
                .paint(Style::BoldRed, "!")
                .line(&what)
                .text("\n");
        }
        if !diff.unknown.is_empty() {
            let what = format!(
                " {} couldn't be looked at: somebody may have deleted them",
                diff.unknown.join(", ")
            );
            text = text
                .text("   ")
                .paint(Style::Yellow, "?")
                .line(&what)
                .text("\n");
        }
        text = text.append(&summary::shown(&diff.changes, everything));
        if diff.status.is_some() {
            for version in &diff.versions {
                let takes = format!(" uses the new {version}");
                text = text
                    .text("   ")
                    .paint(Style::Yellow, "~")
                    .line(&takes)
                    .text("\n");
            }
        }
    }
    text
}

/// A graph that GitHub draws.
pub fn mermaid(diffs: &[StageDiff]) -> String {
    mermaid::graph(&diffs.iter().map(drawn).collect::<Vec<_>>())
}

fn drawn(diff: &StageDiff) -> mermaid::Stage<'_> {
    let gone = diff
        .gone
        .iter()
        .map(|gone| (&gone.id, &gone.kind, Fate::Added));
    let changes = diff.changes.iter();
    let changes = changes.map(|it| (&it.resource, &it.kind, summary::fate(it)));
    let resources = changes.chain(gone);
    let resources: Vec<mermaid::Resource<'_>> = resources
        .map(|(id, kind, fate)| mermaid::Resource { id, kind, fate })
        .collect();
    let of_template = resources
        .iter()
        .filter(|it| !matches!(it.fate, Fate::Removed | Fate::Kept));
    mermaid::Stage {
        name: diff.name,
        what: what(diff),
        same: diff.resources.saturating_sub(of_template.count()),
        resources,
    }
}

pub fn json(diffs: &[StageDiff]) -> Value {
    let stages = diffs.iter().map(|diff| {
        let changes = diff.changes.iter().map(|change| {
            let details = change.details.iter().map(|detail| {
                json!({
                    "property": detail.property,
                    "before": detail.before,
                    "after": detail.after,
                    "recreates": detail.recreates,
                    "cause": detail.cause,
                })
            });
            json!({
                "action": change.action,
                "resource": change.resource,
                "type": change.kind,
                "replacement": change.replacement,
                "details": details.collect::<Vec<_>>(),
                "leaves": change.leaves.iter().map(difference::json).collect::<Vec<_>>(),
            })
        });
        json!({
            "name": diff.name,
            "stackName": diff.stack_name,
            "status": diff.status,
            "differs": diff.differs,
            "note": diff.note,
            "gone": diff.gone.iter().map(|it| json!({"resource": it.id, "type": it.kind})).collect::<Vec<_>>(),
            "notLookedAt": diff.unknown,
            "changes": changes.collect::<Vec<_>>(),
            "newVersions": diff.versions,
        })
    });
    json!({"differs": diffs.iter().any(|diff| diff.differs), "stages": stages.collect::<Vec<_>>()})
}
