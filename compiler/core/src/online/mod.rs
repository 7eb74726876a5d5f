//! What only AWS can tell about a manifest: which questions to ask, and what the
//! answers mean. Asking is the caller's part.

pub mod quotas;
pub mod templates;

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::formats;
use crate::span::Span;
use crate::syntax::{Node, Value};

/// A value of the manifest that names something in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub subject: Subject,
    pub path: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    UserPool {
        id: String,
    },
    Client {
        pool: String,
        id: String,
    },
    Certificate {
        arn: String,
        names: Vec<Name>,
    },
    WebAcl {
        arn: String,
    },
    Datastore {
        id: String,
        region: String,
    },
    /// CloudFront's, which an account has room for a few of.
    Policies(quotas::Policies),
    /// A stage's, in the Region where it goes.
    Template {
        stage: String,
        region: String,
        body: String,
    },
}

/// A CNAME and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    pub path: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there, and that is all there is to know.
    Found,
    Missing,
    /// Its status, as ACM writes it, and the names it covers.
    Certificate {
        status: String,
        names: Vec<String>,
    },
    /// Its status, as HealthImaging writes it.
    Datastore {
        status: String,
    },
    /// What all policies of the account's own are called.
    Names(Vec<String>),
    /// What the service says against it.
    Refused(String),
    /// Why nobody knows.
    Unknown(String),
}

/// The Region of what the manifest leaves to its default.
const DEFAULT_REGION: &str = "us-east-1";

/// The questions of a manifest that has no errors, in its order.
pub fn questions(root: &Node) -> Vec<Question> {
    let text = |path: &str| scalar(root, path);
    let mut questions = Vec::new();
    let mut ask = |path: String, span: Span, subject: Subject| {
        questions.push(Question {
            subject,
            path,
            span,
        });
    };
    if let Some((pool, span)) = text("auth.userPoolId") {
        let id = pool.clone();
        ask("auth.userPoolId".to_owned(), span, Subject::UserPool { id });
        for Name { name, path, span } in list(root, "auth.clientIds") {
            let pool = pool.clone();
            ask(path, span, Subject::Client { pool, id: name });
        }
    }
    if let Some((arn, span)) = text("domain.certificateArn") {
        let names = list(root, "domain.cnames");
        let path = "domain.certificateArn".to_owned();
        ask(path, span, Subject::Certificate { arn, names });
    }
    if let Some((arn, span)) = text("delivery.webAclArn") {
        ask(
            "delivery.webAclArn".to_owned(),
            span,
            Subject::WebAcl { arn },
        );
    }
    let region = text("healthImaging.region").map_or(DEFAULT_REGION.to_owned(), |(text, _)| text);
    for index in 0..length(root, "iam.allow") {
        let path = format!("iam.allow[{index}].datastore");
        if let Some((id, span)) = scalar(root, &format!("iam.allow.{index}.datastore")) {
            let region = region.clone();
            ask(path, span, Subject::Datastore { id, region });
        }
    }
    questions
}

/// The only account that may be asked, as far as that is known: it may be a variable that AWS answers.
pub fn account(root: &Node) -> Option<String> {
    let (account, _) = scalar(root, "deploy.account")?;
    formats::ACCOUNT.matches(&account).then_some(account)
}

/// What an answer says about its question.
pub fn findings(question: &Question, answer: &Answer) -> Vec<Diagnostic> {
    let finding = |code, message: String, help: &str| {
        vec![Diagnostic::new(code, &question.path, question.span, message).help(help)]
    };
    if let Subject::Policies(policies) = &question.subject {
        // Most accounts have room: who may not count is none the worse.
        return match answer {
            Answer::Names(names) => quotas::findings(question, policies, names),
            _ => Vec::new(),
        };
    }
    if let Subject::Template { stage, .. } = &question.subject {
        return templates::findings(question, stage, answer);
    }
    let what = question.subject.what();
    match (&question.subject, answer) {
        (_, Answer::Found) => Vec::new(),
        (_, Answer::Missing) => finding(
            codes::NOT_IN_AWS,
            format!("there is no {what} in this account"),
            "correct it, or choose the account with --profile",
        ),
        (_, Answer::Unknown(reason)) => finding(
            codes::NOT_ASKED,
            format!("frames can't tell whether {what} exists: {reason}"),
            "`frames policy` prints the permissions that a deployer needs",
        ),
        (
            Subject::Certificate { names, .. },
            Answer::Certificate {
                status,
                names: covered,
            },
        ) => {
            let mut found = uncovered(names, covered);
            if status != "ISSUED" {
                found.extend(finding(
                    codes::CERTIFICATE_NOT_ISSUED,
                    format!("the certificate is {status}, and only an ISSUED one can be used"),
                    certificate_help(status),
                ));
            }
            found
        }
        (Subject::Datastore { id, .. }, Answer::Datastore { status }) if status != "ACTIVE" => {
            finding(
                codes::DATASTORE_NOT_ACTIVE,
                format!("the data store {id} is {status}, not ACTIVE"),
                "wait until it is ACTIVE, or name another",
            )
        }
        (
            _,
            Answer::Certificate { .. }
            | Answer::Datastore { .. }
            | Answer::Names(_)
            | Answer::Refused(_),
        ) => Vec::new(),
    }
}

impl Subject {
    /// A template may be too large to be asked about without a bucket.
    pub fn fits_into_a_request(&self) -> bool {
        match self {
            Self::Template { body, .. } => body.len() <= templates::INLINE,
            _ => true,
        }
    }

