//! Drift: resources that aren't as their template says.

use super::{Stacks, text};
use crate::aws::{errors, explain};
use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types;
use frames_compiler::failure::{Failure, Result};

/// A resource that isn't as its template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub resource: String,
    pub kind: String,
    /// `IN_SYNC`, `MODIFIED`, `DELETED`; `UNKNOWN` where it couldn't be read.
    pub status: String,
    pub properties: Vec<String>,
}

impl Drift {
    const IN_SYNC: &str = "IN_SYNC";
    const MODIFIED: &str = "MODIFIED";
    const DELETED: &str = "DELETED";

    pub fn is_gone(&self) -> bool {
        self.status == Self::DELETED
    }

    pub fn is_modified(&self) -> bool {
        self.status == Self::MODIFIED
    }

    /// Whether it is known to be there.
    pub fn is_there(&self) -> bool {
        self.is_modified() || self.status == Self::IN_SYNC
    }
}

/// How a comparison ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What began before is not of this comparison.
    began: DateTime,
    /// Why CloudFormation couldn't look at everything.
    pub failed: Option<String>,
}

/// What came of asking for a comparison.
#[derive(Debug)]
pub enum Detection {
    /// The detection's id.
    Begun(String),
    /// The stack has another operation, or another detection, under way.
    Busy,
    Denied(Failure),
}

fn is_busy(message: &str) -> bool {
    message.contains("already in progress") || message.contains("not in a valid state")
}

impl Stacks {
    /// Begins to compare a stack with what is there.
    pub async fn detect_drift(&self, stack: &str) -> Result<Detection> {
        let answer = self.client.detect_stack_drift().stack_name(stack);
        match answer.send().await {
            Ok(answer) => Ok(Detection::Begun(text(answer.stack_drift_detection_id()))),
            Err(error) if errors::is_denied(&error) => {
                let doing = format!("look for drift in stack {stack}");
                let action = "cloudformation:DetectStackDrift";
                Ok(Detection::Denied(explain(action, &doing, error)))
            }
            // Somebody else looks at the moment, or changes the stack.
            Err(error) if is_busy(errors::message(&error)) => Ok(Detection::Busy),
            Err(error) => {
                let doing = format!("look for drift in stack {stack}");
                Err(explain("cloudformation:DetectStackDrift", &doing, error))
            }
        }
    }

    /// How the detection ended, once it has.
    pub async fn drift_is_known(&self, detection: &str) -> Result<Option<Ended>> {
        let asked = self.client.describe_stack_drift_detection_status();
        let answer = asked.stack_drift_detection_id(detection).send().await;
        let answer = answer.map_err(|error| {
            let action = "cloudformation:DescribeStackDriftDetectionStatus";
            explain(action, "look for drift", error)
        })?;
        let status = answer.detection_status().map(|status| status.as_str());
        let began = answer.timestamp().copied();
        if status == Some("DETECTION_IN_PROGRESS") {
            return Ok(None);
        }
        let reason = answer.detection_status_reason();
        let reason = reason.unwrap_or("CloudFormation gives no reason");
        Ok(Some(Ended {
            // Without a time, no result counts as that old.
            began: began.unwrap_or(DateTime::from_secs(0)),
            failed: (status != Some("DETECTION_COMPLETE")).then(|| reason.to_owned()),
        }))
    }

    /// What a detection has looked at, as it was found: [`Drift::IN_SYNC`] too.
    /// What CloudFormation can't look at isn't among it, nor what only an earlier one has seen.
    pub async fn drifts(&self, stack: &str, ended: &Ended) -> Result<Vec<Drift>> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let asked = self
                .client
                .describe_stack_resource_drifts()
                .stack_name(stack);
            let page = asked.set_next_token(next.take()).send().await;
            let page = page.map_err(|error| {
                let doing = format!("read the drift of stack {stack}");
                explain("cloudformation:DescribeStackResourceDrifts", &doing, error)
            })?;
            let seen = page.stack_resource_drifts().iter();
            let seen = seen.filter(|drift| drift.timestamp().is_some_and(|at| *at >= ended.began));
            found.extend(seen.map(drift));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }
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
