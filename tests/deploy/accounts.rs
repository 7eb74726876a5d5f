//! The right account: whose credentials are taken, that it is named first, and `deploy.account`.

use super::{MANIFEST, Stand, closing, lines};
use crate::support::aws::{Account, Aws};
use crate::support::frames::Run;
use crate::support::peers::peers;
use crate::support::root;
use serde_json::json;
use std::process::Command;

const COMMANDS: [&[&str]; 12] = [
    &["deploy", "--yes"],
    &["deploy", "--dry-run"],
    &["diff"],
    &["info"],
    &["check"],
    &["logs"],
    &["history"],
    &["rollback", "--yes"],
    &["purge", "--all"],
    &["remove", "--yes"],
    &["remove", "--dry-run"],
    &["validate", "--online"],
];

/// Two accounts: the environment's keys belong to the first, the profile `other` to the second.
struct Two {
    stand: Stand,
    other: Account,
}

impl Two {
    fn new() -> Self {
        let stand = Stand::new();
        let other = Aws::shared().account();
        let (first, second) = (stand.account.number(), other.number());
        let secret = "aws_secret_access_key = root-secret";
        let credentials = format!(
            "[default]\naws_access_key_id = {first}\n{secret}\n\n[other]\naws_access_key_id = {second}\n{secret}\n"
        );
        stand.project.write("credentials", credentials);
        let role = format!("role_arn = arn:aws:iam::{second}:role/deployer");
        let config = format!(
            "[profile plain]\nregion = us-east-1\n\n[profile by-other]\n{role}\nsource_profile = other\n\n[profile by-keys]\n{role}\ncredential_source = Environment\n"
        );
        stand.project.write("config", config);
        Self { stand, other }
    }

    /// The files of this project, and no keys but those given.
    fn environment(&self, variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let common = self.stand.account.environment().into_iter();
        let common = common.filter(|(name, _)| !keys.contains(name));
        let path = |name: &str| {
            let path = self.stand.project.path().join(name);
            path.to_str().unwrap().to_owned()
        };
        common
            .map(|(name, value)| (name.to_owned(), value))
            .chain([
                ("AWS_CONFIG_FILE".to_owned(), path("config")),
                (
                    "AWS_SHARED_CREDENTIALS_FILE".to_owned(),
                    path("credentials"),
                ),
            ])
            .chain(variables.iter().map(|(name, value)| {
                let value = value.replace("<first>", self.stand.account.number());
                ((*name).to_owned(), value)
            }))
            .collect()
    }

    fn frames(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.stand.project.command();
        Run::of(command.args(arguments).envs(self.environment(variables)))
    }

    /// The account that `frames` asks, or what botocore calls the error.
    fn asked(&self, profile: &str, variables: &[(&str, &str)]) -> String {
        let profile = match profile {
            "" => vec![],
            profile => vec!["--profile", profile],
        };
        let arguments = [&["info", "--format", "json"], &profile[..]].concat();
        let run = self.frames(&arguments, variables);
        assert_eq!(run.code, 1, "nothing is deployed: {run:#?}");
        if run.stderr.contains("there is no AWS profile") {
            return "ProfileNotFound".to_owned();
        }
        if run.stderr.contains("no AWS credentials were found") {
            return "NoCredentialsError".to_owned();
        }
        let account = &closing(&run)["result"]["account"];
        account.as_str().unwrap().to_owned()
    }

    fn botocore(&self, profile: &str, variables: &[(&str, &str)]) -> String {
        let mut command = Command::new(peers().program("python"));
        command
            .arg(root().join("tests/peers/aws/whose_credentials.py"))
            .arg(profile)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let run = Run::of(command.envs(self.environment(variables)));
        assert_eq!(run.code, 0, "{run:#?}");
        run.stdout.trim().to_owned()
    }
}

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "<first>"),
    ("AWS_SECRET_ACCESS_KEY", "root-secret"),
];

