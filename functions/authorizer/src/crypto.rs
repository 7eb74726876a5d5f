//! Signatures, verified by ring: the library that TLS uses here anyway. It has
//! no P-521, which p521 brings.

use frames_edge::jose::{Algorithm, Key, PublicKey};
use p521::ecdsa::signature::Verifier;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Whether `key` signed `message` by `algorithm`. A key of another kind never did.
pub fn verify(key: &Key, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    if !key.suits(algorithm) {
        return false;
    }
    match &key.public {
        PublicKey::Rsa { n, e } => rsa(algorithm).is_some_and(|parameters| {
            RsaPublicKeyComponents { n, e }
                .verify(parameters, message, signature)
                .is_ok()
        }),
        PublicKey::Ec(point) if algorithm == Algorithm::ES512 => p521(point, message, signature),
        PublicKey::Ec(bytes) | PublicKey::Ed25519(bytes) => {
            curve(algorithm).is_some_and(|algorithm| {
                UnparsedPublicKey::new(algorithm, bytes)
                    .verify(message, signature)
                    .is_ok()
            })
        }
    }
}

/// PS: the salt is as long as the digest (RFC 7518, 3.5), which ring insists on.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn curve(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Some(&ED25519),
        _ => None,
    }
}

fn p521(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let signature = p521::ecdsa::Signature::from_slice(signature);
    match (key, signature) {
        (Ok(key), Ok(signature)) => key.verify(message, &signature).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    /// Another library than the one that verifies, OpenSSL, made this key and signature.
    #[test]
    fn p521_takes_what_others_sign() {
        let key = Key::parse(&json!({
            "kty": "EC", "crv": "P-521", "kid": "a",
            "x": "ALOrqH1RM8tOSybdTglbqyxeCLbgSM3dQOnsLletdoRv-4NjLVpl65wXmpzidugkIRtOkHTqIIwK7J7e6rNeHuE0",
            "y": "APZ0OBsHI_U9neJR8A3sfYnUow1TPNxk_kcTQi1mRZyHDdx1XZYeZDzOQis6g_yxFVyD0FYu0864V1GJjbtHcRbR",
        }))
        .unwrap();
        let signature = URL_SAFE_NO_PAD
            .decode(concat!(
                "AaUioz0_F9SSVkSjraI5DikhmQE2RgkVvYKhUqM-2Vmaa3--IHlmtWA4agsm_4reSQXua4gPg8m_Z3piWNdCsSCx",
                "APiKVrBNgsKIXmrHvOh7mV6nmEPA5aYRm36qGCN_3ruB7HtbdpdTh96IkHTD5dacm31zuLsJpjQzqJy5qlLPjwwN"
            ))
            .unwrap();
        let verified = |message: &[u8], algorithm| verify(&key, algorithm, message, &signature);
        assert!(verified(b"frames", Algorithm::ES512));
        assert!(!verified(b"frame", Algorithm::ES512));
        assert!(!verified(b"frames", Algorithm::ES384));
    }
}
