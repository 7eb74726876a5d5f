//! What both edge functions share: CloudFront's Lambda@Edge event
//! ([`event`]), their `config.json` ([`config`]), the operations that the
//! delivery serves ([`operation`]), what pages of other origins may send and read
//! ([`cors`]), who may read what ([`access`]) and how a request is held to it ([`decision`]),
//! and the answers they make ([`response`]).
//!
//! With the feature `jose`: tokens' algorithms and keys (`jose`). With the
//! feature `issuer`: where an issuer's keys are (`key_source`), and what may be
//! believed of its answers (`key_answer`).
//!
//! Everything here is pure: no clock, no network, no environment. The one
//! exception is behind the feature `runtime`: how a function starts and serves.

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

pub mod access;
pub mod config;
pub mod cors;
#[cfg(feature = "credentials")]
pub mod credentials;
pub mod decision;
pub mod event;
#[cfg(feature = "jose")]
pub mod jose;
#[cfg(feature = "issuer")]
pub mod key_answer;
#[cfg(feature = "issuer")]
pub mod key_source;
pub mod operation;
pub mod response;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "tls")]
pub mod tls;

pub use access::Access;
pub use config::{
    AccessClaims, Allow, AuthConfig, AuthorizerConfig, Cors, Issuer, LogLevel, READER_HEADER,
    ReaderConfig, SignerConfig, TokenSource, TokenUse,
};
pub use event::{Body, Cf, Event, Header, Headers, Request};
pub use operation::{NotAnOperation, Operation, Served};
pub use response::Response;
