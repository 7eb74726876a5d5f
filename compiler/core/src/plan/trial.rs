//! What deploy asks of a function's new version once, before CloudFront runs it, and how the
//! version has to answer. That its program runs at all is found out here, and not by viewers.

use crate::check::CheckedManifest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An event of CloudFront's for a frame that doesn't exist, and the answer that shows the
/// program at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub event: Value,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expected {
    /// An answer instead of the request, of this status.
    Status(String),
    /// The request, to go on with.
    Request,
    /// The request, signed for HealthImaging.
    SignedRequest,
}

/// HealthImaging's ids are of this shape; nobody has this one.
const NOBODYS_ID: &str = "framesasksonceifthisversionruns0";

impl Trial {
    /// A request without a token.
    pub fn authorizer(manifest: &CheckedManifest) -> Self {
        Self {
            event: event("viewer-request", request("deploy.frames.invalid")),
            expected: match (&manifest.auth, &manifest.iam.allow) {
                (Some(_), _) => Expected::Status("401".to_owned()),
                (None, Some(_)) => Expected::Status("403".to_owned()),
                (None, None) => Expected::Request,
            },
        }
    }

    /// A request on its way to HealthImaging.
    pub fn signer(manifest: &CheckedManifest) -> Self {
        let host = &manifest.health_imaging.native_host;
        let mut request = request(host);
        request["origin"] = json!({"custom": {
            "customHeaders": {},
            "domainName": host,
            "keepaliveTimeout": 5,
            "path": "",
            "port": 443,
            "protocol": "https",
            "readTimeout": 30,
            "sslProtocols": ["TLSv1.2"],
        }});
        // `{}`
        request["body"] = json!({"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": "e30="});
        Self {
            event: event("origin-request", request),
            expected: Expected::SignedRequest,
        }
    }

    /// Whether a version that answers this runs as it should.
    pub fn is_passed_by(&self, answer: &Value) -> bool {
        let sent = &self.event["Records"][0]["cf"]["request"]["uri"];
        let goes_on = answer["uri"] == *sent && answer["status"].is_null();
        match &self.expected {
            Expected::Status(status) => answer["status"] == *status,
            Expected::Request => goes_on,
            Expected::SignedRequest => {
                let signature = answer["headers"]["authorization"][0]["value"].as_str();
                goes_on && signature.is_some_and(|text| text.starts_with("AWS4-HMAC-SHA256 "))
            }
        }
    }

    /// The status that a request without a token gets. `None`: it goes on, whoever asks.
    pub fn refuses_with(&self) -> Option<&str> {
        match &self.expected {
            Expected::Status(status) => Some(status),
            Expected::Request | Expected::SignedRequest => None,
        }
    }

    /// Completes "it should have answered …".
    pub fn wanted(&self) -> String {
        match &self.expected {
            Expected::Status(status) => format!("with status {status}"),
            Expected::Request => "with the request to pass on".to_owned(),
            Expected::SignedRequest => "with the request, signed".to_owned(),
        }
    }
}

fn request(host: &str) -> Value {
    json!({
        "clientIp": "192.0.2.1",
        "headers": {
            "host": [{"key": "Host", "value": host}],
            "content-type": [{"key": "Content-Type", "value": "application/json"}],
        },
        "method": "POST",
        "querystring": "",
        "uri": format!("/datastore/{NOBODYS_ID}/imageSet/{NOBODYS_ID}/getImageFrame"),
    })
}

fn event(kind: &str, request: Value) -> Value {
    json!({"Records": [{"cf": {
        "config": {
            "distributionDomainName": "deploy.frames.invalid",
            "distributionId": "FRAMESDEPLOY",
            "eventType": kind,
            "requestId": "frames-deploy",
        },
        "request": request,
    }}]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;

    fn trial(name: &str, manifest: &str) -> Trial {
        let plan = crate::plan::plan(&checked(&format!("service: x\n{manifest}\n")), "dev");
        let mut functions = plan.functions();
        let function = functions.find(|function| function.name == name).unwrap();
        function.trial.clone().unwrap()
    }

    const OIDC: &str = "auth: {mode: oidc, issuer: 'https://a.example', audience: a}";

    #[test]
    fn an_authorizer_refuses_where_there_is_something_to_refuse_by() {
        let passes =
            |manifest: &str, answer: &Value| trial("authorizer", manifest).is_passed_by(answer);
        let request = trial("authorizer", OIDC).event["Records"][0]["cf"]["request"].clone();
        let status = |status: &str| json!({"status": status, "uri": request["uri"]});
        let open = "auth: {mode: none}";
        let narrow =
            format!("{open}\niam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}");
        for (manifest, right) in [
            (OIDC, status("401")),
            (&narrow, status("403")),
            (open, request.clone()),
        ] {
            let answers = [
                status("401"),
                status("403"),
                status("503"),
                request.clone(),
                Value::Null,
            ];
            for answer in answers {
                assert_eq!(
                    passes(manifest, &answer),
                    answer == right,
                    "{manifest}: {answer}"
                );
            }
        }
    }

    #[test]
    fn what_is_wanted_can_be_said() {
        let open = "auth: {mode: none}";
        for (function, manifest, wanted) in [
            ("authorizer", OIDC, "with status 401"),
            ("authorizer", open, "with the request to pass on"),
            ("signer", open, "with the request, signed"),
        ] {
            assert_eq!(trial(function, manifest).wanted(), wanted);
        }
    }

    #[test]
    fn an_event_is_what_cloudfront_sends() {
        let path = "/datastore/framesasksonceifthisversionruns0/imageSet/framesasksonceifthisversionruns0/getImageFrame";
        for (function, kind, host) in [
            ("authorizer", "viewer-request", "deploy.frames.invalid"),
            (
                "signer",
                "origin-request",
                "runtime-medical-imaging.us-east-1.amazonaws.com",
            ),
        ] {
            let event = trial(function, OIDC).event;
            let sent = &event["Records"][0]["cf"];
            assert_eq!(sent["config"]["eventType"], kind);
            assert_eq!(sent["request"]["uri"], path);
            assert_eq!(sent["request"]["headers"]["host"][0]["value"], host);
            let origin = sent["request"]["origin"]["custom"]["domainName"].as_str();
            assert_eq!(origin, (function == "signer").then_some(host));
        }
    }

    #[test]
    fn a_signer_signs() {
        let trial = trial("signer", OIDC);
        let mut answer = trial.event["Records"][0]["cf"]["request"].clone();
        assert!(!trial.is_passed_by(&answer));
        answer["headers"]["authorization"] =
            json!([{"key": "Authorization", "value": "AWS4-HMAC-SHA256 Credential=x"}]);
        assert!(trial.is_passed_by(&answer));
        answer["uri"] = json!("/elsewhere");
        assert!(!trial.is_passed_by(&answer));
        assert!(!trial.is_passed_by(&json!({"status": "500"})));
    }
}
