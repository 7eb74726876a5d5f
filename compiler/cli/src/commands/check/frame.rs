//! What a viewer with a token gets: a frame, its caching, and nothing of the token.

use super::expected::{Auth, Expected};
use super::look::{Asking, FOREIGN, Look, NOBODYS, has_directive, header, is_hit, status};
use frames_compiler::failure::{Failure, Result};
use frames_edge::operation::{Operation, Served};
use frames_network::probe::{Reply, Watch};
use http::Method;
use serde_json::json;
use std::sync::Arc;

/// So often a kept frame is asked for: an edge location has more than one cache.
const TRIES: usize = 4;

/// Spellings of one scheme (RFC 9110, 11.1): another spelling is another header, and the same token.
const SPELLINGS: [&str; 3] = ["bearer", "BEARER", "bEARER"];

/// Which frame is read.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    Native {
        datastore: String,
        image_set: String,
        frame: String,
    },
    /// By GET.
    Path(String),
}

#[derive(Debug)]
pub(super) struct Wanted {
    pub frame: Frame,
    /// `None`: as one who has none.
    pub token: Option<String>,
}

impl Frame {
    /// `DATASTORE/IMAGESET/FRAME`
    pub(super) fn by_ids(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [datastore, image_set, frame]
                if parts.iter().all(|part| {
                    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
                }) =>
            {
                Ok(Self::Native {
                    datastore: (*datastore).to_owned(),
                    image_set: (*image_set).to_owned(),
                    frame: (*frame).to_owned(),
                })
            }
            _ => Err(Failure::usage("`--frame` has no three ids")
                .help("write it as DATASTORE/IMAGESET/FRAME, with HealthImaging's ids")),
        }
    }

    pub(super) fn by_path(text: &str) -> Result<Self> {
        let fits = text.starts_with('/') && !text.contains(['#', ' ']) && text.is_ascii();
        if fits {
            Ok(Self::Path(text.to_owned()))
        } else {
            Err(Failure::usage("`--path` is no path").help(
                "write what comes after the host, with its query: `/datastore/…?imageSetId=…`",
            ))
        }
    }

    fn get(&self) -> String {
        match self {
            Self::Native {
                datastore,
                image_set,
                frame,
            } => format!(
                "/datastore/{datastore}/imageSet/{image_set}/getImageFrame?imageFrameId={frame}"
            ),
            Self::Path(path) => path.clone(),
        }
    }

    /// One beside it that doesn't exist, where it has a form that tells which.
    fn missing(&self) -> Option<Self> {
        match self {
            Self::Native {
                datastore,
                image_set,
                ..
            } => Some(Self::Native {
                datastore: datastore.clone(),
                image_set: image_set.clone(),
                frame: NOBODYS.to_owned(),
            }),
            Self::Path(path) => {
                let (path, query) = path.split_once('?').unwrap_or((path, ""));
                let (before, _) = path.rsplit_once("/frames/")?;
                Some(Self::Path(format!("{before}/frames/999999?{query}")))
            }
        }
    }

    /// Results of searches aren't kept as images are.
    fn is_search(&self) -> bool {
        let Self::Path(path) = self else { return false };
        let path = path.split('?').next().unwrap_or_default();
        let served = Served {
            dicomweb: true,
            metadata: true,
            reads: true,
        };
        Operation::parse(path, served).is_ok_and(|operation| operation.kind().is_search())
    }
}

/// The same request again and again.
struct Reading<'a> {
    frame: &'a Frame,
    token: Option<&'a str>,
    by_token_header: bool,
    /// The endpoint serves no GET of it.
    posts: bool,
}

