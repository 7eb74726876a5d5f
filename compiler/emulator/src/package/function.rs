//! A packaged function: what its template says, and its zip.

use super::stages::{Stage, artifact};
use super::{Function, at::At};
use crate::Error;
use std::{path::Path, time::Duration};

/// A function of a stage, with its zip.
pub(super) fn packaged(
    dir: &Path,
    owner: &Stage,
    logical: &str,
    region: Option<String>,
) -> Result<Function, Error> {
    let template = At::root(&owner.file, &owner.template);
    let properties = template.properties(logical, "AWS::Lambda::Function")?;
    let key = properties.dig(&["Code", "S3Key"])?;
    let (zip, sha256) = artifact(dir, owner, &key)?;
    Ok(Function {
        region,
        name: properties.get("FunctionName")?.text()?.to_owned(),
        handler: properties.get("Handler")?.text()?.to_owned(),
        runtime: properties.get("Runtime")?.text()?.to_owned(),
        // Lambda's own defaults.
        memory_mb: properties.number_or("MemorySize", 128)?,
        timeout: Duration::from_secs(properties.number_or("Timeout", 3)?),
        zip,
        sha256,
    })
}
