//! HealthImaging, over connections that are kept.

use bytes::Bytes;
use frames_edge::{ReaderConfig, tls};
use frames_reader::Credentials;
use frames_reader::answer::Refusal;
use frames_reader::question::Question;
use frames_reader::request;
use http::{Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// Another connection is tried after it.
const CONNECT: Duration = Duration::from_secs(5);

/// For the answer's head, all tries together. CloudFront waits for 30 seconds.
pub(crate) const HEAD: Duration = Duration::from_secs(25);

/// A sandbox sleeps between two requests, and what it kept may be gone when it wakes.
const IDLE: Duration = Duration::from_secs(15);

/// A buffer's limit: a frame is passed on in pieces of this size.
const BUFFER: usize = 256 * 1024;

/// The setting of AWS's SDKs for where this service is. `frames dev` uses it.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_MEDICAL_IMAGING";

pub(crate) struct Origin {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// `https://` and HealthImaging's host.
    address: String,
}

impl Origin {
    pub(crate) fn new(config: &ReaderConfig) -> Result<Self, String> {
        let address = match std::env::var(ENDPOINT) {
            Ok(endpoint) => own_machine(&endpoint)?,
            Err(_) => format!("https://{}", config.native_host),
        };
        let tls = if address.starts_with("https://") {
            tls::trusting_the_system()?
        } else {
            tls::trusting_nobody()?
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        Ok(Self { client, address })
    }

    /// Asks HealthImaging. The answer's body is still to be read.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        config: &ReaderConfig,
        credentials: &Credentials,
    ) -> Result<Response<Incoming>, Refusal> {
        let asked = async {
            // A kept connection may turn out to be closed only once it is written to. A read
            // changes nothing, so it is asked twice.
            match self.ask_once(question, config, credentials).await {
                Err(Refusal::Unreachable) => self.ask_once(question, config, credentials).await,
                asked => asked,
            }
        };
        let asked = timeout(HEAD, asked).await;
        asked.unwrap_or(Err(Refusal::TimedOut))
    }

    async fn ask_once(
        &self,
        question: &Question,
        config: &ReaderConfig,
        credentials: &Credentials,
    ) -> Result<Response<Incoming>, Refusal> {
        let now = SystemTime::now();
        let request = request::signed(question, &self.address, config, credentials, now)
            .map_err(|_| Refusal::NotSigned)?;
        let answer = self.client.request(request).await;
        answer.map_err(|_| Refusal::Unreachable)
    }
}

/// A server in HealthImaging's place is on this machine, or it isn't taken: frames and
/// signatures go nowhere else.
fn own_machine(endpoint: &str) -> Result<String, String> {
    let address = endpoint.strip_suffix('/').unwrap_or(endpoint);
    let is_own = address.parse::<Uri>().is_ok_and(|uri| {
        let host = uri.host().and_then(|host| host.parse::<IpAddr>().ok());
        let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
        let bare = uri.authority().is_some_and(|it| !it.as_str().contains('@')) && rest == "/";
        bare && matches!(uri.scheme_str(), Some("http" | "https"))
            && host.is_some_and(|host| host.is_loopback())
    });
    if is_own {
        Ok(address.to_owned())
    } else {
        Err(format!(
            "{ENDPOINT} has to be an address of this machine, like http://127.0.0.1:8080: \
             unset it, or set it so"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Answer;
    use frames_edge::LogLevel;
    use frames_reader::question::Event;
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Asks a server that takes every connection, and writes this to each.
    async fn ask(begins: &'static str) -> Result<Response<Incoming>, Refusal> {
        ask_one_that(begins, false).await
    }

    async fn ask_one_that(
        begins: &'static str,
        closes: bool,
    ) -> Result<Response<Incoming>, Refusal> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                stream.write_all(begins.as_bytes()).await.unwrap();
                if !closes {
                    held.push(stream);
                }
            }
        });
        let config = ReaderConfig {
            region: "us-east-1".to_owned(),
            native_host: "runtime-medical-imaging.us-east-1.amazonaws.com".to_owned(),
            metadata: false,
            log_level: LogLevel::Warn,
        };
        let mut origin = Origin::new(&config).unwrap();
        origin.address = address;
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let id = "a".repeat(32);
        let event = format!(
            "{{\"rawPath\": \"/datastore/{id}/imageSet/{id}/getImageFrame\", \
             \"rawQueryString\": \"imageFrameId={id}\", \"requestContext\": {{\"http\": {{\"method\": \"GET\"}}}}}}"
        );
        let event = Event::read(event.as_bytes()).unwrap();
        let question = Question::of(&event, config.served()).unwrap();
        origin.ask(&question, &config, &credentials).await
    }

    /// The clock goes on by itself wherever nothing else happens.
    #[tokio::test(start_paused = true)]
    async fn a_hung_origin_is_waited_for_less_long_than_cloudfront_waits() {
        let begun = tokio::time::Instant::now();
        assert_eq!(ask("").await.unwrap_err(), Refusal::TimedOut);
        assert_eq!(
            ask("HTTP/1.1 200 OK\r\n").await.unwrap_err(),
            Refusal::TimedOut
        );
        let each = begun.elapsed() / 2;
        assert!(each >= HEAD && each < Duration::from_secs(28), "{each:?}");
    }

    /// The Runtime API would wait for an answer that never began.
    #[tokio::test]
    async fn what_came_before_the_break_is_sent_before_it() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        let answer = Answer::of(ask_one_that(head, true).await.unwrap(), None).unwrap();
        // The connection to the origin is gone before the first byte goes on.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", api.local_addr().unwrap());
        let request = http::Request::post(address).body(answer).unwrap();
        let client: Client<HttpConnector, Answer> =
            Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let sent = tokio::spawn(client.request(request));
        let (mut stream, _) = api.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        let got = String::from_utf8(got).unwrap();
        assert!(got.contains("\"statusCode\":200"), "{got}");
        assert!(!got.ends_with("0\r\n\r\n"), "{got}");
        assert!(sent.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_breaks_off() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        for begins in [head, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"] {
            let answer = Answer::of(ask(begins).await.unwrap(), None).unwrap();
            let begun = tokio::time::Instant::now();
            let broken = answer.collect().await.map(drop).unwrap_err();
            assert_eq!(broken.to_string(), "origin_stalled");
            assert!(begun.elapsed() < Duration::from_secs(28));
        }
        let whole = Answer::of(
            ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
                .await
                .unwrap(),
            None,
        );
        let whole = whole.unwrap().collect().await.unwrap().to_bytes();
        assert!(whole.ends_with(b"\0\0\0\0\0\0\0\0ab"), "{whole:?}");
    }

    #[test]
    fn only_this_machine_takes_healthimagings_place() {
        for own in ["http://127.0.0.1:8080", "https://127.0.0.1:1/"] {
            let address = own_machine(own).unwrap();
            assert_eq!(address, own.trim_end_matches('/'));
        }
        for other in [
            "",
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "http://localhost:8080",
            "http://127.0.0.1.evil.example:80",
            "http://evil.example",
            "http://10.0.0.1:80",
            "http://user@127.0.0.1:80",
            "http://127.0.0.1:80/path",
            "http://127.0.0.1:80/?a",
            "https://runtime-medical-imaging.us-east-1.amazonaws.com",
        ] {
            let problem = own_machine(other).unwrap_err();
            assert!(
                problem.contains("AWS_ENDPOINT_URL_MEDICAL_IMAGING"),
                "{other}"
            );
        }
    }
}
