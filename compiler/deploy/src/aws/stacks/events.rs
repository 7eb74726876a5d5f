//! What happened to a stack.

use super::{Stacks, text};
use crate::aws::{errors, explain};
use aws_sdk_cloudformation::types;
use frames_compiler::failure::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// RFC 3339
    pub time: String,
    pub resource: String,
    pub kind: String,
    pub status: String,
    pub reason: Option<String>,
    /// The event is the stack's own.
    pub of_stack: bool,
    /// The token of the request that it came from.
    pub token: Option<String>,
}

impl Stacks {
    /// The events after the given one, oldest first. Without one: all events.
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
        kind: text(event.resource_type()),
        status: text(event.resource_status().map(|status| status.as_str())),
        reason: event.resource_status_reason().map(str::to_owned),
        of_stack: event.physical_resource_id().is_some()
            && event.physical_resource_id() == event.stack_id(),
        token: event.client_request_token().map(str::to_owned),
    }
}
