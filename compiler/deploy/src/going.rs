//! What a removal deletes: found, shown and confirmed before anything changes. Ownership decides:
//! this environment's stacks and what they hold, objects whose keys frames made, the functions' own logs.

use super::artifacts::Artifacts;
use super::edge_logs::{self, Found};
use super::report::count;
use super::session::Session;
use super::stage::Done;
use super::summary::{self, Kind, Leaving};
use super::teardown::{self, BUCKET, DISTRIBUTION, FUNCTION, KEY};
use crate::aws::EDGE_REGION;
use crate::aws::stacks::{Resource, Stack, Stacks};
use crate::picture::case::Case;
use crate::picture::serving::{Ours, Serving};
use crate::picture::{self, Picture, Seen};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Place};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Show what would be removed, and change nothing.
    pub dry_run: bool,
    /// How long to wait for replicas.
    pub wait: Duration,
    pub delete_logs: bool,
    /// Keep functions that replicas hold, and list them.
    pub abandon: bool,
    /// The authorizer's log has an audit record.
    pub audit: bool,
}

/// How many of what stays are named.
const NAMED: usize = 3;

/// Of a log group.
const WITH_AUDIT: &str = ", with the audit record in it";

pub(crate) struct Going<'a> {
    /// The last stage first.
    pub stages: Vec<Standing<'a>>,
    /// By Region.
    pub artifacts: Vec<Artifacts>,
    pub log_groups: Vec<Found>,
    /// Who runs the functions.
    pub serving: Serving,
    /// The authorizer's log group, in each Region.
    audit_group: String,
}

/// A stage to remove.
pub(crate) struct Standing<'a> {
    pub stage: &'a Place,
    pub stacks: Stacks,
    pub stack: Stack,
    pub contents: Contents,
    /// What somebody had deleted of it before, as far as that is known.
    gone: BTreeSet<String>,
    /// What was in it when its removal was confirmed.
    shown: BTreeSet<String>,
}

/// What a stack consists of.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub resources: Vec<Resource>,
    /// As deployed; null for a stack that never had one.
    pub template: Value,
    /// Something that is kept is encrypted with the logs' key, and unreadable without it.
    pub key_is_needed: bool,
}

impl<'a> Going<'a> {
    /// By the picture of all stages, without a comparison: whatever is gone of them needn't be made.
    pub(crate) async fn find(session: &Session<'_>, footprint: &'a Footprint) -> Result<Self> {
        let places: Vec<&Place> = footprint.stages.iter().chain(&footprint.former).collect();
        let picture = Picture::glance(session, places.iter().copied()).await?;
        let mut stages = Vec::new();
        for (place, seen) in places.into_iter().zip(picture.stages).rev() {
            let standing = if footprint.former.contains(place) {
                Standing::of_former(session, place, seen).await?
            } else {
                Standing::of_stage(session, place, seen).await?
            };
            stages.extend(standing);
        }
        let key_is_needed = stages
            .iter()
            .any(|standing: &Standing<'_>| teardown::needs_logs_key(&standing.contents.template));
        for standing in &mut stages {
            standing.contents.key_is_needed = key_is_needed;
        }
        // A stack that isn't deployed may belong to somebody else, and has made nothing.
        let made = stages
            .iter()
            .filter(|standing| !standing.stack.status.is("REVIEW_IN_PROGRESS"));
        let names: Vec<&str> = made.map(|standing| standing.stage.name).collect();
        let mut ours = Ours::default();
        for standing in &stages {
            ours.extend(standing.contents.ours());
        }
        if stages.is_empty() {
            // An earlier removal may have left them behind.
            let functions = footprint.functions.iter().map(|it| it.name.clone());
            ours.functions.extend(functions);
        }
        Ok(Self {
            artifacts: Artifacts::all(session, footprint).await?,
            log_groups: edge_logs::own(session, footprint, &names).await?,
            serving: Serving::look(session, ours).await?,
            audit_group: names::log_group(&names::function(
                &footprint.service,
                &footprint.env,
                names::AUTHORIZER,
            )),
            stages,
        })
    }

    /// Whether what is deployed writes an audit record, whatever the manifest says now.
    pub(crate) fn audits(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|standing| standing.contents.audits())
    }

