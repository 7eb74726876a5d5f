//! Who may fetch frames.

use super::{EDGE_REGION, Flawed, jwks};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{Auth, Manifest, Spanned, Text, auth_modes_of};
use crate::world::World;
use frames_edge::key_source::KeySource;
use frames_edge::{AuthConfig, TokenSource, TokenUse};

/// `None`: mode `none`.
pub(super) fn check(
    manifest: &Manifest,
    world: &dyn World,
    found: &mut Vec<Diagnostic>,
) -> Result<Option<AuthConfig>, Flawed> {
    let auth = manifest.auth.as_ref().ok_or(Flawed)?;
    let mode = auth.mode.as_ref().ok_or(Flawed)?;
    unused_keys(auth, mode, found);
    let (issuers, jwks_uri) = match mode.value.as_str() {
        "cognito" => cognito(auth, found).ok_or(Flawed)?,
        "oidc" => oidc(auth, found).ok_or(Flawed)?,
        _ => {
            found.push(
                Diagnostic::new(
                    codes::AUTH_NONE,
                    "auth.mode",
                    mode.span,
                    "every frame is served to whoever asks",
                )
                .help("choose `cognito` or `oidc` before anything but public data is behind it"),
            );
            return Ok(None);
        }
    };
    let algorithms = match auth.algorithms.as_slice() {
        [] => vec!["RS256".to_owned()],
        given => values(given),
    };
    let jwks = match &auth.jwks_file {
        Some(file) => Some(jwks::check(file, &algorithms, world, found).ok_or(Flawed)?),
        None => None,
    };
    let config = AuthConfig {
        issuers,
        jwks_uri: jwks_uri.filter(|_| jwks.is_none()),
        jwks,
        initial_jwks: None,
        algorithms,
        audience: values(&auth.audience),
        client_ids: values(&auth.client_ids),
        token_use: (mode.value == "cognito").then(|| token_use(auth)),
        scopes: values(&auth.scopes),
        groups: values(&auth.groups),
        groups_claim: groups_claim(auth, mode),
        token_sources: token_sources(auth, found),
    };
    no_scopes_in_id_tokens(auth, found);
    unusable_address(auth, &config, found);
    Ok(Some(config))
}

/// Cognito's own, or the one that most other issuers have.
fn groups_claim(auth: &Auth, mode: &Text) -> String {
    let default = if mode.value == "oidc" {
        "groups"
    } else {
        "cognito:groups"
    };
    let given = auth.groups_claim.as_ref();
    given.map_or(default, |claim| &claim.value).to_owned()
}

/// Cognito puts scopes into access tokens only (Amazon Cognito Developer Guide,
/// "Understanding the identity (ID) token").
fn no_scopes_in_id_tokens(auth: &Auth, found: &mut Vec<Diagnostic>) {
    let token_use = auth.token_use.as_ref().filter(|word| word.value == "id");
    if let (Some(token_use), Some(scope)) = (token_use, auth.scopes.first()) {
        let message = format!(
            "no token has the scope `{}`: id tokens have none",
            scope.value
        );
        found.push(
            Diagnostic::new(codes::CONFLICT, "auth.scopes[0]", scope.span, message)
                .related(token_use.span, "only id tokens are taken")
                .help("remove `scopes`, or take access tokens: `tokenUse: access`"),
        );
    }
}

/// An address that the function wouldn't start with: it reads them by the same code.
fn unusable_address(auth: &Auth, config: &AuthConfig, found: &mut Vec<Diagnostic>) {
    if config.jwks.is_some() {
        // Nothing is fetched.
        return;
    }
    let Err(problem) = KeySource::of(config) else {
        return;
    };
    let given = [
        ("auth.jwksUri", &auth.jwks_uri),
        ("auth.issuer", &auth.issuer),
    ];
    let given = given
        .into_iter()
        .find_map(|(path, text)| Some((path, text.as_ref()?)));
    if let Some((path, text)) = given {
        let problem = problem
            .split_once(": ")
            .map_or(problem.as_str(), |(_, what)| what);
        let message = format!("the authorizer can't use `{}`: {problem}", text.value);
        found.push(
            Diagnostic::new(codes::INVALID_VALUE, path, text.span, message)
                .help("for example `https://login.example.org/realms/imaging`"),
        );
    }
}

