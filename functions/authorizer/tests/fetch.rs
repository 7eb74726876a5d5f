//! Fetching a key set, against a server that answers as each test says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use frames_authorizer::fetch::Source;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// A server on a free port. It ends with the test's own event loop.
struct Server {
    address: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers each request with what `answer` makes of its path and the server's address; `None`: never.
async fn serve(answer: impl Fn(&str, &str) -> Option<String> + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or("").to_owned();
            match answer(&path, &own) {
                Some(text) => {
                    let _ = stream.write_all(text.as_bytes()).await;
                }
                None => open.push(stream),
            }
        }
    });
    Server { address, task }
}

fn ok(body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

fn source(changes: Value) -> Source {
    let mut all = json!({"jwks": null});
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    Source::of(&config(all).auth.unwrap().issuers[0]).unwrap()
}

fn at(server: &Server) -> Source {
    source(json!({"jwksUri": format!("{}/keys", server.address)}))
}

#[tokio::test]
async fn a_key_set_comes_from_its_address() {
    let server = serve(|path, _| match path {
        "/keys" => ok(&jwks().to_string()),
        _ => ok("{}"),
    })
    .await;
    assert_eq!(at(&server).fetch().await, Ok(jwks()));
}

#[tokio::test]
async fn discovery_leads_to_the_key_set() {
    for tail in ["", "/", "/tenant"] {
        let server = serve(move |path, own| {
            let base = tail.trim_end_matches('/');
            if path == format!("{base}/.well-known/openid-configuration") {
                let document =
                    json!({"issuer": format!("{own}{tail}"), "jwks_uri": format!("{own}/keys")});
                ok(&document.to_string())
            } else if path == "/keys" {
                ok(&jwks().to_string())
            } else {
                ok("{}")
            }
        })
        .await;
        let issuer = format!("{}{tail}", server.address);
        let found = source(json!({"issuers": [issuer]})).fetch().await;
        assert_eq!(found, Ok(jwks()), "{tail}");
    }
}

#[tokio::test]
async fn a_discovery_document_must_speak_for_the_issuer_and_lead_to_https() {
    for (document, word) in [
        (
            json!({"issuer": "https://evil.example", "jwks_uri": "https://issuer.example/keys"}),
            "another issuer",
        ),
        (
            json!({"jwks_uri": "https://issuer.example/keys"}),
            "names no issuer",
        ),
        (json!({"issuer": "OWN"}), "jwks_uri"),
        (
            json!({"issuer": "OWN", "jwks_uri": "http://issuer.example/keys"}),
            "https",
        ),
        (
            json!({"issuer": "OWN", "jwks_uri": "file:///keys"}),
            "https",
        ),
        (
            json!({"issuer": "OWN", "jwks_uri": "https://user:pw@issuer.example/keys"}),
            "credentials",
        ),
    ] {
        let text = document.to_string();
        let server = serve(move |_, own| ok(&text.replace("OWN", own))).await;
        let found = source(json!({"issuers": [server.address]})).fetch().await;
        assert!(
            found.as_ref().unwrap_err().problem.contains(word),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn other_answers_are_errors() {
    let keys = jwks().to_string();
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let failing = format!(
        "HTTP/1.1 500 Oops\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{keys}",
        keys.len()
    );
    let large = format!(r#"{{"keys":[],"pad":"{}"}}"#, "x".repeat(256 * 1024));
    for (answer, word) in [
        (redirect.to_owned(), "302"),
        (failing, "500"),
        (ok("<html>").unwrap(), "JSON"),
        (ok(&large).unwrap(), "limit"),
        // Not one byte of it has to come.
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n".to_owned(),
            "limit",
        ),
        ("nonsense\r\n\r\n".to_owned(), "/keys"),
        (String::new(), "/keys"),
    ] {
        let text = answer.clone();
        let server = serve(move |path, _| match path {
            "/keys" => Some(text.clone()),
            _ => ok(&jwks().to_string()),
        })
        .await;
        let found = at(&server).fetch().await;
        assert!(
            found.as_ref().unwrap_err().problem.contains(word),
            "{word}: {found:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    const OFFERED: usize = 64 * 1024 * 1024;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/keys", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut taken = 0;
        while taken < OFFERED {
            match stream.write(&[b' '; 64 * 1024]).await {
                Ok(length) => taken += length,
                Err(_) => break,
            }
        }
        taken
    });
    let failed = source(json!({"jwksUri": address})).fetch().await;
    let problem = failed.unwrap_err().problem;
    assert!(problem.contains("more than 256 KiB"), "{problem}");
    // The rest is what the two sockets hold.
    let taken = server.await.unwrap();
    assert!(taken < OFFERED / 2, "{taken}");
}

#[tokio::test]
async fn a_server_that_never_answers_costs_three_seconds() {
    let server = serve(|_, _| None).await;
    let start = Instant::now();
    let problem = at(&server).fetch().await.unwrap_err().problem;
    assert!(problem.contains("3 s"), "{problem}");
    // Not for ever: how late a busy machine is, is no matter of the limit.
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn nobody_listening_is_an_error_with_its_cause() {
    // It has the port, so that no other server gets it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = format!("http://{}/keys", socket.local_addr().unwrap());
    let problem = source(json!({"jwksUri": address}))
        .fetch()
        .await
        .unwrap_err()
        .problem;
    assert!(problem.contains("refused"), "{problem}");
}

#[tokio::test]
async fn a_failure_tells_nothing_of_the_query() {
    let html = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    let large = "x".repeat(300 * 1024);
    for answer in [
        html.to_owned(),
        html.replace("200 OK", "500 Oops"),
        ok(&large).unwrap(),
        "nonsense\r\n\r\n".to_owned(),
        String::new(),
    ] {
        let server = serve(move |_, _| Some(answer.clone())).await;
        let address = format!("{}/keys?key=s3cret", server.address);
        let source = source(json!({"jwksUri": address}));
        let problem = source.fetch().await.unwrap_err().problem;
        let shown = format!("{}/keys", server.address);
        assert!(problem.contains(&shown), "{problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
    let server = serve(|_, own| {
        let leading = json!({"issuer": own, "jwks_uri": "ftp://issuer.example/keys?key=s3cret"});
        ok(&leading.to_string())
    })
    .await;
    let source = source(json!({"issuers": [server.address]}));
    let problem = source.fetch().await.unwrap_err().problem;
    assert!(!problem.contains("s3cret"), "{problem}");
}

#[tokio::test]
async fn a_plain_server_does_not_pass_for_https() {
    let server = serve(|_, _| ok(&jwks().to_string())).await;
    let address = server.address.replace("http://", "https://");
    let found = source(json!({"jwksUri": format!("{address}/keys")}))
        .fetch()
        .await;
    assert!(found.is_err());
}
