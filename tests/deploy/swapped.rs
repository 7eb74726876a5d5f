//! An artifact bucket that others may write to: what is deployed is what was uploaded, or nothing.

use super::reads::reads_in;
use super::{MANIFEST, PATIENCE, Stand};
use crate::support::frames::Run;
use serde_json::{Value, json};

/// The cdn stack's template is larger than what CloudFormation takes in a request.
fn large() -> String {
    let outputs: String = (0..190)
        .map(|n| format!("        Output{n}: {{Value: '{}'}}\n", "x".repeat(300)))
        .collect();
    format!("{MANIFEST}resources:\n    cdn:\n      Outputs:\n{outputs}")
}

/// A bucket of one's own, which keeps no versions unless somebody switches that on.
fn own_bucket(stand: &Stand) -> String {
    let bucket = format!("zips-{}", stand.account.number());
    let made = json!({"Bucket": bucket});
    stand.account.call("s3", "CreateBucket", made);
    stand.write(&format!("{}deploy: {{bucket: {bucket}}}\n", large()));
    bucket
}

/// A run during which somebody replaces the object that it has just uploaded, right before its
/// n-th call of an operation.
fn swapped(
    stand: &Stand,
    arguments: &[&str],
    (operation, at): (&str, usize),
    (bucket, kind): (&str, &str),
    evil: &Value,
) -> Run {
    let known = stand.keys_in(bucket);
    let rule = json!({"kind": "hold-before", "service": "cloudformation", "operation": operation, "at": at});
    let rule = stand.account.rule(rule);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| stand.run(arguments));
        assert!(rule.wait(PATIENCE), "{operation} isn't called");
        let mut new = stand.keys_in(bucket);
        new.retain(|key| !known.contains(key) && key.contains(kind));
        assert_eq!(new.len(), 1, "{new:?}");
        let object = json!({"Bucket": bucket, "Key": new[0], "Body": evil});
        stand.account.call("s3", "PutObject", object);
        stand.account.clear_rules();
        run.join().unwrap()
    })
}

/// The template, with somebody's output in it.
fn evil(stand: &Stand) -> Value {
    let path = stand.project.output("cdn.template.json");
    let of_its_own = br#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#;
    let text = std::fs::read(path).unwrap_or_else(|_| of_its_own.to_vec());
    let mut template: Value = serde_json::from_slice(&text).unwrap();
    template["Outputs"]["Evil"] = json!({"Value": "evil"});
    Value::String(template.to_string())
}

fn is_deployed(stand: &Stand, stack: &str) -> bool {
    let asked = json!({"StackName": stack});
    let found = stand
        .account
        .try_call("us-east-1", "cloudformation", "DescribeStacks", asked);
    found.is_ok()
}

/// A run whose n-th change set is made of somebody's template.
fn with_evil_template(stand: &Stand, arguments: &[&str], at: usize, bucket: &str) -> Run {
    let set = ("CreateChangeSet", at);
    swapped(stand, arguments, set, (bucket, "/cdn-"), &evil(stand))
}

#[test]
fn a_template_is_read_in_the_version_that_was_uploaded() {
    let stand = Stand::new();
    stand.write(&large());
    let bucket = stand.managed_bucket();
    let arguments = ["deploy", "--yes"];
    let run = with_evil_template(&stand, &arguments, 2, &bucket);
    assert_eq!(run.code, 0, "{run:#?}");
    let stack = stand.stack("heart-dev-cdn");
    assert!(!stack["Outputs"].to_string().contains("Evil"), "{stack:#}");
    let closing = stand.deploy();
    stand.serves(&closing);
    // A removal's own template likewise: it closes what was deployed.
    let arguments = ["remove", "--yes"];
    let run = with_evil_template(&stand, &arguments, 1, &bucket);
    assert_eq!(run.code, 0, "{run:#?}");
    stand.never_open();
}

