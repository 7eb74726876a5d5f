//! The functions under `cargo lambda watch`, as a developer may run them: built
//! by cargo, without the packages and without Python.

use crate::lambda::{FRAME, NATIVE_HOST};
use crate::support::events::{origin_request, viewer_request};
use crate::support::frames::path_with;
use crate::support::functions::cargo;
use crate::support::peers::peers;
use crate::support::process::{Background, free_ports};
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

struct Watched {
    process: Background,
    url: String,
    _task: TempDir,
}

impl Watched {
    fn start(name: &str, config: &Value) -> Self {
        let [port] = free_ports();
        let task = tempfile::tempdir().unwrap();
        fs::write(task.path().join("config.json"), config.to_string()).unwrap();
        let mut command = cargo();
        command
            .args([
                "lambda",
                "watch",
                "--ignore-changes",
                "--locked",
                "--invoke-address",
                "127.0.0.1",
            ])
            .args(["--invoke-port", &port.to_string(), "--package", name])
            .env("PATH", path_with(&peers().bin()))
            .env("LAMBDA_TASK_ROOT", task.path())
            .env("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        Self {
            process: Background::start(&mut command),
            url: format!("http://127.0.0.1:{port}/2015-03-31/functions/{name}/invocations"),
            _task: task,
        }
    }

    /// The first one waits for cargo.
    fn invoke(&self, event: &str) -> Value {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(300)))
            .build();
        let agent = ureq::Agent::new_with_config(config);
        for _ in 0..3_600 {
            match agent.post(&self.url).send(event) {
                Ok(mut answer) => {
                    let text = answer.body_mut().read_to_string().unwrap();
                    return serde_json::from_str(&text)
                        .unwrap_or_else(|_| panic!("{text}\n{}", self.process.output()));
                }
                // Not listening yet.
                Err(ureq::Error::Io(_)) => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => panic!("{error}\n{}", self.process.output()),
            }
        }
        panic!("never listened\n{}", self.process.output());
    }

    fn cold_warm_garbage_and_warm_again(&self, good: &Value) {
        for garbage in ["null", r#"{"Records": []}"#, r#"{"Records": "s3cret"}"#] {
            for _ in 0..2 {
                let answer = self.invoke(&good.to_string());
                assert_eq!(answer["uri"], FRAME, "{answer}");
            }
            let answer = self.invoke(garbage);
            assert!(answer["errorType"].is_string(), "{garbage}: {answer}");
            assert!(!answer.to_string().contains("s3cret"), "{answer}");
        }
        assert_eq!(
            self.process
                .output()
                .matches("spawning function instance")
                .count(),
            1,
            "{}",
            self.process.output()
        );
    }
}

#[test]
fn the_authorizer() {
    let issuer = Issuer::new();
    let watched = Watched::start(
        "frames-authorizer",
        &json!({
            "auth": {
                "issuers": [{"names": [ISSUER]}], "jwks": issuer.key_set(), "algorithms": ["RS256"], "audience": [AUDIENCE],
                "groupsClaim": "groups", "tokenSources": ["authorization"],
            },
            "dicomweb": true, "cors": {"origins": ["*"], "credentials": false}, "logLevel": "warn",
        }),
    );
    let bearer = format!("Bearer {}", issuer.token(json!({"exp": 4_000_000_000_u64})));
    let good = viewer_request("POST", FRAME, "", &[("Authorization", &bearer)]);
    watched.cold_warm_garbage_and_warm_again(&good);
    let denied = watched.invoke(&viewer_request("POST", FRAME, "", &[]).to_string());
    assert_eq!(denied["status"], "401");
}

#[test]
fn the_signer() {
    let config = json!({"region": "us-west-2", "nativeHost": NATIVE_HOST, "logLevel": "warn"});
    let watched = Watched::start("frames-signer", &config);
    let good = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    watched.cold_warm_garbage_and_warm_again(&good);
}
