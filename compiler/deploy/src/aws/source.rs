//! Where a profile takes its credentials from, by the AWS configuration: the rules of AWS's SDK, read
//! once more for what it only says in its own words, or passes over and asks the next provider.

use super::chosen::others;
use aws_config::profile::{Profile, ProfileSet};
use frames_compiler::failure::{Failure, Result};

/// How the credentials at the bottom are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Keys,
    Sso,
    Process,
    /// With the file that has the token.
    WebIdentity(String),
    /// `credential_source`
    Named(String),
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The last of the source profiles.
    pub(super) profile: String,
    pub(super) kind: Kind,
}

/// What `credential_source` may be, in small letters, as the SDK compares it.
const NAMED: [&str; 3] = ["environment", "ec2instancemetadata", "ecscontainer"];

/// Follows the source profiles. Else says what is wrong with them.
pub(super) fn follow(profiles: &ProfileSet, first: &str) -> Result<Source> {
    let mut seen: Vec<&str> = Vec::new();
    let mut name = first;
    loop {
        let Some(profile) = profiles.get_profile(name) else {
            return match seen.last() {
                Some(user) => Err(missing(user, name, profiles)),
                None => Ok(Source {
                    profile: name.to_owned(),
                    kind: Kind::Nothing,
                }),
            };
        };
        if seen.contains(&name) {
            return Err(Failure::new(format!(
                "the AWS profiles {} and {name} are the source of each other in a ring",
                seen.join(", ")
            ))
            .help("give one of them credentials of its own instead of `source_profile`"));
        }
        let has_keys = KEYS.iter().all(|key| profile.get(key).is_some());
        let base = || base(profiles, profile);
        let assumes =
            profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none();
        let kind = if !seen.is_empty() && has_keys {
            Kind::Keys
        } else if assumes {
            match next(profile)? {
                Some(next) if next != name => {
                    seen.push(name);
                    name = next;
                    continue;
                }
                _ => base()?,
            }
        } else {
            base()?
        };
        if kind == Kind::Nothing && (assumes || !seen.is_empty()) {
            let user = seen.last().unwrap_or(&name);
            return Err(Failure::new(format!(
                "the AWS profile `{name}` has no credentials, and `{user}` takes its own from it"
            ))
            .help("give it keys, or name another in `source_profile`"));
        }
        return Ok(Source {
            profile: name.to_owned(),
            kind,
        });
    }
}

const KEYS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];

fn missing(user: &str, source: &str, profiles: &ProfileSet) -> Failure {
    Failure::new(format!(
        "the AWS profile `{user}` names `{source}` as its source_profile, which doesn't exist"
    ))
    .help(others(source, profiles))
}

/// The source profile of one that assumes a role; `None` where the profile itself says how.
fn next(profile: &Profile) -> Result<Option<&str>> {
    let name = profile.name();
    let (source, named) = (
        profile.get("source_profile"),
        profile.get("credential_source"),
    );
    let what = match (source, named) {
        (Some(source), None) => return Ok(Some(source)),
        (None, Some(_)) => return Ok(None),
        (Some(_), Some(_)) => "has both source_profile and credential_source",
        (None, None) => "has a role_arn, but neither source_profile nor credential_source",
    };
    Err(
        Failure::new(format!("the AWS profile `{name}` {what}")).help(
            "one of the two says whose credentials assume the role: see \"Using an IAM role in the AWS CLI\" in AWS's documentation",
        ),
    )
}

fn base(profiles: &ProfileSet, profile: &Profile) -> Result<Kind> {
    let name = profile.name();
    if let Some(named) = profile.get("credential_source") {
        if NAMED.contains(&named.to_ascii_lowercase().as_str()) {
            return Ok(Kind::Named(named.to_owned()));
        }
        return Err(Failure::new(format!(
            "the AWS profile `{name}` has the credential_source `{named}`, which doesn't exist"
        ))
        .help("it is `Environment`, `Ec2InstanceMetadata` or `EcsContainer`"));
    }
    if let Some(file) = profile.get("web_identity_token_file") {
        if profile.get("role_arn").is_none() {
            return Err(Failure::new(format!(
                "the AWS profile `{name}` has a web_identity_token_file, but no role_arn"
            ))
            .help("add the `role_arn` of the role that the token is for"));
        }
        return Ok(Kind::WebIdentity(file.to_owned()));
    }
    if sso(profiles, profile)? {
        return Ok(Kind::Sso);
    }
    if profile.get("login_session").is_some() {
        return Err(Failure::new(format!(
            "the AWS profile `{name}` signs in by `aws login`, which frames can't read"
        ))
        .help(format!(
            "hand its credentials over: `eval \"$(aws configure export-credentials --profile {name} --format env)\"`, then run the same command without a profile"
        )));
    }
    if profile.get("credential_process").is_some() {
        return Ok(Kind::Process);
    }
    keys(profile)
}

/// Whether it signs in by IAM Identity Center, with all that this needs.
fn sso(profiles: &ProfileSet, profile: &Profile) -> Result<bool> {
    let name = profile.name();
    let keys = [
        "sso_session",
        "sso_start_url",
        "sso_region",
        "sso_account_id",
        "sso_role_name",
    ];
    if keys.iter().all(|key| profile.get(key).is_none()) {
        return Ok(false);
    }
    let unfit = |what: String| {
        Failure::new(format!("the AWS profile `{name}` {what}")).help(format!(
            "`aws configure sso --profile {name}` sets it up anew"
        ))
    };
    let mut missing = Vec::new();
    let mut need = |value: Option<&str>, key: &'static str| {
        if value.is_none() {
            missing.push(key);
        }
    };
    if let Some(session) = profile.get("sso_session") {
        let twice = ["sso_start_url", "sso_region"];
        if let Some(key) = twice.into_iter().find(|key| profile.get(key).is_some()) {
            return Err(unfit(format!(
                "has `{key}` beside `sso_session`: it belongs into [sso-session {session}]"
            )));
        }
        let Some(session) = profiles.sso_session(session) else {
            return Err(unfit(format!(
                "names the sso_session `{session}`, which doesn't exist"
            )));
        };
        need(session.get("sso_start_url"), "sso_start_url");
        need(session.get("sso_region"), "sso_region");
    } else {
        need(profile.get("sso_start_url"), "sso_start_url");
        need(profile.get("sso_region"), "sso_region");
    }
    need(profile.get("sso_account_id"), "sso_account_id");
    need(profile.get("sso_role_name"), "sso_role_name");
    match &missing[..] {
        [] => Ok(true),
        missing => Err(unfit(format!(
            "signs in by SSO without {}",
            missing.join(", ")
        ))),
    }
}

fn keys(profile: &Profile) -> Result<Kind> {
    let missing: Vec<&str> = KEYS
        .into_iter()
        .filter(|key| profile.get(key).is_none())
        .collect();
    match (&missing[..], profile.get("aws_session_token")) {
        ([], _) => Ok(Kind::Keys),
        ([_, _], None) => Ok(Kind::Nothing),
        (missing, _) => {
            let name = profile.name();
            let lacks = missing.join(" and no ");
            Err(Failure::new(format!(
                "the AWS profile `{name}` has half a key: no {lacks}"
            ))
            .help(format!(
                "`aws configure --profile {name}` asks for both halves"
            )))
        }
    }
}
