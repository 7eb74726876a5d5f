//! CloudFront's Lambda@Edge events.
//! Source: "Lambda@Edge event structure", Amazon CloudFront Developer Guide.

use crate::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Header name in lower case, with every value the viewer sent, in order.
pub type Headers = BTreeMap<String, Vec<Header>>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    pub cf: Cf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cf {
    pub config: Config,
    pub request: Request,
    /// The origin's answer, on origin-response events only. Its body isn't in it: no function sees that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    #[serde(default)]
    pub distribution_domain_name: String,
    #[serde(default)]
    pub distribution_id: String,
    pub event_type: String,
    /// CloudFront sends this value to the origin as `X-Amz-Cf-Id`, after the
    /// origin-request function.
    pub request_id: String,
}

/// A request as CloudFront hands it over. Fields that frames doesn't read are
/// kept and go back as they came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    #[serde(rename = "clientIp", default)]
    pub client_ip: String,
    #[serde(default, deserialize_with = "by_lower_case")]
    pub headers: Headers,
    pub method: String,
    #[serde(default)]
    pub querystring: String,
    pub uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// `{"custom": {"domainName", …}}`, on origin events only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Value>,
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The name as it is written on the wire; CloudFront takes the map's key when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    #[serde(default)]
    pub input_truncated: bool,
    /// `read-only`, or `replace` in an answer that changes the body.
    pub action: String,
    /// `base64` or `text`.
    pub encoding: String,
    #[serde(default)]
    pub data: String,
}

/// CloudFront writes the names in lower case. Whoever doesn't must not smuggle a
/// token, or a header that is signed, past those who look for it.
fn by_lower_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
    let sent = Headers::deserialize(deserializer)?;
    let mut headers = Headers::new();
    for (name, values) in sent {
        let held = headers.entry(name.to_ascii_lowercase()).or_default();
        held.extend(values);
    }
    Ok(headers)
}

impl Request {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(|h| h.value.as_str())
    }

    /// Puts one value in the place of whatever the header held. `key` is the name on the wire.
    pub fn set_header(&mut self, key: &str, value: impl Into<String>) {
        let header = Header {
            key: Some(key.to_owned()),
            value: value.into(),
        };
        self.headers.insert(key.to_ascii_lowercase(), vec![header]);
    }

    /// Takes a header away, whether the viewer sent it or CloudFront adds it for the origin.
    pub fn drop_header(&mut self, name: &str) {
        let is_it = |other: &str| other.eq_ignore_ascii_case(name);
        self.headers.retain(|other, _| !is_it(other));
        let origin = self.origin.as_mut();
        let added = origin.and_then(|it| it.pointer_mut("/custom/customHeaders"));
        if let Some(added) = added.and_then(Value::as_object_mut) {
            added.retain(|other, _| !is_it(other));
        }
    }

    /// The only value of a header that CloudFront adds for the origin.
    pub fn origin_header(&self, name: &str) -> Option<&str> {
        let added = self.origin.as_ref()?.pointer("/custom/customHeaders")?;
        let mut added = added.as_object()?.iter();
        let named = |(other, _): &(&String, _)| other.eq_ignore_ascii_case(name);
        let (_, values) = added.by_ref().find(named)?;
        match values.as_array()?.as_slice() {
            [only] if !added.any(|other| named(&other)) => only.get("value")?.as_str(),
            _ => None,
        }
    }

    /// Sends it to another host than the distribution names, in the same way.
    pub fn go_to(&mut self, host: &str) {
        let origin = self.origin.as_mut();
        if let Some(name) = origin.and_then(|it| it.pointer_mut("/custom/domainName")) {
            *name = host.into();
        }
    }

    /// Whether it goes to this host, over HTTPS on its usual port, with the path as it is
    /// and with no header of a signature added on the way.
    pub fn goes_to(&self, host: &str) -> bool {
        let Some(Value::Object(origin)) = &self.origin else {
            return false;
        };
        let (Some(custom), 1) = (origin.get("custom"), origin.len()) else {
            return false;
        };
        let is_or_absent =
            |key: &str, wanted: Value| custom.get(key).is_none_or(|it| *it == wanted);
        let added = custom.get("customHeaders").and_then(Value::as_object);
        let mut added = added
            .into_iter()
            .flatten()
            .map(|(name, _)| name.to_ascii_lowercase());
        custom.get("domainName").is_some_and(|it| it == host)
            && custom.get("protocol").is_some_and(|it| it == "https")
            && is_or_absent("path", "".into())
            && is_or_absent("port", 443.into())
            && !added.any(|name| name == "authorization" || name.starts_with("x-amz-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_origins_header_is_read_and_taken_away() {
        let with = |added: Value| -> Request {
            serde_json::from_value(json!({
                "method": "GET", "uri": "/",
                "headers": {"frames-reader": [{"value": "viewers"}], "host": [{"value": "h"}]},
                "origin": {"custom": {"domainName": "a.example", "customHeaders": added}},
            }))
            .unwrap()
        };
        let value = |text: &str| json!([{"key": "Frames-Reader", "value": text}]);
        let mut request = with(json!({"frames-reader": value("b.example"), "x": value("y")}));
        assert_eq!(request.origin_header("Frames-Reader"), Some("b.example"));
        request.drop_header("Frames-Reader");
        request.go_to("b.example");
        assert_eq!(request.headers.keys().collect::<Vec<_>>(), ["host"]);
        let origin =
            json!({"custom": {"domainName": "b.example", "customHeaders": {"x": value("y")}}});
        assert_eq!(request.origin, Some(origin));
        assert_eq!(request.origin_header("Frames-Reader"), None);
        for doubtful in [
            json!({}),
            json!({"frames-reader": []}),
            json!({"frames-reader": [{"value": "a"}, {"value": "b"}]}),
            json!({"frames-reader": value("a"), "Frames-Reader": value("b")}),
            json!({"frames-reader": "a"}),
            json!({"frames-reader": [{"value": 1}]}),
            json!(null),
        ] {
            let request = with(doubtful.clone());
            assert_eq!(request.origin_header("Frames-Reader"), None, "{doubtful}");
        }
    }

    #[test]
    fn header_names_are_read_in_any_case() {
        let request: Request = serde_json::from_value(json!({
            "method": "GET", "uri": "/", "headers": {
                "Token": [{"key": "Token", "value": "a"}],
                "TOKEN": [{"value": "b"}],
                "token": [{"value": "c"}],
            },
        }))
        .unwrap();
        let values: Vec<&str> = request.headers["token"]
            .iter()
            .map(|header| header.value.as_str())
            .collect();
        assert_eq!(values, ["b", "a", "c"]);
        assert_eq!(request.headers.len(), 1);
    }
}
