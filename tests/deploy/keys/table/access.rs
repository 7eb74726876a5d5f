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

/// Which user reads what, and that it is written down.
pub const USERS: Group = Group {
    name: "users",
    base: "
auth: {mode: oidc, issuer: '<issuer>', audience: frames, jwksUri: '<issuer>/keys'}
iam: {allow: [{datastore: <store>}]}
delivery: {dicomweb: true}",
    set: "
auth:
  mode: oidc
  issuer: '<issuer>'
  audience: frames
  jwksUri: '<issuer>/keys'
  access:
    - {groups: [radiology], datastore: <store>, imageSets: [aaaabbbbccccddddeeeeffff00001111], studies: [1.2.3]}
  accessClaims: {datastores: stores, imageSets: sets, studies: studies}
iam: {allow: [{datastore: <store>}]}
delivery: {dicomweb: true}
logs: {audit: true, auditClaims: [sub]}",
    rows: &[
        row(
            "auth.access",
            |seen| at(&seen.decides("authorizer"), "/auth/access/readers/0"),
            "null",
            "[0]",
        ),
        row(
            "auth.access[].datastore",
            |seen| {
                at(
                    &seen.decides("authorizer"),
                    "/auth/access/datastores/0/datastore",
                )
            },
            "null",
            r#""<store>""#,
        ),
        row(
            "auth.access[].groups",
            |seen| at(&seen.decides("authorizer"), "/auth/access/groups"),
            "null",
            r#"["radiology"]"#,
        ),
        row(
            "auth.access[].imageSets",
            |seen| {
                at(
                    &seen.decides("authorizer"),
                    "/auth/access/datastores/0/imageSets/ids",
                )
            },
            "null",
            "aaaabbbbccccddddeeeeffff00001111",
        ),
        row(
            "auth.access[].studies",
            |seen| {
                at(
                    &seen.decides("authorizer"),
                    "/auth/access/datastores/0/studies/ids",
                )
            },
            "null",
            "1.2.3",
        ),
        row(
            "auth.accessClaims.datastores",
            |seen| {
                at(
                    &seen.decides("authorizer"),
                    "/auth/accessClaims/datastores",
                )
            },
            "null",
            "stores",
        ),
        row(
            "auth.accessClaims.imageSets",
            |seen| at(&seen.decides("authorizer"), "/auth/accessClaims/imageSets"),
            "null",
            "sets",
        ),
        row(
            "auth.accessClaims.studies",
            |seen| at(&seen.decides("authorizer"), "/auth/accessClaims/studies"),
            "null",
            "studies",
        ),
        row(
            "logs.audit",
            |seen| seen.decides("authorizer")["auditClaims"].is_array().into(),
            "false",
            "true",
        ),
        row(
            "logs.auditClaims",
            |seen| at(&seen.decides("authorizer"), "/auditClaims"),
            "null",
            r#"["sub"]"#,
        ),
    ],
};
