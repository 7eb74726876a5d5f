//! Answers from the settings of the AWS sample `amazon-cloudfront-image-frame-delivery`, and
//! of its successor `amazon-cloudfront-delivery`. Where a guess could let more people in than
//! the sample does, there is no guess: a flag has to say it.

use super::Answers;
use super::typescript::{Constant, Value};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::printable;

/// A file's constants, and the name that the user knows it by.
pub struct File {
    pub name: String,
    pub constants: Vec<Constant>,
}

/// What the files say, and what they say in vain.
#[derive(Debug)]
pub struct Taken {
    pub answers: Answers,
    /// Each on one line: the setting, its place, why it isn't taken over.
    pub remarks: Vec<String>,
}

const AUTH: [&str; 3] = ["AUTH_MODE", "COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID"];
const SAMPLE: [&str; 3] = ["CUSTOM_CNAME", "AHLI_REGION", "AHLI_ENDPOINT"];
const SUCCESSOR: [&str; 6] = [
    "AHI_REGION",
    "ALB_DOMAIN",
    "CF_CUSTOM_DOMAIN",
    "CF_CACHE_HEADERS",
    "PROXY_LOG_LEVEL",
    "CONTAINER_ARCHITECTURE",
];
/// Only `tile-level-marker-proxy` has these.
const PROXY: [&str; 3] = ["ENABLE_ELASTICACHE", "DEPLOY_REGION", "ACM_ARN"];

/// What a setting of the successor was for, where frames has nothing like it.
const WITHOUT_USE: [(&str, &str); 3] = [
    (
        "ALB_DOMAIN",
        "there is no load balancer: CloudFront asks HealthImaging itself",
    ),
    ("CONTAINER_ARCHITECTURE", "there is no container"),
    (
        "CF_CACHE_HEADERS",
        "no header tells cached answers apart: the authorizer decides before the cache is asked",
    ),
];

/// The later file's settings replace those of the earlier one, as in the sample. What the user
/// gave by flags replaces both.
pub fn taken(files: &[File], given: &Answers) -> Result<Taken> {
    let mut settings = Settings::of(files);
    settings.check_kind(files)?;
    let mut problems = std::mem::take(&mut settings.twice);
    let mut answers = given.clone();
    settings.auth(&mut answers, &mut problems);
    settings.domain(&mut answers);
    settings.health_imaging(&mut answers);
    settings.log_level(&mut answers);
    settings.reads(&mut answers);
    settings.leftovers();
    if problems.is_empty() {
        return Ok(Taken {
            answers,
            remarks: settings.remarks,
        });
    }
    Err(Failure::usage(problems.join("\n")).help(
        "give each of these settings by its flag (see `frames init --help`); nothing was written",
    ))
}

struct Setting<'a> {
    name: &'a str,
    value: &'a Value,
    /// `config.ts:12`
    place: String,
    file: &'a str,
    used: bool,
}

struct Settings<'a> {
    all: Vec<Setting<'a>>,
    /// What one file says in two ways: only a run would tell which counts.
    twice: Vec<String>,
    remarks: Vec<String>,
}

/// A setting's value, read as one text.
enum Text {
    /// `null`, `undefined`, `''`, or no such setting.
    Empty,
    Given(String),
    /// As it is to be quoted.
    Other(String),
}

fn is_known(name: &str) -> bool {
    let known = [&AUTH[..], &SAMPLE, &SUCCESSOR];
    known.iter().any(|names| names.contains(&name))
}

