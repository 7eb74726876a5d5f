//! Each new version is invoked before the cdn stage takes it, for real: the tests' AWS runs the
//! uploaded zip under AWS's emulator and runtime client. What Lambda refuses before it
//! starts a version is our model of it: `tests/peers/aws/invoke.py`.

use super::{MANIFEST, PATIENCE, Stand, each};
use crate::support::aws::Aws;
use crate::support::emulator::foreign_program;
use crate::support::frames::{Project, Run};
use crate::support::read;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

const DEPLOY: [&str; 2] = ["deploy", "--yes"];

/// A cache of programs in which the authorizer's is another one.
struct Programs {
    caches: TempDir,
}

impl Programs {
    /// `damage` is done to the zip's bytes.
    fn with(stand: &Stand, program: &[u8], damage: fn(&mut [u8])) -> Self {
        let caches = tempfile::tempdir().unwrap();
        let ready = programs_of(stand);
        let directory = caches
            .path()
            .join("frames/functions")
            .join(ready.file_name().unwrap());
        let mut private = fs::DirBuilder::new();
        private
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .unwrap();
        let mut authorizer = base(program);
        damage(&mut authorizer);
        let ready = |name: &str| fs::read(ready.join(name)).unwrap();
        let mut sums = String::new();
        let zips = [
            ("authorizer.zip", authorizer),
            ("signer.zip", ready("signer.zip")),
            ("reader.zip", ready("reader.zip")),
        ];
        for (name, zip) in zips {
            sums += &format!("{:x}  {name}\n", Sha256::digest(&zip));
            fs::write(directory.join(name), zip).unwrap();
        }
        fs::write(directory.join("SHA256SUMS"), sums).unwrap();
        Self { caches }
    }

    fn deploy(&self, stand: &Stand) -> Run {
        let mut command = stand.command(&DEPLOY);
        Run::of(command.env("XDG_CACHE_HOME", self.caches.path()))
    }
}

/// Where the cache that all tests share has the programs of this very version.
fn programs_of(stand: &Stand) -> PathBuf {
    stand.project.package();
    let run = stand.project.frames(&["package", "-v"]);
    let mut lines = run.stderr.lines();
    let path = lines.find_map(|line| line.trim().strip_prefix("programs from "));
    Path::new(path.unwrap_or_else(|| panic!("{run:#?}"))).to_owned()
}

