//! What happens to a request, whatever its token says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use frames_authorizer::{Decision, Denial, Reason, decide, keys_unavailable, prepare};
use frames_edge::{AuthorizerConfig, Request, Response};
use serde_json::{Value, json};
use support::*;

fn pass(request: Request, config: &AuthorizerConfig) -> Request {
    match decide(request, config, &prepare(config).unwrap(), now()) {
        Decision::Pass(request) => *request,
        other => panic!("didn't pass: {other:?}"),
    }
}

fn respond(request: Request, config: &AuthorizerConfig) -> (Response, Denial) {
    match decide(request, config, &prepare(config).unwrap(), now()) {
        Decision::Respond(response, denial) => {
            assert_eq!(value(&response, "cache-control"), Some("no-store"));
            (response, denial)
        }
        other => panic!("not answered: {other:?}"),
    }
}

fn good() -> String {
    Key::issuer().token(&claims(json!({})))
}

fn open() -> AuthorizerConfig {
    AuthorizerConfig {
        auth: None,
        ..config(json!({}))
    }
}

fn body(response: &Response) -> Value {
    serde_json::from_str(response.body.as_deref().unwrap()).unwrap()
}

#[test]
fn preflight_is_answered_without_a_token() {
    for (uri, methods) in [
        (PATH, "POST, OPTIONS"),
        (METADATA, "POST, OPTIONS"),
        (STUDIES, "GET, HEAD, OPTIONS"),
        ("/anything", "POST, GET, HEAD, OPTIONS"),
    ] {
        let mut preflight = request(
            &[
                ("Origin", "https://viewer.example"),
                ("Access-Control-Request-Method", "POST"),
            ],
            "",
        );
        preflight.method = "OPTIONS".to_owned();
        preflight.uri = uri.to_owned();
        let (response, denial) = respond(preflight, &config(json!({})));
        assert_eq!(denial.reason, Reason::Preflight);
        assert_eq!(response.status, "204");
        assert_eq!(response.body, None);
        let header = |name: &str| value(&response, name);
        assert_eq!(header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            header("access-control-allow-methods"),
            Some(methods),
            "{uri}"
        );
        assert_eq!(
            header("access-control-allow-headers"),
            Some(
                "Accept, Authorization, Content-Type, If-Modified-Since, If-None-Match, If-Range, \
                 Range, Token"
            )
        );
        assert_eq!(header("access-control-max-age"), Some("7200"));
    }
}

#[test]
fn only_allowed_origins_may_read_an_answer() {
    let mut listed = config(json!({}));
    listed.cors.origins = vec![
        "https://a.example".to_owned(),
        "https://b.example".to_owned(),
        "https://*.c.example:8443".to_owned(),
    ];
    for method in ["OPTIONS", "POST"] {
        let ask = |origin: &str| {
            let mut request = request(&[("Origin", origin)], "");
            request.method = method.to_owned();
            respond(request, &listed).0
        };
        let allowed = ask("https://b.example");
        assert_eq!(
            value(&allowed, "access-control-allow-origin"),
            Some("https://b.example")
        );
        assert_eq!(value(&allowed, "vary"), Some("Origin"));
        let wildcards = "https://x-1.c.example:8443";
        assert_eq!(
            value(&ask(wildcards), "access-control-allow-origin"),
            Some(wildcards)
        );
        for other in [
            "https://b.example.evil",
            "https://B.example",
            "https://c.example:8443",
            "https://.c.example:8443",
            "https://x.y.c.example:8443",
            "https://x.c.example",
            "http://x.c.example:8443",
            "https://evil.example/.c.example:8443",
            "https://evil@x.c.example:8443",
            "https://xc.example:8443",
            "https://*.c.example:8443",
            "null",
            "",
        ] {
            let response = ask(other);
            assert_eq!(
                value(&response, "access-control-allow-origin"),
                None,
                "{other}"
            );
            assert_eq!(value(&response, "vary"), Some("Origin"));
        }
    }
    listed.cors.credentials = true;
    let credentials = |config: &_, origin: &str| {
        let response = respond(request(&[("Origin", origin)], ""), config).0;
        value(&response, "access-control-allow-credentials").map(str::to_owned)
    };
    assert_eq!(
        credentials(&listed, "https://a.example").as_deref(),
        Some("true")
    );
    assert_eq!(credentials(&listed, "https://c.example"), None);
    let mut any = config(json!({}));
    any.cors.credentials = true;
    assert_eq!(credentials(&any, "https://a.example"), None);
    listed.cors.origins.clear();
    let mut preflight = request(&[("Origin", "https://a.example")], "");
    preflight.method = "OPTIONS".to_owned();
    let (response, _) = respond(preflight, &listed);
    assert_eq!(response.status, "204");
    assert!(
        !response
            .headers
            .keys()
            .any(|name| name.starts_with("access-control-"))
    );
}

