//! Variables, environments and `frames print`, as a user meets them.

use crate::support::frames::{Project, Run};
use crate::support::peers::peers;
use std::process::Command;

const MANIFEST: &str = "\
service: ${opt:service, 'viewer'}
auth:
  mode: cognito
  userPoolId: ${env:USER_POOL_ID}
  clientIds: ${file(./clients.yml):${frames:env}}
names: {dev: dev.example.org, prod: frames.example.org}
domain:
  cnames: ['${self:names.${frames:env}}']
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
iam: {allow: [{datastore: 012345678901234567890123456789ab}]}
environments:
  prod:
    auth: {tokenUse: any}
    delivery: {dicomweb: true}
";

fn project() -> Project {
    let project = Project::new(MANIFEST);
    project.write("clients.yml", "dev: [abc]\nprod: [def, ghi]\n");
    project
}

fn frames(project: &Project, arguments: &[&str]) -> Run {
    Run::of(
        project
            .command()
            .env("USER_POOL_ID", "us-east-1_Pool00000")
            .args(arguments),
    )
}

fn print(project: &Project, arguments: &[&str]) -> serde_json::Value {
    let run = frames(
        project,
        &[&["print", "--format", "json"], arguments].concat(),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn every_source_reaches_the_manifest() {
    let dev = print(&project(), &[]);
    assert_eq!(dev["service"], "viewer");
    assert_eq!(dev["auth"]["userPoolId"], "us-east-1_Pool00000");
    assert_eq!(dev["auth"]["clientIds"], serde_json::json!(["abc"]));
    assert_eq!(dev["domain"]["cnames"][0], "dev.example.org");
    assert_eq!(
        (&dev["auth"]["tokenUse"], &dev["delivery"]["dicomweb"]),
        (&"access".into(), &false.into())
    );
    assert_eq!(
        dev["iam"]["allow"][0]["datastore"],
        "012345678901234567890123456789ab"
    );
    let prod = print(&project(), &["--env", "prod", "--opt", "service=other"]);
    assert_eq!(prod["service"], "other");
    assert_eq!(prod["auth"]["clientIds"], serde_json::json!(["def", "ghi"]));
    assert_eq!(
        (&prod["auth"]["tokenUse"], &prod["delivery"]["dicomweb"]),
        (&"any".into(), &true.into())
    );
    assert!(prod.get("environments").is_none());
}

#[test]
fn an_environment_is_packaged_under_its_name() {
    let project = project();
    let run = frames(&project, &["package", "--env", "prod"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let plan = std::fs::read_to_string(project.path().join(".frames/prod/plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["stages"][1]["stackName"], "viewer-prod-cdn");
}

#[test]
fn one_value_is_for_a_script() {
    let project = project();
    let run = frames(&project, &["print", "-q", "--path", "domain.cnames.0"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "dev.example.org\n"));
    let run = frames(&project, &["print", "-q", "--path", "domain.cname"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("did you mean `cnames`?"),
        "{}",
        run.stderr
    );
    let run = frames(&project, &["print", "-q"]);
    let again = Project::new(&run.stdout);
    assert_eq!(
        frames(&again, &["validate", "-q"]).code,
        0,
        "what is printed is a manifest: {}",
        run.stdout
    );
}

/// PyYAML reads YAML 1.1, in which `NO`, dates and times of day have other types.
#[test]
fn other_readers_take_what_is_printed_for_the_same() {
    let texts = [
        "NO",
        "2024-01-01",
        "22:30:00",
        "1_000",
        "017",
        "0x1f",
        "y",
        "~",
        "=",
        "it's",
        ".inf",
        "1e3",
    ];
    let tags: Vec<String> = texts
        .iter()
        .filter(|text| !text.contains(['~', '\'']))
        .enumerate()
        .map(|(i, text)| format!("t{i}: '{text}', '{text}': x"))
        .collect();
    let project = Project::new(&format!(
        "service: x\nauth: {{mode: oidc, issuer: 'https://a.example', audience: [{}]}}\niam: {{allow: []}}\ndeploy: {{tags: {{{}}}}}\nresources: {{cdn: {{Outputs: {{A: {{Value: 'no'}}}}, Metadata: {{a: no, b: 'true', c: true, d: 7, e: '7', f: [x, {{g: []}}]}}}}}}\n",
        texts.map(|text| format!("\"{text}\"")).join(", "),
        tags.join(", "),
    ));
    let printed = project.frames(&["print", "-q"]).stdout;
    let json = project.frames(&["print", "-q", "--format", "json"]).stdout;
    project.write("printed.yml", &printed);
    project.write("printed.json", &json);
    const SAME: &str = "import json, yaml\nassert yaml.safe_load(open('printed.yml', encoding='utf-8')) == json.load(open('printed.json'))";
    let run = Run::of(
        Command::new(peers().program("python"))
            .args(["-c", SAME])
            .current_dir(project.path()),
    );
    assert_eq!(run.code, 0, "{printed}\n{run:#?}");
    assert!(
        printed.contains("\n  - 'NO'\n") || printed.contains("\n- 'NO'\n"),
        "{printed}"
    );
}

#[test]
fn environments_and_blocks_come_from_files() {
    let project = Project::new(
        "service: x\nauth: {<<: '${file(./auth.yml)}', audience: b}\niam: {allow: []}\ndelivery: ${file(./delivery.yml)}\nenvironments: ${file(./environments.yml)}\n",
    );
    project.write(
        "auth.yml",
        "mode: oidc\nissuer: https://a.example\naudience: a\n",
    );
    project.write(
        "delivery.yml",
        "http3: false\nwebAcl: none\ncors: {origins: '${env:ORIGINS}'}\n",
    );
    project.write(
        "environments.yml",
        "dev:\nprod: {delivery: {webAcl: null, priceClass: 100}, auth: {issuer: 'https://${frames:env}.example'}}\n",
    );
    let print = |env: &str| {
        let mut command = project.command();
        command
            .env("ORIGINS", "https://c.example,https://d.example")
            .args(["print", "--format", "json", "--env", env]);
        let run = Run::of(&mut command);
        assert_eq!(run.code, 0, "{run:#?}");
        serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap()
    };
    let (dev, prod) = (print("dev"), print("prod"));
    assert_eq!(dev["auth"]["audience"], "b");
    assert_eq!(
        (&dev["delivery"]["webAcl"], &prod["delivery"]["webAcl"]),
        (&"none".into(), &"managed".into())
    );
    assert_eq!(
        (&prod["delivery"]["http3"], &prod["delivery"]["priceClass"]),
        (&false.into(), &"100".into())
    );
    assert_eq!(prod["auth"]["issuer"], "https://prod.example");
    let origins = serde_json::json!(["https://c.example", "https://d.example"]);
    assert_eq!(prod["delivery"]["cors"]["origins"], origins);
    let missing = project.frames(&["validate", "--env", "tset"]);
    assert_eq!(missing.code, 3, "{missing:#?}");
    assert!(
        missing.stdout.contains("defined here: dev, prod"),
        "{missing:#?}"
    );
}

/// `--path` finds what holds by default, too.
#[test]
fn defaults_are_printed_with_their_types() {
    let project = Project::new(
        "service: x\nauth: {mode: oidc, issuer: 'https://a.example', audience: a}\niam: {allow: []}\ndelivery: {rateLimit: '5000'}\n",
    );
    for (path, value) in [
        ("delivery.webAcl", "\"managed\"\n"),
        ("delivery.rateLimit", "5000\n"),
        ("auth.groupsClaim", "\"groups\"\n"),
        ("logs.functions.retentionDays", "30\n"),
    ] {
        let run = project.frames(&["print", "-q", "--format", "json", "--path", path]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (0, value),
            "{path}: {run:#?}"
        );
    }
}

#[test]
fn an_environment_that_is_not_defined_is_an_error() {
    let run = frames(&project(), &["validate", "--env", "prd"]);
    assert_eq!(run.code, 3);
    assert!(
        run.stdout.contains("did you mean `prod`?"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_only_aws_knows_stays_open_and_is_named() {
    let project = Project::new(
        "service: x\nauth: {mode: cognito, userPoolId: '${ssm:/pool}'}\niam: {allow: []}\n",
    );
    let run = project.frames(&["validate"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("`${ssm:/pool}` in line 2"),
        "{}",
        run.stderr
    );
    let run = project.frames(&["print", "--path", "auth.userPoolId"]);
    assert_eq!(run.stdout, "${ssm:/pool}\n");
    let run = project.frames(&["package"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("only AWS knows `${ssm:/pool}`"),
        "{}",
        run.stderr
    );
    assert!(!project.path().join(".frames").exists());
}
