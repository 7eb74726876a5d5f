//! What is logged.

use super::{AccessLogs, FunctionLogs, Logs, absent, edge_arn, no_duplicates, writable};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Manifest};
use crate::span::Span;
use frames_edge::LogLevel;

const DAY: u64 = 86_400;

const RETENTION_DAYS: u64 = 365;

/// The word for a bucket that frames makes.
pub(super) const MANAGED: &str = "managed";

pub(super) fn check(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> Logs {
    if let Some(key) = &manifest.logs.kms_key_arn {
        const HELP: &str = "name one in us-east-1";
        edge_arn(key, "logs.kmsKeyArn", "the key", HELP, found);
    }
    let key = manifest.logs.kms_key_arn.as_ref();
    Logs {
        kms_key_arn: key.map(|key| key.value.clone()),
        access: access(&manifest.logs.access, found),
        functions: functions(&manifest.logs.functions),
        audit_claims: audit(manifest, found),
    }
}

/// How long HIPAA wants such records kept (45 CFR 164.316(b)(2)): six years.
const SIX_YEARS: u32 = 2192;

const AUDIT_CLAIMS: [&str; 1] = ["sub"];

/// The claims that name whoever reads, where that is to be written down.
fn audit(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
    let logs = &manifest.logs;
    let claims = logs.audit_claims.as_deref();
    no_duplicates(claims.unwrap_or_default(), "logs.auditClaims", found);
    let Some(audit) = logs.audit.as_ref().filter(|audit| audit.value) else {
        // Where `audit` itself has a finding, this would be none of its own. The default, written
        // out, claims nothing.
        let unread = logs.keys.has("audit") && logs.audit.is_none();
        let is_default = claims.is_some_and(|claims| {
            let claims = claims.iter().map(|claim| claim.value.as_str());
            claims.eq(AUDIT_CLAIMS)
        });
        if let (Some(key), false) = (logs.keys.find("auditClaims"), unread || is_default) {
            let message = "`auditClaims` has no effect without audit lines";
            found.push(
                Diagnostic::new(codes::UNUSED_KEY, "logs.auditClaims", key.span, message)
                    .help("remove it, or add `audit: true` beside it"),
            );
        }
        return None;
    };
    let mode = manifest.auth.as_ref().and_then(|auth| auth.mode.as_ref());
    if let Some(mode) = mode.filter(|mode| mode.value == "none") {
        let message = "an audit line says who reads, and mode `none` knows nobody";
        found.push(
            Diagnostic::new(codes::CONFLICT, "logs.audit", audit.span, message)
                .related(mode.span, "the mode")
                .help("choose mode `cognito` or `oidc`, or remove `audit`"),
        );
    }
    if let (Some(auth), Some(claims)) = (&manifest.auth, claims) {
        writable::audit(auth, claims, found);
        absent::audit(auth, claims, found);
    }
    retention(&logs.functions, audit.span, found);
    let claims = claims.map(|claims| claims.iter().map(|claim| claim.value.clone()).collect());
    Some(claims.unwrap_or_else(|| AUDIT_CLAIMS.map(str::to_owned).to_vec()))
}

fn retention(given: &manifest::FunctionLogs, audit: Span, found: &mut Vec<Diagnostic>) {
    let days = functions(given).retention_days;
    if days >= SIX_YEARS {
        return;
    }
    let (path, span) = match &given.retention_days {
        Some(days) => ("logs.functions.retentionDays", days.span),
        None => ("logs.audit", audit),
    };
    let message = format!(
        "audit lines are deleted after {days} days; HIPAA wants six years, {SIX_YEARS} days"
    );
    found.push(
        Diagnostic::new(codes::AUDIT_RETENTION, path, span, message).help(format!(
            "write `functions: {{retentionDays: {SIX_YEARS}}}` below `logs`, unless the lines are kept elsewhere too"
        )),
    );
}

fn access(given: &manifest::AccessLogs, found: &mut Vec<Diagnostic>) -> Option<AccessLogs> {
    let bucket = given.bucket.as_ref().filter(|name| name.value != MANAGED);
    // The default, written out, claims nothing.
    let retention = given.retention.as_ref();
    let retention = retention.filter(|retention| retention.value != RETENTION_DAYS * DAY);
    if let (Some(bucket), Some(retention)) = (bucket, retention) {
        found.push(
            Diagnostic::new(
                codes::UNUSED_KEY,
                "logs.access.retention",
                retention.span,
                "`retention` has no effect on a bucket of your own: its lifecycle rules decide",
            )
            .related(bucket.span, "the bucket")
            .help("remove it, or let frames make the bucket (`bucket: managed`)"),
        );
    }
    let lock = given.object_lock.as_ref();
    let lock = lock.filter(|lock| lock.value != "none");
    if let (Some(bucket), Some(lock)) = (bucket, lock) {
        found.push(
            Diagnostic::new(
                codes::UNUSED_KEY,
                "logs.access.objectLock",
                lock.span,
                "`objectLock` has no effect on a bucket of your own: its settings decide",
            )
            .related(bucket.span, "the bucket")
            .help("remove it, or let frames make the bucket (`bucket: managed`)"),
        );
    }
    if let Some(prefix) = &given.prefix {
        prefix_length(prefix, found);
    }
    if given.enabled.as_ref().is_some_and(|flag| !flag.value) {
        return None;
    }
    let prefix = given.prefix.as_ref();
    Some(AccessLogs {
        bucket: bucket.map(|name| name.value.clone()),
        format: given
            .format
            .as_ref()
            .map_or_else(|| "json".to_owned(), |format| format.value.clone()),
        object_lock: match lock.map(|lock| lock.value.as_str()) {
            Some("governance") => Some("GOVERNANCE"),
            Some("compliance") => Some("COMPLIANCE"),
            _ => None,
        },
        prefix: prefix
            .map_or("cloudfront", |prefix| prefix.value.trim_end_matches('/'))
            .to_owned(),
        retention_days: given
            .retention
            .as_ref()
            .map_or(RETENTION_DAYS, |r| r.value / DAY),
    })
}

/// CloudWatch Logs takes 256 characters where distribution and time are; so much is what
/// they and the prefix get together.
const PREFIX: usize = 200;

fn prefix_length(prefix: &manifest::Text, found: &mut Vec<Diagnostic>) {
    let length = prefix.value.len();
    if length > PREFIX {
        let message = format!("the prefix has {length} characters, {PREFIX} at the most are taken");
        found.push(
            Diagnostic::new(codes::LIMIT, "logs.access.prefix", prefix.span, message)
                .help("shorten it"),
        );
    }
}

fn functions(given: &manifest::FunctionLogs) -> FunctionLogs {
    let days = given.retention_days.as_ref();
    FunctionLogs {
        level: match given.level.as_ref().map(|level| level.value.as_str()) {
            Some("error") => LogLevel::Error,
            Some("info") => LogLevel::Info,
            _ => LogLevel::Warn,
        },
        retention_days: days.and_then(|days| days.value.parse().ok()).unwrap_or(30),
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{checked, findings};
    use frames_edge::LogLevel;

    fn manifest(logs: &str, deploy: &str) -> String {
        format!("service: x\nauth: {{mode: none}}\nlogs: {logs}\ndeploy: {deploy}\n")
    }

    fn only(text: &str, code: &str, path: &str) {
        assert_eq!(
            findings(text),
            [(code.to_owned(), path.to_owned())],
            "{text}"
        );
    }

    #[test]
    fn logs_are_on_by_default() {
        let logs = checked(&manifest("{}", "{}")).logs;
        let access = logs.access.unwrap();
        assert_eq!(access.bucket, None);
        assert_eq!(
            (access.prefix.as_str(), access.retention_days),
            ("cloudfront", 365)
        );
        assert_eq!(logs.functions.level, LogLevel::Warn);
        assert_eq!(logs.functions.retention_days, 30);
    }

    #[test]
    fn each_key_counts() {
        let logs = checked(&manifest(
            "{access: {bucket: imaging-logs, prefix: a/b/}, functions: {level: info, retentionDays: 3653}}",
            "{}",
        ))
        .logs;
        let access = logs.access.unwrap();
        assert_eq!(access.bucket.as_deref(), Some("imaging-logs"));
        assert_eq!(access.prefix, "a/b");
        assert_eq!(logs.functions.level, LogLevel::Info);
        assert_eq!(logs.functions.retention_days, 3653);
        let kept = checked(&manifest(
            "{access: {bucket: managed, retention: 7d}}",
            "{}",
        ))
        .logs;
        assert_eq!(kept.access.unwrap().retention_days, 7);
        let off = checked(&manifest("{access: {enabled: false}}", "{}")).logs;
        assert_eq!(off.access, None);
    }

    #[test]
    fn the_cdn_stacks_region_changes_nothing() {
        let elsewhere = checked(&manifest("{}", "{region: eu-west-1}")).logs;
        assert_eq!(elsewhere, checked(&manifest("{}", "{}")).logs);
        assert_eq!(findings(&manifest("{}", "{region: eu-west-1}")), []);
    }

    #[test]
    fn a_key_a_format_and_a_lock() {
        const KEY: &str = "key/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";
        let key = |region: &str| {
            let arn = format!("arn:aws:kms:{region}:111122223333:{KEY}");
            manifest(
                &format!(
                    "{{kmsKeyArn: '{arn}', access: {{format: parquet, objectLock: compliance}}}}"
                ),
                "{}",
            )
        };
        let logs = checked(&key("us-east-1")).logs;
        assert!(logs.kms_key_arn.unwrap().ends_with(KEY));
        let access = logs.access.unwrap();
        assert_eq!(
            (access.format.as_str(), access.object_lock),
            ("parquet", Some("COMPLIANCE"))
        );
        only(&key("eu-west-1"), "wrong-region", "logs.kmsKeyArn");
        only(
            &manifest(
                "{access: {bucket: imaging-logs, objectLock: governance}}",
                "{}",
            ),
            "unused-key",
            "logs.access.objectLock",
        );
        let long = vec!["x".repeat(64); 4].join("/");
        only(
            &manifest(&format!("{{access: {{prefix: {long}}}}}"), "{}"),
            "limit",
            "logs.access.prefix",
        );
    }

    #[test]
    fn a_bound_is_the_last_that_passes() {
        let prefix = |length: usize| {
            let three = format!("{}/", "x".repeat(60)).repeat(3);
            let last = "x".repeat(length - three.len());
            let access = format!("{{access: {{prefix: {three}{last}}}}}");
            manifest(&access, "{}")
        };
        assert_eq!(findings(&prefix(200)), []);
        only(&prefix(201), "limit", "logs.access.prefix");
        // The default, written out beside a bucket of one's own, claims nothing.
        let retention = |days: &str| {
            let access = format!("{{access: {{bucket: imaging-logs, retention: {days}}}}}");
            manifest(&access, "{}")
        };
        assert_eq!(findings(&retention("365d")), []);
        for days in ["364d", "366d", "1d"] {
            only(&retention(days), "unused-key", "logs.access.retention");
        }
    }

    /// With tokens, and so with somebody to name.
    fn audited(logs: &str) -> String {
        format!(
            "service: x\nauth: {{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI}}\nlogs: {logs}\n"
        )
    }

    #[test]
    fn audit_lines_name_who_reads_for_six_years() {
        let claims = |rest: &str| {
            let logs = format!("{{functions: {{retentionDays: 2192}}{rest}}}");
            checked(&audited(&logs)).logs.audit_claims
        };
        let named = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(claims(""), None);
        assert_eq!(claims(", audit: false"), None);
        assert_eq!(claims(", audit: true"), named(&["sub"]));
        assert_eq!(
            claims(", audit: true, auditClaims: [email, realm.user]"),
            named(&["email", "realm.user"])
        );
        let warned = |logs: &str, path: &str| only(&audited(logs), "audit-retention", path);
        warned("{audit: true}", "logs.audit");
        warned(
            "{audit: true, functions: {retentionDays: 1827}}",
            "logs.functions.retentionDays",
        );
        let kept = "{audit: true, functions: {retentionDays: 2557}}";
        assert_eq!(findings(&audited(kept)), []);
        only(
            &audited("{auditClaims: [email]}"),
            "unused-key",
            "logs.auditClaims",
        );
        only(
            &audited("{audit: true, auditClaims: [], functions: {retentionDays: 2192}}"),
            "invalid-value",
            "logs.auditClaims",
        );
        only(
            &audited("{audit: true, auditClaims: [a, a], functions: {retentionDays: 2192}}"),
            "duplicate-value",
            "logs.auditClaims[1]",
        );
        only(
            &manifest("{audit: true, functions: {retentionDays: 2192}}", "{}"),
            "conflict",
            "logs.audit",
        );
    }

    #[test]
    fn what_has_no_effect_or_no_meaning_is_found() {
        only(
            &manifest("{access: {bucket: imaging-logs, retention: 7d}}", "{}"),
            "unused-key",
            "logs.access.retention",
        );
        for (text, path) in [
            ("{access: {retention: 12h}}", "logs.access.retention"),
            ("{access: {retention: 3651d}}", "logs.access.retention"),
            ("{access: {bucket: Logs}}", "logs.access.bucket"),
            ("{access: {prefix: /logs}}", "logs.access.prefix"),
            ("{functions: {level: debug}}", "logs.functions.level"),
            (
                "{functions: {retentionDays: 31}}",
                "logs.functions.retentionDays",
            ),
        ] {
            only(&manifest(text, "{}"), "invalid-value", path);
        }
    }
}