impl Reading<'_> {
    async fn ask(
        &self,
        look: &mut Look,
        name: &'static str,
        what: &'static str,
        scheme: Option<&str>,
    ) -> Option<Arc<Reply>> {
        let get = self.frame.get();
        let path = get.split('?').next().unwrap_or_default();
        let mut asking = match self.frame {
            Frame::Native { frame, .. } if self.posts => {
                Asking::new(Method::POST, path).json(&json!({"imageFrameId": frame}))
            }
            _ => Asking::new(Method::GET, &get),
        };
        asking = asking.with("origin", FOREIGN);
        if let (Some(token), Some(scheme)) = (self.token, scheme) {
            asking = if self.by_token_header {
                asking.with("token", token)
            } else {
                asking.with("authorization", format!("{scheme} {token}"))
            };
        }
        look.ask(name, "an answer", what, asking).await
    }
}

pub(super) async fn look(look: &mut Look, expected: &Expected, wanted: &Wanted) {
    let mut reading = Reading {
        frame: &wanted.frame,
        token: wanted.token.as_deref(),
        by_token_header: expected.by_token_header,
        posts: false,
    };
    let Some(reply) = first(look, &mut reading).await else {
        return;
    };
    browser_cache(look, &reply);
    security_headers(look, Some(&reply));
    let is_hit = edge_cache(look, &reading, expected, reply).await;
    if is_hit {
        token_in_key(look, &reading).await;
        if expected.auth == Auth::Token {
            without_a_token(look, &reading).await;
        }
    }
    if let Some(frame) = wanted.frame.missing() {
        let missing = Reading {
            frame: &frame,
            ..reading
        };
        for what in ["a frame that doesn't exist", "the same again"] {
            missing
                .ask(look, "missing-frame", what, Some("Bearer"))
                .await;
        }
    }
}

async fn first(look: &mut Look, reading: &mut Reading<'_>) -> Option<Arc<Reply>> {
    const NAME: &str = "frame";
    const EXPECTED: &str = "200";
    let mut reply = reading.ask(look, NAME, "the frame", Some("Bearer")).await?;
    let by_get = reply.status.as_u16();
    if by_get == 405 && matches!(reading.frame, Frame::Native { .. }) {
        reading.posts = true;
        reply = reading.ask(look, NAME, "the frame", Some("Bearer")).await?;
    }
    let (code, length) = (reply.status.as_u16(), reply.length);
    let kind = header(&reply.headers, "content-type");
    if code == 200 && length > 0 {
        let how = if reading.posts { "POST" } else { "GET" };
        look.ok(
            NAME,
            EXPECTED,
            format!("200 by {how}, {length} bytes, {kind}"),
        );
        return Some(reply);
    }
    let class = class(&reply).map(|class| format!(" ({class})"));
    let found = format!("{}{}", status(&reply), class.unwrap_or_default());
    let help = match code {
        401 if reading.token.is_none() => {
            "it takes a token: --token-file or FRAMES_TOKEN gives one"
        }
        401 => "the token isn't accepted: the authorizer's log says why",
        403 => {
            "the token is good, and doesn't reach this frame: look at `iam.allow` and `auth.access`"
        }
        404 => "HealthImaging has no such frame, or the path isn't served",
        _ => "the functions' logs say more",
    };
    look.wrong(NAME, EXPECTED, found, help);
    None
}

/// What the authorizer says, in a word.
pub(super) fn class(reply: &Reply) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&reply.start).ok()?;
    let class = body["error"].as_str()?;
    let is_word = class
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_word.then(|| class.to_owned())
}

/// What a browser, or a proxy on the way to it, may keep.
fn browser_cache(look: &mut Look, reply: &Reply) {
    const NAME: &str = "browser-cache";
    const EXPECTED: &str = "no-store, or private and by token";
    let headers = &reply.headers;
    let has = |directive| has_directive(headers, "cache-control", directive);
    let varies = has_directive(headers, "vary", "authorization");
    let found = header(headers, "cache-control");
    let found = if found.is_empty() {
        "no Cache-Control".to_owned()
    } else {
        found
    };
    if has("no-store") || (has("private") && varies) {
        look.ok(NAME, EXPECTED, found);
    } else if has("private") {
        look.wrong(
            NAME,
            EXPECTED,
            format!("{found}, without `Vary: Authorization`"),
            "a browser would show one user's images to the next one: set `delivery.cache.browser` and not a header of your own",
        );
    } else {
        look.wrong(
            NAME,
            EXPECTED,
            found,
            "proxies and browsers may keep images and show them to others: look for an overlay of the response headers policy",
        );
    }
}

