//! Claims that Cognito's tokens don't have, where they should decide who may read what, or name who did.

use super::auth::token_use;
use super::writable::{WRITABLE, deciding, is_of_a_pool, is_one_of};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{Auth, Text};
use frames_edge::TokenUse;

/// What Cognito writes into id tokens only, beside the attributes of the user.
///
/// Sources: "Understanding the identity (ID) token" and "Understanding the access token", Amazon
/// Cognito Developer Guide.
const OF_ID: [&str; 7] = [
    "at_hash",
    "aud",
    "cognito:preferred_role",
    "cognito:roles",
    "cognito:username",
    "identities",
    "nonce",
];

/// What Cognito writes into access tokens only, by the same sources.
const OF_ACCESS: [&str; 3] = ["client_id", "scope", "username"];

/// The attributes that Cognito writes itself, and no user.
const VERIFIED: [&str; 2] = ["email_verified", "phone_number_verified"];

/// What `auth.access` and `auth.accessClaims` go by. A name that is no attribute of Cognito's, such as
/// `imaging.studies`, is only there where a trigger adds it: whoever names it has that trigger.
pub(super) fn check(auth: &Auth, found: &mut Vec<Diagnostic>) {
    let Some(kind) = taken(auth) else {
        return;
    };
    for (path, text) in deciding(auth) {
        let Some(text) = text.filter(|text| lacks(kind, &text.value)) else {
            continue;
        };
        let effect = match path {
            "auth.groupsClaim" if !goes_by_groups(auth) => continue,
            "auth.groupsClaim" => "so nobody is in a group",
            _ => "so nobody may read anything",
        };
        let message = format!("{} have no `{}`, {effect}", tokens(kind), text.value);
        let help = help_to_decide(auth, kind, &text.value);
        found.push(absent(auth, kind, path, text, message).help(help));
    }
}

/// Which tokens are taken. `None`: not Cognito's, or nobody knows which.
fn taken(auth: &Auth) -> Option<TokenUse> {
    if auth.mode.as_ref().is_some_and(|mode| mode.value == "oidc") {
        // An `aud` is asked for, which only id tokens always have.
        let issuers = &auth.issuer;
        let is_pool = !issuers.is_empty() && issuers.iter().all(is_of_a_pool);
        return is_pool.then_some(TokenUse::Id);
    }
    let is_known = match &auth.token_use {
        Some(written) => ["access", "id", "any"].contains(&written.value.as_str()),
        None => !auth.keys.has("tokenUse"),
    };
    token_use(auth).filter(|_| is_known)
}

/// What `logs.auditClaims` names whoever reads by.
pub(super) fn audit(auth: &Auth, claims: &[Text], found: &mut Vec<Diagnostic>) {
    match taken(auth) {
        None => {}
        Some(TokenUse::Any) => unnamed(auth, claims, found),
        Some(kind) => {
            for (i, claim) in claims.iter().enumerate() {
                if !lacks(kind, &claim.value) {
                    continue;
                }
                let path = format!("logs.auditClaims[{i}]");
                let message = format!(
                    "{} have no `{}`, so each audit line has `null` for it",
                    tokens(kind),
                    claim.value
                );
                let help = help_to_name(auth, kind, &claim.value);
                found.push(absent(auth, kind, path, claim, message).help(help));
            }
        }
    }
}

/// Each kind of token has claims that the other lacks, so a line may well have a `null`. But whoever
/// reads chooses which kind to send, and has to be named by either.
fn unnamed(auth: &Auth, claims: &[Text], found: &mut Vec<Diagnostic>) {
    for kind in [TokenUse::Access, TokenUse::Id] {
        let are_absent = claims.iter().all(|claim| lacks(kind, &claim.value));
        let Some(first) = claims.first().filter(|_| are_absent) else {
            continue;
        };
        let names: Vec<&str> = claims.iter().map(|claim| claim.value.as_str()).collect();
        let message = format!(
            "{} have no `{}`, so their audit lines name nobody",
            tokens(kind),
            names.join("` and no `")
        );
        let diagnostic =
            Diagnostic::new(codes::CLAIM_ABSENT, "logs.auditClaims", first.span, message);
        let diagnostic = related(diagnostic, auth, "both kinds of token are taken");
        found.push(diagnostic.help(format!(
            "add `sub`, which both kinds of token have: `[sub, {}]`",
            names.join(", ")
        )));
    }
}

