//! Compiles a manifest, and shows what was found.

use crate::cli::{Format, Warnings};
use crate::project::Project;
use crate::terminal::{self, Terminal, data, json, lines};
use frames_compiler::diagnostic::{Code, codes};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::render;
use frames_compiler::variables::Open;
use frames_compiler::{Compiled, Diagnostic, Named, Plan, Source, Target, World, compile};
use serde_json::Value;

/// Compiles a project's manifest; an unreadable file is a finding like any other.
pub(super) fn compile_with(
    project: &Project,
    target: Target,
    world: &dyn World,
) -> (Source, Compiled) {
    match Source::from_bytes(&project.shown, &project.text) {
        Ok(source) => {
            let mut compiled = compile(&source, target, world);
            judge(&mut compiled.diagnostics, &project.warnings);
            terminal::conceal(&compiled.secrets);
            (source, compiled)
        }
        Err(unreadable) => {
            let compiled = Compiled {
                plan: None,
                named: Named::Wrong(vec![unreadable.diagnostic.clone()]),
                environments: vec![],
                diagnostics: vec![unreadable.diagnostic],
                open: vec![],
                resolved: None,
                secrets: vec![],
            };
            (unreadable.source, compiled)
        }
    }
}

/// Takes away the warnings that the user allows, and makes errors of the others where none is
/// to pass.
pub(super) fn judge(found: &mut Vec<Diagnostic>, warnings: &Warnings) {
    let is_allowed = |one: &Diagnostic| warnings.allowed.iter().any(|it| it == one.code.name);
    found.retain(|one| one.is_error() || !is_allowed(one));
    if warnings.deny_warnings {
        found.iter_mut().for_each(Diagnostic::deny);
    }
}

/// A warning that has no place in the manifest, since it comes after the plan.
pub(super) fn warn(code: &Code, text: &str, warnings: &Warnings, terminal: Terminal) -> Result<()> {
    let name = code.name;
    if warnings.allowed.iter().any(|it| it == name) {
        return Ok(());
    }
    let text = format!("{text} [{name}]");
    if warnings.deny_warnings {
        return Err(Failure::new(text).help(format!(
            "it is a warning, and --deny-warnings counts warnings as errors; `--allow {name}` lets it pass"
        )));
    }
    terminal.status("Warning", &text);
    Ok(())
}

/// Why a finding with a warning's code is an error.
fn say_denied(found: &[Diagnostic], terminal: Terminal) {
    if found.iter().any(Diagnostic::is_denied) {
        terminal.status(
            "Note",
            "--deny-warnings counts warnings as errors; `--allow CODE` lets one pass",
        );
    }
}

/// The plan of a compiled manifest, with the findings on stderr; errors end the command.
pub(super) fn compile_findings(
    source: &Source,
    compiled: &Compiled,
    terminal: Terminal,
) -> Result<Plan> {
    report(source, &compiled.diagnostics, LOUD, terminal)?;
    if !compiled.open.is_empty() {
        return Err(Failure::new(format!(
            "{}, and frames didn't ask AWS",
            open(source, &compiled.open)
        ))
        .help("ask AWS with --online, or use `${env:…}` or `${opt:…}`, which need no AWS"));
    }
    compiled.plan.clone().ok_or_else(Failure::manifest)
}

/// The warnings that a deployment always shows; `validate` shows the others.
pub(super) const LOUD: &[&Code] = &[
    codes::AUTH_NONE,
    // `frames dev` makes tokens that have the claim.
    codes::CLAIM_ABSENT,
    codes::UNSAFE_OVERLAY_ALLOWED,
    codes::NOT_ASKED,
];

/// Shows the findings on stderr. Where there are errors, it shows all, and the command ends.
/// Else it shows the loud warnings, and how many others there are.
pub(super) fn report(
    source: &Source,
    diagnostics: &[Diagnostic],
    loud: &[&Code],
    terminal: Terminal,
) -> Result<()> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        terminal::say(render::human(source, diagnostics));
        say_denied(diagnostics, terminal);
        if terminal.is_json() {
            terminal::json(&format!("{:#}\n", render::json(source, diagnostics)));
        }
        return Err(Failure::manifest());
    }
    let (shown, others): (Vec<_>, Vec<_>) = diagnostics
        .iter()
        .cloned()
        .partition(|found| loud.contains(&found.code));
    if !shown.is_empty() {
        terminal.note(render::human(source, &shown));
    }
    let more = if shown.is_empty() { "" } else { " more" };
    match others.len() {
        0 => {}
        1 => terminal.status(
            "Note",
            &format!("1{more} warning: `frames validate` shows it"),
        ),
        n => terminal.status(
            "Note",
            &format!("{n}{more} warnings: `frames validate` shows them"),
        ),
    }
    Ok(())
}

/// Which references only AWS can answer, and where they are written.
pub(super) fn open(source: &Source, open: &[Open]) -> String {
    let mut places: Vec<String> = open
        .iter()
        .map(|open| {
            format!(
                "`{}` in line {}",
                open.reference,
                source.position(open.span.start).line
            )
        })
        .collect();
    places.dedup();
    format!("only AWS knows {}", places.join(", "))
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
    say_denied(found, terminal);
    let is_wanted = |d: &&Diagnostic| d.is_error() || !terminal.is_quiet();
    let wanted: Vec<Diagnostic> = found.iter().filter(is_wanted).cloned().collect();
    match terminal.format {
        Format::Human | Format::Mermaid if wanted.is_empty() => {}
        Format::Human | Format::Mermaid => data(render::human(source, &wanted).text("\n")),
        Format::Json => json(&document(&render::json(source, found))),
        Format::Sarif => json(&document(&render::sarif(source, found))),
        Format::Github => lines(render::github(source, found)),
    }
}

/// A manifest, and what AWS says about it where it was asked.
pub(super) struct Asked {
    pub source: Source,
    pub compiled: Compiled,
    pub account: Option<String>,
    pub region: Option<String>,
    pub references: Vec<String>,
}