#[test]
fn another_template_than_the_uploaded_one_is_refused() {
    let stand = Stand::new();
    let bucket = own_bucket(&stand);
    let refused = |run: &Run| {
        assert_eq!(run.code, 1, "{run:#?}");
        for said in [
            "CloudFormation didn't read the template that frames uploaded",
            "versioning",
        ] {
            assert!(run.stderr.contains(said), "{said}: {run:#?}");
        }
    };
    let arguments = ["deploy", "--yes"];
    refused(&with_evil_template(&stand, &arguments, 2, &bucket));
    assert!(!is_deployed(&stand, "heart-dev-cdn"));
    assert_eq!(stand.account.history(), Vec::<Value>::new());

    let closing = stand.deploy();
    stand.serves(&closing);
    let changed = large();
    stand.write(&format!(
        "{changed}delivery: {{priceClass: 100}}\ndeploy: {{bucket: {bucket}}}\n"
    ));
    let before = stand.stack("heart-dev-cdn");
    refused(&with_evil_template(&stand, &arguments, 1, &bucket));
    assert_eq!(stand.stack("heart-dev-cdn")["Outputs"], before["Outputs"]);

    let before = stand.account.history().len();
    let arguments = ["remove", "--yes"];
    refused(&with_evil_template(&stand, &arguments, 1, &bucket));
    assert_eq!(stand.account.history().len(), before, "nothing was changed");
    stand.remove();
    stand.never_open();
}

#[test]
fn a_diff_of_another_template_is_refused_too() {
    let stand = Stand::new();
    let bucket = own_bucket(&stand);
    stand.deploy();
    stand.write(&format!(
        "{}delivery: {{priceClass: 100}}\ndeploy: {{bucket: {bucket}}}\n",
        large()
    ));
    let run = with_evil_template(&stand, &["diff"], 1, &bucket);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("didn't read the template that frames uploaded"),
        "{run:#?}"
    );
    assert!(!run.stdout.contains("Evil"), "{run:#?}");
}

/// A version is published of the very bytes that were packaged, or not at all (`CodeSha256`).
#[test]
fn another_zip_than_the_uploaded_one_is_never_published() {
    for first in [true, false] {
        let stand = Stand::new();
        if !first {
            stand.deploy();
            stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
        }
        let before = stand.account.history().len();
        let known = stand.versions("heart-dev-authorizer");
        let bucket = stand.managed_bucket();
        // An empty archive.
        let evil = json!(format!("PK\u{5}\u{6}{}", "\0".repeat(18)));
        let arguments = ["deploy", "--yes"];
        let zip = (bucket.as_str(), "/authorizer-");
        let run = swapped(&stand, &arguments, ("ExecuteChangeSet", 1), zip, &evil);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stderr.contains("CodeSHA256"), "{run:#?}");
        assert_eq!(stand.versions("heart-dev-authorizer"), known);
        assert_eq!(
            stand.account.history().len(),
            before,
            "nothing is served by it"
        );
        let closing = stand.deploy();
        stand.serves(&closing);
        stand.never_open();
    }
}

/// The reader's URL runs a published version too: never what lies in the bucket by then.
#[test]
fn another_zip_of_the_reader_than_the_uploaded_one_is_never_run() {
    let region = "us-west-2";
    for first in [true, false] {
        let stand = Stand::new();
        stand.write(&reads_in(region));
        if !first {
            stand.deploy();
            let info = "logs: {functions: {level: info}}\n";
            stand.write(&format!("{}{info}", reads_in(region)));
        }
        let alias = || {
            let asked = json!({"FunctionName": "heart-dev-reader", "Name": "live"});
            let found = stand.account.try_call(region, "lambda", "GetAlias", asked);
            found.ok().map(|alias| alias["FunctionVersion"].clone())
        };
        let before = alias();
        assert_eq!(before.is_none(), first);
        let bucket = format!("frames-artifacts-{}-{region}", stand.account.number());
        let evil = json!(format!("PK\u{5}\u{6}{}", "\0".repeat(18)));
        let zip = (bucket.as_str(), "/reader-");
        let arguments = ["deploy", "--yes"];
        // The stage of the edge functions changes too, and comes before.
        let run = swapped(&stand, &arguments, ("ExecuteChangeSet", 2), zip, &evil);
        assert_eq!(run.code, 1, "{run:#?}");
        for said in ["CodeSHA256", "ReaderVersion"] {
            assert!(run.stderr.contains(said), "{said}: {run:#?}");
        }
        assert_eq!(alias(), before);
        let closing = stand.deploy();
        stand.serves(&closing);
        assert!(alias().is_some() && alias() != before);
        stand.never_open();
    }
}
