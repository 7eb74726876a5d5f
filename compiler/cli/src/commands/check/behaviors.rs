//! Every cache behavior has functions of its own: what one of them refuses, another may serve.

use super::expected::{Auth, Expected};
use super::look::{Asking, FOREIGN, Look, NOBODYS, has_failed, header, is_the_edges, status};
use frames_compiler::plan::PATHS;
use frames_network::probe::Reply;
use http::Method;

const NAME: &str = "behaviors";

/// A UID that nobody has: it is made of a UUID (DICOM PS3.5, B.2).
const NOBODYS_UID: &str = "2.25.293014865208716250343209485104382751869";

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The authorizer knows it, and says nothing but no.
    Served,
    /// An overlay's: the authorizer knows none, and says so.
    Added,
    /// Any endpoint may serve it, or not.
    Perhaps,
}

/// What a request to one behavior comes to.
enum Came {
    /// Nobody without a token gets further.
    Refused,
    /// No behavior of this delivery has the path.
    NotServed,
    /// Its function fails, or doesn't know what the template delivers.
    Fails,
    Open,
}

/// Each one without a token.
pub(super) async fn look(look: &mut Look, expected: &Expected) {
    let (patterns, known) = match &expected.paths {
        Some(deployed) => (deployed.clone(), true),
        None => (PATHS.map(str::to_owned).to_vec(), false),
    };
    let code = match expected.auth {
        Auth::Token => 401,
        Auth::AnybodyForListed => 403,
        // Nothing is refused.
        Auth::Anybody | Auth::Unguarded => return,
    };
    let wanted = match (patterns.len(), known) {
        (0, _) => {
            return look.ok(
                NAME,
                "each refuses as well",
                "there is only the default one",
            );
        }
        (count, true) => format!("{code} without a token, on each of {count} paths"),
        (count, false) => format!("{code} without a token, or not served, on {count} paths"),
    };
    let (mut refused, mut elsewhere) = (0, 0);
    let (mut open, mut failing) = (Vec::new(), Vec::new());
    for pattern in &patterns {
        let path = path(pattern);
        let asking = Asking::new(Method::GET, &path).with("origin", FOREIGN);
        let asked = look.ask(NAME, &wanted, "another path without a token", asking);
        // Its line is written.
        let Some(reply) = asked.await else { return };
        let of = if !known {
            Known::Perhaps
        } else if PATHS.contains(&pattern.as_str()) {
            Known::Served
        } else {
            Known::Added
        };
        let found = || format!("GET {pattern}: {}", status(&reply));
        match came(&reply, code, of) {
            Came::Refused => refused += 1,
            Came::NotServed => elsewhere += 1,
            Came::Fails => failing.push(found()),
            Came::Open => open.push(found()),
        }
    }
    if !open.is_empty() {
        let found = format!("OPEN, past the authorizer: {}", open.join(", "));
        let help = format!(
            "{}, then put the authorizer back at viewer-request of these behaviors: `frames deploy` names them",
            look.close()
        );
        look.leak(NAME, &wanted, found, &help);
    } else if !failing.is_empty() {
        let help = "a function of these behaviors fails, or isn't the one that belongs to the template: its log group says more, and `frames deploy` puts it back";
        look.wrong(NAME, &wanted, failing.join(", "), help);
    } else if elsewhere == 0 {
        look.ok(NAME, &wanted, format!("{code} on {refused}"));
    } else {
        let found = format!("{code} on {refused}, not served: {elsewhere}");
        look.ok(NAME, &wanted, found);
    }
}

/// A path or a method that it doesn't know, the authorizer answers with 404 or 405. HealthImaging knows
/// none of these ids either, and is asked only past the authorizer.
fn came(reply: &Reply, code: u16, of: Known) -> Came {
    let status = reply.status.as_u16();
    let is_own = is_the_authorizers(reply);
    match (status, of) {
        (401, _) => Came::Refused,
        (403, _) if is_the_edges(reply) => Came::Refused,
        (403, _) if code == 403 && is_own => Came::Refused,
        _ if has_failed(reply) => Came::Fails,
        (404 | 405, Known::Served) if is_own => Came::Fails,
        (404 | 405, Known::Added) if is_own => Came::NotServed,
        (404 | 405, Known::Perhaps) if !is_the_services(reply) => Came::NotServed,
        // Something else refuses there, whose paths are its own.
        (403, Known::Perhaps) if !is_own && !is_the_services(reply) => Came::NotServed,
        _ => Came::Open,
    }
}

