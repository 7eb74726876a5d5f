//! What is beside a first frames.yml: the schema that its first line names, and a line for Git.
//! What is there already is the user's.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub const SCHEMA: &str = "frames.schema.json";
pub const IGNORE: &str = ".gitignore";

/// What frames writes below, and no one commits.
const LINE: &str = ".frames/";

/// Longer ones are left alone.
const MOST: u64 = 1024 * 1024;

/// Writes the schema where there is none. Whether it did.
pub fn schema(directory: &Path, text: &str) -> io::Result<bool> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(directory.join(SCHEMA));
    match file {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Adds the line to `.gitignore`, at its end. Whether it did.
pub fn ignore(directory: &Path) -> io::Result<bool> {
    let path = directory.join(IGNORE);
    // A link may lead to another project's file.
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it isn't a file"));
    }
    let text = read(&mut file)?;
    if text.lines().any(|line| is_there(line.trim())) {
        return Ok(false);
    }
    // As the file ends its lines.
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let begin = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        end
    };
    file.write_all(format!("{begin}{LINE}{end}").as_bytes())?;
    Ok(true)
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other("it is too long"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_there(line: &str) -> bool {
    let name = line.strip_prefix("**").unwrap_or(line);
    let name = name.strip_prefix('/').unwrap_or(name);
    name.trim_end_matches('*').trim_end_matches('/') == ".frames"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_there_once_and_nothing_else_changes() {
        for (before, after) in [
            (None, ".frames/\n"),
            (Some(""), ".frames/\n"),
            (Some("target/\n"), "target/\n.frames/\n"),
            (Some("target/"), "target/\n.frames/\n"),
            (Some("a\r\nb\r\n"), "a\r\nb\r\n.frames/\r\n"),
            (Some("a\r\nb"), "a\r\nb\r\n.frames/\r\n"),
            (Some("#.frames/\n"), "#.frames/\n.frames/\n"),
            (Some("!.frames/\n"), "!.frames/\n.frames/\n"),
            (Some(".frames/dev\n"), ".frames/dev\n.frames/\n"),
            (Some(".frames/\n"), ".frames/\n"),
            (Some("x\n/.frames\ny"), "x\n/.frames\ny"),
            (Some("**/.frames/\n"), "**/.frames/\n"),
            (Some(".frames/*\n"), ".frames/*\n"),
            (Some("  .frames \r\n"), "  .frames \r\n"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(IGNORE);
            if let Some(before) = before {
                std::fs::write(&path, before).unwrap();
            }
            let added = ignore(directory.path()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
            assert_eq!(added, before != Some(after), "{before:?}");
            assert!(!ignore(directory.path()).unwrap(), "{before:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn what_is_no_file_of_this_directory_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("theirs");
        std::fs::write(&target, "theirs").unwrap();
        std::os::unix::fs::symlink(&target, directory.path().join(IGNORE)).unwrap();
        assert!(ignore(directory.path()).is_err());
        std::os::unix::fs::symlink(&target, directory.path().join(SCHEMA)).unwrap();
        assert!(!schema(directory.path(), "{}").unwrap());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "theirs");

        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(IGNORE)).unwrap();
        assert!(ignore(directory.path()).is_err());
        let path = directory.path().join(SCHEMA);
        assert!(schema(directory.path(), "{}").unwrap());
        assert!(!schema(directory.path(), "[]").unwrap());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{}");
    }
}
