//! Events as CloudFront hands them to Lambda@Edge.
//! Source: "Lambda@Edge event structure", Amazon CloudFront Developer Guide.

use serde_json::{Map, Value, json};

pub const REQUEST_ID: &str = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==";

/// A viewer's request, at viewer-request. Header names as the viewer wrote them.
pub fn viewer_request(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> Value {
    event(
        "viewer-request",
        request(
            method,
            path,
            query,
            headers,
            "d111111abcdef8.cloudfront.net",
        ),
    )
}

/// A request on its way to the origin `host`, with its body.
pub fn origin_request(method: &str, path: &str, query: &str, host: &str, body: &str) -> Value {
    let headers = [
        ("X-Forwarded-For", "203.0.113.178"),
        ("User-Agent", "Amazon CloudFront"),
        (
            "Via",
            "2.0 8f22423015641505b8c857a37450d6c0.cloudfront.net (CloudFront)",
        ),
        ("Content-Type", "application/json"),
    ];
    let mut request = request(method, path, query, &headers, host);
    request["origin"] = json!({"custom": {
        "customHeaders": {},
        "domainName": host,
        "keepaliveTimeout": 5,
        "path": "",
        "port": 443,
        "protocol": "https",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1.2"],
    }});
    if !body.is_empty() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        request["body"] = json!({
            "inputTruncated": false,
            "action": "read-only",
            "encoding": "base64",
            "data": STANDARD.encode(body),
        });
    }
    event("origin-request", request)
}

/// The request within an event.
pub fn request_of(event: &Value) -> &Value {
    &event["Records"][0]["cf"]["request"]
}

fn request(method: &str, path: &str, query: &str, headers: &[(&str, &str)], host: &str) -> Value {
    let mut map = Map::new();
    for (name, value) in [("Host", host)].iter().chain(headers) {
        map.insert(name.to_lowercase(), json!([{"key": name, "value": value}]));
    }
    json!({
        "clientIp": "203.0.113.178",
        "headers": map,
        "method": method,
        "querystring": query,
        "uri": path,
    })
}

fn event(kind: &str, request: Value) -> Value {
    json!({"Records": [{"cf": {
        "config": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": kind,
            "requestId": REQUEST_ID,
        },
        "request": request,
    }}]})
}
