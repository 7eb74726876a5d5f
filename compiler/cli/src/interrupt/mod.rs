//! SIGINT and SIGTERM, from the first moment of a run on.
//!
//! Until a command changes something, whatever blocks is ended at once: a build, a lock, an issuer or
//! AWS that doesn't answer, a folder that is read, a question. What the run started ends with it, and its
//! temporary directories go. A command that has to stop at a place of its own choice says so by [`own`].

pub mod children;
pub mod scratch;

use crate::terminal;
use frames_compiler::failure::{Context, Exit, Failure, Result};
use frames_emulator::private;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Who ends the run at a signal.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// This module. Nothing was changed yet.
    AtOnce(&'static str),
    /// The command itself.
    Own,
}

static PHASE: Mutex<Phase> = Mutex::new(Phase::Own);

/// Set once, when the run is being ended.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Held while files are written that belong together.
static WHOLE: Mutex<()> = Mutex::new(());

/// How long a write may hold up the end: long enough for any package, and no longer where a disk hangs.
const WRITING: Duration = Duration::from_secs(3);

/// How long a terminal may hold up the last words: nobody may be reading them.
const SAYING: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(10);

/// Ends this run of `command` at the first signal, until [`own`] is called.
pub fn listen(command: &'static str) -> Result<()> {
    *held(&PHASE) = Phase::AtOnce(command);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context(|| "can't listen for signals")?;
    let entered = runtime.enter();
    let mut signals = Signals::listen()?;
    drop(entered);
    // A thread of its own: the others may be blocked in the kernel.
    let listener = std::thread::Builder::new().name("signals".to_owned());
    let started = listener.spawn(move || {
        runtime.block_on(async {
            loop {
                signals.next().await;
                let phase = held(&PHASE);
                let Phase::AtOnce(command) = *phase else {
                    continue;
                };
                // Before anybody can take over.
                ENDING.store(true, Ordering::SeqCst);
                drop(phase);
                leave(untouched(command));
            }
        });
    });
    started.map(drop).context(|| "can't listen for signals")
}

/// The command itself listens already. From here on it decides where it stops.
pub fn own() {
    *held(&PHASE) = Phase::Own;
    finish_if_ending();
}

/// SIGINT and SIGTERM, for a command that decides itself where it stops.
pub struct Signals([Signal; 2]);

impl Signals {
    /// Takes over: from here on nobody else ends the run.
    pub fn own() -> Result<Self> {
        let signals = Self::listen()?;
        own();
        Ok(signals)
    }

    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context(|| "can't listen for signals");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
        ]))
    }

    pub async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Ends the process, and whatever it started.
pub fn leave(failure: Failure) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    // Kept to the end: no further write begins.
    let _whole = wait_for_writes();
    children::end_all();
    scratch::remove_all();
    private::remove_all();
    let exit = failure.exit as i32;
    let said = begun(move || terminal::failure(&failure));
    let _ = said.recv_timeout(SAYING);
    std::process::exit(exit)
}

/// The exit code of a panic where it unwinds.
const PANICKED: i32 = 101;

/// How long clearing up after a panic may take: who panicked may hold a lock that it needs.
const CLEARING: Duration = Duration::from_secs(5);

/// Ends the process after a panic, and whatever it started, where no unwinding does.
pub fn leave_after_panic(words: String) -> ! {
    if ENDING.swap(true, Ordering::SeqCst) {
        // Another thread is at it: one that panicked too, or that ends the run.
        std::thread::sleep(CLEARING);
        std::process::exit(PANICKED)
    }
    let cleared = begun(|| {
        // First what matters most, should a lock be in the way of the others.
        private::remove_all();
        scratch::remove_all();
        children::end_all();
    });
    let said = begun(move || terminal::say(words));
    // Whoever got no thread drops its end, and isn't waited for.
    let _ = said.recv_timeout(SAYING);
    let _ = cleared.recv_timeout(CLEARING);
    std::process::exit(PANICKED)
}

