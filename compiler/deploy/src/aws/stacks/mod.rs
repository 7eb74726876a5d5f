//! CloudFormation: stacks, change sets, events.

mod change_sets;
mod drift;
mod events;
mod leaves;
mod others;
mod validation;

pub use change_sets::{Begun, Body, Change, ChangeSet, Made, Wanted};
pub use drift::{Detection, Drift};
pub use events::Event;
pub use leaves::Detail;
pub use others::Sought;
pub use validation::Validity;

use super::{Aws, errors, explain};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types;
use frames_compiler::failure::{Failure, Result};
use std::collections::BTreeMap;

/// The stacks of a Region.
#[derive(Debug, Clone)]
pub struct Stacks {
    client: Client,
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub id: String,
    pub name: String,
    pub status: Status,
    pub description: Option<String>,
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

    /// The operation has succeeded.
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

    /// A first deployment that failed: only leftovers are there.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: String,
    pub kind: String,
    pub physical: String,
    pub status: String,
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
    /// By name: `None` if it is gone. By id: deleted ones too.
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
        description: stack
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
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

/// A stack that vanished while it was being followed.
pub fn vanished(stack: &str) -> Failure {
    Failure::new(format!("stack {stack} is gone: somebody else deleted it"))
        .help("run the same command again, once nobody else is at work on this service")
}
