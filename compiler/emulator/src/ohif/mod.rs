//! OHIF beside the delivery: its built files as they are, but for the configuration, which
//! points at the local edge and has the local issuer's token.

mod files;

pub use files::Files;

use super::{
    Error,
    http::{self as local_http, Answer, Reserved},
    issuer::{self, Issuer},
    page,
};
use files::content_type;
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::{Map, json};
use std::sync::{Arc, PoisonError, RwLock};

const CONFIG: &str = include_str!("app-config.js");

/// The hole in it.
const DEV: &str = "__DEV__";

/// How long before its end a token is replaced, in seconds.
const EARLY: u64 = 10 * 60;

/// What OHIF is told.
pub struct Values<'a> {
    pub edge_url: &'a str,
    pub datastore_id: &'a str,
    /// Where HealthImaging's own addresses of bulk data lead.
    pub dicomweb_host: &'a str,
    /// None: OHIF sends no token, unless its address has one.
    pub issuer: Option<Arc<Issuer>>,
}

/// OHIF's server, listening. It ends when it is dropped.
pub struct Ohif {
    server: local_http::Server,
    key: Option<String>,
    content: Arc<Content>,
}

struct Content {
    port: u16,
    files: Files,
    config: RwLock<String>,
    policy: HeaderValue,
    issuer: Option<Arc<Issuer>>,
    key: Option<String>,
}

impl Ohif {
    pub async fn bind() -> Result<Reserved, Error> {
        Reserved::new().await
    }

    /// Serves OHIF, which may talk to the edge at `edge_url` and to nobody else.
    pub fn serve(reserved: Reserved, files: Files, values: &Values) -> Result<Self, Error> {
        let policy = HeaderValue::from_str(&content_security_policy(values.edge_url))
            .map_err(|_| Error::new("the edge's address can't be written in a header"))?;
        let key = values.issuer.as_ref().map(|_| page::key()).transpose()?;
        let content = Arc::new(Content {
            port: reserved.address.port(),
            files,
            config: RwLock::new(configuration(values)),
            policy,
            issuer: values.issuer.clone(),
            key: key.clone(),
        });
        let shared = content.clone();
        let server = local_http::serve(reserved.listener, move |request, _| {
            let content = shared.clone();
            async move { answer(&request, content).await }
        })?;
        Ok(Self {
            server,
            key,
            content,
        })
    }

