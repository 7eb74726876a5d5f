//! What anybody gets, who has no token.

use super::behaviors;
use super::expected::{Auth, Expected};
use super::look::{
    Asking, FOREIGN, Look, NOBODYS, State, has_directive, has_failed, header, is_hit, is_the_edges,
    status,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frames_network::probe::Reply;
use http::{HeaderMap, Method};
use serde_json::json;

fn native() -> String {
    format!("/datastore/{NOBODYS}/imageSet/{NOBODYS}/getImageFrame")
}

/// Whether the functions answer: where they don't, nothing else can be said.
pub(super) async fn look(look: &mut Look, expected: &Expected, origin: Option<&str>) -> bool {
    if !without_a_token(look, expected).await {
        return false;
    }
    behaviors::look(look, expected).await;
    if expected.auth == Auth::Token {
        unsigned(look).await;
    }
    // Without the authorizer, nobody refuses these.
    if expected.auth != Auth::Unguarded || look.open == Some(false) {
        unserved(look).await;
    }
    preflight(look, expected, origin).await;
    true
}

const NO_TOKEN: &str = "no-token";

async fn without_a_token(look: &mut Look, expected: &Expected) -> bool {
    let wanted = match expected.auth {
        Auth::Token => "401, with WWW-Authenticate: Bearer",
        Auth::Anybody => "open to anybody (`auth.mode: none`)",
        Auth::AnybodyForListed => "open to anybody for what `iam.allow` lists",
        Auth::Unguarded => "anything, by --allow-unsafe-overlay",
    };
    let path = native();
    let asking = Asking::new(Method::POST, &path)
        .with("origin", FOREIGN)
        .json(&json!({"imageFrameId": NOBODYS}));
    let asked = look.ask(NO_TOKEN, wanted, "without a token", asking);
    let Some(reply) = asked.await else {
        return false;
    };
    let (code, found) = (reply.status.as_u16(), status(&reply));
    let challenge = header(&reply.headers, "www-authenticate");
    let cache = header(&reply.headers, "x-cache");
    if is_the_edges(&reply) && code == 403 {
        let why = "CloudFront refuses this machine before the authorizer: its country, its address by the web ACL, or everybody while the distribution is off. Look from elsewhere";
        look.push(
            NO_TOKEN,
            State::Skipped,
            wanted,
            found,
            Some(why.to_owned()),
        );
        return false;
    }
    if has_failed(&reply) {
        let help = "the authorizer fails: its log group says why";
        look.wrong(NO_TOKEN, wanted, format!("{found} ({cache})"), help);
        return false;
    }
    look.open = Some(code != 401 || expected.auth == Auth::AnybodyForListed);
    verdict(look, expected.auth, wanted, &found, code == 401, &challenge);
    true
}

fn verdict(
    look: &mut Look,
    auth: Auth,
    wanted: &str,
    found: &str,
    is_refused: bool,
    challenge: &str,
) {
    let is_challenged = challenge.to_ascii_lowercase().starts_with("bearer");
    match (auth, is_refused) {
        (Auth::Token, true) if is_challenged => {
            look.ok(NO_TOKEN, wanted, format!("{found}, {challenge}"));
        }
        (Auth::Token, true) => look.wrong(
            NO_TOKEN,
            wanted,
            format!("{found}, without a challenge"),
            "the authorizer says `WWW-Authenticate: Bearer`: something else answers, or takes it away",
        ),
        (Auth::Token, false) => look.wrong(
            NO_TOKEN,
            wanted,
            format!("{found}: OPEN, the request got past the authorizer"),
            &format!("{}, then put the authorizer back at viewer-request of every behavior: `frames deploy` names them. With `auth.mode: none` in the manifest it lets everybody in", look.close()),
        ),
        (Auth::Anybody | Auth::AnybodyForListed, true) => look.wrong(
            NO_TOKEN,
            wanted,
            found,
            "another manifest is deployed there: `frames diff` shows what differs",
        ),
        (Auth::Anybody | Auth::AnybodyForListed | Auth::Unguarded, _) => {
            look.ok(NO_TOKEN, wanted, found);
        }
    }
}

/// A token that anybody can write (RFC 7519, 6).
async fn unsigned(look: &mut Look) {
    const NAME: &str = "unsigned-token";
    const EXPECTED: &str = "401";
    let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!(
        "{}.{}.",
        encoded(&json!({"alg": "none", "typ": "JWT"})),
        encoded(&json!({"sub": "frames-check", "exp": 4_102_444_800_u64}))
    );
    let path = native();
    let asking = Asking::new(Method::POST, &path)
        .with("authorization", format!("Bearer {token}"))
        .json(&json!({"imageFrameId": NOBODYS}));
    let asked = look.ask(NAME, EXPECTED, "with an unsigned token", asking);
    let Some(reply) = asked.await else { return };
    let found = status(&reply);
    if found == EXPECTED {
        look.ok(NAME, EXPECTED, found);
    } else {
        look.leak(
            NAME,
            EXPECTED,
            format!("{found}: OPEN, whoever writes a token gets past the authorizer"),
            &format!(
                "{}: it doesn't run the authorizer that frames packages",
                look.close()
            ),
        );
    }
}

/// A path and a method that aren't served.
async fn unserved(look: &mut Look) {
    let path = native();
    for (name, what, wanted, method, path) in [
        (
            "unknown-path",
            "an unknown path",
            404,
            Method::GET,
            "/frames-check",
        ),
        (
            "method",
            "another method",
            405,
            Method::DELETE,
            path.as_str(),
        ),
        // Once more: what a cache kept of the first answer comes now.
        (
            "error-cache",
            "an unknown path again",
            404,
            Method::GET,
            "/frames-check",
        ),
    ] {
        let expected = wanted.to_string();
        let asking = Asking::new(method, path);
        let Some(reply) = look.ask(name, &expected, what, asking).await else {
            continue;
        };
        let found = status(&reply);
        let allow = header(&reply.headers, "allow");
        match reply.status.as_u16() {
            _ if name == "error-cache" => {}
            405 if wanted == 405 && allow.is_empty() => look.wrong(
                name,
                "405, with Allow",
                found,
                "the authorizer says which methods there are: something else answers",
            ),
            405 if wanted == 405 => look.ok(name, "405, with Allow", format!("405, Allow: {allow}")),
            code if code == wanted => look.ok(name, &expected, found),
            _ => look.wrong(
                name,
                &expected,
                found,
                "the authorizer refuses what isn't served, before any origin: `frames deploy` says where it is missing",
            ),
        }
    }
}

async fn preflight(look: &mut Look, expected: &Expected, origin: Option<&str>) {
    const NAME: &str = "preflight";
    const EXPECTED: &str = "allows the page's origin and Authorization";
    let path = native();
    let asking = |origin: &str| {
        Asking::new(Method::OPTIONS, &path)
            .with("origin", origin)
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "authorization")
    };
    let of_template = expected.cors.as_ref().map(|cors| cors.origins.first());
    let none = match of_template {
        Some(None) => "the template allows no page: `delivery.cors.origins`",
        _ => "no origin to ask for: --origin names one",
    };
    // Any page is one that nobody has, too.
    let of_template = of_template.flatten().map(|allowed| match allowed.as_str() {
        "*" => FOREIGN.to_owned(),
        allowed => allowed.replace("*.", "frames-check."),
    });
    match origin.map(str::to_owned).or(of_template) {
        None => look.skip(NAME, EXPECTED, none),
        Some(origin) => {
            let asked = look.ask(NAME, EXPECTED, "a preflight", asking(&origin));
            if let Some(reply) = asked.await {
                let problem = refused(&reply, &origin);
                let found = format!("{} for {origin}", status(&reply));
                match problem {
                    None => look.ok(NAME, EXPECTED, found),
                    Some(problem) => look.wrong(
                        NAME,
                        EXPECTED,
                        format!("{found}: {problem}"),
                        "browsers show no images on that page: add its origin to `delivery.cors.origins`, and deploy",
                    ),
                }
            }
        }
    }
    // What it says is read at the end, with what other answers say.
    let asked = look.ask(
        FOREIGN_ORIGIN,
        NO_ORIGIN,
        "a preflight of another page",
        asking(FOREIGN),
    );
    asked.await;
}

