//! What a user does from the first deployment on.

use super::{MANIFEST, Stand, closing, lines};
use serde_json::{Value, json};

#[test]
fn a_first_deployment_serves_and_a_second_one_changes_nothing() {
    let stand = Stand::new();
    let run = stand.run(&["deploy", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let first = closing(&run);
    stand.serves(&first);
    stand.never_open();
    let events = lines(&run);
    let (_, events) = events.split_last().unwrap();
    for event in events {
        let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["reason", "resource", "stage", "status", "time"],
            "{event}"
        );
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    }
    let of = |stage: &str| {
        events
            .iter()
            .position(|event| event["stage"] == stage)
            .unwrap()
    };
    assert!(of("lambda-edge") < of("cdn"), "{run:#?}");
    let stages = &first["result"]["stages"];
    assert_eq!(
        stages[0],
        json!({"name": "lambda-edge", "stackName": "heart-dev-lambda-edge", "status": "CREATE_COMPLETE", "changed": true})
    );
    assert_eq!(stages[1]["name"], "cdn");

    let (state, calls) = (stand.account.state(), stand.account.calls().len());
    let run = stand.run(&["deploy"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr
            .contains("everything is deployed, and equals this manifest"),
        "{run:#?}"
    );
    assert_eq!(run.stdout.trim(), first["result"]["url"].as_str().unwrap());
    let more = &stand.account.calls()[calls..];
    // Most of them look whether all that the stacks made is still there; three, at the record; two, whether every
    // edge location has it.
    assert!(more.len() <= 26, "{more:#?}");
    assert!(more.iter().all(|call| !call.is_mutating()), "{more:#?}");
    assert_eq!(stand.account.state(), state);
    let again = stand.deploy();
    assert_eq!(again["result"]["stages"][1]["changed"], false);
}

#[test]
fn another_configuration_is_another_version_of_the_same_program() {
    let stand = Stand::new();
    let first = stand.deploy();
    let before = stand.stack("heart-dev-lambda-edge")["Outputs"].clone();
    let program = program(&stand);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let second = stand.deploy();
    stand.serves(&second);
    stand.never_open();
    assert_eq!(
        first["result"]["distributionId"],
        second["result"]["distributionId"]
    );
    assert_eq!(
        stand
            .account
            .history()
            .iter()
            .filter(|state| state["deleted"] == true)
            .count(),
        0
    );
    let after = stand.stack("heart-dev-lambda-edge")["Outputs"].clone();
    assert_ne!(
        output(&before, "AuthorizerVersionArn"),
        output(&after, "AuthorizerVersionArn")
    );
    assert_eq!(
        output(&before, "SignerVersionArn"),
        output(&after, "SignerVersionArn")
    );
    // No replica holds the old one, here: it goes as soon as cdn has let go of it.
    assert_eq!(stand.versions("heart-dev-authorizer"), ["2"]);
    assert_eq!(stand.versions("heart-dev-signer"), ["1"]);
    assert_eq!(self::program(&stand), program);
    // Only what is new was uploaded: three zips, three templates, and two records, at both ends.
    let uploads = stand
        .operations()
        .iter()
        .filter(|name| *name == "PutObject")
        .count();
    assert_eq!(uploads, 10);
}

/// The authorizer's program, as it is in the zip.
fn program(stand: &Stand) -> Vec<u8> {
    let plan = stand.plan("dev");
    let file = plan["stages"][0]["artifacts"][0]["file"].as_str().unwrap();
    let zip = std::fs::File::open(stand.project.output(file)).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name("bootstrap").unwrap(), &mut bytes).unwrap();
    bytes
}

fn output<'a>(outputs: &'a Value, key: &str) -> &'a str {
    let mut outputs = outputs.as_array().unwrap().iter();
    let found = outputs.find(|output| output["OutputKey"] == key).unwrap();
    found["OutputValue"].as_str().unwrap()
}

#[test]
fn old_versions_go_when_their_replicas_do() {
    let stand = Stand::new();
    stand.deploy();
    stand.account.set(&json!({"replicas": 3600.0}));
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr.contains("1 old function version that") && run.stderr.contains("deletes it"),
        "{run:#?}"
    );
    assert_eq!(stand.versions("heart-dev-authorizer"), ["1", "2"]);
    // A later deployment collects them, also when it has nothing else to do.
    for (replicas, left) in [(3600.0, &["1", "2"][..]), (0.0, &["2"])] {
        stand.account.set(&json!({"replicas": replicas}));
        let from = stand.account.calls().len();
        stand.deploy();
        // Most of them look whether all that the stacks made is still there; three, at the record.
        assert!(stand.account.calls().len() - from <= 27);
        assert_eq!(stand.versions("heart-dev-authorizer"), left);
    }
}

