//! What the functions may read, and as whom.

use crate::deploy::keys::seen::at;
use crate::deploy::keys::{Group, row};

pub const ROLES: Group = Group {
    name: "roles",
    base: "iam: {allow: [{datastore: <store>}]}",
    set: "iam: {path: /imaging/, permissionsBoundaryArn: '<boundary>', allow: []}\nalarms: {topicArn: '<topic>'}",
    rows: &[
        row(
            "iam.path",
            |seen| seen.iam_paths("authorizer"),
            r#"["/", "/"]"#,
            r#"["/imaging/", "/imaging/"]"#,
        ),
        row(
            "iam.permissionsBoundaryArn",
            |seen| {
                at(
                    &seen.role("signer"),
                    "/PermissionsBoundary/PermissionsBoundaryArn",
                )
            },
            "null",
            "<boundary>",
        ),
        row(
            "iam.allow",
            |seen| seen.sids("signer"),
            r#"["ReadFrames", "WriteOwnLogs"]"#,
            r#"["WriteOwnLogs"]"#,
        ),
        row(
            "alarms.topicArn",
            |seen| seen.alarms(),
            "{}",
            r#"{"heart-dev-5xx": ["<topic>"], "heart-dev-function-answers": ["<topic>"], "heart-dev-function-errors": ["<topic>"], "heart-dev-function-throttles": ["<topic>"]}"#,
        ),
    ],
};

pub const ROWS: Group = Group {
    name: "rows",
    base: "iam: {allow: [{datastore: <store>}]}\ndelivery: {dicomweb: true}",
    set: "
iam:
  allow:
    - datastore: <store>
      imageSets: [aaaabbbbccccddddeeeeffff00001111]
      studies: [1.2.3]
      series: [1.2.3.4]
delivery: {dicomweb: true}",
    rows: &[
        row(
            "iam.allow[].datastore",
            |seen| at(&seen.decides("authorizer"), "/allow"),
            r#"[{"datastore": "<store>"}]"#,
            r#"[{"datastore": "<store>", "imageSets": ["aaaabbbbccccddddeeeeffff00001111"], "studies": ["1.2.3"], "series": ["1.2.3.4"]}]"#,
        ),
        row(
            "iam.allow[].imageSets",
            |seen| at(&seen.statements("signer"), "/ReadFrames/Resource"),
            r#"["arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>", "arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>/imageset/*"]"#,
            r#"["arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>", "arn:aws:medical-imaging:us-east-1:<account>:datastore/<store>/imageset/aaaabbbbccccddddeeeeffff00001111"]"#,
        ),
        row(
            "iam.allow[].studies",
            |seen| {
                seen.statements("signer")
                    .to_string()
                    .contains(r#""medical-imaging:StudyInstanceUID":["1.2.3"]"#)
                    .into()
            },
            "false",
            "true",
        ),
        row(
            "iam.allow[].series",
            |seen| {
                seen.statements("signer")
                    .to_string()
                    .contains(r#""medical-imaging:SeriesInstanceUID":["1.2.3.4"]"#)
                    .into()
            },
            "false",
            "true",
        ),
    ],
};