    /// Whoever loads it from now on is pointed there. Its issuer stays.
    pub fn update(&self, values: &Values) {
        let config = configuration(values);
        let held = self.content.config.write();
        *held.unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// The address to open. The key in its fragment opens the token: others on this machine
    /// don't get it, since a browser sends the fragment to no server and no log.
    pub fn url(&self) -> String {
        let key = self.key.as_ref().map(|key| format!("#{key}"));
        format!("http://{}/{}", self.server.address, key.unwrap_or_default())
    }
}

fn configuration(values: &Values) -> String {
    let dev = json!({
        "root": format!("{}/datastore/{}", values.edge_url, values.datastore_id),
        "edge": values.edge_url,
        "bulkDataHost": format!("https://{}", values.dicomweb_host),
        "hasToken": values.issuer.is_some(),
    });
    CONFIG.replacen(DEV, &dev.to_string(), 1)
}

/// OHIF's bundles compile WebAssembly and functions, and style elements where they are.
/// Nothing but its own server and the edge is contacted.
fn content_security_policy(edge_url: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: {edge_url}; \
         font-src 'self' data:; media-src 'self' blob: {edge_url}; worker-src 'self' blob:; \
         connect-src 'self' data: blob: {edge_url}; object-src 'self' blob: {edge_url}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

async fn answer(request: &Request<Incoming>, content: Arc<Content>) -> Answer {
    if let Err(not_ours) = local_http::check_host(request.headers(), request.uri(), content.port) {
        return text(not_ours.status(), "the Host is not this server's\n");
    }
    let policy = content.policy.clone();
    let mut answer = match (request.method(), request.uri().path()) {
        (&Method::POST, "/frames-dev/token") => token(request, &content),
        (&Method::GET | &Method::HEAD, "/frames-dev/key") => text(
            StatusCode::OK,
            "The key is missing, or is another run's. Open the address that `frames dev` printed: it ends with the key.\n",
        ),
        (&Method::GET | &Method::HEAD, "/app-config.js") => local_http::answer(
            StatusCode::OK,
            content_type("/app-config.js"),
            content
                .config
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        ),
        (&Method::GET | &Method::HEAD, path) => {
            let path = path.to_owned();
            let read = tokio::task::spawn_blocking(move || file(&content.files, &path)).await;
            read.unwrap_or_else(|_| {
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the file could not be read\n",
                )
            })
        }
        _ => text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are answered here\n",
        ),
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // Another run may have this port, and another OHIF. No other origin's page may load anything.
    for (name, value) in [
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A file; of a path that can be none, OHIF's page: its own router shows what is meant.
fn file(files: &Files, path: &str) -> Answer {
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return text(StatusCode::BAD_REQUEST, "the path is not UTF-8\n");
    };
    let is_route = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let served = if !files.has(&path) && is_route {
        "/index.html"
    } else {
        &path
    };
    match files.read(served) {
        Some(Ok(content)) => local_http::answer(StatusCode::OK, content_type(served), content),
        Some(Err(error)) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the file could not be read: {error}\n"),
        ),
        None => text(StatusCode::NOT_FOUND, "OHIF has no such file\n"),
    }
}

/// The header makes it a request that no other origin's page may send, and nothing here
/// has CORS headers: only OHIF's page reads the token.
fn token(request: &Request<Incoming>, content: &Content) -> Answer {
    let (Some(issuer), Some(key)) = (&content.issuer, &content.key) else {
        return text(StatusCode::NOT_FOUND, "there is no token here\n");
    };
    if !page::knows(request, key) {
        return text(StatusCode::FORBIDDEN, "the key is missing\n");
    }
    match issuer.mint(Map::new()) {
        Ok(token) => {
            let renew_in = issuer::LIFETIME.as_secs().saturating_sub(EARLY);
            local_http::json(
                StatusCode::OK,
                &json!({"token": token, "renewIn": renew_in}),
            )
        }
        Err(error) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{}\n", error.message()),
        ),
    }
}

fn text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Answer {
    local_http::answer(status, "text/plain; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values<'static> {
        Values {
            edge_url: "http://127.0.0.1:1",
            datastore_id: "12345678901234567890123456789012",
            dicomweb_host: "dicom-medical-imaging.us-east-1.amazonaws.com",
            issuer: None,
        }
    }

    #[test]
    fn the_configuration_is_filled_in_and_has_no_secret() {
        let text = configuration(&values());
        assert!(!text.contains(DEV));
        assert!(text.contains(
            "\"root\":\"http://127.0.0.1:1/datastore/12345678901234567890123456789012\""
        ));
        assert!(text.contains("\"hasToken\":false"));
    }

    #[test]
    fn only_the_page_itself_and_the_edge_are_contacted() {
        let policy = content_security_policy("http://127.0.0.1:1");
        assert!(
            policy.contains("connect-src 'self' data: blob: http://127.0.0.1:1;"),
            "{policy}"
        );
        assert!(!policy.contains('*'));
        assert_eq!(
            policy.matches("http").count(),
            policy.matches("http://127.0.0.1:1").count()
        );
    }

    #[test]
    fn a_route_is_the_page_and_a_missing_file_is_missing() {
        let folder = files::tests::built();
        let files = Files::of(folder.path()).unwrap();
        for (path, status, kind) in [
            ("/", 200, "text/html; charset=utf-8"),
            ("/viewer", 200, "text/html; charset=utf-8"),
            ("/assets", 200, "text/html; charset=utf-8"),
            ("/assets/a%20b.png", 200, "image/png"),
            ("/app.bundle.0123.js", 200, "text/javascript; charset=utf-8"),
            ("/missing.js", 404, "text/plain; charset=utf-8"),
            (
                "/..%2f..%2fetc%2fpasswd.txt",
                404,
                "text/plain; charset=utf-8",
            ),
            ("/.hidden", 404, "text/plain; charset=utf-8"),
            ("/%ff", 400, "text/plain; charset=utf-8"),
        ] {
            let answer = file(&files, path);
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()["content-type"], kind, "{path}");
        }
    }
}
