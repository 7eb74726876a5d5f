//! A page that looks at images as a viewer in a browser would: from another origin than
//! the edge's, so that CORS is at work. It shows what it got, and what the edge did for it.
//!
//! All that it shows came through the edge. Its own server decodes the bytes that came, and
//! tells how long each stage of the edge took.

mod drawn;
mod images;
mod purge;
mod requests;

pub use purge::{Purge, ask as ask_to_purge};
pub use requests::Requests;

use super::random::random_text;
use super::{
    Error,
    healthimaging::StandIn,
    http::{self as local_http, Answer, BodyError, Reserved},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use requests::parameter;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq;

const MARKUP: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// What asks, and what shows.
const SCRIPT: &str = concat!(include_str!("edge.js"), include_str!("page.js"));

/// The page's server, listening. It ends when it is dropped.
pub struct Page {
    server: local_http::Server,
    key: String,
    purge_key: String,
    content: Arc<Content>,
}

/// What the page is told.
pub struct Values<'a> {
    pub edge_url: &'a str,
    pub token: Option<&'a str>,
    pub datastore_id: &'a str,
    /// Whether the manifest serves it.
    pub dicomweb: bool,
    pub stand_in: Option<Arc<StandIn>>,
    /// Where the edge tells of each request.
    pub requests: Requests,
    /// Takes something out of the edge's cache.
    pub purge: Purge,
}

/// What the server answers from.
struct Content {
    port: u16,
    policy: HeaderValue,
    page: String,
    key: String,
    told: RwLock<Told>,
    requests: Requests,
    purge_key: String,
    purge: Purge,
}

/// What another manifest or other images change.
#[derive(Clone)]
struct Told {
    values: String,
    stand_in: Option<Arc<StandIn>>,
}

