//! The origin-request function: signs a request for AWS HealthImaging with
//! Signature Version 4. The decision is pure; [`sign`] is all of it.
//!
//! A native read by GET is one that HealthImaging doesn't have. It is pointed at the
//! reader's function URL and signed for that: for nothing else is Lambda's name signed.
//!
//! Signed is what leaves: method, path, query string and body, `host`,
//! `content-type`, and every `x-amz-*` header, the one among them that
//! CloudFront adds afterwards (`x-amz-cf-id`) included.

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

mod query;

pub use aws_credential_types::Credentials;

use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign as sigv4,
};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frames_edge::config::check_hosts;
use frames_edge::operation::{self, BadQuery, Kind, Operation, Served};
use frames_edge::{READER_HEADER, Request, Response, SignerConfig};
use serde_json::json;
use std::borrow::Cow;
use std::time::SystemTime;

/// SigV4's name of AWS HealthImaging.
const HEALTHIMAGING: &str = "medical-imaging";

/// SigV4's name of AWS Lambda.
const LAMBDA: &str = "lambda";

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Signed: send it on.
    Send(Box<Request>),
    /// Refused: answer this instead. The class, as in its body, is for the log.
    Refuse(Response, &'static str),
}

/// Refuses a configuration whose hosts aren't HealthImaging's own in its Region.
pub fn check(config: &SignerConfig) -> Result<(), String> {
    let dicomweb = config.dicomweb_host.as_deref();
    let hosts = std::iter::once(("nativeHost", "runtime", config.native_host.as_str()))
        .chain(dicomweb.map(|host| ("dicomwebHost", "dicom", host)));
    check_hosts(&config.region, hosts)
}

/// Signs `request` for the origin, or refuses it.
///
/// `request_id` is the event's `config.requestId`: CloudFront sends it as
/// `x-amz-cf-id` after this function, so it is signed here and never returned.
pub fn sign(
    request: Request,
    request_id: &str,
    config: &SignerConfig,
    credentials: &Credentials,
    now: SystemTime,
) -> Outcome {
    match signature(&request, request_id, config, credentials, now) {
        Ok(signature) => Outcome::Send(Box::new(signed(request, signature))),
        Err(refusal) => {
            let class = refusal.class();
            Outcome::Refuse(refusal.into_response(class), class)
        }
    }
}

/// HealthImaging's answer, before CloudFront keeps it and adds the headers of the
/// policy: what isn't the image that was asked for says that nobody may keep it.
///
/// The policy's own `Cache-Control` is on every status alike, and a browser that
/// kept a 429 for an hour would show no image for an hour.
pub fn answered(response: Response) -> Response {
    match response.status.as_str() {
        "200" | "206" | "304" => response,
        _ => response.with_header("Cache-Control", "no-store"),
    }
}

/// What changes in a request that is signed.
struct Signature {
    path: String,
    query: String,
    host: String,
    headers: Vec<(String, String)>,
    /// It goes to the reader.
    is_read: bool,
}

fn signature(
    request: &Request,
    request_id: &str,
    config: &SignerConfig,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Signature, Refusal> {
    let operation = checked(request, config)?;
    let kind = operation.kind();
    let is_read = !kind.is_dicomweb() && request.method != "POST";
    let host = if is_read {
        reader_for(request, config)?
    } else {
        host_for(kind, request, config)?
    };
    let host = host.to_owned();
    let body = body_bytes(kind, is_read, request)?;
    let settled = operation
        .settled_by(&request.method, &request.querystring)
        .map_err(|BadQuery(problem)| Refusal::Unreadable(problem))?;
    let query = match settled {
        Some(settled) => settled,
        // CloudFront forwards what a GET to the same path is chosen by. A POST has a body.
        None if kind == Kind::ImageFrame && config.cached_reads => String::new(),
        None => query::encoded(&request.querystring),
    };
    let target = Target {
        service: if is_read { LAMBDA } else { HEALTHIMAGING },
        host: &host,
        path: operation.path(),
        query: &query,
        body: &body,
        request_id,
    };
    let headers = signing_headers(request, &target, config, credentials, now)?;
    Ok(Signature {
        path: operation.path().to_owned(),
        query,
        host,
        headers,
        is_read,
    })
}

/// Where a request goes and what it carries, as the origin will see it.
struct Target<'a> {
    service: &'static str,
    host: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a [u8],
    request_id: &'a str,
}

