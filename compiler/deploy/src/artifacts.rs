//! The artifact bucket, and what it has to hold before the stages are made.

use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::bucket::{Bucket, Object};
use crate::aws::stacks::Body;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_compiler::plan::{Footprint, Place};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The largest template that CloudFormation takes in a request.
const INLINE: usize = 51_200;

pub fn bucket_name(session: &Session<'_>, footprint: &Footprint) -> String {
    let managed = || names::managed_bucket(&session.identity.account);
    footprint.artifact_bucket.clone().unwrap_or_else(managed)
}

pub fn bucket(session: &Session<'_>, footprint: &Footprint) -> Bucket {
    let name = bucket_name(session, footprint);
    session.aws.bucket(&name, EDGE_REGION, &session.identity)
}

/// Uploads the zips that aren't there yet: a zip's name depends on its content.
pub async fn upload(session: &Session<'_>, footprint: &Footprint, package: &Package) -> Result<()> {
    let bucket = ready(session, footprint).await?;
    for zip in &package.zips {
        session.interrupt.check()?;
        let key = names::artifact_key(
            &footprint.service,
            &footprint.env,
            zip.function,
            &zip.sha256,
        );
        put(session, &bucket, &key, &zip.bytes, &zip.sha256).await?;
    }
    Ok(())
}

/// A template as CloudFormation takes it: a large one from the bucket.
pub async fn body<'a>(
    session: &Session<'_>,
    footprint: &Footprint,
    stage: &Place,
    template: &'a str,
) -> Result<Body<'a>> {
    if template.len() <= INLINE {
        return Ok(Body::Text(template));
    }
    let bucket = ready(session, footprint).await?;
    let sha256 = format!("{:x}", Sha256::digest(template));
    let key = names::template_key(&footprint.service, &footprint.env, stage.name, &sha256);
    let object = put(session, &bucket, &key, template.as_bytes(), &sha256).await?;
    Ok(Body::InS3 {
        text: template,
        url: bucket.url(&object),
        object,
    })
}

/// What an environment has in the artifact bucket.
#[derive(Debug)]
pub struct Artifacts {
    pub bucket: Bucket,
    /// `image-frames/dev/`
    pub prefix: String,
    /// Every version of every object that frames put there.
    pub own: Vec<Object>,
    /// What else is there and stays: folders end with a slash.
    pub others: Vec<String>,
}

impl Artifacts {
    /// Finds them by the form of their keys. Without a bucket, there are none.
    pub async fn find(session: &Session<'_>, footprint: &Footprint) -> Result<Option<Self>> {
        let bucket = bucket(session, footprint);
        if !bucket.exists().await? {
            return Ok(None);
        }
        let is_own = |key: &str| names::is_artifact(&footprint.service, &footprint.env, key);
        let prefix = names::artifact_prefix(&footprint.service, &footprint.env);
        let mut below = bucket.below(&prefix).await?;
        below.versions.retain(|object| is_own(&object.key));
        below.names.retain(|name| !is_own(name));
        Ok(Some(Self {
            bucket,
            prefix,
            own: below.versions,
            others: below.names,
        }))
    }

    /// How many they are, without their versions.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.own.iter().map(|object| object.key.as_str()).collect()
    }
}

async fn ready(session: &Session<'_>, footprint: &Footprint) -> Result<Bucket> {
    let bucket = bucket(session, footprint);
    match &footprint.artifact_bucket {
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
    session
        .progress
        .step("Uploading", &format!("{key} ({} bytes)", bytes.len()));
    bucket.put(key, bytes, sha256).await
}
