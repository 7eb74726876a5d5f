//! Who may fetch frames.

use super::{EDGE_REGION, Flawed, jwks, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{Auth, Manifest, Spanned, Text, auth_modes_of, is_cognito_client};
use crate::world::World;
use frames_edge::key_source::KeySource;
use frames_edge::{AuthConfig, Issuer, TokenSource, TokenUse};

/// `None`: mode `none`.
pub(super) fn check(
    manifest: &Manifest,
    world: &dyn World,
    found: &mut Vec<Diagnostic>,
) -> Result<Option<AuthConfig>, Flawed> {
    let auth = manifest.auth.as_ref().ok_or(Flawed)?;
    let mode = auth.mode.as_ref().ok_or(Flawed)?;
    unused_keys(auth, mode, found);
    let mut issuers = match mode.value.as_str() {
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
    let trust_keys_for = auth.trust_keys_for.as_ref().map(|trust| trust.value);
    if jwks.is_some() {
        one_key_set(auth, &issuers, found);
        for issuer in &mut issuers {
            issuer.jwks_uri = None;
        }
    }
    let config = AuthConfig {
        issuers,
        jwks,
        trust_keys_for: trust_keys_for.filter(|trust| *trust > 0),
        algorithms,
        audience: values(&auth.audience),
        client_ids: values(&auth.client_ids),
        token_use: token_use(auth),
        scopes: values(&auth.scopes),
        groups: values(&auth.groups),
        groups_claim: groups_claim(auth, mode),
        // Theirs is a family of rules of its own.
        access: None,
        access_claims: None,
        token_sources: token_sources(auth, found),
    };
    no_scopes_in_id_tokens(auth, found);
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

fn values(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

fn cognito(auth: &Auth, found: &mut Vec<Diagnostic>) -> Option<Vec<Issuer>> {
    required(
        auth,
        "cognito",
        "userPoolId",
        "the id of the Cognito user pool",
        found,
    );
    for (i, client) in auth.client_ids.iter().enumerate() {
        if !is_cognito_client(&client.value) {
            let message = format!("`{}` isn't a Cognito app client's id", client.value);
            let path = format!("auth.clientIds[{i}]");
            found.push(
                Diagnostic::new(codes::INVALID_VALUE, path, client.span, message)
                    .help("for example `3n4b5urk1ft4fl3mg5e62d9ado`"),
            );
        }
    }
    let pool = &auth.user_pool_id.as_ref()?.value;
    let region = pool.split('_').next().unwrap_or(EDGE_REGION);
    // A pool issues under either name, by its settings; the keys are the same.
    let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let newer = format!("https://issuer-cognito-idp.{region}.amazonaws.com/{pool}");
    let jwks_uri = Some(format!("{issuer}/.well-known/jwks.json"));
    Some(vec![Issuer {
        names: vec![issuer, newer],
        jwks_uri,
        ..Issuer::default()
    }])
}

fn oidc(auth: &Auth, found: &mut Vec<Diagnostic>) -> Option<Vec<Issuer>> {
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
    no_duplicates(&auth.issuer, "auth.issuer", found);
    let (issuers, addresses) = (auth.issuer.len(), auth.jwks_uri.len());
    if addresses > 0 && issuers > 0 && addresses != issuers {
        let span = auth.jwks_uri.first()?.span;
        let message = format!("{addresses} addresses of keys for {issuers} issuers");
        found.push(
            Diagnostic::new(codes::CONFLICT, "auth.jwksUri", span, message)
                .related(auth.issuer.first()?.span, "the issuers")
                .help("write one for each issuer, in the same order, or leave `jwksUri` out: then each issuer is asked where its keys are"),
        );
        return None;
    }
    let mut issuers = Vec::new();
    for (i, name) in auth.issuer.iter().enumerate() {
        let address = auth.jwks_uri.get(i);
        let issuer = Issuer {
            names: names(&name.value),
            jwks_uri: address.map(|address| address.value.clone()),
            ..Issuer::default()
        };
        // With a key set of the manifest's own, nothing is asked.
        if auth.jwks_file.is_none() {
            unusable_address(&issuer, name, address, found);
        }
        if !issuers.contains(&issuer) {
            issuers.push(issuer);
        }
    }
    (!issuers.is_empty()).then_some(issuers)
}

/// Google's ID tokens may have it without the scheme, which its documents always have
/// ("OpenID Connect", Google Identity).
fn names(written: &str) -> Vec<String> {
    const GOOGLE: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];
    if GOOGLE.contains(&written) {
        GOOGLE.map(str::to_owned).to_vec()
    } else {
        vec![written.to_owned()]
    }
}

/// An address that the function wouldn't start with: it reads them by the same code.
fn unusable_address(
    issuer: &Issuer,
    name: &Text,
    address: Option<&Text>,
    found: &mut Vec<Diagnostic>,
) {
    let Err(problem) = KeySource::of(issuer) else {
        return;
    };
    let (path, written) = match address {
        Some(address) => ("auth.jwksUri", address),
        None => ("auth.issuer", name),
    };
    let problem = problem
        .split_once(": ")
        .map_or(problem.as_str(), |(_, what)| what);
    let message = format!("the authorizer can't use `{}`: {problem}", written.value);
    let help = if address.is_none() && written.value.starts_with("http:") {
        "keys come by HTTPS only; an issuer whose name is an http URL, as AD FS's, needs `jwksUri`"
    } else {
        "for example `https://login.example.org/realms/imaging`"
    };
    found.push(Diagnostic::new(codes::INVALID_VALUE, path, written.span, message).help(help));
}

/// What one file holds verifies tokens of one issuer.
fn one_key_set(auth: &Auth, issuers: &[Issuer], found: &mut Vec<Diagnostic>) {
    let Some(file) = &auth.jwks_file else { return };
    if issuers.len() > 1 {
        let message = format!(
            "one key set for {} issuers: each has its own keys",
            issuers.len()
        );
        found.push(
            Diagnostic::new(codes::CONFLICT, "auth.jwksFile", file.span, message)
                .help("leave `jwksFile` out, or name one issuer"),
        );
    }
    if let Some(trust) = &auth.trust_keys_for
        && trust.value > 0
    {
        let message =
            "`trustKeysFor` has no effect beside `jwksFile`: that key set is never fetched";
        found.push(
            Diagnostic::new(codes::UNUSED_KEY, "auth.trustKeysFor", trust.span, message)
                .related(file.span, "the key set")
                .help("remove one of them"),
        );
    }
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

/// Which of Cognito's tokens are taken. `None`: those of others, which have no such word.
pub(super) fn token_use(auth: &Auth) -> Option<TokenUse> {
    auth.mode.as_ref().filter(|mode| mode.value == "cognito")?;
    let written = auth.token_use.as_ref().map(|text| text.value.as_str());
    Some(match written {
        Some("id") => TokenUse::Id,
        Some("any") => TokenUse::Any,
        _ => TokenUse::Access,
    })
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
        let [pool] = pool.issuers.as_slice() else {
            panic!("{:?}", pool.issuers);
        };
        assert_eq!(
            pool.names,
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

    fn oidc(rest: &str) -> AuthConfig {
        let auth = format!("auth: {{mode: oidc, audience: a, {rest}}}");
        checked(&format!("service: x\n{auth}\n")).auth.unwrap()
    }

    fn found(rest: &str) -> Vec<(String, String)> {
        findings(&format!(
            "service: x\nauth: {{mode: oidc, audience: a, {rest}}}\n"
        ))
    }

    #[test]
    fn each_issuer_has_its_own_keys() {
        const TWO: &str = "issuer: ['https://a.example/v2', 'https://b.example/']";
        let asked = |rest: &str| {
            let auth = oidc(rest);
            let of = |issuer: &Issuer| (issuer.names.join(" "), issuer.jwks_uri.clone());
            auth.issuers.iter().map(of).collect::<Vec<_>>()
        };
        let of = |name: &str, address: Option<&str>| (name.to_owned(), address.map(str::to_owned));
        assert_eq!(
            asked(TWO),
            [
                of("https://a.example/v2", None),
                of("https://b.example/", None)
            ]
        );
        assert_eq!(
            asked(&format!(
                "{TWO}, jwksUri: ['https://a.example/k', 'https://b.example/k']"
            )),
            [
                of("https://a.example/v2", Some("https://a.example/k")),
                of("https://b.example/", Some("https://b.example/k")),
            ]
        );
        let conflict = |key: &str| [("conflict".to_owned(), format!("auth.{key}"))];
        let one = format!("{TWO}, jwksUri: 'https://a.example/k'");
        assert_eq!(found(&one), conflict("jwksUri"));
        let twice = found("issuer: ['https://a.example', 'https://a.example']");
        assert_eq!(
            twice,
            [("duplicate-value".to_owned(), "auth.issuer[1]".to_owned())]
        );
    }

    #[test]
    fn google_is_known_by_both_of_its_names() {
        let names = ["https://accounts.google.com", "accounts.google.com"];
        for written in [
            "issuer: accounts.google.com",
            "issuer: 'https://accounts.google.com'",
            "issuer: ['https://accounts.google.com', accounts.google.com]",
        ] {
            let auth = oidc(written);
            let [google] = auth.issuers.as_slice() else {
                panic!("{written}: {:?}", auth.issuers);
            };
            assert_eq!(google.names, names, "{written}");
        }
        for other in [
            "issuer: accounts.example.org",
            "issuer: [accounts.google.com.evil.example]",
        ] {
            let [(code, _)] = &found(other)[..] else {
                panic!("{other}");
            };
            assert_eq!(code, "invalid-value", "{other}");
        }
    }

    #[test]
    fn an_address_that_the_function_would_not_start_with_is_refused() {
        for issuer in [
            "https://lögin.example",
            "https://<realm>.example",
            "https://[login",
            "https://login.example:99999",
            "https://login.example/\u{e9}",
        ] {
            for rest in [
                format!("issuer: \"{issuer}\""),
                format!("issuer: 'https://a.example', jwksUri: \"{issuer}\""),
            ] {
                let found = found(&rest);
                assert!(
                    matches!(&found[..], [(code, _)] if code == "invalid-value"),
                    "{rest}: {found:?}"
                );
            }
        }
    }

    /// AD FS's access tokens name `http://<host>/adfs/services/trust`. A name isn't asked.
    #[test]
    fn an_issuers_name_may_be_over_http_where_its_keys_are_not() {
        let name = "issuer: 'http://adfs.example/adfs/services/trust'";
        assert_eq!(
            found(name),
            [("invalid-value".to_owned(), "auth.issuer".to_owned())]
        );
        let keys = "jwksUri: 'https://adfs.example/adfs/discovery/keys'";
        assert_eq!(oidc(&format!("{name}, {keys}")).issuers[0].names.len(), 1);
    }

    #[test]
    fn a_client_may_have_any_name_but_cognitos() {
        for client in [
            "0oa1b2-c3",
            "1234-ab.apps.googleusercontent.com",
            "https://viewer.example/",
        ] {
            assert_eq!(
                oidc(&format!(
                    "issuer: 'https://a.example', clientIds: ['{client}']"
                ))
                .client_ids,
                [client]
            );
        }
        let pool = findings(
            "service: x\nauth: {mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, clientIds: [abc, a-b]}\n",
        );
        assert_eq!(
            pool,
            [("invalid-value".to_owned(), "auth.clientIds[1]".to_owned())]
        );
    }

    #[test]
    fn keys_are_trusted_for_a_week_at_most() {
        let trust = |text: &str| cognito(&format!(", trustKeysFor: {text}")).trust_keys_for;
        assert_eq!(cognito("").trust_keys_for, None);
        assert_eq!(trust("0s"), None);
        assert_eq!(trust("36h"), Some(36 * 3600));
        assert_eq!(trust("7d"), Some(7 * 86_400));
        let found = findings(
            "service: x\nauth: {mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, trustKeysFor: 8d}\n",
        );
        assert_eq!(
            found,
            [("invalid-value".to_owned(), "auth.trustKeysFor".to_owned())]
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
