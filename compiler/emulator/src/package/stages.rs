//! The stages of `plan.json`, each with its template.

use super::at::At;
use crate::Error;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(super) const PLAN: &str = "plan.json";

/// A stage of the plan, with its template.
pub(super) struct Stage {
    pub name: String,
    pub file: String,
    plan: Value,
    pub template: Value,
}

pub(super) fn stages(dir: &Path) -> Result<Vec<Stage>, Error> {
    let plan = json(dir, PLAN)?;
    At::root(PLAN, &plan)
        .get("stages")?
        .items()?
        .iter()
        .map(|stage| {
            let file = stage.get("template")?.text()?;
            Ok(Stage {
                name: stage.get("name")?.text()?.to_owned(),
                file: file.to_owned(),
                plan: stage.value.clone(),
                template: json(dir, plain_name(&stage.get("template")?)?)?,
            })
        })
        .collect()
}

fn json(dir: &Path, name: &str) -> Result<Value, Error> {
    let path = dir.join(name);
    let text = std::fs::read(&path).map_err(|e| {
        Error::new(format!("{}: {e}", path.display())).help("run `frames package` first")
    })?;
    serde_json::from_slice(&text).map_err(|e| {
        Error::new(format!("{}: not JSON: {e}", path.display())).help("run `frames package` again")
    })
}

/// A file of the package: a name, never a path out of it.
fn plain_name<'a>(at: &At<'a>) -> Result<&'a str, Error> {
    let name = at.text()?;
    let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..";
    is_plain
        .then_some(name)
        .ok_or_else(|| at.error("a plain file name was expected"))
}

impl Stage {
    pub(super) fn region(&self) -> Result<&str, Error> {
        At::root(PLAN, &self.plan).get("region")?.text()
    }
}

/// What a parameter of a stage is given: an output of another stage.
pub(super) fn output<'a>(
    stages: &'a [Stage],
    stage: &'a Stage,
    parameter: &str,
) -> Result<(&'a Stage, At<'a>), Error> {
    let plan = At::root(PLAN, &stage.plan);
    let source = plan.dig(&["parameters", parameter])?;
    let kind = source.get("source")?;
    if kind.text()? != "output" {
        return Err(kind.error("an output of another stage was expected"));
    }
    let from = source.get("stage")?;
    let name = from.text()?;
    let owner = stages
        .iter()
        .find(|s| s.name == name)
        .ok_or_else(|| from.error("no stage has this name"))?;
    let template = At::root(&owner.file, &owner.template);
    let output = source.get("output")?.text()?;
    Ok((owner, template.dig(&["Outputs", output, "Value"])?))
}

pub(super) fn artifact(
    dir: &Path,
    stage: &Stage,
    key: &At<'_>,
) -> Result<(PathBuf, String), Error> {
    let wanted = key.text()?;
    for artifact in At::root(PLAN, &stage.plan).get("artifacts")?.items()? {
        if artifact.get("key")?.text()? == wanted {
            let file = plain_name(&artifact.get("file")?)?;
            let sha256 = artifact.get("sha256")?.text()?.to_ascii_lowercase();
            return Ok((dir.join(file), sha256));
        }
    }
    Err(key.error("plan.json has no artifact of this key"))
}
