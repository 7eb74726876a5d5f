//! CloudFront's v2 access logs, and the bucket that they go to.

use crate::check::CheckedManifest;
use crate::names;
use crate::plan::iam::{self, Statement};
use crate::plan::posture;
use serde::Serialize;
use serde_json::{Value, json};

/// The fields of CloudFront's v2 access logs that are kept. Left out:
/// `cs-uri-query`, `cs(Cookie)` and `cs(Referer)`, where a token may be.
pub(crate) const RECORD_FIELDS: &[&str] = &[
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
];

/// What follows the prefix in a log's key. The prefix is in the destination's ARN: before a
/// suffix path without one, CloudWatch Logs puts `AWSLogs/<account>/CloudFront/`, or not, by whether
/// the delivery was made or updated.
const SUFFIX_PATH: &str = "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}";

#[derive(Debug, Clone, Serialize)]
pub(super) struct AccessLogs {
    /// The stack's own bucket, where there is one.
    managed: Option<LogBucket>,
    bucket: Value,
    destination_arn: Value,
    format: String,
    suffix_path: &'static str,
    source_name: String,
    destination_name: String,
    record_fields: &'static [&'static str],
    /// The distribution.
    source_arn: Value,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct LogBucket {
    key: Value,
    object_lock: Option<&'static str>,
    metadata: Value,
    retention_days: u64,
    statements: Vec<Statement>,
}

/// CloudFront's v2 access logs, whose fields can be chosen. Their resources can only be in
/// us-east-1. The legacy logs, which can be anywhere, would record query strings, and with
/// them tokens and patients' names.
pub(super) fn access_logs(
    manifest: &CheckedManifest,
    env: &str,
    distribution: &str,
) -> Option<AccessLogs> {
    let logs = manifest.logs.access.as_ref()?;
    let name = names::log_delivery(&manifest.service, env);
    let (own, prefix) = (logs.bucket.as_deref(), logs.prefix.as_str());
    let destination = names::log_destination(&manifest.service, env, &logs.format, own, prefix);
    let (bucket, arn) = match own {
        None => (
            json!({"Ref": names::ACCESS_LOGS}),
            format!("${{{}.Arn}}", names::ACCESS_LOGS),
        ),
        Some(own) => (json!(own), format!("arn:${{AWS::Partition}}:s3:::{own}")),
    };
    Some(AccessLogs {
        managed: logs.bucket.is_none().then(|| LogBucket {
            key: match &manifest.logs.kms_key_arn {
                Some(own) => json!(own),
                None => json!({"Ref": names::LOGS_KEY_ARN}),
            },
            object_lock: logs.object_lock,
            metadata: posture::metadata(&posture::log_bucket()),
            retention_days: logs.retention_days,
            statements: iam::log_bucket(&name),
        }),
        bucket,
        destination_arn: json!({"Fn::Sub": format!("{arn}/{prefix}")}),
        format: logs.format.clone(),
        suffix_path: SUFFIX_PATH,
        source_name: name,
        destination_name: destination,
        record_fields: RECORD_FIELDS,
        source_arn: json!({"Fn::Sub": format!(
            "arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{distribution}}}"
        )}),
    })
}
