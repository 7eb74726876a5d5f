//! The reader's program between a Lambda Runtime API and a HealthImaging, both of the test's
//! own: what it sends is seen byte by byte, and whether it ended or broke off.

use super::emulator::{CREDENTIALS, Task};
use super::https::head;
use super::process::{Background, PATIENCE};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const HOST: &str = "runtime-medical-imaging.us-west-2.amazonaws.com";

/// A read of HealthImaging's native API.
pub const PATH: &str =
    "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/";

/// The event of a function URL.
pub fn event(method: &str, read: &str, query: &str) -> Value {
    let path = format!("{PATH}{read}");
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "abcdef.lambda-url.us-west-2.on.aws", "x-amz-cf-id": "cf=="},
        "requestContext": {"http": {"method": method, "path": path}},
        "isBase64Encoded": false,
    })
}

pub fn frame() -> Value {
    event(
        "GET",
        "getImageFrame",
        &format!("imageFrameId={}", "f".repeat(32)),
    )
}

/// What HealthImaging got.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Writes an answer to a request, and says whether the connection goes on.
pub type Answers = Box<dyn FnMut(&Asked, &mut TcpStream) -> bool + Send>;

/// A HealthImaging that keeps its connections. It ends with the process of the tests.
pub struct Loopback {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    answers: Answers,
    asked: Vec<Asked>,
    connections: usize,
}

impl Loopback {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            answers: Box::new(|_, stream| {
                sends(
                    stream,
                    &whole("200 OK", "Content-Type: image/jph\r\n", b"frame"),
                )
            }),
            asked: Vec::new(),
            connections: 0,
        }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                state.lock().unwrap().connections += 1;
                // Whoever asks may hang up, which is no failure here.
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    pub fn answer_with(
        &self,
        answers: impl FnMut(&Asked, &mut TcpStream) -> bool + Send + 'static,
    ) {
        self.state.lock().unwrap().answers = Box::new(answers);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    loop {
        let head = head(&mut stream)?;
        let mut asked = Asked {
            head,
            body: String::new(),
        };
        let length: usize = asked.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        asked.body = String::from_utf8_lossy(&body).into_owned();
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        if !(state.answers)(&asked, &mut stream) {
            return Ok(());
        }
    }
}

/// An answer with its length.
pub fn whole(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Writes, and keeps the connection.
pub fn sends(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

/// An answer as the Runtime API got it.
pub struct Sent {
    pub head: String,
    pub prelude: Value,
    pub body: Vec<u8>,
    /// Its last chunk came: it is whole.
    pub ended: bool,
}

impl Sent {
    pub fn status(&self) -> u64 {
        self.prelude["statusCode"].as_u64().unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.prelude["headers"][name].as_str().unwrap_or_default()
    }

    /// The class of a refusal of the reader's own.
    pub fn class(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// The reader, running.
pub struct Reader {
    process: Background,
    events: Sender<(Value, Duration)>,
    answers: Receiver<Sent>,
    _task: Task,
}

impl Reader {
    /// With HealthImaging at an address of this machine, and more in its environment.
    pub fn start(task: Task, endpoint: &str, environment: &[(&str, &str)]) -> Self {
        let (events, pending) = mpsc::channel();
        let (sent, answers) = mpsc::channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap();
        let pending = Arc::new(Mutex::new(pending));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pending, sent) = (pending.clone(), sent.clone());
                std::thread::spawn(move || runtime_api(&stream, &pending, &sent));
            }
        });
        fs::write(task.file("config.json"), config(true).to_string()).unwrap();
        let mut command = Command::new(task.file("bootstrap"));
        command
            .env_clear()
            .envs(CREDENTIALS)
            .env("LAMBDA_TASK_ROOT", task.file(""))
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "frames-reader")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_ENDPOINT_URL_MEDICAL_IMAGING", endpoint)
            .envs(environment.iter().copied());
        Self {
            process: Background::start(&mut command),
            events,
            answers,
            _task: task,
        }
    }

    pub fn ask(&self, event: &Value) -> Sent {
        self.ask_within(event, Duration::from_secs(150))
    }

    /// Lambda would end it after this time.
    pub fn ask_within(&self, event: &Value, left: Duration) -> Sent {
        self.events.send((event.clone(), left)).unwrap();
        let answer = self.answers.recv_timeout(PATIENCE);
        answer.unwrap_or_else(|error| panic!("no answer ({error}): {}", self.log()))
    }

    pub fn log(&self) -> String {
        self.process.output()
    }

    /// A figure of `/proc/PID/status`, in kilobytes.
    pub fn kilobytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let figure = line.split_whitespace().nth(1).unwrap();
        figure.parse().unwrap()
    }
}

pub fn config(metadata: bool) -> Value {
    json!({"region": "us-west-2", "nativeHost": HOST, "metadata": metadata, "logLevel": "info"})
}

/// One connection of the function's.
fn runtime_api(
    stream: &TcpStream,
    pending: &Mutex<Receiver<(Value, Duration)>>,
    sent: &Sender<Sent>,
) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut writer = stream;
    loop {
        let head = head(&mut reader)?;
        if head.starts_with("GET ") {
            let Ok((event, left)) = pending.lock().unwrap().recv() else {
                return Ok(());
            };
            let event = event.to_string();
            let ends = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + left;
            write!(
                writer,
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: {}\r\nContent-Length: {}\r\n\r\n{event}",
                ends.as_millis(),
                event.len()
            )?;
            continue;
        }
        let (stream, ended) = chunks(&mut reader);
        let end = stream.windows(8).position(|it| it == [0; 8]);
        let (prelude, body) = end.map_or((&b"null"[..], &stream[..]), |end| {
            (&stream[..end], &stream[end + 8..])
        });
        let answer = Sent {
            head,
            prelude: serde_json::from_slice(prelude).unwrap_or_default(),
            body: body.to_vec(),
            ended,
        };
        if sent.send(answer).is_err() {
            return Ok(());
        }
        if !ended {
            return Ok(());
        }
        writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// A chunked body (RFC 9112, 7.1), and whether it has an end.
fn chunks(reader: &mut impl BufRead) -> (Vec<u8>, bool) {
    let mut whole = Vec::new();
    loop {
        let mut line = String::new();
        let size = match reader.read_line(&mut line) {
            Ok(1..) => usize::from_str_radix(line.trim_end(), 16),
            _ => return (whole, false),
        };
        let Ok(size) = size else {
            return (whole, false);
        };
        let mut chunk = vec![0; size + 2];
        if reader.read_exact(&mut chunk).is_err() {
            return (whole, false);
        }
        if size == 0 {
            return (whole, true);
        }
        whole.extend_from_slice(&chunk[..size]);
    }
}
