//! Why there are no credentials: the reason at the bottom, whose it is and what to do, and never a
//! word of what a credential process printed.

use super::MANIFEST;
use crate::support::frames::{Project, Run};
use crate::support::plain::{Plain, closed};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};

/// No output may have it.
const HIDDEN: &str = "HIDDEN";

/// One thing is wrong with each profile.
const CONFIG: &str = include_str!("profiles.ini");

/// The AWS CLI calls the file of a session by the SHA-1 of its name.
const ENDED: &str = "ba92ed73c97b30bcc4639724ab6aa8ae87f92601";
const NOW: &str = "c9bc849a968f2432684aca234f30596c5a91654f";

const SET: &str = "name a profile with --profile, sign in (`aws sso login`), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const BY_ITSELF: &str =
    "run that command by itself to see why: what it prints may be secret, so it isn't shown here";

/// A home of its own, in which nothing is set but these files.
struct Home {
    project: Project,
}

impl Home {
    fn new() -> Self {
        let project = Project::new(&format!("{MANIFEST}logs: {{access: {{enabled: false}}}}\n"));
        project.write(
            "jwks.json",
            crate::support::read("tests/manifests/jwks.json"),
        );
        project.write("home/.aws/config", CONFIG);
        for (name, expires) in [(ENDED, "2020"), (NOW, "2099")] {
            project.write(
                &format!("home/.aws/sso/cache/{name}.json"),
                format!("{{\"accessToken\": \"{HIDDEN}\", \"expiresAt\": \"{expires}-01-01T00:00:00Z\"}}"),
            );
        }
        Self { project }
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = self.project.command();
        command
            .args(arguments)
            .env("HOME", self.project.path().join("home"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
        command
    }

    fn frames(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let run = Run::of(&mut self.command(arguments, variables));
        assert!(!run.stdout.contains(HIDDEN), "{run:#?}");
        assert!(!run.stderr.contains(HIDDEN), "{run:#?}");
        run
    }

    /// All that `frames info` says.
    fn says(&self, profile: &str, variables: &[(&str, &str)], error: &str, help: &str) {
        let profile = match profile {
            "" => vec![],
            profile => vec!["--profile", profile],
        };
        let run = self.frames(&[&["info", "--quiet"], &profile[..]].concat(), variables);
        let said = format!("error: {error}\nhelp: {help}\n");
        assert_eq!(
            (run.code, run.stderr),
            (1, said),
            "{profile:?} {variables:?}"
        );
        assert_eq!(run.stdout, "", "{profile:?}");
    }
}

#[test]
fn the_reason_is_said_and_whose_it_is() {
    let home = Home::new();
    for (profile, error, help) in [
        (
            "expired",
            "the SSO session of the AWS profile `expired` has expired",
            "`aws sso login --profile expired`, then run the same command",
        ),
        (
            "by-sso",
            "the SSO session of the AWS profile `expired` (the source of `by-sso`) has expired",
            "`aws sso login --profile expired`, then run the same command",
        ),
        (
            "signed-out",
            "nobody is signed in by SSO for the AWS profile `signed-out`",
            "`aws sso login --profile signed-out`, then run the same command",
        ),
        (
            "older-sso",
            "nobody is signed in by SSO for the AWS profile `older-sso`",
            "`aws sso login --profile older-sso`, then run the same command",
        ),
        (
            "half-sso",
            "the AWS profile `half-sso` signs in by SSO without sso_role_name",
            "`aws configure sso --profile half-sso` sets it up anew",
        ),
        (
            "no-session",
            "the AWS profile `no-session` names the sso_session `gone`, which doesn't exist",
            "`aws configure sso --profile no-session` sets it up anew",
        ),
        (
            "fails",
            "the credential_process of the AWS profile `fails` failed with exit status 3",
            BY_ITSELF,
        ),
        (
            "by-process",
            "the credential_process of the AWS profile `fails` (the source of `by-process`) failed with exit status 3",
            BY_ITSELF,
        ),
        (
            "garbage",
            "the credential_process of the AWS profile `garbage` printed something else than credentials",
            BY_ITSELF,
        ),
        (
            "bytes",
            "the credential_process of the AWS profile `bytes` printed something else than credentials",
            BY_ITSELF,
        ),
        (
            "old-version",
            "the credential_process of the AWS profile `old-version` printed something else than credentials",
            BY_ITSELF,
        ),
        (
            "no-secret",
            "the credential_process of the AWS profile `no-secret` printed credentials without `SecretAccessKey`",
            BY_ITSELF,
        ),
        (
            "no-program",
            "the credential_process of the AWS profile `no-program` failed with exit status 127, which a shell says of a program that it doesn't find",
            BY_ITSELF,
        ),
        (
            "killed",
            "the credential_process of the AWS profile `killed` was ended by signal 9",
            BY_ITSELF,
        ),
        (
            "half-keys",
            "the AWS profile `half-keys` has half a key: no aws_secret_access_key",
            "`aws configure --profile half-keys` asks for both halves",
        ),
        (
            "half-keys-too",
            "the AWS profile `half-keys-too` has half a key: no aws_access_key_id",
            "`aws configure --profile half-keys-too` asks for both halves",
        ),
        (
            "one",
            "the AWS profiles one, two and one are the source of each other in a ring",
            "give one of them credentials of its own instead of `source_profile`",
        ),
        (
            "by-plain",
            "the AWS profile `plain` has no credentials, and `by-plain` takes its own from it",
            "give it keys, or name another in `source_profile`",
        ),
        (
            "plain",
            "no AWS credentials were found: the profile `plain` has none",
            SET,
        ),
        (
            "token-file",
            "can't read the token file /nowhere/token of the AWS profile `token-file`: No such file or directory (os error 2)",
            "whatever writes that file has to run first, or name another profile with --profile",
        ),
        (
            "no-role",
            "the AWS profile `no-role` has a web_identity_token_file, but no role_arn",
            "add the `role_arn` of the role that the token is for",
        ),
        (
            "no-source",
            "the AWS profile `no-source` has a role_arn, but neither source_profile nor credential_source",
            "one of the two says whose credentials assume the role: see \"Using an IAM role in the AWS CLI\" in AWS's documentation",
        ),
        (
            "two-sources",
            "the AWS profile `two-sources` has both source_profile and credential_source",
            "one of the two says whose credentials assume the role: see \"Using an IAM role in the AWS CLI\" in AWS's documentation",
        ),
        (
            "moon",
            "the AWS profile `moon` has the credential_source `Moon`, which doesn't exist",
            "it is `Environment`, `Ec2InstanceMetadata` or `EcsContainer`",
        ),
        (
            "instance",
            "the AWS profile `instance` takes its credentials from Ec2InstanceMetadata, which has none",
            "run this where that is set, or name another profile with --profile",
        ),
        (
            "console",
            "the AWS profile `console` signs in by `aws login`, which frames can't read",
            "hand its credentials over: `eval \"$(aws configure export-credentials --profile console --format env)\"`, then run the same command without a profile",
        ),
    ] {
        home.says(profile, &[], error, help);
        // A profile that only the environment names is the same.
        home.says("", &[("AWS_PROFILE", profile)], error, help);
    }
    let run = home.frames(&["info", "--profile", "orphan"], &[]);
    for said in [
        "error: the AWS profile `orphan` names `expird` as its source_profile, which doesn't exist\n",
        "did you mean `expired`? the profiles are ",
    ] {
        assert!(run.stderr.contains(said), "{run:#?}");
    }
}

#[test]
fn what_is_set_in_part_is_said() {
    let home = Home::new();
    home.says("", &[], "no AWS credentials were found", SET);
    for (one, other) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    ] {
        home.says(
            "",
            &[(one, HIDDEN)],
            &format!("no AWS credentials were found: {one} is set, but {other} isn't"),
            &format!("set {other} as well, or take {one} away"),
        );
    }
    home.says(
        "",
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r"),
            ("AWS_REGION", "us-east-1"),
        ],
        "can't read the token file /nowhere/token of AWS_WEB_IDENTITY_TOKEN_FILE: No such file or directory (os error 2)",
        "whatever writes that file has to run first, or name another profile with --profile",
    );
    let (nobody, silent) = (closed(), Plain::silent());
    for (url, why) in [
        (
            &nobody,
            "can't be reached (Connection refused (os error 111))",
        ),
        (&silent.url(), "can't be reached in time"),
        (&"ftp://example.org/HIDDEN".to_owned(), "can't be used"),
    ] {
        home.says(
            "",
            &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)],
            &format!("the container's credentials {why}"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI says where they are",
        );
    }
    home.project
        .write("home/.aws/config", "[profile a]\nHIDDEN\n");
    let file = home.project.path().join("home/.aws/config");
    home.says(
        "",
        &[],
        &format!(
            "can't read the AWS configuration: could not parse profile file: error parsing {} on line 2: Expected an '=' sign defining a property",
            file.display()
        ),
        "mend that file: `aws configure list-profiles` reads it as well",
    );
}

