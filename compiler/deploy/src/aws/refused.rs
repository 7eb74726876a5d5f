//! Why there are no credentials, in a user's words: the reason at the bottom, whose it is, what to do.
//!
//! The SDK's errors may have secrets in them, as what a credential process printed. So nothing of
//! them is quoted but what a table here knows, the system's own errors, and AWS's answers.

use super::chosen::{Chosen, configured};
use super::errors::{explain_ref, within};
use super::source::{Kind, Source, follow};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use frames_compiler::failure::Failure;
use frames_network::error::innermost;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A container's agent is on the same machine. The SDK would wait for three times seven seconds.
const CONTAINER: Duration = Duration::from_secs(5);

/// Which link of the chain failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Environment,
    Profile,
    WebIdentity,
    Container,
    Machine,
}

/// A provider whose failures say which one it is. What merely has no credentials passes on.
#[derive(Debug)]
pub(super) struct Of<P> {
    link: Link,
    provider: P,
}

impl<P> Of<P> {
    pub(super) fn new(link: Link, provider: P) -> Self {
        Self { link, provider }
    }
}

impl<P: ProvideCredentials> Of<P> {
    async fn credentials(&self) -> provider::Result {
        let asked = self.provider.provide_credentials();
        let found = if self.link == Link::Container {
            let timed_out = |_| Err(CredentialsError::provider_timed_out(CONTAINER));
            let found = tokio::time::timeout(CONTAINER, asked).await;
            found.unwrap_or_else(timed_out)
        } else {
            asked.await
        };
        found.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => error,
            error => CredentialsError::provider_error(Failed {
                link: self.link,
                error,
            }),
        })
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Of<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<aws_credential_types::Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

#[derive(Debug)]
struct Failed {
    link: Link,
    error: CredentialsError,
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "no credentials from {:?}", self.link)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// What to do about it, too.
pub(super) async fn explain(error: &CredentialsError, chosen: &Chosen) -> Failure {
    let profiles = match configured().await {
        Ok(profiles) => profiles,
        Err(unreadable) => return unreadable,
    };
    let source = follow(&profiles, &chosen.name);
    let link = within::<Failed>(error).map(|failed| failed.link);
    match link {
        None => none(chosen, source),
        Some(Link::Profile) => match source {
            Ok(source) => of_profile(error, &source, chosen),
            Err(failure) => failure,
        },
        Some(Link::Environment) => {
            Failure::new("the AWS access keys in the environment aren't text")
                .help("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY anew")
        }
        Some(Link::WebIdentity) => {
            let file = std::env::var(TOKEN_FILE).unwrap_or_default();
            web_identity(error, &file, TOKEN_FILE)
        }
        Some(Link::Container) => container(error),
        Some(Link::Machine) => Failure::new(
            "this machine's metadata service (IMDS) has no credentials that can be used",
        )
        .help("look at the role of the instance, or name a profile with --profile"),
    }
}

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// Nobody has any. What is there in part is said.
fn none(chosen: &Chosen, source: Result<Source, Failure>) -> Failure {
    let failure = |why: &str| Failure::new(format!("no AWS credentials were found{why}"));
    let set = |variable| std::env::var(variable).is_ok_and(|value| !value.trim().is_empty());
    if !chosen.only() {
        for (one, other) in [(ID, SECRET), (SECRET, ID), (TOKEN_FILE, ROLE)] {
            if set(one) && !set(other) {
                return failure(&format!(": {one} is set, but {other} isn't"))
                    .help(format!("set {other} as well, or take {one} away"));
            }
        }
    }
    let why = match source {
        Err(unfit) => return unfit,
        Ok(source) if chosen.is_named() && source.kind == Kind::Nothing => {
            format!(": the profile `{}` has none", chosen.name)
        }
        Ok(_) => String::new(),
    };
    failure(&why).help(format!(
        "name a profile with --profile, sign in (`aws sso login`), or set {ID} and {SECRET}"
    ))
}

fn of_profile(error: &CredentialsError, source: &Source, chosen: &Chosen) -> Failure {
    if let Some(refused) = within::<SdkError<AssumeRoleError>>(error) {
        let doing = format!("assume the role of the AWS profile `{}`", chosen.name);
        return role(explain_ref("sts:AssumeRole", &doing, refused), refused);
    }
    let whose = if source.profile == chosen.name {
        format!("the AWS profile `{}`", chosen.name)
    } else {
        format!(
            "the AWS profile `{}` (the source of `{}`)",
            source.profile, chosen.name
        )
    };
    match &source.kind {
        Kind::Process => process(error, &whose),
        Kind::Sso => sso(error, &whose, &source.profile),
        Kind::WebIdentity(file) => web_identity(error, file, &whose),
        Kind::Named(named) => Failure::new(format!(
            "{whose} takes its credentials from {named}, which has none"
        ))
        .help("run this where that is set, or name another profile with --profile"),
        Kind::Keys | Kind::Nothing => {
            Failure::new(format!("{whose} has no credentials that can be used"))
                .help("name another profile with --profile")
        }
    }
}

