//! How many of CloudFront's policies an account has room for. A service takes up
//! to three of a kind, so that a handful of services fill an account, and the
//! one too many fails half way, after its first stack.
//!
//! The quotas are AWS's documented defaults, not the account's own: a finding is
//! a warning.

use super::{Question, Subject, scalar};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::{Plan, PolicyCounts};
use crate::syntax::Node;

/// Of each kind, in one account.
pub const DEFAULT: usize = 20;

/// A kind of policy, with a quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cache,
    OriginRequest,
    ResponseHeaders,
}

/// What the manifest's stack makes of a kind, and how to tell that it has it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    pub kind: Kind,
    pub wanted: usize,
    /// What the names of its own begin with.
    pub prefix: String,
}

/// A question for each kind of which the plan makes any.
pub fn questions(root: &Node, plan: &Plan) -> Vec<Question> {
    let Some((_, span)) = scalar(root, "service") else {
        return Vec::new();
    };
    let kinds = [Kind::Cache, Kind::OriginRequest, Kind::ResponseHeaders];
    let stages = plan.stages.iter();
    stages
        .flat_map(|stage| {
            kinds.map(|kind| Policies {
                kind,
                wanted: kind.made_by(stage.policy_counts()),
                prefix: format!("{}-", stage.stack_name),
            })
        })
        .filter(|policies| policies.wanted > 0)
        .map(|policies| Question {
            subject: Subject::Policies(policies),
            path: "service".to_owned(),
            span,
        })
        .collect()
}

/// Whether they fit beside the account's others.
pub(super) fn findings(question: &Question, ours: &Policies, names: &[String]) -> Vec<Diagnostic> {
    let foreign = |name: &&String| !name.starts_with(&ours.prefix);
    let others = names.iter().filter(foreign).count();
    if others + ours.wanted <= DEFAULT {
        return Vec::new();
    }
    let message = format!(
        "the account has {others} {} of other services, and this one makes {}: {DEFAULT} are AWS's default quota",
        ours.kind.what(),
        ours.wanted
    );
    vec![
        Diagnostic::new(codes::QUOTA, &question.path, question.span, message).help(
            "delete policies that no distribution uses, deploy to another account, or ask AWS for more; where AWS raised the quota, all is well",
        ),
    ]
}

impl Kind {
    pub fn what(self) -> &'static str {
        match self {
            Self::Cache => "cache policies",
            Self::OriginRequest => "origin request policies",
            Self::ResponseHeaders => "response headers policies",
        }
    }

    fn made_by(self, counts: PolicyCounts) -> usize {
        match self {
            Self::Cache => counts.cache,
            Self::OriginRequest => counts.origin_request,
            Self::ResponseHeaders => counts.response_headers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;
    use crate::online::{self, Answer};
    use crate::source::Source;
    use crate::syntax;

    fn asked(delivery: &str) -> Vec<Question> {
        let text = format!("service: heart\nauth: {{mode: none}}\ndelivery: {delivery}\n");
        let (node, _) = syntax::parse(&Source::new("f", text.as_str()));
        questions(&node.unwrap(), &crate::plan::plan(&checked(&text), "dev"))
    }

    fn wanted(delivery: &str) -> Vec<(Kind, usize)> {
        let kinds = asked(delivery)
            .into_iter()
            .map(|question| match question.subject {
                Subject::Policies(of) => (of.kind, of.wanted),
                other => panic!("{other:?}"),
            });
        kinds.collect()
    }

    #[test]
    fn what_a_service_makes_is_counted() {
        assert_eq!(
            wanted("{}"),
            [(Kind::OriginRequest, 1), (Kind::ResponseHeaders, 1)]
        );
        assert_eq!(
            wanted("{dicomweb: true}"),
            [
                (Kind::Cache, 1),
                (Kind::OriginRequest, 3),
                (Kind::ResponseHeaders, 1)
            ]
        );
        let kept = wanted("{dicomweb: true, cache: {browser: 1h}}");
        assert!(kept.contains(&(Kind::ResponseHeaders, 2)), "{kept:?}");
    }

    #[test]
    fn the_twentieth_fits_and_its_own_count_once() {
        let question = &asked("{dicomweb: true}")[1];
        let found = |others: usize, own: &[&str]| {
            let others = (0..others).map(|n| format!("other-{n}-native"));
            let own = own.iter().map(|name| (*name).to_owned());
            online::findings(question, &Answer::Names(others.chain(own).collect()))
        };
        assert_eq!(found(17, &[]), []);
        let all = [
            "heart-dev-cdn-native",
            "heart-dev-cdn-dicomweb",
            "heart-dev-cdn-search",
        ];
        assert_eq!(found(17, &all), []);
        let finding = &found(18, &all)[0];
        assert_eq!(
            (finding.code, finding.path.as_str()),
            (codes::QUOTA, "service")
        );
        assert!(!finding.is_error());
        assert!(
            finding.message.contains("18 origin request policies"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn who_may_not_count_isnt_told() {
        let unknown = Answer::Unknown("no permission".to_owned());
        for question in asked("{}") {
            assert_eq!(online::findings(&question, &unknown), []);
        }
    }
}
