//! What deployments leave in the artifact bucket, how long it stays, and what `frames history`
//! makes of it.

use super::told::says;
use super::{MANIFEST, Stand, closing};
use crate::support::frames::{Project, Run};
use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use std::process::Command;

/// The records in the bucket, the oldest first: keys and contents.
pub fn records(stand: &Stand) -> Vec<(String, Value)> {
    records_in(stand, &stand.managed_bucket())
}

pub fn records_in(stand: &Stand, bucket: &str) -> Vec<(String, Value)> {
    let mut keys = stand.keys_in(bucket);
    keys.retain(|key| key.contains("/deployments/"));
    keys.sort();
    let content = |key: String| {
        let text = object(stand, bucket, &key);
        let record = serde_json::from_str(&text).unwrap();
        (key, record)
    };
    keys.into_iter().map(content).collect()
}

pub fn object(stand: &Stand, bucket: &str, key: &str) -> String {
    let asked = json!({"Bucket": bucket, "Key": key});
    let found = stand.account.call("s3", "GetObject", asked);
    found["Body"].as_str().unwrap().to_owned()
}

pub fn put(stand: &Stand, key: &str, text: &str) {
    let object = json!({"Bucket": stand.managed_bucket(), "Key": key, "Body": text});
    stand.account.call("s3", "PutObject", object);
}

/// What `frames history` tells scripts, the newest first.
pub fn listed(stand: &Stand) -> Vec<Value> {
    let history = stand.json(&["history"]);
    history["result"]["deployments"].as_array().unwrap().clone()
}

