//! `frames`: every effect around the pure compiler.
//!
//! - [`commands`]: one file a command
//! - [`aws`]: the few AWS calls, thin
//! - [`artifact`]: the functions' programs and zips
//! - [`deploy`]: stages, change sets, events, removal
//! - [`init`]: a first frames.yml
//! - [`local`]: the edge on this machine
//! - [`project`]: where frames.yml is
//! - [`terminal`]: what goes to stdout and stderr

pub mod artifact;
pub mod aws;
pub mod cli;
pub mod commands;
pub mod deploy;
pub mod failure;
pub mod init;
pub mod local;
pub mod project;
pub mod terminal;
