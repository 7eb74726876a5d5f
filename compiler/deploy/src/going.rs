//! What a removal deletes: found, shown and confirmed before anything changes. Ownership decides:
//! this environment's stacks and what they hold, objects whose keys frames made, the functions' own logs.

use super::artifacts::Artifacts;
use super::edge_logs::{self, Found};
use super::report::count;
use super::session::Session;
use super::stage::Done;
use super::standing::{Options, Standing, WITH_AUDIT};
use super::teardown;
use crate::aws::EDGE_REGION;
use crate::picture::Picture;
use crate::picture::serving::{Ours, Serving};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Footprint, Place};
use serde_json::{Value, json};

/// How many of what stays are named.
const NAMED: usize = 3;

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
        let has_it = |standing: &&Standing<'_>| standing.contents.has_audit_group();
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
