//! CloudFront: the state of a distribution. It also disables one where
//! CloudFormation no longer can.

use super::{Aws, errors, explain};
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{DistributionConfig, EventType, LambdaFunctionAssociations};
use frames_compiler::failure::Result;

#[derive(Debug, Clone)]
pub struct Distributions {
    client: Client,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    pub enabled: bool,
    /// Every edge location has its last change.
    pub deployed: bool,
    /// The functions' versions that it runs.
    pub functions: Vec<String>,
    /// The function at viewer-request of each behavior.
    pub guards: Vec<Option<String>>,
    pub domain_name: String,
    pub aliases: Vec<String>,
}

impl Aws {
    pub fn distributions(&self) -> Distributions {
        Distributions {
            client: self.cloudfront(),
        }
    }
}

/// One of the account's, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub comment: String,
    pub aliases: Vec<String>,
}

impl Listed {
    pub fn has(&self, name: &str) -> bool {
        has(&self.aliases, name)
    }
}

impl Distribution {
    pub fn has(&self, name: &str) -> bool {
        has(&self.aliases, name)
    }
}

/// Names of hosts have no case.
fn has(aliases: &[String], name: &str) -> bool {
    aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
}

impl Distributions {
    /// All of the account. `None`: the caller may not list them.
    pub async fn list(&self) -> Result<Option<Vec<Listed>>> {
        let mut pages = self.client.list_distributions().into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::is_closed(&error) => return Ok(None),
                Err(error) => {
                    let doing = "list the distributions";
                    return Err(explain("cloudfront:ListDistributions", doing, error));
                }
            };
            let listed = page.distribution_list().map(|list| list.items());
            found.extend(listed.unwrap_or_default().iter().map(|one| {
                Listed {
                    id: one.id().to_owned(),
                    comment: one.comment().to_owned(),
                    aliases: one
                        .aliases()
                        .map(|aliases| aliases.items().to_vec())
                        .unwrap_or_default(),
                }
            }));
        }
        Ok(Some(found))
    }

    /// `None` where it is gone.
    pub async fn describe(&self, id: &str) -> Result<Option<Distribution>> {
        let answer = match self.client.get_distribution().id(id).send().await {
            Ok(answer) => answer,
            Err(error) if errors::code(&error) == Some("NoSuchDistribution") => return Ok(None),
            Err(error) => {
                let doing = format!("look at distribution {id}");
                return Err(explain("cloudfront:GetDistribution", &doing, error));
            }
        };
        let Some(distribution) = answer.distribution() else {
            return Ok(None);
        };
        let config = distribution.distribution_config();
        Ok(Some(Distribution {
            enabled: config.is_some_and(DistributionConfig::enabled),
            deployed: distribution.status() == "Deployed",
            functions: config.map(functions).unwrap_or_default(),
            guards: config.map(guards).unwrap_or_default(),
            domain_name: distribution.domain_name().to_owned(),
            aliases: config
                .and_then(|c| c.aliases())
                .map(|a| a.items().to_vec())
                .unwrap_or_default(),
        }))
    }

    /// Disables it and takes its functions away in one change: no edge location serves
    /// from its cache without asking the authorizer.
    pub async fn close(&self, id: &str) -> Result<()> {
        let doing = format!("disable distribution {id}");
        let answer = match self.client.get_distribution_config().id(id).send().await {
            Ok(answer) => answer,
            Err(error) if errors::code(&error) == Some("NoSuchDistribution") => return Ok(()),
            Err(error) => return Err(explain("cloudfront:GetDistributionConfig", &doing, error)),
        };
        let (Some(config), tag) = (answer.distribution_config().cloned(), answer.e_tag()) else {
            return Ok(());
        };
        if !config.enabled() && functions(&config).is_empty() {
            return Ok(());
        }
        let asked = self
            .client
            .update_distribution()
            .id(id)
            .distribution_config(closed(config));
        match asked.set_if_match(tag.map(str::to_owned)).send().await {
            Ok(_) => Ok(()),
            Err(error) if errors::code(&error) == Some("NoSuchDistribution") => Ok(()),
            Err(error) => Err(explain("cloudfront:UpdateDistribution", &doing, error)),
        }
    }
}

fn closed(mut config: DistributionConfig) -> DistributionConfig {
    config.enabled = false;
    if let Some(behavior) = &mut config.default_cache_behavior {
        behavior.lambda_function_associations = None;
    }
    if let Some(behaviors) = &mut config.cache_behaviors {
        for behavior in behaviors.items.iter_mut().flatten() {
            behavior.lambda_function_associations = None;
        }
    }
    config
}

fn guards(config: &DistributionConfig) -> Vec<Option<String>> {
    let guard = |associations: Option<&LambdaFunctionAssociations>| {
        let mut items = associations.into_iter().flat_map(|it| it.items());
        let guard = items.find(|it| *it.event_type() == EventType::ViewerRequest);
        guard.map(|it| it.lambda_function_arn().to_owned())
    };
    let default = config.default_cache_behavior();
    let others = config.cache_behaviors().map(|behaviors| behaviors.items());
    let others = others.unwrap_or_default().iter();
    std::iter::once(guard(
        default.and_then(|it| it.lambda_function_associations()),
    ))
    .chain(others.map(|it| guard(it.lambda_function_associations())))
    .collect()
}

fn functions(config: &DistributionConfig) -> Vec<String> {
    let default = config.default_cache_behavior();
    let default = default.and_then(|behavior| behavior.lambda_function_associations());
    let others = config.cache_behaviors().map(|behaviors| behaviors.items());
    let others = others.unwrap_or_default().iter();
    let others = others.filter_map(|behavior| behavior.lambda_function_associations());
    let mut found: Vec<String> = default
        .into_iter()
        .chain(others)
        .flat_map(|associations| associations.items())
        .map(|association| association.lambda_function_arn().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}
