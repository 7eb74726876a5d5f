//! `frames info` and `frames remove` with half a manifest, and with none.

use super::{MANIFEST, STORE, Stand, closing};
use crate::support::aws::Aws;
use crate::support::frames::Run;
use crate::support::process::eventually;
use serde_json::{Value, json};

/// Of the stages that are there: name and Region.
fn places(closing: &Value) -> Vec<(String, String)> {
    let stages = closing["result"]["stages"].as_array().unwrap().iter();
    let there = stages.filter(|stage| !stage["status"].is_null());
    let text = |stage: &Value, key: &str| stage[key].as_str().unwrap().to_owned();
    there
        .map(|stage| (text(stage, "name"), text(stage, "region")))
        .collect()
}

fn place(name: &str, region: &str) -> (String, String) {
    (name.to_owned(), region.to_owned())
}

/// Without what a removal leaves on purpose.
fn left(stand: &Stand) -> Vec<String> {
    let goes = |line: &String| !line.starts_with("s3 ") && !line.starts_with("kms ");
    stand.account.state().into_iter().filter(goes).collect()
}

/// The way on that a run's help names, with the deployment's own names in it.
fn by_name(stand: &Stand, run: &Run, command: &str) -> Run {
    let named = format!("frames {command} --service NAME --env NAME");
    assert!(run.stderr.contains(&named), "{run:#?}");
    let arguments = [command, "--service", "heart", "--env", "dev"];
    let yes: &[&str] = if command == "remove" { &["--yes"] } else { &[] };
    stand.run(&[&arguments, yes].concat())
}

