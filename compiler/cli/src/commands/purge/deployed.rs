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
}
