//! What a manifest says of a deployment's names, whatever else is wrong with it. A removal must
//! not wait until a key set or another stack is there again, but must not guess a name either.

use super::footprint::{Footprint, Names};
use crate::check;
use crate::diagnostic::{Diagnostic, codes};
use crate::environments;
use crate::manifest::Manifest;
use crate::syntax::{Node, Value};

#[derive(Debug)]
pub enum Named {
    Known(Footprint),
    /// Only AWS can answer a reference in one of the names.
    Open,
    /// One of them is wrong, or isn't there: the findings of that.
    Wrong(Vec<Diagnostic>),
}

/// A manifest as far as it was read.
pub(crate) struct Read<'a> {
    pub node: &'a Node,
    pub manifest: &'a Manifest,
    /// The chosen environment is merged over the rest.
    pub is_merged: bool,
    /// References are left that only AWS can answer.
    pub is_open: bool,
}

/// The keys below `deploy` that a name is made of.
const DEPLOY: &[&str] = &["region", "bucket", "account"];

/// `read`: `None` where the text is no manifest at all.
pub(crate) fn named(read: Option<&Read<'_>>, found: &[Diagnostic], env: &str) -> Named {
    let errors = found.iter().filter(|found| found.is_error());
    let of_names = |found: &&Diagnostic| {
        let unknown = found.code == codes::UNKNOWN_KEY;
        is_of_a_name(&found.path, unknown, env)
    };
    let wrong: Vec<Diagnostic> = errors.clone().filter(of_names).cloned().collect();
    if !wrong.is_empty() {
        return Named::Wrong(wrong);
    }
    match read.map(|read| (read.known(env), read.is_open)) {
        Some((Some(footprint), _)) => Named::Known(footprint),
        Some((None, true)) => Named::Open,
        // What a name refers to is elsewhere.
        _ => Named::Wrong(errors.cloned().collect()),
    }
}

impl Read<'_> {
    fn known(&self, env: &str) -> Option<Footprint> {
        let is_open = |path: &str| {
            let node = self.node.at(path);
            node.is_some_and(|node| matches!(node.value, Value::Open(_)))
        };
        let below = DEPLOY.iter().map(|key| format!("deploy.{key}"));
        if !self.is_merged || is_open("deploy") || below.into_iter().any(|path| is_open(&path)) {
            return None;
        }
        let deploy = check::deploy(&self.manifest.deploy);
        let names = Names {
            service: self.manifest.service.as_ref()?.value.clone(),
            env: env.to_owned(),
            account: deploy.account,
            artifact_bucket: deploy.bucket,
        };
        Some(Footprint::of(&names, &[deploy.region]))
    }
}

/// Whether an error there leaves a name unknown. An unknown key below `deploy` may be a misspelt
/// one of those.
fn is_of_a_name(path: &str, unknown: bool, env: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match first {
        "" | "service" => true,
        "deploy" => {
            let key = rest.split(['.', '[']).next().unwrap_or_default();
            key.is_empty() || unknown || DEPLOY.contains(&key)
        }
        environments::KEY => {
            let (other, below) = rest.split_once('.').unwrap_or((rest, ""));
            other.is_empty() || (other == env && is_of_a_name(below, unknown, env))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::world::Fixed;
    use crate::{Target, compile};

    fn of(text: &str, env: &str) -> Named {
        let target = Target {
            env,
            chosen: true,
            allow_unsafe_overlay: false,
        };
        compile(&Source::new("frames.yml", text), target, &Fixed::empty()).named
    }

    fn known(text: &str, env: &str) -> Footprint {
        match of(text, env) {
            Named::Known(footprint) => footprint,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_rest_may_be_wrong_or_open() {
        for rest in [
            "auth: {mode: cognito, userPoolId: '${cf:pools.Id}'}",
            "auth: {mode: cognito, userPoolId: '${env:NONE}'}",
            "auth: {mode: oidc, issuer: 'https://a.example.org', audience: a, jwksFile: none.json}",
            "auth: {mode: magic}",
            "",
            "auth: {mode: none}\niam: {alow: []}",
            "auth: {mode: none}\ndomain: ${file(none.yml)}",
            "auth: {mode: none}\nauth: {mode: none}",
            "auth: {mode: none}\nenvironments: {dev: {auth: {mode: 1}}, other: '${file(none.yml)}'}",
        ] {
            let text =
                format!("service: heart\ndeploy: {{region: eu-west-1, bucket: zips}}\n{rest}\n");
            let found = known(
                &text,
                if rest.contains("environments") {
                    "dev"
                } else {
                    "it"
                },
            );
            assert_eq!(found.service, "heart");
            assert_eq!(found.cdn_region(), Some("eu-west-1"), "{text}");
            assert_eq!(found.artifact_bucket.as_deref(), Some("zips"));
        }
        let text = "service: heart\nauth: 1\ndeploy: {region: us-west-2}\nenvironments: {eu: {deploy: {region: eu-west-1}}, us: {}}";
        assert_eq!(known(text, "eu").cdn_region(), Some("eu-west-1"));
        assert_eq!(known(text, "us").cdn_region(), Some("us-west-2"));
    }

    #[test]
    fn a_name_is_never_guessed() {
        const OK: &str = "auth: {mode: none}";
        for (text, path) in [
            ("service: '${env:NONE}'", "service"),
            ("service: 1heart", "service"),
            ("deploy: {}", "service"),
            ("service: heart\nservice: brain", "service"),
            (
                "service: heart\ndeploy: {region: '${env:NONE}'}",
                "deploy.region",
            ),
            (
                "service: heart\ndeploy: {regoin: eu-west-1}",
                "deploy.regoin",
            ),
            ("service: heart\ndeploy: {region: europe}", "deploy.region"),
            ("service: heart\ndeploy: {bucket: My_Zips}", "deploy.bucket"),
            ("service: heart\ndeploy: {account: 1}", "deploy.account"),
            ("service: heart\ndeploy: '${file(none.yml)}'", "deploy"),
            ("service: heart\ndeploy: []", "deploy"),
            ("service: '${self:x-name}'\nx-name: '${env:NONE}'", "x-name"),
            ("service: heart\nenvironments: {prod: {}}", "environments"),
            (
                "service: heart\nenvironments: '${file(none.yml)}'",
                "environments",
            ),
            (
                "service: heart\nenvironments: {dev: '${file(none.yml)}'}",
                "environments.dev",
            ),
            (
                "service: heart\nenvironments: {dev: {deploy: {region: '${env:NONE}'}}}",
                "environments.dev.deploy.region",
            ),
        ] {
            match of(&format!("{text}\n{OK}\n"), "dev") {
                Named::Wrong(found) => {
                    assert!(
                        found.iter().any(|found| found.path == path),
                        "{text}: {found:#?}"
                    );
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in ["", "a: [", "- x", "service: heart\n\tdeploy: {}\n"] {
            let found = of(text, "dev");
            assert!(
                matches!(&found, Named::Wrong(found) if !found.is_empty()),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn aws_may_know_a_name() {
        for text in [
            "service: heart\ndeploy: {region: '${ssm:/region}'}",
            "service: '${cf:names.Service}'",
            "service: heart\nenvironments: {dev: {deploy: {bucket: '${ssm:/zips}'}}}",
        ] {
            let found = of(&format!("{text}\nauth: {{mode: none}}\n"), "dev");
            assert!(matches!(found, Named::Open), "{text}: {found:?}");
        }
    }
}
