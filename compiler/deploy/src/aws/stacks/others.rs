//! Stacks beside a run's own: all of a Region by name, and one where the caller may be kept out.

use super::{Stack, Stacks, described};
use crate::aws::{errors, explain};
use aws_sdk_cloudformation::types::StackStatus;
use frames_compiler::failure::Result;

/// A stack that somebody may not be allowed to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    Found(Box<Stack>),
    Absent,
    /// The account keeps the caller out.
    Closed,
}

impl Stacks {
    /// By name, where the caller may be kept out of the Region, or of this stack.
    pub async fn seek(&self, stack: &str) -> Result<Sought> {
        let answer = self.client.describe_stacks().stack_name(stack).send().await;
        match answer {
            Ok(answer) => Ok(answer.stacks().first().map_or(Sought::Absent, |stack| {
                Sought::Found(Box::new(described(stack)))
            })),
            Err(error) if errors::message(&error).contains("does not exist") => Ok(Sought::Absent),
            Err(error) if errors::is_closed(&error) => Ok(Sought::Closed),
            Err(error) => {
                let doing = format!("look for stack {stack} in {}", self.region);
                Err(explain("cloudformation:DescribeStacks", &doing, error))
            }
        }
    }

    /// The names of the Region's stacks that end so. `None`: the caller may not list them.
    pub async fn named(&self, suffix: &str) -> Result<Option<Vec<String>>> {
        let mut pages = self.client.list_stacks().into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::is_closed(&error) => return Ok(None),
                Err(error) => {
                    let doing = format!("list the stacks in {}", self.region);
                    return Err(explain("cloudformation:ListStacks", &doing, error));
                }
            };
            let there = page
                .stack_summaries()
                .iter()
                .filter(|stack| stack.stack_status() != Some(&StackStatus::DeleteComplete));
            let names = there.filter_map(|stack| stack.stack_name());
            found.extend(
                names
                    .filter(|name| name.ends_with(suffix))
                    .map(str::to_owned),
            );
        }
        Ok(Some(found))
    }
}
