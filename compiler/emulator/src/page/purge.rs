//! Taking something out of the edge's cache: the page's server is asked for it by a command.

use super::{local_http, text};
use crate::Error;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Takes the paths of an invalidation, and returns how many objects are gone.
pub type Purge = Arc<dyn Fn(&[String]) -> Result<usize, Error> + Send + Sync>;

pub(super) const PATH: &str = "/invalidation";

/// More paths than one invalidation of CloudFront may have take less.
const BODY_BYTES: usize = 16 * 1024 * 1024;

/// A server on this machine that takes longer isn't one of ours.
const WAIT: Duration = Duration::from_secs(20);

pub(super) async fn answer(request: Request<Incoming>, purge: &Purge) -> local_http::Answer {
    let Ok(body) = local_http::read(request.into_body(), BODY_BYTES).await else {
        return text(
            StatusCode::BAD_REQUEST,
            "the paths could not be read, or have more than 16 MB\n",
        );
    };
    let Ok(paths) = serde_json::from_slice::<Vec<String>>(&body) else {
        return text(
            StatusCode::BAD_REQUEST,
            "the body must be a list of paths, in JSON\n",
        );
    };
    match purge(&paths) {
        Ok(objects) => local_http::json(StatusCode::OK, &json!({"objects": objects})),
        Err(error) => local_http::json(
            StatusCode::BAD_REQUEST,
            &json!({"message": error.message()}),
        ),
    }
}

/// Asks a running `frames dev`, by the address that it printed, to take these paths out of its
/// cache. Returns how many objects are gone.
pub async fn ask(address: &str, paths: &[String]) -> Result<usize, Error> {
    let (server, key) = parse(address)?;
    let refused = |why: &str| Error::new(format!("http://{server} {why}")).help(WHICH);
    let body = Bytes::from(json!(paths).to_string());
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{server}{PATH}"))
        .header(header::HOST, server.to_string())
        .header("x-key", key)
        .body(Full::new(body))
        .map_err(|_| refused("can't be asked: the key after `#` isn't one"))?;
    // Never by a proxy: the key is for this machine.
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let answer = timeout(WAIT, client.request(request)).await;
    let answer = answer.map_err(|_| refused("doesn't answer"))?;
    let answer = answer.map_err(|_| refused("doesn't answer"))?;
    let status = answer.status();
    let body = local_http::read(answer.into_body(), BODY_BYTES).await;
    let body = body.map_err(|_| refused("broke its answer off"))?;
    match status {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => return Err(refused("doesn't take the key after `#`")),
        _ => {
            let said: Option<Value> = serde_json::from_slice(&body).ok();
            let said = said.as_ref().and_then(|said| said["message"].as_str());
            let said = said.map_or_else(|| status.to_string(), str::to_owned);
            return Err(refused(&format!("refuses: {said}")));
        }
    }
    let found: Option<Value> = serde_json::from_slice(&body).ok();
    let objects = found.and_then(|found| found["objects"].as_u64());
    let objects = objects.and_then(|objects| usize::try_from(objects).ok());
    objects.ok_or_else(|| refused("isn't `frames dev`"))
}

const WHICH: &str = "give the address that a running `frames dev` prints as Purge, in quotes: `http://127.0.0.1:PORT/#KEY`";

/// Only a server of this machine gets the key. What is said of an address never quotes it.
fn parse(address: &str) -> Result<(SocketAddr, &str), Error> {
    let parts = address.strip_prefix("http://");
    let parts = parts.and_then(|rest| rest.split_once("/#"));
    let parts = parts.filter(|(_, key)| !key.is_empty());
    let (server, key) = parts.ok_or_else(|| {
        Error::new("`--endpoint` isn't the address of a `frames dev`").help(WHICH)
    })?;
    let server = server.replacen("localhost:", "127.0.0.1:", 1);
    let server = server.parse::<SocketAddr>().ok();
    match server.filter(|server| server.ip().is_loopback()) {
        Some(server) => Ok((server, key)),
        None => Err(Error::new("`--endpoint` isn't on this machine").help(WHICH)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_on_this_machine_and_has_its_key() {
        let server = "127.0.0.1:8080".parse().unwrap();
        for address in ["http://127.0.0.1:8080/#abc", "http://localhost:8080/#abc"] {
            assert_eq!(parse(address).unwrap(), (server, "abc"));
        }
        for address in [
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080/#",
            "https://127.0.0.1:8080/#s3cret",
            "http://10.0.0.1:8080/#s3cret",
            "http://localhost:8080.example.org/#s3cret",
            "http://example.org/#s3cret",
            "s3cret",
        ] {
            let error = parse(address).unwrap_err();
            assert!(!error.message().contains("s3cret"), "{address}");
            assert!(error.suggestion().is_some(), "{address}");
        }
    }

    #[tokio::test]
    async fn nobody_at_that_address_is_said() {
        // It has the port, so that no other server gets it.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = format!("http://{}/#abc", socket.local_addr().unwrap());
        let error = ask(&address, &["/*".to_owned()]).await.unwrap_err();
        assert!(error.message().contains("doesn't answer"), "{error}");
    }
}
