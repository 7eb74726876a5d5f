//! Lengths of time.

use super::formats::Format;

/// How long a duration may be, and how it is written.
#[derive(Debug)]
pub(super) struct Duration {
    pub format: &'static Format,
    pub least: &'static str,
    pub most: &'static str,
}

impl Duration {
    /// What somebody meant who wrote `1 day` or `2 hours`.
    pub(super) fn guess(&self, text: &str) -> Option<String> {
        let text = text.trim();
        if self.format.matches(text) {
            return None;
        }
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let number: u64 = number.parse().ok()?;
        let (number, unit) = match unit.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => (number, "s"),
            "m" | "min" | "mins" | "minute" | "minutes" => (number, "m"),
            "h" | "hr" | "hrs" | "hour" | "hours" => (number, "h"),
            "d" | "day" | "days" => (number, "d"),
            "w" | "week" | "weeks" => (number.checked_mul(7)?, "d"),
            "y" | "year" | "years" => (number.checked_mul(365)?, "d"),
            _ => return None,
        };
        let guess = format!("{number}{unit}");
        let (least, most) = self.bounds();
        let fits = (least..=most).contains(&seconds(&guess)?) && self.format.matches(&guess);
        fits.then_some(guess)
    }

    /// The bounds, in seconds.
    pub(super) fn bounds(&self) -> (u64, u64) {
        (
            seconds(self.least).unwrap_or(0),
            seconds(self.most).unwrap_or(u64::MAX),
        )
    }
}

/// `12h` as seconds; the format has been checked.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::formats::{DAYS, DURATION};

    #[test]
    fn a_duration_in_seconds() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("12h", Some(43_200)),
            ("365d", Some(31_536_000)),
            ("", None),
            ("é", None),
            ("5", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn other_ways_to_write_it_are_understood() {
        let ttl = Duration {
            format: &DURATION,
            least: "0s",
            most: "365d",
        };
        for (text, guess) in [
            ("1 day", Some("1d")),
            ("2weeks", Some("14d")),
            ("12 Hours", Some("12h")),
            ("1y", Some("365d")),
            ("2 years", None),
            ("1d", None),
            ("30", None),
            ("day", None),
            ("1 month", None),
            ("99999999999999999999 days", None),
        ] {
            assert_eq!(ttl.guess(text).as_deref(), guess, "{text}");
        }
        let retention = Duration {
            format: &DAYS,
            least: "1d",
            most: "3650d",
        };
        assert_eq!(retention.guess("1 week").as_deref(), Some("7d"));
        assert_eq!(retention.guess("12 hours"), None);
    }
}
