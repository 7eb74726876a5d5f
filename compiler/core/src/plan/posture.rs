//! What a posture checker asks for and these stacks can't have: switched off in
//! the `Metadata` of the very resource, with the reason. docs/security.md lists
//! all of it; whatever isn't here is mended in the templates instead.

use super::iam::Statement;
use serde_json::{Value, json};

/// Rules that are switched off for one reason.
#[derive(Debug, Clone)]
pub(super) struct Waiver {
    pub checkov: &'static [&'static str],
    pub cdk_nag: Vec<String>,
    pub reason: &'static str,
}

impl Waiver {
    fn new(checkov: &'static [&'static str], cdk_nag: &[&str], reason: &'static str) -> Self {
        Self {
            checkov,
            cdk_nag: cdk_nag.iter().map(|&rule| rule.to_owned()).collect(),
            reason,
        }
    }
}

/// What Lambda@Edge refuses, for each function.
pub(super) fn edge_function() -> Vec<Waiver> {
    vec![
        Waiver::new(
            &["CKV_AWS_117"],
            &["HIPAA.Security-LambdaInsideVPC"],
            "Lambda@Edge functions can't be in a VPC",
        ),
        Waiver::new(
            &["CKV_AWS_116"],
            &["HIPAA.Security-LambdaDLQ"],
            "Lambda@Edge has no dead-letter queues: CloudFront waits for the answer, nothing is invoked asynchronously",
        ),
        Waiver::new(
            &["CKV_AWS_115"],
            &["HIPAA.Security-LambdaConcurrency"],
            "Replicas share the concurrency of the Region they run in: a reservation would count in us-east-1 alone",
        ),
        Waiver::new(
            &[],
            &["AwsSolutions-L1"],
            "Lambda@Edge takes new runtimes later than Lambda: this is the newest that its own list has named",
        ),
    ]
}

/// What the reader has no use for.
pub(super) fn reader() -> Vec<Waiver> {
    vec![
        Waiver::new(
            &["CKV_AWS_117"],
            &["HIPAA.Security-LambdaInsideVPC"],
            "The reader asks HealthImaging's public endpoint only; a VPC would need a NAT gateway or an interface endpoint, which run while nobody looks",
        ),
        Waiver::new(
            &["CKV_AWS_116"],
            &["HIPAA.Security-LambdaDLQ"],
            "Nothing invokes the reader asynchronously: a caller waits for each answer",
        ),
        Waiver::new(
            &["CKV_AWS_115"],
            &["HIPAA.Security-LambdaConcurrency"],
            "A reservation is taken from the account's concurrency, which may be no more than 10: the delivery couldn't be deployed there",
        ),
    ]
}

/// The access-log bucket.
pub(super) fn log_bucket() -> Vec<Waiver> {
    vec![
        Waiver::new(
            &["CKV_AWS_18"],
            &["AwsSolutions-S1", "HIPAA.Security-S3BucketLoggingEnabled"],
            "This bucket holds access logs: logging access to it would need another one, and so on",
        ),
        Waiver::new(
            &[],
            &["HIPAA.Security-S3BucketReplicationEnabled"],
            "Logs are no medical record: a copy in a second Region is the owner's decision",
        ),
    ]
}

/// What holds for the distribution, given how it is set up. `v2_logs`: whether the access logs,
/// where there are any, come from another stack.
pub(super) fn distribution(
    v2_logs: Option<bool>,
    default_certificate: bool,
    geo: bool,
) -> Vec<Waiver> {
    let logs = Waiver::new(
        &["CKV_AWS_86"],
        &["AwsSolutions-CFR3"],
        if v2_logs == Some(true) {
            "Access logs are there: the v2 delivery of the logs stack, which checkers don't know. The legacy logs they look for record query strings, and with them tokens"
        } else {
            "Access logs are there: the v2 delivery of this stack, which checkers don't know. The legacy logs they look for record query strings, and with them tokens"
        },
    );
    let certificate = Waiver::new(
        &["CKV_AWS_174"],
        &["AwsSolutions-CFR4"],
        "CloudFront sets no minimum TLS version for its own certificate; `domain` brings TLS 1.2 or newer",
    );
    let countries = Waiver::new(
        &[],
        &["AwsSolutions-CFR1"],
        "Which countries are served is the manifest's to say, in `delivery.geo`",
    );
    [
        (logs, v2_logs.is_some()),
        (certificate, default_certificate),
        (countries, !geo),
    ]
    .into_iter()
    .filter_map(|(waiver, holds)| holds.then_some(waiver))
    .collect()
}

/// Every wildcard of a policy by itself, with what it is for.
pub(super) fn wildcards(statements: &[Statement], reason: &'static str) -> Vec<Waiver> {
    let rules: Vec<String> = statements
        .iter()
        .flat_map(Statement::wildcards)
        .map(|resource| format!("AwsSolutions-IAM5[Resource::{resource}]"))
        .collect();
    if rules.is_empty() {
        return vec![];
    }
    vec![Waiver {
        checkov: &[],
        cdk_nag: rules,
        reason,
    }]
}

/// A resource's `Metadata`; `null` where nothing is switched off.
pub(super) fn metadata(waivers: &[Waiver]) -> Value {
    let rows = |key: &str, why: &str, of: fn(&Waiver) -> Vec<String>| -> Vec<Value> {
        waivers
            .iter()
            .flat_map(|waiver| {
                let row = |rule| json!({key: rule, why: waiver.reason});
                of(waiver).into_iter().map(row).collect::<Vec<_>>()
            })
            .collect()
    };
    let skip = rows("id", "comment", |waiver| {
        waiver.checkov.iter().map(|&rule| rule.to_owned()).collect()
    });
    let suppress = rows("id", "reason", |waiver| waiver.cdk_nag.clone());
    let mut metadata = json!({});
    if !skip.is_empty() {
        metadata["checkov"] = json!({"skip": skip});
    }
    if !suppress.is_empty() {
        metadata["cdk_nag"] = json!({"rules_to_suppress": suppress});
    }
    match metadata.as_object() {
        Some(map) if !map.is_empty() => metadata,
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_says_what_is_switched_off_for_it() {
        let waiver = |checkov: &'static [&'static str], cdk_nag: &[&str]| Waiver {
            checkov,
            cdk_nag: cdk_nag.iter().map(|&rule| rule.to_owned()).collect(),
            reason: "why",
        };
        assert_eq!(metadata(&[]), Value::Null);
        assert_eq!(metadata(&[waiver(&[], &[])]), Value::Null);
        assert_eq!(
            metadata(&[waiver(&["CKV_1"], &[])]),
            json!({"checkov": {"skip": [{"id": "CKV_1", "comment": "why"}]}})
        );
        assert_eq!(
            metadata(&[waiver(&[], &["A-1", "A-2"])]),
            json!({"cdk_nag": {"rules_to_suppress": [
                {"id": "A-1", "reason": "why"},
                {"id": "A-2", "reason": "why"},
            ]}})
        );
    }
}
