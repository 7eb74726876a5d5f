//! Random names: the secrets of a run, and the ids of its requests.

use super::Error;
use ring::rand::{SecureRandom, SystemRandom};

/// `N` bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new("this machine's random number generator failed"))?;
    Ok(bytes)
}

/// `length` characters out of `alphabet`, whose length must divide 256 (so
/// that every character is equally likely).
pub(crate) fn random_text(alphabet: &[u8], length: usize) -> Result<String, Error> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in random::<32>()? {
            let index = usize::from(byte) % alphabet.len().max(1);
            if let Some(character) = alphabet.get(index).filter(|_| text.len() < length) {
                text.push(char::from(*character));
            }
        }
    }
    Ok(text)
}

/// A random UUID (RFC 9562, version 4): what Lambda names an invocation by.
pub(crate) fn uuid() -> Result<String, Error> {
    let mut bytes = u128::from_be_bytes(random()?);
    bytes &= !(0xf << 76 | 0x3 << 62);
    bytes |= 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bytes:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    Ok([
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        let (one, two) = (uuid().unwrap(), uuid().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }

    #[test]
    fn random_text_keeps_to_its_alphabet() {
        let text = random_text(b"abcdefgh", 100).unwrap();
        assert_eq!(text.len(), 100);
        assert!(text.bytes().all(|b| (b'a'..=b'h').contains(&b)));
    }
}
