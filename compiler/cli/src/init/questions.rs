//! The questions, each answer checked at once.

use super::Answers;
use super::answers::{findings, mode as spelled, within};
use frames_compiler::diagnostic::first_sentence;
use frames_compiler::diagnostic::wrap::wrapped;
use std::io::{self, BufRead, Write};

/// A terminal's columns.
const WIDTH: usize = 80;

/// A question, and where its answer goes.
struct Question {
    path: &'static str,
    text: &'static str,
    /// What an empty answer means.
    default: Option<String>,
    required: bool,
    many: bool,
    put: fn(&mut Answers, Vec<String>),
}

/// Asks for everything. The end of the input is an error
/// of kind `UnexpectedEof`.
pub fn ask(service: String, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Answers> {
    let mut answers = Answers::default();
    let mut ask = |question: Question, answers: &mut Answers| -> io::Result<()> {
        question.ask(answers, input, out)
    };
    let mut name = question("service", "Service name", |a, v| a.service = first(v));
    name.default = Some(service);
    ask(name, &mut answers)?;

    let mode = "Who may fetch frames?\n  cognito, oidc (OpenID Connect) or none (everyone)";
    let mut mode = question("auth.mode", mode, |a, v| a.auth = first(v).map(spelled));
    mode.default = Some("cognito".to_owned());
    ask(mode, &mut answers)?;

    match answers.auth.as_deref() {
        Some("cognito") => {
            let text = "Cognito user pool's id";
            ask(
                question("auth.userPoolId", text, |a, v| a.user_pool_id = first(v)),
                &mut answers,
            )?;
        }
        Some("oidc") => {
            let text = "Issuer's URL, as in the tokens' `iss`";
            ask(
                question("auth.issuer", text, |a, v| a.issuer = first(v)),
                &mut answers,
            )?;
            let text = "Audience, as in the tokens' `aud`\n  several: with commas";
            let audience = question("auth.audience", text, |a, v| a.audience = v);
            ask(audience.many(), &mut answers)?;
        }
        _ => {}
    }

    let text = "Your own domain names\n  several: with commas; none: leave empty";
    let cnames = question("domain.cnames", text, |a, v| a.cname = v);
    ask(cnames.many().optional(), &mut answers)?;
    if !answers.cname.is_empty() {
        let text = "ARN of the ACM certificate that covers them\n  in us-east-1";
        ask(
            question("domain.certificateArn", text, |a, v| {
                a.certificate_arn = first(v);
            }),
            &mut answers,
        )?;
    }

    let text = "Data stores' ids\n  several: with commas; all of the account: leave empty";
    let datastores = question("iam.allow", text, |a, v| a.datastore = v);
    ask(datastores.many().optional(), &mut answers)?;

    let mut region = question(
        "healthImaging.region",
        "Region of the data stores",
        |a, v| {
            a.region = first(v);
        },
    );
    region.default = Some("us-east-1".to_owned());
    ask(region, &mut answers)?;
    Ok(answers)
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

    /// Until there is an answer that the compiler takes.
    fn ask(
        &self,
        answers: &mut Answers,
        input: &mut dyn BufRead,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        loop {
            match &self.default {
                Some(default) => write!(out, "{} [{default}]: ", self.text)?,
                None => write!(out, "{}: ", self.text)?,
            }
            out.flush()?;
            let values = self.values(&line(input)?);
            if values.is_empty() && self.required {
                writeln!(out, "  an answer is needed here")?;
                continue;
            }
            let mut tried = answers.clone();
            (self.put)(&mut tried, values);
            if self.accepts(&tried, out)? {
                *answers = tried;
                return Ok(());
            }
        }
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
        let answers = ask("ct-viewer".to_owned(), &mut input.as_bytes(), &mut out);
        (answers, String::from_utf8(out).unwrap())
    }

    #[test]
    fn empty_answers_take_the_defaults() {
        let (answers, said) = asked("\n\nus-east-1_AbCdEfGhI\n\n\n\n");
        let answers = answers.unwrap();
        assert_eq!(answers.service.as_deref(), Some("ct-viewer"));
        assert_eq!(answers.auth.as_deref(), Some("cognito"));
        assert!(answers.cname.is_empty() && answers.datastore.is_empty());
        // No data store named: the file's warning is said here already.
        assert!(said.contains("warning: without `iam.allow`"), "{said}");
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again() {
        let (answers, said) = asked(
            "1x\nok\noicd\nOIDC\nhttp://x.example\nhttps://x.example\n\na, b\n\
             frames.example.org\narn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11\n\
             arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11\n\
             12345678901234567890123456789012, 12345678901234567890123456789012\n12345678901234567890123456789012\nFrankfurt\neu-central-1\n",
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
        let (answers, said) = asked("\nnone\n\n\n\n");
        assert_eq!(answers.unwrap().auth.as_deref(), Some("none"));
        assert!(said.contains("warning: every frame is served"), "{said}");
    }

    #[test]
    fn the_end_of_the_input_is_no_answer() {
        let (answers, _) = asked("x\n");
        assert_eq!(answers.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
