//! The deployments of an environment, as their records in the artifact bucket have them. A record
//! is written before anything changes, and again at the end: a run that was interrupted is there
//! to see, and the next one goes on with its record.

use super::artifacts::{self, Artifacts};
use super::picture;
use super::report::count;
use super::session::Session;
use crate::aws::bucket::{Bucket, Content, Object};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use frames_compiler::failure::{Context, Exit, Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_compiler::plan::{Footprint, Place, Plan};
use frames_compiler::record::open::Whose;
use frames_compiler::record::{self, About, Commit, Record, Standing};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

/// How far the clocks of those who deploy may differ, in seconds.
const CLOCKS: i64 = 5 * 60;

/// S3's clock is right, and a record is written when it begins.
const WRITTEN_BEFORE: i64 = 60 * 60;

/// It is written again at its end, and by the run that goes on with it.
const GOES_ON_WITHIN: i64 = 3 * 24 * 60 * 60;
const WRITTEN_AFTER: i64 = GOES_ON_WITHIN + 24 * 60 * 60;

/// A record has a few kilobytes, and some more with many tags.
const MOST: usize = 1_000_000;

/// What the command knows of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Of frames.
    pub version: &'a str,
    pub commit: Option<&'a Commit>,
    /// Only this stage.
    pub only: Option<&'a str>,
}

#[derive(Debug, Default)]
pub struct History {
    /// The newest first.
    pub records: Vec<Record>,
    /// Objects that have a record's name and aren't one: key and reason.
    pub unreadable: Vec<(String, String)>,
}

