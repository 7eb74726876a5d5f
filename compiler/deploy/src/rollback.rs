//! An earlier deployment, from its record: which one, whether it can be deployed, and what going
//! back to it doesn't undo. From there on it is deployed as any other.
//!
//! Whoever may write to the artifact bucket may have written a record. So it is opened by
//! [`Record::open`], which believes nothing in it; zips and templates are held against their
//! hashes, and versions are published of the bytes that the template names, or not at all.

use super::history::{self, Deployed, History};
use super::located;
use super::report::count;
use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::bucket::{Bucket, Content};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::limits;
use frames_compiler::names;
use frames_compiler::package::{Package, Zip};
use frames_compiler::plan::{Footprint, Plan};
use frames_compiler::printable;
use frames_compiler::record::behind::{Behind, behind};
use frames_compiler::record::open::Opened;
use frames_compiler::record::{Kind, Record, State};
use frames_compiler::secrets::Masks;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer digits of an id are too easily somebody else's.
const FEWEST_DIGITS: usize = 4;

/// What a rollback deploys.
#[derive(Debug)]
pub struct Back {
    pub plan: Plan,
    pub package: Package,
    pub record: Record,
    /// The newest record is of the same, and came to its end.
    pub is_newest: bool,
}

/// The deployment to go back to: the one of this id; else the one that an interrupted rollback
/// was about; else the newest that isn't deployed now.
pub fn choose<'a>(
    history: &'a History,
    wanted: Option<&str>,
    live: Option<usize>,
) -> Result<&'a Record> {
    let live = live.and_then(|index| history.records.get(index));
    let mut whole = history.records.iter().filter(|record| record.is_whole());
    let Some(wanted) = wanted else {
        let newest = history.records.first();
        let begun =
            |record: &&Record| (record.state, record.kind) == (State::Begun, Kind::Rollback);
        if let Some(begun) = newest.filter(begun) {
            return Ok(begun);
        }
        let is_other = |record: &&Record| live.is_none_or(|live| !live.is_same(record));
        return whole.find(is_other).ok_or_else(|| {
            Failure::new("there is no earlier deployment to go back to")
                .help("`frames history` lists what there is; `deploy.keep` says how many are kept")
        });
    };
    let matches =
        |record: &&Record| wanted.len() >= FEWEST_DIGITS && record.sha256().starts_with(wanted);
    let found: Vec<&Record> = whole.filter(matches).collect();
    let first = found.first().copied();
    match first {
        Some(first) if found.iter().all(|record| record.is_same(first)) => Ok(first),
        Some(_) => Err(Failure::usage(format!(
            "{wanted} is the beginning of several deployments' ids"
        ))
        .help("write more of it: `frames history` shows 12 digits, and all 64 as `sha256` with --format json")),
        None if history.records.iter().any(|record| matches(&record)) => {
            Err(Failure::new(format!(
                "deployment {wanted} didn't come to its end, or was of one stage only: it can't be gone back to"
            ))
            .help("`frames history` lists the others"))
        }
        None => Err(Failure::new(format!("there is no deployment {wanted}"))
            .help("`frames history` lists those that are kept")),
    }
}

/// Reads and checks all that it takes, before anything changes.
pub async fn open(
    session: &Session<'_>,
    footprint: &Footprint,
    history: &History,
    chosen: &Record,
    unsafe_overlay: bool,
) -> Result<Back> {
    let whose = history::whose(session, footprint);
    // Before anything is read under a name that it gives.
    let own = chosen.check(whose);
    own.map_err(|reason| refused(chosen, &reason))?;
    let home = history::home(session, footprint).await?;
    same_region(session, footprint, chosen).await?;
    let mut texts = BTreeMap::new();
    for (stage, key) in chosen.templates() {
        session.interrupt.check()?;
        let Content::Bytes { bytes, .. } = home.get(key, limits::TEMPLATE).await? else {
            return Err(missing(chosen, &home, key));
        };
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| refused(chosen, &format!("{key} is no text")))?;
        texts.insert(stage.to_owned(), text);
    }
    let opened = chosen.open(whose, &texts);
    let opened = opened.map_err(|reason| refused(chosen, &reason))?;
    refuse_unsafe(chosen, &opened, unsafe_overlay)?;
    let zips = zips(session, &home, chosen).await?;
    let newest = history.records.first();
    let again = chosen.again(&history::now()?, &session.identity.arn);
    Ok(Back {
        plan: opened.plan,
        package: Package {
            zips,
            templates: opened.templates,
            plan_json: String::new(),
        },
        record: history::going_on(again, newest),
        is_newest: newest.is_some_and(|newest| newest.is_whole() && newest.is_same(chosen)),
    })
}

/// All zips are in the bucket of the edge's Region. One that a stack takes from another Region's
/// bucket is put there again.
async fn zips(session: &Session<'_>, home: &Bucket, chosen: &Record) -> Result<Vec<Zip>> {
    let mut zips = Vec::new();
    for zip in chosen.zips() {
        session.interrupt.check()?;
        if home.holds(&zip.key, &zip.sha256).await?.is_none() {
            return Err(missing(chosen, home, &zip.key));
        }
        if zip.region == EDGE_REGION {
            continue;
        }
        let Content::Bytes { bytes, .. } = home.get(&zip.key, limits::ZIP).await? else {
            return Err(missing(chosen, home, &zip.key));
        };
        if format!("{:x}", Sha256::digest(&bytes)) != zip.sha256 {
            return Err(missing(chosen, home, &zip.key));
        }
        let file = zip.key.rsplit('/').next().unwrap_or_default();
        let function = names::FUNCTIONS
            .iter()
            .find(|name| file.starts_with(**name));
        zips.push(Zip {
            function: function.ok_or_else(|| missing(chosen, home, &zip.key))?,
            file: file.to_owned(),
            bytes,
            sha256: zip.sha256,
        });
    }
    Ok(zips)
}

