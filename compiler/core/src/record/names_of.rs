//! Whether a template takes only what is this delivery's: its names, and the zips of its record.

use super::shape::StageShape;
use crate::names;
use crate::plan::Parameter;
use crate::template::unhex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What of a template is somebody else's.
pub(super) fn foreign(
    template: &Value,
    stage: &StageShape,
    service: &str,
    env: &str,
) -> Option<String> {
    let function = |name: &&str| names::function(service, env, name);
    let functions: Vec<String> = names::FUNCTIONS.iter().map(function).collect();
    let groups = functions.iter().map(|function| names::log_group(function));
    let groups: Vec<String> = groups
        .chain([names::web_acl_log_group(service, env)])
        .collect();
    let keys: Vec<&str> = stage.artifacts.iter().map(|zip| zip.key.as_str()).collect();
    let digests = stage
        .artifacts
        .iter()
        .filter_map(|zip| in_base64(&zip.sha256));
    let digests: Vec<String> = digests.collect();
    if let Some(name) = parameter(template, stage) {
        return Some(format!("Parameters.{name}"));
    }
    let resources = template["Resources"].as_object().into_iter().flatten();
    for (id, resource) in resources {
        let properties = &resource["Properties"];
        let is_one = |value: &Value, known: &[String]| {
            value
                .as_str()
                .is_some_and(|text| known.iter().any(|one| one == text))
        };
        let own = match resource["Type"].as_str().unwrap_or_default() {
            "AWS::Lambda::Function" => {
                let key = properties["Code"]["S3Key"].as_str();
                is_one(&properties["FunctionName"], &functions)
                    && key.is_some_and(|key| keys.contains(&key))
            }
            // It is published of these bytes or not at all.
            "AWS::Lambda::Version" => is_one(&properties["CodeSha256"], &digests),
            "AWS::Logs::LogGroup" if names::is_reserved(id) => {
                is_one(&properties["LogGroupName"], &groups)
            }
            _ => true,
        };
        if !own {
            let kind = resource["Type"].as_str().unwrap_or_default();
            return Some(format!("{id} ({kind})"));
        }
    }
    None
}

/// A parameter that takes something else than the output of its own name: an overlay can't give a
/// parameter a value. One that isn't passed at all has a default, which is found as an overlay's.
fn parameter(template: &Value, stage: &StageShape) -> Option<String> {
    let passed = stage.parameters.iter();
    let mut foreign = passed.filter(|(name, value)| !is_own(name, value));
    if let Some((name, _)) = foreign.next() {
        return Some(name.clone());
    }
    let declared = template["Parameters"].as_object().into_iter().flatten();
    let mut missing = declared.filter(|(name, parameter)| {
        !stage.parameters.contains_key(*name) && parameter["Default"].is_null()
    });
    missing.next().map(|(name, _)| name.clone())
}

fn is_own(name: &str, value: &Parameter) -> bool {
    let from = match name {
        names::ARTIFACT_BUCKET => return *value == Parameter::ArtifactBucket,
        names::READER_HOST => names::READS,
        names::DISTRIBUTION_ID => names::CDN,
        name if names::is_reserved(name) => names::LAMBDA_EDGE,
        _ => return false,
    };
    matches!(value, Parameter::Output { stage, output } if stage == from && output == name)
}

fn in_base64(hexadecimal: &str) -> Option<String> {
    unhex(hexadecimal).map(|bytes| STANDARD.encode(bytes))
}
