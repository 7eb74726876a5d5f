//! A project's manifest, compiled with or without what AWS answers.

use super::findings::{compile_findings, compile_with};
use super::online;
use crate::cli::Global;
use crate::project::Project;
use crate::terminal::Terminal;
use frames_compiler::failure::Result;
use frames_compiler::{Compiled, Plan, Source};

/// With `online`, AWS answers what only it can.
pub(super) fn compile_project(
    project: &Project,
    global: &Global,
    online: bool,
) -> Result<(Source, Compiled)> {
    if online {
        return online::compile(project, global);
    }
    Ok(compile_with(project, global.target(), project))
}

/// The plan, with the findings on stderr; errors end the command.
pub(super) fn plan_of(
    project: &Project,
    global: &Global,
    online: bool,
    terminal: Terminal,
) -> Result<Plan> {
    let (source, compiled) = compile_project(project, global, online)?;
    compile_findings(&source, &compiled, terminal)
}
