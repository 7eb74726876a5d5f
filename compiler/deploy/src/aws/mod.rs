//! The few AWS calls that frames makes. The SDK takes care of credentials, endpoints
//! and retries. Every refusal comes back in a user's words.

pub mod bucket;
mod bucket_rules;
mod chosen;
pub mod distributions;
pub mod errors;
pub mod functions;
mod http;
pub mod listing;
pub mod log_groups;
pub mod log_lines;
mod machine;
mod online;
mod profile;
mod refused;
pub mod renewing;
mod source;
pub mod stacks;
mod variables;

pub use errors::explain;
pub use online::ask;
pub use profile::source;
pub use variables::Answers;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use chosen::Chosen;
use frames_compiler::failure::{Failure, Result};
use frames_network::Trouble;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Lambda@Edge's home, CloudFront's, and that of its certificates and web ACLs.
pub const EDGE_REGION: &str = "us-east-1";

/// A call that hangs is made again, some seconds apart.
const ATTEMPTS: u32 = 5;
const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(60);

/// Takes a text that no output may show from then on.
pub type Conceal = fn(&str);

/// A way into an account.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    identity: Arc<OnceCell<Identity>>,
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`
    pub partition: String,
    pub arn: String,
}

impl Aws {
    /// Chooses as the AWS CLI does: with `--profile` that profile, else environment, profile, SSO, role,
    /// credential process. `conceal` takes what must never be shown.
    pub async fn connect(profile: Option<&str>, conceal: Conceal) -> Result<Self> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(300));
        let (loader, chosen) = profile::loader(profile).await?;
        let loader = loader.timeout_config(timeouts).retry_config(retries);
        frames_network::secrets()
            .iter()
            .for_each(|secret| conceal(secret));
        let config = loader.load().await;
        credentials(&config, &chosen, conceal).await?;
        let identity = Arc::default();
        Ok(Self { config, identity })
    }

    /// The Region of the environment or the profile.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// AWS is asked once.
    pub async fn identity(&self) -> Result<Identity> {
        let asked = self.identity.get_or_try_init(|| self.ask_identity());
        asked.await.cloned()
    }

    async fn ask_identity(&self) -> Result<Identity> {
        let sts = aws_sdk_sts::Client::new(&self.within(EDGE_REGION));
        let answer = sts.get_caller_identity().send().await;
        let answer = answer.map_err(|e| {
            explain(
                "sts:GetCallerIdentity",
                "find out whose credentials these are",
                e,
            )
        })?;
        let arn = answer.arn().unwrap_or_default().to_owned();
        Ok(Identity {
            account: answer.account().unwrap_or_default().to_owned(),
            partition: arn.split(':').nth(1).unwrap_or("aws").to_owned(),
            arn,
        })
    }

    pub fn cloudformation(&self, region: &str) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.within(region))
    }

    pub fn cloudfront(&self) -> aws_sdk_cloudfront::Client {
        aws_sdk_cloudfront::Client::new(&self.within(EDGE_REGION))
    }

    pub fn lambda(&self, region: &str) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.within(region))
    }

    pub fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let config = self.within(region);
        // A custom endpoint has no host name per bucket.
        let own =
            config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(own);
        aws_sdk_s3::Client::from_conf(s3.build())
    }

    fn within(&self, region: &str) -> SdkConfig {
        let region = Region::new(region.to_owned());
        self.config.to_builder().region(region).build()
    }
}

/// The credentials that are found; else why there are none, and what to do about it.
async fn credentials(
    config: &SdkConfig,
    chosen: &Chosen,
    conceal: Conceal,
) -> Result<SharedCredentialsProvider> {
    let Some(provider) = config.credentials_provider() else {
        return Err(Failure::new("no AWS credentials were found"));
    };
    match provider.provide_credentials().await {
        Ok(found) => {
            hide(&found, conceal);
            Ok(provider)
        }
        Err(error) => match Trouble::within(&error) {
            Some(trouble) => Err(errors::from_proxy("get the AWS credentials", trouble)),
            None => Err(refused::explain(&error, chosen).await),
        },
    }
}

fn hide(credentials: &aws_credential_types::Credentials, conceal: Conceal) {
    conceal(credentials.secret_access_key());
    if let Some(token) = credentials.session_token() {
        conceal(token);
    }
}
