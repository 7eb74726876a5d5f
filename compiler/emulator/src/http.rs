//! The servers and bodies that everything local shares.

use super::Error;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Why a body of a server's own breaks off: the connection ends in the middle of it.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// More than any browser opens, and far fewer than this process may.
const CONNECTIONS: usize = 256;
/// Above CloudFront's own limits, which the edge refuses by itself.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two parts of a body: a peer that stalls must not keep its connection.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A listening server. It and its connections end when this is dropped.
pub(crate) struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Ends it, and waits until the port is closed and the connections are ending.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes a port on 127.0.0.1; 0 takes a free one.
pub(crate) async fn bind(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|e| {
        let error = Error::new(format!("cannot listen on 127.0.0.1:{port}: {e}"));
        match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                error.help("stop what listens there, or take a free port with `--port 0`")
            }
            _ => error,
        }
    })
}

/// An address of this machine, reserved before the edge that its page talks to exists.
pub struct Reserved {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Reserved {
    pub(crate) async fn new() -> Result<Self, Error> {
        let broken = |_| Error::new("can't find out the port of a page");
        let listener = bind(0).await?;
        let address = listener.local_addr().map_err(broken)?;
        Ok(Self { listener, address })
    }

    /// What a browser sends as the page's `Origin`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers every request on `listener` by `handle`, HTTP/1.1.
pub(crate) fn serve<H, F, B>(listener: TcpListener, handle: H) -> Result<Server, Error>
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + 'static,
{
    serve_each(listener, move |peer| {
        let handle = handle.clone();
        move |request| handle(request, peer)
    })
}

/// The same, by a handler of its own for each connection: what is to be known of the peer
/// is asked once.
pub(crate) fn serve_each<C, H, F, B>(listener: TcpListener, connected: C) -> Result<Server, Error>
where
    C: Fn(SocketAddr) -> H + Send + Sync + 'static,
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + 'static,
{
    let address = listener
        .local_addr()
        .map_err(|e| Error::new(format!("a listening socket has no address: {e}")))?;
    let task = tokio::spawn(accept(listener, connected));
    Ok(Server { address, task })
}

async fn accept<C, H, F, B>(listener: TcpListener, connected: C)
where
    C: Fn(SocketAddr) -> H + Send + Sync + 'static,
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    // Dropped together with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = free.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            // There may be no descriptor left: what is open must close first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let handle = connected(peer);
        connections.spawn(async move {
            let _permit = permit;
            let service = service_fn(move |request| {
                let answer = handle(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            // An error here is the peer's: it left, or didn't speak HTTP.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Why a body couldn't be read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Broken,
    Stalled,
}

/// Reads a peer's body into memory, up to `limit` bytes.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    read_within(body, limit, BODY_TIMEOUT).await
}

/// Reads a body into memory, and waits for each of its parts for `wait` at most.
pub(crate) async fn read_within<B>(
    mut body: B,
    limit: usize,
    wait: Duration,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    // A length that was announced needs no waiting for.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut whole = Vec::new();
    loop {
        let frame = timeout(wait, body.frame()).await;
        let Some(frame) = frame.map_err(|_| BodyError::Stalled)? else {
            return Ok(whole.into());
        };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
}

/// An answer of one content type.
pub(crate) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// Why a request doesn't count as meant for this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOurs {
    /// No `Host`, several, or a target that names another server.
    Malformed,
    /// One `Host`, which belongs to somebody else.
    Unknown,
}

impl NotOurs {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unknown => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether a request names this server. A page of another site that
/// reaches it by a name of its own (DNS rebinding) sends that name.
///
/// `Host` may lack the port, as dicomweb-client for Python sends it: no other
/// site has one of this machine's own names. A target must have it.
pub(crate) fn check_host(headers: &HeaderMap, target: &Uri, port: u16) -> Result<(), NotOurs> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(NotOurs::Malformed);
    };
    let authority = target.authority().map(|a| a.as_str());
    if authority.is_some_and(|authority| !is_own(authority, port)) {
        return Err(NotOurs::Malformed);
    }
    if host
        .to_str()
        .is_ok_and(|host| is_own(host, port) || is_own(&format!("{host}:{port}"), port))
    {
        Ok(())
    } else {
        Err(NotOurs::Unknown)
    }
}

fn is_own(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost"].iter().any(|name| {
        host.eq_ignore_ascii_case(&format!("{name}:{port}")) || (port == 80 && host == *name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    fn check(target: &str, hosts: &[&str]) -> Result<(), NotOurs> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        check_host(&headers, &target.parse().unwrap(), 8080)
    }

    #[test]
    fn only_the_own_names_are_hosts() {
        assert_eq!(check("/", &["127.0.0.1:8080"]), Ok(()));
        assert_eq!(check("/", &["LOCALHOST:8080"]), Ok(()));
        assert_eq!(check("/", &["127.0.0.1"]), Ok(()));
        assert_eq!(check("/", &["Localhost"]), Ok(()));
        for other in [
            "127.0.0.1:80",
            "127.0.0.1:",
            "127.0.0.1:8080:8080",
            "127.0.0.2",
            "evil.example",
            "evil.example:8080",
            "localhost:8080.evil.example",
            "",
        ] {
            assert_eq!(check("/", &[other]), Err(NotOurs::Unknown), "{other}");
        }
    }

    #[test]
    fn there_is_one_host_and_the_target_names_no_other() {
        let own = "127.0.0.1:8080";
        assert_eq!(check("http://localhost:8080/a", &[own]), Ok(()));
        for (target, hosts) in [
            ("/", &[][..]),
            ("/", &[own, own]),
            ("/", &[own, "evil.example"]),
            ("http://evil.example/a", &[own]),
            ("http://user@127.0.0.1:8080/a", &[own]),
            ("http://127.0.0.1/a", &[own]),
        ] {
            let checked = check(target, hosts);
            assert_eq!(checked, Err(NotOurs::Malformed), "{target} {hosts:?}");
        }
    }

    /// Parts of a body, and then nothing more: neither a part nor an end.
    struct Stuck(Vec<&'static str>);

    impl Body for Stuck {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
            match self.0.pop() {
                Some(part) => Poll::Ready(Some(Ok(hyper::body::Frame::data(part.into())))),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test]
    async fn a_body_has_an_end_and_a_limit() {
        let wait = Duration::from_millis(20);
        let full = |text: &'static str| Full::new(Bytes::from(text));
        assert_eq!(read_within(full("abc"), 3, wait).await.unwrap(), "abc");
        assert_eq!(
            read_within(full("abcd"), 3, wait).await,
            Err(BodyError::TooLarge)
        );
        assert_eq!(
            read_within(Stuck(vec!["c", "ab"]), 3, wait).await,
            Err(BodyError::Stalled)
        );
        assert_eq!(
            read_within(Stuck(vec!["cd", "ab"]), 3, wait).await,
            Err(BodyError::TooLarge)
        );
    }
}
