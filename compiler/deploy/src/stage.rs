//! One stage: what changes, a confirmation where something is removed, and the change to its end.

use super::agreed::Agreed;
use super::change::{Proposed, Ran, TRIES, changed_by_somebody_else};
use super::session::Session;
use super::settle::{failed, refuse_foreign};
use super::teardown::BUCKET;
use super::{guard, summary};
use crate::aws::stacks::{Body, Change, Stack, Stacks, Wanted, vanished};
use frames_compiler::difference::Leaf;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Place, Stage};
use frames_compiler::secrets::Masks;
use frames_compiler::template::Template;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a stage's stack should be.
pub struct Job<'a> {
    pub(super) stage: &'a Stage,
    template: &'a Template,
    parameters: &'a BTreeMap<String, String>,
    policy: Option<String>,
    /// All stages are deployed: this one lets go of what later ones used.
    lets_go: bool,
    /// Only of the stack as it was looked at: its id, and when it was changed last.
    seen: Option<(String, Option<i64>)>,
}

/// A stage whose stack is as wanted.
#[derive(Debug, Clone)]
pub struct Done {
    pub stage: &'static str,
    pub stack: Stack,
    pub changed: bool,
}

impl Done {
    pub(super) fn changed(stage: &Place, stack: Stack) -> Self {
        Self {
            stage: stage.name,
            stack,
            changed: true,
        }
    }

    pub(super) fn unchanged(stage: &Stage, stack: Stack) -> Self {
        Self {
            stage: stage.name,
            stack,
            changed: false,
        }
    }
}

impl<'a> Job<'a> {
    pub fn new(
        stage: &'a Stage,
        template: &'a Template,
        parameters: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            stage,
            template,
            parameters,
            policy: guard::policy(&template.value),
            lets_go: false,
            seen: None,
        }
    }

    /// The last change of a deployment: the stages after it no longer use what goes.
    pub fn letting_go(self) -> Self {
        Self {
            lets_go: true,
            ..self
        }
    }

    /// Nothing is done to the stack once somebody else has changed it.
    pub fn as_seen(self, stack: &Stack) -> Self {
        let seen = Some((stack.id.clone(), stack.changed));
        Self { seen, ..self }
    }

    pub(super) fn wanted<'b>(&'b self, body: &Body<'b>) -> Wanted<'b> {
        Wanted {
            stack: &self.stage.stack_name,
            mark: &self.stage.mark,
            body: body.clone(),
            parameters: self.parameters,
            tags: &self.stage.tags,
        }
    }

    /// The ids of the buckets that frames may have guarded, with those that this change removes.
    fn buckets<'b>(&'b self, going: &[&'b str]) -> Vec<&'b str> {
        let mut buckets = guard::guarded(&self.template.value);
        buckets.push(names::ACCESS_LOGS);
        buckets.extend(going);
        buckets
    }

    /// Whether the stack has exactly this template, with these values.
    pub async fn stands(&self, stacks: &Stacks, stack: &Stack) -> Result<bool> {
        if stack.parameters != *self.parameters || stack.tags != self.stage.tags {
            return Ok(false);
        }
        let standing = stacks.template(&stack.name).await?;
        let standing = serde_json::from_str::<Value>(&standing);
        Ok(standing.is_ok_and(|standing| standing == self.template.value))
    }

    /// What differs of what isn't in the template, in words: termination protection, stack policy.
    pub async fn settings(&self, stacks: &Stacks, stack: &Stack) -> Result<Vec<&'static str>> {
        let mut differ: Vec<&str> = self.protection(stack).into_iter().collect();
        if let Some(policy) = &self.policy {
            let standing = stacks.policy(&stack.name).await?;
            let stands = standing.is_some_and(|standing| {
                guard::same(&standing, policy) || !guard::is_own(&standing, &self.buckets(&[]))
            });
            if !stands {
                differ.push("the stack policy that keeps its buckets");
            }
        }
        Ok(differ)
    }

    fn protection(&self, stack: &Stack) -> Option<&'static str> {
        match (
            stack.termination_protection,
            self.stage.termination_protection,
        ) {
            (true, false) => Some("protection from deletion is taken off"),
            (false, true) => Some("protection from deletion is set"),
            _ => None,
        }
    }
}

/// What becomes of the tags of a stage's stack, where there is one.
pub(super) fn stage_tags(stage: &Stage, stack: Option<&Stack>, masks: &Masks) -> Vec<Leaf> {
    let none = BTreeMap::new();
    let before = stack.map_or(&none, |stack| &stack.tags);
    summary::tags(before, &stage.tags, masks)
}

