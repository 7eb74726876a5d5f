//! An endpoint as its viewers meet it, looked at more closely than a client does: which versions of TLS it
//! speaks, which certificate it shows, and what it answers.

mod certificate;
mod handshake;
mod hello;
mod watch;

pub use certificate::Certificate;
pub use handshake::{Handshake, Refused};
pub use hello::{Old, Spoken};
pub use watch::Watch;

use crate::client::{self, Cause, Failed, Stream};
use crate::error::{Error, innermost};
use crate::network::Network;
use bytes::{Bytes, BytesMut};
use handshake::Witness;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use hyper_util::rt::TokioIo;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

/// To connect, a proxy's word included.
const CONNECT: Duration = Duration::from_secs(10);
/// For a whole answer.
const ANSWER: Duration = Duration::from_secs(30);
/// No frame is larger.
const BODY: usize = 256 * 1024 * 1024;
/// So much of a body is kept: all of what the functions say, and the start of an image.
const START: usize = 64 * 1024;

/// One endpoint, and the way there.
#[derive(Debug, Clone)]
pub struct Probe {
    network: &'static Network,
    encrypted: bool,
    host: String,
    port: u16,
    /// Where connections go to. The host's name stays what is asked for, and what the certificate has
    /// to be for.
    via: Option<(String, u16)>,
    watch: Watch,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, up to 64 KiB of it. The rest is looked through as it comes, and dropped.
    pub start: Bytes,
    /// How long the whole body is.
    pub length: u64,
    /// Whether the body has what is watched for.
    pub has_secret: bool,
}

/// What TLS 1.2 or 1.3 is offered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
    Either,
}

impl Version {
    fn offered(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12 => vec![&TLS12],
            Self::Tls13 => vec![&TLS13],
            Self::Either => vec![&TLS13, &TLS12],
        }
    }
}

impl Probe {
    /// `url` has a scheme and a host.
    pub fn new(network: &'static Network, url: &Uri) -> Self {
        let encrypted = url.scheme_str() != Some("http");
        let usual = if encrypted { 443 } else { 80 };
        Self {
            network,
            encrypted,
            host: url.host().unwrap_or_default().to_owned(),
            port: url.port_u16().unwrap_or(usual),
            via: None,
            watch: Watch::default(),
        }
    }

