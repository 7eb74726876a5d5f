//! What AWS refuses, in a user's words: what frames was doing, why it failed, what to do.

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use frames_compiler::failure::Failure;

/// Why a call failed, as far as it decides what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Expired,
    ClockSkew,
    Credentials,
    Denied,
    Throttled,
    Unreachable,
    /// AWS's own words are the best there are.
    Other,
}

/// `action` is the permission that the call needs, `doing` completes "can't …".
pub fn explain<E, R>(action: &str, doing: &str, error: SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata,
{
    let Some(service) = error.as_service_error() else {
        return unreachable(doing, &error);
    };
    // The answer to a HEAD has no body, and so no code.
    let Some(code) = service.code() else {
        return Failure::new(format!("can't {doing}: AWS refuses this and gives no reason")).help(
            "expired credentials are the most likely cause: sign in again, then run the same command",
        );
    };
    let message = service.message().unwrap_or_default();
    refusal(action, doing, code, message)
}

/// The code that AWS gave, if it answered at all.
pub fn code<E, R>(error: &SdkError<E, R>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

pub fn message<E, R>(error: &SdkError<E, R>) -> &str
where
    E: ProvideErrorMetadata,
{
    let message = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message);
    message.unwrap_or_default()
}

/// No permission, whatever the service calls it.
pub fn is_denied<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    code(error).is_some_and(|code| cause(code, message(error)) == Cause::Denied)
}

/// A policy of the organization refuses, or the Region isn't enabled.
pub fn is_closed<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    let unknown = [
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "OptInRequired",
    ];
    is_denied(error) || code(error).is_some_and(|code| unknown.contains(&code))
}

/// Too many calls at once: AWS may accept it later.
pub fn is_throttled<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    code(error).is_some_and(|code| cause(code, message(error)) == Cause::Throttled)
}

fn refusal(action: &str, doing: &str, code: &str, message: &str) -> Failure {
    match cause(code, message) {
        Cause::Expired => Failure::new(format!("can't {doing}: the AWS credentials have expired"))
            .help("sign in again (`aws sso login`, or your way to new credentials), then run the same command: it goes on where this one stopped"),
        Cause::ClockSkew => Failure::new(format!("can't {doing}: this machine's clock differs from AWS's by more than five minutes"))
            .help("set the clock, then run the same command"),
        // Never AWS's own text, which may quote the signed headers.
        Cause::Credentials => Failure::new(format!("can't {doing}: AWS doesn't take these credentials ({code})"))
            .help("check AWS_ACCESS_KEY_ID and its secret, or choose another profile with --profile"),
        Cause::Denied => denied(action, doing, message),
        Cause::Throttled => Failure::new(format!("can't {doing}: AWS keeps throttling this account ({code})"))
            .help("wait a minute, then run the same command: it goes on where this one stopped"),
        Cause::Unreachable => Failure::new(format!("can't {doing}: AWS keeps failing ({code})"))
            .help("run the same command again: it goes on where this one stopped"),
        Cause::Other if message.is_empty() => Failure::new(format!("can't {doing}: {code}")),
        Cause::Other => Failure::new(format!("can't {doing}: {} ({code})", message.trim_end_matches('.'))),
    }
}

fn cause(code: &str, message: &str) -> Cause {
    let code = code.rsplit('#').next().unwrap_or(code);
    let expired = ["Signature expired", "Signature not yet current"];
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Cause::Expired,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Cause::ClockSkew,
        _ if expired.iter().any(|text| message.contains(text)) => Cause::ClockSkew,
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "InvalidToken"
        | "OptInRequired" => Cause::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "Forbidden"
        | "UnauthorizedAccess"
        | "AuthorizationError" => Cause::Denied,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "SlowDown"
        | "PriorRequestNotComplete" => Cause::Throttled,
        "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "InternalServiceException"
        | "ServiceException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout" => Cause::Unreachable,
        _ => Cause::Other,
    }
}

