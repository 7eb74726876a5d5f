//! What a viewer gets of an object that the cache holds: all of it, a part, or the word
//! that its own copy is still good.
//!
//! Sources: "Request and response behavior for custom origins", Amazon CloudFront
//! Developer Guide (conditional requests, caching); RFC 9110, 13.
//!
//! CloudFront makes no `ETag` of its own, and where the origin gave none, it ignores
//! `If-Match` and `If-None-Match`. Nor does it say `Accept-Ranges` by itself, as far as
//! its guide tells: what the origin says of it goes on.

use super::{ranges, stored::Stored};
use frames_edge::event::{Headers, Request};
use http::{HeaderMap, StatusCode, header};
use std::time::SystemTime;

/// An object from the cache, as this request asks for it. `compares`: the behavior
/// forwards no cookies, so that viewers' own copies are compared.
pub(super) fn served(stored: Stored, request: &Request, compares: bool) -> Stored {
    if stored.status != StatusCode::OK {
        return stored;
    }
    match precondition(&stored.headers, &request.headers, compares) {
        Precondition::Fails => stored.without_content(StatusCode::PRECONDITION_FAILED),
        Precondition::NotModified => stored.without_content(StatusCode::NOT_MODIFIED),
        // RFC 9110, 14.2: ranges are defined for GET only.
        Precondition::Holds if request.method == "GET" => match range(&stored.headers, request) {
            Some(range) => ranges::cut(stored, range),
            None => stored,
        },
        Precondition::Holds => stored,
    }
}

/// What to ask the origin by, whether an expired object is still the latest.
pub(super) fn validators(stored: &Stored) -> Vec<(&'static str, String)> {
    let told = [
        ("If-None-Match", header::ETAG),
        ("If-Modified-Since", header::LAST_MODIFIED),
    ];
    let told = told.into_iter().filter(|_| stored.status == StatusCode::OK);
    told.filter_map(|(asks, tells)| Some((asks, text(&stored.headers, tells)?.to_owned())))
        .collect()
}

/// The object with what the origin's 304 says of it (RFC 9111, 3.2): of its content,
/// that answer says nothing.
pub(super) fn refreshed(mut stored: Stored, not_modified: &Stored) -> Stored {
    for name in not_modified.headers.keys() {
        if name.as_str().starts_with("content-") {
            continue;
        }
        stored.headers.remove(name);
        for value in not_modified.headers.get_all(name) {
            stored.headers.append(name.clone(), value.clone());
        }
    }
    stored
}

/// Whether the origin's answer to this request is one to other viewers' too. A HEAD's has
/// no body, a part is a part, and that one viewer's copy is good, or isn't, is news to
/// that viewer only.
pub(super) fn is_for_all(request: &Request, answer: &Stored) -> bool {
    let is_the_viewers = matches!(
        answer.status,
        StatusCode::NOT_MODIFIED
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::RANGE_NOT_SATISFIABLE
    );
    request.method != "HEAD" && !is_the_viewers
}

#[derive(Debug, PartialEq, Eq)]
enum Precondition {
    Holds,
    Fails,
    NotModified,
}

/// In the order of RFC 9110, 13.2.2.
fn precondition(held: &HeaderMap, asked: &Headers, compares: bool) -> Precondition {
    let etag = text(held, header::ETAG);
    let modified = text(held, header::LAST_MODIFIED).and_then(date);
    let tags = |name: &str| etag.and_then(|etag| Some((etag, list(asked, name)?)));
    let since = |name: &str| Some((modified?, one(asked, name).and_then(date)?));
    if let Some((etag, wanted)) = tags("if-match") {
        if !is_listed(&wanted, |tag| is_strongly(tag, etag)) {
            return Precondition::Fails;
        }
    } else if !asked.contains_key("if-match")
        && since("if-unmodified-since").is_some_and(|(modified, since)| modified > since)
    {
        return Precondition::Fails;
    }
    let is_same = match tags("if-none-match") {
        Some((etag, wanted)) => is_listed(&wanted, |tag| is_weakly(tag, etag)),
        // A copy known by a tag isn't judged by its date.
        None if asked.contains_key("if-none-match") => false,
        None => since("if-modified-since").is_some_and(|(modified, since)| modified <= since),
    };
    if compares && is_same {
        Precondition::NotModified
    } else {
        Precondition::Holds
    }
}

