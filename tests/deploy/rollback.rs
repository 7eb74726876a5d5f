//! `frames rollback`: an earlier deployment again, as it was packaged. What is there afterwards is
//! what was there then, by the word of each service.

use super::consent::only_looked;
use super::history::{id, listed, object, put, records};
use super::reads::reads_in;
use super::told::{says, switch};
use super::{MANIFEST, Stand, closing};
use crate::support::frames::{Project, Run};
use crate::support::process::eventually;
use crate::support::pty::OnTerminal;
use serde_json::{Value, json};

/// Ten that differ in what they have: code, resources, stages, Regions, tags.
fn ten() -> Vec<String> {
    let audience = MANIFEST.replace("audience: frames", "audience: images");
    vec![
        MANIFEST.to_owned(),
        audience.clone(),
        format!("{MANIFEST}delivery: {{webAcl: none}}\n"),
        format!("{MANIFEST}delivery: {{dicomweb: true, cache: {{ttl: 2d}}}}\n"),
        format!("{audience}deploy: {{tags: {{team: imaging}}}}\n"),
        reads_in("us-west-2"),
        reads_in("eu-west-1"),
        format!("{MANIFEST}delivery: {{priceClass: 100}}\nlogs: {{functions: {{level: info}}}}\n"),
        format!("{MANIFEST}iam: {{path: /imaging/}}\n").replacen("iam: {allow", "x-iam: {allow", 1),
        format!("{MANIFEST}deploy: {{launch: child}}\n"),
    ]
}

/// All that there is but for the artifact buckets, which stay where a stage leaves, and for how often
/// a function was published.
pub fn snapshot(stand: &Stand) -> Vec<String> {
    let mut lines = stand.account.state();
    lines.retain(|line| !line.starts_with("s3 objects") && !line.contains("frames-artifacts-"));
    for line in &mut lines {
        if line.starts_with("lambda_svc versions") {
            line.truncate(line.rfind(':').unwrap());
        }
    }
    lines.dedup();
    for region in ["us-east-1", "us-west-2", "eu-west-1"] {
        for stage in ["lambda-edge", "reads", "cdn"] {
            let name = format!("heart-dev-{stage}");
            let asked = json!({"StackName": name});
            let (account, cloudformation) = (&stand.account, "cloudformation");
            let found = account.try_call(region, cloudformation, "GetTemplate", asked.clone());
            let Ok(template) = found else { continue };
            lines.push(format!("{region} {name} {}", template["TemplateBody"]));
            let described = account.call_in(region, cloudformation, "DescribeStacks", asked);
            lines.push(format!(
                "{region} {name} {}",
                described["Stacks"][0]["Tags"]
            ));
        }
    }
    let info = stand.json(&["info"]);
    let distribution = info["result"]["distributions"][0]["id"].as_str().unwrap();
    let config = stand.distribution(distribution)["DistributionConfig"].clone();
    let behaviors = config["CacheBehaviors"]["Items"]
        .as_array()
        .into_iter()
        .flatten();
    for behavior in std::iter::once(&config["DefaultCacheBehavior"]).chain(behaviors) {
        let functions = behavior["LambdaFunctionAssociations"]["Items"].as_array();
        for one in functions.into_iter().flatten() {
            let asked = json!({"FunctionName": one["LambdaFunctionARN"]});
            let function = stand.account.call("lambda", "GetFunction", asked);
            let code = &function["Configuration"]["CodeSha256"];
            lines.push(format!(
                "{} {} {code}",
                behavior["PathPattern"], one["EventType"]
            ));
        }
    }
    lines
}

