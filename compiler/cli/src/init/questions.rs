//! The questions, each answer checked at once.

use super::Answers;
use super::answers::{findings, mode as spelled, within};
use super::choices::{Account, Choice, Subject, chosen};
use frames_compiler::diagnostic::first_sentence;
use frames_compiler::diagnostic::wrap::wrapped;
use std::io::{self, BufRead, Write};

/// A terminal's columns.
const WIDTH: usize = 80;

/// More choices than a screen has lines help nobody.
const SHOWN: usize = 20;

/// A question, and where its answer goes.
struct Question {
    path: &'static str,
    text: &'static str,
    /// What an empty answer means.
    default: Option<String>,
    required: bool,
    many: bool,
    choices: Option<Subject>,
    put: fn(&mut Answers, Vec<String>),
}

/// Whom to ask, and where to say what.
struct Asking<'a> {
    account: Option<&'a mut dyn Account>,
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
}

/// Asks for everything. The end of the input is an error
/// of kind `UnexpectedEof`.
pub fn ask<'a>(
    service: String,
    account: Option<&'a mut dyn Account>,
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
) -> io::Result<Answers> {
    let mut answers = Answers::default();
    let mut asking = Asking {
        account,
        input,
        out,
    };
    let asking = &mut asking;
    let name = question("service", "Service name", |a, v| a.service = first(v));
    name.or(&service).ask(&mut answers, asking)?;
    viewers(&mut answers, asking)?;
    names(&mut answers, asking)?;

    let text = "Region of the data stores";
    let region = question("healthImaging.region", text, |a, v| a.region = first(v));
    region.or("us-east-1").ask(&mut answers, asking)?;
    let text = "Data stores' ids\n  several: with commas; all of the account: leave empty";
    let datastores = question("iam.allow", text, |a, v| a.datastore = v);
    let datastores = datastores.many().optional().of(Subject::Datastores);
    datastores.ask(&mut answers, asking)?;

    let text = "Serve DICOMweb too, yes or no?";
    let dicomweb = question("delivery.dicomweb", text, |a, v| {
        a.dicomweb = v.first().is_some_and(|answer| is_yes(answer));
    });
    dicomweb.or("no").ask(&mut answers, asking)?;
    let text = "Web origins whose pages may read frames\n  several: with commas; any: leave empty";
    let origins = question("delivery.cors.origins", text, |a, v| a.origin = v);
    origins.many().optional().ask(&mut answers, asking)?;
    Ok(answers)
}

/// Who may fetch frames.
fn viewers(answers: &mut Answers, asking: &mut Asking) -> io::Result<()> {
    let mode = "Who may fetch frames?\n  cognito, oidc (OpenID Connect) or none (everyone)";
    let mode = question("auth.mode", mode, |a, v| a.auth = first(v).map(spelled));
    mode.or("cognito").ask(answers, asking)?;
    match answers.auth.as_deref() {
        Some("cognito") => {
            let text = "Cognito user pool's id";
            let pool = question("auth.userPoolId", text, |a, v| a.user_pool_id = first(v));
            pool.of(Subject::UserPools).ask(answers, asking)?;
            let text = "App clients' ids\n  several: with commas; all of the pool: leave empty";
            let clients = question("auth.clientIds", text, |a, v| a.client_id = v);
            let clients = clients.many().optional().of(Subject::AppClients);
            clients.ask(answers, asking)?;
        }
        Some("oidc") => {
            let text = "Issuer's URL, as in the tokens' `iss`";
            let issuer = question("auth.issuer", text, |a, v| a.issuer = first(v));
            issuer.ask(answers, asking)?;
            let text = "Audience, as in the tokens' `aud`\n  several: with commas";
            let audience = question("auth.audience", text, |a, v| a.audience = v);
            audience.many().ask(answers, asking)?;
        }
        _ => {}
    }
    Ok(())
}