#[test]
fn the_signers_configuration() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("\niam:", "\nhealthImaging: {region: us-west-2}\niam:"));
    let closing = stand.deploy();
    stand.serves(&closing);
    let id = closing["result"]["distributionId"].as_str().unwrap();
    let origins = &stand.distribution(id)["DistributionConfig"]["Origins"]["Items"];
    assert!(
        origins
            .to_string()
            .contains("runtime-medical-imaging.us-west-2.amazonaws.com"),
        "{origins:#}"
    );
    assert_eq!(stand.versions("heart-dev-signer"), ["2"]);
    assert_eq!(stand.versions("heart-dev-authorizer"), ["1"]);
}

#[test]
fn cnames_come_and_go() {
    let stand = Stand::new();
    let aliases = |closing: &Value| {
        let id = closing["result"]["distributionId"].as_str().unwrap();
        let aliases = &stand.distribution(id)["DistributionConfig"]["Aliases"];
        aliases.get("Items").cloned().unwrap_or(json!([]))
    };
    let first = stand.deploy();
    assert_eq!(aliases(&first), json!([]));
    let certificate = stand.certificate(&["frames.example.org", "images.example.org"]);
    let with = |names: &str| {
        format!("{MANIFEST}domain: {{cnames: [{names}], certificateArn: '{certificate}'}}\n")
    };
    for names in [
        &["frames.example.org"][..],
        &["frames.example.org", "images.example.org"],
        &["images.example.org"],
    ] {
        stand.write(&with(&names.join(", ")));
        let closing = stand.deploy();
        stand.serves(&closing);
        let mut found: Vec<_> = aliases(&closing).as_array().unwrap().clone();
        found.sort_by_key(ToString::to_string);
        assert_eq!(json!(found), json!(names));
        assert_eq!(
            closing["result"]["distributionId"],
            first["result"]["distributionId"]
        );
    }
    stand.never_open();
}

