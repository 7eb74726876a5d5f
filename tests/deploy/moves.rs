//! A changed `deploy.region`, environment or service over something that is deployed: seen before
//! anything changes, and each way on that the help names goes on.

use super::{MANIFEST, Stand, closing};
use crate::support::aws::Aws;
use crate::support::frames::Run;
use serde_json::Value;

/// The commands in a help, without the words before and after them.
fn commands(run: &Run) -> Vec<Vec<String>> {
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = text.split('`').filter(|part| part.starts_with("frames "));
    quoted
        .map(|command| command.split(' ').skip(1).map(str::to_owned).collect())
        .collect()
}

/// Runs a command that the help names, which has to end well.
fn go_on(stand: &Stand, refused: &Run, begins: &[&str]) -> Run {
    let named = commands(refused);
    let command = named
        .iter()
        .find(|command| command.iter().zip(begins).all(|(is, was)| is == was))
        .unwrap_or_else(|| panic!("{begins:?}: {refused:#?}"));
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push("--yes");
    let run = stand.run(&arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
    run
}

/// Every command that would go by the new names is refused with these words, and changes nothing.
fn refused(stand: &Stand, more: &[&str], words: &[&str]) -> Run {
    let (state, calls) = (stand.account.state(), stand.account.calls().len());
    let mut last = None;
    for command in [
        &["diff"][..],
        &["deploy", "--dry-run"],
        &["deploy", "--yes"],
    ] {
        let run = stand.run(&[command, more].concat());
        assert_eq!(run.code, 1, "{command:?}: {run:#?}");
        let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(said.contains(words), "{command:?}: {words}: {run:#?}");
        }
        last = Some(run);
    }
    let more = &stand.account.calls()[calls..];
    assert!(more.iter().all(|call| !call.is_mutating()), "{more:#?}");
    assert_eq!(stand.account.state(), state);
    last.unwrap()
}

fn has_stack(stand: &Stand, name: &str) -> bool {
    let mut lines = stand.account.state().into_iter();
    lines.any(|line| line.starts_with("cloudformation ") && line.ends_with(&format!(" {name}")))
}

fn region_of(closing: &Value, stage: &str) -> String {
    let mut stages = closing["result"]["stages"].as_array().unwrap().iter();
    let stage = stages.find(|it| it["name"] == stage).unwrap();
    assert!(!stage["status"].is_null(), "{closing:#}");
    stage["region"].as_str().unwrap().to_owned()
}

const MOVED: &str = "deploy: {region: eu-west-1}\n";

#[test]
fn a_changed_region_is_refused_with_the_old_one() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&format!("{MANIFEST}{MOVED}"));
    let words = [
        "`deploy.region` is eu-west-1, but stack heart-dev-cdn is deployed in us-east-1",
        "Set `deploy.region: us-east-1` back",
        "`frames deploy -e NAME`",
    ];
    refused(&stand, &[], &words);
    let only = stand.run(&["deploy", "--yes", "--only", "lambda-edge"]);
    assert_eq!(only.code, 1, "what it remembers stays: {only:#?}");

    let info = stand.run(&["info", "--format", "json"]);
    assert_eq!(info.code, 0, "{info:#?}");
    assert_eq!(region_of(&closing(&info), "cdn"), "us-east-1");
    let info = stand.run(&["info"]);
    assert!(info.stderr.contains("shown as it is there"), "{info:#?}");

    // Back: nothing has changed.
    stand.write(MANIFEST);
    let run = stand.run(&["deploy", "--yes"]);
    assert!(
        run.code == 0 && run.stderr.contains("Unchanged"),
        "{run:#?}"
    );

    // Away, and there anew.
    stand.write(&format!("{MANIFEST}{MOVED}"));
    let state = stand.account.state();
    let removal = stand.run(&["remove", "--yes"]);
    assert_eq!(removal.code, 1, "{removal:#?}");
    assert!(
        removal.stderr.contains("is deployed in us-east-1"),
        "{removal:#?}"
    );
    assert_eq!(stand.account.state(), state);
    go_on(
        &stand,
        &removal,
        &["remove", "--service", "heart", "--env", "dev"],
    );
    let deployed = stand.deploy();
    stand.serves(&deployed);
    assert_eq!(
        region_of(&closing(&stand.run(&["info", "--format", "json"])), "cdn"),
        "eu-west-1"
    );
    // And the other way round, where the old one also has a stack of logs.
    stand.write(MANIFEST);
    let run = refused(
        &stand,
        &[],
        &["but stack heart-dev-cdn is deployed in eu-west-1"],
    );
    go_on(&stand, &run, &["remove", "--service", "heart"]);
    assert!(!has_stack(&stand, "heart-dev-logs") && !has_stack(&stand, "heart-dev-cdn"));
    stand.never_open();
}

