//! What an EC2 instance's metadata service (IMDS) has: credentials of the instance's role, and its Region.
//!
//! Elsewhere, its address answers nothing, and whoever has no credentials would wait for it. So it is
//! given a second, once, and after silence it isn't asked again. AWS's SDK would give it four tries.

use super::errors::within;
use aws_config::Region;
use aws_config::imds::Client;
use aws_config::imds::client::error::ImdsError;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// On an instance, it answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The SDK's name for not asking at all.
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

#[derive(Debug, Clone)]
pub(super) struct Machine {
    client: Client,
    credentials: Arc<ImdsCredentialsProvider>,
    silent: Arc<AtomicBool>,
}

impl Machine {
    pub(super) fn new(config: &ProviderConfig) -> Self {
        let client = Client::builder()
            .configure(config)
            .max_attempts(1)
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .build();
        let credentials = ImdsCredentialsProvider::builder()
            .configure(config)
            .imds_client(client.clone());
        let disabled =
            std::env::var(DISABLED).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            client,
            credentials: Arc::new(credentials.build()),
            silent: Arc::new(AtomicBool::new(disabled)),
        }
    }

    pub(super) async fn region(&self) -> Option<Region> {
        if self.is_silent() {
            return None;
        }
        match self.client.get("/latest/meta-data/placement/region").await {
            Ok(region) => Some(Region::new(region.as_ref().to_owned())),
            Err(ImdsError::ErrorResponse(_)) => None,
            Err(_) => {
                self.silent.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    async fn credentials(&self) -> Result {
        if self.is_silent() {
            return Err(CredentialsError::not_loaded_no_source());
        }
        let found = self.credentials.provide_credentials().await;
        found.map_err(|error| match within::<ImdsError>(&error) {
            Some(ImdsError::FailedToLoadToken(_) | ImdsError::IoError(_)) => {
                self.silent.store(true, Ordering::Relaxed);
                CredentialsError::not_loaded_no_source()
            }
            _ => error,
        })
    }
}

impl ProvideCredentials for Machine {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<aws_credential_types::Credentials> {
        self.credentials.fallback_on_interrupt()
    }
}
