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
