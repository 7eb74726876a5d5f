//! `frames init`: a first frames.yml, from answers or from flags. It writes nothing
//! before it knows everything, and never over an existing file.

use crate::cli::{Global, Init};
use crate::init::answers::{complaints, service_name, warnings, with_defaults};
use crate::init::{Answers, questions, text};
use crate::interrupt::Signals;
use crate::project::MANIFEST;
use crate::terminal::{self, Terminal, say};
use frames_compiler::failure::{Context, Exit, Failure, Result};
use serde_json::json;
use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;

pub(super) fn run(global: &Global, arguments: &Init, terminal: Terminal) -> Result<()> {
    if global.config.is_some() {
        return Err(Failure::usage(format!(
            "`frames init` writes {MANIFEST} and takes no --config"
        ))
        .help("name the directory: `frames init DIR`"));
    }
    let directory = arguments.directory.as_deref().unwrap_or(Path::new("."));
    let file = arguments
        .directory
        .as_deref()
        .map_or_else(|| PathBuf::from(MANIFEST), |d| d.join(MANIFEST));
    if file.symlink_metadata().is_ok() {
        return Err(exists(&file));
    }
    let named = absolute(directory)?;
    let answers = if arguments.answers == Answers::default() && at_a_terminal() {
        asked(service_name(&named))?
    } else {
        let answers = with_defaults(arguments.answers.clone(), &named);
        let complaints = complaints(&answers);
        if !complaints.is_empty() {
            return Err(Failure::usage(complaints.join("\n")).help(
                "see `frames init --help` for flags; on a terminal and without flags, it asks",
            ));
        }
        for warning in warnings(&answers) {
            terminal.status("Warning", &warning);
        }
        answers
    };
    write(directory, &file, &text::text(&answers))?;
    terminal.status(
        "Wrote",
        &format!("{}; next: `frames validate`, `frames dev`", file.display()),
    );
    if terminal.is_json() {
        terminal::json(&format!(
            "{}\n",
            json!({"file": file.display().to_string()})
        ));
    }
    Ok(())
}

fn exists(file: &Path) -> Failure {
    Failure::new(format!(
        "{} is there already; nothing was written",
        file.display()
    ))
    .help("edit it, or name another directory: `frames init DIR`")
}

/// For the directory's real name, where `.` or `..` was given.
fn absolute(directory: &Path) -> Result<PathBuf> {
    directory
        .canonicalize()
        .or_else(|_| std::path::absolute(directory))
        .context(|| format!("can't tell where {} is", directory.display()))
}

fn at_a_terminal() -> bool {
    terminal::can_ask()
}

/// The questions on a thread of their own: Ctrl-C ends them in the middle of a line.
fn asked(service: String) -> Result<Answers> {
    let runtime = super::event_loop()?;
    runtime.block_on(async {
        let mut signals = Signals::own()?;
        let (send, answers) = oneshot::channel();
        std::thread::spawn(move || {
            let answers = questions::ask(
                service,
                &mut std::io::stdin().lock(),
                &mut terminal::Questions,
            );
            let _ = send.send(answers);
        });
        let answers = tokio::select! {
            answers = answers => answers.context(|| "the questions ended early")?,
            () = signals.next() => return Err(left()),
        };
        match answers {
            Ok(answers) => Ok(answers),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(left()),
            Err(error) => Err(Failure::new(format!("can't read the answer: {error}"))),
        }
    })
}

fn left() -> Failure {
    // The cursor is still in the question's line.
    say("");
    Failure {
        exit: Exit::Interrupted,
        ..Failure::new("nothing was written")
            .help("run `frames init` again, or answer with its flags")
    }
}

/// Whole or not at all.
fn write(directory: &Path, file: &Path, text: &str) -> Result<()> {
    let what = || format!("can't write {}", file.display());
    std::fs::create_dir_all(directory).context(what)?;
    let mut draft = tempfile::Builder::new()
        .prefix(".frames-init-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .context(what)?;
    draft.write_all(text.as_bytes()).context(what)?;
    match draft.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists(file)),
        Err(error) => Err(error.error).context(what),
    }
}
