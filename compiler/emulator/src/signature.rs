//! AWS Signature Version 4, verified as a service would.

use crate::Credentials;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, SignatureError, SignatureOptions,
    SignedHeaderRequirements,
    principal::{AssumedRole, Principal},
    service_for_signing_key_fn, sigv4_validate_request,
};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    future::{Ready, ready},
    str::FromStr,
    time::SystemTime,
};

/// Whose signature a service takes.
pub(crate) struct Signer<'a> {
    pub service: &'static str,
    pub region: &'a str,
    pub credentials: &'a Credentials,
    /// CloudFront adds `x-amz-cf-id` last, which is signed before.
    pub by_cloudfront: bool,
}

/// Why a signature isn't taken, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub class: &'static str,
    pub message: &'static str,
}

/// AWS wants every `x-amz-*` header that it gets to be signed. Nothing else may be
/// left out either.
struct Required {
    by_cloudfront: bool,
    /// Its credentials have a session token, which belongs to them.
    of_session: bool,
}

const PRESENT: &[Cow<'_, str>] = &[
    Cow::Borrowed("x-amz-cf-id"),
    Cow::Borrowed("host"),
    Cow::Borrowed("x-amz-date"),
    Cow::Borrowed("x-amz-content-sha256"),
    Cow::Borrowed("x-amz-security-token"),
];

impl SignedHeaderRequirements for Required {
    fn always_present(&self) -> &[Cow<'_, str>] {
        let from = usize::from(!self.by_cloudfront);
        let to = PRESENT.len() - usize::from(!self.of_session);
        PRESENT.get(from..to).unwrap_or(PRESENT)
    }

    fn if_in_request(&self) -> &[Cow<'_, str>] {
        &[Cow::Borrowed("content-type")]
    }

    fn prefixes(&self) -> &[Cow<'_, str>] {
        &[Cow::Borrowed("x-amz-")]
    }
}

/// Gives the request back if `signer` signed it, within 15 minutes of `now` either way,
/// over just this body.
pub(crate) async fn verify(
    request: Request<Bytes>,
    signer: &Signer<'_>,
    now: SystemTime,
) -> Result<Request<Bytes>, Refused> {
    check_presence(request.headers(), signer.credentials)?;
    check_body(request.headers(), request.body())?;
    // The library takes a body of its own and gives none back unchanged.
    let (parts, body) = request.into_parts();
    let copy = Request::from_parts(parts.clone(), body.clone());
    let mut keys = service_for_signing_key_fn(keys_of(signer.credentials.clone()));
    let required = Required {
        by_cloudfront: signer.by_cloudfront,
        of_session: signer.credentials.session_token.is_some(),
    };
    let now = chrono::DateTime::<chrono::Utc>::from(now);
    let verdict = sigv4_validate_request(
        copy,
        signer.region,
        signer.service,
        &mut keys,
        now,
        &required,
        SignatureOptions::default(),
    );
    match verdict.await {
        Ok(_) => Ok(Request::from_parts(parts, body)),
        Err(error) => Err(refusal(error.downcast_ref::<SignatureError>())),
    }
}

type KeyResult = Result<GetSigningKeyResponse, Box<dyn std::error::Error + Send + Sync>>;

fn keys_of(
    credentials: Credentials,
) -> impl FnMut(GetSigningKeyRequest) -> Ready<KeyResult> + Send + 'static {
    move |request| ready(signing_key(&request, &credentials))
}

fn signing_key(request: &GetSigningKeyRequest, credentials: &Credentials) -> KeyResult {
    if request.access_key() != credentials.access_key_id {
        return Err(SignatureError::InvalidClientTokenId("unknown key".to_owned()).into());
    }
    let secret = KSecretKey::from_str(&credentials.secret_access_key)?;
    let key = secret.to_ksigning(request.request_date(), request.region(), request.service());
    let role = AssumedRole::new("aws", "000000000000", "signer", "local")?;
    Ok(GetSigningKeyResponse::builder()
        .principal(Principal::from(vec![role.into()]))
        .signing_key(key)
        .build()?)
}

