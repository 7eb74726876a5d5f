//! CloudFormation's own validation of templates that are too large for a request: these have to be
//! in the bucket first. The others are validated before anything is uploaded.

use super::artifacts;
use super::session::Session;
use crate::aws::stacks::Validity;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::online::templates::INLINE;
use frames_compiler::package::Package;
use frames_compiler::plan::Plan;

pub async fn large_templates(session: &Session<'_>, plan: &Plan, package: &Package) -> Result<()> {
    for (stage, template) in plan.stages.iter().zip(&package.templates) {
        if template.text.len() <= INLINE {
            continue;
        }
        session.interrupt.check()?;
        let body = artifacts::body(session, &plan.footprint(), stage, &template.text).await?;
        let stacks = session.aws.stacks(&stage.region);
        if let Validity::Refused(reason) = stacks.validate(&body).await? {
            return Err(Failure::new(format!(
                "CloudFormation refuses the template of stage {}: {reason}",
                stage.name
            ))
            .help("the most likely cause is an overlay in `resources`; nothing was changed"));
        }
    }
    Ok(())
}
