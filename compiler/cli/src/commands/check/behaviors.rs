//! Every cache behavior has functions of its own: what one of them refuses, another may serve.

use super::expected::{Auth, Expected};
use super::look::{
    Asking, FOREIGN, Look, NOBODYS, State, has_failed, header, is_the_edges, status,
};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// The authorizer refuses.
    Refused,
    /// The authorizer says that no behavior of this delivery has the path.
    NotServed,
    /// Its function fails, or doesn't know what the template delivers.
    Fails,
    /// Something else answered before the authorizer, or in its place: nobody knows.
    Unseen,
    Open,
}

/// Each one without a token.
pub(super) async fn look(look: &mut Look, expected: &Expected) {
    let code = match expected.auth {
        Auth::Token => 401,
        Auth::AnybodyForListed => 403,
        Auth::Anybody => return,
        Auth::Unguarded => {
            let why =
                "the template has a behavior without an authorizer, by --allow-unsafe-overlay";
            return look.skip(NAME, "each refuses as well", why);
        }
    };
    let (patterns, known) = match &expected.paths {
        Some(deployed) => (deployed.patterns.clone(), true),
        None => (PATHS.map(str::to_owned).to_vec(), false),
    };
    let unread = expected.paths.as_ref().map_or(0, |paths| paths.unread);
    let wanted = match (patterns.len(), known) {
        (0, _) if unread == 0 => {
            return look.ok(
                NAME,
                "each refuses as well",
                "there is only the default one",
            );
        }
        (count, true) => format!("{code} without a token, on each of {count} paths"),
        (count, false) => format!("{code} without a token, or not served, on {count} paths"),
    };
    let mut seen = Seen::default();
    for pattern in &patterns {
        let path = path(pattern);
        let asking = Asking::new(Method::GET, &path).with("origin", FOREIGN);
        let asked = look.ask(NAME, &wanted, "another path without a token", asking);
        let Some(reply) = asked.await else {
            // What came before it counts all the same.
            seen.is_cut = true;
            break;
        };
        let of = if !known {
            Known::Perhaps
        } else if PATHS.contains(&pattern.as_str()) {
            Known::Served
        } else {
            Known::Added
        };
        let found = format!("GET {pattern}: {}", status(&reply));
        seen.all.push((came(&reply, code, of), found));
    }
    seen.tell(look, &wanted, code, unread);
}

#[derive(Debug, Default)]
struct Seen {
    all: Vec<(Came, String)>,
    /// An answer didn't come, and the line says so.
    is_cut: bool,
}

impl Seen {
    fn of(&self, wanted: Came) -> Option<String> {
        let all = self.all.iter().filter(|(came, _)| *came == wanted);
        let found: Vec<&str> = all.map(|(_, found)| found.as_str()).collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    fn tell(&self, look: &mut Look, wanted: &str, code: u16, unread: usize) {
        if let Some(open) = self.of(Came::Open) {
            // Nothing is worse, also where a later answer didn't come.
            look.rows.retain(|row| row.name != NAME);
            let help = format!(
                "{}, then put the authorizer back at viewer-request of these behaviors: `frames deploy` names them",
                look.close()
            );
            let found = format!("OPEN, past the authorizer: {open}");
            return look.leak(NAME, wanted, found, &help);
        }
        let failing = self.of(Came::Fails);
        let unseen = self.of(Came::Unseen);
        if (self.is_cut || failing.is_some() || unseen.is_some() || unread > 0)
            && look.open == Some(false)
        {
            look.open = None;
        }
        if self.is_cut {
            return;
        }
        let count = |wanted| self.all.iter().filter(|(came, _)| *came == wanted).count();
        let (refused, elsewhere) = (count(Came::Refused), count(Came::NotServed));
        if let Some(failing) = failing {
            let help = "a function of these behaviors fails, or isn't the one that belongs to the template: its log group says more, and `frames deploy` puts it back";
            look.wrong(NAME, wanted, failing, help);
        } else if let Some(unseen) = unseen {
            let help = "something else than the authorizer answers this machine there, for example a web ACL or another server: look from elsewhere";
            look.push(NAME, State::Skipped, wanted, unseen, Some(help.to_owned()));
        } else if unread > 0 {
            let found =
                format!("{code} on {refused}; only CloudFormation can read the path of {unread}");
            look.skip(NAME, wanted, found);
        } else if elsewhere == 0 {
            look.ok(NAME, wanted, format!("{code} on {refused}"));
        } else {
            let found = format!("{code} on {refused}, not served: {elsewhere}");
            look.ok(NAME, wanted, found);
        }
    }
}

/// A path or a method that it doesn't know, the authorizer answers with 404 or 405. HealthImaging knows
/// none of these ids either, and is asked only past the authorizer. Only the authorizer's own words count
/// as a refusal.
fn came(reply: &Reply, code: u16, of: Known) -> Came {
    let status = reply.status.as_u16();
    let own = own_word(reply);
    let is_challenged = header(&reply.headers, "www-authenticate")
        .to_ascii_lowercase()
        .starts_with("bearer");
    match (status, of) {
        _ if has_failed(reply) => Came::Fails,
        (403, _) if is_the_edges(reply) => Came::Unseen,
        (401, _) if own.is_some() && is_challenged => Came::Refused,
        // Nothing but the edge answered, and not as the authorizer does.
        (401, Known::Perhaps) if !is_the_services(reply) => Came::Unseen,
        (401, _) if !is_the_services(reply) => Came::Fails,
        (403, _) if code == 403 && own.is_some() => Came::Refused,
        (404, _) if own.as_deref() == Some("not_found") => unknown(of),
        (405, _) if own.as_deref() == Some("method_not_allowed") => unknown(of),
        (403..=405, Known::Perhaps) if own.is_none() && !is_the_services(reply) => Came::Unseen,
        _ => Came::Open,
    }
}

/// The authorizer doesn't know the path.
fn unknown(of: Known) -> Came {
    match of {
        Known::Served => Came::Fails,
        Known::Added | Known::Perhaps => Came::NotServed,
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

/// The word in the authorizer's own form of an error. It says 403 only of a token that it takes.
fn own_word(reply: &Reply) -> Option<String> {
    let is_json = header(&reply.headers, "content-type").starts_with("application/json");
    let is_its = is_json && !is_the_services(reply);
    is_its.then(|| super::frame::class(reply)).flatten()
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
        let challenge = ("www-authenticate", "Bearer");
        let missing = reply(401, &[json, challenge], r#"{"error":"missing_token"}"#);
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
                Came::Unseen => 'u',
                Came::Open => 'o',
            })
        };
        // Served, an overlay's, not known, served to anybody for what is listed.
        for (reply, wanted) in [
            (&missing, "rrrr"),
            (&own(401, r#"{"error":"missing_token"}"#), "ffuf"),
            (&reply(401, &[challenge], "no"), "ffuf"),
            (&of_service(401), "oooo"),
            (&own(404, r#"{"error":"gone"}"#), "oooo"),
            (&not_found, "fnnf"),
            (&not_allowed, "fnnf"),
            (&forbidden, "ooor"),
            (&of_service(403), "oooo"),
            (&of_service(404), "oooo"),
            (&of_service(400), "oooo"),
            (&of_edge, "uuuu"),
            (&fails, "ffff"),
            (&plain, "oouo"),
            (&nobodys, "oouo"),
            (&answer, "oooo"),
        ] {
            let found: String = verdicts(reply).iter().collect();
            assert_eq!(found, wanted, "{reply:?}");
        }
    }
}
