//! The stages of a deployment, in their order: the outputs of one are parameters of the next.

use crate::agreed::Agreed;
use crate::aws::Aws;
use crate::heal::{self, Healing};
use crate::picture::case::Case;
use crate::picture::{Picture, Seen};
use crate::served::{self, Check};
use crate::session::Session;
use crate::stage::{Done, Job};
use crate::standing::Standing;
use crate::{artifacts, edge_logs, settle, trial, versions};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_compiler::plan::{Footprint, Parameter, Place, Plan, Stage};
use frames_compiler::template::Template;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    pub dry_run: bool,
    /// Only this stage.
    pub only: Option<&'a str>,
    /// An overlay may take the authorizer away.
    pub unsafe_overlay: bool,
    /// A distribution that somebody switched off is switched on.
    pub enable: bool,
    /// The run ends before every edge location has that.
    pub no_wait: bool,
}

impl<'a> Options<'a> {
    fn check(self, package: &'a Package) -> Check<'a> {
        Check {
            package,
            only: self.only,
            dry_run: self.dry_run,
            unsafe_overlay: self.unsafe_overlay,
            enable: self.enable,
            no_wait: self.no_wait,
        }
    }
}

/// How many old versions a run without changes tries to delete, so that it stays short.
const FEW: usize = 4;

/// What a deployment starts from: every stack, and what of it is gone.
pub async fn picture(session: &Session<'_>, plan: &Plan) -> Result<Picture> {
    let places = plan.stages.iter().map(|stage| &stage.place);
    Picture::look(session, places).await
}

/// Looked at: every stage is as wanted, and nothing of it is known to be gone.
#[derive(Debug)]
pub struct Unchanged {
    pub done: Vec<Done>,
    /// Resources that nobody could look at.
    unknown: Vec<String>,
    resources: usize,
    /// The only stage that was looked at.
    only: Option<String>,
    /// A distribution was switched on again.
    switched: bool,
}

impl Unchanged {
    /// No more than was looked at. `same`: as what.
    pub fn words(&self, same: &str) -> String {
        let what = match &self.only {
            Some(stage) => format!("stage {stage}"),
            None => "every stack".to_owned(),
        };
        match self.unknown.len() {
            0 if self.only.is_none() => format!("everything is deployed, and {same}"),
            0 => format!("{what} is deployed, and {same}"),
            unknown => format!(
                "{what} {same}, and {} of {} resources exist; frames couldn't look at the others (-v names them)",
                self.resources - unknown,
                self.resources
            ),
        }
    }

