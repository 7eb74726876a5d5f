//! What CloudFront takes of a function's result, and what it refuses.

use super::*;
use serde_json::json;

fn sent() -> Request {
    serde_json::from_value(json!({
        "clientIp": "127.0.0.1", "method": "POST", "uri": "/a", "querystring": "b=c",
        "headers": {"host": [{"key": "host", "value": "h"}], "via": [{"key": "Via", "value": "v"}]},
    }))
    .unwrap()
}

fn as_json() -> Value {
    serde_json::to_value(sent()).unwrap()
}

fn judge_value(trigger: Trigger, value: &Value) -> Result<Verdict, Invalid> {
    judge(trigger, true, &sent(), value.to_string().as_bytes())
}

fn refusal(trigger: Trigger, value: &Value) -> String {
    judge_value(trigger, value).map(|_| ()).unwrap_err().0
}

#[test]
fn the_request_as_it_came_goes_on() {
    for trigger in [Trigger::ViewerRequest, Trigger::OriginRequest] {
        let verdict = judge_value(trigger, &as_json()).unwrap();
        assert!(
            matches!(verdict, Verdict::Request(c) if c.request.uri == "/a" && c.body.is_none())
        );
    }
}

#[test]
fn junk_is_refused() {
    for junk in ["", "nul", "null", "[]", "\"x\"", "{", "{\"uri\":1}"] {
        assert!(
            judge(Trigger::ViewerRequest, false, &sent(), junk.as_bytes()).is_err(),
            "{junk}"
        );
    }
}

#[test]
fn read_only_parts_stay() {
    let change = |pointer: &str, value: Value| {
        let mut request = as_json();
        *request.pointer_mut(pointer).unwrap() = value;
        request
    };
    let method = change("/method", json!("GET"));
    assert!(refusal(Trigger::ViewerRequest, &method).contains("method"));
    let host = change("/headers/host", json!([{"value": "other"}]));
    assert!(refusal(Trigger::ViewerRequest, &host).contains("host"));
    // At the origin's side the host may change.
    assert!(judge_value(Trigger::OriginRequest, &host).is_ok());
    let removed = change("/headers/via", json!([]));
    assert!(refusal(Trigger::OriginRequest, &removed).contains("via"));
    let added = change(
        "/headers",
        json!({"host": [{"value": "h"}], "via": [{"value": "v"}], "if-none-match": [{"value": "x"}]}),
    );
    assert!(refusal(Trigger::OriginRequest, &added).contains("if-none-match"));
    assert!(judge_value(Trigger::ViewerRequest, &added).is_ok());
}

#[test]
fn some_headers_may_never_be_added() {
    for name in [
        "x-amz-cf-id",
        "x-edge-location",
        "connection",
        "x-forwarded-proto",
        "proxy-authorization",
    ] {
        let mut request = as_json();
        request["headers"][name] = json!([{"value": "1"}]);
        assert!(refusal(Trigger::OriginRequest, &request).contains(name));
        let response = json!({"status": "200", "headers": {name: [{"value": "1"}]}});
        assert!(refusal(Trigger::ViewerRequest, &response).contains(name));
    }
}

#[test]
fn malformed_requests_are_refused() {
    for (pointer, value) in [
        ("/uri", json!("a")),
        ("/uri", json!("/a b")),
        ("/uri", json!("/a?b")),
        ("/querystring", json!(7)),
        ("/headers", json!([])),
        ("/headers", json!({"Upper": [{"value": "x"}]})),
        ("/headers/host", json!([{"key": "nothost", "value": "h"}])),
        ("/headers/host", json!([{"value": "h\r\nx: y"}])),
    ] {
        let mut request = as_json();
        *request.pointer_mut(pointer).unwrap() = value.clone();
        assert!(
            judge_value(Trigger::OriginRequest, &request).is_err(),
            "{pointer} {value}"
        );
    }
}

#[test]
fn answers_are_checked() {
    let good =
        json!({"status": "401", "statusDescription": "Unauthorized", "headers": {}, "body": "{}"});
    let verdict = judge_value(Trigger::ViewerRequest, &good).unwrap();
    assert!(matches!(verdict, Verdict::Response(g) if g.status == 401 && g.body == "{}"));
    for bad in [
        json!({"status": "4"}),
        json!({"status": "abc"}),
        json!({"status": "100"}),
        json!({"status": true}),
        json!({"status": "200", "body": 5}),
        json!({"status": "200", "body": "*", "bodyEncoding": "base64"}),
        json!({"status": "204", "body": "x"}),
        json!({"status": "200", "extra": 1}),
    ] {
        assert!(judge_value(Trigger::ViewerRequest, &bad).is_err(), "{bad}");
    }
}

#[test]
fn answers_have_a_size() {
    let of = |length: usize| json!({"status": "200", "body": "x".repeat(length)});
    assert!(judge_value(Trigger::ViewerRequest, &of(39_000)).is_ok());
    assert!(judge_value(Trigger::ViewerRequest, &of(41_000)).is_err());
    assert!(judge_value(Trigger::OriginRequest, &of(41_000)).is_ok());
    assert!(judge_value(Trigger::OriginRequest, &of(1_050_000)).is_err());
}

#[test]
fn a_body_is_replaced_only_where_it_was_included() {
    let mut request = as_json();
    request["body"] = json!({"action": "replace", "encoding": "base64", "data": "eHl6"});
    let verdict = judge_value(Trigger::OriginRequest, &request).unwrap();
    assert!(matches!(verdict, Verdict::Request(c) if c.body.as_deref() == Some(b"xyz".as_slice())));
    let text = request.to_string();
    assert!(judge(Trigger::OriginRequest, false, &sent(), text.as_bytes()).is_err());
    request["body"]["data"] = json!("x".repeat(1_400_000));
    assert!(judge_value(Trigger::OriginRequest, &request).is_err());
}

#[test]
fn an_answer_of_the_origins_may_be_changed_but_for_what_is_read_only() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [("via", "v"), ("etag", "e"), ("x-amzn-requestid", "r")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let sent = Stored {
        status: StatusCode::NOT_FOUND,
        headers,
        body: "theirs".into(),
    };
    let judged = |value: Value| judge_response(&sent, value.to_string().as_bytes());
    let header = |value: &str| json!([{"value": value}]);
    let kept = judged(json!({
        "status": "404",
        "headers": {"via": header("v"), "cache-control": header("no-store")},
    }))
    .unwrap();
    assert_eq!(kept.headers["cache-control"], "no-store");
    // A header that wasn't shown is kept; one that was shown and not handed back is gone.
    assert_eq!(kept.headers["x-amzn-requestid"], "r");
    assert!(!kept.headers.contains_key("etag"));
    assert_eq!(
        (kept.status.as_u16(), &kept.body[..]),
        (404, &b"theirs"[..])
    );
    let own = judged(json!({"status": "200", "body": "ours"})).unwrap();
    assert_eq!(&own.body[..], b"ours");
    for wrong in [
        json!({"status": "404", "headers": {"via": header("w")}}),
        json!({"status": "404", "headers": {"x-cache": header("Hit")}}),
        json!({"method": "GET", "uri": "/"}),
        json!([]),
    ] {
        assert!(judged(wrong.clone()).is_err(), "{wrong}");
    }
}
