//! Stacks in the states that earlier runs, or somebody else, left them in.

use super::consent::only_looked;
use super::reads::{reads_in, without_reads};
use super::told::says;
use super::{MANIFEST, Stand};
use crate::support::frames::Run;
use crate::support::pty::OnTerminal;
use serde_json::json;

const DEPLOY: [&str; 2] = ["deploy", "--yes"];

fn wanted() -> Vec<String> {
    let reference = Stand::new();
    reference.deploy();
    reference.account.state()
}

fn taken_up(stand: &Stand, said: &str) {
    let run = stand.run(&DEPLOY);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains(said), "{said}: {run:#?}");
    let closing = stand.deploy();
    stand.serves(&closing);
    stand.never_open();
}

/// An update of the distribution fails, and so does its rollback.
fn update_and_rollback_fail(stand: &Stand) -> Run {
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let failure = |action: &str| json!({"action": action, "type": "AWS::CloudFront::Distribution", "reason": "The moon is full"});
    stand
        .account
        .set(&json!({"failures": [failure("UPDATE"), failure("ROLLBACK")]}));
    let run = stand.run(&DEPLOY);
    assert_eq!(run.code, 1, "{run:#?}");
    stand.account.set(&json!({"failures": []}));
    run
}

#[test]
fn rolled_back_at_first() {
    for stage in ["lambda-edge", "cdn"] {
        let stand = Stand::new();
        let kind = if stage == "cdn" {
            "AWS::CloudFront::Distribution"
        } else {
            "AWS::Lambda::Version"
        };
        stand.account.fail("CREATE", kind, "*", "The moon is full");
        let run = stand.run(&DEPLOY);
        assert_eq!(run.code, 1, "{run:#?}");
        let name = format!("heart-dev-{stage}");
        assert_eq!(stand.stack(&name)["StackStatus"], "ROLLBACK_COMPLETE");
        let again = "was rolled back; run `frames deploy`, which deletes what is left";
        assert!(run.stderr.contains(again), "{run:#?}");
        stand.account.set(&json!({"failures": []}));
        // Nothing is left that anybody would have to agree to lose.
        let run = stand.run(&["deploy"]);
        let left = format!("what is left of stack {name} (ROLLBACK_COMPLETE)");
        assert!(run.code == 0 && run.stderr.contains(&left), "{run:#?}");
        let closing = stand.deploy();
        stand.serves(&closing);
        stand.never_open();
        assert_eq!(stand.account.state(), wanted());
    }
}

/// A change set for a new stack of that name, with this description.
fn a_change_set(stand: &Stand, description: &str) {
    let template = json!({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}});
    let set = json!({"StackName": "heart-dev-cdn", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": template.to_string(), "Description": description});
    stand.account.call("cloudformation", "CreateChangeSet", set);
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "REVIEW_IN_PROGRESS"
    );
}

/// The name is theirs: neither deployed over nor deleted.
#[test]
fn under_review_by_somebody_else() {
    let stand = Stand::new();
    a_change_set(&stand, "billing's");
    let before = stand.account.state();
    for arguments in [&DEPLOY[..], &["deploy", "--dry-run"], &["diff"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 1, "{run:#?}");
        let said = "stack heart-dev-cdn is under review: somebody else has made the change set c";
        assert!(run.stderr.contains(said), "{run:#?}");
    }
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("it is not deployed"), "{run:#?}");
    assert_eq!(stand.account.state(), before);
    // As the help says, where nobody needs it.
    let asked = json!({"StackName": "heart-dev-cdn"});
    stand.account.call("cloudformation", "DeleteStack", asked);
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn under_review() {
    let stand = Stand::new();
    a_change_set(&stand, "heart (dev): ");
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(stand.account.state(), wanted());
}

#[test]
fn a_rollback_that_failed() {
    let stand = Stand::new();
    stand.deploy();
    let old = stand.plan("dev");
    let run = update_and_rollback_fail(&stand);
    assert!(run.stderr.contains("the rollback failed too"), "{run:#?}");
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "UPDATE_ROLLBACK_FAILED"
    );
    taken_up(&stand, "the rollback of stack heart-dev-cdn");
    assert_ne!(stand.plan("dev"), old);
    assert_eq!(stand.versions("heart-dev-authorizer"), ["2"]);
}