impl Content {
    fn told(&self) -> Told {
        let told = self.told.read();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Told {
    fn of(values: &Values<'_>) -> Self {
        Self {
            values: values.to_json().to_string(),
            stand_in: values.stand_in.clone(),
        }
    }
}

impl Page {
    pub async fn bind() -> Result<Reserved, Error> {
        Reserved::new().await
    }

    /// Serves the page, which may talk to the edge at `edge_url` and to nobody else.
    pub fn serve(reserved: Reserved, values: &Values) -> Result<Self, Error> {
        let policy = HeaderValue::from_str(&content_security_policy(values.edge_url))
            .map_err(|_| Error::new("the edge's address can't be written in a header"))?;
        let (own_key, purge_key) = (key()?, key()?);
        let content = Arc::new(Content {
            port: reserved.address.port(),
            policy,
            page: page(),
            key: own_key.clone(),
            told: RwLock::new(Told::of(values)),
            requests: values.requests.clone(),
            purge_key: purge_key.clone(),
            purge: values.purge.clone(),
        });
        let shared = content.clone();
        let server = local_http::serve(reserved.listener, move |request, _| {
            let content = shared.clone();
            async move { answer(request, &content).await }
        })?;
        Ok(Self {
            server,
            key: own_key,
            purge_key,
            content,
        })
    }

    /// Whoever loads the page from now on is told this.
    pub fn update(&self, values: &Values) {
        let told = Told::of(values);
        let held = self.content.told.write();
        *held.unwrap_or_else(PoisonError::into_inner) = told;
    }

    /// The page's address. The key in its fragment opens the values: others on this machine
    /// don't get the token, since a browser sends the fragment to no server and no log.
    pub fn url(&self) -> String {
        format!("http://{}/#{}", self.server.address, self.key)
    }

    /// The address that `frames purge --endpoint` takes. Its key opens nothing else, since a
    /// command's arguments can be read by everybody on this machine.
    pub fn purge_url(&self) -> String {
        format!("http://{}/#{}", self.server.address, self.purge_key)
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
        let mut values = json!({
            "edge": self.edge_url,
            "datastore": self.datastore_id,
            "dicomweb": self.dicomweb,
            "standIn": self.stand_in.is_some(),
        });
        if let Some(token) = self.token {
            values["token"] = token.into();
        }
        let store = self.stand_in.as_ref().map(|stand_in| stand_in.store());
        if let Some(frame) = store.and_then(|store| store.first_frame()) {
            values["imageSet"] = frame.image_set_id.into();
            values["frame"] = frame.image_frame_id().into();
            values["study"] = frame.study.into();
            values["series"] = frame.series.into();
            values["instance"] = frame.instance.into();
        }
        values
    }
}

/// The page with its own style and script in it: nothing else is loaded.
fn page() -> String {
    MARKUP
        .replacen("<style></style>", &format!("<style>{STYLE}</style>"), 1)
        .replacen(
            "<script></script>",
            &format!("<script>{SCRIPT}</script>"),
            1,
        )
}

/// The page's own script and style, by their hashes, and the edge.
fn content_security_policy(edge_url: &str) -> String {
    let hash = |content: &str| STANDARD.encode(Sha256::digest(content));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self' {edge_url}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE),
    )
}

async fn answer(request: Request<Incoming>, content: &Content) -> Answer {
    if let Err(not_ours) = local_http::check_host(request.headers(), request.uri(), content.port) {
        return text(not_ours.status(), "the Host is not this server's\n");
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let sends = *request.method() == Method::POST;
    let mut answer = match request.uri().path() {
        "/" if reads => local_http::answer(
            StatusCode::OK,
            "text/html; charset=utf-8",
            content.page.clone(),
        ),
        // The header makes it a request that no other origin's page may send.
        "/values" | "/series" | "/metadata" | "/request" if reads => {
            if knows(&request, &content.key) {
                told(&request, content).await
            } else {
                text(StatusCode::FORBIDDEN, "the key is missing\n")
            }
        }
        "/picture" if sends => {
            if knows(&request, &content.key) {
                picture(request).await
            } else {
                text(StatusCode::FORBIDDEN, "the key is missing\n")
            }
        }
        purge::PATH if sends => {
            if knows(&request, &content.purge_key) {
                purge::answer(request, &content.purge).await
            } else {
                text(StatusCode::FORBIDDEN, "the key is missing\n")
            }
        }
        _ => text(StatusCode::NOT_FOUND, "only / is served here\n"),
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

fn text(status: StatusCode, text: &'static str) -> Answer {
    local_http::answer(status, "text/plain", text)
}

/// What only the page may know.
async fn told(request: &Request<Incoming>, content: &Content) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let told = content.told();
    let found = match (request.uri().path(), &told.stand_in) {
        ("/values", _) => {
            return local_http::answer(StatusCode::OK, "application/json", told.values);
        }
        ("/request", _) => content.requests.find(query),
        ("/series", Some(stand_in)) => Some(images::series(stand_in)),
        ("/metadata", Some(stand_in)) => {
            let stand_in = stand_in.clone();
            let uid = |name| parameter(query, name).unwrap_or_default();
            let (study, series) = (uid("study"), uid("series"));
            let read = move || images::metadata(&stand_in, &study, &series);
            tokio::task::spawn_blocking(read).await.ok().flatten()
        }
        _ => None,
    };
    match found {
        Some(found) => local_http::json(StatusCode::OK, &found),
        None => text(StatusCode::NOT_FOUND, "there is none\n"),
    }
}

async fn picture(request: Request<Incoming>) -> Answer {
    match local_http::read(request.into_body(), drawn::BODY_BYTES).await {
        Ok(body) => drawn::answer(body).await,
        Err(BodyError::TooLarge) => text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a frame of more than 64 MB is not drawn\n",
        ),
        Err(BodyError::Broken | BodyError::Stalled) => {
            text(StatusCode::BAD_REQUEST, "the frame didn't come whole\n")
        }
    }
}

pub(crate) fn knows(request: &Request<Incoming>, key: &str) -> bool {
    let given = request.headers().get("x-key");
    given.is_some_and(|given| given.as_bytes().ct_eq(key.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_scripts_hash_and_the_edge_alone() {
        let policy = content_security_policy("http://127.0.0.1:1");
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:1;"));
        assert!(!policy.contains("unsafe"));
        let page = page();
        for outside in ["src=", "href=", "@import", "url(", " style=", " onclick="] {
            assert!(!page.contains(outside), "{outside}");
        }
        // Both are in the page as they were hashed, and nothing in them ends them.
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
        assert!(page.contains(&format!("<script>{SCRIPT}</script>")));
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</script"));
        // What metadata say goes into the page as text only.
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
        ] {
            assert!(!page.contains(markup), "{markup}");
        }
    }
}
