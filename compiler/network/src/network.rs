//! What the environment says of the way out: proxies and certificates.

use crate::error::Error;
use crate::proxy::{Proxies, Proxy};
use crate::roots::Roots;
use http::Uri;
use std::ffi::OsString;
use std::sync::OnceLock;

/// What the environment says of the way out.
#[derive(Debug)]
pub struct Network {
    proxies: Proxies,
    pub(crate) roots: Roots,
}

impl Network {
    /// The process's own, read once.
    pub fn of_environment() -> Result<&'static Self, Error> {
        static NETWORK: OnceLock<Result<Network, Error>> = OnceLock::new();
        let network = NETWORK.get_or_init(|| Self::of(|name| std::env::var_os(name)));
        network.as_ref().map_err(Clone::clone)
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        Ok(Self {
            proxies: Proxies::of(&variable)?,
            roots: Roots::of(&variable)?,
        })
    }

    /// The proxy that stands between this machine and an address.
    pub fn proxy(&self, to: &Uri) -> Option<&Proxy> {
        self.proxies.to(to)
    }
}

/// Passwords of proxies, which no output may show.
pub fn secrets() -> Vec<String> {
    let proxies = Proxies::of(&|name: &str| std::env::var_os(name));
    let proxies = proxies.into_iter().flat_map(|all| [all.http, all.https]);
    proxies.flatten().flat_map(Proxy::into_secrets).collect()
}
