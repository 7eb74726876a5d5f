//! The tests' AWS does what the tests of deploy and remove rely on. This checks
//! our model of AWS, not AWS.

use crate::support::aws::{Account, Aws, Calls, Fault, Proxy, When};
use crate::support::peers::peers;
use crate::support::process::{PATIENCE, eventually, spawn};
use crate::support::{read, root};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

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
    let golden = root().join("tests/golden");
    let Output {
        status,
        stdout,
        stderr,
    } = script(&account, name).arg(golden).output().unwrap();
    assert!(
        status.success(),
        "{name}\n{}{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
        Aws::shared().log()
    );
}

/// One call of a client that tries once.
fn one_call(account: &Account, service: &str, operation: &str, parameters: &Value) -> Command {
    let mut command = script(account, "call.py");
    command.args([service, operation, &parameters.to_string()]);
    command
}

fn make_bucket(account: &Account, name: &str) -> Command {
    // Buckets have their names for themselves in the whole world.
    let parameters = json!({"Bucket": bucket(account, name)});
    one_call(account, "s3", "CreateBucket", &parameters)
}

fn bucket(account: &Account, name: &str) -> String {
    format!("{name}-{}", account.number())
}

fn has_bucket(account: &Account, name: &str) -> bool {
    account
        .state()
        .contains(&format!("s3 buckets global {name}-ACCOUNT"))
}

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
    assert!(one.history().is_empty());
}

#[test]
fn a_test_asks_the_services_itself() {
    let account = Aws::shared().account();
    let name = bucket(&account, "asked");
    account.call("s3", "CreateBucket", json!({"Bucket": name}));
    let buckets = account.call("s3", "ListBuckets", json!({}));
    assert_eq!(buckets["Buckets"][0]["Name"], json!(name));
    let missing = account.try_call(
        "eu-west-1",
        "lambda",
        "GetFunction",
        json!({"FunctionName": "no"}),
    );
    assert_eq!(missing.unwrap_err().0, "ResourceNotFoundException");
    assert!(account.calls().is_empty());
}

#[test]
fn the_proxy_makes_faults_on_the_wire() {
    let proxy = Proxy::start(Aws::shared());
    for (rule, said, made) in [
        (
            json!({"error": {"code": "ThrottlingException"}}),
            "ThrottlingException",
            false,
        ),
        (json!({"reset": true}), "ConnectionClosedError", false),
        (
            json!({"response": {"abort_bytes": 1}}),
            "ConnectionClosedError",
            true,
        ),
        (
            json!({"request": {"cut_upload": {"after_bytes": 1}}}),
            "ConnectionClosedError",
            false,
        ),
    ] {
        let account = Aws::shared().account();
        proxy.rules(&json!([rule]));
        let through = account.through(proxy.endpoint());
        let parameters = json!({"Name": "/a", "Value": "b".repeat(1000), "Type": "String"});
        let output = one_call(&through, "ssm", "PutParameter", &parameters)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains(said),
            "{rule}: {stderr}"
        );
        assert_eq!(!account.state().is_empty(), made, "{rule}: {stderr}");
    }
    assert_eq!(proxy.fired().len(), 4);
}

#[test]
fn the_proxy_hangs() {
    let proxy = Proxy::start(Aws::shared());
    proxy.rules(&json!([{"operation": "CreateBucket", "timeout_ms": 60_000}]));
    let account = Aws::shared().account();
    let mut child = spawn(make_bucket(&account.through(proxy.endpoint()), "hangs"));
    eventually("the proxy holds the call", || {
        (!proxy.fired().is_empty()).then_some(())
    });
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!has_bucket(&account, "hangs"));
}

#[test]
fn policies_are_enforced_for_a_user() {
    let account = Aws::with_auth().account();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "arn:aws:s3:::allowed-*"},
    ]});
    let user = account.as_user("deployer", &policy);
    assert!(make_bucket(&user, "allowed").status().unwrap().success());
    let output = make_bucket(&user, "other").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("AccessDenied") && stderr.contains("s3:CreateBucket"),
        "{stderr}"
    );
    assert!(has_bucket(&account, "allowed") && !has_bucket(&account, "other"));
    let store = json!({"datastoreId": "1".repeat(32)});
    let output = one_call(&user, "medical-imaging", "GetDatastore", &store)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("AccessDenied"));
}

#[test]
fn a_step_fails_for_as_long_as_the_test_wants() {
    let account = Aws::shared().account();
    account.set(&json!({"step": 0}));
    account.fail("CREATE", "AWS::Logs::*", "Group", "No more log groups");
    let template = json!({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}});
    let create = |name: &str| {
        let stack = json!({"StackName": name, "TemplateBody": template.to_string()});
        account.call("cloudformation", "CreateStack", stack);
        eventually("the stack settles", || {
            let stacks = account.call(
                "cloudformation",
                "DescribeStacks",
                json!({"StackName": name}),
            );
            let status = stacks["Stacks"][0]["StackStatus"]
                .as_str()
                .unwrap()
                .to_owned();
            (!status.ends_with("_IN_PROGRESS")).then_some(status)
        })
    };
    assert_eq!(create("failing"), "ROLLBACK_COMPLETE");
    account.set(&json!({"failures": []}));
    assert_eq!(create("working"), "CREATE_COMPLETE");
}

/// A version of MiniStack that lost two of the names that are used, and changed another.
#[test]
fn all_that_ministack_lacks_is_said_at_the_start() {
    const LOST: [&str; 2] = ["services.s3._delete_bucket", "services.waf._web_acls"];
    let output = Command::new(peers().program("python"))
        .arg(root().join("tests/peers/aws/checks/missing_names.py"))
        .args(LOST)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty(), "it listens");
    let pins = read("tests/peers/requirements.txt");
    let version = pins
        .lines()
        .find_map(|line| line.strip_prefix("ministack=="));
    let version = version.unwrap().split([' ', ';']).next().unwrap();
    assert!(
        stderr.contains(&format!("MiniStack {version} is installed")),
        "{stderr}"
    );
    for name in LOST {
        let (module, name) = name.rsplit_once('.').unwrap();
        assert!(
            stderr.contains(&format!("{module} {name} is missing")),
            "{stderr}"
        );
    }
    let changed = "services.cloudfront _find is (element), and not (el, tag)";
    assert!(stderr.contains(changed), "{stderr}");
    let named = stderr.lines().filter(|line| line.starts_with("  "));
    assert_eq!(named.count(), 3, "{stderr}");
}

macro_rules! checks {
    ($($name:ident),*) => {$(
        #[test]
        fn $name() {
            check(concat!(stringify!($name), ".py"));
        }
    )*};
}

checks!(
    buckets,
    change_sets,
    failures,
    one_seam,
    online,
    replicas,
    stacks,
    templates
);
