//! IAM statements as typed values.

use crate::check::{Allow, CheckedManifest};
use crate::names;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    sid: String,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Value>,
    action: Vec<&'static str>,
    resource: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// A string for CloudFormation to fill in the pseudo parameters of.
fn sub(text: impl Into<String>) -> Value {
    json!({"Fn::Sub": text.into()})
}

impl Statement {
    fn allow(sid: impl Into<String>, action: &[&'static str], resource: Vec<Value>) -> Self {
        Self {
            sid: sid.into(),
            effect: Effect::Allow,
            principal: None,
            action: action.to_vec(),
            resource,
            condition: Map::new(),
        }
    }

    /// What the policy of a key or a bucket lets a service do.
    fn service(
        sid: &str,
        service: &str,
        action: &[&'static str],
        resource: Value,
        condition: Value,
    ) -> Self {
        Self {
            principal: Some(json!({"Service": service})),
            condition: object(condition),
            ..Self::allow(sid, action, vec![resource])
        }
    }

    /// The resources with a `*`, as cdk-nag spells them.
    pub(super) fn wildcards(&self) -> impl Iterator<Item = String> {
        let texts = self.resource.iter().filter_map(|resource| {
            let text = resource.get("Fn::Sub").unwrap_or(resource);
            text.as_str()
        });
        texts
            .filter(|text| text.contains('*'))
            .map(|text| text.replace("${", "<").replace('}', ">"))
    }
}

/// A replica logs in the Region where it runs, so the Region is open, the group is not.
pub(super) fn logs(log_group: &str) -> Vec<Statement> {
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

/// The native reads: of frames, and of the metadata that names them. IAM checks both
/// against the same resources.
///
/// Source: "Actions, resources, and condition keys for AWS HealthImaging", Service
/// Authorization Reference.
pub(crate) const NATIVE: &[&str] = &[
    "medical-imaging:GetImageFrame",
    "medical-imaging:GetImageSetMetadata",
];
/// What runs in one Region logs there only, into a group that its stack makes.
pub(super) fn logs_here(log_group: &str) -> Vec<Statement> {
    let arn = format!(
        "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{log_group}:*"
    );
    let actions = &["logs:CreateLogStream", "logs:PutLogEvents"];
    vec![Statement::allow("WriteOwnLogs", actions, vec![sub(arn)])]
}

/// Who has this may call a function by the URL of its alias, and in no other way.
///
/// Source: "Control access to Lambda function URLs", AWS Lambda Developer Guide.
pub(super) fn invoke_url(region: &str, function: &str, alias: &str) -> Vec<Statement> {
    let arn = || {
        vec![sub(format!(
            "arn:${{AWS::Partition}}:lambda:{region}:${{AWS::AccountId}}:function:{function}:{alias}"
        ))]
    };
    vec![
        Statement {
            condition: object(json!({
                "StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"},
            })),
            ..Statement::allow("CallReader", &["lambda:InvokeFunctionUrl"], arn())
        },
        Statement {
            condition: object(json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})),
            ..Statement::allow("RunReader", &["lambda:InvokeFunction"], arn())
        },
    ]
}

/// DICOMweb reads that can be limited to studies and to series. HealthImaging decides
/// by an action's condition keys only where the action has them: under a key that it
/// doesn't have, it would be allowed without limits.
///
/// Source: "Granting permissions based on Study Instance UID and Series Instance UID",
/// AWS HealthImaging Developer Guide.
pub(crate) const IN_SERIES: &[&str] = &[
    "medical-imaging:GetDICOMBulkdata",
    "medical-imaging:GetDICOMInstance",
    "medical-imaging:GetDICOMInstanceFrames",
    "medical-imaging:GetDICOMInstanceMetadata",
    "medical-imaging:GetDICOMSeriesMetadata",
    "medical-imaging:SearchDICOMInstances",
];

/// Besides, what can be limited to studies, but not to series.
pub(crate) const IN_STUDIES: &[&str] = &["medical-imaging:SearchDICOMSeries"];

/// Besides, what goes through a whole data store. The searches of all series, of all
/// instances and of a study's instances have no actions in IAM's reference; they go by
/// those of their level.
pub(crate) const IN_DATASTORES: &[&str] = &["medical-imaging:SearchDICOMStudies"];

/// The keys of conditions.
const STUDY_UID: &str = "medical-imaging:StudyInstanceUID";
const SERIES_UID: &str = "medical-imaging:SeriesInstanceUID";

/// So many UIDs per condition that a statement always fits into a policy.
const UIDS: usize = 35;

