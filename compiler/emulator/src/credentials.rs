use super::{Error, random};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::SystemTime};

/// AWS credentials, as a role's sandbox gets them in its environment.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    /// A sandbox that holds them is replaced before this time.
    pub expires: Option<SystemTime>,
}

/// What a [`CredentialsSource`] answers with.
pub type CredentialsFuture = Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send>>;

/// Called once per new sandbox.
pub type CredentialsSource = Arc<dyn Fn() -> CredentialsFuture + Send + Sync>;

impl Credentials {
    /// Temporary credentials in AWS's form that only this run knows.
    pub fn random() -> Result<Self, Error> {
        const KEY_ID: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        Ok(Self {
            access_key_id: format!("ASIA{}", random::random_text(KEY_ID, 16)?),
            secret_access_key: random::random_text(SECRET, 40)?,
            session_token: Some(random::random_text(SECRET, 200)?),
            expires: None,
        })
    }
}

/// Not even the key id: a debug line must never carry credentials.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
