//! `frames remove` deletes what is this environment's own, after it has shown it and asked: objects
//! of frames' own form, logs of its own functions, and nothing that merely has a fitting name.

mod shown;

use super::{MANIFEST, PATIENCE, Stand, closing};
use serde_json::{Value, json};

const ZIP: &str = "authorizer-0123456789abcdef.zip";
const TEMPLATE: &str = "cdn-0123456789abcdef.template.json";

/// Somebody's, below the prefix of `heart` in `dev`, and beside it.
const OTHERS: &[&str] = &[
    "heart/dev/2026/authorizer-0123456789abcdef.zip",
    "heart/dev/authorizer-0123456789ABCDEF.zip",
    "heart/dev/authorizer-0123456789abcdef.zip.bak",
    "heart/dev/backup-0123456789abcdef.zip",
    "heart/dev/report.pdf",
    "heart/dev2/authorizer-0123456789abcdef.zip",
    "heart/prod/authorizer-0123456789abcdef.zip",
    "heart-2/dev/signer-0123456789abcdef.zip",
    "signer-0123456789abcdef.zip",
];

/// A bucket of the company's, with other things in it.
fn company_data(stand: &Stand, versioned: bool) -> String {
    let bucket = format!("company-data-{}", stand.account.number());
    let made = json!({"Bucket": bucket});
    stand.account.call("s3", "CreateBucket", made);
    if versioned {
        let asked = json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}});
        stand.account.call("s3", "PutBucketVersioning", asked);
    }
    for key in OTHERS {
        put(stand, &bucket, key);
    }
    stand.write(&format!("{MANIFEST}deploy: {{bucket: {bucket}}}\n"));
    bucket
}

fn put(stand: &Stand, bucket: &str, key: &str) {
    let object = json!({"Bucket": bucket, "Key": key, "Body": "theirs"});
    stand.account.call("s3", "PutObject", object);
}

/// Every version, and every delete marker, however many pages they fill.
fn versions(stand: &Stand, bucket: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut asked = json!({"Bucket": bucket});
    loop {
        let page = stand
            .account
            .call("s3", "ListObjectVersions", asked.clone());
        for kind in ["Versions", "DeleteMarkers"] {
            let found = page[kind].as_array().into_iter().flatten();
            all.extend(found.map(|version| version["Key"].as_str().unwrap().to_owned()));
        }
        if page["IsTruncated"] != true {
            all.sort();
            return all;
        }
        asked["KeyMarker"] = page["NextKeyMarker"].clone();
        asked["VersionIdMarker"] = page["NextVersionIdMarker"].clone();
    }
}

fn others() -> Vec<String> {
    let mut others: Vec<String> = OTHERS.iter().map(|key| (*key).to_owned()).collect();
    others.sort();
    others
}

fn a_group_in(stand: &Stand, region: &str, name: &str) {
    let asked = json!({"logGroupName": name});
    stand
        .account
        .call_in(region, "logs", "CreateLogGroup", asked);
}

#[test]
fn where_nothing_is_its_own_nothing_goes_and_nothing_is_asked() {
    for versioned in [false, true] {
        let stand = Stand::new();
        let bucket = company_data(&stand, versioned);
        for arguments in [
            &["remove"][..],
            &["remove", "--yes"],
            &["remove", "--dry-run"],
        ] {
            let run = stand.run(arguments);
            assert_eq!(run.code, 0, "{run:#?}");
            assert!(run.stderr.contains("it is not deployed"), "{run:#?}");
            let kept =
                format!("objects below heart/dev/ in bucket {bucket} that frames didn't make:");
            let line = run.stderr.lines().find(|line| line.contains(&kept));
            let line = line.unwrap_or_else(|| panic!("{run:#?}"));
            assert!(
                line.contains("Keeping") && line.ends_with("2 more"),
                "{line}"
            );
            assert_eq!(versions(&stand, &bucket), others());
        }
    }
}

