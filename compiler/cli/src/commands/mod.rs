//! One file per command.

mod check;
mod completions;
mod dev;
mod dev_delivery;
mod dev_example;
mod dev_images;
mod dev_told;
mod dev_watch;
mod doctor;
mod explained;
mod findings;
mod init;
mod manifest;
mod ohif;
mod package;
mod policy;
mod print;
mod purge;
mod said;
mod schema;
mod validate;
mod version;
mod watch;

#[cfg(feature = "aws")]
mod commit;
#[cfg(feature = "aws")]
mod deploy;
#[cfg(feature = "aws")]
mod diff;
#[cfg(feature = "aws")]
mod history;
#[cfg(feature = "aws")]
mod info;
#[cfg(feature = "aws")]
mod listed;
#[cfg(feature = "aws")]
mod logs;
#[cfg(feature = "aws")]
mod online;
#[cfg(feature = "aws")]
mod remove;
#[cfg(feature = "aws")]
mod rollback;
#[cfg(feature = "aws")]
mod session;

/// The same functions. Each says how to get the real one.
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
mod online;

pub use version::run as version;

use crate::cli::{Cli, Command, Format};
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Context, Failure, Result};

pub fn run(cli: &Cli, terminal: Terminal) -> Result<()> {
    fits(&cli.command, terminal.format)?;
    if let Some((command, flag)) = without_effect(&cli.command) {
        return Err(
            Failure::usage(format!("`frames {command}` takes no {flag}"))
                .help("leave it out: this command reads no manifest"),
        );
    }
    // Programs that frames runs may quote it.
    for secret in frames_network::secrets() {
        terminal::conceal_text(&secret);
    }
    let global = &cli.global;
    match &cli.command {
        Command::Init(arguments) => init::run(global, arguments, terminal),
        Command::Validate(arguments) => validate::run(global, arguments, terminal),
        Command::Print(arguments) => print::run(global, arguments, terminal),
        Command::Package(arguments) => package::run(global, arguments, terminal),
        Command::Policy(arguments) => policy::run(global, arguments, terminal),
        Command::Purge(arguments) => purge::run(global, arguments, terminal),
        Command::Dev(arguments) => dev::run(global, arguments, terminal),
        Command::Doctor(_) => doctor::run(global, terminal),
        Command::Check(arguments) => check::run(global, arguments, terminal),
        Command::Schema(_) => schema::run(),
        Command::Completions(arguments) => completions::run(arguments.shell),
        #[cfg(feature = "aws")]
        Command::Deploy(arguments) => deploy::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::Diff(arguments) => diff::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::Info(arguments) => info::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::Logs(arguments) => logs::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::Remove(arguments) => remove::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::History(arguments) => history::run(global, arguments, terminal),
        #[cfg(feature = "aws")]
        Command::Rollback(arguments) => rollback::run(global, arguments, terminal),
        #[cfg(not(feature = "aws"))]
        Command::Deploy(_)
        | Command::Diff(_)
        | Command::Info(_)
        | Command::Logs(_)
        | Command::Remove(_)
        | Command::History(_)
        | Command::Rollback(_) => Err(online::refused()),
    }
}

/// A flag that the command has no use for, as it reads no manifest.
fn without_effect(command: &Command) -> Option<(&'static str, &'static str)> {
    let (name, none) = match command {
        // It has words of its own for --config.
        Command::Init(arguments) => ("init", &arguments.none),
        Command::Schema(printing) => ("schema", &printing.none),
        Command::Completions(arguments) => ("completions", &arguments.printing.none),
        _ => return None,
    };
    let flag = none.given()?;
    let is_used = match (command, flag) {
        (Command::Init(_), "--config") => true,
        // Whose account it is that is listed.
        (Command::Init(arguments), "--profile") => arguments.online,
        _ => false,
    };
    (!is_used).then_some((name, flag))
}

/// A format that the command doesn't write is refused by name.
fn fits(command: &Command, format: Format) -> Result<()> {
    let formats = match command {
        Command::Validate(_) => Format::OF_FINDINGS,
        Command::Print(_) | Command::Diff(_) => Format::DRAWN,
        _ => Format::PLAIN,
    };
    one_of(format, formats)
}

fn one_of(format: Format, formats: &[Format]) -> Result<()> {
    if formats.contains(&format) {
        return Ok(());
    }
    let commands = match format {
        Format::Human | Format::Json => "every command",
        Format::Sarif | Format::Github => "`validate` without --watch",
        Format::Mermaid => "`diff` and `print`",
    };
    let names: Vec<String> = formats.iter().map(Format::name).collect();
    let names = match names.as_slice() {
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
        [] => String::new(),
    };
    let message = format!("`--format {}` is only for {commands}", format.name());
    Err(Failure::usage(message).help(format!("use one of these: --format {names}")))
}

/// One thread: a child process that is bound to its parent ends with the thread that started it.
fn event_loop() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "can't start the event loop")
}
