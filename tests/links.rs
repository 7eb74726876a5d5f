//! Every relative link of the pages leads somewhere, to its heading too, and every path that
//! they quote is in the tree; and no page names the machine on which it was written.

use crate::support::root;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The pages at the root, and those in docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["", "docs"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .collect();
    pages.sort();
    assert!(pages.contains(&PathBuf::from("docs/tour.md")), "{pages:?}");
    pages
}

fn text(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// The lines outside of code blocks, without what is in backticks.
fn prose(page: &str) -> Vec<String> {
    let mut in_code = false;
    page.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        })
        .map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("`…`"))
        .collect()
}

/// Where `[…](…)`, `src="…"`, `href="…"` and `srcset="…"` lead.
fn targets(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        for (opening, closing) in [
            ("](", ')'),
            ("src=\"", '"'),
            ("href=\"", '"'),
            ("srcset=\"", '"'),
        ] {
            let ends = line.split(opening).skip(1);
            found.extend(ends.map(|rest| rest.split(closing).next().unwrap().to_owned()));
        }
    }
    found
}

/// The anchors that GitHub gives a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut in_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let Some(heading) = line.trim_start_matches('#').strip_prefix(' ') else {
            continue;
        };
        if in_code || !line.starts_with('#') {
            continue;
        }
        let anchor = anchor(heading);
        let count = counts.entry(anchor.clone()).or_default();
        anchors.insert(match *count {
            0 => anchor,
            count => format!("{anchor}-{count}"),
        });
        *count += 1;
    }
    anchors
}

fn anchor(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|char| char.is_alphanumeric() || " -_".contains(*char))
        .map(|char| if char == ' ' { '-' } else { char })
        .collect()
}

/// Letter by letter: a file system that takes `Readme.md` for README.md would hide a broken link.
fn is_there(path: &Path) -> bool {
    let Some(parent) = path.parent() else {
        return true;
    };
    let Some(name) = path.file_name() else {
        return is_there(parent);
    };
    let entries = fs::read_dir(root().join(parent));
    let listed =
        entries.is_ok_and(|mut entries| entries.any(|entry| entry.unwrap().file_name() == name));
    listed && is_there(parent)
}

/// A link's path, from the root; nothing where it leads out of the repository.
fn resolved(page: &Path, target: &str) -> Option<PathBuf> {
    let mut path = page.parent()?.to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// What is wrong with a link.
fn broken(page: &Path, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    if target.contains("://") {
        return Some("an address that isn't https".to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        match resolved(page, path) {
            Some(path) => path,
            None => return Some("leads out of the repository".to_owned()),
        }
    };
    if !is_there(&path) {
        return Some("no such file".to_owned());
    }
    if anchor.is_empty() || anchors(&text(&path)).contains(anchor) {
        return None;
    }
    Some(format!("no such heading in {}", path.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for target in targets(&text(&page)) {
            links += 1;
            if let Some(reason) = broken(&page, &target) {
                wrong.push(format!("{}: ({target}): {reason}", page.display()));
            }
        }
    }
    assert!(links > 50, "{links}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_link_is_seen() {
    let page = Path::new("docs/tour.md");
    for (target, reason) in [
        ("nowhere.md", "no such file"),
        ("Dev.md", "no such file"),
        (
            "../docs/dev.md#nothing-of-this-name",
            "no such heading in docs/dev.md",
        ),
        ("#nothing", "no such heading in docs/tour.md"),
        ("../../elsewhere.md", "leads out of the repository"),
        ("/docs/dev.md", "leads out of the repository"),
        ("http://example.org/", "an address that isn't https"),
    ] {
        assert_eq!(broken(page, target).as_deref(), Some(reason), "{target}");
    }
    for target in [
        "dev.md",
        "../README.md",
        "dev.md#not-modelled",
        "../functions/shim/index.py",
    ] {
        assert_eq!(broken(page, target), None, "{target}");
    }
    let page = "# A `key` & more!\n[a](b.md) `[c](d.md)` <img src=\"e.svg\">\n```\n[f](g.md)\n# no\n```\n## A key  more\n# A\n# A\n";
    assert_eq!(targets(page), ["b.md", "e.svg"]);
    assert_eq!(
        Vec::from_iter(anchors(page)),
        ["a", "a-1", "a-key--more", "a-key--more-1"]
    );
}

/// The pages that say which file to open: whatever looks like a path there has to be one,
/// from the root.
const MAPS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// It names files by what they were called then.
const HISTORY: &str = "CHANGELOG.md";

/// What builds and runs write, where a path may begin: no part of the tree.
const WRITTEN: [&str; 3] = ["target", ".frames", "~"];

const ENDINGS: [&str; 12] = [
    "j2", "json", "lock", "md", "mjs", "py", "rs", "sh", "svg", "toml", "txt", "yml",
];

/// Endings of sources: a name with such a one is a file's, though no folder is named.
const SOURCES: [&str; 3] = ["j2", "py", "rs"];

/// All files and folders, by their paths from the root.
fn tree() -> BTreeSet<String> {
    fn collect(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if WRITTEN.contains(&name.as_str()) || name == ".git" {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &format!("{path}/"), found);
            }
            found.insert(path);
        }
    }
    let mut found = BTreeSet::new();
    collect(&root(), "", &mut found);
    found
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| endings.contains(&ending))
}

/// What a page has in backticks and looks like a path. Outside of a map, only what begins with
/// a folder of the root does.
fn quoted_paths(page: &str, is_map: bool, tree: &BTreeSet<String>) -> Vec<String> {
    let is_path = |code: &str| {
        if code.starts_with('/') || code.contains([' ', '{', '…']) || code.contains("::") {
            return false;
        }
        match code.split_once('/') {
            Some((first, _)) if WRITTEN.contains(&first) => false,
            Some((first, _)) => {
                let looks_like_one = code.ends_with('/') || has_ending(code, &ENDINGS);
                tree.contains(first) || (is_map && looks_like_one)
            }
            None => is_map && has_ending(code, &SOURCES),
        }
    };
    let mut in_block = false;
    let lines = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    });
    let codes = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    codes
        .filter(|code| is_path(code))
        .map(str::to_owned)
        .collect()
}

