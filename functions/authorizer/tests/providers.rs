//! Tokens and key sets in the shapes that identity providers give them, signed by the
//! tests' own keys. Each comes from the provider's documentation of its tokens; names and
//! ids are made up. Each passes with the `auth` that its page in docs/tokens.md shows, and
//! none of the others' configurations takes it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use frames_authorizer::{Decision, Reason, decide, prepare};
use frames_edge::AuthorizerConfig;
use serde_json::{Value, json};
use support::*;

struct Provider {
    name: &'static str,
    header: Value,
    claims: Value,
    /// What the key set has beside the key's numbers.
    key: Value,
    /// Other members of the key set.
    others: Vec<Value>,
    auth: Value,
}

const GUID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const POOL: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";

fn times() -> Value {
    json!({"iat": NOW - 60, "exp": NOW + 3540})
}

fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

fn of_cognito() -> [Provider; 2] {
    let common = json!({
        "sub": GUID, "iss": POOL, "origin_jti": GUID, "event_id": GUID, "auth_time": NOW - 60,
        "jti": GUID, "cognito:groups": ["radiology"],
    });
    let key = json!({"alg": "RS256", "use": "sig"});
    let auth = |token_use: &str| {
        json!({
            "issuers": [{"names": [POOL, POOL.replace("cognito-idp", "issuer-cognito-idp")]}],
            "tokenUse": token_use, "clientIds": ["3n4b5urk1ft4fl3mg5e62d9ado"],
            "groups": ["radiology"],
        })
    };
    [
        Provider {
            name: "Cognito, access token",
            header: json!({"alg": "RS256"}),
            claims: with(
                common.clone(),
                json!({
                    "token_use": "access", "client_id": "3n4b5urk1ft4fl3mg5e62d9ado",
                    "scope": "openid frames/read", "version": 2, "username": "ada",
                }),
            ),
            key: key.clone(),
            others: vec![],
            auth: with(auth("access"), json!({"scopes": ["frames/read"]})),
        },
        Provider {
            name: "Cognito, ID token",
            header: json!({"alg": "RS256"}),
            claims: with(
                common,
                json!({
                    "token_use": "id", "aud": "3n4b5urk1ft4fl3mg5e62d9ado", "at_hash": "x",
                    "email_verified": true, "cognito:username": "ada", "email": "ada@example.org",
                    "identities": [{"userId": "1", "providerName": "x", "primary": "true"}],
                }),
            ),
            key,
            others: vec![],
            auth: auth("id"),
        },
    ]
}

fn of_entra() -> [Provider; 2] {
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let common = json!({
        "aud": "api://frames", "nbf": NOW - 60, "aio": "E2Zg", "groups": [GUID], "name": "Ada",
        "oid": GUID, "rh": "0.AR", "roles": ["Images.Reader"], "scp": "Frames.Read User.Read",
        "sub": "qm2", "tid": tenant, "uti": "abc",
    });
    // Entra's keys say nothing of an algorithm.
    let key = json!({"use": "sig", "x5t": "abc", "x5c": ["MIIC"], "cloud_instance_name": "microsoftonline.com"});
    let auth = |issuer: String| {
        json!({
            "issuers": [{"names": [issuer]}], "audience": ["api://frames"], "clientIds": [GUID],
            "scopes": ["Frames.Read"], "groups": ["Images.Reader"], "groupsClaim": "roles",
        })
    };
    let [v1, v2] = [
        format!("https://sts.windows.net/{tenant}/"),
        format!("https://login.microsoftonline.com/{tenant}/v2.0"),
    ];
    [
        Provider {
            name: "Entra, v1",
            header: json!({"typ": "JWT", "alg": "RS256", "x5t": "abc"}),
            claims: with(
                common.clone(),
                json!({
                    "iss": v1, "acr": "1", "amr": ["pwd", "mfa"], "appid": GUID, "appidacr": "0",
                    "ipaddr": "192.0.2.1", "unique_name": "ada@example.org", "upn": "ada@example.org", "ver": "1.0",
                }),
            ),
            key: key.clone(),
            others: vec![],
            auth: auth(v1),
        },
        Provider {
            name: "Entra, v2",
            header: json!({"typ": "JWT", "alg": "RS256"}),
            claims: with(
                common,
                json!({"iss": v2, "azp": GUID, "azpacr": "0", "preferred_username": "ada@example.org", "ver": "2.0"}),
            ),
            key,
            others: vec![],
            auth: auth(v2),
        },
    ]
}

