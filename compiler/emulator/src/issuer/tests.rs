use super::*;
use frames_edge::jose::{self, DecodingKeyKind};
use ring::signature::{
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

fn auth() -> AuthConfig {
    serde_json::from_value(json!({
        "issuers": [{"names": ["https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"]}],
        "algorithms": ["RS256", "ES256"],
        "clientIds": ["c1", "c2"],
        "tokenUse": "access",
        "scopes": ["a", "b"],
        "groups": ["g1", "g2"],
        "groupsClaim": "cognito:groups",
        "tokenSources": ["header"],
    }))
    .unwrap()
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Verifies by the served set only, and returns the claims.
fn verify(token: &str, jwks: &Value) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let kid = decode(header)["kid"].clone();
    let key = jwks["keys"]
        .as_array()?
        .iter()
        .find(|key| key["kid"] == kid)?;
    let key = jose::Key::parse(key).unwrap();
    let algorithm = jose::algorithm(decode(header)["alg"].as_str()?)?;
    assert!(key.suits(algorithm));
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let signed = signed.as_bytes();
    match key.public.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let key = RsaPublicKeyComponents { n, e };
            key.verify(rsa(algorithm), signed, &signature).ok()?;
        }
        DecodingKeyKind::SecretOrDer(bytes) => {
            let key = UnparsedPublicKey::new(on_curve(algorithm), bytes);
            key.verify(signed, &signature).ok()?;
        }
    }
    Some(decode(claims))
}

fn rsa(algorithm: Algorithm) -> &'static RsaParameters {
    match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        _ => &signature::RSA_PSS_2048_8192_SHA512,
    }
}

fn on_curve(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
        _ => &signature::ED25519,
    }
}

#[tokio::test]
async fn tokens_are_signed_by_the_first_algorithm_that_is_allowed() {
    for name in jose::NAMES {
        let auth = AuthConfig {
            algorithms: vec![name.to_owned(), "RS256".to_owned()],
            ..auth()
        };
        let issuer = Issuer::start(IssuerClaims::satisfying(&auth).unwrap())
            .await
            .unwrap();
        // One algorithm under two names.
        let signed = if name == jose::ED25519 { "EdDSA" } else { name };
        assert_eq!(issuer.jwks()["keys"][0]["alg"], signed);
        assert!(verify(issuer.token(), &issuer.jwks()).is_some(), "{name}");
        issuer.rotate().unwrap();
        assert!(verify(issuer.token(), &issuer.jwks()).is_some(), "{name}");
    }
}

#[test]
fn the_token_reads_what_anybody_may_read() {
    const STORE: &str = "12345678901234567890123456789012";
    let config: AuthorizerConfig = serde_json::from_value(json!({
        "auth": {
            "issuers": [{"names": ["https://a.example"]}],
            "algorithms": ["RS256"],
            "groups": ["g1"],
            "groupsClaim": "groups",
            "access": {
                "groups": ["g0", "g1", "g2"],
                "readers": [[0, 1, 2]],
                "datastores": [{"datastore": STORE, "whole": 0}],
            },
            "accessClaims": {"datastores": "stores", "studies": "may.studies"},
            "tokenSources": ["header"],
        },
        "allow": [{"datastore": STORE}],
        "dicomweb": true,
        "cors": {"origins": [], "credentials": false},
        "logLevel": "warn",
    }))
    .unwrap();
    let claims = IssuerClaims::satisfying(config.auth.as_ref().unwrap()).unwrap();
    let (store, _) = DataStore::of("a".repeat(32), vec![]);
    let claims = claims.reading(&config, &store).claims;
    assert_eq!(claims["groups"], json!(["g1", "g0", "g2"]));
    assert_eq!(claims["stores"], json!([STORE, "a".repeat(32)]));
    assert_eq!(claims["may.studies"], json!([]));
}

#[test]
fn claims_satisfy_the_configuration() {
    let claims = IssuerClaims::satisfying(&auth()).unwrap();
    assert_eq!(claims.algorithm, Algorithm::RS256);
    assert_eq!(claims.claims["client_id"], "c1");
    assert_eq!(claims.claims["scope"], "a b");
    assert_eq!(claims.claims["cognito:groups"], json!(["g1"]));
    assert!(!claims.claims.contains_key("aud"));
    let id = AuthConfig {
        token_use: Some(TokenUse::Id),
        ..auth()
    };
    assert_eq!(IssuerClaims::satisfying(&id).unwrap().claims["aud"], "c1");
}

