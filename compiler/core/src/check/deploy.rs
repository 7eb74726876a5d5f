//! Where the cdn stack lives.

use super::EDGE_REGION;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Manifest;

pub fn check(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> String {
    let Some(region) = &manifest.deploy_region else {
        return EDGE_REGION.to_owned();
    };
    if region.value != EDGE_REGION {
        let message = format!(
            "there are no access logs with the cdn stack in {}",
            region.value
        );
        found.push(
            Diagnostic::new(
                codes::ACCESS_LOGS_OFF,
                "deploy.region",
                region.span,
                message,
            )
            .help(format!(
                "deploy to {EDGE_REGION}: the edge is worldwide all the same"
            )),
        );
    }
    region.value.clone()
}
