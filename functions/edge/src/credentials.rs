//! The credentials of a function's role.

use aws_credential_types::Credentials;

/// The function's role, as Lambda puts it into the environment. It stays the
/// same for as long as the sandbox lives. `who` needs them, for the error.
pub fn of_environment(who: &str) -> Result<Credentials, String> {
    let required = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("{name} isn't set: {who} needs its role's credentials"))
    };
    Ok(Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        required("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    ))
}
