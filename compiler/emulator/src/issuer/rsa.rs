//! RSA keys, made per run. ring signs with them and can't make them.
//!
//! Two large primes are found by the crate crypto-primes; the rest is the arithmetic of RFC 8017, 3.2. ring
//! checks that the numbers belong together, and each signature by the public key before it is given out.
//! The search's time tells something of the primes. Only this machine's user can measure it, once per key.

use crate::Error;
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};
use crypto_primes::hazmat::SmallFactorsSieve;
use crypto_primes::{Flavor, is_prime};
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::RsaKeyPair;
use std::num::NonZeroU32;

/// What an issuer's keys have at least (RFC 7518, 3.3), and the least that ring signs with.
const BITS: u32 = 2048;
const HALF: u32 = BITS / 2;
const EXPONENT: u32 = 65_537;

/// A key that nobody had before. It takes some 50 ms, and never the same time.
pub fn generate() -> Result<RsaKeyPair, Error> {
    let random = SystemRandom::new();
    let failed = || Error::new("cannot make an RSA key");
    loop {
        let p = prime(&random).ok_or_else(failed)?;
        let q = prime(&random).ok_or_else(failed)?;
        // Hardly ever `None`: 65,537 divides a prime less one, or both primes are the same.
        if let Some(key) = of(&p, &q) {
            return key.map_err(|_| failed());
        }
    }
}

/// The first prime from a random number on. Its two highest bits are set, so that two have a product of
/// twice their length.
fn prime(random: &SystemRandom) -> Option<BoxedUint> {
    loop {
        let mut bytes = [0; HALF as usize / 8];
        random.fill(&mut bytes).ok()?;
        bytes[0] |= 0xc0;
        let start = BoxedUint::from_be_slice(&bytes, HALF).ok()?;
        let mut candidates = SmallFactorsSieve::new(start, NonZeroU32::new(HALF)?, false).ok()?;
        // They end where numbers get longer.
        if let Some(found) = candidates.find(|it| is_prime(Flavor::Any, it)) {
            return Some(found);
        }
    }
}

/// `None`: these primes make no key.
fn of(p: &BoxedUint, q: &BoxedUint) -> Option<Result<RsaKeyPair, ring::error::KeyRejected>> {
    let less_one = |prime: &BoxedUint| {
        let less = prime.wrapping_sub(BoxedUint::one_with_precision(HALF));
        NonZero::new(less).into_option()
    };
    let (p_less, q_less) = (less_one(p)?, less_one(q)?);
    let phi = NonZero::new(p_less.concatenating_mul(q_less.as_ref())).into_option()?;
    let e = BoxedUint::from(EXPONENT);
    let d = e.clone().resize(BITS).invert_mod(&phi).into_option()?;
    let q_inverse = q.invert_odd_mod(&Odd::new(p.clone()).into_option()?);
    let octets = |number: &BoxedUint| number.to_be_bytes_trimmed_vartime();
    Some(RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: octets(&p.concatenating_mul(q)),
            e: octets(&e),
        },
        d: octets(&d),
        p: octets(p),
        q: octets(q),
        dP: octets(&d.rem(&p_less)),
        dQ: octets(&d.rem(&q_less)),
        qInv: octets(&q_inverse.into_option()?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};

    #[test]
    fn a_key_signs_and_no_other_has_its_modulus() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        let public = |key: &RsaKeyPair| PublicKeyComponents::<Vec<u8>>::from(key.public());
        assert_eq!(one.public().modulus_len(), 256);
        assert_eq!(public(&one).e, [1, 0, 1]);
        assert_ne!(public(&one).n, public(&other).n);
        let mut signature = vec![0; 256];
        one.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            b"a",
            &mut signature,
        )
        .unwrap();
        let verified = |key: &RsaKeyPair, text: &[u8]| {
            let key = ring::signature::UnparsedPublicKey::new(
                &RSA_PKCS1_2048_8192_SHA256,
                key.public_key().as_ref().to_vec(),
            );
            key.verify(text, &signature).is_ok()
        };
        assert!(verified(&one, b"a"));
        assert!(!verified(&one, b"b") && !verified(&other, b"a"));
    }

    #[test]
    fn primes_are_of_full_length_and_not_the_same_twice() {
        let random = SystemRandom::new();
        let (one, other) = (prime(&random).unwrap(), prime(&random).unwrap());
        assert_ne!(one, other);
        for prime in [one, other] {
            assert!(prime.bit_vartime(HALF - 1) && prime.bit_vartime(HALF - 2));
            assert!(is_prime(Flavor::Any, &prime));
        }
    }

    #[test]
    fn primes_that_make_no_key_are_given_back() {
        let random = SystemRandom::new();
        let prime = prime(&random).unwrap();
        assert!(of(&prime, &prime).is_none());
        // 65,537 divides this number less one.
        let unfit = BoxedUint::from(EXPONENT).resize(HALF);
        let unfit = unfit.wrapping_mul(BoxedUint::from(2_u32).resize(HALF));
        let unfit = unfit.wrapping_add(BoxedUint::one_with_precision(HALF));
        assert!(of(&prime, &unfit).is_none());
    }
}
