//! What a key of a search asks of an attribute's value.
//!
//! Sources: "Searching DICOM data in HealthImaging", AWS HealthImaging Developer
//! Guide; DICOM PS3.4, C.2.2.2 (attribute matching).
//!
//! Where AWS is silent, the narrower reading counts, so that nobody relies on
//! what the service may not do:
//!
//! - A name is matched by case, unless `fuzzymatching` is on. PS3.4 leaves that
//!   open, and AWS names case only with `fuzzymatching`.
//! - With `fuzzymatching`, a value that has `*` or `?` in it is matched as a
//!   pattern, without regard to case: words that begin with a star are none.
//! - A list of values is taken for UIDs only.

use crate::package::glob;
use dicom_core::VR;
use frames_edge::operation;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Anything: the key had no value (PS3.4, C.2.2.2.3).
    Any,
    Exactly {
        text: String,
        is_name: bool,
    },
    /// With `*` and `?`.
    Pattern {
        pattern: Vec<char>,
        is_name: bool,
        folded: bool,
    },
    /// One of them begins a word of the name. In lower case.
    Words(Vec<String>),
    OneOf(Vec<String>),
    Number(i64),
    /// Dates or times, both bounds included, in the form that sorts.
    Between(Option<String>, Option<String>),
}

impl Condition {
    /// Reads a key's value. The error says what would have been right.
    pub(super) fn read(vr: VR, value: &str, fuzzy: bool) -> Result<Self, &'static str> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(Self::Any);
        }
        match vr {
            VR::UI => uids(value),
            VR::DA => between(value, date, date, "a date YYYYMMDD, or a range with `-`"),
            VR::TM => between(
                value,
                earliest,
                latest,
                "a time HHMMSS, or a range with `-`",
            ),
            VR::IS => {
                let number = value.parse().map_err(|_| "a whole number")?;
                Ok(Self::Number(number))
            }
            VR::PN if fuzzy && !has_wildcard(value) => Ok(Self::Words(
                words(value).map(|word| word.to_lowercase()).collect(),
            )),
            _ if has_wildcard(value) => {
                let is_name = vr == VR::PN;
                let folded = fuzzy && is_name;
                Ok(Self::Pattern {
                    pattern: characters(value, folded),
                    is_name,
                    folded,
                })
            }
            _ => {
                let is_name = vr == VR::PN;
                let text = if is_name { plain(value) } else { value };
                Ok(Self::Exactly {
                    text: text.to_owned(),
                    is_name,
                })
            }
        }
    }

    /// Whether one of an attribute's values is what was asked for. An attribute
    /// that isn't there has the empty value, which `*` matches too.
    pub(super) fn holds(&self, values: &[String]) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| values.iter().any(|value| matches(value.trim()));
        match self {
            Self::Any => true,
            Self::Exactly { text, is_name } => {
                any(&|value| value == text || *is_name && spellings(value).any(|one| one == text))
            }
            Self::Pattern {
                pattern,
                is_name,
                folded,
            } => {
                let matches = |value: &str| glob(pattern, &characters(value, *folded));
                let empty = values.is_empty() && matches("");
                empty || any(&|value| matches(value) || *is_name && spellings(value).any(matches))
            }
            Self::Words(wanted) => any(&|name| {
                let name = name.to_lowercase();
                words(&name).any(|word| wanted.iter().any(|begin| word.starts_with(begin.as_str())))
            }),
            Self::OneOf(wanted) => any(&|value| wanted.iter().any(|uid| uid == value)),
            Self::Number(wanted) => any(&|value| value.parse() == Ok(*wanted)),
            Self::Between(from, to) => any(&|value| {
                let value = sortable(value);
                let after = from.as_ref().is_none_or(|from| *from <= value);
                after && to.as_ref().is_none_or(|to| value <= *to)
            }),
        }
    }
}

fn has_wildcard(value: &str) -> bool {
    value.contains(['*', '?'])
}

fn characters(text: &str, folded: bool) -> Vec<char> {
    if folded {
        text.to_lowercase().chars().collect()
    } else {
        text.chars().collect()
    }
}

/// A name without the delimiters of components that it hasn't.
fn plain(value: &str) -> &str {
    value.trim_end_matches(['^', '='])
}

/// A name in several scripts has a group of components for each (PS3.5, 6.2.1.1).
fn spellings(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(name).chain(name.split('=')).map(plain)
}

