//! The way from this machine to AWS and to issuers. Whatever leaves it goes by what is said here:
//! through which proxy, and whose certificates are trusted.
//!
//! - [`error`]: what is wrong, and what to do
//! - `bypass`: NO_PROXY
//! - [`proxy`]: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY
//! - `roots`: AWS_CA_BUNDLE, SSL_CERT_FILE
//! - [`trouble`]: what a proxy does instead of letting a request through
//! - [`client`]: the HTTP client. AWS's SDKs have their own, which goes by the same rules

mod bypass;
pub mod client;
pub mod error;
pub mod proxy;
mod roots;
pub mod trouble;

pub use client::Client;
pub use error::Error;
pub use proxy::Proxy;
pub use trouble::Trouble;

use http::Uri;
use proxy::Proxies;
use roots::Roots;
use std::ffi::OsString;
use std::sync::OnceLock;

/// What the environment says of the way out.
#[derive(Debug)]
pub struct Network {
    proxies: Proxies,
    roots: Roots,
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

    pub fn http_proxy(&self) -> Option<&Proxy> {
        self.proxies.http.as_ref()
    }

    pub fn https_proxy(&self) -> Option<&Proxy> {
        self.proxies.https.as_ref()
    }

    /// The only certificates to trust, as PEM. `None`: the machine's own.
    pub fn bundle(&self) -> Option<String> {
        self.roots.bundle()
    }
}

/// Passwords of proxies, which no output may show.
pub fn secrets() -> Vec<String> {
    let proxies = Proxies::of(&|name: &str| std::env::var_os(name));
    let proxies = proxies.into_iter().flat_map(|all| [all.http, all.https]);
    proxies.flatten().flat_map(Proxy::into_secrets).collect()
}
