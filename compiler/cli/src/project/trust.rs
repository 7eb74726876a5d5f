//! Whether a file that nobody named can have been put there by somebody else.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;

/// The problem, where another user than this one and root could have written the file, or put
/// another in its place. This looks at what links lead to, not at the links.
pub(super) fn check(file: &Path) -> Result<(), String> {
    check_for(file, rustix::process::geteuid().as_raw())
}

fn check_for(file: &Path, user: u32) -> Result<(), String> {
    let resolved = file.canonicalize().map_err(|error| error.to_string())?;
    // The place where it was found, and the one that it leads to.
    for path in [file, &resolved] {
        for (steps, path) in path.ancestors().enumerate() {
            let metadata = path.symlink_metadata().map_err(|error| error.to_string())?;
            let shared = match steps {
                // The file itself, and what is beside it.
                0 | 1 => OTHERS_WRITE & metadata.mode(),
                // Nobody moves what isn't theirs out of a sticky directory.
                _ if metadata.mode() & STICKY != 0 => 0,
                _ => OTHERS_WRITE & metadata.mode(),
            };
            if let Some(problem) = problem(&metadata, shared, user) {
                return Err(match steps {
                    0 => format!("it {problem}"),
                    _ => format!("its directory {} {problem}", path.display()),
                });
            }
        }
    }
    Ok(())
}

fn problem(metadata: &Metadata, shared: u32, user: u32) -> Option<String> {
    let owner = metadata.uid();
    if owner != user && owner != 0 {
        return Some(format!(
            "belongs to another user (uid {owner}, and you are {user})"
        ));
    }
    // By its mode, everybody may write a link: its directory decides who may change it.
    (shared != 0 && !metadata.is_symlink()).then(|| {
        let mode = metadata.mode() & 0o7777;
        format!("can be written to by other users (mode {mode:04o})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_may_write_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let directory = outer.path().join("above/project");
        fs::create_dir_all(&directory).unwrap();
        set(&outer.path().join("above"), 0o755);
        set(&directory, 0o755);
        let file = directory.join("frames.yml");
        fs::write(&file, "").unwrap();
        set(&file, 0o644);
        check(&file).unwrap();
        for (path, good, bad) in [
            (&file, 0o644, &[0o664, 0o646, 0o666][..]),
            (&directory, 0o755, &[0o775, 0o757, 0o1777]),
            (&outer.path().join("above"), 0o1777, &[0o777, 0o770]),
        ] {
            for mode in bad {
                set(path, *mode);
                let problem = check(&file).unwrap_err();
                assert!(problem.contains(&format!("(mode {mode:04o})")), "{problem}");
            }
            set(path, good);
            check(&file).unwrap();
        }
        // A link to what others may write is no better.
        let other = outer.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::rename(&file, other.join("frames.yml")).unwrap();
        symlink("../../other/frames.yml", &file).unwrap();
        set(&other, 0o755);
        check(&file).unwrap();
        set(&other, 0o777);
        assert!(check(&file).unwrap_err().contains("its directory"));
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("frames.yml");
        fs::write(&file, "").unwrap();
        set(&file, 0o644);
        let user = rustix::process::geteuid().as_raw();
        if user == 0 {
            chown(&file, Some(1), None).unwrap();
            assert!(
                check(&file)
                    .unwrap_err()
                    .contains("belongs to another user (uid 1")
            );
        } else {
            let problem = check_for(&file, user + 1).unwrap_err();
            assert!(problem.contains("belongs to another user"));
        }
        // Anybody may use root's.
        assert_eq!(check_for(Path::new("/etc/passwd"), user + 1), Ok(()));
    }
}
