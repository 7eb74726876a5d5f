//! Other projects' readers and decoders, on bytes that are anybody's.
//!
//! They index and unwrap where a file is broken in a way that they didn't think of, and a release aborts on a panic:
//! nothing can be caught. So each piece of their work runs on a thread of its own. The panic's hook tells whoever waits
//! that the work broke, and never returns: that thread is parked for as long as the process lives. In builds that
//! unwind it is the same.
//!
//! What a broken piece keeps: its thread, with a stack of [`STACK`] of which some pages were touched; a file that it
//! had open; the bytes that it was given, and what it had made of them. So no piece is tried twice, and there are at
//! most [`PARKED`] of them, or [`LOST`] bytes: then nothing more is decoded. The work must take no lock of ours, for a
//! parked thread would keep it.
//!
//! An abort is an abort still: an exhausted stack, memory that the system doesn't give, a panic of frames itself. And
//! who sets a hook after [`install_hook`] waits for ever once a thread is parked: it is parked inside of a hook.

use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::thread;

/// What threads of Rust and of tokio have. The decoders need a tenth of it, unoptimised too.
const STACK: usize = 2 * 1024 * 1024;

/// So many threads wait for the next piece: waking one takes a tenth of the time that starting one takes.
const IDLE: usize = 8;

const PARKED: usize = 100;

/// As far as pieces say what they hold.
const LOST: u64 = 2 * 1024 * 1024 * 1024;

/// How `jpeg-decoder` names the threads that it starts for a large image's components.
const OF_JPEG: &str = "worker thread for component ";

/// By which a piece of work is known again: what is done, and to which bytes.
pub(super) type Identity = [u8; 32];

pub(super) fn identity(parts: &[&[u8]]) -> Identity {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What is known of a piece of work before it is done.
pub(super) struct Piece<'a> {
    /// Asked for only where some piece broke before.
    pub(super) identity: &'a dyn Fn() -> Identity,
    /// What it may hold at once, about. Where that shows only later, it says so by [`holds`].
    pub(super) bytes: u64,
    /// Whether it may start threads, as [`OF_JPEG`] are named.
    pub(super) threads: bool,
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Failed {
    /// It panicked, now or before.
    Broken,
    /// It panicked, or another piece beside it: whose a decoder's own thread is isn't known.
    Unsure,
    /// Too many pieces were broken.
    Full,
    NoThread(io::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("it is broken"),
            Self::Unsure => f.write_str(
                "it is broken, or another one is that was decoded at the same time: ask again",
            ),
            Self::Full => f.write_str(
                "too many images were broken so that their decoders crashed, and what these held \
                 is freed only at the end: start `frames dev` again, without those images",
            ),
            Self::NoThread(error) => write!(f, "no thread can be started for it: {error}"),
        }
    }
}

type Answer = Box<dyn FnOnce() + Send>;

/// Does a piece of work. The answer is given once the thread is free again.
type Job = Box<dyn FnOnce() -> Answer + Send>;

/// A piece of work that isn't done yet.
struct Running {
    fail: Box<dyn FnOnce(Failed) + Send>,
    bytes: u64,
    threads: bool,
}

struct State {
    last: u64,
    running: BTreeMap<u64, Running>,
    /// Threads that wait for work.
    idle: Vec<mpsc::Sender<Job>>,
    parked: usize,
    lost: u64,
    broken: BTreeSet<Identity>,
}

static STATE: Mutex<State> = Mutex::new(State::new());