#[test]
fn a_denial_is_readable_for_a_page_and_sniffed_by_none() {
    let (response, _) = respond(
        request(&[("Origin", "https://a.example")], ""),
        &config(json!({})),
    );
    assert_eq!(value(&response, "access-control-allow-origin"), Some("*"));
    assert_eq!(
        value(&response, "access-control-expose-headers"),
        Some(
            "Accept-Ranges, Age, Content-Length, Content-Range, Content-Type, ETag, Retry-After, \
             Server-Timing, WWW-Authenticate, X-Cache"
        )
    );
    assert_eq!(value(&response, "x-content-type-options"), Some("nosniff"));
    assert_eq!(value(&response, "content-type"), Some("application/json"));
}

#[test]
fn a_page_reads_when_to_try_again() {
    let asks = request(&[("Origin", "https://a.example")], "");
    let (response, _) = keys_unavailable(&asks, &config(json!({})));
    assert_eq!(response.status, "503");
    assert!(value(&response, "retry-after").is_some());
    assert_eq!(value(&response, "access-control-allow-origin"), Some("*"));
    let exposed = value(&response, "access-control-expose-headers").unwrap();
    assert!(exposed.contains("Retry-After"), "{exposed}");
}

#[test]
fn unknown_paths_are_named_before_any_token_is_read() {
    for uri in [
        "/",
        "/index.html",
        &format!("{PATH}/"),
        &format!("/x{PATH}"),
        &PATH.replace("get", "delete"),
    ] {
        let mut request = bearer("not a token");
        request.uri = uri.to_string();
        let (response, denial) = respond(request, &config(json!({})));
        assert_eq!(denial.reason, Reason::UnknownPath, "{uri}");
        assert_eq!(response.status, "404");
        let body = body(&response);
        assert_eq!(body["error"], "not_found");
        assert!(body["paths"][0].as_str().unwrap().contains("getImageFrame"));
    }
    let mut off = config(json!({}));
    off.dicomweb = false;
    let mut request = bearer(&good());
    request.uri = STUDIES.to_owned();
    request.method = "GET".to_owned();
    let (response, _) = respond(request, &off);
    assert_eq!(response.status, "404");
    assert!(!response.body.unwrap().contains("studies"));
}

#[test]
fn metadata_that_is_not_served_is_an_unknown_path() {
    let answer = |uri: &str, request: Request| {
        let mut off = config(json!({}));
        off.metadata = false;
        let (response, denial) = respond(
            Request {
                uri: uri.to_owned(),
                ..request
            },
            &off,
        );
        assert_eq!(denial.reason, Reason::UnknownPath, "{uri}");
        serde_json::to_value(response).unwrap()
    };
    let unknown = PATH.replace("getImageFrame", "getImageSet");
    for request in [
        bearer(&good()),
        request(&[], ""),
        request(&[], "version=01"),
    ] {
        let answer = |uri| answer(uri, request.clone());
        assert_eq!(answer(METADATA), answer(&unknown));
    }
}

#[test]
fn metadata_goes_on_with_its_version_only() {
    let asked = |query: &str| {
        let mut request = bearer(&good());
        request.uri = METADATA.replace("imageSet/", "imageset/");
        request.querystring = query.to_owned();
        request
    };
    for (query, left) in [
        ("", ""),
        ("version=2", "version=2"),
        ("%76ersion=%32&token=&x=1", "version=2"),
        ("x=version=3", ""),
    ] {
        let passed = pass(asked(query), &config(json!({})));
        assert_eq!((&*passed.uri, &*passed.querystring), (METADATA, left));
    }
    for query in [
        "version=01",
        "version=-1",
        "version=18446744073709551616",
        "version=1&version=1",
        "version=1&%76ersion=2",
        "version",
    ] {
        let (response, denial) = respond(asked(query), &config(json!({})));
        assert_eq!(denial.reason, Reason::BadQuery, "{query}");
        assert_eq!(response.status, "400");
        assert_eq!(body(&response), json!({"error": "invalid_request"}));
        // Whoever has no token, or may not read this, learns nothing of the query.
        let mut stranger = asked(query);
        stranger.headers.clear();
        assert_eq!(respond(stranger, &config(json!({}))).0.status, "401");
        let mut narrow = config(json!({}));
        narrow.allow = Some(vec![]);
        assert_eq!(respond(asked(query), &narrow).0.status, "403");
    }
}

