//! A part of a cached object.
//!
//! Sources: "How CloudFront processes partial requests for an object (range GETs)",
//! Amazon CloudFront Developer Guide; RFC 9110, 14 and 15.3.7.
//!
//! CloudFront answers with the whole object, status 200, where the ranges aren't in
//! ascending order, overlap, or aren't all valid. The rest is the RFC's: ranges behind
//! the object's end are left out, and where none is left, the answer is 416.

use super::stored::Stored;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::ops::Range;

/// Only bytes have ranges.
const UNIT: &str = "bytes";

/// What a `Range` header comes to.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Not to be obeyed.
    Whole,
    /// In ascending order, apart, and within the object.
    Parts(Vec<Range<usize>>),
    /// None of the ranges is within the object.
    Nothing,
}

/// The part of the object that `range` names: 206, 416, or 200 where it names none.
pub(super) fn cut(whole: Stored, range: &str) -> Stored {
    let length = whole.body.len();
    match asked(range, length) {
        Asked::Whole => whole,
        Asked::Nothing => unsatisfiable(whole, length),
        Asked::Parts(parts) => match parts.as_slice() {
            [only] => single(whole, only),
            several => multiple(whole, several),
        },
    }
}

fn asked(range: &str, length: usize) -> Asked {
    let Some((unit, list)) = range.split_once('=') else {
        return Asked::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case(UNIT) {
        return Asked::Whole;
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut last_start = 0;
    for spec in list.split(',') {
        let Some(part) = part(spec.trim(), length) else {
            return Asked::Whole;
        };
        let end = parts.last().map_or(0, |before| before.end);
        if part.start < end.max(last_start) {
            return Asked::Whole;
        }
        last_start = part.start;
        if part.start < part.end {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        Asked::Nothing
    } else {
        Asked::Parts(parts)
    }
}

/// One range, cut to the object. Empty where it lies behind the end; `None` where it
/// isn't a range at all.
fn part(spec: &str, length: usize) -> Option<Range<usize>> {
    match spec.split_once('-')? {
        ("", last) => Some(length.saturating_sub(number(last)?)..length),
        (first, "") => {
            let first = number(first)?;
            Some(first..length.max(first))
        }
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            let end = last.saturating_add(1).min(length);
            (first <= last).then(|| first..end.max(first))
        }
    }
}

/// Digits that don't fit are still a number, behind every object's end.
fn number(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(usize::MAX))
}

fn single(mut whole: Stored, part: &Range<usize>) -> Stored {
    let length = whole.body.len();
    put(
        &mut whole.headers,
        header::CONTENT_RANGE,
        &content_range(part, length),
    );
    Stored {
        status: StatusCode::PARTIAL_CONTENT,
        body: slice(&whole.body, part),
        headers: whole.headers,
    }
}

/// Several parts travel as `multipart/byteranges`, each with the object's own type.
fn multiple(mut whole: Stored, parts: &[Range<usize>]) -> Stored {
    let boundary = boundary(&whole.body);
    let content_type = whole.headers.get(header::CONTENT_TYPE).cloned();
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        if let Some(content_type) = &content_type {
            body.extend_from_slice(b"Content-Type: ");
            body.extend_from_slice(content_type.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        let range = content_range(part, whole.body.len());
        body.extend_from_slice(format!("Content-Range: {range}\r\n\r\n").as_bytes());
        body.extend_from_slice(&slice(&whole.body, part));
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    put(
        &mut whole.headers,
        header::CONTENT_TYPE,
        &format!("multipart/byteranges; boundary={boundary}"),
    );
    Stored {
        status: StatusCode::PARTIAL_CONTENT,
        body: body.into(),
        headers: whole.headers,
    }
}

fn unsatisfiable(whole: Stored, length: usize) -> Stored {
    let mut answer = whole.without_content(StatusCode::RANGE_NOT_SATISFIABLE);
    put(
        &mut answer.headers,
        header::CONTENT_RANGE,
        &format!("{UNIT} */{length}"),
    );
    answer
}

fn content_range(part: &Range<usize>, length: usize) -> String {
    let last = part.end.saturating_sub(1);
    format!("{UNIT} {}-{last}/{length}", part.start)
}

fn slice(body: &Bytes, part: &Range<usize>) -> Bytes {
    // Within the body: `asked` saw to it.
    body.slice(part.clone())
}

/// A line that the object doesn't have: the counter goes on until that is so.
fn boundary(body: &[u8]) -> String {
    let mut counter = 0_u64;
    loop {
        let boundary = format!("part-{counter:016x}");
        let is_held = body
            .windows(boundary.len())
            .any(|part| part == boundary.as_bytes());
        if !is_held {
            return boundary;
        }
        counter += 1;
    }
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Stored {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jph"));
        headers.insert(header::ETAG, HeaderValue::from_static("\"v1\""));
        Stored {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(b"0123456789"),
        }
    }

    fn text(stored: &Stored, name: &str) -> String {
        let value = stored.headers.get(name);
        value.map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
    }

    #[test]
    fn one_range_is_one_part() {
        for (range, body, said) in [
            ("bytes=0-3", "0123", "bytes 0-3/10"),
            ("bytes=0-0", "0", "bytes 0-0/10"),
            ("Bytes = 4-5", "45", "bytes 4-5/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=0-", "0123456789", "bytes 0-9/10"),
            ("bytes=-4", "6789", "bytes 6-9/10"),
            ("bytes=-99", "0123456789", "bytes 0-9/10"),
            ("bytes=8-99999999999999999999999", "89", "bytes 8-9/10"),
            // What is behind the end is left out of several.
            ("bytes=8-20,30-40", "89", "bytes 8-9/10"),
        ] {
            let part = cut(whole(), range);
            assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}");
            assert_eq!(part.body, body, "{range}");
            assert_eq!(text(&part, "content-range"), said, "{range}");
            assert_eq!(text(&part, "content-type"), "image/jph", "{range}");
            assert_eq!(text(&part, "etag"), "\"v1\"", "{range}");
        }
    }

    #[test]
    fn what_breaks_cloudfronts_rules_is_answered_whole() {
        for range in [
            "bytes=4-5,0-1",
            "bytes=0-4,4-6",
            "bytes=0-4,2-6",
            "bytes=30-40,20-25",
            "bytes=-3,0-1",
            "bytes=5-2",
            "bytes=-1-3",
            "bytes=a-b",
            "bytes=1",
            "bytes=",
            "bytes=-",
            "bytes=0-1,",
            "bytes=+1-2",
            "0-3",
            "frames=0-3",
            "",
        ] {
            let answer = cut(whole(), range);
            assert_eq!(answer.status, StatusCode::OK, "{range}");
            assert_eq!(answer.body, "0123456789", "{range}");
            assert!(!answer.headers.contains_key("content-range"), "{range}");
        }
    }

    #[test]
    fn a_range_behind_the_end_is_416_with_the_length() {
        for range in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=99999999999999999999999-",
            "bytes=-0",
            "bytes=20-21,30-31",
        ] {
            let answer = cut(whole(), range);
            assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
            assert_eq!(text(&answer, "content-range"), "bytes */10", "{range}");
            assert!(answer.body.is_empty(), "{range}");
            assert!(!answer.headers.contains_key("content-type"), "{range}");
        }
        let empty = Stored {
            body: Bytes::new(),
            ..whole()
        };
        let answer = cut(empty, "bytes=0-");
        assert_eq!(text(&answer, "content-range"), "bytes */0");
    }

    #[test]
    fn several_ranges_are_a_multipart_of_their_parts() {
        let answer = cut(whole(), "bytes=0-1, 4-5,-2");
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert!(!answer.headers.contains_key("content-range"));
        let content_type = text(&answer, "content-type");
        let boundary = content_type
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let part = |range: &str, body: &str| {
            format!(
                "--{boundary}\r\nContent-Type: image/jph\r\nContent-Range: bytes {range}/10\r\n\r\n{body}\r\n"
            )
        };
        let expected = [part("0-1", "01"), part("4-5", "45"), part("8-9", "89")].concat();
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert_eq!(body, format!("{expected}--{boundary}--\r\n"));
    }

    #[test]
    fn a_boundary_is_nowhere_in_the_object() {
        let first = boundary(b"");
        let second = boundary(first.as_bytes());
        assert_ne!(first, second);
    }
}
