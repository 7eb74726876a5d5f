//! The functions' programs, what `frames package` writes, and what `frames dev` fetches.

mod build;
mod builder;
mod cache;
mod cargo;
mod embedded;
pub(crate) mod files;
mod keys;
mod ohif;
mod package;
mod programs;
mod recipe;
mod sources;
mod unwind;
mod zips;

pub use build::{CARGO_LAMBDA_INSTALL, can_build_for_lambda, hashes, is_built, programs, tool};
pub use builder::Builder;
pub use cache::of_frames;
pub use embedded::is_embedded;
pub use keys::{bake_keys, fetch_keys};
pub use ohif::ohif;
pub use package::{OUTPUT, heavy, package, write};
pub use programs::Programs;
