//! The HTTP client of AWS's SDKs, credential providers included: that of `frames_network`, as for whatever
//! else leaves this machine. The SDKs' own has HTTP/2 besides, which AWS's APIs here don't speak.

use super::errors::{from_network, within};
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use frames_compiler::failure::Result;
use frames_network::client::{Failed, TimedOut};
use frames_network::{Client, Network};
use http::Request;
use http_body_util::Limited;
use hyper::body::Body;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower_http::timeout::TimeoutBody;

/// Of an answer, in bytes: more than a function's zip may have. Anybody may be in a metadata service's place.
const MOST: usize = 64 * 1024 * 1024;

/// How long an answer that has begun may be silent.
const SILENT: Duration = Duration::from_secs(30);

/// One for all calls of a run.
pub(super) fn client() -> Result<SharedHttpClient> {
    let network = Network::of_environment().map_err(from_network)?;
    let first = network.client(super::CONNECT).map_err(from_network)?;
    let clients = HashMap::from([(super::CONNECT, first.clone())]);
    Ok(SharedHttpClient::new(Clients {
        first,
        clients: Arc::new(Mutex::new(clients)),
    }))
}

/// By how long a connection may take to be made. Each has connections of its own, and an SDK asks for one
/// at every attempt.
#[derive(Debug)]
struct Clients {
    first: Client<SdkBody>,
    clients: Arc<Mutex<HashMap<Duration, Client<SdkBody>>>>,
}

impl HttpClient for Clients {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limit = settings.connect_timeout().unwrap_or(super::CONNECT);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients
            .entry(limit)
            .or_insert_with(|| self.first.connecting_within(limit));
        SharedHttpConnector::new(Connector {
            client: client.clone(),
            read: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    client: Client<SdkBody>,
    /// Until an answer begins.
    read: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        can_be_given_up(&mut request);
        let (client, read) = (self.client.clone(), self.read);
        HttpConnectorFuture::new(async move {
            let answer = client.request(request);
            let answer = match read {
                None => answer.await,
                Some(read) => tokio::time::timeout(read, answer)
                    .await
                    .map_err(|late| ConnectorError::timeout(late.into()))?,
            };
            let answer = answer.map_err(told)?;
            let answer = answer.map(|body| SdkBody::from_body_1_x(bounded(body)));
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Bounded in size, and in time between two pieces.
fn bounded<B>(body: B) -> TimeoutBody<Limited<B>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    TimeoutBody::new(SILENT, Limited::new(body, MOST))
}

/// After a failure that may be the connection's own, an SDK tries again by another one.
fn can_be_given_up(request: &mut Request<SdkBody>) {
    let captured = capture_connection(request);
    if let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() {
        asked.set_connection_retriever(move || connection(&captured));
    }
}

fn connection(captured: &CaptureConnection) -> Option<ConnectionMetadata> {
    let proxied = captured.connection_metadata().as_ref()?.is_proxied();
    let captured = captured.clone();
    let give_up = move || {
        if let Some(connection) = captured.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    let known = ConnectionMetadata::builder().proxied(proxied);
    Some(known.poison_fn(give_up).build())
}

/// Of the kinds that the SDK knows: it tries again after those that may pass.
fn told(failed: Failed) -> ConnectorError {
    let error = match failed {
        Failed::Proxy(trouble) if trouble.passing => return ConnectorError::io(trouble.into()),
        Failed::Proxy(trouble) => return ConnectorError::other(trouble.into(), None),
        Failed::Other(error) => error,
    };
    let hyper = within::<hyper::Error>(&error);
    if within::<TimedOut>(&error).is_some() {
        ConnectorError::timeout(error.into())
    } else if hyper.is_some_and(hyper::Error::is_user) {
        ConnectorError::user(error.into())
    } else if error.is_connect()
        || within::<io::Error>(&error).is_some()
        || hyper.is_some_and(|hyper| hyper.is_closed() || hyper.is_canceled())
    {
        ConnectorError::io(error.into())
    } else if hyper.is_some_and(hyper::Error::is_incomplete_message) {
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    } else {
        ConnectorError::other(error.into(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Frame};
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::result::Result;
    use std::task::{Context, Poll};

    /// A piece, and then nothing any more.
    struct Halting(Option<Bytes>);

    impl Body for Halting {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.take() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_begins_an_answer_and_falls_silent_isnt_waited_for_without_end() {
        let began = tokio::time::Instant::now();
        let body = bounded(Halting(Some(Bytes::from_static(b"{"))));
        let error = body.collect().await.unwrap_err();
        assert_eq!(began.elapsed(), SILENT, "{error}");
    }

    #[tokio::test]
    async fn an_answer_has_a_size() {
        let all = |bytes| bounded(Full::new(Bytes::from(vec![0; bytes]))).collect();
        assert!(all(MOST).await.is_ok());
        assert!(all(MOST + 1).await.is_err());
    }
}