#[test]
fn artifacts_are_asked_for_where_no_stack_is_left() {
    let stand = Stand::new();
    let bucket = company_data(&stand, true);
    for key in [ZIP, TEMPLATE] {
        let key = format!("heart/dev/{key}");
        put(&stand, &bucket, &key);
        put(&stand, &bucket, &key);
    }
    let deleted = json!({"Bucket": bucket, "Key": format!("heart/dev/{ZIP}")});
    stand.account.call("s3", "DeleteObject", deleted);
    let before = versions(&stand, &bucket);
    assert_eq!(before.len(), OTHERS.len() + 5);

    let run = stand.run(&["remove"]);
    assert_eq!(run.code, 1, "{run:#?}");
    for said in [
        "--yes",
        ZIP,
        TEMPLATE,
        "2 artifacts in bucket",
        "in 5 versions",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
    assert!(!run.stderr.contains("report.pdf ("), "{run:#?}");
    assert_eq!(versions(&stand, &bucket), before);

    let run = stand.run(&["remove", "--dry-run", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let artifacts = &closing(&run)["result"]["artifacts"];
    let keys = json!([format!("heart/dev/{ZIP}"), format!("heart/dev/{TEMPLATE}")]);
    assert_eq!(artifacts["keys"], keys);
    assert_eq!(artifacts["bucket"], bucket);
    assert_eq!(artifacts["others"].as_array().unwrap().len(), 5);
    assert_eq!(versions(&stand, &bucket), before);

    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("2 artifacts in bucket"), "{run:#?}");
    assert_eq!(versions(&stand, &bucket), others());
}

/// A thousand fit on a page of S3's list.
#[test]
fn own_objects_are_found_behind_many_others() {
    let stand = Stand::new();
    let bucket = company_data(&stand, true);
    for number in 0..1_010 {
        put(&stand, &bucket, &format!("heart/dev/a{number:04}"));
    }
    put(&stand, &bucket, &format!("heart/dev/{ZIP}"));
    put(&stand, &bucket, &format!("heart/dev/{TEMPLATE}"));
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("2 artifacts in bucket"), "{run:#?}");
    assert!(run.stderr.contains("1012 more"), "{run:#?}");
    assert_eq!(versions(&stand, &bucket).len(), OTHERS.len() + 1_010);
}

#[test]
fn log_groups_are_asked_for_where_no_stack_is_left() {
    let stand = Stand::new();
    a_group_in(&stand, "eu-west-1", "/frames/heart-dev-signer");
    a_group_in(&stand, "eu-west-1", "/frames/heart-dev-signers");
    let before = stand.account.state();
    let run = stand.run(&["remove"]);
    assert_eq!(run.code, 1, "{run:#?}");
    for said in [
        "--yes",
        "1 log group of",
        "/frames/heart-dev-signer (eu-west-1)",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:#?}");
    }
    assert_eq!(stand.account.state(), before);
    stand.remove();
    let left = stand.account.state();
    assert_eq!(left.len(), before.len() - 1, "{left:#?}");
    assert!(left[0].contains("/frames/heart-dev-signers"), "{left:#?}");
}

/// `a` in `b-c` and `a-b` in `c` have functions, and logs, of the same names.
#[test]
fn logs_of_a_function_of_another_service_stay() {
    let stand = Stand::new();
    stand.write(&MANIFEST.replace("service: heart", "service: heart-left"));
    stand.deploy();
    let group = "/frames/heart-left-dev-authorizer";
    a_group_in(&stand, "eu-west-1", group);
    // Its stack is gone, and left the functions: by `--abandon`, or in another way.
    stand.account.set(&json!({"replicas": 3600.0}));
    let run = stand.run(&["remove", "--yes", "--abandon"]);
    assert_eq!(run.code, 0, "{run:#?}");
    a_group_in(&stand, "eu-west-1", group);

    let theirs = MANIFEST.replace("service: heart", "service: heart-left");
    let ours = format!("{MANIFEST}environments: {{left-dev: {{}}}}\n");
    for (manifest, env) in [(&ours, "left-dev"), (&theirs, "dev")] {
        stand.write(manifest);
        let run = stand.run(&["remove", "--yes", "-e", env]);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stderr.contains("it is not deployed"), "{run:#?}");
        let said = "log groups of function heart-left-dev-authorizer in other Regions";
        assert!(run.stderr.contains(said), "{run:#?}");
    }
    let state = stand.account.state();
    let kept = format!("eu-west-1 {group}");
    assert!(state.iter().any(|line| line.ends_with(&kept)), "{state:#?}");
}