    pub fn tell(&self, session: &Session<'_>) {
        // A rollback compares with no manifest.
        let words = if session.is_rollback() {
            self.words("equals this deployment, which is live already")
        } else {
            self.words("equals this manifest")
        };
        let words = if self.switched {
            format!("{words}, now that the distribution is on again")
        } else {
            words
        };
        session.progress.step("Unchanged", &words);
        if !self.unknown.is_empty() {
            let what = format!("not looked at: {}", self.unknown.join(", "));
            session.progress.detail(&what);
        }
    }
}

/// The stages as deployed, where a deployment has nothing to change. What an
/// earlier one had to leave may be deleted now.
pub async fn unchanged(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    options: Options<'_>,
    picture: &Picture,
) -> Result<Option<Unchanged>> {
    let footprint = plan.footprint();
    let mut done = Vec::new();
    let (mut unknown, mut resources) = (Vec::new(), 0);
    for (stage, template) in plan.stages.iter().zip(&package.templates) {
        let stacks = session.aws.stacks(&stage.region);
        let seen = picture.stage(stage.name);
        let Some((seen, stack)) = seen.and_then(|it| Some((it, it.stack.clone()?))) else {
            return Ok(None);
        };
        if !skipped(stage, options.only) {
            let Case::Whole(looked) = &seen.case else {
                return Ok(None);
            };
            unknown.extend(looked.unknown.iter().cloned());
            resources += seen.resources.len();
            let bucket = artifacts::bucket_name(session, &footprint, &stage.region);
            let Ok(parameters) = parameters(stage, &bucket, &done) else {
                return Ok(None);
            };
            let job = Job::new(stage, template, &parameters);
            if !job.stands(&stacks, &stack).await?
                || !job.settings(&stacks, &stack).await?.is_empty()
            {
                return Ok(None);
            }
        }
        done.push(Done::unchanged(stage, stack));
    }
    let left = picture.left(plan);
    if options.only.is_none() && !former(session, &left).await?.is_empty() {
        return Ok(None);
    }
    let switched = served::as_wanted(session, plan, &options.check(package), &done).await?;
    if !options.dry_run {
        for stage in &plan.stages {
            trial::before(session, plan, stage, &done).await?;
        }
        versions::collect(session, plan, &done, FEW).await?;
    }
    Ok(Some(Unchanged {
        done,
        unknown,
        resources,
        only: options.only.map(str::to_owned),
        switched,
    }))
}

/// Whether the addresses that the plan's keys come from are those of what is deployed. No others
/// are asked before somebody deploys them: looking at a change doesn't approve it.
pub async fn asks_as_deployed(aws: &Aws, plan: &Plan) -> Result<bool> {
    let Some(wanted) = plan.keys_from() else {
        return Ok(true);
    };
    let Some(stage) = plan.stage_of(names::AUTHORIZER) else {
        return Ok(false);
    };
    let stack = aws
        .stacks(&stage.region)
        .describe(&stage.stack_name)
        .await?;
    // A stack of somebody else says nothing about this service.
    let own = stack.filter(|stack| settle::refuse_foreign(stage, stack).is_ok());
    Ok(own.is_some_and(|stack| stack.outputs.get(names::KEYS_FROM) == Some(&wanted)))
}

/// Whether a stage has no stack yet.
pub async fn is_first(session: &Session<'_>, plan: &Plan) -> Result<bool> {
    for stage in plan.stages.iter().rev() {
        let stacks = session.aws.stacks(&stage.region);
        if stacks.describe(&stage.stack_name).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The stacks that the manifest no longer puts anything into.
async fn former<'a>(session: &Session<'_>, left: &'a [Place]) -> Result<Vec<Standing<'a>>> {
    let mut found = Vec::new();
    for place in left.iter().rev() {
        found.extend(Standing::find_former(session, place).await?);
    }
    Ok(found)
}

/// The stages, in order; the outputs of one are parameters of the next. What is removed or replaced
/// was agreed to.
pub async fn stages(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    options: Options<'_>,
    picture: &Picture,
    agreed: &Agreed,
) -> Result<Vec<Done>> {
    let left = picture.left(plan);
    let mut former = match options.only {
        None => former(session, &left).await?,
        Some(_) => Vec::new(),
    };
    for standing in &mut former {
        standing.confirmed_as(agreed.stack(&standing.stack.id));
    }
    let mut run = Run {
        footprint: plan.footprint(),
        session,
        plan,
        picture,
        options,
        agreed,
        done: Vec::new(),
        lingering: Vec::new(),
    };
    for (stage, template) in plan.stages.iter().zip(&package.templates) {
        session.interrupt.check()?;
        run.stage(stage, template).await?;
    }
    // A stage that isn't looked at may run any version, or hold anything.
    if run.done.len() < plan.stages.len() {
        served::as_wanted(session, plan, &options.check(package), &run.done).await?;
        return Ok(run.done);
    }
    // No stage uses them any more, and the stages may hold what they used, and where they are.
    for standing in former {
        standing.take_former(session).await?;
    }
    if options.only.is_none() {
        artifacts::leave(session, &run.footprint, &left).await?;
        run.let_go().await?;
    }
    let done = run.done;
    served::as_wanted(session, plan, &options.check(package), &done).await?;
    versions::collect(session, plan, &done, usize::MAX).await?;
    edge_logs::retain(session, plan).await?;
    Ok(done)
}

/// A deployment under way.
struct Run<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan,
    /// As it was before the first change.
    picture: &'a Picture,
    options: Options<'a>,
    agreed: &'a Agreed,
    footprint: Footprint,
    done: Vec<Done>,
    /// The stages that still hold what later ones used.
    lingering: Vec<Held<'a>>,
}

/// A stage whose stack has more in it than is wanted in the end.
struct Held<'a> {
    stage: &'a Stage,
    template: &'a Template,
    parameters: BTreeMap<String, String>,
}

impl<'a> Run<'a> {
    async fn stage(&mut self, stage: &'a Stage, template: &'a Template) -> Result<()> {
        let session = self.session;
        trial::before(session, self.plan, stage, &self.done).await?;
        if skipped(stage, self.options.only) {
            return self.skip(stage).await;
        }
        self.heal(stage, template).await?;
        let bucket = artifacts::bucket_name(session, &self.footprint, &stage.region);
        let parameters = parameters(stage, &bucket, &self.done)?;
        let lingering = if is_last(self.plan, stage) {
            None
        } else {
            session
                .lingering(stage, template, self.options.only.is_none(), self.agreed)
                .await?
        };
        let for_now = lingering.as_ref().map_or(template, |it| &it.template);
        let job = Job::new(stage, for_now, &parameters);
        if let Some(lingering) = &lingering {
            session.tell_lingering(stage, lingering);
        }
        let body = artifacts::body(session, &self.footprint, stage, &for_now.text).await?;
        let ended = session.stage(&job, &body, &self.done, self.agreed).await?;
        if lingering.is_some() {
            self.lingering.push(Held {
                stage,
                template,
                parameters,
            });
        }
        self.done.push(ended);
        Ok(())
    }

