//! What another program says of something, where it says it soon.

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
    let began = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if began.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said)
}