/// Whether there is such a path, in which `*` and `<…>` stand for anything within a name. A name
/// without a folder is any file's.
fn is_in(tree: &BTreeSet<String>, path: &str) -> bool {
    let fits = |pattern: &str, name: &str| match pattern.split_once(['*', '<']) {
        Some((before, after)) => {
            let after = after.rsplit_once('>').map_or(after, |(_, after)| after);
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
        None => pattern == name,
    };
    let wanted: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    tree.iter().any(|there| {
        let names: Vec<&str> = there.split('/').collect();
        let names = match wanted.len() {
            1 => &names[names.len() - 1..],
            _ => &names[..],
        };
        names.len() == wanted.len() && wanted.iter().zip(names).all(|(a, b)| fits(a, b))
    })
}

#[test]
fn quoted_paths_are_in_the_tree() {
    let tree = tree();
    let mut wrong = Vec::new();
    for page in pages() {
        let name = page.to_str().unwrap();
        if name == HISTORY {
            continue;
        }
        let is_map = MAPS.contains(&name);
        let paths = quoted_paths(&text(&page), is_map, &tree);
        let least = if is_map { 20 } else { 0 };
        assert!(paths.len() >= least, "{name}: {paths:?}");
        let missing = paths.into_iter().filter(|path| !is_in(&tree, path));
        wrong.extend(missing.map(|path| format!("{name}: `{path}` isn't in the tree")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_path_that_isnt_there_is_seen() {
    let tree = tree();
    for there in [
        "docs/dev.md",
        "docs/",
        "docs",
        "functions/edge",
        "compiler/core/templates/*.yml.j2",
        "functions/*/src/",
        "fuzz/corpus/<target>/",
        "fuzz/corpus/<target>/minimal",
        "links.rs",
        ".ci/run",
    ] {
        assert!(is_in(&tree, there), "{there}");
    }
    for missing in [
        "docs/Dev.md",
        "doc/dev.md",
        "dev.md/docs",
        "core/src/lib.rs",
        "compiler/core/templates/*.yaml",
        "functions/*/shim/",
        "fuzz/corpus/<target>/nothing-of-this-name",
        "no-such-file.rs",
    ] {
        assert!(!is_in(&tree, missing), "{missing}");
    }
    let page = "`docs/x.md`, `a/b.rs` or `c.rs` by `auth.scopes`, `x::y/z`, `target/a.rs`, `/p/q.json`\n\
                `folder/` and `docs/a b`, `compiler/x`, `application/json`, `.frames/<env>/`\n\
                ```\n`docs/y.md`\n```\n";
    let found = |is_map| quoted_paths(page, is_map, &tree);
    let strict = ["docs/x.md", "a/b.rs", "c.rs", "folder/", "compiler/x"];
    assert_eq!(found(true), strict);
    assert_eq!(found(false), ["docs/x.md", "compiler/x"]);
}

/// Paths of a home or of a checkout are somebody's; addresses here are made up or of a loopback.
#[test]
fn pages_name_no_place_of_a_machine() {
    for page in pages() {
        let text = text(&page);
        let checkout = root();
        for path in [
            "/home/",
            "/root/",
            "/Users/",
            "/tmp/",
            checkout.to_str().unwrap(),
        ] {
            assert!(!text.contains(path), "{}: {path}", page.display());
        }
    }
}
