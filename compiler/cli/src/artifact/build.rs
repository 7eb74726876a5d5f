//! The functions' programs: built once per version into the user's cache, and taken
//! from there by every later run of any project.

use super::builder::Builder;
use super::cache::Cache;
use super::cargo::{self, TARGET};
use super::programs::Programs;
use super::{sources, unwind, zips};
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Context, Failure, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The one line that installs what `package` builds with.
pub const CARGO_LAMBDA_INSTALL: &str = "python3 -m pip install cargo-lambda==1.9.2";

/// Takes the programs from the cache, or builds them into it.
pub fn programs(builder: Builder, terminal: Terminal) -> Result<Programs> {
    let cache = Cache::of_user()?;
    let key = key(builder);
    let ready = cache.path(&key);
    if let Some(programs) = cache.read(&key)? {
        terminal.detail(&format!("programs from {}", ready.display()));
        return Ok(programs);
    }
    let _lock = cache.lock(terminal)?;
    // Another frames may have built them while this one waited.
    if let Some(programs) = cache.read(&key)? {
        return Ok(programs);
    }
    if fs::symlink_metadata(&ready).is_ok() {
        terminal.status(
            "Damaged",
            &format!(
                "{} isn't what frames stored: frames builds it again",
                ready.display()
            ),
        );
    }
    if builder == Builder::CargoLambda && !has_cargo_lambda() {
        return Err(Failure::new(
            "cargo-lambda, which builds the functions for Lambda, isn't installed",
        )
        .help(format!("install it with `{CARGO_LAMBDA_INSTALL}`")));
    }
    terminal.status(
        "Building",
        "the edge functions, once per version of frames (this takes a minute or two)",
    );
    cache.store(&key, &build(builder, &cache, &key, terminal)?)?;
    cache.read(&key)?.ok_or_else(|| {
        Failure::new(format!(
            "the programs built into {} can't be read",
            ready.display()
        ))
    })
}

/// Sources and recipe decide the programs; the manifest doesn't.
fn key(builder: Builder) -> String {
    let recipe = format!(
        "{}\n{}\n{TARGET}\nwithout {}",
        sources::hash(),
        builder.name(),
        unwind::TABLES.join(" ")
    );
    format!(
        "{:.16}-{}",
        format!("{:x}", Sha256::digest(recipe)),
        builder.name()
    )
}

/// Built already, or to be built with what is installed.
pub fn can_build_for_lambda() -> bool {
    let is_built = || {
        let programs = Cache::of_user()?.read(&key(Builder::CargoLambda))?;
        Result::Ok(programs.is_some())
    };
    has_cargo_lambda() || is_built().unwrap_or(false)
}

fn has_cargo_lambda() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .any(|directory| directory.join("cargo-lambda").is_file())
}

/// Needs the lock: Cargo's directory is shared.
fn build(builder: Builder, cache: &Cache, key: &str, terminal: Terminal) -> Result<Programs> {
    let work = cache.work(key)?;
    let source = work.path().join("src");
    let target = cache.target()?;
    sources::unpack(&source)?;
    run(&mut cargo::fetch(&source), "cargo fetch", terminal)?;
    run(
        &mut cargo::build(builder, &source, &target),
        builder.command(),
        terminal,
    )?;
    Programs::of_each(|function| {
        let program = program_path(builder, &target, function);
        let content = fs::read(&program)
            .context(|| format!("can't read the program {}", program.display()))?;
        zips::base(&unwind::blank(content)?, &sources::shim())
    })
}

fn program_path(builder: Builder, target: &Path, function: &str) -> PathBuf {
    let name = format!("frames-{function}");
    match builder {
        Builder::CargoLambda => target.join("lambda").join(name).join("bootstrap"),
        Builder::Cargo => target.join("release").join(name),
    }
}

fn run(command: &mut Command, what: &str, terminal: Terminal) -> Result<()> {
    command.stdin(Stdio::null());
    let not_started = |error| {
        Failure::new(format!(
            "can't start cargo, which builds the edge functions: {error}"
        ))
        .help(NEEDS)
    };
    let failed = |why: &str| {
        Failure::new(format!(
            "the edge functions didn't build ({what}): {}",
            why.trim()
        ))
        .help(NEEDS)
    };
    if !terminal.is_quiet() {
        // Cargo's own words, on stderr only: stdout is for data. They quote what is built.
        let (said, stream) = std::io::pipe().map_err(not_started)?;
        command.stdout(stream.try_clone().map_err(not_started)?);
        let started = command.stderr(stream).spawn().map_err(not_started);
        // Our own ends are closed: the output ends when the last program that writes it ends.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = started?;
        terminal::relay(said, terminal);
        let status = child.wait().map_err(not_started)?;
        return if status.success() {
            Ok(())
        } else {
            Err(failed("see above"))
        };
    }
    let output = command.output().map_err(not_started)?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(&String::from_utf8_lossy(&output.stderr)))
}

const NEEDS: &str = "frames needs Rust 1.95 or newer with cargo on the PATH, and the first build needs access to cargo's registry";
