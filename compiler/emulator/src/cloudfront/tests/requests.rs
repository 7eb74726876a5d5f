//! Requests that CloudFront itself refuses, and how requests are logged.

use super::*;

#[tokio::test]
async fn cloudfronts_own_refusals() {
    let setup = Setup::new().await;
    assert_eq!(setup.send("POST", "/get-only/a", &[], "").await.status, 403);
    assert_eq!(
        setup
            .send("POST", "/Get-only/a", &[("x-viewer", "who")], "")
            .await
            .status,
        200
    );
    assert_eq!(setup.send("GET", "/a", &[], "body").await.status, 403);
    assert_eq!(
        setup
            .get(&format!("/{}", "a".repeat(8_192)), &[])
            .await
            .status,
        414
    );
    assert_eq!(
        setup
            .get("/a", &[("x-long", &"a".repeat(20_480))])
            .await
            .status,
        494
    );
    assert_eq!(
        setup.get("/a", &[("host", "evil.example")]).await.status,
        403
    );
    let logged = setup.requests.lock().unwrap();
    assert!(
        logged
            .iter()
            .all(|r| r.path.len() <= 1_030 && !r.path.contains('?'))
    );
}

/// What the edge answers to these bytes, up to the end of the head.
async fn raw(setup: &Setup, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(setup.edge.address())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part);
        let count = tokio::time::timeout(std::time::Duration::from_secs(60), read).await;
        let count = count.expect("an answer within a minute").unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refused_method_is_not_waited_for() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    let head = format!("POST /get-only/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n");
    let answer = raw(&setup, &head).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn a_request_names_this_edge_once() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    for (request, status) in [
        (
            format!("GET http://{host}/a HTTP/1.1\r\nHost: {host}\r\nX-Viewer: who\r\n"),
            200,
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n"),
            400,
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n"),
            400,
        ),
        ("GET /a HTTP/1.1\r\n".to_owned(), 400),
        (
            format!("GET http://evil.example/a HTTP/1.1\r\nHost: {host}\r\n"),
            400,
        ),
        (
            format!("GET http://{host}/a HTTP/1.1\r\nHost: evil.example\r\n"),
            403,
        ),
    ] {
        let answer = raw(&setup, &format!("{request}\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}{answer}"
        );
    }
}

#[tokio::test]
async fn no_log_line_carries_a_control_sequence() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    raw(
        &setup,
        &format!("GET /\u{202e}a\u{9b}b HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    )
    .await;
    setup.viewer("print").await;
    let paths: Vec<String> = setup
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.path.clone())
        .collect();
    assert_eq!(paths, ["/\\u{202e}a\\u{9b}b", "/a"]);
    // The line comes by another way than the answer.
    for _ in 0..3_000 {
        let lines = setup.lines.lock().unwrap().join("\n");
        if lines.contains("printed") {
            assert!(lines.contains("\\u{1b}[2Jprinted\\u{202e}"), "{lines}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the function's line is missing");
}

#[tokio::test]
async fn a_log_line_has_the_contracts_shape() {
    let setup = Setup::new().await;
    setup.get("/a?token=t", &[("x-origin", "cached")]).await;
    let logged = setup.requests.lock().unwrap();
    let line = serde_json::to_value(&logged[0]).unwrap();
    assert_eq!(
        (
            &line["method"],
            &line["path"],
            &line["status"],
            &line["cache"]
        ),
        (&"GET".into(), &"/a".into(), &200.into(), &"miss".into())
    );
    assert!(line["ms"].as_f64().unwrap() >= line["stages"]["originRequest"].as_f64().unwrap());
    assert!(line["stages"]["viewerRequest"].is_number());
}
