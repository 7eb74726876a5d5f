//! IAM statements as typed values.

use crate::check::CheckedManifest;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    sid: &'static str,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Value>,
    action: Vec<&'static str>,
    resource: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

#[derive(Debug, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// A string for CloudFormation to fill in the pseudo parameters of.
fn sub(text: impl Into<String>) -> Value {
    json!({"Fn::Sub": text.into()})
}

impl Statement {
    fn allow(sid: &'static str, action: &[&'static str], resource: Vec<Value>) -> Self {
        Self {
            sid,
            effect: Effect::Allow,
            principal: None,
            action: action.to_vec(),
            resource,
            condition: Map::new(),
        }
    }
}

/// A replica logs in the Region where it runs, so the Region is open, the group is not.
pub fn logs(log_group: &str) -> Vec<Statement> {
    let arn = format!("arn:${{AWS::Partition}}:logs:*:${{AWS::AccountId}}:log-group:{log_group}");
    vec![Statement::allow(
        "WriteOwnLogs",
        &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        vec![sub(arn.clone()), sub(format!("{arn}:*"))],
    )]
}

const DICOMWEB_ACTIONS: &[&str] = &[
    "medical-imaging:GetDICOMInstance",
    "medical-imaging:GetDICOMInstanceFrames",
    "medical-imaging:GetDICOMInstanceMetadata",
    "medical-imaging:SearchDICOMInstances",
    "medical-imaging:SearchDICOMSeries",
    "medical-imaging:SearchDICOMStudies",
];

/// What `iam.allow` lists, and nothing else.
pub fn read_frames(manifest: &CheckedManifest) -> Vec<Statement> {
    let arn = |rest: String| {
        let region = &manifest.health_imaging.region;
        sub(format!(
            "arn:${{AWS::Partition}}:medical-imaging:{region}:${{AWS::AccountId}}:datastore/{rest}"
        ))
    };
    let mut native = Vec::new();
    let mut dicomweb = Vec::new();
    match &manifest.iam.allow {
        None => {
            native.extend([arn("*".to_owned()), arn("*/imageset/*".to_owned())]);
            dicomweb.push(arn("*".to_owned()));
        }
        Some(rows) => {
            for row in rows {
                match &row.image_sets {
                    // Native reads are checked against the data store and the image set.
                    Some(sets) => {
                        if !sets.is_empty() {
                            native.push(arn(row.datastore.clone()));
                        }
                        native.extend(
                            sets.iter()
                                .map(|set| arn(format!("{}/imageset/{set}", row.datastore))),
                        );
                    }
                    // DICOMweb is granted by data store: only where all of it is allowed.
                    None => {
                        native.push(arn(row.datastore.clone()));
                        native.push(arn(format!("{}/imageset/*", row.datastore)));
                        dicomweb.push(arn(row.datastore.clone()));
                    }
                }
            }
        }
    }
    let mut statements = Vec::new();
    if !native.is_empty() {
        statements.push(Statement::allow(
            "ReadFrames",
            &["medical-imaging:GetImageFrame"],
            native,
        ));
    }
    if manifest.delivery.dicomweb && !dicomweb.is_empty() {
        statements.push(Statement::allow("ReadDicomweb", DICOMWEB_ACTIONS, dicomweb));
    }
    statements
}

/// The access-log bucket: TLS alone, and CloudWatch Logs' delivery may write.
pub fn log_bucket(delivery_source: &str) -> Vec<Statement> {
    let bucket = || json!({"Fn::GetAtt": ["AccessLogs", "Arn"]});
    let objects = || sub("${AccessLogs.Arn}/*");
    let source = format!(
        "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:delivery-source:{delivery_source}"
    );
    vec![
        Statement {
            sid: "TlsOnly",
            effect: Effect::Deny,
            principal: Some(json!("*")),
            action: vec!["s3:*"],
            resource: vec![bucket(), objects()],
            condition: object(json!({"Bool": {"aws:SecureTransport": "false"}})),
        },
        Statement {
            principal: Some(json!({"Service": "delivery.logs.amazonaws.com"})),
            condition: object(json!({
                "StringEquals": {
                    "aws:SourceAccount": {"Ref": "AWS::AccountId"},
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {"aws:SourceArn": sub(source)},
            })),
            ..Statement::allow("WriteAccessLogs", &["s3:PutObject"], vec![objects()])
        },
    ]
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
