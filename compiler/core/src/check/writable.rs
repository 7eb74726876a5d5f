//! Claims of Cognito that users write themselves, where they should decide who may read what, or name
//! who did.

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{AccessClaims, Auth, Text};

/// The standard attributes that every app client may write, unless `WriteAttributes` says otherwise.
/// The claims of an id token are called alike.
///
/// Sources: "User pool attributes", Amazon Cognito Developer Guide; "CreateUserPoolClient", Amazon
/// Cognito User Pools API Reference.
pub(super) const WRITABLE: [&str; 17] = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];

/// The name that whoever signs up chooses, once: in an access token, and in an id token.
const CHOSEN: [&str; 2] = ["cognito:username", "username"];

/// What `auth.access` and `auth.accessClaims` go by. Of `custom:` attributes the manifest doesn't tell
/// who may write them, so nothing is said of those.
pub(super) fn check(auth: &Auth, found: &mut Vec<Diagnostic>) {
    if !is_cognito(auth) {
        return;
    }
    for (path, text) in deciding(auth) {
        let Some(text) = text else {
            continue;
        };
        let may = match text.value.as_str() {
            claim if is_writable(claim) => "may write",
            claim if CHOSEN.contains(&claim) => "may choose",
            _ => continue,
        };
        let message = format!(
            "users {may} `{}` themselves, and so what they may read",
            text.value
        );
        found.push(
            Diagnostic::new(codes::ACCESS_WRITABLE, path, text.span, message).help(
                "name a claim that only you write: `cognito:groups`, or one that a pre token generation trigger adds",
            ),
        );
    }
}

