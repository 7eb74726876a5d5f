//! The artifact bucket, and what it has to hold before the stages are made.

use super::report::count;
use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::bucket::{Bucket, Object};
use crate::aws::stacks::Body;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_compiler::plan::{Footprint, Place, Plan};
use frames_compiler::record::Record;
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The largest template that CloudFormation takes in a request.
const INLINE: usize = 51_200;

/// The bucket of a Region: Lambda takes a zip from one in its own.
pub fn bucket_name(session: &Session<'_>, footprint: &Footprint, region: &str) -> String {
    footprint.bucket(&session.identity.account, region)
}

fn bucket(session: &Session<'_>, footprint: &Footprint, region: &str) -> Bucket {
    let name = bucket_name(session, footprint, region);
    session.aws.bucket(&name, region, &session.identity)
}

/// Uploads what isn't there yet: an object's name depends on its content. The record comes first, so
/// that no other run takes the rest for what nobody needs.
pub async fn upload(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    record: &Record,
) -> Result<()> {
    let footprint = plan.footprint();
    let (service, env) = (&footprint.service, &footprint.env);
    let home = ready(session, &footprint, EDGE_REGION).await?;
    write(session, &home, &footprint, record).await?;
    let mut buckets: BTreeMap<&str, Bucket> = BTreeMap::from([(EDGE_REGION, home.clone())]);
    for zip in &package.zips {
        session.interrupt.check()?;
        let stage = plan.stage_of(zip.function);
        let region = stage.map_or(EDGE_REGION, |stage| stage.region.as_str());
        let key = names::artifact_key(service, env, zip.function, &zip.sha256);
        // A later deployment may leave the Region, and a rollback come back to it.
        if region != EDGE_REGION {
            put(session, &home, &key, &zip.bytes, &zip.sha256).await?;
        }
        let bucket = match buckets.entry(region) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(ready(session, &footprint, region).await?),
        };
        put(session, bucket, &key, &zip.bytes, &zip.sha256).await?;
    }
    for template in &package.templates {
        session.interrupt.check()?;
        let key = names::template_key(service, env, template.stage, &template.sha256);
        let bytes = template.text.as_bytes();
        put(session, &home, &key, bytes, &template.sha256).await?;
    }
    Ok(())
}

/// Writes a record over itself: its key is of the time when it began.
pub(crate) async fn write(
    session: &Session<'_>,
    home: &Bucket,
    footprint: &Footprint,
    record: &Record,
) -> Result<()> {
    let (service, env) = (&footprint.service, &footprint.env);
    let key = names::record_key(service, env, &record.time, &record.id);
    let text = record.text();
    let sha256 = format!("{:x}", Sha256::digest(&text));
    session.progress.detail(&format!("writing {key}"));
    home.put(&key, text.as_bytes(), &sha256).await.map(drop)
}

/// The bucket that has the records; `None` where there is none yet.
pub(crate) async fn home(session: &Session<'_>, footprint: &Footprint) -> Result<Option<Bucket>> {
    let home = bucket(session, footprint, EDGE_REGION);
    Ok(home.exists().await?.then_some(home))
}

/// A template as CloudFormation takes it, in any Region: a large one from the edge's bucket.
pub async fn body<'a>(
    session: &Session<'_>,
    footprint: &Footprint,
    stage: &Place,
    template: &'a str,
) -> Result<Body<'a>> {
    if template.len() <= INLINE {
        return Ok(Body::Text(template));
    }
    let bucket = ready(session, footprint, EDGE_REGION).await?;
    let sha256 = format!("{:x}", Sha256::digest(template));
    let key = names::template_key(&footprint.service, &footprint.env, stage.name, &sha256);
    let object = put(session, &bucket, &key, template.as_bytes(), &sha256).await?;
    Ok(Body::InS3 {
        text: template,
        url: bucket.url(&object),
        object,
    })
}

/// What an environment has in an artifact bucket.
#[derive(Debug)]
pub struct Artifacts {
    pub bucket: Bucket,
    pub region: String,
    /// `image-frames/dev/`
    pub prefix: String,
    /// Every version of every object that frames put there.
    pub own: Vec<Object>,
    /// The keys of those that are there now.
    pub now: BTreeSet<String>,
    /// What else is there and stays: folders end with a slash.
    pub others: Vec<String>,
}

