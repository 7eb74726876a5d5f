//! The functions' programs: built once a version into the user's cache, taken
//! from there by every later run of any project.

use super::{package, sources};
use crate::failure::{Context, Failure, Result};
use crate::terminal::Terminal;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The one line that installs what `package` builds with.
pub const CARGO_LAMBDA_INSTALL: &str = "python3 -m pip install cargo-lambda==1.9.2";

/// glibc of Amazon Linux 2023, which the managed runtimes run on.
const TARGET: &str = "x86_64-unknown-linux-gnu.2.34";

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
        self.bases
            .iter()
            .find(|(name, _)| *name == function)
            .map_or(&[], |(_, base)| base)
    }
}

/// Takes the programs from the cache, or builds them into it.
pub fn programs(builder: Builder, terminal: Terminal) -> Result<Programs> {
    let cache = cache_directory()?.join("functions");
    let key = key(builder);
    let ready = cache.join(&key);
    if let Some(programs) = read(&ready) {
        terminal.detail(&format!("programs from {}", ready.display()));
        return Ok(programs);
    }
    fs::create_dir_all(&cache).context(|| format!("can't make {}", cache.display()))?;
    let _lock = lock(&cache.join(format!("{key}.lock")), terminal)?;
    // Another frames may have built them while this one waited.
    if let Some(programs) = read(&ready) {
        return Ok(programs);
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
    build(builder, &cache, &key, terminal)?;
    read(&ready).ok_or_else(|| {
        Failure::new(format!(
            "the programs built into {} can't be read",
            ready.display()
        ))
    })
}

/// Sources and recipe decide the programs; the manifest doesn't.
fn key(builder: Builder) -> String {
    let recipe = format!("{}\n{}\n{TARGET}", sources::hash(), builder.name());
    format!(
        "{:.16}-{}",
        format!("{:x}", Sha256::digest(recipe)),
        builder.name()
    )
}

fn cache_directory() -> Result<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("frames"))
        .ok_or_else(|| {
            Failure::new(
                "there is no cache directory: neither XDG_CACHE_HOME nor HOME is an absolute path",
            )
        })
}

fn read(directory: &Path) -> Option<Programs> {
    let base = |function: &'static str| {
        let base = fs::read(directory.join(format!("{function}.zip"))).ok()?;
        Some((function, base))
    };
    let [authorizer, signer] = FUNCTIONS;
    Some(Programs {
        bases: [base(authorizer)?, base(signer)?],
    })
}

fn lock(path: &Path, terminal: Terminal) -> Result<File> {
    let context = || format!("can't lock {}", path.display());
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .context(context)?;
    if file.try_lock().is_err() {
        terminal.status(
            "Waiting",
            "for another frames that is building the edge functions",
        );
        file.lock().context(context)?;
    }
    Ok(file)
}

/// Built already, or to be built with what is installed.
pub fn can_build_for_lambda() -> bool {
    has_cargo_lambda()
        || cache_directory().is_ok_and(|cache| {
            read(&cache.join("functions").join(key(Builder::CargoLambda))).is_some()
        })
}

fn has_cargo_lambda() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .any(|directory| directory.join("cargo-lambda").is_file())
}

/// Builds in a directory beside the cache's, and moves the result in as a whole.
fn build(builder: Builder, cache: &Path, key: &str, terminal: Terminal) -> Result<()> {
    let work = tempfile::Builder::new()
        .prefix(&format!(".{key}-"))
        .tempdir_in(cache)
        .context(|| format!("can't make a directory in {}", cache.display()))?;
    let source = work.path().join("src");
    let target = cache.join("target");
    sources::unpack(&source)?;
    run(&mut fetch(&source), "cargo fetch", terminal)?;
    run(
        &mut build_command(builder, &source, &target),
        builder.command(),
        terminal,
    )?;
    let result = work.path().join("programs");
    fs::create_dir(&result).context(|| format!("can't make {}", result.display()))?;
    for function in FUNCTIONS {
        let program = program_path(builder, &target, function);
        let content = fs::read(&program)
            .context(|| format!("can't read the program {}", program.display()))?;
        let zip = result.join(format!("{function}.zip"));
        fs::write(&zip, package::base(&content)?)
            .context(|| format!("can't write {}", zip.display()))?;
    }
    fs::rename(&result, cache.join(key))
        .context(|| format!("can't move the programs into {}", cache.display()))
}

/// Downloads first: only then it is known where the dependencies' sources lie.
fn fetch(source: &Path) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["fetch", "--locked", "--manifest-path"])
        .arg(source.join("Cargo.toml"));
    command.current_dir(source);
    command
}

fn build_command(builder: Builder, source: &Path, target: &Path) -> Command {
    let mut command = Command::new("cargo");
    match builder {
        Builder::CargoLambda => {
            command.args([
                "lambda",
                "build",
                "--release",
                "--locked",
                "--target",
                TARGET,
            ]);
            command.arg("--lambda-dir").arg(target.join("lambda"));
        }
        Builder::Cargo => {
            command.args(["build", "--release", "--locked"]);
        }
    }
    command
        .arg("--manifest-path")
        .arg(source.join("Cargo.toml"))
        .current_dir(source);
    // Whatever the caller's cargo is set to would end up in the programs.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_PKG_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            remapped_paths(source, target).join("\u{1f}"),
        )
        .env("CARGO_TARGET_DIR", target);
    command
}

/// No path of this machine may decide a byte of the programs. Of several that
/// match, rustc takes the last.
fn remapped_paths(source: &Path, target: &Path) -> Vec<String> {
    let mut flags = vec![remap(source, "/frames"), remap(target, "/target")];
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    if let Some(home) = cargo_home {
        flags.push(remap(&home, "/cargo"));
        // A folder a registry, named after its address: mirrors differ.
        let registries = fs::read_dir(home.join("registry/src"))
            .into_iter()
            .flatten()
            .flatten();
        flags.extend(registries.map(|registry| remap(&registry.path(), "/cargo")));
    }
    flags
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
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
        // Cargo's own progress, on stderr alone: stdout is for data.
        let status = command
            .stdout(std::io::stderr())
            .status()
            .map_err(not_started)?;
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
