//! `Accept` of a DICOMweb request, by operation. Viewers ask for metadata by the types of
//! frames (OHIF/Viewers#5442), or for anything; HealthImaging answers 406 to what it
//! doesn't make. So what has one form goes on as that form, whatever was asked for.
//!
//! | operation | goes on as |
//! | --- | --- |
//! | searches, metadata | `application/dicom+json` |
//! | bulk data | `application/octet-stream` |
//! | an instance | `application/dicom`, with the transfer syntaxes that were asked for |
//! | frames | the media types and transfer syntaxes that were asked for, in one spelling |
//!
//! What is cached has `Accept` in its key, so one wish has one spelling. Nothing that the
//! origin would heed is lost: media types, what a multipart's parts are, transfer
//! syntaxes, and the order of preference.
//!
//! Sources: DICOM PS3.18, 8.7 and Table 10.4.4-1; "Retrieving DICOM data", AWS
//! HealthImaging Developer Guide, whose spelling has no quotes; RFC 9110, 12.5.1.

use frames_edge::operation::{Kind, is_uid};
use frames_edge::{Header, Request};

/// More ranges than this aren't sorted out, only passed on.
const MOST_RANGES: usize = 8;

const ANYTHING: &str = "*/*";
const DICOM: &str = "application/dicom";
const DICOM_JSON: &str = "application/dicom+json";
const MULTIPART: &str = "multipart/related";
const OCTETS: &str = "application/octet-stream";

/// What frames come as.
const FRAMES: [&str; 14] = [
    ANYTHING,
    "application/*",
    OCTETS,
    "image/*",
    "image/j2c",
    "image/jp2",
    "image/jpeg",
    "image/jph",
    "image/jphc",
    "image/jxl",
    "image/png",
    MULTIPART,
    "video/mp4",
    "video/mpeg",
];

/// What takes in an instance.
const INSTANCES: [&str; 4] = [ANYTHING, "application/*", DICOM, MULTIPART];

/// Puts the header into the form that the operation goes on with.
pub(crate) fn settle(request: &mut Request, kind: Kind) {
    let headers = request.headers.get("accept").into_iter().flatten();
    let sent: Vec<&str> = headers.map(|header| header.value.as_str()).collect();
    if let Some(value) = settled(&sent.join(","), kind) {
        let key = Some("Accept".to_owned());
        request
            .headers
            .insert("accept".to_owned(), vec![Header { key, value }]);
    }
}

/// `None`: it stays as it was sent.
fn settled(sent: &str, kind: Kind) -> Option<String> {
    match kind {
        // Not cached, and the service's own to answer.
        Kind::ImageFrame | Kind::ImageSetMetadata => None,
        Kind::Studies
        | Kind::Series
        | Kind::Instances
        | Kind::SeriesMetadata
        | Kind::InstanceMetadata => Some(DICOM_JSON.to_owned()),
        Kind::Bulkdata => Some(OCTETS.to_owned()),
        Kind::Instance => Some(instance(sent)),
        Kind::InstanceFrames => frames(sent),
    }
}

/// Whole files have one media type: only the transfer syntax can be chosen.
fn instance(sent: &str) -> String {
    let mut ranges = ranges(sent, &INSTANCES).unwrap_or_default();
    ranges.retain(|range| range.part.is_none_or(|part| part == DICOM));
    for range in &mut ranges {
        (range.media, range.part) = (DICOM, None);
    }
    if ranges.is_empty() {
        return DICOM.to_owned();
    }
    written(&ranges)
}

/// One in which nothing is known stays as it is: it is for the origin to say 406.
fn frames(sent: &str) -> Option<String> {
    if sent.trim().is_empty() {
        return Some(ANYTHING.to_owned());
    }
    let ranges = ranges(sent, &FRAMES)?;
    (!ranges.is_empty()).then(|| written(&ranges))
}

/// The members that have a known media type, best first. `None`: too many.
fn ranges<'a>(sent: &'a str, known: &[&'static str]) -> Option<Vec<Range<'a>>> {
    let members = split(sent, ',');
    if members.len() > MOST_RANGES {
        return None;
    }
    let members = members.into_iter();
    let mut ranges: Vec<Range<'_>> = members.filter_map(|text| range(text, known)).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    Some(ranges)
}

fn written(ranges: &[Range<'_>]) -> String {
    let best = ranges.first().map_or(0, |range| range.quality);
    let mut written: Vec<String> = Vec::new();
    for range in ranges {
        let text = range.written(best);
        if !written.contains(&text) {
            written.push(text);
        }
    }
    written.join(", ")
}

/// One member of the header.
struct Range<'a> {
    media: &'static str,
    /// Of a multipart: what its parts are.
    part: Option<&'static str>,
    syntax: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl Range<'_> {
    /// Qualities are relative: the best one goes without.
    fn written(&self, best: u16) -> String {
        let mut text = self.media.to_owned();
        if let Some(part) = self.part {
            text.push_str(&format!("; type={part}"));
        }
        if let Some(syntax) = self.syntax {
            text.push_str(&format!("; transfer-syntax={syntax}"));
        }
        if self.quality < best {
            text.push_str(&format!(";q=0.{:03}", self.quality));
        }
        text
    }
}

/// `None`: empty, unknown, or not accepted at all. A transfer syntax is any UID: which of
/// them the service has is its own to say.
fn range<'a>(text: &'a str, media: &[&'static str]) -> Option<Range<'a>> {
    let mut parts = split(text, ';').into_iter().map(str::trim);
    let mut range = Range {
        media: known(media, parts.next()?)?,
        part: None,
        syntax: None,
        quality: 1000,
    };
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "type" if range.media == MULTIPART => range.part = Some(known(media, value)?),
            "transfer-syntax" => {
                range.syntax = Some(value).filter(|text| *text == "*" || is_uid(text));
                range.syntax?;
            }
            "q" => range.quality = quality(value)?,
            _ => {}
        }
    }
    (range.quality > 0).then_some(range)
}

