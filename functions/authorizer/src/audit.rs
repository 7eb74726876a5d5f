//! The audit line: who was granted what. One per request that passes, whether it is
//! answered from the cache or not; nothing of the token but the claims that
//! `logs.auditClaims` names, and of the request only ids and UIDs of its path.

use crate::claims::Claims;
use frames_edge::AuthConfig;
use frames_edge::operation::{Kind, Operation};
use serde::Serialize;
use serde_json::{Map, Value};

/// A longer text is cut, and ends with `…`.
const LONGEST_TEXT: usize = 256;

/// Of a list, so many are written.
const LONGEST_LIST: usize = 16;

/// What was granted, to be written before the request goes on.
#[derive(Debug)]
pub struct Grant {
    operation: Operation,
    issuer: Option<String>,
    client: Option<String>,
    claims: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    event: &'static str,
    request_id: &'a str,
    operation: &'static str,
    datastore: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_set: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    study: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    claims: &'a Map<String, Value>,
}

impl Grant {
    pub(crate) fn new(
        operation: &Operation,
        by: Option<(&AuthConfig, &Claims)>,
        names: &[String],
    ) -> Self {
        let claims = by.map(|(_, claims)| claims);
        let value = |name: &String| {
            let value = claims.and_then(|claims| claims.member(name));
            (name.clone(), value.map_or(Value::Null, bounded))
        };
        Self {
            operation: operation.clone(),
            issuer: claims.and_then(Claims::issuer).map(cut),
            client: by.and_then(|(auth, claims)| claims.client(auth)).map(cut),
            claims: names.iter().map(value).collect(),
        }
    }

    /// The line, in ASCII: whatever a claim holds, it is one line, and shows as what it is.
    pub fn line(&self, request_id: &str) -> String {
        let line = Line {
            event: "access",
            request_id,
            operation: name(self.operation.kind()),
            datastore: self.operation.datastore(),
            image_set: self.operation.image_set(),
            study: self.operation.study(),
            series: self.operation.series(),
            instance: self.operation.instance(),
            issuer: self.issuer.as_deref(),
            client: self.client.as_deref(),
            claims: &self.claims,
        };
        // Texts and numbers only: nothing in it can fail.
        let line = serde_json::to_string(&line).unwrap_or_default();
        ascii(&line)
    }
}

/// As HealthImaging's API, and so CloudTrail, calls it.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::ImageFrame => "GetImageFrame",
        Kind::ImageSetMetadata => "GetImageSetMetadata",
        Kind::Studies => "SearchDICOMStudies",
        Kind::Series => "SearchDICOMSeries",
        Kind::Instances => "SearchDICOMInstances",
        Kind::SeriesMetadata => "GetDICOMSeriesMetadata",
        Kind::Instance => "GetDICOMInstance",
        Kind::InstanceMetadata => "GetDICOMInstanceMetadata",
        Kind::InstanceFrames => "GetDICOMInstanceFrames",
        Kind::Bulkdata => "GetDICOMBulkdata",
    }
}

/// A text, a number, a flag, or a list of them. Anything else isn't a name: `null`, as where
/// there is no such claim.
fn bounded(value: &Value) -> Value {
    match value {
        Value::Array(values) => {
            let values = values.iter().take(LONGEST_LIST);
            Value::Array(values.map(one).collect())
        }
        value => one(value),
    }
}

fn one(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Number(_) | Value::Bool(_) => value.clone(),
        _ => Value::Null,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => text.to_owned(),
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned() + "…",
    }
}

/// Beyond ASCII there are line breaks, and characters that show as others or not at all.
/// JSON has them only within its texts.
fn ascii(json: &str) -> String {
    if json.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return json.to_owned();
    }
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            line.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_ascii_and_says_the_same() {
        for text in [
            "plain",
            "Müller",
            "a\nb\r\u{2028}\u{85}\u{7f}",
            "\u{202e}drow",
            "🩻",
        ] {
            let json = json!({"sub": text}).to_string();
            let line = ascii(&json);
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["sub"], text);
        }
    }

    #[test]
    fn values_are_bounded() {
        let long = "é".repeat(300);
        let cut_text = "é".repeat(256) + "…";
        assert_eq!(bounded(&json!(long)), json!(cut_text));
        assert_eq!(bounded(&json!("é".repeat(256))), json!("é".repeat(256)));
        assert_eq!(bounded(&json!(vec![long; 20])), json!(vec![cut_text; 16]));
        assert_eq!(
            bounded(&json!([1, true, {"a": 1}, [2]])),
            json!([1, true, null, null])
        );
        assert_eq!(bounded(&json!({"a": 1})), Value::Null);
        assert_eq!(bounded(&json!(7)), json!(7));
    }
}
