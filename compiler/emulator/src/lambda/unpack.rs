//! A function's zip, in a directory of its own.

use crate::{Error, package::Function, private};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Lambda's own bound on an unpacked function.
const UNPACKED_BYTES: u64 = 250 * 1024 * 1024;

/// A smaller file is unpacked again, whatever was unpacked before.
const LARGE: u64 = 64 * 1024;

/// An unpacked zip. Its files go with it.
pub(super) struct Unpacked {
    pub task_root: PathBuf,
    /// Its large files, by name.
    large: BTreeMap<PathBuf, Content>,
    _directory: TempDir,
}

/// By which a zip knows what is in a file.
#[derive(PartialEq, Eq)]
struct Content {
    crc: u32,
    bytes: u64,
    compressed: u64,
}

/// Unpacks the zip below a directory that only this user may enter. A program that is in
/// `before` as well is taken from there: it is most of the zip, and the same in all of a
/// function's.
pub(super) fn unpack(function: &Function, before: Option<&Unpacked>) -> Result<Unpacked, Error> {
    let zip = fs::read(&function.zip).map_err(|e| {
        Error::new(format!("{}: {e}", function.zip.display())).help("run `frames package` again")
    })?;
    if format!("{:x}", Sha256::digest(&zip)) != function.sha256 {
        return Err(Error::new(format!(
            "{}: its SHA-256 is not the one in plan.json",
            function.zip.display()
        ))
        .help("run `frames package` again"));
    }
    // No other user may swap what is run.
    let dir = private::directory("frames-")?;
    let task_root = dir.path().join("task");
    let large = extract(&zip, &task_root, before).map_err(|e| {
        Error::new(format!("{}: cannot unpack it: {e}", function.zip.display()))
            .help("run `frames package` again")
    })?;
    Ok(Unpacked {
        task_root,
        large,
        _directory: dir,
    })
}

fn extract(
    zip: &[u8],
    root: &Path,
    before: Option<&Unpacked>,
) -> Result<BTreeMap<PathBuf, Content>, Box<dyn std::error::Error>> {
    fs::create_dir(root)?;
    let mut large = BTreeMap::new();
    let mut archive = zip::ZipArchive::new(Cursor::new(zip))?;
    let mut left = UNPACKED_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry
            .enclosed_name()
            .ok_or("an entry's path leads out of the zip")?;
        let path = root.join(&name);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if entry.size() >= LARGE {
            let content = Content {
                crc: entry.crc32(),
                bytes: entry.size(),
                compressed: entry.compressed_size(),
            };
            let same = before.filter(|before| before.large.get(&name) == Some(&content));
            let is_linked =
                same.is_some_and(|it| fs::hard_link(it.task_root.join(&name), &path).is_ok());
            large.insert(name, content);
            if is_linked {
                continue;
            }
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
    Ok(large)
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{io::Write, os::unix::fs::MetadataExt, time::Duration};
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn function(directory: &Path, name: &str, program: &[u8], config: &str) -> Function {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        for (name, content) in [("bootstrap", program), ("config.json", config.as_bytes())] {
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let path = directory.join(name);
        fs::write(&path, &zip).unwrap();
        Function {
            name: "f".to_owned(),
            region: None,
            handler: "index.handler".to_owned(),
            runtime: "python3.13".to_owned(),
            memory_mb: 128,
            timeout: Duration::from_secs(1),
            zip: path,
            sha256: format!("{:x}", Sha256::digest(&zip)),
        }
    }

    #[test]
    fn a_program_that_is_the_same_is_there_once() {
        let directory = tempfile::tempdir().unwrap();
        let large = usize::try_from(LARGE).unwrap();
        let (one, other) = (vec![1; large], vec![2; large]);
        let make = |name: &str, program: &[u8], config: &str, before: Option<&Unpacked>| {
            unpack(&function(directory.path(), name, program, config), before).unwrap()
        };
        let content = |unpacked: &Unpacked, name: &str| {
            let path = unpacked.task_root.join(name);
            (fs::metadata(&path).unwrap().ino(), fs::read(path).unwrap())
        };
        let first = make("1.zip", &one, "{}", None);
        let second = make("2.zip", &one, "[]", Some(&first));
        assert_eq!(content(&first, "bootstrap"), content(&second, "bootstrap"));
        assert_eq!(content(&second, "config.json").1, b"[]");
        let third = make("3.zip", &other, "[]", Some(&second));
        assert_eq!(content(&third, "bootstrap").1, other);
        // Each has its own, however long the others last.
        drop(first);
        assert_eq!(content(&second, "bootstrap").1, one);
    }
}
