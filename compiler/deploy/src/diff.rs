//! What a deployment would change, stage by stage. It leaves nothing changed.

use super::change::{Proposed, TRIES, changed_by_somebody_else};
use super::session::Session;
use super::stage::{Done, Job, added, refused, stage_tags};
use super::stages::{new_outputs, parameters, skipped, values};
use super::standing::Standing;
use super::teardown::VERSION;
use super::{artifacts, summary};
use crate::aws::stacks::{Body, Change, Stack, Stacks};
use crate::picture::Picture;
use crate::picture::case::{Case, Gone, Looked};
use frames_compiler::difference::{self, KNOWN_AFTER, Leaf};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::mermaid::{self, Fate};
use frames_compiler::package::Package;
use frames_compiler::plan::{Footprint, Parameter, Place, Plan, Stage};
use frames_compiler::printable::{Style, Styled};
use frames_compiler::template::Template;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct StageDiff {
    pub name: &'static str,
    pub stack_name: String,
    /// Its Region, where another one here has a stack of this name.
    pub region: Option<String>,
    /// Where there is one.
    pub stack_id: Option<String>,
    /// `None`: the stack isn't deployed.
    pub status: Option<String>,
    /// The manifest has nothing for it any more: the stack is removed.
    pub former: bool,
    /// What is left of its stack is deleted first, as `changes` has it, and all of it is made anew.
    pub cleared: bool,
    /// It is protected from deletion.
    pub protected: bool,
    /// The audit record goes with its stack.
    pub audit: bool,
    pub changes: Vec<Change>,
    /// What becomes of the stack's tags, and so of its resources'. `None`: they weren't compared.
    pub tags: Option<Vec<Leaf>>,
    /// What differs of the stack that isn't in its template, in words.
    pub settings: Vec<&'static str>,
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
            region: Some(stage.region.clone()),
            stack_id: status.map(|stack| stack.id.clone()),
            status: status.map(|stack| stack.status.0.clone()),
            former: false,
            cleared: false,
            audit: false,
            protected: status.is_some_and(|stack| stack.termination_protection),
            changes: vec![],
            tags: None,
            settings: vec![],
            differs: true,
            note: None,
            gone: vec![],
            unknown: vec![],
            versions: vec![],
            resources: 0,
        }
    }
}

impl StageDiff {
    /// `heart-dev-cdn`, or `heart-dev-reads in us-west-2`
    pub(crate) fn place(&self) -> String {
        match &self.region {
            None => self.stack_name.clone(),
            Some(region) => format!("{} in {region}", self.stack_name),
        }
    }
}

pub async fn diff(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    picture: &Picture,
    only: Option<&str>,
) -> Result<Vec<StageDiff>> {
    let footprint = plan.footprint();
    let mut diffs: Vec<StageDiff> = Vec::new();
    let mut done: Vec<Done> = Vec::new();
    for (stage, template) in plan.stages.iter().zip(&package.templates) {
        if skipped(stage, only) {
            done.extend(session.standing(stage).await?);
            continue;
        }
        let versions = new_versions(&diffs, stage);
        let seen = picture.stage(stage.name);
        let stack = seen.and_then(|seen| seen.stack.clone());
        let bucket = artifacts::bucket_name(session, &footprint, &stage.region);
        let known = parameters(stage, &bucket, &done);
        let (stack, looked) = match (seen.map(|seen| (seen, seen.case.looked())), stack) {
            (Some((_, Some(looked))), Some(stack)) => (stack, looked),
            (Some((seen, None)), Some(stack)) if !matches!(seen.case, Case::Reserved) => {
                let note = Some(seen.case.row().diff);
                let diff = if seen.case.is_made_anew() {
                    StageDiff {
                        cleared: true,
                        ..deleted(&Standing::left(session, stage, &stack).await?)
                    }
                } else {
                    StageDiff::new(stage, Some(&stack))
                };
                diffs.push(StageDiff { note, ..diff });
                continue;
            }
            _ => {
                let changes = added(template);
                let diff = StageDiff::new(stage, None);
                diffs.push(StageDiff {
                    changes,
                    tags: Some(stage_tags(stage, None, &session.masks)),
                    versions,
                    ..diff
                });
                continue;
            }
        };
        if known.is_err() && uses_unsettled(&diffs, stage) {
            diffs.push(StageDiff {
                note: Some(AFTER_UNSETTLED),
                gone: looked.gone.clone(),
                unknown: looked.unknown.clone(),
                ..StageDiff::new(stage, Some(&stack))
            });
            continue;
        }
        let (wanted, standing) = ((stage, template), (&stack, looked));
        diffs.push(compared(session, &footprint, wanted, standing, versions, &done).await?);
        done.push(Done::unchanged(stage, stack));
    }
    for diff in &mut diffs {
        let mut templates = package.templates.iter();
        let template = templates.find(|template| template.stage == diff.name);
        diff.resources = template.map_or(0, |template| added(template).len());
    }
    if only.is_none() {
        for place in picture.left(plan).iter().rev() {
            let standing = Standing::find_former(session, place).await?;
            diffs.extend(standing.map(|standing| StageDiff {
                former: true,
                ..deleted(&standing)
            }));
        }
    }
    let names: Vec<String> = diffs.iter().map(|diff| diff.stack_name.clone()).collect();
    for diff in &mut diffs {
        if names
            .iter()
            .filter(|name| **name == diff.stack_name)
            .count()
            == 1
        {
            diff.region = None;
        }
    }
    Ok(diffs)
}