#[test]
fn credentials_are_those_that_the_aws_cli_takes() {
    let two = Two::new();
    let (first, second) = (two.stand.account.number(), two.other.number());
    let (missing, none) = ("ProfileNotFound", "NoCredentialsError");
    let with = |more: &[(&'static str, &'static str)]| [&KEYS[..], more].concat();
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/null"),
        ("AWS_ROLE_ARN", "arn:aws:iam::<first>:role/ci"),
    ];
    for (profile, variables, expected) in [
        ("", with(&[]), first),
        ("", vec![], first),
        ("other", with(&[]), second),
        ("other", with(&[("AWS_SESSION_TOKEN", "t")]), second),
        ("other", with(&[("AWS_PROFILE", "default")]), second),
        ("other", vec![("AWS_PROFILE", "nobody")], second),
        ("nobody", with(&[]), missing),
        ("nobody", vec![], missing),
        ("", with(&[("AWS_PROFILE", "other")]), first),
        ("", vec![("AWS_PROFILE", "other")], second),
        ("", vec![("AWS_DEFAULT_PROFILE", "other")], second),
        ("", with(&[("AWS_DEFAULT_PROFILE", "other")]), first),
        ("", with(&[("AWS_PROFILE", "nobody")]), missing),
        ("", vec![("AWS_PROFILE", "nobody")], missing),
        ("plain", with(&[]), none),
        ("plain", web.to_vec(), none),
        ("by-other", with(&[]), second),
        ("by-keys", with(&[]), second),
    ] {
        let what = format!("--profile {profile:?} {variables:?}");
        assert_eq!(two.botocore(profile, &variables), expected, "{what}");
        assert_eq!(two.asked(profile, &variables), expected, "{what}");
    }
}

/// Where both are set, the AWS CLI (version 2) and the SDKs of other languages take AWS_PROFILE.
#[test]
fn the_older_variable_comes_second() {
    let two = Two::new();
    let both = [("AWS_PROFILE", "other"), ("AWS_DEFAULT_PROFILE", "nobody")];
    assert_eq!(two.asked("", &both), two.other.number());
}

#[test]
fn a_missing_profile_is_named_with_those_that_exist() {
    let two = Two::new();
    let calls = || two.stand.account.calls().len() + two.other.calls().len();
    let dev: &[&str] = &["dev", "--origin", "aws", "--port", "0"];
    for arguments in COMMANDS.into_iter().chain([dev]) {
        let before = calls();
        let run = two.frames(&[arguments, &["--profile", "othr"]].concat(), &KEYS);
        assert_eq!(run.code, 1, "{run:#?}");
        for said in [
            "there is no AWS profile `othr` (--profile)",
            "did you mean `other`?",
            "by-keys, by-other, default, other, plain",
        ] {
            assert!(run.stderr.contains(said), "{said}: {run:#?}");
        }
        for secret in ["root-secret", two.other.number(), "deployer"] {
            assert!(!run.stderr.contains(secret), "{run:#?}");
        }
        assert_eq!(calls(), before);
    }
    let run = two.frames(&["info"], &[("AWS_PROFILE", "nobody")]);
    assert!(run.stderr.contains("`nobody` (AWS_PROFILE)"), "{run:#?}");
}

/// With keys of one account in the environment, and a profile of another.
#[test]
fn a_profile_is_deployed_to_and_removed_from() {
    let two = Two::new();
    two.other
        .set(&json!({"step": 0.02, "datastores": {super::STORE: "ACTIVE"}}));
    let profile = |arguments: &[&'static str]| {
        let run = two.frames(&[arguments, &["--profile", "other"]].concat(), &KEYS);
        assert_eq!(run.code, 0, "{run:#?}");
        run
    };
    profile(&["deploy", "--yes"]);
    let state = two.other.state();
    assert!(state.iter().any(|line| line.contains("heart-dev-cdn")));
    profile(&["diff"]);
    profile(&["info"]);
    profile(&["remove", "--yes"]);
    assert_eq!(two.stand.account.state(), Vec::<String>::new());
    assert!(two.stand.account.calls().is_empty());
}

#[test]
fn account_regions_and_caller_are_named() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{region: eu-west-1}}\nlogs: {{access: {{enabled: false}}}}\n"
    ));
    let number = stand.account.number();
    let whose = format!("account {number} (us-east-1, eu-west-1), as arn:aws:iam::{number}:root");
    let named = |arguments: &[&str], verb: &str| {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        let line = run.stderr.lines().position(|line| line.contains(&whose));
        let line = line.unwrap_or_else(|| panic!("{run:#?}"));
        assert!(
            run.stderr.lines().nth(line).unwrap().contains(verb),
            "{run:#?}"
        );
        // Before the first change.
        let change = ["Uploading", "Made", "Closing", "Deleting", "To go", "Stage"];
        let is_change = |line: &str| {
            change
                .iter()
                .any(|verb| line.trim_start().starts_with(verb))
        };
        let changed = run.stderr.lines().position(is_change);
        assert!(changed.is_none_or(|changed| line < changed), "{run:#?}");
        run
    };
    let signed = |run: &Run| {
        let result = closing(run)["result"].clone();
        assert_eq!(result["account"], number);
        assert_eq!(result["caller"], format!("arn:aws:iam::{number}:root"));
        assert_eq!(result["regions"], json!(["us-east-1", "eu-west-1"]));
    };
    named(&["diff"], "Comparing");
    signed(&named(&["diff", "--format", "json"], "Comparing"));
    named(&["deploy", "--dry-run"], "Deploying");
    signed(&named(
        &["deploy", "--yes", "--format", "json"],
        "Deploying",
    ));
    let info = stand.run(&["info"]);
    assert!(info.stdout.contains(&whose[8..]), "{info:#?}");
    signed(&stand.run(&["info", "--format", "json"]));
    named(&["remove", "--dry-run"], "Removing");
    let run = named(&["remove", "--yes", "--format", "json"], "Removing");
    signed(&run);
    for event in &lines(&run)[..lines(&run).len() - 1] {
        let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["reason", "resource", "stage", "status", "time"]);
    }
}

