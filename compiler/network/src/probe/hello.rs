//! TLS 1.0 and 1.1, which the TLS library doesn't speak: the first message of a handshake, and what the
//! server says to it. The handshake ends there, so nothing secret is ever under such a key.

use std::cmp::Ordering;

/// What only old clients offer (RFC 2246, RFC 4346).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    Tls10,
    Tls11,
}

/// What the server makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoken {
    Accepts,
    /// `alert protocol_version`, or `it hung up`
    Refuses(String),
}

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// AES and 3DES with SHA-1, with and without ECDHE, and the word that this is no renegotiation: what
/// a server has that speaks these versions at all.
const CIPHER_SUITES: [u16; 10] = [
    0xc00a, 0xc009, 0xc014, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f, 0x000a, 0x00ff,
];

/// x25519, secp256r1, secp384r1
const GROUPS: [u16; 3] = [29, 23, 24];

/// Record and handshake headers, up to the version that the server chose.
pub(super) const ANSWER: usize = 11;

impl Old {
    fn wire(self) -> u16 {
        match self {
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
        }
    }

    /// `host` is a name, and no address.
    pub(super) fn hello(self, host: Option<&str>, random: [u8; 32]) -> Vec<u8> {
        let mut body = self.wire().to_be_bytes().to_vec();
        body.extend(random);
        // No session to resume.
        body.push(0);
        body.extend(sized(&words(&CIPHER_SUITES)));
        // No compression.
        body.extend([1, 0]);
        let mut extensions = Vec::new();
        if let Some(host) = host {
            // One name, of type DNS (RFC 6066, 3).
            let name = [&[0][..], &sized(host.as_bytes())].concat();
            extensions.extend(extension(0, &sized(&name)));
        }
        extensions.extend(extension(10, &sized(&words(&GROUPS))));
        // Uncompressed points (RFC 8422, 5.1.2).
        extensions.extend(extension(11, &[1, 0]));
        body.extend(sized(&extensions));

        let mut message = vec![CLIENT_HELLO, 0];
        message.extend(sized(&body));
        // Every client writes 1.0 into its first record, whatever it offers.
        let mut record = vec![HANDSHAKE, 3, 1];
        record.extend(sized(&message));
        record
    }

    /// `None`: not enough came yet. `ended`: no more will.
    pub(super) fn answer(self, bytes: &[u8], ended: bool) -> Option<Spoken> {
        let refuses = |why: &str| Some(Spoken::Refuses(why.to_owned()));
        match bytes {
            [ALERT, _, _, _, _, _, code, ..] => refuses(&alert(*code)),
            [HANDSHAKE, _, _, _, _, SERVER_HELLO, _, _, _, high, low, ..] => {
                match u16::from_be_bytes([*high, *low]).cmp(&self.wire()) {
                    Ordering::Equal => Some(Spoken::Accepts),
                    Ordering::Greater => refuses("it answers with a newer version"),
                    // The look for that one finds it.
                    Ordering::Less => refuses("it answers with an older version"),
                }
            }
            [HANDSHAKE | ALERT, ..] | [] if !ended => None,
            [] => refuses("it hung up"),
            [HANDSHAKE | ALERT, ..] => refuses("it hung up in the middle of its answer"),
            _ => refuses("it doesn't answer in TLS"),
        }
    }
}

/// RFC 8446, 6.
fn alert(code: u8) -> String {
    let name = match code {
        40 => "handshake_failure",
        47 => "illegal_parameter",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        112 => "unrecognized_name",
        _ => return format!("alert {code}"),
    };
    format!("alert {name}")
}

fn words(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// With its length in front. A host's name has at most 253 bytes, so all of it fits into two.
fn sized(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(content)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_with_what_they_count() {
        let hello = Old::Tls11.hello(Some("a.example.org"), [7; 32]);
        let length = |at: usize| usize::from(hello[at]) << 8 | usize::from(hello[at + 1]);
        assert_eq!(length(3), hello.len() - 5);
        assert_eq!(length(7), hello.len() - 9);
        assert_eq!(&hello[..3], [22, 3, 1]);
        assert_eq!(&hello[9..11], [3, 2]);
        let named = |hello: &[u8]| hello.windows(13).any(|part| part == b"a.example.org");
        assert!(named(&hello));
        assert!(!named(&Old::Tls11.hello(None, [7; 32])));
    }

    #[test]
    fn an_answer_is_read_once_it_is_there() {
        let refuses = |why: &str| Some(Spoken::Refuses(why.to_owned()));
        let server = |low| [22, 3, 1, 0, 80, 2, 0, 0, 76, 3, low, 9];
        assert_eq!(Old::Tls10.answer(&server(1), false), Some(Spoken::Accepts));
        assert_eq!(Old::Tls11.answer(&server(2), false), Some(Spoken::Accepts));
        assert_eq!(
            Old::Tls11.answer(&server(1), false),
            refuses("it answers with an older version")
        );
        assert_eq!(
            Old::Tls10.answer(&server(3), false),
            refuses("it answers with a newer version")
        );
        let alert = [21, 3, 1, 0, 2, 2, 70];
        assert_eq!(
            Old::Tls10.answer(&alert, false),
            refuses("alert protocol_version")
        );
        for cut in 0..7 {
            assert_eq!(Old::Tls10.answer(&alert[..cut], false), None);
        }
        for cut in 0..ANSWER {
            assert_eq!(Old::Tls10.answer(&server(1)[..cut], false), None);
        }
        assert_eq!(Old::Tls10.answer(&[], true), refuses("it hung up"));
        assert_eq!(
            Old::Tls10.answer(b"HTTP/1.1 400", false),
            refuses("it doesn't answer in TLS")
        );
    }
}
