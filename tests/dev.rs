//! `frames dev` as a user runs it: a process, its output, and requests to it.

use crate::support::dev::{CT, CT_PIXELS, Dev, Reply, base64url, dicomweb_path, native_path, send};
use crate::support::frames::Project;
use frames::local::Credentials;
use frames::local::edge::{Edge, Options, Origin};
use frames::local::issuer::{Issuer, IssuerClaims};
use frames::local::origin::{Fixtures, Policy, StandIn};
use frames_edge::jose::Algorithm;
use frames_edge::{LogLevel, SignerConfig};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The repository's own manifest: Cognito, every token source, DICOMweb.
fn example() -> Project {
    Project::example()
}

fn get_frame(dev: &Dev, headers: &[(&str, &str)], query: &str) -> Reply {
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    let url = format!("{}{}{query}", dev.url(), native_path(dev));
    dev.request("POST", &url, headers, Some(&body))
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[test]
fn the_printed_curl_line_writes_the_frame() {
    let project = example();
    let dev = Dev::start_human(&project, &[]);
    let line = dev.line_starting("curl ");
    let status = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(project.path())
        .status()
        .unwrap();
    assert!(status.success(), "{line}");
    let written = std::fs::read(project.path().join("frame.jph")).unwrap();
    assert!(written == CT, "not the fixture's bytes");
}

#[test]
fn the_ready_line_has_the_settled_shape() {
    let dev = Dev::start(&example(), &[]);
    let keys: Vec<&str> = dev
        .ready
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["frame", "page", "token", "url"]);
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
    let dev = Dev::start(&example(), &[]);
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
    let dev = Dev::start(&example(), &[]);
    let stranger = Dev::start(&example(), &[]);
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
    let dev = Dev::start(&example(), &[]);
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
    // The token is no part of the cache key, wherever it stands.
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
    let wrong = url.replace("imageSetId=aaaa", "imageSetId=bbbb");
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
    let dev = Dev::start(&example(), &[]);
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
    let dev = Dev::start(&example(), &[]);
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
    assert_eq!(dev.ready["token"], Value::Null);
    assert_eq!(get_frame(&dev, &[], "").status, 200);
    let path = dicomweb_path(&dev);
    assert_eq!(
        dev.request("GET", &format!("{}{path}", dev.url()), &[], None)
            .status,
        404,
        "DICOMweb is off"
    );
}

/// Two data stores; of the first, one image set alone.
const LIMITED: &str = "service: x
auth: {mode: none}
iam:
  allow:
    - datastore: dddddddddddddddddddddddddddddddd
      imageSets: [11111111111111111111111111111111]
    - datastore: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
delivery: {dicomweb: true}
";

