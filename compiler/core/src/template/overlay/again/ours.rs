//! The shapes of `compiler/core/templates/`, by logical id: whatever a manifest says, frames
//! compiles nothing else. Properties that an overlay may set to anything (`rows::TUNABLE`) are left
//! out.

mod distribution;
mod functions;
mod logs;

use crate::names;
use serde_json::{Value, json};

/// Whose template it is.
pub(super) struct Ours<'a> {
    pub service: &'a str,
    pub env: &'a str,
    /// The names of the distribution.
    pub aliases: &'a [Value],
    /// The stack's key encrypts the bucket of access logs, which stays.
    pub is_key_kept: bool,
}

const KEY_ARN: &str = "arn:aws:kms:<word>:<word>:key/<word>";

fn any_of(texts: &[&str]) -> Value {
    json!([&["<each>"], texts].concat())
}

fn reference(id: &str) -> Value {
    json!({"Ref": id})
}

fn attribute(id: &str, name: &str) -> Value {
    json!({"Fn::GetAtt": [id, name]})
}

fn sub(text: &str) -> Value {
    json!({"Fn::Sub": text})
}

fn resource(kind: &str, properties: Value) -> Value {
    json!({"Type": kind, "Properties": properties})
}

/// It stays, or goes, with its stack.
fn lasting(deletion: &str, replaced: &str, resource: Value) -> Value {
    let mut resource = resource;
    resource["DeletionPolicy"] = deletion.into();
    resource["UpdateReplacePolicy"] = replaced.into();
    resource
}

/// Whether an id is `start`, with a hash behind it perhaps.
fn hashed(id: &str, start: &str) -> bool {
    let hash = id.strip_prefix(start);
    hash.is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

pub(super) fn parameter(id: &str) -> Option<Value> {
    let known = [
        names::ARTIFACT_BUCKET,
        names::CERTIFICATE_ARN,
        names::DISTRIBUTION_ID,
        names::LOGS_KEY_ARN,
        names::READER_HOST,
        names::SIGNER_ROLE_ARN,
        names::WEB_ACL_ARN,
    ];
    let is_version = names::EDGE_FUNCTIONS
        .iter()
        .any(|name| names::version_arn(name) == id);
    (is_version || known.contains(&id)).then(|| json!({"Type": "String"}))
}

pub(super) fn output(id: &str, aliases: &[Value]) -> Option<Value> {
    for name in names::FUNCTIONS {
        if names::version_arn(name) == id {
            let version = names::version_id(name, "", "");
            let value = reference(&format!("<id:{version}>"));
            return Some(json!({"Value": value, "Description?": "<any>"}));
        }
    }
    let value = match id {
        "AccessLogsBucket" => json!({"<or>": [reference(names::ACCESS_LOGS), "<host>"]}),
        "DistributionDomainName" => attribute(names::DISTRIBUTION, "DomainName"),
        "Url" => {
            let own = aliases.iter().filter_map(Value::as_str);
            let mut urls: Vec<Value> = own.map(|own| json!(format!("https://{own}"))).collect();
            urls.push(sub("https://${Distribution.DomainName}"));
            json!({ "<or>": urls })
        }
        names::CERTIFICATE_ARN => reference("<id:Certificate>"),
        names::DELIVERS | names::DEPLOY_REGION | names::KEYS_FROM => json!("<word>"),
        names::DISTRIBUTION_ID => reference(names::DISTRIBUTION),
        names::LOGS_KEY_ARN => attribute(names::LOGS_KEY, "Arn"),
        names::READER_HOST => {
            let url = attribute("ReaderUrl", "FunctionUrl");
            json!({"Fn::Select": [2, {"Fn::Split": ["/", url]}]})
        }
        names::SIGNER_ROLE_ARN => attribute("<id:SignerRole>", "Arn"),
        names::WEB_ACL_ARN => attribute(names::WEB_ACL, "Arn"),
        _ if id.starts_with("StageIn") => json!("<word> <word>"),
        _ => return None,
    };
    Some(json!({"Value": value}))
}

impl Ours<'_> {
    pub(super) fn resource(&self, id: &str) -> Option<Value> {
        let function = names::FUNCTIONS.iter().find(|name| {
            let start = names::function_id(name);
            let start = start.trim_end_matches("Function");
            id.starts_with(start)
        });
        let of_function = function.and_then(|name| self.of_function(name, id));
        of_function
            .or_else(|| Self::of_reader(id))
            .or_else(|| self.of_logs(id))
            .or_else(|| self.of_distribution(id))
    }

    /// `image-frames-dev`
    fn delivery(&self) -> String {
        format!("{}-{}", self.service, self.env)
    }
}

fn log_group(name: &str) -> Value {
    let group = resource(
        "AWS::Logs::LogGroup",
        json!({
            "LogGroupName": name,
            "RetentionInDays": "<number>",
            "KmsKeyId": {"<or>": [attribute(names::LOGS_KEY, "Arn"), KEY_ARN]},
        }),
    );
    lasting("Delete", "Delete", group)
}
