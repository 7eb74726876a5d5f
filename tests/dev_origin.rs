//! `frames dev --origin aws`: the caller's own credentials, and what AWS would answer. There is
//! no HealthImaging here, so AWS_ENDPOINT_URL_MEDICAL_IMAGING leads to a stand-in of the test's
//! own, which verifies the signature of each request.

use crate::support::dev::{CT, CT_INSTANCE, CT_SERIES, CT_STUDY, Dev, Reply, bearer};
use crate::support::frames::Project;
use frames_edge::{LogLevel, SignerConfig};
use frames_emulator::healthimaging::{self, Policy, StandIn};
use frames_emulator::{Credentials, package};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

const STORE: &str = "12345678901234567890123456789012";
const MANIFEST: &str = "service: x
auth: {mode: oidc, issuer: 'https://issuer.example', audience: a}
iam: {allow: [{datastore: '12345678901234567890123456789012'}]}
delivery: {dicomweb: true}
";

/// A HealthImaging with what the policy of this package allows, and one caller. It ends
/// when it is dropped.
struct HealthImaging {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HealthImaging {
    fn start(package: &Path, caller: Credentials) -> Self {
        let config = SignerConfig {
            region: "us-east-1".to_owned(),
            native_host: "runtime-medical-imaging.us-east-1.amazonaws.com".to_owned(),
            dicomweb_host: Some("dicom-medical-imaging.us-east-1.amazonaws.com".to_owned()),
            metadata: true,
            cached_reads: false,
            log_level: LogLevel::Warn,
        };
        let policy = Policy::of(&package::read(package).unwrap());
        let images = healthimaging::embedded().unwrap();
        let (end, ended) = oneshot::channel();
        let (ready, started) = channel();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let aws = StandIn::start(&config, caller, policy, images).await;
                let aws = aws.unwrap();
                ready.send(aws.address()).unwrap();
                let _ = ended.await;
            });
        });
        Self {
            address: started.recv().unwrap(),
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl Drop for HealthImaging {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn get(dev: &Dev, path: &str, more: &[(&str, &str)]) -> Reply {
    let url = format!("{}/datastore/{STORE}{path}", dev.url());
    let token = bearer(dev.token());
    let headers = [&[("Authorization", token.as_str())], more].concat();
    dev.request("GET", &url, &headers, None)
}

#[test]
fn dicomweb_is_read_with_the_callers_credentials() {
    let project = Project::new(MANIFEST);
    let run = project.package();
    assert_eq!(run.code, 0, "{run:#?}");
    let plan = project.output("plan.json");
    let caller = Credentials {
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret_access_key: "theCallersSecretThatIsNotInAnyPathHere12".to_owned(),
        session_token: Some("session".to_owned()),
        expires: None,
    };
    let aws = HealthImaging::start(plan.parent().unwrap(), caller);
    let endpoint = format!("http://{}", aws.address);
    let start = |secret: &str| {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL_MEDICAL_IMAGING", endpoint.as_str()),
        ];
        Dev::start_with(&project, &variables, &["--origin", "aws"])
    };
    let dev = start("theCallersSecretThatIsNotInAnyPathHere12");
    let found: Value = serde_json::from_slice(&get(&dev, "/studies", &[]).body).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
    let series = format!("/studies/{CT_STUDY}/series/{CT_SERIES}");
    let instance = format!("{series}/instances/{CT_INSTANCE}");
    let stored = (
        "Accept",
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
    );
    for (path, headers, cached) in [
        (format!("/studies/{CT_STUDY}/series"), vec![], false),
        (format!("{series}/instances?limit=1"), vec![], false),
        (
            format!("{series}/metadata"),
            vec![("Accept", "image/png")],
            true,
        ),
        (format!("{instance}/metadata"), vec![], true),
        (instance.clone(), vec![], true),
        (format!("{instance}/frames/1"), vec![stored], true),
    ] {
        for again in [false, true] {
            let reply = get(&dev, &path, &headers);
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            let hit = reply.header("x-cache") == "Hit from cloudfront";
            assert_eq!(hit, cached && again, "{path}");
        }
    }
    let frame = get(&dev, &format!("{instance}/frames/1"), &[stored]).body;
    assert!(frame.windows(CT.len()).any(|part| part == CT));
    let part = get(
        &dev,
        &format!("{instance}/frames/1"),
        &[stored, ("Range", "bytes=10-19")],
    );
    assert_eq!((part.status, &part.body[..]), (206, &frame[10..20]));
    let missing = get(&dev, "/studies/1.2.3/series/1.2.4/metadata", &[]);
    assert_eq!(missing.status, 404, "{}", missing.text());

    // Another secret: the signature is wrong, and what comes is AWS's own word for it.
    let stranger = start("anotherSecretThatIsNotInAnyPathHereEither");
    let refused = get(&stranger, "/studies", &[]);
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(
        refused.header("x-amzn-errortype"),
        "InvalidSignatureException"
    );
    for run in [dev, stranger] {
        let (stdout, stderr) = run.stop();
        assert!(
            stderr.contains("AWS_ENDPOINT_URL_MEDICAL_IMAGING"),
            "{stderr}"
        );
        for secret in ["theCallersSecret", "anotherSecret", "Signature="] {
            assert!(
                !stdout.contains(secret) && !stderr.contains(secret),
                "{stdout}{stderr}"
            );
        }
    }
}

#[test]
fn signed_requests_go_unencrypted_to_this_machine_only() {
    let project = Project::new(MANIFEST);
    for elsewhere in [
        "http://192.0.2.1:80",
        "http://example.org",
        "https://127.0.0.1:1",
        "127.0.0.1:1",
        "",
    ] {
        let mut command = project.command();
        command
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_MEDICAL_IMAGING", elsewhere)
            .args(["dev", "--port", "0", "--origin", "aws"]);
        let run = crate::support::frames::Run::of(&mut command);
        assert_eq!(run.code, 1, "{elsewhere}: {run:#?}");
        assert!(run.stderr.contains("isn't on this machine"), "{run:#?}");
    }
}