fn values(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

type Issuer = (Vec<String>, Option<String>);

fn cognito(auth: &Auth, found: &mut Vec<Diagnostic>) -> Option<Issuer> {
    required(
        auth,
        "cognito",
        "userPoolId",
        "the id of the Cognito user pool",
        found,
    );
    let pool = &auth.user_pool_id.as_ref()?.value;
    let region = pool.split('_').next().unwrap_or(EDGE_REGION);
    // A pool issues under either name, by its settings; the keys are the same.
    let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let newer = format!("https://issuer-cognito-idp.{region}.amazonaws.com/{pool}");
    let jwks_uri = format!("{issuer}/.well-known/jwks.json");
    Some((vec![issuer, newer], Some(jwks_uri)))
}

fn oidc(auth: &Auth, found: &mut Vec<Diagnostic>) -> Option<Issuer> {
    required(
        auth,
        "oidc",
        "issuer",
        "the URL in the token's `iss` claim",
        found,
    );
    required(
        auth,
        "oidc",
        "audience",
        "what the token's `aud` claim must hold",
        found,
    );
    let issuer = auth.issuer.as_ref()?.value.clone();
    let jwks_uri = auth.jwks_uri.as_ref().map(|uri| uri.value.clone());
    Some((vec![issuer], jwks_uri))
}

fn required(auth: &Auth, mode: &str, key: &str, what: &str, found: &mut Vec<Diagnostic>) {
    if !auth.keys.has(key) {
        let path = format!("auth.{key}");
        let message = format!("`{path}` is missing: mode `{mode}` needs it");
        found.push(
            Diagnostic::new(codes::MISSING_KEY, path, auth.span, message)
                .help(format!("add `{key}`: {what}")),
        );
    }
}

fn unused_keys(auth: &Auth, mode: &Text, found: &mut Vec<Diagnostic>) {
    for Spanned { value: key, span } in &auth.keys.written {
        let Some(modes) = auth_modes_of(key).filter(|modes| !modes.contains(&mode.value.as_str()))
        else {
            continue;
        };
        let message = format!("`{key}` has no effect with mode `{}`", mode.value);
        found.push(
            Diagnostic::new(codes::UNUSED_KEY, format!("auth.{key}"), *span, message)
                .related(mode.span, "the mode")
                .help(format!(
                    "remove it, or choose mode `{}`",
                    modes.join("` or `")
                )),
        );
    }
}

fn token_use(auth: &Auth) -> TokenUse {
    match auth.token_use.as_ref().map(|text| text.value.as_str()) {
        Some("id") => TokenUse::Id,
        Some("any") => TokenUse::Any,
        _ => TokenUse::Access,
    }
}

fn token_sources(auth: &Auth, found: &mut Vec<Diagnostic>) -> Vec<TokenSource> {
    if auth.token_sources.is_empty() {
        return vec![TokenSource::Authorization, TokenSource::Header];
    }
    let source = |text: &Text| match text.value.as_str() {
        "authorization" => TokenSource::Authorization,
        "header" => TokenSource::Header,
        _ => TokenSource::Query,
    };
    if let Some((i, query)) = auth
        .token_sources
        .iter()
        .enumerate()
        .find(|(_, text)| text.value == "query")
    {
        found.push(
            Diagnostic::new(
                codes::QUERY_TOKEN,
                format!("auth.tokenSources[{i}]"),
                query.span,
                "tokens in the query string are easily leaked before they reach CloudFront",
            )
            .help("leave `query` out where viewers can send a header"),
        );
    }
    auth.token_sources.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{checked, findings};

    fn cognito(rest: &str) -> AuthConfig {
        let auth = format!("auth: {{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI{rest}}}");
        checked(&format!("service: x\n{auth}\n")).auth.unwrap()
    }

    #[test]
    fn every_word_for_a_tokens_use_counts() {
        for (rest, expected) in [
            ("", TokenUse::Access),
            (", tokenUse: access", TokenUse::Access),
            (", tokenUse: id", TokenUse::Id),
            (", tokenUse: any", TokenUse::Any),
        ] {
            assert_eq!(cognito(rest).token_use, Some(expected), "{rest}");
        }
    }

    #[test]
    fn groups_are_in_the_claim_that_the_mode_has() {
        let oidc = |rest: &str| {
            let auth = format!(
                "{{mode: oidc, issuer: 'https://a.example', audience: a, groups: [g]{rest}}}"
            );
            checked(&format!("service: x\nauth: {auth}\n"))
                .auth
                .unwrap()
                .groups_claim
        };
        assert_eq!(oidc(""), "groups");
        assert_eq!(oidc(", groupsClaim: roles"), "roles");
        assert_eq!(cognito(", groups: [g]").groups_claim, "cognito:groups");
    }

    #[test]
    fn scopes_that_no_token_has_are_found() {
        let found = |rest: &str| {
            let auth = format!("{{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, {rest}}}");
            findings(&format!("service: x\nauth: {auth}\n"))
        };
        let conflict = [("conflict".to_owned(), "auth.scopes[0]".to_owned())];
        assert_eq!(found("tokenUse: id, scopes: [a]"), conflict);
        for rest in [
            "tokenUse: id, scopes: []",
            "tokenUse: id, groups: [a]",
            "tokenUse: any, scopes: [a]",
            "scopes: [a]",
        ] {
            assert_eq!(found(rest), [], "{rest}");
        }
    }

    /// What the function wouldn't start with, or what nobody could ever answer at.
    #[test]
    fn an_address_that_the_function_cant_use_is_found() {
        for address in [
            "https://münchen.example/realm",
            "https://login.example.org/realms/<realm>",
            "https://<realm>.example.org/",
            "https://[login.example.org/",
            "https://login.example.org:99999/",
            "https://login.example.org:0/",
            "https://login.example.org:/",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://{tenant}.example.org/",
            "https://[::1/",
            "https://[1.2.3]/",
        ] {
            let issuer = format!("issuer: '{address}', audience: a");
            let uri = format!("issuer: 'https://a.example', audience: a, jwksUri: '{address}'");
            for (auth, path) in [(issuer, "auth.issuer"), (uri, "auth.jwksUri")] {
                let found = findings(&format!("service: x\nauth: {{mode: oidc, {auth}}}\n"));
                let invalid = [("invalid-value".to_owned(), path.to_owned())];
                assert_eq!(found, invalid, "{auth}");
            }
        }
        for address in [
            "https://[::1]:8443/realm",
            "https://login.example.org:65535/a/b",
        ] {
            let auth =
                format!("{{mode: oidc, issuer: '{address}', audience: a, jwksUri: '{address}'}}");
            assert_eq!(
                findings(&format!("service: x\nauth: {auth}\n")),
                [],
                "{address}"
            );
        }
    }

    #[test]
    fn every_place_for_a_token_counts() {
        use TokenSource::{Authorization, Header, Query};
        for (rest, expected) in [
            ("", vec![Authorization, Header]),
            (", tokenSources: [header]", vec![Header]),
            (
                ", tokenSources: [query, authorization]",
                vec![Query, Authorization],
            ),
        ] {
            assert_eq!(cognito(rest).token_sources, expected, "{rest}");
        }
    }

    #[test]
    fn a_pool_is_in_its_region() {
        let pool = cognito("");
        assert_eq!(
            pool.issuers,
            [
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI",
                "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI",
            ]
        );
        assert_eq!(
            pool.jwks_uri.as_deref(),
            Some(
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI/.well-known/jwks.json"
            )
        );
    }

    #[test]
    fn what_a_mode_needs_is_missed_and_what_it_ignores_is_said() {
        let found = |auth: &str| findings(&format!("service: x\nauth: {{{auth}}}\n"));
        let of = |code: &str, key: &str| (code.to_owned(), format!("auth.{key}"));
        assert_eq!(found("mode: cognito"), [of("missing-key", "userPoolId")]);
        assert_eq!(
            found("mode: oidc"),
            [of("missing-key", "audience"), of("missing-key", "issuer")]
        );
        assert_eq!(
            found(
                "mode: oidc, issuer: 'https://a.example', audience: a, userPoolId: us-east-1_AbCdEfGhI"
            ),
            [of("unused-key", "userPoolId")]
        );
    }
}