/// Each command that needs them says the same.
#[test]
fn every_command_says_it() {
    let home = Home::new();
    let commands: [&[&str]; 9] = [
        &["deploy", "--yes"],
        &["deploy", "--dry-run"],
        &["diff"],
        &["history"],
        &["rollback", "--yes"],
        &["remove", "--yes"],
        &["validate", "--online"],
        &["print", "--online"],
        &["dev", "--origin", "aws", "--port", "0"],
    ];
    for command in commands {
        let run = home.frames(&[command, &["--profile", "fails"]].concat(), &[]);
        assert_eq!(run.code, 1, "{run:#?}");
        let said = format!(
            "error: the credential_process of the AWS profile `fails` failed with exit status 3\nhelp: {BY_ITSELF}\n"
        );
        assert!(run.stderr.ends_with(&said), "{run:#?}");
    }
}

/// AWS's own words are no secret.
#[test]
fn what_aws_answers_is_said() {
    let home = Home::new();
    let refused = |status: &str, class: &str, message: &str| {
        let kind = format!("x-amzn-ErrorType: {class}\r\nContent-Type: application/json");
        let body = json!({"message": message}).to_string();
        Plain::http(&format!("{status}\r\n{kind}"), &body)
    };
    let sso = [
        (
            refused(
                "401 Unauthorized",
                "UnauthorizedException",
                "Session token not found or invalid",
            ),
            "the SSO session of the AWS profile `signed-in` has expired",
            "`aws sso login --profile signed-in`, then run the same command",
        ),
        (
            refused("403 Forbidden", "ForbiddenException", "No access"),
            "the AWS profile `signed-in` signs in by SSO, but the role in `sso_role_name` isn't open to whoever signed in",
            "look at `sso_account_id` and `sso_role_name` of that profile",
        ),
        (
            refused(
                "400 Bad Request",
                "InvalidRequestException",
                "No such account.",
            ),
            "can't get the credentials of the AWS profile `signed-in` by SSO: No such account (InvalidRequestException)",
            "",
        ),
    ];
    for (server, error, help) in &sso {
        let url = server.url();
        let run = home.frames(
            &["info", "--profile", "signed-in"],
            &[("AWS_ENDPOINT_URL_SSO", &url)],
        );
        let help = match *help {
            "" => String::new(),
            help => format!("help: {help}\n"),
        };
        assert_eq!(run.stderr, format!("error: {error}\n{help}"));
    }
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/r</Message></Error></ErrorResponse>";
    let server = Plain::http("403 Forbidden\r\nContent-Type: text/xml", denied);
    home.says(
        "role",
        &[("AWS_ENDPOINT_URL_STS", &server.url())],
        "can't assume the role of the AWS profile `role`: you have no permission for `sts:AssumeRole` on arn:aws:iam::111122223333:role/r",
        "the role's trust policy has to let them assume it; look at `role_arn` and `external_id` as well",
    );
    let nobody = closed();
    home.says(
        "role",
        &[("AWS_ENDPOINT_URL_STS", &nobody)],
        "can't assume the role of the AWS profile `role`: AWS STS can't be reached (Connection refused (os error 111))",
        &format!("AWS_ENDPOINT_URL_STS sends it to {nobody}: check that, then run the same command: it goes on where this one stopped"),
    );
}

