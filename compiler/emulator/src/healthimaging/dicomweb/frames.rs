//! Frames: one part for each, in the order in which they were asked for.
//!
//! Sources: "Getting DICOM instance frames from HealthImaging", AWS HealthImaging
//! Developer Guide; DICOM PS3.18, 8.6 and 10.4.

use super::accept::{self, Form, Syntax};
use super::typed;
use crate::dicom::{self, Instance};
use crate::healthimaging::error::ServiceError;
use crate::http::Answer;
use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use sha2::{Digest, Sha256};

/// A request for more frames at once is refused: their sum is held in memory.
const FRAMES: usize = 1000;

/// `GetDICOMInstanceFrames`.
pub(super) fn answer(
    instance: &Instance,
    list: &str,
    headers: &HeaderMap,
) -> Result<Answer, ServiceError> {
    let numbers = numbers(list, instance.frames)?;
    let stored = dicom::of_frames(&instance.transfer_syntax);
    let forms = accept::of_frames(headers, stored, numbers.len());
    let mut undecodable = None;
    for form in forms {
        match had(instance, &numbers, form.syntax) {
            Ok((syntax, frames)) => return Ok(written(&form, syntax, &frames)),
            Err(error) if error.kind == dicom::Kind::NotDecodable => undecodable = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(match undecodable {
        Some(error) => error.into(),
        None => ServiceError::not_acceptable(&format!(
            "The frame is stored as {stored}, and isn't available in any of the accepted forms."
        )),
    })
}

/// The frames, and the syntax that they are in.
fn had<'a>(
    instance: &'a Instance,
    numbers: &[u32],
    syntax: Syntax,
) -> Result<(&'a str, Vec<Bytes>), dicom::Error> {
    let stored = dicom::of_frames(&instance.transfer_syntax);
    let as_stored = || -> Result<Vec<Bytes>, dicom::Error> {
        numbers.iter().map(|n| instance.frame(*n)).collect()
    };
    if syntax == Syntax::Stored || stored == dicom::EXPLICIT_VR_LITTLE_ENDIAN {
        return Ok((stored, as_stored()?));
    }
    let decoded: Result<Vec<Bytes>, _> = numbers.iter().map(|n| instance.octets(*n)).collect();
    match decoded {
        Err(error) if error.kind == dicom::Kind::NotDecodable && or_stored(syntax) => {
            Ok((stored, as_stored()?))
        }
        decoded => Ok((dicom::EXPLICIT_VR_LITTLE_ENDIAN, decoded?)),
    }
}

fn or_stored(syntax: Syntax) -> bool {
    syntax == Syntax::Explicit { or_stored: true }
}

fn written(form: &Form, syntax: &str, frames: &[Bytes]) -> Answer {
    let content_type = format!("{}; transfer-syntax={syntax}", form.media);
    if let ([frame], false) = (frames, form.multipart) {
        return typed(&content_type, frame.clone());
    }
    let boundary = boundary(frames);
    let head = format!("--{boundary}\r\nContent-Type: {content_type}\r\n\r\n");
    let length: usize = frames
        .iter()
        .map(|frame| head.len() + frame.len() + 2)
        .sum();
    let mut body = BytesMut::with_capacity(length + boundary.len() + 6);
    for frame in frames {
        body.put_slice(head.as_bytes());
        body.put_slice(frame);
        body.put_slice(b"\r\n");
    }
    body.put_slice(format!("--{boundary}--\r\n").as_bytes());
    let whole = format!(
        "multipart/related; type=\"{}\"; boundary={boundary}",
        form.media
    );
    typed(&whole, body.freeze())
}

/// Of the frames' own digest: no frame contains it, and the same frames have the same one.
fn boundary(frames: &[Bytes]) -> String {
    let mut digest = Sha256::new();
    for frame in frames {
        digest.update(frame);
    }
    format!("frames-{:x}", digest.finalize())
}

/// Numbers from 1, none of them twice.
fn numbers(list: &str, frames: u32) -> Result<Vec<u32>, ServiceError> {
    let read = |text: &str| {
        let is_number = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| is_number && *n > 0)
    };
    let numbers: Option<Vec<u32>> = list.split(',').map(read).collect();
    let Some(numbers) = numbers else {
        return Err(ServiceError::validation(
            "The frame list must hold numbers from 1.",
        ));
    };
    if numbers.len() > FRAMES {
        return Err(ServiceError::validation("The frame list is too long."));
    }
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < numbers.len() {
        return Err(ServiceError::validation("A frame number is given twice."));
    }
    match sorted.last().filter(|last| **last > frames) {
        Some(last) => Err(ServiceError::not_found(&format!(
            "Frame {last} of an instance that has {frames}"
        ))),
        None => Ok(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::healthimaging::study;
    use http::header;
    use http_body_util::BodyExt;

    /// A store's instance, by a part of its class: the first one is a CT slice.
    fn instance(of: impl Fn(&Instance) -> bool) -> Instance {
        let store = study::embedded().unwrap();
        let mut instances = store.instances().iter();
        instances.find(|instance| of(instance)).unwrap().clone()
    }

    fn ct() -> Instance {
        instance(|_| true)
    }

    fn get(
        instance: &Instance,
        list: &str,
        accept: Option<&str>,
    ) -> Result<(String, Bytes), ServiceError> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        let answer = answer(instance, list, &headers)?;
        let content_type = answer.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let body = { runtime }
            .build()
            .unwrap()
            .block_on(answer.into_body().collect())
            .unwrap()
            .to_bytes();
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
            let (content_type, body) = get(&ct(), "1", accept).unwrap();
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
        let accept = "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202";
        let (content_type, body) = get(&ct(), "1", Some(accept)).unwrap();
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
            let refused = get(&ct(), "1", Some(accept)).unwrap_err();
            assert_eq!(refused.status, 406, "{accept}");
            assert_eq!(refused.class, "NotAcceptableException", "{accept}");
        }
    }

    #[test]
    fn a_list_is_answered_part_by_part_in_its_order() {
        let many = instance(|instance| instance.frames > 3);
        let accept = "multipart/related; type=application/octet-stream; transfer-syntax=*";
        let (content_type, body) = get(&many, "3,1", Some(accept)).unwrap();
        let boundary = content_type.rsplit_once("boundary=").unwrap().1;
        assert!(!boundary.contains('='));
        let mut expected = Vec::new();
        for number in [3, 1] {
            let frame = many.frame(number).unwrap();
            let syntax = dicom::of_frames(&many.transfer_syntax);
            let head = format!(
                "--{boundary}\r\nContent-Type: application/octet-stream; transfer-syntax={syntax}\r\n\r\n"
            );
            assert!(
                !frame
                    .windows(boundary.len())
                    .any(|w| w == boundary.as_bytes())
            );
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&frame);
            expected.extend_from_slice(b"\r\n");
        }
        expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        assert!(body == expected);
        assert_eq!(
            get(&many, "3,1", Some(accept)).unwrap().1,
            body,
            "each time"
        );
        assert_ne!(many.frame(1).unwrap(), many.frame(3).unwrap());
        let alone = get(&many, "3,1", Some("image/jphc")).unwrap_err();
        assert_eq!(alone.status, 406, "two frames need a multipart");
        let beyond = format!("1,{}", many.frames + 1);
        assert_eq!(get(&many, &beyond, None).unwrap_err().status, 404);
    }

    #[test]
    fn frame_lists_are_checked() {
        let status = |list| numbers(list, 3).map_err(|e| e.status.as_u16());
        assert_eq!(status("1"), Ok(vec![1]));
        assert_eq!(status("3,1,2"), Ok(vec![3, 1, 2]));
        assert_eq!(status("4"), Err(404));
        assert_eq!(status("1,4"), Err(404));
        for wrong in ["1,1", "0", "x", "", "1,", "+1", "99999999999"] {
            assert_eq!(status(wrong), Err(400), "{wrong}");
        }
        let long: Vec<String> = (1..=1001).map(|n| n.to_string()).collect();
        assert_eq!(numbers(&long.join(","), 2000).unwrap_err().status, 400);
        assert_eq!(numbers("1", 0).unwrap_err().status, 404, "no pixels");
    }
}
