//! Compiled ids given to something else, and ids that look like them.

use super::{merged, resource};
use crate::delivery::EDGE;
use serde_json::{Value, json};

/// Ids that no hash of this run gives, but another one's might; and ids that aren't any.
const LOOKALIKES: &[&str] = &[
    "AuthorizerVersion0123456789ab",
    "SignerVersion0123456789ab",
    "AuthorizerVersionaaaaaaaaaaaa",
    "AuthorizerVersion000000000000",
    "SignerVersion555555555555",
    "SignerVersion000000000000",
    "AuthorizerVersionAAAAAAAAAAAA",
    "AuthorizerVersionArn",
    "SignerVersionArn",
    "WebAclArn",
    "LogsKeyArn",
    "CertificateArn",
    "ArtifactBucket",
    "AuthorizerRole01234567",
    "SignerRole01234567",
    "SignerReadPolicy9",
    "Certificate01234567",
    "Alias01234567A",
    "distribution",
    "DISTRIBUTION",
    "accessLogs",
    "Distribution/Properties",
    "Distribution~1Properties",
    "Distribution.Properties",
    "Distribution~0",
    "AccessLogs/",
    "Distribution ",
    "Dístribution",
    "AccessLogs\u{200b}",
    "Aϲcess",
    "-",
    "0",
    "Fn::ForEach::Loop",
    "Fn::Transform",
    "Ref",
    "AWS::NoValue",
];

/// What gets such an id.
fn bodies() -> Vec<Value> {
    let typed = |kind: &str, properties: Value| json!({ "Type": kind, "Properties": properties });
    vec![
        typed(
            "AWS::Lambda::Version",
            json!({ "FunctionName": "arn:aws:lambda:us-east-1:444455556666:function:evil" }),
        ),
        typed(
            "AWS::Lambda::Version",
            json!({ "FunctionName": { "Ref": "SignerFunction" } }),
        ),
        typed(
            "AWS::IAM::Role",
            json!({ "AssumeRolePolicyDocument": { "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": { "AWS": "444455556666" }
            }] } }),
        ),
        typed("AWS::SNS::Topic", json!({})),
        typed("AWS::CloudFormation::WaitConditionHandle", json!({})),
        typed(
            "AWS::SSM::Parameter",
            json!({ "Type": "String", "Value": "arn:aws:lambda:us-east-1:444455556666:function:evil:1" }),
        ),
    ]
}

pub(super) fn all(stage: &str, template: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let ids = template["Resources"].as_object().into_iter().flatten();
    let ids: Vec<&String> = ids.map(|(id, _)| id).collect();
    for id in &ids {
        let lower = id.to_lowercase();
        let further = [
            lower,
            format!("{id}/Properties"),
            format!("{id}.Properties"),
            format!("{id}2"),
        ];
        for (i, body) in bodies().into_iter().enumerate() {
            all.push(resource(id, body.clone()));
            all.push(resource(&further[i % further.len()], body));
        }
    }
    for id in LOOKALIKES {
        all.extend(bodies().into_iter().map(|body| resource(id, body)));
    }
    if stage == EDGE {
        all.extend(
            ids.iter()
                .filter(|id| id.contains("Version"))
                .flat_map(|id| replaced(id)),
        );
    }
    // A nested id, as a path would read it.
    all.push(resource(
        "Distribution",
        json!({ "Properties/DistributionConfig": { "Enabled": false } }),
    ));
    all
}

/// A version of an added function in the place of the compiled one, under the id that is shipped.
fn replaced(id: &str) -> Vec<Value> {
    let function = json!({
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13", "Handler": "index.handler",
            "Role": { "Fn::GetAtt": ["SignerRole", "Arn"] },
            "Code": { "ZipFile": "def handler(event, context): return event" }
        }
    });
    let version = |of: Value| json!({ "Properties": { "FunctionName": of } });
    vec![
        merged(
            resource("Mine", function.clone()),
            resource(id, version(json!({ "Ref": "Mine" }))),
        ),
        merged(
            resource("Mine", function),
            resource(
                id,
                json!({
                    "Type": "AWS::Lambda::Version",
                    "Properties": { "FunctionName": { "Ref": "Mine" }, "CodeSha256": null }
                }),
            ),
        ),
        resource(id, version(json!("evil"))),
    ]
}