/// Names of one's own, and what covers them.
fn names(answers: &mut Answers, asking: &mut Asking) -> io::Result<()> {
    let text = "Your own domain names\n  several: with commas; none: leave empty";
    let cnames = question("domain.cnames", text, |a, v| a.cname = v);
    cnames.many().optional().ask(answers, asking)?;
    if answers.cname.is_empty() {
        return Ok(());
    }
    let text = "Id of the names' Route 53 hosted zone, for their records\n  none: leave empty";
    let zone = question("domain.hostedZoneId", text, |a, v| {
        a.hosted_zone_id = first(v);
    });
    zone.optional()
        .of(Subject::HostedZones)
        .ask(answers, asking)?;
    // With a zone, one can be made.
    let (text, required) = match answers.hosted_zone_id {
        Some(_) => (
            "ARN of the ACM certificate that covers them\n  in us-east-1; to have one made: leave empty",
            false,
        ),
        None => (
            "ARN of the ACM certificate that covers them\n  in us-east-1",
            true,
        ),
    };
    let mut certificate = question("domain.certificateArn", text, |a, v| {
        a.certificate_arn = first(v);
    });
    certificate.required = required;
    certificate.of(Subject::Certificates).ask(answers, asking)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

fn question(
    path: &'static str,
    text: &'static str,
    put: fn(&mut Answers, Vec<String>),
) -> Question {
    Question {
        path,
        text,
        default: None,
        required: true,
        many: false,
        choices: None,
        put,
    }
}

fn first(values: Vec<String>) -> Option<String> {
    values.into_iter().next()
}

impl Question {
    fn many(mut self) -> Self {
        self.many = true;
        self
    }

    fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    fn or(mut self, default: &str) -> Self {
        self.default = Some(default.to_owned());
        self
    }

    fn of(mut self, subject: Subject) -> Self {
        self.choices = Some(subject);
        self
    }

    /// Until there is an answer that the compiler takes.
    fn ask(&self, answers: &mut Answers, asking: &mut Asking) -> io::Result<()> {
        let choices = self.choices(answers, asking)?;
        loop {
            let text = if choices.is_empty() {
                self.text.to_owned()
            } else {
                // At the end of the question, before what is said of it.
                let (question, more) = self
                    .text
                    .split_at(self.text.find('\n').unwrap_or(self.text.len()));
                format!("{question}, or its number{more}")
            };
            match &self.default {
                Some(default) => write!(asking.out, "{text} [{default}]: ")?,
                None => write!(asking.out, "{text}: ")?,
            }
            asking.out.flush()?;
            let values = self.values(&line(asking.input)?);
            let values: Vec<String> = values.into_iter().map(|v| chosen(v, &choices)).collect();
            if values.is_empty() && self.required {
                writeln!(asking.out, "  an answer is needed here")?;
                continue;
            }
            if self.path == "delivery.dicomweb" && !values.iter().all(|answer| is_yes_or_no(answer))
            {
                writeln!(asking.out, "  the answer is yes or no")?;
                continue;
            }
            let mut tried = answers.clone();
            (self.put)(&mut tried, values);
            if self.accepts(&tried, asking.out)? {
                *answers = tried;
                return Ok(());
            }
        }
    }

    /// What the account has, by numbers; a line where that can't be listed.
    fn choices(&self, answers: &Answers, asking: &mut Asking) -> io::Result<Vec<Choice>> {
        let (Some(subject), Some(account)) = (self.choices, asking.account.as_mut()) else {
            return Ok(Vec::new());
        };
        let mut choices = match account.choices(subject, answers) {
            Ok(choices) => choices,
            Err(why) => {
                writeln!(
                    asking.out,
                    "  {}",
                    wrapped(&why, WIDTH - 2).replace('\n', "\n  ")
                )?;
                return Ok(Vec::new());
            }
        };
        let more = choices.len().saturating_sub(SHOWN);
        choices.truncate(SHOWN);
        for (number, choice) in (1..).zip(&choices) {
            writeln!(asking.out, "{}", choice.line(number, WIDTH))?;
        }
        if more > 0 {
            writeln!(asking.out, "  and {more} more")?;
        }
        Ok(choices)
    }

    fn values(&self, line: &str) -> Vec<String> {
        let parts: Vec<&str> = if self.many {
            line.split(',').collect()
        } else {
            vec![line]
        };
        let given = parts.into_iter().map(str::trim).filter(|v| !v.is_empty());
        let values: Vec<String> = given.map(str::to_owned).collect();
        if values.is_empty() {
            return self.default.iter().cloned().collect();
        }
        values
    }

    /// Says what is wrong, and what is dangerous.
    fn accepts(&self, tried: &Answers, out: &mut dyn Write) -> io::Result<bool> {
        let mut accepted = true;
        for found in findings(tried)
            .iter()
            .filter(|d| within(&d.path, self.path))
        {
            let what = if found.is_error() {
                accepted = false;
                "error"
            } else {
                "warning"
            };
            let mut say = |what: &str, text: &str| {
                let text = wrapped(text, WIDTH - what.len() - "  : ".len());
                let indent = " ".repeat(what.len() + "  : ".len());
                writeln!(
                    out,
                    "  {what}: {}",
                    text.replace('\n', &format!("\n{indent}"))
                )
            };
            say(what, &found.message)?;
            if let Some(help) = &found.help {
                say("help", first_sentence(help))?;
            }
        }
        Ok(accepted)
    }
}

fn is_yes_or_no(answer: &str) -> bool {
    is_yes(answer) || matches!(answer.to_ascii_lowercase().as_str(), "n" | "no")
}

fn line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
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
        let (answers, said) =
            asked_with(&mut Two(&[]), "\n\nus-east-1_Other\n\n\nus-west-2\n\n\n\n");
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
}