/// Why a browser wouldn't send the request.
fn refused(reply: &Reply, origin: &str) -> Option<&'static str> {
    let headers = header(&reply.headers, "access-control-allow-headers");
    let allowed = header(&reply.headers, "access-control-allow-origin");
    if !reply.status.is_success() {
        Some("it isn't answered")
    } else if allowed != "*" && allowed != origin {
        Some("the origin isn't allowed")
    } else if !headers.to_ascii_lowercase().contains("authorization") {
        Some("Authorization isn't allowed")
    } else {
        None
    }
}

const FOREIGN_ORIGIN: &str = "foreign-origin";
const NO_ORIGIN: &str = "isn't allowed to read";

/// What an answer lets a page read that nobody has.
pub(super) fn foreign_origin(look: &mut Look, expected: &Expected) {
    if look.is_told(FOREIGN_ORIGIN) {
        return;
    }
    let any = expected.cors.as_ref().map(|cors| cors.is_any());
    let wanted = match any {
        Some(true) => "`*`, without credentials",
        Some(false) => NO_ORIGIN,
        None => "isn't allowed, or by `*` without credentials",
    };
    let mut seen = String::new();
    let asked = look.answers.iter().filter_map(|answer| {
        let headers = &answer.reply.headers;
        let allowed = header(headers, "access-control-allow-origin");
        if allowed == "*" {
            seen.clone_from(&allowed);
        }
        let credentials = header(headers, "access-control-allow-credentials") == "true";
        let problem = match allowed.as_str() {
            "*" if credentials => "`*`, with credentials",
            "*" if any == Some(false) => "any page may read",
            FOREIGN if credentials => "any page may read, with credentials",
            FOREIGN => "any page may read: its origin is sent back",
            _ => return None,
        };
        Some(format!("{problem} ({})", answer.what))
    });
    let problems: Vec<String> = asked.collect();
    match problems.into_iter().next() {
        Some(problem) => look.wrong(
            FOREIGN_ORIGIN,
            wanted,
            problem,
            "list the viewers' origins in `delivery.cors.origins`, and look for an overlay that says otherwise",
        ),
        None if seen.is_empty() => look.ok(FOREIGN_ORIGIN, wanted, "isn't allowed"),
        None => look.ok(FOREIGN_ORIGIN, wanted, "`*`, without credentials"),
    }
}

