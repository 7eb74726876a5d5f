//! Whether a template takes only what is this delivery's: its names, and the zips of its record.

use super::shape::StageShape;
use crate::names;
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

fn in_base64(hexadecimal: &str) -> Option<String> {
    unhex(hexadecimal).map(|bytes| STANDARD.encode(bytes))
}
