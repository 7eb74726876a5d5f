//! A page that fetches frames as a viewer in a browser would: from another
//! origin than the edge's, so that CORS is at work.

use super::{
    Error,
    http::{self as local_http, Answer},
    origin::Fixture,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use std::net::SocketAddr;
use tokio::net::TcpListener;

const PAGE: &str = include_str!("page.html");

/// The page's address, before the edge that it talks to is there.
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
}

impl Page {
    pub async fn bind() -> Result<Bound, Error> {
        let broken = |_| Error::new("the page's port can't be told");
        let listener = local_http::bind(0).await?;
        let address = listener.local_addr().map_err(broken)?;
        Ok(Bound { listener, address })
    }

    /// Serves the page, which may talk to the edge at `edge_url` and to nobody else.
    pub fn serve(bound: Bound, edge_url: &str) -> Result<Self, Error> {
        let policy = content_security_policy(edge_url)
            .and_then(|policy| HeaderValue::from_str(&policy).ok())
            .ok_or_else(|| Error::new("the embedded page is broken"))?;
        let port = bound.address.port();
        let server = local_http::serve(bound.listener, move |request, _| {
            let answer = answer(&request, port, &policy);
            async move { answer }
        })?;
        Ok(Self { server })
    }

    /// The page's address. What it needs stands in the fragment, which a
    /// browser sends to no server and to no log.
    pub fn url(
        &self,
        edge_url: &str,
        token: Option<&str>,
        datastore_id: &str,
        fixture: Option<&Fixture>,
    ) -> String {
        let mut parameters = vec![("edge", edge_url), ("datastore", datastore_id)];
        if let Some(token) = token {
            parameters.push(("token", token));
        }
        if let Some(fixture) = fixture {
            parameters.extend([
                ("imageSet", fixture.image_set_id.as_str()),
                ("frame", &fixture.image_frame_id),
                ("study", &fixture.study_uid),
                ("series", &fixture.series_uid),
                ("instance", &fixture.instance_uid),
            ]);
        }
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        format!("http://{}/#{}", self.server.address, pairs.join("&"))
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The page's own script and style, by their hashes, and the edge.
fn content_security_policy(edge_url: &str) -> Option<String> {
    let hash = |tag: &str| {
        let (_, rest) = PAGE.split_once(&format!("<{tag}>"))?;
        let (content, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(STANDARD.encode(digest(&SHA256, content.as_bytes())))
    };
    Some(format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src {edge_url}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script")?,
        hash("style")?,
    ))
}

fn answer(request: &Request<Incoming>, port: u16, policy: &HeaderValue) -> Answer {
    if let Err(not_ours) = local_http::check_host(request.headers(), request.uri(), port) {
        return local_http::answer(
            not_ours.status(),
            "text/plain",
            "the Host is not this server's\n",
        );
    }
    if request.uri().path() != "/" || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return local_http::answer(StatusCode::NOT_FOUND, "text/plain", "there is / alone\n");
    }
    let mut answer = local_http::answer(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_scripts_hash_and_the_edge_alone() {
        let policy = content_security_policy("http://127.0.0.1:1").unwrap();
        assert!(policy.contains("connect-src http://127.0.0.1:1;"));
        assert!(!policy.contains("unsafe"));
        for outside in ["src=", "href=", "@import", "url(", " style=", " onclick="] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_fragment_holds_any_text() {
        assert_eq!(escape("http://a/b&c=d e"), "http%3A%2F%2Fa%2Fb%26c%3Dd%20e");
    }
}
