//! Whose certificates are trusted: those of AWS_CA_BUNDLE, and no others, as with the AWS CLI; without
//! it, the machine's own, or what SSL_CERT_FILE and SSL_CERT_DIR name in their place.

use crate::error::Error;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::ffi::OsString;
use std::path::Path;

const BUNDLE: &str = "AWS_CA_BUNDLE";

#[derive(Debug)]
pub(crate) enum Roots {
    Machine,
    Bundle(Vec<CertificateDer<'static>>),
}

impl Roots {
    pub(crate) fn of(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        match variable(BUNDLE).filter(|path| !path.is_empty()) {
            None => Ok(Self::Machine),
            Some(path) => read(Path::new(&path)).map(Self::Bundle),
        }
    }

    pub(crate) fn store(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Bundle(certificates) => {
                store.add_parsable_certificates(certificates.iter().cloned());
            }
            Self::Machine => {
                let found = rustls_native_certs::load_native_certs();
                store.add_parsable_certificates(found.certs);
                if store.is_empty() {
                    let why = found.errors.first().map(|error| format!(": {error}"));
                    return Err(Error::new(
                        format!(
                            "this machine's root certificates can't be read{}",
                            why.unwrap_or_default()
                        ),
                        "install the `ca-certificates` package, or name a file with SSL_CERT_FILE",
                    ));
                }
            }
        }
        Ok(store)
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |why: String| {
        Error::new(
            format!("{BUNDLE} is {}, {why}", path.display()),
            "name a file with root certificates in PEM, or unset it: then this machine's own are trusted",
        )
    };
    let text =
        std::fs::read(path).map_err(|error| wrong(format!("which can't be read: {error}")))?;
    let is_usable = |certificate: &CertificateDer<'static>| {
        RootCertStore::empty().add(certificate.clone()).is_ok()
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .filter_map(std::result::Result::ok)
        .filter(is_usable)
        .collect();
    if found.is_empty() {
        return Err(wrong("which holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let nowhere = file.path().with_extension("nowhere");
        for path in [file.path(), nowhere.as_path()] {
            let found = Roots::of(&|name: &str| (name == BUNDLE).then(|| path.into()));
            let error = found.unwrap_err();
            assert!(error.message.contains(BUNDLE), "{error:?}");
            assert!(error.message.contains(path.to_str().unwrap()), "{error:?}");
        }
        let none = Roots::of(&|_: &str| Some(OsString::new())).unwrap();
        assert!(matches!(none, Roots::Machine));
    }
}
