//! `frames init`: a first frames.yml, from answers, from flags or from the AWS sample's
//! settings. It writes nothing before it knows everything, and never over an existing file.

use super::online;
use crate::artifact::files;
use crate::cli::{Global, Init};
use crate::init::answers::{complaints, service_name, warnings, with_defaults};
use crate::init::choices::Account;
use crate::init::{Answers, beside, questions, sample, text, typescript};
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
    let mut remarks = Vec::new();
    let asks = arguments.answers == Answers::default() && arguments.from.is_none();
    let answers = if asks && at_a_terminal() {
        asked(service_name(&named), arguments.online, global)?
    } else {
        if arguments.online {
            return Err(Failure::usage("`frames init --online` lists what there is to choose from where it asks: on a terminal, and without flags")
                .help("leave --online out, or leave out the other flags"));
        }
        let mut given = arguments.answers.clone();
        if let Some(from) = &arguments.from {
            let taken = sample::taken(&settings(from)?, &given)?;
            for remark in &taken.remarks {
                terminal.status("Left out", remark);
            }
            (given, remarks) = (taken.answers, taken.remarks);
        }
        checked(with_defaults(given, &named), terminal)?
    };
    write(directory, &file, &text::text(&answers, &remarks))?;
    let next = next(directory);
    terminal.status("Wrote", &format!("{}; {next}", file.display()));
    write_beside(directory, terminal);
    if terminal.is_json() {
        let mut written = json!({"file": file.display().to_string()});
        if arguments.from.is_some() {
            written["leftOut"] = json!(remarks);
        }
        terminal::json(&format!("{written}\n"));
    }
    Ok(())
}

/// What to run now. The manifest is looked for where a command runs.
fn next(directory: &Path) -> String {
    let go = if directory.canonicalize().ok() == Path::new(".").canonicalize().ok() {
        String::new()
    } else {
        let name = directory.display().to_string();
        // `cd` takes other names for options.
        let name = if name.starts_with('-') {
            format!("./{name}")
        } else {
            name
        };
        format!("`cd {}`, ", terminal::word(&name))
    };
    format!("next: {go}`frames validate`, `frames dev`")
}

/// Answers without errors; their warnings are said.
fn checked(answers: Answers, terminal: Terminal) -> Result<Answers> {
    let complaints = complaints(&answers);
    if !complaints.is_empty() {
        return Err(Failure::usage(complaints.join("\n"))
            .help("see `frames init --help` for flags; on a terminal and without flags, it asks"));
    }
    for warning in warnings(&answers) {
        terminal.status("Warning", &warning);
    }
    Ok(answers)
}

/// The constants of the named file, and of the one that replaces some of them: the sample's
/// successor reads config.local.ts beside its config.ts.
fn settings(from: &Path) -> Result<Vec<sample::File>> {
    let mut found = vec![constants(from)?];
    let local = from.with_file_name("config.local.ts");
    if from.file_name().is_some_and(|name| name == "config.ts") && local.exists() {
        found.push(constants(&local)?);
    }
    Ok(found)
}

/// Far more than anybody's settings.
const LONGEST: u64 = 256 * 1024;

fn constants(path: &Path) -> Result<sample::File> {
    let name = path.display().to_string();
    let unreadable = |why: String| {
        Failure::usage(format!("can't read {why}"))
            .help("name config.ts of the AWS sample, as it is deployed")
    };
    let bytes = files::read(path, LONGEST).map_err(|why| unreadable(format!("{name}: {why}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable(format!(
            "{name}: it has more than {LONGEST} bytes"
        )));
    }
    let constants =
        typescript::constants(&bytes).map_err(|why| unreadable(format!("{name}:{why}")))?;
    Ok(sample::File { name, constants })
}

/// A first frames.yml is of use without them.
fn write_beside(directory: &Path, terminal: Terminal) {
    let schema = format!("{:#}\n", frames_compiler::manifest::schema());
    for (name, written) in [
        (beside::SCHEMA, beside::schema(directory, &schema)),
        (beside::IGNORE, beside::ignore(directory)),
    ] {
        let path = if directory == Path::new(".") {
            PathBuf::from(name)
        } else {
            directory.join(name)
        };
        match written {
            Ok(true) => terminal.status("Wrote", &path.display().to_string()),
            Ok(false) => terminal.detail(&format!("{} is there already", path.display())),
            Err(why) => {
                terminal.status("Warning", &format!("can't write {}: {why}", path.display()))
            }
        }
    }
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
fn asked(service: String, online: bool, global: &Global) -> Result<Answers> {
    let runtime = super::event_loop()?;
    let mut account = if online {
        Some(runtime.block_on(online::account(global))?)
    } else {
        None
    };
    runtime.block_on(async {
        let mut signals = Signals::own()?;
        let (send, answers) = oneshot::channel();
        std::thread::spawn(move || {
            let answers = questions::ask(
                service,
                account.as_mut().map(|account| account as &mut dyn Account),
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