/// Native reads by GET are on.
fn reads() -> AuthorizerConfig {
    let mut config = config(json!({}));
    config.cached_reads = true;
    config
}

#[test]
fn a_frame_by_get_goes_on_with_its_id_only() {
    const ID: &str = "imageFrameId=a1b2c3d4e5f60718293a4b5c6d7e8f90";
    let asked = |method: &str, query: &str| {
        let mut request = bearer(&good());
        request.method = method.to_owned();
        request.uri = PATH.replace("imageSet/", "image%73et/");
        request.querystring = query.to_owned();
        request
    };
    for method in ["GET", "HEAD"] {
        for query in [
            ID.to_owned(),
            ID.replace("=a", "=%61"),
            format!("x=1&{ID}&version=3&token={}", good()),
            format!("session=s;{}&{ID}", "a=b"),
        ] {
            let passed = pass(asked(method, &query), &reads());
            assert_eq!((&*passed.uri, &*passed.querystring), (PATH, ID), "{query}");
            assert!(!passed.headers.contains_key("authorization"));
        }
        for query in ["", "imageFrameId=", "imageFrameId=x", &format!("{ID}&{ID}")] {
            let (response, denial) = respond(asked(method, query), &reads());
            assert_eq!(denial.reason, Reason::BadQuery, "{query}");
            assert_eq!(response.status, "400");
            // Whoever has no token, or may not read this, learns nothing of the query.
            let mut stranger = asked(method, query);
            stranger.headers.clear();
            assert_eq!(respond(stranger, &reads()).0.status, "401");
            let mut narrow = reads();
            narrow.allow = Some(vec![]);
            assert_eq!(respond(asked(method, query), &narrow).0.status, "403");
        }
    }
    // A POST is what it was.
    let passed = pass(asked("POST", "x=1"), &reads());
    assert_eq!(passed.querystring, "x=1");
    let metadata = |query: &str| {
        let mut request = asked("GET", query);
        request.uri = METADATA.to_owned();
        pass(request, &reads()).querystring
    };
    assert_eq!(["", "version=%32&x"].map(metadata), ["", "version=2"]);
}

#[test]
fn a_page_may_ask_by_get_where_it_is_on() {
    let asked = |uri: &str, method: &str, config: &AuthorizerConfig| {
        let mut request = request(&[("origin", "https://viewer.example")], "");
        (request.uri, request.method) = (uri.to_owned(), method.to_owned());
        let (response, _) = respond(request, config);
        let header = |name: &str| response.headers[name][0].value.clone();
        match method {
            "OPTIONS" => header("access-control-allow-methods"),
            _ => header("allow"),
        }
    };
    for uri in [PATH, METADATA] {
        for method in ["OPTIONS", "PUT"] {
            let allowed = "GET, HEAD, POST, OPTIONS";
            assert_eq!(asked(uri, method, &reads()), allowed, "{uri}");
            let off = asked(uri, method, &config(json!({})));
            assert_eq!(off, "POST, OPTIONS", "{uri}");
        }
    }
    let anywhere = asked("/", "OPTIONS", &reads());
    assert_eq!(anywhere, "GET, HEAD, POST, OPTIONS");
}

#[test]
fn wrong_methods_are_refused() {
    for (uri, method, allow) in [
        (PATH, "GET", "POST, OPTIONS"),
        (PATH, "DELETE", "POST, OPTIONS"),
        (METADATA, "GET", "POST, OPTIONS"),
        (METADATA, "HEAD", "POST, OPTIONS"),
        (STUDIES, "POST", "GET, HEAD, OPTIONS"),
        (STUDIES, "get", "GET, HEAD, OPTIONS"),
    ] {
        let mut request = bearer(&good());
        request.uri = uri.to_owned();
        request.method = method.to_owned();
        let (response, denial) = respond(request, &config(json!({})));
        assert_eq!(denial.reason, Reason::WrongMethod);
        assert_eq!(response.status, "405");
        assert_eq!(value(&response, "allow"), Some(allow), "{method} {uri}");
        assert_eq!(body(&response)["error"], "method_not_allowed");
    }
}

