//! OHIF's built files, as a list: what isn't in it isn't served, whatever a path says.

use crate::error::Error;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// OHIF 3.13 has 246.
const MOST: usize = 10_000;

/// Its largest has 20 MB.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// What OHIF's page is made of.
#[derive(Debug)]
pub struct Files {
    by_path: BTreeMap<String, PathBuf>,
}

impl Files {
    /// The regular files in a folder with OHIF's built files. Links are left out.
    pub fn of(directory: &Path) -> Result<Self, Error> {
        let files = Self {
            by_path: listed(directory)?,
        };
        let is_bundle = |path: &&String| path.starts_with("/app.bundle.") && path.ends_with(".js");
        let missing = if !files.has("/index.html") {
            "index.html"
        } else if !files.has("/app-config.js") {
            "app-config.js"
        } else if !files.by_path.keys().any(|path| is_bundle(&path)) {
            "app.bundle.*.js"
        } else {
            return Ok(files);
        };
        let error = Error::new(format!(
            "{} isn't a folder with OHIF's built files: it has no {missing}",
            directory.display()
        ));
        let inner = directory.join("dist");
        Err(if inner.join("index.html").is_file() {
            error.help(format!(
                "name the folder in it: `--ohif {}`",
                inner.display()
            ))
        } else {
            error.help("name what OHIF's build writes, or what is in the package @ohif/app: the folder `dist`")
        })
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Of a path as a browser asks for it.
    pub(super) fn read(&self, path: &str) -> Option<std::io::Result<Vec<u8>>> {
        let file = self.by_path.get(path)?;
        Some(fs::symlink_metadata(file).and_then(|found| {
            if found.is_file() && found.len() <= MOST_BYTES {
                fs::read(file)
            } else {
                Err(std::io::Error::other(
                    "it isn't the file that was there at the start",
                ))
            }
        }))
    }
}

fn listed(directory: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let broken = |path: &Path, error: std::io::Error| {
        Error::new(format!(
            "can't read OHIF's files in {}: {error}",
            path.display()
        ))
        .help("name a folder with OHIF's built files: `--ohif DIR`")
    };
    let mut found = BTreeMap::new();
    let mut folders = VecDeque::from([(String::new(), directory.to_owned())]);
    while let Some((prefix, folder)) = folders.pop_front() {
        for entry in fs::read_dir(&folder).map_err(|error| broken(&folder, error))? {
            let entry = entry.map_err(|error| broken(&folder, error))?;
            let kind = entry.file_type().map_err(|error| broken(&folder, error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let path = format!("{prefix}/{name}");
            if kind.is_dir() {
                folders.push_back((path, entry.path()));
            } else if kind.is_file() {
                found.insert(path, entry.path());
            }
            if found.len() + folders.len() > MOST {
                return Err(Error::new(format!(
                    "{} has more than {MOST} files: it isn't a folder with OHIF's built files",
                    directory.display()
                ))
                .help("name the folder `dist` of OHIF's build"));
            }
        }
    }
    Ok(found)
}

/// By the name's end; with `nosniff` a browser takes nothing else for a script.
pub(super) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "jsonc" | "map") => "application/json",
        Some("webapp" | "webmanifest") => "application/manifest+json",
        Some("wasm") => "application/wasm",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("xml") => "application/xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ohif) fn built() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("index.html", "<!doctype html>"),
            ("app-config.js", "window.config = {};"),
            ("app.bundle.0123.js", "1"),
            ("assets/a b.png", "png"),
            (".hidden", "no"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn only_the_folders_own_regular_files_are_listed() {
        let folder = built();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("link.js"))
            .unwrap();
        let files = Files::of(folder.path()).unwrap();
        let paths: Vec<&str> = files.by_path.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "/app-config.js",
                "/app.bundle.0123.js",
                "/assets/a b.png",
                "/index.html"
            ]
        );
        assert_eq!(files.read("/app.bundle.0123.js").unwrap().unwrap(), b"1");
        for path in ["/../secret", "/out/secret", "/assets", "/", ""] {
            assert!(files.read(path).is_none(), "{path}");
        }
        // Put in the place of a file after the list was made.
        let bundle = folder.path().join("app.bundle.0123.js");
        fs::remove_file(&bundle).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), &bundle).unwrap();
        assert!(files.read("/app.bundle.0123.js").unwrap().is_err());
    }

    #[test]
    fn another_folder_is_refused_with_what_it_lacks() {
        let folder = built();
        for (name, word) in [
            ("app.bundle.0123.js", "no app.bundle.*.js"),
            ("app-config.js", "no app-config.js"),
            ("index.html", "no index.html"),
        ] {
            fs::remove_file(folder.path().join(name)).unwrap();
            let error = Files::of(folder.path()).unwrap_err();
            assert!(error.message().ends_with(word), "{error}");
        }
        fs::create_dir(folder.path().join("dist")).unwrap();
        fs::write(folder.path().join("dist/index.html"), "").unwrap();
        let error = Files::of(folder.path()).unwrap_err();
        assert!(error.suggestion().unwrap().ends_with("/dist`"), "{error}");
        let error = Files::of(&folder.path().join("missing")).unwrap_err();
        assert!(error.message().contains("missing"), "{error}");
    }
}