/// A stage that is deployed and can be compared.
async fn compared(
    session: &Session<'_>,
    footprint: &Footprint,
    (stage, template): (&Stage, &Template),
    (stack, looked): (&Stack, &Looked),
    versions: Vec<String>,
    done: &[Done],
) -> Result<StageDiff> {
    // What it will have is known only where nothing of it is made by an earlier stage.
    let stacks = session.aws.stacks(&stage.region);
    let bucket = artifacts::bucket_name(session, footprint, &stage.region);
    let expected = Expected::of(stage, &bucket, done, stack, &versions);
    let versions: Vec<String> = versions
        .into_iter()
        .chain(new_outputs(stage, done))
        .collect();
    let job = Job::new(stage, template, &expected.parameters);
    let settings = job.settings(&stacks, stack).await?;
    let mut differs = !settings.is_empty() || !versions.is_empty() || !looked.gone.is_empty();
    let mut changes = Vec::new();
    if !job.stands(&stacks, stack).await? {
        let body = artifacts::body(session, footprint, stage, &template.text).await?;
        differs = true;
        let would = session.would_change(&job, &body, &stacks, stack).await?;
        changes = match would {
            Would::Change(changes) => changes,
            // It doesn't take what stands for a value that isn't known.
            Would::Refused(_) if !expected.unknown.is_empty() => {
                removed_by(&stacks.template(&stack.id).await?, template)
            }
            Would::Refused(failure) => return Err(failure),
        };
        expected.hide(&mut changes);
    }
    Ok(StageDiff {
        changes,
        tags: Some(stage_tags(stage, Some(stack), &session.masks)),
        settings,
        differs,
        gone: looked.gone.clone(),
        unknown: looked.unknown.clone(),
        versions,
        ..StageDiff::new(stage, Some(stack))
    })
}

/// What CloudFormation says of a change that nobody runs.
enum Would {
    Change(Vec<Change>),
    Refused(Failure),
}

/// The parameters that a stage is to have, as far as they are known.
struct Expected {
    parameters: BTreeMap<String, String>,
    /// What stands for those that an earlier stage makes, and what these are called.
    unknown: Vec<(String, String)>,
}

impl Expected {
    /// A value that isn't known yet is as it is deployed, so that CloudFormation finds nothing wrong
    /// with it.
    fn of(stage: &Stage, bucket: &str, done: &[Done], stack: &Stack, versions: &[String]) -> Self {
        let mut parameters = BTreeMap::new();
        let mut unknown = Vec::new();
        for (key, parameter) in &stage.parameters {
            let one = BTreeMap::from([(key.clone(), parameter.clone())]);
            let known = values(stage.name, &one, bucket, done).ok();
            let known = known.and_then(|mut one| one.remove(key));
            let deployed = stack.parameters.get(key);
            let value = match (known, deployed) {
                (Some(known), _) if !makes(parameter, versions) => known,
                (_, deployed) => {
                    let stands = deployed.map_or(UNKNOWN, String::as_str).to_owned();
                    unknown.push((stands.clone(), key.clone()));
                    stands
                }
            };
            parameters.insert(key.clone(), value);
        }
        Self {
            parameters,
            unknown,
        }
    }

    /// What stands for a value isn't it.
    fn hide(&self, changes: &mut [Change]) {
        let named = self.unknown.iter();
        let named = named.map(|(value, name)| (value.as_str(), name.as_str()));
        // Nothing stands for nothing.
        let named: Vec<(&str, &str)> = named.filter(|(value, _)| !value.is_empty()).collect();
        for change in changes {
            difference::not_known_yet(&mut change.leaves, &named);
            for detail in &mut change.details {
                if let Some(after) = &mut detail.after
                    && named.iter().any(|(value, _)| after.contains(value))
                {
                    KNOWN_AFTER.clone_into(after);
                }
            }
        }
    }
}

/// Stands for what has no value yet.
const UNKNOWN: &str = "known-after-deploy";

