//! What the response-headers policy adds to every answer, CORS included.

use crate::plan::names;
use frames_edge::Cors;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ResponseHeaders {
    name: String,
    comment: &'static str,
    cors: Option<CorsView>,
}

#[derive(Serialize)]
pub(super) struct CorsView {
    origins: Vec<String>,
    credentials: bool,
    methods: &'static [&'static str],
    headers: &'static [&'static str],
    expose: &'static [&'static str],
    max_age: u32,
}

pub(super) fn response_headers(cors: &Cors, stack: &str) -> ResponseHeaders {
    ResponseHeaders {
        name: names::policy(stack, "headers"),
        comment: "CORS and security headers",
        cors: (!cors.origins.is_empty()).then(|| CorsView {
            origins: cors.origins.clone(),
            credentials: cors.credentials,
            methods: &["GET", "HEAD", "POST", "OPTIONS"],
            headers: &["Accept", "Authorization", "Content-Type", "Token"],
            expose: &[
                "Age",
                "Content-Length",
                "Content-Type",
                "Server-Timing",
                "WWW-Authenticate",
                "X-Cache",
            ],
            max_age: 600,
        }),
    }
}
