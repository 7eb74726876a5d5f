//! Whose credentials frames takes. It chooses as the AWS CLI does.
//!
//! `--profile` means that profile. Access keys and web identities in the environment don't count
//! then, though the SDK's own chain would ask them first. Otherwise a removal would go to another
//! account than the named one. A profile that only the environment names loses to keys there.

use super::chosen::Chosen;
use super::machine::Machine;
use super::refused::{Link, Of};
use aws_config::default_provider::use_dual_stack::use_dual_stack_provider;
use aws_config::default_provider::use_fips::use_fips_provider;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::provider::error::TokenError;
use aws_credential_types::provider::future;
use aws_credential_types::provider::token::ProvideToken;
use frames_compiler::failure::Result;

/// The SDK's loader, with the profile of the command line or the environment.
pub(super) async fn loader(asked: Option<&str>) -> Result<(ConfigLoader, Chosen)> {
    let chosen = Chosen::of(asked);
    chosen.must_exist().await?;
    let client = super::http::client()?;
    let config = ProviderConfig::without_region()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(client.clone());
    let machine = Machine::new(&config);
    let region = region(&chosen, &machine).await;
    let mut config = config.with_region(region.clone());
    if !chosen.only() {
        // A profile that is asked for says by itself which endpoints it takes.
        let (fips, dual) = (
            use_fips_provider(&config).await,
            use_dual_stack_provider(&config).await,
        );
        config = config.with_use_fips(fips).with_use_dual_stack(dual);
    }
    let chain = chain(&chosen, &config, machine);
    let loader = aws_config::from_env()
        .http_client(client)
        .region(region)
        .token_provider(NoToken)
        .credentials_provider(chain);
    if chosen.is_named() {
        return Ok((loader.profile_name(&chosen.name), chosen));
    }
    Ok((loader, chosen))
}

async fn region(chosen: &Chosen, machine: &Machine) -> Option<Region> {
    let own = ProfileFileRegionProvider::builder().profile_name(&chosen.name);
    let configured = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(own.build());
    match configured.region().await {
        Some(region) => Some(region),
        None => machine.region().await,
    }
}

/// Where credentials are looked for first, by the same rules; for people.
pub fn source(asked: Option<&str>) -> String {
    let chosen = Chosen::of(asked);
    let keys = std::env::var("AWS_ACCESS_KEY_ID").is_ok_and(|keys| !keys.is_empty());
    if keys && !chosen.only() {
        return "access keys in the environment (AWS_ACCESS_KEY_ID)".to_owned();
    }
    match chosen.named_by() {
        Some(named_by) => format!("profile `{}` ({named_by})", chosen.name),
        None => "the default profile, else the machine's role".to_owned(),
    }
}

/// The first that has credentials. With `--profile`, the profile's own and those of the machine.
fn chain(chosen: &Chosen, config: &ProviderConfig, machine: Machine) -> CredentialsProviderChain {
    let own = ProfileFileCredentialsProvider::builder()
        .configure(config)
        .with_custom_provider("Ec2InstanceMetadata", machine.clone())
        .profile_name(&chosen.name)
        .build();
    let own = Of::new(Link::Profile, own);
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let chain = if chosen.only() {
        CredentialsProviderChain::first_try("Profile", own)
    } else {
        let keys = EnvironmentVariableCredentialsProvider::new();
        let identity = WebIdentityTokenCredentialsProvider::builder()
            .configure(config)
            .build();
        CredentialsProviderChain::first_try("Environment", Of::new(Link::Environment, keys))
            .or_else("Profile", own)
            .or_else("WebIdentityToken", Of::new(Link::WebIdentity, identity))
    };
    chain
        .or_else("EcsContainer", Of::new(Link::Container, container))
        .or_else("Ec2InstanceMetadata", Of::new(Link::Machine, machine))
}

/// No service that frames asks takes a bearer token. To look for one, the SDK would ask the machine for
/// its Region once more.
#[derive(Debug)]
struct NoToken;

impl ProvideToken for NoToken {
    fn provide_token<'a>(&'a self) -> future::ProvideToken<'a>
    where
        Self: 'a,
    {
        future::ProvideToken::ready(Err(TokenError::not_loaded("no service takes one")))
    }
}
