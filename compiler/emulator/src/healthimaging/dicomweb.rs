//! DICOMweb (WADO-RS): an instance's frames and metadata.
//!
//! Sources: "Getting DICOM instance frames from HealthImaging", AWS HealthImaging
//! Developer Guide; DICOM PS3.18, 8.7 and 10.4. AWS documents only octets in a
//! multipart. Whether the service also takes `image/jphc` or `image/jph`
//! (PS3.18's types for HTJ2K), or one frame without a multipart, isn't said:
//! here both are taken.

use super::error::ServiceError;
use crate::dicom::{self, EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use crate::http::{self as local_http, Answer};
use bytes::Bytes;
use frames_edge::operation;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

/// A request for more frames at once is refused: their sum is held in memory.
const FRAMES: usize = 1000;

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
pub(super) fn metadata(
    instance: &Instance,
    bulk_root: &str,
    headers: &HeaderMap,
) -> Result<Answer, ServiceError> {
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
        Value::from(vec![instance.metadata(bulk_root)?]).to_string(),
    ))
}

/// `GetDICOMInstanceFrames`.
pub(super) fn frames(
    instance: &Instance,
    list: &str,
    headers: &HeaderMap,
) -> Result<Answer, ServiceError> {
    let numbers = check_list(list, instance.frames)?;
    let stored = dicom::of_frames(&instance.transfer_syntax);
    let form = negotiate(&accept(headers), stored, numbers.len()).ok_or_else(|| {
        ServiceError::not_acceptable("The frame isn't available in any of the accepted forms.")
    })?;
    let frame = |n: &u32| {
        if form.syntax == EXPLICIT_VR_LITTLE_ENDIAN {
            instance.octets(*n)
        } else {
            instance.frame(*n)
        }
    };
    let frames: Vec<Bytes> = numbers.iter().map(frame).collect::<Result<_, _>>()?;
    let content_type = format!("{}; transfer-syntax={}", form.media, form.syntax);
    if let (false, [frame]) = (form.multipart, frames.as_slice()) {
        return Ok(typed(&content_type, frame.clone()));
    }
    let boundary = boundary(&frames);
    let total: usize = frames.iter().map(Bytes::len).sum();
    let mut body = Vec::with_capacity(total + 256 * frames.len());
    for frame in &frames {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Type: {content_type}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(frame);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let whole = format!(
        "multipart/related; type=\"{}\"; boundary={boundary}",
        form.media
    );
    Ok(typed(&whole, body.into()))
}

/// A text that no part contains. The same parts have the same one: an answer is
/// the same each time.
fn boundary(parts: &[Bytes]) -> String {
    let mut number: u64 = 0x5f0c_9d2b_7a1e_4836;
    loop {
        let boundary = format!("frames-{number:016x}");
        let holds = |part: &Bytes| {
            let mut windows = part.windows(boundary.len());
            windows.any(|window| window == boundary.as_bytes())
        };
        if !parts.iter().any(holds) {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

fn typed(content_type: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer
}

/// The numbers of a list, of an instance that has `frames`.
fn check_list(list: &str, frames: u32) -> Result<Vec<u32>, ServiceError> {
    let numbers: Option<Vec<u32>> = list
        .split(',')
        .map(|n| n.parse().ok().filter(|n| *n > 0))
        .collect();
    let numbers = numbers
        .ok_or_else(|| ServiceError::validation("The frame list must hold numbers from 1."))?;
    if numbers.len() > FRAMES {
        return Err(ServiceError::validation("The frame list is too long."));
    }
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < numbers.len() {
        return Err(ServiceError::validation("A frame number is given twice."));
    }
    if sorted.last().is_some_and(|last| *last > frames) {
        return Err(ServiceError::not_found("A frame of the list"));
    }
    Ok(numbers)
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

/// Octets are uncompressed unless another syntax is asked for; an image type is
/// the stored frame's own.
fn form(multipart: bool, media: &str, syntax: Option<&str>, stored: &str) -> Option<Form> {
    let own = dicom::media_type(stored);
    let media = match (media, own) {
        ("application/octet-stream" | "*/*", _) => "application/octet-stream",
        // A codestream without a file around it, which is what DICOM encapsulates.
        ("image/jphc", "image/jph") => "image/jphc",
        (media, own) if media == own => own,
        _ => return None,
    };
    let is_octets = media == "application/octet-stream";
    let syntax = match syntax {
        None if is_octets => EXPLICIT_VR_LITTLE_ENDIAN,
        None | Some("*") => stored,
        Some(EXPLICIT_VR_LITTLE_ENDIAN) if is_octets => EXPLICIT_VR_LITTLE_ENDIAN,
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

    fn ct() -> Instance {
        super::super::study::embedded().unwrap().instances()[0].clone()
    }

    fn get(accept: Option<&str>) -> Result<(String, Bytes), u16> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        let answer = frames(&ct(), "1", &headers).map_err(|e| e.status.as_u16())?;
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
        let (stored, octets) = (ct().frame(1).unwrap(), ct().octets(1).unwrap());
        let holds = |body: &Bytes, part: &[u8]| body.windows(part.len()).any(|w| w == part);
        for (accept, media, frame) in [
            (None, "application/octet-stream", &octets),
            (Some("*/*"), "application/octet-stream", &octets),
            (
                Some("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"),
                "application/octet-stream",
                &stored,
            ),
            (
                Some("multipart/related; type=image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"),
                "image/jphc",
                &stored,
            ),
            (
                Some("multipart/related; type=\"image/jph\""),
                "image/jph",
                &stored,
            ),
            (
                Some("image/png, multipart/related;type=\"image/jphc\";q=0.5"),
                "image/jphc",
                &stored,
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
        }
    }

    #[test]
    fn one_frame_may_come_alone() {
        let (content_type, body) =
            get(Some("image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202")).unwrap();
        assert_eq!(
            content_type,
            "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"
        );
        assert_eq!(body, ct().frame(1).unwrap());
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
        let status = |list, frames| check_list(list, frames).map_err(|e| e.status.as_u16());
        assert_eq!(status("1", 1), Ok(vec![1]));
        assert_eq!(status("2", 1), Err(404));
        assert_eq!(status("1,2", 1), Err(404));
        assert_eq!(status("3,1", 3), Ok(vec![3, 1]));
        assert_eq!(status("1", 0), Err(404));
        assert_eq!(status("1,1", 3), Err(400));
        assert_eq!(status("0", 1), Err(400));
        assert_eq!(status("x", 1), Err(400));
        let long: Vec<String> = (1..=1001).map(|n: u32| n.to_string()).collect();
        assert_eq!(status(&long.join(","), 2000), Err(400));
    }

    #[test]
    fn no_part_holds_the_boundary() {
        let first = boundary(&[Bytes::from_static(b"abc")]);
        let parts = [
            Bytes::from_static(b"abc"),
            Bytes::from(format!("x{first}y")),
        ];
        let second = boundary(&parts);
        assert_ne!(first, second);
        assert_eq!(second, boundary(&parts));
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
