//! The web ACL before the distribution, as far as the templates say what it does.

use super::at::At;
use super::stages::{self, Stage};
use crate::Error;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebAcl {
    /// One that doesn't belong to these stacks: only its name is known.
    Elsewhere,
    /// The rules that can be told from the template, in their order, and the
    /// names of those that can't.
    Here {
        rules: Vec<Rule>,
        unmodelled: Vec<String>,
    },
}

/// A rule that blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// More requests than this per address within the window.
    Rate { limit: u64, window: Duration },
    /// The rules of AWS's core rule set that are in force.
    Core(Vec<CoreRule>),
}

/// The rules of `AWSManagedRulesCommonRuleSet` whose documentation says all that they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreRule {
    NoUserAgent,
    Query,
    Cookie,
    Body,
    Path,
}

impl CoreRule {
    const ALL: [(&'static str, Self); 5] = [
        ("NoUserAgent_HEADER", Self::NoUserAgent),
        ("SizeRestrictions_QUERYSTRING", Self::Query),
        ("SizeRestrictions_Cookie_HEADER", Self::Cookie),
        ("SizeRestrictions_BODY", Self::Body),
        ("SizeRestrictions_URIPATH", Self::Path),
    ];
}

const CORE: &str = "AWSManagedRulesCommonRuleSet";

/// The web ACL that `WebACLId` names.
pub(super) fn web_acl(stages: &[Stage], stage: &Stage, id: &At<'_>) -> Result<WebAcl, Error> {
    // An overlay may refer to whatever it likes.
    let output = id
        .reference()
        .and_then(|parameter| stages::output(stages, stage, parameter).ok());
    let Some((owner, value)) = output else {
        return Ok(WebAcl::Elsewhere);
    };
    let steps = value.opt("Fn::GetAtt").map(|steps| steps.texts());
    let steps = steps.transpose()?.unwrap_or_default();
    let Some(logical) = steps.first() else {
        return Ok(WebAcl::Elsewhere);
    };
    let template = At::root(&owner.file, &owner.template);
    let properties = template.properties(logical, "AWS::WAFv2::WebACL")?;
    let mut nodes = properties.items_or_empty("Rules")?;
    // Priorities are numbers, each once.
    nodes.sort_by_cached_key(|node| node.opt("Priority").and_then(|p| p.number().ok()));
    let (mut rules, mut unmodelled) = (Vec::new(), Vec::new());
    if properties.dig(&["DefaultAction", "Allow"]).is_err() {
        unmodelled.push("its default action".to_owned());
    }
    for node in nodes {
        let name = node.get("Name")?.text()?.to_owned();
        match rule(&node)? {
            Some(rule) => {
                // Of the core rule set, only a part.
                if matches!(rule, Rule::Core(_)) {
                    unmodelled.push(format!("the rest of {name}"));
                }
                rules.push(rule);
            }
            None => unmodelled.push(name),
        }
    }
    Ok(WebAcl::Here { rules, unmodelled })
}

/// `None`: it needs more than the template and AWS's documentation tell.
fn rule(node: &At<'_>) -> Result<Option<Rule>, Error> {
    let statement = node.get("Statement")?;
    if let Some(rate) = statement.opt("RateBasedStatement") {
        let blocks = node.dig(&["Action", "Block"]).is_ok();
        let by_address = rate.get("AggregateKeyType")?.text()? == "IP";
        if !blocks || !by_address || rate.opt("ScopeDownStatement").is_some() {
            return Ok(None);
        }
        let window = rate.number_or("EvaluationWindowSec", 300)?;
        return Ok(Some(Rule::Rate {
            limit: rate.get("Limit")?.number()?,
            window: Duration::from_secs(window),
        }));
    }
    let Some(group) = statement.opt("ManagedRuleGroupStatement") else {
        return Ok(None);
    };
    let is_core = group.get("VendorName")?.text()? == "AWS" && group.get("Name")?.text()? == CORE;
    let blocks = node.dig(&["OverrideAction", "None"]).is_ok();
    let narrowed = ["ScopeDownStatement", "ExcludedRules", "Version"];
    if !is_core || !blocks || narrowed.iter().any(|key| group.opt(key).is_some()) {
        return Ok(None);
    }
    let mut other = Vec::new();
    for node in group.items_or_empty("RuleActionOverrides")? {
        if node.dig(&["ActionToUse", "Block"]).is_err() {
            other.push(node.get("Name")?.text()?);
        }
    }
    let in_force = CoreRule::ALL
        .into_iter()
        .filter(|(name, _)| !other.contains(name));
    Ok(Some(Rule::Core(in_force.map(|(_, rule)| rule).collect())))
}
