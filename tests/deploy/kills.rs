//! SIGKILL at every call, before it takes effect and after: the same command run
//! again ends where an undisturbed one does, and no path was ever open. An everyday
//! run takes a sample of the calls.

use super::history::{id, listed};
use super::reads::{reads_in, without_reads};
use super::rollback::snapshot;
use super::{MANIFEST, Stand, Target, each_sampled, undisturbed};
use crate::support::process::spawn;
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);

/// How many calls an everyday run takes of each command.
const SAMPLE: usize = 6;

/// `first` brings the account to where the command starts from.
fn killed_everywhere(
    test: &str,
    arguments: &[&str],
    first: impl Fn(&Stand) + Sync,
    ended: impl Fn(&Stand) + Sync,
) {
    killed_at(test, arguments, first, ended, |_| true);
}

/// The same at those of the calls that are chosen. Between two changes, AWS is the same: where another
/// test takes every call of the like, those that only look add nothing but time.
fn killed_at(
    test: &str,
    arguments: &[&str],
    first: impl Fn(&Stand) + Sync,
    ended: impl Fn(&Stand) + Sync,
    is_chosen: impl Fn(&Target) -> bool,
) {
    let (wanted, mut calls) = undisturbed(arguments, &first);
    calls.retain(is_chosen);
    let sides = |target: Target| {
        let after = target.mutating.then(|| ("hold-after", target.clone()));
        [Some(("hold-before", target)), after].into_iter().flatten()
    };
    let cases: Vec<_> = calls.into_iter().flat_map(sides).collect();
    assert!(
        cases.iter().filter(|(_, target)| target.mutating).count() > 8,
        "{cases:#?}"
    );
    let name = |(kind, target): &(&str, Target)| target.case(kind);
    each_sampled(test, SAMPLE, cases, name, |(kind, target)| {
        let stand = Stand::new();
        first(&stand);
        let hold = stand.account.rule(target.rule(json!({"kind": kind})));
        let mut child = spawn(stand.command(arguments));
        while !hold.wait(SOON) {
            if child.try_wait().unwrap().is_some() {
                // How often it asks what has become of something depends on the time.
                assert!(
                    !target.mutating && target.nth > 1,
                    "no such call came: {target:?}"
                );
                break;
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        stand.account.clear_rules();
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{kind} {target:?}: {run:#?}");
        assert_eq!(stand.account.state(), wanted, "{kind} {target:?}: {run:#?}");
        stand.never_open();
        ended(&stand);
    });
}

/// The distribution was switched off before it went.
fn gone(stand: &Stand) {
    let history = stand.account.history();
    let last = &history[history.len() - 2..];
    assert_eq!(last[0]["enabled"], false, "{last:#?}");
    assert_eq!(last[1]["deleted"], true, "{last:#?}");
}

fn serves(stand: &Stand) {
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn a_first_deployment() {
    let test = "deploy::kills::a_first_deployment";
    let command = ["deploy", "--yes"];
    killed_at(test, &command, |_| {}, serves, |call| call.mutating);
}

/// Another configuration of the authorizer: a new version, and an update of cdn. And no web ACL,
/// which lambda-edge gives up when cdn has let go of it.
#[test]
fn a_later_deployment() {
    let changed = MANIFEST.replace("audience: frames", "audience: images");
    let first = |stand: &Stand| {
        stand.deploy();
        stand.write(&format!("{changed}delivery: {{webAcl: none}}\n"));
    };
    let test = "deploy::kills::a_later_deployment";
    let command = ["deploy", "--yes"];
    killed_at(test, &command, first, serves, |call| call.mutating);
}

/// Back to other code, and to a web ACL that was given up since; then forwards over the same.
#[test]
fn a_rollback() {
    let changed = MANIFEST.replace("audience: frames", "audience: images");
    let first = |stand: &Stand| {
        stand.deploy();
        stand.write(&format!("{changed}delivery: {{webAcl: none}}\n"));
        stand.deploy();
    };
    let stand = Stand::new();
    stand.deploy();
    let was = snapshot(&stand);
    let wanted = id(&listed(&stand)[0]);
    // The account's number isn't in what is deployed, nor in its id.
    let back = |stand: &Stand| {
        assert_eq!(snapshot(stand), was);
        let shown = listed(stand);
        let states: Vec<_> = shown
            .iter()
            .map(|one| (&one["id"], &one["state"]))
            .collect();
        let done = json!("done");
        assert_eq!(states.len(), 3, "{shown:#?}");
        assert!(
            states.iter().all(|(_, state)| **state == done),
            "{shown:#?}"
        );
        assert_eq!(
            (id(&shown[0]), &shown[0]["live"]),
            (wanted.clone(), &json!(true))
        );
    };
    let test = "deploy::kills::a_rollback";
    killed_everywhere(test, &["rollback", &wanted, "--yes"], first, back);
}

/// Back to a stage in another Region, whose bucket has lost its zip.
#[test]
fn a_rollback_of_moved_reads() {
    let first = |stand: &Stand| {
        stand.write(&reads_in("us-west-2"));
        stand.deploy();
        stand.write(&reads_in("eu-west-1"));
        stand.deploy();
    };
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    let was = snapshot(&stand);
    let wanted = id(&listed(&stand)[0]);
    let back = |stand: &Stand| assert_eq!(snapshot(stand), was);
    let test = "deploy::kills::a_rollback_of_moved_reads";
    killed_at(test, &["rollback", &wanted, "--yes"], first, back, |call| {
        call.mutating
    });
}

#[test]
fn a_removal() {
    let first = |stand: &Stand| {
        stand.deploy();
    };
    let test = "deploy::kills::a_removal";
    let command = ["remove", "--yes"];
    killed_at(test, &command, first, gone, |call| call.mutating);
}

/// The reader's stage moves: the new one, then the distribution, then the old one goes.
#[test]
fn a_move_of_the_reads() {
    let first = |stand: &Stand| {
        stand.write(&reads_in("us-west-2"));
        stand.deploy();
        stand.write(&reads_in("eu-west-1"));
    };
    let test = "deploy::kills::a_move_of_the_reads";
    killed_everywhere(test, &["deploy", "--yes"], first, serves);
}

/// The reader's stage first, and only then a distribution that leads to it.
#[test]
fn reads_that_are_switched_on() {
    let first = |stand: &Stand| {
        stand.write(&without_reads("us-west-2"));
        stand.deploy();
        stand.write(&reads_in("us-west-2"));
    };
    let test = "deploy::kills::reads_that_are_switched_on";
    let command = ["deploy", "--yes"];
    killed_at(test, &command, first, serves, |call| call.mutating);
}

#[test]
fn reads_that_are_switched_off() {
    let first = |stand: &Stand| {
        stand.write(&reads_in("us-west-2"));
        stand.deploy();
        stand.write(&without_reads("us-west-2"));
    };
    let test = "deploy::kills::reads_that_are_switched_off";
    killed_at(test, &["deploy", "--yes"], first, serves, |call| {
        call.mutating
    });
}

#[test]
fn a_first_deployment_with_reads() {
    let first = |stand: &Stand| stand.write(&reads_in("us-west-2"));
    let test = "deploy::kills::a_first_deployment_with_reads";
    killed_everywhere(test, &["deploy", "--yes"], first, serves);
}

#[test]
fn a_removal_with_reads() {
    let first = |stand: &Stand| {
        stand.write(&reads_in("us-west-2"));
        stand.deploy();
    };
    let test = "deploy::kills::a_removal_with_reads";
    killed_everywhere(test, &["remove", "--yes"], first, gone);
}
