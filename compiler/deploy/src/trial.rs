//! Each new version is invoked once before CloudFront runs it, in the Region where it was
//! published. A broken package stops the deployment here, and viewers go on with the old version.

use super::aws::functions::function_version;
use super::session::Session;
use super::stage::Done;
use crate::aws::functions::{Fault, Invoked, Refusal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Function, Launch, Parameter, Plan, Stage, Trial};
use frames_compiler::printable;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A role that was made a moment ago can't be assumed everywhere yet, so the version can't run.
const PATIENCE: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_millis(500);
const LATER: Duration = Duration::from_secs(4);

/// How much of a log is shown.
const LINES: usize = 20;

/// Tries the versions that `stage` is about to use, but not those that it uses already. An
/// interrupted deployment tries again, and one without changes tries nothing.
pub(crate) async fn before(
    session: &Session<'_>,
    plan: &Plan,
    stage: &Stage,
    done: &[Done],
) -> Result<()> {
    let mut wanted = Vec::new();
    for (parameter, value) in &stage.parameters {
        let Parameter::Output { stage, output } = value else {
            continue;
        };
        let function = plan
            .functions()
            .find(|function| names::version_arn(function.name) == *output);
        let before = done.iter().find(|done| done.stage == stage);
        let arn = before.and_then(|before| before.stack.outputs.get(output));
        let trial = function.and_then(|function| function.trial.as_ref());
        if let (Some(function), Some(trial), Some(arn)) = (function, trial, arn) {
            wanted.push((parameter, function, trial, arn));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let standing = match done.iter().find(|done| done.stage == stage.name) {
        Some(done) => Some(done.clone()),
        None => session.standing(stage).await?,
    };
    let in_use = standing.map(|done| done.stack.parameters);
    let in_use = in_use.unwrap_or_default();
    for (parameter, function, trial, arn) in wanted {
        if in_use.get(parameter) != Some(arn) {
            let version = Version {
                function,
                trial,
                arn,
                taken_by: stage.name,
            };
            version.run(session, done).await?;
        }
    }
    Ok(())
}

struct Version<'a> {
    function: &'a Function,
    trial: &'a Trial,
    arn: &'a str,
    /// The stage that isn't changed where the version doesn't run.
    taken_by: &'a str,
}

impl Version<'_> {
    async fn run(&self, session: &Session<'_>, done: &[Done]) -> Result<()> {
        let what = format!("{}, before CloudFront does", self.name());
        session.progress.step("Invoking", &what);
        let functions = session.aws.functions();
        let until = Instant::now() + PATIENCE;
        let mut pause = SOON;
        loop {
            let asked = functions.invoke(self.arn, &self.trial.event);
            match session.interrupt.or(asked).await?? {
                Invoked::Answered(answer) if self.trial.is_passed_by(&answer) => {
                    return Ok(());
                }
                Invoked::Answered(answer) => return Err(self.wrong(&answer)),
                Invoked::Failed(fault) => return Err(self.failed(&fault)),
                Invoked::Refused(Refusal::Zip) => return Err(self.refused(Refusal::Zip)),
                Invoked::Refused(refusal) if Instant::now() + pause > until => {
                    return Err(self.refused(refusal));
                }
                Invoked::Refused(refusal) => {
                    // Another run may have replaced it, and deleted it.
                    session.still_stands(done).await?;
                    session.progress.detail(&format!("{refusal:?}: once more"));
                    session.interrupt.sleep(pause).await?;
                    pause = (pause * 2).min(LATER);
                }
            }
        }
    }

    /// `heart-dev-authorizer:3`
    fn name(&self) -> String {
        match function_version(self.arn) {
            Some((function, version)) => format!("{function}:{version}"),
            None => self.arn.to_owned(),
        }
    }

    fn failure(&self, what: &str, help: &str) -> Failure {
        let untouched = format!("stage {} wasn't changed", self.taken_by);
        Failure::new(format!("{} {what}", self.name())).help(format!("{help}; {untouched}"))
    }

    fn refused(&self, refusal: Refusal) -> Failure {
        let (what, help) = match refusal {
            Refusal::Pending => (
                "isn't ready to be invoked",
                "Lambda still prepares it: run the same command again in a minute",
            ),
            Refusal::Throttled => (
                "can't be invoked: Lambda keeps throttling this account",
                "its concurrency in us-east-1 may be used up: run the same command again in a minute",
            ),
            Refusal::Role => (
                "can't be invoked: Lambda can't assume its role",
                "the role's trust policy has to allow lambda.amazonaws.com and edgelambda.amazonaws.com: `frames info --drift` shows what was changed by hand",
            ),
            Refusal::Missing => (
                "can't be invoked: there is no such version",
                "somebody has deleted it: run the same command again",
            ),
            Refusal::Zip => ("can't be invoked: Lambda can't unpack its zip", REPACKAGE),
        };
        self.failure(what, help)
    }

    fn failed(&self, fault: &Fault) -> Failure {
        let (what, help) = why(fault, self.function.launch.unwrap_or_default());
        let failure = self.failure(&what, help);
        let log = tail(&fault.log);
        let message = if log.is_empty() {
            format!("{}; its log is empty", failure.message)
        } else {
            format!("{}\n  its log ends with:{log}", failure.message)
        };
        Failure { message, ..failure }
    }

    /// An answer that is of no use. Only its status is shown: the rest may be signed.
    fn wrong(&self, answer: &Value) -> Failure {
        let status = answer["status"].as_str().map(printable::line);
        let answered = match status {
            Some(status) => format!("with status {status:.3}"),
            None if answer["uri"].is_string() => "with a request to pass on".to_owned(),
            None => "with neither a status nor a request".to_owned(),
        };
        let wanted = self.trial.wanted();
        self.failure(
            &format!("answers {answered}, but should answer {wanted}"),
            "somebody may have replaced its zip, or an overlay in `resources` changes how it runs",
        )
    }
}

