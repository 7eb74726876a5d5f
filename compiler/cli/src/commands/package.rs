//! `frames package`: manifest, programs, zips, templates; nothing but `.frames/<env>/` is written.

use super::plan_of;
use crate::artifact::{self, Builder};
use crate::cli::{Global, Package};
use crate::failure::Result;
use crate::project::Project;
use crate::terminal::{Terminal, data};

pub fn run(global: &Global, arguments: &Package, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    let plan = plan_of(&project, global, arguments.online.online, terminal)?;
    let programs = artifact::programs(Builder::CargoLambda, terminal)?;
    let package = artifact::package(&plan, &programs)?;
    let output = project.output(global.target().env);
    package.write(&output)?;
    if terminal.is_json() {
        data(&package.plan_json);
    } else {
        for zip in &package.zips {
            terminal.status(
                "Packaged",
                &format!("{} ({} bytes)", zip.file, zip.bytes.len()),
            );
        }
        data(&format!("{}\n", output.display()));
    }
    Ok(())
}
