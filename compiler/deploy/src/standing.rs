//! A stack that may be deleted, and what it consists of.

use super::agreed::Shown;
use super::report::count;
use super::session::Session;
use super::summary::{self, Kind, Leaving};
use super::teardown::{self, BUCKET, DISTRIBUTION, FUNCTION, KEY};
use crate::aws::stacks::{Change, Resource, Stack, Stacks};
use crate::picture::case::Case;
use crate::picture::serving::Ours;
use crate::picture::{self, Seen};
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use frames_compiler::plan::Place;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Of a log group.
pub(crate) const WITH_AUDIT: &str = ", with the audit record in it";

/// How stacks are removed.
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
        // The one isn't the stack's any more, the other was never made: but a distribution may serve
        // even then, and its id is nobody else's.
        let is_left = |it: &Resource| match it.status.as_str() {
            "DELETE_SKIPPED" => false,
            "CREATE_FAILED" => it.kind == DISTRIBUTION && !it.physical.is_empty(),
            _ => true,
        };
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

    /// All that goes with the stack, as changes.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let changes = self.contents.resources().map(|resource| Change {
            action: "Remove".to_owned(),
            resource: resource.id.clone(),
            kind: resource.kind.clone(),
            replacement: None,
            policy: Some(if self.contents.is_kept(resource, Options::default()) {
                "Retain".to_owned()
            } else {
                summary::WITH_ITS_STACK.to_owned()
            }),
            details: vec![],
            leaves: vec![],
        });
        changes.collect()
    }

    /// Whether the audit record goes with it.
    pub(crate) fn takes_the_audit(&self) -> bool {
        self.contents.audits() && self.contents.has_audit_group()
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

    /// Whether it has the log group that an audit record is in, if there is one.
    pub(crate) fn has_audit_group(&self) -> bool {
        let id = names::log_group_id(names::AUTHORIZER);
        self.resources().any(|resource| resource.id == id)
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

    /// Those of them that edge locations may hold a replica of.
    pub(crate) fn replicated(&self) -> Vec<String> {
        self.physical(|resource| {
            let retained = teardown::is_retained(&self.template, &resource.id);
            let replicated = teardown::may_be_replicated(&self.template, &resource.id);
            resource.kind == FUNCTION && !retained && replicated
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
    fn a_function_that_the_edge_may_not_run_has_no_replicas() {
        let made = |id, name| resource(id, FUNCTION, name, "CREATE_COMPLETE");
        let trusts = |service: &str| {
            json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
                "Statement": [{"Principal": {"Service": ["lambda.amazonaws.com", service]}}],
            }}})
        };
        let with = |role: Value| json!({"Type": FUNCTION, "Properties": {"Role": role}});
        let of = |role: &str| with(json!({"Fn::GetAtt": [role, "Arn"]}));
        let contents = Contents {
            resources: vec![
                made("ReaderFunction", "heart-dev-reader"),
                made("SignerFunction", "heart-dev-signer"),
                made("OtherFunction", "heart-dev-other"),
            ],
            template: json!({"Resources": {
                "ReaderFunction": of("ReaderRole"),
                "ReaderRole": trusts("lambda.amazonaws.com"),
                "SignerFunction": of("SignerRole"),
                "SignerRole": trusts("edgelambda.amazonaws.com"),
                // Whom that role trusts isn't known here.
                "OtherFunction": with(json!("arn:aws:iam::111122223333:role/other")),
            }}),
            key_is_needed: false,
        };
        assert_eq!(
            contents.replicated(),
            ["heart-dev-signer", "heart-dev-other"]
        );
        assert_eq!(contents.functions().len(), 3);
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
