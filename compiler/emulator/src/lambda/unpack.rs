//! A function's zip, in a directory of its own.

use crate::{Error, package::Function, private};
use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Lambda's own bound on an unpacked function.
const UNPACKED_BYTES: u64 = 250 * 1024 * 1024;

/// Unpacks the zip below a directory that only this user may enter, and gives
/// that directory and the task root in it.
pub(super) fn unpack(function: &Function) -> Result<(TempDir, PathBuf), Error> {
    let zip = fs::read(&function.zip).map_err(|e| {
        Error::new(format!("{}: {e}", function.zip.display())).help("run `frames package` again")
    })?;
    if hex_sha256(&zip) != function.sha256 {
        return Err(Error::new(format!(
            "{}: its SHA-256 is not the one in plan.json",
            function.zip.display()
        ))
        .help("run `frames package` again"));
    }
    // No other user may swap what is run.
    let dir = private::directory("frames-")?;
    let root = dir.path().join("task");
    extract(&zip, &root).map_err(|e| {
        Error::new(format!("{}: cannot unpack it: {e}", function.zip.display()))
            .help("run `frames package` again")
    })?;
    Ok((dir, root))
}

fn hex_sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn extract(zip: &[u8], root: &Path) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir(root)?;
    let mut archive = zip::ZipArchive::new(Cursor::new(zip))?;
    let mut left = UNPACKED_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry
            .enclosed_name()
            .ok_or("an entry's path leads out of the zip")?;
        let path = root.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut bytes = Vec::new();
        left -= (&mut entry).take(left).read_to_end(&mut bytes)? as u64;
        if left == 0 {
            return Err("it is larger than Lambda takes (250 MB)".into());
        }
        fs::write(&path, bytes)?;
        // Below a directory that nobody else may enter.
        set_mode(&path, entry.unix_mode().unwrap_or(0o644))?;
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o755))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
