//! `frames package`: manifest, programs, zips, templates; nothing but `.frames/<env>/` is written.

use super::event_loop;
use super::findings::warn;
use super::manifest::plan_of;
use crate::artifact::{self, Builder};
use crate::cli::{Global, Package};
use crate::project::Project;
use crate::terminal::{Terminal, json, value};
use frames_compiler::diagnostic::codes;
use frames_compiler::failure::Result;

pub(super) fn run(global: &Global, arguments: &Package, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    let mut plan = plan_of(&project, global, arguments.online, terminal)?;
    if arguments.fetch_keys {
        let baked = event_loop()?.block_on(artifact::bake_keys(&mut plan, terminal))?;
        let what = match baked {
            Some(1) => "1 key of the issuer is baked in".to_owned(),
            Some(count) => format!("{count} keys of the issuer are baked in"),
            None => "no keys are baked in: the manifest has its own, or uses no tokens".to_owned(),
        };
        terminal.status("Fetched", &what);
    }
    let programs = artifact::programs(Builder::CargoLambda, terminal)?;
    let package = artifact::package(&plan, &programs)?;
    if let Some(heavy) = artifact::heavy(&package) {
        warn(codes::ZIP_HEAVY, &heavy, &arguments.warnings, terminal)?;
    }
    let output = project.output(global.target().env);
    artifact::write(&package, &output)?;
    if terminal.is_json() {
        json(&package.plan_json);
    } else {
        for zip in &package.zips {
            terminal.status(
                "Packaged",
                &format!("{} ({} bytes)", zip.file, zip.bytes.len()),
            );
        }
        value(&output.display().to_string());
        terminal.status(
            "Next",
            "`frames dev` serves it here, `frames diff` compares it with AWS, `frames deploy` deploys it",
        );
    }
    Ok(())
}
