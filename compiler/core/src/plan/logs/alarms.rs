//! Alarms, on by one line.

use crate::check::CheckedManifest;
use crate::names;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Alarm {
    id: &'static str,
    name: String,
    description: &'static str,
    metric: &'static str,
    statistic: &'static str,
    threshold: u32,
    periods: u32,
}

/// Alarms on CloudFront's own metrics, which are in us-east-1 and count all edges;
/// Lambda's are spread over the Regions where the replicas run.
pub(super) fn alarms(manifest: &CheckedManifest, env: &str) -> Vec<Alarm> {
    if manifest.alarms.is_none() {
        return vec![];
    }
    let function = |id, what, description, metric| Alarm {
        id,
        name: names::alarm(&manifest.service, env, what),
        description,
        metric,
        statistic: "Sum",
        threshold: 0,
        periods: 1,
    };
    vec![
        Alarm {
            id: "ServerErrorsAlarm",
            name: names::alarm(&manifest.service, env, "5xx"),
            description: "More than 5 % of the answers are 5xx, for a quarter of an hour",
            metric: "5xxErrorRate",
            statistic: "Average",
            threshold: 5,
            periods: 3,
        },
        function(
            "FunctionErrorsAlarm",
            "function-errors",
            "An edge function failed",
            "LambdaExecutionError",
        ),
        function(
            "FunctionAnswersAlarm",
            "function-answers",
            "CloudFront refused what an edge function answered",
            "LambdaValidationError",
        ),
        function(
            "FunctionThrottlesAlarm",
            "function-throttles",
            "An edge function was throttled",
            "LambdaLimitExceededErrors",
        ),
    ]
}
