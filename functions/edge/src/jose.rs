//! JOSE's names (RFC 7518, RFC 8037): the algorithms that the authorizer
//! verifies, and which key of a set (RFC 7517) is fit for them. The compiler
//! goes by the same list and the same reading, so that no set passes it that
//! the function would refuse.
//!
//! jsonwebtoken reads the keys. Here are the rules that it doesn't have.

pub use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::AlgorithmFamily;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, Jwk, OctetKeyPairParameters,
    RSAKeyParameters,
};
use serde::Deserialize;
use serde_json::Value;

/// The algorithms, by their names in `alg`, in the order of [`ALL`].
pub const NAMES: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", ED25519,
];

/// The newer name (RFC 9864, 2.2) of `EdDSA`, whose only curve here is this one.
pub const ED25519: &str = "Ed25519";

/// Asymmetric ones only: whoever can verify must not be able to sign.
const ALL: [Algorithm; 10] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::EdDSA,
];

/// An algorithm by its very name: `alg` is case-sensitive. The library knows more of them.
pub fn algorithm(name: &str) -> Option<Algorithm> {
    let named = NAMES.iter().zip(ALL).find(|(known, _)| **known == name);
    named.map(|(_, algorithm)| algorithm)
}

/// A key of a set that can verify a signature.
#[derive(Debug, Clone)]
pub struct Key {
    pub kid: String,
    pub public: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// RFC 7518, 3.3; a longer key than the upper bound would cost too much time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// As many bits as ring takes in an exponent.
const EXPONENT_BITS: usize = 33;

const ODD_NUMBER: &str = "has an RSA modulus or exponent that isn't one";
const ODD_COORDINATE: &str = "has a coordinate that isn't as long as its curve's";
const UNKNOWN_KIND: &str = "has a `kty` or a `crv` that no known algorithm goes with";

impl Key {
    /// Reads one member of `keys`. The error says why it is of no use, to go on after "which".
    pub fn parse(jwk: &Value) -> Result<Self, &'static str> {
        check_purpose(jwk)?;
        let kid = jwk.get("kid").and_then(Value::as_str).unwrap_or_default();
        if kid.is_empty() {
            return Err("has no `kid`");
        }
        let read = Jwk::deserialize(jwk)
            .map_err(|_| "has a member of another type than RFC 7517 gives it")?;
        let (public, mut algorithms) = match &read.algorithm {
            AlgorithmParameters::RSA(numbers) => (rsa(numbers)?, of_family(AlgorithmFamily::Rsa)),
            AlgorithmParameters::EllipticCurve(point) => elliptic(&read, point)?,
            AlgorithmParameters::OctetKeyPair(point) => ed25519(&read, point)?,
            _ => return Err(incomplete(jwk)),
        };
        // An `alg` that is `null` names no algorithm. The library takes it for one that isn't there.
        if let Some(own) = jwk.get("alg") {
            let own = own.as_str().and_then(algorithm);
            algorithms.retain(|algorithm| Some(*algorithm) == own);
            if algorithms.is_empty() {
                return Err("is for another algorithm, by its `alg`");
            }
        }
        Ok(Self {
            kid: kid.to_owned(),
            public,
            algorithms,
        })
    }

    /// By type, curve and, where it has one, its own `alg`.
    pub fn suits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

/// The library reads `use` and `key_ops` and doesn't act on them. It takes `null`
/// for a member that isn't there.
fn check_purpose(jwk: &Value) -> Result<(), &'static str> {
    if jwk.get("use").is_some_and(|usage| usage != "sig") {
        return Err("isn't for signatures, by its `use`");
    }
    let verifies = |operations: &Value| {
        let names = operations.as_array();
        names.is_some_and(|names| names.iter().any(|name| name == "verify"))
    };
    match jwk.get("key_ops") {
        Some(operations) if !verifies(operations) => Err("isn't for verifying, by its `key_ops`"),
        _ => Ok(()),
    }
}

/// Why the library found none of the known kinds of key.
fn incomplete(jwk: &Value) -> &'static str {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => ODD_NUMBER,
        (Some("EC"), Some("P-256" | "P-384")) | (Some("OKP"), Some("Ed25519")) => ODD_COORDINATE,
        _ => UNKNOWN_KIND,
    }
}

