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
    let text = "Id of the names' Route 53 hosted zone\n  frames makes their records there, and a certificate unless you name one\n  none: leave empty";
    let zone = question("domain.hostedZoneId", text, |a, v| {
        a.hosted_zone_id = first(v);
    });
    zone.optional()
        .of(Subject::HostedZones)
        .ask(answers, asking)?;
    let text = match answers.hosted_zone_id {
        Some(_) => {
            "ARN of the ACM certificate that covers them\n  in us-east-1; to have one made: leave empty"
        }
        None => {
            "ARN of the ACM certificate that covers them\n  in us-east-1; to leave the names out for now: leave empty"
        }
    };
    let certificate = question("domain.certificateArn", text, |a, v| {
        a.certificate_arn = first(v);
        // Names that nothing covers make no valid `domain`.
        if a.certificate_arn.is_none() && a.hosted_zone_id.is_none() {
            a.uncovered = std::mem::take(&mut a.cname);
        }
    });
    let certificate = certificate.optional().of(Subject::Certificates);
    certificate.ask(answers, asking)?;
    if !answers.uncovered.is_empty() {
        say(asking.out, "note", UNCOVERED)?;
    }
    Ok(())
}

/// Of names that have neither a zone nor a certificate.
const UNCOVERED: &str = "the names are left out: frames.yml has them in a comment. Once you have a hosted zone or a certificate, write it there and take the # away";

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
            say(out, what, &found.message)?;
            if let Some(help) = &found.help {
                say(out, "help", first_sentence(help))?;
            }
        }
        Ok(accepted)
    }
}

/// Below a question; what goes on is below its words.
fn say(out: &mut dyn Write, what: &str, text: &str) -> io::Result<()> {
    let indent = what.len() + "  : ".len();
    let text = wrapped(text, WIDTH - indent);
    let text = text.replace('\n', &format!("\n{}", " ".repeat(indent)));
    writeln!(out, "  {what}: {text}")
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
mod tests;
