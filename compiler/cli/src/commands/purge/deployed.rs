//! What is cached of a deployment.

use super::super::{info, session};
use crate::cli::{Global, Purge};
use crate::interrupt::Signals;
use crate::terminal::{Terminal, json};
use frames_compiler::Plan;
use frames_compiler::failure::{Exit, Failure, Result};
use frames_deploy::purge::{self, Purged};
use frames_edge::config::Allow;

pub(super) fn deployed(
    global: &Global,
    arguments: &Purge,
    paths: &[String],
    terminal: Terminal,
) -> Result<()> {
    let service = arguments.name.service.as_deref();
    session::run_named("purge", global, service, terminal, async |opened| {
        let session = opened.looking().await?;
        let footprint = info::whereabouts(&session, &opened, terminal).await?;
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

fn result(purged: &Purged, paths: &[String]) -> serde_json::Value {
    serde_json::json!({
        "distributionId": purged.distribution,
        "invalidationId": purged.invalidation,
        "paths": paths,
    })
}

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
fn unlisted(allow: &[Allow], arguments: &Purge) -> Option<String> {
    let datastore = arguments.datastore.as_ref()?;
    let rows: Vec<&Allow> = allow
        .iter()
        .filter(|row| row.datastore == *datastore)
        .collect();
    if rows.is_empty() {
        return Some(format!("data store {datastore}"));
    }
    let has = |list: &Option<Vec<String>>, id: &String| {
        list.as_ref().is_none_or(|listed| listed.contains(id))
    };
    let sets = arguments.image_sets.iter();
    let set = sets
        .filter(|set| !rows.iter().any(|row| has(&row.image_sets, set)))
        .map(|set| format!("image set {set}"));
    let studies = arguments.study.iter();
    let study = studies
        .filter(|study| !rows.iter().any(|row| has(&row.studies, study)))
        .map(|study| format!("study {study}"));
    // A row without a list of series has all of its own studies, and none of another row's.
    let has_study = |row: &Allow| arguments.study.iter().all(|study| has(&row.studies, study));
    let series = arguments.series.iter();
    let series = series
        .filter(|series| {
            let mut with_study = rows.iter().filter(|row| has_study(row));
            !with_study.any(|row| has(&row.series, series))
        })
        .map(|series| format!("series {series}"));
    set.chain(study).chain(series).next()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SET, STORE, parsed};
    use super::*;

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

    #[test]
    fn a_series_that_nobody_may_read_is_named() {
        let row = |studies: Option<&str>, series: Option<&str>| {
            let list = |uid: Option<&str>| uid.map(|uid| vec![uid.to_owned()]);
            Allow {
                datastore: STORE.to_owned(),
                image_sets: None,
                studies: list(studies),
                series: list(series),
            }
        };
        let said = |allow: &[Allow], study: &str, series: &str| {
            let line = ["--datastore", STORE, "--study", study, "--series", series];
            unlisted(allow, &parsed(&line).unwrap())
        };
        let series = |uid: &str| Some(format!("series {uid}"));
        for allow in [row(None, Some("1.2.3")), row(Some("1.2"), Some("1.2.3"))] {
            let allow = [allow];
            assert_eq!(said(&allow, "1.2", "1.2.3"), None);
            assert_eq!(said(&allow, "1.2", "1.2.4"), series("1.2.4"));
        }
        // All series of a study that is listed, and of any study where none is.
        for allow in [row(Some("1.2"), None), row(None, None)] {
            assert_eq!(said(&[allow], "1.2", "1.2.4"), None);
        }
        // Another row's study says nothing of this one's series.
        let two = [row(Some("1.2"), Some("1.2.3")), row(Some("9.8"), None)];
        assert_eq!(said(&two, "1.2", "1.2.4"), series("1.2.4"));
        assert_eq!(said(&two, "9.8", "9.8.7"), None);
        assert_eq!(said(&two, "7.6", "1.2.4"), Some("study 7.6".to_owned()));
    }
}