fn rolled_back(stand: &Stand, arguments: &[&str]) -> Value {
    let run = stand.run(&[&["rollback", "--yes", "--format", "json"], arguments].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    closing(&run)
}

#[test]
fn ten_deployments_and_back_to_each() {
    let stand = Stand::new();
    let mut then = Vec::new();
    for manifest in ten() {
        stand.write(&manifest);
        stand.deploy();
        let newest = listed(&stand).remove(0);
        assert_eq!(newest["live"], true);
        then.push((id(&newest), snapshot(&stand)));
    }
    // From any to any: forwards, backwards, and by leaps.
    for index in [0, 9, 1, 8, 2, 7, 3, 6, 4, 5] {
        let (wanted, was) = &then[index];
        let closing = rolled_back(&stand, &[wanted]);
        assert_eq!(closing["result"]["deployment"], *wanted);
        let newest = listed(&stand).remove(0);
        assert_eq!(
            (&newest["kind"], &newest["live"]),
            (&json!("rollback"), &json!(true))
        );
        assert_eq!(newest["id"], *wanted);
        let now = snapshot(&stand);
        let more: Vec<_> = now.iter().filter(|line| !was.contains(line)).collect();
        let less: Vec<_> = was.iter().filter(|line| !now.contains(line)).collect();
        assert_eq!(now, *was, "{index}: more {more:#?}, less {less:#?}");
        stand.never_open();
    }
    // All ten are still there.
    let whole = listed(&stand);
    assert!(
        then.iter()
            .all(|(wanted, _)| whole.iter().any(|one| one["id"] == **wanted))
    );
}

/// On a machine that has never seen the project, its cache or its manifest.
#[test]
fn a_rollback_needs_neither_cache_nor_manifest() {
    let stand = Stand::new();
    stand.deploy();
    let was = snapshot(&stand);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    std::fs::remove_dir_all(stand.project.path().join(".frames")).unwrap();
    let elsewhere = Project::empty();
    let mut command = elsewhere.command_without_cargo_lambda();
    command.args(["rollback", "--service", "heart", "--yes"]);
    command.env("XDG_CACHE_HOME", elsewhere.path().join("no-cache"));
    let run = Run::of(command.envs(stand.account.environment()));
    says(&run, 0, &["Rolling back heart (dev)", "Invoking"]);
    assert_eq!(snapshot(&stand), was);
    let left: Vec<_> = std::fs::read_dir(elsewhere.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_an_id_it_is_the_newest_that_isnt_deployed() {
    let stand = Stand::new();
    stand.deploy();
    says(
        &stand.run(&["rollback"]),
        1,
        &["there is no earlier deployment"],
    );
    let first = id(&listed(&stand)[0]);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let second = id(&listed(&stand)[0]);
    let before = stand.account.state();
    let dry = stand.run(&["rollback", "--dry-run"]);
    says(&dry, 0, &[&first, "change", "nothing was changed"]);
    assert_eq!(stand.account.state(), before);
    assert_eq!(records(&stand).len(), 2);
    rolled_back(&stand, &[]);
    assert_eq!(
        (id(&listed(&stand)[0]), listed(&stand).len()),
        (first.clone(), 3)
    );
    rolled_back(&stand, &[]);
    assert_eq!(id(&listed(&stand)[0]), second);
    // In full, too: then nobody else's begins alike.
    let whole = listed(&stand)[0]["sha256"].as_str().unwrap().to_owned();
    let last = if whole.ends_with('0') { '1' } else { '0' };
    let other = format!("{}{last}", &whole[..63]);
    assert!(whole.len() == 64 && whole.starts_with(&second));
    says(
        &stand.run(&["rollback", &whole, "--dry-run"]),
        0,
        &[&second],
    );
    says(
        &stand.run(&["rollback", &other]),
        1,
        &["there is no deployment"],
    );
    // What is deployed already stays as it is.
    let again = stand.run(&["rollback", &second[..6], "--yes"]);
    says(&again, 0, &["Unchanged"]);
    assert_eq!(listed(&stand).len(), 4);
    says(
        &stand.run(&["rollback", "ffff"]),
        1,
        &["there is no deployment ffff"],
    );
    assert_eq!(stand.run(&["rollback", "latest"]).code, 2);
    // A deployment that failed half way is left for the last one that didn't.
    stand.write(&format!("{MANIFEST}deploy: {{tags: {{team: imaging}}}}\n"));
    stand
        .account
        .fail("UPDATE", "AWS::CloudFront::Distribution", "*", "no");
    assert_eq!(stand.run(&["deploy", "--yes"]).code, 1);
    stand.account.set(&json!({"failures": []}));
    let failed = id(&listed(&stand)[0]);
    says(
        &stand.run(&["rollback", &failed]),
        1,
        &["didn't come to its end"],
    );
    rolled_back(&stand, &[]);
    assert_eq!(
        (id(&listed(&stand)[0]), &listed(&stand)[0]["live"]),
        (second, &json!(true))
    );
}

/// Without an id, too: it isn't the newest any more that it came from.
#[test]
fn an_interrupted_rollback_goes_on_where_it_was_going() {
    let stand = Stand::new();
    stand.deploy();
    let was = snapshot(&stand);
    let first = id(&listed(&stand)[0]);
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    stand
        .account
        .fail("UPDATE", "AWS::CloudFront::Distribution", "*", "no");
    assert_eq!(stand.run(&["rollback", "--yes"]).code, 1);
    stand.account.set(&json!({"failures": []}));
    let shown = listed(&stand);
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["state"]),
        (&json!("rollback"), &json!("begun"))
    );
    rolled_back(&stand, &[]);
    assert_eq!(snapshot(&stand), was);
    let shown = listed(&stand);
    assert_eq!((shown.len(), id(&shown[0])), (3, first));
    assert_eq!(shown[0]["state"], "done");
}

/// The same question as of a deployment, and the same refusal without an answer.
#[test]
fn what_goes_has_to_be_confirmed() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}delivery: {{webAcl: none}}\n"));
    stand.deploy();
    stand.write(MANIFEST);
    stand.deploy();
    let before = stand.account.state();
    let earlier = id(&listed(&stand)[1]);
    let refused = stand.run(&["rollback", &earlier]);
    says(
        &refused,
        1,
        &["remove      WebAcl (AWS::WAFv2::WebACL)", "--yes"],
    );
    assert_eq!(stand.account.state(), before);
}

