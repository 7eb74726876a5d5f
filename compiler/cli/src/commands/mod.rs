//! One file a command.

mod completions;
mod dev;
mod package;
mod schema;
mod validate;

use crate::cli::{Cli, Command, Global};
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::diagnostic::render;
use frames_compiler::{Compiled, Diagnostic, Plan, Source, compile};

pub fn run(cli: &Cli, terminal: Terminal) -> Result<()> {
    match &cli.command {
        Command::Validate(arguments) => validate::run(&cli.global, arguments, terminal),
        Command::Package => package::run(&cli.global, terminal),
        Command::Dev(arguments) => dev::run(&cli.global, arguments, terminal),
        Command::Schema => schema::run(),
        Command::Completions { shell } => completions::run(*shell),
    }
}

/// Compiles a project's manifest; an unreadable file is a finding like any other.
fn compile_project(project: &Project, env: &str) -> (Source, Compiled) {
    match Source::from_bytes(&project.shown, &project.text) {
        Ok(source) => {
            let compiled = compile(&source, env, project);
            (source, compiled)
        }
        Err(unreadable) => {
            let compiled = Compiled {
                plan: None,
                diagnostics: vec![unreadable.diagnostic],
            };
            (unreadable.source, compiled)
        }
    }
}

/// The plan, with the findings on stderr; errors end the command.
fn plan_of(project: &Project, global: &Global, terminal: Terminal) -> Result<Plan> {
    let (source, compiled) = compile_project(project, &global.env);
    let errors = compiled.diagnostics.iter().any(Diagnostic::is_error);
    if !compiled.diagnostics.is_empty() && (errors || !terminal.is_quiet()) {
        terminal::say(&render::human(&source, &compiled.diagnostics));
    }
    if errors && terminal.is_json() {
        terminal::data(&format!(
            "{:#}\n",
            render::json(&source, &compiled.diagnostics)
        ));
    }
    compiled.plan.ok_or_else(Failure::manifest)
}
