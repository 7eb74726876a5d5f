//! The reader's packaged program, against a HealthImaging that is slow, breaks off, refuses
//! and sends much: what it asks, what it passes on, and that a cut answer never looks whole.

use crate::support::dev::Dev;
use crate::support::emulator::{CREDENTIALS, Lambda, Task};
use crate::support::frames::Project;
use crate::support::https::{self, Https};
use crate::support::peers::botocore;
use crate::support::process::eventually;
use crate::support::reader::{HOST, Loopback, PATH, Reader, config, event, frame, sends, whole};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const MB: usize = 1024 * 1024;

const MANIFEST: &str = "service: reader-test
healthImaging: {region: us-west-2}
auth: {mode: oidc, issuer: https://issuer.example.org/, audience: frames}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
delivery: {cachedReads: true, metadata: true}
";

/// The reader of a packaged delivery.
pub fn task() -> Task {
    let project = Project::new(MANIFEST);
    project.package();
    Task::of(&project, "reader")
}

/// Beside a HealthImaging of the test's own.
fn started() -> (Reader, Loopback) {
    let loopback = Loopback::start();
    (Reader::start(task(), &loopback.url(), &[]), loopback)
}

#[test]
fn a_frame_comes_as_healthimaging_sends_it() {
    let (reader, loopback) = started();
    let sent = reader.ask(&frame());
    assert!(sent.ended, "{}", reader.log());
    assert_eq!((sent.status(), &sent.body[..]), (200, &b"frame"[..]));
    let headers = json!({"content-type": "image/jph", "content-length": "5"});
    assert_eq!(sent.prelude["headers"], headers);
    let head = sent.head.to_lowercase();
    for field in [
        "content-type: application/vnd.awslambda.http-integration-response",
        "lambda-runtime-function-response-mode: streaming",
    ] {
        assert!(head.contains(field), "{head}");
    }
    let asked = loopback.asked().remove(0);
    let line = format!("POST {PATH}getImageFrame HTTP/1.1");
    assert_eq!(asked.head.lines().next(), Some(line.as_str()));
    assert_eq!(
        asked.body,
        json!({"imageFrameId": "f".repeat(32)}).to_string()
    );
    assert_eq!(asked.header("host"), HOST);
    assert_eq!(asked.header("content-type"), "application/json");
    let signed = ["host", "content-type", "x-amz-content-sha256"];
    let signed = signed.map(|name| (name.to_owned(), json!(asked.header(name))));
    let question = json!({
        "accessKey": CREDENTIALS[0].1, "secretKey": CREDENTIALS[1].1, "token": CREDENTIALS[2].1,
        "region": "us-west-2", "service": "medical-imaging", "method": "POST",
        "url": format!("https://{HOST}{PATH}getImageFrame"),
        "headers": serde_json::Map::from_iter(signed),
        "date": asked.header("x-amz-date"), "body": asked.body,
    });
    assert_eq!(asked.header("authorization"), botocore(&question));
    // Its own log has neither the request nor anything of the signature.
    let log = reader.log();
    assert!(
        log.contains(r#"{"decision":"read","level":"info","requestId":"cf==","status":200}"#),
        "{log}"
    );
    for secret in [
        CREDENTIALS[0].1,
        CREDENTIALS[1].1,
        CREDENTIALS[2].1,
        "Signature",
        "datastore",
    ] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn metadata_stays_compressed() {
    let (reader, loopback) = started();
    let packed = https::gzipped(b"{\"SchemaVersion\":\"1.1\"}");
    let answer = packed.clone();
    loopback.answer_with(move |_, stream| {
        let fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
        sends(stream, &whole("200 OK", fields, &answer))
    });
    for query in ["", "version=3"] {
        let sent = reader.ask(&event("GET", "getImageSetMetadata", query));
        assert_eq!((sent.status(), sent.ended), (200, true));
        assert_eq!(sent.header("content-encoding"), "gzip");
        assert_eq!(sent.body, packed);
        let asked = loopback.asked().pop().unwrap();
        let mark = if query.is_empty() { "" } else { "?" };
        let line = format!("POST {PATH}getImageSetMetadata{mark}{query} HTTP/1.1");
        assert_eq!(asked.head.lines().next(), Some(line.as_str()));
        assert_eq!(asked.body, "");
    }
}

#[test]
fn what_it_doesnt_serve_never_reaches_healthimaging() {
    let (reader, loopback) = started();
    let id = "f".repeat(32);
    for (method, read, query, status, class) in [
        ("POST", "getImageFrame", "", 405, "method_not_allowed"),
        ("GET", "getImageFrame", "", 400, "invalid_request"),
        (
            "GET",
            "getImageFrame",
            "imageFrameId=1",
            400,
            "invalid_request",
        ),
        (
            "GET",
            "getImageSetMetadata",
            "version=0",
            400,
            "invalid_request",
        ),
        ("GET", "getImageSet", "", 404, "not_found"),
        ("GET", "../../../etc/passwd", "", 404, "not_found"),
        (
            "GET",
            "getImageFrame",
            &format!("imageFrameId={id}&token=s3cret"),
            400,
            "invalid_request",
        ),
    ] {
        let sent = reader.ask(&event(method, read, query));
        assert_eq!(
            (sent.status(), sent.ended),
            (status, true),
            "{read} {query}"
        );
        assert_eq!(sent.header("cache-control"), "no-store");
        assert_eq!(sent.class(), class);
        assert_eq!(sent.header("content-length"), sent.body.len().to_string());
    }
    assert_eq!(loopback.connections(), 0);
    assert!(!reader.log().contains("s3cret"), "{}", reader.log());
}

#[test]
fn healthimagings_refusals_pass_and_nobody_keeps_them() {
    let (reader, loopback) = started();
    for (line, fields, status) in [
        (
            "400 Bad Request",
            "x-amzn-errortype: ValidationException\r\n",
            400,
        ),
        (
            "403 Forbidden",
            "x-amzn-errortype: AccessDeniedException\r\n",
            403,
        ),
        (
            "404 Not Found",
            "x-amzn-errortype: ResourceNotFoundException\r\n",
            404,
        ),
        (
            "429 Too Many Requests",
            "Retry-After: 2\r\nCache-Control: max-age=60\r\n",
            429,
        ),
        ("500 Internal Server Error", "", 500),
        ("503 Service Unavailable", "", 503),
    ] {
        loopback.answer_with(move |_, stream| {
            sends(stream, &whole(line, fields, b"{\"message\":\"why\"}"))
        });
        let sent = reader.ask(&frame());
        assert_eq!((sent.status(), sent.ended), (status, true), "{line}");
        assert_eq!(sent.body, b"{\"message\":\"why\"}");
        assert_eq!(sent.header("cache-control"), "no-store");
        if status == 429 {
            assert_eq!(sent.header("retry-after"), "2");
        }
    }
    // None of them is asked a second time: that is for the viewer to decide.
    assert_eq!(loopback.asked().len(), 6);
}

#[test]
fn a_slow_answer_is_passed_on_part_by_part() {
    let (reader, loopback) = started();
    loopback.answer_with(|_, stream| {
        let pause = || std::thread::sleep(Duration::from_millis(150));
        pause();
        sends(stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
        pause();
        sends(stream, b"\r\n3\r\nabc\r\n");
        pause();
        sends(stream, b"3\r\nde");
        pause();
        sends(stream, b"f\r\n0\r\n\r\n")
    });
    let sent = reader.ask(&frame());
    assert_eq!(
        (sent.status(), sent.ended, &sent.body[..]),
        (200, true, &b"abcdef"[..])
    );
}

#[test]
fn a_cut_answer_never_looks_whole() {
    let (reader, loopback) = started();
    let cuts: [(&str, &[u8]); 4] = [
        (
            "length",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd",
        ),
        (
            "length, at its start",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        ),
        (
            "chunks",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
        ),
        (
            "in a chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabcd",
        ),
    ];
    for (what, bytes) in cuts {
        loopback.answer_with(move |_, stream| {
            sends(stream, bytes);
            false
        });
        let sent = reader.ask(&frame());
        assert!(!sent.ended, "{what}");
        assert_eq!(sent.status(), 200, "{what}");
        assert!(b"abcd".starts_with(&sent.body[..]), "{what}");
        eventually("the reason in the log", || {
            let broken = reader.log().matches("origin_broke_off").count();
            (broken > 0).then_some(())
        });
    }
    // The same process goes on.
    loopback.answer_with(|_, stream| sends(stream, &whole("200 OK", "", b"next")));
    let sent = reader.ask(&frame());
    assert_eq!((sent.ended, &sent.body[..]), (true, &b"next"[..]));
    // The log arrives a moment after the answers.
    eventually("one reason for each", || {
        let broken = reader.log().matches("origin_broke_off").count();
        (broken == 4).then_some(())
    });
}

#[test]
fn an_answer_without_a_length_is_refused() {
    let (reader, loopback) = started();
    loopback.answer_with(|_, stream| {
        sends(
            stream,
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jph\r\n\r\nabcd",
        );
        false
    });
    let sent = reader.ask(&frame());
    assert_eq!(
        (sent.status(), sent.class().as_str()),
        (502, "origin_unbounded")
    );
    assert_eq!(sent.header("cache-control"), "no-store");
}

/// Not in the middle of a 200: Lambda streams 200 MB at the most, and 2 MB per second.
#[test]
fn what_cant_pass_in_time_is_refused_before_it_begins() {
    let (reader, loopback) = started();
    for (length, seconds) in [(200_000_001, 900), (9_000_000, 1), (6_000_001, 0)] {
        loopback.answer_with(move |_, stream| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            sends(stream, head.as_bytes())
        });
        for method in ["GET", "HEAD"] {
            let mut event = frame();
            event["requestContext"]["http"]["method"] = json!(method);
            let sent = reader.ask_within(&event, Duration::from_secs(seconds));
            assert_eq!((sent.status(), sent.ended), (502, true), "{length}");
            assert_eq!(sent.class(), "answer_too_large");
            assert_eq!(sent.header("cache-control"), "no-store");
        }
    }
    eventually("the reason and the way out in the log", || {
        let log = reader.log();
        let told = ["answer_too_large", "Read it by POST"];
        told.iter().all(|told| log.contains(told)).then_some(())
    });
    loopback.answer_with(|_, stream| large(stream, 9 * MB));
    let sent = reader.ask_within(&frame(), Duration::from_secs(60));
    assert_eq!((sent.status(), sent.body.len()), (200, 9 * MB));
}

/// A frame's head costs no frame.
#[test]
fn a_head_is_answered_without_reading_the_body() {
    let (reader, loopback) = started();
    // The body never comes, and nobody waits for it.
    loopback.answer_with(|_, stream| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jph\r\nContent-Length: 9000000\r\n\r\n";
        sends(stream, head)
    });
    let mut event = frame();
    event["requestContext"]["http"]["method"] = json!("HEAD");
    let sent = reader.ask(&event);
    assert_eq!((sent.status(), sent.ended), (200, true));
    assert_eq!(sent.body, b"");
    let headers = json!({"content-type": "image/jph", "content-length": "9000000"});
    assert_eq!(sent.prelude["headers"], headers);
    // What is left of the body is never taken for the next answer.
    loopback.answer_with(|_, stream| sends(stream, &whole("200 OK", "", b"next")));
    assert_eq!(reader.ask(&frame()).body, b"next");
    assert_eq!(loopback.connections(), 2);
    assert!(!reader.log().contains("origin_"), "{}", reader.log());
}

#[test]
fn connections_are_kept_and_lost_ones_made_anew() {
    let (reader, loopback) = started();
    for _ in 0..20 {
        assert_eq!(reader.ask(&frame()).status(), 200);
    }
    assert_eq!((loopback.connections(), loopback.asked().len()), (1, 20));
    // It takes a request, and hangs up: a kept connection that was closed meanwhile.
    let mut lost = 0;
    loopback.answer_with(move |_, stream| {
        lost += 1;
        lost > 1 && sends(stream, &whole("200 OK", "", b"again"))
    });
    let sent = reader.ask(&frame());
    assert_eq!((sent.status(), &sent.body[..]), (200, &b"again"[..]));
    // Where nothing answers, that is said, and soon.
    loopback.answer_with(|_, _| false);
    let sent = reader.ask(&frame());
    assert_eq!(
        (sent.status(), sent.class().as_str()),
        (502, "origin_unreachable")
    );
    assert_eq!(sent.header("cache-control"), "no-store");
}

/// Writes a frame of any size without holding it.
fn large(stream: &mut TcpStream, bytes: usize) -> bool {
    let part: Vec<u8> = (0..MB).map(|n| n as u8).collect();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
    sends(stream, head.as_bytes()) && (0..bytes / MB).all(|_| sends(stream, &part))
}

#[test]
fn memory_doesnt_grow_with_a_frame() {
    let (reader, loopback) = started();
    let ask = |megabytes: usize| {
        loopback.answer_with(move |_, stream| large(stream, megabytes * MB));
        let sent = reader.ask(&frame());
        assert_eq!((sent.ended, sent.body.len()), (true, megabytes * MB));
        let is_whole = |part: &[u8]| part.iter().enumerate().all(|(n, byte)| *byte == n as u8);
        assert!(sent.body.chunks(MB).all(is_whole));
        reader.kilobytes("VmHWM:")
    };
    let small = ask(1);
    let big = (0..3).map(|_| ask(40)).max().unwrap_or_default();
    assert!(
        big < small + 3 * 1024,
        "{small} kB for 1 MB, {big} kB for 40 MB"
    );
    assert!(big < 16 * 1024, "{big} kB");
}

#[test]
fn healthimaging_has_to_show_a_certificate() {
    let https = Https::start(|_| https::answer("200 OK", "secure"));
    let authority = https.authority();
    let trusting = [("SSL_CERT_FILE", authority.to_str().unwrap())];
    let reader = Reader::start(task(), &https.url, &trusting);
    let sent = reader.ask(&frame());
    assert_eq!(
        (sent.status(), &sent.body[..]),
        (200, &b"secure"[..]),
        "{}",
        reader.log()
    );
    let asked = https.asked();
    let reader = Reader::start(task(), &https.url, &[]);
    let sent = reader.ask(&frame());
    assert_eq!(
        (sent.status(), sent.class().as_str()),
        (502, "origin_unreachable")
    );
    assert_eq!(https.asked(), asked);
}

#[test]
fn it_goes_nowhere_else() {
    for (endpoint, config, reason) in [
        (
            "https://evil.example",
            config(true),
            "has to be an address of this machine",
        ),
        (
            "http://10.0.0.1:80",
            config(true),
            "has to be an address of this machine",
        ),
        (
            "http://127.0.0.1:1",
            json!({"region": "us-west-2", "nativeHost": "evil.example", "metadata": true, "logLevel": "warn"}),
            "the only host to sign for is",
        ),
    ] {
        let task = task();
        let path = task.file("config.json");
        fs::write(&path, config.to_string()).unwrap();
        let output = Command::new(task.file("bootstrap"))
            .env_clear()
            .envs(CREDENTIALS)
            .env("LAMBDA_TASK_ROOT", task.file(""))
            .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
            .env("AWS_LAMBDA_FUNCTION_NAME", "frames-reader")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_ENDPOINT_URL_MEDICAL_IMAGING", endpoint)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn its_zip_is_small_and_starts_by_itself() {
    let task = task();
    for file in ["index.py", "child.py", "launch"] {
        assert!(!task.file(file).exists(), "{file}");
    }
    let config: Value =
        serde_json::from_slice(&fs::read(task.file("config.json")).unwrap()).unwrap();
    assert_eq!(config["nativeHost"], HOST);
    let program = fs::metadata(task.file("bootstrap")).unwrap().len();
    assert!(program < 3 * MB as u64, "{program} bytes");
}

/// AWS's own emulator gives the stream as it came: prelude, delimiter and body.
#[test]
fn awss_emulator_takes_its_stream() {
    let loopback = Loopback::start();
    let body: Vec<u8> = b"frame ".repeat(100_000);
    let sent = body.clone();
    loopback.answer_with(move |_, stream| {
        sends(
            stream,
            &whole("200 OK", "Content-Type: image/jph\r\n", &sent),
        )
    });
    let environment = [("AWS_ENDPOINT_URL_MEDICAL_IMAGING", loopback.url())];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let lambda = Lambda::start_program(task(), &environment);
    let expected = {
        let headers =
            json!({"content-length": body.len().to_string(), "content-type": "image/jph"});
        let prelude = json!({"headers": headers, "statusCode": 200}).to_string();
        [prelude.as_bytes(), &[0; 8], &body].concat()
    };
    for _ in 0..3 {
        assert!(
            lambda.invoke_bytes(&frame().to_string()) == expected,
            "{}",
            lambda.log()
        );
    }
    let refused = lambda.invoke_bytes(&event("GET", "getImageSet", "").to_string());
    let refused = String::from_utf8(refused).unwrap();
    assert!(
        refused.contains(r#""statusCode":404"#) && refused.contains("not_found"),
        "{refused}"
    );
    let broken = lambda.invoke_bytes(r#"{"rawPath": 1, "token": "s3cret"}"#);
    let broken = String::from_utf8(broken).unwrap();
    assert!(
        broken.contains("not an event of a function URL"),
        "{broken}"
    );
    // A cut answer is none there, either.
    loopback.answer_with(|_, stream| {
        sends(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd");
        false
    });
    let cut = lambda.invoke_bytes(&frame().to_string());
    assert!(!cut.ends_with(b"abcd"), "{}", String::from_utf8_lossy(&cut));
    loopback.answer_with(|_, stream| sends(stream, &whole("200 OK", "", b"after")));
    eventually("an answer after the cut one", || {
        let answer = lambda.invoke_bytes(&frame().to_string());
        answer.ends_with(b"\0after").then_some(())
    });
    assert!(!lambda.log().contains("s3cret"), "{}", lambda.log());
}

/// Its way through `frames dev`, to a HealthImaging of the test's own.
#[test]
fn what_failed_is_asked_for_again_and_what_came_whole_is_kept() {
    let loopback = Loopback::start();
    let project = Project::new(MANIFEST);
    let endpoint = loopback.url();
    let variables = [
        ("AWS_ENDPOINT_URL_MEDICAL_IMAGING", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", CREDENTIALS[0].1),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1].1),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let dev = Dev::start_with(&project, &variables, &["--origin", "aws"]);
    let token = format!("Bearer {}", dev.token());
    let get = |read: &str| {
        let url = format!("{}{PATH}{read}", dev.url());
        dev.request("GET", &url, &[("Authorization", &token)], None)
    };
    let frame = format!("getImageFrame?imageFrameId={}", "f".repeat(32));
    // A refusal goes through as it is, whatever it says of its age, and nobody keeps it.
    for (line, fields, status, wait) in [
        ("429 Too Many Requests", "Retry-After: 1\r\n", 429, "1"),
        (
            "500 Internal Server Error",
            "Cache-Control: max-age=60\r\n",
            500,
            "",
        ),
    ] {
        let refused = whole(line, fields, b"why");
        loopback.answer_with(move |_, stream| sends(stream, &refused));
        for _ in 0..2 {
            let reply = get(&frame);
            assert_eq!((reply.status, reply.text().as_str()), (status, "why"));
            assert_eq!(reply.header("retry-after"), wait);
            assert_eq!(reply.header("x-cache"), "Error from cloudfront");
            assert!(reply.header("cache-control").contains("no-store"));
        }
    }
    for cut in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
    ] {
        loopback.answer_with(move |_, stream| {
            sends(stream, cut);
            false
        });
        let reply = get(&frame);
        assert!(
            reply.status == 502 && !reply.body.ends_with(b"abcd"),
            "{}",
            reply.text()
        );
    }
    loopback.answer_with(move |_, stream| large(stream, 9 * MB));
    for cache in [
        "Miss from cloudfront",
        "Hit from cloudfront",
        "Hit from cloudfront",
    ] {
        let reply = get(&frame);
        assert_eq!((reply.status, reply.header("x-cache")), (200, cache));
        assert_eq!(reply.body.len(), 9 * MB);
    }
    // One request for each answer that wasn't kept: the cut ones began, so they aren't repeated.
    assert_eq!(loopback.asked().len(), 7);
    let seen = loopback.asked().pop().unwrap();
    assert_eq!(
        seen.head.lines().next(),
        Some(format!("POST {PATH}getImageFrame HTTP/1.1").as_str())
    );
    // The way by POST is the signer's own, as it was, and nobody keeps it.
    loopback.answer_with(|_, stream| sends(stream, &whole("200 OK", "", b"posted")));
    let body = json!({"imageFrameId": "f".repeat(32)}).to_string();
    for _ in 0..2 {
        let url = format!("{}{PATH}getImageFrame", dev.url());
        let fields: [(&str, &str); 1] = [("Authorization", &token)];
        let reply = dev.request("POST", &url, &fields, Some(&body));
        assert_eq!((reply.status, reply.text().as_str()), (200, "posted"));
    }
    assert_eq!(loopback.asked().len(), 9);
    // Metadata, as the built-in data store has it, needs no more.
    loopback.answer_with(|_, stream| {
        let fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
        sends(stream, &whole("200 OK", fields, &https::gzipped(b"{}")))
    });
    assert_eq!(get("getImageSetMetadata?version=1").status, 200);
    let leaked = |text: &str| text.contains(dev.token());
    assert!(
        !loopback
            .asked()
            .iter()
            .any(|asked| leaked(&asked.head) || leaked(&asked.body))
    );
    let secrets = [dev.token().to_owned(), CREDENTIALS[1].1.to_owned()];
    let (_, stderr) = dev.stop();
    assert!(
        !secrets.iter().any(|secret| stderr.contains(secret)),
        "{stderr}"
    );
}