fn rsa(numbers: &RSAKeyParameters) -> Result<DecodingKey, &'static str> {
    // Some issuers write a leading zero, which RFC 7518, 2 forbids, and ring with it.
    let number = |text: &str| {
        let bytes = bytes(text).ok_or(ODD_NUMBER)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(zeros..).unwrap_or_default().to_vec();
        let is_odd = bytes.last().is_some_and(|last| last % 2 == 1);
        if is_odd { Ok(bytes) } else { Err(ODD_NUMBER) }
    };
    let (n, e) = (number(&numbers.n)?, number(&numbers.e)?);
    if !RSA_BITS.contains(&bits(&n)) {
        return Err("is an RSA key of less than 2048 bits, or of more than 8192");
    }
    if !(2..=EXPONENT_BITS).contains(&bits(&e)) {
        return Err(ODD_NUMBER);
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

fn bits(number: &[u8]) -> usize {
    let used = number.first().map_or(0, |first| {
        first
            .checked_ilog2()
            .map_or(0, |high| high.saturating_add(1))
    });
    let rest = number.len().saturating_sub(1).saturating_mul(8);
    rest.saturating_add(usize::try_from(used).unwrap_or(usize::MAX))
}

fn elliptic(
    read: &Jwk,
    point: &EllipticCurveKeyParameters,
) -> Result<(DecodingKey, Vec<Algorithm>), &'static str> {
    let (algorithm, length) = match point.curve {
        EllipticCurve::P256 => (Algorithm::ES256, 32),
        EllipticCurve::P384 => (Algorithm::ES384, 48),
        _ => return Err(UNKNOWN_KIND),
    };
    of_length(&point.x, length)?;
    of_length(&point.y, length)?;
    Ok((public(read)?, vec![algorithm]))
}

fn ed25519(
    read: &Jwk,
    point: &OctetKeyPairParameters,
) -> Result<(DecodingKey, Vec<Algorithm>), &'static str> {
    if point.curve != EllipticCurve::Ed25519 {
        return Err(UNKNOWN_KIND);
    }
    of_length(&point.x, 32)?;
    Ok((public(read)?, vec![Algorithm::EdDSA]))
}

fn of_family(family: AlgorithmFamily) -> Vec<Algorithm> {
    let own = ALL.into_iter().filter(|known| known.family() == family);
    own.collect()
}

fn public(read: &Jwk) -> Result<DecodingKey, &'static str> {
    DecodingKey::from_jwk(read).map_err(|_| ODD_COORDINATE)
}

