//! Whose credentials frames takes. It chooses as the AWS CLI does.
//!
//! `--profile` means that profile. Access keys and web identities in the environment don't count
//! then, though the SDK's own chain would ask them first. Otherwise a removal would go to another
//! account than the named one. A profile that only the environment names loses to keys there.

use aws_config::ConfigLoader;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::failure::{Context, Failure, Result};

/// What names a profile, the first that is set.
const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Nobody reads more names than this.
const SHOWN: usize = 20;

/// The SDK's loader, with the profile of the command line or the environment.
pub(super) async fn loader(asked: Option<&str>) -> Result<ConfigLoader> {
    let client = super::http::client()?;
    let loader = aws_config::from_env().http_client(client.clone());
    if let Some(profile) = asked {
        must_exist(profile, "--profile").await?;
        let provider = credentials_of(profile, client).await;
        return Ok(loader.profile_name(profile).credentials_provider(provider));
    }
    let named = VARIABLES.into_iter().find_map(|variable| {
        let profile = std::env::var(variable).ok()?;
        (!profile.is_empty()).then_some((variable, profile))
    });
    match named {
        Some((variable, profile)) => {
            must_exist(&profile, variable).await?;
            Ok(loader.profile_name(profile))
        }
        None => Ok(loader),
    }
}

/// The profile's own credentials; where it has none, those of the machine.
async fn credentials_of(profile: &str, client: SharedHttpClient) -> CredentialsProviderChain {
    let region = DefaultRegionChain::builder().profile_name(profile).build();
    let config = ProviderConfig::without_region()
        .with_region(region.region().await)
        .with_http_client(client);
    let own = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_name(profile)
        .build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    let instance = ImdsCredentialsProvider::builder()
        .configure(&config)
        .build();
    CredentialsProviderChain::first_try("Profile", own)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance)
}

async fn must_exist(profile: &str, named_by: &str) -> Result<()> {
    let (fs, env, files) = Default::default();
    let known = aws_config::profile::load(&fs, &env, &files, None).await;
    let known = known.context(|| "can't read the AWS configuration")?;
    if known.get_profile(profile).is_some() {
        return Ok(());
    }
    let mut names: Vec<&str> = known.profiles().collect();
    names.sort_unstable();
    let failure = Failure::new(format!("there is no AWS profile `{profile}` ({named_by})"));
    Err(failure.help(help(profile, &names)))
}

fn help(profile: &str, names: &[&str]) -> String {
    let listed = match names {
        [] => "no profile is configured: `aws configure --profile NAME` makes one".to_owned(),
        _ if names.len() > SHOWN => {
            let more = names.len() - SHOWN;
            format!(
                "the profiles are {} and {more} more",
                names[..SHOWN].join(", ")
            )
        }
        _ => format!("the profiles are {}", names.join(", ")),
    };
    match did_you_mean(profile, names.iter().copied()) {
        Some(meant) => format!("{meant} {listed}"),
        None => listed,
    }
}
