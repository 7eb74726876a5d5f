//! Plan and programs to zips, templates and plan.json.

use super::zips::{self, Zip};
use super::{Programs, sources};
use crate::failure::{Context, Result};
use frames_compiler::plan::{Artifact, Plan, PlanFile, names};
use frames_compiler::template::{self, Template};
use sha2::{Digest, Sha256};
use std::path::Path;

/// All that `.frames/<env>/` holds.
#[derive(Debug)]
pub struct Package {
    pub zips: Vec<Zip>,
    pub templates: Vec<Template>,
    pub plan_json: String,
}

/// Lambda@Edge's older limit for viewer triggers, which may still hold somewhere.
const MAX_ZIP: usize = 1_000_000;

pub fn package(plan: &Plan, programs: &Programs) -> Result<Package> {
    let mut zips = Vec::new();
    for function in plan.functions() {
        let config =
            serde_json::to_vec_pretty(&function.config).context(|| "can't write config.json")?;
        let bytes = zips::with_config(programs.base(function.name), &config)?;
        let sha256 = format!("{:x}", Sha256::digest(&bytes));
        zips.push(Zip {
            function: function.name,
            file: names::artifact_file(function.name, &sha256),
            bytes,
            sha256,
        });
    }
    let artifacts: Vec<Artifact> = zips
        .iter()
        .map(|zip| Artifact {
            function: zip.function.to_owned(),
            sha256: zip.sha256.clone(),
            bytes: zip.bytes.len() as u64,
        })
        .collect();
    let templates = template::render(plan, &artifacts).context(|| "can't make the templates")?;
    let plan_file = PlanFile::new(plan, &artifacts, &templates);
    let plan_json = serde_json::to_string_pretty(&plan_file).context(|| "can't write plan.json")?;
    Ok(Package {
        zips,
        templates,
        plan_json: plan_json + "\n",
    })
}

impl Package {
    /// Zips over Lambda@Edge's older limit, for a warning.
    pub fn oversized(&self) -> impl Iterator<Item = &Zip> {
        self.zips.iter().filter(|zip| zip.bytes.len() > MAX_ZIP)
    }

    /// Writes the directory. `plan.json` comes last: whoever reads it finds all that it names.
    pub fn write(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory)
            .context(|| format!("can't make {}", directory.display()))?;
        for zip in &self.zips {
            write(directory, &zip.file, &zip.bytes)?;
        }
        for template in &self.templates {
            write(directory, &template.file_name(), template.text.as_bytes())?;
        }
        write(directory, "plan.json", self.plan_json.as_bytes())?;
        self.remove_stale(directory)
    }

    /// Zips of earlier packages; nothing refers to them any more.
    fn remove_stale(&self, directory: &Path) -> Result<()> {
        let entries = std::fs::read_dir(directory)
            .context(|| format!("can't list {}", directory.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = self
                .zips
                .iter()
                .any(|zip| name.starts_with(&format!("{}-", zip.function)));
            if ours && name.ends_with(".zip") && !self.zips.iter().any(|zip| zip.file == name) {
                std::fs::remove_file(entry.path()).context(|| format!("can't remove {name}"))?;
            }
        }
        Ok(())
    }
}

/// A reader sees the old file or the new one, never a part.
fn write(directory: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = directory.join(name);
    if std::fs::read(&path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let context = || format!("can't write {}", path.display());
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .permissions(permissions())
        .tempfile_in(directory)
        .context(context)?;
    std::io::Write::write_all(&mut file, content).context(context)?;
    file.persist(&path).map(drop).context(context)
}

#[cfg(unix)]
fn permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

/// The base zip of each program: what `config.json` is added to.
pub fn base(program: &[u8]) -> Result<Vec<u8>> {
    zips::base(program, sources::shim())
}
