//! CloudFront: the state of a distribution, and its invalidations. It also disables one
//! where CloudFormation no longer can.

use super::{Aws, errors, explain};
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{
    CacheBehaviors, DefaultCacheBehavior, DistributionConfig, DistributionSummary,
    InvalidationBatch, LambdaFunctionAssociations, Paths,
};
use frames_compiler::failure::{Context, Failure, Result};
use std::collections::{BTreeMap, BTreeSet};

/// CloudFront's word for a distribution whose last change every edge location has.
const DEPLOYED: &str = "Deployed";

/// Its word for an invalidation that every edge location has.
const COMPLETED: &str = "Completed";

/// What CloudFront says to an invalidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Its id.
    Taken(String),
    /// As many as it takes at a time are in progress.
    TooMany,
}

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
    /// The functions of each behavior, by its path pattern: event and version.
    pub behaviors: BTreeMap<String, BTreeMap<String, String>>,
    /// The ids of the policies that its behaviors have.
    pub policies: BTreeSet<String>,
    pub domain_name: String,
    pub aliases: Vec<String>,
}

/// A distribution of the account, as CloudFront lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    pub comment: String,
    pub state: Distribution,
}

impl Aws {
    pub fn distributions(&self) -> Distributions {
        Distributions {
            client: self.cloudfront(),
        }
    }
}

