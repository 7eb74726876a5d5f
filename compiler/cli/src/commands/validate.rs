//! `frames validate`: the findings, and nothing else.

use super::{compile_project, event_loop, online, open, watch};
use crate::aws::Aws;
use crate::cli::{Format, Global, Validate};
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::{Terminal, data, json};
use frames_compiler::diagnostic::{codes, did_you_mean};
use frames_compiler::render;
use frames_compiler::{Compiled, Diagnostic, Source};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn run(global: &Global, arguments: &Validate, terminal: Terminal) -> Result<()> {
    if let Some(code) = &arguments.explain {
        return explain(code);
    }
    if arguments.watch {
        return watch::run(global, terminal);
    }
    let mut project = Project::find(global)?;
    if let Format::Sarif | Format::Github = terminal.format {
        project.shown = within_the_repository(&project).unwrap_or(project.shown);
    }
    let (source, compiled) = match arguments.online.online {
        true => checked_online(&project, global)?,
        false => compile_project(&project, global, false)?,
    };
    show(&source, &compiled, terminal, &|json| format!("{json:#}\n"));
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Failure::manifest());
    }
    Ok(())
}

fn checked_online(project: &Project, global: &Global) -> Result<(Source, Compiled)> {
    let (source, compiled) = compile_project(project, global, false)?;
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok((source, compiled));
    }
    event_loop()?.block_on(async {
        let aws = Aws::connect(global).await?;
        let (source, mut compiled) = online::compiled(project, global, &aws).await?;
        online::check(&mut compiled, &aws, online::Asking::Validate).await?;
        Ok((source, compiled))
    })
}

/// The findings in the chosen format, to stdout. That there are none, and what
/// is still open, is for stderr.
pub(super) fn show(
    source: &Source,
    compiled: &Compiled,
    terminal: Terminal,
    document: &dyn Fn(&Value) -> String,
) {
    let found = &compiled.diagnostics;
    if found.is_empty() && matches!(terminal.format, Format::Human | Format::Github) {
        terminal.status("Valid", source.name());
    }
    if !compiled.open.is_empty() {
        terminal.status("Note", &open(source, &compiled.open));
    }
    let is_wanted = |d: &&Diagnostic| d.is_error() || !terminal.is_quiet();
    let wanted: Vec<Diagnostic> = found.iter().filter(is_wanted).cloned().collect();
    match terminal.format {
        Format::Human if wanted.is_empty() => {}
        Format::Human => data(render::human(source, &wanted).text("\n")),
        Format::Json => json(&document(&render::json(source, found))),
        Format::Sarif => json(&document(&render::sarif(source, found))),
        Format::Github => data(render::github(source, found)),
    }
}

/// What reads SARIF and annotations knows files by their path from the
/// repository's root, wherever in it `frames` is run.
fn within_the_repository(project: &Project) -> Option<String> {
    let file = project.path.as_ref()?.canonicalize().ok()?;
    let root = match std::env::var_os("GITHUB_WORKSPACE") {
        Some(root) if !root.is_empty() => PathBuf::from(root),
        _ => std::env::current_dir().ok()?,
    };
    let relative: &Path = file.strip_prefix(root.canonicalize().ok()?).ok()?;
    Some(relative.display().to_string())
}

fn explain(name: &str) -> Result<()> {
    let Some(code) = codes::find(name) else {
        let known = codes::all().map(|code| code.name);
        let help = did_you_mean(name, known.clone())
            .unwrap_or_else(|| format!("known: {}", known.collect::<Vec<_>>().join(", ")));
        return Err(Failure::usage(format!("there is no code `{name}`")).help(help));
    };
    data(code.explained());
    Ok(())
}
