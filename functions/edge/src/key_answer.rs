//! One question to an issuer, and what may be believed of the answer. Whoever fetches
//! keys goes by it: the authorizer, and whoever bakes a set in before.
//!
//! | answer | what becomes of it |
//! | --- | --- |
//! | 200 | read up to [`SIZE_LIMIT`]: JSON in UTF-8, with a byte order mark or without |
//! | 3xx with a `Location` | refused; the problem names that address for `auth.jwksUri` |
//! | 429, 502, 503, 504 | refused; [`Failed::wait`] says how long `Retry-After` asks to wait |
//! | any other status | refused |
//! | a `Content-Encoding` | refused unread: nobody asked for one, and a small body could become a large one |

use crate::key_source::{LONGEST_SHOWN, discovered, shown};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, DATE, HeaderName, LOCATION, RETRY_AFTER, USER_AGENT,
};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

/// Of one answer, in bytes.
pub const SIZE_LIMIT: usize = 256 * 1024;

/// A busy issuer that doesn't say how long it is busy.
const UNSAID: Duration = Duration::from_secs(1);

/// Some issuers' firewalls turn away whoever doesn't name itself.
const NAME: &str = concat!("frames/", env!("CARGO_PKG_VERSION"));

/// How much of a header's own words is repeated.
const LONGEST_WORD: usize = 40;

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was asked and what came, for a log or a terminal.
    pub problem: String,
    /// Another attempt may succeed, after this time. `None`: the answer would be the same.
    pub wait: Option<Duration>,
}

impl From<String> for Failed {
    fn from(problem: String) -> Self {
        Self {
            problem,
            wait: None,
        }
    }
}

impl From<&str> for Failed {
    fn from(problem: &str) -> Self {
        Self::from(problem.to_owned())
    }
}

/// What a document is for: it decides what helps where it can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    KeySet,
    Discovery,
}

/// The question.
pub(crate) fn request(address: &Uri) -> Result<Request<()>, Failed> {
    Request::get(address)
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, NAME)
        .body(())
        .map_err(|_| format!("{}: not a valid request", shown(address)).into())
}

/// The answer.
pub(crate) async fn read<B>(
    document: Document,
    address: &Uri,
    answer: Response<B>,
) -> Result<Value, Failed>
where
    B: BodyExt,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = answer.into_parts();
    let shown = shown(address);
    if head.status != StatusCode::OK {
        return Err(refused(document, address, head.status, &head.headers));
    }
    if let Some(encoding) = encoding(&head.headers) {
        return Err(format!(
            "{shown} answered with `Content-Encoding: {encoding}`, although it was asked for none: \
             have it serve the document as it is, or save that and name the file in `auth.jwksFile`"
        )
        .into());
    }
    let too_large = || {
        let limit = SIZE_LIMIT / 1024;
        Failed::from(format!(
            "{shown} answered with more than {limit} KiB, the limit of a document: \
             is it the right address?"
        ))
    };
    if body.size_hint().lower() > SIZE_LIMIT as u64 {
        return Err(too_large());
    }
    let body = match Limited::new(body, SIZE_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        // It broke off: the next answer may be whole.
        Err(error) => {
            return Err(Failed {
                problem: format!("{shown}: {}", with_cause(error.as_ref())),
                wait: Some(UNSAID),
            });
        }
    };
    parsed(&body).map_err(|problem| format!("{shown} {problem}").into())
}

/// What a body says. Some servers put a byte order mark before it.
fn parsed(body: &[u8]) -> Result<Value, &'static str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        return Err("answered in UTF-16; JSON is UTF-8 (RFC 8259, 8.1)");
    }
    if body.starts_with(&[0x1f, 0x8b]) {
        return Err("answered with gzip, and doesn't say so in `Content-Encoding`");
    }
    serde_json::from_slice(body).map_err(|_| "didn't answer with JSON")
}

fn refused(document: Document, address: &Uri, status: StatusCode, headers: &HeaderMap) -> Failed {
    let shown = shown(address);
    if let Some(location) = text(headers, LOCATION).filter(|_| status.is_redirection()) {
        let to = moved(document, address, location);
        return format!("{shown} answered {} to {to}", status.as_u16()).into();
    }
    let busy = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    if !busy {
        return format!("{shown} answered {status}").into();
    }
    let asked = retry_after(headers);
    let words = asked.map_or(String::new(), |wait| {
        format!(
            ", and asks to wait for {} s (`Retry-After`)",
            wait.as_secs()
        )
    });
    Failed {
        problem: format!("{shown} answered {status}{words}"),
        wait: Some(asked.unwrap_or(UNSAID)),
    }
}

/// Where a redirect leads, and what to do about it. None is followed: which address
/// the keys come from is the manifest's word, and a redirect can lead anywhere.
fn moved(document: Document, from: &Uri, location: &str) -> String {
    let target = resolved(from, location);
    let Ok(uri) = target.parse::<Uri>() else {
        return "an address that can't be read".to_owned();
    };
    let to: String = shown(&uri).chars().take(LONGEST_SHOWN).collect();
    if let Err(problem) = discovered(&target, from) {
        return format!("{to}, which can't be used: {problem}");
    }
    let query = uri.query().map_or("", |_| ", with its query,");
    match document {
        Document::KeySet => format!("{to}: name that address{query} in `auth.jwksUri`"),
        Document::Discovery => {
            format!("{to}: name the `jwks_uri` that is in that document in `auth.jwksUri`")
        }
    }
}

