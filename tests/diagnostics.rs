//! Every finding, as a user sees it: `diagnostics/*.md`, each a page of cases.
//!
//! A case is a heading, maybe some prose, a manifest and what `frames validate`
//! says about it:
//!
//! ````text
//! ## A tab in the indentation
//!
//! ```yaml
//! service: x
//! ```
//!
//! ```text
//! error[…]: …
//! ```
//! ````
//!
//! The manifest's fence may add `bom`, `crlf`, `cr`, `latin1`, `utf16` or `no-newline`, how the text
//! becomes bytes, and arguments for `frames validate`, such as `--env=prod`.
//! A fence such as ```` ```json jwks.json ```` is a file beside the manifest.
//! `FRAMES_BLESS=1` writes what comes out into the `text` fences.

use crate::support::frames::{Project, Run};
use crate::support::golden::blessing;
use crate::support::root;
use frames_compiler::diagnostic::codes::{self, Code, Given};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, Default)]
struct Case {
    name: String,
    manifest: Option<Vec<u8>>,
    arguments: Vec<String>,
    files: Vec<(String, String)>,
    expected: Option<String>,
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("tests/diagnostics"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    pages.sort();
    assert!(!pages.is_empty());
    pages
}

#[test]
fn every_finding_reads_as_its_page_says() {
    let mut drifted = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut actual = String::new();
        walk(&text, &mut actual, &mut |case| {
            let shown = shown(case);
            if case.expected.as_deref() != Some(&shown) {
                let expected = case.expected.as_deref().unwrap_or_default();
                drifted.push(format!(
                    "{name}: {}\n--- expected\n{expected}--- comes out\n{shown}",
                    case.name
                ));
            }
            shown
        });
        if blessing() {
            fs::write(&path, actual).unwrap();
        }
    }
    assert!(
        blessing() || drifted.is_empty(),
        "look at the differences, then bless them with FRAMES_BLESS=1\n\n{}",
        drifted.join("\n")
    );
}

/// The codes that `frames validate` finds without AWS.
fn offline() -> impl Iterator<Item = &'static Code> {
    codes::all().filter(|code| !matches!(code.given, Given::Online | Given::Packaged))
}

/// `mended.md`: each code's negative.
#[test]
fn every_code_has_a_case_without_it() {
    if blessing() {
        // The pages are being written.
        return;
    }
    let page = fs::read_to_string(root().join("tests/diagnostics/mended.md")).unwrap();
    let mut cases = BTreeMap::new();
    walk(&page, &mut String::new(), &mut |case| {
        let name = case.name.trim_matches('`').to_owned();
        cases.insert(name, case.expected.clone().unwrap_or_default());
        String::new()
    });
    for code in offline() {
        let said = cases.get(code.name);
        let said = said.unwrap_or_else(|| panic!("{} has no case", code.name));
        assert!(!said.contains(&format!("[{}]: ", code.name)), "{said}");
        assert!(!said.contains("error["), "{}: {said}", code.name);
    }
    assert_eq!(cases.len(), offline().count());
}

#[test]
fn every_code_has_a_case() {
    if blessing() {
        // The pages are being written.
        return;
    }
    let pages: String = pages()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let missing: Vec<&str> = offline()
        .map(|code| code.name)
        .filter(|name| {
            !pages.contains(&format!("\nerror[{name}]: "))
                && !pages.contains(&format!("\nwarning[{name}]: "))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What `frames validate` prints for a case's manifest.
fn shown(case: &Case) -> String {
    let project = Project::empty();
    let manifest = case
        .manifest
        .as_ref()
        .unwrap_or_else(|| panic!("{}: no manifest", case.name));
    project.write("frames.yml", manifest);
    for (name, content) in &case.files {
        project.write(name, content);
    }
    let run = Run::of(project.command().arg("validate").args(&case.arguments));
    let errors = run.stdout.contains("error[");
    assert_eq!(
        run.code,
        if errors { 3 } else { 0 },
        "{}: {run:#?}",
        case.name
    );
    // Trailing spaces don't outlive an editor.
    run.stdout
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// Reads a page; `answer` gets each complete case and gives the text to put there.
fn walk(page: &str, out: &mut String, answer: &mut dyn FnMut(&Case) -> String) {
    let mut case = Case::default();
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        out.push_str(line);
        if let Some(name) = line.strip_prefix("## ") {
            case = Case {
                name: name.trim().to_owned(),
                ..Case::default()
            };
        }
        let Some(info) = line.strip_prefix("```").map(str::trim) else {
            continue;
        };
        let body: String = lines
            .by_ref()
            .take_while(|line| line.trim_end() != "```")
            .collect();
        let mut words = info.split(' ');
        let body = match words.next() {
            Some("yaml") => {
                let (arguments, ways): (Vec<&str>, _) =
                    words.partition(|word| word.starts_with("--"));
                case.arguments = arguments.into_iter().map(str::to_owned).collect();
                case.manifest = Some(encoded(&body, &ways));
                body
            }
            Some("json") => {
                case.files
                    .push((words.next().unwrap().to_owned(), body.clone()));
                body
            }
            Some("text") => {
                case.expected = Some(body);
                answer(&case)
            }
            other => panic!("{}: a fence of {other:?}", case.name),
        };
        out.push_str(&body);
        out.push_str("```\n");
    }
}

fn encoded(text: &str, ways: &[&str]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for way in ways {
        bytes = match *way {
            "bom" => [b"\xef\xbb\xbf".as_slice(), &bytes].concat(),
            "cr" => text.replace('\n', "\r").into_bytes(),
            "utf16" => ['\u{feff}']
                .into_iter()
                .chain(text.chars())
                .flat_map(|c| c.to_string().encode_utf16().collect::<Vec<_>>())
                .flat_map(u16::to_le_bytes)
                .collect(),
            "crlf" => text.replace('\n', "\r\n").into_bytes(),
            "latin1" => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap())
                .collect(),
            "no-newline" => text.trim_end().as_bytes().to_vec(),
            other => panic!("unknown: {other}"),
        };
    }
    bytes
}