#[tokio::test]
async fn tokens_verify_before_and_after_a_rotation() {
    let issuer = Issuer::start(IssuerClaims::satisfying(&auth()).unwrap())
        .await
        .unwrap();
    let first = issuer.token().to_owned();
    assert_eq!(verify(&first, &issuer.jwks()).unwrap()["sub"], "frames-dev");
    issuer.rotate().unwrap();
    assert_eq!(issuer.jwks()["keys"].as_array().unwrap().len(), 2);
    let second = issuer.mint(Map::new()).unwrap();
    assert!(verify(&first, &issuer.jwks()).is_some() && verify(&second, &issuer.jwks()).is_some());
    issuer.rotate().unwrap();
    assert!(verify(&first, &issuer.jwks()).is_none());
    assert_eq!(issuer.jwks()["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn other_claims_and_algorithms_leave_tokens_as_good_as_they_were() {
    let claims = IssuerClaims::satisfying(&auth()).unwrap();
    let issuer = Issuer::start(claims.clone()).await.unwrap();
    assert!(!issuer.update(claims.clone()).unwrap());
    for name in ["ES256", "EdDSA", "RS256"] {
        let mut other = claims.clone();
        other.algorithm = jose::algorithm(name).unwrap();
        other.claims.insert("aud".to_owned(), json!(name));
        assert!(issuer.update(other).unwrap());
        let token = issuer.mint(Map::new()).unwrap();
        let body = verify(&token, &issuer.jwks()).unwrap();
        assert_eq!(body["aud"], name);
    }
    assert!(verify(issuer.token(), &issuer.jwks()).is_some());
    assert!(issuer.update(claims.clone()).unwrap());
    issuer.rotate().unwrap();
    assert!(verify(issuer.token(), &issuer.jwks()).is_some());
}

#[tokio::test]
async fn a_claim_can_be_set_otherwise_or_left_out() {
    let issuer = Issuer::start(IssuerClaims::satisfying(&auth()).unwrap())
        .await
        .unwrap();
    let overrides = json!({"exp": 1, "scope": null, "iss": "https://other"});
    let token = issuer.mint(overrides.as_object().unwrap().clone()).unwrap();
    let claims = verify(&token, &issuer.jwks()).unwrap();
    assert_eq!(
        (&claims["exp"], &claims["iss"]),
        (&json!(1), &json!("https://other"))
    );
    assert!(claims.get("scope").is_none());
}

/// One call, by hand: the status, the head and the body.
async fn call(issuer: &Issuer, line: &str, headers: &str, body: &str) -> (u16, String, Value) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(issuer.server.address)
        .await
        .unwrap();
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.get(9..12).unwrap().parse().unwrap();
    (
        status,
        head.to_lowercase(),
        serde_json::from_str(body).unwrap(),
    )
}

#[tokio::test]
async fn only_the_runs_token_mints_and_rotates() {
    let issuer = Issuer::start(IssuerClaims::satisfying(&auth()).unwrap())
        .await
        .unwrap();
    let host = format!("Host: {}\r\n", issuer.server.address);
    let expired = issuer
        .mint(json!({"exp": 1}).as_object().unwrap().clone())
        .unwrap();
    for bearer in [
        "",
        "Authorization: Bearer x\r\n",
        &format!("Authorization: Bearer {expired}\r\n"),
    ] {
        for line in ["POST /token", "POST /rotate"] {
            let (status, ..) = call(&issuer, line, &format!("{host}{bearer}"), "{}").await;
            assert_eq!(status, 401, "{line}");
        }
    }
    let headers = format!(
        "{host}Authorization: Bearer {}\r\nOrigin: http://a.example\r\n",
        issuer.token()
    );
    let (status, head, body) = call(&issuer, "POST /token", &headers, r#"{"exp": 7}"#).await;
    assert_eq!((status, head.contains("access-control")), (200, false));
    assert_eq!(
        verify(body["token"].as_str().unwrap(), &issuer.jwks()).unwrap()["exp"],
        7
    );
    let (status, ..) = call(&issuer, "POST /token", &headers, "[1]").await;
    assert_eq!(status, 400);
    let (status, _, body) = call(&issuer, "POST /rotate", &headers, "").await;
    assert_eq!(status, 200);
    assert!(verify(body["token"].as_str().unwrap(), &issuer.jwks()).is_some());
}

#[tokio::test]
async fn the_key_set_is_for_the_own_host_alone() {
    let issuer = Issuer::start(IssuerClaims::satisfying(&auth()).unwrap())
        .await
        .unwrap();
    let host = format!("Host: {}\r\n", issuer.server.address);
    let (status, _, body) = call(&issuer, "GET /.well-known/jwks.json", &host, "").await;
    assert_eq!((status, body), (200, issuer.jwks()));
    let (_, _, found) = call(&issuer, "GET /.well-known/openid-configuration", &host, "").await;
    assert_eq!(found["jwks_uri"], issuer.jwks_uri());
    let (status, ..) = call(
        &issuer,
        "GET /.well-known/jwks.json",
        "Host: evil.example\r\n",
        "",
    )
    .await;
    assert_eq!(status, 403);
}
