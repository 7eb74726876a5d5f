//! A page that fetches frames as a viewer in a browser would: from another
//! origin than the edge's, so that CORS is at work.

use super::random::random_text;
use super::{
    Error,
    healthimaging::FrameNames,
    http::{self as local_http, Answer},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpListener;

const PAGE: &str = include_str!("page.html");

/// The page's address, reserved before the edge that it talks to exists.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// What a browser sends as the page's `Origin`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The page's server, listening. It ends when it is dropped.
pub struct Page {
    server: local_http::Server,
    key: String,
}

/// What the page's form is filled with.
pub struct Values<'a> {
    pub edge_url: &'a str,
    pub token: Option<&'a str>,
    pub datastore_id: &'a str,
    pub frame: Option<FrameNames<'a>>,
}

/// What the server answers from.
#[derive(Clone)]
struct Content {
    port: u16,
    policy: HeaderValue,
    values: String,
    key: String,
}

impl Page {
    pub async fn bind() -> Result<Bound, Error> {
        let broken = |_| Error::new("can't find out the page's port");
        let listener = local_http::bind(0).await?;
        let address = listener.local_addr().map_err(broken)?;
        Ok(Bound { listener, address })
    }

    /// Serves the page, which may talk to the edge at `edge_url` and to nobody else.
    pub fn serve(bound: Bound, values: &Values) -> Result<Self, Error> {
        let policy = content_security_policy(values.edge_url)
            .and_then(|policy| HeaderValue::from_str(&policy).ok())
            .ok_or_else(|| Error::new("the embedded page is broken"))?;
        let key = key()?;
        let content = Content {
            port: bound.address.port(),
            policy,
            values: values.to_json().to_string(),
            key: key.clone(),
        };
        let server = local_http::serve(bound.listener, move |request, _| {
            let answer = answer(&request, &content);
            async move { answer }
        })?;
        Ok(Self { server, key })
    }

    /// The page's address. The key in its fragment opens the values: others on this machine
    /// don't get the token, since a browser sends the fragment to no server and no log.
    pub fn url(&self) -> String {
        format!("http://{}/#{}", self.server.address, self.key)
    }
}

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 130 bits.
const KEY: usize = 26;

/// What opens a page's secrets.
pub(crate) fn key() -> Result<String, Error> {
    random_text(ALPHABET, KEY)
}

impl Values<'_> {
    fn to_json(&self) -> Value {
        let mut values = json!({"edge": self.edge_url, "datastore": self.datastore_id});
        if let Some(token) = self.token {
            values["token"] = token.into();
        }
        if let Some(frame) = self.frame {
            values["imageSet"] = frame.image_set_id.into();
            values["frame"] = frame.image_frame_id().into();
            values["study"] = frame.study.into();
            values["series"] = frame.series.into();
            values["instance"] = frame.instance.into();
        }
        values
    }
}

/// The page's own script and style, by their hashes, and the edge.
fn content_security_policy(edge_url: &str) -> Option<String> {
    let hash = |tag: &str| {
        let (_, rest) = PAGE.split_once(&format!("<{tag}>"))?;
        let (content, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(STANDARD.encode(digest(&SHA256, content.as_bytes())))
    };
    Some(format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self' {edge_url}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script")?,
        hash("style")?,
    ))
}

fn answer(request: &Request<Incoming>, content: &Content) -> Answer {
    if let Err(not_ours) = local_http::check_host(request.headers(), request.uri(), content.port) {
        return local_http::answer(
            not_ours.status(),
            "text/plain",
            "the Host is not this server's\n",
        );
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut answer = match request.uri().path() {
        "/" if reads => local_http::answer(StatusCode::OK, "text/html; charset=utf-8", PAGE),
        // The header makes it a request that no other origin's page may send.
        "/values" if reads && knows(request, &content.key) => {
            local_http::answer(StatusCode::OK, "application/json", content.values.clone())
        }
        "/values" if reads => {
            local_http::answer(StatusCode::FORBIDDEN, "text/plain", "the key is missing\n")
        }
        _ => local_http::answer(
            StatusCode::NOT_FOUND,
            "text/plain",
            "only / is served here\n",
        ),
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, content.policy.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

pub(crate) fn knows(request: &Request<Incoming>, key: &str) -> bool {
    let given = request.headers().get("x-key");
    given.is_some_and(|given| verify_slices_are_equal(given.as_bytes(), key.as_bytes()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_scripts_hash_and_the_edge_alone() {
        let policy = content_security_policy("http://127.0.0.1:1").unwrap();
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:1;"));
        assert!(!policy.contains("unsafe"));
        for outside in ["src=", "href=", "@import", "url(", " style=", " onclick="] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