#[test]
fn regions_side_by_side_are_environments() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&format!("{MANIFEST}{MOVED}"));
    let run = refused(
        &stand,
        &[],
        &["deploy another environment (`frames deploy -e NAME`)"],
    );
    let deployed = stand.deploy_with(&["-e", "two"]);
    stand.serves_env(&deployed, "two");
    assert!(has_stack(&stand, "heart-dev-cdn"));
    go_on(
        &stand,
        &run,
        &["remove", "--service", "heart", "--env", "dev"],
    );
    assert!(!has_stack(&stand, "heart-dev-cdn") && has_stack(&stand, "heart-two-cdn"));
    let again = stand.run(&["deploy", "--yes", "-e", "two"]);
    assert!(
        again.code == 0 && again.stderr.contains("Unchanged"),
        "{again:#?}"
    );
}

#[test]
fn a_renamed_environment_is_refused_with_the_old_one() {
    let stand = Stand::new();
    let with = |names: &str| format!("{MANIFEST}environments: {{{names}}}\n");
    stand.write(&with("staging: {}"));
    stand.deploy_with(&["-e", "staging"]);
    stand.write(&with("stage: {}"));
    let words = [
        "heart (stage) isn't deployed yet, but heart (staging) delivers the same",
        "the manifest has no environment `staging`",
        "write `staging` below `environments` too",
    ];
    let run = refused(&stand, &["-e", "stage"], &words);
    // Both.
    stand.write(&with("stage: {}, staging: {}"));
    stand.deploy_with(&["-e", "stage"]);
    stand.write(&with("stage: {}"));
    // It isn't the first deployment any more.
    let again = stand.run(&["deploy", "--yes", "-e", "stage"]);
    assert!(
        again.code == 0 && again.stderr.contains("Unchanged"),
        "{again:#?}"
    );
    go_on(
        &stand,
        &run,
        &["remove", "--service", "heart", "--env", "staging"],
    );
    assert!(!has_stack(&stand, "heart-staging-cdn") && has_stack(&stand, "heart-stage-cdn"));
    // The old one away first.
    stand.write(&with("live: {}"));
    let run = refused(
        &stand,
        &["-e", "live"],
        &["but heart (stage) delivers the same"],
    );
    go_on(
        &stand,
        &run,
        &["remove", "--service", "heart", "--env", "stage"],
    );
    stand.deploy_with(&["-e", "live"]);
}

/// A pipeline deploys an environment per change: without a list, any name is as good as another.
#[test]
fn previews_arent_moves() {
    let stand = Stand::new();
    for env in ["pr-11", "pr-12"] {
        stand.deploy_with(&["-e", env]);
    }
    let plain = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(plain.code, 0, "{plain:#?}");
    let both = stand.json(&["info", "-e", "pr-11"]);
    assert_eq!(region_of(&both, "cdn"), "us-east-1");
    // The default one needn't be listed.
    stand.deploy();
    stand.write(&format!(
        "{MANIFEST}environments: {{prod: {{}}, pr-11: {{}}, pr-12: {{}}}}\n"
    ));
    let prod = stand.run(&["deploy", "--dry-run", "-e", "prod"]);
    assert_eq!(prod.code, 0, "{prod:#?}");
}

