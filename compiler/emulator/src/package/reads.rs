//! The function behind a URL that native reads by GET go to: its URL's host, and whether
//! the signer may call it.
//!
//! Source: "Control access to Lambda function URLs", AWS Lambda Developer Guide.

use super::function::packaged;
use super::stages::{Stage, output};
use super::{Distribution, Function, Statement, at::At, pattern::glob, role};
use crate::Error;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A function behind a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    pub function: Function,
    /// Where it runs, and what its URL's signatures are for.
    pub region: String,
    /// Of its URL. Only AWS knows the real one.
    pub host: String,
    /// Whether the signer's role may call it by its URL: by the role's own policies, or by
    /// the function's.
    pub callable: bool,
    /// What its own role says about HealthImaging.
    pub statements: Vec<Statement>,
}

/// A call by a function URL needs both.
const ACTIONS: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];

/// The conditions that hold for any call by a function URL that is signed.
const CONDITIONS: [(&str, &str); 2] = [
    ("lambda:FunctionUrlAuthType", "AWS_IAM"),
    ("lambda:InvokedViaFunctionUrl", "true"),
];

const URL: &str = "AWS::Lambda::Url";

pub(super) fn reader(
    dir: &Path,
    stages: &[Stage],
    distribution: &Distribution,
) -> Result<Option<Reader>, Error> {
    let mut found = None;
    for stage in stages {
        let template = At::root(&stage.file, &stage.template);
        for (id, resource) in template.get("Resources")?.entries()? {
            if resource.get("Type")?.text()? != URL {
                continue;
            }
            if found.is_some() {
                return Err(resource.error("a second function URL: the local edge serves one"));
            }
            found = Some(behind(dir, stages, stage, distribution, id)?);
        }
    }
    Ok(found)
}

fn behind(
    dir: &Path,
    stages: &[Stage],
    stage: &Stage,
    distribution: &Distribution,
    url: &str,
) -> Result<Reader, Error> {
    let template = At::root(&stage.file, &stage.template);
    let properties = template.properties(url, URL)?;
    for (key, wanted) in [("AuthType", "AWS_IAM"), ("InvokeMode", "RESPONSE_STREAM")] {
        let value = properties.get(key)?;
        if value.text()? != wanted {
            return Err(value.error(&format!("the local edge models `{wanted}` only")));
        }
    }
    let target = properties.get("TargetFunctionArn")?;
    let function = of_resource(&target)
        .ok_or_else(|| target.error("the `Arn` of a function of this template was expected"))?;
    let qualifier = properties.get("Qualifier")?;
    let alias = alias(&template, function, &qualifier)?;
    let region = stage.region()?.to_owned();
    let reader = packaged(dir, stage, function, Some(region.clone()))?;
    published(&template, function, &alias, &reader)?;
    Ok(Reader {
        callable: is_callable(stages, stage, distribution, &alias, &reader)?,
        host: host(&reader.name, &region),
        statements: role::statements(&template, function)?,
        function: reader,
        region,
    })
}

/// What a function URL runs: the alias that its qualifier names.
struct Alias<'a> {
    logical: &'a str,
    name: &'a str,
    properties: At<'a>,
}

fn alias<'a>(template: &At<'a>, function: &str, qualifier: &At<'a>) -> Result<Alias<'a>, Error> {
    for (logical, resource) in template.get("Resources")?.entries()? {
        if resource.get("Type")?.text()? != "AWS::Lambda::Alias" {
            continue;
        }
        let properties = resource.get("Properties")?;
        let name = properties.get("Name")?.text()?;
        let is_of_function = of_resource(&properties.get("FunctionName")?) == Some(function);
        if is_of_function && name == qualifier.text()? {
            return Ok(Alias {
                logical,
                name,
                properties,
            });
        }
    }
    Err(qualifier.error("the name of an alias of the function was expected"))
}

/// The alias is on a version of the function, and the version was published of the zip that is
/// here: Lambda publishes no other.
fn published(
    template: &At<'_>,
    function: &str,
    alias: &Alias<'_>,
    packaged: &Function,
) -> Result<(), Error> {
    let on = alias.properties.get("FunctionVersion")?;
    let attribute = on.get("Fn::GetAtt")?.texts()?;
    let [id, "Version"] = [0, 1].map(|n| attribute.get(n).map_or("", String::as_str)) else {
        return Err(on.error("the `Version` of a version of this template was expected"));
    };
    let version = template.properties(id, "AWS::Lambda::Version")?;
    let of = version.get("FunctionName")?;
    if of_resource(&of) != Some(function) {
        return Err(of.error("a version of the function behind the URL was expected"));
    }
    let digest = version.get("CodeSha256")?;
    let hex = STANDARD.decode(digest.text()?).unwrap_or_default();
    let hex: String = hex.iter().map(|byte| format!("{byte:02x}")).collect();
    if hex != packaged.sha256 {
        return Err(digest.error("this isn't the digest of the function's zip"));
    }
    Ok(())
}

/// A made-up host of the form that AWS gives.
fn host(function: &str, region: &str) -> String {
    let id = format!("{:x}", Sha256::digest(function));
    format!("{id:.32}.lambda-url.{region}.on.aws")
}

