//! Where frames.yml is, and what lies beside it.

use crate::cli::Global;
use crate::failure::{Context, Failure, Result};
use frames_compiler::Environment;
use std::path::{Path, PathBuf};

pub const MANIFEST: &str = "frames.yml";

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
        let text = std::fs::read(&path)
            .map_err(|error| Failure::usage(format!("can't read {}: {error}", path.display())))?;
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
        self.directory.join(".frames").join(env)
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
        // A key set or an included file is small; a device or a pipe is no file.
        const MOST: u64 = 1024 * 1024;
        let path = self.directory.join(path);
        let metadata = std::fs::metadata(&path).map_err(|error| reason(&error))?;
        if !metadata.is_file() {
            return Err("it isn't a file".to_owned());
        }
        if metadata.len() > MOST {
            return Err("it is larger than 1 MiB".to_owned());
        }
        std::fs::read(&path).map_err(|error| reason(&error))
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}
