//! Whose credentials frames takes. It chooses as the AWS CLI does.
//!
//! `--profile` means that profile. Access keys and web identities in the environment don't count
//! then, though the SDK's own chain would ask them first. Otherwise a removal would go to another
//! account than the named one. A profile that only the environment names loses to keys there.

use super::machine::Machine;
use super::refused::Of;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::provider::error::TokenError;
use aws_credential_types::provider::future;
use aws_credential_types::provider::token::ProvideToken;
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::failure::{Failure, Result};

/// What names a profile, the first that is set.
const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Nobody reads more names than this.
const SHOWN: usize = 20;

/// The profile that counts.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    /// `default`, where nothing names one.
    pub(super) name: String,
    /// `--profile`, or a variable.
    named_by: Option<&'static str>,
}

impl Chosen {
    fn of(asked: Option<&str>) -> Self {
        let variable = || {
            VARIABLES.into_iter().find_map(|variable| {
                let profile = std::env::var(variable).ok()?;
                (!profile.is_empty()).then_some((profile, variable))
            })
        };
        let asked = asked.map(|profile| (profile.to_owned(), "--profile"));
        match asked.or_else(variable) {
            Some((name, named_by)) => Self {
                name,
                named_by: Some(named_by),
            },
            None => Self {
                name: "default".to_owned(),
                named_by: None,
            },
        }
    }

    /// Keys in the environment don't count.
    pub(super) fn only(&self) -> bool {
        self.named_by == Some("--profile")
    }

    pub(super) fn is_named(&self) -> bool {
        self.named_by.is_some()
    }

    async fn must_exist(&self) -> Result<()> {
        let (profile, Some(named_by)) = (&self.name, self.named_by) else {
            return Ok(());
        };
        let known = configured().await?;
        if known.get_profile(profile).is_some() {
            return Ok(());
        }
        let failure = Failure::new(format!("there is no AWS profile `{profile}` ({named_by})"));
        Err(failure.help(others(profile, &known)))
    }
}

/// The SDK's loader, with the profile of the command line or the environment.
pub(super) async fn loader(asked: Option<&str>) -> Result<(ConfigLoader, Chosen)> {
    let chosen = Chosen::of(asked);
    chosen.must_exist().await?;
    let config =
        ProviderConfig::without_region().with_behavior_version(Some(BehaviorVersion::latest()));
    let machine = Machine::new(&config);
    let region = region(&chosen, &machine).await;
    let config = config.with_region(region.clone());
    let chain = chain(&chosen, &config, machine);
    let loader = aws_config::from_env()
        .region(region)
        .token_provider(NoToken)
        .credentials_provider(chain);
    Ok(match chosen.is_named() {
        true => (loader.profile_name(&chosen.name), chosen),
        false => (loader, chosen),
    })
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

/// The first that has credentials. With `--profile`, the profile's own and those of the machine.
fn chain(chosen: &Chosen, config: &ProviderConfig, machine: Machine) -> CredentialsProviderChain {
    let own = ProfileFileCredentialsProvider::builder()
        .configure(config)
        .with_custom_provider("Ec2InstanceMetadata", machine.clone())
        .profile_name(&chosen.name)
        .build();
    let own = Of::profile(own);
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let chain = if chosen.only() {
        CredentialsProviderChain::first_try("Profile", own)
    } else {
        let keys = EnvironmentVariableCredentialsProvider::new();
        let identity = WebIdentityTokenCredentialsProvider::builder()
            .configure(config)
            .build();
        CredentialsProviderChain::first_try("Environment", Of::environment(keys))
            .or_else("Profile", own)
            .or_else("WebIdentityToken", Of::web_identity(identity))
    };
    chain
        .or_else("EcsContainer", Of::container(container))
        .or_else("Ec2InstanceMetadata", Of::machine(machine))
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

/// Everything that the AWS configuration has.
pub(super) async fn configured() -> Result<ProfileSet> {
    let (fs, env, files) = Default::default();
    let known = aws_config::profile::load(&fs, &env, &files, None).await;
    known.map_err(|error| {
        // The place of what can't be read is in the reason at the bottom, over two lines.
        let reason = super::errors::innermost(&error);
        let reason: Vec<&str> = reason.split_whitespace().collect();
        Failure::new(format!(
            "can't read the AWS configuration: {error}: {}",
            reason.join(" ")
        ))
        .help("mend that file: `aws configure list-profiles` reads it as well")
    })
}

/// Which profiles there are, and the one that may have been meant.
pub(super) fn others(profile: &str, known: &ProfileSet) -> String {
    let mut names: Vec<&str> = known.profiles().collect();
    names.sort_unstable();
    let listed = match &names[..] {
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