impl Session<'_> {
    /// Makes the stage as wanted.
    pub async fn stage(
        &self,
        job: &Job<'_>,
        body: &Body<'_>,
        before: &[Done],
        agreed: &Agreed,
    ) -> Result<Done> {
        let stage = job.stage;
        let stacks = self.aws.stacks(&stage.region);
        let wanted = job.wanted(body);
        for _ in 0..TRIES {
            let deployed = self.settled(&stacks, stage, agreed).await?;
            let now = deployed.as_ref().map(|it| (it.id.clone(), it.changed));
            if job.seen.is_some() && job.seen != now {
                return Err(changed_by_somebody_else(&stage.stack_name));
            }
            if let Some(stack) = &deployed
                && job.stands(&stacks, stack).await?
            {
                return self.unchanged(job, &stacks, stack.clone()).await;
            }
            let proposal = match self.propose(&stacks, &wanted, deployed.as_ref()).await? {
                Proposed::Ready(proposal) => proposal,
                Proposed::Stale => continue,
                Proposed::Refused { status, reason } => {
                    return Err(refused(stage.name, &status, &reason));
                }
                Proposed::Unchanged => {
                    let stack = deployed.ok_or_else(|| vanished(&stage.stack_name))?;
                    return self.unchanged(job, &stacks, stack).await;
                }
            };
            let tags = stage_tags(stage, deployed.as_ref(), &self.masks);
            self.tell(stage, &tags, &proposal.changes);
            if let Err(refused) = self.consent(job, &proposal.changes, before, agreed).await {
                proposal.discard().await?;
                return Err(refused);
            }
            self.still_stands(before).await?;
            self.unguard(job, &stacks, &proposal.changes).await?;
            match self.run(stage.name, &proposal).await? {
                Ran::Ended(ended) if ended.stack.status.succeeded() => {
                    self.settings(job, &stacks, &ended.stack).await?;
                    if let Some(what) = job.protection(&ended.stack) {
                        let what = format!("{}: {what}", stage.name);
                        self.progress.step("Changed", &what);
                    }
                    return Ok(Done::changed(stage, ended.stack));
                }
                Ran::Ended(ended) => return Err(failed(self, stage.name, &ended)),
                Ran::Stale => {}
            }
        }
        Err(changed_by_somebody_else(&stage.stack_name))
    }

    async fn unchanged(&self, job: &Job<'_>, stacks: &Stacks, stack: Stack) -> Result<Done> {
        let name = job.stage.name;
        let mut changed = false;
        let settings = job.settings(stacks, &stack).await?;
        if !settings.is_empty() {
            self.settings(job, stacks, &stack).await?;
            changed = true;
        }
        if let Some(standing) = stacks.policy(&stack.name).await?
            && job.policy.is_some()
            && !guard::is_own(&standing, &job.buckets(&[]))
        {
            self.tell_kept_policy(job);
        }
        if changed {
            let what = format!("{name}: {}", settings.join(", "));
            self.progress.step("Changed", &what);
        } else {
            self.progress.step("Unchanged", name);
        }
        Ok(Done {
            stage: name,
            stack,
            changed,
        })
    }

    fn tell(&self, stage: &Stage, tags: &[Leaf], changes: &[Change]) {
        self.progress.step(
            "Stage",
            &format!("{}: {}", stage.name, summary::counts(changes)),
        );
        let resources = summary::shown(changes, self.progress.wants_all());
        self.progress
            .note(summary::shown_tags(tags).append(&resources));
    }

    /// What is removed or replaced was agreed to before the first change. Only CloudFormation's word
    /// on this very change can tell more.
    async fn consent(
        &self,
        job: &Job<'_>,
        changes: &[Change],
        before: &[Done],
        agreed: &Agreed,
    ) -> Result<()> {
        let stage = job.stage.name;
        let unforeseen = changes
            .iter()
            .filter(|change| summary::needs_a_yes(change) && !agreed.holds(stage, change));
        let names: Vec<&str> = unforeseen.map(|change| change.resource.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let question = format!(
            "Go on with stage {stage}? It removes or replaces what couldn't be known before: {}.",
            names.join(", ")
        );
        let answer = self.ask(&question).await?;
        let Some((what, yes)) = answer.refusal() else {
            return Ok(());
        };
        let half_way = half_way(job, before);
        let what = Failure::new(format!("{what}: {half_way}"));
        Err(if self.is_rollback() {
            what.help(format!("run the same command again{yes} to go on"))
        } else {
            let yes = yes.strip_prefix(" with").unwrap_or_default();
            what.help(format!(
                "`frames deploy{yes}` goes on, `frames rollback` goes back to the deployment before"
            ))
        })
    }

    /// Another run may have replaced what this one depends on: then the other wins.
    pub(super) async fn still_stands(&self, before: &[Done]) -> Result<()> {
        for done in before {
            let stacks = self.aws.stacks(&region_of(&done.stack.id));
            let now = stacks.describe(&done.stack.name).await?;
            let same = now.is_some_and(|now| {
                now.id == done.stack.id
                    && now.outputs == done.stack.outputs
                    && !now.status.in_progress()
            });
            if !same {
                return Err(Failure::new(format!(
                    "another run changed stage {} at the same time, so this run stops",
                    done.stage
                ))
                .help("the stacks have the other run's state, not a mix of both. Run the same command again to deploy your manifest"));
            }
        }
        Ok(())
    }

    /// The stack policy keeps buckets. One that the manifest takes out of the stack stays all the
    /// same: the stack only drops it.
    async fn unguard(&self, job: &Job<'_>, stacks: &Stacks, changes: &[Change]) -> Result<()> {
        let goes = |change: &Change| change.kind == BUCKET && change.action == "Remove";
        if !changes.iter().any(goes) {
            return Ok(());
        }
        let policy = job.policy.clone().unwrap_or_else(guard::none);
        let going = changes.iter().filter(|change| goes(change));
        let going: Vec<&str> = going.map(|change| change.resource.as_str()).collect();
        self.set_policy(job, stacks, &policy, &going).await
    }

    /// The stack's owner may have a policy of their own on it: that one stays.
    async fn set_policy(
        &self,
        job: &Job<'_>,
        stacks: &Stacks,
        policy: &str,
        going: &[&str],
    ) -> Result<()> {
        let name = &job.stage.stack_name;
        let standing = stacks.policy(name).await?;
        let buckets = job.buckets(going);
        if standing.is_none_or(|standing| guard::is_own(&standing, &buckets)) {
            return stacks.set_policy(name, policy).await;
        }
        self.tell_kept_policy(job);
        Ok(())
    }

    fn tell_kept_policy(&self, job: &Job<'_>) {
        let guarded = guard::guarded(&job.template.value).join(", ");
        let what = format!(
            "the stack policy of {}, which frames didn't write. Add to it that updates may not replace or delete {guarded}: frames doesn't",
            job.stage.stack_name
        );
        self.progress.step("Keeping", &what);
    }

    async fn settings(&self, job: &Job<'_>, stacks: &Stacks, stack: &Stack) -> Result<()> {
        let wanted = job.stage.termination_protection;
        if stack.termination_protection != wanted {
            stacks.protect(&stack.name, wanted).await?;
        }
        match &job.policy {
            Some(policy) => self.set_policy(job, stacks, policy, &[]).await,
            None => Ok(()),
        }
    }

    /// A stage that isn't changed, as it is deployed.
    pub async fn standing(&self, stage: &Stage) -> Result<Option<Done>> {
        let stacks = self.aws.stacks(&stage.region);
        let stack = stacks.describe(&stage.stack_name).await?;
        let stack = stack.filter(|stack| stack.status.updatable());
        if let Some(stack) = &stack {
            refuse_foreign(stage, stack)?;
        }
        Ok(stack.map(|stack| Done::unchanged(stage, stack)))
    }
}