    /// Drops what somebody deleted behind CloudFormation's back, so that the change that follows
    /// makes it again.
    async fn heal(&self, stage: &Stage, wanted: &Template) -> Result<()> {
        let session = self.session;
        let stacks = session.aws.stacks(&stage.region);
        let before = self.picture.stage(stage.name).map(|seen| &seen.case);
        if let Some(Case::Whole(_) | Case::Absent | Case::Reserved) = before {
            return Ok(());
        }
        // It may have been at work, and another run may have mended it by now.
        session.settled(&stacks, stage, self.agreed).await?;
        let seen = Seen::again(session, stage).await?;
        let (Some(stack), gone) = (&seen.stack, seen.gone()) else {
            return Ok(());
        };
        if gone.is_empty() {
            return Ok(());
        }
        let text = stacks.template(&stack.id).await?;
        let deployed = serde_json::from_str(&text)
            .context(|| format!("can't read the template of stack {}", stack.name))?;
        let between = match heal::healing(&deployed, gone) {
            Healing::Through(mut template) => {
                // Only there are the zips that were just uploaded.
                let bucket = artifacts::bucket_name(session, &self.footprint, &stage.region);
                if stack.parameters.get(names::ARTIFACT_BUCKET) == Some(&bucket) {
                    heal::take_code(&mut template, &wanted.value);
                }
                Template::new(stage.name, template)
            }
            Healing::Key(key) => return Err(key_is_gone(stage, &seen, &key)),
        };
        let what = format!(
            "{}: {}, which somebody deleted outside of CloudFormation",
            stage.name,
            heal::named(gone)
        );
        session.progress.step("Mending", &what);
        let job = Job::new(stage, &between, &stack.parameters).as_seen(stack);
        let body = artifacts::body(session, &self.footprint, stage, &between.text).await?;
        let mended = session.stage(&job, &body, &self.done, self.agreed);
        mended.await.map(drop)
    }

    /// With `--only`, the others stay as they are.
    async fn skip(&mut self, stage: &Stage) -> Result<()> {
        let only = self.options.only;
        let comes_after = self.done.iter().any(|done| Some(done.stage) == only);
        match self.session.standing(stage).await? {
            Some(standing) => self.done.push(standing),
            // Nothing that is deployed here depends on it.
            None if comes_after => {}
            None => return Err(missing(stage)),
        }
        Ok(())
    }