/// Why a request isn't signed.
enum Refusal {
    NotFound(Served),
    Method(Kind, Served),
    OtherOrigin,
    Truncated,
    NoBody,
    SomeBody,
    Unreadable(&'static str),
    NotSigned,
}

impl Refusal {
    fn class(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Method(..) => "method_not_allowed",
            Self::OtherOrigin => "wrong_origin",
            Self::Truncated => "body_too_large",
            Self::NoBody => "missing_body",
            Self::SomeBody => "unexpected_body",
            Self::Unreadable(_) => "invalid_request",
            Self::NotSigned => "not_signed",
        }
    }

    fn into_response(self, class: &'static str) -> Response {
        let answer = |status, description, message: &str| {
            let body = json!({"error": class, "message": message});
            Response::json(status, description, &body)
        };
        match self {
            Self::NotFound(served) => Response::json(
                404,
                "Not Found",
                &json!({
                    "error": class,
                    "message": "This path isn't served.",
                    "paths": operation::paths(served),
                }),
            ),
            Self::Method(kind, served) => answer(
                405,
                "Method Not Allowed",
                "This path takes another method: see `Allow`.",
            )
            .with_header("Allow", kind.methods(served).join(", ")),
            Self::OtherOrigin => answer(
                502,
                "Bad Gateway",
                "The distribution sends this path to an origin that the signer doesn't sign for.",
            ),
            Self::Truncated => answer(
                413,
                "Content Too Large",
                "The request's body is longer than an edge function gets to see.",
            ),
            Self::NoBody => answer(
                400,
                "Bad Request",
                "This path needs a body: {\"imageFrameId\": \"…\"}.",
            ),
            Self::SomeBody => answer(400, "Bad Request", "This path takes no body."),
            Self::Unreadable(message) => answer(400, "Bad Request", message),
            Self::NotSigned => answer(502, "Bad Gateway", "The request couldn't be signed."),
        }
    }
}

/// What is asked for, if it may be.
fn checked(request: &Request, config: &SignerConfig) -> Result<Operation, Refusal> {
    let served = config.served();
    let operation =
        Operation::parse(&request.uri, served).map_err(|_| Refusal::NotFound(served))?;
    if !operation
        .kind()
        .methods(served)
        .contains(&request.method.as_str())
    {
        return Err(Refusal::Method(operation.kind(), served));
    }
    query::check(&request.querystring).map_err(Refusal::Unreadable)?;
    if !content_types(request).all(is_header_text) {
        return Err(Refusal::Unreadable(
            "The content type isn't printable ASCII.",
        ));
    }
    if content_types(request).count() > 1 {
        return Err(Refusal::Unreadable("There is more than one content type."));
    }
    Ok(operation)
}

fn content_types(request: &Request) -> impl Iterator<Item = &str> {
    let headers = request.headers.get("content-type").into_iter().flatten();
    headers.map(|header| header.value.as_str())
}

/// A tab isn't taken either: some signers fold it into a space, some keep it.
fn is_header_text(value: &str) -> bool {
    value.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// The operation's host. The origin that the event names must be the same one:
/// a signature for another host would be refused there, or worse, be of use there.
/// Nor does a signature, with its session token, go out in plain text.
fn host_for<'a>(
    kind: Kind,
    request: &Request,
    config: &'a SignerConfig,
) -> Result<&'a str, Refusal> {
    let host = if kind.is_dicomweb() {
        config.dicomweb_host.as_deref()
    } else {
        Some(config.native_host.as_str())
    };
    let host = host.ok_or_else(|| Refusal::NotFound(config.served()))?;
    if request.goes_to(host) {
        Ok(host)
    } else {
        Err(Refusal::OtherOrigin)
    }
}