    fn what(&self) -> String {
        match self {
            Self::UserPool { id } => format!("user pool {id}"),
            Self::Client { pool, id } => format!("app client {id} of user pool {pool}"),
            Self::Certificate { arn, .. } => format!("certificate {arn}"),
            Self::WebAcl { arn } => format!("web ACL {arn}"),
            Self::Datastore { id, region } => format!("data store {id} in {region}"),
            Self::Policies(policies) => policies.kind.what().to_owned(),
            Self::Template { stage, .. } => format!("template of stage {stage}"),
        }
    }
}

fn certificate_help(status: &str) -> &'static str {
    match status {
        "PENDING_VALIDATION" => {
            "add the CNAME records that ACM shows for it, and wait until it is issued"
        }
        _ => "request a new one in us-east-1, and name it here",
    }
}

fn uncovered(names: &[Name], covered: &[String]) -> Vec<Diagnostic> {
    let missing = names
        .iter()
        .filter(|name| !covered.iter().any(|pattern| covers(pattern, &name.name)));
    missing
        .map(|name| {
            let message = format!("the certificate doesn't cover {}", name.name);
            Diagnostic::new(codes::CERTIFICATE_NAMES, &name.path, name.span, message)
                .help(format!("it covers {}", covered.join(", ")))
        })
        .collect()
}

/// RFC 6125, 6.4.3: a wildcard stands for one whole label, the leftmost.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

fn scalar(root: &Node, path: &str) -> Option<(String, Span)> {
    let node = root.at(path)?;
    match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => Some((text.clone(), node.span)),
        _ => None,
    }
}

fn length(root: &Node, path: &str) -> usize {
    match root.at(path).map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.len(),
        _ => 0,
    }
}

/// A list's texts; a single text is a list of one.
fn list(root: &Node, path: &str) -> Vec<Name> {
    if let Some((name, span)) = scalar(root, path) {
        let path = path.to_owned();
        return vec![Name { name, path, span }];
    }
    let items = (0..length(root, path)).filter_map(|index| {
        let (name, span) = scalar(root, &format!("{path}.{index}"))?;
        let path = format!("{path}[{index}]");
        Some(Name { name, path, span })
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax;

    const TEXT: &str = "\
auth:
  userPoolId: us-east-1_AbCdEfGhI
  clientIds: [a1, b2]
domain:
  cnames: [frames.example.org, ct.frames.example.org]
  certificateArn: arn:c
delivery: {webAclArn: arn:w}
healthImaging: {region: eu-west-1}
iam:
  allow:
    - datastore: '12345678901234567890123456789012'
";

    fn asked() -> Vec<Question> {
        let (node, found) = syntax::parse(&Source::new("f", TEXT));
        assert_eq!(found, []);
        questions(&node.unwrap())
    }

    fn question(path: &str) -> Question {
        asked().into_iter().find(|q| q.path == path).unwrap()
    }

    #[test]
    fn each_name_of_something_in_aws_is_asked_about_where_it_stands() {
        let asked = asked();
        let paths: Vec<_> = asked.iter().map(|q| q.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "auth.userPoolId",
                "auth.clientIds[0]",
                "auth.clientIds[1]",
                "domain.certificateArn",
                "delivery.webAclArn",
                "iam.allow[0].datastore"
            ]
        );
        for q in &asked {
            let text = &TEXT[q.span.start..q.span.end];
            assert!(q.subject.what().contains(text.trim_matches('\'')), "{text}");
        }
        assert!(asked[5].subject.what().ends_with("in eu-west-1"));
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let certificate = question("domain.certificateArn");
        let issued = |names: &[&str]| Answer::Certificate {
            status: "ISSUED".to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let paths = |names: &[&str]| -> Vec<String> {
            let found = findings(&certificate, &issued(names));
            assert!(found.iter().all(|d| d.code == codes::CERTIFICATE_NAMES));
            found.into_iter().map(|d| d.path).collect()
        };
        assert_eq!(paths(&["*.example.org"]), ["domain.cnames[1]"]);
        assert_eq!(paths(&["*.frames.example.org"]), ["domain.cnames[0]"]);
        assert_eq!(
            paths(&["FRAMES.example.org", "*.frames.example.org"]),
            [""; 0]
        );
        assert_eq!(paths(&["example.org"]).len(), 2);
    }

    #[test]
    fn an_answer_tells_what_is_wrong() {
        let code = |path: &str, answer: Answer| {
            let found = findings(&question(path), &answer);
            found.first().map(|d| d.code)
        };
        let datastore = "iam.allow[0].datastore";
        let status = |status: &str| Answer::Datastore {
            status: status.to_owned(),
        };
        assert_eq!(code(datastore, status("ACTIVE")), None);
        assert_eq!(
            code(datastore, status("DELETING")),
            Some(codes::DATASTORE_NOT_ACTIVE)
        );
        assert_eq!(
            code("auth.userPoolId", Answer::Missing),
            Some(codes::NOT_IN_AWS)
        );
        assert_eq!(code("auth.userPoolId", Answer::Found), None);
        let unknown = Answer::Unknown("no permission".to_owned());
        assert_eq!(code("delivery.webAclArn", unknown), Some(codes::NOT_ASKED));
        let pending = Answer::Certificate {
            status: "PENDING_VALIDATION".to_owned(),
            names: vec![
                "*.example.org".to_owned(),
                "*.frames.example.org".to_owned(),
            ],
        };
        assert_eq!(
            code("domain.certificateArn", pending),
            Some(codes::CERTIFICATE_NOT_ISSUED)
        );
    }
}
