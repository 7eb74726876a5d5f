//! The artifact bucket, and what it has to hold before the stages are made.

use super::Session;
use crate::artifact::Package;
use crate::aws::EDGE_REGION;
use crate::aws::bucket::Bucket;
use crate::aws::stacks::Body;
use crate::failure::{Failure, Result};
use frames_compiler::plan::{Plan, Stage, names};
use sha2::{Digest, Sha256};

/// What CloudFormation takes in a request.
const INLINE: usize = 51_200;

pub fn bucket_name(session: &Session<'_>, plan: &Plan) -> String {
    let managed = || names::managed_bucket(&session.identity.account);
    plan.artifact_bucket.clone().unwrap_or_else(managed)
}

pub fn bucket(session: &Session<'_>, plan: &Plan) -> Bucket {
    let name = bucket_name(session, plan);
    session.aws.bucket(&name, EDGE_REGION, &session.identity)
}

/// Uploads the zips that aren't there yet: their names tell their content.
pub async fn upload(session: &Session<'_>, plan: &Plan, package: &Package) -> Result<()> {
    let bucket = ready(session, plan).await?;
    for zip in &package.zips {
        session.interrupt.check()?;
        let function = plan
            .functions()
            .find(|function| function.name == zip.function);
        let Some(function) = function else { continue };
        let key = names::artifact_key(&plan.service, &plan.env, function, &zip.sha256);
        put(session, &bucket, &key, &zip.bytes, &zip.sha256).await?;
    }
    Ok(())
}

/// A template as CloudFormation takes it: a large one from the bucket.
pub async fn body<'a>(
    session: &Session<'_>,
    plan: &Plan,
    stage: &Stage,
    template: &'a str,
) -> Result<Body<'a>> {
    if template.len() <= INLINE {
        return Ok(Body::Text(template));
    }
    let bucket = ready(session, plan).await?;
    let sha256 = format!("{:x}", Sha256::digest(template));
    let key = names::template_key(&plan.service, &plan.env, stage.name, &sha256);
    put(session, &bucket, &key, template.as_bytes(), &sha256).await?;
    Ok(Body::Url(bucket.url(&key)))
}

async fn ready(session: &Session<'_>, plan: &Plan) -> Result<Bucket> {
    let bucket = bucket(session, plan);
    match &plan.artifact_bucket {
        None => {
            if bucket.ensure().await? {
                session
                    .progress
                    .step("Made", &format!("bucket {} for artifacts", bucket.name));
            }
        }
        Some(name) if !bucket.exists().await? => {
            return Err(Failure::new(format!("there is no bucket {name}")).help(
                "make it in us-east-1, correct `deploy.bucket`, or leave it out: frames makes one",
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
) -> Result<()> {
    if bucket.holds(key, sha256).await? {
        session.progress.detail(&format!("{key} is there already"));
        return Ok(());
    }
    session
        .progress
        .step("Uploading", &format!("{key} ({} bytes)", bytes.len()));
    bucket.put(key, bytes, sha256).await
}
