//! Plan to [`Policy`]: what the deployer of this very manifest may do in IAM's
//! terms, and no more. Two tables say it: [`direct`] has the calls that frames
//! makes itself, [`rows`] those that CloudFormation makes on the deployer's
//! behalf, by resource type. [`scope`] tells which resources a row means here.
//!
//! ```text
//! Plan -> templates -> rows of both tables -> statements -> documents
//! ```

mod direct;
mod document;
mod rows;
mod scope;

pub use direct::Uses;
pub use document::{MANAGED, Policy, Statement};
pub use rows::{HANDLERS, Handler};

use crate::plan::Plan;
use crate::template::{self, Defect};
use document::Collected;
use scope::Scope;
use serde_json::Value;

/// What the policy is to cover beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// None: any account, `*` in every ARN.
    pub account: Option<&'a str>,
    pub uses: Uses,
}

/// A policy, and what it leaves to the user.
#[derive(Debug, Clone)]
pub struct Printed {
    pub policy: Policy,
    /// Resources and properties of an overlay that no row knows, by their paths.
    pub unknown: Vec<String>,
}

/// A stage and its template.
struct Template<'a> {
    stage: &'a crate::plan::Stage,
    value: Value,
}

impl Template<'_> {
    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        let resources = self.value.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten()
    }
}

pub fn policy(plan: &Plan, request: &Request<'_>) -> Result<Printed, Defect> {
    let templates: Vec<Template<'_>> = template::unbuilt_templates(plan)?
        .into_iter()
        .map(|(stage, template)| Template {
            stage,
            value: template.value,
        })
        .collect();
    let account = request.account.unwrap_or("*");
    let mut collected = Collected::default();
    direct::collect(&mut collected, plan, &templates, account, &request.uses);
    let mut unknown = Vec::new();
    let shared = scope::Shared::of(&templates, account);
    for template in &templates {
        let scope = Scope::new(template, account, &shared);
        for (id, resource) in template.resources() {
            unknown.extend(collect(&mut collected, &scope, id, resource));
        }
        if template.value.get("Transform").is_some() {
            unknown.push(format!("`resources.{}.Transform`", template.stage.name));
        }
    }
    Ok(Printed {
        policy: collected.policy(),
        unknown,
    })
}

/// Adds a resource's statements. What no row knows comes back, by its path.
fn collect(into: &mut Collected, scope: &Scope<'_>, id: &str, resource: &Value) -> Vec<String> {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let Some(handler) = rows::of(kind) else {
        return vec![format!("`{}` ({kind})", scope.path(id))];
    };
    let properties = resource["Properties"].as_object();
    for grant in handler.grants {
        if let Some(property) = grant.with
            && !properties.is_some_and(|properties| properties.contains_key(property))
        {
            continue;
        }
        let Some(condition) = scope.condition(grant.only, resource) else {
            continue;
        };
        let resources = grant
            .on
            .iter()
            .map(|pattern| scope.arn(pattern, id, resource));
        into.allow(grant.sid, grant.actions, resources, condition);
    }
    let properties = properties
        .into_iter()
        .flat_map(|properties| properties.keys());
    let unknown = properties.filter(|property| !handler.properties.contains(&property.as_str()));
    unknown
        .map(|property| format!("`{}.Properties.{property}` ({kind})", scope.path(id)))
        .collect()
}

#[cfg(test)]
mod tests;
