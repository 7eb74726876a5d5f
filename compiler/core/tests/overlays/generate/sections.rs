//! What stands beside the resources.

use super::{condition, merged, resource};
use crate::delivery::EDGE;
use serde_json::{Value, json};

pub(super) fn all(stage: &str, template: &Value) -> Vec<Value> {
    let mut bodies = vec![
        json!({ "Transform": "AWS::Serverless-2016-10-31" }),
        json!({ "Transform": ["Evil"] }),
        json!({ "Transform": { "Name": "AWS::Include", "Parameters": { "Location": "s3://evil/x" } } }),
        json!({ "Hooks": { "x": { "Type": "AWS::CodeDeploy::BlueGreen" } } }),
        json!({ "Fn::Transform": { "Name": "Evil" } }),
        json!({ "AWSTemplateFormatVersion": "2010-09-09" }),
        json!({ "AWSTemplateFormatVersion": null }),
        json!({ "Description": "something else" }),
        json!({ "Description": null }),
        json!({ "Metadata": { "AWS::CloudFormation::Interface": { "ParameterGroups": [] } } }),
        json!({ "Metadata": { "Fn::Transform": { "Name": "Evil" } } }),
        json!({ "Mappings": { "M": { "a": { "b": "c" } } } }),
        json!({ "Conditions": { "C": { "Fn::Transform": { "Name": "Evil" } } } }),
        json!({ "Rules": { "R": { "Assertions": [{ "Assert": { "Fn::Equals": ["a", "a"] } }] } } }),
        json!({ "Globals": { "Function": { "Timeout": 3 } } }),
        json!({ "Outputs": null }),
        json!({ "Parameters": null }),
        json!({ "Resources": null }),
        json!({ "Resources": [] }),
        json!({ "Evil": { "x": "y" } }),
        json!({ "Outputs": { "Mine": { "Value": "x", "Export": { "Name": "mine" } } } }),
        json!({ "Parameters": { "Mine": { "Type": "String", "Default": "x" } } }),
        condition(),
        json!([]),
        json!("evil"),
        Value::Null,
    ];
    let names = |section: &str| -> Vec<String> {
        let named = template[section].as_object().into_iter().flatten();
        named.map(|(name, _)| name.clone()).collect()
    };
    for name in names("Parameters") {
        for change in [
            json!({ "Default": "arn:aws:lambda:us-east-1:444455556666:function:evil:1" }),
            json!({ "Type": "AWS::SSM::Parameter::Value<String>" }),
            json!({ "Type": "CommaDelimitedList" }),
            json!({ "NoEcho": true }),
            json!({ "AllowedPattern": "arn:.*" }),
            json!({ "AllowedValues": ["evil"] }),
            json!({ "Description": "mine" }),
            Value::Null,
        ] {
            bodies.push(json!({ "Parameters": { name.as_str(): change } }));
        }
        bodies.push(resource(&name, json!({ "Type": "AWS::SNS::Topic" })));
    }
    for name in names("Outputs") {
        for change in [
            json!({ "Value": "arn:aws:lambda:us-east-1:444455556666:function:evil:1" }),
            json!({ "Value": { "Ref": "AWS::AccountId" } }),
            json!({ "Value": { "Fn::ImportValue": "evil" } }),
            json!({ "Value": "{{resolve:ssm:/evil}}" }),
            json!({ "Value": { "Fn::If": ["Mine", "evil", { "Ref": "Distribution" }] } }),
            json!({ "Condition": "Mine" }),
            json!({ "Export": { "Name": "mine" } }),
            json!({ "Description": "mine" }),
            json!({ "Value": null }),
            Value::Null,
        ] {
            bodies.push(merged(
                condition(),
                json!({ "Outputs": { name.as_str(): change } }),
            ));
        }
    }
    if stage == EDGE {
        // Versions the other way round, one for both, the function instead of its version.
        let ids = |function: &str| {
            let ids = template["Resources"].as_object().into_iter().flatten();
            let prefix = format!("{function}Version");
            let mut found = ids.map(|(id, _)| id.clone());
            found.find(|id| id.starts_with(&prefix)).unwrap_or_default()
        };
        for (output, target) in [
            ("AuthorizerVersionArn", ids("Signer")),
            ("SignerVersionArn", ids("Authorizer")),
            ("AuthorizerVersionArn", "AuthorizerFunction".to_owned()),
            ("AuthorizerVersionArn", "ArtifactBucket".to_owned()),
        ] {
            bodies.push(json!({ "Outputs": { output: { "Value": { "Ref": target } } } }));
        }
    }
    bodies
}
