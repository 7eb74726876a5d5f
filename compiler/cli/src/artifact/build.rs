//! The functions' programs: built once a version into the user's cache, taken
//! from there by every later run of any project.

use super::cache::Cache;
use super::cargo::{self, TARGET};
use super::{package, sources, unwind};
use crate::failure::{Context, Failure, Result};
use crate::terminal::{self, Terminal};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The one line that installs what `package` builds with.
pub const CARGO_LAMBDA_INSTALL: &str = "python3 -m pip install cargo-lambda==1.9.2";

const FUNCTIONS: [&str; 2] = ["authorizer", "signer"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// For Lambda.
    CargoLambda,
    /// For this machine alone.
    Cargo,
}

impl Builder {
    fn name(self) -> &'static str {
        match self {
            Self::CargoLambda => "lambda",
            Self::Cargo => "local",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Self::CargoLambda => "cargo lambda build",
            Self::Cargo => "cargo build",
        }
    }
}

/// The zip of each program, before `config.json` is added.
#[derive(Debug)]
pub struct Programs {
    bases: [(&'static str, Vec<u8>); 2],
}

impl Programs {
    pub fn base(&self, function: &str) -> &[u8] {
        self.bases()
            .find(|(name, _)| *name == function)
            .map_or(&[], |(_, base)| base)
    }

    pub(super) fn bases(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.bases
            .iter()
            .map(|(name, base)| (*name, base.as_slice()))
    }

    /// With each function's base, or not at all.
    pub(super) fn try_from_each(
        mut base: impl FnMut(&'static str) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let [authorizer, signer] = FUNCTIONS;
        Some(Self {
            bases: [(authorizer, base(authorizer)?), (signer, base(signer)?)],
        })
    }
}

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
                "{} isn't what frames stored: it is built again",
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
        "the edge functions, once for this version of frames (a minute or two)",
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
    let base = |function| {
        let program = program_path(builder, &target, function);
        let content = fs::read(&program)
            .context(|| format!("can't read the program {}", program.display()))?;
        Result::Ok((function, package::base(&unwind::blank(content)?)?))
    };
    let [authorizer, signer] = FUNCTIONS;
    Ok(Programs {
        bases: [base(authorizer)?, base(signer)?],
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
        // Cargo's own words, on stderr alone: stdout is for data. They quote what is built.
        let (said, stream) = std::io::pipe().map_err(not_started)?;
        command.stdout(stream.try_clone().map_err(not_started)?);
        let started = command.stderr(stream).spawn().map_err(not_started);
        // Ours are closed: what is said ends with those who say it.
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

const NEEDS: &str = "frames needs Rust 1.95 or newer with cargo on the PATH, and for the first build cargo's registry within reach";
