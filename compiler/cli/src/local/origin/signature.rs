//! AWS Signature Version 4, verified as the service would.

use super::error::ServiceError;
use crate::local::Credentials;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, SignatureError, SignatureOptions,
    SignedHeaderRequirements,
    principal::{AssumedRole, Principal},
    service_for_signing_key_fn, sigv4_validate_request,
};
use std::{
    borrow::Cow,
    future::{Ready, ready},
    str::FromStr,
    time::SystemTime,
};

const SERVICE: &str = "medical-imaging";

/// CloudFront adds `x-amz-cf-id` last, and AWS wants every `x-amz-*` header
/// that it gets to be signed. Nothing else may be left out either.
struct Required;

impl SignedHeaderRequirements for Required {
    fn always_present(&self) -> &[Cow<'_, str>] {
        &[
            Cow::Borrowed("host"),
            Cow::Borrowed("x-amz-date"),
            Cow::Borrowed("x-amz-content-sha256"),
            Cow::Borrowed("x-amz-security-token"),
            Cow::Borrowed("x-amz-cf-id"),
        ]
    }

    fn if_in_request(&self) -> &[Cow<'_, str>] {
        &[Cow::Borrowed("content-type")]
    }

    fn prefixes(&self) -> &[Cow<'_, str>] {
        &[Cow::Borrowed("x-amz-")]
    }
}

/// Gives the request back if it was signed with `credentials` for `region`,
/// within 15 minutes of `now` either way, over just this body.
pub(super) async fn verify(
    request: Request<Bytes>,
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Request<Bytes>, ServiceError> {
    check_presence(request.headers(), credentials)?;
    check_body(request.headers(), request.body())?;
    // The library takes a body of its own and gives none back unchanged.
    let (parts, body) = request.into_parts();
    let copy = Request::from_parts(parts.clone(), body.clone());
    let mut keys = service_for_signing_key_fn(keys_of(credentials.clone()));
    let verdict = sigv4_validate_request(
        copy,
        region,
        SERVICE,
        &mut keys,
        now.into(),
        &Required,
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

fn check_presence(headers: &HeaderMap, credentials: &Credentials) -> Result<(), ServiceError> {
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
fn check_body(headers: &HeaderMap, body: &[u8]) -> Result<(), ServiceError> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
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
fn refusal(error: Option<&SignatureError>) -> ServiceError {
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

fn forbidden(class: &'static str, message: &str) -> ServiceError {
    ServiceError::new(StatusCode::FORBIDDEN, class, message)
}