#[test]
fn a_token_passes_by_each_source_and_goes_no_further() {
    let token = good();
    for carrier in [
        bearer(&token),
        request(&[("authorization", &format!("bearer   {token} "))], ""),
        request(&[("Token", &token)], ""),
        request(&[("token", &token), ("TOKEN", &token)], ""),
        request(&[], &format!("token={token}")),
        request(&[], &format!("%74oken={}", token.replace('.', "%2E"))),
        request(&[], &format!("access_token={token}")),
        request(
            &[],
            &format!("access_token={token}&access%5Ftoken={token}&token={token}"),
        ),
        request(
            &[
                ("Authorization", &format!("Bearer {token}")),
                ("token", &token),
            ],
            &format!("token={token}&token={token}"),
        ),
        request(
            &[("Authorization", "Bearer "), ("token", "")],
            &format!("token=&token={token}"),
        ),
    ] {
        let shown = format!("{carrier:?}");
        let passed = pass(carrier, &config(json!({})));
        assert!(passed.headers.is_empty(), "{shown}");
        assert_eq!(passed.querystring, "", "{shown}");
    }
}

#[test]
fn the_rest_of_the_query_stays_byte_for_byte() {
    let token = good();
    for (sent, left) in [
        ("version=1&token=T&x=%2f+%2F", "version=1&x=%2f+%2F"),
        ("token=T&a", "a"),
        ("a=1&&b=&token=T&%74%6f%6B%65%6e=T", "a=1&&b="),
        ("token=T&Token=x&tokens=y&a=token", "tokens=y&a=token"),
        ("imageSetId=abc&token=T", "imageSetId=abc"),
    ] {
        let query = sent.replace("=T", &format!("={token}"));
        let passed = pass(
            request(&[("Accept", "image/jph")], &query),
            &config(json!({})),
        );
        assert_eq!(passed.querystring, left, "{sent}");
        assert_eq!(passed.header("accept"), Some("image/jph"));
    }
}

#[test]
fn a_passed_request_differs_only_by_its_token() {
    let event = json!({
        "clientIp": "203.0.113.178", "method": "POST", "uri": PATH, "querystring": "a=1",
        "headers": {"host": [{"key": "Host", "value": "frames.example.org"}], "x-any": [{"value": "1"}, {"value": "2"}]},
        "body": {"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": "e30="},
        "somethingNew": [1, 2],
    });
    let mut sent = event.clone();
    sent["headers"]["authorization"] =
        json!([{"key": "Authorization", "value": format!("Bearer {}", good())}]);
    let passed = pass(serde_json::from_value(sent).unwrap(), &config(json!({})));
    assert_eq!(serde_json::to_value(passed).unwrap(), event);
}

#[test]
fn the_samples_spelling_goes_on_as_the_services() {
    let mut request = bearer(&good());
    request.uri = PATH.replace("imageSet", "imageset");
    assert_eq!(pass(request, &config(json!({}))).uri, PATH);
}

#[test]
fn without_auth_everything_passes_and_tokens_are_removed_all_the_same() {
    let request = request(
        &[
            ("Authorization", "Basic dTpw"),
            ("token", "abc"),
            ("Accept", "*/*"),
        ],
        "token=x&a=1",
    );
    let passed = pass(request, &open());
    assert_eq!(passed.querystring, "a=1");
    assert_eq!(passed.headers.keys().collect::<Vec<_>>(), ["accept"]);
    let mut wrong = bearer("x");
    wrong.method = "PUT".to_owned();
    assert_eq!(respond(wrong, &open()).0.status, "405");
}

/// A search's query goes to the origin whole, in every mode and whatever is read.
#[test]
fn no_token_goes_on_with_a_search_whatever_it_is_called() {
    let header = bearer(&good()).headers;
    let by_header = config(json!({"tokenSources": ["authorization"]}));
    for (sent, left) in [
        ("PatientID=1&access_token=T", "PatientID=1"),
        ("PatientID=1&TOKEN=T&limit=5", "PatientID=1&limit=5"),
        ("id_token=T&limit=5", "limit=5"),
        ("PatientID=1;token=T", "PatientID=1"),
        ("a=1;token=T", ""),
        ("tok%65n=T&token+=T&token[]=T&limit=5", "limit=5"),
        ("PatientID=1%26token=T&limit=5", "limit=5"),
        ("jwt=T&code=T&api_key=T&x-amz-security-token=T", ""),
        (
            "PatientName=J%C3%BCrgen+M*&00100020=1",
            "PatientName=J%C3%BCrgen+M*&00100020=1",
        ),
    ] {
        let sent = sent.replace('T', &good());
        for config in [&by_header, &open()] {
            let mut search = request(&[], &sent);
            search.headers.clone_from(&header);
            search.method = "GET".to_owned();
            search.uri = STUDIES.to_owned();
            let passed = pass(search, config);
            assert_eq!(passed.querystring, left, "{sent}");
        }
    }
}