fn absent(
    auth: &Auth,
    kind: TokenUse,
    path: impl Into<String>,
    claim: &Text,
    message: String,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(codes::CLAIM_ABSENT, path, claim.span, message);
    let label = format!("only {} are taken", word(kind));
    related(diagnostic, auth, &label)
}

/// Points at `auth.tokenUse` where it is written. By default, access tokens are taken.
fn related(diagnostic: Diagnostic, auth: &Auth, label: &str) -> Diagnostic {
    match &auth.token_use {
        Some(written) => diagnostic.related(written.span, label),
        None => diagnostic,
    }
}

/// Nothing that users choose themselves is offered here: neither `username` nor their attributes.
fn help_to_decide(auth: &Auth, kind: TokenUse, claim: &str) -> String {
    const OTHER: &str =
        "go by `cognito:groups`, or by a claim that a pre token generation trigger adds";
    // Scopes, which only access tokens have, are asked for by `scopes`.
    let may_switch = kind == TokenUse::Access && !auth.keys.has("scopes");
    if may_switch && claim.starts_with("custom:") {
        format!("take id tokens (`tokenUse: id`) if no app client may write `{claim}`; or {OTHER}")
    } else {
        OTHER.to_owned()
    }
}

fn help_to_name(auth: &Auth, kind: TokenUse, claim: &str) -> String {
    const TRIGGER: &str = "Where a pre token generation trigger of event version 2 or later adds it, allow `claim-absent`";
    match (kind, claim) {
        (TokenUse::Id, "username") => "name `cognito:username`, as id tokens call it".to_owned(),
        (TokenUse::Id, "client_id") => "name `aud`, as id tokens call it".to_owned(),
        (TokenUse::Id, _) => format!("leave `{claim}` out"),
        (_, "cognito:username") => "name `username`, as access tokens call it".to_owned(),
        (_, "aud") => {
            "name `client_id`, as access tokens call it. Where each client asks for a resource, they have an `aud`: allow `claim-absent`".to_owned()
        }
        _ if auth.keys.has("scopes") => {
            format!("name `username`, or leave `{claim}` out. {TRIGGER}")
        }
        _ => format!("take id tokens (`tokenUse: id`), or name `username`. {TRIGGER}"),
    }
}

/// Whether tokens of this kind have the claim only where a trigger of the user pool adds it, if at all.
fn lacks(kind: TokenUse, claim: &str) -> bool {
    match kind {
        TokenUse::Access => is_attribute(claim) || is_one_of(&OF_ID, claim),
        TokenUse::Id => is_one_of(&OF_ACCESS, claim),
        // One kind or the other has it.
        TokenUse::Any => false,
    }
}

fn is_attribute(claim: &str) -> bool {
    claim.starts_with("custom:") || is_one_of(&WRITABLE, claim) || is_one_of(&VERIFIED, claim)
}

/// At a message's start.
fn tokens(kind: TokenUse) -> String {
    format!("Cognito's {}", word(kind))
}

fn word(kind: TokenUse) -> &'static str {
    match kind {
        TokenUse::Access => "access tokens",
        TokenUse::Id => "id tokens",
        TokenUse::Any => "tokens",
    }
}

