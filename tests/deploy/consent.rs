//! What a deployment takes away is agreed to before its first stage changes, once for all stages.
//! Without that, everything is as it was: by the word of each service, and not of frames. And what a
//! run that ends half way leaves behind still serves.

use super::history::{id, listed};
use super::reads::{reads_in, without_reads};
use super::rollback::snapshot;
use super::told::says;
use super::{MANIFEST, Stand, lines};
use crate::support::frames::Run;
use crate::support::pty::OnTerminal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// With all that is taken out again: policies of the cdn stack, and permissions in lambda-edge.
fn with_dicomweb() -> String {
    format!("{MANIFEST}delivery: {{dicomweb: true, metadata: true}}\n")
}

/// Everything there is: what each service has, the stacks' templates, and all that is in the bucket.
fn all(stand: &Stand) -> (Vec<String>, Vec<String>, Vec<String>) {
    let bucket = stand.managed_bucket();
    (
        stand.account.state(),
        snapshot(stand),
        stand.keys_in(&bucket),
    )
}

/// A deployment, and a rollback, that remove something: what to run, and from where.
fn taking() -> [(Stand, Vec<String>); 2] {
    let deploying = Stand::new();
    deploying.write(&with_dicomweb());
    deploying.deploy();
    deploying.write(MANIFEST);
    let back = Stand::new();
    back.deploy();
    let earlier = id(&listed(&back)[0]);
    back.write(&with_dicomweb());
    back.deploy();
    [
        (deploying, vec!["deploy".to_owned()]),
        (back, vec!["rollback".to_owned(), earlier]),
    ]
}