/// HealthImaging takes a retrieval without an image set for one of its primary
/// sets; which these are isn't known here, so a row of image sets grants none.
#[test]
fn an_image_set_is_optional_and_opens_nothing() {
    let instance = format!("{STUDIES}/1.2/series/1.3/instances/1.4/frames/1");
    for query in ["", "imageSetId=aaaabbbbccccddddeeeeffff00001111"] {
        let ask = || {
            let mut request = asked(&instance, "GET");
            request.querystring = query.to_owned();
            request
        };
        let mut listed = config(json!({}));
        listed.allow = serde_json::from_value(json!([{"datastore": STORE}])).unwrap();
        assert_eq!(pass(ask(), &listed).querystring, query);
        let sets = json!([{"datastore": STORE, "imageSets": [SET]}]);
        listed.allow = serde_json::from_value(sets).unwrap();
        let (_, denial) = respond(ask(), &listed);
        assert_eq!(denial.reason, Reason::NotAllowed, "{query}");
    }
}

#[test]
fn what_healthimaging_does_not_have_is_not_found() {
    let instance = format!("{STUDIES}/1.2/series/1.3/instances/1.4");
    for tail in ["/rendered", "/frames/1/rendered", "/thumbnail"] {
        let (response, _) = respond(
            asked(&format!("{instance}{tail}"), "GET"),
            &config(json!({})),
        );
        assert_eq!(response.status, "404", "{tail}");
        assert!(!body(&response).to_string().contains("rendered"));
    }
}

#[test]
fn no_token_gets_a_bare_challenge() {
    for request in [
        request(&[], ""),
        request(
            &[("Authorization", "Bearer"), ("token", " ")],
            "token=&token",
        ),
        request(&[], "Token=abc"),
        request(&[], "Access_Token=abc&id_token=abc&a=1;token=abc"),
    ] {
        let (response, denial) = respond(request, &config(json!({})));
        assert_eq!(denial.reason, Reason::NoToken);
        assert_eq!(response.status, "401");
        assert_eq!(value(&response, "www-authenticate"), Some("Bearer"));
        assert_eq!(body(&response), json!({"error": "missing_token"}));
    }
}

#[test]
fn two_different_tokens_are_one_too_many() {
    let token = good();
    let bearer = format!("Bearer {token}");
    for request in [
        request(&[("Authorization", &bearer), ("token", "other")], ""),
        request(&[("token", &token), ("token", "other")], ""),
        request(
            &[
                ("Authorization", &bearer),
                ("Authorization", "Bearer other"),
            ],
            "",
        ),
        request(&[("Authorization", &bearer)], "token=other"),
        request(&[], &format!("token={token}&token=other")),
        request(&[], &format!("token={token}&access_token=other")),
        request(&[("Authorization", &bearer)], "access_token=other"),
    ] {
        let (response, denial) = respond(request, &config(json!({})));
        assert_eq!(denial.reason, Reason::DifferentTokens);
        assert_eq!(response.status, "400");
        assert_eq!(body(&response), json!({"error": "invalid_request"}));
    }
}

/// An SDK signs its requests, and a proxy wants a password: neither is a token, and both go.
#[test]
fn another_scheme_beside_a_token_is_no_second_token() {
    let token = good();
    let both = format!("Bearer {token}");
    for value in [
        "AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/medical-imaging/aws4_request, SignedHeaders=host, Signature=00",
        "Basic dTpw",
        "Negotiate YII=",
        "DPoP abc",
        "Bearertoken",
        "",
    ] {
        for (second, query) in [
            (("token", token.as_str()), String::new()),
            (("x", ""), format!("token={token}")),
            (("Authorization", both.as_str()), String::new()),
        ] {
            let sent = request(&[("Authorization", value), second], &query);
            let passed = pass(sent, &config(json!({})));
            assert!(!format!("{passed:?}").contains("uthorization"), "{value}");
            assert!(!format!("{passed:?}").contains(&token), "{value}");
        }
        let bad = request(&[("Authorization", value), ("token", "x")], "");
        let (_, denial) = respond(bad, &config(json!({})));
        assert_eq!(denial.reason, Reason::MalformedToken, "{value}");
    }
    // Where `Authorization` is no source, what it says is of no interest.
    let elsewhere = config(json!({"tokenSources": ["header"]}));
    let (_, denial) = respond(request(&[("Authorization", "Basic dTpw")], ""), &elsewhere);
    assert_eq!(denial.reason, Reason::NoToken);
}

#[test]
fn another_scheme_than_bearer_is_refused() {
    for value in [
        "Basic dTpw",
        "Bearertoken",
        "AWS4-HMAC-SHA256 Credential=x",
        "",
    ] {
        let alone = request(&[("Authorization", value)], "");
        let (response, denial) = respond(alone, &config(json!({})));
        assert_eq!(denial.reason, Reason::NotBearer, "{value}");
        assert_eq!(response.status, "401");
        assert_eq!(body(&response), json!({"error": "invalid_token"}));
    }
}

