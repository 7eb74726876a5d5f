//! Lambda: the functions' versions, which replicas may hold for hours.

use super::{Aws, EDGE_REGION, errors, explain};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use frames_compiler::failure::Result;
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Functions {
    client: Client,
}

/// What became of a version that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    Deleted,
    /// CloudFront's replicas still hold it.
    Replicated,
    /// An alias is on it.
    InUse,
}

/// What came of an invocation.
#[derive(Debug)]
pub enum Invoked {
    /// What the version answered. It may hold a signature and a role's session token: never shown.
    Answered(Value),
    Failed(Fault),
    Refused(Refusal),
}

/// Why a version's program didn't answer.
#[derive(Debug)]
pub struct Fault {
    /// Lambda's own error type, or the program's: `Runtime.ExitError`.
    pub kind: String,
    pub message: String,
    /// The end of the log of this invocation.
    pub log: String,
}

/// Why Lambda didn't even start a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The version isn't ready yet.
    Pending,
    Throttled,
    /// Lambda can't assume its role. A role that was made a moment ago isn't ready yet.
    Role,
    /// Its zip can't be unpacked.
    Zip,
    /// There is no such version.
    Missing,
}

impl Aws {
    /// Those that CloudFront runs.
    pub fn functions(&self) -> Functions {
        self.functions_in(EDGE_REGION)
    }

    pub fn functions_in(&self, region: &str) -> Functions {
        Functions {
            client: self.lambda(region),
        }
    }
}

impl Functions {
    pub async fn exists(&self, function: &str) -> Result<bool> {
        // `$LATEST` is a version that every function has.
        Ok(!self.all_versions(function).await?.is_empty())
    }

    /// The numbers of a function's versions. Without a function, there are none.
    pub async fn versions(&self, function: &str) -> Result<Vec<u64>> {
        let all = self.all_versions(function).await?;
        // `$LATEST` is no number.
        Ok(all.iter().filter_map(|name| name.parse().ok()).collect())
    }

    async fn all_versions(&self, function: &str) -> Result<Vec<String>> {
        let mut pages = self
            .client
            .list_versions_by_function()
            .function_name(function)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::code(&error) == Some("ResourceNotFoundException") => break,
                Err(error) => {
                    let doing = format!("list the versions of function {function}");
                    return Err(explain("lambda:ListVersionsByFunction", &doing, error));
                }
            };
            let versions = page.versions().iter();
            let names = versions.filter_map(|version| version.version());
            found.extend(names.map(str::to_owned));
        }
        Ok(found)
    }

    /// Whom each URL of a function and of its aliases answers, by Lambda's word for it: `AWS_IAM`,
    /// `NONE`. None where there is no such function.
    pub async fn url_auths(&self, function: &str) -> Result<Vec<String>> {
        let mut pages = self
            .client
            .list_function_url_configs()
            .function_name(function)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::code(&error) == Some("ResourceNotFoundException") => break,
                Err(error) => {
                    let doing = format!("look at the URLs of function {function}");
                    return Err(explain("lambda:ListFunctionUrlConfigs", &doing, error));
                }
            };
            let auths = page.function_url_configs().iter();
            found.extend(auths.map(|url| url.auth_type().as_str().to_owned()));
        }
        Ok(found)
    }

    /// Invokes a version, and waits for its answer.
    pub async fn invoke(&self, arn: &str, event: &Value) -> Result<Invoked> {
        let asked = self.client.invoke().function_name(arn);
        let asked = asked.log_type(LogType::Tail);
        let answer = match asked.payload(Blob::new(event.to_string())).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let code = errors::code(&error).unwrap_or_default();
                let refusal = match refusal(code, errors::message(&error)) {
                    None if errors::is_throttled(&error) => Some(Refusal::Throttled),
                    refusal => refusal,
                };
                let doing = || format!("invoke {arn}");
                return refusal
                    .map(Invoked::Refused)
                    .ok_or_else(|| explain("lambda:InvokeFunction", &doing(), error));
            }
        };
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
        if answer.function_error().is_none() {
            return Ok(Invoked::Answered(payload));
        }
        let text = |member: &str| payload[member].as_str().unwrap_or_default().to_owned();
        let log = STANDARD.decode(answer.log_result().unwrap_or_default());
        Ok(Invoked::Failed(Fault {
            kind: text("errorType"),
            message: text("errorMessage"),
            log: String::from_utf8_lossy(&log.unwrap_or_default()).into_owned(),
        }))
    }

    /// One that is gone is as good as deleted.
    pub async fn delete_version(&self, function: &str, version: u64) -> Result<Deleted> {
        let asked = self.client.delete_function().function_name(function);
        match asked.qualifier(version.to_string()).send().await {
            Ok(_) => Ok(Deleted::Deleted),
            Err(error) if errors::code(&error) == Some("ResourceNotFoundException") => {
                Ok(Deleted::Deleted)
            }
            Err(error) if is_replicated(errors::message(&error)) => Ok(Deleted::Replicated),
            Err(error) if is_aliased(errors::code(&error), errors::message(&error)) => {
                Ok(Deleted::InUse)
            }
            Err(error) => {
                let doing = format!("delete version {version} of function {function}");
                Err(explain("lambda:DeleteFunction", &doing, error))
            }
        }
    }
}

/// Refusals that aren't about the caller's permissions, though they may have the same code.
fn refusal(code: &str, message: &str) -> Option<Refusal> {
    match code {
        "ResourceConflictException" | "ResourceNotReadyException" => Some(Refusal::Pending),
        "InvalidZipFileException" => Some(Refusal::Zip),
        "ResourceNotFoundException" => Some(Refusal::Missing),
        _ if message.contains("cannot be assumed") => Some(Refusal::Role),
        _ => None,
    }
}

/// AWS doesn't document the text. Somebody may have put an alias of their own on a version.
fn is_aliased(code: Option<&str>, message: &str) -> bool {
    code == Some("ResourceConflictException") && message.contains("alias")
}

/// AWS may change the full text; all its versions share these words.
pub fn is_replicated(message: &str) -> bool {
    message.contains("replicated function")
}

/// `arn:aws:lambda:us-east-1:111122223333:function:NAME:7`
pub fn function_version(arn: &str) -> Option<(String, u64)> {
    let segments: Vec<&str> = arn.split(':').collect();
    match segments.as_slice() {
        ["arn", _, "lambda", _, _, "function", name, version] => {
            Some(((*name).to_owned(), version.parse().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_version_is_known_by_its_arn() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:x-dev-signer:7";
        assert_eq!(function_version(arn), Some(("x-dev-signer".to_owned(), 7)));
        assert_eq!(function_version(&arn.replace(":7", ":$LATEST")), None);
        assert_eq!(function_version(&arn.replace(":7", "")), None);
    }
}
