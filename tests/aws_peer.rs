//! The tests' AWS does what the tests of deploy and remove rely on. This checks
//! our model of AWS, not AWS.

use crate::support::aws::{Account, Aws, Calls, Fault, When};
use crate::support::peers::peers;
use crate::support::root;
use serde_json::json;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A script of `tests/peers/aws/checks/`, for this account.
fn script(account: &Account, name: &str) -> Command {
    let mut command = Command::new(peers().program("python"));
    command
        .arg(root().join("tests/peers/aws/checks").join(name))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(account.environment());
    command
}

fn check(name: &str) {
    let account = Aws::shared().account();
    let Output {
        status,
        stdout,
        stderr,
    } = script(&account, name).output().unwrap();
    assert!(
        status.success(),
        "{name}\n{}{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
        Aws::shared().log()
    );
}

/// One call of a client that tries once: makes a bucket.
fn make_bucket(account: &Account, name: &str) -> Command {
    let mut command = script(account, "make_bucket.py");
    // Buckets have their names for themselves in the whole world.
    command.arg(bucket(account, name));
    command
}

fn bucket(account: &Account, name: &str) -> String {
    format!("{name}-{}", account.number())
}

fn has_bucket(account: &Account, name: &str) -> bool {
    account
        .state()
        .contains(&format!("s3 buckets global {name}-ACCOUNT"))
}

fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_call_is_held_until_its_caller_is_killed() {
    for (when, bucket, made) in [
        (When::Before, "held-before", false),
        (When::After, "held-after", true),
    ] {
        let account = Aws::shared().account();
        let hold = account.hold(Calls::Mutating, 1, when);
        let mut child = spawn(make_bucket(&account, bucket));
        assert!(hold.wait(PATIENCE), "{when:?}: no call came");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(has_bucket(&account, bucket), made, "{when:?}");
        account.clear_rules();
        assert!(make_bucket(&account, "another").status().unwrap().success());
    }
}

#[test]
fn faults_befall_the_nth_call() {
    let answer = Fault::Answer {
        status: 403,
        code: "ExpiredToken",
        message: "The provided token has expired.",
    };
    for (fault, bucket, said, made) in [
        (Fault::Throttle, "throttled", "ThrottlingException", false),
        (Fault::ServerError, "broken", "InternalFailure", false),
        (Fault::Reset, "reset", "Connection", false),
        (Fault::Lost, "lost", "Connection", true),
        (answer, "expired", "ExpiredToken", false),
    ] {
        let account = Aws::shared().account();
        let rule = account.fault(Calls::Any, 2, fault);
        assert!(make_bucket(&account, "first").status().unwrap().success());
        assert!(!rule.met());
        let output = make_bucket(&account, bucket).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains(said),
            "{fault:?}: {stderr}"
        );
        assert!(rule.met());
        assert_eq!(has_bucket(&account, bucket), made, "{fault:?}");
        assert!(make_bucket(&account, "third").status().unwrap().success());
    }
}

#[test]
fn calls_are_logged_without_what_they_carry() {
    let account = Aws::shared().account();
    assert!(make_bucket(&account, "logged").status().unwrap().success());
    let calls = account.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(
        (
            calls[0].service(),
            calls[0].operation(),
            calls[0].is_mutating(),
            calls[0].status()
        ),
        ("s3", "CreateBucket", true, Some(200))
    );
    assert!(!format!("{calls:?}").contains("Signature"));
}

#[test]
fn accounts_are_apart() {
    let (one, other) = (Aws::shared().account(), Aws::shared().account());
    assert_ne!(one.number(), other.number());
    assert!(make_bucket(&one, "apart").status().unwrap().success());
    assert_eq!(other.state(), Vec::<String>::new());
    assert_eq!(one.inventory().len(), 1, "{:?}", one.inventory());
}

#[test]
fn times_and_failures_are_set_for_an_account() {
    let account = Aws::shared().account();
    account.set(json!({"step": 0.01}));
    account.fail("CREATE", "AWS::S3::*", "*", "no room");
}
