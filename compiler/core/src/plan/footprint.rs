//! The names that a deployment has in an account, without what is in it. A removal and `info` go
//! by them: they need no more of a manifest than its names.

use super::{Place, Plan};
use crate::check::EDGE_REGION;
use crate::names;
use std::collections::BTreeSet;

/// Where an environment's stacks, functions and artifacts are, and how they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    pub service: String,
    pub env: String,
    /// The only account that it may be in; `None`: any.
    pub account: Option<String>,
    /// Holds the zips; `None`: the one that deploy makes.
    pub artifact_bucket: Option<String>,
    /// In the order in which they are deployed.
    pub stages: Vec<Place>,
    /// Stacks that an earlier form of the manifest may have left.
    pub former: Vec<Place>,
    /// Those that run at the edge.
    pub functions: Vec<NamedFunction>,
}

/// A function by its name in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFunction {
    /// The stage that makes it.
    pub stage: &'static str,
    /// `image-frames-dev-authorizer`
    pub name: String,
}

/// A stage and the Region that it is, or was, in.
pub type Placed = (&'static str, String);

/// What names are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub service: String,
    pub env: String,
    pub account: Option<String>,
    pub artifact_bucket: Option<String>,
}

impl Footprint {
    /// Whatever a manifest of these names may have deployed, with cdn stacks in these Regions.
    pub fn of(names: &Names, cdn_regions: &[String]) -> Self {
        let Names { service, env, .. } = names;
        let place = |name, region: &str| Place::of(service, env, name, region);
        let cdn = cdn_regions.iter().map(|region| place(names::CDN, region));
        let functions = names::EDGE_FUNCTIONS.iter().map(|function| NamedFunction {
            stage: names::LAMBDA_EDGE,
            name: names::function(service, env, function),
        });
        Self {
            service: service.clone(),
            env: env.clone(),
            account: names.account.clone(),
            artifact_bucket: names.artifact_bucket.clone(),
            stages: std::iter::once(place(names::LAMBDA_EDGE, EDGE_REGION))
                .chain(cdn)
                .collect(),
            former: vec![place(names::LOGS, EDGE_REGION)],
            functions: functions.collect(),
        }
    }

    /// The same names, with cdn stacks in other Regions.
    pub fn moved(&self, cdn_regions: &[String]) -> Self {
        let names = Names {
            service: self.service.clone(),
            env: self.env.clone(),
            account: self.account.clone(),
            artifact_bucket: self.artifact_bucket.clone(),
        };
        Self::of(&names, cdn_regions)
    }

    /// With the stages that are, or were, in these Regions, whatever a manifest says now. They come
    /// in the order of deployment.
    #[must_use]
    pub fn with(mut self, placed: &[Placed]) -> Self {
        for (name, region) in placed {
            let place = Place::of(&self.service, &self.env, name, region);
            if self.stages.contains(&place) {
                continue;
            }
            let later = |known: &Place| rank(known.name) > rank(name);
            let at = self.stages.iter().position(later);
            self.stages.insert(at.unwrap_or(self.stages.len()), place);
        }
        self
    }

    /// The bucket that holds a Region's zips. One of the user's own is in the edge's Region, and
    /// Lambda takes a zip from a bucket of its own Region only.
    pub fn bucket(&self, account: &str, region: &str) -> String {
        match self.own_bucket(region) {
            Some(own) => own.to_owned(),
            None => names::managed_bucket(account, region),
        }
    }

    /// The user's own bucket, if that is the Region's.
    pub fn own_bucket(&self, region: &str) -> Option<&str> {
        let own = self.artifact_bucket.as_deref();
        own.filter(|_| region == EDGE_REGION)
    }

    /// The Regions that have zips.
    pub fn bucket_regions(&self) -> BTreeSet<&str> {
        let places = self.stages.iter().chain(&self.former);
        let of_functions = places.filter(|place| place.name == names::READS);
        let regions = of_functions.map(|place| place.region.as_str());
        regions.chain([EDGE_REGION]).collect()
    }

    /// Where the cdn stack is looked for.
    pub fn cdn_region(&self) -> Option<&str> {
        let cdn = self.stages.iter().find(|place| place.name == names::CDN);
        cdn.map(|place| place.region.as_str())
    }
}

/// A stage's place in the order of deployment.
fn rank(stage: &str) -> Option<usize> {
    names::STAGES.iter().position(|known| *known == stage)
}

impl Plan {
    /// The stacks that this plan has nothing for any more: those that it knows of, and those
    /// that the deployed stacks remember.
    pub fn left(&self, placed: &[Placed]) -> Vec<Place> {
        let of = |(name, region): &Placed| Place::of(&self.service, &self.env, name, region);
        let is_wanted = |place: &Place| self.stages.iter().any(|stage| stage.place == *place);
        let mut left = self.former.clone();
        for place in placed.iter().map(of) {
            if !is_wanted(&place) && !left.contains(&place) {
                left.push(place);
            }
        }
        left
    }

