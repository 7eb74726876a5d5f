//! Everything down, in the reverse order: first nothing is served, then the
//! distribution goes, then the functions, as soon as their replicas let them.

use super::progress::duration;
use super::settle::{failed, refuse_foreign};
use super::stage::Done;
use super::teardown::{self, BUCKET, DISTRIBUTION, FUNCTION, KEY, LOGS};
use super::{Session, artifacts, edge_logs, token};
use crate::aws::functions::Deleted;
use crate::aws::stacks::{Begun, Event, Made, Resource, Stack, Stacks, Wanted, vanished};
use crate::failure::{Context, Exit, Failure, Result};
use frames_compiler::plan::{Plan, Stage};
use serde_json::Value;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(60);
const PROPAGATION: Duration = Duration::from_secs(15);
/// Logs may still be written while a bucket is being emptied.
const EMPTYINGS: usize = 4;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// For how long to wait for replicas.
    pub wait: Duration,
    pub delete_logs: bool,
    /// Keep functions that replicas hold, and list them.
    pub abandon: bool,
}

/// A stage that is to go.
struct Standing<'a> {
    stage: &'a Stage,
    stacks: Stacks,
    stack: Stack,
    resources: Vec<Resource>,
}

pub async fn remove(session: &Session<'_>, plan: &Plan, options: Options) -> Result<Vec<Done>> {
    let standing = standing(session, plan).await?;
    refuse_the_protected(&standing)?;
    if !standing.is_empty() {
        tell(session, &standing, options);
        session.yes("Remove all of this?").await?;
    }
    let mut gone = Vec::new();
    for mut standing in standing {
        session.interrupt.check()?;
        standing.rest(session).await?;
        standing.close(session, plan, options).await?;
        standing.drain(session, options).await?;
        gone.push(standing.delete(session, options).await?);
    }
    edge_logs::delete(session, plan).await?;
    let bucket = artifacts::bucket(session, plan);
    if bucket.exists().await? {
        let deleted = bucket
            .empty(&format!("{}/{}/", plan.service, plan.env))
            .await?;
        if deleted > 0 {
            session.progress.step(
                "Deleted",
                &format!("{deleted} artifacts in bucket {}", bucket.name),
            );
        }
    }
    Ok(gone)
}

/// The stages that stand, the last first.
async fn standing<'a>(session: &Session<'_>, plan: &'a Plan) -> Result<Vec<Standing<'a>>> {
    let mut found = Vec::new();
    for stage in plan.stages.iter().rev() {
        let stacks = session.aws.stacks(&stage.region);
        let Some(stack) = stacks.describe(&stage.stack_name).await? else {
            continue;
        };
        if stack.status.is("DELETE_COMPLETE") {
            continue;
        }
        refuse_foreign(stage, &stack)?;
        let resources = stacks.resources(&stack.id).await?;
        found.push(Standing {
            stage,
            stacks,
            stack,
            resources,
        });
    }
    Ok(found)
}

fn refuse_the_protected(standing: &[Standing<'_>]) -> Result<()> {
    match standing
        .iter()
        .find(|standing| standing.stack.termination_protection)
    {
        None => Ok(()),
        Some(standing) => Err(Failure::new(format!(
            "stack {} is protected from being deleted",
            standing.stack.name
        ))
        .help(
            "set `deploy.terminationProtection: false`, run `frames deploy`, then `frames remove`",
        )),
    }
}

fn tell(session: &Session<'_>, standing: &[Standing<'_>], options: Options) {
    for standing in standing {
        let count = standing.resources.len();
        let what = format!(
            "stack {} in {} ({count} resources)",
            standing.stack.name, standing.stage.region
        );
        session.progress.step("To go", &what);
        for resource in &standing.resources {
            let is_logs = LOGS.contains(&&*resource.id);
            let kept = match resource.kind.as_str() {
                _ if options.delete_logs || !is_logs => "",
                BUCKET => ", which is kept with the logs in it: --delete-logs deletes it too",
                KEY => ", which is kept as long as logs need it: --delete-logs deletes it too",
                _ => "",
            };
            session
                .progress
                .note(format!("   - {} ({}){kept}", resource.id, resource.kind));
        }
    }
}

