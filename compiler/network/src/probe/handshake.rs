//! A TLS handshake, and what the server showed in it, whether or not it is trusted.

use super::certificate::Certificate;
use crate::client::{not_set_up, provider};
use crate::error::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use std::io;
use std::sync::{Arc, Mutex};

/// How a handshake went.
#[derive(Debug)]
pub struct Handshake {
    pub ended: Result<(), Refused>,
    /// The server's, trusted or not.
    pub certificate: Option<Certificate>,
}

/// Why there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// This machine doesn't trust the certificate, or it is another name's.
    Certificate(String),
    /// The server doesn't speak these versions.
    Version(String),
}

/// Decides as every client here does, and keeps what it was shown.
#[derive(Debug)]
pub(super) struct Witness {
    verifier: Arc<WebPkiServerVerifier>,
    shown: Mutex<Option<CertificateDer<'static>>>,
}

impl Witness {
    pub(super) fn new(roots: RootCertStore) -> Result<Arc<Self>, Error> {
        let roots = Arc::new(roots);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider());
        let verifier = verifier.build().map_err(not_set_up)?;
        Ok(Arc::new(Self {
            verifier,
            shown: Mutex::default(),
        }))
    }

    pub(super) fn config(
        self: &Arc<Self>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(not_set_up)?;
        Ok(config
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth())
    }

    pub(super) fn certificate(&self) -> Option<Certificate> {
        let shown = self.shown.lock().ok()?;
        shown.as_ref().and_then(Certificate::read)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(end_entity.clone().into_owned());
        }
        self.verifier
            .verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl Refused {
    pub(super) fn of(error: &io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|it| it.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(cause)) => {
                Self::Certificate(rustls::Error::InvalidCertificate(cause.clone()).to_string())
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::Version(match alert {
                AlertDescription::ProtocolVersion => "alert protocol_version".to_owned(),
                AlertDescription::HandshakeFailure => "alert handshake_failure".to_owned(),
                other => format!("alert {other:?}"),
            }),
            Some(other) => Self::Version(other.to_string()),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Version("it hung up".to_owned())
            }
            None => Self::Version(error.to_string()),
        }
    }
}