#[test]
fn a_renamed_service_is_refused_with_the_old_one() {
    let stand = Stand::new();
    stand.deploy();
    let brain = MANIFEST.replace("service: heart", "service: brain");
    stand.write(&brain);
    let words =
        ["brain (dev) isn't deployed yet, but heart (dev) delivers the same to the same users"];
    let run = refused(&stand, &[], &words);
    // Another delivery is no rename.
    stand.write(&brain.replace("audience: frames", "audience: images"));
    let other = stand.run(&["deploy", "--dry-run"]);
    assert_eq!(other.code, 0, "{other:#?}");
    // Side by side, and the old one away then.
    stand.write(&brain);
    let wrong = stand.run(&["deploy", "--yes", "--beside", "lung"]);
    assert_eq!(wrong.code, 1, "{wrong:#?}");
    let diff = stand.run(&["diff", "--beside", "heart"]);
    assert_eq!(diff.code, 0, "{diff:#?}");
    go_on(&stand, &run, &["deploy", "--beside", "heart"]);
    assert!(has_stack(&stand, "heart-dev-cdn") && has_stack(&stand, "brain-dev-cdn"));
    let again = stand.run(&["deploy", "--yes"]);
    assert!(
        again.code == 0 && again.stderr.contains("Unchanged"),
        "{again:#?}"
    );
    go_on(
        &stand,
        &run,
        &["remove", "--service", "heart", "--env", "dev"],
    );
    assert!(!has_stack(&stand, "heart-dev-cdn") && has_stack(&stand, "brain-dev-cdn"));
    stand.never_open();
}

#[test]
fn a_name_of_another_delivery_is_told_with_its_owner() {
    let stand = Stand::new();
    let certificate = stand.certificate(&["frames.example.org"]);
    let named = format!(
        "{MANIFEST}domain: {{cnames: [frames.example.org], certificateArn: '{certificate}'}}\n"
    );
    stand.write(&named);
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    // Neither the issuer's audience nor the service is the same: only the name.
    let other = named
        .replace("service: heart", "service: brain")
        .replace("audience: frames", "audience: images");
    stand.write(&other);
    let words =
        [&format!("frames.example.org is a name of distribution {id}, which is heart (dev)'s")[..]];
    let run = refused(&stand, &[], &words);
    // Without the name first, and with it once the old one is gone.
    let (without, _) = other.split_once("domain:").unwrap();
    stand.write(without);
    stand.deploy();
    stand.write(&other);
    let run = {
        let later = refused(&stand, &[], &words);
        assert_eq!(commands(&later), commands(&run));
        later
    };
    go_on(
        &stand,
        &run,
        &["remove", "--service", "heart", "--env", "dev"],
    );
    let deployed = stand.deploy();
    stand.serves(&deployed);
}

/// A line says that it wasn't looked at, and the deployment goes on.
#[test]
fn who_may_not_look_deploys_all_the_same() {
    let stand = Stand::with(MANIFEST, Aws::with_auth().account());
    let certificate = stand.certificate(&["frames.example.org"]);
    stand.write(&format!(
        "{MANIFEST}domain: {{cnames: [frames.example.org], certificateArn: '{certificate}'}}\n"
    ));
    let policy = ["policy", "--account", stand.account.number()];
    let policy: Value = serde_json::from_str(&stand.project.frames(&policy).stdout).unwrap();
    for action in ["cloudformation:ListStacks", "cloudfront:ListDistributions"] {
        let mut less = policy.clone();
        for statement in less["Statement"].as_array_mut().unwrap() {
            let actions = statement["Action"].as_array_mut().unwrap();
            actions.retain(|allowed| allowed != action);
        }
        let user = stand.account.as_user(&action.replace(':', "-"), &less);
        let mut command = stand.project.command();
        command
            .args(["deploy", "--dry-run"])
            .envs(user.environment());
        let run = Run::of(&mut command);
        assert_eq!(run.code, 0, "{run:#?}");
        let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains(&format!("you have no permission for {action}")),
            "{run:#?}"
        );
    }
}
