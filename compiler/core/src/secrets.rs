//! Values that must never be shown: what an SSM SecureString holds, and credentials.

use crate::diagnostic::{Diagnostic, codes};
use crate::printable;
use crate::variables::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use std::ops::Range;

/// What is shown in a secret's place.
pub const MASK: &str = "********";

/// A shorter text is masked where it is all of a value, and not within other text: it would
/// take every `a` out of what is said, and show by the gaps what it is.
const SHORTEST: usize = 3;

/// Of a secret of several lines, lines that are shorter are anybody's: `}`.
const SHORTEST_LINE: usize = 6;

/// What is encoded within something longer is known by its middle, if that is long enough.
const SHORTEST_MIDDLE: usize = 8;

/// What nothing shows, in every form in which it may come up.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    /// Masked within any text.
    forms: Vec<String>,
    /// Masked where they are all of it.
    wholes: Vec<String>,
}

impl Masks {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut masks = Self::default();
        for secret in secrets {
            masks.add(secret);
        }
        masks
    }

    pub fn of(secrets: &[Secret]) -> Self {
        Self::new(secrets.iter().map(|secret| secret.text.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.wholes.is_empty()
    }

    pub fn add(&mut self, secret: &str) {
        if secret.trim().is_empty() || self.wholes.iter().any(|known| known == secret) {
            return;
        }
        self.wholes.push(secret.to_owned());
        let lines: Vec<&str> = secret.lines().map(str::trim).collect();
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        let least = match lines.clone().count() {
            0 | 1 => SHORTEST,
            _ => SHORTEST_LINE,
        };
        // Whatever shows a secret in parts shows it line by line.
        for line in lines.filter(|line| line.chars().count() >= least) {
            self.forms.extend(forms(line));
        }
        if secret.trim().chars().count() >= SHORTEST {
            self.forms.extend(forms(secret));
        }
        self.forms.sort_unstable();
        self.forms.dedup();
    }

    /// The text without what it shows of secrets. Where several overlap, all of them go: the
    /// longer one's end isn't left behind a shorter one that it begins with.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.wholes.iter().any(|whole| whole == text) {
            return Cow::Borrowed(MASK);
        }
        let hidden = self.places(text);
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut shown = 0;
        for place in hidden {
            masked.push_str(&text[shown..place.start]);
            masked.push_str(MASK);
            shown = place.end;
        }
        masked.push_str(&text[shown..]);
        Cow::Owned(masked)
    }

    /// Whether the text shows a secret, or a part of one.
    pub fn hides(&self, text: &str) -> bool {
        self.wholes.iter().any(|whole| whole == text) || !self.places(text).is_empty()
    }

    /// The same JSON document, with every value in it masked; it stays JSON.
    pub fn mask_json<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
            masked.push_str(&rest[..at]);
            let (token, after) = rest[at..].split_at(token(&rest[at..]));
            // A key is frames' own, or as the manifest has it: no variable is in it.
            let is_key = after.trim_start().starts_with(':');
            match serde_json::from_str::<String>(token) {
                _ if is_key => masked.push_str(token),
                Ok(content) if self.hides(&content) => {
                    masked.push_str(&serde_json::Value::from(self.mask(&content)).to_string());
                }
                // A number: a secret may be one.
                Err(_) if self.hides(token) => masked.push_str(&format!("\"{MASK}\"")),
                _ => masked.push_str(token),
            }
            rest = after;
        }
        masked.push_str(rest);
        Cow::Owned(masked)
    }

    /// Where the forms are, apart from each other and in order.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for form in &self.forms {
            let step = form.chars().next().map_or(1, char::len_utf8);
            let mut from = 0;
            while let Some(at) = text[from..].find(form.as_str()) {
                let start = from + at;
                found.push(start..start + form.len());
                from = start + step;
            }
        }
        found.sort_unstable_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in found {
            match apart.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        apart
    }
}

