//! What somebody meant who wrote a value in another form: an ARN for an id, an address for
//! a name.

use super::formats::{self as f, Format};
use super::words::shown;

/// What to write instead of a text that doesn't fit.
pub(super) fn advice(text: &str, format: &'static Format) -> Option<String> {
    let is_address = [&f::ISSUER, &f::HTTPS_URL]
        .into_iter()
        .any(|address| std::ptr::eq(format, address));
    if is_address && let Some(advice) = of_an_address(text) {
        return Some(advice);
    }
    meant(text, format).map(|meant| format!("did you mean `{meant}`?"))
}

/// What is wrong with an address that looks like one.
fn of_an_address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.contains('@') {
        return Some("leave the name and the password before the host out".to_owned());
    }
    for (open, close) in [('<', '>'), ('{', '}'), ('[', ']')] {
        let Some((before, rest)) = rest.split_once(open) else {
            continue;
        };
        // An IPv6 address has its brackets at the beginning of the host.
        if let Some((inside, _)) = rest.split_once(close) {
            let is_ip = open == '[' && before.is_empty() && inside.contains(':');
            if !is_ip {
                return Some(format!(
                    "`{open}{}{close}` stands for a value of yours: write that",
                    shown(inside)
                ));
            }
        } else {
            return Some(format!("`{open}` is opened and not closed: remove it"));
        }
    }
    if !authority.is_ascii() {
        return Some(
            "write the host in ASCII, `xn--…`, as DNS knows it and as the tokens spell it"
                .to_owned(),
        );
    }
    let other = rest.chars().find(|c| !is_in_an_address(*c))?;
    let mut bytes = [0; 4];
    let encoded = other.encode_utf8(&mut bytes).bytes();
    let encoded: String = encoded.map(|byte| format!("%{byte:02X}")).collect();
    Some(format!(
        "`{}` is written `{encoded}` in an address",
        shown(&other.to_string())
    ))
}

/// RFC 3986, 2.
fn is_in_an_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

/// The first of the usual other forms that fits; it is only suggested.
pub(super) fn meant(text: &str, format: &'static Format) -> Option<String> {
    // Nothing real is longer.
    const LONGEST: usize = 2_048;
    if text.len() > LONGEST {
        return None;
    }
    let is = |other: &'static Format| std::ptr::eq(format, other);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let candidates = [
        trimmed.to_owned(),
        trimmed.to_ascii_lowercase(),
        without_discovery(trimmed),
        origin(trimmed)
            .filter(|_| is(&f::ORIGIN))
            .unwrap_or_default(),
        host(trimmed)
            .filter(|_| is(&f::CNAME) || is(&f::HOST))
            .unwrap_or_default(),
        secure(trimmed),
        // An ARN ends with the id, as an address does: `…:datastore/<id>`.
        last(trimmed).filter(|_| is_id(format)).unwrap_or_default(),
        digits(trimmed)
            .filter(|_| is(&f::ACCOUNT) || is(&f::RATE))
            .unwrap_or_default(),
        zone(&trimmed.to_ascii_lowercase())
            .filter(|_| is(&f::REGION))
            .unwrap_or_default(),
        slashes("", trimmed)
            .filter(|_| is(&f::KEY_PREFIX))
            .unwrap_or_default(),
        slashes("/", trimmed)
            .filter(|_| is(&f::IAM_PATH))
            .unwrap_or_default(),
    ];
    let mut candidates = candidates.into_iter();
    candidates.find(|candidate| candidate != text && format.matches(candidate))
}

/// What is named by an id that an ARN or a path may end with.
fn is_id(format: &'static Format) -> bool {
    [
        &f::BUCKET,
        &f::DATASTORE_ID,
        &f::HOSTED_ZONE_ID,
        &f::IMAGE_SET_ID,
        &f::USER_POOL_ID,
    ]
    .into_iter()
    .any(|id| std::ptr::eq(format, id))
}

fn last(text: &str) -> Option<String> {
    let (_, last) = text.trim_end_matches('/').rsplit_once(['/', ':'])?;
    Some(last.to_owned())
}

