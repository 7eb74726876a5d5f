//! The servers and bodies that everything local shares.

use super::Error;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// More than any browser opens, and far fewer than this process may.
const CONNECTIONS: usize = 256;
/// Above CloudFront's own limits, which the edge refuses by itself.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A listening server. It and its connections end when this is dropped.
pub(crate) struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Ends it, and waits until the port is closed and the connections are ending.
    pub async fn stop(mut self) {
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

/// Answers every request on `listener` by `handle`, HTTP/1.1.
pub(crate) fn serve<H, F>(listener: TcpListener, handle: H) -> Result<Server, Error>
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let address = listener
        .local_addr()
        .map_err(|e| Error::new(format!("a listening socket has no address: {e}")))?;
    let task = tokio::spawn(accept(listener, handle));
    Ok(Server { address, task })
}

async fn accept<H, F>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
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
            // Out of descriptors, say: what is open must close first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let handle = handle.clone();
        connections.spawn(async move {
            let _permit = permit;
            let service = service_fn(move |request| {
                let answer = handle(request, peer);
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
}

/// Reads a body into memory, up to `limit` bytes.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(e) if e.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Broken),
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

/// Whether `Host` names this very server. A page of another site that reaches
/// it by a name of its own (DNS rebinding) sends that name.
pub(crate) fn is_own_host(host: Option<&HeaderValue>, port: u16) -> bool {
    let Some(host) = host.and_then(|h| h.to_str().ok()) else {
        return false;
    };
    ["127.0.0.1", "localhost"].iter().any(|name| {
        host.eq_ignore_ascii_case(&format!("{name}:{port}")) || (port == 80 && host == *name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_names_are_hosts() {
        let own = |host: &str| is_own_host(Some(&HeaderValue::from_str(host).unwrap()), 8080);
        assert!(own("127.0.0.1:8080"));
        assert!(own("LOCALHOST:8080"));
        for other in [
            "127.0.0.1",
            "127.0.0.1:80",
            "evil.example:8080",
            "localhost:8080.evil.example",
            "",
        ] {
            assert!(!own(other), "{other}");
        }
        assert!(!is_own_host(None, 8080));
    }
}
