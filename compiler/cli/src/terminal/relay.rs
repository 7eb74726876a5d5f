//! The output of a program that frames runs.

use super::Terminal;
use std::io::{BufRead, BufReader, Read};

/// Far longer than a line for people.
const LONGEST: u64 = 64 * 1024;

/// Says a stream's lines until it ends, as if they were our own.
pub fn relay(stream: impl Read, terminal: Terminal) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match stream.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(1..) => terminal.note(String::from_utf8_lossy(&line).trim_end()),
            // What can't be read is left out: the program's exit status still tells how it ended.
            Ok(0) | Err(_) => return,
        }
    }
}