#[test]
fn cdn_has_a_region_of_its_own() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}deploy: {{region: eu-west-1}}\n"));
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(
        stand.stack_in("eu-west-1", "heart-dev-cdn")["StackStatus"],
        "CREATE_COMPLETE"
    );
    assert_eq!(
        stand.stack("heart-dev-lambda-edge")["StackStatus"],
        "CREATE_COMPLETE"
    );
    let run = stand.run(&["remove", "--yes", "--delete-logs"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let left = stand.account.state();
    assert!(left.iter().all(|line| line.starts_with("s3 ")), "{left:#?}");
}

/// CloudFront's logs are delivered from us-east-1, wherever the cdn stack is, and its metrics
/// are there.
#[test]
fn a_stack_elsewhere_is_watched_from_us_east_1() {
    let stand = Stand::new();
    let elsewhere = format!(
        "{MANIFEST}alarms: {{topicArn: 'arn:aws:sns:us-east-1:{}:imaging'}}\ndeploy: {{region: eu-west-1}}\n",
        stand.account.number()
    );
    stand.write(&format!(
        "{elsewhere}resources: {{logs: {{Outputs: {{Mine: {{Value: x}}}}}}}}\n"
    ));
    let closing = stand.deploy();
    stand.serves(&closing);
    let names = |closing: &Value| -> Vec<Value> {
        let stages = closing["result"]["stages"].as_array().unwrap().iter();
        stages.map(|stage| stage["name"].clone()).collect()
    };
    assert_eq!(names(&closing), ["lambda-edge", "cdn", "logs"]);
    let outputs = stand.stack("heart-dev-logs")["Outputs"].clone();
    let outputs = outputs.as_array().unwrap().iter();
    let keys: Vec<_> = outputs.map(|output| &output["OutputKey"]).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    // It is this distribution that is logged and watched.
    let id = closing["result"]["distributionId"].as_str().unwrap();
    let sources = stand
        .account
        .call("logs", "DescribeDeliverySources", json!({}));
    let arn = &sources["deliverySources"][0]["resourceArns"][0];
    assert!(arn.as_str().unwrap().ends_with(id), "{sources:#}");
    let alarms = stand
        .account
        .call("cloudwatch", "DescribeAlarms", json!({}));
    let alarms = alarms["MetricAlarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 4, "{alarms:#?}");
    for alarm in alarms {
        let dimensions = alarm["Dimensions"].to_string();
        assert!(dimensions.contains(id), "{dimensions}");
    }
    let again = stand.deploy();
    for stage in again["result"]["stages"].as_array().unwrap() {
        assert_eq!(stage["changed"], false, "{stage}");
    }
    // The logs outlive the stacks, as in us-east-1.
    let removed = stand.remove();
    assert_eq!(names(&removed), ["logs", "cdn", "lambda-edge"]);
    let left = stand.account.state();
    let kept = |line: &String| line.starts_with("s3 ") || line.starts_with("kms ");
    assert!(left.iter().all(kept), "{left:#?}");
    assert!(
        left.iter().any(|line| line.contains("heart-dev-logs")),
        "{left:#?}"
    );
}

/// A third stage that the manifest no longer asks for would go on logging.
#[test]
fn a_stack_that_the_manifest_has_nothing_for_goes() {
    let stand = Stand::new();
    let elsewhere =
        format!("{MANIFEST}deploy: {{region: eu-west-1, terminationProtection: true}}\n");
    stand.write(&elsewhere);
    stand.deploy();
    stand.write(&format!(
        "{elsewhere}logs: {{access: {{enabled: false}}}}\n"
    ));
    let diff = stand.json(&["diff"]);
    let stages = diff["result"]["stages"].as_array().unwrap();
    let logs = stages.iter().find(|stage| stage["name"] == "logs").unwrap();
    let changes = logs["changes"].as_array().unwrap();
    assert!(
        changes.iter().all(|change| change["action"] == "Remove"),
        "{logs:#}"
    );
    let info = stand.json(&["info"]);
    assert_eq!(
        info["result"]["stages"].as_array().unwrap().len(),
        3,
        "{info:#}"
    );
    // It takes a yes, before anything is changed.
    let before = stand.account.state();
    let run = stand.run(&["deploy"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("heart-dev-logs"), "{run:#?}");
    assert_eq!(stand.account.state(), before);
    let run = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(stand.account.state(), before);
    let closing = stand.deploy();
    stand.serves(&closing);
    let info = stand.json(&["info"]);
    assert_eq!(
        info["result"]["stages"].as_array().unwrap().len(),
        2,
        "{info:#}"
    );
    let again = stand.deploy();
    for stage in again["result"]["stages"].as_array().unwrap() {
        assert_eq!(stage["changed"], false, "{stage}");
    }
    let kept = stand.account.state();
    assert!(
        kept.iter()
            .any(|line| line.starts_with("s3 ") && line.contains("heart-dev-logs"))
    );
}

#[test]
fn a_bucket_of_ones_own_is_used_and_nothing_else_in_it_goes() {
    let stand = Stand::new();
    let bucket = format!("own-{}", stand.account.number());
    stand.write(&format!("{MANIFEST}deploy: {{bucket: {bucket}}}\n"));
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains(&format!("there is no bucket {bucket}")),
        "{run:#?}"
    );
    stand
        .account
        .call("s3", "CreateBucket", json!({"Bucket": bucket}));
    stand.account.call(
        "s3",
        "PutObject",
        json!({"Bucket": bucket, "Key": "mine", "Body": "mine"}),
    );
    let closing = stand.deploy();
    stand.serves(&closing);
    let keys = || stand.keys_in(&bucket);
    // Two zips, two templates, a record, and what was there.
    assert_eq!(keys().len(), 6);
    assert!(
        keys()[0].starts_with("heart/dev/authorizer-"),
        "{:?}",
        keys()
    );
    assert!(!stand.has("frames-artifacts"));
    stand.remove();
    assert_eq!(keys(), ["mine"]);
}

#[test]
fn the_managed_bucket_is_private_encrypted_versioned_and_tls_only() {
    let stand = Stand::new();
    stand.deploy();
    let bucket = json!({"Bucket": stand.managed_bucket()});
    let ask = |operation: &str| stand.account.call("s3", operation, bucket.clone());
    let access = &ask("GetPublicAccessBlock")["PublicAccessBlockConfiguration"];
    for setting in [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ] {
        assert_eq!(access[setting], true);
    }
    let encryption = ask("GetBucketEncryption").to_string();
    assert!(encryption.contains("AES256"), "{encryption}");
    assert_eq!(ask("GetBucketVersioning")["Status"], "Enabled");
    let ownership = ask("GetBucketOwnershipControls").to_string();
    assert!(ownership.contains("BucketOwnerEnforced"), "{ownership}");
    let lifecycle = ask("GetBucketLifecycleConfiguration").to_string();
    assert!(lifecycle.contains("NoncurrentDays"), "{lifecycle}");
    let policy: Value =
        serde_json::from_str(ask("GetBucketPolicy")["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    assert_eq!(
        policy["Statement"][0]["Condition"],
        json!({"Bool": {"aws:SecureTransport": "false"}})
    );
}

/// Tags, termination protection and stack policy: set, changed, taken back.
#[test]
fn what_stands_beside_the_template() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{tags: {{team: imaging}}, terminationProtection: true}}\n"
    ));
    stand.deploy();
    for stack in ["heart-dev-lambda-edge", "heart-dev-cdn"] {
        let stack = stand.stack(stack);
        assert_eq!(stack["EnableTerminationProtection"], true);
        assert_eq!(stack["Tags"], json!([{"Key": "team", "Value": "imaging"}]));
    }
    let function = stand.account.call(
        "lambda",
        "GetFunction",
        json!({"FunctionName": "heart-dev-signer"}),
    );
    assert_eq!(function["Tags"]["team"], "imaging");
    let policy = stand.account.call(
        "cloudformation",
        "GetStackPolicy",
        json!({"StackName": "heart-dev-cdn"}),
    );
    let policy: Value = serde_json::from_str(policy["StackPolicyBody"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][1]["Effect"], "Deny");
    assert_eq!(
        policy["Statement"][1]["Resource"],
        json!(["LogicalResourceId/AccessLogs"])
    );

    // Only what isn't in the template changes: no stack is updated for it.
    stand.write(&format!("{MANIFEST}deploy: {{tags: {{team: imaging}}}}\n"));
    let from = stand.account.calls().len();
    let closing = stand.deploy();
    assert!(
        !stand.operations()[from..]
            .iter()
            .any(|name| name == "ExecuteChangeSet")
    );
    assert_eq!(closing["result"]["stages"][1]["changed"], true);
    assert_eq!(
        stand.stack("heart-dev-cdn")["EnableTerminationProtection"],
        false
    );
}

