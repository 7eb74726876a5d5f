//! `Accept` of the DICOMweb requests that are cached. It is part of the cache's
//! key, and clients spell the same wish in many ways; so it goes on in one.
//! Nothing that the origin would heed is lost: media types, what a multipart's
//! parts are, transfer syntaxes, and the order of preference.
//!
//! Sources: DICOM PS3.18, 8.7 and Table 10.4.4-1; "Retrieving DICOM data", AWS
//! HealthImaging Developer Guide; RFC 9110, 12.5.1.

use frames_edge::{Header, Request};

/// More ranges than this aren't sorted out, only passed on.
const MOST_RANGES: usize = 8;

const ANYTHING: &str = "*/*";

/// What instances, frames and metadata come as.
const MEDIA_TYPES: [&str; 17] = [
    ANYTHING,
    "application/*",
    "application/dicom",
    "application/dicom+json",
    "application/json",
    "application/octet-stream",
    "image/*",
    "image/j2c",
    "image/jp2",
    "image/jpeg",
    "image/jph",
    "image/jphc",
    "image/jxl",
    "image/png",
    "multipart/related",
    "video/mp4",
    "video/mpeg",
];

/// `*` and those that HealthImaging stores or makes.
const TRANSFER_SYNTAXES: [&str; 19] = [
    "*",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.5",
];

/// Puts the header into its one spelling. One in which nothing is known stays as
/// it is: it is for the origin to say 406.
pub(crate) fn normalise(request: &mut Request) {
    let sent: Vec<&str> = request
        .headers
        .get("accept")
        .into_iter()
        .flatten()
        .map(|header| header.value.as_str())
        .collect();
    if let Some(value) = normal(&sent.join(",")) {
        let key = Some("Accept".to_owned());
        request
            .headers
            .insert("accept".to_owned(), vec![Header { key, value }]);
    }
}

fn normal(sent: &str) -> Option<String> {
    if sent.trim().is_empty() {
        return Some(ANYTHING.to_owned());
    }
    let members = split(sent, ',');
    if members.len() > MOST_RANGES {
        return None;
    }
    let mut ranges: Vec<Range> = members.into_iter().filter_map(range).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    let best = ranges.first()?.quality;
    let mut written: Vec<String> = Vec::new();
    for range in &ranges {
        let text = range.written(best);
        if !written.contains(&text) {
            written.push(text);
        }
    }
    Some(written.join(", "))
}

/// One member of the header.
struct Range {
    media: &'static str,
    /// Of a multipart: what its parts are.
    part: Option<&'static str>,
    syntax: Option<&'static str>,
    /// In thousandths.
    quality: u16,
}

impl Range {
    /// Qualities are relative: the best one goes without.
    fn written(&self, best: u16) -> String {
        let mut text = self.media.to_owned();
        if let Some(part) = self.part {
            text.push_str(&format!("; type=\"{part}\""));
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

/// `None`: empty, unknown, or not accepted at all.
fn range(text: &str) -> Option<Range> {
    let mut parts = split(text, ';').into_iter().map(str::trim);
    let mut range = Range {
        media: known(&MEDIA_TYPES, parts.next()?)?,
        part: None,
        syntax: None,
        quality: 1000,
    };
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "type" if range.media == "multipart/related" => {
                range.part = Some(known(&MEDIA_TYPES, value)?);
            }
            "transfer-syntax" => range.syntax = Some(known(&TRANSFER_SYNTAXES, value)?),
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

    const FRAMES: &str = r#"multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1"#;

    #[test]
    fn one_wish_has_one_spelling() {
        for sent in [
            FRAMES,
            "multipart/related;type=application/octet-stream;transfer-syntax=1.2.840.10008.1.2.1",
            "Multipart/Related ; transfer-syntax=\"1.2.840.10008.1.2.1\" ; Type=\"Application/Octet-Stream\"",
            "multipart/related; type=\"application/octet-stream\"; boundary=x; transfer-syntax=1.2.840.10008.1.2.1; q=0.5",
            " , multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1,image/webp",
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1, image/png;q=0",
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1, multipart/related; type=text/html",
        ] {
            assert_eq!(normal(sent).as_deref(), Some(FRAMES), "{sent}");
        }
        for sent in [
            "",
            " ",
            "*/*",
            "*/*;q=0.8",
            "image/avif,image/webp,*/*;q=0.8",
        ] {
            assert_eq!(normal(sent).as_deref(), Some("*/*"), "{sent}");
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
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.202, application/dicom; transfer-syntax=*; q=0.1",
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.202, application/dicom; transfer-syntax=*;q=0.100",
            ),
        ] {
            assert_eq!(normal(sent).as_deref(), Some(expected), "{sent}");
        }
    }

    #[test]
    fn what_is_unknown_is_the_origins_to_refuse() {
        for sent in [
            "text/html",
            "multipart/related; type=text/html",
            "application/dicom; transfer-syntax=1.2.3",
            "image/png;q=0",
            "image/png;q=2",
            "nonsense",
            "\"",
            &["image/png"; 9].join(","),
        ] {
            assert_eq!(normal(sent), None, "{sent}");
        }
    }

    /// The normal spelling stays as it is.
    #[test]
    fn twice_is_once() {
        for sent in [FRAMES, "", "image/png;q=0.2, image/jpeg;q=0.4, */*;q=0.1"] {
            let once = normal(sent).unwrap();
            assert_eq!(normal(&once), Some(once));
        }
    }
}
