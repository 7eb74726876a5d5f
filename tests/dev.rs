//! `frames dev` as a user runs it: its output, tokens, and requests to it. What it
//! serves of an account: `dev_allowed.rs`; the process: `dev_running.rs`; the
//! distribution's part: `dev_delivery.rs`.

use crate::support::dev::{
    CT, CT_PIXELS, Dev, base64url, bearer, dicomweb_path, get_frame, native_path, send,
};
use crate::support::frames::Project;
use crate::support::process::shell;
use frames_edge::jose::Algorithm;
use frames_edge::{LogLevel, SignerConfig};
use frames_emulator::Credentials;
use frames_emulator::cloudfront::{CloudFront, Options, OriginServer};
use frames_emulator::healthimaging::{self, DataStore, Policy, StandIn};
use frames_emulator::issuer::{Issuer, IssuerClaims};
use serde_json::{Value, json};
use std::sync::Arc;

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_printed_curl_line_writes_the_frame() {
    let project = Project::example();
    let dev = Dev::start_human(&project, &[]);
    let line = dev.line_starting("curl ");
    assert!(shell(&line, project.path()).status.success(), "{line}");
    let written = std::fs::read(project.path().join("frame.jph")).unwrap();
    assert!(written == CT, "not the fixture's bytes");
}

#[test]
fn the_ready_line_has_the_settled_shape() {
    let dev = Dev::start(&Project::example(), &[]);
    let keys: Vec<&str> = dev
        .ready
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let settled = [
        "dicomweb", "frame", "issuer", "page", "purge", "token", "url",
    ];
    assert_eq!(keys, settled);
    // The same addresses as people read.
    assert_eq!(dev.ready["issuer"], dev.issuer_url());
    assert_eq!(dev.ready["purge"], dev.purge_url());
    let store = dev.ready["frame"]["datastoreId"].as_str().unwrap();
    let root = format!("{}/datastore/{store}", dev.url());
    assert_eq!(dev.ready["dicomweb"], root);
    for id in ["datastoreId", "imageSetId", "imageFrameId"] {
        assert_eq!(dev.ready["frame"][id].as_str().unwrap().len(), 32, "{id}");
    }
    assert!(dev.url().starts_with("http://127.0.0.1:"));
    get_frame(&dev, &[], "");
    let log = dev.next_line();
    assert_eq!(
        (&log["method"], &log["status"], &log["cache"]),
        (&json!("POST"), &json!(401), &json!("none"))
    );
    assert_eq!(log["path"], native_path(&dev));
    assert!(log["ms"].as_f64().unwrap() > 0.0);
    assert!(
        log["stages"]["viewerRequest"].as_f64().unwrap() > 0.0,
        "{log}"
    );
}

