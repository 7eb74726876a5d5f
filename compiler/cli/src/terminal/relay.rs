//! What a program that frames runs has to say.

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
            // Nobody is told what can't be read: how the program ends tells.
            Ok(0) | Err(_) => return,
        }
    }
}
