//! What the signer's role allows, as the template says.
//!
//! That is its own policies, and the managed ones of its stack. A permissions boundary, which can only
//! take away, belongs to the account and isn't in the package.

use super::{Distribution, at::At, stages::Stage};
use crate::Error;

/// A statement about HealthImaging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Otherwise it denies.
    pub allows: bool,
    /// Patterns: `medical-imaging:GetImageFrame`, `medical-imaging:Get*`, `*`.
    pub actions: Vec<String>,
    /// Patterns of ARNs; what only AWS knows of them is a `*`.
    pub resources: Vec<String>,
    /// Condition keys, each with its values: all have to match.
    pub conditions: Vec<(String, Vec<String>)>,
}

/// The condition keys of HealthImaging that the stand-in's requests have.
pub const STUDY: &str = "medical-imaging:StudyInstanceUID";
pub const SERIES: &str = "medical-imaging:SeriesInstanceUID";

const SERVICE: &str = "medical-imaging:";

/// The statements of the role that signs for the distribution.
pub(super) fn signer_statements(
    stages: &[Stage],
    distribution: &Distribution,
) -> Result<Vec<Statement>, Error> {
    let mut signers: Vec<&str> = distribution
        .behaviors
        .iter()
        .filter_map(|b| Some(b.origin_request_function.as_ref()?.function.as_str()))
        .collect();
    signers.sort_unstable();
    signers.dedup();
    let mut found = Vec::new();
    for stage in stages {
        let template = At::root(&stage.file, &stage.template);
        let resources = template.get("Resources")?;
        for signer in signers.iter().filter(|id| resources.opt(id).is_some()) {
            found.extend(statements(&template, signer)?);
        }
    }
    Ok(found)
}

/// What a function's role says about HealthImaging.
pub(super) fn statements(template: &At<'_>, function: &str) -> Result<Vec<Statement>, Error> {
    let mut found = Vec::new();
    for node in nodes(template, function)? {
        found.extend(statement(&node)?);
    }
    Ok(found)
}

/// The statements of a function's role, of whatever they are.
pub(super) fn nodes<'a>(template: &At<'a>, function: &str) -> Result<Vec<At<'a>>, Error> {
    let function = template.properties(function, "AWS::Lambda::Function")?;
    let Some(role) = function.opt("Role") else {
        return Ok(Vec::new());
    };
    let steps = role.get("Fn::GetAtt")?.texts()?;
    let [id, attribute] = steps.as_slice() else {
        return Err(role.error("the `Arn` of a role of this template was expected"));
    };
    if attribute != "Arn" {
        return Err(role.error("the `Arn` of a role of this template was expected"));
    }
    let role = template.properties(id, "AWS::IAM::Role")?;
    let mut documents = Vec::new();
    for policy in role.items_or_empty("Policies")? {
        documents.push(policy.get("PolicyDocument")?);
    }
    for arn in role.items_or_empty("ManagedPolicyArns")? {
        let id = arn.reference().ok_or_else(|| {
            arn.error("the HealthImaging stand-in knows only the policies of this stack")
        })?;
        let policy = template.properties(id, "AWS::IAM::ManagedPolicy")?;
        documents.push(policy.get("PolicyDocument")?);
    }
    let mut found = Vec::new();
    for document in documents {
        found.extend(many(&document.get("Statement")?)?);
    }
    Ok(found)
}

/// `None` where it is about other services.
fn statement(node: &At<'_>) -> Result<Option<Statement>, Error> {
    let unknown = |key: &str| match node.opt(key) {
        Some(part) => Err(part.error("the HealthImaging stand-in does not model this")),
        None => Ok(()),
    };
    unknown("NotAction")?;
    let mut actions = Vec::new();
    for action in many(&node.get("Action")?)? {
        let action = action.text()?.to_ascii_lowercase();
        if action == "*" || action.starts_with(SERVICE) {
            actions.push(action);
        }
    }
    if actions.is_empty() {
        return Ok(None);
    }
    unknown("NotResource")?;
    let conditions = node.opt("Condition").map(|c| conditions(&c));
    let effect = node.get("Effect")?;
    let allows = match effect.text()? {
        "Allow" => true,
        "Deny" => false,
        _ => return Err(effect.error("`Allow` or `Deny` was expected")),
    };
    let resources = many(&node.get("Resource")?)?;
    let resources = resources.iter().map(resource).collect::<Result<_, _>>()?;
    Ok(Some(Statement {
        allows,
        actions,
        resources,
        conditions: conditions.transpose()?.unwrap_or_default(),
    }))
}

fn conditions(node: &At<'_>) -> Result<Vec<(String, Vec<String>)>, Error> {
    let mut found = Vec::new();
    for (operator, keys) in node.entries()? {
        for (key, values) in keys.entries()? {
            if operator != "StringEquals" || ![STUDY, SERIES].contains(&key) {
                return Err(values.error("the HealthImaging stand-in does not model this"));
            }
            let values = many(&values)?;
            let values = values.iter().map(|value| value.text().map(str::to_owned));
            found.push((key.to_owned(), values.collect::<Result<_, _>>()?));
        }
    }
    Ok(found)
}

pub(super) fn resource(node: &At<'_>) -> Result<String, Error> {
    let text = match node.opt("Fn::Sub") {
        Some(text) => text.text()?,
        None => node.text()?,
    };
    let text = ["${AWS::Partition}", "${AWS::AccountId}"]
        .iter()
        .fold(text.to_owned(), |text, parameter| {
            text.replace(parameter, "*")
        });
    if text.contains("${") {
        return Err(node
            .error("the HealthImaging stand-in fills in only AWS::Partition and AWS::AccountId"));
    }
    Ok(text)
}

/// IAM takes one where a list may be.
pub(super) fn many<'a>(node: &At<'a>) -> Result<Vec<At<'a>>, Error> {
    if node.value.is_array() {
        node.items()
    } else {
        Ok(vec![node.clone()])
    }
}
