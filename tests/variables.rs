//! Variables, environments and `frames print`, as a user meets them.

use crate::support::frames::{Project, Run};

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
