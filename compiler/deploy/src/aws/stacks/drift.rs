//! Drift: resources that aren't as their template says.

use super::{Stacks, text};
use crate::aws::explain;
use aws_sdk_cloudformation::types;
use frames_compiler::failure::Result;

/// A resource that isn't as its template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub resource: String,
    pub kind: String,
    /// `MODIFIED`, `DELETED`
    pub status: String,
    pub properties: Vec<String>,
}

impl Stacks {
    /// Begins to compare a stack with what is there, and returns the detection's id.
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