/// The host that another stage gets as a parameter.
pub(super) fn host_of(stages: &[Stage], stage: &Stage, parameter: &str) -> Result<String, Error> {
    let (owner, value) = output(stages, stage, parameter)?;
    let template = At::root(&owner.file, &owner.template);
    // {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": [<url>, "FunctionUrl"]}]}]}
    let unknown = || value.error("the host of a function URL was expected");
    let select = value.get("Fn::Select")?.items()?;
    let [index, split] = select.as_slice() else {
        return Err(unknown());
    };
    if index.number()? != 2 {
        return Err(unknown());
    }
    let split = split.get("Fn::Split")?;
    let parts = split.items()?;
    let [separator, url] = parts.as_slice() else {
        return Err(unknown());
    };
    let attribute = url.get("Fn::GetAtt")?.texts()?;
    let [id, "FunctionUrl"] = [0, 1].map(|n| attribute.get(n).map_or("", String::as_str)) else {
        return Err(unknown());
    };
    if separator.text()? != "/" {
        return Err(unknown());
    }
    let target = template.properties(id, URL)?.get("TargetFunctionArn")?;
    let function = of_resource(&target).ok_or_else(unknown)?;
    let function = template.properties(function, "AWS::Lambda::Function")?;
    Ok(host(function.get("FunctionName")?.text()?, owner.region()?))
}

/// The logical id in `{"Fn::GetAtt": ["…", "Arn"]}` or `{"Ref": "…"}`.
fn of_resource<'a>(node: &At<'a>) -> Option<&'a str> {
    let attribute = node.value.get("Fn::GetAtt").and_then(|it| it.as_array());
    match attribute.map(Vec::as_slice) {
        Some([id, attribute]) if attribute == "Arn" => id.as_str(),
        Some(_) => None,
        None => node.reference(),
    }
}

fn is_callable(
    stages: &[Stage],
    stage: &Stage,
    distribution: &Distribution,
    alias: &Alias<'_>,
    function: &Function,
) -> Result<bool, Error> {
    let region = function.region.as_deref().unwrap_or_default();
    // A call of an alias' URL is checked against the alias.
    let arn = format!(
        "arn:*:lambda:{region}:*:function:{}:{}",
        function.name, alias.name
    );
    let signers: Vec<&str> = distribution
        .behaviors
        .iter()
        .filter_map(|b| Some(b.origin_request_function.as_ref()?.function.as_str()))
        .collect();
    let mut allowed = [false; 2];
    for owner in stages {
        let template = At::root(&owner.file, &owner.template);
        let resources = template.get("Resources")?;
        for signer in signers.iter().filter(|id| resources.opt(id).is_some()) {
            for node in role::nodes(&template, signer)? {
                let denies = node.get("Effect")?.text()? == "Deny";
                for (action, allowed) in ACTIONS.iter().zip(&mut allowed) {
                    if !speaks_of(&node, action, &arn)? {
                        continue;
                    }
                    if denies {
                        return Ok(false);
                    }
                    *allowed = true;
                }
            }
        }
    }
    for (action, allowed) in ACTIONS.iter().zip(&mut allowed) {
        *allowed = *allowed || is_permitted(stages, stage, alias.logical, action, &signers)?;
    }
    Ok(allowed == [true; 2])
}

/// Whether a statement is about an action on the function, by its URL.
fn speaks_of(node: &At<'_>, action: &str, arn: &str) -> Result<bool, Error> {
    let Some(actions) = node.opt("Action") else {
        return Ok(false);
    };
    let action = action.to_ascii_lowercase();
    let mut named = false;
    for pattern in role::many(&actions)? {
        let pattern = pattern.text()?.to_ascii_lowercase();
        named |= glob(pattern.as_bytes(), action.as_bytes());
    }
    let Some(resources) = node.opt("Resource").filter(|_| named) else {
        return Ok(false);
    };
    let mut reached = false;
    for pattern in role::many(&resources)? {
        // What only AWS knows is a `*` in both.
        reached |= glob(role::resource(&pattern)?.as_bytes(), arn.as_bytes());
    }
    Ok(reached && holds(node)?)
}

fn holds(node: &At<'_>) -> Result<bool, Error> {
    let Some(condition) = node.opt("Condition") else {
        return Ok(true);
    };
    let mut all = true;
    for (_, keys) in condition.entries()? {
        for (key, value) in keys.entries()? {
            let known = CONDITIONS.iter().find(|(name, _)| *name == key);
            let (_, wanted) =
                known.ok_or_else(|| value.error("the local edge does not model this condition"))?;
            all = all && (value.value == wanted || value.flag().ok() == wanted.parse().ok());
        }
    }
    Ok(all)
}

/// Whether the alias' own policy lets the signer's role do it.
fn is_permitted(
    stages: &[Stage],
    stage: &Stage,
    logical: &str,
    action: &str,
    signers: &[&str],
) -> Result<bool, Error> {
    let template = At::root(&stage.file, &stage.template);
    for (_, resource) in template.get("Resources")?.entries()? {
        if resource.get("Type")?.text()? != "AWS::Lambda::Permission" {
            continue;
        }
        let properties = resource.get("Properties")?;
        let is_own = of_resource(&properties.get("FunctionName")?) == Some(logical);
        if !is_own || properties.get("Action")?.text()? != action {
            continue;
        }
        let principal = properties.get("Principal")?;
        let Some(parameter) = principal.reference() else {
            continue;
        };
        let (owner, role) = output(stages, stage, parameter)?;
        let owner = At::root(&owner.file, &owner.template);
        for signer in signers {
            let resources = owner.get("Resources")?;
            let Some(signer) = resources.opt(signer) else {
                continue;
            };
            let own = signer.dig(&["Properties", "Role"])?;
            if own.value == role.value {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
