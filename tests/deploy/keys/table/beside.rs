//! What isn't the delivery's: artifacts, tags, overlays.

use crate::deploy::keys::seen::at;
use crate::deploy::keys::{Group, row};

pub const BESIDE: Group = Group {
    name: "beside",
    base: "",
    set: "
deploy: {bucket: zips-<account>, tags: {team: imaging}, terminationProtection: true, launch: child, keep: 3}
resources:
  lambda-edge: {Resources: {AuthorizerFunction: {Properties: {Description: Mine}}}}
  cdn: {Resources: {Distribution: {Properties: {DistributionConfig: {Comment: Mine}}}}}",
    rows: &[
        // A bucket that was left isn't looked at again.
        row("deploy.bucket", |seen| seen.zips_of_ones_own(), "0", "2").and_then("2"),
        row(
            "deploy.tags",
            |seen| at(&seen.function("signer"), "/Tags/team"),
            "null",
            "imaging",
        ),
        row(
            "deploy.tags",
            |seen| seen.tag_of_distribution("team"),
            "null",
            "imaging",
        ),
        row(
            "deploy.terminationProtection",
            |seen| seen.protected(),
            "[false, false]",
            "[true, true]",
        ),
        row("deploy.keep", |seen| seen.kept(), "10", "3"),
        row(
            "deploy.launch",
            |seen| seen.launch("authorizer"),
            "null",
            "child\n",
        ),
        row(
            "deploy.launch",
            |seen| seen.launch("signer"),
            "null",
            "child\n",
        ),
        row(
            "resources.lambda-edge",
            |seen| at(&seen.function("authorizer"), "/Configuration/Description"),
            "Viewer request: verifies the token",
            "Mine",
        ),
        row(
            "resources.cdn",
            |seen| at(&seen.config(), "/Comment"),
            "heart (dev): medical image frames from AWS HealthImaging",
            "Mine",
        ),
    ],
};
