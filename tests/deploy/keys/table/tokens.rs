//! Who gets in: the issuer's tokens.

use crate::deploy::keys::seen::at;
use crate::deploy::keys::{Group, row};

pub const USER_POOL: Group = Group {
    name: "user pool",
    base: "auth: {mode: cognito, userPoolId: <pool>, groups: [cardiology], jwksFile: ./jwks.json}",
    set: "auth: {mode: cognito, userPoolId: <other-pool>, clientIds: [<client>], tokenUse: any, scopes: [frames/read], groups: [radiology], groupsClaim: roles, tokenSources: [query], jwksFile: ./other.json}",
    rows: &[
        row(
            "auth.userPoolId",
            |seen| at(&seen.decides("authorizer"), "/auth/issuers/0/names/0"),
            "https://cognito-idp.us-east-1.amazonaws.com/<pool>",
            "https://cognito-idp.us-east-1.amazonaws.com/<other-pool>",
        ),
        row(
            "auth.clientIds",
            |seen| at(&seen.decides("authorizer"), "/auth/clientIds"),
            "null",
            r#"["<client>"]"#,
        ),
        row(
            "auth.tokenUse",
            |seen| at(&seen.decides("authorizer"), "/auth/tokenUse"),
            "access",
            "any",
        ),
        row(
            "auth.scopes",
            |seen| at(&seen.decides("authorizer"), "/auth/scopes"),
            "null",
            r#"["frames/read"]"#,
        ),
        row(
            "auth.groups",
            |seen| at(&seen.decides("authorizer"), "/auth/groups"),
            r#"["cardiology"]"#,
            r#"["radiology"]"#,
        ),
        row(
            "auth.groupsClaim",
            |seen| at(&seen.decides("authorizer"), "/auth/groupsClaim"),
            "cognito:groups",
            "roles",
        ),
        row(
            "auth.tokenSources",
            |seen| at(&seen.decides("authorizer"), "/auth/tokenSources"),
            r#"["authorization", "header"]"#,
            r#"["query"]"#,
        ),
        // A token in the query string is no reason to block a request.
        row(
            "auth.tokenSources",
            |seen| {
                let rules = seen.web_acl()["Rules"].to_string();
                rules.contains("RuleActionOverrides").into()
            },
            "false",
            "true",
        ),
        row(
            "auth.jwksFile",
            |seen| at(&seen.decides("authorizer"), "/auth/jwks/keys/0/kid"),
            "2026-01",
            "2026-02",
        ),
    ],
};

pub const ISSUER: Group = Group {
    name: "issuer",
    base: "auth: {mode: none}",
    set: "auth: {mode: oidc, issuer: '<issuer>', audience: [frames, images], jwksUri: '<issuer>/keys', algorithms: [RS256, ES256], trustKeysFor: 36h}",
    rows: &[
        row(
            "auth.mode",
            |seen| seen.decides("authorizer")["auth"].is_object().into(),
            "false",
            "true",
        ),
        row(
            "auth.issuer",
            |seen| at(&seen.decides("authorizer"), "/auth/issuers/0/names"),
            "null",
            r#"["<issuer>"]"#,
        ),
        row(
            "auth.audience",
            |seen| at(&seen.decides("authorizer"), "/auth/audience"),
            "null",
            r#"["frames", "images"]"#,
        ),
        row(
            "auth.jwksUri",
            |seen| at(&seen.decides("authorizer"), "/auth/issuers/0/jwksUri"),
            "null",
            "<issuer>/keys",
        ),
        row(
            "auth.trustKeysFor",
            |seen| at(&seen.decides("authorizer"), "/auth/trustKeysFor"),
            "null",
            "129600",
        ),
        row(
            "auth.algorithms",
            |seen| at(&seen.decides("authorizer"), "/auth/algorithms"),
            "null",
            r#"["RS256", "ES256"]"#,
        ),
    ],
};
