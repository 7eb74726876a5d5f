//! What a deployment ends with: the wait for every edge location, and the look from outside. What is
//! deployed stays so, whatever comes of it.

use super::{Expected, Looked, Target, Unreachable, look};
use crate::terminal::{self, Terminal};
use frames_compiler::Plan;
use frames_compiler::failure::{Exit, Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_deploy::endpoint;
use frames_deploy::report::duration;
use frames_deploy::session::Session;
use frames_deploy::stages::Options;
use serde_json::{Value, json};
use std::time::Duration;

/// CloudFront takes minutes. CloudFormation has waited for its own changes already.
const PROPAGATION: Duration = Duration::from_secs(15 * 60);

/// What there is to look at.
#[derive(Debug)]
pub(in crate::commands) struct Deployed {
    url: String,
    distribution: String,
    expected: Expected,
    no_wait: bool,
    /// Who says what is expected.
    as_said: &'static str,
}

/// What came of it: for scripts, and as the run's end.
#[derive(Debug, Default)]
pub(in crate::commands) struct After {
    pub json: Value,
    pub failure: Option<Failure>,
}

impl Deployed {
    /// `None` where the distribution's stage wasn't deployed.
    pub(in crate::commands) fn of(
        plan: &Plan,
        package: &Package,
        result: &Value,
        options: Options<'_>,
    ) -> Option<Self> {
        if options.only.is_some_and(|only| only != names::CDN) {
            return None;
        }
        let mut templates = package.templates.iter();
        let template = templates.find(|template| template.stage == names::CDN)?;
        let expected = Expected::of_template(&template.value);
        Some(Self {
            url: result["url"].as_str()?.to_owned(),
            distribution: result["distributionId"].as_str()?.to_owned(),
            expected: match (plan.authorizer(), plan.authorizer_trial()) {
                (Some(config), _) => expected.authorized_by(config),
                (None, Some(trial)) => expected.tried_by(trial),
                (None, None) => expected,
            }
            .or_by_overlay(&template.value, options.unsafe_overlay),
            no_wait: options.no_wait,
            as_said: match plan.authorizer() {
                Some(_) => "as frames.yml says",
                None => "as that deployment's frames.yml said",
            },
        })
    }
}

impl After {
    /// Nothing is known to be wrong.
    fn skipped(why: &str) -> Self {
        Self {
            json: json!({"ok": null, "open": null, "skipped": why, "checks": []}),
            failure: None,
        }
    }

    /// The wait or the look ended early.
    pub(in crate::commands) fn cut_short(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::skipped("interrupted")
        }
    }
}

/// Fails only where it is interrupted.
pub(in crate::commands) async fn after(
    session: &Session<'_>,
    deployed: &Deployed,
    terminal: Terminal,
) -> Result<After> {
    let id = &deployed.distribution;
    let distributions = session.aws.distributions();
    let described = session.interrupt.or(distributions.describe(id)).await?;
    let state = match described {
        Ok(Some(state)) => state,
        Ok(None) => return Ok(unseen(session, &format!("distribution {id} is gone"))),
        Err(failure) => return Ok(unseen(session, &failure.message)),
    };
    if !state.enabled {
        let why = "the distribution is disabled, as its template says: nothing is served";
        session.progress.step("Note", why);
        return Ok(After::skipped(why));
    }
    if deployed.no_wait {
        let why = not_yet(state.deployed);
        session.progress.step("Note", why);
        return Ok(After::skipped(why));
    }
    let doing = format!("bring distribution {id}");
    match endpoint::until_deployed(session, id, &doing, Some(PROPAGATION)).await {
        Ok(true) => {}
        Ok(false) => return Ok(late(id)),
        Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
        Err(failure) => return Ok(unseen(session, &failure.message)),
    }
    let target = match Target::of(&deployed.url, None) {
        Ok(target) => target.or_by(&state.domain_name, true),
        Err(failure) => return Ok(unseen(session, &failure.message)),
    };
    let looked = look(target, &deployed.expected, None, None);
    Ok(match session.interrupt.or(looked).await? {
        Ok(looked) => told(session, deployed, &looked, terminal),
        Err(Unreachable { why, .. }) => unseen(session, &why),
    })
}

