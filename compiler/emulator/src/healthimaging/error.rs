//! Errors in the service's form: JSON, and the class in `x-amzn-errortype`.

use crate::dicom;
use crate::http::{self as local_http, Answer};
use crate::signature;
use http::{HeaderValue, StatusCode};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub status: StatusCode,
    pub class: &'static str,
    pub message: String,
}

impl ServiceError {
    pub(super) fn new(status: StatusCode, class: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            class,
            message: message.into(),
        }
    }

    pub(super) fn validation(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            format!("{what} was not found."),
        )
    }

    pub(super) fn not_acceptable(message: &str) -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptableException",
            message,
        )
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerException",
            message,
        )
    }

    pub(super) fn unknown_operation() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            "No such operation.",
        )
    }

    pub(super) fn unknown_host() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            "The Host is not one of the service's names.",
        )
    }

    /// HealthImaging would have served this.
    pub(super) fn not_served(what: &str) -> Self {
        let message = format!(
            "The HealthImaging stand-in of `frames dev` does not serve {what}; the service itself does (`--origin aws`)."
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotServedByStandIn", message)
    }

    pub(super) fn answer(&self) -> Answer {
        let mut answer = local_http::json(self.status, &json!({"message": self.message}));
        let class = HeaderValue::from_static(self.class);
        answer.headers_mut().insert("x-amzn-errortype", class);
        answer
    }
}

impl From<signature::Refused> for ServiceError {
    fn from(refused: signature::Refused) -> Self {
        Self::new(StatusCode::FORBIDDEN, refused.class, refused.message)
    }
}

impl From<dicom::Error> for ServiceError {
    fn from(error: dicom::Error) -> Self {
        use dicom::Kind;
        let (status, class) = match error.kind {
            Kind::Missing | Kind::Gone => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Kind::NotDecodable => (StatusCode::NOT_ACCEPTABLE, "NotAcceptableException"),
            Kind::Broken | Kind::Changed | Kind::Unreadable => {
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException")
            }
        };
        Self::new(status, class, error.message)
    }
}