impl<'a> Settings<'a> {
    /// Also those within an object, as in `export default {…}`.
    fn of(files: &'a [File]) -> Self {
        let mut all: Vec<Setting> = Vec::new();
        let mut twice = Vec::new();
        for file in files {
            for constant in &file.constants {
                let members = match &constant.value {
                    Value::Object(members) if !is_known(&constant.name) => members.as_slice(),
                    _ => &[],
                };
                let mut found: Vec<(&str, &Value)> = members
                    .iter()
                    .map(|(name, value)| (name.as_str(), value))
                    .filter(|(name, _)| is_known(name))
                    .collect();
                // `export default config` says nothing new.
                if found.is_empty() && constant.name != "default" {
                    found.push((&constant.name, &constant.value));
                }
                for (name, value) in found {
                    let place = format!("{}:{}", file.name, constant.line);
                    let before = all.iter().find(|known| known.name == name);
                    if let Some(before) = before
                        && before.file == file.name
                        && before.value != value
                    {
                        twice.push(format!(
                            "{name} has one value at {} and another at {place}: leave one of them in a copy of the file, or give it by its flag",
                            before.place
                        ));
                    }
                    all.retain(|known| known.name != name);
                    all.push(Setting {
                        name,
                        value,
                        place,
                        file: &file.name,
                        used: false,
                    });
                }
            }
        }
        Self {
            all,
            twice,
            remarks: Vec::new(),
        }
    }

    fn has(&self, names: &[&str]) -> bool {
        self.all.iter().any(|setting| names.contains(&setting.name))
    }

    /// Whether these are the settings of something that frames replaces.
    fn check_kind(&self, files: &[File]) -> Result<()> {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let names = names.join(", ");
        if self.has(&PROXY) && !self.has(&SAMPLE) {
            return Err(Failure::usage(format!(
                "{names}: these are the settings of tile-level-marker-proxy, which decodes frames"
            ))
            .help("frames delivers frames as HealthImaging keeps them; `frames init` without --from asks for what it needs"));
        }
        if self.all.iter().any(|setting| is_known(setting.name)) {
            return Ok(());
        }
        let known = [&AUTH[..], &SAMPLE, &SUCCESSOR].concat().join(", ");
        Err(Failure::usage(format!(
            "{names}: none of the sample's settings is here ({known})"
        ))
        .help("name config.ts of amazon-cloudfront-image-frame-delivery or amazon-cloudfront-delivery"))
    }

    /// Its value and its place; from then on it counts as seen.
    fn take(&mut self, name: &str) -> Option<(&'a Value, String)> {
        let setting = self.all.iter_mut().find(|setting| setting.name == name)?;
        setting.used = true;
        Some((setting.value, format!("{name} ({})", setting.place)))
    }

    fn remark(&mut self, setting: &str, why: &str) {
        let remark = format!("{setting}: {why}");
        self.remarks.push(printable::line(&remark).into_owned());
    }

    /// One text. What is none is a remark.
    fn text(&mut self, name: &str) -> Option<String> {
        let (value, place) = self.take(name)?;
        self.read(value, &place)
    }

    fn read(&mut self, value: &Value, place: &str) -> Option<String> {
        match text(value) {
            Text::Given(text) => Some(text),
            Text::Empty => None,
            Text::Other(written) => {
                self.remark(
                    place,
                    &format!("{written} isn't a text that can be read without running it"),
                );
                None
            }
        }
    }

    fn auth(&mut self, answers: &mut Answers, problems: &mut Vec<String>) {
        if let (Some((value, place)), None) = (self.take("AUTH_MODE"), &answers.auth) {
            match mode(value, self.has(&SAMPLE)) {
                Ok(mode) => answers.auth = Some(mode.to_owned()),
                Err(written) => problems.push(format!(
                    "{place} is {written}, which doesn't say who may fetch frames: \
                     say it with `--auth cognito`, `--auth oidc` or `--auth none` (everyone)"
                )),
            }
        } else if answers.auth.is_none() {
            problems.push("AUTH_MODE is missing: say it with `--auth cognito`, `--auth oidc` or `--auth none` (everyone)".to_owned());
        }
        if answers
            .auth
            .as_deref()
            .is_some_and(|mode| !mode.eq_ignore_ascii_case("cognito"))
        {
            for name in ["COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID"] {
                if let Some((value, place)) = self.take(name)
                    && !matches!(text(value), Text::Empty)
                {
                    self.remark(&place, "it has no effect without tokens of Cognito");
                }
            }
            return;
        }
        let pool = self.text("COGNITO_USER_POOL_ID");
        answers.user_pool_id = answers.user_pool_id.take().or(pool);
        if let (Some((value, place)), true) =
            (self.take("COGNITO_CLIENT_ID"), answers.client_id.is_empty())
        {
            match value {
                // The authorizer of both takes every app client then.
                Value::Null => {}
                Value::Text(id) if id == "null" || id == "undefined" => {}
                Value::Text(id) if !id.is_empty() => answers.client_id = vec![literal(id)],
                other => problems.push(format!(
                    "{place} is {}: name the app client with `--client-id`, or write `null` for every client of the pool",
                    quoted(other)
                )),
            }
        }
    }

