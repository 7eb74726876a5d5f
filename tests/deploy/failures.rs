//! Each type of resource fails, at each step: the message names the resource and
//! the cause first, and the next run takes up what is left. An everyday run takes
//! a sample of the types.

use super::{MANIFEST, Stand, each_sampled, lines};
use crate::support::aws::Aws;
use crate::support::root;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// With every type of resource that our templates have, but for [`ELSEWHERE`].
fn whole() -> Stand {
    let account = Aws::shared().account();
    let stand = Stand::with(MANIFEST, account);
    let zone = stand.zone();
    let certificate = stand.certificate(&["frames.example.org"]);
    let account = stand.account.number();
    stand.write(&format!(
        "{MANIFEST}healthImaging: {{region: us-west-2}}
delivery: {{dicomweb: true, cachedReads: true}}
domain: {{cnames: [frames.example.org], certificateArn: '{certificate}', hostedZoneId: {zone}}}
alarms: {{topicArn: 'arn:aws:sns:us-east-1:{account}:imaging'}}
deploy: {{tags: {{team: one}}}}
"
    ));
    stand
}

/// A delivery has its names from one certificate: here it isn't the stack's own.
const ELSEWHERE: &str = "AWS::CertificateManager::Certificate";

/// The types in the templates of all manifests that the tests compile.
fn types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for manifest in std::fs::read_dir(root().join("tests/golden")).unwrap() {
        for file in std::fs::read_dir(manifest.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if file.to_string_lossy().ends_with(".template.json") {
                let template: Value =
                    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
                let resources = template["Resources"].as_object().unwrap().values();
                types.extend(resources.map(|it| it["Type"].as_str().unwrap().to_owned()));
            }
        }
    }
    types
}