    /// The Regions whose log groups have the audit record.
    fn audited_in(&self, options: Options) -> Vec<&str> {
        if !options.audit {
            return Vec::new();
        }
        let id = names::log_group_id(names::AUTHORIZER);
        let has_it = |standing: &&Standing<'_>| standing.contents.resources().any(|it| it.id == id);
        let stages = self.stages.iter().filter(has_it);
        let stages = stages.map(|standing| standing.stage.region.as_str());
        let others = self.log_groups.iter();
        let others = others.filter(|(_, group)| group.name == self.audit_group);
        stages
            .chain(others.map(|(groups, _)| groups.region.as_str()))
            .collect()
    }

    /// What the question says of it.
    pub(crate) fn with_the_audit(&self, options: Options) -> String {
        match self.audited_in(options).len() {
            0 => String::new(),
            regions => format!(
                " The audit record goes with it, in {}.",
                count(regions, "Region")
            ),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.own_keys() == 0 && self.log_groups.is_empty()
    }

    /// Why the removal is refused, where a stack is protected.
    pub(crate) fn protected(&self) -> Option<Failure> {
        let mut stages = self.stages.iter();
        let standing = stages.find(|standing| standing.stack.termination_protection)?;
        let (name, region) = (&standing.stack.name, &standing.stage.region);
        let what = format!("stack {name} is protected from deletion");
        Some(Failure::new(what).help(format!(
            "set `deploy.terminationProtection: false`, run `frames deploy`, then `frames remove`. Without a manifest, or where \
             `frames deploy` can't work, take the protection off each stack: `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name} --region {region}`"
        )))
    }

    pub(crate) fn tell(&self, session: &Session<'_>, options: Options) {
        let progress = &session.progress;
        for standing in &self.stages {
            standing.tell(session, options);
        }
        for artifacts in &self.artifacts {
            let (keys, versions) = (artifacts.keys(), artifacts.own.len());
            if !keys.is_empty() {
                let versions = if versions == keys.len() {
                    String::new()
                } else {
                    format!(", in {versions} versions")
                };
                let (what, bucket) = (count(keys.len(), "artifact"), &artifacts.bucket.name);
                let what = format!("{what} in bucket {bucket}{versions}");
                progress.step("To go", &what);
            }
            for key in keys {
                progress.note(format!("   - {key}").into());
            }
        }
        if !self.log_groups.is_empty() {
            let what = count(self.log_groups.len(), "log group");
            progress.step(
                "To go",
                &format!("{what} of the functions in other Regions"),
            );
        }
        for (groups, group) in &self.log_groups {
            let is_audit = options.audit && group.name == self.audit_group;
            let with = if is_audit { WITH_AUDIT } else { "" };
            progress.note(format!("   - {} ({}){with}", group.name, groups.region).into());
        }
        let audited = self.audited_in(options);
        if !audited.is_empty() {
            let what = format!(
                "the audit record (`logs.audit`): all lines of {}, in {} ({})",
                self.audit_group,
                count(audited.len(), "Region"),
                audited.join(", ")
            );
            progress.step("To go", &what);
        }
        for one in self.serving.foreign() {
            let what = format!(
                "{}, and belongs to none of these stacks: what this distribution uses can't be deleted",
                self.serving.tell(one)
            );
            progress.step("In use", &what);
        }
    }

    /// What stays: objects below the same prefix that frames didn't make.
    pub(crate) fn tell_others(&self, session: &Session<'_>) {
        for artifacts in self.artifacts.iter().filter(|it| !it.others.is_empty()) {
            let others = &artifacts.others;
            let strip = |name: &String| {
                let short = name.strip_prefix(&artifacts.prefix);
                short.unwrap_or(name).to_owned()
            };
            let mut named: Vec<String> = others.iter().take(NAMED).map(strip).collect();
            if others.len() > NAMED {
                named.push(format!("{} more", others.len() - NAMED));
            }
            let what = format!(
                "objects below {} in bucket {} that frames didn't make: {}",
                artifacts.prefix,
                artifacts.bucket.name,
                named.join(", ")
            );
            session.progress.step("Keeping", &what);
        }
    }

    /// `2 stacks, 3 artifacts, 1 log group`
    pub(crate) fn counts(&self, options: Options) -> String {
        let buckets = self
            .stages
            .iter()
            .map(|standing| standing.contents.log_buckets());
        let buckets = if options.delete_logs {
            buckets.map(|buckets| buckets.len()).sum()
        } else {
            0
        };
        let all = [
            (self.stages.len(), "stack"),
            (self.own_keys(), "artifact"),
            (self.log_groups.len(), "log group"),
            (buckets, "bucket of access logs"),
        ];
        let some = all.into_iter().filter(|(number, _)| *number > 0);
        let some: Vec<String> = some.map(|(number, what)| count(number, what)).collect();
        some.join(", ")
    }

    fn own_keys(&self) -> usize {
        let artifacts = self.artifacts.iter();
        artifacts.map(|artifacts| artifacts.keys().len()).sum()
    }

    /// The stages, as a dry run's result has them.
    pub(crate) fn dry(&self) -> Vec<Done> {
        let stages = self.stages.iter();
        let done = stages.map(|standing| Done::changed(standing.stage, standing.stack.clone()));
        done.collect()
    }

    /// What scripts get, beside the stages.
    pub(crate) fn json(&self, options: Options) -> Value {
        let resources = self.stages.iter().flat_map(|standing| {
            standing.contents.resources().map(move |resource| {
                json!({
                    "stage": standing.stage.name,
                    "resource": resource.id,
                    "type": resource.kind,
                    "kept": standing.contents.is_kept(resource, options),
                })
            })
        });
        let artifacts = |at_the_edge: bool| {
            let of = move |it: &&Artifacts| (it.region == EDGE_REGION) == at_the_edge;
            self.artifacts.iter().filter(of).map(|artifacts| {
                json!({
                    "bucket": artifacts.bucket.name,
                    "keys": artifacts.keys(),
                    "others": artifacts.others,
                })
            })
        };
        let groups = self.log_groups.iter();
        let groups =
            groups.map(|(groups, group)| json!({"region": groups.region, "name": group.name}));
        let buckets = self
            .stages
            .iter()
            .flat_map(|standing| standing.contents.log_buckets());
        let buckets = buckets.filter(|_| options.delete_logs);
        json!({
            "protected": self.protected().is_some(),
            "resources": resources.collect::<Vec<_>>(),
            "artifacts": artifacts(true).next(),
            "artifactsElsewhere": artifacts(false).collect::<Vec<_>>(),
            "logGroups": groups.collect::<Vec<_>>(),
            "logBuckets": buckets.collect::<Vec<_>>(),
        })
    }
}

impl<'a> Standing<'a> {
    async fn of_stage(session: &Session<'_>, place: &'a Place, seen: Seen) -> Result<Option<Self>> {
        match (&seen.case, &seen.stack) {
            (Case::Absent | Case::ReservedByOther(_), _) | (_, None) => Ok(None),
            (Case::Foreign, Some(stack)) => Err(picture::foreign(place, stack)),
            _ => Self::of(session, place, seen).await,
        }
    }

