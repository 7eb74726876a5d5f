//! OHIF from npm: one version, known by its hash, fetched once into the user's cache.

use super::cache;
use super::files;
use crate::interrupt::{self, children::Group, scratch::Scratch};
use crate::terminal::Terminal;
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use frames_compiler::failure::{Context, Failure, Result};
use sha2::{Digest, Sha512};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

const PACKAGE: &str = "@ohif/app";
const VERSION: &str = "3.13.2";

/// As `npm view @ohif/app@3.13.2 dist.integrity` says it.
const INTEGRITY: &str = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==";

/// Its package has 50 MB, and 204 MB in 246 files when it is unpacked.
const MOST_PACKED: u64 = 64 * 1024 * 1024;
const MOST_UNPACKED: u64 = 256 * 1024 * 1024;
const MOST_FILES: usize = 1_000;

/// The built files, in the package and in the cache.
const BUILT: &str = "dist";

/// What was unpacked: a line per file with its length, below the package's hash.
const LIST: &str = "LIST";

const INSTEAD: &str = "or name a folder with OHIF's built files: `--ohif DIR`";

/// The folder with OHIF's built files, fetched where it isn't there yet.
pub fn ohif(terminal: Terminal) -> Result<PathBuf> {
    let caches = cache::of_user()?;
    let root = caches.join("frames");
    let directory = root.join("ohif");
    let ready = directory.join(VERSION);
    files::create_private(&directory)?;
    for directory in [&root, &directory, &ready] {
        files::check_private(directory)?;
    }
    if is_whole(&ready) {
        return Ok(ready.join(BUILT));
    }
    let _lock = cache::lock(
        &directory.join("fetch.lock"),
        "for another frames that is fetching OHIF",
        terminal,
    )?;
    // Another frames may have fetched it while this one waited.
    if !is_whole(&ready) {
        terminal.status("Fetching", &format!("OHIF {VERSION} by npm, once (50 MB)"));
        let prefix = format!(".{VERSION}-");
        let mut named = tempfile::Builder::new();
        named.prefix(&prefix).permissions(files::owner_only());
        let work = Scratch::new(&named, &directory)
            .context(|| format!("can't make a directory in {}", directory.display()))?;
        let package = fetched(work.path())?;
        check(&package)?;
        let unpacked = work.path().join("unpacked");
        unpack(&package, &unpacked).map_err(|why| {
            Failure::new(format!(
                "the package of OHIF {VERSION} can't be unpacked: {why}"
            ))
        })?;
        interrupt::whole(|| {
            cache::remove(&ready)?;
            fs::rename(&unpacked, &ready)
                .context(|| format!("can't move OHIF into {}", directory.display()))?;
            files::sync_directory(&directory)
        })?;
    }
    Ok(ready.join(BUILT))
}

/// The package as npm gets it, from where the user's npm gets packages.
fn fetched(work: &Path) -> Result<Vec<u8>> {
    let wanted = format!("{PACKAGE}@{VERSION}");
    let mut command = Command::new("npm");
    command
        .args(["pack", "--ignore-scripts", "--loglevel=error"])
        .arg("--pack-destination")
        .arg(work)
        .arg(&wanted)
        // A project's own .npmrc decides nothing: it may be somebody else's.
        .current_dir(work);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let not_started = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::new(format!(
            "npm isn't installed, and `--ohif` fetches OHIF {VERSION} by it"
        ))
        .help(format!("install Node.js with npm, {INSTEAD}")),
        _ => Failure::new(format!("can't start npm, which fetches OHIF: {error}")),
    };
    let mut group = Group::start(&command, Stdio::null(), Stdio::piped()).map_err(not_started)?;
    let said = group.complaints();
    if !group.wait().map_err(not_started)?.success() {
        let said = String::from_utf8_lossy(&said);
        return Err(
            Failure::new(format!("npm can't fetch {wanted}: {}", said.trim())).help(format!(
                "npm takes packages from the registry that its own configuration names: let it get there, {INSTEAD}"
            )),
        );
    }
    let entries = fs::read_dir(work).context(|| format!("can't read {}", work.display()))?;
    let packed = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "tgz"))
        .ok_or_else(|| Failure::new(format!("npm wrote no package for {wanted}")))?;
    files::read(&packed, MOST_PACKED)
        .map_err(|why| Failure::new(format!("what npm fetched can't be read: {why}")))
}

fn check(package: &[u8]) -> Result<()> {
    let found = format!("sha512-{}", STANDARD.encode(Sha512::digest(package)));
    if found == INTEGRITY {
        return Ok(());
    }
    Err(Failure::new(format!(
        "what npm fetched as {PACKAGE}@{VERSION} is another package: its hash is {found}, and not {INTEGRITY}"
    ))
    .help(format!(
        "find out what the registry of your npm configuration serves, {INSTEAD}"
    )))
}