/// Other tags on all, another authorizer, another reader, other headers.
fn changed(stand: &Stand) {
    let path = stand.project.path().join("frames.yml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let manifest = manifest
        .replace("team: one", "team: two")
        .replace("audience: frames", "audience: images");
    let manifest = manifest.replace(
        "dicomweb: true",
        "dicomweb: true, cache: {ttl: 2h}, cors: {origins: ['https://viewer.example.org']}",
    );
    stand.write(&format!("{manifest}logs: {{functions: {{level: info}}}}\n"));
}

const REASON: &str = "Resource handler returned message: \"The moon is full. (Service: Moon, Status Code: 400, Request ID: 1)\" (RequestToken: 2, HandlerErrorCode: GeneralServiceException)";

/// Types, each with a resource, that reached a state in a run. What the reader's stage has in common
/// with the others is taken from those: they have replicas, and the logs that stay.
fn reached(events: &[Value], status: &str, stand: &Stand) -> Vec<(String, String)> {
    let mut types = BTreeSet::new();
    let mut found = Vec::new();
    let events = events.iter().filter(|event| event["status"] == status);
    let (reads, others): (Vec<_>, Vec<_>) = events.partition(|event| event["stage"] == "reads");
    for event in others.into_iter().chain(reads) {
        let id = event["resource"].as_str().unwrap();
        if let Some(kind) = kind_of(stand, id)
            && types.insert(kind.clone())
        {
            found.push((kind, id.to_owned()));
        }
    }
    found
}

/// By the template that was packaged last.
fn kind_of(stand: &Stand, id: &str) -> Option<String> {
    let stages = ["lambda-edge", "reads", "cdn"];
    stages.into_iter().find_map(|stage| {
        let text = std::fs::read(stand.project.output(&format!("{stage}.template.json"))).unwrap();
        let template: Value = serde_json::from_slice(&text).unwrap();
        Some(template["Resources"][id]["Type"].as_str()?.to_owned())
    })
}

fn fails(stand: &Stand, arguments: &[&str], action: &str, (kind, id): &(String, String)) {
    stand.account.fail(action, kind, id, REASON);
    let run = stand.run(arguments);
    assert_eq!(run.code, 1, "{action} {id}: {run:#?}");
    let error = run.stderr.lines().find(|line| line.starts_with("error"));
    let error = error.unwrap_or_else(|| panic!("{run:#?}"));
    assert!(
        error.contains(&format!("{id} ({kind}) failed: The moon is full")),
        "{action}: {run:#?}"
    );
    stand.account.set(&json!({"failures": []}));
}

/// How many types an everyday run takes of each step.
const SAMPLE: usize = 4;

/// Each of these types, or a sample of them.
fn each_type(test: &str, cases: Vec<(String, String)>, check: impl Fn(&(String, String)) + Sync) {
    let name = |(kind, _): &(String, String)| kind.clone();
    each_sampled(test, SAMPLE, cases, name, check);
}

const DEPLOY: [&str; 2] = ["deploy", "--yes"];

/// What the account has. A version's number tells only how many were made before it, and one that
/// was made and undone is counted.
fn state(stand: &Stand) -> Vec<String> {
    let unnumbered = |line: String| match line.rsplit_once(':') {
        Some((function, version))
            if line.starts_with("lambda_svc versions ") && version.parse::<u32>().is_ok() =>
        {
            format!("{function}:N")
        }
        _ => line,
    };
    stand.account.state().into_iter().map(unnumbered).collect()
}

/// A deployment fails at a resource, and the next one ends where it should have.
fn fails_and_goes_on(stand: &Stand, action: &str, case: &(String, String), wanted: &[String]) {
    fails(stand, &DEPLOY, action, case);
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(state(stand), wanted, "{case:?}");
    stand.never_open();
}

/// The reader's own types are among them.
fn has(cases: &[(String, String)], types: &[&str]) {
    for wanted in types {
        let found = cases.iter().any(|(kind, _)| kind == wanted);
        assert!(found, "{wanted}: {cases:#?}");
    }
}

const JSON: [&str; 4] = ["deploy", "--yes", "--format", "json"];

#[test]
fn at_creation() {
    let reference = whole();
    let run = reference.run(&JSON);
    assert_eq!(run.code, 0, "{run:#?}");
    let wanted = state(&reference);
    let cases = reached(&lines(&run), "CREATE_COMPLETE", &reference);
    let mut missed = types();
    missed.retain(|kind| !cases.iter().any(|(reached, _)| reached == kind));
    assert_eq!(missed, BTreeSet::from([ELSEWHERE.to_owned()]));
    each_type("deploy::failures::at_creation", cases, |case| {
        fails_and_goes_on(&whole(), "CREATE", case, &wanted);
    });
}

#[test]
fn at_an_update() {
    let reference = whole();
    reference.deploy();
    changed(&reference);
    let run = reference.run(&JSON);
    assert_eq!(run.code, 0, "{run:#?}");
    let wanted = state(&reference);
    let cases = reached(&lines(&run), "UPDATE_COMPLETE", &reference);
    assert!(cases.len() >= 6, "{cases:#?}");
    has(&cases, &["AWS::Lambda::Alias"]);
    each_type("deploy::failures::at_an_update", cases, |case| {
        let stand = whole();
        stand.deploy();
        changed(&stand);
        fails_and_goes_on(&stand, "UPDATE", case, &wanted);
    });
}

#[test]
fn at_deletion() {
    let reference = whole();
    reference.deploy();
    let run = reference.run(&["remove", "--yes", "--delete-logs", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let wanted = reference.account.state();
    let mut cases = reached(&lines(&run), "DELETE_COMPLETE", &reference);
    // It goes on its own, in the update that closes the distribution.
    cases.retain(|(kind, _)| kind != "AWS::Logs::Delivery");
    assert!(cases.len() >= 9, "{cases:#?}");
    has(
        &cases,
        &[
            "AWS::Lambda::Alias",
            "AWS::Lambda::Permission",
            "AWS::Lambda::Url",
        ],
    );
    each_type("deploy::failures::at_deletion", cases, |case| {
        let stand = whole();
        stand.deploy();
        fails(
            &stand,
            &["remove", "--yes", "--delete-logs"],
            "DELETE",
            case,
        );
        let run = stand.run(&["remove", "--yes", "--delete-logs"]);
        assert_eq!(run.code, 0, "{case:?}: {run:#?}");
        assert_eq!(stand.account.state(), wanted, "{case:?}");
        stand.never_open();
    });
}

/// What CloudFront says of a domain, in the user's words.
#[test]
fn a_certificate_that_covers_another_name() {
    let stand = Stand::new();
    let certificate = stand.certificate(&["other.example.org"]);
    let manifest = format!(
        "{MANIFEST}domain: {{cnames: [frames.example.org], certificateArn: '{certificate}'}}\n"
    );
    stand.write(&manifest);
    let run = stand.run(&DEPLOY);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(
        run.stderr
            .contains("the certificate doesn't cover frames.example.org"),
        "{run:#?}"
    );
    assert!(stand.account.calls().iter().all(|call| !call.is_mutating()));
}

#[test]
fn a_cname_that_another_distribution_has() {
    let account = Aws::shared().account();
    let one = Stand::with(MANIFEST, account);
    let certificate = one.certificate(&["frames.example.org"]);
    let domain =
        format!("domain: {{cnames: [frames.example.org], certificateArn: '{certificate}'}}\n");
    one.write(&format!("{MANIFEST}{domain}"));
    let deployed = one.deploy();
    one.write(&format!("{}{domain}", MANIFEST.replace("heart", "lung")));
    let beside = [&DEPLOY[..], &["--beside", "heart"]].concat();
    let run = one.run(&beside);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("frames.example.org is a name of distribution"),
        "{run:#?}"
    );
    // Nobody can tell that it is frames' own.
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    let asked = json!({"Id": id});
    let mut found = one
        .account
        .call("cloudfront", "GetDistributionConfig", asked);
    found["DistributionConfig"]["Comment"] = json!("somebody's");
    let asked = json!({"Id": id, "IfMatch": found["ETag"], "DistributionConfig": found["DistributionConfig"]});
    one.account.call("cloudfront", "UpdateDistribution", asked);
    let run = one.run(&beside);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("another distribution has one of the CNAMEs already"),
        "{run:#?}"
    );
    assert!(
        run.stderr
            .contains("Distribution (AWS::CloudFront::Distribution)"),
        "{run:#?}"
    );
}