#[test]
fn removed_from_a_rollback_that_failed() {
    let stand = Stand::new();
    stand.deploy();
    update_and_rollback_fail(&stand);
    stand.remove();
    stand.never_open();
    assert!(
        stand
            .account
            .state()
            .iter()
            .all(|line| line.starts_with("s3 ") || line.starts_with("kms ")),
        "{:#?}",
        stand.account.state()
    );
}

const HEADERS: &str = "AWS::CloudFront::ResponseHeadersPolicy";

/// Its removal can't be ended.
fn failing_to_go() -> Stand {
    let stand = Stand::new();
    stand.deploy();
    stand
        .account
        .fail("DELETE", HEADERS, "*", "The moon is full");
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert_eq!(stand.stack("heart-dev-cdn")["StackStatus"], "DELETE_FAILED");
    stand
}

/// It couldn't be ended before, and could be now.
fn half_deleted() -> Stand {
    let stand = failing_to_go();
    stand.account.set(&json!({"failures": []}));
    stand
}

#[test]
fn a_deletion_that_failed() {
    let stand = half_deleted();
    taken_up(
        &stand,
        "what is left of stack heart-dev-cdn (DELETE_FAILED)",
    );
}

#[test]
fn what_is_left_of_a_stack_is_shown_before_it_goes() {
    let stand = half_deleted();
    let (before, calls) = (stand.account.state(), stand.account.calls().len());
    let said = [
        "cdn (heart-dev-cdn): not compared: its deletion failed",
        "remove      ",
        HEADERS,
    ];
    says(&stand.run(&["diff"]), 0, &said);
    let run = stand.run(&["deploy"]);
    says(&run, 1, &said);
    says(&run, 1, &["nothing was changed", "--yes"]);
    only_looked(&stand, calls);
    assert_eq!(stand.account.state(), before);

    let mut asked = OnTerminal::start_with_columns(&mut stand.command(&["deploy"]), 250);
    asked.wait_for("It removes or replaces what is shown above");
    asked.write("y\n");
    let (code, shown) = asked.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(shown.matches("[y/N]").count(), 1, "{shown}");
    let closing = stand.deploy();
    stand.serves(&closing);
}

/// A yes is for its protection, too.
#[test]
fn what_is_left_of_a_protected_stack_goes_where_that_was_said() {
    let stand = half_deleted();
    let set = json!({"StackName": "heart-dev-cdn", "EnableTerminationProtection": true});
    let operation = "UpdateTerminationProtection";
    stand.account.call("cloudformation", operation, set);
    let said = "Its protection from deletion is taken off for that";
    says(&stand.run(&["deploy"]), 1, &[said, "nothing was changed"]);
    stand
        .account
        .fail("DELETE", HEADERS, "*", "The moon is full");
    says(&stand.run(&DEPLOY), 1, &[said, "The moon is full"]);
    let stack = stand.stack("heart-dev-cdn");
    assert_eq!(stack["StackStatus"], "DELETE_FAILED");
    assert_eq!(stack["EnableTerminationProtection"], true);
    stand.account.set(&json!({"failures": []}));
    says(&stand.run(&DEPLOY), 0, &[said]);
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn so_it_is_where_nothing_is_left_of_it() {
    let stand = Stand::new();
    let kind = "AWS::Lambda::Version";
    stand.account.fail("CREATE", kind, "*", "The moon is full");
    says(&stand.run(&DEPLOY), 1, &["The moon is full"]);
    stand.account.set(&json!({"failures": []}));
    let name = "heart-dev-lambda-edge";
    let set = json!({"StackName": name, "EnableTerminationProtection": true});
    let operation = "UpdateTerminationProtection";
    stand.account.call("cloudformation", operation, set);
    let said = "Its protection from deletion is taken off for that";
    says(&stand.run(&["deploy"]), 1, &[said, "nothing was changed"]);
    says(&stand.run(&DEPLOY), 0, &[said]);
}

#[test]
fn an_audit_record_that_goes_with_what_is_left_is_named() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}logs: {{audit: true}}\n"));
    stand.deploy();
    let kind = "AWS::Logs::LogGroup";
    stand.account.fail("DELETE", kind, "*", "The moon is full");
    says(&stand.run(&["remove", "--yes"]), 1, &["The moon is full"]);
    stand.account.set(&json!({"failures": []}));
    says(
        &stand.run(&["deploy"]),
        1,
        &[
            "The audit record (`logs.audit`) of its Region goes with it",
            "AuthorizerLogGroup",
            "nothing was changed",
        ],
    );
    says(&stand.run(&DEPLOY), 0, &["Clearing"]);
}