/// `None`: no answer came from the origin.
pub(super) fn security_headers(look: &mut Look, reply: Option<&Reply>) {
    const NAME: &str = "security-headers";
    const EXPECTED: &str = "HSTS, nosniff, no framing, no referrer, CSP";
    let Some(reply) = reply else {
        return look.skip(
            NAME,
            EXPECTED,
            "on images only: --token-file, with --frame or --path, reads one",
        );
    };
    let headers = &reply.headers;
    let value = |name: &str| header(headers, name).to_ascii_lowercase();
    let age = value("strict-transport-security");
    let age = age
        .split(';')
        .find_map(|part| part.trim().strip_prefix("max-age="));
    let age = age.and_then(|age| age.trim_matches('"').parse::<u64>().ok());
    let policy = value("content-security-policy");
    let framing = value("x-frame-options");
    let is_there = [
        ("Strict-Transport-Security", age.is_some_and(|age| age > 0)),
        (
            "X-Content-Type-Options",
            value("x-content-type-options") == "nosniff",
        ),
        (
            "X-Frame-Options",
            ["deny", "sameorigin"].contains(&framing.as_str())
                || policy.contains("frame-ancestors"),
        ),
        ("Referrer-Policy", !value("referrer-policy").is_empty()),
        ("Content-Security-Policy", !policy.is_empty()),
    ];
    let missing = is_there.iter().filter(|(_, there)| !there);
    let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
    if missing.is_empty() {
        look.ok(NAME, EXPECTED, "all of them");
    } else {
        look.wrong(
            NAME,
            EXPECTED,
            format!("missing: {}", missing.join(", ")),
            "the response headers policy isn't the one that frames compiles: deploy again, and look for an overlay of it",
        );
    }
}

/// Whether a kept frame came.
async fn edge_cache(
    look: &mut Look,
    reading: &Reading<'_>,
    expected: &Expected,
    first: Arc<Reply>,
) -> bool {
    const NAME: &str = "edge-cache";
    const EXPECTED: &str = "a miss, then a hit";
    if reading.posts {
        look.skip(
            NAME,
            EXPECTED,
            "a POST is never kept: `delivery.cachedReads` serves the same by GET",
        );
        return false;
    }
    if reading.frame.is_search() {
        look.skip(NAME, EXPECTED, "a search isn't kept as images are");
        return false;
    }
    let mut results = Vec::new();
    let mut reply = first;
    for tried in 0..=TRIES {
        let result = header(&reply.headers, "x-cache");
        results.push(result.split(' ').next().unwrap_or_default().to_owned());
        if is_hit(&reply.headers) {
            look.ok(NAME, EXPECTED, results.join(", "));
            return true;
        }
        if tried == TRIES {
            break;
        }
        let asked = reading.ask(look, NAME, "the frame again", Some("Bearer"));
        let Some(again) = asked.await else {
            return false;
        };
        reply = again;
    }
    let found = format!("{} requests, and no hit", results.len());
    match expected.caches {
        Some(true) => look.wrong(
            NAME,
            EXPECTED,
            found,
            "every request pays for HealthImaging's answer: look at the behavior's cache policy, and at what the origin says in `Cache-Control`",
        ),
        Some(false) => look.skip(NAME, "nothing is kept (`delivery.cache.ttl`)", found),
        None => look.skip(NAME, EXPECTED, found),
    }
    false
}

