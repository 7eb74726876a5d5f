//! One stage: what changes, a yes where something goes, and on to its end.

use super::progress::ask;
use super::settle::{failed, refuse_foreign};
use super::{Questions, Session, guard, nonce, summary, token};
use crate::aws::stacks::{Begun, Body, Change, ChangeSet, Made, Stack, Stacks, Wanted, vanished};
use crate::failure::{Context, Failure, Result};
use frames_compiler::plan::Stage;
use frames_compiler::template::Template;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a change set may become stale before somebody else is to blame.
const TRIES: usize = 4;
const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(3);

/// What a stage's stack is to be.
pub struct Job<'a> {
    pub(super) stage: &'a Stage,
    template: &'a Template,
    parameters: &'a BTreeMap<String, String>,
    policy: Option<String>,
    consent: Consent,
}

/// Whether to ask before a change set is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// Where it removes or replaces something.
    AsNeeded,
    /// Something goes in a later step.
    Always,
    /// That was asked before, and the answer was yes.
    Given,
}

/// A stage whose stack stands as wanted.
#[derive(Debug, Clone)]
pub struct Done {
    pub stage: &'static str,
    pub stack: Stack,
    pub changed: bool,
}

/// What came of running a change set.
enum Ran {
    Done(Box<Stack>),
    /// The stack changed in between: look again.
    Stale,
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
            policy: guard::policy(&template.text),
            consent: Consent::AsNeeded,
        }
    }

    /// Something goes from it in the end: that takes a yes too.
    pub fn lingering(self) -> Self {
        let consent = Consent::Always;
        Self { consent, ..self }
    }

    /// What goes was named before, and may go.
    pub fn agreed(self) -> Self {
        let consent = Consent::Given;
        Self { consent, ..self }
    }

    /// Whether the stack is this very template, with these values.
    pub async fn stands(&self, stacks: &Stacks, stack: &Stack) -> Result<bool> {
        if stack.parameters != *self.parameters || stack.tags != self.stage.tags {
            return Ok(false);
        }
        let standing = stacks.template(&stack.name).await?;
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        Ok(parsed(&standing).is_some_and(|standing| parsed(&self.template.text) == Some(standing)))
    }

    /// What isn't in the template: termination protection, stack policy.
    pub async fn settings_stand(&self, stacks: &Stacks, stack: &Stack) -> Result<bool> {
        if stack.termination_protection != self.stage.termination_protection {
            return Ok(false);
        }
        let Some(policy) = &self.policy else {
            return Ok(true);
        };
        let standing = stacks.policy(&stack.name).await?;
        Ok(standing.is_some_and(|standing| guard::same(&standing, policy)))
    }

    /// The same for the same change of the same state, so that a repeated request finds it
    /// again; but this run's alone: nobody else can have made one of that name.
    pub(super) fn change_set_name(&self, standing: Option<&Stack>) -> Result<String> {
        let state = standing.map(|stack| (&stack.id, stack.changed));
        let content = format!(
            "{:?} {:?} {:?} {state:?}",
            self.template.sha256, self.parameters, self.stage.tags
        );
        let hash = format!("{:x}", Sha256::digest(content));
        Ok(format!("frames-{hash:.16}-{}", nonce()?))
    }
}

