//! Every relative link of the pages leads somewhere, to its heading too; and no page
//! names the machine on which it was written.

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