fn missing(chosen: &Record, home: &Bucket, key: &str) -> Failure {
    Failure::new(format!(
        "deployment {} can't be deployed again: s3://{}/{key} is gone, or isn't what was packaged",
        chosen.id, home.name
    ))
    .help("nothing was changed. Somebody else, or a lifecycle rule of your own, deleted or overwrote it: choose another deployment, or deploy that commit with `frames deploy`")
}

fn refused(chosen: &Record, reason: &str) -> Failure {
    Failure::new(format!(
        "deployment {} isn't deployed again: {reason}",
        chosen.id
    ))
    .help("nothing was changed. Where frames didn't write it like that, somebody else did: check who may write to the artifact bucket")
}

/// What an overlay opened then opens it again.
fn refuse_unsafe(chosen: &Record, opened: &Opened, allowed: bool) -> Result<()> {
    if allowed || opened.unsafe_overlays.is_empty() {
        return Ok(());
    }
    let reason = opened.unsafe_overlays.join("; ");
    if chosen.unsafe_overlay {
        return Err(Failure::new(format!(
            "deployment {} was made with --allow-unsafe-overlay: {reason}",
            chosen.id
        ))
        .help("nothing was changed. Deploy it again with the same flag, or choose another"));
    }
    Err(refused(chosen, &reason))
}

/// A deployed cdn stack doesn't move.
async fn same_region(session: &Session<'_>, footprint: &Footprint, chosen: &Record) -> Result<()> {
    let memory = located::memory(session, &footprint.service, &footprint.env).await?;
    let now = memory.and_then(|memory| memory.region);
    match (now, chosen.cdn_region()) {
        (Some(now), Some(then)) if now != then => Err(Failure::new(format!(
            "deployment {} had its cdn stack in {then}, and now it is in {now}: a deployed stack doesn't move",
            chosen.id
        ))
        .help(format!(
            "nothing was changed. Choose a deployment to {now}; or deploy that commit as another environment (`frames deploy -e NAME`)"
        ))),
        _ => Ok(()),
    }
}

/// What the records of what is deployed and of what is to come know as a secret there: places and
/// values. Another's word could hide a change.
pub fn secrets(
    history: &History,
    deployed: &[Deployed],
    package: &Package,
    chosen: &Record,
) -> Vec<(String, String)> {
    let live = history.live(deployed);
    // Else it was interrupted, between the whole one and those after it.
    let whole = || history.records.iter().position(Record::is_whole);
    let now = match live {
        Some(live) => live..live + 1,
        None => 0..whole().map_or(history.records.len(), |index| index + 1),
    };
    let now = history.records.get(now).unwrap_or_default();
    let standing = deployed.iter().map(|it| (it.standing.stage, &it.template));
    let wanted = package.templates.iter().map(|it| (it.stage, &it.value));
    let found = now.iter().flat_map(|it| it.secrets(standing.clone()));
    let found = found.chain(chosen.secrets(wanted));
    let mut found: Vec<(String, String)> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The same as what no change shows. Who agrees to a change has to know what is hidden.
pub fn concealing(session: &Session<'_>, secrets: &[(String, String)]) -> Masks {
    if !secrets.is_empty() {
        let places: BTreeSet<&str> = secrets.iter().map(|(place, _)| place.as_str()).collect();
        let shown: Vec<Cow<'_, str>> = places.iter().map(|it| printable::line(it)).collect();
        let what = format!(
            "{}, which their record calls secret: {}",
            count(places.len(), "value"),
            shown.join(", ")
        );
        session.progress.step("Hiding", &what);
    }
    Masks::new(secrets.iter().map(|(_, text)| text.as_str()))
}

/// Says what going back opens and doesn't undo, and refuses what would fail half way. Whether it
/// has to be agreed to, whatever else changes.
pub fn warn(
    session: &Session<'_>,
    deployed: &[Deployed],
    back: &Back,
    live: Option<&Record>,
) -> Result<bool> {
    let opens = back.record.is_open() && !live.is_some_and(Record::is_open);
    if opens {
        let what = "the endpoint: whoever knows its address gets images without a token (`auth.mode: none`)";
        session.progress.step("Opening", what);
    }
    let mut stays = Vec::new();
    for wanted in &back.package.templates {
        let mut standing = deployed.iter();
        let Some(standing) = standing.find(|it| it.standing.stage == wanted.stage) else {
            continue;
        };
        for one in behind(&standing.template, &wanted.value) {
            match one {
                Behind::Stays(what) => stays.push(format!("{}: {what}", wanted.stage)),
                Behind::Impossible(what) => {
                    return Err(Failure::new(format!("stage {} can't go back: {what}", wanted.stage))
                        .help("nothing was changed. Choose a later deployment, or change the manifest and deploy that"));
                }
            }
        }
    }
    for what in &stays {
        session.progress.step("Stays", what);
    }
    Ok(opens || !stays.is_empty())
}
