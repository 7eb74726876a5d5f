//! CloudFormation: stacks, change sets, events.

use super::{Aws, errors, explain};
use crate::failure::{Failure, Result};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{self, Capability, ChangeSetType};
use std::collections::BTreeMap;

/// The stacks of a Region.
#[derive(Debug, Clone)]
pub struct Stacks {
    client: Client,
    pub region: String,
}

#[derive(Debug, Clone)]
pub struct Stack {
    pub id: String,
    pub name: String,
    pub status: Status,
    pub reason: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    /// When its last change began, in seconds since 1970.
    pub changed: Option<i64>,
}

/// `UPDATE_COMPLETE` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status(pub String);

impl Status {
    pub fn is(&self, name: &str) -> bool {
        self.0 == name
    }

    /// CloudFormation is at work, or will be soon.
    pub fn in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && !self.is("REVIEW_IN_PROGRESS")
    }

    /// What was wanted has been reached.
    pub fn succeeded(&self) -> bool {
        matches!(
            self.0.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "DELETE_COMPLETE" | "IMPORT_COMPLETE"
        )
    }

    /// A whole stack, whose next change is an update.
    pub fn updatable(&self) -> bool {
        matches!(
            self.0.as_str(),
            "CREATE_COMPLETE"
                | "UPDATE_COMPLETE"
                | "UPDATE_ROLLBACK_COMPLETE"
                | "IMPORT_COMPLETE"
                | "IMPORT_ROLLBACK_COMPLETE"
                | "UPDATE_FAILED"
        )
    }

    /// A first deployment that failed: nothing but the leftovers stands.
    pub fn never_stood(&self) -> bool {
        matches!(
            self.0.as_str(),
            "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED"
        )
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a stack is to become.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub stack: &'a str,
    pub body: Body<'a>,
    pub parameters: &'a BTreeMap<String, String>,
    pub tags: &'a BTreeMap<String, String>,
}

/// CloudFormation takes 51,200 bytes in the request, and more from S3.
#[derive(Debug, Clone)]
pub enum Body<'a> {
    Text(&'a str),
    Url(String),
}

#[derive(Debug, Clone)]
pub struct ChangeSet {
    pub status: String,
    pub execution: String,
    pub reason: Option<String>,
    pub changes: Vec<Change>,
}

/// What happens to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `Add`, `Modify`, `Remove`, …
    pub action: String,
    pub resource: String,
    pub kind: String,
    /// `True`, `False` or `Conditional`, for `Modify`.
    pub replacement: Option<String>,
    /// `Retain`, for what CloudFormation lets go without deleting it.
    pub policy: Option<String>,
    pub details: Vec<Detail>,
}

/// A property that changes, and what makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    pub property: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub recreates: bool,
    pub cause: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// RFC 3339
    pub time: String,
    pub resource: String,
    /// What the service knows it by.
    pub physical_id: String,
    pub kind: String,
    pub status: String,
    pub reason: Option<String>,
    /// The event is the stack's own.
    pub of_stack: bool,
    /// Of the request that it came from.
    pub token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: String,
    pub kind: String,
    pub physical: String,
    pub status: String,
}

/// A resource that isn't as its template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub resource: String,
    pub kind: String,
    /// `MODIFIED`, `DELETED`
    pub status: String,
    pub properties: Vec<String>,
}

/// What became of a request to make a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    Made,
    /// One of this name is there already.
    Exists,
    /// The stack isn't in the state any more for which it was asked.
    Stale,
}

/// What became of a request to run one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    Begun,
    /// The stack has changed since, or the change set has been run or is gone.
    Stale,
}

impl Aws {
    pub fn stacks(&self, region: &str) -> Stacks {
        Stacks {
            client: self.cloudformation(region),
            region: region.to_owned(),
        }
    }
}

