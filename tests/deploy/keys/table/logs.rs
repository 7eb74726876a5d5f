//! Logs and alarms.

use crate::deploy::keys::seen::at;
use crate::deploy::keys::{Group, row};

pub const LOGS: Group = Group {
    name: "logs",
    base: "",
    set: "
logs:
  kmsKeyArn: <key>
  access: {format: parquet, prefix: a/b/, retention: 30d, objectLock: governance}
  functions: {level: info, retentionDays: 365}",
    rows: &[
        row(
            "logs.kmsKeyArn",
            |seen| {
                let rules = seen.log_bucket("GetBucketEncryption");
                let rule = at(&rules, "/ServerSideEncryptionConfiguration/Rules/0");
                let key = at(&rule, "/ApplyServerSideEncryptionByDefault/KMSMasterKeyID");
                (key == seen.word("<key>")).into()
            },
            "false",
            "true",
        ),
        row(
            "logs.kmsKeyArn",
            |seen| {
                let keys = seen.log_groups("kmsKeyId");
                let keys = keys.as_array().unwrap().iter();
                keys.map(|key| *key == seen.word("<key>")).collect()
            },
            "[false, false, false]",
            "[true, true, true]",
        ),
        row(
            "logs.access.format",
            |seen| at(&seen.destination(), "/outputFormat"),
            "json",
            "parquet",
        ),
        row(
            "logs.access.prefix",
            |seen| seen.log_keys(),
            "cloudfront/{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
            "a/b/{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
        ),
        row(
            "logs.access.retention",
            |seen| {
                let rules = seen.log_bucket("GetBucketLifecycleConfiguration");
                at(&rules, "/Rules/0/Expiration/Days")
            },
            "365",
            "30",
        ),
        // Once on, it stays; only new objects have no retention any more.
        row(
            "logs.access.objectLock",
            |seen| seen.log_bucket("GetObjectLockConfiguration"),
            "ObjectLockConfigurationNotFoundError",
            r#"{"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}}"#,
        )
        .and_then(r#"{"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}"#),
        row(
            "logs.functions.level",
            |seen| at(&seen.decides("signer"), "/logLevel"),
            "warn",
            "info",
        ),
        row(
            "logs.functions.retentionDays",
            |seen| seen.log_groups("retentionInDays"),
            "[30, 30, 30]",
            "[365, 365, 365]",
        ),
    ],
};

pub const OWN_BUCKET: Group = Group {
    name: "own bucket",
    base: "",
    set: "logs: {access: {bucket: logs-<account>}}\nenvironments: {dev: {delivery: {priceClass: 200}}}",
    rows: &[
        row(
            "logs.access.bucket",
            |seen| {
                let to = &seen.destination()["deliveryDestinationConfiguration"];
                (to["destinationResourceArn"]
                    == seen.word("arn:aws:s3:::logs-<account>/cloudfront"))
                .into()
            },
            "false",
            "true",
        ),
        // A bucket's owner decides who may write to it.
        row(
            "logs.access.bucket",
            |seen| {
                let policy = seen.log_bucket("GetBucketPolicy");
                policy.to_string().contains("TlsOnly").into()
            },
            "true",
            "false",
        ),
        row(
            "environments",
            |seen| at(&seen.config(), "/PriceClass"),
            "PriceClass_All",
            "PriceClass_200",
        ),
    ],
};
