//! A real Chromium, and pages of an origin of the test's own.

use super::peers::{chromium, node_modules};
use super::process::Background;
use super::{root, target};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A headless Chromium. It ends when it is dropped, and before its directory goes.
pub struct Browser(Driver);

/// A script in node that drives a headless Chromium by what it is told, a line each.
pub struct Driver {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    process: Background,
    home: Home,
}

impl Driver {
    /// `script` is in `tests/peers/`.
    pub fn start(script: &str) -> Self {
        let home = Home::new();
        let (process, stdin, stdout) = Background::converse(
            Command::new("node")
                .arg(root().join("tests/peers").join(script))
                .arg(chromium())
                .current_dir(node_modules().parent().unwrap())
                .env("HOME", home.path())
                .env("TMPDIR", home.path()),
        );
        Self {
            stdin,
            stdout: BufReader::new(stdout),
            process,
            home,
        }
    }

    pub fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.stdin, "{command}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line}{}", self.process.output()));
        assert_eq!(answer.get("failure"), None, "{command}");
        answer
    }
}

/// What a script got.
#[derive(Debug)]
pub struct Fetched {
    value: Value,
}

impl Browser {
    pub fn start() -> Self {
        Self(Driver::start("browser.mjs"))
    }

    /// `fetch` in a script of a page; `options` are those of the function.
    pub fn fetch(&mut self, page: &str, url: &str, mut options: Value) -> Fetched {
        options["command"] = "fetch".into();
        options["page"] = page.into();
        options["url"] = url.into();
        let value = self.ask(&options);
        Fetched { value }
    }

    /// Whether an address is shown in a frame of the page.
    pub fn frames(&mut self, page: &str, url: &str) -> bool {
        self.ask(&json!({"command": "frame", "page": page, "url": url}))["shown"] == true
    }

    /// Goes to an address; `wait` is a selector whose text becomes `text`.
    pub fn visit(&mut self, url: &str, wait: Option<&str>) -> Value {
        self.ask(&json!({"command": "visit", "url": url, "wait": wait}))
    }

    /// The texts of an SVG, as a reader whose system asks for `scheme` sees them.
    pub fn picture(&mut self, url: &str, scheme: &str) -> Vec<Text> {
        let answer = self.ask(&json!({"command": "picture", "url": url, "scheme": scheme}));
        let texts = answer["texts"].as_array().unwrap().iter();
        texts.map(Text::of).collect()
    }

    /// A graph, drawn by Mermaid: `nodes` and `stages`; with a picture below `target/`.
    pub fn graph(&mut self, text: &str, name: &str) -> Value {
        let path = screenshots().join(name);
        self.ask(&json!({"command": "graph", "text": text, "path": path}))
    }

    /// Opens a page for the steps after it, in a window of this size.
    pub fn open(&mut self, url: &str, scheme: &str, size: [u32; 2]) {
        self.ask(&json!({"command": "open", "url": url, "scheme": scheme, "size": size}));
    }

    /// Waits until an expression of the open page's is true.
    pub fn until(&mut self, script: &str) {
        self.ask(&json!({"command": "until", "script": script}));
    }

    pub fn evaluate(&mut self, script: &str) -> Value {
        self.ask(&json!({"command": "evaluate", "script": script}))["value"].take()
    }

    pub fn click(&mut self, selector: &str) {
        self.ask(&json!({"command": "click", "selector": selector}));
    }

    pub fn fill(&mut self, selector: &str, text: &str) {
        self.ask(&json!({"command": "fill", "selector": selector, "text": text}));
    }

    pub fn press(&mut self, selector: &str, key: &str) {
        self.ask(&json!({"command": "press", "selector": selector, "key": key}));
    }

    pub fn wheel(&mut self, selector: &str, by: i32) {
        self.ask(&json!({"command": "wheel", "selector": selector, "by": by}));
    }

    pub fn drag(&mut self, selector: &str, by: [i32; 2]) {
        self.ask(&json!({"command": "drag", "selector": selector, "by": by}));
    }

    /// A picture of the whole page, below `target/`, for whoever wants to look.
    pub fn shoot(&mut self, name: &str) {
        self.ask(&json!({"command": "shoot", "path": screenshots().join(name)}));
    }

    fn ask(&mut self, command: &Value) -> Value {
        self.0.ask(command)
    }

    pub fn home(&self) -> &Path {
        self.0.home.path()
    }

    /// Process ids of node, and of Chromium.
    pub fn processes(&self) -> (u32, Vec<u32>) {
        (self.0.process.pid(), chromiums(self.home()))
    }
}

/// Where pictures are, for whoever wants to look.
fn screenshots() -> PathBuf {
    let folder = target().join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A text of a picture.
#[derive(Debug)]
#[expect(dead_code, reason = "only a failure shows the text itself")]
pub struct Text {
    text: String,
    /// Within its picture, and within its box.
    pub inside: bool,
    pub color: [u8; 3],
    pub behind: [u8; 3],
}

impl Text {
    fn of(value: &Value) -> Self {
        let color = |name: &str| -> [u8; 3] {
            let parts = value[name].as_array().unwrap().iter();
            let parts: Vec<u8> = parts
                .map(|part| u8::try_from(part.as_u64().unwrap()).unwrap())
                .collect();
            parts.try_into().unwrap()
        };
        Self {
            text: value["text"].as_str().unwrap().to_owned(),
            inside: value["inside"].as_bool().unwrap(),
            color: color("color"),
            behind: color("behind"),
        }
    }
}

impl Fetched {
    pub fn status(&self) -> u64 {
        self.value["status"].as_u64().unwrap_or_default()
    }

    /// The header, where the script may see it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.value["headers"][name].as_str()
    }

    pub fn body(&self) -> Vec<u8> {
        STANDARD
            .decode(self.value["body"].as_str().unwrap())
            .unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }

    /// The error's name, where the script got nothing else.
    pub fn error(&self) -> Option<&str> {
        self.value["error"].as_str()
    }
}

/// The browser's temporary directory, whose name no other process has.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Home {
    /// Chromium is in a group of its own, and ends with the pipe to node: that failed, what is left is killed.
    fn drop(&mut self) {
        for pid in chromiums(self.0.path()) {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Processes whose command line names the directory.
pub fn chromiums(home: &Path) -> Vec<u32> {
    let home = home.to_str().unwrap().as_bytes();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(home.len()).any(|part| part == home)
        })
        .collect()
}

/// A web server with an empty page at every path, on 127.0.0.1.
pub struct Site {
    port: u16,
    ends: Arc<AtomicBool>,
}

impl Site {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(AtomicBool::new(false));
        let end = ends.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::spawn(move || answer(stream));
            }
        });
        Self { port, ends }
    }

    /// As a manifest takes it: plain HTTP is for `localhost` only.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub fn page(&self) -> String {
        format!("{}/", self.origin())
    }
}

fn answer(mut stream: std::net::TcpStream) {
    const PAGE: &str = "<!DOCTYPE html><title>viewer</title><body></body>";
    let mut read = BufReader::new(stream.try_clone().unwrap().take(64 * 1024));
    let mut line = String::new();
    while read.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
        line.clear();
    }
    let length = PAGE.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
    );
}

impl Drop for Site {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = std::net::TcpStream::connect(("127.0.0.1", self.port));
    }
}
