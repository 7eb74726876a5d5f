//! Where and how the stacks are deployed.

use super::logs::MANAGED;
use super::{Deploy, EDGE_REGION, Launch};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, MOST_TAGS, Text};
use crate::span::Span;
use crate::variables::Resolved;

/// What docs/keys.md says of `deploy.keep`.
const KEEP: usize = 10;

pub(super) fn check(given: &manifest::Deploy, found: &mut Vec<Diagnostic>) -> Deploy {
    tags(&given.tags, found);
    let bucket = given.bucket.as_ref().filter(|name| name.value != MANAGED);
    let region = given.region.as_ref();
    let pairs = given.tags.iter();
    Deploy {
        account: given.account.as_ref().map(|account| account.value.clone()),
        region: region
            .map_or(EDGE_REGION, |region| &region.value)
            .to_owned(),
        bucket: bucket.map(|name| name.value.clone()),
        tags: pairs
            .map(|(key, value)| (key.value.clone(), value.value.clone()))
            .collect(),
        termination_protection: given
            .termination_protection
            .as_ref()
            .is_some_and(|flag| flag.value),
        launch: match given.launch.as_ref().map(|way| way.value.as_str()) {
            Some("child") => Launch::Child,
            _ => Launch::Exec,
        },
        keep: given
            .keep
            .as_ref()
            .and_then(|keep| keep.value.parse().ok())
            .unwrap_or(KEEP),
    }
}

/// `deploy.account: ${aws:accountId}`, also by way of another key: it is whichever account is asked.
pub(crate) fn unguarded(resolved: &Resolved) -> Option<Diagnostic> {
    const PATH: &str = "deploy.account";
    const ASKED: &str = "aws:accountId";
    let place = resolved.node.at(PATH)?.span;
    let leads_there = |span: Span| {
        let mut answered = resolved.origins.iter().filter(|origin| origin.span == span);
        let mut open = resolved.open.iter().filter(|open| open.span == span);
        answered.any(|origin| origin.what.contains(ASKED))
            || open.any(|open| open.reference.contains(ASKED))
    };
    let targets = resolved
        .origins
        .iter()
        .filter(|origin| origin.span == place);
    let mut spans = targets.filter_map(|origin| origin.target).chain([place]);
    spans.any(leads_there).then(|| {
        let message = "`${aws:accountId}` is always the account of your own credentials, so it guards nothing";
        Diagnostic::new(codes::INVALID_VALUE, PATH, place, message)
            .help("write the account's 12 digits, or leave it out")
    })
}