/// A stage's stack, with its template.
#[derive(Debug)]
pub struct Deployed {
    pub standing: Standing,
    pub template: Value,
    parameters: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

/// Reads all of them.
pub async fn look(session: &Session<'_>, footprint: &Footprint) -> Result<History> {
    let mut history = History::default();
    let Some(home) = artifacts::home(session, footprint).await? else {
        return Ok(history);
    };
    for key in keys(&home, footprint).await? {
        session.interrupt.check()?;
        match read(&home, footprint, &key).await? {
            Some(Ok(record)) => history.records.push(record),
            Some(Err(reason)) => history.unreadable.push((key, reason)),
            // Another run has deleted it since.
            None => {}
        }
    }
    Ok(history)
}

/// The newest first.
async fn keys(home: &Bucket, footprint: &Footprint) -> Result<Vec<String>> {
    let (service, env) = (&footprint.service, &footprint.env);
    let below = home.below(&names::record_prefix(service, env)).await?;
    let mut keys = below.names;
    keys.retain(|key| names::record_id(service, env, key).is_some());
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(keys)
}

async fn read(
    home: &Bucket,
    footprint: &Footprint,
    key: &str,
) -> Result<Option<std::result::Result<Record, String>>> {
    let (service, env) = (&footprint.service, &footprint.env);
    Ok(match home.get(key, MOST).await? {
        Content::Nothing => None,
        Content::TooMuch(bytes) => Some(Err(format!("it has {bytes} bytes"))),
        Content::Bytes { bytes, written } => {
            let now = seconds(&now()?);
            let read = Record::read(&bytes, service, env, key);
            Some(read.and_then(|record| dated(record, written, now)))
        }
    })
}

/// Whether a record can be of the time that it says. Else one of tomorrow would stay the newest, and
/// one of last year could come to be the one before.
fn dated(
    record: Record,
    written: Option<i64>,
    now: Option<i64>,
) -> std::result::Result<Record, String> {
    let (Some(time), Some(now)) = (seconds(&record.time), now) else {
        return Err("its time is none".to_owned());
    };
    let Some(written) = written else {
        return Err("S3 doesn't say when it was written".to_owned());
    };
    if time > now + CLOCKS {
        return Err("its time is later than now".to_owned());
    }
    if written < time - WRITTEN_BEFORE {
        return Err("S3 has it from before its time".to_owned());
    }
    if written > time + WRITTEN_AFTER {
        return Err(
            "S3 has it from days after its time: somebody wrote it again, or copied it".to_owned(),
        );
    }
    Ok(record)
}

/// Since 1970.
fn seconds(time: &str) -> Option<i64> {
    let read = DateTime::from_str(time, DateTimeFormat::DateTime);
    read.ok().map(|time| time.secs())
}

/// The record of this deployment: a new one, or that of the run that it goes on with.
pub async fn begin(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    run: Run<'_>,
) -> Result<Record> {
    let newest = newest(session, &plan.footprint()).await?;
    begun(session, plan, package, run, newest.as_ref())
}

fn begun(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    run: Run<'_>,
    newest: Option<&Record>,
) -> Result<Record> {
    let about = About {
        time: &now()?,
        who: &session.identity.arn,
        account: &session.identity.account,
        version: run.version,
        commit: run.commit,
        only: run.only,
        masks: &session.masks,
    };
    let record = Record::new(plan, package, &about)
        .ok_or_else(|| Failure::new("frames made a plan.json that it can't read"))?;
    Ok(going_on(record, newest))
}

/// The same under the key of the run that was interrupted, unless that was long ago.
pub(crate) fn going_on(record: Record, newest: Option<&Record>) -> Record {
    let is_recent = |newest: &&Record| {
        let times = seconds(&record.time).zip(seconds(&newest.time));
        times.is_some_and(|(now, then)| now - then < GOES_ON_WITHIN)
    };
    match newest.filter(|newest| record.goes_on(newest) && is_recent(newest)) {
        Some(newest) => record.since(newest),
        None => record,
    }
}

async fn newest(session: &Session<'_>, footprint: &Footprint) -> Result<Option<Record>> {
    let Some(home) = artifacts::home(session, footprint).await? else {
        return Ok(None);
    };
    for key in keys(&home, footprint).await? {
        if let Some(Ok(record)) = read(&home, footprint, &key).await? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// Everything is deployed as it is packaged: that has a record, or gets one now.
pub async fn unchanged(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    run: Run<'_>,
) -> Result<()> {
    // What the other stages have isn't known.
    if run.only.is_some() {
        return Ok(());
    }
    let newest = newest(session, &plan.footprint()).await?;
    let record = begun(session, plan, package, run, newest.as_ref())?;
    if newest.is_some_and(|newest| newest.is_whole() && newest.is_same(&record)) {
        return Ok(());
    }
    artifacts::upload(session, plan, package, &record).await?;
    end(session, plan, record).await
}

/// The end of a deployment: the record says that it is done, and what no kept one needs is deleted.
/// What is deployed is, even where S3 refuses to delete something.
pub async fn end(session: &Session<'_>, plan: &Plan, record: Record) -> Result<()> {
    let is_whole = record.only.is_none();
    done(session, &plan.footprint(), record.clone()).await?;
    if !is_whole {
        return Ok(());
    }
    match prune(session, plan, &record).await {
        Err(failure) if failure.exit != Exit::Interrupted => {
            let help = failure.help.map(|help| format!("; {help}"));
            let what = format!(
                "everything is deployed, but what no kept deployment needs is still there: {}{}",
                failure.message,
                help.unwrap_or_default()
            );
            session.progress.step("Warning", &what);
            Ok(())
        }
        other => other,
    }
}

/// The same without deleting: only a deployment by a manifest says how many are kept.
pub async fn done(session: &Session<'_>, footprint: &Footprint, record: Record) -> Result<()> {
    let home = home(session, footprint).await?;
    artifacts::write(session, &home, footprint, &record.done()).await
}

/// The bucket of a run that needs what is in it.
pub(crate) async fn home(session: &Session<'_>, footprint: &Footprint) -> Result<Bucket> {
    let home = artifacts::home(session, footprint).await?;
    home.ok_or_else(|| {
        Failure::new("the artifact bucket is gone, and every record of a deployment with it")
            .help(if session.is_rollback() {
                "there is nothing left to go back to. `frames deploy` makes the bucket again, and deploys what frames.yml says now"
            } else {
                "run `frames deploy`, which makes it again"
            })
    })
}

/// Whose records they have to be.
pub(crate) fn whose<'a>(session: &'a Session<'_>, footprint: &'a Footprint) -> Whose<'a> {
    Whose {
        service: &footprint.service,
        env: &footprint.env,
        account: &session.identity.account,
        artifact_bucket: footprint.artifact_bucket.as_deref(),
    }
}

/// Deletes the records beyond `deploy.keep`, and the artifacts that none of the others needs.
async fn prune(session: &Session<'_>, plan: &Plan, current: &Record) -> Result<()> {
    let footprint = plan.footprint();
    // The objects come first: whatever comes later has a record by then.
    let found = Artifacts::all(session, &footprint).await?;
    let history = look(session, &footprint).await?;
    if let Some((key, reason)) = history.unreadable.first() {
        let what =
            format!("what no deployment needs any more, since frames can't read {key}: {reason}");
        session.progress.step("Keeping", &what);
        return Ok(());
    }
    let (service, env) = (&footprint.service, &footprint.env);
    let mut needed: BTreeSet<String> = current.keys().into_iter().collect();
    let whose = whose(session, &footprint);
    for record in kept(&history.records, current, plan.keep, whose) {
        needed.insert(names::record_key(service, env, &record.time, &record.id));
        needed.extend(record.keys());
    }
    let mut deleted = 0;
    for artifacts in found {
        session.interrupt.check()?;
        // Without their versions: where the bucket keeps versions, what was deleted for records that
        // somebody planted can be had back.
        let going = artifacts.now.difference(&needed).map(|key| Object {
            key: key.clone(),
            version: None,
        });
        let going: Vec<Object> = going.collect();
        artifacts.bucket.delete(&going).await?;
        deleted += going.len();
    }
    if deleted > 0 {
        let what = format!(
            "{} that no kept deployment needs",
            count(deleted, "artifact")
        );
        session.progress.step("Deleted", &what);
    }
    Ok(())
}

/// The newest, as many as have `keep` different packages among those that came to their end. The
/// current one counts as such. Going back and forth between a few loses none. One that can't be gone
/// back to takes no other's place.
fn kept<'a>(
    records: &'a [Record],
    current: &'a Record,
    keep: usize,
    whose: Whose<'_>,
) -> Vec<&'a Record> {
    let mut different = BTreeSet::from([current.sha256()]);
    let mut kept = Vec::new();
    for record in records {
        if record.is_whole() && record.check(whose).is_ok() {
            let is_another = different.insert(record.sha256());
            if is_another && different.len() > keep {
                break;
            }
        }
        kept.push(record);
    }
    kept
}