#[test]
fn what_isnt_a_name_may_be_wrong() {
    let stand = Stand::new();
    stand.deploy();
    let broken = [
        // A stack that was removed, a parameter, a variable, a file, a value, a missing block.
        (
            "issuer: 'https://login.example.org/'",
            "issuer: '${cf:idp.Issuer}'",
            1,
        ),
        ("audience: frames", "audience: '${ssm:/frames/audience}'", 1),
        (
            "audience: frames",
            "audience: '${env:FRAMES_NOBODY_SETS_IT}'",
            1,
        ),
        ("./jwks.json", "./gone.json", 1),
        (STORE, "1234", 1),
        ("auth: {", "other: {", 2),
    ];
    for (is, was, errors) in broken {
        stand.write(&MANIFEST.replace(is, was));
        let validated = stand.run(&["validate", "--online"]);
        assert_eq!(validated.code, 3, "{was}: {validated:#?}");
        let run = stand.run(&["info", "--format", "json"]);
        assert_eq!(run.code, 0, "{was}: {run:#?}");
        let expected = [place("lambda-edge", "us-east-1"), place("cdn", "us-east-1")];
        assert_eq!(places(&closing(&run)), expected, "{was}");
        let count = if errors == 1 { "1 error," } else { "2 errors," };
        assert!(
            run.stderr.contains(count)
                && run.stderr.contains("but `frames info` works all the same"),
            "{was}: {run:#?}"
        );
        let dry = stand.run(&["remove", "--dry-run"]);
        assert_eq!(dry.code, 0, "{was}: {dry:#?}");
        assert!(
            dry.stderr.contains("stack heart-dev-cdn in us-east-1"),
            "{dry:#?}"
        );
    }
    let all = broken
        .iter()
        .fold(MANIFEST.to_owned(), |text, (is, was, _)| {
            text.replace(is, was)
        });
    stand.write(&all);
    let refused = stand.run(&["deploy", "--yes"]);
    assert_eq!(
        refused.code, 3,
        "a deployment needs all of it: {refused:#?}"
    );
    let run = stand.run(&["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(left(&stand), Vec::<String>::new());
    stand.never_open();
}

/// What shows the errors is said as it has to be typed.
#[test]
fn errors_that_only_aws_shows_are_shown_online() {
    let stand = Stand::new();
    stand.deploy();
    let shows = |manifest: &str, command: &str| {
        stand.write(manifest);
        let run = stand.run(&["info"]);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(
            run.stderr.contains(&format!("`frames {command}` shows it")),
            "{run:#?}"
        );
        let arguments: Vec<&str> = command.split(' ').collect();
        let shown = stand.run(&arguments);
        assert_eq!(shown.code, 3, "{shown:#?}");
    };
    shows(&MANIFEST.replace("./jwks.json", "./gone.json"), "validate");
    let asks = MANIFEST.replace("audience: frames", "audience: '${cf:idp.Audience}'");
    shows(&asks, "validate --online");
}

#[test]
fn a_name_is_never_guessed() {
    let stand = Stand::new();
    stand.deploy();
    let state = stand.account.state();
    let deploy = |rest: &str| format!("{MANIFEST}deploy: {{{rest}}}\n");
    for manifest in [
        deploy("region: '${env:FRAMES_NOBODY_SETS_IT}'"),
        deploy("region: '${ssm:/frames/region}'"),
        deploy("bucket: My_Zips"),
        deploy("account: '${cf:idp.Account}'"),
        deploy("regoin: us-east-1"),
        MANIFEST.replace("service: heart", "service: ''"),
        MANIFEST.replace("service: heart", "service: heart: brain"),
        "service: [\n".to_owned(),
    ] {
        stand.write(&manifest);
        for arguments in [
            &["info"][..],
            &["history"],
            &["rollback", "--yes"],
            &["remove", "--yes"],
        ] {
            let run = stand.run(arguments);
            assert_eq!(run.code, 3, "{manifest}: {run:#?}");
            assert!(run.stderr.contains("error["), "{manifest}: {run:#?}");
        }
        assert_eq!(stand.account.state(), state, "{manifest}");
        let refused = stand.run(&["info"]);
        let shown = by_name(&stand, &refused, "info");
        assert_eq!(shown.code, 0, "{shown:#?}");
        assert!(shown.stdout.contains("heart-dev-cdn"), "{shown:#?}");
    }
    let refused = stand.run(&["remove", "--yes"]);
    let gone = by_name(&stand, &refused, "remove");
    assert_eq!(gone.code, 0, "{gone:#?}");
    assert_eq!(left(&stand), Vec::<String>::new());
}

#[test]
fn the_account_is_held_against_the_manifests() {
    let stand = Stand::new();
    stand.deploy();
    let state = stand.account.state();
    let broken = MANIFEST.replace("./jwks.json", "./gone.json");
    stand.write(&format!("{broken}deploy: {{account: '999999999999'}}\n"));
    for arguments in [
        &["info"][..],
        &["history"],
        &["rollback", "--yes"],
        &["remove", "--yes"],
    ] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(
            run.stderr.contains("`deploy.account` is 999999999999"),
            "{run:#?}"
        );
    }
    assert_eq!(stand.account.state(), state);
}

#[test]
fn without_a_manifest_all_of_it_is_found() {
    let stand = Stand::new();
    stand
        .account
        .call("s3", "CreateBucket", json!({"Bucket": "zips-of-mine"}));
    let rest = "deploy: {region: eu-west-1, bucket: zips-of-mine}\nenvironments: {prod: {}}\n";
    stand.write(&format!("{MANIFEST}{rest}"));
    stand.deploy_with(&["-e", "prod"]);
    assert!(!stand.keys_in("zips-of-mine").is_empty());
    std::fs::remove_file(stand.project.path().join("frames.yml")).unwrap();

    let none = stand.run(&["remove", "--yes", "-e", "prod"]);
    assert_eq!(none.code, 2, "{none:#?}");
    assert!(
        none.stderr
            .contains("frames remove --service NAME --env NAME"),
        "{none:#?}"
    );

    let info = stand.run(&[
        "info",
        "--service",
        "heart",
        "--env",
        "prod",
        "--format",
        "json",
    ]);
    assert_eq!(info.code, 0, "{info:#?}");
    let expected = [
        place("lambda-edge", "us-east-1"),
        place("cdn", "eu-west-1"),
        place("logs", "us-east-1"),
    ];
    assert_eq!(places(&closing(&info)), expected);
    let run = stand.run(&["remove", "--yes", "--service", "heart", "--env", "prod"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(left(&stand), Vec::<String>::new());
    assert_eq!(stand.keys_in("zips-of-mine"), Vec::<String>::new());
    stand.never_open();

    let again = stand.run(&["info", "--service", "heart", "--env", "prod"]);
    assert_eq!(again.code, 1, "{again:#?}");
    assert!(
        again.stderr.contains("heart (prod) is not deployed"),
        "{again:#?}"
    );
}

#[test]
fn a_manifest_that_is_there_isnt_read() {
    let stand = Stand::new();
    stand.deploy();
    stand.write("service: [\n");
    let run = stand.run(&["info", "--service", "heart", "-v"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("no manifest is read"), "{run:#?}");
    for (arguments, words) in [
        (
            &["--service", "1heart"][..],
            "`1heart` isn't a service name (a letter, then up to 31 letters, digits and hyphens)",
        ),
        (
            &["--service", "heart", "--env=-dev"],
            "an environment's name",
        ),
        (
            &["--service", "heart", "--config", "frames.yml"],
            "exclude each other",
        ),
        (
            &["--service", "heart", "--opt", "a=b"],
            "exclude each other",
        ),
    ] {
        for command in ["info", "history", "rollback", "remove"] {
            let run = stand.run(&[&[command], arguments].concat());
            assert_eq!(run.code, 2, "{arguments:?}: {run:#?}");
            let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(words), "{arguments:?}: {run:#?}");
        }
    }
}

/// A stack of the name that a cdn stack has, by hand.
fn stack(stand: &Stand, region: &str, name: &str, description: &str) {
    let template = json!({
        "Description": description,
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    });
    let asked = json!({"StackName": name, "TemplateBody": template.to_string()});
    stand
        .account
        .call_in(region, "cloudformation", "CreateStack", asked);
    eventually("the stack is made", || {
        let made = stand.stack_in(region, name)["StackStatus"] == "CREATE_COMPLETE";
        made.then_some(())
    });
}

#[test]
fn a_forgotten_second_stack_is_found_too() {
    let stand = Stand::new();
    stand.deploy();
    stack(
        &stand,
        "eu-west-1",
        "heart-dev-cdn",
        "heart (dev): of another day",
    );
    stack(&stand, "eu-west-2", "heart-dev-cdn", "somebody else's");
    let info = stand.run(&["info", "--service", "heart", "--format", "json"]);
    assert_eq!(info.code, 0, "{info:#?}");
    let expected = [
        place("lambda-edge", "us-east-1"),
        place("cdn", "eu-west-1"),
        place("cdn", "us-east-1"),
    ];
    assert_eq!(places(&closing(&info)), expected);
    let run = stand.run(&["remove", "--yes", "--service", "heart"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let left = left(&stand);
    assert!(
        left.iter().all(|line| line.contains(" eu-west-2 ")) && !left.is_empty(),
        "{left:#?}"
    );
}

/// Nothing remembers where it is, and an organization's rule closes all Regions but one.
#[test]
fn regions_that_are_closed_are_named() {
    let account = Aws::with_auth().account();
    let stand = Stand::with(MANIFEST, account);
    let allowed = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["cloudformation:*"], "Resource": "arn:aws:cloudformation:us-east-1:*:stack/*"},
        {"Effect": "Allow", "Action": ["s3:*", "lambda:*"], "Resource": "*"},
    ]});
    let user = stand.account.as_user("one-region", &allowed);
    let mut command = stand.project.command();
    command
        .args(["info", "--service", "heart"])
        .envs(user.environment());
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("heart (dev) is not deployed"), "{run:#?}");
    assert!(
        said.contains("isn't looked for in ap-northeast-1, "),
        "{run:#?}"
    );
    assert!(!said.contains(", us-east-1,"), "{run:#?}");

    // A removal doesn't say that nothing is there, where it couldn't look.
    let mut command = stand.project.command();
    command
        .args(["remove", "--yes", "--service", "heart"])
        .envs(user.environment());
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "nothing of heart (dev) was found, but frames couldn't look in ap-northeast-1, ",
        "credentials that may call cloudformation:DescribeStacks there",
    ] {
        assert!(said.contains(words), "{words}: {run:#?}");
    }
    assert!(!said.contains("it is not deployed"), "{run:#?}");
}