    pub fn footprint(&self) -> Footprint {
        let functions = self.stages.iter().flat_map(|stage| {
            let at_the_edge = stage.functions.iter().filter(|one| one.is_replicated());
            at_the_edge.map(|function| NamedFunction {
                stage: stage.name,
                name: names::function(&self.service, &self.env, function.name),
            })
        });
        Footprint {
            service: self.service.clone(),
            env: self.env.clone(),
            account: self.account.clone(),
            artifact_bucket: self.artifact_bucket.clone(),
            stages: self
                .stages
                .iter()
                .map(|stage| stage.place.clone())
                .collect(),
            former: self.former.clone(),
            functions: functions.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;
    use crate::plan::plan;

    /// A plan has the logs stack among its stages where it makes one, and nothing else differs.
    #[test]
    fn names_are_enough_for_a_plans_footprint() {
        for (deploy, regions) in [
            ("", ["us-east-1"]),
            ("deploy: {region: eu-west-1, bucket: zips}", ["eu-west-1"]),
        ] {
            let text = format!("service: x\nauth: {{mode: none}}\n{deploy}\n");
            let planned = plan(&checked(&text), "dev").footprint();
            let names = Names {
                service: "x".to_owned(),
                env: "dev".to_owned(),
                account: None,
                artifact_bucket: planned.artifact_bucket.clone(),
            };
            let named = Footprint::of(&names, &regions.map(str::to_owned));
            assert_eq!(named, planned.moved(&regions.map(str::to_owned)));
            assert_eq!(named.functions, planned.functions);
            assert_eq!(named.cdn_region(), planned.cdn_region());
            assert_eq!(named.stages[..2], planned.stages[..2]);
            let logs = planned.stages.iter().skip(2).chain(&planned.former);
            assert!(logs.eq(named.former.iter().take(planned.stages.len() - 2)));
        }
    }

    /// A changed Region, or a key that is switched off, must not lose a stack.
    #[test]
    fn a_stage_is_found_where_it_was() {
        let text = |region: &str, on: bool| {
            format!(
                "service: x\nauth: {{mode: none}}\nhealthImaging: {{region: {region}}}\ndelivery: {{cachedReads: {on}}}\n"
            )
        };
        let there = plan(&checked(&text("us-west-2", true)), "dev");
        let placed = [("reads", "us-west-2".to_owned())];
        assert_eq!(there.left(&placed), []);
        for now in [text("eu-west-1", true), text("us-west-2", false)] {
            let now = plan(&checked(&now), "dev");
            let left = now.left(&placed);
            let left: Vec<_> = left.iter().map(|one| (one.name, &*one.region)).collect();
            assert_eq!(left, [("reads", "us-west-2")]);
        }
        let names = |footprint: &Footprint| {
            let stages = footprint.stages.iter();
            stages.map(|one| one.name).collect::<Vec<_>>()
        };
        let off = plan(&checked(&text("us-west-2", false)), "dev").footprint();
        assert_eq!(names(&off), ["lambda-edge", "cdn"]);
        let found = off.clone().with(&placed);
        assert_eq!(names(&found), ["lambda-edge", "reads", "cdn"]);
        assert_eq!(found.clone().with(&placed), found);
        let regions: Vec<&str> = found.bucket_regions().into_iter().collect();
        assert_eq!(regions, ["us-east-1", "us-west-2"]);
        assert_eq!(found.functions, off.functions);
    }

    #[test]
    fn a_zip_lies_in_its_functions_region() {
        let text = "service: x\nauth: {mode: none}\ndeploy: {bucket: zips}\n";
        let own = plan(&checked(text), "dev").footprint();
        assert_eq!(own.bucket("111122223333", "us-east-1"), "zips");
        let elsewhere = own.bucket("111122223333", "eu-west-1");
        assert_eq!(elsewhere, "frames-artifacts-111122223333-eu-west-1");
    }

    #[test]
    fn a_digest_tells_deliveries_apart_whatever_they_are_called() {
        const STORES: &str = "iam: {allow: [{datastore: 12345678901234567890123456789012}, {datastore: 02345678901234567890123456789012}]}";
        let digest = |text: &str| plan(&checked(text), "dev").delivers().map(str::to_owned);
        let oidc = |service: &str, audience: &str, rest: &str| {
            digest(&format!(
                "service: {service}\nauth: {{mode: oidc, issuer: 'https://a.example.org', audience: {audience}}}\n{rest}\n"
            ))
        };
        let first = oidc("x", "[a, b]", STORES);
        assert_eq!(first.as_ref().map(String::len), Some(16));
        assert_eq!(oidc("y", "[b, a]", STORES), first, "neither name nor order");
        let logs = format!("{STORES}\nlogs: {{functions: {{level: info}}}}");
        assert_eq!(oidc("x", "[a, b]", &logs), first, "nor how it is run");
        let others = [
            oidc("x", "[a]", STORES),
            oidc("x", "[a, b]", ""),
            oidc(
                "x",
                "[a, b]",
                &format!("{STORES}\ndeploy: {{region: eu-west-1}}"),
            ),
            oidc(
                "x",
                "[a, b]",
                &format!(
                    "{STORES}\ndomain: {{cnames: [f.example.org], hostedZoneId: Z0123456789ABCDEFGHIJ}}"
                ),
            ),
        ];
        for (i, other) in others.iter().enumerate() {
            assert!(other.is_some() && *other != first && !others[..i].contains(other));
        }
        assert_eq!(digest("service: x\nauth: {mode: none}\n"), None);
    }
}
