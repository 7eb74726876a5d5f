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
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::failure::{Context, Failure, Result};

/// What names a profile, the first that is set.
const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Nobody reads more names than this.
const SHOWN: usize = 20;

/// The SDK's loader, with the profile of the command line or the environment.
pub(super) async fn loader(asked: Option<&str>) -> Result<ConfigLoader> {
    let loader = aws_config::from_env();
    if let Some(profile) = asked {
        must_exist(profile, "--profile").await?;
        let provider = credentials_of(profile).await;
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

/// Where credentials are looked for first, by the same rules; for people.
pub fn source(asked: Option<&str>) -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(profile) = asked {
        return format!("profile `{profile}` (--profile)");
    }
    if set("AWS_ACCESS_KEY_ID").is_some() {
        return "access keys in the environment (AWS_ACCESS_KEY_ID)".to_owned();
    }
    let named = VARIABLES
        .into_iter()
        .find_map(|name| Some((name, set(name)?)));
    match named {
        Some((variable, profile)) => format!("profile `{profile}` ({variable})"),
        None => "the default profile, else the machine's role".to_owned(),
    }
}

/// The profile's own credentials; where it has none, those of the machine.
async fn credentials_of(profile: &str) -> CredentialsProviderChain {
    let region = DefaultRegionChain::builder().profile_name(profile).build();
    let config = ProviderConfig::without_region().with_region(region.region().await);
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