/// With `--no-wait`.
fn not_yet(everywhere: bool) -> &'static str {
    if everywhere {
        "every edge location has the change. The endpoint wasn't checked from outside: `frames check` does that"
    } else {
        "some edge locations still serve as before, and the endpoint wasn't checked from outside: `frames info --wait` waits for them, then `frames check` looks"
    }
}

fn unseen(session: &Session<'_>, why: &str) -> After {
    let what = format!(
        "the endpoint wasn't checked from outside: {why}. `frames check` does it, from where it can be reached"
    );
    session.progress.step("Warning", &what);
    After::skipped(why)
}

fn late(id: &str) -> After {
    let most = duration(PROPAGATION);
    let failure = Failure::new(format!(
        "the stacks are deployed, but not every edge location has distribution {id} after {most}"
    ));
    After {
        failure: Some(Failure {
            exit: Exit::Unfinished,
            ..failure.help("`frames info --wait` waits on, then `frames check` looks from outside; until then, some viewers are served as before")
        }),
        ..After::skipped("not every edge location has the change yet")
    }
}

fn told(session: &Session<'_>, deployed: &Deployed, looked: &Looked, terminal: Terminal) -> After {
    let (url, as_said) = (&deployed.url, deployed.as_said);
    let wrong = looked.wrong();
    let all = terminal.is_verbose();
    if all || !wrong.is_empty() {
        session
            .progress
            .note(looked.shown(!all, terminal::narrow_notes()));
    }
    let json = looked.json();
    if wrong.is_empty() && looked.open.is_none() {
        let why = "CloudFront refuses this machine before the authorizer is asked, so nobody knows whether it is closed";
        return After {
            json,
            ..unseen(session, why)
        };
    }
    if wrong.is_empty() {
        session.progress.step("Checked", &looked.words());
        if looked.open == Some(true) {
            let what = format!(
                "{url} is OPEN: whoever knows its address gets images without a token, {as_said}"
            );
            session.progress.step("Warning", &what);
        }
        return After {
            json,
            failure: None,
        };
    }
    let names = wrong.join(", ");
    let failure = match looked.open {
        Some(true) => Failure::new(format!(
            "the stacks are deployed, and {url} is OPEN to anybody: {names}"
        )),
        _ => Failure::new(format!(
            "the stacks are deployed, but {url} isn't as it should be: {names}"
        )),
    };
    After {
        json,
        failure: Some(failure.help(
            "nothing is rolled back. The lines above say what to do; then `frames check` looks again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is deployed stays, and both ways on are named.
    #[test]
    fn an_edge_location_that_is_late_leaves_the_run_unfinished() {
        let after = late("E2QWRUHAPOMQZL");
        let failure = after.failure.unwrap();
        assert_eq!(failure.exit, Exit::Unfinished);
        assert_eq!(failure.exit as i32, 4);
        for words in [
            "the stacks are deployed",
            "distribution E2QWRUHAPOMQZL",
            "after 15 min",
        ] {
            assert!(failure.message.contains(words), "{}", failure.message);
        }
        let help = failure.help.unwrap();
        for words in [
            "`frames info --wait` waits on",
            "`frames check`",
            "some viewers are served as before",
        ] {
            assert!(help.contains(words), "{help}");
        }
        // Nobody has looked, so nothing is said of whether it is open.
        let (json, none) = (after.json, Value::Null);
        assert_eq!((&json["ok"], &json["open"]), (&none, &none));
        assert_eq!(
            json["skipped"],
            "not every edge location has the change yet"
        );
    }
}
