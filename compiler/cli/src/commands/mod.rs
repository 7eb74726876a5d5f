//! One file a command.

mod completions;
mod deploy;
mod dev;
mod diff;
mod info;
mod init;
mod online;
mod package;
mod policy;
mod print;
mod remove;
mod schema;
mod validate;
mod watch;

use crate::aws::Aws;
use crate::cli::{Cli, Command, Format, Global};
use crate::failure::{Context, Failure, Result};
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::diagnostic::{Code, codes};
use frames_compiler::render;
use frames_compiler::variables::Open;
use frames_compiler::{Compiled, Diagnostic, Plan, Source, Target, World, compile};

pub fn run(cli: &Cli, terminal: Terminal) -> Result<()> {
    if !matches!(cli.command, Command::Validate(_)) {
        human_or_json(terminal.format)?;
    }
    match &cli.command {
        Command::Init(arguments) => init::run(&cli.global, arguments, terminal),
        Command::Validate(arguments) => validate::run(&cli.global, arguments, terminal),
        Command::Print(arguments) => print::run(&cli.global, arguments, terminal),
        Command::Package(arguments) => package::run(&cli.global, arguments, terminal),
        Command::Deploy(arguments) => deploy::run(&cli.global, arguments, terminal),
        Command::Diff(arguments) => diff::run(&cli.global, arguments, terminal),
        Command::Info(arguments) => info::run(&cli.global, arguments, terminal),
        Command::Remove(arguments) => remove::run(&cli.global, arguments, terminal),
        Command::Policy(arguments) => policy::run(&cli.global, arguments, terminal),
        Command::Dev(arguments) => dev::run(&cli.global, arguments, terminal),
        Command::Schema => schema::run(),
        Command::Completions { shell } => completions::run(*shell),
    }
}

/// The formats for findings are taken where findings are all there is.
fn human_or_json(format: Format) -> Result<()> {
    let name = match format {
        Format::Human | Format::Json => return Ok(()),
        Format::Sarif => "sarif",
        Format::Github => "github",
    };
    Err(Failure::usage(format!(
        "`--format {name}` is for `frames validate` (without --watch) alone"
    ))
    .help("here it is `--format human` or `--format json`"))
}

/// With `online`, AWS answers what only it can.
fn compile_project(project: &Project, global: &Global, online: bool) -> Result<(Source, Compiled)> {
    if !online {
        return Ok(compile_with(project, global.target(), project));
    }
    event_loop()?.block_on(async {
        let aws = Aws::connect(global).await?;
        online::compiled(project, global, &aws).await
    })
}

/// Compiles a project's manifest; an unreadable file is a finding like any other.
fn compile_with(project: &Project, target: Target, world: &dyn World) -> (Source, Compiled) {
    match Source::from_bytes(&project.shown, &project.text) {
        Ok(source) => {
            let compiled = compile(&source, target, world);
            terminal::conceal(&compiled.secrets);
            (source, compiled)
        }
        Err(unreadable) => {
            let compiled = Compiled {
                plan: None,
                diagnostics: vec![unreadable.diagnostic],
                open: vec![],
                resolved: None,
                secrets: vec![],
            };
            (unreadable.source, compiled)
        }
    }
}

/// The plan, with the findings on stderr; errors end the command.
fn plan_of(project: &Project, global: &Global, online: bool, terminal: Terminal) -> Result<Plan> {
    let (source, compiled) = compile_project(project, global, online)?;
    compile_findings(&source, &compiled, terminal)
}

/// The plan of a compiled manifest, with the findings on stderr; errors end the command.
fn compile_findings(source: &Source, compiled: &Compiled, terminal: Terminal) -> Result<Plan> {
    report(source, &compiled.diagnostics, LOUD, terminal)?;
    if !compiled.open.is_empty() {
        return Err(Failure::new(format!(
            "{}, and AWS wasn't asked",
            open(source, &compiled.open)
        ))
        .help(
            "ask it with --online, or give them a value that is known here: `${env:…}`, `${opt:…}`",
        ));
    }
    compiled.plan.clone().ok_or_else(Failure::manifest)
}

/// The warnings that nobody should deploy past unseen; the others are for `validate`.
const LOUD: &[&Code] = &[
    codes::AUTH_NONE,
    codes::UNSAFE_OVERLAY_ALLOWED,
    codes::NOT_ASKED,
];

/// The findings on stderr: all where there are errors, which end the command; else the
/// loud warnings, and how many others there are.
fn report(
    source: &Source,
    diagnostics: &[Diagnostic],
    loud: &[&Code],
    terminal: Terminal,
) -> Result<()> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        terminal::say(render::human(source, diagnostics));
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

/// Which references only AWS can answer, and where they stand.
fn open(source: &Source, open: &[Open]) -> String {
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
    format!("still open: {}", places.join(", "))
}

/// One thread: a child that is to die with its parent dies with the thread that started it.
fn event_loop() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "can't start the event loop")
}