#[test]
fn a_source_that_is_off_is_not_read_but_emptied() {
    let token = good();
    let bearer = format!("Bearer {token}");
    let only = |source: &str| config(json!({"tokenSources": [source]}));
    let carriers = [
        ("authorization", request(&[("Authorization", &bearer)], "")),
        ("header", request(&[("token", &token)], "")),
        ("query", request(&[], &format!("token={token}"))),
    ];
    for source in ["authorization", "header", "query"] {
        for (carrier, request) in &carriers {
            if *carrier == source {
                pass(request.clone(), &only(source));
            } else {
                let (_, denial) = respond(request.clone(), &only(source));
                assert_eq!(denial.reason, Reason::NoToken, "{carrier} by {source}");
            }
        }
    }
    let all = request(
        &[("Authorization", "Basic dTpw"), ("token", &token)],
        "token=other",
    );
    let passed = pass(all, &only("header"));
    assert!(passed.headers.is_empty() && passed.querystring.is_empty());
}

/// The data store and the image set of [`PATH`].
const STORE: &str = "12345678901234567890123456789012";
const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

fn asked(uri: &str, method: &str) -> Request {
    let mut request = bearer(&good());
    request.uri = uri.to_owned();
    request.method = method.to_owned();
    request
}

#[test]
fn what_is_not_listed_is_not_served_from_the_cache_either() {
    let other = "b".repeat(32);
    let instance = format!("{STUDIES}/1.2/series/1.3/instances/1.4/frames/1");
    for (allow, native, dicomweb) in [
        (json!(null), true, true),
        (json!([]), false, false),
        (json!([{"datastore": other}]), false, false),
        (
            json!([{"datastore": other}, {"datastore": STORE}]),
            true,
            true,
        ),
        (
            json!([{"datastore": STORE, "imageSets": [other, SET]}]),
            true,
            false,
        ),
        (
            json!([{"datastore": STORE, "imageSets": [other]}]),
            false,
            false,
        ),
        (json!([{"datastore": STORE, "imageSets": []}]), false, false),
        (
            json!([{"datastore": other, "imageSets": [SET]}]),
            false,
            false,
        ),
    ] {
        let mut listed = config(json!({}));
        listed.allow = serde_json::from_value(allow.clone()).unwrap();
        for (uri, method, served) in [
            (PATH, "POST", native),
            (METADATA, "POST", native),
            (STUDIES, "GET", dicomweb),
            (instance.as_str(), "HEAD", dicomweb),
        ] {
            let request = asked(uri, method);
            if served {
                pass(request, &listed);
                continue;
            }
            let (response, denial) = respond(request, &listed);
            assert_eq!(denial.reason, Reason::NotAllowed, "{allow} {uri}");
            assert_eq!(response.status, "403");
            assert_eq!(body(&response), json!({"error": "forbidden"}));
            assert_eq!(value(&response, "www-authenticate"), None);
            // Nobody without a token learns what is listed.
            let mut stranger = asked(uri, method);
            stranger.headers.clear();
            assert_eq!(respond(stranger, &listed).0.status, "401");
            let open = AuthorizerConfig {
                auth: None,
                ..listed.clone()
            };
            assert_eq!(respond(asked(uri, method), &open).0.status, "403");
        }
    }
}

#[test]
fn accept_is_part_of_the_caches_key_in_one_spelling() {
    let instance = format!("{STUDIES}/1.2/series/1.3/instances/1.4");
    let accepted = |uri: &str, method: &str, values: &[&str]| {
        let mut request = asked(uri, method);
        for value in values {
            let header = json!({"key": "ACCEPT", "value": value});
            let headers = request.headers.entry("accept".to_owned()).or_default();
            headers.push(serde_json::from_value(header).unwrap());
        }
        let passed = pass(request, &config(json!({})));
        let left = passed.headers.get("accept").into_iter().flatten();
        left.map(|header| header.value.clone()).collect::<Vec<_>>()
    };
    let frames = format!("{instance}/frames/1");
    assert_eq!(accepted(&frames, "GET", &[]), ["*/*"]);
    assert_eq!(accepted(&frames, "HEAD", &["*/*;q=0.5"]), ["*/*"]);
    assert_eq!(
        accepted(&frames, "GET", &["image/png;q=0.5", "IMAGE/JPEG"]),
        ["image/jpeg, image/png;q=0.500"]
    );
    assert_eq!(accepted(&frames, "GET", &["text/html"]), ["text/html"]);
    let series = format!("{STUDIES}/1.2/series");
    for (uri, form) in [
        (instance.clone(), "application/dicom"),
        (format!("{instance}/metadata"), "application/dicom+json"),
        (
            format!("{instance}/bulkdata/b026"),
            "application/octet-stream",
        ),
        (STUDIES.to_owned(), "application/dicom+json"),
        (series.clone(), "application/dicom+json"),
        (format!("{series}/1.3/metadata"), "application/dicom+json"),
        (format!("{series}/1.3/instances"), "application/dicom+json"),
    ] {
        for values in [&[][..], &["*/*;q=0.5"], &["image/png;q=0.5", "IMAGE/JPEG"]] {
            assert_eq!(accepted(&uri, "GET", values), [form], "{uri}");
        }
    }
    assert_eq!(accepted(PATH, "POST", &["IMAGE/JPH"]), ["IMAGE/JPH"]);
}

