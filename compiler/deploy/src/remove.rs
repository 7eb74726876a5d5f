//! Removes everything, in the reverse order: first nothing is served, then the
//! distribution is deleted, then the functions, once CloudFront has deleted their replicas.

use super::change::{Proposed, Ran, TRIES, changed_by_somebody_else};
use super::follow::Ended;
use super::going::Going;
use super::report::duration;
use super::session::Session;
use super::settle::{failed, refuse_foreign, unprotected};
use super::stage::Done;
pub use super::standing::Options;
use super::standing::Standing;
use super::teardown::{self, BUCKET, FUNCTION, KEY};
use super::{artifacts, edge_logs};
use crate::aws::EDGE_REGION;
use crate::aws::bucket::Object;
use crate::aws::functions::Deleted;
use crate::aws::stacks::{Body, Event, Resource, Stack, Wanted};
use crate::picture::Picture;
use crate::picture::serving::{NothingServed, Serving};
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::plan::Footprint;
use serde_json::Value;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(60);
const PROPAGATION: Duration = Duration::from_secs(15);
/// Logs may still be written while a bucket is being emptied.
const EMPTYINGS: usize = 4;

/// What was removed, or would be.
pub struct Removed {
    pub stages: Vec<Done>,
    /// What there was, for scripts.
    pub what: Value,
    pub outcome: Outcome,
}

pub enum Outcome {
    /// Looked for, and there was nothing.
    Nothing,
    /// No stack, but distributions of nobody's stack here run functions of these names.
    LeftBehind(Vec<String>),
    DryRun,
    Gone(AllGone),
}

/// Looked at, after the last deletion: there is no stack of this environment any more.
pub struct AllGone(());

impl AllGone {
    async fn look(session: &Session<'_>, footprint: &Footprint) -> Result<Self> {
        let places = footprint.stages.iter().chain(&footprint.former);
        let picture = Picture::glance(session, places).await?;
        let left = picture.stages.iter().find(|seen| seen.is_ours());
        let Some(seen) = left else {
            return Ok(Self(()));
        };
        let what = format!(
            "stack {} is there again: somebody deployed meanwhile",
            seen.place.stack_name
        );
        Err(Failure::new(what)
            .help("`frames info` shows what is deployed; run the same command again to remove it"))
    }
}

pub async fn remove(
    session: &Session<'_>,
    footprint: &Footprint,
    options: Options,
) -> Result<Removed> {
    let mut going = Going::find(session, footprint).await?;
    if !options.dry_run {
        // Wait for what is under way: what is shown then is what gets removed.
        for standing in &mut going.stages {
            standing.settled(session).await?;
        }
    }
    let options = Options {
        audit: options.audit || going.audits(),
        ..options
    };
    let mut removed = Removed {
        stages: going.dry(),
        what: going.json(options),
        outcome: Outcome::DryRun,
    };
    match going.protected() {
        Some(failure) if options.dry_run => session.progress.step("Refused", &failure.message),
        Some(failure) => return Err(failure),
        None => {}
    }
    going.tell(session, options);
    going.tell_others(session);
    if going.is_empty() {
        let serving = &going.serving;
        let left: Vec<String> = serving.foreign().map(|one| serving.tell(one)).collect();
        removed.outcome = if left.is_empty() {
            Outcome::Nothing
        } else {
            Outcome::LeftBehind(left)
        };
        return Ok(removed);
    }
    if options.dry_run {
        return Ok(removed);
    }
    let question = format!(
        "Remove all of this ({})?{}",
        going.counts(options),
        going.with_the_audit(options)
    );
    session.yes(&question).await?;
    going.stages.iter_mut().for_each(Standing::confirmed);
    removed.stages = take(session, footprint, options, going).await?;
    removed.outcome = Outcome::Gone(AllGone::look(session, footprint).await?);
    Ok(removed)
}

