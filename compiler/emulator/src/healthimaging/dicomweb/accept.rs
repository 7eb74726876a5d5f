//! What an `Accept` asks for, and what of it there is.
//!
//! Sources: "Getting DICOM instance frames from HealthImaging" and "Getting a
//! DICOM instance from HealthImaging", AWS HealthImaging Developer Guide; DICOM
//! PS3.18, 8.7.3 (tables 8.7.3-2 and 8.7.3-5). Of frames AWS documents only
//! octets in a multipart. Whether the service also takes the standard's types of
//! images, or one frame without a multipart, isn't said: here both are taken.

use crate::dicom::EXPLICIT_VR_LITTLE_ENDIAN;
use http::{HeaderMap, header};

/// One member of an `Accept` header.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    media: String,
    /// Of a multipart: what its parts are.
    part: Option<String>,
    syntax: Option<String>,
    /// In thousandths.
    quality: u16,
}

/// A form that an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub multipart: bool,
    pub media: &'static str,
    pub syntax: Syntax,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Stored,
    /// Decoded. Where nobody named a syntax, what can't be decoded goes out as it is stored.
    Explicit {
        or_stored: bool,
    },
}

const OCTETS: &str = "application/octet-stream";

/// The members of `Accept`, best first; in the header's order where equal.
fn members(headers: &HeaderMap) -> Vec<Range> {
    let values = headers.get_all(header::ACCEPT).iter();
    let mut ranges: Vec<Range> = values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| split_quoted(v, ','))
        .filter_map(range)
        .collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    ranges
}

fn range(text: &str) -> Option<Range> {
    let mut parts = split_quoted(text, ';').into_iter().map(str::trim);
    let media = parts.next().filter(|m| !m.is_empty())?.to_ascii_lowercase();
    let mut range = Range {
        media,
        part: None,
        syntax: None,
        quality: 1000,
    };
    for (name, value) in parts.filter_map(|p| p.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "type" => range.part = Some(value.to_ascii_lowercase()),
            "transfer-syntax" => range.syntax = Some(value.to_owned()),
            "q" => range.quality = quality(value),
            _ => {}
        }
    }
    Some(range)
}

fn quality(text: &str) -> u16 {
    let value: f32 = text.parse().unwrap_or(0.0);
    // In range by the clamp; NaN becomes 0.
    (value.clamp(0.0, 1.0) * 1000.0) as u16
}

fn split_quoted(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let split = text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    split.collect()
}

/// Whether one of the types is wanted. An empty Accept accepts anything, and a quality of 0 is a refusal.
pub(super) fn wants(headers: &HeaderMap, types: &[&str]) -> bool {
    let members = members(headers);
    let is_one = |media: &str| {
        let mut names = types.iter();
        names.any(|name| *name == media || covers(media, name))
    };
    members.is_empty()
        || members
            .iter()
            .any(|range| range.quality > 0 && is_one(&range.media))
}

/// `*/*`, or `application/*` of `application/dicom`.
fn covers(range: &str, media: &str) -> bool {
    let kind = range.strip_suffix("/*");
    kind.is_some_and(|kind| kind == "*" || media.split_once('/').is_some_and(|(of, _)| of == kind))
}

/// The forms of a list of frames, the best one first.
pub(super) fn of_frames(headers: &HeaderMap, stored: &str, count: usize) -> Vec<Form> {
    let members = members(headers);
    if members.is_empty() {
        return form(true, OCTETS, None, stored).into_iter().collect();
    }
    let wanted = members.iter().filter(|range| range.quality > 0);
    let forms = wanted.filter_map(|range| {
        let syntax = range.syntax.as_deref();
        match range.media.as_str() {
            "*/*" => form(true, OCTETS, syntax, stored),
            "multipart/related" | "multipart/*" => form(
                true,
                range.part.as_deref().unwrap_or(OCTETS),
                syntax,
                stored,
            ),
            // One frame needs no multipart.
            single if count == 1 => form(false, single, syntax, stored),
            _ => None,
        }
    });
    forms.collect()
}

/// The syntaxes of a whole instance, the best one first.
pub(super) fn of_instance(headers: &HeaderMap, stored: &str) -> Vec<Syntax> {
    let explicit = Syntax::Explicit { or_stored: false };
    let members = members(headers);
    if members.is_empty() {
        return vec![explicit];
    }
    let wanted = members.iter().filter(|range| range.quality > 0);
    let dicom = wanted.filter(|range| {
        range.media == "application/dicom" || covers(&range.media, "application/dicom")
    });
    let syntaxes = dicom.filter_map(|range| match range.syntax.as_deref() {
        Some("*") => Some(Syntax::Stored),
        Some(syntax) if syntax == stored => Some(Syntax::Stored),
        None | Some(EXPLICIT_VR_LITTLE_ENDIAN) => Some(explicit),
        Some(_) => None,
    });
    syntaxes.collect()
}

/// Octets are uncompressed unless another syntax is asked for; the types of
/// images are as stored.
fn form(multipart: bool, media: &str, syntax: Option<&str>, stored: &str) -> Option<Form> {
    let media = match media {
        OCTETS | "application/*" | "*/*" => OCTETS,
        image => image_type(image, stored)?,
    };
    let syntax = match syntax {
        Some("*") => Syntax::Stored,
        // As it is stored, or not at all: the service transcodes to octets only.
        Some(syntax) if syntax == stored => Syntax::Stored,
        None if media != OCTETS => Syntax::Stored,
        None => Syntax::Explicit { or_stored: true },
        Some(EXPLICIT_VR_LITTLE_ENDIAN) if media == OCTETS => Syntax::Explicit { or_stored: false },
        Some(_) => return None,
    };
    Some(Form {
        multipart,
        media,
        syntax,
    })
}

