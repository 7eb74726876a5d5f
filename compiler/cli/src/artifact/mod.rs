//! The functions' programs, and what `frames package` writes.

mod build;
mod cache;
mod cargo;
pub(crate) mod files;
mod keys;
mod package;
mod sources;
mod unwind;
mod zips;

pub use build::{Builder, CARGO_LAMBDA_INSTALL, Programs, can_build_for_lambda, programs};
pub use keys::{bake_keys, fetch_keys};
pub use package::{package, write};
