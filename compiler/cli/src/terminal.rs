//! Data goes to stdout, everything else to stderr.

use crate::cli::{Color, Format, Global};
use crate::failure::{Exit, Failure};
use frames_compiler::secrets::{MASK, mask};
use frames_compiler::variables::Secret;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::RwLock;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const CYAN: &str = "\x1b[1;36m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// How much to say, and in which shape.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    pub format: Format,
    quiet: bool,
    verbose: bool,
}

impl Terminal {
    /// Sets the colour choice for the whole process.
    pub fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self {
            format: global.format,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// A line about what is going on.
    pub fn status(&self, verb: &str, what: &str) {
        if !self.quiet {
            say(&format!("{CYAN}{verb:>10}{RESET} {what}"));
        }
    }

    /// A line for who asked for more.
    pub fn detail(&self, what: &str) {
        if self.verbose {
            say(&format!("{DIM}{:>10} {what}{RESET}", ""));
        }
    }

    /// Text that was coloured already, to stderr.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }
}

/// Values that nothing shows from here on, whoever says them: CloudFormation quotes properties.
static CONCEALED: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

pub fn conceal(secrets: &[Secret]) {
    if let Ok(mut concealed) = CONCEALED.write() {
        concealed.extend_from_slice(secrets);
    }
}

fn masked(text: &str) -> Cow<'_, str> {
    match CONCEALED.read() {
        Ok(concealed) if concealed.is_empty() => Cow::Borrowed(text),
        Ok(concealed) => Cow::Owned(mask(text, &concealed)),
        Err(_) => Cow::Borrowed(MASK),
    }
}

/// Data to stdout. A reader that went away (`| head`) is no failure.
pub fn data(text: &str) {
    let mut out = anstream::stdout();
    let written = out
        .write_all(masked(text).as_bytes())
        .and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let failed = Failure::new(format!("can't write to stdout: {error}"));
        failure(&failed.help("what is there is cut short: make room, then run it again"));
        std::process::exit(Exit::Failed as i32);
    }
}

/// A line to stderr. A terminal that went away is no failure either.
pub fn say(line: &str) {
    // In one piece: whoever reads both streams must not find a line cut.
    let _ = anstream::stderr().write_all(format!("{}\n", masked(line)).as_bytes());
}

pub fn failure(failure: &Failure) {
    if !failure.message.is_empty() {
        say(&format!(
            "{RED}error{RESET}{BOLD}: {}{RESET}",
            failure.message
        ));
    }
    if let Some(help) = &failure.help {
        say(&format!("{CYAN}help{RESET}: {help}"));
    }
}

pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}