/// A `Location` may be relative to what was asked (RFC 9110, 10.2.2).
fn resolved(from: &Uri, location: &str) -> String {
    let scheme = from.scheme_str().unwrap_or_default();
    let authority = from.authority().map_or("", |authority| authority.as_str());
    let before = location.split(['/', '?', '#']).next().unwrap_or_default();
    if before.ends_with(':') {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). A date counts from the
/// answer's own, so that no two clocks have to agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER)?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let since = httpdate::parse_http_date(self::text(headers, DATE)?).ok()?;
    Some(until.duration_since(since).unwrap_or_default())
}

/// How the body is compressed, if it is.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(CONTENT_ENCODING).iter();
    let named = all.map(|value| value.to_str().unwrap_or("unreadable").trim());
    let mut other = named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    Some(other.next()?.chars().take(LONGEST_WORD).collect())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// An error of a library with what caused it: the first message often stops before the reason.
pub fn with_cause(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &str)]) -> HeaderMap {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn from() -> Uri {
        "https://issuer.example/a/keys?key=s3cret".parse().unwrap()
    }

    #[test]
    fn a_time_to_wait_is_read_in_both_forms() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        for (fields, seconds) in [
            (vec![("retry-after", "0")], Some(0)),
            (vec![("retry-after", " 120 ")], Some(120)),
            (
                vec![("retry-after", "99999999999999999999999")],
                Some(u64::MAX),
            ),
            (
                vec![
                    ("date", date),
                    ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
                ],
                Some(30),
            ),
            (
                vec![
                    ("date", date),
                    ("retry-after", "Wed, 21 Oct 2026 07:27:30 GMT"),
                ],
                Some(0),
            ),
            (vec![("retry-after", date)], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "")], None),
            (vec![], None),
        ] {
            let found = retry_after(&head(&fields)).map(|wait| wait.as_secs());
            assert_eq!(found, seconds, "{fields:?}");
        }
    }

    #[test]
    fn a_busy_issuer_may_be_asked_again_and_no_other() {
        for (status, wait) in [(429, 1), (502, 1), (503, 1), (504, 1)] {
            let status = StatusCode::from_u16(status).unwrap();
            let failed = refused(Document::KeySet, &from(), status, &head(&[]));
            assert_eq!(failed.wait, Some(Duration::from_secs(wait)), "{failed:?}");
            assert!(!failed.problem.contains("wait"), "{failed:?}");
        }
        for status in [204, 304, 400, 401, 403, 404, 500, 501] {
            let status = StatusCode::from_u16(status).unwrap();
            let said = head(&[("retry-after", "5")]);
            let failed = refused(Document::KeySet, &from(), status, &said);
            assert_eq!(failed.wait, None, "{failed:?}");
        }
    }

    #[test]
    fn a_redirect_is_told_with_what_to_name() {
        let told = |document, location: &str| {
            let headers = head(&[("location", location)]);
            refused(document, &from(), StatusCode::FOUND, &headers).problem
        };
        for (location, words) in [
            (
                "/keys",
                "https://issuer.example/keys: name that address in `auth.jwksUri`",
            ),
            (
                "more",
                "https://issuer.example/a/more: name that address in `auth.jwksUri`",
            ),
            (
                "//other.example/keys",
                "https://other.example/keys: name that address in `auth.jwksUri`",
            ),
            (
                "https://other.example/keys?sig=s3cret",
                "https://other.example/keys: name that address, with its query, in `auth.jwksUri`",
            ),
            (
                "http://issuer.example/keys",
                "http://issuer.example/keys, which can't be used: not an https:// URL",
            ),
            (
                "http://127.0.0.1/keys",
                "http://127.0.0.1/keys, which can't be used: not an https:// URL",
            ),
            (
                "https://a:s3cret@issuer.example/keys",
                "https://issuer.example/keys, which can't be used: an address with credentials in it",
            ),
            ("https://", "an address that can't be read"),
        ] {
            let told = told(Document::KeySet, location);
            assert_eq!(
                told,
                format!("https://issuer.example/a/keys answered 302 to {words}")
            );
            assert!(!told.contains("s3cret"), "{told}");
        }
        let document = told(Document::Discovery, "/other");
        assert!(
            document.ends_with("name the `jwks_uri` that is in that document in `auth.jwksUri`"),
            "{document}"
        );
    }

    #[test]
    fn a_body_is_json_whatever_mark_is_before_it() {
        assert_eq!(parsed(b"\xef\xbb\xbf{}"), Ok(serde_json::json!({})));
        assert_eq!(parsed(b"{}"), Ok(serde_json::json!({})));
        for (body, word) in [
            (&b"\xff\xfe{\0}\0"[..], "UTF-16"),
            (b"\xfe\xff\0{\0}", "UTF-16"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"<html>", "JSON"),
            (b"", "JSON"),
        ] {
            assert!(parsed(body).unwrap_err().contains(word), "{body:?}");
        }
    }

    #[test]
    fn only_what_is_not_compressed_is_read() {
        for name in ["gzip", "br", "x-gzip", "deflate, identity"] {
            let found = encoding(&head(&[("content-encoding", name)]));
            assert_eq!(found.as_deref(), Some(name));
        }
        for name in ["identity", "Identity", ""] {
            assert_eq!(encoding(&head(&[("content-encoding", name)])), None);
        }
        let long = "x".repeat(1000);
        let found = encoding(&head(&[("content-encoding", &long)])).unwrap();
        assert_eq!(found.len(), LONGEST_WORD);
    }
}