    /// Answers are looked through for these texts.
    pub fn watch_for(&mut self, watch: Watch) {
        self.watch = watch;
    }

    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    pub fn via(mut self, host: &str, port: u16) -> Self {
        self.via = Some((host.to_owned(), port));
        self
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// The addresses that this machine finds for the host; `None` where it is a proxy that looks.
    pub async fn addresses(&self) -> Result<Option<Vec<IpAddr>>, Error> {
        if self.network.proxy(&self.place()?).is_some() {
            return Ok(None);
        }
        let (host, port) = self.to();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = timeout(CONNECT, tokio::net::lookup_host((host, port))).await;
        let why = match found {
            Ok(Ok(found)) => {
                let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                if !found.is_empty() {
                    return Ok(Some(found));
                }
                "it has none".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the name servers don't answer".to_owned(),
        };
        Err(Error::new(
            format!("no address is found for {host}: {why}"),
            "",
        ))
    }

    /// Connects, and asks for nothing.
    pub async fn reach(&self) -> Result<(), Error> {
        // HTTP without TLS goes to a proxy as it is, and a tunnel for it may be refused there.
        if !self.encrypted && self.network.proxy(&self.place()?).is_some() {
            return Ok(());
        }
        self.connect().await.map(drop)
    }

    /// Offers an old version of TLS, and nothing after that.
    pub async fn old(&self, version: Old) -> Result<Spoken, Error> {
        let mut stream = self.connect().await?;
        let mut random = [0; 32];
        let filled = client::provider().secure_random.fill(&mut random);
        filled.map_err(|_| Error::new("this machine has no random numbers", ""))?;
        let name = match ServerName::try_from(self.host.as_str()) {
            Ok(ServerName::DnsName(_)) => Some(self.host.as_str()),
            _ => None,
        };
        let asked = async {
            stream.write_all(&version.hello(name, random)).await?;
            stream.flush().await?;
            let mut answer = Vec::with_capacity(hello::ANSWER);
            loop {
                let mut more = [0; hello::ANSWER];
                let read = stream.read(&mut more).await?;
                answer.extend(more.iter().take(read));
                if let Some(spoken) = version.answer(&answer, read == 0) {
                    return Ok::<_, std::io::Error>(spoken);
                }
            }
        };
        match timeout(CONNECT, asked).await {
            Ok(Ok(spoken)) => Ok(spoken),
            // A server may cut the connection instead of saying a word.
            Ok(Err(error)) => Ok(Spoken::Refuses(error.to_string())),
            Err(_) => Ok(Spoken::Refuses("it doesn't answer".to_owned())),
        }
    }

    pub async fn handshake(&self, version: Version) -> Result<Handshake, Error> {
        let witness = Witness::new(self.network.roots.store()?)?;
        let stream = self.connect().await?;
        let ended = self.secure(stream, &witness, version).await?;
        Ok(Handshake {
            ended: ended.map(drop),
            certificate: witness.certificate(),
        })
    }

    /// One request on a connection of its own. Its address has a path and a query only.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Reply, Error> {
        let request = self.addressed(request)?;
        let answered = async {
            if self.encrypted {
                self.ask_by_tls(request).await
            } else {
                self.ask_in_clear(request, self.to()).await
            }
        };
        let answered = timeout(ANSWER, answered).await;
        answered.map_err(|_| Error::new(format!("{} doesn't answer", self.host), ""))?
    }

    /// The same without TLS: at port 80 or, where the endpoint has a port of its own, at that one.
    /// The inner error says why there is no answer.
    pub async fn ask_without_tls(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Result<Reply, String>, Error> {
        let (host, port) = self.to();
        let port = if port == 443 { 80 } else { port };
        let request = self.addressed(request)?;
        match timeout(ANSWER, self.ask_in_clear(request, (host, port))).await {
            Ok(Ok(reply)) => Ok(Ok(reply)),
            // A proxy that is in the way says nothing about the endpoint.
            Ok(Err(error)) if !error.help.is_empty() => Err(error),
            Ok(Err(error)) => Ok(Err(error.message)),
            Err(_) => Ok(Err("it doesn't answer".to_owned())),
        }
    }

    /// To this endpoint, whatever connections go to.
    fn addressed(&self, mut request: Request<Full<Bytes>>) -> Result<Request<Full<Bytes>>, Error> {
        let host = HeaderValue::try_from(self.authority());
        let host = host.map_err(|_| Error::new("the host can't be sent", ""))?;
        request.headers_mut().insert(HOST, host);
        Ok(request)
    }

    async fn ask_by_tls(&self, request: Request<Full<Bytes>>) -> Result<Reply, Error> {
        let witness = Witness::new(self.network.roots.store()?)?;
        let stream = self.connect().await?;
        let secured = self.secure(stream, &witness, Version::Either).await?;
        let secured = secured.map_err(|refused| {
            let (Refused::Certificate(why) | Refused::Version(why)) = refused;
            Error::new(why, "")
        })?;
        let broken = |error: hyper::Error| Error::new(innermost(&error), "");
        let made = hyper::client::conn::http1::handshake(TokioIo::new(secured)).await;
        let (mut sender, connection) = made.map_err(broken)?;
        let driven = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(broken)?;
        let reply = read(answer, self.watch.clone()).await;
        driven.abort();
        reply
    }

    async fn ask_in_clear(
        &self,
        request: Request<Full<Bytes>>,
        (host, port): (&str, u16),
    ) -> Result<Reply, Error> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        parts.uri = uri("http", host, port, path)?;
        let client = self.network.client::<Full<Bytes>>(CONNECT)?;
        let answer = client.request(Request::from_parts(parts, body)).await;
        let answer = answer.map_err(|failed| match failed {
            Failed::Proxy(trouble) => Error::new(trouble.message, trouble.help),
            Failed::Other(error) => Error::new(innermost(&error), ""),
        })?;
        read(answer, self.watch.clone()).await
    }

    async fn secure(
        &self,
        stream: TokioIo<Stream>,
        witness: &Arc<Witness>,
        version: Version,
    ) -> Result<Result<TlsStream<TokioIo<Stream>>, Refused>, Error> {
        let config = witness.config(&version.offered())?;
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::new(format!("no certificate can be for {host}"), ""))?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(
            match timeout(CONNECT, connector.connect(name, stream)).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(Refused::of(&error)),
                Err(_) => Err(Refused::Version("it doesn't answer".to_owned())),
            },
        )
    }

    /// TCP only, through a proxy where the environment says so.
    async fn connect(&self) -> Result<TokioIo<Stream>, Error> {
        let to = self.place()?;
        let proxy = self.network.proxy(&to);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connect = async {
            match proxy {
                None => Stream::of(tcp.call(to.clone()).await?, false),
                Some(proxy) => {
                    let direct = HttpsConnector::from((tcp, self.network.tls()?));
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
                    if let Some(authorization) = proxy.authorization() {
                        tunnel = tunnel.with_auth(authorization.clone());
                    }
                    Stream::of(tunnel.call(to.clone()).await?, false)
                }
            }
        };
        let (host, port) = self.to();
        let connected = timeout(CONNECT, connect).await;
        let connected = connected.unwrap_or_else(|_| Err(Cause::from("the connection timed out")));
        connected.map(TokioIo::new).map_err(|error| match proxy {
            Some(proxy) => {
                let trouble = proxy.trouble(&to, error.as_ref());
                Error::new(trouble.message, trouble.help)
            }
            None => Error::new(
                format!(
                    "{host}:{port} can't be reached: {}",
                    innermost(error.as_ref())
                ),
                "",
            ),
        })
    }

    fn to(&self) -> (&str, u16) {
        match &self.via {
            Some((host, port)) => (host, *port),
            None => (&self.host, self.port),
        }
    }

    fn place(&self) -> Result<Uri, Error> {
        let (host, port) = self.to();
        let scheme = if self.encrypted { "https" } else { "http" };
        uri(scheme, host, port, "/")
    }

    /// As a browser writes `Host`.
    fn authority(&self) -> String {
        match (self.encrypted, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

fn uri(scheme: &str, host: &str, port: u16, path: &str) -> Result<Uri, Error> {
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(format!("{host}:{port}"))
        .path_and_query(path)
        .build();
    uri.map_err(|_| Error::new(format!("{host}:{port} is no address"), ""))
}

async fn read<B>(answer: http::Response<B>, mut watch: Watch) -> Result<Reply, Error>
where
    B: Body<Data = Bytes, Error: Into<Cause>> + Unpin,
{
    let broken = |error: Cause| Error::new(format!("its answer broke off: {error}"), "");
    let (parts, body) = answer.into_parts();
    let mut body = Limited::new(body, BODY);
    let (mut start, mut length, mut has_secret) = (BytesMut::new(), 0, false);
    while let Some(frame) = body.frame().await {
        // Trailers are nothing that frames serves.
        let Ok(piece) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        let room = START.saturating_sub(start.len()).min(piece.len());
        start.extend_from_slice(piece.get(..room).unwrap_or_default());
        length += piece.len() as u64;
        has_secret = has_secret || watch.is_now_in(&piece);
    }
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        start: start.freeze(),
        length,
        has_secret,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::{Context, Poll};

    const SIZE: usize = 16 * 1024;

    /// A piece of a body, counted as long as anybody holds it.
    struct Piece(Vec<u8>, Arc<AtomicUsize>);

    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Piece {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Relaxed);
        }
    }

    struct Pieces {
        left: usize,
        last: &'static [u8],
        held: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            let bytes = match self.left {
                0 => self.last.to_vec(),
                _ => vec![b'x'; SIZE],
            };
            let held = 1 + self.held.fetch_add(1, Relaxed);
            self.most.fetch_max(held, Relaxed);
            let piece = Bytes::from_owner(Piece(bytes, self.held.clone()));
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    #[tokio::test]
    async fn a_long_body_is_looked_through_and_not_kept() {
        for (last, has_secret) in [(&b"and a secret"[..], true), (b"and none", false)] {
            let most = Arc::new(AtomicUsize::new(0));
            let pieces = Pieces {
                left: 201,
                last,
                held: Arc::default(),
                most: most.clone(),
            };
            let watch = Watch::for_any(["secret"].into_iter());
            let reply = read(http::Response::new(pieces), watch).await.unwrap();
            assert_eq!(reply.start.len(), START);
            assert_eq!(reply.length, (200 * SIZE + last.len()) as u64);
            assert_eq!(reply.has_secret, has_secret);
            assert!(most.load(Relaxed) <= 2, "{most:?}");
        }
        let short = http_body_util::Full::new(Bytes::from_static(b"a secret"));
        let watch = Watch::for_any(["b"].into_iter());
        let reply = read(http::Response::new(short), watch).await.unwrap();
        assert_eq!((&reply.start[..], reply.length), (&b"a secret"[..], 8));
        assert!(!reply.has_secret);
    }
}