/// Before it begins.
#[test]
fn what_cannot_go_back_is_said() {
    let stand = Stand::new();
    stand.write(&format!("{MANIFEST}logs: {{access: {{enabled: false}}}}\n"));
    stand.deploy();
    stand.write(&format!(
        "{MANIFEST}logs: {{access: {{objectLock: compliance}}}}\n"
    ));
    stand.deploy();
    stand.write(&format!(
        "{MANIFEST}logs: {{access: {{format: parquet}}}}\n"
    ));
    stand.deploy();
    let shown = listed(&stand);
    let before = stand.account.state();
    for (index, parts) in [
        (1, ["access logs go where they went then", "--yes"]),
        (2, ["bucket AccessLogs leaves the stack", "--yes"]),
    ] {
        let calls = stand.account.calls().len();
        says(&stand.run(&["rollback", &id(&shown[index])]), 1, &parts);
        only_looked(&stand, calls);
        assert_eq!(stand.account.state(), before);
    }
    rolled_back(&stand, &[&id(&shown[1])]);
    let locked = stand.run(&["rollback", &id(&shown[0]), "--dry-run"]);
    says(&locked, 0, &["keeps its Object Lock"]);
}

/// Somebody else may write to the bucket.
#[test]
fn what_was_tampered_with_is_refused() {
    let stand = Stand::new();
    stand.deploy();
    let (key, record) = records(&stand).pop().unwrap();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let refused = |says_it: &str| {
        let (before, calls) = (stand.account.state(), stand.account.calls().len());
        says(
            &stand.run(&["rollback", "--yes"]),
            1,
            &[says_it, "nothing was changed"],
        );
        let made = &stand.account.calls()[calls..];
        assert!(made.iter().all(|call| !call.is_mutating()), "{made:#?}");
        assert_eq!(stand.account.state(), before);
    };
    // Another template, and another zip, under the same key.
    let template = record["templates"]["cdn"]["key"].as_str().unwrap();
    let own = object(&stand, &stand.managed_bucket(), template);
    put(&stand, template, &own.replace("https-only", "allow-all"));
    refused("the template of cdn isn't the one that was packaged");
    put(&stand, template, &own);
    let zip = &record["plan"]["stages"][0]["artifacts"][0];
    let deleted = json!({"Bucket": stand.managed_bucket(), "Key": zip["key"]});
    put(&stand, zip["key"].as_str().unwrap(), "no zip");
    refused("is gone, or isn't what was packaged");
    stand.account.call("s3", "DeleteObject", deleted);
    refused("is gone, or isn't what was packaged");
    // Nothing is read under the names in a record of another account.
    let mut other = record.clone();
    other["account"] = json!("444455556666");
    put(&stand, &key, &other.to_string());
    let calls = stand.account.calls().len();
    refused("it is of account 444455556666");
    let made = &stand.account.calls()[calls..];
    let read = made.iter().filter(|call| call.operation() == "GetObject");
    assert_eq!(read.count(), records(&stand).len());
    // A record that isn't what its name says.
    put(
        &stand,
        &key,
        &record.to_string().replace("heart-dev-cdn", "bank-prod-cdn"),
    );
    let gone = stand.run(&["rollback", "--yes"]);
    says(&gone, 1, &["there is no earlier deployment"]);
    assert_eq!(listed(&stand).len(), 1);
}