/// The range to obey: `If-Range` names the version that it is a part of.
fn range<'a>(held: &HeaderMap, request: &'a Request) -> Option<&'a str> {
    let range = one(&request.headers, "range")?;
    if !request.headers.contains_key("if-range") {
        return Some(range);
    }
    let version = one(&request.headers, "if-range")?.trim();
    let is_same = if version.starts_with(['"', 'W']) && version.ends_with('"') {
        text(held, header::ETAG).is_some_and(|etag| is_strongly(version, etag))
    } else {
        let modified = text(held, header::LAST_MODIFIED).and_then(date);
        modified.is_some() && modified == date(version)
    };
    is_same.then_some(range)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// A header that makes sense only once.
fn one<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    match headers.get(name)?.as_slice() {
        [only] => Some(&only.value),
        _ => None,
    }
}

fn list(headers: &Headers, name: &str) -> Option<String> {
    let values = headers.get(name)?.iter().map(|h| h.value.as_str());
    Some(values.collect::<Vec<_>>().join(","))
}

fn is_listed(list: &str, same: impl Fn(&str) -> bool) -> bool {
    list.trim() == "*" || tags(list).any(same)
}

/// The entity tags of a list. A comma within a tag's quotes belongs to the tag.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let split = list.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    split.map(str::trim).filter(|tag| !tag.is_empty())
}