/// What `iam.allow` lists, and nothing else.
pub(super) fn read_frames(manifest: &CheckedManifest) -> Vec<Statement> {
    let arn = |rest: String| {
        let region = &manifest.health_imaging.region;
        sub(format!(
            "arn:${{AWS::Partition}}:medical-imaging:{region}:${{AWS::AccountId}}:datastore/{rest}"
        ))
    };
    let mut native = Vec::new();
    let mut dicomweb = Vec::new();
    let mut limited = Vec::new();
    match &manifest.iam.allow {
        None => {
            native.extend([arn("*".to_owned()), arn("*/imageset/*".to_owned())]);
            dicomweb.push(arn("*".to_owned()));
        }
        Some(rows) => {
            for row in rows {
                let datastore = || arn(row.datastore.clone());
                let in_parts = row.studies.is_some() || row.series.is_some();
                match &row.image_sets {
                    // Native reads are checked against the data store and the image set.
                    Some(sets) => {
                        if !sets.is_empty() {
                            native.push(datastore());
                        }
                        native.extend(
                            sets.iter()
                                .map(|set| arn(format!("{}/imageset/{set}", row.datastore))),
                        );
                    }
                    // Native reads can't be limited to studies, so there are none.
                    None if in_parts => {}
                    None => {
                        native.push(datastore());
                        native.push(arn(format!("{}/imageset/*", row.datastore)));
                        dicomweb.push(datastore());
                    }
                }
                limited.extend(conditions(row).map(|condition| (datastore(), condition)));
            }
        }
    }
    let mut statements = Vec::new();
    if !native.is_empty() {
        let actions: &[_] = if manifest.delivery.metadata {
            NATIVE
        } else {
            NATIVE.get(..1).unwrap_or_default()
        };
        statements.push(Statement::allow("ReadFrames", actions, native));
    }
    if manifest.delivery.dicomweb && !dicomweb.is_empty() {
        statements.push(Statement::allow(
            "ReadDicomweb",
            &[IN_SERIES, IN_STUDIES, IN_DATASTORES].concat(),
            dicomweb,
        ));
    }
    for (i, (datastore, condition)) in limited.into_iter().enumerate() {
        let actions = match condition.get(SERIES_UID) {
            Some(_) => IN_SERIES.to_vec(),
            None => [IN_SERIES, IN_STUDIES].concat(),
        };
        statements.push(Statement {
            condition: object(json!({"StringEquals": condition})),
            ..Statement::allow(format!("ReadStudies{}", i + 1), &actions, vec![datastore])
        });
    }
    statements
}

/// The native reads of what `iam.allow` lists.
pub(super) fn read_native(manifest: &CheckedManifest) -> Vec<Statement> {
    let mut statements = read_frames(manifest);
    statements.retain(|statement| {
        statement
            .action
            .iter()
            .all(|action| NATIVE.contains(action))
    });
    statements
}

/// A row's studies and series; both have to match where both are given.
fn conditions(row: &Allow) -> impl Iterator<Item = Value> {
    let parts = |uids: &Option<Vec<String>>| -> Vec<Option<Vec<String>>> {
        match uids {
            Some(uids) => uids.chunks(UIDS).map(|part| Some(part.to_vec())).collect(),
            None => vec![None],
        }
    };
    let (studies, series) = (parts(&row.studies), parts(&row.series));
    let limited = row.studies.is_some() || row.series.is_some();
    studies
        .into_iter()
        .flat_map(move |studies| {
            let series = series.clone();
            series.into_iter().map(move |series| {
                let mut condition = Map::new();
                if let Some(studies) = &studies {
                    condition.insert(STUDY_UID.into(), json!(studies));
                }
                if let Some(series) = series {
                    condition.insert(SERIES_UID.into(), json!(series));
                }
                Value::Object(condition)
            })
        })
        .filter(move |_| limited)
}

/// IAM's limit of a managed policy, in characters without white space.
const POLICY_SIZE: usize = 6_144;

/// Statements as policies of IAM's size, each resource in one of them.
pub(super) fn policies(statements: Vec<Statement>) -> Vec<Vec<Statement>> {
    let mut policies: Vec<Vec<Statement>> = Vec::new();
    let mut room = 0;
    for statement in statements {
        let resources = statement.resource.clone();
        let frame = Statement {
            resource: vec![],
            ..statement
        };
        let mut begun = false;
        for resource in resources {
            let first = size(&json!(frame)) + size(&resource) + 2;
            let more = size(&resource) + 1;
            if begun
                && more <= room
                && let Some(last) = policies.last_mut().and_then(|policy| policy.last_mut())
            {
                last.resource.push(resource);
                room -= more;
                continue;
            }
            if first > room {
                policies.push(vec![]);
                room = POLICY_SIZE - size(&json!({"Version": "2012-10-17", "Statement": []}));
            }
            room = room.saturating_sub(first);
            begun = true;
            if let Some(policy) = policies.last_mut() {
                policy.push(Statement {
                    resource: vec![resource],
                    ..frame.clone()
                });
            }
        }
    }
    policies
}

/// Whether IAM takes these statements as one managed policy.
pub fn fits_a_policy(statements: &[Value]) -> bool {
    size(&json!({"Version": "2012-10-17", "Statement": statements})) <= POLICY_SIZE
}

