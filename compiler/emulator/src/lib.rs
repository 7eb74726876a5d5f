//! The compiled delivery on this machine. It runs the templates that a deployment would
//! send, and the zips that it would upload, behind a model of CloudFront.
//!
//! - [`package`]: reads the package
//! - [`lambda`]: runs its functions as Lambda does
//! - [`cloudfront`]: the path from the viewer to the origin
//! - [`dicom`]: reads the images that are served
//! - [`healthimaging`]: replaces the service
//! - [`issuer`]: replaces the manifest's token issuer
//! - [`page`]: a page to look at it all with
//! - [`ohif`]: a viewer to look at it all with
//!
//! It is a model: only a deployment tells what CloudFront does that isn't documented.
//!
//! It reads what `frames package` writes, and knows neither the compiler nor
//! the command line. Everything binds 127.0.0.1 and ends when its handle is dropped.

pub mod cloudfront;
mod credentials;
pub mod dicom;
mod error;
pub mod healthimaging;
mod http;
pub mod issuer;
mod lambda;
pub mod ohif;
pub mod package;
pub mod page;
mod printable;
pub mod private;
mod random;
mod signature;
#[cfg(test)]
mod testing;

pub use credentials::{Credentials, CredentialsFuture, CredentialsSource};
pub use error::Error;
pub use http::Reserved;
pub use lambda::{FunctionLog, knows_peers};
