//! DICOMweb (WADO-RS): an instance's frames and metadata.
//!
//! Sources: "Getting DICOM instance frames from HealthImaging", AWS HealthImaging
//! Developer Guide; DICOM PS3.18, 8.7 and 10.4. AWS documents only octets in a
//! multipart. Whether the service also takes `image/jphc` or `image/jph`
//! (PS3.18's types for HTJ2K), or one frame without a multipart, isn't said:
//! here both are taken.

use super::{
    error::ServiceError,
    fixtures::{Fixture, Fixtures},
};
use crate::http::{self as local_http, Answer};
use bytes::Bytes;
use frames_edge::operation;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// No frame contains it: the fixtures are fixed, and a test checks that.
const BOUNDARY: &str = "frames-5f0c9d2b7a1e4836";

/// The image set that a query names, if it does.
pub(super) fn image_set(query: &str) -> Result<Option<&str>, ServiceError> {
    let mut named = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("imageSetId", id)) if operation::is_id(id) && named.is_none() => named = Some(id),
            Some(("imageSetId", _)) => {
                return Err(ServiceError::validation(
                    "`imageSetId` must be given once and match [0-9a-z]{32}.",
                ));
            }
            _ => {
                return Err(ServiceError::validation(
                    "Only the query parameter `imageSetId` is known here.",
                ));
            }
        }
    }
    Ok(named)
}

/// `GetDICOMInstanceMetadata`.
pub(super) fn metadata(fixture: &Fixture, headers: &HeaderMap) -> Result<Answer, ServiceError> {
    let accept = accept(headers);
    let is_json = |media: &str| {
        matches!(
            media,
            "application/dicom+json" | "application/json" | "application/*" | "*/*"
        )
    };
    let offered = accept
        .iter()
        .any(|range| range.quality > 0 && is_json(&range.media));
    if !accept.is_empty() && !offered {
        return Err(ServiceError::not_acceptable(
            "Metadata is application/dicom+json.",
        ));
    }
    Ok(local_http::answer(
        StatusCode::OK,
        "application/dicom+json",
        fixture.metadata,
    ))
}

/// `GetDICOMInstanceFrames`.
pub(super) fn frames(
    fixtures: &Fixtures,
    fixture: &Fixture,
    list: &str,
    headers: &HeaderMap,
) -> Result<Answer, ServiceError> {
    let count = check_list(list)?;
    let form = negotiate(&accept(headers), &fixtures.transfer_syntax, count).ok_or_else(|| {
        ServiceError::not_acceptable("The frame isn't available in any of the accepted forms.")
    })?;
    let bytes = if form.syntax == EXPLICIT_LITTLE_ENDIAN {
        fixture.pixels
    } else {
        fixture.frame
    };
    let content_type = format!("{}; transfer-syntax={}", form.media, form.syntax);
    if !form.multipart {
        return Ok(typed(&content_type, Bytes::from_static(bytes)));
    }
    let mut body = Vec::with_capacity(bytes.len() + 256);
    body.extend_from_slice(
        format!("--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\r\n").as_bytes(),
    );
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let whole = format!(
        "multipart/related; type=\"{}\"; boundary={BOUNDARY}",
        form.media
    );
    Ok(typed(&whole, body.into()))
}

fn typed(content_type: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer
}

/// Every instance here has one frame.
fn check_list(list: &str) -> Result<usize, ServiceError> {
    let numbers: Option<Vec<u32>> = list
        .split(',')
        .map(|n| n.parse().ok().filter(|n| *n > 0))
        .collect();
    match numbers.as_deref() {
        Some([1]) => Ok(1),
        Some(numbers) => {
            let mut sorted = numbers.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() < numbers.len() {
                return Err(ServiceError::validation("A frame number is given twice."));
            }
            Err(ServiceError::not_found("A frame of the list"))
        }
        None => Err(ServiceError::validation(
            "The frame list must hold numbers from 1.",
        )),
    }
}

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

/// The form that an answer takes.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    multipart: bool,
    media: &'static str,
    syntax: String,
}

