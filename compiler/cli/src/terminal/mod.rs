//! Data goes to stdout, everything else to stderr. All of it goes through here: much of it is
//! somebody else's text, the manifest's, the environment's, AWS's. Secrets are masked, and
//! whatever a terminal would obey, or not show, is shown as what it is. The standard streams
//! can't be had anywhere else: `compiler/clippy.toml` sees to that.

#![allow(clippy::disallowed_methods)]

mod again;
mod fit;
pub mod live;
#[cfg(feature = "aws")]
mod progress;
mod relay;

pub use again::word;
#[cfg(feature = "aws")]
pub use progress::Progress;
pub use relay::relay;

use crate::cli::{Cli, Color, Format, Global};
use clap::Parser;
use frames_compiler::diagnostic::wrap;
use frames_compiler::failure::{Exit, Failure};
use frames_compiler::printable::{self, Style, Styled};
use frames_compiler::secrets::{MASK, Masks};
use frames_compiler::variables::Secret;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::RwLock;

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
        again::remember(global);
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
            let what = again::meant(what);
            let verb = Styled::new().paint(Style::BoldCyan, &format!("{verb:>10}"));
            say_hanging(verb.text(" ").text(&indented(&what, 11)), Some(11));
        }
    }

    /// A line for those who asked for more.
    pub fn detail(&self, what: &str) {
        if self.verbose {
            let what = format!("{:>10} {}", "", indented(what, 11));
            say_hanging(Styled::new().paint(Style::Dim, &what), Some(11));
        }
    }

    /// Text that is laid out already, to stderr.
    pub fn note(&self, text: impl Into<Styled>) {
        if !self.quiet {
            say(text);
        }
    }

    /// [`lines`] beside what is said, to stderr.
    pub fn lines(&self, text: impl Into<Styled>) {
        if !self.quiet {
            write_error(&format!("{}\n", unbroken(text)));
        }
    }

    /// A line for those who asked for more, that is to be copied.
    pub fn detail_line(&self, what: &str) {
        if self.verbose {
            let what = Styled::new().paint(Style::Dim, &format!("{:>10} {what}", ""));
            write_error(&format!("{}\n", unbroken(what)));
        }
    }
}

/// Values that no output shows from here on, from any source: CloudFormation quotes properties.
static CONCEALED: RwLock<Option<Masks>> = RwLock::new(None);

pub fn conceal(secrets: &[Secret]) {
    conceal_texts(secrets.iter().map(|secret| secret.text.as_str()));
}

/// One that came with the environment: an access key.
pub fn conceal_text(secret: &str) {
    conceal_texts([secret]);
}

fn conceal_texts<'a>(secrets: impl IntoIterator<Item = &'a str>) {
    if let Ok(mut concealed) = CONCEALED.write() {
        let masks = concealed.get_or_insert_default();
        for secret in secrets {
            masks.add(secret);
        }
    }
}

/// The same for every stream and every shape. Where the secrets can't be read, everything is masked.
fn masked<'a>(text: &'a str, mask: impl Fn(&Masks, &'a str) -> Cow<'a, str>) -> Cow<'a, str> {
    match CONCEALED.read() {
        Ok(concealed) => match concealed.as_ref() {
            Some(masks) => mask(masks, text),
            None => Cow::Borrowed(text),
        },
        Err(_) => Cow::Borrowed(MASK),
    }
}

/// Text for people, to stdout.
pub fn data(text: impl Into<Styled>) {
    let text = text.into();
    let text = masked(text.ansi(), Masks::mask);
    write_out(
        &mut anstream::stdout(),
        &fit::fitted(&text, columns(io::stdout()), None),
    );
}

/// Lines with a first column of their own, to stdout: what goes on is below the second one.
pub fn rows(text: impl Into<Styled>, second: usize) {
    let text = text.into();
    let text = masked(text.ansi(), Masks::mask);
    let text = fit::fitted(&text, columns(io::stdout()), Some(second));
    write_out(&mut anstream::stdout(), &text);
}

/// Lines that are to be copied, or read by a program, to stdout: none of them is broken.
pub fn lines(text: impl Into<Styled>) {
    write_out(&mut anstream::stdout(), &unbroken(text));
}

/// Whatever is to be copied. A terminal breaks what is wider than it is by itself, and gives it
/// back as one line; a line break of ours would be copied with it.
fn unbroken(text: impl Into<Styled>) -> String {
    masked(text.into().ansi(), Masks::mask).into_owned()
}

/// Below so many columns, what stands beside something else has no room.
const ROOMY: usize = 100;

/// How wide stdout is, where it is a terminal with little room.
pub fn narrow() -> Option<usize> {
    columns(io::stdout()).filter(|columns| *columns < ROOMY)
}

/// The same of stderr.
#[cfg(feature = "aws")]
pub fn narrow_notes() -> Option<usize> {
    columns(io::stderr()).filter(|columns| *columns < ROOMY)
}

