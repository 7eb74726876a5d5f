//! Why a request was answered here. The viewer learns the class, the log the reason.

use std::time::Duration;

/// Every way in which a request doesn't pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Preflight,
    UnknownPath,
    WrongMethod,
    NoToken,
    DifferentTokens,
    NotBearer,
    TokenTooLong,
    MalformedToken,
    AlgorithmNotAllowed,
    CriticalHeader,
    WrongType,
    SenderConstrained,
    NoKid,
    UnknownKey,
    UnsuitableKey,
    BadSignature,
    WrongIssuer,
    NoExpiry,
    Expired,
    NotYetValid,
    WrongTokenUse,
    WrongClient,
    WrongAudience,
    MissingScope,
    MissingGroup,
    NotAllowed,
    NoAccessRow,
    NoAccessClaim,
    BadQuery,
    KeysUnavailable,
    NotLogged,
}

/// What the viewer gets to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Preflight,
    NotFound,
    MethodNotAllowed,
    MissingToken,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
    Forbidden,
    KeysUnavailable,
    AuditUnavailable,
}

/// A reason, and what the token said of itself. None of that need be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub reason: Reason,
    pub kid: Option<String>,
    pub issuer: Option<String>,
    /// Of a token that is good: the rule that it doesn't meet.
    pub rule: Option<String>,
    /// Where the keys are out of reach: how long it takes until they are asked for again.
    pub wait: Option<Duration>,
}

impl Denial {
    pub fn of(reason: Reason) -> Self {
        Self {
            reason,
            kid: None,
            issuer: None,
            rule: None,
            wait: None,
        }
    }
}

impl Reason {
    /// The name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::UnknownPath => "unknown_path",
            Self::WrongMethod => "wrong_method",
            Self::NoToken => "no_token",
            Self::DifferentTokens => "different_tokens",
            Self::NotBearer => "not_bearer",
            Self::TokenTooLong => "token_too_long",
            Self::MalformedToken => "malformed_token",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::CriticalHeader => "critical_header",
            Self::WrongType => "wrong_type",
            Self::SenderConstrained => "sender_constrained",
            Self::NoKid => "no_kid",
            Self::UnknownKey => "unknown_key",
            Self::UnsuitableKey => "unsuitable_key",
            Self::BadSignature => "bad_signature",
            Self::WrongIssuer => "wrong_issuer",
            Self::NoExpiry => "no_expiry",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongTokenUse => "wrong_token_use",
            Self::WrongClient => "wrong_client",
            Self::WrongAudience => "wrong_audience",
            Self::MissingScope => "missing_scope",
            Self::MissingGroup => "missing_group",
            Self::NotAllowed => "not_allowed",
            Self::NoAccessRow => "no_access_row",
            Self::NoAccessClaim => "no_access_claim",
            Self::BadQuery => "bad_query",
            Self::KeysUnavailable => "keys_unavailable",
            Self::NotLogged => "not_logged",
        }
    }

    pub(crate) fn class(self) -> Class {
        match self {
            Self::Preflight => Class::Preflight,
            Self::UnknownPath => Class::NotFound,
            Self::WrongMethod => Class::MethodNotAllowed,
            Self::NoToken => Class::MissingToken,
            Self::DifferentTokens | Self::BadQuery => Class::InvalidRequest,
            Self::MissingScope | Self::MissingGroup => Class::InsufficientScope,
            Self::NotAllowed | Self::NoAccessRow | Self::NoAccessClaim => Class::Forbidden,
            Self::KeysUnavailable => Class::KeysUnavailable,
            Self::NotLogged => Class::AuditUnavailable,
            Self::NotBearer
            | Self::TokenTooLong
            | Self::MalformedToken
            | Self::AlgorithmNotAllowed
            | Self::CriticalHeader
            | Self::WrongType
            | Self::SenderConstrained
            | Self::NoKid
            | Self::UnknownKey
            | Self::UnsuitableKey
            | Self::BadSignature
            | Self::WrongIssuer
            | Self::NoExpiry
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongTokenUse
            | Self::WrongClient
            | Self::WrongAudience => Class::InvalidToken,
        }
    }
}
