//! The query string: where a token may be in it, and what of it goes on.
//!
//! No token goes on, whatever the parameter is called that carries it. Of a
//! DICOMweb request only what the operation knows goes on, and of an image set's metadata
//! the version; a frame's native read knows no parameters, and CloudFront forwards none of its.

use crate::reason::Reason;
use frames_edge::operation::Operation;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The parameters that a token is read from: frames' own, and RFC 6750's (2.3).
const READ: [&str; 2] = ["token", "access_token"];

/// Words of a parameter's name that say that its value is a secret. Every word
/// that ends in `token` is one besides.
const SECRETS: [&str; 24] = [
    "accesskey",
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "bearer",
    "code",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "oauth",
    "passwd",
    "password",
    "pwd",
    "samlresponse",
    "secret",
    "session",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "ticket",
];

/// A name or value that is encoded more often than this is nobody's honest spelling.
const MOST_DECODINGS: usize = 4;

/// All tokens, empty ones included.
pub(crate) fn tokens(query: &str) -> Result<Vec<String>, Reason> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| {
            READ.iter()
                .any(|read| percent_decode_str(name).eq(read.bytes()))
        })
        .map(|(_, value)| {
            let value = percent_decode_str(value).decode_utf8();
            value
                .map(Cow::into_owned)
                .map_err(|_| Reason::MalformedToken)
        })
        .collect()
}

/// What goes on, byte for byte as it was sent.
pub(crate) fn kept(query: &str, operation: &Operation) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .filter_map(|pair| kept_of_pair(pair, operation))
        .collect();
    pairs.join("&")
}

/// Some readers take `;` for another `&`. What follows one, without a
/// name of its own, belongs to the parameter before it.
fn kept_of_pair(pair: &str, operation: &Operation) -> Option<String> {
    if pair.is_empty() {
        return Some(String::new());
    }
    let mut goes_on = true;
    let mut kept = Vec::new();
    for (at, part) in pair.split(';').enumerate() {
        if at == 0 || part.contains('=') || holds_secret(part) {
            let name = part.split_once('=').map_or(part, |(name, _)| name);
            goes_on = !holds_secret(part) && operation.knows(&decoded(name));
        }
        if goes_on {
            kept.push(part);
        }
    }
    (!kept.is_empty()).then(|| kept.join(";"))
}

/// Whether a parameter is a secret by its name, or has one in its value that a
/// reader would find who decodes once more than the others.
fn holds_secret(parameter: &str) -> bool {
    let mut text = Cow::Borrowed(parameter);
    for _ in 0..MOST_DECODINGS {
        let mut parts = text.split(['&', ';']);
        let first = parts.next().unwrap_or_default();
        let name = first.split_once('=').map_or(first, |(name, _)| name);
        let mut others = parts.filter_map(|part| Some(part.split_once('=')?.0));
        if is_secret(name) || others.any(is_secret) || has_jws(&text) {
            return true;
        }
        let further = decoded(&text);
        if further == text {
            return false;
        }
        text = Cow::Owned(further.into_owned());
    }
    true
}

/// A JSON Web Signature, under whatever name: its header is Base64 of `{"`.
fn has_jws(text: &str) -> bool {
    const HEADER: &str = "eyJ";
    text.match_indices(HEADER).any(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
        let compact = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        compact.matches('.').count() >= 2
    })
}

/// `token`, `Access-Token`, `token[]`, `auth[idToken]`, `X-Amz-Security-Token`.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_secret = |word: &str| word.ends_with("token") || SECRETS.contains(&word);
    let whole: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    is_secret(&whole) || words.any(is_secret)
}

