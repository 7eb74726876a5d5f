//! `frames`: the command line around the compiler, the emulator and what talks to AWS.
//!
//! - [`cli`]: the command line's shape
//! - [`terminal`]: what goes to stdout and stderr
//! - [`interrupt`]: SIGINT and SIGTERM, and what ends with a run
//! - [`artifact`]: the functions' programs and zips
//! - [`project`]: where frames.yml is
//! - [`init`]: a first frames.yml
//! - [`commands`]: one file per command

pub mod artifact;
pub mod cli;
pub mod commands;
pub mod init;
pub mod interrupt;
pub mod project;
pub mod terminal;