/// The stages, what they wrote elsewhere, and what they were made from.
async fn take(
    session: &Session<'_>,
    footprint: &Footprint,
    options: Options,
    going: Going<'_>,
) -> Result<Vec<Done>> {
    let mut gone = Vec::new();
    let mut uploaded = Vec::new();
    let mut stages = going.stages;
    // Distributions first, and all of them before anything is deleted: what is served is logged.
    stages.sort_by_key(|standing| standing.contents.distributions().is_empty());
    for standing in &mut stages {
        session.interrupt.check()?;
        standing.as_shown(session).await?;
        uploaded.extend(standing.close(session, footprint, options).await?);
    }
    stages.sort_by_key(|standing| place_of(footprint, standing));
    for mut standing in stages {
        session.interrupt.check()?;
        standing.as_shown(session).await?;
        for id in standing.contents.distributions() {
            standing.closed_everywhere(session, &id).await?;
        }
        standing.drain(session, options).await?;
        gone.push(standing.delete(session, options).await?);
    }
    let mut groups = going.log_groups;
    if !gone.is_empty() {
        let stages: Vec<&str> = gone.iter().map(|done| done.stage).collect();
        groups.extend(edge_logs::late(session, footprint, &stages, &groups).await?);
    }
    edge_logs::delete(session, &groups).await?;
    artifacts::delete(session, footprint, going.artifacts, uploaded).await?;
    Ok(gone)
}