    /// The same for a stack that the manifest no longer asks for: one that belongs to somebody else,
    /// or was never made, is nobody's business here.
    async fn of_former(
        session: &Session<'_>,
        place: &'a Place,
        seen: Seen,
    ) -> Result<Option<Self>> {
        match seen.case {
            Case::Absent | Case::Reserved | Case::ReservedByOther(_) | Case::Foreign => Ok(None),
            _ => Self::of(session, place, seen).await,
        }
    }

    pub(crate) async fn find_former(
        session: &Session<'_>,
        place: &'a Place,
    ) -> Result<Option<Self>> {
        let seen = Seen::glance(session, place).await?;
        Self::of_former(session, place, seen).await
    }

    async fn of(session: &Session<'_>, stage: &'a Place, seen: Seen) -> Result<Option<Self>> {
        let gone = seen.gone().iter().map(|gone| gone.id.clone()).collect();
        let Some(stack) = seen.stack else {
            return Ok(None);
        };
        let mut standing = Self {
            stage,
            stacks: session.aws.stacks(&stage.region),
            stack,
            contents: Contents {
                resources: seen.resources,
                ..Contents::default()
            },
            gone,
            shown: BTreeSet::new(),
        };
        standing.read_template().await?;
        Ok(Some(standing))
    }

