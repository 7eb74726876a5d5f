//! What a function handed back: a request to go on with, an answer, or
//! something that CloudFront refuses with a 502.

use super::event;
use super::names::{self, Trigger};
use super::stored::Stored;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use frames_edge::event::{Headers, Request};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(super) enum Verdict {
    Request(Box<Changed>),
    Response(Generated),
}

/// The request to go on with.
#[derive(Debug)]
pub(super) struct Changed {
    pub request: Request,
    /// `None`: the viewer's own body.
    pub body: Option<Bytes>,
}

/// An answer that the function made.
#[derive(Debug)]
pub(super) struct Generated {
    pub status: StatusCode,
    pub headers: Headers,
    pub body: Bytes,
}

/// Why a result is refused. It names fields and headers, never their values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid(pub String);

fn invalid<T>(why: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(why.into()))
}

/// Judges a function's result against the request that it was given.
pub(super) fn judge(
    trigger: Trigger,
    include_body: bool,
    sent: &Request,
    result: &[u8],
) -> Result<Verdict, Invalid> {
    let Ok(value) = serde_json::from_slice::<Value>(result) else {
        return invalid("it is not JSON");
    };
    let Value::Object(mut object) = value else {
        return invalid("it is not an object");
    };
    if object.contains_key("status") {
        response(trigger, &[], object, result.len()).map(Verdict::Response)
    } else {
        let body = replaced_body(trigger, include_body, object.remove("body"))?;
        let request = request(trigger, sent, object)?;
        Ok(Verdict::Request(Box::new(Changed { request, body })))
    }
}

/// The origin's answer with the changes that a function made. Its body stays the
/// origin's where the function names none.
pub(super) fn judge_response(sent: &Stored, result: &[u8]) -> Result<Stored, Invalid> {
    let trigger = Trigger::OriginResponse;
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(result) else {
        return invalid("it is not an object");
    };
    let has_body = object.contains_key("body");
    let read_only = trigger.read_only();
    let changed = response(trigger, read_only, object, result.len())?;
    let shown = event::from_viewer(&sent.headers);
    for name in read_only {
        if changed.headers.contains_key(*name)
            && values(&changed.headers, name) != values(&shown, name)
        {
            return invalid(format!("header `{name}` is read-only"));
        }
    }
    // What the function wasn't shown is still there.
    let mut headers = event::to_wire(&changed.headers);
    for (name, value) in &sent.headers {
        if !shown.contains_key(name.as_str()) {
            headers.append(name, value.clone());
        }
    }
    Ok(Stored {
        status: changed.status,
        headers,
        body: if has_body {
            changed.body
        } else {
            sent.body.clone()
        },
    })
}

fn request(
    trigger: Trigger,
    sent: &Request,
    object: Map<String, Value>,
) -> Result<Request, Invalid> {
    if object.get("method").and_then(Value::as_str) != Some(sent.method.as_str()) {
        return invalid("`method` is read-only");
    }
    let uri = object
        .get("uri")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !uri.starts_with('/') {
        return invalid("`uri` must start with `/`");
    }
    let query = match object.get("querystring") {
        None => "",
        Some(query) => query
            .as_str()
            .ok_or(Invalid("`querystring` is not a string".to_owned()))?,
    };
    if uri.contains(['?', '#']) || format!("{uri}?{query}").parse::<http::Uri>().is_err() {
        return invalid("`uri` or `querystring` has characters that a URL can't have");
    }
    if object
        .get("clientIp")
        .is_some_and(|ip| ip != &sent.client_ip)
    {
        return invalid("`clientIp` is read-only");
    }
    let headers = headers(object.get("headers"))?;
    check_request_headers(trigger, &sent.headers, &headers)?;
    let origin = object.get("origin").filter(|o| !o.is_null());
    match (trigger, origin) {
        (Trigger::ViewerRequest, Some(_)) => {
            return invalid("`origin` exists at origin-request only");
        }
        (Trigger::OriginRequest, Some(origin)) => check_origin(origin)?,
        _ => {}
    }
    Ok(Request {
        uri: uri.to_owned(),
        querystring: query.to_owned(),
        headers,
        origin: origin.cloned().or_else(|| sent.origin.clone()),
        ..sent.clone()
    })
}

fn values<'a>(headers: &'a Headers, name: &str) -> Vec<&'a str> {
    let held = headers.get(name).into_iter().flatten();
    held.map(|h| h.value.as_str()).collect()
}

fn check_request_headers(trigger: Trigger, sent: &Headers, back: &Headers) -> Result<(), Invalid> {
    for name in trigger.read_only() {
        if values(sent, name) != values(back, name) {
            return invalid(format!("header `{name}` is read-only"));
        }
    }
    match back.keys().find(|name| names::is_disallowed(name)) {
        Some(name) => invalid(format!("header `{name}` may not be added")),
        None => Ok(()),
    }
}

