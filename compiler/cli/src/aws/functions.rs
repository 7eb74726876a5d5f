//! Lambda: the functions' versions, which replicas may hold for hours.

use super::{Aws, errors, explain};
use crate::failure::Result;
use aws_sdk_lambda::Client;

#[derive(Debug, Clone)]
pub struct Functions {
    client: Client,
}

/// What became of a version that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    Deleted,
    /// CloudFront's replicas still hold it.
    Replicated,
}

impl Aws {
    pub fn functions(&self) -> Functions {
        Functions {
            client: self.lambda(),
        }
    }
}

impl Functions {
    pub async fn exists(&self, function: &str) -> Result<bool> {
        // `$LATEST` is a version that every function has.
        Ok(!self.all_versions(function).await?.is_empty())
    }

    /// The numbers of a function's versions; none where there is no function.
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

    /// One that is gone is as good as deleted.
    pub async fn delete_version(&self, function: &str, version: u64) -> Result<Deleted> {
        let asked = self.client.delete_function().function_name(function);
        match asked.qualifier(version.to_string()).send().await {
            Ok(_) => Ok(Deleted::Deleted),
            Err(error) if errors::code(&error) == Some("ResourceNotFoundException") => {
                Ok(Deleted::Deleted)
            }
            Err(error) if is_replicated(errors::message(&error)) => Ok(Deleted::Replicated),
            Err(error) => {
                let doing = format!("delete version {version} of function {function}");
                Err(explain("lambda:DeleteFunction", &doing, error))
            }
        }
    }
}

/// The full text is AWS's to change; these words are what all its versions share.
pub fn is_replicated(message: &str) -> bool {
    message.contains("replicated function")
}