impl Session<'_> {
    /// The stage as wanted. None: a dry run, which changes nothing.
    pub async fn stage(
        &self,
        job: &Job<'_>,
        body: &Body<'_>,
        before: &[Done],
        dry_run: bool,
    ) -> Result<Option<Done>> {
        let stage = job.stage;
        let stacks = self.aws.stacks(&stage.region);
        for _ in 0..TRIES {
            let standing = self.settled(&stacks, stage).await?;
            if let Some(stack) = &standing
                && job.stands(&stacks, stack).await?
            {
                return self
                    .unchanged(job, &stacks, stack.clone(), dry_run)
                    .await
                    .map(Some);
            }
            let name = job.change_set_name(standing.as_ref())?;
            let Some(set) = self
                .change_set(job, body, &stacks, standing.is_none(), &name)
                .await?
            else {
                continue;
            };
            let changes = match changes(stage, set)? {
                Some(changes) => changes,
                None => {
                    stacks.delete_change_set(&stage.stack_name, &name).await?;
                    let stack = standing.ok_or_else(|| vanished(&stage.stack_name))?;
                    return self.unchanged(job, &stacks, stack, dry_run).await.map(Some);
                }
            };
            self.tell(stage, &changes);
            if dry_run {
                self.discard(&stacks, stage, &name, standing.is_none())
                    .await?;
                let done = |stack| Done {
                    stage: stage.name,
                    stack,
                    changed: true,
                };
                return Ok(standing.map(done));
            }
            if let Err(refused) = self.consent(job, &changes).await {
                self.discard(&stacks, stage, &name, standing.is_none())
                    .await?;
                return Err(refused);
            }
            self.still_stands(before).await?;
            match self.run(job, &stacks, &name, &changes).await? {
                Ran::Done(stack) => {
                    self.settings(job, &stacks, &stack).await?;
                    return Ok(Some(Done {
                        stage: stage.name,
                        stack: *stack,
                        changed: true,
                    }));
                }
                Ran::Stale => {}
            }
        }
        Err(Failure::new(format!(
            "stack {} is changed by somebody else at the same time",
            stage.stack_name
        ))
        .help("run the same command again, once nobody else is at work on this service"))
    }

    async fn unchanged(
        &self,
        job: &Job<'_>,
        stacks: &Stacks,
        stack: Stack,
        dry_run: bool,
    ) -> Result<Done> {
        let name = job.stage.name;
        let mut changed = false;
        if !dry_run && !job.settings_stand(stacks, &stack).await? {
            self.settings(job, stacks, &stack).await?;
            changed = true;
        }
        self.progress.step("Unchanged", name);
        Ok(Done {
            stage: name,
            stack,
            changed,
        })
    }

    /// A change set that is ready to be looked at; none where it has to be tried again.
    pub(super) async fn change_set(
        &self,
        job: &Job<'_>,
        body: &Body<'_>,
        stacks: &Stacks,
        new: bool,
        name: &str,
    ) -> Result<Option<ChangeSet>> {
        let stack = &job.stage.stack_name;
        let wanted = Wanted {
            stack,
            body: body.clone(),
            parameters: job.parameters,
            tags: &job.stage.tags,
        };
        let made = stacks.create_change_set(name, &wanted, new).await?;
        if made == Made::Stale {
            return Ok(None);
        }
        let mut pause = SOON;
        loop {
            let Some(set) = stacks.change_set(stack, name).await? else {
                return Ok(None);
            };
            let pending = matches!(set.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS");
            if !pending
                && made == Made::Exists
                && (set.status != "CREATE_COMPLETE" || set.execution != "AVAILABLE")
            {
                // Left by an earlier run, and of no use any more.
                stacks.delete_change_set(stack, name).await?;
                return Ok(None);
            }
            if !pending {
                if !stacks.has_read_it(name, &wanted).await? {
                    self.discard(stacks, job.stage, name, new).await?;
                    return Err(tampered(&wanted));
                }
                return Ok(Some(set));
            }
            self.interrupt.sleep(pause).await?;
            pause = (pause * 3 / 2).min(LATER);
        }
    }

    fn tell(&self, stage: &Stage, changes: &[Change]) {
        self.progress.step(
            "Stage",
            &format!("{}: {}", stage.name, summary::counts(changes)),
        );
        for line in summary::lines(changes) {
            self.progress.note(line);
        }
    }

    /// In a dry run, a stage whose parameters aren't known before the one before it stands.
    pub fn tell_new(&self, stage: &Stage, template: &Template) {
        self.tell(stage, &added(template));
        self.progress
            .note("   (not tried: its parameters are outputs of a stage that doesn't stand yet)");
    }

    /// In a dry run, a stage that stands, but takes something that isn't made yet.
    pub fn tell_awaiting(&self, stage: &Stage, outputs: &[String]) {
        let what = format!(
            "{}: not tried, since it takes what the stage before it makes first: {}",
            stage.name,
            outputs.join(", ")
        );
        self.progress.step("Stage", &what);
    }

    async fn consent(&self, job: &Job<'_>, changes: &[Change]) -> Result<()> {
        let asks = match job.consent {
            Consent::Given => false,
            Consent::Always => true,
            Consent::AsNeeded => summary::needs_a_yes(changes),
        };
        if !asks {
            return Ok(());
        }
        self.yes(&format!(
            "Go on with stage {}? Something that stands goes or is made anew.",
            job.stage.name
        ))
        .await
    }

    /// A yes, from the flag or the terminal.
    pub async fn yes(&self, question: &str) -> Result<()> {
        match self.questions {
            Questions::Yes => Ok(()),
            Questions::Refuse => Err(Failure::new(
                "this needs a yes, and there is no terminal to ask on",
            )
            .help("look at the changes above, then run the same command with --yes")),
            Questions::Ask => {
                let account = &self.identity.account;
                let question = format!("Account {account}: {question} [y/N]");
                let (send, answer) = tokio::sync::oneshot::channel();
                // A thread of its own: Ctrl-C ends the waiting, not the reading.
                std::thread::spawn(move || send.send(ask(&question)));
                let answer = self.interrupt.or(answer).await?;
                let answer = answer
                    .context(|| "can't ask")?
                    .context(|| "can't read the answer")?;
                match answer {
                    true => Ok(()),
                    false => Err(Failure::new(
                        "not confirmed: nothing was changed by this step",
                    )),
                }
            }
        }
    }

    /// Another run may have replaced what this one builds on: then the other wins.
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
                    "another run changed stage {} while this one was at work: that one wins, and this one ends here",
                    done.stage
                ))
                .help("nothing is mixed up: run the same command again to deploy what is here"));
            }
        }
        Ok(())
    }

    async fn run(
        &self,
        job: &Job<'_>,
        stacks: &Stacks,
        name: &str,
        changes: &[Change],
    ) -> Result<Ran> {
        let stack = &job.stage.stack_name;
        let guarded = changes
            .iter()
            .any(|change| change.kind == "AWS::S3::Bucket" && change.action == "Remove");
        if guarded {
            // The manifest takes it out of the stack; the bucket itself stays.
            let policy = job.policy.clone().unwrap_or_else(guard::none);
            stacks.set_policy(stack, &policy).await?;
        }
        let now = stacks.newest_event(stack).await?;
        let token = token()?;
        let begun = stacks.execute(stack, name, &token).await?;
        if begun == Begun::Stale && !began(stacks, stack, now.as_deref(), &token).await? {
            return Ok(Ran::Stale);
        }
        let state = stacks
            .describe(stack)
            .await?
            .ok_or_else(|| vanished(stack))?;
        let ended = self.follow(stacks, job.stage.name, &state.id, now).await?;
        match ended.stack.status.succeeded() {
            true => Ok(Ran::Done(Box::new(ended.stack))),
            false => Err(failed(job.stage.name, &ended)),
        }
    }

    async fn settings(&self, job: &Job<'_>, stacks: &Stacks, stack: &Stack) -> Result<()> {
        let wanted = job.stage.termination_protection;
        if stack.termination_protection != wanted {
            stacks.protect(&stack.name, wanted).await?;
        }
        match &job.policy {
            Some(policy) => stacks.set_policy(&stack.name, policy).await,
            None => Ok(()),
        }
    }

    /// A change set that isn't to be run, and the empty stack that came with it.
    async fn discard(&self, stacks: &Stacks, stage: &Stage, name: &str, new: bool) -> Result<()> {
        stacks.delete_change_set(&stage.stack_name, name).await?;
        if new
            && let Some(stack) = stacks.describe(&stage.stack_name).await?
            && stack.status.is("REVIEW_IN_PROGRESS")
        {
            stacks.delete(&stack.id, &token()?, &[]).await?;
        }
        Ok(())
    }

    /// A stage that isn't to be touched, as it stands.
    pub async fn standing(&self, stage: &Stage) -> Result<Option<Done>> {
        let stacks = self.aws.stacks(&stage.region);
        let stack = stacks.describe(&stage.stack_name).await?;
        let stack = stack.filter(|stack| stack.status.updatable());
        if let Some(stack) = &stack {
            refuse_foreign(stage, stack)?;
        }
        Ok(stack.map(|stack| Done {
            stage: stage.name,
            stack,
            changed: false,
        }))
    }
}

