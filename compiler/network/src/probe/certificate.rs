//! What a server's certificate says of itself: its names, and from when until when it counts.

use rustls::pki_types::CertificateDer;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names, wildcards included.
    pub names: Vec<String>,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

impl Certificate {
    /// `None` where it can't be read.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (not_before, not_after) = validity(der)?;
        let names = webpki::EndEntityCert::try_from(der).map_or_else(
            |_| Vec::new(),
            |read| read.valid_dns_names().map(str::to_owned).collect(),
        );
        Some(Self {
            names,
            not_before,
            not_after,
        })
    }

    /// Whole days that are left; negative once it has expired.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        const DAY: u64 = 24 * 60 * 60;
        let days = |time: Duration| i64::try_from(time.as_secs() / DAY).unwrap_or(i64::MAX);
        match self.not_after.duration_since(now) {
            Ok(left) => days(left),
            Err(over) => -1 - days(over.duration()),
        }
    }
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// RFC 5280, 4.1: the validity is the fourth element, or the fifth where there is a version.
fn validity(der: &[u8]) -> Option<(SystemTime, SystemTime)> {
    let (certificate, _) = sequence(der)?;
    let (signed, _) = sequence(certificate)?;
    let (tag, _, after) = element(signed)?;
    let mut rest = if tag == VERSION { after } else { signed };
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (validity, _) = sequence(rest)?;
    let (tag, before, rest) = element(validity)?;
    let before = time(tag, before)?;
    let (tag, after, _) = element(rest)?;
    Some((before, time(tag, after)?))
}

fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == SEQUENCE).then_some((content, rest))
}

/// A tag, its content, and what comes after it (X.690, 8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // A length of up to four bytes: no certificate is longer.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0, |length, byte| (length << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5).
fn time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let days = days(year, part(0)?, part(2)?);
    let seconds = days * 86_400 + part(4)? * 3_600 + part(6)? * 60 + part(8)?;
    let seconds = Duration::from_secs(u64::try_from(seconds).ok()?);
    UNIX_EPOCH.checked_add(seconds)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March, so that a leap
/// day is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_those_of_a_calendar() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "240229120000Z", 1_709_208_000),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (GENERALIZED_TIME, "20000301000000Z", 951_868_800),
            (GENERALIZED_TIME, "21000301000000Z", 4_107_542_400),
        ] {
            assert_eq!(time(tag, text.as_bytes()), Some(at(seconds)), "{text}");
        }
        for text in ["", "Z", "7001010000Z", "700101000000", "70010100000xZ"] {
            assert_eq!(time(UTC_TIME, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let made = rcgen::generate_simple_self_signed(["a.example.org".to_owned()]).unwrap();
        let der = made.cert.der();
        let read = Certificate::read(der).unwrap();
        assert_eq!(read.names, ["a.example.org"]);
        assert!(read.not_before < read.not_after);
        for end in 0..der.len().min(200) {
            let cut = CertificateDer::from(der.get(..end).unwrap());
            assert_eq!(Certificate::read(&cut), None, "{end}");
        }
    }

    #[test]
    fn days_are_counted_to_the_end() {
        let until = |seconds| Certificate {
            names: vec![],
            not_before: at(0),
            not_after: at(seconds),
        };
        assert_eq!(until(86_400 * 30).days_left(at(0)), 30);
        assert_eq!(until(86_399).days_left(at(0)), 0);
        assert_eq!(until(0).days_left(at(1)), -1);
    }
}
