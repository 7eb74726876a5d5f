//! Processes that run beside a test and end with it.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A process in a group of its own. Dropping it ends the group.
pub struct Background {
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Background {
    pub fn start(command: &mut Command) -> Self {
        let mut process = Self::spawn(command.stdin(Stdio::null()));
        let stdout = process.child.stdout.take().unwrap();
        process.readers.push(collect(stdout, &process.output));
        process
    }

    /// One that is talked to; `output` is then what it writes to stderr.
    pub fn converse(command: &mut Command) -> (Self, ChildStdin, ChildStdout) {
        let mut process = Self::spawn(command.stdin(Stdio::piped()));
        let stdin = process.child.stdin.take().unwrap();
        let stdout = process.child.stdout.take().unwrap();
        (process, stdin, stdout)
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {command:?}: {error}"));
        let output = Arc::default();
        let readers = vec![collect(child.stderr.take().unwrap(), &output)];
        Self {
            child,
            output,
            readers,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has written up to now; unless it is talked to, on both streams.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// Sends a signal, and waits for the exit code.
    pub fn end(&mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let status = eventually("the end after a signal", || self.child.try_wait().unwrap());
        self.read_all();
        status
            .code()
            .expect("an exit code, not death by the signal")
    }

    /// None while it runs.
    pub fn exit_code(&mut self) -> Option<i32> {
        let status = self.child.try_wait().unwrap()?;
        self.read_all();
        status.code()
    }

    /// Its last words may come after its end. What it left behind may keep its streams open.
    fn read_all(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Reads until the process closes the stream.
pub fn collect(
    mut stream: impl Read + Send + 'static,
    into: &Arc<Mutex<Vec<u8>>>,
) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    })
}

impl Drop for Background {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        if !self.has_ended() {
            // First the polite way: it ends what it started itself.
            let _ = kill_process(pid, Signal::TERM);
            let deadline = Instant::now() + Duration::from_secs(2);
            while !self.has_ended() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A process that nobody reads.
pub fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The processes below one, all that run.
pub fn descendants(pid: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids
        .filter_map(|pid| running(pid).map(|parent| (pid, parent)))
        .collect();
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(above) = all.get(next).copied() {
        let children = parents.iter().filter(|(_, parent)| *parent == above);
        all.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    all.split_off(1)
}

/// One that was killed does nothing any more, though a busy machine may take a while to end it.
pub fn is_running(pid: u32) -> bool {
    running(pid).is_some() && !is_killed(pid)
}

/// Whether SIGKILL is on its way to a process (proc_pid_status(5)).
fn is_killed(pid: u32) -> bool {
    const KILL: u64 = 1 << 8;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mut pending = status.lines().filter_map(|line| {
        line.strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"))
    });
    pending.any(|set| u64::from_str_radix(set.trim(), 16).is_ok_and(|set| set & KILL != 0))
}

/// The parent of a process that runs.
fn running(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Ports that were free a moment ago, all different. They lie below those that
/// the kernel gives to outgoing connections: one of these would take such a port
/// between now and its use, and a client that tries it early could even reach itself.
pub fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    [(); N].map(|()| {
        let free = (0..12_000).find_map(|_| {
            // Parallel test processes begin at different places.
            let n = NEXT
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_add(std::process::id().wrapping_mul(61));
            let port = 20_000 + u16::try_from(n % 12_000).unwrap();
            TcpListener::bind(("127.0.0.1", port))
                .is_ok()
                .then_some(port)
        });
        free.unwrap()
    })
}

/// Longer than anything takes here, also on a machine that is busy with all tests at once: a wait that
/// ends with an event asserts nothing about its time.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Tries until there is a result.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What `sh` makes of a command, as it is pasted into one.
pub fn shell(command: &str, directory: &std::path::Path) -> std::process::Output {
    std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .output()
        .unwrap()
}
