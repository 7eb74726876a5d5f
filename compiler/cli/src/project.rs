//! Where frames.yml is, and what lies beside it.

use crate::artifact::files;
use crate::cli::Global;
use crate::failure::{Context, Failure, Result};
use frames_compiler::{Environment, source};
use std::path::{Path, PathBuf};

pub const MANIFEST: &str = "frames.yml";

/// What `frames package` writes to, beside the manifest.
pub const OUTPUT: &str = ".frames";

/// A manifest's file and its directory.
#[derive(Debug, Clone)]
pub struct Project {
    /// As the user would name it: what findings show.
    pub shown: String,
    /// `None` for a manifest that is no file.
    pub path: Option<PathBuf>,
    pub text: Vec<u8>,
    pub directory: PathBuf,
    /// What `--opt name=value` gave.
    options: Vec<(String, String)>,
}

impl Project {
    /// The given file, or the nearest frames.yml here or above.
    pub fn find(global: &Global) -> Result<Self> {
        match &global.config {
            Some(path) => Self::read(path.to_owned(), global),
            None => Self::search(global)?.ok_or_else(|| {
                Failure::usage(format!("there is no {MANIFEST} here or in a directory above"))
                    .help("`frames init` writes one (`service: x` and `auth: {mode: none}` are enough), or name one with --config")
            }),
        }
    }

    /// The nearest frames.yml, if there is one.
    pub fn search(global: &Global) -> Result<Option<Self>> {
        let here = std::env::current_dir().context(|| "can't tell the current directory")?;
        let mut path = PathBuf::from(MANIFEST);
        for directory in here.ancestors() {
            if directory.join(MANIFEST).is_file() {
                return Self::read(path, global).map(Some);
            }
            path = Path::new("..").join(path);
        }
        Ok(None)
    }

    /// A manifest that is no file: the example that `dev` falls back to.
    pub fn embedded(name: &str, text: &str, directory: PathBuf) -> Self {
        Self {
            shown: name.to_owned(),
            path: None,
            text: text.as_bytes().to_vec(),
            directory,
            options: Vec::new(),
        }
    }

    pub fn read(path: PathBuf, global: &Global) -> Result<Self> {
        // One byte too many is enough for the compiler to find it too large.
        let text = files::read(&path, source::MAX_BYTES as u64)
            .map_err(|reason| Failure::usage(format!("can't read {}: {reason}", path.display())))?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self {
            shown: path.display().to_string(),
            path: Some(path),
            text,
            directory,
            options: global.options.clone(),
        })
    }

    /// `.frames/<env>`
    pub fn output(&self, env: &str) -> PathBuf {
        self.directory.join(OUTPUT).join(env)
    }
}

impl Environment for Project {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// The last one counts, as with every flag.
    fn option(&self, name: &str) -> Option<String> {
        let given = self.options.iter().rev().find(|(given, _)| given == name);
        given.map(|(_, value)| value.clone())
    }

    fn read_file(&self, path: &str) -> std::result::Result<Vec<u8>, String> {
        // A key set or an included file is small.
        const MOST: u64 = 1024 * 1024;
        let content = files::read(&self.directory.join(path), MOST)?;
        if content.len() as u64 > MOST {
            return Err("it is larger than 1 MiB".to_owned());
        }
        Ok(content)
    }
}