/// Characters once CloudFormation has filled in the pseudo parameters.
fn size(value: &Value) -> usize {
    let all = |sizes: &mut dyn Iterator<Item = usize>| -> usize {
        let with_commas: usize = sizes.map(|size| size + 1).sum();
        with_commas.saturating_sub(1) + 2
    };
    match value {
        Value::Object(entries) => match value.get("Fn::Sub").and_then(Value::as_str) {
            // `aws-us-gov` is the longest partition's name, an account has 12 digits.
            Some(text) => {
                let text = text.replace("${AWS::Partition}", "aws-us-gov");
                let text = text.replace("${AWS::AccountId}", "111122223333");
                text.chars().count() + 2
            }
            None => all(&mut entries
                .iter()
                .map(|(key, value)| key.len() + 3 + size(value))),
        },
        Value::Array(items) => all(&mut items.iter().map(size)),
        value => value.to_string().chars().count(),
    }
}

/// The logs' key: the account's own IAM policies rule it, CloudWatch Logs uses it
/// for these groups, and its delivery for the bucket of access logs.
pub(super) fn logs_key(log_groups: &[String], delivery_source: Option<&str>) -> Vec<Statement> {
    let log_group = |name: &String| {
        sub(format!(
            "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{name}"
        ))
    };
    let log_groups: Vec<Value> = log_groups.iter().map(log_group).collect();
    let mut statements = vec![
        Statement {
            principal: Some(
                json!({"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}),
            ),
            ..Statement::allow("Account", &["kms:*"], vec![json!("*")])
        },
        Statement {
            principal: Some(json!({"Service": sub("logs.${AWS::Region}.amazonaws.com")})),
            condition: object(json!({
                "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_groups},
            })),
            ..Statement::allow("LogGroups", USE_KEY, vec![json!("*")])
        },
    ];
    if let Some(source) = delivery_source {
        statements.push(Statement::service(
            "AccessLogs",
            "delivery.logs.amazonaws.com",
            USE_KEY,
            json!("*"),
            from_delivery(source),
        ));
    }
    statements
}

pub(crate) const USE_KEY: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
];

/// This account's delivery and no other's.
fn from_delivery(source: &str) -> Value {
    let source = format!(
        "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:delivery-source:{source}"
    );
    json!({
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": sub(source)},
    })
}

/// The access-log bucket: TLS only, and CloudWatch Logs' delivery may write.
pub(super) fn log_bucket(delivery_source: &str) -> Vec<Statement> {
    let bucket = || json!({"Fn::GetAtt": [names::ACCESS_LOGS, "Arn"]});
    let objects = || sub("${AccessLogs.Arn}/*");
    let mut written = from_delivery(delivery_source);
    written["StringEquals"]["s3:x-amz-acl"] = "bucket-owner-full-control".into();
    vec![
        Statement {
            sid: "TlsOnly".to_owned(),
            effect: Effect::Deny,
            principal: Some(json!("*")),
            action: vec!["s3:*"],
            resource: vec![bucket(), objects()],
            condition: object(json!({"Bool": {"aws:SecureTransport": "false"}})),
        },
        Statement::service(
            "WriteAccessLogs",
            "delivery.logs.amazonaws.com",
            &["s3:PutObject"],
            objects(),
            written,
        ),
    ]
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A policy's size as it is sent.
    fn sent(policy: &[Statement]) -> usize {
        let document = json!({"Version": "2012-10-17", "Statement": policy});
        document.to_string().chars().count()
    }

    /// A resource of so many characters, quotes included.
    fn resource(length: usize) -> Value {
        json!("r".repeat(length - 2))
    }

    fn read(resources: Vec<Value>) -> Statement {
        Statement::allow("Read", IN_SERIES, resources)
    }

    fn sizes(statements: Vec<Statement>) -> Vec<usize> {
        let policies = policies(statements);
        policies.iter().map(|policy| sent(policy)).collect()
    }

    /// Separators are counted once too often, so two or three characters stay free.
    #[test]
    fn a_policy_is_filled_to_iams_limit() {
        let one = sent(&[read(vec![resource(100), resource(100)])]) - 100;
        let in_one = |total: usize| sizes(vec![read(vec![resource(100), resource(total - one)])]);
        assert_eq!(in_one(POLICY_SIZE - 2), [POLICY_SIZE - 2]);
        assert_eq!(in_one(POLICY_SIZE - 1).len(), 2);
        let two = sent(&[read(vec![resource(100)]), read(vec![resource(100)])]) - 100;
        let in_two = |total: usize| {
            let last = read(vec![resource(total - two)]);
            sizes(vec![read(vec![resource(100)]), last])
        };
        assert_eq!(in_two(POLICY_SIZE - 3), [POLICY_SIZE - 3]);
        assert_eq!(in_two(POLICY_SIZE - 2).len(), 2);
    }

    #[test]
    fn a_resource_is_as_long_as_it_gets() {
        let text = "arn:${AWS::Partition}:s3:::x/${AWS::AccountId}";
        let longest = "'arn:aws-us-gov:s3:::x/111122223333'";
        assert_eq!(size(&sub(text)), longest.len());
        assert_eq!(size(&json!("*")), 3);
    }
}
