//! Versions that nothing refers to any more. CloudFront's replicas may hold
//! them for hours: what can't be deleted now is deleted with a later deployment. The reader's
//! have no replicas: they go once its alias is on a newer one.

use super::session::Session;
use super::stage::Done;
use crate::aws::EDGE_REGION;
use crate::aws::functions::{Deleted, function_version};
use frames_compiler::failure::Result;
use frames_compiler::names;
use frames_compiler::plan::Plan;
use std::collections::BTreeMap;

/// Deletes the versions older than all that are in use; no more than `most` of them.
pub(crate) async fn collect(
    session: &Session<'_>,
    plan: &Plan,
    done: &[Done],
    most: usize,
) -> Result<()> {
    let own = plan.functions();
    let own: Vec<String> = own
        .map(|function| names::function(&plan.service, &plan.env, function.name))
        .collect();
    let (mut held, mut tried) = (0, 0);
    // An overlay's outputs may name anybody's function.
    let in_use = in_use(done).into_iter();
    for ((region, function), oldest) in in_use.filter(|((_, function), _)| own.contains(function)) {
        let functions = session.aws.functions_in(&region);
        for version in functions.versions(&function).await? {
            session.interrupt.check()?;
            // A newer one may belong to another run, which is about to use it.
            if version >= oldest || tried >= most {
                continue;
            }
            tried += 1;
            match functions.delete_version(&function, version).await? {
                Deleted::Deleted => session
                    .progress
                    .detail(&format!("deleted {function}:{version}")),
                Deleted::Replicated => held += 1,
                Deleted::InUse => session
                    .progress
                    .detail(&format!("kept {function}:{version}: an alias is on it")),
            }
        }
    }
    if held > 0 {
        let (versions, them) = if held == 1 {
            ("version", "it")
        } else {
            ("versions", "them")
        };
        let what = format!(
            "{held} old function {versions} that CloudFront's replicas still hold; a later deployment deletes {them}"
        );
        session.progress.step("Keeping", &what);
    }
    Ok(())
}

/// By Region and function, the lowest version that is an output or a parameter of a stage.
fn in_use(done: &[Done]) -> BTreeMap<(String, String), u64> {
    let mut oldest = BTreeMap::new();
    for done in done {
        let values = done
            .stack
            .outputs
            .values()
            .chain(done.stack.parameters.values());
        for (arn, (function, version)) in
            values.filter_map(|arn| Some((arn, function_version(arn)?)))
        {
            let region = arn.split(':').nth(3).unwrap_or(EDGE_REGION).to_owned();
            let known = oldest.entry((region, function)).or_insert(version);
            *known = version.min(*known);
        }
    }
    oldest
}