/// AWS's services say so in their answers. CloudFront has headers of its own.
fn is_the_services(reply: &Reply) -> bool {
    let mut names = reply.headers.keys().map(http::HeaderName::as_str);
    names.any(|name| {
        name.starts_with("x-amzn-")
            || (name.starts_with("x-amz-") && !name.starts_with("x-amz-cf-"))
    })
}

/// Its own form of an error, in which it says 403 only of a token that it takes.
fn is_the_authorizers(reply: &Reply) -> bool {
    header(&reply.headers, "content-type").starts_with("application/json")
        && !is_the_services(reply)
        && super::frame::class(reply).is_some()
}

/// One path that a pattern matches, with ids that nobody has.
fn path(pattern: &str) -> String {
    let mut before = "";
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        let id = match before {
            "studies" | "series" | "instances" => NOBODYS_UID,
            _ => NOBODYS,
        };
        let filled = part.replace("image?et", "imageSet").replace('?', "x");
        parts.push(filled.replace('*', id));
        before = part;
    }
    let path = parts.join("/");
    // An overlay's pattern may begin with a `*`, or with no slash at all.
    let path = if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    };
    if path.ends_with("/getImageFrame") {
        format!("{path}?imageFrameId={NOBODYS}")
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use frames_edge::operation::{Operation, Served};
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    /// Otherwise a sound authorizer would say 404 of it.
    #[test]
    fn every_path_is_one_that_is_served() {
        let served = Served {
            dicomweb: true,
            metadata: true,
            reads: true,
        };
        for pattern in PATHS {
            let path = path(pattern);
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            let operation = Operation::parse(path, served).unwrap();
            assert!(operation.kind().methods(served).contains(&"GET"), "{path}");
            assert!(operation.settled_by("GET", query).is_ok(), "{path}");
        }
        for (pattern, wanted) in [("*.html", ".html"), ("/a?/*", "/ax/"), ("b", "/b")] {
            let path = path(pattern);
            assert!(path.starts_with('/') && path.contains(wanted), "{path}");
        }
    }

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect::<HeaderMap>(),
            start: Bytes::from_static(body.as_bytes()),
            length: body.len() as u64,
            has_secret: false,
        }
    }

    #[test]
    fn only_the_authorizers_word_is_a_refusal() {
        let json = ("content-type", "application/json");
        let own = |status, class| reply(status, &[json], class);
        let not_found = own(404, r#"{"error":"not_found"}"#);
        let not_allowed = own(405, r#"{"error":"method_not_allowed"}"#);
        let forbidden = own(403, r#"{"error":"forbidden"}"#);
        let service = ("x-amzn-requestid", "r");
        let of_service = |status| reply(status, &[json, service], r#"{"message":"no"}"#);
        let edge = [
            ("content-type", "text/html"),
            ("server", "CloudFront"),
            ("x-cache", "Error from cloudfront"),
            ("x-amz-cf-id", "i"),
        ];
        let of_edge = reply(403, &edge, "<html>");
        let fails = [("x-cache", "LambdaExecutionError from cloudfront")];
        let fails = reply(502, &fails, "");
        let plain = reply(404, &[("x-amz-cf-id", "i")], "no");
        let nobodys = reply(403, &[], "no");
        let answer = reply(200, &[], "image");
        let verdicts = |reply: &Reply| {
            let cases = [
                (401, Known::Served),
                (401, Known::Added),
                (401, Known::Perhaps),
                (403, Known::Served),
            ];
            cases.map(|(code, of)| match came(reply, code, of) {
                Came::Refused => 'r',
                Came::NotServed => 'n',
                Came::Fails => 'f',
                Came::Open => 'o',
            })
        };
        // Served, an overlay's, not known, served to anybody for what is listed.
        for (reply, wanted) in [
            (&own(401, r#"{"error":"missing_token"}"#), "rrrr"),
            (&not_found, "fnnf"),
            (&not_allowed, "fnnf"),
            (&forbidden, "ooor"),
            (&of_service(403), "oooo"),
            (&of_service(404), "oooo"),
            (&of_service(400), "oooo"),
            (&of_edge, "rrrr"),
            (&fails, "ffff"),
            (&plain, "oono"),
            (&nobodys, "oono"),
            (&answer, "oooo"),
        ] {
            let found: String = verdicts(reply).iter().collect();
            assert_eq!(found, wanted, "{reply:?}");
        }
    }
}