#[test]
fn a_path_goes_on_in_one_spelling() {
    let instance = format!("{STUDIES}/1.2/series/1.3/instances/1.4/frames/");
    let passed = pass(
        asked(&format!("{instance}2%2C1"), "GET"),
        &config(json!({})),
    );
    assert_eq!(passed.uri, format!("{instance}2,1"));
    for tail in ["2%252C1", "2%2F1", "2%00", "2/../1", "2//1", "2,2"] {
        let (_, denial) = respond(
            asked(&format!("{instance}{tail}"), "GET"),
            &config(json!({})),
        );
        assert_eq!(denial.reason, Reason::UnknownPath, "{tail}");
    }
}

#[test]
fn keys_out_of_reach_say_try_later() {
    let (response, denial) = keys_unavailable(&bearer(&good()), &config(json!({})));
    assert_eq!(denial.reason, Reason::KeysUnavailable);
    assert_eq!(response.status, "503");
    assert_eq!(value(&response, "retry-after"), Some("10"));
    assert_eq!(value(&response, "cache-control"), Some("no-store"));
    assert_eq!(body(&response), json!({"error": "keys_unavailable"}));
}

#[test]
fn a_configuration_that_could_not_decide_is_refused() {
    for (changes, word) in [
        (json!({"issuers": []}), "issuers"),
        (json!({"algorithms": []}), "algorithms"),
        (json!({"algorithms": ["RS256", "HS256"]}), "HS256"),
        (json!({"algorithms": ["none"]}), "none"),
        (json!({"tokenSources": []}), "tokenSources"),
        (json!({"jwks": {}}), "jwks"),
        (json!({"jwks": {"keys": []}}), "jwks"),
        (json!({"initialJwks": jwks()}), "initialJwks"),
        (json!({"jwks": null, "initialJwks": {}}), "initialJwks"),
        (
            json!({"jwks": null, "jwksUri": "http://issuer.example/keys"}),
            "jwksUri",
        ),
        (
            json!({"jwks": null, "jwksUri": "file:///etc/passwd"}),
            "jwksUri",
        ),
        (
            json!({"jwks": null, "issuers": ["issuer.example"]}),
            "issuers",
        ),
        (
            json!({"jwks": null, "issuers": ["https://issuer.example?tenant=1"]}),
            "issuers",
        ),
        (
            json!({"jwks": null, "issuers": ["https://issuer.example#x"]}),
            "issuers",
        ),
        (json!({"jwks": null, "issuers": [ISSUER, ISSUER]}), "twice"),
        (json!({"jwks": null, "issuers": [{"names": []}]}), "issuers"),
        (
            json!({"jwks": null, "trustKeysFor": 604_801}),
            "trustKeysFor",
        ),
        (
            json!({"issuers": [{"names": [ISSUER]}, {"names": ["https://other.example"]}]}),
            "several",
        ),
        (
            json!({"jwks": null, "issuers": [{"names": [ISSUER]}, {"names": [ISSUER]}]}),
            "twice",
        ),
        (
            json!({"jwks": null, "issuers": [{"names": [ISSUER]}, {"names": ["x"]}]}),
            "issuers",
        ),
        (json!({"audience": null}), "audience"),
        (json!({"audience": []}), "tokenUse"),
        (
            json!({"audience": null, "clientIds": ["client"]}),
            "tokenUse",
        ),
        (json!({"issuers": [""]}), "issuers"),
        (json!({"issuers": [ISSUER, " "]}), "issuers"),
        (json!({"audience": [""]}), "audience"),
        (json!({"clientIds": ["a", ""]}), "clientIds"),
        (json!({"scopes": [""]}), "scopes"),
        (json!({"groups": [""]}), "groups"),
        (json!({"groups": ["a"], "groupsClaim": ""}), "groupsClaim"),
    ] {
        let problem = prepare(&config(changes.clone())).unwrap_err();
        assert!(problem.contains(word), "{changes}: {problem}");
    }
    for changes in [
        json!({"jwks": null}),
        json!({"jwks": null, "initialJwks": jwks()}),
        json!({"jwks": null, "jwksUri": "https://issuer.example/keys"}),
        json!({"jwks": null, "jwksUri": "http://127.0.0.1:8080/keys"}),
        json!({"jwks": null, "jwksUri": "http://[::1]:8080/keys"}),
        json!({"jwks": null, "issuers": ["http://127.0.0.1:8080"]}),
        json!({"jwks": null, "issuers": ["https://issuer.example/@tenant"]}),
        json!({"audience": null, "tokenUse": "access"}),
    ] {
        assert!(prepare(&config(changes.clone())).is_ok(), "{changes}");
    }
    assert!(prepare(&open()).is_ok());
}