/// `https://viewer.example.org/app` is of the origin `https://viewer.example.org`.
fn origin(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{authority}"))
}

fn host(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', ':']).next()?;
    Some(authority.trim_end_matches('.').to_owned())
}

/// `http://…`, or no scheme at all.
fn secure(text: &str) -> String {
    match text.split_once("://") {
        Some(("http", rest)) => format!("https://{rest}"),
        Some(_) => String::new(),
        None if text.contains('.') => format!("https://{text}"),
        None => String::new(),
    }
}

/// The configuration document's address begins with the issuer.
fn without_discovery(text: &str) -> String {
    let end = text.find("/.well-known/").unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}

/// A path with one slash at its end, and none or one before it.
fn slashes(before: &str, text: &str) -> Option<String> {
    let inside = text.trim_matches('/');
    (!inside.is_empty()).then(|| format!("{before}{inside}/"))
}

/// `1111-2222-3333`, `100_000`, `100,000`
fn digits(text: &str) -> Option<String> {
    let is_number = text
        .chars()
        .all(|c| c.is_ascii_digit() || "-_, '".contains(c));
    is_number.then(|| text.chars().filter(char::is_ascii_digit).collect())
}

/// An Availability Zone is in the Region before its letter.
fn zone(text: &str) -> Option<String> {
    let region = text.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    region
        .ends_with(|c: char| c.is_ascii_digit())
        .then(|| region.to_owned())
}

