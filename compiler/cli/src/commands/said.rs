//! What another program says of something, where it says it soon.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// All that it writes to stdout. `None`: it isn't there, fails, or takes too long, and is ended.
/// Credentials of AWS are no business of its.
pub(super) fn said(mut command: Command, limit: Duration) -> Option<String> {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // Read as it comes: a full pipe would keep the program from its end.
    let mut stdout = child.stdout.take()?;
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let began = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if began.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let is_done = child.wait().ok()?.success();
    let bytes = reading.join().ok()?.ok()?;
    let said = String::from_utf8_lossy(&bytes).into_owned();
    is_done.then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_pipe_holds_is_read() {
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 1000000 /dev/zero"]);
        let said = said(command, Duration::from_secs(60)).unwrap();
        assert_eq!(said.len(), 1_000_000);
    }
}
