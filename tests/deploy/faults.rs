//! One fault at every call: it is asked again, and the end is the same. An everyday
//! run takes a sample of the faults.

use super::{MANIFEST, Stand, Target, each, each_sampled, undisturbed};
use crate::support::aws::{Aws, Proxy};
use serde_json::{Value, json};

fn kinds(target: Target) -> impl Iterator<Item = (Value, Target)> {
    let answer = |status: u16, code: &str| json!({"kind": "answer", "status": status, "code": code, "message": "Injected"});
    // S3 throttles in its own way, which an answer without a body tells by its status.
    let throttle = match target.service.as_str() {
        "s3" => answer(503, "SlowDown"),
        _ => answer(400, "ThrottlingException"),
    };
    let mut all = vec![
        throttle,
        answer(500, "InternalFailure"),
        json!({"kind": "reset"}),
    ];
    if target.mutating {
        all.push(json!({"kind": "lost"}));
    } else if target.nth > 1 {
        // What only asks doesn't care which time it is.
        all.clear();
    }
    all.into_iter().map(move |kind| (kind, target.clone()))
}

/// How many faults an everyday run takes of each command.
const SAMPLE: usize = 10;

fn faults_everywhere(test: &str, arguments: &[&str], first: impl Fn(&Stand) + Sync) {
    let (wanted, calls) = undisturbed(arguments, &first);
    let cases: Vec<_> = calls.into_iter().flat_map(kinds).collect();
    let name = |(kind, target): &(Value, Target)| {
        let code = kind["code"].as_str().or(kind["kind"].as_str());
        target.case(code.unwrap())
    };
    each_sampled(test, SAMPLE, cases, name, |(kind, target)| {
        let stand = Stand::new();
        first(&stand);
        let rule = stand.account.rule(target.rule(kind.clone()));
        let run = stand.run(arguments);
        assert!(rule.met(), "{target:?}");
        assert_eq!(run.code, 0, "{kind} {target:?}: {run:#?}");
        assert_eq!(stand.account.state(), wanted, "{kind} {target:?}: {run:#?}");
        stand.never_open();
    });
}

#[test]
fn a_deployment() {
    let test = "deploy::faults::a_deployment";
    faults_everywhere(test, &["deploy", "--yes"], |_| {});
}

#[test]
fn a_removal() {
    let test = "deploy::faults::a_removal";
    faults_everywhere(test, &["remove", "--yes"], |stand| {
        stand.deploy();
    });
}

/// On the wire: an upload is cut, an answer is cut.
#[test]
fn the_network() {
    let reference = Stand::new();
    reference.deploy();
    let wanted = reference.account.state();
    let faults = [
        json!({"operation": "PutObject", "times": 1, "request": {"cut_upload": {"after_bytes": 1000}}}),
        json!({"operation": "CreateChangeSet", "times": 1, "response": {"abort_bytes": 20}}),
        json!({"operation": "ExecuteChangeSet", "times": 2, "response": {"abort_bytes": 1}}),
        json!({"operation": "DescribeStackEvents", "times": 3, "reset": true}),
    ];
    each(faults.to_vec(), |fault| {
        let proxy = Proxy::start(Aws::shared());
        let account = Aws::shared().account();
        let account = account.through(proxy.endpoint());
        let stand = Stand::with(MANIFEST, account);
        proxy.rules(&json!([fault]));
        let closing = stand.deploy();
        assert!(!proxy.fired().is_empty(), "{fault}");
        stand.serves(&closing);
        assert_eq!(stand.account.state(), wanted, "{fault}");
    });
}

/// A fault that stays: it is said what failed, and the next run goes on.
#[test]
fn a_fault_that_stays() {
    let answer = |status: u16, code: &str, message: &str| json!({"kind": "answer", "count": 1000, "status": status, "code": code, "message": message});
    let denied = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: cloudformation:ExecuteChangeSet on resource: arn:aws:cloudformation:x because no identity-based policy allows it";
    let cases = [
        (
            answer(
                403,
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            "credentials have expired",
            "sign in again",
        ),
        (
            answer(403, "RequestExpired", "Request has expired"),
            "clock",
            "set the clock",
        ),
        (
            answer(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 20200101T000000Z is now earlier than 20201122T000000Z",
            ),
            "clock",
            "set the clock",
        ),
        (
            answer(403, "AccessDenied", denied),
            "no permission for `cloudformation:ExecuteChangeSet`",
            "frames policy",
        ),
        (
            answer(403, "AccessDenied", "Access Denied"),
            "no permission for `cloudformation:ExecuteChangeSet`",
            "frames policy",
        ),
        (
            answer(400, "Throttling", "Rate exceeded"),
            "keeps throttling",
            "goes on where",
        ),
        (
            answer(500, "InternalFailure", "Oh"),
            "AWS keeps failing",
            "goes on where",
        ),
        (
            json!({"kind": "reset", "count": 1000}),
            "can't be reached",
            "goes on where",
        ),
    ];
    let reference = Stand::new();
    reference.deploy();
    let wanted = reference.account.state();
    each(cases.to_vec(), |(fault, said, help)| {
        let stand = Stand::new();
        let target = Target {
            service: "cloudformation".to_owned(),
            operation: "ExecuteChangeSet".to_owned(),
            nth: 2,
            mutating: true,
        };
        stand.account.rule(target.rule(fault.clone()));
        let run = stand.run(&["deploy", "--yes"]);
        assert_eq!(run.code, 1, "{fault}: {run:#?}");
        assert!(
            run.stderr.contains(said) && run.stderr.contains(help),
            "{fault}: {run:#?}"
        );
        assert_eq!(run.stdout, "");
        stand.account.clear_rules();
        let closing = stand.deploy();
        stand.serves(&closing);
        assert_eq!(stand.account.state(), wanted);
    });
}
