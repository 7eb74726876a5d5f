//! `frames validate`: the findings, and nothing else.

use super::findings::{compile_with, show};
use super::{online, watch};
use crate::cli::{Format, Global, Validate};
use crate::project::Project;
use crate::terminal::{self, Terminal, data};
use frames_compiler::Diagnostic;
use frames_compiler::diagnostic::{codes, did_you_mean};
use frames_compiler::failure::{Failure, Result};
use std::path::{Path, PathBuf};

pub(super) fn run(global: &Global, arguments: &Validate, terminal: Terminal) -> Result<()> {
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
    let (source, compiled) = if arguments.online {
        online::validate(&project, global)?
    } else {
        compile_with(&project, global.target(), &project)
    };
    show(&source, &compiled, terminal, &|json| format!("{json:#}\n"));
    hint(&compiled.diagnostics, terminal);
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Failure::manifest());
    }
    Ok(())
}

/// Where somebody reads the findings: what a pipe gets stays as it is.
fn hint(found: &[Diagnostic], terminal: Terminal) {
    let error = found.iter().find(|found| found.is_error());
    let first = error.or(found.first().filter(|_| !terminal.is_quiet()));
    let reads = terminal.format == Format::Human && terminal::stdout_is_terminal();
    if let (Some(found), true) = (first, reads) {
        let more = format!("`frames validate --explain {}` tells more", found.code.name);
        terminal.status("Note", &more);
    }
}

/// Readers of SARIF and annotations know files by their path from the
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
        let help = did_you_mean(name, known.clone()).or_else(|| about(name, known.clone()));
        let help = help.unwrap_or_else(|| {
            format!(
                "a finding has its code in brackets, `error[unknown-key]`; docs/codes.md lists all {}",
                known.count()
            )
        });
        return Err(Failure::usage(format!("there is no code `{name}`")).help(help));
    };
    data(code.explained());
    Ok(())
}

/// The codes that a word is a part of.
fn about<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const SHORTEST: usize = 3;
    let word = word.to_ascii_lowercase();
    let parts: Vec<&str> = word.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_part = |code: &&str| {
        let mut parts = parts.iter().filter(|part| part.len() >= SHORTEST);
        parts.any(|part| code.split('-').any(|own| own == *part))
    };
    let found: Vec<String> = known
        .filter(is_part)
        .map(|code| format!("`{code}`"))
        .collect();
    match found.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        several => Some(format!("there are {}", several.join(", "))),
    }
}
