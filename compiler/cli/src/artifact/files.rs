//! Files that others may have put there: what they are is looked at before what they hold.

use crate::failure::{Context, Failure, Result};
use rustix::fs::OFlags;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// A regular file's content, up to one byte more than `most`: whoever gets that
/// many knows that it is too large. A length that a file system states decides
/// nothing: those below /proc state none.
pub fn read(path: &Path, most: u64) -> std::result::Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let file = File::options()
        .read(true)
        // A pipe that nobody writes to would be waited for.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(reason)?;
    if !file.metadata().map_err(reason)?.is_file() {
        return Err("it isn't a regular file".to_owned());
    }
    file.take(most.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(reason)?;
    Ok(content)
}

fn reason(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}

/// A new file that is on the disk, and not merely on its way there, on return.
pub fn write_durably(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().context(|| format!("can't write {}", path.display()))
}

/// What was moved into a directory is there after a power cut, too.
pub fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .context(|| format!("can't write {}", path.display()))
}

/// The owner's alone, whatever the umask is.
pub fn owner_only() -> Permissions {
    Permissions::from_mode(0o700)
}

/// The directory and those above it, as far as they aren't there.
pub fn create_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(owner_only().mode())
        .create(path)
        .context(|| format!("can't make {}", path.display()))
}

/// Refuses what another user could have put programs into. One that isn't there is fine.
pub fn check_private(path: &Path) -> Result<()> {
    let Ok(link) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let target = std::fs::metadata(path).context(|| format!("can't look at {}", path.display()))?;
    let user = rustix::process::geteuid().as_raw();
    if let Some(other) = [link.uid(), target.uid()]
        .into_iter()
        .find(|uid| *uid != user)
    {
        return Err(Failure::new(format!(
            "{} belongs to another user (uid {other}, and you are {user}): programs from there aren't to be trusted",
            path.display()
        ))
        .help("set XDG_CACHE_HOME to a directory of your own"));
    }
    let mode = target.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(Failure::new(format!(
            "{} can be written to by other users (mode {mode:04o}): programs from there aren't to be trusted",
            path.display()
        ))
        .help(format!(
            "remove it (`rm -r '{}'`): frames makes it again, for you alone",
            path.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn reads_no_more_than_it_has_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 3).unwrap(), b"1234", "one more than asked for");
        // Terabytes, by its own account.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path, 8).unwrap().len(), 9);
        assert_eq!(read(Path::new("/proc/self/maps"), 8).unwrap().len(), 9);
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let link = directory.path().join("link");
        symlink("/dev/zero", &link).unwrap();
        for path in [&pipe, &link, directory.path()] {
            assert_eq!(read(path, 8).unwrap_err(), "it isn't a regular file");
        }
        let missing = directory.path().join("missing");
        assert_eq!(read(&missing, 8).unwrap_err(), "there is no such file");
    }

    #[test]
    fn a_private_directory_is_made_and_a_shared_one_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("one/two");
        create_private(&path).unwrap();
        for path in [&path, path.parent().unwrap()] {
            assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
            check_private(path).unwrap();
        }
        check_private(&directory.path().join("missing")).unwrap();
        for mode in [0o720, 0o702] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let failure = check_private(&path).unwrap_err();
            assert!(failure.message.contains("one/two can be written to"));
            assert!(failure.help.unwrap().contains("rm -r"));
        }
    }

    #[test]
    fn another_users_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(directory.path(), Some(1), None).unwrap();
            directory.path()
        } else {
            Path::new("/")
        };
        let failure = check_private(path).unwrap_err();
        assert!(failure.message.contains("belongs to another user"));
    }
}