/// It isn't the deployer's policy that is missing something.
fn role<E: ProvideErrorMetadata>(failure: Failure, refused: &SdkError<E>) -> Failure {
    if super::errors::is_denied(refused) {
        return failure.help(
            "the role's trust policy has to let them assume it; look at `role_arn` and `external_id` as well",
        );
    }
    failure
}

const PROCESS_FAILED: &str = "external process exited with code exit status: ";
const PROCESS_KILLED: &str = "external process exited with code signal: ";
const PROCESS_LACKS: &str = "could not parse response: Expected field `";

/// Never what it printed. Only numbers, and the names of fields, are taken from the SDK's text.
fn process(error: &CredentialsError, whose: &str) -> Failure {
    let said = innermost(error);
    let number = |after: &str| {
        let (_, rest) = said.split_once(after)?;
        let end = rest.find(|digit: char| !digit.is_ascii_digit())?;
        rest.get(..end).filter(|digits| !digits.is_empty())
    };
    let lacks = || {
        let (_, rest) = said.split_once(PROCESS_LACKS)?;
        let known = ["Version", "AccessKeyId", "SecretAccessKey"];
        known
            .into_iter()
            .find(|field| rest.starts_with(&format!("{field}`")))
    };
    let what = if let Some(code) = number(PROCESS_FAILED) {
        let hint = match code {
            "126" => ", which a shell says of a program that it may not run",
            "127" => ", which a shell says of a program that it doesn't find",
            _ => "",
        };
        format!("failed with exit status {code}{hint}")
    } else if let Some(signal) = number(PROCESS_KILLED) {
        format!("was ended by signal {signal}")
    } else if let Some(field) = lacks() {
        format!("printed credentials without `{field}`")
    } else {
        "printed something else than credentials".to_owned()
    };
    Failure::new(format!("the credential_process of {whose} {what}")).help(
        "run that command by itself to see why: what it prints may be secret, so it isn't shown here",
    )
}

fn sso(error: &CredentialsError, whose: &str, profile: &str) -> Failure {
    let sign_in = format!("`aws sso login --profile {profile}`, then run the same command");
    let expired = || Failure::new(format!("the SSO session of {whose} has expired"));
    if let Some(refused) = within::<SdkError<GetRoleCredentialsError>>(error) {
        return match refused.as_service_error() {
            Some(GetRoleCredentialsError::UnauthorizedException(_)) => expired().help(sign_in),
            Some(other) if other.code() == Some("ForbiddenException") => Failure::new(format!(
                "{whose} signs in by SSO, but the role in `sso_role_name` isn't open to whoever signed in"
            ))
            .help("look at `sso_account_id` and `sso_role_name` of that profile"),
            _ => {
                let doing = format!("get the credentials of {whose} by SSO");
                explain_ref("sso:GetRoleCredentials", &doing, refused)
            }
        };
    }
    // The SDK keeps these errors to itself, but for their text.
    match innermost(error).as_str() {
        "the SSO token has expired and cannot be refreshed" => expired(),
        _ => Failure::new(format!("nobody is signed in by SSO for {whose}")),
    }
    .help(sign_in)
}

fn web_identity(error: &CredentialsError, file: &str, whose: &str) -> Failure {
    if let Some(refused) = within::<SdkError<AssumeRoleWithWebIdentityError>>(error) {
        let doing = format!("assume a role with the token of {whose}");
        let action = "sts:AssumeRoleWithWebIdentity";
        return role(explain_ref(action, &doing, refused), refused);
    }
    let reason = within::<std::io::Error>(error)
        .map_or_else(|| "it isn't text".to_owned(), ToString::to_string);
    Failure::new(format!(
        "can't read the token file {file} of {whose}: {reason}"
    ))
    .help("whatever writes that file has to run first, or name another profile with --profile")
}

fn container(error: &CredentialsError) -> Failure {
    let why = if let Some(unreachable) = within::<ConnectorError>(error) {
        format!("can't be reached ({})", innermost(unreachable))
    } else if within::<std::io::Error>(error).is_some() {
        "have a token file that can't be read (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)".to_owned()
    } else if matches!(error_of(error), Some(CredentialsError::ProviderTimedOut(_))) {
        "can't be reached in time".to_owned()
    } else {
        "can't be used".to_owned()
    };
    Failure::new(format!("the container's credentials {why}")).help(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI says where they are",
    )
}

fn error_of(error: &CredentialsError) -> Option<&CredentialsError> {
    within::<Failed>(error).map(|failed| &failed.error)
}
