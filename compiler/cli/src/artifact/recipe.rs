//! What decides the programs' bytes, and by what name they are kept. `build.rs` includes
//! this file: a binary carries only the programs that it would build itself.

use sha2::{Digest, Sha256};

/// glibc of Amazon Linux 2023, which the managed runtimes run on.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu.2.34";

/// A reader takes the zeros for tables without an entry (Linux Standard Base, 10.6).
pub(super) const TABLES: [&str; 3] = [".eh_frame", ".eh_frame_hdr", ".gcc_except_table"];

/// What Lambda would start, by its name; here the files beside it start it.
pub(super) const BOOTSTRAP: &str = "bootstrap";

/// Deflate's best. Zopfli would save 2%, and take half a minute.
pub(super) const DEFLATE: i64 = 9;

/// The programs for Lambda have it in their name.
pub(super) const LAMBDA: &str = "lambda";

/// Beside the programs, as `sha256sum --check` reads it.
pub(super) const SUMS: &str = "SHA256SUMS";

/// Sources and recipe decide the programs; the manifest doesn't.
pub(super) fn key(sources: &str, builder: &str) -> String {
    let recipe = format!(
        "{sources}\n{builder}\n{TARGET}\nwithout {}\ndeflate {DEFLATE}",
        TABLES.join(" ")
    );
    format!("{:.16}-{builder}", sha256(recipe.as_bytes()))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