fn of_okta_and_auth0() -> [Provider; 2] {
    [
        Provider {
            name: "Okta",
            header: json!({"alg": "RS256"}),
            claims: json!({
                "ver": 1, "jti": "AT.x", "iss": "https://example.okta.com/oauth2/default", "aud": "api://default",
                "cid": "0oa1b2c3d4", "uid": "00u1", "scp": ["openid", "frames.read"], "auth_time": NOW - 60,
                "sub": "ada@example.org", "groups": ["Everyone", "Radiology"],
            }),
            key: json!({"alg": "RS256", "use": "sig"}),
            others: vec![],
            auth: json!({
                "issuers": [{"names": ["https://example.okta.com/oauth2/default"]}], "audience": ["api://default"],
                "clientIds": ["0oa1b2c3d4"], "scopes": ["frames.read"], "groups": ["Radiology"], "groupsClaim": "groups",
            }),
        },
        Provider {
            name: "Auth0",
            header: json!({"alg": "RS256", "typ": "at+jwt"}),
            claims: json!({
                "iss": "https://example.eu.auth0.com/", "sub": "auth0|63f",
                "aud": ["https://frames.example.org", "https://example.eu.auth0.com/userinfo"],
                "azp": "kL2", "gty": "password", "scope": "openid read:frames", "permissions": ["read:frames"],
                "https://example.org/roles": ["radiologist"],
            }),
            key: json!({"alg": "RS256", "use": "sig", "x5t": "abc", "x5c": ["MIIC"]}),
            others: vec![],
            auth: json!({
                "issuers": [{"names": ["https://example.eu.auth0.com/"]}], "audience": ["https://frames.example.org"],
                "clientIds": ["kL2"], "scopes": ["read:frames"],
                "groups": ["radiologist"], "groupsClaim": "https://example.org/roles",
            }),
        },
    ]
}

fn of_keycloak_and_google() -> [Provider; 3] {
    let client = "1234-ab.apps.googleusercontent.com";
    let google = |name: &'static str, iss: &str| Provider {
        name,
        header: json!({"alg": "RS256", "typ": "JWT"}),
        claims: json!({
            "iss": iss, "azp": client, "aud": client, "sub": "110169484474386276334", "at_hash": "x",
            "hd": "example.org", "email": "ada@example.org", "email_verified": true,
        }),
        key: json!({"alg": "RS256", "use": "sig"}),
        others: vec![],
        auth: json!({
            "issuers": [{"names": ["https://accounts.google.com", "accounts.google.com"]}],
            "audience": [client], "clientIds": [client],
        }),
    };
    [
        Provider {
            name: "Keycloak",
            header: json!({"alg": "RS256", "typ": "JWT"}),
            claims: json!({
                "auth_time": NOW - 60, "jti": format!("onrtac:{GUID}"), "iss": "https://login.example.org/realms/imaging",
                "aud": ["frames", "account"], "sub": GUID, "typ": "Bearer", "azp": "viewer", "sid": GUID, "acr": "1",
                "allowed-origins": ["https://viewer.example.org"], "realm_access": {"roles": ["offline_access", "radiology"]},
                "resource_access": {"account": {"roles": ["view-profile"]}}, "scope": "openid profile frames", "email_verified": false,
            }),
            key: json!({"alg": "RS256", "use": "sig", "x5c": ["MIIC"], "x5t": "abc", "x5t#S256": "def"}),
            // Its realms have a key for encryption beside the other.
            others: vec![json!({
                "kid": "enc", "kty": "RSA", "alg": "RSA-OAEP", "use": "enc", "n": Key::stranger().jwk("enc")["n"], "e": "AQAB",
            })],
            auth: json!({
                "issuers": [{"names": ["https://login.example.org/realms/imaging"]}], "audience": ["frames"],
                "clientIds": ["viewer"], "scopes": ["frames"], "groups": ["radiology"], "groupsClaim": "realm_access.roles",
            }),
        },
        google("Google, ID token", "https://accounts.google.com"),
        google("Google, ID token without a scheme", "accounts.google.com"),
    ]
}