/// The length of the string or number that a text begins with.
fn token(text: &str) -> usize {
    if !text.starts_with('"') {
        let number = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        return text.bytes().take_while(|b| number(*b)).count();
    }
    let mut escaped = false;
    let inside = text.bytes().skip(1).take_while(|b| {
        let ends = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        !ends
    });
    (inside.count() + 2).min(text.len())
}

/// RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// A text, and what it looks like in JSON, in an address, in Base64, or shown.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    let json = serde_json::Value::from(text).to_string();
    forms.push(json[1..json.len() - 1].to_owned());
    // A policy as text is within a property, which CloudFormation quotes as text.
    let twice = serde_json::Value::from(json.as_str()).to_string();
    if let Some(inner) = twice.get(3..twice.len() - 3) {
        forms.push(inner.to_owned());
    }
    forms.push(text.escape_debug().to_string());
    forms.push(printable::line(text).into_owned());
    forms.push(printable::block(text).into_owned());
    for set in [NON_ALPHANUMERIC, UNRESERVED, PATH] {
        let encoded = utf8_percent_encode(text, set).to_string();
        // As forms are sent, and with the other case of hexadecimal digits.
        forms.push(encoded.replace("%20", "+"));
        forms.push(lower_case(&encoded));
        forms.push(encoded);
    }
    let encoded = STANDARD.encode(text);
    if encoded.len() >= SHORTEST_MIDDLE {
        forms.push(encoded);
    }
    for before in 0..3 {
        let whole = [&[0; 3][..before], text.as_bytes()].concat();
        // What doesn't depend on the bytes before and behind.
        let middle = (before * 8).div_ceil(6)..whole.len() * 8 / 6;
        for encoded in [
            STANDARD_NO_PAD.encode(&whole),
            URL_SAFE_NO_PAD.encode(&whole),
        ] {
            let middle = encoded.get(middle.clone()).unwrap_or_default();
            if middle.len() >= SHORTEST_MIDDLE {
                forms.push(middle.to_owned());
            }
        }
    }
    forms
}

/// `%2F` as `%2f`
fn lower_case(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| {
        let (digits, rest) = piece.split_at(piece.len().min(2));
        format!("{all}%{}{rest}", digits.to_ascii_lowercase())
    })
}

/// The text without the secrets that it holds.
pub fn mask(text: &str, secrets: &[Secret]) -> String {
    Masks::of(secrets).mask(text).into_owned()
}