/// `frames deploy` would deploy the manifest in the middle of a rollback.
#[test]
fn a_rollbacks_help_stays_with_the_rollback() {
    let stand = Stand::new();
    let closing = stand.deploy();
    let distribution = closing["result"]["distributionId"].as_str().unwrap();
    // To what is deployed: no change of the stack switches it on.
    let first = id(&listed(&stand)[0]);
    switch(&stand, distribution, false);
    let run = stand.run(&["rollback", &first, "--yes"]);
    says(&run, 1, &["run the same command again with --enable"]);
    assert!(!run.stderr.contains("frames deploy"), "{run:#?}");
    rolled_back(&stand, &[&first, "--enable"]);
    assert_eq!(id(&listed(&stand)[0]), first);

    // A stage that it makes anew, and that fails: it isn't the manifest's to go on with.
    let cdn = json!({"StackName": "heart-dev-cdn"});
    stand
        .account
        .call("cloudformation", "DeleteStack", cdn.clone());
    eventually("the stack is gone", || {
        let left =
            stand
                .account
                .try_call("us-east-1", "cloudformation", "DescribeStacks", cdn.clone());
        left.is_err().then_some(())
    });
    let kind = "AWS::CloudFront::Distribution";
    stand.account.fail("CREATE", kind, "*", "The moon is full");
    let run = stand.run(&["rollback", &first, "--yes"]);
    says(
        &run,
        1,
        &["was rolled back; run the same command again, which"],
    );
    assert!(!run.stderr.contains("frames deploy"), "{run:#?}");
    assert_eq!(
        stand.stack("heart-dev-cdn")["StackStatus"],
        "ROLLBACK_COMPLETE"
    );
    stand.account.set(&json!({"failures": []}));
    rolled_back(&stand, &[&first]);
}