#[test]
fn credentials_in_an_address_are_refused_and_not_repeated() {
    let keys = "https://user:s3cret@issuer.example/keys";
    let issuer = "https://s3cret@issuer.example";
    for changes in [
        json!({"jwks": null, "jwksUri": keys}),
        json!({"jwks": null, "jwksUri": "https://a@s3cret@issuer.example"}),
        json!({"jwksUri": keys}),
        json!({"jwks": null, "issuers": [issuer]}),
        json!({"issuers": [ISSUER, issuer]}),
        json!({"jwks": null, "issuers": [issuer], "jwksUri": "https://issuer.example/keys"}),
    ] {
        let problem = prepare(&config(changes.clone())).unwrap_err();
        assert!(problem.contains("credentials"), "{changes}: {problem}");
        assert!(!problem.contains("s3cret"), "{changes}: {problem}");
    }
    let query = json!({"jwks": null, "jwksUri": "http://issuer.example/keys?key=s3cret"});
    let problem = prepare(&config(query)).unwrap_err();
    assert!(!problem.contains("s3cret"), "{problem}");
}

#[test]
fn listed_studies_and_series_are_served_only_by_dicomweb() {
    let instance = |study: &str, series: &str| {
        format!("{STUDIES}/{study}/series/{series}/instances/1.4/frames/1")
    };
    for (limits, here, other_study, other_series, native) in [
        (json!({"studies": ["1.2"]}), true, false, true, false),
        (json!({"series": ["1.3"]}), true, true, false, false),
        (
            json!({"studies": ["1.2"], "series": ["1.3"]}),
            true,
            false,
            false,
            false,
        ),
        (
            json!({"studies": ["9"], "imageSets": [SET]}),
            false,
            false,
            false,
            true,
        ),
    ] {
        let mut row = json!({"datastore": STORE});
        row.as_object_mut()
            .unwrap()
            .extend(limits.as_object().unwrap().clone());
        let mut listed = config(json!({}));
        listed.allow = serde_json::from_value(json!([row])).unwrap();
        for (uri, method, served) in [
            (instance("1.2", "1.3"), "GET", here),
            (instance("1.9", "1.3"), "GET", other_study),
            (instance("1.2", "1.9"), "GET", other_series),
            (format!("{STUDIES}/1.2/series/1.3/metadata"), "GET", here),
            (
                format!("{STUDIES}/1.9/series/1.3/metadata"),
                "GET",
                other_study,
            ),
            (
                format!("{STUDIES}/1.2/series/1.9/metadata"),
                "GET",
                other_series,
            ),
            // Searches inside what is listed, and no further.
            (format!("{STUDIES}/1.2/series/1.3/instances"), "GET", here),
            (
                format!("{STUDIES}/1.9/series/1.3/instances"),
                "GET",
                other_study,
            ),
            (
                format!("{STUDIES}/1.2/series/1.9/instances"),
                "GET",
                other_series,
            ),
            (format!("{STUDIES}/1.2/series"), "GET", here && other_series),
            (
                format!("{STUDIES}/1.2/instances"),
                "GET",
                here && other_series,
            ),
            (format!("{STUDIES}/1.9/series"), "GET", false),
            (STUDIES.to_owned(), "GET", false),
            (STUDIES.replace("studies", "series"), "GET", false),
            (STUDIES.replace("studies", "instances"), "GET", false),
            (PATH.to_owned(), "POST", native),
        ] {
            let request = asked(&uri, method);
            if served {
                pass(request, &listed);
            } else {
                let (_, denial) = respond(request, &listed);
                assert_eq!(denial.reason, Reason::NotAllowed, "{limits} {uri}");
            }
        }
    }
}
