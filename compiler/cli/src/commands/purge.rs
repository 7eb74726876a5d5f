//! `frames purge`: what was withdrawn leaves the edge's caches.
//!
//! The authorizer gives each resource one path, whatever the viewer wrote, and the cache knows
//! objects by that. So one path names all of a study, and another one all of an image set.

#[cfg(feature = "aws")]
mod deployed;

use super::check::without_manifest;
use super::explained::Explained;
use crate::cli::{Global, Purge};
use crate::terminal::{Terminal, json};
#[cfg(feature = "aws")]
use deployed::deployed;
use frames_compiler::failure::Result;
use frames_compiler::printable::counted;
use frames_emulator::page;

pub(super) fn run(global: &Global, arguments: &Purge, terminal: Terminal) -> Result<()> {
    if arguments.endpoint.is_some() {
        without_manifest(global, "`--endpoint`", "an endpoint")?;
    }
    let paths = paths(arguments);
    if let Some(beyond) = beyond(arguments) {
        terminal.status("Note", beyond);
    }
    match &arguments.endpoint {
        Some(address) => at(address, &paths, terminal),
        None => deployed(global, arguments, &paths, terminal),
    }
}

/// The paths of all that may be cached of what the arguments name. Each ends in an asterisk,
/// which takes queries along. Those that the delivery doesn't serve are among them: what was cached
/// under one may still be there when it is served again.
fn paths(arguments: &Purge) -> Vec<String> {
    let Some(datastore) = &arguments.datastore else {
        return vec!["/*".to_owned()];
    };
    let root = format!("/datastore/{datastore}");
    let mut paths = match (&arguments.study, &arguments.series) {
        (None, _) if arguments.image_sets.is_empty() => return vec![format!("{root}/*")],
        (None, _) => vec![format!("{root}/studies/*")],
        (Some(study), None) => vec![format!("{root}/studies/{study}/*")],
        (Some(study), Some(series)) => {
            vec![format!("{root}/studies/{study}/series/{series}/*")]
        }
    };
    if arguments.image_sets.is_empty() {
        paths.push(format!("{root}/imageSet/*"));
    }
    let sets = arguments.image_sets.iter();
    paths.extend(sets.map(|set| format!("{root}/imageSet/{set}/*")));
    paths
}

/// What goes beyond what was named, as no path tells it apart: too much is fetched again,
/// too little would still be served.
fn beyond(arguments: &Purge) -> Option<&'static str> {
    match (&arguments.study, arguments.image_sets.is_empty()) {
        (Some(_), true) => Some(
            "native reads are cached by image set, so all of the data store's go too; `--image-set ID` takes only that one's",
        ),
        (None, false) => Some(
            "DICOMweb retrievals are cached by study, so all of the data store's go too; `--study UID` takes only that one's",
        ),
        _ => None,
    }
}

/// A running `frames dev`.
fn at(address: &str, paths: &[String], terminal: Terminal) -> Result<()> {
    let asked = super::event_loop()?.block_on(page::ask_to_purge(address, paths));
    let objects = asked.explained()?;
    if terminal.is_json() {
        let result = serde_json::json!({"objects": objects, "paths": paths});
        json(&format!("{}\n", serde_json::json!({"result": result})));
    } else {
        let objects = counted(objects, "object", "objects");
        let what = format!("{objects}, by {}", paths.join(" "));
        terminal.status("Purged", &what);
    }
    Ok(())
}

#[cfg(not(feature = "aws"))]
fn deployed(_: &Global, _: &Purge, _: &[String], _: Terminal) -> Result<()> {
    Err(super::online::refused())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    pub(super) const STORE: &str = "12345678901234567890123456789012";
    pub(super) const SET: &str = "abcdefabcdefabcdefabcdefabcdefab";

    pub(super) fn parsed(arguments: &[&str]) -> Option<Purge> {
        let line = [&["frames", "purge"], arguments].concat();
        match Cli::try_parse_from(line).ok()?.command {
            Command::Purge(purge) => Some(purge),
            _ => None,
        }
    }

    #[test]
    fn one_path_names_all_that_may_be_cached() {
        let study = format!("/datastore/{STORE}/studies/1.2/*");
        let series = format!("/datastore/{STORE}/studies/1.2/series/1.2.3/*");
        let studies = format!("/datastore/{STORE}/studies/*");
        let set = format!("/datastore/{STORE}/imageSet/{SET}/*");
        let sets = format!("/datastore/{STORE}/imageSet/*");
        let store = ["--datastore", STORE];
        for (more, wanted, is_beyond) in [
            (&[][..], vec![format!("/datastore/{STORE}/*")], false),
            (&["--study", "1.2"], vec![study.clone(), sets.clone()], true),
            (
                &["--study", "1.2", "--series", "1.2.3"],
                vec![series, sets],
                true,
            ),
            (&["--image-set", SET], vec![studies, set.clone()], true),
            (
                &["--study", "1.2", "--image-set", SET],
                vec![study, set],
                false,
            ),
        ] {
            let purge = parsed(&[&store, more].concat()).unwrap();
            assert_eq!(paths(&purge), wanted, "{more:?}");
            assert_eq!(beyond(&purge).is_some(), is_beyond, "{more:?}");
        }
        assert_eq!(paths(&parsed(&["--all"]).unwrap()), ["/*"]);
    }

    #[test]
    fn nothing_but_an_id_gets_into_a_path() {
        for arguments in [
            &[][..],
            &["--study", "1.2"],
            &["--all", "--datastore", STORE],
            &["--datastore", "*"],
            &["--datastore", "../secret"],
            &["--datastore", STORE, "--study", "*"],
            &["--datastore", STORE, "--study", "1.2/../3"],
            &["--datastore", STORE, "--series", "1.2"],
            &["--datastore", STORE, "--image-set", "%2e"],
            &[
                "--all",
                "--service",
                "x",
                "--endpoint",
                "http://127.0.0.1:1/#a",
            ],
        ] {
            assert!(parsed(arguments).is_none(), "{arguments:?}");
        }
    }
}