/// As frames makes it.
fn base(program: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let [index, child] =
        ["index.py", "child.py"].map(|name| read(&format!("functions/shim/{name}")));
    for (name, mode, content) in [
        ("bootstrap", 0o755, program),
        ("index.py", 0o644, index.as_bytes()),
        ("child.py", 0o644, child.as_bytes()),
    ] {
        let options = SimpleFileOptions::default().unix_permissions(mode);
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn nothing(_: &mut [u8]) {}

/// In the middle of the compressed program: the directory at the end stays whole.
fn in_the_middle(zip: &mut [u8]) {
    for byte in &mut zip[1_000..1_100] {
        *byte ^= 0xff;
    }
}

/// What no compression makes shorter.
fn noise() -> Vec<u8> {
    let blocks = 0..128_u32;
    blocks
        .flat_map(|n| Sha256::digest(n.to_le_bytes()))
        .collect()
}

fn invocations(stand: &Stand) -> usize {
    let operations = stand.operations();
    operations.iter().filter(|name| *name == "Invoke").count()
}

/// Neither the stack nor what it would have changed.
fn cdn_stands_as(stand: &Stand, before: &Value) {
    assert_eq!(cdn(stand), *before);
    let sets = json!({"StackName": "heart-dev-cdn"});
    let sets = stand
        .account
        .try_call("us-east-1", "cloudformation", "ListChangeSets", sets);
    let sets = sets.unwrap_or_else(|_| json!({"Summaries": []}));
    let sets = sets["Summaries"].as_array().unwrap().iter();
    let waiting = sets.filter(|set| set["ExecutionStatus"] != "EXECUTE_COMPLETE");
    assert_eq!(waiting.count(), 0);
}

fn cdn(stand: &Stand) -> Value {
    let asked = json!({"StackName": "heart-dev-cdn"});
    let stacks = stand
        .account
        .try_call("us-east-1", "cloudformation", "DescribeStacks", asked);
    let mut stack = stacks.map_or(Value::Null, |stacks| stacks["Stacks"][0].clone());
    // When somebody last looked for drift is no part of it.
    if let Some(stack) = stack.as_object_mut() {
        stack.remove("DriftInformation");
    }
    stack
}

fn refused(stand: &Stand, run: &Run, words: &[&str]) {
    assert_eq!(run.code, 1, "{run:#?}");
    assert_eq!(run.stdout, "");
    for words in words.iter().chain(&["stage cdn wasn't changed"]) {
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
    }
    for secret in ["AWS4-HMAC-SHA256", "ASIAEXAMPLE", "IQoJb3JpZ2lu"] {
        assert!(!run.stderr.contains(secret), "{run:#?}");
    }
    let sets = stand.operations();
    let sets = sets
        .iter()
        .filter(|name| *name == "CreateChangeSet")
        .count();
    assert_eq!(sets, 1, "of lambda-edge only: {run:#?}");
}

#[test]
fn a_broken_program_stops_a_first_deployment() {
    let script = |text: &str| format!("#!/bin/sh\n{text}\n").into_bytes();
    type Case<'a> = (&'a str, Vec<u8>, fn(&mut [u8]), &'a Value, &'a [&'a str]);
    // Seconds that it may take: more than what ends by itself needs on a busy machine.
    let (short, long) = (json!(10), json!(null));
    let cases: Vec<Case<'_>> = vec![
        (
            "a zip that can't be unpacked",
            noise(),
            in_the_middle,
            &long,
            &[
                "heart-dev-authorizer:1 can't be invoked: Lambda can't unpack its zip",
                "delete the cache",
            ],
        ),
        (
            "another architecture",
            foreign_program(),
            nothing,
            &long,
            &[
                "heart-dev-authorizer:1 doesn't run: its program isn't one for x86_64 Linux",
                "Exec format error",
                "delete the cache",
            ],
        ),
        (
            "a program that exits",
            script("echo 'out of order \x1b[2J' >&2; sleep 0.2; exit 3"),
            nothing,
            &long,
            &[
                "heart-dev-authorizer:1 doesn't answer: its program exits",
                "exit status 3",
                "out of order \\u{1b}[2J",
                "`deploy.launch: child`",
            ],
        ),
        (
            "a program that hangs",
            script("echo waiting >&2; exec sleep 600"),
            nothing,
            &short,
            &[
                "heart-dev-authorizer:1 doesn't answer: its program hangs",
                "Task timed out after 10.00 seconds",
                "waiting",
                "`deploy.launch: child`",
            ],
        ),
    ];
    each(cases, |(what, program, damage, timeout, words)| {
        let stand = Stand::new();
        stand.account.set(&json!({"timeout": timeout}));
        let run = Programs::with(&stand, program, *damage).deploy(&stand);
        refused(&stand, &run, words);
        cdn_stands_as(&stand, &Value::Null);
        assert_eq!(stand.account.history(), Vec::<Value>::new(), "{what}");
        // With the right program it goes on from there.
        stand.account.set(&json!({"timeout": null}));
        let closing = stand.deploy();
        stand.serves(&closing);
    });
}

#[test]
fn a_broken_program_stops_an_update_and_viewers_go_on() {
    let stand = Stand::new();
    stand.deploy();
    let (before, history) = (cdn(&stand), stand.account.history());
    let run = Programs::with(&stand, b"#!/bin/sh\nexit 3\n", nothing).deploy(&stand);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("heart-dev-authorizer:2 doesn't answer: its program exits"),
        "{run:#?}"
    );
    cdn_stands_as(&stand, &before);
    assert_eq!(stand.account.history(), history);
    // The old version is still there, and in use.
    assert_eq!(stand.versions("heart-dev-authorizer"), ["1", "2"]);
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(stand.versions("heart-dev-authorizer"), ["3"]);
}

#[test]
fn a_role_that_cannot_be_assumed() {
    let stand = Stand::new();
    stand.deploy();
    let before = cdn(&stand);
    let resource =
        json!({"StackName": "heart-dev-lambda-edge", "LogicalResourceId": "AuthorizerRole"});
    let resource = stand
        .account
        .call("cloudformation", "DescribeStackResource", resource);
    let role = &resource["StackResourceDetail"]["PhysicalResourceId"];
    let trusts = |service: &[&str]| {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let asked = json!({"RoleName": role, "PolicyDocument": policy.to_string()});
        stand.account.call("iam", "UpdateAssumeRolePolicy", asked);
    };
    trusts(&["ec2.amazonaws.com"]);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let run = stand.run(&DEPLOY);
    assert_eq!(run.code, 1, "{run:#?}");
    for words in [
        "heart-dev-authorizer:2 can't be invoked: Lambda can't assume its role",
        "`frames info --drift`",
        "stage cdn wasn't changed",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
    }
    cdn_stands_as(&stand, &before);
    assert!(invocations(&stand) > 4, "it waits for IAM for a while");
    trusts(&["lambda.amazonaws.com", "edgelambda.amazonaws.com"]);
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// What passes by itself is waited for.
#[test]
fn a_version_that_is_not_ready_yet() {
    let role = "The role defined for the function cannot be assumed by Lambda.";
    let pending = "The operation cannot be performed at this time. The function is currently in the following state: Pending";
    let cases = vec![
        (403, "AccessDeniedException", role, 2),
        (409, "ResourceConflictException", pending, 2),
        // The SDK asks five times before it says so.
        (429, "TooManyRequestsException", "Rate Exceeded.", 6),
    ];
    each(cases, |(status, code, message, count)| {
        let stand = Stand::new();
        let rule = json!({"kind": "answer", "operation": "Invoke", "count": count, "status": status, "code": code, "message": message});
        stand.account.rule(rule);
        let closing = stand.deploy();
        stand.serves(&closing);
        assert_eq!(invocations(&stand), 2 + count, "{code}");
    });
}

#[test]
fn who_may_not_invoke_is_told_which_permission_is_missing() {
    let stand = Stand::new();
    let message = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:heart-dev-authorizer:1 because no identity-based policy allows the lambda:InvokeFunction action";
    let rule = json!({"kind": "answer", "operation": "Invoke", "count": 100, "status": 403, "code": "AccessDeniedException", "message": message});
    stand.account.rule(rule);
    let run = stand.run(&DEPLOY);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr
            .contains("no permission for `lambda:InvokeFunction` on arn:aws:lambda:us-east-1"),
        "{run:#?}"
    );
    assert_eq!(invocations(&stand), 1);
    cdn_stands_as(&stand, &Value::Null);
}

/// The version that a slower run is about to try is deleted by the run that has overtaken it.
#[test]
fn a_version_that_another_run_has_replaced() {
    let stand = Stand::new();
    let held = stand
        .account
        .rule(json!({"kind": "hold-before", "operation": "Invoke"}));
    let slow = stand.command(&DEPLOY);
    let slow = std::thread::spawn(move || Run::of(&mut { slow }));
    assert!(held.wait(PATIENCE));
    let fast = Project::new(&MANIFEST.replace("audience: frames", "audience: images"));
    fast.write("jwks.json", read("tests/manifests/jwks.json"));
    let mut command = fast.command();
    let fast = Run::of(command.args(DEPLOY).envs(stand.account.environment()));
    assert_eq!(fast.code, 0, "{fast:#?}");
    assert_eq!(stand.versions("heart-dev-authorizer"), ["2"]);
    stand.account.clear_rules();
    let slow = slow.join().unwrap();
    assert_eq!(slow.code, 1, "{slow:#?}");
    assert!(
        slow.stderr
            .contains("another run changed stage lambda-edge"),
        "{slow:#?}"
    );
    stand.never_open();
}

/// A wrong answer is of no use, and only its status is shown.
#[test]
fn a_version_that_answers_something_else() {
    let signed = json!({"authorization": [{"key": "Authorization", "value": "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE"}]});
    let cases = vec![
        (
            json!({"status": "200", "headers": signed}),
            "answers with status 200",
        ),
        (
            json!({"uri": "/datastore", "headers": signed}),
            "answers with a request to pass on",
        ),
        (
            json!(["AWS4-HMAC-SHA256"]),
            "answers with neither a status nor a request",
        ),
    ];
    each(cases, |(body, words)| {
        let stand = Stand::new();
        stand
            .account
            .rule(json!({"kind": "answer", "operation": "Invoke", "status": 200, "body": body}));
        let run = stand.run(&DEPLOY);
        refused(&stand, &run, &[words, "but should answer with status 401"]);
        cdn_stands_as(&stand, &Value::Null);
    });
}

/// A stage that is left out, or an interruption, changes nothing about it: what cdn doesn't have yet is invoked.
#[test]
fn only_what_cdn_does_not_have_yet_is_invoked() {
    let stand = Stand::new();
    let invoked = |arguments: &[&str]| {
        let before = invocations(&stand);
        let run = stand.run(&[&DEPLOY, arguments].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
        invocations(&stand) - before
    };
    assert_eq!(invoked(&["--dry-run"]), 0);
    assert_eq!(invoked(&[]), 2);
    assert_eq!(invoked(&[]), 0);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    assert_eq!(invoked(&["--dry-run"]), 0);
    assert_eq!(invoked(&["--only", "lambda-edge"]), 1);
    assert_eq!(
        invoked(&["--only", "lambda-edge"]),
        1,
        "cdn doesn't have it yet"
    );
    assert_eq!(invoked(&["--only", "lambda-edge", "--dry-run"]), 0);
    assert_eq!(invoked(&["--only", "cdn"]), 1);
    assert_eq!(invoked(&["--only", "cdn"]), 0);
    assert_eq!(invoked(&[]), 0);
    let before = invocations(&stand);
    stand.remove();
    assert_eq!(invocations(&stand), before);
}

/// Every mode of the authorizer, and the other way to start the programs.
#[test]
fn each_kind_of_delivery_passes() {
    let manifests = vec![
        "service: heart\nauth: {mode: none}\n",
        "service: heart\nauth: {mode: none}\niam: {allow: [{datastore: 12345678901234567890123456789012}]}\n",
        "service: heart\nauth: {mode: none}\nhealthImaging: {region: eu-west-1}\ndelivery: {dicomweb: true}\ndeploy: {launch: child}\n",
    ];
    each(manifests, |manifest| {
        let stand = Stand::with(manifest, Aws::shared().account());
        stand
            .account
            .set(&json!({"datastores": {super::STORE: "ACTIVE"}}));
        let closing = stand.deploy();
        stand.serves(&closing);
        assert_eq!(invocations(&stand), 2);
    });
}

#[test]
fn the_programs_of_a_test_are_the_owners_alone() {
    // Else the cache would be refused, and every test above would pass for that reason.
    let stand = Stand::new();
    let programs = Programs::with(&stand, b"#!/bin/sh\nexit 3\n", nothing);
    let mode = programs.caches.path().join("frames").metadata().unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
    let run = Run::of(
        stand
            .command(&["package", "-v"])
            .env("XDG_CACHE_HOME", programs.caches.path()),
    );
    assert!(run.stderr.contains("programs from "), "{run:#?}");
}