/// The code that CloudFront has for a country, where another one is usual.
pub(super) fn country(text: &str, codes: &[&'static str]) -> Option<&'static str> {
    let upper = text.trim().to_ascii_uppercase();
    if let Some(code) = codes.iter().find(|code| **code == upper) {
        return Some(code);
    }
    let found = match upper.as_str() {
        "UK" | "GBR" | "EN" | "ENG" | "UNITED KINGDOM" => "GB",
        "EL" | "GRC" => "GR",
        "USA" | "UNITED STATES" => "US",
        "AUS" => "AU",
        "AUT" => "AT",
        "BEL" => "BE",
        "BRA" => "BR",
        "CAN" => "CA",
        "CHE" => "CH",
        "CHN" => "CN",
        "DEU" | "GER" | "GERMANY" => "DE",
        "DNK" => "DK",
        "ESP" => "ES",
        "FIN" => "FI",
        "FRA" | "FRANCE" => "FR",
        "IND" => "IN",
        "IRL" => "IE",
        "ISR" => "IL",
        "ITA" => "IT",
        "JPN" => "JP",
        "KOR" => "KR",
        "MEX" => "MX",
        "NLD" => "NL",
        "NOR" => "NO",
        "NZL" => "NZ",
        "POL" => "PL",
        "PRT" => "PT",
        "SWE" => "SE",
        "TWN" => "TW",
        "ZAF" => "ZA",
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::countries::COUNTRIES;

    #[test]
    fn other_forms_of_a_value_are_understood() {
        for (format, text, expected) in [
            (&f::REGION, "US-EAST-1", "us-east-1"),
            (&f::REGION, "us-east-1a", "us-east-1"),
            (&f::REGION, "US-East-1B", "us-east-1"),
            (
                &f::CNAME,
                "https://frames.example.org/",
                "frames.example.org",
            ),
            (&f::CNAME, "frames.example.org.", "frames.example.org"),
            (
                &f::HOST,
                "https://runtime-medical-imaging.us-east-1.amazonaws.com/x",
                "runtime-medical-imaging.us-east-1.amazonaws.com",
            ),
            (
                &f::ORIGIN,
                "https://viewer.example.org/",
                "https://viewer.example.org",
            ),
            (
                &f::ORIGIN,
                "https://viewer.example.org/app?x#y",
                "https://viewer.example.org",
            ),
            (
                &f::ORIGIN,
                "viewer.example.org",
                "https://viewer.example.org",
            ),
            (
                &f::ORIGIN,
                "http://viewer.example.org",
                "https://viewer.example.org",
            ),
            (&f::ISSUER, "login.example.org", "https://login.example.org"),
            (
                &f::ISSUER,
                "http://login.example.org",
                "https://login.example.org",
            ),
            (
                &f::ISSUER,
                "https://login.example.org/.well-known/openid-configuration?x",
                "https://login.example.org",
            ),
            (
                &f::USER_POOL_ID,
                "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbCdEfGhI",
                "us-east-1_AbCdEfGhI",
            ),
            (
                &f::USER_POOL_ID,
                "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI",
                "us-east-1_AbCdEfGhI",
            ),
            (
                &f::DATASTORE_ID,
                "arn:aws:medical-imaging:us-east-1:111122223333:datastore/12345678901234567890123456789012",
                "12345678901234567890123456789012",
            ),
            (&f::BUCKET, "arn:aws:s3:::imaging-logs", "imaging-logs"),
            (&f::BUCKET, "s3://imaging-logs/", "imaging-logs"),
            (&f::ACCOUNT, "1111-2222-3333", "111122223333"),
            (&f::RATE, "100,000", "100000"),
            (&f::IAM_PATH, "imaging", "/imaging/"),
            (&f::KEY_PREFIX, "/cloudfront/", "cloudfront/"),
            (&f::UID, " 1.2.840 ", "1.2.840"),
        ] {
            assert_eq!(meant(text, format).as_deref(), Some(expected), "{text}");
        }
        for (format, text) in [
            (&f::SERVICE, "my/service"),
            (&f::USER_POOL_ID, "us-east-1-AbCdEfGhI"),
            (&f::ORIGIN, "ftp://viewer.example.org"),
            (&f::ISSUER, "login"),
            (&f::ISSUER, "ftp://login.example.org"),
            (&f::ACCOUNT, "1111"),
            (&f::REGION, "Ireland"),
            (&f::AUDIENCE, " "),
            (&f::IAM_PATH, "//"),
        ] {
            assert_eq!(meant(text, format), None, "{text}");
        }
        assert_eq!(meant(&"x.".repeat(5_000), &f::CNAME), None);
    }

    #[test]
    fn usual_codes_of_countries_are_understood() {
        for (text, code) in [
            ("UK", "GB"),
            ("uk", "GB"),
            ("EL", "GR"),
            ("USA", "US"),
            ("Germany", "DE"),
        ] {
            assert_eq!(country(text, COUNTRIES), Some(code));
            assert!(COUNTRIES.contains(&code));
        }
        assert_eq!(country("us", COUNTRIES), Some("US"));
        assert_eq!(country("EU", COUNTRIES), None);
        // No code has another meaning.
        assert!(!COUNTRIES.iter().any(|code| country(code, &[]).is_some()));
    }

    #[test]
    fn an_address_that_looks_like_one_is_told_what_is_wrong() {
        for (text, part) in [
            ("https://münchen.example/", "`xn--…`"),
            (
                "https://login.example.org/realms/<realm>",
                "`<realm>` stands for a value",
            ),
            (
                "https://login.microsoftonline.com/{tenantid}/v2.0",
                "`{tenantid}` stands for a value",
            ),
            ("https://[login.example.org/", "`[` is opened"),
            (
                "https://login.example.org/[realm]",
                "`[realm]` stands for a value",
            ),
            ("https://user:pw@login.example.org/", "leave the name"),
            ("https://login.example.org/a b", "`%20`"),
            ("https://login.example.org/ä", "`%C3%A4`"),
            ("https://login.example.org/a|b", "`%7C`"),
        ] {
            let said = advice(text, &f::ISSUER).unwrap_or_default();
            assert!(said.contains(part), "{text}: {said}");
            assert!(
                !f::ISSUER.matches(text) && !f::HTTPS_URL.matches(text),
                "{text}"
            );
        }
        for text in [
            "https://[::1]/realm",
            "https://login.example.org:8443/a/%C3%A4;b=(c),d~e",
        ] {
            assert!(f::ISSUER.matches(text), "{text}");
        }
    }
}
