//! The request that HealthImaging gets, signed with Signature Version 4.
//! Sources: "GetImageFrame" and "GetImageSetMetadata", AWS HealthImaging API Reference.

use crate::Credentials;
use crate::question::{Asks, Question};
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use frames_edge::ReaderConfig;
use http::{Request, header};
use http_body_util::Full;
use std::time::SystemTime;

/// SigV4's name of AWS HealthImaging.
const SERVICE: &str = "medical-imaging";

/// The request couldn't be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSigned;

/// The signed read. `address` is where it goes, without a path: `https://` and the
/// configured host, wherever that isn't replaced.
pub fn signed(
    question: &Question,
    address: &str,
    config: &ReaderConfig,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Request<Full<Bytes>>, NotSigned> {
    let path = &question.path;
    let (target, body) = match &question.asks {
        Asks::Frame { id } => (path.clone(), format!("{{\"imageFrameId\":\"{id}\"}}")),
        Asks::Metadata { query } if query.is_empty() => (path.clone(), String::new()),
        Asks::Metadata { query } => (format!("{path}?{query}"), String::new()),
    };
    let host = config.native_host.as_str();
    let mut headers = vec![(header::HOST, host)];
    if !body.is_empty() {
        headers.push((header::CONTENT_TYPE, "application/json"));
    }
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&config.region)
        .name(SERVICE)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|_| NotSigned)?
        .into();
    let named = headers.iter().map(|(name, value)| (name.as_str(), *value));
    let url = format!("https://{host}{target}");
    let signable = SignableRequest::new("POST", url, named, SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = signable
        .and_then(|signable| sign(signable, &params))
        .map_err(|_| NotSigned)?
        .into_parts();
    let mut request = Request::post(format!("{address}{target}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    request
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| NotSigned)
}