/// The members of `Accept`, best first; in the header's order where equal.
fn accept(headers: &HeaderMap) -> Vec<Range> {
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

/// The best form that both sides know. An empty Accept accepts anything.
fn negotiate(accept: &[Range], stored: &str, count: usize) -> Option<Form> {
    if accept.is_empty() {
        return form(true, "application/octet-stream", None, stored);
    }
    // A quality of 0 is a refusal.
    let mut wanted = accept.iter().filter(|range| range.quality > 0);
    wanted.find_map(|range| match range.media.as_str() {
        "*/*" => form(
            true,
            "application/octet-stream",
            range.syntax.as_deref(),
            stored,
        ),
        "multipart/related" | "multipart/*" => {
            let part = range.part.as_deref().unwrap_or("application/octet-stream");
            form(true, part, range.syntax.as_deref(), stored)
        }
        // One frame needs no multipart.
        single if count == 1 => form(false, single, range.syntax.as_deref(), stored),
        _ => None,
    })
}

/// Octets are uncompressed unless another syntax is asked for; the image types
/// are HTJ2K, as stored.
fn form(multipart: bool, media: &str, syntax: Option<&str>, stored: &str) -> Option<Form> {
    let media = match media {
        "application/octet-stream" | "*/*" => "application/octet-stream",
        "image/jph" => "image/jph",
        "image/jphc" => "image/jphc",
        _ => return None,
    };
    let is_octets = media == "application/octet-stream";
    let syntax = match syntax {
        None if is_octets => EXPLICIT_LITTLE_ENDIAN,
        None | Some("*") => stored,
        Some(EXPLICIT_LITTLE_ENDIAN) if is_octets => EXPLICIT_LITTLE_ENDIAN,
        // As it is stored, or not at all: the service transcodes to octets only.
        Some(syntax) if syntax == stored => stored,
        Some(_) => return None,
    };
    Some(Form {
        multipart,
        media,
        syntax: syntax.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(accept: Option<&str>) -> Result<(String, Bytes), u16> {
        let fixtures = Fixtures::embedded().unwrap();
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        let answer = frames(&fixtures, &fixtures.instances[0], "1", &headers)
            .map_err(|e| e.status.as_u16())?;
        let content_type = answer.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let body = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async {
                http_body_util::BodyExt::collect(answer.into_body())
                    .await
                    .unwrap()
                    .to_bytes()
            });
        Ok((content_type, body))
    }

    #[test]
    fn the_accept_header_selects_the_form() {
        let ct = &Fixtures::embedded().unwrap().instances[0];
        let holds = |body: &Bytes, part: &[u8]| body.windows(part.len()).any(|w| w == part);
        for (accept, media, frame) in [
            (None, "application/octet-stream", ct.pixels),
            (Some("*/*"), "application/octet-stream", ct.pixels),
            (
                Some("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"),
                "application/octet-stream",
                ct.frame,
            ),
            (
                Some("multipart/related; type=image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"),
                "image/jphc",
                ct.frame,
            ),
            (
                Some("multipart/related; type=\"image/jph\""),
                "image/jph",
                ct.frame,
            ),
            (
                Some("image/png, multipart/related;type=\"image/jphc\";q=0.5"),
                "image/jphc",
                ct.frame,
            ),
        ] {
            let (content_type, body) = get(accept).unwrap();
            assert!(
                content_type
                    .starts_with(&format!("multipart/related; type=\"{media}\"; boundary=")),
                "{content_type}"
            );
            assert!(holds(&body, frame), "{accept:?}");
            assert!(body.starts_with(b"--frames-") && body.ends_with(b"--\r\n"));
            assert!(!holds(&Bytes::from_static(frame), BOUNDARY.as_bytes()));
        }
    }

    #[test]
    fn one_frame_may_come_alone() {
        let ct = &Fixtures::embedded().unwrap().instances[0];
        let (content_type, body) =
            get(Some("image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202")).unwrap();
        assert_eq!(
            content_type,
            "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"
        );
        assert_eq!(body, ct.frame);
    }

    #[test]
    fn what_cannot_be_had_is_not_acceptable() {
        for accept in [
            "image/png",
            "image/jph;q=0",
            "multipart/related; type=\"image/jp2\"",
            "multipart/related; type=\"image/jphc\"; transfer-syntax=1.2.840.10008.1.2.4.201",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            "multipart/related; type=\"image/jph\"; transfer-syntax=1.2.840.10008.1.2.1",
        ] {
            assert_eq!(get(Some(accept)).err(), Some(406), "{accept}");
        }
    }

    #[test]
    fn frame_lists_are_checked() {
        let status = |list| check_list(list).map_err(|e| e.status.as_u16());
        assert_eq!(status("1"), Ok(1));
        assert_eq!(status("2"), Err(404));
        assert_eq!(status("1,2"), Err(404));
        assert_eq!(status("1,1"), Err(400));
        assert_eq!(status("0"), Err(400));
        assert_eq!(status("x"), Err(400));
    }

    #[test]
    fn the_image_set_is_named_once_at_most() {
        let id = "a".repeat(32);
        assert_eq!(image_set(""), Ok(None));
        assert_eq!(
            image_set(&format!("imageSetId={id}")),
            Ok(Some(id.as_str()))
        );
        assert!(image_set(&format!("imageSetId={id}&imageSetId={id}")).is_err());
        assert!(image_set("imageSetId=short").is_err());
        assert!(image_set("token=x").is_err());
    }
}
