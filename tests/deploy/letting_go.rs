//! What lambda-edge gives up goes when cdn has let go of it: AWS deletes no web ACL and no
//! certificate that a distribution uses, and CloudFormation would leave them behind.

use super::{MANIFEST, Stand, closing};
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
