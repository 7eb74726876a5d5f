//! CloudWatch Logs: the functions' log groups in the Regions where their replicas run.

use super::{Aws, errors, explain};
use aws_sdk_cloudwatchlogs::Client;
use frames_compiler::failure::Result;

/// The log groups of one Region.
#[derive(Debug, Clone)]
pub struct LogGroups {
    client: Client,
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    pub name: String,
    /// `None`: for ever.
    pub retention_days: Option<i32>,
}

impl Aws {
    pub fn log_groups(&self, region: &str) -> LogGroups {
        LogGroups {
            client: Client::new(&self.within(region)),
            region: region.to_owned(),
        }
    }
}

impl LogGroups {
    /// The log groups with a prefix. `None`: the account keeps the caller out of this Region.
    pub async fn list(&self, prefix: &str) -> Result<Option<Vec<LogGroup>>> {
        let asked = self.client.describe_log_groups();
        let mut pages = asked.log_group_name_prefix(prefix).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::is_closed(&error) => return Ok(None),
                Err(error) => {
                    let doing = format!("look for the functions' log groups in {}", self.region);
                    return Err(explain("logs:DescribeLogGroups", &doing, error));
                }
            };
            found.extend(page.log_groups().iter().filter_map(|group| {
                Some(LogGroup {
                    name: group.log_group_name()?.to_owned(),
                    retention_days: group.retention_in_days(),
                })
            }));
        }
        Ok(Some(found))
    }

    pub async fn retain(&self, name: &str, days: i32) -> Result<()> {
        let asked = self.client.put_retention_policy().log_group_name(name);
        match asked.retention_in_days(days).send().await {
            Err(error) if errors::code(&error) != Some("ResourceNotFoundException") => {
                let doing = format!("set the retention of log group {name} in {}", self.region);
                Err(explain("logs:PutRetentionPolicy", &doing, error))
            }
            _ => Ok(()),
        }
    }

    /// One that is gone is as good as deleted.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self
            .client
            .delete_log_group()
            .log_group_name(name)
            .send()
            .await
        {
            Err(error) if errors::code(&error) != Some("ResourceNotFoundException") => {
                let doing = format!("delete log group {name} in {}", self.region);
                Err(explain("logs:DeleteLogGroup", &doing, error))
            }
            _ => Ok(()),
        }
    }
}