/// AWS's example has a name in quotes.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| c.is_whitespace() || matches!(c, '^' | '=' | ',' | '"'))
        .filter(|word| !word.is_empty())
}

fn uids(value: &str) -> Result<Condition, &'static str> {
    let list: Vec<String> = value
        .split([',', '\\'])
        .map(|uid| uid.trim().to_owned())
        .collect();
    if list.iter().all(|uid| operation::is_uid(uid)) {
        Ok(Condition::OneOf(list))
    } else {
        Err("a DICOM UID, or several between commas")
    }
}

type Bound = fn(&str) -> Option<String>;

fn between(
    value: &str,
    first: Bound,
    last: Bound,
    expected: &'static str,
) -> Result<Condition, &'static str> {
    let bound = |text: &str, read: Bound| match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some).ok_or(expected),
    };
    let (from, to) = value.split_once('-').unwrap_or((value, value));
    match (bound(from, first)?, bound(to, last)?) {
        (None, None) => Err(expected),
        (from, to) => Ok(Condition::Between(from, to)),
    }
}

/// Of a date or a time; an older spelling has dots or colons (PS3.5, 6.2).
fn sortable(value: &str) -> String {
    match value.split_once('.') {
        // A time's fraction: whole seconds and their parts sort together.
        Some((whole, fraction)) if whole.len() == 6 && is_digits(whole) => {
            format!("{whole}{fraction:0<6}")
        }
        _ => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            match digits.len() {
                // A date has eight digits, and no time has.
                8 => digits,
                _ => format!("{digits:0<12}"),
            }
        }
    }
}

fn date(text: &str) -> Option<String> {
    if text.len() != 8 || !is_digits(text) {
        return None;
    }
    let part = |from, to| text.get(from..to)?.parse::<u32>().ok();
    let (month, day) = (part(4, 6)?, part(6, 8)?);
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| text.to_owned())
}

/// The first microsecond that a time stands for.
fn earliest(text: &str) -> Option<String> {
    time(text, '0')
}

/// The last one: `10` is the hour up to eleven.
fn latest(text: &str) -> Option<String> {
    time(text, '9')
}