/// The keys that name claims by which is decided who may read what, and the claims.
pub(super) fn deciding(auth: &Auth) -> [(&'static str, Option<&Text>); 4] {
    let groups = auth.groups_claim.as_ref();
    let claims = auth.access_claims.as_ref();
    let claim = |of: fn(&AccessClaims) -> &Option<Text>| claims.and_then(|it| of(it).as_ref());
    [
        ("auth.groupsClaim", groups),
        ("auth.accessClaims.datastores", claim(|it| &it.datastores)),
        ("auth.accessClaims.imageSets", claim(|it| &it.image_sets)),
        ("auth.accessClaims.studies", claim(|it| &it.studies)),
    ]
}

/// What `logs.auditClaims` names whoever reads by. One claim that stays is enough: it tells who wrote the
/// others.
pub(super) fn audit(auth: &Auth, claims: &[Text], found: &mut Vec<Diagnostic>) {
    let are_writable = claims.iter().all(|claim| is_writable(&claim.value));
    let Some(first) = claims.first().filter(|_| are_writable && is_cognito(auth)) else {
        return;
    };
    let names: Vec<&str> = claims.iter().map(|claim| claim.value.as_str()).collect();
    let written = names.join("`, `");
    let message =
        format!("users may write `{written}` themselves, and so whom an audit line names");
    found.push(
        Diagnostic::new(
            codes::AUDIT_WRITABLE,
            "logs.auditClaims",
            first.span,
            message,
        )
        .help(format!(
            "add `sub`, which the user pool decides: `[sub, {}]`",
            names.join(", ")
        )),
    );
}

fn is_cognito(auth: &Auth) -> bool {
    let is_mode = auth
        .mode
        .as_ref()
        .is_some_and(|mode| mode.value == "cognito");
    // The same user pool, by the other mode.
    is_mode || auth.issuer.iter().any(is_of_a_pool)
}

pub(super) fn is_of_a_pool(issuer: &Text) -> bool {
    issuer.value.starts_with("https://cognito-idp.")
}

fn is_writable(claim: &str) -> bool {
    is_one_of(&WRITABLE, claim)
}

/// A claim is found by its whole name, else by a path of members.
pub(super) fn is_one_of(names: &[&str], claim: &str) -> bool {
    let first = claim.split('.').next().unwrap_or(claim);
    names.contains(&claim) || names.contains(&first)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::findings;

    const POOL: &str = "mode: cognito, userPoolId: us-east-1_AbCdEfGhI";
    const OIDC: &str = "mode: oidc, issuer: 'https://issuer.example', audience: a";

    fn found(auth: &str) -> Vec<String> {
        let found = findings(&format!(
            "service: x\nauth: {{{auth}}}\ndelivery: {{dicomweb: true}}\n"
        ));
        let writable = found
            .into_iter()
            .filter(|(code, _)| code.ends_with("-writable"));
        writable.map(|(_, path)| path).collect()
    }

    #[test]
    fn a_claim_that_users_write_decides_nothing_unsaid() {
        let claims = |claims: &str| found(&format!("{POOL}, accessClaims: {{{claims}}}"));
        assert_eq!(claims("studies: profile"), ["auth.accessClaims.studies"]);
        assert_eq!(
            claims("datastores: address.region, imageSets: email"),
            [
                "auth.accessClaims.datastores",
                "auth.accessClaims.imageSets"
            ]
        );
        let groups = format!("{POOL}, groups: [g], groupsClaim: website");
        assert_eq!(found(&groups), ["auth.groupsClaim"]);
        for decided in [
            "custom:studies",
            "imaging.studies",
            "emails",
            "sub",
            "studies.email",
        ] {
            assert_eq!(
                claims(&format!("studies: '{decided}'")),
                [""; 0],
                "{decided}"
            );
        }
        // Nobody changes a user name, but whoever signs up chooses one.
        for (rest, name) in [("", "username"), (", tokenUse: id", "cognito:username")] {
            let named = format!("{POOL}{rest}, groups: [g], groupsClaim: '{name}'");
            assert_eq!(found(&named), ["auth.groupsClaim"], "{name}");
        }
        let same = OIDC.replace(
            "issuer.example",
            "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI",
        );
        let same = format!("{same}, accessClaims: {{studies: profile}}");
        assert_eq!(found(&same), ["auth.accessClaims.studies"]);
        // Who writes another issuer's claims, nobody but that issuer knows.
        let other = format!("{OIDC}, accessClaims: {{studies: profile}}");
        assert_eq!(found(&other), [""; 0]);
    }

    #[test]
    fn an_audit_line_has_a_claim_that_stays() {
        let audited = |auth: &str, claims: &str| {
            let logs = "functions: {retentionDays: 2192}";
            let found = findings(&format!(
                "service: x\nauth: {{{auth}}}\nlogs: {{audit: true, {logs}{claims}}}\n"
            ));
            let mut codes = found
                .into_iter()
                .map(|(code, path)| format!("{code} {path}"));
            codes.find(|one| one.contains("-writable"))
        };
        let warned = Some("audit-writable logs.auditClaims".to_owned());
        for (claims, wanted) in [
            ("", &None),
            (", auditClaims: [email]", &warned),
            (", auditClaims: [email, address.region]", &warned),
            (", auditClaims: [email, sub]", &None),
            (", auditClaims: [sub]", &None),
            // Nobody changes a user name, and who writes `custom:` attributes isn't known.
            (", auditClaims: [email, 'cognito:username']", &None),
            (", auditClaims: ['custom:staff']", &None),
        ] {
            assert_eq!(audited(POOL, claims), *wanted, "{claims}");
        }
        let claims = ", auditClaims: [email]";
        let pool = "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";
        let same = OIDC.replace("issuer.example", pool);
        assert_eq!(audited(&same, claims), warned);
        assert_eq!(audited(OIDC, claims), None);
        assert_eq!(audited("mode: none", claims), None);
        let off = format!("service: x\nauth: {{{POOL}}}\nlogs: {{auditClaims: [email]}}\n");
        let codes: Vec<String> = findings(&off).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["unused-key"]);
    }
}
