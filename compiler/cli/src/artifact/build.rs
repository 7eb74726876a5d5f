//! The functions' programs: built once per version into the user's cache, and taken
//! from there by every later run of any project.

use super::builder::Builder;
use super::cache::Cache;
use super::cargo;
use super::embedded::{self, is_embedded};
use super::programs::{FUNCTIONS, Programs};
use super::{recipe, sources, unwind, zips};
use crate::interrupt::{self, children::Group};
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Context, Failure, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The one line that installs what `package` builds with.
pub const CARGO_LAMBDA_INSTALL: &str = "python3 -m pip install cargo-lambda==1.9.2";

/// Takes the programs that this binary carries, or those in the cache, or builds them into it.
pub fn programs(builder: Builder, terminal: Terminal) -> Result<Programs> {
    if let Some(programs) = carried(builder) {
        terminal.detail("programs from inside this frames");
        return programs;
    }
    let cache = Cache::of_user()?;
    with_another_cache(from_cache(&cache, builder, terminal))
}

/// A release carries Lambda's.
fn carried(builder: Builder) -> Option<Result<Programs>> {
    let is_lambda = builder == Builder::CargoLambda;
    is_lambda.then(embedded::programs).flatten()
}

/// What can't be written there can be elsewhere.
fn with_another_cache<T>(result: Result<T>) -> Result<T> {
    result.map_err(|mut failure| {
        failure.help.get_or_insert_with(|| {
            "set XDG_CACHE_HOME to a directory that you can write to: the programs are kept there"
                .to_owned()
        });
        failure
    })
}

fn from_cache(cache: &Cache, builder: Builder, terminal: Terminal) -> Result<Programs> {
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
    if let Some(missing) = missing(builder) {
        return Err(missing);
    }
    terminal.status(
        "Building",
        "the edge functions, once per version of frames (this takes a minute or two)",
    );
    let built = build(builder, cache, &key, terminal)?;
    interrupt::whole(|| cache.store(&key, &built))?;
    cache.read(&key)?.ok_or_else(|| {
        Failure::new(format!(
            "the programs built into {} can't be read",
            ready.display()
        ))
    })
}

fn key(builder: Builder) -> String {
    recipe::key(sources::HASH, builder.name())
}

/// Built already, or to be built with what is installed.
pub fn can_build_for_lambda() -> bool {
    has_cargo_lambda() || is_built(Builder::CargoLambda)
}

/// Whether this binary or the user's cache has the programs.
pub fn is_built(builder: Builder) -> bool {
    ready(builder).is_ok_and(|programs| programs.is_some())
}

/// What there is without building anything.
fn ready(builder: Builder) -> Result<Option<Programs>> {
    match carried(builder) {
        Some(programs) => programs.map(Some),
        None => Cache::of_user()?.read(&key(builder)),
    }
}

/// The SHA-256 of each function's program for Lambda. `None`: it isn't built yet.
pub fn hashes() -> Result<Vec<(&'static str, Option<String>)>> {
    // A cache that isn't there, or that can't be trusted, has none.
    let ready = match ready(Builder::CargoLambda) {
        Err(failure) if is_embedded() => return Err(failure),
        ready => ready.unwrap_or(None),
    };
    let Some(programs) = ready else {
        return Ok(FUNCTIONS.map(|function| (function, None)).into());
    };
    let hash = |(function, program): (_, Vec<u8>)| (function, Some(recipe::sha256(&program)));
    Ok(programs.programs()?.into_iter().map(hash).collect())
}

/// Where cargo-lambda is, or cargo.
pub fn tool(builder: Builder) -> Option<PathBuf> {
    let name = match builder {
        Builder::CargoLambda => "cargo-lambda",
        Builder::Cargo => "cargo",
    };
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let also = cargo_home.filter(|_| builder == Builder::CargoLambda);
    on_the_path()
        .into_iter()
        .chain(also.map(|home| home.join("bin")))
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// All that is missing to build with, in one go.
fn missing(builder: Builder) -> Option<Failure> {
    const RUST: &str = "install Rust 1.95 or newer (https://rustup.rs)";
    let needs_lambda = builder == Builder::CargoLambda && !has_cargo_lambda();
    let (what, help) = match (has_cargo(), needs_lambda) {
        (true, false) => return None,
        (true, true) => (
            "cargo-lambda, which builds the functions for Lambda, isn't installed",
            format!("install it with `{CARGO_LAMBDA_INSTALL}`"),
        ),
        (false, true) => (
            "cargo and cargo-lambda, which build the functions for Lambda, aren't installed",
            format!("{RUST}, then cargo-lambda with `{CARGO_LAMBDA_INSTALL}`"),
        ),
        (false, false) => (
            "cargo, which builds the functions, isn't on the PATH",
            RUST.to_owned(),
        ),
    };
    Some(Failure::new(what).help(help))
}

fn on_the_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

fn has_cargo() -> bool {
    tool(Builder::Cargo).is_some()
}

fn has_cargo_lambda() -> bool {
    tool(Builder::CargoLambda).is_some()
}

/// Needs the lock: Cargo's directory is shared.
fn build(builder: Builder, cache: &Cache, key: &str, terminal: Terminal) -> Result<Programs> {
    let work = cache.work(key)?;
    let source = work.path().join("src");
    let target = cache.target()?;
    sources::unpack(&source)?;
    run(&cargo::fetch(&source), "cargo fetch", terminal)?;
    run(
        &cargo::build(builder, &source, &target),
        builder.command(),
        terminal,
    )?;
    Programs::of_each(|function| {
        let program = program_path(builder, &target, function);
        let content = fs::read(&program)
            .context(|| format!("can't read the program {}", program.display()))?;
        zips::base(&unwind::blank(content)?, &sources::shim(function))
    })
}

fn program_path(builder: Builder, target: &Path, function: &str) -> PathBuf {
    let name = format!("frames-{function}");
    match builder {
        Builder::CargoLambda => target.join("lambda").join(name).join("bootstrap"),
        Builder::Cargo => target.join("release").join(name),
    }
}

fn run(command: &Command, what: &str, terminal: Terminal) -> Result<()> {
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
        let both = stream.try_clone().map_err(not_started)?;
        // Our own ends are closed then: the output ends when the last program that writes it ends.
        let group = Group::start(command, both.into(), stream.into()).map_err(not_started)?;
        terminal::relay(said, terminal);
        let status = group.wait().map_err(not_started)?;
        return if status.success() {
            Ok(())
        } else {
            Err(failed("see above"))
        };
    }
    let mut group = Group::start(command, Stdio::null(), Stdio::piped()).map_err(not_started)?;
    let said = group.complaints();
    if group.wait().map_err(not_started)?.success() {
        return Ok(());
    }
    Err(failed(&String::from_utf8_lossy(&said)))
}

const NEEDS: &str = "frames needs Rust 1.95 or newer with cargo on the PATH, and the first build needs access to cargo's registry";
