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
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if ![40, 64].contains(&id.len()) || !id.chars().all(is_digit) {
        return None;
    }
    // Of the directory only: elsewhere in the repository may be anything.
    let status = git(directory, &["status", "--porcelain", "--", "."]);
    Some(Commit {
        id: id.to_owned(),
        changed: status.is_none_or(|status| !status.trim().is_empty()),
    })
}

/// Asks git without letting it write, or start what a repository names.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        .args(["-c", "core.fsmonitor=false"])
        .args(arguments)
        .current_dir(directory);
    said(command, LIMIT)
}