    /// Both have a list of names and a certificate, under names of their own.
    fn domain(&mut self, answers: &mut Answers) {
        for (setting, names, certificate) in [
            ("CUSTOM_CNAME", "domainNames", "certificateArn"),
            ("CF_CUSTOM_DOMAIN", "cfDomains", "cfCertificateArn"),
        ] {
            let Some((value, place)) = self.take(setting) else {
                continue;
            };
            let members = match value {
                Value::Null => continue,
                Value::Object(members) => members,
                other => {
                    self.remark(
                        &place,
                        &format!("{} isn't an object that can be read", quoted(other)),
                    );
                    continue;
                }
            };
            let mut cnames = Vec::new();
            let mut arn = None;
            for (name, value) in members {
                let place = format!("{setting}.{name}{}", place.trim_start_matches(setting));
                if name == names {
                    cnames = self.list(value, &place);
                } else if name == certificate {
                    arn = self.read(value, &place);
                } else {
                    self.remark(&place, "frames doesn't know it");
                }
            }
            if cnames.is_empty() && answers.cname.is_empty() {
                if arn.is_some() {
                    self.remark(&place, "a certificate has no effect without names");
                }
                continue;
            }
            if answers.cname.is_empty() {
                answers.cname = cnames;
            }
            answers.certificate_arn = answers.certificate_arn.take().or(arn);
        }
    }

