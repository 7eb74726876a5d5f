//! The functions' sources, as they travel inside this binary.

use super::files;
use frames_compiler::failure::{Context, Result};
use frames_compiler::names;
use std::path::Path;

/// Relative path and content, in the order of the paths. Where the programs are inside too,
/// and run on this system, there is only what starts them: nothing will be built.
const SOURCES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// What starts a function's program: the files beside it in a zip, in their order there.
/// The reader needs none. Its runtime starts `bootstrap` itself, which no function at the
/// edge may have.
pub(super) fn shim(function: &str) -> Vec<(&'static str, &'static [u8])> {
    let names: &[&'static str] = match function {
        names::READER => &[],
        _ => &["index.py", "child.py"],
    };
    let content = |name: &&'static str| {
        let mut sources = SOURCES.iter();
        let found = sources.find(|(path, _)| path.strip_prefix("shim/") == Some(*name));
        (*name, found.map_or(&[][..], |(_, content)| content))
    };
    names.iter().map(content).collect()
}

/// Changes with any byte of any source: `build.rs` hashes them.
pub(super) const HASH: &str = env!("FRAMES_SOURCES");

/// Writes them below a directory.
pub(super) fn unpack(directory: &Path) -> Result<()> {
    for (path, content) in SOURCES {
        let file = directory.join(path);
        let parent = file.parent().unwrap_or(directory);
        files::create_private(parent)?;
        files::write_new(&file, content).context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}