/// Whether it matters what groups a token has.
fn goes_by_groups(auth: &Auth) -> bool {
    let mut rows = auth.access.iter().flatten();
    !auth.groups.is_empty() || rows.any(|row| row.groups.is_some())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::findings;

    const POOL: &str = "mode: cognito, userPoolId: us-east-1_AbCdEfGhI";
    /// The same user pool, by the other mode.
    const OIDC: &str = "mode: oidc, audience: a, issuer: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI'";

    /// The paths that are found absent.
    fn absent(manifest: &str) -> Vec<String> {
        let found = findings(manifest);
        let absent = found.into_iter().filter(|(code, _)| code == "claim-absent");
        absent.map(|(_, path)| path).collect()
    }

    fn decided(auth: &str) -> Vec<String> {
        absent(&format!(
            "service: x\nauth: {{{auth}}}\ndelivery: {{dicomweb: true}}\n"
        ))
    }

    fn audited(auth: &str, claims: &str) -> Vec<String> {
        let claims = format!("auditClaims: [{claims}]");
        absent(&format!(
            "service: x\nauth: {{{auth}}}\nlogs: {{audit: true, {claims}, functions: {{retentionDays: 2192}}}}\n"
        ))
    }

    #[test]
    fn an_access_token_has_no_attribute_to_decide_by() {
        let studies = |rest: &str, claim: &str| {
            decided(&format!(
                "{POOL}{rest}, accessClaims: {{studies: '{claim}'}}"
            ))
        };
        let found = ["auth.accessClaims.studies"];
        for claim in [
            "custom:department",
            "custom:studies.heart",
            "email",
            "email_verified",
            "name",
            "address.region",
            "phone_number_verified",
            "cognito:username",
            "identities",
        ] {
            assert_eq!(studies("", claim), found, "{claim}");
            assert_eq!(studies(", tokenUse: access", claim), found, "{claim}");
            // Nobody knows which, or it is wrong for itself.
            for rest in [", tokenUse: '${ssm:/use}'", ", tokenUse: ID"] {
                assert_eq!(studies(rest, claim), [""; 0], "{claim}{rest}");
            }
            // With both kinds taken, there are tokens that have it.
            for rest in [", tokenUse: id", ", tokenUse: any"] {
                assert_eq!(studies(rest, claim), [""; 0], "{claim}{rest}");
            }
        }
        for claim in [
            "sub",
            "username",
            "cognito:groups",
            "scope",
            "client_id",
            // Only a trigger adds these.
            "imaging.studies",
            "imaging/studies",
            "studies.email",
            "emails",
            "department",
        ] {
            assert_eq!(studies("", claim), [""; 0], "{claim}");
        }
    }

    #[test]
    fn each_key_of_access_claims_counts() {
        let claims = "accessClaims: {datastores: 'custom:stores', imageSets: profile, studies: s}";
        assert_eq!(
            decided(&format!("{POOL}, {claims}")),
            [
                "auth.accessClaims.datastores",
                "auth.accessClaims.imageSets"
            ]
        );
    }

    #[test]
    fn groups_are_in_a_claim_that_is_there() {
        let row = "access: [{groups: [g], datastore: 12345678901234567890123456789012}]";
        let all = "access: [{datastore: 12345678901234567890123456789012}]";
        let claim = "groupsClaim: 'custom:roles'";
        let found = ["auth.groupsClaim"];
        assert_eq!(decided(&format!("{POOL}, groups: [g], {claim}")), found);
        assert_eq!(decided(&format!("{POOL}, {row}, {claim}")), found);
        for unread in [
            format!("{POOL}, {claim}"),
            format!("{POOL}, {all}, {claim}"),
            format!("{POOL}, groups: [g], groupsClaim: 'cognito:groups'"),
            format!("{POOL}, groups: [g], groupsClaim: roles"),
            format!("{POOL}, tokenUse: id, groups: [g], {claim}"),
            format!("{POOL}, groups: [g]"),
        ] {
            assert_eq!(decided(&unread), [""; 0], "{unread}");
        }
    }

    #[test]
    fn an_audit_line_has_each_of_its_claims() {
        assert_eq!(
            audited(POOL, "sub, email, username, 'custom:staff'"),
            ["logs.auditClaims[1]", "logs.auditClaims[3]"]
        );
        assert_eq!(
            audited(POOL, "sub, 'cognito:username'"),
            ["logs.auditClaims[1]"]
        );
        let id = format!("{POOL}, tokenUse: id");
        assert_eq!(audited(&id, "sub, username"), ["logs.auditClaims[1]"]);
        for (auth, claims) in [
            (POOL, "sub, username, 'cognito:groups', client_id"),
            (POOL, "sub, staff"),
            (
                id.as_str(),
                "sub, email, 'cognito:username', 'custom:staff'",
            ),
        ] {
            assert_eq!(audited(auth, claims), [""; 0], "{claims}");
        }
        let off = format!("service: x\nauth: {{{POOL}}}\nlogs: {{auditClaims: [email]}}\n");
        assert_eq!(absent(&off), [""; 0]);
    }

    /// Whoever has both chooses which one to send.
    #[test]
    fn with_both_kinds_of_token_each_is_named() {
        let any = format!("{POOL}, tokenUse: any");
        for claims in ["email", "'cognito:username', 'custom:staff'", "username"] {
            assert_eq!(audited(&any, claims), ["logs.auditClaims"], "{claims}");
        }
        for claims in ["sub, email", "username, 'cognito:username'", "staff"] {
            assert_eq!(audited(&any, claims), [""; 0], "{claims}");
        }
    }

    /// An access token has no `aud`, unless its client asks for a resource.
    #[test]
    fn mode_oidc_takes_id_tokens_of_a_pool() {
        let claims = "accessClaims: {studies: 'custom:studies'}";
        assert_eq!(decided(&format!("{OIDC}, {claims}")), [""; 0]);
        assert_eq!(audited(OIDC, "sub, email, aud"), [""; 0]);
        assert_eq!(audited(OIDC, "sub, username"), ["logs.auditClaims[1]"]);
        let other = OIDC.replace("cognito-idp.us-east-1.amazonaws.com", "login.example.org");
        assert_eq!(audited(&other, "sub, username"), [""; 0]);
        assert_eq!(audited("mode: none", "email"), [""; 0]);
        assert_eq!(audited(POOL, "sub, aud"), ["logs.auditClaims[1]"]);
    }

    /// The help for one claim that decides, and for one that names.
    fn helps(rest: &str, claim: &str) -> [String; 2] {
        let help = |manifest: &str| {
            let found = crate::check::testing::diagnostics(manifest);
            let mut absent = found
                .into_iter()
                .filter(|it| it.code.name == "claim-absent");
            absent.next().and_then(|it| it.help).unwrap_or_default()
        };
        let auth = format!("{POOL}{rest}");
        [
            help(&format!(
                "service: x\nauth: {{{auth}, accessClaims: {{studies: '{claim}'}}}}\ndelivery: {{dicomweb: true}}\n"
            )),
            help(&format!(
                "service: x\nauth: {{{auth}}}\nlogs: {{audit: true, auditClaims: [sub, '{claim}'], functions: {{retentionDays: 2192}}}}\n"
            )),
        ]
    }

    /// What a user could write or choose would open what is shut.
    #[test]
    fn no_help_opens_what_is_shut() {
        for claim in ["email", "profile", "cognito:username", "identities", "aud"] {
            let [decides, _] = helps("", claim);
            assert!(decides.starts_with("go by `cognito:groups`"), "{decides}");
            assert!(!decides.contains("username"), "{decides}");
        }
        let [decides, names] = helps("", "custom:ward");
        assert!(decides.contains("if no app client may write"), "{decides}");
        assert!(names.contains("tokenUse: id"), "{names}");
        // Id tokens have no scopes.
        for help in helps(", scopes: [frames/read]", "custom:ward") {
            assert!(!help.is_empty() && !help.contains("tokenUse"), "{help}");
        }
        let [_, names] = helps(", tokenUse: id", "client_id");
        assert_eq!(names, "name `aud`, as id tokens call it");
    }
}