/// On a thread of its own, which may never come to its end.
fn begun(work: impl FnOnce() + Send + 'static) -> mpsc::Receiver<()> {
    let (end, ended) = mpsc::channel();
    let started = std::thread::Builder::new().spawn(move || {
        work();
        let _ = end.send(());
    });
    drop(started);
    ended
}

/// Writes files that only make sense together: an interruption waits for the last of them.
pub fn whole<T>(write: impl FnOnce() -> T) -> T {
    let _whole = held(&WHOLE);
    write()
}

/// Does nothing, unless the run is being ended: then the caller doesn't go on. Long work calls this
/// between its parts. What it would say, or write, comes too late.
pub fn finish_if_ending() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// What is said of a run that had changed nothing.
pub fn untouched(command: &str) -> Failure {
    let failure = Failure::new("interrupted").help(format!(
        "nothing was changed: run `frames {command}` to start again"
    ));
    Failure {
        exit: Exit::Interrupted,
        ..failure
    }
}

fn wait_for_writes() -> Option<MutexGuard<'static, ()>> {
    let deadline = Instant::now() + WRITING;
    loop {
        if let Ok(whole) = WHOLE.try_lock() {
            return Some(whole);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// A thread that panicked leaves nothing half done in these.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Signal as Number, getpid, kill_process};
    use std::process::{Command, Stdio};

    /// In a process of its own, which ends by it.
    #[test]
    fn a_panic_that_nothing_unwinds_leaves_nothing_behind() {
        const CHILD: &str = "FRAMES_TEST_OF_PANICS";
        if let Some(within) = std::env::var_os(CHILD) {
            let within = std::path::Path::new(&within);
            let builder = tempfile::Builder::new();
            let scratch = scratch::Scratch::new(&builder, within).unwrap();
            std::fs::write(scratch.path().join("secret"), "").unwrap();
            let private = private::directory("frames-test-").unwrap();
            std::fs::write(private.path().join("token"), "").unwrap();
            let mut program = Command::new("sh");
            program.args(["-c", "echo $$ && exec sleep 600"]);
            let pid = std::fs::File::create(within.join("pid")).unwrap();
            let group = children::Group::start(&program, pid.into(), Stdio::null());
            while std::fs::read(within.join("pid")).unwrap().is_empty() {
                std::thread::sleep(POLL);
            }
            std::panic::set_hook(Box::new(|defect| leave_after_panic(defect.to_string())));
            drop((
                std::thread::spawn(|| panic!("a defect")).join(),
                group,
                private,
            ));
            unreachable!();
        }
        let within = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        let test = "interrupt::tests::a_panic_that_nothing_unwinds_leaves_nothing_behind";
        child
            .args(["--exact", test])
            .env(CHILD, within.path())
            .env("TMPDIR", within.path())
            .stdin(Stdio::null());
        let output = child.output().unwrap();
        assert_eq!(output.status.code(), Some(PANICKED), "{output:?}");
        let left = std::fs::read_dir(within.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["pid"]);
        let pid = std::fs::read_to_string(within.path().join("pid")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        while stat().is_ok_and(|stat| children::parent(&stat).is_some()) {
            assert!(Instant::now() < deadline, "{pid} still runs");
            std::thread::sleep(POLL);
        }
    }

    /// A signal between listening and waiting is heard by who waits then: nobody else would end the run.
    /// No other test of this crate sends one.
    #[test]
    fn a_signal_between_listening_and_waiting_is_heard() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for number in [Number::INT, Number::TERM] {
                let mut signals = Signals::own().unwrap();
                kill_process(getpid(), number).unwrap();
                let limit = Duration::from_secs(120);
                let heard = tokio::time::timeout(limit, signals.next()).await;
                assert!(heard.is_ok(), "{number:?}");
            }
        });
    }
}