pub fn id(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

fn tagged(tag: usize) -> String {
    format!("{MANIFEST}deploy: {{tags: {{number: '{tag}'}}}}\n")
}

#[test]
fn a_deployment_leaves_its_record() {
    let stand = Stand::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        let output = command.args(arguments).current_dir(stand.project.path());
        let output = output.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    let commit = git(&["rev-parse", "HEAD"]);
    stand.deploy();
    let left = records(&stand);
    let [(key, record)] = left.as_slice() else {
        panic!("{left:#?}");
    };
    let id = record["id"].as_str().unwrap();
    let time = record["time"].as_str().unwrap();
    let stamp = time.replace(['-', ':'], "");
    assert_eq!(*key, format!("heart/dev/deployments/{stamp}-{id}.json"));
    assert_eq!(record["state"], "done");
    assert_eq!(record["plan"], stand.plan("dev"));
    assert_eq!(record["account"], stand.account.number());
    assert_eq!(record["commit"], json!({"id": commit, "changed": false}));
    let keys = stand.keys_in(&stand.managed_bucket());
    for stage in record["plan"]["stages"].as_array().unwrap() {
        let template = &record["templates"][stage["name"].as_str().unwrap()];
        assert_eq!(template["sha256"], stage["templateSha256"]);
        assert!(keys.contains(&template["key"].as_str().unwrap().to_owned()));
        for zip in stage["artifacts"].as_array().unwrap() {
            assert!(keys.contains(&zip["key"].as_str().unwrap().to_owned()));
        }
    }

    // The same again leaves nothing more, and asks for nothing to be written.
    let calls = stand.account.calls().len();
    stand.deploy();
    assert_eq!(records(&stand), left);
    let made = &stand.account.calls()[calls..];
    assert!(made.iter().all(|call| call.operation() != "PutObject"));
    // Nor does a dry run, or one that fails before it changes anything.
    stand.write(&tagged(1));
    stand.run(&["deploy", "--dry-run"]);
    assert_eq!(records(&stand), left);
    stand.deploy();
    let second = &records(&stand)[1].1;
    assert_eq!(second["commit"], json!({"id": commit, "changed": true}));
}

/// A repository that somebody else made names programs of its own: git would run them to compare
/// files, with all that is in the environment.
#[test]
fn no_program_of_the_repository_is_started() {
    let stand = Stand::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        let status = command.args(arguments).current_dir(stand.project.path());
        assert!(status.status().unwrap().success(), "{arguments:?}");
    };
    git(&["init", "--quiet"]);
    stand.project.write("kept.txt", "one\n");
    stand
        .project
        .write(".gitattributes", "kept.txt filter=a.b\n");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    for setting in ["clean", "process"] {
        let program = format!("env > started-{setting}; cat");
        git(&["config", &format!("filter.a.b.{setting}"), &program]);
    }
    git(&["config", "filter.a.b.required", "true"]);
    // As long as before, so that git has to read it.
    stand.project.write("kept.txt", "two\n");
    let names = || {
        let files = std::fs::read_dir(stand.project.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    stand.deploy();
    let started = |name: &String| name.starts_with("started");
    assert!(!names().iter().any(started), "{:?}", names());
    // It was compared all the same.
    let changed = || records(&stand).pop().unwrap().1["commit"]["changed"].clone();
    assert_eq!(changed(), true);
    stand.project.write("kept.txt", "one\n");
    stand.write(&tagged(1));
    git(&[
        "-c",
        "filter.a.b.clean=",
        "-c",
        "filter.a.b.process=",
        "-c",
        "filter.a.b.required=false",
        "commit",
        "--quiet",
        "-am",
        "second",
    ]);
    stand.deploy();
    assert_eq!(changed(), false);
    assert!(!names().iter().any(started), "{:?}", names());
}

#[test]
fn history_lists_them() {
    let stand = Stand::new();
    let nothing = stand.run(&["history"]);
    says(&nothing, 1, &["heart (dev) is not deployed in account"]);
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    stand.write(&tagged(1));
    stand
        .account
        .fail("UPDATE", "AWS::CloudFront::Distribution", "*", "no");
    assert_eq!(stand.run(&["deploy", "--yes"]).code, 1);
    stand.account.set(&json!({"failures": []}));
    let shown = listed(&stand);
    let of = |member: &str| -> Vec<Value> { shown.iter().map(|it| it[member].clone()).collect() };
    assert_eq!(of("state"), ["begun", "done", "done"]);
    assert_eq!(of("kind"), ["deploy", "deploy", "deploy"]);
    // The first stage has the tags already, and the second one none.
    assert_eq!(of("live"), [false, false, false]);
    assert_eq!(shown[1]["changed"], json!(["lambda-edge (authorizer)"]));
    assert_eq!(shown[2]["changed"], json!(["everything"]));
    stand.deploy_with(&["--only", "cdn"]);
    stand.deploy();
    let shown = listed(&stand);
    assert_eq!(shown[0]["live"], true);
    assert_eq!(shown[1]["only"], "cdn");
    assert_eq!(shown[2]["state"], "begun", "{shown:#?}");

    // For people, times are those of their zone.
    let run = Run::of(stand.command(&["history"]).env("TZ", "Asia/Kolkata"));
    assert_eq!(run.code, 0, "{run:#?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let time = DateTime::parse_from_rfc3339(shown[0]["time"].as_str().unwrap()).unwrap();
    assert_eq!(time.offset().local_minus_utc(), 0);
    let there = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
    let time = time.with_timezone(&there).format("%Y-%m-%d %H:%M:%S");
    let first = format!("{}  {time} +05:30  deployment, live", id(&shown[0]));
    assert_eq!(lines[0], first, "{lines:#?}");
    assert!(lines[1].starts_with("    by arn:aws:"), "{lines:#?}");
    for part in [
        "deployment of cdn only",
        "deployment, didn't come to its end",
        "    changed: lambda-edge (authorizer)\n",
    ] {
        assert!(run.stdout.contains(part), "{part}: {run:#?}");
    }
    // No manifest is needed.
    let elsewhere = Project::empty();
    let mut command = elsewhere.command();
    command.args(["history", "--service", "heart", "--format", "json"]);
    let run = Run::of(command.envs(stand.account.environment()));
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(closing(&run)["result"]["deployments"], json!(shown));
}

/// What was deployed by a frames that left none gets one with the next deployment.
#[test]
fn a_deployment_without_a_record_gets_one() {
    let stand = Stand::new();
    stand.deploy();
    let (key, first) = records(&stand).pop().unwrap();
    let deleted = json!({"Bucket": stand.managed_bucket(), "Key": key});
    stand.account.call("s3", "DeleteObject", deleted);
    let none = stand.run(&["history"]);
    says(&none, 0, &["by a frames that left no records"]);
    says(
        &stand.run(&["rollback"]),
        1,
        &["there is nothing to go back to"],
    );
    stand.deploy();
    let (_, again) = records(&stand).pop().unwrap();
    assert_eq!(
        (&again["id"], &again["state"]),
        (&first["id"], &json!("done"))
    );
    assert_eq!(listed(&stand)[0]["live"], true);
}

#[test]
fn as_many_are_kept_as_the_manifest_says() {
    let stand = Stand::new();
    let keeping = |audience: usize| {
        let manifest = MANIFEST.replace("audience: frames", &format!("audience: a{audience}"));
        stand.write(&format!("{manifest}deploy: {{keep: 2}}\n"));
        stand.deploy();
    };
    keeping(0);
    keeping(1);
    let before = stand.keys_in(&stand.managed_bucket());
    keeping(2);
    let ids: Vec<Value> = records(&stand)
        .into_iter()
        .map(|it| it.1["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    let now = stand.keys_in(&stand.managed_bucket());
    // Two authorizers, one signer; two templates of lambda-edge, one of cdn; two records.
    assert_eq!(now.len(), 8, "{now:#?}");
    assert!(before.iter().any(|key| !now.contains(key)));
    // Going back and forth loses none of them.
    for _ in 0..3 {
        says(&stand.run(&["rollback", "--yes"]), 0, &[]);
    }
    let left: Vec<Value> = records(&stand)
        .into_iter()
        .map(|it| it.1["id"].clone())
        .collect();
    assert_eq!(left.len(), 5);
    assert!(left.iter().all(|id| ids.contains(id)));
    // A bucket whose records frames can't read loses nothing.
    put(
        &stand,
        "heart/dev/deployments/20200101T000000.000Z-0123456789ab.json",
        "{}",
    );
    let before = stand.keys_in(&stand.managed_bucket());
    keeping(3);
    let after = stand.keys_in(&stand.managed_bucket());
    assert!(before.iter().all(|key| after.contains(key)));
    let skipped = stand.run(&["history"]);
    says(
        &skipped,
        0,
        &["0123456789ab.json, which is no record that this frames can read"],
    );
}

/// A record that somebody planted takes the place of no other, where it can't be deployed. What is
/// deleted can be had back from the bucket.
#[test]
fn planted_records_lose_nothing_for_good() {
    let stand = Stand::new();
    let keeping = |audience: usize, keep: usize| {
        let manifest = MANIFEST.replace("audience: frames", &format!("audience: a{audience}"));
        stand.write(&format!("{manifest}deploy: {{keep: {keep}}}\n"));
        stand.deploy();
    };
    keeping(0, 2);
    keeping(1, 2);
    let own = records(&stand);
    // The newest, and of the first one's id; but nobody could deploy it here.
    let mut planted = own[0].1.clone();
    let time = format!("{}999Z", &own[1].1["time"].as_str().unwrap()[..20]);
    planted["time"] = json!(time);
    planted["account"] = json!("444455556666");
    let (stamp, first) = (time.replace(['-', ':'], ""), id(&planted));
    let key = format!("heart/dev/deployments/{stamp}-{first}.json");
    put(&stand, &key, &planted.to_string());
    let before = stand.keys_in(&stand.managed_bucket());
    keeping(2, 2);
    let left: Vec<String> = records(&stand).into_iter().map(|it| it.0).collect();
    assert!(left.contains(&own[1].0), "{left:#?}");
    assert!(!left.contains(&own[0].0), "{left:#?}");
    // Of what is deleted, the bucket still has the versions.
    let now = stand.keys_in(&stand.managed_bucket());
    let gone: Vec<&String> = before.iter().filter(|key| !now.contains(key)).collect();
    let asked = json!({"Bucket": stand.managed_bucket()});
    let found = stand.account.call("s3", "ListObjectVersions", asked);
    let versions = found["Versions"].as_array().unwrap();
    assert!(gone.contains(&&own[0].0), "{gone:#?}");
    for key in gone {
        assert!(
            versions.iter().any(|one| one["Key"] == **key),
            "{key}: {versions:#?}"
        );
    }
}

/// Somebody may not delete, or a lock holds the objects: it is deployed all the same.
#[test]
fn what_cannot_be_deleted_fails_no_deployment() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}deploy: {{keep: 1}}\n"));
    stand.deploy();
    let other = MANIFEST.replace("audience: frames", "audience: images");
    stand.write(&format!("{other}deploy: {{keep: 1}}\n"));
    let rule = stand.account.rule(json!({
        "kind": "answer", "status": 403, "code": "AccessDenied",
        "message": "no", "operation": "DeleteObjects", "count": 10,
    }));
    let run = stand.run(&["deploy", "--yes"]);
    says(
        &run,
        0,
        &["Warning everything is deployed", "s3:DeleteObject"],
    );
    assert!(rule.met());
    stand.account.clear_rules();
    let shown = listed(&stand);
    assert_eq!(shown.len(), 2);
    assert_eq!(
        (&shown[0]["state"], &shown[0]["live"]),
        (&json!("done"), &json!(true))
    );
}

/// The bucket's own rule leaves alone what is there now.
#[test]
fn no_lifecycle_rule_takes_what_is_kept() {
    let stand = Stand::new();
    stand.deploy();
    let asked = json!({"Bucket": stand.managed_bucket()});
    let found = stand
        .account
        .call("s3", "GetBucketLifecycleConfiguration", asked);
    let rules = found["Rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{rules:#?}");
    assert_eq!(
        rules[0]["Expiration"],
        json!({"ExpiredObjectDeleteMarker": true})
    );
    assert_eq!(
        rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"],
        30
    );
}

#[test]
fn a_removal_takes_the_records_and_leaves_what_else_is_there() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&tagged(1));
    stand.deploy();
    let theirs = "heart/dev/deployments/notes.txt";
    put(&stand, theirs, "mine");
    stand.remove();
    assert_eq!(stand.keys_in(&stand.managed_bucket()), [theirs]);
    says(&stand.run(&["history"]), 1, &["is not deployed"]);
    says(&stand.run(&["rollback"]), 1, &["is not deployed"]);
}
