//! Zips with fixed dates, modes and order: the same content, the same bytes.

use super::recipe::{BOOTSTRAP, DEFLATE};
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(DEFLATE))
        .last_modified_time(DateTime::default())
        .unix_permissions(mode)
}

/// The part that is the same for everybody: the program, and the files that start it.
pub(super) fn base(bootstrap: &[u8], shim: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    add(&mut zip, BOOTSTRAP, options(0o755), bootstrap)?;
    for (name, content) in shim {
        add(&mut zip, name, options(0o644), content)?;
    }
    finish(zip)
}

/// Whether it is what [`base`] makes. The program is left compressed: that would
/// be most of the time, and the cache's sums speak for it.
pub(super) fn is_base(zip: &[u8], shim: &[(&str, &[u8])]) -> bool {
    let Ok(mut zip) = ZipArchive::new(Cursor::new(zip)) else {
        return false;
    };
    let mut is = |index, name: &str, mode| {
        zip.by_index_raw(index).is_ok_and(|entry| {
            entry.name().is_ok_and(|found| found == name)
                && entry.unix_mode().map(|mode| mode & 0o7777) == Some(mode)
        })
    };
    let mut named = is(0, BOOTSTRAP, 0o755);
    for (index, (name, _)) in shim.iter().enumerate() {
        named = named && is(index + 1, name, 0o644);
    }
    let mut holds = |index, wanted: &[u8]| {
        let mut content = Vec::new();
        zip.by_index(index).is_ok_and(|entry| {
            let most = wanted.len() as u64 + 1;
            entry.take(most).read_to_end(&mut content).is_ok() && content == wanted
        })
    };
    let whole = named
        && (1..)
            .zip(shim)
            .all(|(index, (_, content))| holds(index, content));
    whole && zip.len() == shim.len() + 1
}

/// The program in a base.
pub(super) fn program(base: &[u8]) -> Result<Vec<u8>> {
    const DAMAGED: &str = "a program's zip is damaged";
    let mut zip = ZipArchive::new(Cursor::new(base)).context(|| DAMAGED)?;
    let mut entry = zip.by_name(BOOTSTRAP).context(|| DAMAGED)?;
    let mut program = Vec::new();
    entry.read_to_end(&mut program).context(|| DAMAGED)?;
    Ok(program)
}

/// A base with its `config.json`, and what says how to start the program. The compressed
/// program is copied as it is.
pub(super) fn with_config(base: &[u8], config: &[u8], launch: Option<&str>) -> Result<Vec<u8>> {
    let mut base =
        ZipArchive::new(Cursor::new(base)).context(|| "a zip in the cache is damaged")?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..base.len() {
        let file = base
            .by_index_raw(index)
            .context(|| "a zip in the cache is damaged")?;
        zip.raw_copy_file(file).context(|| "can't make a zip")?;
    }
    let mut own = |name, content| add(&mut zip, name, options(0o644), content);
    own("config.json", config)?;
    if let Some(launch) = launch {
        own(names::LAUNCH_FILE, launch.as_bytes())?;
    }
    finish(zip)
}

type Writer = ZipWriter<Cursor<Vec<u8>>>;

fn add(zip: &mut Writer, name: &str, options: SimpleFileOptions, content: &[u8]) -> Result<()> {
    zip.start_file(name, options)
        .context(|| "can't make a zip")?;
    zip.write_all(content).context(|| "can't make a zip")
}

fn finish(zip: Writer) -> Result<Vec<u8>> {
    Ok(zip.finish().context(|| "can't make a zip")?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_content_same_bytes() {
        let base = base(b"\x7fELF", &[("index.py", b"import os")]).unwrap();
        let make = || with_config(&base, b"{}", Some("child\n")).unwrap();
        let first = make();
        std::thread::sleep(std::time::Duration::from_millis(2_100));
        assert_eq!(first, make());
        assert_ne!(first, with_config(&base, b"{}", None).unwrap());
        let mut zip = ZipArchive::new(Cursor::new(first)).unwrap();
        let names: Vec<String> = zip
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        assert_eq!(names, ["bootstrap", "index.py", "config.json", "launch"]);
        let mut file = zip.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF");
    }
    #[test]
    fn only_a_base_is_a_base() {
        let shim: [(&str, &[u8]); 2] = [("index.py", b"import os"), ("child.py", b"import json")];
        let shim = &shim[..];
        let zip = |entries: &[(&str, u32, &[u8])]| {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            for (name, mode, content) in entries {
                add(&mut zip, name, options(*mode), content).unwrap();
            }
            finish(zip).unwrap()
        };
        let program = ("bootstrap", 0o755, b"\x7fELF".as_slice());
        let index = ("index.py", 0o644, b"import os".as_slice());
        let child = ("child.py", 0o644, b"import json".as_slice());
        assert!(is_base(&zip(&[program, index, child]), shim));
        assert!(is_base(&base(b"\x7fELF", shim).unwrap(), shim));
        for entries in [
            &[program][..],
            &[program, index],
            &[index, program, child],
            &[program, child, index],
            &[program, index, child, ("more", 0o644, b"")],
            &[("bootstrap", 0o644, b"\x7fELF"), index, child],
            &[program, ("index.py", 0o644, b"import os, sys"), child],
            &[program, ("index.py", 0o644, b"import"), child],
            &[program, index, ("child.py", 0o644, b"import sys")],
            &[program, ("other.py", 0o644, b"import os"), child],
        ] {
            assert!(!is_base(&zip(entries), shim), "{entries:?}");
        }
        let whole = zip(&[program, index, child]);
        assert!(!is_base(&whole[..whole.len() - 1], shim));
        assert!(!is_base(b"", shim));
    }
}