/// The built files of a package, below `to`, and a list of them.
fn unpack(package: &[u8], to: &Path) -> std::result::Result<(), String> {
    let mut list = format!("{INTEGRITY}\n");
    let (mut count, mut total) = (0, 0_u64);
    files::create_private(to).map_err(|failure| failure.message)?;
    let mut archive = tar::Archive::new(GzDecoder::new(package));
    for entry in archive.entries().map_err(text)? {
        interrupt::finish_if_ending();
        let entry = entry.map_err(text)?;
        let name = entry.path().map_err(text)?.into_owned();
        let Some(name) = built(&name)? else { continue };
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(format!("{} is no regular file", name.display()));
        }
        let left = MOST_UNPACKED.saturating_sub(total);
        let mut content = Vec::new();
        let length = entry
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(text)? as u64;
        (count, total) = (count + 1, total + length);
        if count > MOST_FILES || total > MOST_UNPACKED {
            return Err("it is larger than OHIF".to_owned());
        }
        let path = to.join(&name);
        if let Some(parent) = path.parent() {
            files::create_private(parent).map_err(|failure| failure.message)?;
        }
        files::write_new(&path, &content).map_err(text)?;
        list.push_str(&format!("{length} {}\n", name.display()));
    }
    if count == 0 {
        return Err("it has no built files".to_owned());
    }
    files::write_durably(&to.join(LIST), list.as_bytes()).map_err(|failure| failure.message)
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

/// The path in the cache of what is one of the built files. npm's packages have all below `package`.
fn built(name: &Path) -> std::result::Result<Option<PathBuf>, String> {
    let plain = name
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.to_str().is_none_or(|name| name.contains('\n')) {
        return Err(format!("{} leads out of it", name.display()));
    }
    let Ok(name) = name.strip_prefix("package") else {
        return Ok(None);
    };
    Ok(name.starts_with(BUILT).then(|| name.to_owned()))
}

/// Whether all is there that was unpacked. Nobody else can write to the cache.
fn is_whole(ready: &Path) -> bool {
    let Ok(list) = files::read(&ready.join(LIST), 1024 * 1024) else {
        return false;
    };
    let list = String::from_utf8_lossy(&list);
    let mut lines = list.lines();
    lines.next() == Some(INTEGRITY)
        && lines.all(|line| {
            line.split_once(' ').is_some_and(|(length, name)| {
                let there = File::open(ready.join(name)).and_then(|file| file.metadata());
                there.is_ok_and(|there| there.is_file() && there.len().to_string() == length)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn package(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            // As somebody could write it: the crate's own way refuses such names.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o777);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    const FILE: tar::EntryType = tar::EntryType::Regular;

    #[test]
    fn built_files_are_unpacked_and_damage_is_seen() {
        let outer = tempfile::tempdir().unwrap();
        let ready = outer.path().join("ready");
        let package = package(&[
            ("package/package.json", FILE, b"{}"),
            ("package/dist/index.html", FILE, b"<html>"),
            ("package/dist/assets/a.png", FILE, b"png"),
        ]);
        assert!(!is_whole(&ready));
        unpack(&package, &ready).unwrap();
        assert!(is_whole(&ready));
        assert_eq!(fs::read(ready.join("dist/assets/a.png")).unwrap(), b"png");
        assert!(!ready.join("package.json").exists());
        let index = ready.join("dist/index.html");
        fs::write(&index, "<htm").unwrap();
        assert!(!is_whole(&ready), "a file is cut off");
        fs::remove_file(&index).unwrap();
        assert!(!is_whole(&ready), "a file is missing");
        fs::write(&index, "<html>").unwrap();
        assert!(is_whole(&ready));
        fs::write(ready.join(LIST), "sha512-other\n").unwrap();
        assert!(!is_whole(&ready), "another package");
    }

    #[test]
    fn nothing_is_written_elsewhere() {
        let big = vec![0; 1024];
        for (name, kind, content) in [
            ("package/dist/../../out", FILE, &big[..]),
            ("/package/dist/out", FILE, &big),
            ("../out", FILE, &big),
            ("package/dist/link", tar::EntryType::Symlink, b""),
            ("package/dist/link", tar::EntryType::Link, b""),
            ("package/dist/pipe", tar::EntryType::Fifo, b""),
            ("package/other", FILE, &big),
        ] {
            let outer = tempfile::tempdir().unwrap();
            let refused = unpack(
                &package(&[(name, kind, content)]),
                &outer.path().join("in/to"),
            );
            assert!(refused.is_err(), "{name}");
            assert!(!outer.path().join("out").exists() && !outer.path().join("in/out").exists());
        }
        let twice = package(&[
            ("package/dist/one", FILE, b"1"),
            ("package/dist/one", FILE, b"2"),
        ]);
        let outer = tempfile::tempdir().unwrap();
        assert!(unpack(&twice, &outer.path().join("to")).is_err());
    }

    #[test]
    fn it_has_a_largest_size_and_count() {
        let outer = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..=MOST_FILES)
            .map(|i| format!("package/dist/{i}"))
            .collect();
        let entries: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), FILE, &b""[..]))
            .collect();
        let refused = unpack(&package(&entries), &outer.path().join("many")).unwrap_err();
        assert_eq!(refused, "it is larger than OHIF");
        // 257 MB of zeros, which are few bytes packed.
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = tar::Header::new_ustar();
        header.set_path("package/dist/zeros").unwrap();
        header.set_size(MOST_UNPACKED + 1);
        header.set_cksum();
        gz.write_all(header.as_bytes()).unwrap();
        let zeros = vec![0; 1024 * 1024];
        for _ in 0..=MOST_UNPACKED / zeros.len() as u64 {
            gz.write_all(&zeros).unwrap();
        }
        let bomb = gz.finish().unwrap();
        let refused = unpack(&bomb, &outer.path().join("large")).unwrap_err();
        assert_eq!(refused, "it is larger than OHIF");
    }

    #[test]
    fn another_package_is_refused() {
        let failure = check(b"another").unwrap_err();
        assert!(
            failure.message.contains("is another package"),
            "{failure:?}"
        );
        assert!(failure.help.unwrap().contains("--ohif DIR"));
    }
}
