//! What a run says to do next means the deployment at hand.

use super::history::{id, listed};
use super::reads::reads_in;
use super::told::says;
use super::{MANIFEST, Stand};
use crate::support::pty::OnTerminal;
use rustix::process::{Signal, kill_process};

#[test]
fn a_command_to_copy_is_for_this_environment() {
    let stand = Stand::new();
    for audience in ["frames", "images"] {
        let audience = format!("audience: {audience}");
        stand.write(&MANIFEST.replace("audience: frames", &audience));
        let run = stand.run(&["deploy", "-e", "prod", "--yes"]);
        assert_eq!(run.code, 0, "{run:#?}");
    }
    let listed = stand.json(&["history", "-e", "prod"]);
    let earlier = listed["result"]["deployments"][1]["id"].as_str().unwrap();
    let help = format!("run `frames rollback {earlier} --env prod`, if that is the one");
    says(&stand.run(&["rollback", "-e", "prod"]), 1, &[&help]);
    let config = stand.run(&["info", "-e", "test", "--config", "frames.yml"]);
    says(
        &config,
        1,
        &["`frames deploy --env test --config frames.yml` deploys it"],
    );
}

#[test]
fn an_interruption_instead_of_an_answer_says_that_nothing_was_changed() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}delivery: {{dicomweb: true}}\n"));
    stand.deploy();
    let before = (stand.account.state(), id(&listed(&stand)[0]));
    stand.write(MANIFEST);
    let asked = OnTerminal::start_with_columns(&mut stand.command(&["deploy"]), 250);
    asked.wait_for("[y/N]");
    kill_process(asked.pid(), Signal::INT).unwrap();
    let (code, shown) = asked.end();
    assert_eq!(code, 130, "{shown}");
    let said = "nothing was changed: run `frames deploy` to start again";
    assert!(shown.contains(said), "{shown}");
    assert_eq!((stand.account.state(), id(&listed(&stand)[0])), before);
}

#[test]
fn a_change_of_protection_is_named() {
    let stand = Stand::new();
    stand.write(&format!(
        "{MANIFEST}deploy: {{terminationProtection: true}}\n"
    ));
    let set = "cdn: protection from deletion is set";
    says(&stand.run(&["deploy", "--yes"]), 0, &[set]);
    stand.write(MANIFEST);
    says(
        &stand.run(&["diff"]),
        0,
        &["cdn (heart-dev-cdn): no resource changes\n   ~ protection from deletion is taken off"],
    );
    let run = stand.run(&["deploy"]);
    let off = "Changed cdn: protection from deletion is taken off";
    says(&run, 0, &[off]);
    assert!(!run.stderr.contains("Unchanged"), "{run:#?}");
    says(
        &stand.run(&["deploy"]),
        0,
        &["Unchanged everything is deployed"],
    );
}

#[test]
fn two_stacks_of_one_name_have_their_regions() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    stand.write(&reads_in("eu-west-1"));
    says(
        &stand.run(&["diff"]),
        0,
        &[
            "reads (heart-dev-reads in eu-west-1): not deployed",
            "reads (heart-dev-reads in us-west-2): ",
            "cdn (heart-dev-cdn): ",
        ],
    );
    let refused = stand.run(&["deploy"]);
    says(&refused, 1, &["reads (heart-dev-reads in us-west-2): "]);
}
