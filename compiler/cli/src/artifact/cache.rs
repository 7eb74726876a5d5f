//! The user's cache of programs. A zip in it becomes the delivery's code, so
//! nothing is taken from it that doesn't check out.

use super::programs::Programs;
use super::recipe::{SUMS, sha256};
use super::{files, sources, zips};
use crate::interrupt::scratch::Scratch;
use crate::terminal::Terminal;
use frames_compiler::failure::{Context, Failure, Result};
use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Far more than a function's zip may have.
const MOST: u64 = 64 * 1024 * 1024;

/// `<user's cache>/frames/functions`
pub(super) struct Cache {
    root: PathBuf,
    directory: PathBuf,
}

impl Cache {
    pub(super) fn of_user() -> Result<Self> {
        Ok(Self::below(&of_user()?))
    }

    fn below(caches: &Path) -> Self {
        let root = caches.join(NAME);
        let directory = root.join("functions");
        Self { root, directory }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The programs under a key. Missing and damaged ones are the same: they get built.
    pub(super) fn read(&self, key: &str) -> Result<Option<Programs>> {
        let ready = self.path(key);
        for directory in [&self.root, &self.directory, &ready] {
            files::check_private(directory)?;
        }
        Ok(read(&ready))
    }

    /// Cargo's own directory, which all keys share.
    pub(super) fn target(&self) -> Result<PathBuf> {
        let target = self.path("target");
        files::create_private(&target)?;
        files::check_private(&target)?;
        Ok(target)
    }

    /// One lock for all keys: they share Cargo's directory, and another version's
    /// program mustn't be taken from there.
    pub(super) fn lock(&self, terminal: Terminal) -> Result<File> {
        files::create_private(&self.directory)?;
        for directory in [&self.root, &self.directory] {
            files::check_private(directory)?;
        }
        lock(
            &self.path("build.lock"),
            "for another frames that is building the edge functions",
            terminal,
        )
    }

    /// A directory to build in, beside the results, gone when dropped.
    pub(super) fn work(&self, key: &str) -> Result<Scratch> {
        let prefix = format!(".{key}-");
        let mut named = tempfile::Builder::new();
        named.prefix(&prefix).permissions(files::owner_only());
        Scratch::new(&named, &self.directory)
            .context(|| format!("can't make a directory in {}", self.directory.display()))
    }

    /// Moves the programs in as a whole, and replaces damaged ones. Needs the lock.
    pub(super) fn store(&self, key: &str, programs: &Programs) -> Result<()> {
        let work = self.work(key)?;
        for (function, base) in programs.bases() {
            files::write_durably(&work.path().join(file(function)), base)?;
        }
        files::write_durably(&work.path().join(SUMS), sums(programs).as_bytes())?;
        files::sync_directory(work.path())?;
        let ready = self.path(key);
        remove(&ready)?;
        fs::rename(work.path(), &ready)
            .context(|| format!("can't move the programs into {}", self.directory.display()))?;
        files::sync_directory(&self.directory)
    }
}

/// Of frames' own directory in there.
const NAME: &str = "frames";

/// The user's directory for what frames caches. It may not be there yet.
pub fn of_frames() -> Result<PathBuf> {
    Ok(of_user()?.join(NAME))
}

/// The user's directory for caches, of all programs.
pub(super) fn of_user() -> Result<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .ok_or_else(|| {
            Failure::new(
                "there is no cache directory: neither XDG_CACHE_HOME nor HOME is an absolute path",
            )
        })
}

/// Waits until no other process has it, and says so. The lock ends with the file.
pub(super) fn lock(path: &Path, waiting: &str, terminal: Terminal) -> Result<File> {
    let context = || format!("can't lock {}", path.display());
    let file = File::options()
        .create(true)
        .append(true)
        .mode(files::owners_file().mode())
        .open(path)
        .context(context)?;
    if file.try_lock().is_err() {
        terminal.status("Waiting", waiting);
        file.lock().context(context)?;
    }
    Ok(file)
}