impl Standing<'_> {
    /// Waits for what somebody else, or an interrupted run, has begun.
    async fn settled(&mut self, session: &Session<'_>) -> Result<()> {
        let now = self.stacks.describe(&self.stack.id).await?;
        if let Some(now) = now.filter(|now| *now != self.stack) {
            self.stack = now;
            self.look().await?;
        }
        while self.stack.status.in_progress() {
            let what = format!(
                "stack {} is {}: frames waits until that has ended",
                self.stack.name, self.stack.status
            );
            session.progress.step("Waiting", &what);
            let now = self.stacks.newest_event(&self.stack.id).await?;
            let ended = session
                .follow(&self.stacks, self.stage.name, &self.stack.id, now)
                .await?;
            self.stack = ended.stack;
            self.look().await?;
        }
        Ok(())
    }

    /// Whether it is still the same, once confirmed: the yes was for what was shown, and nothing else.
    async fn as_shown(&mut self, session: &Session<'_>) -> Result<()> {
        self.settled(session).await?;
        let new = self.come_since();
        if new.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "stack {} now has more in it than was shown: {}",
            self.stack.name,
            new.join(", ")
        ))
        .help("somebody has deployed meanwhile; run the same command again to see all of it"))
    }

    /// Closes the distribution at every edge location. Returns the template for that, where it is an object.
    async fn close(
        &mut self,
        session: &Session<'_>,
        footprint: &Footprint,
        options: Options,
    ) -> Result<Option<Object>> {
        let distributions = self.contents.distributions();
        let nothing = distributions.is_empty() && !options.delete_logs;
        if nothing || self.stack.status.is("DELETE_COMPLETE") {
            return Ok(None);
        }
        let mut uploaded = None;
        if self.stack.status.updatable() {
            uploaded = self.update_closed(session, footprint, options).await?
        } else {
            // CloudFormation can no longer update it.
            for id in &distributions {
                session.aws.distributions().close(id).await?;
            }
        }
        for id in &distributions {
            self.closed_everywhere(session, id).await?;
        }
        Ok(uploaded)
    }

    /// Closes the distribution in its stack. Returns the template for that, where it is an
    /// object in the bucket.
    async fn update_closed(
        &mut self,
        session: &Session<'_>,
        footprint: &Footprint,
        options: Options,
    ) -> Result<Option<Object>> {
        let mut uploaded = None;
        for _ in 0..TRIES {
            self.look().await?;
            let Some(closed) = teardown::closed(
                &self.contents.template,
                options.delete_logs,
                self.contents.key_is_needed,
            ) else {
                return Ok(uploaded);
            };
            let text = closed.to_string();
            let wanted = Wanted {
                stack: &self.stack.name,
                mark: &self.stage.mark,
                body: artifacts::body(session, footprint, self.stage, &text).await?,
                parameters: &self.stack.parameters,
                tags: &self.stack.tags,
            };
            if let Body::InS3 { object, .. } = &wanted.body {
                uploaded = Some(object.clone());
            }
            if let Some(ended) = self.change(session, &wanted).await? {
                self.stack = ended.stack;
                self.look().await?;
                return Ok(uploaded);
            }
            self.as_shown(session).await?;
        }
        Err(changed_by_somebody_else(&self.stack.name))
    }

    /// `None`: the stack changed in between.
    async fn change(&self, session: &Session<'_>, wanted: &Wanted<'_>) -> Result<Option<Ended>> {
        let what = if !self.contents.distributions().is_empty() {
            "the distribution: disabled, and without its functions, in one change"
        } else {
            "the logs: the stack no longer keeps what --delete-logs deletes"
        };
        session.progress.step("Closing", what);
        let proposed = session.propose(&self.stacks, wanted, Some(&self.stack));
        let proposal = match proposed.await? {
            Proposed::Ready(proposal) => proposal,
            Proposed::Unchanged => {
                let stack = self.stack.clone();
                return Ok(Some(Ended::without_events(stack)));
            }
            Proposed::Refused { reason, .. } => return Err(cant_close(&self.stack.name, &reason)),
            Proposed::Stale => return Ok(None),
        };
        match session.run(self.stage.name, &proposal).await? {
            Ran::Ended(ended) if ended.stack.status.succeeded() => Ok(Some(*ended)),
            Ran::Ended(ended) => Err(failed(session, self.stage.name, &ended)),
            Ran::Stale => Ok(None),
        }
    }

    /// Waits until no edge location runs the functions or serves from its cache.
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

    /// Deletes the functions' versions, once CloudFront has deleted their replicas.
    async fn drain(&self, session: &Session<'_>, options: Options) -> Result<()> {
        // Replicas are of functions in the edge's Region. The reader has none, and its alias keeps the
        // version that it is on.
        let functions = self.contents.replicated();
        if functions.is_empty() || self.stage.region != EDGE_REGION {
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
            // Replicas go by themselves, and distributions don't.
            let serving = self.serving(session).await?;
            let foreign: Vec<String> = serving
                .foreign_runners()
                .map(|one| serving.tell(one))
                .collect();
            if !foreign.is_empty() {
                return Err(in_use(&held, &foreign));
            }
            let left = options.wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(unfinished(&held, began.elapsed(), &serving));
            }
            let pause_now = pause.min(left);
            countdown.show(
                &format!(
                    "for CloudFront to delete the replicas of {}",
                    held.join(", ")
                ),
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

    /// Who uses what this stage has made, at this moment.
    async fn serving(&self, session: &Session<'_>) -> Result<Serving> {
        Serving::look(session, self.contents.ours()).await
    }

    /// CloudFront deletes no policy that a distribution has. CloudFormation would say so once half
    /// of the stack is gone, and not whose it is.
    async fn refuse_policies_in_use(&self, session: &Session<'_>) -> Result<()> {
        if self.contents.ours().policies.is_empty() {
            return Ok(());
        }
        let serving = self.serving(session).await?;
        let foreign: Vec<String> = serving
            .foreign_policies()
            .map(|one| serving.tell(one))
            .collect();
        if foreign.is_empty() {
            return Ok(());
        }
        let what = format!(
            "stack {} can't be deleted: {}, and belongs to none of these stacks",
            self.stack.name,
            foreign.join("; ")
        );
        Err(Failure::new(what).help(
            "give the distribution's behaviors other policies in the CloudFront console, or delete that distribution; then run the same command",
        ))
    }

    pub(crate) async fn delete(mut self, session: &Session<'_>, options: Options) -> Result<Done> {
        self.refuse_policies_in_use(session).await?;
        session
            .progress
            .step("Deleting", &format!("stack {}", self.stack.name));
        let buckets = if options.delete_logs {
            self.contents.log_buckets()
        } else {
            Vec::new()
        };
        for _ in 0..EMPTYINGS {
            for name in &buckets {
                let bucket = session
                    .aws
                    .bucket(name, &self.stage.region, &session.identity);
                let deleted = bucket.empty().await?;
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
                let serving = self.serving(session).await?;
                return Err(unfinished(
                    &self.contents.functions(),
                    Duration::ZERO,
                    &serving,
                ));
            }
            self.stack = ended.stack.clone();
            return Err(failed(session, self.stage.name, &ended));
        }
        Err(Failure::new(format!(
            "logs still arrive in the bucket of stack {}",
            self.stack.name
        ))
        .help("run the same command again in a few minutes"))
    }

    /// Deletes a stack that the manifest no longer asks for, as it was confirmed. Its protection
    /// comes back where it can't be deleted.
    pub(crate) async fn take_former(mut self, session: &Session<'_>) -> Result<Done> {
        session.interrupt.check()?;
        self.as_shown(session).await?;
        refuse_foreign(self.stage, &self.stack)?;
        if self.protected_since() {
            let what = format!(
                "stack {} was protected from deletion after its removal was shown",
                self.stack.name
            );
            return Err(Failure::new(what)
                .help("run the same command again to see that, and to agree to it or not"));
        }
        let (stacks, stack) = (self.stacks.clone(), self.stack.clone());
        unprotected(&stacks, &stack, self.delete(session, Options::default())).await
    }

    /// Deletes everything but the functions, and names those.
    async fn abandon(mut self, session: &Session<'_>) -> Result<Done> {
        self.look().await?;
        let functions =
            self.contents.resources.iter().filter(|resource| {
                resource.kind == FUNCTION && resource.status != "DELETE_COMPLETE"
            });
        let (ids, names): (Vec<String>, Vec<String>) = functions
            .map(|f| (f.id.clone(), f.physical.clone()))
            .unzip();
        let ended = session
            .try_delete(&self.stacks, self.stage.name, &self.stack, &ids)
            .await?;
        if !ended.stack.status.is("DELETE_COMPLETE") {
            return Err(failed(session, self.stage.name, &ended));
        }
        self.tell_kept(session, &ended.events);
        session.progress.step(
            "Abandoned",
            &format!(
                "{}: delete them in us-east-1 when their replicas are gone",
                names.join(", ")
            ),
        );
        Ok(self.done(ended.stack))
    }

    /// Names what outlives the stack on purpose.
    fn tell_kept(&self, session: &Session<'_>, events: &[Event]) {
        for event in events
            .iter()
            .filter(|event| event.status == "DELETE_SKIPPED")
        {
            let resource = self
                .contents
                .resources
                .iter()
                .find(|r| r.id == event.resource);
            let Some(Resource { kind, physical, .. }) = resource else {
                continue;
            };
            let what = match kind.as_str() {
                BUCKET => format!("bucket {physical} with the access logs in it"),
                KEY => format!("KMS key {physical}, which is needed to read the logs"),
                _ => continue,
            };
            session.progress.step(
                "Keeping",
                &format!("{what}: delete it when nobody needs the logs"),
            );
        }
    }

    fn done(&self, stack: Stack) -> Done {
        Done::changed(self.stage, stack)
    }
}

/// The last stage first; what the manifest no longer has comes before all of them.
fn place_of(footprint: &Footprint, standing: &Standing<'_>) -> usize {
    let mut stages = footprint.stages.iter().rev();
    let index = stages.position(|stage| stage.name == standing.stage.name);
    index.map_or(0, |index| index + 1)
}

/// Tries to delete every version, and returns those that replicas hold, as `name:3`.
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

fn cant_close(stack: &str, reason: &str) -> Failure {
    Failure::new(format!("can't close stack {stack}: {reason}"))
        .help("disable the distribution in the CloudFront console, then run the same command")
}

/// Somebody else's distribution runs them: waiting doesn't help.
fn in_use(held: &[String], foreign: &[String]) -> Failure {
    let what = format!(
        "{} can't be deleted: {}, and belongs to none of these stacks",
        held.join(", "),
        foreign.join("; ")
    );
    Failure::new(what).help(
        "remove these functions from the distribution's behaviors in the CloudFront console, or delete that distribution; then run the same command (--abandon leaves the functions behind)",
    )
}

fn unfinished(held: &[String], waited: Duration, serving: &Serving) -> Failure {
    let waited = if waited.is_zero() {
        String::new()
    } else {
        format!(" after {}", duration(waited))
    };
    let served = match serving.nothing() {
        Some(_) => NothingServed::WORDS.to_owned(),
        None if serving.is_known() => "something may still be served".to_owned(),
        None => "you have no permission for cloudfront:ListDistributions, so whether another distribution uses them isn't known".to_owned(),
    };
    let what = format!(
        "not finished yet{waited}: CloudFront's replicas still hold {}",
        held.join(", ")
    );
    let failure = Failure::new(what).help(format!(
        "{served}. CloudFront usually deletes the replicas within hours: run the same command again later (--wait 2h waits longer, --abandon leaves the functions behind)",
    ));
    Failure {
        exit: Exit::Unfinished,
        ..failure
    }
}
