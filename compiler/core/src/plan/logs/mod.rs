//! What watches the distribution: access logs, and alarms. CloudFront delivers its logs from
//! us-east-1 and has its metrics there, and nowhere else. So they are in the cdn stack where
//! that is in us-east-1, and else in a stage of their own, `logs`, after `cdn`.

mod access_logs;
mod alarms;

pub(crate) use access_logs::RECORD_FIELDS;

use super::{ParameterView, Stage, View as StageView, outputs};
use crate::check::{CheckedManifest, EDGE_REGION};
use crate::names;
use access_logs::{AccessLogs, access_logs};
use alarms::{Alarm, alarms};
use serde::Serialize;
use serde_json::{Value, json};

/// The template's part that is the same in either stack.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Watch {
    access_logs: Option<AccessLogs>,
    alarms: Vec<Alarm>,
    alarm_topic: Option<String>,
    /// The distribution's id.
    distribution: Value,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
    description: String,
    parameters: Vec<ParameterView>,
    watch: Watch,
}

/// Whether it is in a stage of its own.
pub(super) fn is_apart(manifest: &CheckedManifest) -> bool {
    manifest.deploy.region != EDGE_REGION
}

/// `distribution`: the resource or the parameter that is the distribution's id. `None`: the
/// manifest asks for neither logs nor alarms.
pub(super) fn watch(manifest: &CheckedManifest, env: &str, distribution: &str) -> Option<Watch> {
    let access_logs = access_logs(manifest, env, distribution);
    let alarms = alarms(manifest, env);
    if access_logs.is_none() && alarms.is_empty() {
        return None;
    }
    let topic = manifest.alarms.as_ref();
    Some(Watch {
        access_logs,
        alarms,
        alarm_topic: topic.map(|alarms| alarms.topic_arn.clone()),
        distribution: json!({"Ref": distribution}),
    })
}

/// The key of the lambda-edge stack's own, where a bucket of access logs is encrypted with it.
pub(super) fn key_parameter(manifest: &CheckedManifest) -> Option<ParameterView> {
    let logs = &manifest.logs;
    let own = logs.has_managed_bucket() && logs.kms_key_arn.is_none();
    own.then(|| ParameterView {
        stage: names::LAMBDA_EDGE,
        name: names::LOGS_KEY_ARN.to_owned(),
        description: "The key that encrypts the logs".to_owned(),
    })
}

/// `None`: it would be empty, which CloudFormation refuses, or all of it is in the cdn stack.
pub(super) fn stage(manifest: &CheckedManifest, env: &str) -> Option<Stage> {
    if !is_apart(manifest) {
        return None;
    }
    let mut parameters = vec![ParameterView {
        stage: names::CDN,
        name: names::DISTRIBUTION_ID.to_owned(),
        description: "The distribution whose requests are logged".to_owned(),
    }];
    parameters.extend(key_parameter(manifest));
    let inputs = outputs(&parameters);
    let view = View {
        description: format!(
            "{}access logs and alarms of the distribution",
            names::mark(&manifest.service, env)
        ),
        parameters,
        watch: watch(manifest, env, names::DISTRIBUTION_ID)?,
    };
    let view = StageView::Logs(Box::new(view));
    Some(Stage {
        parameters: inputs,
        ..Stage::new(manifest, env, names::LOGS, EDGE_REGION, view)
    })
}