    /// All of them, or none.
    fn list(&mut self, value: &Value, place: &str) -> Vec<String> {
        let items = match value {
            Value::Null => return Vec::new(),
            Value::List(items) => items,
            other => {
                self.remark(
                    place,
                    &format!("{} isn't a list that can be read", quoted(other)),
                );
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in items {
            match text(item) {
                Text::Given(text) => texts.push(text),
                Text::Empty | Text::Other(_) => {
                    self.remark(
                        place,
                        &format!("{} isn't a name that can be read", quoted(item)),
                    );
                    return Vec::new();
                }
            }
        }
        texts
    }

    fn health_imaging(&mut self, answers: &mut Answers) {
        for name in ["AHLI_REGION", "AHI_REGION"] {
            let region = self.text(name);
            answers.region = answers.region.take().or(region);
        }
        let endpoint = self.text("AHLI_ENDPOINT");
        answers.endpoint = answers.endpoint.take().or(endpoint);
    }

    /// Its viewers read frames and metadata by GET and by POST, whatever is set.
    fn reads(&self, answers: &mut Answers) {
        if self.has(&SUCCESSOR) && !self.has(&SAMPLE) {
            answers.metadata = true;
            answers.cached_reads = true;
        }
    }

    fn log_level(&mut self, answers: &mut Answers) {
        let Some((value, place)) = self.take("PROXY_LOG_LEVEL") else {
            return;
        };
        let Some(level) = self.read(value, &place) else {
            return;
        };
        let (nearest, why) = match level.to_ascii_lowercase().as_str() {
            known @ ("error" | "warn" | "info") => {
                answers.log_level = Some(known.to_owned());
                return;
            }
            "trace" | "debug" => ("info", "is more than the functions log"),
            "silent" | "fatal" => ("error", "is less than the functions log"),
            _ => ("warn", "isn't a level that is known"),
        };
        answers.log_level = Some(nearest.to_owned());
        self.remark(
            &place,
            &format!("`{level}` {why}, so `logs.functions.level` is `{nearest}`"),
        );
    }

    /// What is left has no key.
    fn leftovers(&mut self) {
        let left: Vec<(&str, String)> = self
            .all
            .iter()
            .filter(|setting| !setting.used)
            .map(|setting| (setting.name, setting.place.clone()))
            .collect();
        for (name, place) in left {
            let reason = WITHOUT_USE.iter().find(|(known, _)| *known == name);
            let why = reason.map_or("frames doesn't know it", |(_, why)| why);
            self.remark(&format!("{name} ({place})"), why);
        }
    }
}

/// In the settings, `${` is text: a manifest would look a variable up.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

fn text(value: &Value) -> Text {
    match value {
        Value::Null => Text::Empty,
        Value::Text(text) if text.is_empty() => Text::Empty,
        Value::Text(text) => Text::Given(literal(text)),
        other => Text::Other(quoted(other)),
    }
}

/// For a message: texts in quotes, what isn't known as it is written.
fn quoted(value: &Value) -> String {
    match value {
        Value::Null => "`null`".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("`{value}`"),
        Value::Text(text) => format!("`'{text}'`"),
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Unknown(written) if written.is_empty() => "not set".to_owned(),
        Value::Unknown(written) => format!("`{written}`"),
    }
}

/// The mode of `AUTH_MODE`; else how it is to be quoted. The sample has `null` for no token, its
/// successor `'none'`. The text `'null'` opens one of them and breaks the other.
fn mode(value: &Value, is_sample: bool) -> std::result::Result<&'static str, String> {
    match value {
        Value::Text(text) if text == "cognito_jwt" => Ok("cognito"),
        Value::Text(text) if text == "none" && !is_sample => Ok("none"),
        Value::Null if is_sample => Ok("none"),
        other => Err(quoted(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::typescript::constants;

    /// What the successor's settings make of a level, and what is remarked.
    fn with_level(written: &str) -> Taken {
        let settings = format!(
            "export const AUTH_MODE = 'none';\nexport const PROXY_LOG_LEVEL: string = {written};\n"
        );
        let file = File {
            name: "config.ts".to_owned(),
            constants: constants(settings.as_bytes()).unwrap(),
        };
        taken(&[file], &Answers::default()).unwrap()
    }

    #[test]
    fn a_log_level_becomes_the_nearest_one() {
        for (level, nearest, why) in [
            ("error", "error", None),
            ("warn", "warn", None),
            ("info", "info", None),
            ("INFO", "info", None),
            ("debug", "info", Some("is more than the functions log")),
            ("trace", "info", Some("is more than the functions log")),
            ("fatal", "error", Some("is less than the functions log")),
            ("silent", "error", Some("is less than the functions log")),
            ("Silent", "error", Some("is less than the functions log")),
            ("verbose", "warn", Some("isn't a level that is known")),
        ] {
            let taken = with_level(&format!("'{level}'"));
            assert_eq!(taken.answers.log_level.as_deref(), Some(nearest), "{level}");
            let remarks: Vec<String> = why
                .iter()
                .map(|why| {
                    format!(
                        "PROXY_LOG_LEVEL (config.ts:2): `{level}` {why}, so `logs.functions.level` is `{nearest}`"
                    )
                })
                .collect();
            assert_eq!(taken.remarks, remarks);
        }
    }

    #[test]
    fn a_log_level_that_isnt_said_stays_the_default() {
        for (written, remarks) in [("''", 0), ("undefined", 0), ("process.env.LEVEL", 1)] {
            let taken = with_level(written);
            assert_eq!(taken.answers.log_level, None, "{written}");
            assert_eq!(taken.remarks.len(), remarks, "{:?}", taken.remarks);
        }
    }
}