    /// The yes is for what is in it now.
    pub(crate) fn confirmed(&mut self) {
        self.shown = self.contents.ids();
    }

    /// The same, where it was for what was in it at an earlier look.
    pub(crate) fn confirmed_as(&mut self, shown: BTreeSet<String>) {
        self.shown = shown;
    }

    /// What has come since, if anything.
    pub(crate) fn come_since(&self) -> Vec<String> {
        self.contents
            .ids()
            .difference(&self.shown)
            .cloned()
            .collect()
    }

    /// What the stack consists of now.
    pub(crate) async fn look(&mut self) -> Result<()> {
        self.contents.resources = self.stacks.resources(&self.stack.id).await?;
        self.read_template().await
    }

    async fn read_template(&mut self) -> Result<()> {
        let status = &self.stack.status;
        if !status.is("REVIEW_IN_PROGRESS") && !status.is("DELETE_COMPLETE") {
            let text = self.stacks.template(&self.stack.id).await?;
            self.contents.template = serde_json::from_str(&text)
                .context(|| format!("can't read the template of stack {}", self.stack.name))?;
        }
        Ok(())
    }

    pub(crate) fn tell(&self, session: &Session<'_>, options: Options) {
        let resources = self.contents.resources();
        let leaving = resources.map(|resource| self.leaving(resource, options));
        let leaving: Vec<Leaving<'_>> = leaving.collect();
        let all = count(leaving.len(), "resource");
        let is_kept = |one: &&Leaving<'_>| one.what == Kind::Keep;
        let count = match leaving.iter().filter(is_kept).count() {
            0 => all,
            1 => format!("{all}, of which 1 stays"),
            kept => format!("{all}, of which {kept} stay"),
        };
        let what = format!(
            "stack {} in {} ({count})",
            self.stack.name, self.stage.region
        );
        session.progress.step("To go", &what);
        session.progress.note(summary::removed(leaving));
        for bucket in self.contents.log_buckets() {
            if options.delete_logs {
                let what = format!("bucket {bucket} with all access logs in it");
                session.progress.step("To go", &what);
            }
        }
    }

    fn leaving<'b>(&'b self, resource: &'b Resource, options: Options) -> Leaving<'b> {
        let contents = &self.contents;
        let (what, why) = if self.gone.contains(&resource.id) {
            (Kind::Remove, ", which is gone already")
        } else if contents.is_kept(resource, options) {
            let why = teardown::why_kept(
                &contents.template,
                &resource.id,
                &resource.kind,
                contents.key_is_needed,
            );
            (Kind::Keep, why)
        } else if options.audit && resource.id == names::log_group_id(names::AUTHORIZER) {
            (Kind::Remove, WITH_AUDIT)
        } else {
            (Kind::Remove, "")
        };
        Leaving {
            resource: &resource.id,
            kind: &resource.kind,
            what,
            why,
        }
    }
}

impl Contents {
    /// Whether one of its log groups has the audit record.
    fn audits(&self) -> bool {
        let resources = self.template["Resources"].as_object();
        let mut resources = resources.into_iter().flatten();
        resources.any(|(_, resource)| resource["Metadata"][names::HOLDS_AUDIT] == true)
    }