/// Whether one of these new versions is the parameter's value.
fn makes(parameter: &Parameter, versions: &[String]) -> bool {
    match parameter {
        // `AuthorizerVersionArn` is the output of `AuthorizerVersion0123456789ab`.
        Parameter::Output { output, .. } => output
            .strip_suffix("Arn")
            .is_some_and(|name| versions.iter().any(|version| version.starts_with(name))),
        Parameter::ArtifactBucket => false,
    }
}

/// What a template has, and another no longer does: the least that is known of a change.
pub(crate) fn removed_by(deployed: &str, wanted: &Template) -> Vec<Change> {
    let Ok(deployed) = serde_json::from_str::<Value>(deployed) else {
        return Vec::new();
    };
    let resources = deployed["Resources"].as_object().into_iter().flatten();
    let going = resources.filter(|(id, _)| wanted.value["Resources"].get(*id).is_none());
    let changes = going.map(|(id, resource)| Change {
        action: "Remove".to_owned(),
        resource: id.clone(),
        kind: resource["Type"].as_str().unwrap_or_default().to_owned(),
        replacement: None,
        policy: resource["DeletionPolicy"].as_str().map(str::to_owned),
        details: vec![],
        leaves: vec![],
    });
    changes.collect()
}

/// A stack that a deployment deletes.
fn deleted(standing: &Standing<'_>) -> StageDiff {
    StageDiff {
        changes: standing.changes(),
        audit: standing.takes_the_audit(),
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
    ) -> Result<Would> {
        let wanted = job.wanted(body);
        for _ in 0..TRIES {
            match self.propose(stacks, &wanted, Some(stack)).await? {
                Proposed::Ready(proposal) => {
                    proposal.discard().await?;
                    return Ok(Would::Change(proposal.changes));
                }
                Proposed::Unchanged => return Ok(Would::Change(Vec::new())),
                Proposed::Refused { status, reason } => {
                    return Ok(Would::Refused(refused(job.stage.name, &status, &reason)));
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
        let version = [version.to_owned()];
        let mut parameters = stage.parameters.values();
        parameters.any(|parameter| makes(parameter, &version))
    };
    let used = added.filter(|change| uses(&change.resource));
    used.map(|change| change.resource.clone()).collect()
}

/// What happens to a stage, in a few words.
pub(crate) fn what(diff: &StageDiff) -> String {
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
        (Some(_), true) if diff.changes.is_empty() && !diff.settings.is_empty() => {
            "no resource changes".to_owned()
        }
        (Some(_), true) => summary::counts(&diff.changes),
    }
}

/// `everything`: with what the short form leaves out.
pub fn text(diffs: &[StageDiff], everything: bool) -> Styled {
    diffs.iter().fold(Styled::new(), |text, diff| {
        let what = format!(" ({}): {}", diff.place(), what(diff));
        let text = text.paint(Style::Bold, diff.name).line(&what).text("\n");
        text.append(&below(diff, everything))
    })
}

/// What happens within a stage.
pub(crate) fn below(diff: &StageDiff, everything: bool) -> Styled {
    let one = |text: Styled, style, mark, what: &str| {
        let text = text.text("   ").paint(style, mark);
        text.line(what).text("\n")
    };
    let mut text = Styled::new();
    for gone in &diff.gone {
        let what = format!(
            " {} ({}) is gone: somebody deleted it, and a deployment makes it again",
            gone.id, gone.kind
        );
        text = one(text, Style::BoldRed, "!", &what);
    }
    if !diff.unknown.is_empty() {
        let what = format!(
            " {} couldn't be looked at: somebody may have deleted them",
            diff.unknown.join(", ")
        );
        text = one(text, Style::Yellow, "?", &what);
    }
    for setting in &diff.settings {
        text = one(text, Style::Yellow, "~", &format!(" {setting}"));
    }
    text = text.append(&summary::shown_tags(
        diff.tags.as_deref().unwrap_or_default(),
    ));
    text = text.append(&summary::shown(&diff.changes, everything));
    if diff.status.is_some() {
        for version in &diff.versions {
            let takes = format!(" uses the new {version}");
            text = one(text, Style::Yellow, "~", &takes);
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
            "tags": diff.tags.as_ref().map(|tags| tags.iter().map(difference::json).collect::<Vec<_>>()),
            "settings": diff.settings,
            "note": diff.note,
            "gone": diff.gone.iter().map(|it| json!({"resource": it.id, "type": it.kind})).collect::<Vec<_>>(),
            "notLookedAt": diff.unknown,
            "changes": changes.collect::<Vec<_>>(),
            "newVersions": diff.versions,
        })
    });
    json!({"differs": diffs.iter().any(|diff| diff.differs), "stages": stages.collect::<Vec<_>>()})
}
