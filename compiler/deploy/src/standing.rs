//! A stack that may be deleted, and what it consists of.

use super::going::Options;
use super::report::count;
use super::session::Session;
use super::summary::{self, Kind, Leaving};
use super::teardown::{self, BUCKET, DISTRIBUTION, FUNCTION, KEY};
use crate::aws::stacks::{Resource, Stack, Stacks};
use crate::picture::case::Case;
use crate::picture::serving::Ours;
use crate::picture::{self, Seen};
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use frames_compiler::plan::Place;
use serde_json::Value;
use std::collections::BTreeSet;

/// Of a log group.
pub(crate) const WITH_AUDIT: &str = ", with the audit record in it";

/// A stage to remove.
pub(crate) struct Standing<'a> {
    pub stage: &'a Place,
    pub stacks: Stacks,
    pub stack: Stack,
    pub contents: Contents,
    /// What somebody had deleted of it before, as far as that is known.
    gone: BTreeSet<String>,
    /// What was known of it when its removal was confirmed.
    shown: Shown,
}

/// What somebody agreed to lose with a stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The ids of its resources.
    pub ids: BTreeSet<String>,
    /// That it was protected from deletion, too.
    pub protected: bool,
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

impl<'a> Standing<'a> {
    /// What is left of a stack that is deleted before the stage is made anew.
    pub(crate) async fn left(
        session: &Session<'_>,
        place: &'a Place,
        stack: &Stack,
    ) -> Result<Self> {
        let mut standing = Self {
            stage: place,
            stacks: session.aws.stacks(&place.region),
            stack: stack.clone(),
            contents: Contents::default(),
            gone: BTreeSet::new(),
            shown: Shown::default(),
        };
        standing.look().await?;
        // The one was never made, the other isn't the stack's any more.
        let is_left = |it: &Resource| !["CREATE_FAILED", "DELETE_SKIPPED"].contains(&&*it.status);
        standing.contents.resources.retain(is_left);
        Ok(standing)
    }

    pub(crate) async fn of_stage(
        session: &Session<'_>,
        place: &'a Place,
        seen: Seen,
    ) -> Result<Option<Self>> {
        match (&seen.case, &seen.stack) {
            (Case::Absent | Case::ReservedByOther(_), _) | (_, None) => Ok(None),
            (Case::Foreign, Some(stack)) => Err(picture::foreign(place, stack)),
            _ => Self::of(session, place, seen).await,
        }
    }

    /// The same for a stack that the manifest no longer asks for: one that belongs to somebody else,
    /// or was never made, is nobody's business here.
    pub(crate) async fn of_former(
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
            shown: Shown::default(),
        };
        standing.read_template().await?;
        Ok(Some(standing))
    }

    /// The yes is for what is in it now.
    pub(crate) fn confirmed(&mut self) {
        self.shown = Shown {
            ids: self.contents.ids(),
            protected: self.stack.termination_protection,
        };
    }

    /// The same, where it was for what was in it at an earlier look.
    pub(crate) fn confirmed_as(&mut self, shown: Shown) {
        self.shown = shown;
    }

    /// What has come since, if anything.
    pub(crate) fn come_since(&self) -> Vec<String> {
        self.contents
            .ids()
            .difference(&self.shown.ids)
            .cloned()
            .collect()
    }

    /// Whether somebody has protected it since.
    pub(crate) fn protected_since(&self) -> bool {
        self.stack.termination_protection && !self.shown.protected
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
    pub(crate) fn audits(&self) -> bool {
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

    /// Those of them that edge locations may hold a replica of. One with a URL is called by that.
    pub(crate) fn replicated(&self) -> Vec<String> {
        self.physical(|resource| {
            let has_url = !teardown::urls(&self.template, &resource.id).is_empty();
            let retained = teardown::is_retained(&self.template, &resource.id);
            resource.kind == FUNCTION && !retained && !has_url
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
    use serde_json::json;

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

    /// Nobody waits for replicas of the reader, whatever its stack is called.
    #[test]
    fn a_function_with_a_url_has_no_replicas() {
        let made = |id, name| resource(id, FUNCTION, name, "CREATE_COMPLETE");
        let target = json!({"TargetFunctionArn": {"Ref": "ReaderFunction"}, "Qualifier": "live"});
        let contents = Contents {
            resources: vec![
                made("ReaderFunction", "heart-dev-reader"),
                made("SignerFunction", "heart-dev-signer"),
            ],
            template: json!({"Resources": {
                "ReaderUrl": {"Type": "AWS::Lambda::Url", "Properties": target},
            }}),
            key_is_needed: false,
        };
        assert_eq!(contents.replicated(), ["heart-dev-signer"]);
        assert_eq!(contents.functions().len(), 2);
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