fn tags(tags: &[(Text, Text)], found: &mut Vec<Diagnostic>) {
    let keys: Vec<Text> = tags.iter().map(|(key, _)| key.clone()).collect();
    let path = |key: &Text| format!("deploy.tags.{}", key.value);
    let reserved = |key: &&Text| {
        let start = key.value.get(..4);
        start.is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    };
    for key in keys.iter().filter(reserved) {
        let message = format!(
            "`{}` starts with `aws:`, which AWS keeps to itself",
            key.value
        );
        found.push(
            Diagnostic::new(codes::INVALID_VALUE, path(key), key.span, message)
                .help("choose another name"),
        );
    }
    if let Some(key) = keys.get(MOST_TAGS) {
        let message = format!("a stack takes {MOST_TAGS} tags; here are {}", keys.len());
        found.push(
            Diagnostic::new(codes::INVALID_VALUE, path(key), key.span, message)
                .help("remove some of them"),
        );
    }
    for (i, key) in keys.iter().enumerate() {
        let same = |other: &&Text| other.value.eq_ignore_ascii_case(&key.value);
        if let Some(first) = keys[..i].iter().find(same) {
            let message = format!("`{}` differs from another tag only in case", key.value);
            found.push(
                Diagnostic::new(codes::DUPLICATE_VALUE, path(key), key.span, message)
                    .related(first.span, "first here")
                    .help(
                        "remove one: IAM, whose roles get these tags too, takes them for the same",
                    ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Launch;
    use crate::check::testing::{checked, findings};
    use crate::source::Source;
    use crate::world::{AwsValue, Fixed};
    use crate::{syntax, variables};

    fn manifest(deploy: &str) -> String {
        format!("service: x\nauth: {{mode: none}}\ndeploy: {deploy}\n")
    }

    fn codes(deploy: &str) -> Vec<String> {
        let found = findings(&manifest(deploy));
        found.into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn each_key_counts() {
        let deploy = checked(&manifest(
            "{account: 012345678901, bucket: my-zips, tags: {team: imaging, cost: 007}, terminationProtection: true, launch: child, keep: 3}",
        ))
        .deploy;
        assert_eq!(deploy.account.as_deref(), Some("012345678901"));
        assert_eq!(deploy.bucket.as_deref(), Some("my-zips"));
        assert_eq!(deploy.tags["cost"], "007");
        assert!(deploy.termination_protection);
        assert_eq!(deploy.launch, Launch::Child);
        assert_eq!(deploy.keep, 3);
        let deploy = checked(&manifest("{bucket: managed}")).deploy;
        assert_eq!((deploy.bucket, deploy.region.as_str()), (None, "us-east-1"));
        assert_eq!((deploy.launch, deploy.keep), (Launch::Exec, 10));
        assert_eq!(codes("{keep: 0}"), ["invalid-value"]);
        assert_eq!(codes("{launch: fork}"), ["invalid-value"]);
    }

    #[test]
    fn tags_have_awss_limits() {
        assert_eq!(codes("{tags: {aws:team: x}}"), ["invalid-value"]);
        assert_eq!(codes("{tags: {Team: x, team: y}}"), ["duplicate-value"]);
        assert_eq!(codes("{tags: {team: 'a;b'}}"), ["invalid-value"]);
        assert_eq!(codes("{tags: {'a;b': x}}"), ["invalid-value"]);
        assert_eq!(codes("{tags: {team: [x]}}"), ["wrong-type"]);
        assert_eq!(codes("{tags: [team]}"), ["wrong-type"]);
        let long = "x".repeat(129);
        assert_eq!(
            codes(&format!("{{tags: {{{long}: x}}}}")),
            ["invalid-value"]
        );
        let many = |n: usize| {
            let all: Vec<String> = (0..n).map(|i| format!("t{i}: x")).collect();
            codes(&format!("{{tags: {{{}}}}}", all.join(", ")))
        };
        assert_eq!(many(50), Vec::<String>::new());
        assert_eq!(many(51), ["invalid-value"]);
    }

    #[test]
    fn an_account_guards_by_being_written() {
        let asked = "aws:accountId";
        let answered = AwsValue::Value("111122223333".to_owned());
        let worlds = [Fixed::empty(), Fixed::empty().aws(asked, answered)];
        let guards = |text: &str| {
            let (node, found) = syntax::parse(&Source::new("frames.yml", text));
            assert_eq!(found, []);
            let node = node.unwrap();
            worlds.each_ref().map(|world| {
                let resolved = variables::resolve(&node, "dev", world);
                super::unguarded(&resolved).is_none()
            })
        };
        for (text, expected) in [
            ("deploy: {account: '111122223333'}", true),
            ("deploy: {account: '${aws:accountId}'}", false),
            (
                "x-me: '${aws:accountId}'\ndeploy: {account: '${self:x-me}'}",
                false,
            ),
            (
                "x-me: '111122223333'\ndeploy: {account: '${self:x-me}'}",
                true,
            ),
            ("deploy: {account: '${env:NO, 111122223333}'}", true),
            // What another key is made of is no matter.
            (
                "x-me: '${aws:accountId}'\ndeploy: {account: '111122223333'}",
                true,
            ),
            (
                "x-a: '1'\nx-b: '${self:x-a}'\nx-me: '${aws:accountId}'\ndeploy: {account: '111122223333'}",
                true,
            ),
        ] {
            assert_eq!(guards(text), [expected; 2], "{text}");
        }
        let elsewhere =
            "x-a: '${aws:accountId}'\nx-b: '${self:x-a}'\ndeploy: {account: '111122223333'}";
        assert_eq!(guards(elsewhere), [true; 2]);
    }

    #[test]
    fn an_account_has_an_accounts_id() {
        assert_eq!(codes("{account: 1111-2222-3333}"), ["invalid-value"]);
        assert_eq!(codes("{account: 11112222333}"), ["invalid-value"]);
        assert_eq!(codes("{account: [111122223333]}"), ["wrong-type"]);
    }

    #[test]
    fn a_bucket_has_a_buckets_name() {
        assert_eq!(codes("{bucket: My_Zips}"), ["invalid-value"]);
    }
}
