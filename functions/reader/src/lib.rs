//! The reader: native reads of AWS HealthImaging by GET, behind a function URL. A read of
//! HealthImaging's native API is a POST, which no cache keeps; this function makes one of
//! a GET that the delivery signed.
//!
//! Everything here is pure: what is asked for ([`question`]), what HealthImaging is sent
//! for it ([`request`]), and what goes back ([`answer`]).

// The programs abort where they panic: nothing that could is let into them.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice))]

pub mod answer;
pub mod question;
pub mod request;

pub use aws_credential_types::Credentials;

use frames_edge::ReaderConfig;
use frames_edge::config::check_hosts;

/// Refuses a configuration whose host isn't HealthImaging's own in its Region.
pub fn check(config: &ReaderConfig) -> Result<(), String> {
    let host = ("nativeHost", "runtime", config.native_host.as_str());
    check_hosts(&config.region, [host])
}