/// Names the missing action. AWS mostly does so itself, but the answer to a HEAD has no text.
pub fn denied(action: &str, doing: &str, message: &str) -> Failure {
    let missing = denied_action(message).unwrap_or(action);
    let on = match denied_resource(message) {
        Some(resource) => format!(" on {resource}"),
        None => String::new(),
    };
    Failure::new(format!(
        "can't {doing}: you have no permission for `{missing}`{on}"
    ))
    .help("`frames policy` prints the policy needed to deploy and remove this manifest")
}

/// `… is not authorized to perform: lambda:DeleteFunction on resource: arn:…`
pub fn denied_action(message: &str) -> Option<&str> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    let action = rest.split_whitespace().next()?;
    action.contains(':').then_some(action)
}

fn denied_resource(message: &str) -> Option<&str> {
    let rest = message.split_once("on resource: ")?.1;
    let resource = rest.split_whitespace().next()?;
    Some(resource.trim_matches(['.', ',', '"']))
}

fn unreachable<E, R>(doing: &str, error: &SdkError<E, R>) -> Failure {
    let (what, help) = match error {
        SdkError::TimeoutError(_) => (
            "AWS didn't answer in time".to_owned(),
            "check the network, then run the same command: it goes on where this one stopped",
        ),
        SdkError::DispatchFailure(failure) => {
            let reason = failure.as_connector_error().map(|error| innermost(error));
            let reason = reason.map(|reason| format!(" ({reason})"));
            (
                format!("AWS can't be reached{}", reason.unwrap_or_default()),
                "check the network, AWS_ENDPOINT_URL and the proxy, then run the same command: it goes on where this one stopped",
            )
        }
        SdkError::ConstructionFailure(_) => (
            "the request can't be built".to_owned(),
            "check that a Region and credentials are set for this profile",
        ),
        _ => (
            "AWS's answer can't be read".to_owned(),
            "run the same command again: it goes on where this one stopped",
        ),
    };
    Failure::new(format!("can't {doing}: {what}")).help(help)
}

/// The reason at the bottom: "connection refused".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str) -> String {
        let failure = refusal("lambda:GetFunction", "look", code, message);
        format!("{}; {}", failure.message, failure.help.unwrap_or_default())
    }

    #[test]
    fn the_missing_action_is_named() {
        let message = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: \
                       cloudformation:CreateChangeSet on resource: arn:aws:cloudformation:us-east-1:111122223333:stack/x/* \
                       because no identity-based policy allows it";
        let text = said("AccessDenied", message);
        assert!(text.contains("`cloudformation:CreateChangeSet` on arn:aws:cloudformation:us-east-1:111122223333:stack/x/*"), "{text}");
        let quoted = "User: u is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::b/k\" because";
        assert!(said("AccessDenied", quoted).contains("`s3:PutObject` on arn:aws:s3:::b/k;"));
        assert!(said("AccessDenied", "Access Denied").contains("`lambda:GetFunction`"));
        assert!(said("AccessDeniedException", "").contains("frames policy"));
    }

    #[test]
    fn a_refused_signature_is_never_quoted() {
        let leaky = "The Canonical String should have been 'x-amz-security-token:SECRET'";
        for code in [
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
        ] {
            let text = said(code, leaky);
            assert!(!text.contains("SECRET") && text.contains(code), "{text}");
        }
    }

    #[test]
    fn a_cause_says_what_to_do() {
        assert!(said("ExpiredToken", "").contains("sign in again"));
        assert!(
            said(
                "SignatureDoesNotMatch",
                "Signature expired: 2020 is now earlier than"
            )
            .contains("clock")
        );
        assert!(said("RequestTimeTooSkewed", "").contains("clock"));
        assert!(said("Throttling", "Rate exceeded").contains("throttling"));
        assert_eq!(
            said("ValidationError", "No such thing."),
            "can't look: No such thing (ValidationError); "
        );
    }
}