/// A process that works at first, and not when its credentials are needed again.
#[test]
fn credentials_that_cant_be_renewed_are_no_network_failure() {
    let home = Home::new();
    let used = home.project.path().join("used");
    let used = used.display();
    home.project.write(
        "home/.aws/config",
        format!(
            "[profile once]\ncredential_process = sh -c 'if test -e {used}; then echo HIDDEN >&2; exit 1; fi; touch {used}; echo \"{{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKIAEXAMPLE\\\", \\\"SecretAccessKey\\\": \\\"HIDDEN\\\"}}\"'\n"
        ),
    );
    home.says(
        "once",
        &[("AWS_ENDPOINT_URL", &closed())],
        "can't find out whose credentials these are: the AWS credentials can't be renewed",
        "sign in again (`aws sso login`, or your way to new credentials), then run the same command: it goes on where this one stopped",
    );
}

/// Where the metadata service's address leads nowhere, nobody waits for it to answer.
#[test]
fn a_machine_that_says_nothing_is_not_waited_for() {
    let home = Home::new();
    let silent = Plain::silent();
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent.url()),
    ];
    let started = Instant::now();
    let run = Run::of(&mut home.command(&["info"], &variables));
    // Each try takes a second, and more on a busy machine. The SDK would give it four, and four more for
    // a Region.
    assert!((1..4).contains(&silent.asked()), "{}", silent.asked());
    assert!(started.elapsed() < Duration::from_secs(60));
    let said = format!("error: no AWS credentials were found\nhelp: {SET}\n");
    assert_eq!((run.code, run.stderr), (1, said));
}
