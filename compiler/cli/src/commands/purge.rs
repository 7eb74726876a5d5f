//! `frames purge`: what was withdrawn leaves the edge's caches.
//!
//! The authorizer gives each resource one path, whatever the viewer wrote, and the cache knows
//! objects by that. So one path names all of a study, and another one all of an image set.

#[cfg(feature = "aws")]
use super::{info, session};
use crate::cli::{Global, Purge};
#[cfg(feature = "aws")]
use crate::interrupt::Signals;
use crate::terminal::{Terminal, json};
#[cfg(feature = "aws")]
use frames_compiler::Plan;
#[cfg(feature = "aws")]
use frames_compiler::failure::Exit;
use frames_compiler::failure::{Failure, Result};
#[cfg(feature = "aws")]
use frames_deploy::purge::{self, Purged};
#[cfg(feature = "aws")]
use frames_edge::config::Allow;
use frames_emulator::page;

pub(super) fn run(global: &Global, arguments: &Purge, terminal: Terminal) -> Result<()> {
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
/// which takes queries along.
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
    let objects = asked.map_err(|error| Failure {
        help: error.suggestion().map(str::to_owned),
        ..Failure::new(error.message())
    })?;
    if terminal.is_json() {
        let result = serde_json::json!({"objects": objects, "paths": paths});
        json(&format!("{}\n", serde_json::json!({"result": result})));
    } else {
        let what = format!("{objects} objects, by {}", paths.join(" "));
        terminal.status("Purged", &what);
    }
    Ok(())
}

#[cfg(not(feature = "aws"))]
fn deployed(_: &Global, _: &Purge, _: &[String], _: Terminal) -> Result<()> {
    Err(super::online::refused())
}

#[cfg(feature = "aws")]
fn deployed(
    global: &Global,
    arguments: &Purge,
    paths: &[String],
    terminal: Terminal,
) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("purge", global, service, terminal, async |opened| {
        let session = opened.looking().await?;
        let footprint = if opened.is_located {
            opened.footprint.clone()
        } else {
            info::whereabouts(&session, &opened.footprint, terminal).await?
        };
        if let Some(plan) = &opened.plan {
            warn(plan, arguments, terminal);
        }
        session.announce("Purging", "in", &footprint);
        terminal.status("Paths", &paths.join("\n"));
        // From here on CloudFront may have been told: nobody may say that nothing was changed.
        let mut signals = Signals::own()?;
        let purged = tokio::select! {
            purged = purge::run(&session, &footprint, paths) => purged?,
            () = signals.next() => return Err(interrupted()),
        };
        if terminal.is_json() {
            let result = session.signed(&footprint, result(&purged, paths));
            json(&format!("{}\n", serde_json::json!({"result": result})));
        } else {
            let what = format!(
                "{} ({}), by invalidation {}: all edge locations have it",
                footprint.service, footprint.env, purged.invalidation
            );
            terminal.status("Purged", &what);
        }
        Ok(())
    })
}

#[cfg(feature = "aws")]
fn result(purged: &Purged, paths: &[String]) -> serde_json::Value {
    serde_json::json!({
        "distributionId": purged.distribution,
        "invalidationId": purged.invalidation,
        "paths": paths,
    })
}

#[cfg(feature = "aws")]
fn interrupted() -> Failure {
    let failure = Failure::new("interrupted").help(
        "CloudFront completes by itself what it was told; run the same command to purge once more, and to wait for it",
    );
    Failure {
        exit: Exit::Interrupted,
        ..failure
    }
}

/// What was withdrawn may have left `iam.allow` as well. An id that was never there may be
/// mistyped, so that is said.
#[cfg(feature = "aws")]
fn warn(plan: &Plan, arguments: &Purge, terminal: Terminal) {
    let allow = plan.authorizer().and_then(|config| config.allow.as_ref());
    if let Some(what) = allow.and_then(|allow| unlisted(allow, arguments)) {
        let what = format!(
            "`iam.allow` doesn't list {what}. It is purged all the same: look whether the id is right"
        );
        terminal.status("Warning", &what);
    }
}

/// What of the arguments nobody may read by this table.
#[cfg(feature = "aws")]
fn unlisted(allow: &[Allow], arguments: &Purge) -> Option<String> {
    let datastore = arguments.datastore.as_ref()?;
    let rows: Vec<&Allow> = allow
        .iter()
        .filter(|row| row.datastore == *datastore)
        .collect();
    if rows.is_empty() {
        return Some(format!("data store {datastore}"));
    }
    let is_listed = |list: fn(&Allow) -> Option<&Vec<String>>, id: &String| {
        rows.iter()
            .any(|row| list(row).is_none_or(|listed| listed.contains(id)))
    };
    let sets = arguments.image_sets.iter();
    let set = sets
        .filter(|set| !is_listed(|row| row.image_sets.as_ref(), set))
        .map(|set| format!("image set {set}"));
    let study = arguments.study.iter();
    let study = study
        .filter(|study| !is_listed(|row| row.studies.as_ref(), study))
        .map(|study| format!("study {study}"));
    set.chain(study).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    const STORE: &str = "12345678901234567890123456789012";
    const SET: &str = "abcdefabcdefabcdefabcdefabcdefab";

    fn parsed(arguments: &[&str]) -> Option<Purge> {
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

    #[cfg(feature = "aws")]
    #[test]
    fn what_nobody_may_read_is_named() {
        let row = |studies: Option<&[&str]>| Allow {
            datastore: STORE.to_owned(),
            image_sets: Some(vec![SET.to_owned()]),
            studies: studies.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
            series: None,
        };
        let other = "b".repeat(32);
        let said = |allow: &[Allow], more: &[&str]| {
            let purge = parsed(&[&["--datastore", STORE], more].concat()).unwrap();
            unlisted(allow, &purge)
        };
        assert_eq!(said(&[], &[]), Some(format!("data store {STORE}")));
        let allow = [row(Some(&["1.2"]))];
        assert_eq!(said(&allow, &["--study", "1.2", "--image-set", SET]), None);
        assert_eq!(
            said(&allow, &["--study", "1.3"]),
            Some("study 1.3".to_owned())
        );
        assert_eq!(
            said(&allow, &["--image-set", &other]),
            Some(format!("image set {other}"))
        );
        assert_eq!(said(&[row(None)], &["--study", "1.3"]), None);
    }
}