/// Hours, then minutes and seconds if they are there, then a fraction.
fn time(text: &str, fill: char) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_time = matches!(whole.len(), 2 | 4 | 6)
        && is_digits(whole)
        && is_digits(fraction)
        && fraction.len() <= 6
        && (fraction.is_empty() || whole.len() == 6);
    if !is_time {
        return None;
    }
    let limits = [(0, 2, 23), (2, 4, 59), (4, 6, 60)];
    let in_range = limits.iter().all(|&(from, to, most)| {
        let part = whole.get(from..to).map(str::parse::<u32>);
        part.is_none_or(|part| part.is_ok_and(|part| part <= most))
    });
    let mut digits = format!("{whole}{fraction}");
    while digits.len() < 12 {
        digits.push(fill);
    }
    in_range.then_some(digits)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(vr: VR, key: &str, fuzzy: bool, value: &str) -> bool {
        let condition = Condition::read(vr, key, fuzzy).unwrap();
        condition.holds(&[value.to_owned()])
    }

    #[test]
    fn text_is_matched_whole_and_by_case_or_as_a_pattern() {
        for (key, value) in [
            ("CT Head", "CT Head "),
            ("*Nuclear*", "A Nuclear study"),
            ("Nuclear*", "Nuclear"),
            ("*Nuclear", "Nuclear"),
            ("200965981???", "200965981abc"),
            ("M?ller", "Müller"),
            ("*", "anything"),
        ] {
            assert!(holds(VR::LO, key, false, value), "{key}");
        }
        for (key, value) in [
            ("CT", "CT Head"),
            ("ct head", "CT Head"),
            ("nuclear*", "Nuclear"),
            ("200965981???", "200965981abcd"),
            ("200965981???", "200965981ab"),
            ("[a-z]*", "abc"),
        ] {
            assert!(!holds(VR::LO, key, false, value), "{key}");
        }
    }

    #[test]
    fn a_name_is_found_by_any_of_its_words_if_that_is_asked_for() {
        for name in [
            "thomas",
            "Albert",
            "Thomas Albert",
            "Thomas^Albert",
            "ALBERTSON^X",
        ] {
            assert!(holds(VR::PN, "\"Thomas^Albert\"", true, name), "{name}");
        }
        for name in ["hom", "ber", "Tom^Alan", "McThomas"] {
            assert!(!holds(VR::PN, "\"Thomas^Albert\"", true, name), "{name}");
        }
        assert!(holds(VR::PN, "alb", true, "Thomas^Albert"));
        assert!(!holds(VR::PN, "alb", false, "Thomas^Albert"));
        assert!(!holds(VR::LO, "alb", true, "Albert"), "names only");
    }

    #[test]
    fn a_pattern_is_no_word_and_has_no_case_where_names_are_fuzzy() {
        assert!(holds(VR::PN, "*HOM*", true, "Thomas^Albert"));
        assert!(!holds(VR::PN, "*HOM*", false, "Thomas^Albert"));
        assert!(!holds(VR::LO, "*HOM*", true, "Thomas"));
    }

    #[test]
    fn each_spelling_of_a_name_is_matched_and_delimiters_do_not_count() {
        let name = "Yamada^Tarou=山田^太郎=やまだ^たろう";
        for key in ["Yamada^Tarou", "山田^太郎", "山田*", "Yamada^Tarou^^", name] {
            assert!(holds(VR::PN, key, false, name), "{key}");
        }
        assert!(holds(VR::PN, "Doe^Jane", false, "Doe^Jane^^^"));
        assert!(!holds(VR::PN, "Doe", false, "Doe^Jane"));
        assert!(holds(VR::PN, "tar", true, name));
        assert!(!holds(VR::LO, "a", false, "a=b") && !holds(VR::LO, "a", false, "a^"));
    }

    #[test]
    fn dates_and_times_are_matched_in_ranges() {
        for (vr, key, value, expected) in [
            (VR::DA, "20040101-20041231", "20040826", true),
            (VR::DA, "20040101-20041231", "20050101", false),
            (VR::DA, "20040826-20040826", "20040826", true),
            (VR::DA, "-20040826", "20040826", true),
            (VR::DA, "-20040826", "20040827", false),
            (VR::DA, "20040826-", "20040825", false),
            (VR::DA, "20040826-", "20991231", true),
            (VR::DA, "20040826", "20040826", true),
            (VR::DA, "20040826", "2004.08.26", true),
            (VR::DA, "20040826", "20040827", false),
            (VR::TM, "1000-1030", "103059.999999", true),
            (VR::TM, "1000-1030", "103100", false),
            (VR::TM, "10", "105959", true),
            (VR::TM, "185059", "18:50:59", true),
            (VR::TM, "185059", "185059.5", true),
            (VR::TM, "185059.5", "185059", false),
            (VR::TM, "-0930", "0930", true),
            (VR::TM, "2200-", "07", false),
        ] {
            assert_eq!(holds(vr, key, false, value), expected, "{key} {value}");
        }
    }

    #[test]
    fn numbers_and_uids_are_matched_as_such() {
        assert!(holds(VR::IS, "1", false, " +1 ") && !holds(VR::IS, "1", false, "10"));
        for list in ["1.2,1.3", "1.2\\1.3", "1.3"] {
            assert!(holds(VR::UI, list, false, "1.3"), "{list}");
            assert!(!holds(VR::UI, list, false, "1.33"), "{list}");
        }
    }

    #[test]
    fn what_could_match_nothing_is_an_error() {
        for (vr, key) in [
            (VR::DA, "2004"),
            (VR::DA, "20041301"),
            (VR::DA, "20040100"),
            (VR::DA, "2004-01-01"),
            (VR::DA, "-"),
            (VR::DA, "20040101-20040102-20040103"),
            (VR::DA, "2004010é"),
            (VR::TM, "1"),
            (VR::TM, "2460"),
            (VR::TM, "10.5"),
            (VR::TM, "101010.1234567"),
            (VR::UI, "1.2.x"),
            (VR::UI, "1.2,"),
            (VR::UI, "1.2*"),
            (VR::IS, "one"),
        ] {
            assert!(Condition::read(vr, key, false).is_err(), "{key}");
        }
    }

    #[test]
    fn an_attribute_that_is_not_there_has_the_empty_value() {
        let found = |key: &str| Condition::read(VR::LO, key, false).unwrap().holds(&[]);
        assert!(found("") && found("*"));
        assert!(!found("x") && !found("?") && !found("x*"));
    }
}
