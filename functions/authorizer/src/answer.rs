//! The answers that the authorizer makes itself, readable for a page of an allowed origin.

use crate::keys::PENALTY;
use crate::reason::{Class, Denial};
use frames_edge::cors::{ALLOWED_HEADERS, EXPOSED_HEADERS, PREFLIGHT_SECONDS};
use frames_edge::operation::{self, Kind, Served};
use frames_edge::{AuthorizerConfig, Cors, Request, Response};
use serde_json::json;
use std::time::Duration;

/// Answers `OPTIONS`, for any path and without a token: browsers send none along.
fn preflight(request: &Request, config: &AuthorizerConfig, kind: Option<Kind>) -> Response {
    let methods = methods(kind, config.served());
    let mut response = Response::empty(204, "No Content").with_header("Allow", methods.as_str());
    if !config.cors.origins.is_empty() {
        response = response
            .with_header("Access-Control-Allow-Methods", methods)
            .with_header("Access-Control-Allow-Headers", ALLOWED_HEADERS.join(", "))
            .with_header("Access-Control-Max-Age", PREFLIGHT_SECONDS.to_string());
    }
    with_cors(response, request, &config.cors)
}

/// The answer to a request that doesn't pass. A body that says more than the
/// class would help whoever guesses at tokens.
pub(crate) fn denied(
    request: &Request,
    config: &AuthorizerConfig,
    kind: Option<Kind>,
    denial: &Denial,
) -> Response {
    let answer = |status, description, class| {
        Response::json(status, description, &json!({"error": class}))
            .with_header("X-Content-Type-Options", "nosniff")
    };
    let response = match denial.reason.class() {
        Class::Preflight => return preflight(request, config, kind),
        Class::NotFound => {
            let body = json!({
                "error": "not_found",
                "message": "This path isn't served.",
                "paths": operation::paths(config.served()),
            });
            Response::json(404, "Not Found", &body).with_header("X-Content-Type-Options", "nosniff")
        }
        Class::MethodNotAllowed => answer(405, "Method Not Allowed", "method_not_allowed")
            .with_header("Allow", methods(kind, config.served())),
        // RFC 6750, 3.1: no error code where no token was sent.
        Class::MissingToken => {
            answer(401, "Unauthorized", "missing_token").with_header("WWW-Authenticate", "Bearer")
        }
        Class::InvalidToken => answer(401, "Unauthorized", "invalid_token")
            .with_header("WWW-Authenticate", r#"Bearer error="invalid_token""#),
        Class::InvalidRequest => answer(400, "Bad Request", "invalid_request")
            .with_header("WWW-Authenticate", r#"Bearer error="invalid_request""#),
        Class::InsufficientScope => answer(403, "Forbidden", "insufficient_scope")
            .with_header("WWW-Authenticate", r#"Bearer error="insufficient_scope""#),
        // No challenge: another token would reach no further.
        Class::Forbidden => answer(403, "Forbidden", "forbidden"),
        Class::KeysUnavailable => answer(503, "Service Unavailable", "keys_unavailable")
            .with_header(
                "Retry-After",
                whole_seconds(denial.wait.unwrap_or(PENALTY)).to_string(),
            ),
        Class::AuditUnavailable => answer(503, "Service Unavailable", "audit_unavailable"),
    };
    with_cors(response, request, &config.cors)
}

/// Rounded up: whoever comes back in that time comes back too early otherwise.
fn whole_seconds(time: Duration) -> u64 {
    let begun = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(begun)
}

/// As `Allow` lists them; for an unknown path, all that are served anywhere.
fn methods(kind: Option<Kind>, served: Served) -> String {
    let native = || Kind::ImageFrame.methods(served);
    let mut methods = match kind {
        Some(kind) => kind.methods(served).to_vec(),
        // All of DICOMweb's are among them.
        None if served.dicomweb && !served.reads => {
            [native(), Kind::Instance.methods(served)].concat()
        }
        None => native().to_vec(),
    };
    methods.push("OPTIONS");
    methods.join(", ")
}

/// As CloudFront's policy takes it: `https://*.example.org` is every name with one label more.
/// Browsers send origins in lower case, and the configuration has them so.
fn allows(allowed: &str, origin: &str) -> bool {
    let Some((scheme, domain)) = allowed.split_once("*.") else {
        return allowed == origin;
    };
    let label = origin
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_suffix(domain))
        .and_then(|rest| rest.strip_suffix('.'));
    label.is_some_and(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// Lets a page of an allowed origin read the answer.
fn with_cors(response: Response, request: &Request, cors: &Cors) -> Response {
    if cors.origins.is_empty() {
        return response;
    }
    let (allowed, response) = if cors.origins.iter().any(|origin| origin == "*") {
        (Some("*"), response)
    } else {
        let origin = request.header("origin");
        let allowed = origin.filter(|origin| cors.origins.iter().any(|o| allows(o, origin)));
        (allowed, response.with_header("Vary", "Origin"))
    };
    let Some(origin) = allowed else {
        return response;
    };
    let response = response
        .with_header("Access-Control-Allow-Origin", origin)
        .with_header("Access-Control-Expose-Headers", EXPOSED_HEADERS.join(", "));
    if cors.credentials && origin != "*" {
        response.with_header("Access-Control-Allow-Credentials", "true")
    } else {
        response
    }
}
