//! The functions' programs, and what `frames package` writes.

mod build;
mod cache;
mod cargo;
pub(crate) mod files;
mod package;
mod sources;
mod zips;

pub use build::{Builder, CARGO_LAMBDA_INSTALL, Programs, can_build_for_lambda, programs};
pub use package::{Package, package};
pub use zips::Zip;