/// Once, as forms are: `+` is a space.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_edge::operation::Served;

    #[test]
    fn tokens_have_two_names() {
        let found = |query| tokens(query).unwrap();
        assert_eq!(found("token=a&access_token=b"), ["a", "b"]);
        assert_eq!(found("%74oken=a%2Eb&access%5Ftoken=c"), ["a.b", "c"]);
        assert_eq!(found("token&access_token="), ["", ""]);
        // Taken away all the same, see below; but none of these names is one that is read.
        for query in [
            "",
            "Token=a",
            "id_token=a",
            "a=1;token=b",
            "tokens=a",
            "token[]=a",
        ] {
            assert_eq!(found(query), [""; 0], "{query}");
        }
        assert_eq!(tokens("token=%ff"), Err(Reason::MalformedToken));
    }

    fn operation(rest: &str) -> Operation {
        let path = format!("/datastore/12345678901234567890123456789012/{rest}");
        let all = Served {
            dicomweb: true,
            metadata: true,
            reads: true,
        };
        Operation::parse(&path, all).unwrap()
    }

    fn search() -> Operation {
        operation("studies")
    }

    fn retrieval() -> Operation {
        operation("studies/1.2/series/1.3/instances/1.4")
    }

    fn image_frame() -> Operation {
        operation("imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame")
    }

    fn metadata() -> Operation {
        operation("imageSet/aaaabbbbccccddddeeeeffff00001111/getImageSetMetadata")
    }

    #[test]
    fn no_secret_goes_on_however_its_name_is_written() {
        for name in [
            "token",
            "TOKEN",
            "Token",
            "%74oken",
            "tok%65n",
            "tok%2565n",
            "%2525252574oken",
            "token+",
            "+token",
            "token%20",
            "token%00",
            "to%00ken",
            "token[]",
            "token%5B0%5D",
            "user[token]",
            "access_token",
            "ACCESS_TOKEN",
            "access-token",
            "accessToken",
            "access.token",
            "id_token",
            "id_token_hint",
            "refresh_token",
            "bearer_token",
            "bearer",
            "jwt",
            "code",
            "auth",
            "Authorization",
            "api_key",
            "apikey",
            "x-amz-security-token",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "client_secret",
            "password",
            "sid",
        ] {
            for operation in [image_frame(), metadata(), retrieval(), search()] {
                for (sent, left) in [
                    ("NAME=s", ""),
                    ("NAME", ""),
                    ("NAME=s=t;u", ""),
                    ("limit;NAME=s", "limit"),
                    ("limit=1;NAME=s;t", "limit=1"),
                    ("limit=1;NAME=s&offset=2", "limit=1&offset=2"),
                    ("limit=1%26NAME=s&offset=2", "offset=2"),
                    ("limit=1%3BNAME%3Ds&offset=2", "offset=2"),
                ] {
                    let sent = sent.replace("NAME", name);
                    let kept = kept(&sent, &operation);
                    let keeps = [image_frame(), search()].contains(&operation);
                    let left = if keeps { left } else { "" };
                    assert_eq!(kept, left, "{sent} of {operation:?}");
                }
            }
        }
    }

    #[test]
    fn a_token_goes_on_under_no_name() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        for query in [
            format!("ClientKey={token}"),
            format!("PatientName={}", token.replace('.', "%2E")),
            format!("StudyDate=x{token}y"),
            format!("limit=1;offset={token}"),
        ] {
            let left = kept(&query, &search());
            assert!(!left.contains("eyJ"), "{query}: {left}");
        }
        let honest = "PatientName=eyJones&StudyDescription=eyJ.a";
        assert_eq!(kept(honest, &search()), honest);
    }

    #[test]
    fn a_search_keeps_what_qido_knows_byte_for_byte() {
        for query in [
            "",
            "limit=10&offset=20&fuzzymatching=true",
            "includefield=all&includefield=00081030,StudyDescription",
            "PatientName=J%C3%BCrgen+M*&StudyDate=20240101-20241231",
            "00100010=Sm%69th&0020000D=1.2.3",
            "RequestAttributesSequence.RequestedProcedureID=1",
            "00400275.00401001=1",
            "PatientName=A;B&ModalitiesInStudy=CT%5CMR",
            "StudyInstanceUID=1.2,1.3",
            "FuzzyMatching=true&Limit=1&includeField=all",
        ] {
            assert_eq!(kept(query, &search()), query, "{query}");
        }
        for (sent, left) in [
            ("_=17&limit=1", "limit=1"),
            (
                "imageSetId=aaaabbbbccccddddeeeeffff00001111&limit=1",
                "limit=1",
            ),
            ("limit=1&foo=bar&callback=x", "limit=1"),
            ("0010001=x&001000100=x&PatientName.=x&.PatientName=x", ""),
            ("Patient-Name=x&Patient%20Name=x&Pati%C3%ABnt=x", ""),
            ("=x&Tokens=x&PatientTokens=x&limit=1&", "limit=1&"),
            (";limit=1&;;x=1&limit=2;;x=2", "limit=1&limit=2;"),
        ] {
            assert_eq!(kept(sent, &search()), left, "{sent}");
        }
    }

    #[test]
    fn a_retrieval_keeps_its_image_set() {
        let kept = |query| kept(query, &retrieval());
        assert_eq!(kept("imageSetId=abc&x=1"), "imageSetId=abc");
        assert_eq!(kept("accept=image/png&imagesetid=abc"), "");
        assert_eq!(kept(""), "");
    }

    /// The path says which study is searched, and that one was allowed.
    #[test]
    fn a_search_inside_a_study_is_not_told_another() {
        let series = operation("studies/1.2/series");
        let other = "StudyInstanceUID=1.9&0020000d=1.9&%300020000D=1.9&Modality=CT";
        assert_eq!(kept(other, &series), "Modality=CT");
        assert_eq!(
            kept("SeriesInstanceUID=1.3", &series),
            "SeriesInstanceUID=1.3"
        );
        let instances = operation("studies/1.2/series/1.3/instances");
        assert_eq!(
            kept("0020000E=1.9&limit=1;SeriesInstanceUID=1.9", &instances),
            "limit=1"
        );
    }

    #[test]
    fn values_are_no_names() {
        let query = "a=token&b=1&&c=x%3Dtoken&d=Bearer";
        assert_eq!(kept(query, &image_frame()), query);
    }
}
