//! What a proxy does instead of letting a request through.

use crate::proxy::Proxy;
use http::Uri;
use std::error::Error;
use std::fmt;

#[derive(Debug, Clone)]
pub struct Trouble {
    /// `the proxy http://proxy.example.org:3128 (HTTPS_PROXY) asks for a password`
    pub message: String,
    pub help: String,
    /// Another try may do.
    pub passing: bool,
}

impl Proxy {
    /// The proxy answered 407.
    pub fn asks_for_a_password(&self) -> Trouble {
        let variable = self.variable();
        let what = match self.authorization() {
            Some(_) => "doesn't take the user and password that it was given",
            None => "asks for a user and a password",
        };
        Trouble {
            message: format!("the proxy {self} {what}"),
            help: format!("write both into the address: {variable}=http://USER:PASSWORD@HOST:PORT"),
            passing: false,
        }
    }

    /// What an error means on a way that leads through this proxy.
    pub fn trouble(&self, to: &Uri, error: &(dyn Error + 'static)) -> Trouble {
        let variable = self.variable();
        let host = to.host().unwrap_or_default();
        let chain: Vec<&(dyn Error + 'static)> = chain(error);
        let innermost = chain.last().map(ToString::to_string).unwrap_or_default();
        let says = |text: &str| chain.iter().any(|error| error.to_string().contains(text));
        let around = format!(
            "check {variable}; or, where this machine reaches {host} without a proxy, set `NO_PROXY={host}`"
        );
        let trouble = |what: String, help: String, passing| Trouble {
            message: format!("the proxy {self} {what}"),
            help,
            passing,
        };
        if says("proxy authorization required") {
            self.asks_for_a_password()
        } else if says("tunnel error: unsuccessful") {
            let help = format!("let it allow {host}, or {around}");
            trouble(format!("refuses a connection to {host}"), help, false)
        } else if says("invalid peer certificate") {
            trouble(
                format!("answers for {host} with a certificate that this machine doesn't trust ({innermost})"),
                "a proxy that decrypts TLS has a root certificate of its own: set AWS_CA_BUNDLE to a PEM file with it".to_owned(),
                false,
            )
        } else if ["timed out", "timeout", "deadline"]
            .iter()
            .any(|text| says(text))
        {
            trouble(format!("doesn't answer for {host}"), around, true)
        } else {
            trouble(format!("can't be used ({innermost})"), around, true)
        }
    }
}

/// An error, and what caused it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut next = error.source();
    while let Some(error) = next {
        all.push(error);
        next = error.source();
    }
    all
}

impl Trouble {
    /// The trouble in an error, however deep it is.
    pub fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut chain = chain(error).into_iter();
        chain.find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Trouble {}