/// What is changed and what isn't, where a run ends before this stage.
fn half_way(job: &Job<'_>, before: &[Done]) -> String {
    let stage = job.stage.name;
    if job.lets_go {
        return format!("every stage is deployed, but {stage} still has what it no longer needs");
    }
    let changed = before.iter().filter(|done| done.changed);
    let changed: Vec<&str> = changed.map(|done| done.stage).collect();
    match changed.as_slice() {
        [] => "nothing was changed".to_owned(),
        [one] => format!("stage {one} is changed, {stage} isn't"),
        [most @ .., last] => format!(
            "stages {} and {last} are changed, {stage} isn't",
            most.join(", ")
        ),
    }
}

/// All resources of a new stack.
pub(super) fn added(template: &Template) -> Vec<Change> {
    let resources = template.value.get("Resources").and_then(Value::as_object);
    let resources = resources.into_iter().flatten();
    let added = resources.map(|(id, resource)| Change {
        action: "Add".to_owned(),
        resource: id.clone(),
        kind: resource["Type"].as_str().unwrap_or_default().to_owned(),
        replacement: None,
        policy: None,
        details: vec![],
        leaves: vec![],
    });
    added.collect()
}

/// What CloudFormation says about a template that it refuses.
pub(super) fn refused(stage: &str, status: &str, reason: &str) -> Failure {
    Failure::new(format!(
        "stage {stage}: CloudFormation refuses the template ({status}): {reason}"
    ))
    .help("the most likely cause is an overlay in `resources` or a quota of the account; nothing was changed")
}

/// `arn:aws:cloudformation:eu-west-1:…`
fn region_of(id: &str) -> String {
    id.split(':').nth(3).unwrap_or_default().to_owned()
}
