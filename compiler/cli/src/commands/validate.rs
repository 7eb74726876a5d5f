//! `frames validate`: the findings, and nothing else.

use super::{compile_project, open};
use crate::cli::{Global, Validate};
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::{Terminal, data};
use frames_compiler::Diagnostic;
use frames_compiler::diagnostic::{codes, did_you_mean, render};

pub fn run(global: &Global, arguments: &Validate, terminal: Terminal) -> Result<()> {
    if let Some(code) = &arguments.explain {
        return explain(code);
    }
    let project = Project::find(global)?;
    let (source, compiled) = compile_project(&project, global.target());
    let found = &compiled.diagnostics;
    if terminal.is_json() {
        data(&format!("{:#}\n", render::json(&source, found)));
    } else if found.is_empty() {
        terminal.status("Valid", source.name());
    } else {
        data(&format!("{}\n", render::human(&source, found)));
    }
    if !compiled.open.is_empty() {
        terminal.status("Note", &open(&source, &compiled.open));
    }
    if found.iter().any(Diagnostic::is_error) {
        return Err(Failure::manifest());
    }
    Ok(())
}

fn explain(name: &str) -> Result<()> {
    let Some(code) = codes::find(name) else {
        let known = codes::ALL.iter().map(|code| code.name);
        let help = did_you_mean(name, known.clone())
            .unwrap_or_else(|| format!("known: {}", known.collect::<Vec<_>>().join(", ")));
        return Err(Failure::usage(format!("there is no code `{name}`")).help(help));
    };
    data(&format!(
        "{} ({})\n\n{}\n",
        code.name,
        code.severity.as_str(),
        code.explanation
    ));
    Ok(())
}