fn file(function: &str) -> String {
    format!("{function}.zip")
}

/// The programs, where their files are whole.
fn read(directory: &Path) -> Option<Programs> {
    let content = |name: &str, most| files::read(&directory.join(name), most).ok();
    let programs = Programs::of_each(|function| {
        let base = content(&file(function), MOST);
        base.filter(|base| zips::is_base(base, &sources::shim(function)))
            .ok_or(())
    })
    .ok()?;
    let expected = sums(&programs);
    let found = content(SUMS, expected.len() as u64)?;
    (found == expected.as_bytes()).then_some(programs)
}

pub(super) fn sums(programs: &Programs) -> String {
    programs
        .bases()
        .map(|(function, base)| format!("{}  {}\n", sha256(base), file(function)))
        .collect()
}

/// Removes whatever is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
    .context(|| format!("can't remove the damaged {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_compiler::names;

    const KEY: &str = "0123456789abcdef-lambda";

    fn programs() -> Programs {
        Programs::of_each(|function| zips::base(function.as_bytes(), &sources::shim(function)))
            .unwrap()
    }

    fn stored() -> (tempfile::TempDir, Cache, PathBuf) {
        let caches = tempfile::tempdir().unwrap();
        let cache = Cache::below(caches.path());
        files::create_private(&cache.directory).unwrap();
        cache.store(KEY, &programs()).unwrap();
        let ready = cache.path(KEY);
        (caches, cache, ready)
    }

    fn is_there(cache: &Cache) -> bool {
        cache.read(KEY).unwrap().is_some()
    }

    #[test]
    fn what_is_stored_is_read_and_the_owners_alone() {
        let (_caches, cache, ready) = stored();
        let found = cache.read(KEY).unwrap().unwrap();
        assert!(found.bases().eq(programs().bases()));
        assert!(cache.read("another").unwrap().is_none());
        for path in [&cache.root, &cache.directory, &ready] {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
        let left: Vec<_> = fs::read_dir(&cache.directory).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn any_damage_is_a_miss_and_is_mended() {
        let damages: [fn(&Path); 7] = [
            |ready| flip(&ready.join("signer.zip")),
            |ready| flip(&ready.join(SUMS)),
            |ready| fs::write(ready.join("authorizer.zip"), "").unwrap(),
            |ready| fs::remove_file(ready.join("authorizer.zip")).unwrap(),
            |ready| fs::remove_file(ready.join(SUMS)).unwrap(),
            |ready| fs::rename(ready.join("signer.zip"), ready.join("authorizer.zip")).unwrap(),
            |ready| {
                fs::remove_dir_all(ready).unwrap();
                fs::write(ready, "a file").unwrap();
            },
        ];
        for (i, damage) in damages.iter().enumerate() {
            let (_caches, cache, ready) = stored();
            assert!(is_there(&cache));
            damage(&ready);
            assert!(!is_there(&cache), "damage {i}");
            cache.store(KEY, &programs()).unwrap();
            assert!(is_there(&cache), "damage {i}");
        }
    }

    fn flip(path: &Path) {
        let mut content = fs::read(path).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(path, content).unwrap();
    }

    /// Sums that match don't make a base: they could be another version's.
    #[test]
    fn a_base_has_the_shim_of_this_version() {
        let (_caches, cache, _) = stored();
        let foreign = zips::base(
            b"\x7fELF",
            &[
                ("index.py", b"import other"),
                sources::shim(names::SIGNER)[1],
            ],
        )
        .unwrap();
        let foreign = Programs::of_each(|_| Ok::<_, ()>(foreign.clone())).unwrap();
        cache.store(KEY, &foreign).unwrap();
        assert!(!is_there(&cache));
    }

    #[test]
    fn a_cache_that_others_write_to_is_refused() {
        for name in ["", "functions", "functions/0123456789abcdef-lambda"] {
            let (_caches, cache, _) = stored();
            let shared = cache.root.join(name);
            fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
            assert!(cache.read(KEY).is_err(), "{name}");
        }
    }
}