fn is_strongly(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

fn is_weakly(one: &str, other: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    opaque(one) == opaque(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    const MONDAY: &str = "Mon, 23 Nov 2026 10:00:00 GMT";
    const TUESDAY: &str = "Tue, 24 Nov 2026 10:00:00 GMT";
    const SUNDAY: &str = "Sun, 22 Nov 2026 10:00:00 GMT";

    fn stored(headers: &[(&'static str, &'static str)]) -> Stored {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        Stored {
            status: StatusCode::OK,
            headers: headers.collect(),
            body: Bytes::from_static(b"0123456789"),
        }
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let mut shown = serde_json::Map::new();
        for (name, value) in headers {
            let values = shown.entry((*name).to_owned()).or_insert(json!([]));
            values
                .as_array_mut()
                .unwrap()
                .push(json!({"key": name, "value": value}));
        }
        serde_json::from_value(json!({
            "clientIp": "127.0.0.1", "method": method, "uri": "/a", "querystring": "", "headers": shown
        }))
        .unwrap()
    }

    fn status(
        held: &[(&'static str, &'static str)],
        asked: &[(&str, &str)],
    ) -> (u16, Option<String>) {
        let answer = served(stored(held), &request("GET", asked), true);
        let range = answer.headers.get("content-range");
        let range = range.map(|value| value.to_str().unwrap().to_owned());
        (answer.status.as_u16(), range)
    }

    const BOTH: &[(&str, &str)] = &[
        ("etag", "\"v,1\""),
        ("last-modified", MONDAY),
        ("content-type", "image/jph"),
    ];

    #[test]
    fn a_viewers_own_copy_is_compared() {
        for (asked, expected) in [
            (&[("if-none-match", "\"v,1\"")][..], 304),
            (&[("if-none-match", "W/\"v,1\"")], 304),
            (&[("if-none-match", "\"v0\", \"v,1\"")], 304),
            (
                &[("if-none-match", "\"v0\""), ("if-none-match", "\"v,1\"")],
                304,
            ),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"v2\"")], 200),
            (&[("if-none-match", "v,1")], 200),
            (&[("if-modified-since", MONDAY)], 304),
            (&[("if-modified-since", TUESDAY)], 304),
            (&[("if-modified-since", SUNDAY)], 200),
            (&[("if-modified-since", "yesterday")], 200),
            // By its tag, whatever the date says.
            (
                &[("if-none-match", "\"v2\""), ("if-modified-since", TUESDAY)],
                200,
            ),
            (&[("if-match", "\"v,1\"")], 200),
            (&[("if-match", "\"v2\", *")], 412),
            (&[("if-match", "W/\"v,1\"")], 412),
            (&[("if-unmodified-since", SUNDAY)], 412),
            (&[("if-unmodified-since", MONDAY)], 200),
        ] {
            assert_eq!(status(BOTH, asked).0, expected, "{asked:?}");
        }
    }

    #[test]
    fn without_a_tag_of_the_origin_tags_are_ignored() {
        for asked in [
            ("if-none-match", "\"v,1\""),
            ("if-none-match", "*"),
            ("if-match", "\"v2\""),
        ] {
            assert_eq!(status(&[], &[asked]).0, 200, "{asked:?}");
        }
        assert_eq!(status(&[], &[("if-modified-since", TUESDAY)]).0, 200);
        assert_eq!(status(&[], &[("if-unmodified-since", SUNDAY)]).0, 200);
    }

    #[test]
    fn a_304_has_no_content_and_keeps_what_else_was_said() {
        let answer = served(
            stored(BOTH),
            &request("HEAD", &[("if-none-match", "*")]),
            true,
        );
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
        assert!(answer.body.is_empty());
        assert_eq!(answer.headers["etag"], "\"v,1\"");
        assert!(!answer.headers.contains_key("content-type"));
    }

    #[test]
    fn where_cookies_go_on_no_copy_is_compared() {
        let asked = request("GET", &[("if-none-match", "*")]);
        assert_eq!(
            served(stored(BOTH), &asked, false).status.as_u16(),
            StatusCode::OK
        );
    }

    #[test]
    fn if_range_names_the_version_of_the_part() {
        let part = (206, Some("bytes 0-1/10".to_owned()));
        let range = ("range", "bytes=0-1");
        for (version, obeyed) in [
            ("\"v,1\"", true),
            ("\"v2\"", false),
            ("W/\"v,1\"", false),
            (MONDAY, true),
            (TUESDAY, false),
            ("nonsense", false),
        ] {
            let expected = if obeyed { part.clone() } else { (200, None) };
            let asked = [range, ("if-range", version)];
            assert_eq!(status(BOTH, &asked), expected, "{version}");
            assert_eq!(status(&[], &asked).0, 200, "{version}");
        }
        assert_eq!(status(BOTH, &[range]), part);
        assert_eq!(status(&[], &[range]), part);
        // The condition goes first.
        assert_eq!(status(BOTH, &[range, ("if-none-match", "*")]).0, 304);
        assert_eq!(status(BOTH, &[range, ("range", "bytes=3-4")]).0, 200);
    }

    #[test]
    fn only_a_get_of_an_object_has_parts() {
        let range = [("range", "bytes=0-1")];
        let head = served(stored(BOTH), &request("HEAD", &range), true);
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 10));
        let error = Stored {
            status: StatusCode::NOT_FOUND,
            ..stored(BOTH)
        };
        let asked = request("GET", &[range[0], ("if-none-match", "*")]);
        let answer = served(error, &asked, true);
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_FOUND, 10)
        );
    }

    #[test]
    fn what_answers_one_viewers_conditions_is_kept_for_nobody() {
        for (method, status, kept) in [
            ("GET", StatusCode::OK, true),
            ("GET", StatusCode::NOT_FOUND, true),
            ("HEAD", StatusCode::OK, false),
            ("GET", StatusCode::NOT_MODIFIED, false),
            ("GET", StatusCode::PRECONDITION_FAILED, false),
            ("GET", StatusCode::PARTIAL_CONTENT, false),
            ("GET", StatusCode::RANGE_NOT_SATISFIABLE, false),
        ] {
            let answer = Stored {
                status,
                ..stored(BOTH)
            };
            let is_kept = is_for_all(&request(method, &[]), &answer);
            assert_eq!(is_kept, kept, "{method} {status}");
        }
    }

    #[test]
    fn the_origin_is_asked_by_what_it_said() {
        let names = |stored: &Stored| -> Vec<&str> {
            validators(stored)
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(names(&stored(BOTH)), ["If-None-Match", "If-Modified-Since"]);
        assert!(names(&stored(&[("content-type", "a/b")])).is_empty());
        let error = Stored {
            status: StatusCode::NOT_FOUND,
            ..stored(BOTH)
        };
        assert!(names(&error).is_empty());
    }

    #[test]
    fn a_refreshed_object_has_the_new_headers_and_its_own_content() {
        let new = stored(&[
            ("etag", "\"v2\""),
            ("cache-control", "max-age=5"),
            ("content-type", "text/html"),
        ]);
        let object = refreshed(stored(BOTH), &new);
        assert_eq!(object.headers["etag"], "\"v2\"");
        assert_eq!(object.headers["cache-control"], "max-age=5");
        assert_eq!(object.headers["content-type"], "image/jph");
        assert_eq!(object.headers["last-modified"], MONDAY);
    }
}