/// Whoever may write to the bucket would choose which is the newest: so it is shown, and asked about.
#[test]
fn without_an_id_it_has_to_be_confirmed() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let first = id(&listed(&stand)[1]);
    let (before, calls) = (stand.account.state(), stand.account.calls().len());
    let refused = stand.run(&["rollback"]);
    let taking = format!("Taking deployment {first} of ");
    let way = format!("run `frames rollback {first}`");
    says(&refused, 1, &[&taking, "by arn:aws:", &way]);
    let mut asked = OnTerminal::start(&mut stand.command(&["rollback"]));
    asked.wait_for(&format!("Roll back to deployment {first}? [y/N]"));
    asked.write("n\n");
    let (code, shown) = asked.end();
    assert_eq!(code, 1);
    // The changes come first.
    let (change, question) = (shown.find("AuthorizerFunction"), shown.find("[y/N]"));
    assert!(change.is_some() && change < question, "{shown}");
    only_looked(&stand, calls);
    assert_eq!(stand.account.state(), before);
    // Whoever names it has seen it.
    says(&stand.run(&["rollback", &first]), 0, &[&taking]);
}

/// A record of tomorrow would stay the newest for as long. One that S3 has from another day than it
/// says is somebody else's.
#[test]
fn a_record_of_another_time_is_none() {
    let stand = Stand::new();
    stand.deploy();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let (key, record) = records(&stand).remove(0);
    let first = id(&record);
    let dated = |time: &str| {
        let mut forged = record.clone();
        forged["time"] = json!(time);
        forged["who"] = json!("arn:aws:iam::111122223333:user/planted");
        let stamp = time.replace(['-', ':'], "");
        let planted = format!("heart/dev/deployments/{stamp}-{first}.json");
        put(&stand, &planted, &forged.to_string());
        planted
    };
    for (time, why) in [
        ("2099-01-01T00:00:00.000Z", "its time is later than now"),
        ("2020-01-01T00:00:00.000Z", "from days after its time"),
    ] {
        let planted = dated(time);
        let history = stand.run(&["history"]);
        says(&history, 0, &[&planted, why]);
        assert_eq!(listed(&stand).len(), 2);
        let dry = stand.run(&["rollback", "--dry-run"]);
        says(&dry, 0, &[&first]);
        assert!(!dry.stderr.contains("planted"), "{dry:#?}");
        let deleted = json!({"Bucket": stand.managed_bucket(), "Key": planted});
        stand.account.call("s3", "DeleteObject", deleted);
    }
    assert!(records(&stand).iter().any(|(own, _)| *own == key));
}

/// What was a secret then isn't shown now, though no manifest says so.
#[test]
fn a_secret_of_then_stays_hidden() {
    let stand = Stand::new();
    let secret = json!({"Name": "/tag", "Value": "hunter22-then", "Type": "SecureString"});
    stand.account.call("ssm", "PutParameter", secret);
    stand.write(&format!(
        "{MANIFEST}resources: {{cdn: {{Resources: {{Distribution: {{Properties: {{DistributionConfig: {{Comment: '${{ssm:/tag}}'}}}}}}}}}}}}\n"
    ));
    stand.deploy();
    stand.write(MANIFEST);
    stand.deploy();
    // Another record's word hides nothing: it isn't in what its id is of.
    let (key, mut third) = records(&stand).pop().unwrap();
    stand.write(&MANIFEST.replace("audience: frames", "audience: images"));
    stand.deploy();
    let (_, own) = records(&stand).pop().unwrap();
    third["concealed"] =
        json!({"lambda-edge": ["/Resources/AuthorizerFunction/Properties/FunctionName"]});
    put(&stand, &key, &third.to_string());
    let first = id(&records(&stand)[0].1);
    let live = id(&own);
    let hiding = "Hiding 1 value, which their record calls secret: cdn /Resources/Distribution/";
    for wanted in [&first, &live] {
        let run = stand.run(&["rollback", wanted, "--yes", "-v"]);
        says(&run, 0, &[hiding]);
        assert!(run.stderr.contains("heart-dev-authorizer"), "{run:#?}");
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!run.stderr.contains("hunter22"), "{run:#?}");
        assert!(run.stderr.contains("********"), "{run:#?}");
    }
    for (_, record) in records(&stand) {
        assert!(!record.to_string().contains("hunter22"), "{record:#}");
    }
}
