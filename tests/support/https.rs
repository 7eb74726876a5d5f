//! An HTTPS server of the test's own, with an authority of its own. A program that has
//! to trust it gets that authority as `SSL_CERT_FILE`.

use flate2::{Compression, write::GzEncoder};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Names that only a test's own proxy knows.
pub const AWS: &str = "aws.test";
pub const ISSUER: &str = "issuer.test";

/// A real one, which no test may ask itself.
pub const DICOMWEB: &str = "dicom-medical-imaging.us-east-1.amazonaws.com";

type Answers = Arc<Mutex<Box<dyn Fn(&str) -> Reply + Send>>>;

/// What a request gets.
pub enum Reply {
    /// These bytes, and the end of the connection.
    Whole(Vec<u8>),
    /// These bytes, and then nothing more until the client leaves.
    Begun(Vec<u8>),
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Whole(text.into_bytes())
    }
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes)
    }
}

pub struct Https {
    pub url: String,
    authority: TempDir,
    answers: Answers,
    asked: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

/// A whole answer with this status line and body.
pub fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A whole answer with one more header field, or several.
pub fn with_field(status: &str, field: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{field}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The same bytes in chunks (RFC 9112, 7.1).
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut whole = head.to_vec();
    for chunk in body.chunks(size) {
        whole.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        whole.extend(chunk);
        whole.extend(b"\r\n");
    }
    whole.extend(b"0\r\n\r\n");
    whole
}

pub fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

impl Https {
    /// Each request gets what `answers` makes of its path.
    pub fn start<R: Into<Reply>>(answers: impl Fn(&str) -> R + Send + 'static) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    pub fn start_at<R: Into<Reply>>(
        listener: TcpListener,
        answers: impl Fn(&str) -> R + Send + 'static,
    ) -> Self {
        let (authority, config) = certified();
        let server = Self {
            url: format!("https://{}", listener.local_addr().unwrap()),
            authority,
            answers: Arc::new(Mutex::new(Box::new(move |path| answers(path).into()))),
            asked: Arc::default(),
            ended: Arc::default(),
        };
        let (answers, asked, ended) = (
            server.answers.clone(),
            server.asked.clone(),
            server.ended.clone(),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let (config, answers, asked) = (config.clone(), answers.clone(), asked.clone());
                // One that is held open must not keep the others out.
                std::thread::spawn(move || {
                    // Whoever doesn't trust the certificate hangs up, which is no failure here.
                    let _ = serve(stream, config, &answers, &asked);
                });
            }
        });
        server
    }

    pub fn answer_with<R: Into<Reply>>(&self, answers: impl Fn(&str) -> R + Send + 'static) {
        *self.answers.lock().unwrap() = Box::new(move |path| answers(path).into());
    }

    /// How many requests came so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// For `SSL_CERT_FILE`.
    pub fn authority(&self) -> PathBuf {
        self.authority.path().join("authority.pem")
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("https://"));
    }
}

/// TLS in front of a server that speaks without. It ends with the process of the tests.
pub struct Front {
    pub address: SocketAddr,
    authority: TempDir,
}

impl Front {
    pub fn of(server: SocketAddr) -> Self {
        let (authority, config) = certified();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = config.clone();
                // Whoever doesn't trust the certificate hangs up, which is no failure here.
                std::thread::spawn(move || pass(stream, config, server));
            }
        });
        Self { address, authority }
    }

    /// For `AWS_CA_BUNDLE`.
    pub fn authority(&self) -> PathBuf {
        self.authority.path().join("authority.pem")
    }
}

/// One request, and its answer.
fn pass(mut stream: TcpStream, config: Arc<ServerConfig>, to: SocketAddr) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let head = head(&mut tls)?;
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    if value("expect").is_some() {
        tls.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = value("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    tls.read_exact(&mut body)?;
    let mut server = TcpStream::connect(to)?;
    server.write_all(closing(&head).as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    tls.write_all(&answer)?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// A request's head, for a connection that has only this request.
pub fn closing(head: &str) -> String {
    let kept = head.lines().filter(|line| {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        !["connection", "expect", "proxy-authorization", ""].contains(&name.as_str())
    });
    let lines: Vec<&str> = kept.collect();
    format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}

/// All up to the empty line.
pub fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// What a server shows, and which versions of TLS it speaks.
pub struct Shown<'a> {
    pub names: &'a [&'a str],
    /// From now on; `None`: for ever.
    pub days: Option<u64>,
    pub versions: &'static [&'static SupportedProtocolVersion],
}

/// The authority's certificate is in the directory, as `authority.pem`; the server's own and its key
/// are `server.pem` and `key.pem`.
pub fn certified_as(shown: &Shown<'_>) -> (TempDir, Arc<ServerConfig>) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Of the server's own name, OpenSSL would take the server's certificate for self-signed.
    let name = "the tests' authority";
    authority.distinguished_name.push(DnType::CommonName, name);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        std::fs::write(directory.path().join(name), text).unwrap();
    };
    write("authority.pem", root.pem());

    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = shown.names.iter().map(|name| (*name).to_owned()).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    if let Some(days) = shown.days {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let until = now + Duration::from_secs((days * 24 + 12) * 60 * 60);
        leaf.not_after = rcgen::date_time_ymd(1970, 1, 1) + until;
    }
    let leaf = leaf
        .signed_by(&key, &Issuer::new(authority, authority_key))
        .unwrap();
    write("server.pem", leaf.pem());
    write("key.pem", key.serialize_pem());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(shown.versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (directory, Arc::new(config))
}

fn certified() -> (TempDir, Arc<ServerConfig>) {
    certified_as(&Shown {
        names: &["127.0.0.1", "::1", "localhost", AWS, ISSUER, DICOMWEB],
        days: None,
        versions: rustls::DEFAULT_VERSIONS,
    })
}

fn serve(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    answers: &Answers,
    asked: &AtomicUsize,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let head = head(&mut tls)?;
    asked.fetch_add(1, Ordering::SeqCst);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let reply = answers.lock().unwrap()(path);
    match reply {
        Reply::Whole(bytes) => tls.write_all(&bytes)?,
        Reply::Begun(bytes) => {
            tls.write_all(&bytes)?;
            tls.flush()?;
            return tls.read(&mut [0]).map(drop);
        }
    }
    tls.conn.send_close_notify();
    tls.flush()
}
