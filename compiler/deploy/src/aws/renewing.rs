//! The caller's own credentials, for those who sign by themselves.

use super::{Conceal, credentials, hide, profile};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use frames_compiler::failure::{Failure, Result};
use std::time::SystemTime;

/// Asks again where they have expired.
#[derive(Debug, Clone)]
pub struct Renewing {
    provider: SharedCredentialsProvider,
    conceal: Conceal,
}

/// A set of access keys.
pub struct AccessKeys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub expires: Option<SystemTime>,
}

impl Renewing {
    /// Those of `profile`; without one, those that the AWS CLI would take.
    pub async fn of(profile: Option<&str>, region: &str, conceal: Conceal) -> Result<Self> {
        let loader = profile::loader(profile).await?;
        let region = aws_config::Region::new(region.to_owned());
        let config = loader.region(region).load().await;
        let provider = credentials(&config, conceal).await?;
        Ok(Self { provider, conceal })
    }

    pub async fn get(&self) -> Result<AccessKeys> {
        let found = self.provider.provide_credentials().await;
        let found = found.map_err(|_| {
            Failure::new("the AWS credentials have expired")
                .help("sign in again: the next request takes the new ones")
        })?;
        hide(&found, self.conceal);
        Ok(AccessKeys {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: found.secret_access_key().to_owned(),
            session_token: found.session_token().map(str::to_owned),
            expires: found.expiry(),
        })
    }
}
