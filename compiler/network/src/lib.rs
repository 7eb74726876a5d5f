//! The way from this machine to AWS and to issuers. Whatever leaves it goes by what is said here:
//! through which proxy, and whose certificates are trusted.
//!
//! - [`error`]: what is wrong, and what to do
//! - `bypass`: NO_PROXY
//! - [`proxy`]: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY
//! - `roots`: AWS_CA_BUNDLE, SSL_CERT_FILE
//! - [`network`]: all of these, as the environment has them
//! - [`trouble`]: what a proxy does instead of letting a request through
//! - [`client`]: the HTTP client, of AWS's SDKs as well
//! - [`probe`]: an endpoint as its viewers meet it

mod bypass;
pub mod client;
pub mod error;
pub mod network;
pub mod probe;
pub mod proxy;
mod roots;
pub mod trouble;

pub use client::Client;
pub use error::Error;
pub use network::{Network, secrets};
pub use proxy::Proxy;
pub use trouble::Trouble;