fn check_origin(origin: &Value) -> Result<(), Invalid> {
    let text = |key: &str| {
        origin
            .get("custom")
            .and_then(|c| c.get(key))
            .and_then(Value::as_str)
    };
    let domain = text("domainName").unwrap_or_default();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    if domain.is_empty() || domain.len() > 253 || !domain.bytes().all(is_name) {
        return invalid("`origin.custom.domainName` is not a domain name");
    }
    if text("protocol") != Some("https") {
        return invalid("the local edge reaches origins by HTTPS only");
    }
    Ok(())
}

/// The body in a request that goes on, where the function replaced it.
fn replaced_body(
    trigger: Trigger,
    include_body: bool,
    body: Option<Value>,
) -> Result<Option<Bytes>, Invalid> {
    let Some(body) = body.filter(|b| !b.is_null()) else {
        return Ok(None);
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match text("action") {
        Some("read-only") => return Ok(None),
        Some("replace") if include_body => {}
        Some("replace") => {
            return invalid("the association does not include the body, so it can't be replaced");
        }
        _ => return invalid("`body.action` must be `read-only` or `replace`"),
    }
    let data = text("data").unwrap_or_default();
    match text("encoding") {
        Some("text") if data.len() <= trigger.body_bytes() => Ok(Some(data.to_owned().into())),
        Some("base64") if data.len() <= trigger.encoded_body_bytes() => match STANDARD.decode(data)
        {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(_) => invalid("`body.data` is not base64"),
        },
        Some("text" | "base64") => invalid("`body.data` is too long"),
        _ => invalid("`body.encoding` must be `text` or `base64`"),
    }
}

/// `kept` are headers that the function got and may hand back.
fn response(
    trigger: Trigger,
    kept: &[&str],
    object: Map<String, Value>,
    bytes: usize,
) -> Result<Generated, Invalid> {
    const FIELDS: [&str; 5] = [
        "status",
        "statusDescription",
        "headers",
        "body",
        "bodyEncoding",
    ];
    if let Some(key) = object.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        let key: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
        return invalid(format!("`{key}` isn't a field of a response"));
    }
    if bytes > trigger.response_bytes() {
        return invalid(format!(
            "it is larger than {} bytes",
            trigger.response_bytes()
        ));
    }
    let headers = headers(object.get("headers"))?;
    let forbidden = |name: &&String| {
        let name = name.as_str();
        names::is_disallowed(name)
            || matches!(name, "transfer-encoding" | "via") && !kept.contains(&name)
    };
    if let Some(name) = headers.keys().find(forbidden) {
        return invalid(format!("header `{name}` may not be set"));
    }
    let status = status(object.get("status"))?;
    let body = generated_body(object.get("body"), object.get("bodyEncoding"))?;
    if !body.is_empty() && matches!(status.as_u16(), 204 | 304) {
        return invalid(format!("a {status} has no body"));
    }
    Ok(Generated {
        status,
        headers,
        body,
    })
}

/// Three digits, as a string; a number passes, too.
fn status(value: Option<&Value>) -> Result<StatusCode, Invalid> {
    let code = match value {
        Some(Value::String(text)) if text.len() == 3 => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
        _ => None,
    };
    code.filter(|code| (200..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| Invalid("`status` is not an HTTP status".to_owned()))
}

fn generated_body(body: Option<&Value>, encoding: Option<&Value>) -> Result<Bytes, Invalid> {
    let data = match body {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(data)) => data,
        Some(_) => return invalid("`body` is not a string"),
    };
    match encoding.map_or(Some("text"), Value::as_str) {
        Some("text") => Ok(data.clone().into()),
        Some("base64") => match STANDARD.decode(data) {
            Ok(bytes) => Ok(bytes.into()),
            Err(_) => invalid("`body` is not base64"),
        },
        _ => invalid("`bodyEncoding` must be `text` or `base64`"),
    }
}

fn headers(value: Option<&Value>) -> Result<Headers, Invalid> {
    let Some(value) = value.filter(|v| !v.is_null()) else {
        return Ok(Headers::new());
    };
    let Ok(headers) = serde_json::from_value::<Headers>(value.clone()) else {
        return invalid("`headers` is not a map from a name to a list of {key, value}");
    };
    for (name, values) in &headers {
        let is_name =
            HeaderName::from_bytes(name.as_bytes()).is_ok_and(|parsed| parsed.as_str() == name);
        if !is_name {
            return invalid("a header's name is not valid in lower case");
        }
        for header in values {
            if header
                .key
                .as_ref()
                .is_some_and(|key| !key.eq_ignore_ascii_case(name))
            {
                return invalid(format!("header `{name}` has another name in its `key`"));
            }
            if HeaderValue::from_bytes(header.value.as_bytes()).is_err() {
                return invalid(format!(
                    "header `{name}` has characters that a header can't have"
                ));
            }
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