    /// The buckets of access logs, without any that an overlay has added.
    pub(crate) fn log_buckets(&self) -> Vec<String> {
        self.physical(|resource| {
            resource.kind == BUCKET && teardown::is_of_logs(&self.template, &resource.id)
        })
    }

    pub(crate) fn distributions(&self) -> Vec<String> {
        self.names(|resource| resource.kind == DISTRIBUTION)
    }

    /// What distributions may use of it.
    pub(crate) fn ours(&self) -> Ours {
        Ours {
            functions: self.functions().into_iter().collect(),
            policies: picture::policies(&self.resources).collect(),
            distributions: self.distributions().into_iter().collect(),
        }
    }

    /// The functions deleted with the stack, without those that an overlay keeps.
    pub(crate) fn functions(&self) -> Vec<String> {
        self.physical(|resource| {
            let retained = teardown::is_retained(&self.template, &resource.id);
            resource.kind == FUNCTION && !retained
        })
    }

    /// The physical ids of the resources that the stack made. A resource that couldn't be made is left
    /// out: its name may be in use by somebody else.
    fn physical(&self, wanted: impl Fn(&Resource) -> bool) -> Vec<String> {
        self.names(|resource| resource.status != "CREATE_FAILED" && wanted(resource))
    }

    fn names(&self, wanted: impl Fn(&Resource) -> bool) -> Vec<String> {
        let named = self.resources().filter(|r| !r.physical.is_empty());
        let wanted = named.filter(|resource| wanted(resource));
        wanted.map(|resource| resource.physical.clone()).collect()
    }

    /// The resources that still exist.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Resource> {
        let resources = self.resources.iter();
        resources.filter(|resource| resource.status != "DELETE_COMPLETE")
    }

    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.resources()
            .map(|resource| resource.id.clone())
            .collect()
    }

    /// Whether the resource outlives the stack. Versions go with their functions.
    pub(crate) fn is_kept(&self, resource: &Resource, options: Options) -> bool {
        let with_the_logs = teardown::goes_with_logs(&self.template, &resource.id)
            && !(self.key_is_needed && resource.kind == KEY);
        teardown::is_retained(&self.template, &resource.id)
            && resource.kind != teardown::VERSION
            && !(options.delete_logs && with_the_logs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: &str, kind: &str, physical: &str, status: &str) -> Resource {
        Resource {
            id: id.to_owned(),
            kind: kind.to_owned(),
            physical: physical.to_owned(),
            status: status.to_owned(),
        }
    }

    /// A function of somebody else was in the way; the stack has only its name.
    #[test]
    fn what_couldnt_be_made_isnt_the_stacks() {
        let name = "heart-dev-authorizer";
        let mut contents = Contents {
            resources: vec![resource(
                "AuthorizerFunction",
                FUNCTION,
                name,
                "CREATE_FAILED",
            )],
            template: Value::Null,
            key_is_needed: false,
        };
        assert_eq!(contents.functions(), Vec::<String>::new());
        // A deletion that failed is another matter.
        contents.resources[0].status = "DELETE_FAILED".to_owned();
        assert_eq!(contents.functions(), [name]);
        contents.resources[0].status = "DELETE_COMPLETE".to_owned();
        assert_eq!(contents.functions(), Vec::<String>::new());
    }

    /// CloudFront chooses the ids of distributions, so one belongs to the stack in any state: even
    /// then it may serve.
    #[test]
    fn a_distribution_is_the_stacks_in_any_state() {
        let contents = Contents {
            resources: vec![resource(
                "Distribution",
                DISTRIBUTION,
                "E1",
                "CREATE_FAILED",
            )],
            template: Value::Null,
            key_is_needed: false,
        };
        assert_eq!(contents.distributions(), ["E1"]);
    }
}