/// Errors that a cache kept, or may keep.
pub(super) fn error_cache(look: &mut Look) {
    const NAME: &str = "error-cache";
    const EXPECTED: &str = "no error is kept, or may be";
    if look.is_told(NAME) {
        return;
    }
    let errors = look.answers.iter().filter(|answer| {
        let status = answer.reply.status;
        status.is_client_error() || status.is_server_error()
    });
    let problems = errors.filter_map(|answer| {
        let headers = &answer.reply.headers;
        let problem = if is_kept(headers) {
            "came from a cache"
        } else if !has_directive(headers, "cache-control", "no-store") {
            "has no `Cache-Control: no-store`"
        } else {
            return None;
        };
        let (status, what) = (answer.reply.status.as_u16(), answer.what);
        Some(format!("{status} ({what}) {problem}"))
    });
    match problems.into_iter().next() {
        Some(problem) => look.wrong(
            NAME,
            EXPECTED,
            problem,
            "a refusal would outlive its reason: set `ErrorCachingMinTTL: 0` for every error, and let the functions' `Cache-Control` through",
        ),
        None => look.ok(NAME, EXPECTED, "none"),
    }
}

/// An error that CloudFront kept has an age, and no `Hit`.
fn is_kept(headers: &HeaderMap) -> bool {
    is_hit(headers)
        || headers.contains_key("age")
        || header(headers, "server-timing").contains("cdn-cache-hit")
}

/// On the answers of the authorizer, which a browser could read as something else.
pub(super) fn nosniff(look: &mut Look) {
    const NAME: &str = "nosniff";
    const EXPECTED: &str = "on every error that has a body";
    let errors = look.answers.iter().filter(|answer| {
        answer.reply.status.is_client_error()
            && answer.reply.length > 0
            && !is_the_edges(&answer.reply)
    });
    let mut without = errors.filter(|answer| {
        let value = header(&answer.reply.headers, "x-content-type-options");
        !value.eq_ignore_ascii_case("nosniff")
    });
    match without.next() {
        Some(answer) => {
            let found = format!(
                "missing on {} ({})",
                answer.reply.status.as_u16(),
                answer.what
            );
            look.wrong(
                NAME,
                EXPECTED,
                found,
                "something else answers than the authorizer that frames packages, or takes it away",
            );
        }
        None => look.ok(NAME, EXPECTED, "there"),
    }
}
