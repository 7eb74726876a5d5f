//! SIGKILL at every call, before it takes effect and after: the same command run
//! again ends where an undisturbed one does, and no path was ever open.

use super::{MANIFEST, Stand, Target, each, spawn, undisturbed};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);

/// `first` brings the account to where the command starts from.
fn killed_everywhere(
    arguments: &[&str],
    first: impl Fn(&Stand) + Sync,
    ended: impl Fn(&Stand) + Sync,
) {
    let (wanted, calls) = undisturbed(arguments, &first);
    let sides = |target: Target| {
        let after = target.mutating.then(|| ("hold-after", target.clone()));
        [Some(("hold-before", target)), after].into_iter().flatten()
    };
    let cases: Vec<_> = calls.into_iter().flat_map(sides).collect();
    assert!(
        cases.iter().filter(|(_, target)| target.mutating).count() > 8,
        "{cases:#?}"
    );
    each(cases, |(kind, target)| {
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

fn serves(stand: &Stand) {
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn a_first_deployment() {
    killed_everywhere(&["deploy", "--yes"], |_| {}, serves);
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
    killed_everywhere(&["deploy", "--yes"], first, serves);
}

#[test]
fn a_removal() {
    let first = |stand: &Stand| {
        stand.deploy();
    };
    let gone = |stand: &Stand| {
        let history = stand.account.history();
        let last = &history[history.len() - 2..];
        assert_eq!(last[0]["enabled"], false, "{last:#?}");
        assert_eq!(last[1]["deleted"], true, "{last:#?}");
    };
    killed_everywhere(&["remove", "--yes"], first, gone);
}