impl Stacks {
    /// By name: none if it is gone. By id: gone ones too.
    pub async fn describe(&self, stack: &str) -> Result<Option<Stack>> {
        let answer = self.client.describe_stacks().stack_name(stack).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if errors::message(&error).contains("does not exist") => return Ok(None),
            Err(error) => {
                let doing = format!("look at stack {stack} in {}", self.region);
                return Err(explain("cloudformation:DescribeStacks", &doing, error));
            }
        };
        Ok(answer.stacks().first().map(described))
    }

    /// The template as it was given.
    pub async fn template(&self, stack: &str) -> Result<String> {
        let asked = self.client.get_template().stack_name(stack);
        let answer = asked
            .template_stage(types::TemplateStage::Original)
            .send()
            .await;
        let answer = answer.map_err(|error| {
            explain(
                "cloudformation:GetTemplate",
                &format!("read the template of stack {stack}"),
                error,
            )
        })?;
        Ok(answer.template_body().unwrap_or_default().to_owned())
    }

    pub async fn resources(&self, stack: &str) -> Result<Vec<Resource>> {
        let mut pages = self
            .client
            .list_stack_resources()
            .stack_name(stack)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                explain(
                    "cloudformation:ListStackResources",
                    &format!("list what stack {stack} consists of"),
                    error,
                )
            })?;
            found.extend(
                page.stack_resource_summaries()
                    .iter()
                    .map(|resource| Resource {
                        id: text(resource.logical_resource_id()),
                        kind: text(resource.resource_type()),
                        physical: text(resource.physical_resource_id()),
                        status: text(resource.resource_status().map(|status| status.as_str())),
                    }),
            );
        }
        Ok(found)
    }

    pub async fn create_change_set(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        new: bool,
    ) -> Result<Made> {
        let kind = if new {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let asked = self.client.create_change_set();
        let asked = asked
            .stack_name(wanted.stack)
            .change_set_name(name)
            .client_token(name);
        let asked = asked
            .change_set_type(kind)
            .capabilities(Capability::CapabilityIam);
        let asked = match &wanted.body {
            Body::Text(text) => asked.template_body(*text),
            Body::Url(url) => asked.template_url(url),
        };
        let parameters = wanted.parameters.iter().map(|(key, value)| {
            types::Parameter::builder()
                .parameter_key(key)
                .parameter_value(value)
                .build()
        });
        let tags = wanted
            .tags
            .iter()
            .map(|(key, value)| types::Tag::builder().key(key).value(value).build());
        let asked = asked
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()));
        match asked.send().await {
            Ok(_) => Ok(Made::Made),
            Err(error) if errors::code(&error) == Some("AlreadyExistsException") => {
                Ok(Made::Exists)
            }
            Err(error) if has_moved_on(errors::message(&error), new) => Ok(Made::Stale),
            Err(error) => {
                let doing = format!("make a change set for stack {}", wanted.stack);
                Err(explain("cloudformation:CreateChangeSet", &doing, error))
            }
        }
    }

    /// None where it is gone.
    pub async fn change_set(&self, stack: &str, name: &str) -> Result<Option<ChangeSet>> {
        let mut found: Option<ChangeSet> = None;
        let mut next = None;
        loop {
            let asked = self
                .client
                .describe_change_set()
                .stack_name(stack)
                .change_set_name(name);
            let asked = asked
                .include_property_values(true)
                .set_next_token(next.take());
            let page = match asked.send().await {
                Ok(page) => page,
                Err(error)
                    if matches!(
                        errors::code(&error),
                        Some("ChangeSetNotFound" | "ChangeSetNotFoundException")
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) if errors::message(&error).contains("does not exist") => {
                    return Ok(None);
                }
                Err(error) => {
                    let doing = format!("read the change set of stack {stack}");
                    return Err(explain("cloudformation:DescribeChangeSet", &doing, error));
                }
            };
            let changes = page.changes().iter().filter_map(change);
            match &mut found {
                Some(found) => found.changes.extend(changes),
                None => found = Some(change_set(&page, changes.collect())),
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// One that is gone is as good as deleted.
    pub async fn delete_change_set(&self, stack: &str, name: &str) -> Result<()> {
        let asked = self
            .client
            .delete_change_set()
            .stack_name(stack)
            .change_set_name(name);
        match asked.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    errors::code(&error),
                    Some("ChangeSetNotFound" | "ChangeSetNotFoundException")
                ) =>
            {
                Ok(())
            }
            Err(error) if errors::message(&error).contains("does not exist") => Ok(()),
            Err(error) => {
                let doing = format!("delete the change set of stack {stack}");
                Err(explain("cloudformation:DeleteChangeSet", &doing, error))
            }
        }
    }

    pub async fn execute(&self, stack: &str, name: &str, token: &str) -> Result<Begun> {
        let asked = self
            .client
            .execute_change_set()
            .stack_name(stack)
            .change_set_name(name);
        match asked.client_request_token(token).send().await {
            Ok(_) => Ok(Begun::Begun),
            Err(error) if is_stale(errors::code(&error), errors::message(&error)) => {
                Ok(Begun::Stale)
            }
            Err(error) => {
                let doing = format!("change stack {stack}");
                Err(explain("cloudformation:ExecuteChangeSet", &doing, error))
            }
        }
    }

    pub async fn delete(&self, stack: &str, token: &str, retain: &[String]) -> Result<()> {
        let asked = self
            .client
            .delete_stack()
            .stack_name(stack)
            .client_request_token(token);
        let asked = asked.set_retain_resources((!retain.is_empty()).then(|| retain.to_vec()));
        asked.send().await.map(drop).map_err(|error| {
            explain(
                "cloudformation:DeleteStack",
                &format!("delete stack {stack}"),
                error,
            )
        })
    }

    pub async fn continue_rollback(&self, stack: &str, token: &str) -> Result<()> {
        let asked = self.client.continue_update_rollback().stack_name(stack);
        asked
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                explain(
                    "cloudformation:ContinueUpdateRollback",
                    &format!("go on with the rollback of stack {stack}"),
                    error,
                )
            })
    }

    /// The events after the given one, oldest first; all of them without one.
    pub async fn events(&self, stack: &str, after: Option<&str>) -> Result<Vec<Event>> {
        let mut pages = self
            .client
            .describe_stack_events()
            .stack_name(stack)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        'pages: while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::message(&error).contains("does not exist") => break,
                Err(error) => {
                    let doing = format!("follow stack {stack}");
                    return Err(explain("cloudformation:DescribeStackEvents", &doing, error));
                }
            };
            for event in page.stack_events() {
                if after.is_some() && event.event_id() == after {
                    break 'pages;
                }
                found.push(self::event(event));
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Some of the latest events, the newest first: what one call brings.
    pub async fn latest_events(&self, stack: &str) -> Result<Vec<Event>> {
        let asked = self.client.describe_stack_events().stack_name(stack);
        match asked.send().await {
            Ok(page) => Ok(page.stack_events().iter().map(event).collect()),
            Err(error) => {
                let doing = format!("look back at stack {stack}");
                Err(explain("cloudformation:DescribeStackEvents", &doing, error))
            }
        }
    }

    /// The newest event: what comes after it is new.
    pub async fn newest_event(&self, stack: &str) -> Result<Option<String>> {
        let answer = self
            .client
            .describe_stack_events()
            .stack_name(stack)
            .send()
            .await;
        match answer {
            Ok(page) => Ok(page
                .stack_events()
                .first()
                .and_then(|e| e.event_id())
                .map(str::to_owned)),
            Err(error) if errors::message(&error).contains("does not exist") => Ok(None),
            Err(error) => {
                let doing = format!("follow stack {stack}");
                Err(explain("cloudformation:DescribeStackEvents", &doing, error))
            }
        }
    }

    /// Begins to compare a stack with what is there. The detection's id.
    pub async fn detect_drift(&self, stack: &str) -> Result<String> {
        let answer = self
            .client
            .detect_stack_drift()
            .stack_name(stack)
            .send()
            .await;
        let answer = answer.map_err(|error| {
            let doing = format!("look for drift in stack {stack}");
            explain("cloudformation:DetectStackDrift", &doing, error)
        })?;
        Ok(text(answer.stack_drift_detection_id()))
    }

    pub async fn drift_is_known(&self, detection: &str) -> Result<bool> {
        let asked = self.client.describe_stack_drift_detection_status();
        let answer = asked.stack_drift_detection_id(detection).send().await;
        let answer = answer.map_err(|error| {
            let action = "cloudformation:DescribeStackDriftDetectionStatus";
            explain(action, "look for drift", error)
        })?;
        let status = answer.detection_status().map(|status| status.as_str());
        Ok(status != Some("DETECTION_IN_PROGRESS"))
    }

    pub async fn drifts(&self, stack: &str) -> Result<Vec<Drift>> {
        use types::StackResourceDriftStatus as DriftStatus;
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let asked = self
                .client
                .describe_stack_resource_drifts()
                .stack_name(stack)
                .stack_resource_drift_status_filters(DriftStatus::Modified)
                .stack_resource_drift_status_filters(DriftStatus::Deleted);
            let page = asked.set_next_token(next.take()).send().await;
            let page = page.map_err(|error| {
                let doing = format!("read the drift of stack {stack}");
                explain("cloudformation:DescribeStackResourceDrifts", &doing, error)
            })?;
            found.extend(page.stack_resource_drifts().iter().map(drift));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    pub async fn protect(&self, stack: &str, on: bool) -> Result<()> {
        let asked = self
            .client
            .update_termination_protection()
            .stack_name(stack);
        asked
            .enable_termination_protection(on)
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                explain(
                    "cloudformation:UpdateTerminationProtection",
                    &format!("set termination protection on stack {stack}"),
                    error,
                )
            })
    }

    pub async fn policy(&self, stack: &str) -> Result<Option<String>> {
        let answer = self
            .client
            .get_stack_policy()
            .stack_name(stack)
            .send()
            .await;
        let answer = answer.map_err(|error| {
            explain(
                "cloudformation:GetStackPolicy",
                &format!("read the stack policy of {stack}"),
                error,
            )
        })?;
        Ok(answer.stack_policy_body().map(str::to_owned))
    }

    pub async fn set_policy(&self, stack: &str, policy: &str) -> Result<()> {
        let asked = self
            .client
            .set_stack_policy()
            .stack_name(stack)
            .stack_policy_body(policy);
        asked.send().await.map(drop).map_err(|error| {
            explain(
                "cloudformation:SetStackPolicy",
                &format!("set the stack policy of {stack}"),
                error,
            )
        })
    }
}