#[test]
fn the_signer_reads_what_the_manifest_allows_and_nothing_else() {
    let dev = Dev::start(&Project::new(LIMITED), &[]);
    let path = native_path(&dev);
    assert_eq!(
        path,
        format!(
            "/datastore/{}/imageSet/{}/getImageFrame",
            "d".repeat(32),
            "1".repeat(32)
        )
    );
    let page = dev.ready["page"].as_str().unwrap();
    assert!(page.len() < 60, "{page}");
    let (page, key) = page.split_once('#').unwrap();
    let values =
        |key: &str| send("GET", &format!("{page}values"), &[("X-Key", key)], None).unwrap();
    assert_eq!(values("").status, 403);
    let values = values(key);
    assert_eq!(values.status, 200);
    let values: Value = serde_json::from_slice(&values.body).unwrap();
    assert_eq!(
        (&values["datastore"], &values["imageSet"], &values["token"]),
        (
            &json!("d".repeat(32)),
            &json!("1".repeat(32)),
            &dev.ready["token"]
        )
    );
    let reply = get_frame(&dev, &[], "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.body == CT);
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    for (what, other) in [
        (
            "another image set",
            path.replace(&"1".repeat(32), &"2".repeat(32)),
        ),
        (
            "another data store",
            path.replace(&"d".repeat(32), &"f".repeat(32)),
        ),
    ] {
        let url = format!("{}{other}", dev.url());
        let reply = dev.request("POST", &url, &[], Some(&body));
        assert_eq!(reply.status, 403, "{what}: {}", reply.text());
        // By the authorizer: what isn't listed isn't served from the cache either.
        assert_eq!(reply.text().trim(), r#"{"error":"forbidden"}"#, "{what}");
    }
    // DICOMweb is granted by the data store, and this one isn't whole.
    let dicomweb = |path: &str| {
        let url = format!("{}{path}", dev.url());
        dev.request("GET", &url, &[], None).status
    };
    assert_eq!(dicomweb(&dicomweb_path(&dev)), 403);
    let whole = dicomweb_path(&dev).replace(&"d".repeat(32), &"e".repeat(32));
    assert_eq!(dicomweb(&whole), 404, "allowed, and not there");
}

#[test]
fn with_nothing_allowed_the_line_is_printed_and_refused() {
    let project = Project::new("service: x\nauth: {mode: none}\niam: {allow: []}\n");
    let dev = Dev::start_human(&project, &[]);
    let line = dev.line_starting("curl ");
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(project.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("403"), "{said}");
    let stderr = dev.stderr();
    assert!(
        stderr.contains("403") && stderr.contains("iam.allow"),
        "{stderr}"
    );
}

#[test]
fn an_account_is_not_opened_to_everybody() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let run = project.frames(&["dev", "--port", "0", "--origin", "aws"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("auth.mode: none") && run.stderr.contains("help"),
        "{run:#?}"
    );
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_token_for_aws_is_in_a_private_file_and_in_no_argument() {
    let dev = Dev::start_for_aws(&example());
    let line = dev.line_starting("curl ");
    assert!(!line.contains("Bearer") && !line.contains("eyJ"), "{line}");
    let (_, rest) = line.split_once("-H '@").unwrap();
    let file = std::path::Path::new(rest.split_once('\'').unwrap().0).to_owned();
    let header = std::fs::read_to_string(&file).unwrap();
    assert!(header.starts_with("Authorization: Bearer eyJ"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    dev.stop();
    assert!(!file.parent().unwrap().exists());
}

#[cfg(unix)]
#[test]
fn temporary_files_are_the_users_alone_whatever_the_umask() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start_readable(&example(), directory.path());
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
    let made: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(made.len() >= 3, "the package and two functions: {made:?}");
    for path in made {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
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
                log_level: LogLevel::Warn,
            };
            let policy = Policy::read(&package).unwrap();
            let credentials = Credentials::random().unwrap();
            let stand_in = StandIn::start(&config, credentials, policy).await.unwrap();
            let stand_in = Arc::new(stand_in);
            for part in issuer.token().split('.') {
                stand_in.watch_for(part);
            }
            let options = Options {
                port: 0,
                origin: Origin::StandIn(stand_in.clone()),
                requests: Arc::new(|_| ()),
                functions: Arc::new(|_, _| ()),
            };
            let edge = Edge::start(&package, options).await.unwrap();
            let (url, token) = (edge.url(), issuer.token().to_owned());
            let fixtures = stand_in.fixtures().clone();
            tokio::task::spawn_blocking(move || ask_with_every_source(&url, &token, &fixtures))
                .await
                .unwrap();
            let seen = stand_in.seen();
            let (frames, searches) = seen.split_at(8);
            assert!(
                frames.iter().all(|s| s.status == 200 && !s.leaked),
                "{seen:#?}"
            );
            // The stand-in refuses searches, having verified their signature.
            let queries: Vec<&str> = searches.iter().map(|s| s.query.as_str()).collect();
            let left = SEARCHES.map(|(_, left)| left);
            assert_eq!(queries, left, "{searches:#?}");
            assert!(searches.iter().all(|s| !s.leaked), "{searches:#?}");
        });
}

/// What a viewer asks, a token in the place of `<t>`, and what HealthImaging is asked.
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

fn ask_with_every_source(url: &str, token: &str, fixtures: &Fixtures) {
    let (store, ct) = (&fixtures.datastore_id, &fixtures.instances[0]);
    let base = format!("{url}/datastore/{store}");
    let native = format!("{base}/imageSet/{}/getImageFrame", ct.image_set_id);
    let dicomweb = format!(
        "{base}/studies/{}/series/{}/instances/{}/frames/1",
        ct.study_uid, ct.series_uid, ct.instance_uid
    );
    let body = json!({"imageFrameId": ct.image_frame_id}).to_string();
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

#[test]
fn the_manifests_own_issuer_can_be_kept() {
    let dev = Dev::start(&example(), &["--issuer", "manifest"]);
    assert_eq!(dev.ready["token"], Value::Null);
    let stranger = Dev::start(&example(), &[]);
    // Its keys can't be fetched here, so no token is taken, this one least of all.
    let reply = get_frame(&dev, &[("token", stranger.token())], "");
    assert!(matches!(reply.status, 401 | 503), "{}", reply.status);
}

#[test]
fn without_a_manifest_a_built_in_one_is_served() {
    let project = Project::empty();
    let dev = Dev::start(&project, &[]);
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
    assert!(dev.stderr().contains("no frames.yml"), "{}", dev.stderr());
}

#[test]
fn without_cargo_lambda_the_functions_are_built_with_cargo() {
    let project = example();
    let dev = Dev::start_without_cargo_lambda(&project);
    assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
}

#[test]
fn every_way_to_end_it_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let mut dev = Dev::start(&example(), &[]);
        assert_eq!(get_frame(&dev, &[("token", dev.token())], "").status, 200);
        let children = dev.children();
        assert!(children.len() >= 2, "both functions run: {children:?}");
        let ports = dev.ports();
        assert!(ports.len() >= 3, "{ports:?}");
        let exit = dev.signal(signal);
        if signal != "KILL" {
            assert_eq!(exit, Some(0), "SIG{signal}");
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        let alive = |pid: &u32| {
            std::path::Path::new(&format!("/proc/{pid}/exe"))
                .read_link()
                .is_ok()
        };
        while children.iter().any(alive) {
            assert!(Instant::now() < deadline, "SIG{signal} left {children:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        for port in ports {
            assert!(
                std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
                "SIG{signal} left port {port}"
            );
        }
    }
}

#[test]
fn everything_listens_on_loopback_alone() {
    let dev = Dev::start(&example(), &[]);
    get_frame(&dev, &[("token", dev.token())], "");
    assert!(
        dev.listening_addresses()
            .iter()
            .all(|address| address == "127.0.0.1"),
        "{:?}",
        dev.listening_addresses()
    );
}

#[test]
fn no_secret_is_printed_however_much_is_asked() {
    let dev = Dev::start(&example(), &["--verbose"]);
    let token = dev.token().to_owned();
    let good = bearer(&token);
    get_frame(&dev, &[("Authorization", &good)], "");
    get_frame(&dev, &[], &format!("?token={token}"));
    get_frame(&dev, &[("token", "eyJhbGciOiJub25lIn0.e30.")], "");
    let expired = dev.mint(json!({"exp": 1}));
    get_frame(&dev, &[], &format!("?token={expired}&imageSetId=x"));
    let (stdout, stderr) = dev.stop();
    // The token is printed once, in the ready line, which is what it is for.
    let later: String = stdout.lines().skip(1).collect();
    let printed = format!("{later}{stderr}");
    for secret in [
        token.as_str(),
        expired.as_str(),
        "eyJ",
        "AWS4-HMAC",
        "Signature=",
        "x-amz-security-token",
        "ASIA",
        "token=",
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(
        stderr.contains("invalid_token") || stderr.contains("expired"),
        "the functions' own lines are there: {stderr}"
    );
}

#[test]
fn a_taken_port_is_named() {
    let dev = Dev::start(&example(), &[]);
    let port = dev.url().rsplit(':').next().unwrap().to_owned();
    let output = example().frames(&["dev", "--port", &port]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains(&port) && output.stderr.contains("--port"),
        "{}",
        output.stderr
    );
}
