//! Files that no other user of the machine may read or swap.

use super::Error;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tempfile::TempDir;

/// Those that may still be there.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A directory for this user only, whatever the umask; dropping it deletes it.
pub fn directory(prefix: &str) -> Result<TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    // By itself tempfile leaves a directory's mode to the umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let directory = builder
        .tempdir()
        .map_err(|e| Error::new(format!("cannot make a temporary directory: {e}")))?;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.retain(|path| path.exists());
    made.push(directory.path().to_owned());
    Ok(directory)
}

/// Removes all directories, for a process that ends without dropping anything.
pub fn remove_all() {
    for path in MADE.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = fs::remove_dir_all(path);
    }
}

/// Writes a new file for this user only.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    create(path, text).map_err(|e| Error::new(format!("cannot write {}: {e}", path.display())))
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_may_look() {
        let directory = directory("frames-test-").unwrap();
        assert_eq!(mode(directory.path()), 0o700);
        let file = directory.path().join("secret");
        write(&file, "s").unwrap();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read(&file).unwrap(), b"s");
        // Never into a file that somebody else put there.
        assert!(write(&file, "t").is_err());
    }
}
