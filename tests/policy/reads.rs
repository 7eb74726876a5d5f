//! The printed policies with `delivery.cachedReads`: a stage in another Region, which is switched on
//! and off and moved. What a manifest lacks that an older one made needs the older one's policy, too.

use super::Stage;
use serde_json::{Value, json};

/// What frames itself asks of the reader only.
const URL: &[&str] = &["lambda:ListFunctionUrlConfigs"];

/// A manifest, as the one whose policy is printed.
struct Form<'a> {
    stage: &'a Stage,
    name: &'static str,
    manifest: String,
    policy: Value,
}

impl<'a> Form<'a> {
    fn new(stage: &'a Stage, name: &'static str, manifest: String) -> Self {
        stage.project.write("frames.yml", &manifest);
        Self {
            stage,
            name,
            manifest,
            policy: stage.policy(&[]),
        }
    }

    /// Deploys it as a user who may do what these policies allow, and nothing else.
    fn is_deployed_with(&self, policies: &[&Value]) {
        let user = self.stage.account.as_user(self.name, &joined(policies));
        self.stage.project.write("frames.yml", &self.manifest);
        let run = self.stage.frames(&user, &["deploy", "--yes"]);
        assert_eq!(run.code, 0, "{}: {run:#?}", self.name);
    }
}

/// One policy that allows what each of these does. Two statements of a policy can't have one Sid.
fn joined(policies: &[&Value]) -> Value {
    let statements = policies
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().unwrap().clone());
    let unnamed = statements.map(|mut statement| {
        statement.as_object_mut().unwrap().remove("Sid");
        statement
    });
    json!({"Version": "2012-10-17", "Statement": unnamed.collect::<Vec<_>>()})
}

/// Whether the account has the reader's stack in this Region.
fn is_read_in(stage: &Stage, region: &str) -> bool {
    let line = format!("{region} beside-dev-reads");
    let state = stage.account.state();
    state.iter().any(|entry| entry.ends_with(&line))
}

#[test]
fn they_are_enough_for_cached_reads_from_the_first_day_to_the_last() {
    let stage = Stage::new("beside");
    let plain = stage.manifest();
    let without = format!("{plain}healthImaging: {{region: eu-west-1}}\n");
    let reads_in = |region: &str| {
        format!("{plain}healthImaging: {{region: {region}}}\ndelivery: {{cachedReads: true}}\n")
    };
    let west = Form::new(&stage, "west", reads_in("us-west-2"));
    let east = Form::new(&stage, "east", reads_in("eu-west-1"));
    let off = Form::new(&stage, "off", without);

    west.is_deployed_with(&[&west.policy]);
    assert!(is_read_in(&stage, "us-west-2"));
    // Where nothing changes, the URL is still looked at.
    stage.lacking(&west.policy, URL, &["deploy", "--yes"]);

    east.is_deployed_with(&[&west.policy, &east.policy]);
    assert!(is_read_in(&stage, "eu-west-1") && !is_read_in(&stage, "us-west-2"));

    // The new manifest's policy has nothing for the stack that is to go.
    stage.project.write("frames.yml", &off.manifest);
    let narrow = stage.account.as_user("narrow", &off.policy);
    let before = stage.account.state();
    let run = stage.frames(&narrow, &["deploy", "--yes"]);
    assert!(
        run.code == 1 && run.stderr.contains("`cloudformation:DescribeStacks`"),
        "{run:#?}"
    );
    assert_eq!(stage.account.state(), before);
    off.is_deployed_with(&[&east.policy, &off.policy]);
    assert!(!is_read_in(&stage, "eu-west-1"));

    let again = Form::new(&stage, "again", reads_in("eu-west-1"));
    again.is_deployed_with(&[&again.policy]);
    assert!(is_read_in(&stage, "eu-west-1"));
    let remover = stage.account.as_user("remover", &again.policy);
    let run = stage.frames(&remover, &["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let left = stage.account.state();
    let mut own = left.iter().filter(|entry| entry.contains("beside-dev"));
    assert!(own.all(|entry| entry.starts_with("s3 ")), "{left:#?}");
}