impl Artifacts {
    /// Finds them in every Region that has some.
    pub async fn all(session: &Session<'_>, footprint: &Footprint) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for region in footprint.bucket_regions() {
            all.extend(Self::find(session, footprint, region).await?);
        }
        Ok(all)
    }

    /// Finds them by the form of their keys. Without a bucket, there are none.
    async fn find(
        session: &Session<'_>,
        footprint: &Footprint,
        region: &str,
    ) -> Result<Option<Self>> {
        let bucket = bucket(session, footprint, region);
        if !bucket.exists().await? {
            return Ok(None);
        }
        let is_own = |key: &str| names::is_artifact(&footprint.service, &footprint.env, key);
        let prefix = names::artifact_prefix(&footprint.service, &footprint.env);
        let mut below = bucket.below(&prefix).await?;
        let records = names::record_prefix(&footprint.service, &footprint.env);
        if region == EDGE_REGION {
            let found = bucket.below(&records).await?;
            below.versions.extend(found.versions);
            // The folder stays where something else is in it.
            below.names.retain(|name| *name != records);
            below.names.extend(found.names);
        }
        below.versions.retain(|object| is_own(&object.key));
        let (now, others): (Vec<_>, Vec<_>) = below.names.into_iter().partition(|it| is_own(it));
        Ok(Some(Self {
            bucket,
            region: region.to_owned(),
            prefix,
            own: below.versions,
            now: now.into_iter().collect(),
            others,
        }))
    }

    /// How many they are, without their versions.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.own.iter().map(|object| object.key.as_str()).collect()
    }
}

/// Deletes them, with the templates that a removal has uploaded.
pub async fn delete(
    session: &Session<'_>,
    footprint: &Footprint,
    found: Vec<Artifacts>,
    uploaded: Vec<Object>,
) -> Result<()> {
    let templates = (bucket(session, footprint, EDGE_REGION), uploaded);
    let found = found.into_iter().map(|found| (found.bucket, found.own));
    let mut all: Vec<(Bucket, Vec<Object>)> = found.collect();
    match all
        .iter_mut()
        .find(|(bucket, _)| bucket.name == templates.0.name)
    {
        Some((_, own)) => own.extend(templates.1),
        None => all.push(templates),
    }
    for (bucket, own) in all.iter().filter(|(_, own)| !own.is_empty()) {
        bucket.delete(own).await?;
        let keys: BTreeSet<&str> = own.iter().map(|object| object.key.as_str()).collect();
        let what = count(keys.len(), "artifact");
        let what = format!("{what} in bucket {}", bucket.name);
        session.progress.step("Deleted", &what);
    }
    Ok(())
}

/// Deletes the zips in the Regions of stages that are gone, where no other stage has its own.
pub async fn leave(session: &Session<'_>, footprint: &Footprint, gone: &[Place]) -> Result<()> {
    let wanted = footprint.bucket_regions();
    let regions: BTreeSet<&str> = gone.iter().map(|place| place.region.as_str()).collect();
    for region in regions.difference(&wanted) {
        session.interrupt.check()?;
        let found = Artifacts::find(session, footprint, region).await?;
        delete(session, footprint, found.into_iter().collect(), vec![]).await?;
    }
    Ok(())
}

async fn ready(session: &Session<'_>, footprint: &Footprint, region: &str) -> Result<Bucket> {
    let bucket = bucket(session, footprint, region);
    match footprint.own_bucket(region) {
        None => {
            if bucket.ensure().await? {
                session
                    .progress
                    .step("Made", &format!("bucket {} for artifacts", bucket.name));
            }
        }
        Some(name) if !bucket.exists().await? => {
            return Err(Failure::new(format!("there is no bucket {name}")).help(
                "make it in us-east-1, correct `deploy.bucket`, or remove that key: frames then makes one",
            ));
        }
        Some(_) => {}
    }
    Ok(bucket)
}

async fn put(
    session: &Session<'_>,
    bucket: &Bucket,
    key: &str,
    bytes: &[u8],
    sha256: &str,
) -> Result<Object> {
    if let Some(object) = bucket.holds(key, sha256).await? {
        session.progress.detail(&format!("{key} is there already"));
        return Ok(object);
    }
    session.progress.step(
        "Uploading",
        &format!("{key} ({} bytes) to {}", bytes.len(), bucket.name),
    );
    bucket.put(key, bytes, sha256).await
}