/// Somebody else wrote to the bucket between the upload and CloudFormation's reading.
pub(super) fn tampered(wanted: &Wanted<'_>) -> Failure {
    let key = match &wanted.body {
        Body::InS3 { object, .. } => object.key.as_str(),
        Body::Text(_) => "",
    };
    Failure::new(format!(
        "stack {}: CloudFormation read another template than the one that was uploaded as {key}: somebody else wrote to the artifact bucket in between",
        wanted.stack
    ))
    .help("nothing was changed. See who may write to that bucket, and switch its versioning on: CloudFormation then reads the very version that was uploaded")
}

/// All that a new stack consists of.
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
    });
    added.collect()
}

/// Whether a run that AWS calls stale is our own, whose answer was lost.
async fn began(stacks: &Stacks, stack: &str, after: Option<&str>, token: &str) -> Result<bool> {
    let events = stacks.events(stack, after).await?;
    Ok(events
        .iter()
        .any(|event| event.token.as_deref() == Some(token)))
}

/// The changes; none where there is nothing to change.
pub(super) fn changes(stage: &Stage, set: ChangeSet) -> Result<Option<Vec<Change>>> {
    let reason = set.reason.unwrap_or_default();
    match set.status.as_str() {
        "CREATE_COMPLETE" => Ok(Some(set.changes)),
        _ if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") => Ok(None),
        status => Err(Failure::new(format!("stage {}: CloudFormation refuses the template ({status}): {reason}", stage.name))
            .help("an overlay in `resources`, or a quota of the account, is the likeliest cause; nothing was changed")),
    }
}

/// `arn:aws:cloudformation:eu-west-1:…`
fn region_of(id: &str) -> String {
    id.split(':').nth(3).unwrap_or_default().to_owned()
}