fn check_presence(headers: &HeaderMap, credentials: &Credentials) -> Result<(), Refused> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if !authorization.is_some_and(|a| a.starts_with("AWS4-HMAC-SHA256 ")) {
        return Err(forbidden(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ));
    }
    let token = headers.get("x-amz-security-token").map(|t| t.as_bytes());
    if token != credentials.session_token.as_deref().map(str::as_bytes) {
        return Err(forbidden(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    Ok(())
}

/// The library signs over the body that came; the header must say the same.
fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let hex = format!("{:x}", Sha256::digest(body));
    let mut said = headers.get_all("x-amz-content-sha256").iter();
    match (said.next(), said.next()) {
        (Some(one), None) if one.as_bytes() == hex.as_bytes() => Ok(()),
        _ => Err(forbidden(
            "InvalidSignatureException",
            "x-amz-content-sha256 is missing, or is not the hash of the body.",
        )),
    }
}

/// In the service's words: what is wrong with it, never what would be right.
fn refusal(error: Option<&SignatureError>) -> Refused {
    match error {
        Some(SignatureError::InvalidClientTokenId(_)) => forbidden(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        Some(SignatureError::IncompleteSignature(_)) => forbidden(
            "IncompleteSignatureException",
            "The Authorization header is malformed.",
        ),
        Some(SignatureError::MissingAuthenticationToken(_)) => forbidden(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ),
        Some(SignatureError::SignatureDoesNotMatch(Some(why)))
            if why.starts_with("Signature expired") =>
        {
            forbidden("InvalidSignatureException", "Signature expired.")
        }
        Some(SignatureError::SignatureDoesNotMatch(Some(why)))
            if why.starts_with("Signature not yet current") =>
        {
            forbidden("InvalidSignatureException", "Signature not yet current.")
        }
        Some(SignatureError::SignatureDoesNotMatch(Some(why)))
            if why.contains("must be a 'SignedHeader'") =>
        {
            forbidden(
                "InvalidSignatureException",
                "A header that must be signed is not.",
            )
        }
        _ => forbidden(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        ),
    }
}

fn forbidden(class: &'static str, message: &'static str) -> Refused {
    Refused { class, message }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ring::hmac;
    use std::time::{Duration, UNIX_EPOCH};

    const HOST: &str = "runtime-medical-imaging.us-east-1.amazonaws.com";
    const DATE: &str = "20261122T140000Z";
    const NOW: u64 = 1_795_356_000;
    const BODY: &str = r#"{"imageFrameId":"x"}"#;
    const SECRET: &str = "0123456789012345678901234567890123456789";

    pub(crate) fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: Some("session".to_owned()),
            expires: None,
        }
    }

    fn sha256(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn keyed(key: &[u8], text: &str) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    }

    /// A request as the signer makes it, by the published steps of SigV4.
    pub(crate) struct Draft {
        pub secret: &'static str,
        pub region: &'static str,
        pub service: &'static str,
        pub method: &'static str,
        pub path: &'static str,
        pub query: &'static str,
        pub body: &'static str,
        pub headers: Vec<(&'static str, String)>,
        pub unsigned: Vec<&'static str>,
    }

    impl Draft {
        pub(crate) fn new() -> Self {
            let of = |name, value: &str| (name, value.to_owned());
            Self {
                secret: SECRET,
                region: "us-east-1",
                service: "medical-imaging",
                method: "POST",
                path: "/datastore/a",
                query: "b=c",
                body: BODY,
                headers: vec![
                    of("content-type", "application/json"),
                    of("host", HOST),
                    of("x-amz-cf-id", "cf=="),
                    of("x-amz-content-sha256", &sha256(BODY.as_bytes())),
                    of("x-amz-date", DATE),
                    of("x-amz-security-token", "session"),
                ],
                unsigned: vec![],
            }
        }

        pub(crate) fn set(&mut self, name: &'static str, value: &str) {
            self.headers.retain(|(held, _)| *held != name);
            self.headers.push((name, value.to_owned()));
            self.headers.sort_unstable();
        }

        fn held(&self, name: &str) -> &str {
            let found = self.headers.iter().find(|(held, _)| *held == name);
            found.map_or("", |(_, value)| value)
        }

        pub(crate) fn sign(&self) -> Request<Bytes> {
            let is_signed = |name: &str| !self.unsigned.contains(&name);
            let signed = || self.headers.iter().filter(|(name, _)| is_signed(name));
            let names: Vec<&str> = signed().map(|(name, _)| *name).collect();
            let names = names.join(";");
            let lines: String = signed().map(|(n, v)| format!("{n}:{v}\n")).collect();
            let hash = sha256(self.body.as_bytes());
            let (method, path, query) = (self.method, self.path, self.query);
            let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}");
            let time = match self.held("x-amz-date") {
                "" => DATE,
                time => time,
            };
            let date = &time[..8];
            let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
            let canonical = sha256(canonical.as_bytes());
            let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
            let steps = [date, self.region, self.service, "aws4_request"];
            let start = format!("AWS4{}", self.secret).into_bytes();
            let key = steps.iter().fold(start, |key, step| keyed(&key, step));
            let signature = hex(&keyed(&key, &text));
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"
            );
            let mut request = Request::builder()
                .method(method)
                .uri(format!("{path}?{query}"))
                .header("authorization", authorization);
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            request
                .body(Bytes::from_static(self.body.as_bytes()))
                .unwrap()
        }
    }

    fn run(request: Request<Bytes>, seconds: u64) -> Result<Request<Bytes>, Refused> {
        let now = UNIX_EPOCH + Duration::from_secs(seconds);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let signer = Signer {
            service: "medical-imaging",
            region: "us-east-1",
            credentials: &credentials(),
            by_cloudfront: true,
        };
        runtime.block_on(verify(request, &signer, now))
    }

    /// The class of the refusal.
    fn check_at(request: Request<Bytes>, seconds: u64) -> Result<(), &'static str> {
        run(request, seconds).map(|_| ()).map_err(|e| e.class)
    }

    fn check(request: Request<Bytes>) -> Result<(), &'static str> {
        check_at(request, NOW)
    }

    fn replace(request: &mut Request<Bytes>, name: &'static str, value: &str) {
        request.headers_mut().insert(name, value.parse().unwrap());
    }

    const INVALID: Result<(), &str> = Err("InvalidSignatureException");
    const UNKNOWN: Result<(), &str> = Err("UnrecognizedClientException");

    #[test]
    fn a_good_signature_passes_and_the_request_comes_back_whole() {
        let back = run(Draft::new().sign(), NOW).unwrap();
        assert_eq!(back.body(), BODY);
        assert_eq!(back.uri(), "/datastore/a?b=c");
    }

    #[test]
    fn the_date_has_a_window() {
        for (offset, expected) in [
            (-890, Ok(())),
            (890, Ok(())),
            (-910, INVALID),
            (910, INVALID),
        ] {
            let now = NOW.saturating_add_signed(offset);
            assert_eq!(check_at(Draft::new().sign(), now), expected, "{offset}");
        }
    }

    #[test]
    fn every_required_header_must_be_there_and_signed() {
        for (name, _) in Draft::new().headers {
            let draft = Draft {
                unsigned: vec![name],
                ..Draft::new()
            };
            assert!(check(draft.sign()).is_err(), "{name}");
        }
        for name in [
            "x-amz-cf-id",
            "x-amz-content-sha256",
            "x-amz-security-token",
        ] {
            let mut draft = Draft::new();
            draft.headers.retain(|(held, _)| *held != name);
            assert!(check(draft.sign()).is_err(), "{name}");
        }
    }

    #[test]
    fn no_header_of_amazons_goes_unsigned() {
        let mut draft = Draft::new();
        draft.headers.push(("x-amz-zz", "1".to_owned()));
        assert_eq!(check(draft.sign()), Ok(()));
        let mut request = Draft::new().sign();
        replace(&mut request, "x-amz-zz", "1");
        assert_eq!(check(request), INVALID);
        let mut request = Draft::new().sign();
        replace(&mut request, "accept", "image/jph");
        assert_eq!(check(request), Ok(()));
    }

    #[test]
    fn another_key_region_or_service_is_refused() {
        let draft = Draft {
            secret: "9876543210987654321098765432109876543210",
            ..Draft::new()
        };
        assert_eq!(check(draft.sign()), INVALID);
        for (region, service) in [("eu-west-1", "medical-imaging"), ("us-east-1", "s3")] {
            let draft = Draft {
                region,
                service,
                ..Draft::new()
            };
            assert_eq!(check(draft.sign()), INVALID, "{region} {service}");
        }
        let mut draft = Draft::new();
        draft.headers[5].1 = "other".to_owned();
        assert_eq!(check(draft.sign()), UNKNOWN);
        let mut request = Draft::new().sign();
        let header = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        replace(
            &mut request,
            "authorization",
            &header.replace("ASIAEXAMPLE", "ASIAOTHER"),
        );
        assert_eq!(check(request), UNKNOWN);
    }

    #[test]
    fn whatever_is_changed_after_signing_is_refused() {
        let changed = |change: &dyn Fn(&mut Request<Bytes>)| {
            let mut request = Draft::new().sign();
            change(&mut request);
            check(request)
        };
        assert_eq!(
            changed(&|r| *r.body_mut() = Bytes::from_static(b"{}")),
            INVALID
        );
        assert_eq!(changed(&|r| *r.method_mut() = http::Method::PUT), INVALID);
        for target in ["/datastore/b?b=c", "/datastore/a?b=d", "/datastore/a"] {
            assert_eq!(
                changed(&|r| *r.uri_mut() = target.parse().unwrap()),
                INVALID,
                "{target}"
            );
        }
        for name in [
            "x-amz-cf-id",
            "content-type",
            "host",
            "x-amz-content-sha256",
        ] {
            assert_eq!(changed(&|r| replace(r, name, "other")), INVALID, "{name}");
        }
        let tampered = changed(&|r| {
            let header = r.headers()["authorization"].to_str().unwrap().to_owned();
            let last = if header.ends_with('0') { "1" } else { "0" };
            replace(
                r,
                "authorization",
                &format!("{}{last}", &header[..header.len() - 1]),
            );
        });
        assert_eq!(tampered, INVALID);
    }

    #[test]
    fn no_signature_is_said_to_be_missing() {
        for header in ["Bearer x", "AWS4-HMAC-SHA512 x", ""] {
            let mut request = Draft::new().sign();
            replace(&mut request, "authorization", header);
            assert_eq!(check(request), Err("MissingAuthenticationTokenException"));
        }
    }
}