fn of_ping_and_adfs() -> [Provider; 3] {
    [
        Provider {
            name: "PingFederate",
            header: json!({"alg": "RS256", "pi.atm": "1"}),
            claims: json!({
                "scope": ["openid", "frames"], "client_id": "viewer", "iss": "https://sso.example.org", "aud": "frames", "Username": "ada",
            }),
            key: json!({"use": "sig"}),
            others: vec![
                json!({"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-521", "x": "AA", "y": "AA"}),
            ],
            auth: json!({
                "issuers": [{"names": ["https://sso.example.org"]}], "audience": ["frames"], "clientIds": ["viewer"], "scopes": ["frames"],
            }),
        },
        Provider {
            name: "PingOne",
            header: json!({"alg": "RS256"}),
            claims: json!({
                "client_id": GUID, "iss": format!("https://auth.pingone.com/{GUID}/as"), "jti": GUID, "aud": ["frames"],
                "scope": "openid frames", "sub": GUID, "sid": GUID, "auth_time": NOW - 60, "acr": "Single_Factor", "amr": ["pwd"],
                "env": GUID, "org": GUID, "p1.rid": GUID,
            }),
            key: json!({"use": "sig", "alg": "RS256"}),
            others: vec![],
            auth: json!({
                "issuers": [{"names": [format!("https://auth.pingone.com/{GUID}/as")]}], "audience": ["frames"],
                "clientIds": [GUID], "scopes": ["frames"],
            }),
        },
        Provider {
            name: "AD FS",
            header: json!({"typ": "JWT", "alg": "RS256", "x5t": "abc"}),
            claims: json!({
                "aud": format!("microsoft:identityserver:{GUID}"), "iss": "http://adfs.example.org/adfs/services/trust",
                "apptype": "Public", "appid": GUID, "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                "auth_time": "2026-11-22T09:07:07.000Z", "ver": "1.0", "scp": "openid frames", "group": ["EXAMPLE\\Radiology"],
            }),
            key: json!({"use": "sig", "alg": "RS256", "x5t": "abc", "x5c": ["MIIC"]}),
            others: vec![],
            // Its access tokens have a name over HTTP, and discovery speaks for another one.
            auth: json!({
                "issuers": [{"names": ["http://adfs.example.org/adfs/services/trust"], "jwksUri": "https://adfs.example.org/adfs/discovery/keys"}],
                "audience": [format!("microsoft:identityserver:{GUID}")], "clientIds": [GUID], "scopes": ["frames"],
                "groups": ["EXAMPLE\\Radiology"], "groupsClaim": "group",
            }),
        },
    ]
}

fn of_frameworks() -> [Provider; 3] {
    [
        Provider {
            name: "Duende IdentityServer",
            header: json!({"alg": "RS256", "typ": "at+jwt"}),
            claims: json!({
                "iss": "https://identity.example.org", "nbf": NOW - 60, "aud": "frames", "scope": ["openid", "frames"], "amr": ["pwd"],
                "client_id": "viewer", "sub": "1", "auth_time": NOW - 60, "idp": "local", "role": "radiology", "sid": "A1", "jti": "B2",
            }),
            key: json!({"use": "sig", "alg": "RS256"}),
            others: vec![],
            auth: json!({
                "issuers": [{"names": ["https://identity.example.org"]}], "audience": ["frames"], "clientIds": ["viewer"],
                "scopes": ["frames"], "groups": ["radiology"], "groupsClaim": "role",
            }),
        },
        Provider {
            name: "Spring Authorization Server",
            header: json!({"alg": "RS256"}),
            claims: json!({
                "sub": "ada", "aud": "viewer", "nbf": NOW - 60, "scope": ["openid", "frames"], "iss": "https://auth.example.org", "jti": GUID,
            }),
            key: json!({}),
            others: vec![],
            auth: json!({"issuers": [{"names": ["https://auth.example.org"]}], "audience": ["viewer"], "scopes": ["frames"]}),
        },
        Provider {
            name: "Cloud Foundry UAA",
            header: json!({"alg": "RS256", "typ": "JWT", "jku": "https://uaa.example.org/token_keys"}),
            claims: json!({
                "jti": "x", "sub": GUID, "scope": ["frames.read", "openid"], "client_id": "viewer", "cid": "viewer", "azp": "viewer",
                "grant_type": "authorization_code", "user_id": GUID, "origin": "uaa", "user_name": "ada", "auth_time": NOW - 60,
                "rev_sig": "x", "iss": "https://uaa.example.org/oauth/token", "zid": "uaa", "aud": ["frames", "viewer"],
            }),
            key: json!({"use": "sig", "alg": "RS256", "value": "-----BEGIN PUBLIC KEY-----"}),
            others: vec![],
            auth: json!({
                "issuers": [{"names": ["https://uaa.example.org/oauth/token"], "jwksUri": "https://uaa.example.org/token_keys"}],
                "audience": ["frames"], "clientIds": ["viewer"], "scopes": ["frames.read"],
            }),
        },
    ]
}