fn known(words: &[&'static str], text: &str) -> Option<&'static str> {
    let same = |word: &&&str| word.eq_ignore_ascii_case(text);
    words.iter().find(same).copied()
}

/// `0.5` in thousandths (RFC 9110, 12.4.2).
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    if !digits || fraction.len() > 3 {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let split = text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    split.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELE: &str =
        "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";

    #[test]
    fn what_has_one_form_is_asked_for_in_that_form() {
        for sent in [
            "",
            "*/*",
            "application/json",
            "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/dicom+json;q=0",
            "\"",
        ] {
            for (kind, form) in [
                (Kind::Studies, "application/dicom+json"),
                (Kind::Series, "application/dicom+json"),
                (Kind::Instances, "application/dicom+json"),
                (Kind::SeriesMetadata, "application/dicom+json"),
                (Kind::InstanceMetadata, "application/dicom+json"),
                (Kind::Bulkdata, "application/octet-stream"),
            ] {
                assert_eq!(settled(sent, kind).as_deref(), Some(form), "{sent}");
            }
            assert_eq!(settled(sent, Kind::ImageFrame), None, "{sent}");
        }
    }

    #[test]
    fn an_instance_is_a_dicom_file_in_the_syntax_that_was_asked_for() {
        for (sent, form) in [
            ("", "application/dicom"),
            ("*/*", "application/dicom"),
            ("image/png", "application/dicom"),
            ("application/octet-stream", "application/dicom"),
            (
                "multipart/related; type=\"application/dicom\"",
                "application/dicom",
            ),
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.3",
                "application/dicom",
            ),
            (
                "multipart/related; type=\"application/dicom\"; transfer-syntax=\"*\"",
                "application/dicom; transfer-syntax=*",
            ),
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.202, application/dicom; transfer-syntax=*; q=0.1",
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.202, application/dicom; transfer-syntax=*;q=0.100",
            ),
            (
                "application/dicom;transfer-syntax=1.2.840.10008.1.2.4.106.1;q=0.5, image/png",
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.106.1",
            ),
        ] {
            assert_eq!(
                settled(sent, Kind::Instance).as_deref(),
                Some(form),
                "{sent}"
            );
        }
    }

    #[test]
    fn one_wish_for_frames_has_one_spelling() {
        for sent in [
            ELE,
            "multipart/related;type=\"application/octet-stream\";transfer-syntax=\"1.2.840.10008.1.2.1\"",
            "Multipart/Related ; transfer-syntax=\"1.2.840.10008.1.2.1\" ; Type=\"Application/Octet-Stream\"",
            "multipart/related; type=\"application/octet-stream\"; boundary=x; transfer-syntax=1.2.840.10008.1.2.1; q=0.5",
            " , multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1,image/webp",
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1, image/png;q=0",
            "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1, multipart/related; type=text/html",
        ] {
            assert_eq!(frames(sent).as_deref(), Some(ELE), "{sent}");
        }
        for sent in [
            "",
            " ",
            "*/*",
            "*/*;q=0.8",
            "image/avif,image/webp,*/*;q=0.8",
        ] {
            assert_eq!(frames(sent).as_deref(), Some("*/*"), "{sent}");
        }
    }

    #[test]
    fn preference_is_kept() {
        for (sent, expected) in [
            (
                "image/png;q=0.2, image/jpeg",
                "image/jpeg, image/png;q=0.200",
            ),
            (
                "image/png;q=0.25,image/jpeg;q=.5,image/jpeg;q=0.5",
                "image/jpeg, image/png;q=0.250",
            ),
            ("image/png, image/jpeg", "image/png, image/jpeg"),
        ] {
            assert_eq!(frames(sent).as_deref(), Some(expected), "{sent}");
        }
    }

    /// HealthImaging keeps many, and more may come.
    #[test]
    fn no_transfer_syntax_is_lost() {
        let stored = [
            "", ".1", ".2", ".1.99", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81",
            ".4.90", ".4.91", ".4.100", ".4.100.1", ".4.101", ".4.101.1", ".4.102", ".4.102.1",
            ".4.103", ".4.103.1", ".4.104", ".4.104.1", ".4.105", ".4.105.1", ".4.106", ".4.106.1",
            ".4.107", ".4.108", ".4.110", ".4.112", ".4.201", ".4.202", ".4.203", ".4.999",
        ];
        for tail in stored {
            let sent = format!(
                "multipart/related; type=video/mp4; transfer-syntax=1.2.840.10008.1.2{tail}, */*;q=0.1"
            );
            let kept = sent.replace("q=0.1", "q=0.100").replace("; q", ";q");
            assert_eq!(frames(&sent), Some(kept), "{tail}");
        }
    }

    #[test]
    fn what_is_unknown_is_the_origins_to_refuse() {
        for sent in [
            "text/html",
            "application/dicom+json",
            "multipart/related; type=text/html",
            "multipart/related; transfer-syntax=JPEG",
            "image/png;q=0",
            "image/png;q=2",
            "nonsense",
            "\"",
            &["image/png"; 9].join(","),
        ] {
            assert_eq!(frames(sent), None, "{sent}");
        }
    }

    /// The normal spelling stays as it is.
    #[test]
    fn twice_is_once() {
        for sent in [ELE, "", "image/png;q=0.2, image/jpeg;q=0.4, */*;q=0.1"] {
            let once = frames(sent).unwrap();
            assert_eq!(frames(&once), Some(once));
            let once = instance(sent);
            assert_eq!(instance(&once), once);
        }
    }
}