thread_local! {
    /// Which piece of work this thread does; 0 is none.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `work` returns, unless it panics.
pub(super) fn guarded<T: Send + 'static>(
    piece: &Piece<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failed> {
    install_hook();
    // Hashing takes its time: nobody waits for it, and it is only done where something broke.
    let any = !state().broken.is_empty();
    let known = any.then(piece.identity);
    let (send, receive) = mpsc::channel();
    let number = state().enter(piece, known.as_ref(), &send)?;
    let job: Job = Box::new(move || {
        CURRENT.set(number);
        let done = work();
        CURRENT.set(0);
        state().running.remove(&number);
        Box::new(move || {
            let _ = send.send(Ok(done));
        })
    });
    if let Err(error) = start(job) {
        state().running.remove(&number);
        return Err(Failed::NoThread(error));
    }
    let result = receive.recv().unwrap_or(Err(Failed::Broken));
    if matches!(result, Err(Failed::Broken)) {
        let identity = known.unwrap_or_else(piece.identity);
        state().broken.insert(identity);
    }
    result
}

/// Says what the piece of work that this thread does holds from now on.
pub(super) fn holds(bytes: u64) {
    if let Some(running) = state().running.get_mut(&CURRENT.get()) {
        running.bytes = bytes;
    }
}

impl State {
    const fn new() -> Self {
        Self {
            last: 0,
            running: BTreeMap::new(),
            idle: Vec::new(),
            parked: 0,
            lost: 0,
            broken: BTreeSet::new(),
        }
    }

    fn enter<T: Send + 'static>(
        &mut self,
        piece: &Piece<'_>,
        known: Option<&Identity>,
        send: &mpsc::Sender<Result<T, Failed>>,
    ) -> Result<u64, Failed> {
        if known.is_some_and(|identity| self.broken.contains(identity)) {
            return Err(Failed::Broken);
        }
        if self.parked >= PARKED || self.lost >= LOST {
            return Err(Failed::Full);
        }
        let send = send.clone();
        let running = Running {
            fail: Box::new(move |failed| {
                let _ = send.send(Err(failed));
            }),
            bytes: piece.bytes,
            threads: piece.threads,
        };
        self.last += 1;
        self.running.insert(self.last, running);
        Ok(self.last)
    }

    fn lose(&mut self, number: u64) -> Option<Running> {
        let running = self.running.remove(&number)?;
        self.parked += 1;
        self.lost = self.lost.saturating_add(running.bytes);
        Some(running)
    }
}

/// On a thread that waits, or on a new one.
fn start(job: Job) -> io::Result<()> {
    let idle = state().idle.pop();
    let job = match idle {
        None => job,
        // It has the other end as long as it lives, which is as long as the process does.
        Some(idle) => match idle.send(job) {
            Ok(()) => return Ok(()),
            Err(mpsc::SendError(job)) => job,
        },
    };
    let builder = thread::Builder::new().name("decoder".to_owned());
    builder.stack_size(STACK).spawn(move || serve(job)).map(drop)
}

fn serve(first: Job) {
    let (own, jobs) = mpsc::channel();
    let mut job = first;
    loop {
        let answer = job();
        // Before the answer: whoever gets it may have the next piece at once.
        let stays = state().waits(&own);
        answer();
        if !stays {
            return;
        }
        let Ok(next) = jobs.recv() else { return };
        job = next;
    }
}

impl State {
    fn waits(&mut self, own: &mpsc::Sender<Job>) -> bool {
        let stays = self.idle.len() < IDLE;
        if stays {
            self.idle.push(own.clone());
        }
        stays
    }
}

/// Has panics of guarded work end that work only, without a word. All others go to the hook that was set before.
/// The first piece of work does this, too; whoever sets a hook of their own does it right after that.
pub fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |defect| {
            if is_told() {
                loop {
                    thread::park();
                }
            }
            before(defect);
        }));
    });
}

/// Tells whoever waits for this thread's work. False: nobody does.
fn is_told() -> bool {
    let own = CURRENT.get();
    if own != 0 {
        let lost = state().lose(own);
        if let Some(running) = lost {
            (running.fail)(Failed::Broken);
        }
        return true;
    }
    let is_of_jpeg = thread::current()
        .name()
        .is_some_and(|name| name.starts_with(OF_JPEG));
    let lost = if is_of_jpeg {
        state().lose_with_threads()
    } else {
        vec![]
    };
    let is_sure = lost.len() == 1;
    let any = !lost.is_empty();
    for running in lost {
        (running.fail)(if is_sure {
            Failed::Broken
        } else {
            Failed::Unsure
        });
    }
    any
}

impl State {
    /// The decoder waits for its thread from now on, and so keeps its own, too.
    fn lose_with_threads(&mut self) -> Vec<Running> {
        let theirs = self.running.iter().filter(|(_, running)| running.threads);
        let numbers: Vec<u64> = theirs.map(|(number, _)| *number).collect();
        self.parked += usize::from(!numbers.is_empty());
        let lost = numbers.into_iter().filter_map(|number| self.lose(number));
        lost.collect()
    }
}

#[cfg(test)]
mod tests;