/// Somebody else began something with the stack, made it, or deleted it.
fn has_moved_on(message: &str, new: bool) -> bool {
    message.contains("_IN_PROGRESS state")
        || (new && message.contains("already exists and cannot be created again"))
        || (!new && message.contains("does not exist"))
}

/// Anything but the stack being at work with something else.
fn is_stale(code: Option<&str>, message: &str) -> bool {
    matches!(
        code,
        Some(
            "ChangeSetNotFound"
                | "ChangeSetNotFoundException"
                | "InvalidChangeSetStatus"
                | "InvalidChangeSetStatusException"
        )
    ) || message.contains("_IN_PROGRESS state")
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn described(stack: &types::Stack) -> Stack {
    let pairs = |pairs: Vec<(Option<&str>, Option<&str>)>| {
        let pairs = pairs.into_iter();
        pairs
            .filter_map(|(key, value)| Some((key?.to_owned(), value?.to_owned())))
            .collect()
    };
    let parameters = stack.parameters().iter();
    let outputs = stack.outputs().iter();
    let tags = stack.tags().iter();
    Stack {
        id: text(stack.stack_id()),
        name: text(stack.stack_name()),
        status: Status(text(stack.stack_status().map(|status| status.as_str()))),
        reason: stack.stack_status_reason().map(str::to_owned),
        parameters: pairs(
            parameters
                .map(|p| (p.parameter_key(), p.parameter_value()))
                .collect(),
        ),
        outputs: pairs(
            outputs
                .map(|o| (o.output_key(), o.output_value()))
                .collect(),
        ),
        tags: pairs(tags.map(|t| (t.key(), t.value())).collect()),
        termination_protection: stack.enable_termination_protection().unwrap_or_default(),
        changed: stack
            .last_updated_time()
            .or(stack.creation_time())
            .map(|time| time.secs()),
    }
}

fn change_set(page: &DescribeChangeSetOutput, changes: Vec<Change>) -> ChangeSet {
    ChangeSet {
        status: text(page.status().map(|status| status.as_str())),
        execution: text(page.execution_status().map(|status| status.as_str())),
        reason: page.status_reason().map(str::to_owned),
        changes,
    }
}

fn change(change: &types::Change) -> Option<Change> {
    let change = change.resource_change()?;
    Some(Change {
        action: text(change.action().map(|action| action.as_str())),
        resource: text(change.logical_resource_id()),
        kind: text(change.resource_type()),
        replacement: change.replacement().map(|r| r.as_str().to_owned()),
        policy: change
            .policy_action()
            .map(|policy| policy.as_str().to_owned()),
        details: change.details().iter().filter_map(detail).collect(),
    })
}

fn detail(detail: &types::ResourceChangeDetail) -> Option<Detail> {
    let target = detail.target()?;
    let property = match target.path() {
        Some(path) if !path.is_empty() => path.to_owned(),
        _ => [target.attribute().map(|a| a.as_str()), target.name()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("/"),
    };
    Some(Detail {
        property,
        before: target.before_value().map(str::to_owned),
        after: target.after_value().map(str::to_owned),
        recreates: target
            .requires_recreation()
            .is_some_and(|r| r.as_str() != "Never"),
        cause: detail.causing_entity().map(str::to_owned),
    })
}

fn drift(drift: &types::StackResourceDrift) -> Drift {
    let differences = drift.property_differences().iter();
    let status = drift.stack_resource_drift_status();
    Drift {
        resource: text(drift.logical_resource_id()),
        kind: text(drift.resource_type()),
        status: text(status.map(|status| status.as_str())),
        properties: differences
            .map(|difference| text(difference.property_path()))
            .collect(),
    }
}

fn event(event: &types::StackEvent) -> Event {
    use aws_sdk_cloudformation::primitives::DateTimeFormat;
    let time = event
        .timestamp()
        .and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
    Event {
        id: text(event.event_id()),
        time: time.unwrap_or_default(),
        resource: text(event.logical_resource_id()),
        physical_id: text(event.physical_resource_id()),
        kind: text(event.resource_type()),
        status: text(event.resource_status().map(|status| status.as_str())),
        reason: event.resource_status_reason().map(str::to_owned),
        of_stack: event.physical_resource_id().is_some()
            && event.physical_resource_id() == event.stack_id(),
        token: event.client_request_token().map(str::to_owned),
    }
}

/// A stack that vanished while it was being followed.
pub fn vanished(stack: &str) -> Failure {
    Failure::new(format!("stack {stack} is gone: somebody else deleted it"))
        .help("run the same command again, once nobody else is at work on this service")
}