#[test]
fn the_log_bucket_is_never_replaced_and_outlives_its_place_in_the_template() {
    let stand = Stand::new();
    stand.deploy();
    let buckets = || -> Vec<String> {
        let state = stand.account.state().into_iter();
        state
            .filter(|line| line.contains("accesslogs") && line.starts_with("s3 buckets"))
            .collect()
    };
    assert_eq!(buckets().len(), 1);
    stand.write(&format!("{MANIFEST}logs: {{access: {{enabled: false}}}}\n"));
    let refused = stand.run(&["deploy"]);
    assert_eq!(
        refused.code, 1,
        "log deliveries go, which needs a yes: {refused:#?}"
    );
    assert!(refused.stderr.contains("--yes"), "{refused:#?}");
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(buckets().len(), 1, "the logs stay");
    assert!(!stand.has("deliver"));
}

#[test]
fn one_stage_alone() {
    let stand = Stand::new();
    let run = stand.run(&["deploy", "--yes", "--only", "cdn"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("stage lambda-edge is not deployed"),
        "{run:#?}"
    );
    let run = stand.run(&["deploy", "--yes", "--only", "edge"]);
    assert_eq!(run.code, 2, "{run:#?}");
    let run = stand.run(&["deploy", "--yes", "--only", "lambda-edge"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(stand.versions("heart-dev-signer"), ["1"]);
    assert!(stand.account.history().is_empty(), "no distribution yet");
    let closing = stand.deploy_with(&["--only", "cdn"]);
    stand.serves(&closing);
    assert_eq!(closing["result"]["stages"][0]["changed"], false);
}

#[test]
fn a_dry_run_changes_nothing() {
    let stand = Stand::new();
    let nothing = stand.account.state();
    let run = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for named in ["AuthorizerFunction", "Distribution", "nothing was changed"] {
        assert!(run.stderr.contains(named), "{run:#?}");
    }
    assert_eq!(stand.account.state(), nothing);
    stand.deploy();
    let state = stand.account.state();
    let stack = stand.stack("heart-dev-cdn");
    stand.write(&format!("{MANIFEST}delivery: {{priceClass: 100}}\n"));
    let run = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("PriceClass"), "{run:#?}");
    assert_eq!(stand.account.state(), state);
    assert_eq!(stand.stack("heart-dev-cdn"), stack);
    let sets = stand.account.call(
        "cloudformation",
        "ListChangeSets",
        json!({"StackName": "heart-dev-cdn"}),
    );
    let left = sets["Summaries"].as_array().unwrap().iter();
    let left: Vec<_> = left
        .filter(|set| set["ExecutionStatus"] == "AVAILABLE")
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_large_template_goes_through_the_bucket() {
    let stand = Stand::new();
    let outputs: String = (0..190)
        .map(|n| format!("        Output{n}: {{Value: '{}'}}\n", "x".repeat(300)))
        .collect();
    stand.write(&format!(
        "{MANIFEST}resources:\n    cdn:\n      Outputs:\n{outputs}"
    ));
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let template = stand.project.output("cdn.template.json");
    assert!(std::fs::metadata(template).unwrap().len() > 51_200);
    let keys = || stand.keys_in(&stand.managed_bucket());
    assert!(
        keys()
            .iter()
            .any(|key| key.contains("heart/dev/cdn-") && key.contains(".template.json")),
        "{:#?}",
        keys()
    );
    let from = stand.account.calls().len();
    let closing = stand.deploy();
    stand.serves(&closing);
    assert!(
        stand.account.calls()[from..]
            .iter()
            .all(|call| !call.is_mutating())
    );
    stand.remove();
    assert_eq!(keys(), Vec::<String>::new());
}
