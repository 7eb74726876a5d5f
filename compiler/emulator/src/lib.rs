//! The compiled delivery on this machine: the templates that a deploy would
//! send, and the very zips that it would upload, behind a model of CloudFront.
//!
//! [`package`] reads the package, [`lambda`] runs its functions as Lambda does,
//! [`cloudfront`] is the path from the viewer to the origin, [`healthimaging`]
//! stands in for the service, [`issuer`] for the manifest's token issuer, and
//! [`page`] is a page to look at it all with. It is a model: only a deployment
//! tells what CloudFront does that isn't written down.
//!
//! It reads what `frames package` writes, and knows neither the compiler nor
//! the command line. Everything binds 127.0.0.1 and ends when its handle is dropped.

pub mod cloudfront;
mod credentials;
mod error;
pub mod healthimaging;
mod http;
pub mod issuer;
mod lambda;
pub mod package;
pub mod page;
mod printable;
pub mod private;
mod random;
#[cfg(test)]
mod testing;

pub use credentials::{Credentials, CredentialsFuture, CredentialsSource};
pub use error::Error;
pub use lambda::{FunctionLog, knows_peers};