/// One entry of many, to stdout: a head, and beside or below it words of which none is broken
/// that fits on a line. Where it is no terminal, all of it is one line. False: nobody reads any more.
pub fn entry(head: &Styled, words: &[String]) -> bool {
    let joined = words.join(" ");
    let shown = masked(&joined, Masks::mask);
    // A secret may have spaces: then what is masked is no list any more.
    let words = if shown == joined {
        words
    } else {
        &[shown.into_owned()]
    };
    let words: Vec<Cow<'_, str>> = words.iter().map(|word| printable::line(word)).collect();
    let head = masked(head.ansi(), Masks::mask);
    let text = match columns(io::stdout()) {
        None => format!("{head} {}", words.join(" ")),
        Some(columns) if columns < ROOMY => {
            format!("{head}\n  {}", fit::packed(&words, 2, columns))
        }
        Some(columns) => {
            let indent = wrap::columns(&head) + 1;
            format!("{head} {}", fit::packed(&words, indent, columns))
        }
    };
    write_out(&mut anstream::stdout(), &format!("{text}\n"))
}

/// One JSON object of many, on a line. False: nobody reads any more.
pub fn record(object: &serde_json::Value) -> bool {
    let text = object.to_string();
    let text = masked(&text, Masks::mask_json);
    write_out(&mut io::stdout(), &format!("{}\n", printable::json(&text)))
}

/// How wide the stream's terminal is, where it is one that knows.
fn columns(stream: impl IsTerminal + AsFd) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream.as_fd()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A JSON document, or one per line, to stdout: hidden characters are escaped as JSON does it.
pub fn json(text: &str) {
    let text = masked(text, Masks::mask_json);
    write_out(&mut io::stdout(), &printable::json(&text));
}

/// One value for a script, to stdout: byte for byte, but for a terminal.
pub fn value(text: &str) {
    let text = masked(text, Masks::mask);
    let text = if stdout_is_terminal() {
        printable::block(&text)
    } else {
        text
    };
    write_out(&mut io::stdout(), &format!("{text}\n"));
}

/// Whether anybody reads it. A reader that went away (`| head`) is no failure.
fn write_out(out: &mut impl Write, text: &str) -> bool {
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let Err(error) = written else {
        return true;
    };
    if error.kind() != io::ErrorKind::BrokenPipe {
        let failed = Failure::new(format!("can't write to stdout: {error}"));
        failure(
            &failed.help("the output is incomplete: free some space, then run the command again"),
        );
        std::process::exit(Exit::Failed as i32);
    }
    false
}

/// A line to stderr.
pub fn say(line: impl Into<Styled>) {
    say_hanging(line, None);
}

/// The same, where what goes on has its own indentation.
fn say_hanging(line: impl Into<Styled>, indent: Option<usize>) {
    let line = line.into();
    let line = masked(line.ansi(), Masks::mask);
    let line = fit::fitted(&line, columns(io::stderr()), indent);
    write_error(&format!("{line}\n"));
}

/// A terminal that went away is no failure either.
fn write_error(text: &str) {
    // In one piece: a reader of both streams must not find a line cut.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

pub fn failure(failure: &Failure) {
    if !failure.message.is_empty() {
        let message = again::meant(&failure.message);
        let message = format!(": {}", indented(&message, 7));
        let error = Styled::new().paint(Style::BoldRed, "error");
        say_hanging(error.paint(Style::Bold, &message), Some(7));
    }
    if let Some(help) = &failure.help {
        let name = Styled::new().paint(Style::BoldCyan, "help");
        let help = again::meant(help);
        say_hanging(name.text(": ").text(&indented(&help, 6)), Some(6));
    }
}

/// Text of several lines, the later ones under the first: somebody else's can't look like a
/// line of ours.
fn indented(text: &str, columns: usize) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, line| format!("{all}\n{:columns$}{line}", ""))
}

/// What the command line's parser says, which quotes its input. It keeps its colours where
/// nothing in the input could pass for one.
pub fn command_line(error: &clap::Error) {
    let given = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let given: Vec<String> = given.collect();
    let hides = |argument: &String| argument.contains(printable::is_hidden);
    let text = if !given.iter().any(hides) {
        format!("{}", error.render().ansi())
    } else {
        // The parser would drop escape sequences, and end a line where an argument does: it gets
        // what it quotes as it is to be shown.
        let shown = given
            .iter()
            .map(|argument| printable::line(argument).into_owned());
        let again = Cli::try_parse_from(shown).err();
        let said = again.as_ref().unwrap_or(error).render().to_string();
        printable::block(&said).into_owned()
    };
    let text = Cli::unbound(text, error.kind());
    if error.use_stderr() {
        write_error(&fit::fitted(&text, columns(io::stderr()), None));
    } else {
        write_out(&mut anstream::stdout(), &text);
    }
}

/// Where questions are written to.
pub struct Questions;

impl Write for Questions {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let shown = String::from_utf8_lossy(text);
        let shown = masked(&shown, Masks::mask).into_owned();
        write_error(&printable::block(&shown));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        anstream::stderr().flush()
    }
}

pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// A question on the terminal, answered by yes or no.
pub fn ask(question: &str) -> io::Result<bool> {
    say(question);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && stderr_is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_somebody_elses_doesnt_begin_where_ours_do() {
        assert_eq!(indented("one\n  two\nthree", 3), "one\n     two\n   three");
        assert_eq!(indented("", 3), "");
    }
}
