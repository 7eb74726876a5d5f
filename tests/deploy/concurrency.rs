//! Two runs at once.

use super::{MANIFEST, Stand};
use crate::support::frames::{Project, Run};
use crate::support::process::spawn;
use crate::support::read;
use serde_json::Value;
use std::process::Stdio;

/// The stacks fit together, and the functions are those of one manifest.
fn consistent(stand: &Stand, projects: &[&Project]) {
    let outputs = &stand.stack("heart-dev-lambda-edge")["Outputs"];
    let cdn = stand.stack("heart-dev-cdn");
    for parameter in cdn["Parameters"].as_array().unwrap() {
        let mut outputs = outputs.as_array().unwrap().iter();
        let output = outputs.find(|output| output["OutputKey"] == parameter["ParameterKey"]);
        assert_eq!(output.unwrap()["OutputValue"], parameter["ParameterValue"]);
    }
    let functions = ["heart-dev-authorizer", "heart-dev-signer"].map(|name| {
        let asked = serde_json::json!({"FunctionName": name});
        let function = stand.account.call("lambda", "GetFunction", asked);
        function["Configuration"]["CodeSha256"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let packaged = projects.iter().map(|project| {
        let plan: Value =
            serde_json::from_slice(&std::fs::read(project.output("plan.json")).unwrap()).unwrap();
        ["authorizer", "signer"].map(|name| {
            let artifacts = plan["stages"][0]["artifacts"].as_array().unwrap();
            let artifact = artifacts
                .iter()
                .find(|artifact| artifact["function"] == name)
                .unwrap();
            super::base64_of(artifact["sha256"].as_str().unwrap())
        })
    });
    let packaged: Vec<_> = packaged.collect();
    assert!(packaged.contains(&functions), "{functions:?} {packaged:?}");
}

fn at_once(stand: &Stand) {
    let other = Project::new(
        &MANIFEST
            .replace("audience: frames", "audience: images")
            .replace("\niam:", "\nhealthImaging: {region: us-west-2}\niam:"),
    );
    other.write("jwks.json", read("tests/manifests/jwks.json"));
    let arguments = ["deploy", "--yes"];
    let start = |mut command: std::process::Command| {
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let one = start(stand.command(&arguments));
    let mut command = other.command();
    command.args(arguments).envs(stand.account.environment());
    let two = start(command);
    let runs = [one, two].map(|child| Run::from(child.wait_with_output().unwrap()));
    assert!(runs.iter().any(|run| run.code == 0), "{runs:#?}");
    for run in runs.iter().filter(|run| run.code != 0) {
        assert_eq!(run.code, 1, "{runs:#?}");
        let told = run.stderr.contains("another run") || run.stderr.contains("somebody else");
        assert!(told, "{runs:#?}");
    }
    stand.never_open();
    consistent(stand, &[&stand.project, &other]);
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn two_first_deployments() {
    at_once(&Stand::new());
}

#[test]
fn two_later_deployments() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: others"));
    at_once(&stand);
}

/// Whichever comes first: nothing is open, and the next run ends it.
#[test]
fn a_deployment_and_a_removal() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: others"));
    let mut deploy = spawn(stand.command(&["deploy", "--yes"]));
    let removal = stand.run(&["remove", "--yes"]);
    deploy.wait().unwrap();
    assert!([0, 1].contains(&removal.code), "{removal:#?}");
    stand.never_open();
    let closing = stand.deploy();
    stand.serves(&closing);
    stand.remove();
}