    /// The last one first: those before it may drop what it no longer uses.
    async fn let_go(&mut self) -> Result<()> {
        for held in std::mem::take(&mut self.lingering).into_iter().rev() {
            let job = Job::new(held.stage, held.template, &held.parameters).letting_go();
            let text = &held.template.text;
            let body = artifacts::body(self.session, &self.footprint, held.stage, text);
            let body = body.await?;
            let ended = self.session.stage(&job, &body, &[], self.agreed).await?;
            let before = self
                .done
                .iter_mut()
                .find(|done| done.stage == held.stage.name);
            if let Some(before) = before {
                *before = ended;
            }
        }
        Ok(())
    }
}

/// What it encrypted is lost with it: that isn't for a deployment to decide.
fn key_is_gone(stage: &Stage, seen: &Seen, key: &str) -> Failure {
    let mut resources = seen.resources.iter();
    let id = resources.find(|resource| resource.id == key);
    let id = id.map_or(key, |resource| resource.physical.as_str());
    let what = format!(
        "{}: key {id} of stack {} is gone, or its deletion is scheduled",
        stage.name, stage.stack_name
    );
    Failure::new(what).help(format!(
        "what it encrypted can't be read without it. A scheduled deletion is taken back with `aws kms cancel-key-deletion --key-id {id} --region {0}` and `aws kms enable-key --key-id {id} --region {0}`. If it is gone for good, run `frames remove`, then `frames deploy`",
        stage.region
    ))
}

fn missing(stage: &Stage) -> Failure {
    Failure::new(format!("stage {} is not deployed", stage.name))
        .help("deploy all stages: run `frames deploy` without --only")
}

/// What it gives up, no other stage uses.
pub(crate) fn is_last(plan: &Plan, stage: &Stage) -> bool {
    plan.stages.last().map(|last| last.name) == Some(stage.name)
}

pub(crate) fn skipped(stage: &Stage, only: Option<&str>) -> bool {
    only.is_some_and(|only| only != stage.name)
}

/// What a stage uses from earlier ones that isn't there yet.
pub(crate) fn new_outputs(stage: &Stage, done: &[Done]) -> Vec<String> {
    let wanted = stage.parameters.values().filter_map(|value| match value {
        Parameter::Output { stage, output } => Some((stage, output)),
        Parameter::ArtifactBucket => None,
    });
    let is_there = |stage: &str, output: &String| {
        done.iter()
            .any(|done| done.stage == stage && done.stack.outputs.contains_key(output))
    };
    wanted
        .filter(|(stage, output)| !is_there(stage, output))
        .map(|(_, output)| output.clone())
        .collect()
}

/// The values that a stage's parameters get.
pub(crate) fn parameters(
    stage: &Stage,
    bucket: &str,
    done: &[Done],
) -> Result<BTreeMap<String, String>> {
    values(stage.name, &stage.parameters, bucket, done)
}

/// The same for some of them.
pub(crate) fn values(
    stage: &str,
    parameters: &BTreeMap<String, Parameter>,
    bucket: &str,
    done: &[Done],
) -> Result<BTreeMap<String, String>> {
    let value = |parameter: &Parameter| match parameter {
        Parameter::ArtifactBucket => Ok(bucket.to_owned()),
        Parameter::Output {
            stage: from,
            output,
        } => {
            let before = done.iter().find(|done| done.stage == from);
            let value = before.and_then(|done| done.stack.outputs.get(output));
            value.cloned().ok_or_else(|| {
                Failure::new(format!(
                    "stage {stage} needs the output {output}, which stage {from} doesn't have"
                ))
                .help(format!(
                    "deploy {from} first: run `frames deploy` without --only"
                ))
            })
        }
    };
    let pairs = parameters
        .iter()
        .map(|(key, parameter)| Ok((key.clone(), value(parameter)?)));
    pairs.collect()
}

/// What scripts get in the end.
pub fn result(done: &[Done]) -> Value {
    let output = |name: &str| done.iter().find_map(|done| done.stack.outputs.get(name));
    let stages = done.iter().map(|done| {
        json!({
            "name": done.stage,
            "stackName": done.stack.name,
            "status": done.stack.status.0,
            "changed": done.changed,
        })
    });
    json!({
        "url": output("Url"),
        "distributionId": output(names::DISTRIBUTION_ID),
        "stages": stages.collect::<Vec<_>>(),
    })
}
