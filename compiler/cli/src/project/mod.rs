//! Where frames.yml is, and what is beside it.

mod trust;

use crate::artifact::{OUTPUT, files};
use crate::cli::{Global, Warnings};
use crate::terminal::Terminal;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::source;
use frames_compiler::world::{Unread, World};
use std::path::{Component, Path, PathBuf};

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
    /// `--allow-outside-files`
    outside: bool,
    /// It was found above, and not named by the user.
    found: bool,
    pub warnings: Warnings,
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

    /// The nearest frames.yml, if there is one. Outside the current directory, it counts as the
    /// user's choice only if nobody else can have put it there.
    pub fn search(global: &Global) -> Result<Option<Self>> {
        let here = std::env::current_dir().context(|| "can't tell the current directory")?;
        let mut path = PathBuf::from(MANIFEST);
        for (steps, directory) in here.ancestors().enumerate() {
            if !directory.join(MANIFEST).is_file() {
                path = Path::new("..").join(path);
                continue;
            }
            if steps == 0 {
                return Self::read(path, global).map(Some);
            }
            trust::check(&directory.join(MANIFEST)).map_err(|problem| refused(&path, &problem))?;
            let found = format!("{}, found above: --config names another", path.display());
            Terminal::new(global).status("Manifest", &found);
            let project = Self::read(path, global)?;
            return Ok(Some(Self {
                found: true,
                ..project
            }));
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
            outside: false,
            found: false,
            warnings: Warnings::default(),
        }
    }

    pub fn read(path: PathBuf, global: &Global) -> Result<Self> {
        let text = Self::text(&path)?;
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
            outside: global.allow_outside_files,
            found: false,
            warnings: global.warnings.clone(),
        })
    }

    /// The same manifest as its file is by now, which nobody else may have changed where nobody
    /// has named it.
    pub fn again(&self) -> Result<Self> {
        let Some(path) = &self.path else {
            return Ok(self.clone());
        };
        if self.found {
            trust::check(path).map_err(|problem| refused(path, &problem))?;
        }
        let text = Self::text(path)?;
        Ok(Self {
            text,
            ..self.clone()
        })
    }

    fn text(path: &Path) -> Result<Vec<u8>> {
        // One byte too many is enough for the compiler to see that it is too large.
        files::read(path, source::MAX_BYTES as u64)
            .map_err(|reason| Failure::usage(format!("can't read {}: {reason}", path.display())))
    }

    /// `.frames/<env>`
    pub fn output(&self, env: &str) -> PathBuf {
        self.directory.join(OUTPUT).join(env)
    }

    /// The file that a manifest's path leads to, which has to be below the manifest's directory.
    fn inside(&self, path: &str) -> std::result::Result<PathBuf, Unread> {
        if self.outside {
            return Ok(self.directory.join(path));
        }
        let directory = self.directory.canonicalize().map_err(files::reason)?;
        let named = std::path::absolute(&self.directory).map_err(files::reason)?;
        let below = |path: &Path| path.starts_with(&directory) || path.starts_with(&named);
        // Whether there is such a file outside isn't told.
        if !below(&without_steps_back(&directory.join(path))) {
            return Err(Unread::Outside);
        }
        let found = directory.join(path).canonicalize().map_err(files::reason)?;
        if found.starts_with(&directory) {
            Ok(found)
        } else {
            Err(Unread::Outside)
        }
    }
}

/// A path as it reads, whatever links are on the way.
fn without_steps_back(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in path.components() {
        match step {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            step => plain.push(step),
        }
    }
    plain
}

fn refused(path: &Path, problem: &str) -> Failure {
    let shown = path.display();
    Failure::usage(format!("{shown}, found above, isn't used: {problem}")).help(format!(
        "name it with `--config {shown}` if you mean this one, or make sure that nobody else can write it"
    ))
}

impl World for Project {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// The last value counts, as with every flag.
    fn option(&self, name: &str) -> Option<String> {
        let given = self.options.iter().rev().find(|(given, _)| given == name);
        given.map(|(_, value)| value.clone())
    }

    fn read_file(&self, path: &str) -> std::result::Result<Vec<u8>, Unread> {
        // A key set or an included file is small.
        const MOST: u64 = 1024 * 1024;
        let file = self.inside(path)?;
        if self.found {
            trust::check(&file).map_err(|problem| {
                Unread::Other(format!(
                    "{problem}; to use it all the same, name the manifest with --config"
                ))
            })?;
        }
        let content = files::read(&file, MOST)?;
        if content.len() as u64 > MOST {
            return Err(Unread::Other("it is larger than 1 MiB".to_owned()));
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn project(directory: &Path, outside: bool) -> Project {
        Project {
            outside,
            ..Project::embedded("f", "", directory.to_owned())
        }
    }

    #[test]
    fn only_what_is_below_is_read() {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("project");
        std::fs::create_dir_all(directory.join("sub")).unwrap();
        std::fs::write(directory.join("sub/in.yml"), "in").unwrap();
        std::fs::write(above.path().join("out.yml"), "out").unwrap();
        // A directory of somebody else whose name begins the same.
        std::fs::create_dir(above.path().join("project-2")).unwrap();
        std::fs::write(above.path().join("project-2/x.yml"), "out").unwrap();
        symlink("sub/in.yml", directory.join("inner-link")).unwrap();
        symlink("../out.yml", directory.join("outer-link")).unwrap();
        symlink("..", directory.join("outer-directory")).unwrap();
        let (strict, lax) = (project(&directory, false), project(&directory, true));
        let absolute = |name: &str| above.path().join(name).display().to_string();
        for path in [
            "sub/in.yml",
            "./sub/../sub/in.yml",
            "inner-link",
            "../project/sub/in.yml",
            &absolute("project/sub/in.yml"),
        ] {
            assert_eq!(strict.read_file(path).unwrap(), b"in", "{path}");
        }
        for path in [
            "../out.yml",
            "sub/../../out.yml",
            "../project-2/x.yml",
            "outer-link",
            "outer-directory/out.yml",
            &absolute("out.yml"),
        ] {
            assert_eq!(
                strict.read_file(path).unwrap_err(),
                Unread::Outside,
                "{path}"
            );
            assert_eq!(lax.read_file(path).unwrap(), b"out", "{path}");
        }
        // Whether it is there isn't told.
        for path in ["../none.yml", "/none/none.yml", "a/../../none.yml"] {
            assert_eq!(
                strict.read_file(path).unwrap_err(),
                Unread::Outside,
                "{path}"
            );
        }
        for project in [strict, lax] {
            assert_eq!(project.read_file("none.yml").unwrap_err(), Unread::Missing);
        }
    }
}
