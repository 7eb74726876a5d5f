//! Stage `reads`: the reader, a function behind a URL of its own, beside the data stores, so that
//! no frame crosses an ocean twice. It makes native reads cacheable: CloudFront asks it by GET, and
//! it asks HealthImaging by POST. There only with `delivery.cachedReads`.

use super::function::{self, FunctionView, Spec};
use super::iam::{self, Statement};
use super::{
    Config, Function, Parameter, ParameterView, Stage, View as StageView, outputs, posture,
};
use crate::check::{CheckedManifest, EDGE_REGION};
use crate::names;
use frames_edge::ReaderConfig;
use serde::Serialize;
use serde_json::{Value, json};

/// The runtime that starts `bootstrap` itself.
const RUNTIME: &str = "provided.al2023";
const HANDLER: &str = "bootstrap";

/// Of a processor, it buys a share of 0.29: a whole one is at 1,769 MB. The program itself needs a
/// few megabytes. docs/performance.md has what that share makes of a frame's time.
///
/// Source: "Configure Lambda function memory", AWS Lambda Developer Guide.
const MEMORY: u32 = 512;

/// Of a whole answer, in seconds. HealthImaging's first byte is waited for no longer than 25 of
/// them. What is left is enough for the largest answer that Lambda streams, 200 MB: its first 6 MB
/// pass at once, and 2 MB per second after that. CloudFront limits the first byte and the gaps.
///
/// Source: "Response streaming for Lambda functions" (Bandwidth limits), AWS Lambda Developer Guide.
const TIMEOUT: u32 = 150;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
    description: String,
    artifact_bucket: &'static str,
    parameters: Vec<ParameterView>,
    pub(super) path: String,
    permissions_boundary: Option<String>,
    pub(super) functions: Vec<FunctionView>,
    alias_id: &'static str,
    /// What the URL runs: the version that the alias is on.
    alias: &'static str,
    /// The parameter that says who may call it.
    caller: &'static str,
    log_retention_days: u32,
    logs_key: Option<LogsKey>,
    /// What encrypts the logs.
    logs_key_arn: Value,
    alarms: Vec<Alarm>,
    alarm_topic: Option<String>,
    host_output: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct LogsKey {
    description: String,
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, Serialize)]
struct Alarm {
    id: &'static str,
    name: String,
    description: &'static str,
    metric: &'static str,
}

/// Where the reader is, if there is one.
pub(super) fn region(manifest: &CheckedManifest) -> Option<&str> {
    let region = manifest.health_imaging.region.as_str();
    manifest.delivery.cached_reads.then_some(region)
}

pub(super) fn stage(manifest: &CheckedManifest, env: &str) -> Option<Stage> {
    let region = region(manifest)?;
    let parameters = vec![ParameterView {
        stage: names::LAMBDA_EDGE,
        name: names::SIGNER_ROLE_ARN.to_owned(),
        description: "The only role that may call the reader".to_owned(),
    }];
    let mut inputs = outputs(&parameters);
    inputs.insert(names::ARTIFACT_BUCKET.to_owned(), Parameter::ArtifactBucket);
    let logs_key = logs_key(manifest, env, region);
    let alarms = alarms(manifest, env, region);
    let topic = manifest.alarms.as_ref();
    let view = View {
        description: format!(
            "{}the reader of frames, for cached native reads",
            names::mark(&manifest.service, env)
        ),
        artifact_bucket: names::ARTIFACT_BUCKET,
        parameters,
        path: manifest.iam.path.clone(),
        permissions_boundary: manifest.iam.permissions_boundary_arn.clone(),
        functions: vec![function(manifest, env)],
        alias_id: names::READER_ALIAS_ID,
        alias: names::READER_ALIAS,
        caller: names::SIGNER_ROLE_ARN,
        log_retention_days: manifest.logs.functions.retention_days,
        logs_key_arn: match (&logs_key, &manifest.logs.kms_key_arn) {
            (None, Some(own)) => json!(own),
            _ => json!({"Fn::GetAtt": [names::LOGS_KEY, "Arn"]}),
        },
        logs_key,
        alarm_topic: topic.map(|alarms| alarms.topic_arn.clone()),
        alarms,
        host_output: names::READER_HOST,
    };
    let view = StageView::Reads(Box::new(view));
    Some(Stage {
        parameters: inputs,
        functions: vec![Function {
            name: names::READER,
            config: Config::Reader(config(manifest)),
            launch: None,
            trial: None,
        }],
        ..Stage::new(manifest, env, names::READS, region, view)
    })
}

fn function(manifest: &CheckedManifest, env: &str) -> FunctionView {
    let name = names::function(&manifest.service, env, names::READER);
    let mut policies = function::policies(
        names::READER,
        "Logs",
        None,
        &format!("{name} writes its own logs"),
        vec![iam::logs_here(&names::log_group(&name))],
        "Lambda names the streams: they can't be known before",
    );
    policies.extend(function::policies(
        names::READER,
        "Read",
        None,
        &format!("{name} reads what iam.allow lists"),
        iam::policies(iam::read_native(manifest)),
        function::read_reason(manifest),
    ));
    FunctionView::new(
        manifest,
        env,
        Spec {
            name: names::READER,
            trigger: "Function URL: reads from HealthImaging by POST what CloudFront asks for by GET",
            place: "beside the data stores",
            runtime: RUNTIME,
            handler: HANDLER,
            memory_size: MEMORY,
            timeout: TIMEOUT,
            waivers: posture::reader(),
            // In another Region, another stack has another role.
            reads_in: None,
            policies,
        },
    )
}

/// A key of the stack's own: the other stack's, or the user's, is in the edge's Region.
fn logs_key(manifest: &CheckedManifest, env: &str, region: &str) -> Option<LogsKey> {
    if manifest.logs.kms_key_arn.is_some() && region == EDGE_REGION {
        return None;
    }
    let name = names::function(&manifest.service, env, names::READER);
    Some(LogsKey {
        description: format!("The reader's logs of {} ({env})", manifest.service),
        statements: iam::logs_key(&[names::log_group(&name)], None),
    })
}

/// A topic takes alarms of its own Region only. Elsewhere the alarm on CloudFront's 5xx tells.
fn alarms(manifest: &CheckedManifest, env: &str, region: &str) -> Vec<Alarm> {
    if manifest.alarms.is_none() || region != EDGE_REGION {
        return vec![];
    }
    let alarm = |id, what, description, metric| Alarm {
        id,
        name: names::alarm(&manifest.service, env, what),
        description,
        metric,
    };
    vec![
        alarm(
            "ReaderErrorsAlarm",
            "reader-errors",
            "The reader failed",
            "Errors",
        ),
        alarm(
            "ReaderThrottlesAlarm",
            "reader-throttles",
            "The reader was throttled",
            "Throttles",
        ),
    ]
}

fn config(manifest: &CheckedManifest) -> ReaderConfig {
    let health_imaging = &manifest.health_imaging;
    ReaderConfig {
        region: health_imaging.region.clone(),
        native_host: health_imaging.native_host.clone(),
        metadata: manifest.delivery.metadata,
        log_level: manifest.logs.functions.level,
    }
}