/// S3 refuses everybody but the owner, and so do we before anything is changed.
#[test]
fn a_bucket_of_another_account_is_refused() {
    let (stand, stranger) = (Stand::new(), Stand::new());
    let bucket = company_data(&stranger, true);
    put(&stranger, &bucket, &format!("heart/dev/{ZIP}"));
    let before = versions(&stranger, &bucket);
    stand.deploy();
    let state = stand.account.state();
    stand.write(&format!("{MANIFEST}deploy: {{bucket: {bucket}}}\n"));
    for arguments in [&["remove", "--yes"][..], &["remove", "--dry-run"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(
            run.stderr.contains("belongs to another account"),
            "{run:#?}"
        );
    }
    assert_eq!(versions(&stranger, &bucket), before);
    assert_eq!(stand.account.state(), state);
}

/// A key of one's own is the account's, and a bucket that an overlay adds is its owner's,
/// whatever their ids.
#[test]
fn what_isnt_frames_own_keeps_its_data() {
    let stand = Stand::new();
    let number = stand.account.number();
    let logs = format!("their-logs-{number}");
    stand
        .account
        .call("s3", "CreateBucket", json!({"Bucket": logs}));
    stand.write(&format!("{MANIFEST}logs: {{access: {{bucket: {logs}}}}}\n"));
    stand.deploy();
    // By hand, as an older overlay could.
    let template = stand.account.call(
        "cloudformation",
        "GetTemplate",
        json!({"StackName": "heart-dev-cdn", "TemplateStage": "Original"}),
    );
    let mut template: Value = match &template["TemplateBody"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        parsed => parsed.clone(),
    };
    let research = format!("research-{number}");
    template["Resources"]["AccessLogs"] = json!({
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "Properties": {"BucketName": research},
    });
    update(&stand, "heart-dev-cdn", &template);
    put(&stand, &research, "study.dcm");

    let run = stand.run(&["remove", "--yes", "--delete-logs"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let kept = "AccessLogs (AWS::S3::Bucket), which is kept: its DeletionPolicy says so";
    assert!(run.stderr.contains(kept), "{run:#?}");
    assert_eq!(versions(&stand, &research), ["study.dcm"]);
}

fn update(stand: &Stand, stack: &str, template: &Value) {
    let known = stand.stack(stack)["Parameters"].clone();
    let kept = known.as_array().cloned().unwrap_or_default();
    let kept: Vec<Value> = kept
        .iter()
        .map(|it| json!({"ParameterKey": it["ParameterKey"], "UsePreviousValue": true}))
        .collect();
    let asked = json!({
        "StackName": stack,
        "TemplateBody": template.to_string(),
        "Parameters": kept,
        "Capabilities": ["CAPABILITY_IAM"],
    });
    stand.account.call("cloudformation", "UpdateStack", asked);
    let deadline = std::time::Instant::now() + PATIENCE;
    while stand.stack(stack)["StackStatus"] != "UPDATE_COMPLETE" {
        assert!(
            std::time::Instant::now() < deadline,
            "{:#}",
            stand.stack(stack)
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// A first deployment that failed since the function's name is taken has the name of somebody
/// else's function among its resources.
#[test]
fn versions_of_a_function_that_stood_in_the_way_stay() {
    let stand = Stand::new();
    let theirs = a_function(&stand, "heart-dev-authorizer");
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("already exist"), "{run:#?}");
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(stand.versions("heart-dev-authorizer"), theirs);
}

/// A function with two versions, which no stack has.
fn a_function(stand: &Stand, name: &str) -> Vec<String> {
    let role = format!("arn:aws:iam::{}:role/billing", stand.account.number());
    // An archive with an empty file, all in ASCII.
    let zip = concat!(
        "PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00!\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00a",
        "PK\x01\x02\x14\x00\x14\x00\x00\x00\x00\x00\x00\x00!\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00 \x00\x00\x00\x00\x00\x00\x00a",
        "PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00/\x00\x00\x00\x1f\x00\x00\x00\x00\x00",
    );
    let asked = json!({"FunctionName": name, "Runtime": "python3.13", "Role": role, "Handler": "index.handler", "Code": {"ZipFile": zip}});
    stand.account.call("lambda", "CreateFunction", asked);
    for memory in [128, 256] {
        let asked = json!({"FunctionName": name, "MemorySize": memory});
        stand
            .account
            .call("lambda", "UpdateFunctionConfiguration", asked);
        let asked = json!({"FunctionName": name});
        stand.account.call("lambda", "PublishVersion", asked);
    }
    let versions = stand.versions(name);
    assert_eq!(versions, ["1", "2"]);
    versions
}

/// The stack lets go of it, so its versions are its owner's.
#[test]
fn versions_of_a_function_that_is_kept_stay() {
    let stand = Stand::new();
    stand.deploy();
    let asked = json!({"StackName": "heart-dev-lambda-edge", "TemplateStage": "Original"});
    let template = stand.account.call("cloudformation", "GetTemplate", asked);
    let mut template: Value = match &template["TemplateBody"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        parsed => parsed.clone(),
    };
    let mut function = template["Resources"]["SignerFunction"].clone();
    function["Properties"]["FunctionName"] = json!("billing");
    function["DeletionPolicy"] = json!("Retain");
    template["Resources"]["Billing"] = function;
    update(&stand, "heart-dev-lambda-edge", &template);
    let asked = json!({"FunctionName": "billing"});
    stand.account.call("lambda", "PublishVersion", asked);
    assert_eq!(stand.versions("billing"), ["1"]);
    stand.remove();
    assert_eq!(stand.versions("billing"), ["1"]);
}

/// DescribeStacks doesn't tell such a parameter's value.
#[test]
fn a_parameter_with_no_echo_goes_too() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Parameters: {{Name: {{Type: String, Default: mine, NoEcho: true}}}}, \
         Resources: {{Topic: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: !Ref Name}}}}}}}}}}\n"
    ));
    stand.deploy();
    stand.remove();
}

/// Without the key nobody would read what an overlay keeps.
#[test]
fn the_logs_key_stays_where_something_else_needs_it() {
    let stand = Stand::new();
    let blocked = "PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}";
    let encrypted = "BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: !Ref LogsKeyArn}}]}";
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Resources: {{Results: {{Type: 'AWS::S3::Bucket', DeletionPolicy: Retain, Properties: {{{blocked}, {encrypted}}}}}}}}}}}\n"
    ));
    stand.deploy();
    let run = stand.run(&["remove", "--yes", "--delete-logs"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let shown = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains(
            "LogsKey (AWS::KMS::Key), which is kept: it encrypts something else that is kept"
        ),
        "{shown}"
    );
    let keys = stand.account.call("kms", "ListKeys", json!({}));
    let states = keys["Keys"].as_array().unwrap().iter().map(|key| {
        let asked = json!({"KeyId": key["KeyId"]});
        let key = stand.account.call("kms", "DescribeKey", asked);
        key["KeyMetadata"]["KeyState"].clone()
    });
    assert!(states.into_iter().any(|state| state == "Enabled"));
}
