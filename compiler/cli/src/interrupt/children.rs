//! The programs that frames runs, each with all that it starts in turn: cargo, cargo-lambda, rustc, a
//! linker. None of them outlives frames, however that ends.

use super::{POLL, held};
use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};
use std::io::{Error, ErrorKind, PipeWriter, Read, Result};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// How long a program may take to end by itself.
const POLITE: Duration = Duration::from_secs(1);

/// Runs a program in the shell's place, with a watcher beside it in the same group. The shell's stdin is
/// a pipe whose other end only frames holds. When that is closed, the watcher reads its end and kills the
/// group. So the kernel ends the group with a frames that was killed itself and could do nothing more.
const BOUND: &str = "exec 3<&0 </dev/null\n\
    { read -r _; kill -KILL 0; } <&3 >/dev/null 2>&1 &\n\
    exec \"$@\" 3<&-";

/// A program, and all that it starts, in a process group of its own. A Ctrl-C on the terminal reaches
/// frames only, which passes it on.
pub struct Group {
    child: Child,
    leader: Pid,
    lifeline: Option<PipeWriter>,
}

impl Group {
    /// `command` has a program, its arguments, variables and directory; its streams are given here.
    pub fn start(command: &Command, stdout: Stdio, stderr: Stdio) -> Result<Self> {
        let mut bound = Command::new("/bin/sh");
        bound.args(["-c", BOUND, "frames"]);
        bound.arg(found(command.get_program().as_ref())?);
        bound.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => bound.env(name, value),
                None => bound.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            bound.current_dir(directory);
        }
        let (watched, lifeline) = std::io::pipe()?;
        bound.stdin(watched).stdout(stdout).stderr(stderr);
        // Locked in between: an interruption knows each group that runs.
        let mut groups = held(&GROUPS);
        let child = bound.process_group(0).spawn()?;
        let leader = Pid::from_child(&child);
        groups.push(leader);
        Ok(Self {
            child,
            leader,
            lifeline: Some(lifeline),
        })
    }

    /// All that it writes to stderr, until it ends.
    pub fn complaints(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // What can't be read is left out: the exit status still tells how it ended.
            let _ = stderr.read_to_end(&mut said);
        }
        said
    }

    pub fn wait(mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        super::finish_if_ending();
        status
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The watcher keeps the group, so the number is still this group's.
        let _ = kill_process_group(self.leader, Signal::KILL);
        let _ = self.child.wait();
        drop(self.lifeline.take());
        held(&GROUPS).retain(|leader| *leader != self.leader);
    }
}

/// The program's file, as a shell would look for it.
fn found(program: &Path) -> Result<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|directory| directory.join(program));
    places
        .filter_map(|place| std::path::absolute(place).ok())
        .find(is_program)
        .ok_or_else(|| {
            let what = format!("{} isn't on the PATH", program.display());
            Error::new(ErrorKind::NotFound, what)
        })
}

/// For the end of the run: nothing that it started goes on, and nothing else is started.
pub(super) fn end_all() {
    let groups = held(&GROUPS);
    end(
        || groups.iter().copied().filter(is_group).collect(),
        kill_process_group,
    );
    // What the SDK runs to get credentials is in no group of ours.
    end(descendants, kill_process);
    std::mem::forget(groups);
}

fn is_group(leader: &Pid) -> bool {
    test_kill_process_group(*leader).is_ok()
}

/// First the polite way, which lets a program clear up.
fn end(running: impl Fn() -> Vec<Pid>, send: impl Fn(Pid, Signal) -> rustix::io::Result<()>) {
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in running() {
            // It may have ended in between.
            let _ = send(pid, signal);
        }
        let deadline = Instant::now() + POLITE;
        while !running().is_empty() {
            if Instant::now() > deadline {
                break;
            }
            std::thread::sleep(POLL);
        }
    }
}

/// The processes below this one, as Linux lists them. Elsewhere none is known.
fn descendants() -> Vec<Pid> {
    let parents: Vec<(i32, i32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, parent(&stat)?))
        })
        .collect();
    let mut below = vec![rustix::process::getpid().as_raw_pid()];
    let mut next = 0;
    while let Some(above) = below.get(next).copied() {
        let children = parents.iter().filter(|(_, parent)| *parent == above);
        below.extend(children.map(|(pid, _)| pid));
        next += 1;
    }
    let below = below.into_iter().skip(1).filter_map(Pid::from_raw);
    below
        .filter(|pid| test_kill_process(*pid).is_ok())
        .collect()
}

/// A process's parent, where it still runs: `42 (a name) S 1 …` (proc_pid_stat(5)).
pub(super) fn parent(stat: &str) -> Option<i32> {
    let (_, after_the_name) = stat.rsplit_once(')')?;
    let mut fields = after_the_name.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("42 (sh) S 7 42 42 0"), Some(7));
        assert_eq!(parent("42 (a) S 9) R 8 42"), Some(8));
        assert_eq!(parent("42 (sh) Z 7 42"), None);
        assert_eq!(parent("42"), None);
    }

    #[test]
    fn a_group_ends_with_its_program_or_its_owner() {
        let pids = tempfile::NamedTempFile::new().unwrap();
        let start = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).env("PIDS", pids.path());
            Group::start(&command, Stdio::null(), Stdio::piped()).unwrap()
        };
        let stray = || {
            let text = std::fs::read_to_string(pids.path()).unwrap();
            Pid::from_raw(text.trim().parse().ok()?)
        };
        let ended = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", stray()?.as_raw_pid()));
            stat.ok()
                .and_then(|stat| parent(&stat))
                .is_none()
                .then_some(())
        };
        let eventually = |done: &dyn Fn() -> Option<()>| {
            let deadline = Instant::now() + Duration::from_secs(120);
            while done().is_none() {
                assert!(Instant::now() < deadline);
                std::thread::sleep(POLL);
            }
        };

        // What it left behind in the background ends with it.
        let mut group =
            start("sleep 600 >/dev/null 2>&1 & echo $! > \"$PIDS\"; echo no >&2; exit 7");
        assert_eq!(group.complaints(), b"no\n");
        assert_eq!(group.wait().unwrap().code(), Some(7));
        eventually(&ended);

        // The lifeline alone does it: that is all that a killed frames lets go of.
        std::fs::write(pids.path(), "").unwrap();
        let mut group = start("sleep 600 >/dev/null 2>&1 & echo $! > \"$PIDS\"; sleep 600");
        eventually(&|| stray().map(drop));
        assert!(ended().is_none());
        drop(group.lifeline.take());
        eventually(&ended);
        assert_eq!(group.wait().unwrap().code(), None);
    }

    #[test]
    fn a_program_that_isnt_there_is_told() {
        let missing = Group::start(
            &Command::new("frames-no-such-program"),
            Stdio::null(),
            Stdio::null(),
        );
        assert_eq!(missing.err().unwrap().kind(), ErrorKind::NotFound);
    }
}
