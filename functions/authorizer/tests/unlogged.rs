//! The program itself, with an audit line that can't be written: nothing is passed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::*;

/// A folder with the program's `config.json`, gone with the value.
struct Task(PathBuf);

impl Task {
    fn new(name: &str) -> Self {
        let mut config = serde_json::to_value(config(json!({"algorithms": ["RS256"]}))).unwrap();
        config["auditClaims"] = json!(["sub"]);
        let folder = std::env::temp_dir().join(format!("frames-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        Self(folder)
    }

    fn command(&self, api: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frames-authorizer"));
        command
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("LAMBDA_TASK_ROOT", &self.0)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A request of the Runtime API's client: its first line and its body.
fn heard(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    stream.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    while is_chunked {
        let mut size = String::new();
        stream.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).ok()?;
        body.extend(&chunk[..size]);
        is_chunked = size > 0;
    }
    Some((first, body))
}

/// Hands one event over, and gives back what the program answers.
fn invoked(listener: &TcpListener, event: &Value) -> Value {
    loop {
        let (stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        let mut stream = BufReader::new(stream);
        while let Some((first, body)) = heard(&mut stream) {
            if first.contains("/invocation/next") {
                let event = event.to_string();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r\r\n\
                     Lambda-Runtime-Deadline-Ms: 99999999999999\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:111122223333:function:f\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
                    event.len()
                );
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            } else {
                assert!(first.contains("/invocation/r/response"), "{first}");
                return serde_json::from_slice(&body).unwrap();
            }
        }
    }
}

fn event() -> Value {
    // The program goes by the clock.
    let far = 4_102_444_800_u64;
    let token = Key::issuer().token(&claims(json!({"exp": far})));
    let mut request = serde_json::to_value(bearer(&token)).unwrap();
    request["clientIp"] = json!("203.0.113.178");
    json!({"Records": [{"cf": {
        "config": {"eventType": "viewer-request", "requestId": "the-request"},
        "request": request,
    }}]})
}

/// The answer, and what it wrote to stderr before it was ended.
fn answered(name: &str, stdout: Stdio) -> Value {
    let task = Task::new(name);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = listener.local_addr().unwrap().to_string();
    let mut child = task.command(&api).stdout(stdout).spawn().unwrap();
    let answer = invoked(&listener, &event());
    child.kill().unwrap();
    child.wait().unwrap();
    answer
}

#[test]
fn no_image_without_its_line() {
    let folder = Task::new("unlogged-file");
    let log = folder.0.join("log");
    let passed = answered("unlogged-good", File::create(&log).unwrap().into());
    assert_eq!(passed["uri"], PATH, "{passed}");
    let written = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(line["event"], "access");
    assert_eq!(line["requestId"], "the-request");
    assert_eq!(line["claims"], json!({"sub": "user"}));

    let full = File::options().write(true).open("/dev/full").unwrap();
    let refused = answered("unlogged-full", full.into());
    assert_eq!(refused["status"], "503", "{refused}");
    assert_eq!(refused["body"], r#"{"error":"audit_unavailable"}"#);
    assert_eq!(refused["headers"]["cache-control"][0]["value"], "no-store");
    // A reader that has gone away.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let refused = answered("unlogged-gone", writer.into());
    assert_eq!(refused["status"], "503", "{refused}");
}

#[test]
fn without_an_output_it_does_not_start() {
    let task = Task::new("unlogged-null");
    let output = task
        .command("127.0.0.1:1")
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("stdout leads nowhere"), "{said}");
}