/// The stacks as they are deployed now.
pub async fn deployed(session: &Session<'_>, footprint: &Footprint) -> Result<Vec<Deployed>> {
    let mut found: Vec<Deployed> = Vec::new();
    let places: Vec<&Place> = footprint.stages.iter().chain(&footprint.former).collect();
    for place in places {
        let stacks = session.aws.stacks(&place.region);
        let stack = stacks.describe(&place.stack_name).await?;
        let own = |stack: &_| picture::is_own(place, stack);
        let Some(stack) = stack.filter(|stack| stack.status.updatable() && own(stack)) else {
            continue;
        };
        let text = stacks.template(&stack.id).await?;
        let read = record::digest(place.name, &text).zip(serde_json::from_str(&text).ok());
        let Some((sha256, template)) = read else {
            continue;
        };
        found.push(Deployed {
            standing: Standing {
                stage: place.name,
                region: place.region.clone(),
                sha256,
                tags: stack.tags,
                termination_protection: stack.termination_protection,
            },
            template,
            parameters: stack.parameters,
            outputs: stack.outputs,
        });
    }
    Ok(found)
}

/// Whether a stage still has what an earlier one made before its last change. A parameter has the
/// name of the output that it takes.
fn is_torn(deployed: &[Deployed]) -> bool {
    deployed.iter().enumerate().any(|(index, stage)| {
        let before = deployed.get(..index).unwrap_or_default();
        stage.parameters.iter().any(|(name, value)| {
            let mut made = before.iter().filter_map(|it| it.outputs.get(name));
            made.any(|made| made != value)
        })
    })
}

impl History {
    /// The newest record of what is deployed.
    pub fn live(&self, deployed: &[Deployed]) -> Option<usize> {
        if is_torn(deployed) {
            return None;
        }
        let standing: Vec<Standing> = deployed.iter().map(|it| it.standing.clone()).collect();
        self.records
            .iter()
            .position(|record| record.only.is_none() && record.is_live(&standing))
    }

    /// What the one at `index` changed, in words.
    pub fn changed(&self, index: usize) -> Vec<String> {
        let Some(record) = self.records.get(index) else {
            return Vec::new();
        };
        let mut earlier = self.records.iter().skip(index + 1);
        record.changed(earlier.find(|earlier| earlier.is_whole()))
    }

    /// What scripts get.
    pub fn json(&self, footprint: &Footprint, live: Option<usize>) -> Value {
        let records = self.records.iter().enumerate().map(|(index, record)| {
            let mut shown = json!({
                "id": record.id,
                "sha256": record.sha256(),
                "time": record.time,
                "who": record.who,
                "kind": record.kind,
                "state": record.state,
                "live": live == Some(index),
                "changed": self.changed(index),
                "version": record.version,
                "commit": record.commit,
            });
            if let Some(only) = &record.only {
                shown["only"] = json!(only);
            }
            shown
        });
        json!({
            "service": footprint.service,
            "env": footprint.env,
            "deployments": records.collect::<Vec<_>>(),
        })
    }
}

/// `2026-11-28T23:12:05.123Z`, always as long: the order of keys is the order of time.
pub(crate) fn now() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.context(|| "the clock is before 1970")?;
    let seconds = i64::try_from(since.as_secs()).context(|| "the clock is off")?;
    let time = DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime);
    let time = time.context(|| "the clock is off")?;
    Ok(format!(
        "{}.{:03}Z",
        time.trim_end_matches('Z'),
        since.subsec_millis()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_always_as_long() {
        let time = now().unwrap();
        let key = names::record_key("x", "dev", &time, "0123456789ab");
        assert_eq!(time.len(), "2026-11-28T23:12:05.123Z".len());
        assert_eq!(names::record_id("x", "dev", &key), Some("0123456789ab"));
        assert!(seconds(&time).is_some());
    }
}