/// What is kept under the token isn't found under another spelling of it: then the token is in the
/// cache's key, and on its way to the origin.
async fn token_in_key(look: &mut Look, reading: &Reading<'_>) {
    const NAME: &str = "token-in-key";
    const EXPECTED: &str = "a hit, however the token is sent";
    if reading.token.is_none() || reading.by_token_header {
        return;
    }
    for spelling in SPELLINGS {
        let asked = reading.ask(look, NAME, "the frame, kept", Some(spelling));
        let Some(reply) = asked.await else { return };
        if is_hit(&reply.headers) {
            return look.ok(NAME, EXPECTED, "a hit");
        }
    }
    look.wrong(
        NAME,
        EXPECTED,
        "never a hit in another spelling: the token is part of the cache's key",
        "the authorizer takes the token away before the cache is asked: look for an overlay that puts Authorization into a cache policy",
    );
}

/// A kept frame is served only after the authorizer, too.
async fn without_a_token(look: &mut Look, reading: &Reading<'_>) {
    const NAME: &str = "kept-for-whom";
    const EXPECTED: &str = "401 without a token, kept or not";
    let asked = reading.ask(look, NAME, "a kept frame without a token", None);
    let Some(reply) = asked.await else { return };
    let (code, found) = (reply.status.as_u16(), status(&reply));
    if code == 401 {
        look.ok(NAME, EXPECTED, found);
    } else {
        look.leak(
            NAME,
            EXPECTED,
            format!("{found}: OPEN, what one viewer read is served to anybody"),
            &format!("{}: a cache answers before the authorizer", look.close()),
        );
    }
}

/// What no answer may have in it.
pub(super) fn secrets(token: &str) -> Watch {
    // The signature alone would do as much harm.
    let signature = token.rsplit('.').next();
    let signature = signature.filter(|it| it.len() >= 20);
    Watch::for_any([token].into_iter().chain(signature))
}

/// Nothing that came has the token in it, and nothing asks a viewer to send more.
pub(super) fn token_echo(look: &mut Look) {
    const NAME: &str = "token-echo";
    const EXPECTED: &str = "no answer has the token, or sets a cookie";
    let watch = look.probe.watch();
    let problems = look.answers.iter().filter_map(|answer| {
        let headers = &answer.reply.headers;
        let echoes = headers
            .iter()
            .find(|(_, value)| watch.is_in(value.as_bytes()));
        let problem = if let Some((name, _)) = echoes {
            format!("the token is in the header {name}")
        } else if answer.reply.has_secret {
            "the token is in the body".to_owned()
        } else if headers.contains_key("set-cookie") {
            "a cookie is set".to_owned()
        } else {
            return None;
        };
        Some(format!("{problem} ({})", answer.what))
    });
    match problems.into_iter().next() {
        Some(problem) => look.wrong(
            NAME,
            EXPECTED,
            problem,
            "the token got past the authorizer, to what answers there. Have the issuer revoke it, and find what sends it on",
        ),
        None => look.ok(NAME, EXPECTED, "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_by_ids_or_a_path() {
        let frame = Frame::by_ids("a1/b2/c3").unwrap();
        assert_eq!(
            frame.get(),
            "/datastore/a1/imageSet/b2/getImageFrame?imageFrameId=c3"
        );
        assert!(frame.missing().unwrap().get().ends_with(NOBODYS));
        for text in ["", "a/b", "a/b/c/d", "a//c", "a/b/c?d", "a/b/é"] {
            assert!(Frame::by_ids(text).is_err(), "{text}");
        }
        for text in ["", "datastore", "/a b", "/a#b", "/é"] {
            assert!(Frame::by_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_search_is_known_and_a_missing_frame_made() {
        let store = "12345678901234567890123456789012";
        let of = |path: &str| Frame::by_path(&format!("/datastore/{store}{path}")).unwrap();
        assert!(of("/studies?limit=1").is_search());
        let frame = of("/studies/1.2/series/1.3/instances/1.4/frames/1?imageSetId=a");
        assert!(!frame.is_search());
        let missing = frame.missing().unwrap().get();
        assert!(missing.ends_with("/instances/1.4/frames/999999?imageSetId=a"));
        assert!(of("/studies").missing().is_none());
    }
}