/// At the first look, another run was still at work on it.
#[test]
fn what_another_run_leaves_of_a_stack_is_asked_for() {
    // Its distribution has to be off for that.
    let stand = failing_to_go();
    let (slow, fast) = (json!({"step": 3600}), json!({"step": 0.02}));
    stand.account.set(&slow);
    let stack = json!({"StackName": "heart-dev-cdn"});
    stand.account.call("cloudformation", "DeleteStack", stack);
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "DELETE_IN_PROGRESS"
    );
    let said = "stack heart-dev-cdn is DELETE_IN_PROGRESS: another run began that";
    let run = stand.waits(&["deploy"], said, || stand.account.set(&fast));
    says(
        &run,
        1,
        &[
            "To go what is left of stack heart-dev-cdn (DELETE_FAILED)",
            HEADERS,
            "there is no terminal to ask on: stack heart-dev-cdn is DELETE_FAILED",
            "run the same command again with --yes, which deletes that and goes on",
        ],
    );
    assert!(!run.stderr.contains("nothing was changed"), "{run:#?}");
    assert_eq!(stand.stack("heart-dev-cdn")["StackStatus"], "DELETE_FAILED");
    stand.account.set(&json!({"failures": []}));
    taken_up(
        &stand,
        "what is left of stack heart-dev-cdn (DELETE_FAILED)",
    );
}

/// The yes was for a stack that anybody may delete.
#[test]
fn protection_that_is_set_after_the_question_holds() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    stand.write(&without_reads("us-west-2"));
    let protect = |on: bool| {
        let set = json!({"StackName": "heart-dev-reads", "EnableTerminationProtection": on});
        let operation = "UpdateTerminationProtection";
        let at = "us-west-2";
        stand.account.call_in(at, "cloudformation", operation, set);
    };
    let protected =
        || stand.stack_in("us-west-2", "heart-dev-reads")["EnableTerminationProtection"] == true;
    let mut asked = OnTerminal::start_with_columns(&mut stand.command(&["deploy"]), 250);
    asked.wait_for("[y/N]");
    protect(true);
    asked.write("y\n");
    let (code, shown) = asked.end();
    assert_eq!(code, 1, "{shown}");
    let said = "stack heart-dev-reads was protected from deletion after its removal was shown";
    assert!(shown.contains(said), "{shown}");
    assert!(protected());

    // Seen, it is part of the question.
    let said = "It is removed, its protection from deletion included";
    says(&stand.run(&["deploy"]), 1, &[said]);
    says(&stand.run(&DEPLOY), 0, &[said]);
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn somebody_elses_operation() {
    let stand = Stand::new();
    stand.deploy();
    let (slow, fast) = (json!({"step": 3600}), json!({"step": 0.02}));
    stand.account.set(&slow);
    let tags = json!([{"Key": "by", "Value": "hand"}]);
    let stack = stand.stack("heart-dev-cdn");
    let parameters = stack["Parameters"].as_array().unwrap().iter();
    let parameters: Vec<_> = parameters
        .map(|own| json!({"ParameterKey": own["ParameterKey"], "UsePreviousValue": true}))
        .collect();
    let update = json!({"StackName": "heart-dev-cdn", "UsePreviousTemplate": true, "Tags": tags, "Parameters": parameters});
    stand.account.call("cloudformation", "UpdateStack", update);
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "UPDATE_IN_PROGRESS"
    );
    let said = "stack heart-dev-cdn is UPDATE_IN_PROGRESS: another run began that";
    let run = stand.waits(&DEPLOY, said, || stand.account.set(&fast));
    assert_eq!(run.code, 0, "{run:#?}");
    let closing = stand.deploy();
    stand.serves(&closing);
    stand.never_open();
    assert_eq!(
        stand.stack("heart-dev-cdn")["Tags"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}