/// The host of the reader's function URL, which CloudFront adds to the origin as a header:
/// the URL isn't known when this function is packaged. Whoever could add another one could
/// change the distribution; a host that isn't Lambda's own in this Region is refused all the
/// same.
fn reader_for<'a>(request: &'a Request, config: &SignerConfig) -> Result<&'a str, Refusal> {
    if !request.goes_to(&config.native_host) {
        return Err(Refusal::OtherOrigin);
    }
    let host = request.origin_header(READER_HEADER);
    host.filter(|host| is_function_url(host, &config.region))
        .ok_or(Refusal::OtherOrigin)
}

/// `<id>.lambda-url.<region>.on.aws`
///
/// Source: "Creating and managing Lambda function URLs", AWS Lambda Developer Guide.
fn is_function_url(host: &str, region: &str) -> bool {
    const IDS: std::ops::RangeInclusive<usize> = 10..=64;
    let id = host.strip_suffix(&format!(".lambda-url.{region}.on.aws"));
    id.is_some_and(|id| {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        IDS.contains(&id.len()) && id.bytes().all(is_plain)
    })
}

/// The body as it will leave, for its hash.
fn body_bytes(kind: Kind, is_read: bool, request: &Request) -> Result<Cow<'_, [u8]>, Refusal> {
    let body = match &request.body {
        None => Cow::Borrowed(&[][..]),
        Some(body) if body.input_truncated => return Err(Refusal::Truncated),
        Some(body) => match body.encoding.as_str() {
            "base64" => STANDARD
                .decode(&body.data)
                .map(Cow::Owned)
                .map_err(|_| Refusal::Unreadable("The body isn't valid base64."))?,
            "text" => Cow::Borrowed(body.data.as_bytes()),
            _ => return Err(Refusal::Unreadable("The body's encoding is unknown.")),
        },
    };
    match kind {
        _ if is_read && !body.is_empty() => Err(Refusal::SomeBody),
        Kind::ImageFrame if !is_read && body.is_empty() => Err(Refusal::NoBody),
        // Nobody would read it, and a POST whose body says nothing may as well have none.
        Kind::ImageSetMetadata if !body.is_empty() => Err(Refusal::SomeBody),
        _ => Ok(body),
    }
}

/// The headers that carry the signature.
fn signing_headers(
    request: &Request,
    target: &Target<'_>,
    config: &SignerConfig,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&config.region)
        .name(target.service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|_| Refusal::NotSigned)?
        .into();

    let separator = if target.query.is_empty() { "" } else { "?" };
    let url = format!(
        "https://{}{}{separator}{}",
        target.host, target.path, target.query
    );
    // Only what the origin is sure to get as it is here: a proxy may change any other header.
    let types = content_types(request).filter(|_| target.service == HEALTHIMAGING);
    let headers = [("host", target.host), ("x-amz-cf-id", target.request_id)]
        .into_iter()
        .chain(types.map(|value| ("content-type", value)));
    let body = SignableBody::Bytes(target.body);
    let signable = SignableRequest::new(&request.method, url, headers, body)
        .map_err(|_| Refusal::Unreadable("The query string is malformed."))?;
    let (instructions, _) = sigv4(signable, &params)
        .map_err(|_| Refusal::NotSigned)?
        .into_parts();
    Ok(instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// The request with its signature in the place of whatever the viewer had sent.
fn signed(mut request: Request, signature: Signature) -> Request {
    request
        .headers
        .retain(|name, _| name != "authorization" && !name.starts_with("x-amz-"));
    request.drop_header(READER_HEADER);
    if signature.is_read {
        request.go_to(&signature.host);
        // The answer is kept for whoever asks by this path and this query.
        for name in ["Accept", "Content-Type"] {
            request.drop_header(name);
        }
    }
    request.uri = signature.path;
    request.querystring = signature.query;
    let hosts = request.headers.get("host").map_or(&[][..], Vec::as_slice);
    if !matches!(hosts, [only] if only.value == signature.host) {
        request.set_header("Host", signature.host);
    }
    for (name, value) in signature.headers {
        request.set_header(wire_name(&name), value);
    }
    request
}

/// The name as AWS's own documentation writes it.
fn wire_name(name: &str) -> &str {
    match name {
        "authorization" => "Authorization",
        "x-amz-date" => "X-Amz-Date",
        "x-amz-security-token" => "X-Amz-Security-Token",
        "x-amz-content-sha256" => "X-Amz-Content-Sha256",
        other => other,
    }
}
