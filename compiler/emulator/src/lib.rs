//! The compiled delivery on this machine: the templates that a deploy would
//! send, and the very zips that it would upload, behind a model of CloudFront.
//!
//! [`template`] reads the package, [`runtime`] runs its functions as Lambda
//! would, [`edge`] is CloudFront's path from the viewer to the origin,
//! [`origin`] stands in for HealthImaging, [`issuer`] for the manifest's token
//! issuer, and [`page`] is a page to look at it all with. It is a model: what
//! CloudFront does that isn't written down, a deploy alone will tell.
//!
//! Everything binds 127.0.0.1 and ends when its handle is dropped.

mod credentials;
pub mod edge;
mod error;
mod http;
pub mod issuer;
pub mod origin;
pub mod page;
pub(crate) mod printable;
pub mod private;
mod runtime;
mod template;
#[cfg(test)]
mod testing;
pub(crate) mod uuid;

pub use credentials::{Credentials, CredentialsFuture, CredentialsSource};
pub use error::Error;
pub use runtime::{FunctionLog, knows_peers};
