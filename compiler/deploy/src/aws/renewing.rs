//! The caller's own credentials, for those who sign by themselves.

use super::chosen::Chosen;
use super::profile::loader;
use super::{Conceal, credentials, hide, refused};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use frames_compiler::failure::Result;
use std::time::SystemTime;

/// Asks again where they have expired.
#[derive(Debug, Clone)]
pub struct Renewing {
    provider: SharedCredentialsProvider,
    chosen: Chosen,
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
        let (loader, chosen) = loader(profile).await?;
        let region = aws_config::Region::new(region.to_owned());
        let config = loader.region(region).load().await;
        let provider = credentials(&config, &chosen, conceal).await?;
        Ok(Self {
            provider,
            chosen,
            conceal,
        })
    }

    pub async fn get(&self) -> Result<AccessKeys> {
        let found = match self.provider.provide_credentials().await {
            Ok(found) => found,
            Err(error) => return Err(refused::explain(&error, &self.chosen).await),
        };
        hide(&found, self.conceal);
        Ok(AccessKeys {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: found.secret_access_key().to_owned(),
            session_token: found.session_token().map(str::to_owned),
            expires: found.expiry(),
        })
    }
}
