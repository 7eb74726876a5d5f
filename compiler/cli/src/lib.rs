//! `frames`: every effect around the pure compiler.
//!
//! - [`commands`]: one file a command
//! - [`artifact`]: the functions' programs and zips
//! - [`init`]: a first frames.yml
//! - [`local`]: the edge on this machine
//! - [`project`]: where frames.yml is
//! - [`terminal`]: what goes to stdout and stderr

pub mod artifact;
pub mod cli;
pub mod commands;
pub mod failure;
pub mod init;
pub mod local;
pub mod project;
pub mod terminal;