/// The lambda-edge stack remembers where the cdn stack is: Regions that are closed don't matter then, but for
/// that one.
#[test]
fn a_remembered_region_is_the_only_one_that_has_to_be_open() {
    let account = Aws::with_auth().account();
    let stand = Stand::with(MANIFEST, account);
    stand.write(&format!("{MANIFEST}deploy: {{region: eu-west-1}}\n"));
    stand.deploy();
    let except = |open: &[&str]| {
        let closed = json!({"StringNotEquals": {"aws:RequestedRegion": open}});
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "cloudformation:*", "Resource": "*", "Condition": closed},
        ]})
    };
    let as_user = |name: &str, open: &[&str], arguments: &[&str]| {
        let user = stand.account.as_user(name, &except(open));
        let mut command = stand.project.command();
        command.args(arguments).envs(user.environment());
        Run::of(&mut command)
    };
    let remove = ["remove", "--yes", "--service", "heart"];
    let before = stand.account.state();
    let run = as_user("one-region", &["us-east-1"], &remove);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("eu-west-1"), "{run:#?}");
    assert!(!run.stderr.contains("Removed"), "{run:#?}");
    let stacks = |state: &[String]| -> Vec<String> {
        let stacks = state
            .iter()
            .filter(|line| line.starts_with("cloudformation "));
        stacks.cloned().collect()
    };
    assert_eq!(stacks(&stand.account.state()), stacks(&before));

    let both = ["us-east-1", "eu-west-1"];
    let run = as_user("two-regions", &both, &remove);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!run.stderr.contains("isn't looked for"), "{run:#?}");
    assert_eq!(stacks(&stand.account.state()), Vec::<String>::new());
}