impl Distribution {
    /// Names of hosts have no case.
    pub fn has(&self, name: &str) -> bool {
        let mut aliases = self.aliases.iter();
        aliases.any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl Distributions {
    /// All that the account has. `None` where the caller may not list them.
    pub async fn all(&self) -> Result<Option<Vec<Listed>>> {
        let mut found = Vec::new();
        let mut pages = self.client.list_distributions().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if errors::is_closed(&error) => return Ok(None),
                Err(error) => {
                    let doing = "list the account's distributions";
                    return Err(explain("cloudfront:ListDistributions", doing, error));
                }
            };
            let list = page.distribution_list();
            found.extend(list.into_iter().flat_map(|it| it.items()).map(listed));
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
        let associations = config.map(Associations::of_config);
        Ok(Some(Distribution {
            enabled: config.is_some_and(DistributionConfig::enabled),
            deployed: distribution.status() == DEPLOYED,
            functions: associations
                .as_ref()
                .map(Associations::functions)
                .unwrap_or_default(),
            behaviors: associations
                .as_ref()
                .map(Associations::by_path)
                .unwrap_or_default(),
            policies: config
                .map(|c| policies(c.default_cache_behavior(), c.cache_behaviors()))
                .unwrap_or_default(),
            domain_name: distribution.domain_name().to_owned(),
            aliases: config
                .and_then(|c| c.aliases())
                .map(|a| a.items().to_vec())
                .unwrap_or_default(),
        }))
    }

    /// Begins to take paths out of all caches. One reference is one invalidation, however
    /// often it is asked for.
    pub async fn invalidate(&self, id: &str, paths: &[String], reference: &str) -> Result<Asked> {
        let doing = format!("purge distribution {id}");
        let quantity = i32::try_from(paths.len()).context(|| format!("can't {doing}"))?;
        let paths = Paths::builder()
            .quantity(quantity)
            .set_items(Some(paths.to_vec()));
        let paths = paths.build().context(|| format!("can't {doing}"))?;
        let batch = InvalidationBatch::builder()
            .paths(paths)
            .caller_reference(reference);
        let batch = batch.build().context(|| format!("can't {doing}"))?;
        let asked = self.client.create_invalidation().distribution_id(id);
        match asked.invalidation_batch(batch).send().await {
            Ok(answer) => match answer.invalidation() {
                Some(invalidation) => Ok(Asked::Taken(invalidation.id().to_owned())),
                None => Err(Failure::new(format!(
                    "can't {doing}: CloudFront names no invalidation"
                ))),
            },
            Err(error) if errors::code(&error) == Some("TooManyInvalidationsInProgress") => {
                Ok(Asked::TooMany)
            }
            Err(error) => Err(explain("cloudfront:CreateInvalidation", &doing, error)),
        }
    }

    /// Whether every edge location has an invalidation.
    pub async fn is_invalidated(&self, id: &str, invalidation: &str) -> Result<bool> {
        let asked = self.client.get_invalidation().distribution_id(id);
        let answer = asked.id(invalidation).send().await.map_err(|error| {
            let doing = format!("see whether invalidation {invalidation} is done");
            explain("cloudfront:GetInvalidation", &doing, error)
        })?;
        let status = answer.invalidation().map(|it| it.status());
        Ok(status == Some(COMPLETED))
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
        if !config.enabled() && Associations::of_config(&config).functions().is_empty() {
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

    /// Switches it on, as long as it runs what was looked at: `false` where it doesn't any more.
    pub async fn enable(&self, id: &str, seen: &Distribution) -> Result<bool> {
        let doing = format!("enable distribution {id}");
        let answer = self.client.get_distribution_config().id(id).send().await;
        let answer =
            answer.map_err(|error| explain("cloudfront:GetDistributionConfig", &doing, error))?;
        let (Some(mut config), tag) = (answer.distribution_config().cloned(), answer.e_tag())
        else {
            return Ok(false);
        };
        if Associations::of_config(&config).by_path() != seen.behaviors {
            return Ok(false);
        }
        config.enabled = true;
        // The tag is of that very configuration: a change in between is refused.
        let asked = self.client.update_distribution().id(id);
        let asked = asked
            .distribution_config(config)
            .set_if_match(tag.map(str::to_owned));
        match asked.send().await {
            Ok(_) => Ok(true),
            Err(error) if errors::code(&error) == Some("PreconditionFailed") => Ok(false),
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

fn listed(summary: &DistributionSummary) -> Listed {
    let default = summary.default_cache_behavior();
    let default = default.and_then(|it| it.lambda_function_associations());
    let associations = Associations::of(default, summary.cache_behaviors());
    let aliases = summary.aliases();
    Listed {
        id: summary.id().to_owned(),
        comment: summary.comment().to_owned(),
        state: Distribution {
            enabled: summary.enabled(),
            deployed: summary.status() == DEPLOYED,
            functions: associations.functions(),
            behaviors: associations.by_path(),
            policies: policies(summary.default_cache_behavior(), summary.cache_behaviors()),
            domain_name: summary.domain_name().to_owned(),
            aliases: aliases.map(|it| it.items().to_vec()).unwrap_or_default(),
        },
    }
}

/// Cache, origin request and response headers policies.
fn policies(
    default: Option<&DefaultCacheBehavior>,
    others: Option<&CacheBehaviors>,
) -> BTreeSet<String> {
    let of_default = default.into_iter().flat_map(|it| {
        [
            it.cache_policy_id(),
            it.origin_request_policy_id(),
            it.response_headers_policy_id(),
        ]
    });
    let others = others.into_iter().flat_map(|it| it.items());
    let of_others = others.flat_map(|it| {
        [
            it.cache_policy_id(),
            it.origin_request_policy_id(),
            it.response_headers_policy_id(),
        ]
    });
    let all = of_default.chain(of_others).flatten();
    all.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// How CloudFront's answers call the default behavior.
pub const DEFAULT_PATH: &str = "*";

/// The functions of each behavior, by its path pattern.
struct Associations<'a>(Vec<(&'a str, Option<&'a LambdaFunctionAssociations>)>);

impl<'a> Associations<'a> {
    fn of(
        default: Option<&'a LambdaFunctionAssociations>,
        others: Option<&'a CacheBehaviors>,
    ) -> Self {
        let others = others.into_iter().flat_map(|it| it.items());
        let others = others.map(|behavior| {
            let functions = behavior.lambda_function_associations();
            (behavior.path_pattern(), functions)
        });
        Self(
            std::iter::once((DEFAULT_PATH, default))
                .chain(others)
                .collect(),
        )
    }

    fn of_config(config: &'a DistributionConfig) -> Self {
        let default = config.default_cache_behavior();
        let default = default.and_then(|it| it.lambda_function_associations());
        Self::of(default, config.cache_behaviors())
    }

    fn by_path(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let behaviors = self.0.iter().map(|(path, associations)| {
            let items = associations.iter().flat_map(|it| it.items());
            let functions = items.map(|it| {
                let event = it.event_type().as_str().to_owned();
                (event, it.lambda_function_arn().to_owned())
            });
            ((*path).to_owned(), functions.collect())
        });
        behaviors.collect()
    }

    fn functions(&self) -> Vec<String> {
        let all = self.0.iter().filter_map(|(_, associations)| *associations);
        let items = all.flat_map(LambdaFunctionAssociations::items);
        let arns: BTreeSet<&str> = items.map(|it| it.lambda_function_arn()).collect();
        arns.into_iter().map(str::to_owned).collect()
    }
}
