//! Packs the functions' sources into the binary: `frames` builds them wherever
//! a frames.yml lies, far from this repository. A release gets their programs too.

// It talks to Cargo.
#![allow(clippy::disallowed_macros)]

#[path = "src/artifact/recipe.rs"]
mod recipe;

use lzma_rust2::{LzmaOptions, LzmaWriter};
use recipe::{BOOTSTRAP, LAMBDA, SUMS};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// Where a cache has the programs to carry: `<cache>/frames/functions`.
const PROGRAMS: &str = "FRAMES_PROGRAMS";

/// The commit of sources that came without their history.
const COMMIT: &str = "FRAMES_COMMIT";

/// What starts the programs. Each package is held against it.
const SHIM: &str = "shim/";

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> io::Result<()> {
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let functions = manifest_dir.join("../../functions").canonicalize()?;
    let mut files = Vec::new();
    collect(&functions, &mut files)?;
    files.sort();
    let mut table = Vec::new();
    let mut hash = Sha256::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&functions).unwrap_or(&file);
        // The same names on every system, whatever its separator.
        let name = name
            .iter()
            .map(|part| part.to_string_lossy())
            .collect::<Vec<_>>()
            .join("/");
        for part in [name.as_bytes(), &fs::read(&file)?] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        table.push((name, file));
    }
    let sources = format!("{:x}", hash.finalize());
    println!("cargo::rustc-env=FRAMES_SOURCES={sources}");
    let programs = programs(&recipe::key(&sources, LAMBDA), &out)?;
    if programs.is_some() && runs_them() {
        table.retain(|(name, _)| name.starts_with(SHIM));
    }
    fs::write(out.join("sources.rs"), included(&table))?;
    let none = "Carried { lengths: &[], packed: &[], sums: \"\" }";
    fs::write(out.join("embedded.rs"), programs.as_deref().unwrap_or(none))?;
    let commit = commit(&manifest_dir.join("../.."))?;
    println!("cargo::rustc-env=FRAMES_BUILT_FROM={commit}");
    println!(
        "cargo::rustc-env=FRAMES_VERSION={}",
        version(&commit, programs.is_some())
    );
    Ok(())
}

/// Whether the programs for Lambda run on the system that this frames is for. Elsewhere `dev`
/// builds its own, so their sources have to be inside.
fn runs_them() -> bool {
    let is = |variable, wanted| env::var(variable).is_ok_and(|found| found == wanted);
    is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ARCH", "x86_64")
}

/// A table of names and contents, in Rust.
fn included(files: &[(String, PathBuf)]) -> String {
    let mut table = String::from("&[\n");
    for (name, file) in files {
        let _ = writeln!(
            table,
            "    ({name:?}, include_bytes!({:?})),",
            file.display().to_string()
        );
    }
    table + "]\n"
}

/// As in `0.1.0 (0123456789ab, programs inside)`.
fn version(commit: &str, has_programs: bool) -> String {
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = commit.get(..12).map(str::to_owned);
    let programs = has_programs.then(|| "programs inside".to_owned());
    let more: Vec<String> = commit.into_iter().chain(programs).collect();
    if more.is_empty() {
        version
    } else {
        format!("{version} ({})", more.join(", "))
    }
}

/// The programs to carry: one stream, since much of each is in the others, too. None, where none
/// are asked for. Those of other sources have another name, so they are never taken.
fn programs(key: &str, out: &Path) -> io::Result<Option<String>> {
    println!("cargo::rerun-if-env-changed={PROGRAMS}");
    let Some(cache) = env::var_os(PROGRAMS).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let directory = Path::new(&cache).join(key);
    println!("cargo::rerun-if-changed={}", directory.display());
    let refused = |why: String| {
        io::Error::other(format!(
            "{PROGRAMS}: {why}. Run `frames package`, built from these sources, with \
             XDG_CACHE_HOME=DIR, then build with {PROGRAMS}=DIR/frames/functions"
        ))
    };
    let read = |name: &str| {
        let path = directory.join(name);
        fs::read(&path).map_err(|error| {
            refused(format!(
                "there are no programs of these sources: can't read {}: {error}",
                path.display()
            ))
        })
    };
    let sums = read(SUMS)?;
    let (mut programs, mut lengths) = (Vec::new(), String::new());
    for line in String::from_utf8_lossy(&sums).lines() {
        let Some((sum, name)) = line.split_once("  ") else {
            return Err(refused(format!("{SUMS} has a line `{line}`")));
        };
        let content = read(name)?;
        if recipe::sha256(&content) != sum {
            return Err(refused(format!("{name} isn't what {SUMS} says")));
        }
        let before = programs.len();
        zip::ZipArchive::new(io::Cursor::new(content))?
            .by_name(BOOTSTRAP)?
            .read_to_end(&mut programs)?;
        let function = name.trim_end_matches(".zip");
        let _ = write!(lengths, "({function:?}, {}), ", programs.len() - before);
    }
    let (packed, listed) = (out.join("programs.lzma"), out.join(SUMS));
    fs::write(&packed, compressed(&programs)?)?;
    fs::write(&listed, sums)?;
    Ok(Some(format!(
        "Carried {{ lengths: &[{lengths}], packed: include_bytes!({packed:?}), sums: include_str!({listed:?}) }}"
    )))
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut options = LzmaOptions::with_preset(9);
    // As much as there is: a reader keeps that much.
    options.dict_size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut writer = LzmaWriter::new_use_header(Vec::new(), &options, Some(bytes.len() as u64))?;
    writer.write_all(bytes)?;
    writer.finish()
}

/// From git, or from who builds; else none. Only a new commit makes this run again.
fn commit(root: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    // Another repository's, above this one, says nothing.
    if root.join(".git").exists()
        && let Some(commit) = git(root, &["rev-parse", "--verify", "HEAD"])
    {
        let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
        // A branch has no file of its own while it is packed; the log has every move of HEAD.
        let names = ["HEAD", "logs/HEAD"].map(str::to_owned);
        for name in names.into_iter().chain(branch) {
            let path = git(root, &["rev-parse", "--git-path", &name]);
            let path = path.map(|path| root.join(path));
            if let Some(path) = path.filter(|path| path.exists()) {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        return Ok(commit);
    }
    let commit = env::var(COMMIT).unwrap_or_default();
    let is_hash = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if commit.is_empty() || is_hash {
        return Ok(commit);
    }
    Err(io::Error::other(format!(
        "{COMMIT} isn't the hash of a commit: `{commit}`"
    )))
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    let output = command
        .current_dir(root)
        .args(arguments)
        .env_remove("GIT_DIR")
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !said.trim().is_empty()).then(|| said.trim().to_owned())
}

/// What a release build needs: no tests, no examples, no build outputs.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(
                name.as_str(),
                "target" | "tests" | "examples" | "fuzz" | "__pycache__"
            ) && !name.starts_with('.')
            {
                collect(&path, files)?;
            }
        } else if ["rs", "toml", "lock", "py"]
            .iter()
            .any(|ending| name.ends_with(&format!(".{ending}")))
        {
            files.push(path);
        }
    }
    Ok(())
}