#[test]
fn a_token_is_taken_from_every_source_and_a_frame_comes_back() {
    let dev = Dev::start(&Project::example(), &[]);
    let token = dev.token();
    let by_query = format!("?token={token}");
    for (headers, query) in [
        (vec![("Authorization", bearer(token))], ""),
        (vec![("authorization", bearer(token))], ""),
        (vec![("Token", token.to_owned())], ""),
        (vec![], by_query.as_str()),
    ] {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let reply = get_frame(&dev, &headers, query);
        assert_eq!(reply.status, 200, "{headers:?}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "image/jph");
        assert!(reply.body == CT);
    }
    let twice = get_frame(
        &dev,
        &[("Authorization", &bearer(token)), ("token", "another")],
        "",
    );
    assert_eq!(twice.status, 400, "two different tokens");
}

#[test]
fn nothing_is_served_without_a_good_token() {
    let dev = Dev::start(&Project::example(), &[]);
    let stranger = Dev::start(&Project::example(), &[]);
    let second = |overrides: Value| dev.mint(overrides);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut parts = dev.token().split('.');
    let (_, claims) = (parts.next(), parts.next().unwrap());
    let unsigned = format!("{}.{claims}.", base64url(br#"{"alg":"none","typ":"JWT"}"#));
    let cases = [
        ("none at all", None),
        ("expired", Some(second(json!({"exp": now - 3600})))),
        ("not yet valid", Some(second(json!({"nbf": now + 3600})))),
        (
            "another issuer",
            Some(second(json!({"iss": "https://evil.example"}))),
        ),
        (
            "another client",
            Some(second(json!({"client_id": "0123456789"}))),
        ),
        ("an id token", Some(second(json!({"token_use": "id"})))),
        ("another key", Some(stranger.token().to_owned())),
        ("alg none", Some(unsigned)),
        ("junk", Some("a.b.c".to_owned())),
    ];
    for (case, token) in cases {
        for path in [native_path(&dev), dicomweb_path(&dev)] {
            let authorization = token.as_deref().map(bearer);
            let headers: Vec<(&str, &str)> = authorization
                .iter()
                .map(|value| ("Authorization", value.as_str()))
                .collect();
            let method = if path.contains("getImageFrame") {
                "POST"
            } else {
                "GET"
            };
            let reply = dev.request(
                method,
                &format!("{}{path}", dev.url()),
                &headers,
                (method == "POST").then_some("{}"),
            );
            assert_eq!(reply.status, 401, "{case}: {}", reply.text());
            assert!(
                reply.header("www-authenticate").starts_with("Bearer"),
                "{case}"
            );
            assert_eq!(reply.header("cache-control"), "no-store", "{case}");
            // The class of the reason, and nothing more.
            assert!(reply.body.len() < 64, "{case}: {}", reply.text());
            assert_eq!(
                reply.header("x-cache"),
                "LambdaGeneratedResponse from cloudfront"
            );
        }
    }
    let forbidden = second(json!({"scope": "other"}));
    assert_eq!(
        get_frame(&dev, &[("Authorization", &bearer(&forbidden))], "").status,
        403,
        "without the scope"
    );
    let forbidden = second(json!({"cognito:groups": ["billing"]}));
    assert_eq!(
        get_frame(&dev, &[("Authorization", &bearer(&forbidden))], "").status,
        403,
        "without the group"
    );
}

#[test]
fn dicomweb_is_cached_for_those_with_a_token() {
    let dev = Dev::start(&Project::example(), &[]);
    let url = format!("{}{}", dev.url(), dicomweb_path(&dev));
    let authorization = bearer(dev.token());
    let authorization = ("Authorization", authorization.as_str());
    // As it is stored, not transcoded.
    let stored = (
        "Accept",
        "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
    );
    let with = [authorization, stored];
    let first = dev.request("GET", &url, &with, None);
    assert_eq!(
        (first.status, first.header("x-cache")),
        (200, "Miss from cloudfront"),
        "{}",
        first.text()
    );
    assert!(contains(&first.body, CT), "the frame is a part of it");
    let second = dev.request("GET", &url, &with, None);
    assert_eq!(
        (second.status, second.header("x-cache")),
        (200, "Hit from cloudfront")
    );
    assert!(first.body == second.body);
    // The token is no part of the cache key, wherever it is.
    let by_query = dev.request(
        "GET",
        &format!("{url}&token={}", dev.token()),
        &[stored],
        None,
    );
    assert_eq!(
        (by_query.status, by_query.header("x-cache")),
        (200, "Hit from cloudfront")
    );
    assert_eq!(
        dev.request("GET", &url, &[stored], None).status,
        401,
        "a hit needs a token too"
    );
    let head = dev.request("HEAD", &url, &with, None);
    assert_eq!(
        (head.status, head.body.len(), head.header("x-cache")),
        (200, 0, "Hit from cloudfront")
    );
    let other = dev.request("GET", &url, &[authorization], None);
    assert_eq!(
        (other.status, other.header("x-cache")),
        (200, "Miss from cloudfront"),
        "another Accept, another entry"
    );
    assert!(
        contains(&other.body, CT_PIXELS),
        "uncompressed is DICOMweb's default"
    );
    let set = dev.ready["frame"]["imageSetId"].as_str().unwrap();
    let wrong = url.replace(set, &"b".repeat(32));
    for _ in 0..2 {
        let reply = dev.request("GET", &wrong, &with, None);
        assert_eq!(
            (reply.status, reply.header("x-cache")),
            (404, "Error from cloudfront"),
            "no error is kept"
        );
    }
}

#[test]
fn other_paths_and_methods_are_refused_and_a_preflight_needs_no_token() {
    let dev = Dev::start(&Project::example(), &[]);
    let authorization = bearer(dev.token());
    let with = [("Authorization", authorization.as_str())];
    let native = format!("{}{}", dev.url(), native_path(&dev));
    for path in ["/", "/datastore", "/datastore/../etc", "/x/getImageFrame"] {
        let reply = dev.request("POST", &format!("{}{path}", dev.url()), &with, Some("{}"));
        assert_eq!(reply.status, 404, "{path}");
        assert!(
            reply.text().contains("getImageFrame"),
            "it says which paths exist"
        );
    }
    for method in ["DELETE", "GET", "PUT", "PATCH"] {
        let reply = dev.request(method, &native, &with, None);
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, "POST, OPTIONS"),
            "{method}"
        );
    }
    let preflight = [
        ("Origin", "https://viewer.example.org"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    let reply = dev.request("OPTIONS", &native, &preflight, None);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert!(
        reply
            .header("access-control-allow-headers")
            .to_lowercase()
            .contains("authorization")
    );
    // The reason of a refusal can be read by a page.
    let refused = dev.request("POST", &native, &[preflight[0]], Some("{}"));
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (401, "*")
    );
}

#[test]
fn keys_rotate_and_tokens_of_the_new_one_are_taken() {
    let dev = Dev::start(&Project::example(), &[]);
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
    let rotated = dev.issuer("/rotate", json!({}));
    let token = rotated["token"].as_str().unwrap();
    assert_eq!(
        get_frame(&dev, &[("token", token)], "").status,
        200,
        "an unknown kid fetches the set again"
    );
    let stranger = dev.request(
        "POST",
        &format!("{}/rotate", dev.issuer_url()),
        &[],
        Some("{}"),
    );
    assert_eq!(stranger.status, 401, "not for everybody on this machine");
}

#[test]
fn without_auth_nobody_is_asked_for_a_token() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let dev = Dev::start(&project, &[]);
    for missing in ["token", "issuer", "dicomweb"] {
        assert_eq!(dev.ready[missing], Value::Null, "{missing}");
    }
    assert_eq!(get_frame(&dev, &[], "").status, 200);
    let path = dicomweb_path(&dev);
    assert_eq!(
        dev.request("GET", &format!("{}{path}", dev.url()), &[], None)
            .status,
        404,
        "DICOMweb is off"
    );
}

#[test]
fn tokens_are_signed_as_the_manifest_allows() {
    for algorithm in ["PS256", "ES384", "EdDSA"] {
        let project = Project::new(&format!(
            "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a, algorithms: [{algorithm}, RS256]}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
"
        ));
        let dev = Dev::start(&project, &[]);
        let token = dev.ready["token"].as_str().unwrap();
        let reply = get_frame(&dev, &[("Authorization", &bearer(token))], "");
        assert_eq!(reply.status, 200, "{algorithm}");
    }
}

/// The packaged functions in front of a stand-in that looks for the token.
#[test]
fn no_token_reaches_the_origin() {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let claims = json!({"iss": "https://issuer.example", "aud": "frames", "sub": "s"});
            let claims = IssuerClaims {
                algorithm: Algorithm::RS256,
                claims: serde_json::from_value(claims).unwrap(),
            };
            let issuer = Issuer::start(claims).await.unwrap();
            let project = Project::new(WITH_KEYS);
            project.write("jwks.json", issuer.jwks().to_string());
            project.package();
            let package = project.path().join(".frames/dev");
            let config = SignerConfig {
                region: "us-east-1".to_owned(),
                native_host: "runtime-medical-imaging.us-east-1.amazonaws.com".to_owned(),
                dicomweb_host: Some("dicom-medical-imaging.us-east-1.amazonaws.com".to_owned()),
                metadata: true,
                cached_reads: false,
                log_level: LogLevel::Warn,
            };
            let package = frames_emulator::package::read(&package).unwrap();
            let policy = Policy::of(&package);
            let credentials = Credentials::random().unwrap();
            let stand_in = StandIn::start(
                &config,
                credentials,
                policy,
                healthimaging::embedded().unwrap(),
            )
            .await
            .unwrap();
            let stand_in = Arc::new(stand_in);
            for part in issuer.token().split('.') {
                stand_in.watch_for(part);
            }
            let options = Options {
                port: 0,
                origin: OriginServer::StandIn(stand_in.clone()),
                requests: Arc::new(|_| ()),
                functions: Arc::new(|_, _| ()),
            };
            let cloudfront = CloudFront::start(package, options).await.unwrap();
            let (url, token) = (cloudfront.url(), issuer.token().to_owned());
            let store = stand_in.store().clone();
            tokio::task::spawn_blocking(move || ask_with_every_source(&url, &token, &store))
                .await
                .unwrap();
            let seen = stand_in.seen();
            let (frames, searches) = seen.split_at(8);
            assert!(
                frames.iter().all(|s| s.status == 200 && !s.leaked),
                "{seen:#?}"
            );
            // Whatever it answers to them, it verified their signature before.
            let queries: Vec<&str> = searches.iter().map(|s| s.query.as_str()).collect();
            let left = SEARCHES.map(|(_, left)| left);
            assert_eq!(queries, left, "{searches:#?}");
            assert!(searches.iter().all(|s| !s.leaked), "{searches:#?}");
        });
}

