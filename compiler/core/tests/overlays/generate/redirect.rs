//! Each reference is led to another resource, a parameter, or something that comes in.

use super::{Step, merged, put, resource, walk};
use serde_json::{Value, json};

/// What comes in to be referred to.
fn newcomers() -> Vec<(Value, Value)> {
    let added = |kind: &str, properties: Value| {
        resource("Mine", json!({ "Type": kind, "Properties": properties }))
    };
    let reference = || json!({ "Ref": "Mine" });
    let arn = || json!({ "Fn::GetAtt": ["Mine", "Arn"] });
    vec![
        (added("AWS::S3::Bucket", json!({})), arn()),
        (added("AWS::S3::Bucket", json!({})), reference()),
        (
            added(
                "AWS::CloudFront::OriginRequestPolicy",
                json!({ "OriginRequestPolicyConfig": {
                    "Name": "mine",
                    "CookiesConfig": { "CookieBehavior": "all" },
                    "HeadersConfig": { "HeaderBehavior": "allViewer" },
                    "QueryStringsConfig": { "QueryStringBehavior": "all" }
                } }),
            ),
            reference(),
        ),
        (
            added(
                "AWS::CloudFront::CachePolicy",
                json!({ "CachePolicyConfig": {
                    "Name": "mine", "MinTTL": 1, "DefaultTTL": 1, "MaxTTL": 1,
                    "ParametersInCacheKeyAndForwardedToOrigin": {
                        "EnableAcceptEncodingGzip": false,
                        "CookiesConfig": { "CookieBehavior": "none" },
                        "HeadersConfig": { "HeaderBehavior": "none" },
                        "QueryStringsConfig": { "QueryStringBehavior": "none" }
                    }
                } }),
            ),
            reference(),
        ),
        (
            added(
                "AWS::CloudFront::ResponseHeadersPolicy",
                json!({ "ResponseHeadersPolicyConfig": { "Name": "mine" } }),
            ),
            reference(),
        ),
        (
            added("AWS::Lambda::Version", json!({ "FunctionName": "evil" })),
            reference(),
        ),
        (
            json!({ "Parameters": { "Mine": { "Type": "String", "Default": "*" } } }),
            reference(),
        ),
        (
            json!({ "Parameters": { "Mine": {
                "Type": "AWS::SSM::Parameter::Value<String>", "Default": "/evil"
            } } }),
            reference(),
        ),
    ]
}

pub(super) fn all(template: &Value) -> Vec<Value> {
    let mut bodies = Vec::new();
    let ids = |section: &str| -> Vec<String> {
        let named = template[section].as_object().into_iter().flatten();
        named.map(|(id, _)| id.clone()).collect()
    };
    let targets = [ids("Resources"), ids("Parameters")].concat();
    let mut round = 0;
    walk(template, &mut Vec::new(), &mut |way, value| {
        let Some((last, inner)) = way.last().zip(Some(value)) else {
            return;
        };
        let Step::Key(key) = last else { return };
        let before = &way[..way.len() - 1];
        match key.as_str() {
            "Ref" | "Fn::GetAtt" => {
                // A handful of the others each time, round the list of them.
                for step in 0..5 {
                    let target = &targets[(round + step * 7) % targets.len()];
                    let value = match key.as_str() {
                        "Ref" => json!(target),
                        _ => json!([target, inner[1]]),
                    };
                    bodies.push(put(template, way, Some(value)));
                }
                for (comes, reference) in newcomers() {
                    // Beside the old one it would be no intrinsic: the place is replaced whole.
                    let name = reference
                        .as_object()
                        .and_then(|map| map.keys().next().cloned());
                    let body = if name.as_deref() == Some(key) {
                        put(template, way, Some(reference[key].clone()))
                    } else {
                        put(template, before, Some(reference))
                    };
                    bodies.push(merged(comes, body));
                }
                round += 1;
            }
            "Fn::Sub" => {
                let text = inner.as_str().unwrap_or_default();
                for (from, to) in [
                    ("${AWS::AccountId}", "444455556666"),
                    ("${AWS::AccountId}", "*"),
                    ("${AWS::Region}", "*"),
                    ("${Distribution}", "*"),
                    ("${AccessLogs.Arn}", "arn:aws:s3:::evil"),
                    ("${WebAclLogGroup}", "evil"),
                    ("${AWS::Partition}", "aws"),
                    ("datastore/", "datastore/*"),
                ] {
                    if text.contains(from) {
                        let value = json!(text.replace(from, to));
                        bodies.push(put(template, way, Some(value)));
                    }
                }
            }
            _ => {}
        }
    });
    bodies
}
