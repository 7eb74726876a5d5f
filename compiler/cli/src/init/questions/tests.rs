//! The questions, answered as somebody at a terminal may answer them.

use super::*;

fn asked(input: &str) -> (io::Result<Answers>, String) {
    let mut out = Vec::new();
    let answers = ask(
        "ct-viewer".to_owned(),
        None,
        &mut input.as_bytes(),
        &mut out,
    );
    (answers, String::from_utf8(out).unwrap())
}

/// An account with two of each, where a list is allowed.
struct Two(&'static [Subject]);

impl Account for Two {
    fn choices(
        &mut self,
        subject: Subject,
        answers: &Answers,
    ) -> std::result::Result<Vec<Choice>, String> {
        if !self.0.contains(&subject) {
            return Err("you have no permission for `x:List`".to_owned());
        }
        let values = match subject {
            Subject::UserPools => ["us-east-1_AbCdEfGhI", "us-east-1_Other"],
            Subject::AppClients => {
                assert_eq!(answers.user_pool_id.as_deref(), Some("us-east-1_Other"));
                ["3n4b5urk1ft4fl3mg5e62d9ado", "4n4b5urk1ft4fl3mg5e62d9ado"]
            }
            Subject::HostedZones => ["Z0123456789ABCDEFGHIJ", "Z0123456789ABCDEFGHIK"],
            Subject::Certificates => [
                "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
                "arn:aws:acm:us-east-1:111122223333:certificate/6f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
            ],
            Subject::Datastores => {
                assert_eq!(answers.region.as_deref(), Some("us-west-2"));
                [
                    "12345678901234567890123456789012",
                    "22345678901234567890123456789012",
                ]
            }
        };
        let choice = |value: &str| Choice {
            value: value.to_owned(),
            name: "named".to_owned(),
        };
        Ok(values.map(choice).to_vec())
    }
}

fn asked_with(account: &mut Two, input: &str) -> (Answers, String) {
    let mut out = Vec::new();
    let answers = ask(
        "ct-viewer".to_owned(),
        Some(account),
        &mut input.as_bytes(),
        &mut out,
    );
    (answers.unwrap(), String::from_utf8(out).unwrap())
}

#[test]
fn choices_are_answered_by_number_or_by_value() {
    use Subject::{AppClients, Certificates, Datastores, HostedZones, UserPools};
    let all = &[UserPools, AppClients, HostedZones, Certificates, Datastores];
    let (answers, said) = asked_with(
        &mut Two(all),
        "\n\n3\n2\n1, 2\na.example.org\n1\n2\nus-west-2\n22345678901234567890123456789012,1\nmaybe\nYes\nhttps://viewer.example.org\n",
    );
    assert_eq!(answers.user_pool_id.as_deref(), Some("us-east-1_Other"));
    assert_eq!(answers.client_id.len(), 2);
    assert_eq!(
        answers.hosted_zone_id.as_deref(),
        Some("Z0123456789ABCDEFGHIJ")
    );
    assert!(answers.certificate_arn.unwrap().contains("/6f9f2a0e"));
    assert_eq!(
        answers.datastore,
        [
            "22345678901234567890123456789012",
            "12345678901234567890123456789012"
        ]
    );
    assert!(answers.dicomweb);
    assert_eq!(answers.origin, ["https://viewer.example.org"]);
    // There is no third pool, and `3` is none itself.
    for expected in [
        "\n   2  us-east-1_Other  named\n",
        "-0d6d4f0f9b11\n      named\n   2  arn:",
        "or its number: ",
        "`3` isn't",
        "the answer is yes or no",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[test]
fn what_may_not_be_listed_is_one_line_and_a_plain_question() {
    let (answers, said) = asked_with(&mut Two(&[]), "\n\nus-east-1_Other\n\n\nus-west-2\n\n\n\n");
    assert_eq!(answers.user_pool_id.as_deref(), Some("us-east-1_Other"));
    assert_eq!(
        said.matches("no permission for `x:List`").count(),
        3,
        "{said}"
    );
    assert!(said.contains("\nCognito user pool's id: "), "{said}");
}

#[test]
fn a_zone_spares_the_certificate() {
    let (answers, _) = asked("\nnone\na.example.org\nZ0123456789ABCDEFGHIJ\n\n\n\n\n\n");
    let answers = answers.unwrap();
    assert!(answers.certificate_arn.is_none() && answers.hosted_zone_id.is_some());
    assert!(!answers.dicomweb && answers.origin.is_empty());
}

/// Whoever has neither of the two gets on: the names wait in a comment.
#[test]
fn names_without_a_zone_or_a_certificate_are_left_out_and_said() {
    let (answers, said) = asked("\nnone\na.example.org, b.example.org\n\nx\n\n\n\n\n\n");
    let answers = answers.unwrap();
    assert!(answers.cname.is_empty(), "{said}");
    assert!(answers.certificate_arn.is_none() && answers.hosted_zone_id.is_none());
    assert_eq!(answers.uncovered, ["a.example.org", "b.example.org"]);
    // A wrong answer isn't an empty one.
    assert!(said.contains("error: `x`"), "{said}");
    for expected in [
        "and a certificate unless you name one\n  none: leave empty: ",
        "to leave the names out for now: leave empty: ",
        "  note: the names are left out: frames.yml has",
        "take the # away\n",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    assert!(!said.contains("an answer is needed"), "{said}");
    // An example of an ARN is to be copied.
    for line in said.split(": ").flat_map(str::lines) {
        assert!(line.len() <= 80 || line.contains("arn:aws:"), "{line}");
    }

    // With either, they are kept, and nothing is said.
    let (answers, said) = asked("\nnone\na.example.org\nZ0123456789ABCDEFGHIJ\n\n\n\n\n\n");
    let answers = answers.unwrap();
    assert_eq!(answers.cname, ["a.example.org"]);
    assert!(
        answers.uncovered.is_empty() && !said.contains("note: "),
        "{said}"
    );
}

#[test]
fn empty_answers_take_the_defaults() {
    let (answers, said) = asked("\n\nus-east-1_AbCdEfGhI\n\n\n\n\n\n\n");
    let answers = answers.unwrap();
    assert!(answers.client_id.is_empty(), "every client of the pool");
    assert_eq!(answers.service.as_deref(), Some("ct-viewer"));
    assert_eq!(answers.auth.as_deref(), Some("cognito"));
    assert!(answers.cname.is_empty() && answers.datastore.is_empty());
    // No data store named: the file's warning is said here already.
    assert!(said.contains("warning: without `iam.allow`"), "{said}");
}

/// A pool has clients that nobody made for viewers: whom it lets in is asked without a list, too.
#[test]
fn app_clients_are_asked_for_where_nothing_is_listed() {
    let (answers, said) = asked(
        "\n\nus-east-1_AbCdEfGhI\n3n4b-x\n3n4b5urk1ft4fl3mg5e62d9ado, 4n4b5urk1ft4fl3mg5e62d9ado\n\n\n\n\n\n",
    );
    assert_eq!(
        answers.unwrap().client_id,
        ["3n4b5urk1ft4fl3mg5e62d9ado", "4n4b5urk1ft4fl3mg5e62d9ado"]
    );
    assert!(said.contains("all of the pool: leave empty: "), "{said}");
    assert!(said.contains("isn't a Cognito app client's id"), "{said}");
    let (_, said) = asked("\nnone\n\n\n\n\n\n");
    assert!(!said.contains("App clients"), "{said}");
}

#[test]
fn a_wrong_answer_is_asked_for_again() {
    let (answers, said) = asked(
        "1x\nok\noicd\nOIDC\nhttp://x.example\nhttps://x.example\n\na, b\n\
         frames.example.org\n\narn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11\n\
         arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11\n\
         Frankfurt\neu-central-1\n\
         12345678901234567890123456789012, 12345678901234567890123456789012\n12345678901234567890123456789012\n\n\n",
    );
    let answers = answers.unwrap();
    assert_eq!(answers.audience, ["a", "b"]);
    assert_eq!(answers.cname, ["frames.example.org"]);
    assert_eq!(answers.datastore.len(), 1);
    assert_eq!(answers.region.as_deref(), Some("eu-central-1"));
    for expected in [
        "`1x` isn't a service name",
        "did you mean `oidc`?",
        "can't use `http://x.example`",
        "an answer is needed here",
        "the certificate is in eu-west-1",
        "has a row already",
        "`Frankfurt` isn't an AWS Region",
        "isn't known to run in eu-central-1",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    // The line feed behind an answer is the terminal's: what follows a question is cut off.
    for line in said.split(": ").flat_map(str::lines) {
        assert!(line.len() <= 80 || line.contains("example"), "{line}");
    }
}

#[test]
fn an_open_endpoint_is_said_aloud() {
    let (answers, said) = asked("\nnone\n\n\n\n\n\n");
    assert_eq!(answers.unwrap().auth.as_deref(), Some("none"));
    assert!(said.contains("warning: every frame is served"), "{said}");
}

#[test]
fn the_end_of_the_input_is_no_answer() {
    let (answers, _) = asked("x\n");
    assert_eq!(answers.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}