/// Findings in a secret tell only the rule: a message may quote a part of the
/// value, or another form of it. Elsewhere the text itself is masked.
pub fn conceal(diagnostics: &mut [Diagnostic], secrets: &[Secret]) {
    if secrets.is_empty() {
        return;
    }
    let masks = Masks::of(secrets);
    let mask = |text: &str| masks.mask(text).into_owned();
    for diagnostic in diagnostics {
        let in_a_secret = secrets.iter().any(|secret| secret.span == diagnostic.span);
        // This one is about the place, and quotes nothing.
        if in_a_secret && diagnostic.code != codes::EXPOSED_SECRET {
            diagnostic.message = match diagnostic.path.as_str() {
                "" => "a secret value isn't right here, and isn't shown".to_owned(),
                path => format!("the value of `{path}` isn't right; it is secret, and isn't shown"),
            };
            let code = diagnostic.code.name;
            diagnostic.help = Some(format!("`frames validate --explain {code}` tells the rule"));
        } else {
            diagnostic.message = mask(&diagnostic.message);
            diagnostic.path = mask(&diagnostic.path);
            diagnostic.help = diagnostic.help.as_deref().map(mask);
        }
        for (_, label) in &mut diagnostic.related {
            *label = mask(label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{AwsValue, Fixed};
    use crate::{Source, Target, compile};

    #[test]
    fn no_finding_shows_a_secret() {
        let text = "service: x\npool: ${ssm:/pool}\nauth:\n  mode: cognito\n  userPoolId: ${ssm:/pool}\n\
                    healthImaging: {region: 'us-${ssm:/pool}'}\ndomain: {cnames: ['${self:pool}']}\n";
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        let secret = AwsValue::Secret("hunter2-long".to_owned());
        let world = Fixed::empty().aws("ssm:/pool", secret);
        let compiled = compile(&Source::new("f", text), target, &world);
        let shown = format!("{:?}", compiled.diagnostics);
        assert!(compiled.diagnostics.len() >= 3, "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("it is secret"), "{shown}");
        assert!(compiled.secrets.iter().all(|s| s.text == "hunter2-long"));
    }

    #[test]
    fn of_two_secrets_the_longer_ones_tail_isnt_left() {
        for secrets in [["hunter2", "hunter2-long"], ["hunter2-long", "hunter2"]] {
            let masks = Masks::new(secrets);
            assert_eq!(
                masks.mask("a hunter2-long b hunter2 c"),
                "a ******** b ******** c"
            );
        }
        let overlapping = Masks::new(["abcdef", "defghi"]);
        assert_eq!(overlapping.mask("xabcdefghix"), "x********x");
        assert_eq!(Masks::new(["abab"]).mask("xababab"), "x********");
    }

    #[test]
    fn every_form_is_masked() {
        let secret = "pa\"ss/word?\u{9b} ü+";
        let masks = Masks::new([secret]);
        for shown in [
            secret.to_owned(),
            serde_json::Value::from(secret).to_string(),
            format!("{secret:?}"),
            printable::line(secret).into_owned(),
            utf8_percent_encode(secret, UNRESERVED).to_string(),
            utf8_percent_encode(secret, UNRESERVED)
                .to_string()
                .to_lowercase(),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(format!("user:{secret}")),
            STANDARD.encode(format!("user1:{secret} and more")),
            STANDARD.encode(format!("user12:{secret}!")),
        ] {
            let text = format!("before {shown} after");
            let masked = masks.mask(&text);
            assert!(masked.contains(MASK), "{text}");
            for part in ["ss/word", "ss%2fword", "%2Fword", "c3Mvd29yZ"] {
                assert!(!masked.contains(part), "{masked}");
            }
        }
    }

    #[test]
    fn lines_of_a_secret_are_masked_one_by_one() {
        let masks = Masks::new(["-----BEGIN KEY-----\n  MIIEvQIBADANBg\n}\n-----END KEY-----\n"]);
        assert_eq!(masks.mask("{ MIIEvQIBADANBg }"), "{ ******** }");
        assert_eq!(Masks::new(["hunter2\n"]).mask("x hunter2"), "x ********");
    }

    #[test]
    fn a_short_secret_is_masked_where_it_is_the_whole_value() {
        let masks = Masks::new(["a", "42", ""]);
        assert_eq!(masks.mask("a cat, 42"), "a cat, 42");
        assert_eq!((&*masks.mask("a"), &*masks.mask("42")), (MASK, MASK));
        assert!(masks.hides("a") && !masks.hides("ab") && !masks.hides(""));
        assert_eq!(
            masks.mask_json(r#"{"x":"a","y":[42,421]}"#),
            r#"{"x":"********","y":["********",421]}"#
        );
    }

    #[test]
    fn json_stays_json() {
        let masks = Masks::new(["true", "sec\"ret", "12345"]);
        let text = r#"{"ok": true, "a": "a sec\"ret \\", "b\\": -12345.5, "c": "ü12345", "d": ""}"#;
        let masked = masks.mask_json(text);
        let value: serde_json::Value = serde_json::from_str(&masked).unwrap();
        assert_eq!(value["ok"], true);
        assert_eq!(value["a"], "a ******** \\");
        assert_eq!(value["b\\"], MASK);
        assert_eq!(
            (&value["c"], &value["d"]),
            (&"ü********".into(), &"".into())
        );
        assert_eq!(masks.mask_json("\"unended"), "\"unended");
    }
}