fn arguments(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

/// No call since then changed anything but change sets.
pub fn only_looked(stand: &Stand, from: usize) {
    let made = &stand.account.calls()[from..];
    let looks =
        |operation: &str| operation.ends_with("ChangeSet") && !operation.starts_with("Exec");
    let other = made.iter();
    let other = other.filter(|call| call.is_mutating() && !looks(call.operation()));
    assert_eq!(other.count(), 0, "{made:#?}");
}

#[test]
fn without_a_terminal_nothing_changes() {
    for (stand, command) in taking() {
        let (before, calls) = (all(&stand), stand.account.calls().len());
        let run = stand.run(&arguments(&command));
        says(
            &run,
            1,
            &[
                "cdn (heart-dev-cdn): ",
                "remove ",
                "AWS::CloudFront::OriginRequestPolicy",
                "SignerReadPolicy",
                "medical-imaging:GetImageSetMetadata",
                "nothing was changed",
                "--yes",
            ],
        );
        only_looked(&stand, calls);
        assert_eq!(all(&stand), before);
        let live = listed(&stand).remove(0);
        assert_eq!(live["live"], true, "{live:#}");
    }
}

#[test]
fn a_no_leaves_everything_as_it_was_and_a_yes_is_for_all_stages() {
    for (stand, command) in taking() {
        let (before, calls) = (all(&stand), stand.account.calls().len());
        let mut asked = OnTerminal::start(&mut stand.command(&arguments(&command)));
        asked.wait_for("[y/N]");
        asked.write("n\n");
        let (code, shown) = asked.end();
        assert_eq!(code, 1, "{shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
        only_looked(&stand, calls);
        assert_eq!(all(&stand), before);

        let mut asked = OnTerminal::start(&mut stand.command(&arguments(&command)));
        asked.wait_for("[y/N]");
        let first = asked.shown();
        assert!(first.contains("OriginRequestPolicy"), "{first}");
        asked.write("y\n");
        let (code, shown) = asked.end();
        assert_eq!(code, 0, "{shown}");
        assert_eq!(shown.matches("[y/N]").count(), 1, "{shown}");
        stand.never_open();
        assert_eq!(listed(&stand)[0]["live"], true);
    }
}

/// What the role of the function may do, whose versions the edge runs.
fn permitted(stand: &Stand) -> BTreeSet<String> {
    let (_, statements) = stand.permitted("heart-dev-signer");
    let actions = statements
        .iter()
        .flat_map(|it| it["Action"].as_array().unwrap());
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// The distribution couldn't be changed, so it sends what it sent before.
#[test]
fn permissions_stay_until_the_distribution_has_let_go() {
    for (manifest, then, used) in [
        (
            with_dicomweb(),
            MANIFEST.to_owned(),
            "medical-imaging:GetImageSetMetadata",
        ),
        (
            with_dicomweb(),
            MANIFEST.to_owned(),
            "medical-imaging:SearchDICOMStudies",
        ),
        (
            reads_in("us-west-2"),
            without_reads("us-west-2"),
            "lambda:InvokeFunctionUrl",
        ),
    ] {
        let stand = Stand::new();
        stand.write(&manifest);
        stand.deploy();
        let before = permitted(&stand);
        assert!(before.contains(used), "{before:?}");
        stand.write(&then);
        let kind = "AWS::CloudFront::Distribution";
        stand
            .account
            .fail("UPDATE", kind, "Distribution", "The moon is full");
        says(&stand.run(&["deploy", "--yes"]), 1, &["The moon is full"]);
        assert_eq!(permitted(&stand), before, "{used}");
        // Not even a run that fails twice.
        says(&stand.run(&["deploy", "--yes"]), 1, &["The moon is full"]);
        assert_eq!(permitted(&stand), before, "{used}");

        stand.account.set(&json!({"failures": []}));
        let run = stand.run(&["deploy", "--yes", "--format", "json"]);
        assert_eq!(run.code, 0, "{run:#?}");
        let events = lines(&run);
        let at = |resource: &str, status: &str| {
            let is = |event: &Value| event["resource"] == resource && event["status"] == status;
            events.iter().rposition(is)
        };
        let switched = at("Distribution", "UPDATE_COMPLETE");
        let narrowed =
            at("SignerReadPolicy", "UPDATE_COMPLETE").max(at("SignerRole", "UPDATE_COMPLETE"));
        // The ids have a hash in other Regions, and the policy is gone there.
        if used.starts_with("medical-imaging") {
            assert!(switched.is_some() && narrowed > switched, "{run:#?}");
        }
        assert!(!permitted(&stand).contains(used), "{used}");
        let fresh = Stand::new();
        fresh.write(&then);
        fresh.deploy();
        assert_eq!(permitted(&stand), permitted(&fresh));
        says(
            &stand.run(&["diff", "--exit-code"]),
            0,
            &["nothing changes"],
        );
    }
}

/// A name made of what an earlier stage has yet to make: only the last change set tells that the
/// resource is replaced.
fn with_an_own_group(audience: &str) -> String {
    let number = "'Fn::Select': [7, {'Fn::Split': [':', {Ref: AuthorizerVersionArn}]}]";
    let name = format!("{{'Fn::Join': ['-', ['/own', {{{number}}}]]}}");
    let group = format!("{{Type: 'AWS::Logs::LogGroup', Properties: {{LogGroupName: {name}}}}}");
    let manifest = MANIFEST.replace("audience: frames", &format!("audience: {audience}"));
    format!("{manifest}resources: {{cdn: {{Resources: {{Own: {group}}}}}}}\n")
}

#[test]
fn what_nobody_could_foresee_is_asked_then_in_true_words() {
    const ALLOWED: &str = "--allow-unsafe-overlay";
    for on_terminal in [true, false] {
        let stand = Stand::new();
        stand.write(&with_an_own_group("frames"));
        stand.deploy_with(&[ALLOWED]);
        let first = id(&listed(&stand)[0]);
        stand.write(&with_an_own_group("images"));
        let mut deploy = stand.command(&["deploy", ALLOWED]);
        let (code, shown) = if on_terminal {
            let mut asked = OnTerminal::start_with_columns(&mut deploy, 250);
            asked.wait_for("It removes or replaces what couldn't be known before: Own. [y/N]");
            asked.write("n\n");
            asked.end()
        } else {
            let run = Run::of(&mut deploy);
            (run.code, run.stderr)
        };
        assert_eq!(code, 1, "{shown}");
        let yes = if on_terminal { "" } else { " --yes" };
        for said in [
            "Own (AWS::Logs::LogGroup)",
            "stage lambda-edge is changed, cdn isn't",
            &format!("`frames deploy{yes}` goes on, `frames rollback` goes back"),
        ] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
        assert!(!shown.contains("nothing was changed"), "{shown}");
        let history = stand.run(&["history"]);
        let note = "none of these is deployed as a whole: `frames deploy` goes on with the newest";
        says(&history, 0, &["didn't come to its end", note, &first]);
        assert!(listed(&stand).iter().all(|one| one["live"] == false));
        // What it needs is there by now, so the next run knows from the beginning.
        let calls = stand.account.calls().len();
        let again = stand.run(&["deploy", ALLOWED]);
        says(
            &again,
            1,
            &["Own (AWS::Logs::LogGroup)", "nothing was changed"],
        );
        only_looked(&stand, calls);

        // As it says.
        let back = stand.run(&["rollback", "--yes", ALLOWED]);
        says(&back, 0, &[&first]);
        let newest = listed(&stand).remove(0);
        assert_eq!((id(&newest), &newest["live"]), (first, &json!(true)));
        let closing = stand.deploy_with(&[ALLOWED]);
        stand.serves(&closing);
    }
}

/// Nothing of it is made up: a version that isn't published has no number yet.
#[test]
fn a_dry_run_says_what_diff_says() {
    let stand = Stand::new();
    stand.deploy();
    let first = id(&listed(&stand)[0]);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    for dry in [&["deploy", "--dry-run"][..], &["diff"]] {
        let run = stand.run(dry);
        says(&run, 0, &["uses the new AuthorizerVersion"]);
        assert!(!run.stderr.contains("Unchanged"), "{run:#?}");
    }
    stand.deploy();
    let dry = stand.run(&["rollback", &first, "--dry-run"]);
    says(
        &dry,
        0,
        &["uses the new AuthorizerVersion", "nothing was changed"],
    );
    assert!(!dry.stderr.contains("Unchanged"), "{dry:#?}");

    stand.write(&with_dicomweb());
    let diff = stand.run(&["diff"]);
    says(&diff, 0, &["known after deploy (AuthorizerVersionArn)"]);
    assert!(!diff.stdout.contains("heart-dev-authorizer:"), "{diff:#?}");
}

#[test]
fn what_goes_with_its_stack_isnt_called_kept() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    stand.write(&without_reads("us-west-2"));
    let (diff, refused) = (stand.run(&["diff"]), stand.run(&["deploy"]));
    for (run, code) in [(diff, 0), (refused, 1)] {
        says(
            &run,
            code,
            &[
                "reads (heart-dev-reads): 11 to remove",
                "remove      ReaderVersion",
            ],
        );
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains("keep        ReaderVersion"), "{all}");
    }
}

#[test]
fn what_is_live_already_isnt_compared_with_a_manifest() {
    let stand = Stand::new();
    stand.deploy();
    let first = id(&listed(&stand)[0]);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    let run = stand.run(&["rollback", &first]);
    says(&run, 0, &["equals this deployment, which is live already"]);
    assert!(!run.stderr.contains("manifest"), "{run:#?}");
}