const REPACKAGE: &str = "the package is damaged: delete the cache of programs (`frames` in XDG_CACHE_HOME, else `~/.cache/frames`), and run the same command again";

/// index.py has tried both ways by then.
const NO_WAY: &str = "Lambda allows neither way to start a program: this needs a change of frames, so please report it with this message";

const BY_CHILD: &str = "if its log doesn't say why, Lambda may not let a program take Python's place. Set `deploy.launch: child`, which keeps Python, and run the same command again";

const BY_ITSELF: &str = "the program itself is at fault: its log says more, most of all with `logs.functions.level: info`";

/// What happened, and what to do.
fn why(fault: &Fault, launch: Launch) -> (String, &'static str) {
    let message = printable::line(&fault.message);
    let has = |words: &str| message.contains(words);
    let program_at_fault = match launch {
        Launch::Exec => BY_CHILD,
        Launch::Child => BY_ITSELF,
    };
    // index.py's own words.
    let not_started = has("can't start ");
    if not_started && has("Exec format error") {
        let what = format!("doesn't run: its program isn't one for x86_64 Linux ({message})");
        return (what, REPACKAGE);
    }
    if not_started && has("No such file") {
        let what = format!("doesn't run: its zip has no program to start ({message})");
        return (what, REPACKAGE);
    }
    if not_started {
        let what = format!("doesn't run: Lambda refuses its program ({message})");
        return (what, NO_WAY);
    }
    if has("Task timed out") {
        return (
            format!("doesn't answer: its program hangs ({message})"),
            program_at_fault,
        );
    }
    match fault.kind.as_str() {
        "Runtime.ExitError" => {
            let what = format!("doesn't answer: its program exits ({message})");
            (what, program_at_fault)
        }
        "InvalidPackage" => (format!("doesn't run: {message}"), REPACKAGE),
        kind if kind.starts_with("Runtime.") => {
            let what = format!(
                "doesn't run: its zip isn't whole ({}: {message})",
                printable::line(kind)
            );
            (what, REPACKAGE)
        }
        kind => (
            format!("fails ({}: {message})", printable::line(kind)),
            BY_ITSELF,
        ),
    }
}

/// The last lines of a log, each on a line of its own.
fn tail(log: &str) -> String {
    let lines = log
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let shown = last
        .iter()
        .map(|line| printable::line(&line.replace('\t', " ")).into_owned());
    shown.map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: &str, message: &str) -> Fault {
        Fault {
            kind: kind.to_owned(),
            message: message.to_owned(),
            log: String::new(),
        }
    }

    #[test]
    fn each_cause_has_words_of_its_own() {
        let cases = [
            (
                "RuntimeError",
                "can't start /var/task/bootstrap: in place: [Errno 8] Exec format error: x",
                "x86_64",
                REPACKAGE,
            ),
            (
                "RuntimeError",
                "can't start /var/task/bootstrap: in place: [Errno 2] No such file or directory: x",
                "has no program",
                REPACKAGE,
            ),
            (
                "RuntimeError",
                "can't start /var/task/bootstrap: in place: [Errno 1] Operation not permitted",
                "refuses its program",
                NO_WAY,
            ),
            (
                "Runtime.ExitError",
                "RequestId: 1 Error: Runtime exited with error: exit status 1",
                "its program exits",
                BY_CHILD,
            ),
            (
                "Sandbox.Timedout",
                "RequestId: 1 Error: Task timed out after 5.00 seconds",
                "its program hangs",
                BY_CHILD,
            ),
            (
                "",
                "2026-11-28T05:00:00.000Z 1 Task timed out after 5.00 seconds",
                "its program hangs",
                BY_CHILD,
            ),
            (
                "InvalidPackage",
                "config.json: x",
                "config.json: x",
                REPACKAGE,
            ),
            (
                "Runtime.ImportModuleError",
                "Unable to import module 'index'",
                "isn't whole",
                REPACKAGE,
            ),
            (
                "NoRecord",
                "the event holds no record",
                "NoRecord",
                BY_ITSELF,
            ),
        ];
        for (kind, message, words, help) in cases {
            let (what, to_do) = why(&fault(kind, message), Launch::Exec);
            assert!(what.contains(words), "{what}");
            assert_eq!(to_do, help, "{what}");
        }
        // There is no third way.
        let (_, help) = why(&fault("Runtime.ExitError", ""), Launch::Child);
        assert_eq!(help, BY_ITSELF);
    }

    #[test]
    fn a_log_rewrites_no_terminal() {
        let log = (0..30).map(|n| format!("line {n}\n")).collect::<String>();
        let shown = tail(&format!("{log}\x1b[2Jclear\tit\r\n\n"));
        assert_eq!(shown.lines().filter(|line| !line.is_empty()).count(), LINES);
        assert!(
            shown.ends_with("\n    line 29\n    \\u{1b}[2Jclear it"),
            "{shown}"
        );
        assert_eq!(tail(" \n"), "");
    }
}