/// What a viewer asks, with a token for `<t>`, and what HealthImaging is asked.
const SEARCHES: [(&str, &str); 7] = [
    ("access_token=<t>&limit=5", "limit=5"),
    ("PatientID=1&TOKEN=<t>", "PatientID=1"),
    ("PatientID=1;token=<t>", "PatientID=1"),
    ("a=1;token=<t>", ""),
    ("id_token=<t>&%74oken%5B%5D=<t>&token+=<t>&jwt=<t>", ""),
    ("PatientID=1%26token=<t>&00100010=A*", "00100010=A%2A"),
    (
        "x-amz-security-token=<t>&code=<t>&fuzzymatching=true",
        "fuzzymatching=true",
    ),
];

const WITH_KEYS: &str = "service: x
auth:
  mode: oidc
  issuer: https://issuer.example
  audience: frames
  jwksFile: ./jwks.json
  tokenSources: [authorization, header, query]
delivery: {dicomweb: true}
";

fn ask_with_every_source(url: &str, token: &str, held: &DataStore) {
    let ct = held.first_frame().unwrap();
    let base = format!("{url}/datastore/{}", held.id);
    let native = format!("{base}/imageSet/{}/getImageFrame", ct.image_set_id);
    let dicomweb = format!(
        "{base}/studies/{}/series/{}/instances/{}/frames/1",
        ct.study, ct.series, ct.instance
    );
    let body = json!({"imageFrameId": ct.image_frame_id()}).to_string();
    let bearer = bearer(token);
    let by_query = format!("?token={token}");
    let by_rfc6750 = format!("?access_token={token}");
    // Another media type each: none is answered from the cache.
    for (header, query, media) in [
        (Some(("authorization", bearer.as_str())), "", "*/*"),
        (Some(("token", token)), "", "image/jphc"),
        (None, by_query.as_str(), "image/jph"),
        (None, by_rfc6750.as_str(), "application/octet-stream"),
    ] {
        let mut headers = vec![("accept", media)];
        headers.extend(header);
        for (method, url, body) in [
            ("POST", &native, Some(body.as_str())),
            ("GET", &dicomweb, None),
        ] {
            let reply = send(method, &format!("{url}{query}"), &headers, body).unwrap();
            assert_eq!(reply.status, 200, "{method} {media}: {}", reply.text());
        }
    }
    // A cookie and an API key of the viewer's are nobody's but its own, either.
    let headers = [
        ("TOKEN", token),
        ("Cookie", &format!("token={token}")),
        ("X-Amz-Security-Token", token),
        ("X-Api-Key", token),
        ("Referer", &format!("https://viewer.example/?token={token}")),
    ];
    for (query, _) in SEARCHES {
        let query = query.replace("<t>", token);
        send("GET", &format!("{base}/studies?{query}"), &headers, None).unwrap();
    }
}
