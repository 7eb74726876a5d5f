//! The HTTP client of all that leaves this machine.

use crate::error::Error;
use crate::network::Network;
use crate::trouble::Trouble;
use http::{Request, Response, StatusCode, Uri, header::PROXY_AUTHORIZATION};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{
    self,
    connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Goes through a proxy where the environment says so.
#[derive(Debug)]
pub struct Client<B> {
    inner: legacy::Client<Connector, B>,
    connector: Connector,
}

// Derived, it would ask the same of bodies.
impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            connector: self.connector.clone(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failed {
    Proxy(Trouble),
    Other(legacy::Error),
}

impl Network {
    /// `connect` is how long a connection may take to be made, TLS and proxy included.
    pub fn client<B>(&'static self, connect: Duration) -> Result<Client<B>, Error>
    where
        B: Body + Send + 'static + Unpin,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = Connector {
            network: self,
            tcp,
            tls: self.tls()?,
            limit: connect,
        };
        Ok(Client::by(connector))
    }

    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, Error> {
        let tls = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(not_set_up)?
            .with_root_certificates(self.roots.store()?)
            .with_no_client_auth();
        Ok(Arc::new(tls))
    }
}

/// The algorithms of all TLS here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn not_set_up(error: impl std::fmt::Display) -> Error {
    Error::new(format!("TLS can't be set up: {error}"), "")
}

impl<B> Client<B>
where
    B: Body + Send + 'static + Unpin,
    B::Data: Send,
    B::Error: Into<Cause>,
{
    fn by(connector: Connector) -> Self {
        let inner = legacy::Client::builder(TokioExecutor::new()).build(connector.clone());
        Self { inner, connector }
    }

    /// The same, with another limit and connections of its own.
    #[must_use]
    pub fn connecting_within(&self, limit: Duration) -> Self {
        let connector = self.connector.clone();
        Self::by(Connector { limit, ..connector })
    }

    pub async fn request(&self, mut request: Request<B>) -> Result<Response<Incoming>, Failed> {
        let to = request.uri().clone();
        let Some(proxy) = self.connector.network.proxy(&to) else {
            return self.inner.request(request).await.map_err(Failed::Other);
        };
        // Over TLS, the proxy got it with CONNECT already, and nobody else may have it.
        let by_the_proxy = to.scheme_str() == Some("http");
        if by_the_proxy && let Some(authorization) = proxy.authorization() {
            let headers = request.headers_mut();
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let answer = self.inner.request(request).await;
        let answer = answer.map_err(|error| Failed::Proxy(proxy.trouble(&to, &error)))?;
        if by_the_proxy && answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(Failed::Proxy(proxy.asks_for_a_password()));
        }
        Ok(answer)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy(trouble) => trouble.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Proxy(_) => None,
            Self::Other(error) => error.source(),
        }
    }
}

/// No connection was made in time.
#[derive(Debug)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection timed out")
    }
}

impl std::error::Error for TimedOut {}

/// Makes connections: to the host itself, to a proxy, or through one.
#[derive(Debug, Clone)]
struct Connector {
    network: &'static Network,
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Cause>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let direct = HttpsConnector::from((self.tcp.clone(), self.tls.clone()));
        let (proxy, tls, limit) = (self.network.proxy(&to), self.tls.clone(), self.limit);
        let connect = async move {
            let mut direct = direct;
            match proxy {
                None => Stream::of(direct.call(to).await?, false),
                Some(proxy) if to.scheme_str() == Some("http") => {
                    Stream::of(direct.call(proxy.uri().clone()).await?, true)
                }
                Some(proxy) => {
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
                    if let Some(authorization) = proxy.authorization() {
                        tunnel = tunnel.with_auth(authorization.clone());
                    }
                    Stream::of(HttpsConnector::from((tunnel, tls)).call(to).await?, false)
                }
            }
        };
        Box::pin(async move {
            let connected = tokio::time::timeout(limit, connect).await;
            connected.map_err(|_| TimedOut)?
        })
    }
}

/// A connection of any kind.
pub(crate) struct Stream {
    inner: Pin<Box<dyn Wire>>,
    /// Requests name the whole address: a proxy passes them on.
    to_a_proxy: bool,
}

pub(crate) trait Wire: Read + Write + Connection + Send {}

impl<T: Read + Write + Connection + Send> Wire for T {}

impl Stream {
    pub(crate) fn of(wire: impl Wire + 'static, to_a_proxy: bool) -> Result<Self, Cause> {
        Ok(Self {
            inner: Box::pin(wire),
            to_a_proxy,
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.to_a_proxy)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner.as_mut().poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(context)
    }
}