/// A coordinate has its full length, leading zeros included (RFC 7518, 6.2.1.2).
/// The library joins two of them whatever their lengths.
fn of_length(coordinate: &str, length: usize) -> Result<(), &'static str> {
    let right = bytes(coordinate).is_some_and(|bytes| bytes.len() == length);
    right.then_some(()).ok_or(ODD_COORDINATE)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(length: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xff; length])
    }

    fn with(mut jwk: Value, changes: Value) -> Value {
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    }

    fn rsa() -> Value {
        json!({"kty": "RSA", "kid": "a", "n": number(256), "e": "AQAB"})
    }

    fn ec(crv: &str, length: usize) -> Value {
        json!({"kty": "EC", "crv": crv, "kid": "a", "x": number(length), "y": number(length)})
    }

    fn ed() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": number(32)})
    }

    fn fit(jwk: &Value) -> Vec<&'static str> {
        let key = Key::parse(jwk).unwrap();
        let named = NAMES.into_iter().zip(ALL);
        let fit = named.filter(|(_, algorithm)| key.suits(*algorithm));
        fit.map(|(name, _)| name).collect()
    }

    #[test]
    fn names_are_the_algorithms_and_nothing_else() {
        for (name, known) in NAMES.into_iter().zip(ALL) {
            assert_eq!(algorithm(name), Some(known));
            let name = if name == ED25519 { "EdDSA" } else { name };
            assert_eq!(format!("{known:?}"), name);
            assert_eq!(json!(known), name);
        }
        for name in [
            "none", "HS256", "HS384", "HS512", "rs256", "RS1", "ES512", "ES256K", "Ed448",
            "ed25519", "",
        ] {
            assert_eq!(algorithm(name), None, "{name}");
        }
    }

    #[test]
    fn a_key_is_only_for_the_algorithms_of_its_type_and_curve() {
        let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
        assert_eq!(fit(&rsa()), all);
        assert_eq!(fit(&ec("P-256", 32)), ["ES256"]);
        assert_eq!(fit(&ec("P-384", 48)), ["ES384"]);
        assert_eq!(fit(&ed()), ["EdDSA", "Ed25519"]);
        assert_eq!(fit(&with(rsa(), json!({"alg": "PS384"}))), ["PS384"]);
        let named = with(rsa(), json!({"use": "sig", "key_ops": ["sign", "verify"]}));
        assert_eq!(fit(&named), all);
    }

    #[test]
    fn keys_of_no_use() {
        for (jwk, changes, word) in [
            (rsa(), json!({"use": "enc"}), "use"),
            (rsa(), json!({"use": 5}), "use"),
            (rsa(), json!({"key_ops": ["sign"]}), "key_ops"),
            (rsa(), json!({"key_ops": "verify"}), "key_ops"),
            (rsa(), json!({"kid": null}), "kid"),
            (rsa(), json!({"kid": ""}), "kid"),
            (rsa(), json!({"kid": 7}), "kid"),
            (rsa(), json!({"alg": "ES256"}), "alg"),
            (rsa(), json!({"alg": "RSA-OAEP"}), "alg"),
            (rsa(), json!({"alg": null}), "alg"),
            (rsa(), json!({"kty": "rsa"}), "kty"),
            (rsa(), json!({"kty": "oct"}), "kty"),
            (rsa(), json!({"n": number(255)}), "2048"),
            (rsa(), json!({"n": number(1025)}), "8192"),
            (rsa(), json!({"n": "====="}), "modulus"),
            (rsa(), json!({"n": ""}), "modulus"),
            (rsa(), json!({"e": "AQ"}), "exponent"),
            (rsa(), json!({"e": "AA"}), "exponent"),
            (rsa(), json!({"e": "Ag"}), "exponent"),
            (rsa(), json!({"e": number(5)}), "exponent"),
            (ec("P-256", 32), json!({"crv": "P-384"}), "long"),
            (ec("P-256", 31), json!({}), "long"),
            (ec("secp256k1", 32), json!({}), "crv"),
            (ec("P-521", 66), json!({}), "crv"),
            (ec("P-521", 66), json!({"alg": "ES512"}), "crv"),
            (ec("Ed25519", 32), json!({}), "crv"),
            (ec("P-256", 32), json!({"alg": "ES384"}), "alg"),
            (ec("P-256", 32), json!({"y": null}), "long"),
            (ed(), json!({"crv": "X25519"}), "crv"),
            (ed(), json!({"crv": "Ed448"}), "crv"),
            (ed(), json!({"crv": "P-256"}), "crv"),
            (ed(), json!({"x": number(31)}), "long"),
            (ed(), json!({"x": null}), "long"),
            (rsa(), json!({"n": null}), "modulus"),
            (rsa(), json!({"use": null}), "use"),
            (rsa(), json!({"key_ops": null}), "key_ops"),
            (rsa(), json!({"x5c": "MIIC"}), "type"),
            (json!(null), json!({}), "kid"),
        ] {
            let problem = Key::parse(&if jwk.is_null() {
                jwk
            } else {
                with(jwk, changes.clone())
            });
            assert!(problem.unwrap_err().contains(word), "{changes}");
        }
    }

    #[test]
    fn a_leading_zero_of_the_modulus_is_read_over() {
        let padded = URL_SAFE_NO_PAD.encode([&[0][..], &[0xff; 256]].concat());
        let numbers = |jwk: &Value| match Key::parse(jwk).unwrap().public.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => (n.clone(), e.clone()),
            other => panic!("{other:?}"),
        };
        let read = numbers(&with(rsa(), json!({"n": padded})));
        assert_eq!(read, numbers(&rsa()));
        assert_eq!(read.0, [0xff; 256]);
    }
}