fn all() -> Vec<Provider> {
    let mut all: Vec<Provider> = of_cognito().into();
    all.extend(of_entra());
    all.extend(of_okta_and_auth0());
    all.extend(of_keycloak_and_google());
    all.extend(of_ping_and_adfs());
    all.extend(of_frameworks());
    all
}

impl Provider {
    fn config(&self) -> AuthorizerConfig {
        let key = with(Key::issuer().jwk(KID), self.key.clone());
        let keys: Vec<Value> = self.others.iter().cloned().chain([key]).collect();
        let base = json!({
            "jwks": {"keys": keys}, "algorithms": ["RS256"], "groupsClaim": "cognito:groups",
            "tokenSources": ["authorization"],
        });
        let mut config = config(json!({}));
        config.auth = Some(serde_json::from_value(with(base, self.auth.clone())).unwrap());
        config
    }

    fn token(&self, changes: Value) -> String {
        let header = with(self.header.clone(), json!({"kid": KID}));
        let claims = with(with(self.claims.clone(), times()), changes);
        Key::issuer().token_of(&header.to_string(), &claims.to_string())
    }
}

fn verdict(token: &str, config: &AuthorizerConfig) -> Option<Reason> {
    match decide(bearer(token), config, &prepare(config).unwrap(), now()) {
        Decision::Pass(_) => None,
        Decision::Respond(_, denial) => Some(denial.reason),
        Decision::NeedKeys { need, .. } => panic!("asked for {need:?}"),
    }
}

#[test]
fn each_providers_token_passes_by_its_own_configuration_only() {
    let all = all();
    for provider in &all {
        let token = provider.token(json!({}));
        let config = provider.config();
        assert_eq!(verdict(&token, &config), None, "{}", provider.name);
        for other in &all {
            let passes = verdict(&token, &other.config()).is_none();
            let same = other.config().auth == config.auth;
            assert_eq!(passes, same, "{} at {}", provider.name, other.name);
        }
    }
}

#[test]
fn each_rule_of_a_configuration_is_met_by_what_the_token_has() {
    for provider in all() {
        let token = provider.token(json!({}));
        let refused = |key: &str, value: Value| {
            let mut config = provider.config();
            let mut auth = serde_json::to_value(config.auth.as_ref().unwrap()).unwrap();
            auth.get(key)?;
            auth[key] = value;
            config.auth = Some(serde_json::from_value(auth).unwrap());
            Some(verdict(&token, &config))
        };
        for (key, reason) in [
            ("clientIds", Reason::WrongClient),
            ("audience", Reason::WrongAudience),
            ("scopes", Reason::MissingScope),
            ("groups", Reason::MissingGroup),
        ] {
            let found = refused(key, json!(["another"]));
            assert!(
                matches!(found, None | Some(Some(_)))
                    && found.is_none_or(|found| found == Some(reason)),
                "{}: {key}: {found:?}",
                provider.name
            );
        }
        for (changes, reason) in [
            (json!({"iss": "https://evil.example"}), Reason::WrongIssuer),
            (json!({"exp": NOW - 31}), Reason::Expired),
        ] {
            let found = verdict(&provider.token(changes), &provider.config());
            assert_eq!(found, Some(reason), "{}", provider.name);
        }
    }
}
