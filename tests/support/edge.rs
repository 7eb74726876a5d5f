//! An edge of a test's own in front of the local one: TLS under a name, and at most one fault.

use super::https::{Shown, certified_as, closing, head};
use super::process::{Background, eventually, free_ports};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The name that its certificate is for.
pub const IMAGES: &str = "images.test";

const RECORD: u8 = 22;

/// The first line of a request or an answer, and its header fields.
#[derive(Debug, Clone)]
pub struct Head {
    pub first: String,
    pub fields: Vec<(String, String)>,
}

pub type OnRequest = Box<dyn Fn(&mut Head) + Send + Sync>;
pub type OnAnswer = Box<dyn Fn(&Head, &mut Head) + Send + Sync>;

/// What is wrong with it. As it comes, nothing is.
pub struct Fault {
    pub shown: Shown<'static>,
    /// The name that it is asked by.
    pub host: &'static str,
    /// OpenSSL's flag for an older version of TLS, which is spoken too: `-tls1`, `-tls1_1`.
    pub old_tls: Option<&'static str>,
    /// Requests without TLS are served.
    pub plain: bool,
    pub request: OnRequest,
    pub answer: OnAnswer,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            shown: Shown {
                names: &[IMAGES],
                days: None,
                versions: rustls::DEFAULT_VERSIONS,
            },
            host: IMAGES,
            old_tls: None,
            plain: false,
            request: Box::new(|_| {}),
            answer: Box::new(|_, _| {}),
        }
    }
}

impl Fault {
    /// What becomes of a request before it goes on.
    pub fn on_request(change: impl Fn(&mut Head) + Send + Sync + 'static) -> Self {
        Self {
            request: Box::new(change),
            ..Self::default()
        }
    }

    /// What becomes of an answer, whose request is the first.
    pub fn on_answer(change: impl Fn(&Head, &mut Head) + Send + Sync + 'static) -> Self {
        Self {
            answer: Box::new(change),
            ..Self::default()
        }
    }
}

impl Head {
    fn of(text: &str) -> Self {
        let (first, rest) = text.split_once("\r\n").unwrap_or((text, ""));
        let fields = rest.lines().filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self {
            first: first.to_owned(),
            fields: fields.collect(),
        }
    }

    /// Empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub fn remove(&mut self, name: &str) {
        self.fields
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    pub fn is(&self, method: &str) -> bool {
        self.first.split(' ').next() == Some(method)
    }

    /// Of an answer.
    pub fn status(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    fn text(&self) -> String {
        let fields = self.fields.iter();
        let fields: String = fields
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!("{}\r\n{fields}\r\n", self.first)
    }
}

pub struct Edge {
    pub address: SocketAddr,
    pub host: &'static str,
    directory: Arc<TempDir>,
    _old: Option<Background>,
}

impl Edge {
    /// It ends with the process of the tests.
    pub fn start(server: SocketAddr, fault: Fault) -> Self {
        let (directory, config) = certified_as(&fault.shown);
        let old = fault.old_tls.map(|flag| old_server(&directory, flag));
        let old_address = old.as_ref().map(|(_, address)| *address);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (host, fault) = (fault.host, Arc::new(fault));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, fault) = (config.clone(), fault.clone());
                // Whoever hangs up early is no failure here.
                std::thread::spawn(move || meet(stream, config, server, old_address, &fault));
            }
        });
        Self {
            address,
            host,
            directory: Arc::new(directory),
            _old: old.map(|(process, _)| process),
        }
    }

    /// For `AWS_CA_BUNDLE`.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }
}

/// OpenSSL speaks what rustls doesn't.
fn old_server(directory: &TempDir, flag: &str) -> (Background, SocketAddr) {
    let [port] = free_ports();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut command = Command::new("openssl");
    command
        .args([
            "s_server",
            "-quiet",
            "-www",
            flag,
            "-cipher",
            "ALL:@SECLEVEL=0",
        ])
        .args(["-accept", &address.to_string()])
        .arg("-cert")
        .arg(directory.path().join("server.pem"))
        .arg("-key")
        .arg(directory.path().join("key.pem"))
        .env("OPENSSL_CONF", "/dev/null");
    let process = Background::start(&mut command);
    eventually("OpenSSL listens", || TcpStream::connect(address).ok());
    (process, address)
}

fn meet(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    server: SocketAddr,
    old: Option<SocketAddr>,
    fault: &Fault,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut begun = [0; 11];
    let length = stream.peek(&mut begun)?;
    if begun[0] != RECORD {
        if fault.plain {
            return pass(stream, server, fault);
        }
        return stream.shutdown(Shutdown::Both);
    }
    // The version that a client's first message names; from 1.2 on, it is that of 1.2.
    if let Some(old) = old
        && length == begun.len()
        && [begun[9], begun[10]] < [3, 3]
    {
        return join(stream, TcpStream::connect(old)?);
    }
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    pass(&mut tls, server, fault)?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// One request, and its answer.
fn pass(mut viewer: impl Read + Write, server: SocketAddr, fault: &Fault) -> std::io::Result<()> {
    let request = Head::of(&head(&mut viewer)?);
    let length = request.field("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    viewer.read_exact(&mut body)?;
    let mut sent = request.clone();
    // A distribution answers to its own name as well, and the local one hasn't this.
    if sent.field("host") == fault.host {
        sent.set("host", IMAGES);
    }
    (fault.request)(&mut sent);
    let mut server = TcpStream::connect(server)?;
    server.write_all(closing(&sent.text()).as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Head::of(&head(&mut server)?);
    let mut body = Vec::new();
    server.read_to_end(&mut body)?;
    (fault.answer)(&request, &mut answer);
    viewer.write_all(answer.text().as_bytes())?;
    viewer.write_all(&body)?;
    viewer.flush()
}

/// The two records of a handshake that nobody ends.
fn join(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        // A client that leaves with an answer unread resets the connection, which is an end as well.
        let _ = std::io::copy(&mut from_client, &mut to_server);
        // OpenSSL serves the next one only after this one's end.
        to_server.shutdown(Shutdown::Both)
    });
    std::io::copy(&mut server, &mut client).map(drop)
}