impl Standing<'_> {
    /// Those of access logs, and none that an overlay has added.
    fn log_buckets(&self) -> Vec<String> {
        let logs =
            |resource: &Resource| resource.kind == BUCKET && LOGS.contains(&resource.id.as_str());
        self.standing(logs)
    }

    fn physical(&self, kind: &str) -> Vec<String> {
        self.standing(|resource| resource.kind == kind)
    }

    /// What the service knows those by that are still there.
    fn standing(&self, wanted: impl Fn(&Resource) -> bool) -> Vec<String> {
        let standing = |resource: &&Resource| {
            wanted(resource)
                && resource.status != "DELETE_COMPLETE"
                && !resource.physical.is_empty()
        };
        let resources = self.resources.iter().filter(standing);
        resources
            .map(|resource| resource.physical.clone())
            .collect()
    }

    /// Waits for what somebody else, or an interrupted run, has begun.
    async fn rest(&mut self, session: &Session<'_>) -> Result<()> {
        while self.stack.status.in_progress() {
            let what = format!(
                "stack {} is {}: this goes on when that has ended",
                self.stack.name, self.stack.status
            );
            session.progress.step("Waiting", &what);
            let now = self.stacks.newest_event(&self.stack.id).await?;
            let ended = session
                .follow(&self.stacks, self.stage.name, &self.stack.id, now)
                .await?;
            self.stack = ended.stack;
            self.resources = self.stacks.resources(&self.stack.id).await?;
        }
        Ok(())
    }

    /// Nothing is served any more, everywhere.
    async fn close(&mut self, session: &Session<'_>, plan: &Plan, options: Options) -> Result<()> {
        let distributions = self.physical(DISTRIBUTION);
        let nothing = distributions.is_empty() && !options.delete_logs;
        if nothing || self.stack.status.is("DELETE_COMPLETE") {
            return Ok(());
        }
        match self.stack.status.updatable() {
            true => self.update_closed(session, plan, options).await?,
            // CloudFormation can't update it any more.
            false => {
                for id in &distributions {
                    session.aws.distributions().close(id).await?;
                }
            }
        }
        for id in &distributions {
            self.closed_everywhere(session, id).await?;
        }
        Ok(())
    }

    async fn update_closed(
        &mut self,
        session: &Session<'_>,
        plan: &Plan,
        options: Options,
    ) -> Result<()> {
        let standing = self.stacks.template(&self.stack.name).await?;
        let standing: Value = serde_json::from_str(&standing)
            .context(|| format!("can't read the template of stack {}", self.stack.name))?;
        let Some(closed) = teardown::closed(&standing, options.delete_logs) else {
            return Ok(());
        };
        let text = closed.to_string();
        let wanted = Wanted {
            stack: &self.stack.name,
            body: artifacts::body(session, plan, self.stage, &text).await?,
            parameters: &self.stack.parameters,
            tags: &self.stack.tags,
        };
        let name = format!("frames-close-{}", super::nonce()?);
        let what = match self.physical(DISTRIBUTION).is_empty() {
            false => "the distribution: disabled, and without its functions, in one change",
            true => "what keeps the logs' key",
        };
        session.progress.step("Closing", what);
        if !self.ready(session, &name, &wanted).await? {
            return Ok(());
        }
        let now = self.stacks.newest_event(&self.stack.id).await?;
        let begun = self
            .stacks
            .execute(&self.stack.name, &name, &token()?)
            .await?;
        let state = self
            .stacks
            .describe(&self.stack.id)
            .await?
            .ok_or_else(|| vanished(&self.stack.name))?;
        if begun == Begun::Stale
            && state.changed == self.stack.changed
            && !state.status.in_progress()
        {
            return Err(changed_by_somebody_else(&self.stack.name));
        }
        let ended = session
            .follow(&self.stacks, self.stage.name, &self.stack.id, now)
            .await?;
        if !ended.stack.status.succeeded() {
            return Err(failed(self.stage.name, &ended));
        }
        self.stack = ended.stack;
        self.resources = self.stacks.resources(&self.stack.id).await?;
        Ok(())
    }

    /// Whether the change set can be run; if not, the stack is closed already.
    async fn ready(&self, session: &Session<'_>, name: &str, wanted: &Wanted<'_>) -> Result<bool> {
        let mut made = self.stacks.create_change_set(name, wanted, false).await?;
        loop {
            if made == Made::Stale {
                return Err(changed_by_somebody_else(wanted.stack));
            }
            let Some(set) = self.stacks.change_set(wanted.stack, name).await? else {
                made = self.stacks.create_change_set(name, wanted, false).await?;
                continue;
            };
            match (set.status.as_str(), set.execution.as_str()) {
                ("CREATE_PENDING" | "CREATE_IN_PROGRESS", _) => {
                    session.interrupt.sleep(Duration::from_millis(250)).await?
                }
                ("CREATE_COMPLETE", "AVAILABLE") => return Ok(true),
                _ if made == Made::Exists => {
                    // Left by an earlier run.
                    self.stacks.delete_change_set(wanted.stack, name).await?;
                    made = Made::Made;
                }
                _ => {
                    let reason = set.reason.unwrap_or_default();
                    self.stacks.delete_change_set(wanted.stack, name).await?;
                    if reason.contains("didn't contain changes") || reason.contains("No updates") {
                        return Ok(false);
                    }
                    return Err(Failure::new(format!("can't close stack {}: {reason}", wanted.stack))
                        .help("disable the distribution in the CloudFront console, then run the same command"));
                }
            }
        }
    }

    /// Until no edge location runs the functions or serves from its cache.
    async fn closed_everywhere(&self, session: &Session<'_>, id: &str) -> Result<()> {
        let distributions = session.aws.distributions();
        let began = Instant::now();
        let countdown = session.progress.countdown();
        let mut pause = SOON;
        loop {
            let Some(state) = distributions.describe(id).await? else {
                return Ok(());
            };
            if state.enabled || !state.functions.is_empty() {
                // Switched on again by hand, or behind CloudFormation's back.
                distributions.close(id).await?;
            } else if state.deployed {
                return Ok(());
            }
            countdown.show(
                &format!("for CloudFront to close distribution {id} at every edge location, which takes minutes"),
                &format!("({})", duration(began.elapsed())),
            );
            session.interrupt.sleep(pause).await?;
            pause = (pause * 3 / 2).min(PROPAGATION);
        }
    }

    /// The functions' versions, as soon as replicas let go of them.
    async fn drain(&self, session: &Session<'_>, options: Options) -> Result<()> {
        let functions = self.physical(FUNCTION);
        if functions.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let countdown = session.progress.countdown();
        let mut pause = SOON;
        loop {
            let held = held(session, &functions).await?;
            if held.is_empty() || options.abandon {
                return Ok(());
            }
            let left = options.wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(unfinished(&held, began.elapsed()));
            }
            let pause_now = pause.min(left);
            countdown.show(
                &format!("for CloudFront's replicas to let go of {}", held.join(", ")),
                &format!(
                    "(asking again in {}, for {} more)",
                    duration(pause_now),
                    duration(left)
                ),
            );
            session.interrupt.sleep(pause_now).await?;
            pause = (pause * 3 / 2).min(LATER);
        }
    }

    async fn delete(mut self, session: &Session<'_>, options: Options) -> Result<Done> {
        session
            .progress
            .step("Deleting", &format!("stack {}", self.stack.name));
        let buckets = if options.delete_logs {
            self.log_buckets()
        } else {
            Vec::new()
        };
        for _ in 0..EMPTYINGS {
            for name in &buckets {
                let bucket = session
                    .aws
                    .bucket(name, &self.stage.region, &session.identity);
                let deleted = bucket.empty("").await?;
                session.progress.step(
                    "Deleted",
                    &format!("{deleted} log objects in bucket {name}"),
                );
            }
            let ended = session
                .try_delete(&self.stacks, self.stage.name, &self.stack, &[])
                .await?;
            if ended.stack.status.is("DELETE_COMPLETE") {
                self.tell_kept(session, &ended.events);
                return Ok(self.done(ended.stack));
            }
            let cause = super::cause::cause(&ended.events);
            let not_empty = cause
                .as_ref()
                .is_some_and(|cause| cause.reason.contains("not empty"));
            if !buckets.is_empty() && not_empty {
                continue;
            }
            let replicated = cause.is_some_and(|cause| cause.replicated);
            if replicated && options.abandon {
                return self.abandon(session).await;
            }
            if replicated {
                return Err(unfinished(&self.physical(FUNCTION), Duration::ZERO));
            }
            self.stack = ended.stack.clone();
            return Err(failed(self.stage.name, &ended));
        }
        Err(Failure::new(format!(
            "logs keep coming into the bucket of stack {}",
            self.stack.name
        ))
        .help("run the same command again in some minutes"))
    }

    /// Everything but the functions, which are named.
    async fn abandon(mut self, session: &Session<'_>) -> Result<Done> {
        self.resources = self.stacks.resources(&self.stack.id).await?;
        let functions = self
            .resources
            .iter()
            .filter(|resource| resource.kind == FUNCTION && resource.status != "DELETE_COMPLETE");
        let (ids, names): (Vec<String>, Vec<String>) = functions
            .map(|f| (f.id.clone(), f.physical.clone()))
            .unzip();
        let ended = session
            .try_delete(&self.stacks, self.stage.name, &self.stack, &ids)
            .await?;
        if !ended.stack.status.is("DELETE_COMPLETE") {
            return Err(failed(self.stage.name, &ended));
        }
        session.progress.step(
            "Abandoned",
            &format!(
                "{}: delete them in us-east-1 when their replicas are gone",
                names.join(", ")
            ),
        );
        Ok(self.done(ended.stack))
    }

    /// What outlives the stack, on purpose.
    fn tell_kept(&self, session: &Session<'_>, events: &[Event]) {
        for event in events
            .iter()
            .filter(|event| event.status == "DELETE_SKIPPED")
        {
            let resource = self.resources.iter().find(|r| r.id == event.resource);
            let Some(Resource { kind, physical, .. }) = resource else {
                continue;
            };
            let what = match kind.as_str() {
                BUCKET => format!("bucket {physical} with the access logs in it"),
                KEY => format!("KMS key {physical}, without which nobody reads the logs"),
                _ => continue,
            };
            session.progress.step(
                "Keeping",
                &format!("{what}: delete it when nobody needs the logs any more"),
            );
        }
    }

    fn done(&self, stack: Stack) -> Done {
        Done {
            stage: self.stage.name,
            stack,
            changed: true,
        }
    }
}

/// Tries to delete every version; those that replicas hold, as `name:3`.
async fn held(session: &Session<'_>, functions: &[String]) -> Result<Vec<String>> {
    let lambda = session.aws.functions();
    let mut held = Vec::new();
    for function in functions {
        for version in lambda.versions(function).await? {
            session.interrupt.check()?;
            if lambda.delete_version(function, version).await? == Deleted::Replicated {
                held.push(format!("{function}:{version}"));
            }
        }
    }
    Ok(held)
}

fn changed_by_somebody_else(stack: &str) -> Failure {
    Failure::new(format!(
        "stack {stack} is changed by somebody else at the same time"
    ))
    .help("run the same command again, once nobody else is at work on this service")
}

fn unfinished(held: &[String], waited: Duration) -> Failure {
    let waited = match waited.is_zero() {
        true => String::new(),
        false => format!(" after {}", duration(waited)),
    };
    let failure = Failure::new(format!("not finished yet{waited}: CloudFront's replicas still hold {}", held.join(", "))).help(
        "nothing is served any more. Replicas go by themselves, within hours as a rule: run the same command again later (--wait 2h waits longer, --abandon leaves the functions behind)",
    );
    Failure {
        exit: Exit::Unfinished,
        ..failure
    }
}
