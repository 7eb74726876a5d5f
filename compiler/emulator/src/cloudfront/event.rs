//! The events that functions get, and the request between them.

use super::names::{self, Trigger};
use super::stored::Stored;
use crate::package::{Association, Origin};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use frames_edge::Response;
use frames_edge::event::{Body, Cf, Config, Event, Header, Headers, Record, Request};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

/// Names of a distribution that exists on this machine only.
pub(super) const DISTRIBUTION_ID: &str = "EFRAMESDEV0000";
pub(super) const DISTRIBUTION_DOMAIN: &str = "dframesdev.cloudfront.net";

/// What travels from step to step: the request as events show it, and the whole
/// body, of which events show only a part.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    /// `body` is empty here; [`event`] fills it in.
    pub request: Request,
    pub body: Bytes,
    /// CloudFront's id of the request: in the events, in `X-Amz-Cf-Id`.
    pub id: String,
}

/// The event of a trigger, as JSON text. `response` is the origin's, where there is one.
pub(super) fn event(
    flow: &Flow,
    trigger: Trigger,
    association: &Association,
    response: Option<&Stored>,
) -> Bytes {
    let mut request = flow.request.clone();
    if association.include_body && !flow.body.is_empty() {
        request.body = Some(body(&flow.body, trigger));
    }
    let config = Config {
        distribution_domain_name: DISTRIBUTION_DOMAIN.to_owned(),
        distribution_id: DISTRIBUTION_ID.to_owned(),
        event_type: trigger.event_type().to_owned(),
        request_id: flow.id.clone(),
    };
    let event = Event {
        records: vec![Record {
            cf: Cf {
                config,
                request,
                response: response.map(shown),
            },
        }],
    };
    // Strings and maps with string keys: this can't fail.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

/// The origin's answer as functions see it: never its body.
fn shown(stored: &Stored) -> Response {
    Response {
        status: stored.status.as_str().to_owned(),
        status_description: stored.status.canonical_reason().map(str::to_owned),
        headers: from_viewer(&stored.headers),
        body: None,
    }
}

fn body(bytes: &[u8], trigger: Trigger) -> Body {
    let shown = bytes.get(..trigger.body_bytes()).unwrap_or(bytes);
    Body {
        input_truncated: shown.len() < bytes.len(),
        action: "read-only".to_owned(),
        encoding: "base64".to_owned(),
        data: STANDARD.encode(shown),
    }
}

/// The event's `request.origin`.
pub(super) fn origin(origin: &Origin) -> serde_json::Value {
    let headers = origin.custom_headers.iter();
    let headers: serde_json::Map<_, _> = headers
        .map(|(name, value)| {
            let shown = json!([{"key": name, "value": value}]);
            (name.to_ascii_lowercase(), shown)
        })
        .collect();
    json!({"custom": {
        "customHeaders": headers,
        "domainName": origin.domain_name,
        "keepaliveTimeout": origin.keepalive_timeout,
        "path": origin.path,
        "port": origin.https_port,
        "protocol": "https",
        "readTimeout": origin.read_timeout.as_secs(),
        "sslProtocols": origin.ssl_protocols,
    }})
}

/// Headers as events show them.
pub(super) fn from_viewer(headers: &HeaderMap) -> Headers {
    let mut shown = Headers::new();
    for (name, value) in headers {
        if names::is_disallowed(name.as_str()) || names::is_hop_by_hop(name.as_str()) {
            continue;
        }
        shown
            .entry(name.as_str().to_owned())
            .or_default()
            .push(Header {
                key: Some(name.as_str().to_owned()),
                value: text(value),
            });
    }
    shown
}

fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        // Latin-1, as HTTP once had it.
        Err(_) => value.as_bytes().iter().map(|&b| char::from(b)).collect(),
    }
}

/// Events' headers, on the wire. A name or value that HTTP can't carry was
/// refused before ([`super::verdict`]).
pub(super) fn to_wire(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, values) in headers {
        for header in values {
            let value = HeaderValue::from_bytes(header.value.as_bytes());
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                map.append(name, value);
            }
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(length: usize) -> Flow {
        let request = serde_json::from_value(json!({
            "method": "POST", "uri": "/a", "querystring": "", "clientIp": "127.0.0.1", "headers": {}
        }));
        Flow {
            request: request.unwrap(),
            body: vec![b'x'; length].into(),
            id: "id==".to_owned(),
        }
    }

    fn with_body(include_body: bool) -> Association {
        Association {
            function: "F".to_owned(),
            include_body,
        }
    }

    fn shown(length: usize, trigger: Trigger, include: bool) -> serde_json::Value {
        let event: serde_json::Value =
            serde_json::from_slice(&event(&flow(length), trigger, &with_body(include), None))
                .unwrap();
        event["Records"][0]["cf"]["request"]["body"].clone()
    }

    #[test]
    fn a_body_is_shown_only_where_the_association_includes_it() {
        assert_eq!(
            shown(3, Trigger::OriginRequest, false),
            serde_json::Value::Null
        );
        let body = shown(3, Trigger::OriginRequest, true);
        assert_eq!(body["data"], "eHh4");
        assert_eq!(body["inputTruncated"], false);
        assert_eq!(body["action"], "read-only");
    }

    #[test]
    fn a_long_body_is_cut_and_flagged() {
        for trigger in [Trigger::ViewerRequest, Trigger::OriginRequest] {
            let limit = trigger.body_bytes();
            assert_eq!(shown(limit, trigger, true)["inputTruncated"], false);
            let cut = shown(limit + 1, trigger, true);
            assert_eq!(cut["inputTruncated"], true);
            let data = STANDARD.decode(cut["data"].as_str().unwrap()).unwrap();
            assert_eq!(data.len(), limit);
        }
    }

    #[test]
    fn functions_do_not_see_cloudfronts_own_headers() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-amz-cf-id",
            "x-edge-a",
            "connection",
            "x-real-ip",
            "te",
            "x-seen",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        let shown = from_viewer(&headers);
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["x-seen"]);
    }
}