/// The type, if frames of the stored syntax have it.
fn image_type(media: &str, stored: &str) -> Option<&'static str> {
    let types: &[&'static str] = match stored.strip_prefix("1.2.840.10008.1.2.")? {
        "5" => &["image/dicom-rle"],
        "4.50" | "4.51" | "4.57" | "4.70" => &["image/jpeg"],
        "4.80" | "4.81" => &["image/jls"],
        "4.90" | "4.91" => &["image/jp2"],
        "4.92" | "4.93" => &["image/jpx"],
        "4.110" | "4.111" | "4.112" => &["image/jxl"],
        "4.201" | "4.202" | "4.203" => &["image/jphc", "image/jph"],
        _ => &[],
    };
    let mut types = types.iter();
    types
        .find(|known| **known == media || covers(media, known))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTJ2K: &str = "1.2.840.10008.1.2.4.202";
    const JPEG: &str = "1.2.840.10008.1.2.4.50";

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !accept.is_empty() {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        headers
    }

    fn shown(form: &Form) -> String {
        let part = if form.multipart { "parts of " } else { "" };
        let syntax = match form.syntax {
            Syntax::Stored => "stored",
            Syntax::Explicit { or_stored: true } => "decoded if possible",
            Syntax::Explicit { or_stored: false } => "decoded",
        };
        format!("{part}{} {syntax}", form.media)
    }

    #[test]
    fn the_forms_of_frames_are_those_that_both_sides_know() {
        let octets = "application/octet-stream";
        for (accept, stored, count, expected) in [
            (
                "",
                HTJ2K,
                1,
                "parts of application/octet-stream decoded if possible",
            ),
            (
                "*/*",
                HTJ2K,
                2,
                "parts of application/octet-stream decoded if possible",
            ),
            (
                octets,
                HTJ2K,
                1,
                "application/octet-stream decoded if possible",
            ),
            (octets, HTJ2K, 2, ""),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
                HTJ2K,
                1,
                "parts of application/octet-stream decoded",
            ),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
                EXPLICIT_VR_LITTLE_ENDIAN,
                1,
                "parts of application/octet-stream stored",
            ),
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=\"*\"",
                JPEG,
                3,
                "parts of application/octet-stream stored",
            ),
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.4.50",
                JPEG,
                1,
                "parts of application/octet-stream stored",
            ),
            (
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.4.50",
                HTJ2K,
                1,
                "",
            ),
            (
                "multipart/related; type=\"image/jphc\"",
                HTJ2K,
                2,
                "parts of image/jphc stored",
            ),
            ("multipart/related; type=\"image/jphc\"", JPEG, 2, ""),
            (
                "multipart/related; type=image/jpeg; transfer-syntax=*",
                JPEG,
                2,
                "parts of image/jpeg stored",
            ),
            ("image/jpeg", JPEG, 1, "image/jpeg stored"),
            ("image/*", HTJ2K, 1, "image/jphc stored"),
            ("image/*", EXPLICIT_VR_LITTLE_ENDIAN, 1, ""),
            (
                "application/*",
                JPEG,
                1,
                "application/octet-stream decoded if possible",
            ),
            (
                "image/jph; transfer-syntax=1.2.840.10008.1.2.1",
                HTJ2K,
                1,
                "",
            ),
            ("image/png, application/pdf", HTJ2K, 1, ""),
            ("image/jph;q=0", HTJ2K, 1, ""),
            (
                "*/*;q=0.1, multipart/related; type=image/jphc;q=0.5",
                HTJ2K,
                1,
                "parts of image/jphc stored, parts of application/octet-stream decoded if possible",
            ),
        ] {
            let forms = of_frames(&headers(accept), stored, count);
            let shown: Vec<String> = forms.iter().map(shown).collect();
            assert_eq!(shown.join(", "), expected, "{accept} of {stored}");
        }
    }

    #[test]
    fn a_whole_instance_is_stored_or_explicit() {
        let explicit = Syntax::Explicit { or_stored: false };
        for (accept, expected) in [
            ("", vec![explicit]),
            ("*/*", vec![explicit]),
            ("application/dicom", vec![explicit]),
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
                vec![explicit],
            ),
            ("application/dicom; transfer-syntax=*", vec![Syntax::Stored]),
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.202",
                vec![Syntax::Stored],
            ),
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
                vec![],
            ),
            ("application/dicom;q=0, application/json", vec![]),
            (
                "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
                vec![],
            ),
        ] {
            assert_eq!(of_instance(&headers(accept), HTJ2K), expected, "{accept}");
        }
    }

    #[test]
    fn a_type_is_wanted_by_its_name_or_by_its_kind() {
        let json = ["application/dicom+json", "application/json"];
        for (accept, wanted) in [
            ("", true),
            ("*/*", true),
            ("application/*", true),
            ("application/dicom+json", true),
            ("text/html, application/json;q=0.5", true),
            ("application/dicom+json;q=0", false),
            ("application/dicom+xml", false),
            ("multipart/related; type=\"application/dicom+json\"", false),
            ("text/*", false),
        ] {
            assert_eq!(wants(&headers(accept), &json), wanted, "{accept}");
        }
    }
}
