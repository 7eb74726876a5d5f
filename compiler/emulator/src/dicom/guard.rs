//! Other projects' readers and decoders, on bytes that are anybody's.
//!
//! They index and unwrap where a file is broken in a way that they didn't think of. Each piece of their work runs on
//! a thread of its own. In builds that unwind, a panic ends there. A release aborts on a panic, once the panic's hook
//! returns: nothing can be caught. So there the hook tells whoever waits that the work broke, and never returns. That
//! thread is parked for as long as the process lives.
//!
//! What a parked thread keeps: a stack of [`STACK`], of which some pages were touched; a file that the work had open;
//! the bytes that it was given, and what it had made of them. So nothing that broke is tried twice, and after
//! [`PARKED`] such threads, or [`LOST`] bytes, no work is begun any more. The work must take no lock of ours, which a
//! parked thread would keep.
//!
//! An abort is an abort still: an exhausted stack, memory that the system doesn't give, a second panic on the way out
//! of a first, a panic of frames itself. And who sets another hook after [`install_hook`] waits for ever once a thread
//! is parked, for it is parked inside of that one.

use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
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
    /// Some piece may have started threads. One of them may be the last that is left of it.
    threads: bool,
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
    install_hook(cfg!(panic = "abort"));
    // Hashing takes its time: nobody waits for it, and it is only done where something broke.
    let any = !state().broken.is_empty();
    let known = any.then(piece.identity);
    let (send, receive) = mpsc::channel();
    let number = state().enter(piece, known.as_ref(), &send)?;
    let job: Job = Box::new(move || {
        CURRENT.set(number);
        // Nothing that it changes is looked at after a panic: it returns all that it makes.
        let done = panic::catch_unwind(AssertUnwindSafe(work));
        CURRENT.set(0);
        state().running.remove(&number);
        Box::new(move || {
            let _ = send.send(done.map_err(|_| Failed::Broken));
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
            threads: false,
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
        self.threads |= piece.threads;
        self.running.insert(self.last, running);
        Ok(self.last)
    }

    /// Takes out what this thread, which is parked now, was to do.
    fn lose(&mut self, whose: &Whose) -> Vec<Running> {
        self.parked += 1;
        let numbers: Vec<u64> = match whose {
            Whose::Own(number) => vec![*number],
            Whose::Any => {
                let theirs = self.running.iter().filter(|(_, running)| running.threads);
                theirs.map(|(number, _)| *number).collect()
            }
        };
        let lost = numbers
            .iter()
            .filter_map(|number| self.running.remove(number));
        let lost: Vec<Running> = lost.collect();
        if matches!(whose, Whose::Any) {
            // A decoder waits for its thread from now on: it is lost with it.
            self.parked += lost.len();
        }
        let bytes = lost.iter().map(|running| running.bytes);
        self.lost = bytes.fold(self.lost, u64::saturating_add);
        lost
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
    builder
        .stack_size(STACK)
        .spawn(move || serve(job))
        .map(drop)
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
///
/// `aborts`: whether a panic ends the process. A program knows it by `cfg!(panic = "abort")`; its libraries may be
/// compiled otherwise. Where no program says it, the first piece of work goes by what this library is compiled for.
pub fn install_hook(aborts: bool) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |defect| match whose() {
            None => before(defect),
            Some(whose) if aborts => park(&whose),
            Some(_) => {}
        }));
    });
}

/// Who is told of a panic on this thread.
enum Whose {
    Own(u64),
    /// Any piece of those that start threads: nothing says which one started this.
    Any,
}

fn whose() -> Option<Whose> {
    let own = CURRENT.get();
    if own != 0 {
        return Some(Whose::Own(own));
    }
    let this = thread::current();
    let is_of_jpeg = this.name().is_some_and(|name| name.starts_with(OF_JPEG));
    // Its image may be given up by now, because of another of its threads.
    (is_of_jpeg && state().threads).then_some(Whose::Any)
}

/// Tells whoever waits for this thread's work, and never returns.
fn park(whose: &Whose) -> ! {
    let lost = state().lose(whose);
    let is_sure = lost.len() == 1;
    for running in lost {
        (running.fail)(if is_sure {
            Failed::Broken
        } else {
            Failed::Unsure
        });
    }
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests;
