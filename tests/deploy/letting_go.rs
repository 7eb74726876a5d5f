//! What lambda-edge gives up goes when cdn has let go of it: AWS deletes no web ACL and no
//! certificate that a distribution uses, and CloudFormation would leave them behind.

use super::{MANIFEST, Stand, closing, lines};
use serde_json::json;

fn without_web_acl() -> String {
    format!("{MANIFEST}delivery: {{webAcl: none}}\n")
}

/// The state of an account in which nothing else was ever deployed.
fn fresh(manifest: &str) -> Vec<String> {
    let stand = Stand::new();
    stand.write(manifest);
    stand.deploy();
    stand.account.state()
}

fn web_acls(stand: &Stand) -> usize {
    let asked = json!({"Scope": "CLOUDFRONT"});
    let found = stand.account.call("wafv2", "ListWebACLs", asked);
    found["WebACLs"].as_array().unwrap().len()
}

#[test]
fn a_web_acl_that_is_switched_off() {
    let stand = Stand::new();
    stand.deploy();
    assert_eq!(web_acls(&stand), 1);
    let before = stand.account.state();
    stand.write(&without_web_acl());

    let refused = stand.run(&["deploy"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    let named = "remove      WebAcl (AWS::WAFv2::WebACL)";
    assert!(refused.stderr.contains(named), "{refused:#?}");
    assert!(refused.stderr.contains("--yes"), "{refused:#?}");
    assert_eq!(
        stand.account.state(),
        before,
        "nothing changed before the yes"
    );
    let tried = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(tried.code, 0, "{tried:#?}");
    assert!(tried.stderr.contains(named), "{tried:#?}");
    assert_eq!(stand.account.state(), before);

    let second = stand.deploy();
    stand.serves(&second);
    stand.never_open();
    assert_eq!(web_acls(&stand), 0);
    assert_eq!(stand.account.state(), fresh(&without_web_acl()));
    let third = stand.run(&["deploy", "--format", "json"]);
    assert_eq!(third.code, 0, "{third:#?}");
    for stage in closing(&third)["result"]["stages"].as_array().unwrap() {
        assert_eq!(stage["changed"], false, "{third:#?}");
    }
}

#[test]
fn a_stage_alone_keeps_what_the_other_uses() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&without_web_acl());
    stand.deploy_with(&["--only", "lambda-edge"]);
    assert_eq!(web_acls(&stand), 1, "cdn still uses it");
    stand.deploy();
    assert_eq!(web_acls(&stand), 0);
    assert_eq!(stand.account.state(), fresh(&without_web_acl()));
}

/// Its own certificate is another one as soon as it is for other names.
#[test]
fn a_certificate_for_other_names() {
    let stand = Stand::new();
    let zone = stand.zone();
    let manifest =
        |names: &str| format!("{MANIFEST}domain: {{cnames: [{names}], hostedZoneId: {zone}}}\n");
    let certificates = || {
        let found = stand.account.call("acm", "ListCertificates", json!({}));
        let found = found["CertificateSummaryList"].as_array().unwrap().clone();
        let names = found
            .iter()
            .map(|it| it["DomainName"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    stand.write(&manifest("one.example.org"));
    stand.deploy();
    assert_eq!(certificates(), ["one.example.org"]);
    stand.write(&manifest("two.example.org, one.example.org"));
    let second = stand.deploy();
    stand.serves(&second);
    stand.never_open();
    assert_eq!(certificates(), ["two.example.org"]);
    stand.remove();
    assert!(certificates().is_empty());
}

/// The edge runs the old version, with the old role, until cdn has the new one.
#[test]
fn a_role_of_another_path() {
    let stand = Stand::new();
    stand.deploy();
    let manifest = MANIFEST.replace("iam: {", "iam: {path: /imaging/, ");
    stand.write(&manifest);
    let run = stand.run(&["deploy", "--yes", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let events = lines(&run);
    let at = |resource: &str, status: &str| {
        let found = events
            .iter()
            .position(|event| event["resource"] == resource && event["status"] == status);
        found.unwrap_or_else(|| panic!("{resource} {status}: {run:#?}"))
    };
    let switched = at("Distribution", "UPDATE_COMPLETE");
    for role in ["AuthorizerRole", "SignerRole"] {
        assert!(at(role, "DELETE_COMPLETE") > switched, "{run:#?}");
    }
    stand.serves(&closing(&run));
    // Fresh functions begin with version 1.
    let state = stand.account.state().into_iter();
    let state: Vec<String> = state.map(|line| line.replace(":2", ":1")).collect();
    assert_eq!(state, fresh(&manifest));
}

/// A version keeps what it was published with.
#[test]
fn what_an_overlay_says_of_a_function_reaches_the_edge() {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    let memory = || {
        let distribution = stand.distribution(id);
        let behavior = &distribution["DistributionConfig"]["DefaultCacheBehavior"];
        let items = behavior["LambdaFunctionAssociations"]["Items"]
            .as_array()
            .unwrap();
        let signer = items
            .iter()
            .find(|item| item["EventType"] == "origin-request")
            .unwrap();
        let asked = json!({"FunctionName": signer["LambdaFunctionARN"]});
        stand.account.call("lambda", "GetFunction", asked)["Configuration"]["MemorySize"].clone()
    };
    assert_eq!(memory(), 128);
    let overlay =
        "resources: {lambda-edge: {Resources: {SignerFunction: {Properties: {MemorySize: 256}}}}}";
    stand.write(&format!("{MANIFEST}{overlay}\n"));
    stand.deploy();
    assert_eq!(memory(), 256);
}
