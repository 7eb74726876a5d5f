//! JOSE's names (RFC 7518, RFC 8037): the algorithms that the authorizer
//! verifies, and which key of a set (RFC 7517) is fit for them. The compiler
//! goes by the same list and the same reading, so that no set passes it that
//! the function would refuse.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A signature algorithm. Asymmetric ones alone: whoever can verify must not be able to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

/// By their names in `alg`, in the order of [`ALL`].
pub const NAMES: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
];

const ALL: [Algorithm; 10] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
];

impl Algorithm {
    /// By its very name: `alg` is case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        let named = NAMES.iter().zip(ALL).find(|(known, _)| **known == name);
        named.map(|(_, algorithm)| algorithm)
    }

    pub fn name(self) -> &'static str {
        let named = ALL.into_iter().zip(NAMES).find(|(known, _)| *known == self);
        named.map_or("", |(_, name)| name)
    }

    /// Its keys' `kty`, and their `crv`.
    fn key_type(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 => ("RSA", None),
            Self::PS256 | Self::PS384 | Self::PS512 => ("RSA", None),
            Self::ES256 => ("EC", Some("P-256")),
            Self::ES384 => ("EC", Some("P-384")),
            Self::ES512 => ("EC", Some("P-521")),
            Self::EdDSA => ("OKP", Some("Ed25519")),
        }
    }
}

/// A public key's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point (SEC 1, 2.3.3).
    Ec(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key of a set that can verify a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub kid: String,
    pub public: PublicKey,
    algorithms: Vec<Algorithm>,
}

/// RFC 7518, 3.3; a longer key than the upper bound would cost too much time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// As many bits as the library takes in an exponent.
const EXPONENT_BITS: usize = 33;

impl Key {
    /// Reads one member of `keys`. The error says why it is of no use, to go on after "which".
    pub fn parse(jwk: &Value) -> Result<Self, &'static str> {
        let text = |name: &str| jwk.get(name).map(|value| value.as_str().unwrap_or(""));
        if let Some(usage) = text("use")
            && usage != "sig"
        {
            return Err("isn't for signatures, by its `use`");
        }
        if let Some(operations) = jwk.get("key_ops")
            && !operations
                .as_array()
                .is_some_and(|names| names.iter().any(|name| name == "verify"))
        {
            return Err("isn't for verifying, by its `key_ops`");
        }
        let kid = text("kid").filter(|kid| !kid.is_empty());
        let kid = kid.ok_or("has no `kid`")?.to_owned();
        let (kty, crv) = (text("kty"), text("crv"));
        let fits = |algorithm: &Algorithm| {
            let (own, curve) = algorithm.key_type();
            kty == Some(own) && (curve.is_none() || crv == curve)
        };
        let mut algorithms: Vec<Algorithm> = ALL.into_iter().filter(fits).collect();
        if algorithms.is_empty() {
            return Err("has a `kty` or a `crv` that no known algorithm goes with");
        }
        let public = match kty {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => elliptic(jwk, crv)?,
            _ => PublicKey::Ed25519(exactly(jwk, "x", 32)?),
        };
        if let Some(name) = text("alg") {
            algorithms.retain(|algorithm| Some(*algorithm) == Algorithm::parse(name));
            if algorithms.is_empty() {
                return Err("is for another algorithm, by its `alg`");
            }
        }
        Ok(Self {
            kid,
            public,
            algorithms,
        })
    }

    /// By type, curve and, where it has one, its own `alg`.
    pub fn suits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

fn rsa(jwk: &Value) -> Result<PublicKey, &'static str> {
    const ODD: &str = "has an RSA modulus or exponent that isn't one";
    // Some issuers write a leading zero, which RFC 7518, 2 forbids.
    let number = |name| {
        let bytes = bytes(jwk, name).ok_or(ODD)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(zeros..).unwrap_or_default().to_vec();
        let odd = bytes.last().is_some_and(|last| last % 2 == 1);
        if odd { Ok(bytes) } else { Err(ODD) }
    };
    let (n, e) = (number("n")?, number("e")?);
    if !RSA_BITS.contains(&bits(&n)) {
        return Err("is an RSA key of less than 2048 bits, or of more than 8192");
    }
    if !(2..=EXPONENT_BITS).contains(&bits(&e)) {
        return Err(ODD);
    }
    Ok(PublicKey::Rsa { n, e })
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

fn elliptic(jwk: &Value, crv: Option<&str>) -> Result<PublicKey, &'static str> {
    let length = match crv {
        Some("P-256") => 32,
        Some("P-384") => 48,
        _ => 66,
    };
    let (x, y) = (exactly(jwk, "x", length)?, exactly(jwk, "y", length)?);
    Ok(PublicKey::Ec([&[4], x.as_slice(), y.as_slice()].concat()))
}

/// Full length, leading zeros included (RFC 7518, 6.2.1.2).
fn exactly(jwk: &Value, name: &str, length: usize) -> Result<Vec<u8>, &'static str> {
    bytes(jwk, name)
        .filter(|bytes| bytes.len() == length)
        .ok_or("has a coordinate that isn't as long as its curve's")
}

fn bytes(jwk: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok()
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
        for (name, algorithm) in NAMES.into_iter().zip(ALL) {
            assert_eq!(Algorithm::parse(name), Some(algorithm));
            assert_eq!(format!("{algorithm:?}"), name);
            assert_eq!(algorithm.name(), name);
        }
        for name in ["none", "HS256", "rs256", "RS1", "ES256K", "Ed25519", ""] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_key_is_for_its_types_and_curves_algorithms_alone() {
        let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
        assert_eq!(fit(&rsa()), all);
        assert_eq!(fit(&ec("P-256", 32)), ["ES256"]);
        assert_eq!(fit(&ec("P-384", 48)), ["ES384"]);
        assert_eq!(fit(&ec("P-521", 66)), ["ES512"]);
        assert_eq!(fit(&ed()), ["EdDSA"]);
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
            (ec("P-256", 32), json!({"alg": "ES384"}), "alg"),
            (ec("P-256", 32), json!({"y": null}), "long"),
            (ed(), json!({"crv": "X25519"}), "crv"),
            (ed(), json!({"crv": "Ed448"}), "crv"),
            (ed(), json!({"x": number(31)}), "long"),
            (json!(null), json!({}), "kid"),
        ] {
            let problem = Key::parse(&match jwk.is_null() {
                true => jwk,
                false => with(jwk, changes.clone()),
            });
            assert!(problem.unwrap_err().contains(word), "{changes}");
        }
    }

    #[test]
    fn a_leading_zero_of_the_modulus_is_read_over() {
        let padded = URL_SAFE_NO_PAD.encode([&[0][..], &[0xff; 256]].concat());
        let key = Key::parse(&with(rsa(), json!({"n": padded})));
        assert_eq!(key, Key::parse(&rsa()));
    }
}
