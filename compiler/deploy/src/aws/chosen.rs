//! The profile that counts, and what the AWS configuration has beside it.

use aws_config::profile::ProfileSet;
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::failure::{Failure, Result};
use frames_network::error::innermost;

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
    pub(super) fn of(asked: Option<&str>) -> Self {
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

    pub(super) fn named_by(&self) -> Option<&'static str> {
        self.named_by
    }

    /// Keys in the environment don't count.
    pub(super) fn only(&self) -> bool {
        self.named_by == Some("--profile")
    }

    pub(super) fn is_named(&self) -> bool {
        self.named_by.is_some()
    }

    pub(super) async fn must_exist(&self) -> Result<()> {
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

/// Everything that the AWS configuration has.
pub(super) async fn configured() -> Result<ProfileSet> {
    let (fs, env, files) = Default::default();
    let known = aws_config::profile::load(&fs, &env, &files, None).await;
    known.map_err(|error| {
        // The place of what can't be read is in the reason at the bottom, over two lines.
        let reason = innermost(&error);
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
