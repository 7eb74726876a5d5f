//! Values of flags that have a form of their own.

use super::OhifChoice;
use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeZone};
use clap::builder::PossibleValuesParser;
use frames_compiler::diagnostic::codes::{self, Severity};
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::names;
use frames_edge::operation::{is_id, is_uid};
use std::time::Duration;

/// The flag without a value comes as an empty one.
pub(super) fn ohif(text: &str) -> Result<OhifChoice, String> {
    Ok(match text {
        "" => OhifChoice::Npm,
        path => OhifChoice::Directory(path.into()),
    })
}

pub(super) fn option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("an option has to be written as name=value")?;
    if name.is_empty() {
        return Err("the option has no name".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// The code of a warning.
pub(super) fn warning(text: &str) -> Result<String, String> {
    match codes::find(text) {
        Some(code) if code.severity == Severity::Warning => Ok(text.to_owned()),
        Some(_) => Err("that is an error, and an error can't be allowed away".to_owned()),
        None => {
            let warnings = codes::all().filter(|code| code.severity == Severity::Warning);
            let known = warnings.map(|code| code.name);
            let meant = did_you_mean(text, known).unwrap_or_else(|| {
                "A finding has its code in brackets, `warning[default-certificate]`; docs/codes.md lists all"
                    .to_owned()
            });
            Err(format!("no warning has that code. {meant}"))
        }
    }
}

/// Of HealthImaging: a data store or an image set.
pub(super) fn id(text: &str) -> Result<String, String> {
    if is_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an id of HealthImaging's has 32 lower-case letters and digits".to_owned())
    }
}

/// Of a study or a series.
pub(super) fn uid(text: &str) -> Result<String, String> {
    if is_uid(text) {
        Ok(text.to_owned())
    } else {
        Err("a DICOM UID has digits and dots, 64 at most (DICOM PS3.5, 9.1)".to_owned())
    }
}

/// A deployment's id, or its beginning.
pub(super) fn deployment(text: &str) -> Result<String, String> {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if (4..=64).contains(&text.len()) && text.chars().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err(
            "a deployment's id has 12 hexadecimal digits, or 64 in full, and the first 4 are enough: `frames history` lists them"
                .to_owned(),
        )
    }
}

pub(super) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an AWS account's id has 12 digits".to_owned())
    }
}

/// `90s`, `30m`, `2h`, `1d`; seconds without a unit.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err("a duration is a number and s, m, h or d: `30m`".to_owned()),
    };
    let number = number.parse::<u64>();
    let number = number.map_err(|_| "a duration is a number and s, m, h or d: `30m`".to_owned())?;
    let total = number
        .checked_mul(seconds)
        .ok_or("this duration is too long")?;
    Ok(Duration::from_secs(total))
}

/// When something was, or how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Ago(Duration),
    /// In milliseconds since 1970.
    At(i64),
}

/// A duration, a date in the zone of whoever writes it, or a time with its own zone.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = wait(text) {
        return Ok(Moment::Ago(ago));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(time.timestamp_millis()));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
        "a time is how long ago (`30m`, `2h`, `1d`), a date (`2026-03-01`), or a time with its zone (`2026-03-01T08:00:00Z`)"
    })?;
    let midnight = Local.from_local_datetime(&date.and_time(NaiveTime::MIN));
    let midnight = midnight
        .earliest()
        .ok_or("that day has no midnight in this zone: write a time with its zone")?;
    Ok(Moment::At(midnight.timestamp_millis()))
}

pub(super) fn function() -> PossibleValuesParser {
    PossibleValuesParser::new(names::FUNCTIONS)
}

/// As in a manifest.
pub(super) fn service_name(text: &str) -> Result<String, String> {
    match frames_compiler::manifest::service_problem(text) {
        None => Ok(text.to_owned()),
        Some(problem) => Err(problem),
    }
}

/// It becomes part of stack and function names, whose length AWS limits.
pub(super) fn env_name(text: &str) -> Result<String, String> {
    let fits = (1..=16).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with('-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("an environment's name has 1 to 16 letters, digits and inner hyphens".to_owned())
    }
}
