//! A client of a language server: what an editor says to it over stdio.

use super::process::Background;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A server; it ends when it is dropped.
pub struct Server {
    process: Background,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    /// What it asks for by `workspace/configuration`, by section.
    settings: Value,
    /// The newest findings, by the document's URI.
    findings: HashMap<String, Vec<Value>>,
    last_id: u64,
}

impl Server {
    pub fn start(command: &mut Command, settings: Value) -> Self {
        let (process, stdin, stdout) = Background::converse(command);
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut server = Self {
            process,
            stdin,
            messages,
            settings,
            findings: HashMap::new(),
            last_id: 0,
        };
        server.request(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": null,
                "capabilities": {
                    "workspace": {"configuration": true},
                    "textDocument": {"hover": {"contentFormat": ["markdown"]}},
                },
            }),
        );
        server.notify("initialized", json!({}));
        server
    }

    pub fn open(&mut self, uri: &str, text: &str) {
        self.findings.remove(uri);
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// The first findings that the server publishes for an opened document.
    pub fn findings(&mut self, uri: &str) -> Vec<Value> {
        loop {
            if let Some(findings) = self.findings.remove(uri) {
                return findings;
            }
            let message = self.next(&format!("findings in {uri}"));
            self.handle(&message);
        }
    }

    /// Asks about a place, both numbers from 0.
    pub fn ask(&mut self, method: &str, uri: &str, (line, character): (usize, usize)) -> Value {
        self.request(
            method,
            json!({
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
            }),
        )
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut message = self.next(method);
            if message["id"] == id && message.get("method").is_none() {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.handle(&message);
        }
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// What the server says or asks of its own accord.
    fn handle(&mut self, message: &Value) {
        let params = &message["params"];
        if message["method"] == "textDocument/publishDiagnostics" {
            let findings = params["diagnostics"].as_array().unwrap().clone();
            let uri = params["uri"].as_str().unwrap().to_owned();
            self.findings.insert(uri, findings);
        }
        let Some(id) = message.get("id") else { return };
        let result = match message["method"].as_str() {
            Some("workspace/configuration") => {
                let items = params["items"].as_array().unwrap().iter();
                let sections = items.map(|item| item["section"].as_str().unwrap_or_default());
                sections
                    .map(|section| self.settings[section].clone())
                    .collect()
            }
            _ => Value::Null,
        };
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len())
            .and_then(|()| self.stdin.flush())
            .unwrap_or_else(|error| panic!("{error}: {}", self.process.output()));
    }

    fn next(&mut self, awaited: &str) -> Value {
        self.messages
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_else(|error| panic!("{awaited}: {error}: {}", self.process.output()))
    }
}

/// One message; nothing at the end of the stream.
fn read(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