#[test]
fn another_account_than_the_manifests_is_asked_nothing() {
    let stand = Stand::new();
    let number = stand.account.number().to_owned();
    let only = |account: &str| format!("{MANIFEST}deploy: {{account: {account}}}\n");
    stand.write(&only(&number));
    stand.deploy();
    let state = stand.account.state();
    // A reference to AWS isn't looked up either.
    let elsewhere = only("'111122223333'").replace("audience: frames", "audience: '${ssm:/a}'");
    for manifest in [only("111122223333"), elsewhere] {
        stand.write(&manifest);
        for arguments in COMMANDS.into_iter().chain([
            &["print", "--online"][..],
            &["package", "--online"],
            &["policy", "--online"],
        ]) {
            let before = stand.account.calls().len();
            let run = stand.run(arguments);
            assert_eq!(run.code, 1, "{arguments:?}: {run:#?}");
            for said in [
                &format!("account {number}"),
                "`deploy.account` is 111122223333",
                "--profile",
            ] {
                assert!(run.stderr.contains(said), "{said}: {run:#?}");
            }
            let calls = &stand.account.calls()[before..];
            let calls: Vec<_> = calls.iter().map(|call| call.operation()).collect();
            assert_eq!(calls, ["GetCallerIdentity"], "{arguments:?}");
        }
    }
    assert_eq!(stand.account.state(), state);
    // What nobody asks AWS for needs no account.
    stand.write(&only("111122223333"));
    for arguments in [&["validate"][..], &["print"], &["package"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
    }
    let run = stand.run(&["print", "--path", "deploy.account"]);
    assert_eq!(run.stdout, "111122223333\n", "{run:#?}");
    stand.write(&only(&number));
    stand.remove();
}

/// An account in a variable that AWS answers is checked too, once it is known.
#[test]
fn an_account_that_aws_names() {
    let stand = Stand::new();
    let parameter = json!({"Name": "/account", "Value": "111122223333", "Type": "String"});
    stand.account.call("ssm", "PutParameter", parameter);
    stand.write(&format!(
        "{MANIFEST}deploy: {{account: '${{ssm:/account}}'}}\n"
    ));
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("`deploy.account` is 111122223333"),
        "{run:#?}"
    );
    assert_eq!(
        stand.operations(),
        ["GetParameter", "GetCallerIdentity"],
        "nothing else is asked"
    );
}

/// It would be whichever account is asked.
#[test]
fn an_account_that_guards_nothing_is_refused() {
    let stand = Stand::new();
    for account in ["${aws:accountId}", "${self:x-account}"] {
        stand.write(&format!(
            "x-account: ${{aws:accountId}}\n{}deploy: {{account: '{account}'}}\n",
            MANIFEST.trim_start()
        ));
        let run = stand.run(&["deploy", "--yes"]);
        assert_eq!(run.code, 3, "{run:#?}");
        let said = "error[invalid-value]: `${aws:accountId}` is always the account";
        assert!(run.stderr.contains(said), "{run:#?}");
    }
    assert_eq!(stand.account.state(), Vec::<String>::new());
}

/// The policy is for the account that may be deployed to.
#[test]
fn the_policy_names_the_account() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}deploy: {{account: '999988887777'}}\n"));
    let run = stand.run(&["policy"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stdout
            .contains("arn:aws:lambda:us-east-1:999988887777:function:heart-dev-signer"),
        "{run:#?}"
    );
    let run = stand.run(&["policy", "--account", "111122223333"]);
    assert!(!run.stdout.contains("999988887777"), "{run:#?}");
}
