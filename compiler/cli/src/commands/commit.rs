//! The git commit that a manifest is of, for the record of a deployment.

use super::said::said;
use frames_compiler::record::Commit;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Somebody waits for a deployment, not for git.
const LIMIT: Duration = Duration::from_secs(5);

/// `None`: the directory is in no repository, there is no commit yet, or no git.
pub(super) fn commit(directory: &Path) -> Option<Commit> {
    let id = git(directory, &["rev-parse", "--verify", "HEAD"])?;
    let id = id.trim();
    Commit::is_id(id).then(|| Commit {
        id: id.to_owned(),
        // What git doesn't say may differ.
        changed: is_changed(directory).unwrap_or(true),
    })
}

/// Whether files differ from the commit. To compare a file, git would start the filters that the
/// repository's configuration names, so each is set to none.
fn is_changed(directory: &Path) -> Option<bool> {
    // With an entry that is always there: else git fails where it finds none.
    let names = "^(filter\\..*|core\\.fsmonitor)$";
    let listed = git(
        directory,
        &["config", "-z", "--name-only", "--get-regexp", names],
    )?;
    let mut arguments: Vec<String> = Vec::new();
    for name in listed
        .split('\0')
        .filter(|name| name.starts_with("filter."))
    {
        let (driver, _) = name.rsplit_once('.')?;
        // git would read another name.
        if driver.contains(['=', '\n']) {
            return None;
        }
        for setting in ["clean=", "process=", "required=false"] {
            arguments.extend(["-c".to_owned(), format!("{driver}.{setting}")]);
        }
    }
    let arguments = arguments.iter().map(String::as_str);
    // Of the directory only: elsewhere in the repository may be anything.
    let status = [
        "status",
        "--porcelain",
        "--ignore-submodules=all",
        "--",
        ".",
    ];
    let status = git(directory, &arguments.chain(status).collect::<Vec<_>>())?;
    Some(!status.trim().is_empty())
}

/// What git needs of the environment. The rest holds tokens, and `GIT_…` that names programs.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "LANG",
    "TMPDIR",
    "SYSTEMROOT",
    "USERPROFILE",
];

/// Asks git without letting it write, fetch, or start what a repository names.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.env_clear();
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        // A partial clone fetches what it lacks.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .args(["-c", "core.fsmonitor=false"])
        .args(arguments)
        .current_dir(directory);
    said(command, LIMIT)
}
