//! What AWS refuses, in a user's words: what frames was doing, why it failed, what to do.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use frames_compiler::failure::Failure;
use frames_network::Trouble;
use frames_network::error::innermost;

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
pub fn explain<E: ProvideErrorMetadata>(action: &str, doing: &str, error: SdkError<E>) -> Failure {
    explain_ref(action, doing, &error)
}

pub(super) fn explain_ref<E: ProvideErrorMetadata>(
    action: &str,
    doing: &str,
    error: &SdkError<E>,
) -> Failure {
    let SdkError::ServiceError(answer) = error else {
        return unreachable(action, doing, error);
    };
    // The answer to a HEAD has no body, and so no code. Neither has that of somebody else on the way.
    let Some(code) = answer.err().code() else {
        return uncoded(action, doing, answer.raw().status().as_u16());
    };
    let message = answer.err().message().unwrap_or_default();
    refusal(action, doing, code, message)
}

/// An answer that isn't in the service's own form.
fn uncoded(action: &str, doing: &str, status: u16) -> Failure {
    let who = service(action);
    match status {
        407 => Failure::new(format!("can't {doing}: a proxy on the way to {who} refuses (407)")).help(PROXY),
        400 | 401 | 403 => Failure::new(format!("can't {doing}: {who} refuses this and gives no reason ({status})")).help(
            "expired credentials are the most likely cause: sign in again, then run the same command",
        ),
        _ => Failure::new(format!("can't {doing}: {who} answers {status}, and gives no reason that frames can read")).help(asked(action)),
    }
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

/// Too many calls at once, or a failure of AWS's own: the same call may succeed later.
pub fn is_passing<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    let passing = [Cause::Throttled, Cause::Unreachable];
    code(error).is_some_and(|code| passing.contains(&cause(code, message(error))))
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

fn unreachable<E>(action: &str, doing: &str, error: &SdkError<E>) -> Failure {
    if let SdkError::DispatchFailure(failure) = error
        && let Some(error) = failure.as_connector_error()
        && let Some(trouble) = Trouble::within(error)
    {
        return from_proxy(doing, trouble);
    }
    let who = service(action);
    let help = || asked(action);
    let (what, help) = match error {
        SdkError::TimeoutError(_) => (format!("{who} didn't answer in time"), help()),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            // Its text may have what a credential process printed.
            Some(error) if within::<CredentialsError>(error).is_some() => (
                "the AWS credentials can't be renewed".to_owned(),
                "sign in again (`aws sso login`, or your way to new credentials), then run the same command: it goes on where this one stopped".to_owned(),
            ),
            Some(error) => {
                let reason = innermost(error);
                let help = match reason.as_str() {
                    reason if reason.contains("certificate") => format!(
                        "a server between this machine and {who}, such as a company's proxy, has a certificate that this machine doesn't trust. Set AWS_CA_BUNDLE or SSL_CERT_FILE to a PEM file with its root certificate"
                    ),
                    _ => help(),
                };
                (format!("{who} can't be reached ({reason})"), help)
            }
            None => (format!("{who} can't be reached"), help()),
        },
        SdkError::ConstructionFailure(_) => (
            "the request can't be built".to_owned(),
            "check that a Region and credentials are set for this profile".to_owned(),
        ),
        _ => (
            format!("the answer of {who} can't be read"),
            "run the same command again: it goes on where this one stopped".to_owned(),
        ),
    };
    Failure::new(format!("can't {doing}: {what}")).help(help)
}

const PROXY: &str =
    "give HTTPS_PROXY the user and password that the proxy asks for, then run the same command";

/// What to check, where somebody else than AWS answers, or nobody: the address that was asked.
fn asked(action: &str) -> String {
    let own = format!("AWS_ENDPOINT_URL_{}", id(action));
    let own = [own.as_str(), "AWS_ENDPOINT_URL"];
    let set = own.into_iter().find_map(|variable| {
        let url = std::env::var(variable).ok().filter(|url| !url.is_empty())?;
        // Whoever is named before the host may be secret.
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let host = host.rsplit('@').next()?;
        Some(format!(
            "{variable} sends it to {scheme}://{host}: check that"
        ))
    });
    let what = set.unwrap_or_else(|| "check the network and the proxy (HTTPS_PROXY)".to_owned());
    format!("{what}, then run the same command: it goes on where this one stopped")
}

/// As AWS writes it, by the prefix of an action.
fn service(action: &str) -> &str {
    match action.split(':').next().unwrap_or(action) {
        "acm" => "AWS Certificate Manager",
        "cloudformation" => "AWS CloudFormation",
        "cloudfront" => "Amazon CloudFront",
        "cognito-idp" => "Amazon Cognito",
        "lambda" => "AWS Lambda",
        "logs" => "Amazon CloudWatch Logs",
        "medical-imaging" => "AWS HealthImaging",
        "s3" => "Amazon S3",
        "servicequotas" => "AWS Service Quotas",
        "ssm" => "AWS Systems Manager",
        "sso" => "AWS IAM Identity Center",
        "sts" => "AWS STS",
        "wafv2" => "AWS WAF",
        _ => "AWS",
    }
}

/// The service in the name of its endpoint's variable.
fn id(action: &str) -> String {
    match action.split(':').next().unwrap_or(action) {
        "cognito-idp" => "COGNITO_IDENTITY_PROVIDER".to_owned(),
        "logs" => "CLOUDWATCH_LOGS".to_owned(),
        prefix => prefix.to_ascii_uppercase().replace('-', "_"),
    }
}

/// A proxy is in the way.
pub(super) fn from_proxy(doing: &str, trouble: &Trouble) -> Failure {
    Failure::new(format!("can't {doing}: {trouble}")).help(trouble.help.clone())
}

pub(super) fn from_network(error: frames_network::Error) -> Failure {
    Failure::new(error.message).help(error.help)
}

/// The first error of this kind, from the outermost to the innermost.
pub(super) fn within<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        error = this.source();
    }
    None
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
