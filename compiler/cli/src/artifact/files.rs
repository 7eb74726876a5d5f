//! Files that others may have put there: what they are is looked at before what they hold.

use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::world::Unread;
use rustix::fs::OFlags;
use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// A regular file's content, up to one byte more than `most`: with that many, the
/// caller knows that it is too large. The length that a file system states decides
/// nothing: files below /proc state none.
pub(crate) fn read(path: &Path, most: u64) -> std::result::Result<Vec<u8>, Unread> {
    let mut content = Vec::new();
    let file = File::options()
        .read(true)
        // Opening a pipe that nobody writes to would wait for ever.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(reason)?;
    if !file.metadata().map_err(reason)?.is_file() {
        return Err(Unread::Other("it isn't a regular file".to_owned()));
    }
    file.take(most.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(reason)?;
    Ok(content)
}

pub(crate) fn reason(error: std::io::Error) -> Unread {
    match error.kind() {
        ErrorKind::NotFound => Unread::Missing,
        ErrorKind::PermissionDenied => Unread::Other("it may not be read".to_owned()),
        _ => Unread::Other(error.to_string()),
    }
}

/// A new file that is on the disk, and not merely on its way there, on return.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> Result<()> {
    let write = || write_new(path, content)?.sync_all();
    write().context(|| format!("can't write {}", path.display()))
}

/// A new file for the owner only; never one that is there.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> std::io::Result<File> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(owners_file().mode())
        .open(path)?;
    file.write_all(content)?;
    Ok(file)
}

/// What was moved into a directory is there after a power cut, too.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .context(|| format!("can't write {}", path.display()))
}

/// For the owner only, whatever the umask is.
pub(crate) fn owner_only() -> Permissions {
    Permissions::from_mode(0o700)
}

/// The same of a file.
pub(crate) fn owners_file() -> Permissions {
    Permissions::from_mode(0o600)
}

/// A regular file that nobody else may read or write.
pub(crate) fn is_owners(file: &Metadata) -> bool {
    let user = rustix::process::geteuid().as_raw();
    file.uid() == user && file.mode() & 0o7777 == owners_file().mode()
}

/// A directory for the owner only: made where there is none, tightened where others may use it,
/// and never what a link leads to. `why` says in a sentence why not.
pub(crate) fn own_directory(path: &Path, why: &str) -> Result<()> {
    let context = || format!("can't make {}", path.display());
    if path.is_symlink() {
        return Err(
            Failure::new(format!("{} is a symbolic link, and {why}", path.display()))
                .help("remove the link: frames makes the directory itself"),
        );
    }
    let made = DirBuilder::new().mode(owner_only().mode()).create(path);
    if let Err(error) = made
        && error.kind() != ErrorKind::AlreadyExists
    {
        return Err(error).context(context);
    }
    // This tightens what was opened, even if something else is put there meanwhile.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let directory = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .context(context)?;
    let metadata = directory.metadata().context(context)?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(Failure::new(format!(
            "{} belongs to another user (uid {}, and you are {user}): they can read and change what is written there",
            path.display(),
            metadata.uid()
        ))
        .help("remove it: frames makes the directory itself"));
    }
    if metadata.mode() & 0o7777 != owner_only().mode() {
        directory.set_permissions(owner_only()).context(context)?;
    }
    Ok(())
}

/// The directory and those above it, as far as they aren't there.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(owner_only().mode())
        .create(path)
        .context(|| format!("can't make {}", path.display()))
}

/// Refuses a directory that another user could have put programs into. A missing one is fine.
pub(crate) fn check_private(path: &Path) -> Result<()> {
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
            "remove it (`rm -r '{}'`): frames makes it again, for you only",
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
            assert_eq!(
                read(path, 8).unwrap_err().to_string(),
                "it isn't a regular file"
            );
        }
        let missing = directory.path().join("missing");
        assert_eq!(read(&missing, 8).unwrap_err(), Unread::Missing);
    }

    #[test]
    fn a_looser_directory_is_tightened_and_a_link_refused() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("own");
        for before in [None, Some(0o777), Some(0o2755), Some(0o700)] {
            if let Some(mode) = before {
                std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            own_directory(&path, "no").unwrap();
            assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
        }
        let link = outer.path().join("link");
        symlink(&path, &link).unwrap();
        let failure = own_directory(&link, "that isn't meant").unwrap_err();
        assert!(
            failure
                .message
                .ends_with("is a symbolic link, and that isn't meant")
        );
        std::fs::write(outer.path().join("file"), "").unwrap();
        assert!(own_directory(&outer.path().join("file"), "no").is_err());
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
