//! `delivery.cachedReads`: a stage beside the data stores, switched on and off and moved while the
//! delivery is deployed. At each moment, what the distribution refers to is there.

use super::{MANIFEST, STORE, Stand, closing, lines};
use crate::support::frames::Run;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// With the reader, in this Region.
pub fn reads_in(region: &str) -> String {
    format!("{MANIFEST}healthImaging: {{region: {region}}}\ndelivery: {{cachedReads: true}}\n")
}

/// The same Region, without it.
pub fn without_reads(region: &str) -> String {
    format!("{MANIFEST}healthImaging: {{region: {region}}}\n")
}

fn run(stand: &Stand, arguments: &[&str]) -> Run {
    let run = stand.run(arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    run
}

fn is_unchanged(stand: &Stand) {
    let stages = stand.deploy()["result"]["stages"].clone();
    for stage in stages.as_array().unwrap() {
        assert_eq!(stage["changed"], false, "{stages:#}");
    }
    assert_eq!(stand.run(&["diff"]).code, 0);
}

/// The stages of a run, by its closing object.
fn stages(closing: &Value) -> Vec<&str> {
    let stages = closing["result"]["stages"].as_array().unwrap().iter();
    stages
        .map(|stage| stage["name"].as_str().unwrap())
        .collect()
}

/// The function's URL, by the word of Lambda.
fn url(stand: &Stand, region: &str) -> Option<Value> {
    let asked = json!({"FunctionName": "heart-dev-reader", "Qualifier": "live"});
    let account = &stand.account;
    let found = account.try_call(region, "lambda", "GetFunctionUrlConfig", asked);
    found.ok()
}

/// What Lambda runs for the URL: the version that the alias is on, and its code's digest.
fn live(stand: &Stand, region: &str) -> Option<(String, Value)> {
    let asked = json!({"FunctionName": "heart-dev-reader", "Name": "live"});
    let found = stand.account.try_call(region, "lambda", "GetAlias", asked);
    let alias = found.ok()?;
    let version = alias["FunctionVersion"].as_str().unwrap();
    let asked = json!({"FunctionName": "heart-dev-reader", "Qualifier": version});
    let found = stand
        .account
        .call_in(region, "lambda", "GetFunction", asked);
    let digest = found["Configuration"]["CodeSha256"].clone();
    Some((version.to_owned(), digest))
}

/// The digest of the zip that was packaged, as Lambda writes it.
fn packaged(stand: &Stand) -> Value {
    let template = stand.project.output("reads.template.json");
    let template: Value = serde_json::from_slice(&std::fs::read(template).unwrap()).unwrap();
    let mut resources = template["Resources"].as_object().unwrap().values();
    let version = resources.find(|it| it["Type"] == "AWS::Lambda::Version");
    version.unwrap()["Properties"]["CodeSha256"].clone()
}

/// The headers that CloudFront adds for the origins, by origin.
fn added(stand: &Stand, closing: &Value) -> Vec<(String, String, String)> {
    let id = closing["result"]["distributionId"].as_str().unwrap();
    let config = &stand.distribution(id)["DistributionConfig"];
    let origins = config["Origins"]["Items"].as_array().unwrap().iter();
    origins
        .flat_map(|origin| {
            let headers = origin["CustomHeaders"]["Items"].as_array();
            headers.cloned().unwrap_or_default().into_iter().map(|it| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let of = text(&origin["Id"]);
                (of, text(&it["HeaderName"]), text(&it["HeaderValue"]))
            })
        })
        .collect()
}

/// The reader is there, nobody but the signer may call it, and the signer is told where it is.
fn is_read_in(stand: &Stand, region: &str, deployed: &Value) {
    let config = url(stand, region).unwrap();
    assert_eq!(config["AuthType"], "AWS_IAM");
    assert_eq!(config["InvokeMode"], "RESPONSE_STREAM");
    let host = config["FunctionUrl"].as_str().unwrap();
    let host = host.strip_prefix("https://").unwrap();
    let host = host.strip_suffix('/').unwrap();
    assert!(host.ends_with(&format!(".lambda-url.{region}.on.aws")));
    let told = ("healthimaging-reads", "Frames-Reader", host);
    let told = (told.0.to_owned(), told.1.to_owned(), told.2.to_owned());
    assert_eq!(added(stand, deployed), [told]);

    let stack = stand.stack("heart-dev-lambda-edge");
    let outputs = stack["Outputs"].as_array().unwrap();
    let role = outputs.iter().find(|it| it["OutputKey"] == "SignerRoleArn");
    let role = &role.unwrap()["OutputValue"];
    let asked = json!({"FunctionName": "heart-dev-reader", "Qualifier": "live"});
    let policy = stand.account.call_in(region, "lambda", "GetPolicy", asked);
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let mut actions = Vec::new();
    for statement in statements {
        assert_eq!(statement["Principal"]["AWS"], *role, "{policy:#}");
        let resource = statement["Resource"].as_str().unwrap();
        assert!(resource.ends_with(":heart-dev-reader:live"), "{resource}");
        actions.push(statement["Action"].as_str().unwrap());
    }
    actions.sort_unstable();
    assert_eq!(
        actions,
        ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
    );

    // Nothing leads to the function but the alias, and that is on the packaged program.
    let bare = json!({"FunctionName": "heart-dev-reader"});
    let account = &stand.account;
    let found = account.try_call(region, "lambda", "GetFunctionUrlConfig", bare);
    assert!(found.is_err(), "{found:?}");
    let (version, digest) = live(stand, region).unwrap();
    assert!(version.parse::<u32>().is_ok(), "{version}");
    assert_eq!(digest, packaged(stand));

    let asked = json!({"FunctionName": "heart-dev-reader"});
    let function = stand
        .account
        .call_in(region, "lambda", "GetFunction", asked);
    assert_eq!(function["Configuration"]["Runtime"], "provided.al2023");
    let bucket = format!("frames-artifacts-{}-{region}", stand.account.number());
    let zips = stand.keys_in(&bucket);
    assert!(
        zips.iter().any(|key| key.starts_with("heart/dev/reader-")),
        "{zips:?}"
    );
    stand.serves(deployed);
    stand.never_open();
}

/// Where in a run's events a resource got into a state.
fn at(run: &Run, resource: &str, status: &str) -> usize {
    let events = lines(run);
    let found = events
        .iter()
        .rposition(|event| event["resource"] == resource && event["status"] == status);
    found.unwrap_or_else(|| panic!("{resource} {status}: {run:#?}"))
}

/// What is there apart from zips, which earlier deployments leave in the buckets, and from the
/// numbers of versions.
fn apart_from_zips(stand: &Stand) -> Vec<String> {
    let mut state = stand.account.state();
    state.retain(|line| !line.starts_with("s3 ") && !line.starts_with("lambda_svc versions "));
    state
}

/// The buckets, and the key of the access logs.
fn is_kept(line: &str) -> bool {
    line.starts_with("s3 ") || line == "kms keys us-east-1 Logs of heart (dev)"
}

fn fresh(manifest: &str) -> Vec<String> {
    let stand = Stand::new();
    stand.write(manifest);
    stand.deploy();
    apart_from_zips(&stand)
}

#[test]
fn the_reader_is_deployed_beside_the_data_stores() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    let deployed = stand.deploy();
    assert_eq!(stages(&deployed), ["lambda-edge", "reads", "cdn"]);
    is_read_in(&stand, "us-west-2", &deployed);
    is_unchanged(&stand);
    let info = stand.json(&["info"]);
    let reads = &info["result"]["stages"][1];
    assert_eq!(
        (&reads["name"], &reads["region"]),
        (&json!("reads"), &json!("us-west-2"))
    );
    assert_eq!(reads["state"], "deployed");
    let reader = &info["result"]["readers"][0];
    assert_eq!(
        (&reader["name"], &reader["region"], &reader["alias"]),
        (
            &json!("heart-dev-reader"),
            &json!("us-west-2"),
            &json!("live")
        )
    );
    let (version, _) = live(&stand, "us-west-2").unwrap();
    assert_eq!(reader["version"].to_string(), version);
    let host = reader["host"].as_str().unwrap();
    let config = url(&stand, "us-west-2").unwrap();
    assert_eq!(config["FunctionUrl"], format!("https://{host}/"));
    let told = run(&stand, &["info"]).stdout;
    for said in [format!("version {version} as live"), host.to_owned()] {
        assert!(told.contains(&said), "{said}: {told}");
    }

    let removed = stand.remove();
    assert_eq!(stages(&removed), ["cdn", "reads", "lambda-edge"]);
    let left = stand.account.state();
    assert!(left.iter().all(|line| is_kept(line)), "{left:#?}");
    for region in ["us-east-1", "us-west-2"] {
        let bucket = format!("frames-artifacts-{}-{region}", stand.account.number());
        assert_eq!(stand.keys_in(&bucket), Vec::<String>::new());
    }
}

#[test]
fn it_is_switched_on_and_off_with_the_delivery_deployed() {
    let stand = Stand::new();
    stand.write(&without_reads("us-east-1"));
    stand.deploy();
    let before = apart_from_zips(&stand);

    stand.write(&reads_in("us-east-1"));
    let on = run(&stand, &["deploy", "--yes", "--format", "json"]);
    let (made, told) = (
        at(&on, "ReaderUrl", "CREATE_COMPLETE"),
        at(&on, "Distribution", "UPDATE_IN_PROGRESS"),
    );
    assert!(made < told, "{on:#?}");
    is_read_in(&stand, "us-east-1", &closing(&on));
    assert_eq!(apart_from_zips(&stand), fresh(&reads_in("us-east-1")));
    is_unchanged(&stand);

    stand.write(&without_reads("us-east-1"));
    let refused = stand.run(&["deploy"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("ReaderFunction"), "{refused:#?}");
    let shown = run(&stand, &["deploy", "--dry-run"]);
    assert!(shown.stderr.contains("ReaderFunction"), "{shown:#?}");
    let diff = stand.run(&["diff"]);
    assert!(diff.stdout.contains("ReaderUrl"), "{diff:#?}");
    let off = run(&stand, &["deploy", "--yes", "--format", "json"]);
    let (let_go, gone) = (
        at(&off, "Distribution", "UPDATE_COMPLETE"),
        at(&off, "ReaderUrl", "DELETE_IN_PROGRESS"),
    );
    assert!(let_go < gone, "{off:#?}");
    // What calls the reader keeps its permission for as long as it may call.
    assert!(at(&off, "ReaderUrlPermission", "DELETE_IN_PROGRESS") > let_go);
    assert_eq!(added(&stand, &closing(&off)), []);
    assert_eq!(url(&stand, "us-east-1"), None);
    assert_eq!(apart_from_zips(&stand), before);
    stand.never_open();
    is_unchanged(&stand);
}

#[test]
fn it_follows_the_data_stores_to_another_region() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    stand.write(&reads_in("eu-west-1"));
    let moved = run(&stand, &["deploy", "--yes", "--format", "json"]);
    let let_go = at(&moved, "Distribution", "UPDATE_COMPLETE");
    assert!(at(&moved, "ReaderUrl", "CREATE_COMPLETE") < let_go);
    assert!(at(&moved, "ReaderUrl", "DELETE_IN_PROGRESS") > let_go);
    is_read_in(&stand, "eu-west-1", &closing(&moved));
    assert_eq!(url(&stand, "us-west-2"), None);
    has_no_zips(&stand, "us-west-2");
    assert_eq!(apart_from_zips(&stand), fresh(&reads_in("eu-west-1")));
    is_unchanged(&stand);
}

/// The signer's role at each moment: that of the version that the distribution runs.
struct Edge {
    origins: Vec<String>,
    role: String,
    /// The Regions of what it may read, and of what it may call.
    reads: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl Edge {
    fn of(stand: &Stand, id: &str) -> Self {
        let config = &stand.distribution(id)["DistributionConfig"];
        let origins = config["Origins"]["Items"].as_array().unwrap().iter();
        let origins = origins.map(|origin| origin["DomainName"].as_str().unwrap().to_owned());
        let items = &config["DefaultCacheBehavior"]["LambdaFunctionAssociations"]["Items"];
        let mut items = items.as_array().unwrap().iter();
        let signer = items.find(|item| item["EventType"] == "origin-request");
        let version = signer.unwrap()["LambdaFunctionARN"].as_str().unwrap();
        Self {
            origins: origins.collect(),
            ..Self::of_function(stand, version)
        }
    }

    fn of_function(stand: &Stand, function: &str) -> Self {
        let (role, statements) = stand.permitted(function);
        let (mut reads, mut calls) = (BTreeSet::new(), BTreeSet::new());
        for statement in statements {
            let action = statement["Action"][0].as_str().unwrap();
            let regions = match action.split_once(':').unwrap().0 {
                "medical-imaging" => &mut reads,
                "lambda" => &mut calls,
                _ => continue,
            };
            let resources = statement["Resource"].as_array().unwrap().iter();
            let arns = resources.map(|arn| arn.as_str().unwrap());
            regions.extend(arns.map(|arn| arn.split(':').nth(3).unwrap().to_owned()));
        }
        Self {
            origins: vec![],
            role,
            reads,
            calls,
        }
    }

    /// Requests go to this Region, signed by a role that may read there.
    fn works_in(&self, stand: &Stand, region: &str, with_reader: bool) {
        let native = format!("runtime-medical-imaging.{region}.amazonaws.com");
        assert!(self.origins.contains(&native), "{:?}", self.origins);
        assert_eq!(self.reads, BTreeSet::from([region.to_owned()]));
        if with_reader {
            assert_eq!(self.calls, self.reads);
            let asked = json!({"FunctionName": "heart-dev-reader", "Qualifier": "live"});
            let policy = stand.account.call_in(region, "lambda", "GetPolicy", asked);
            let policy = policy["Policy"].as_str().unwrap();
            assert!(policy.contains(&self.role), "{}: {policy}", self.role);
        } else {
            assert_eq!(self.calls, BTreeSet::new());
        }
    }
}

/// Between the stages, the edge still sends requests to the old Region, and the role of the
/// version that signs them may still read there.
#[test]
fn in_another_region_each_request_is_signed_by_a_role_that_may_read() {
    for (with_reader, manifest) in [
        (false, without_reads as fn(&str) -> String),
        (true, reads_in),
    ] {
        let stand = Stand::new();
        stand.write(&manifest("us-west-2"));
        let closing = stand.deploy();
        let id = closing["result"]["distributionId"].as_str().unwrap();
        Edge::of(&stand, id).works_in(&stand, "us-west-2", with_reader);

        stand.write(&manifest("eu-west-1"));
        let kind = "AWS::CloudFront::Distribution";
        stand
            .account
            .fail("UPDATE", kind, "Distribution", "The moon is full");
        let stopped = stand.run(&["deploy", "--yes"]);
        assert_eq!(stopped.code, 1, "{stopped:#?}");
        let changed = Edge::of_function(&stand, "heart-dev-signer").reads;
        assert_eq!(changed, BTreeSet::from(["eu-west-1".to_owned()]));
        Edge::of(&stand, id).works_in(&stand, "us-west-2", with_reader);

        stand.account.set(&json!({"failures": []}));
        let closing = stand.deploy();
        assert_eq!(closing["result"]["distributionId"], id);
        Edge::of(&stand, id).works_in(&stand, "eu-west-1", with_reader);
        assert_eq!(apart_from_zips(&stand), fresh(&manifest("eu-west-1")));
        stand.never_open();
        is_unchanged(&stand);
    }
}

fn has_no_zips(stand: &Stand, region: &str) {
    let bucket = format!("frames-artifacts-{}-{region}", stand.account.number());
    let asked = json!({"Bucket": bucket});
    let found = stand.account.call("s3", "ListObjectVersions", asked);
    for versions in ["Versions", "DeleteMarkers"] {
        assert!(
            found[versions].as_array().is_none_or(Vec::is_empty),
            "{found:#}"
        );
    }
}

/// The Region is forgotten with the stack, so nothing may stay there. A zip of somebody else does.
#[test]
fn its_zips_go_with_it() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    let bucket = format!("frames-artifacts-{}-us-west-2", stand.account.number());
    let zips = stand.keys_in(&bucket);
    assert_eq!(zips.len(), 1, "{zips:?}");
    let theirs = zips[0].replace("heart/", "lung/");
    let put = json!({"Bucket": bucket, "Key": theirs, "Body": "theirs"});
    stand.account.call("s3", "PutObject", put);
    stand.write(&without_reads("us-west-2"));
    let off = run(&stand, &["deploy", "--yes"]);
    assert!(off.stderr.contains("1 artifact in bucket"), "{off:#?}");
    assert_eq!(stand.keys_in(&bucket), [theirs]);
    is_unchanged(&stand);
    // What is in the functions' own Region serves the next deployment.
    assert!(!stand.keys_in(&stand.managed_bucket()).is_empty());
}

/// CloudFormation doesn't see it, and no run calls that deployed.
#[test]
fn a_url_that_was_opened_by_hand_is_told() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    let set = |auth: &str| {
        let asked =
            json!({"FunctionName": "heart-dev-reader", "Qualifier": "live", "AuthType": auth});
        let account = &stand.account;
        account.call_in("us-west-2", "lambda", "UpdateFunctionUrlConfig", asked);
    };
    set("NONE");
    let refused = stand.run(&["deploy", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    for said in [
        "heart-dev-reader (us-west-2)",
        "auth type NONE",
        "Set its auth type to AWS_IAM",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {refused:#?}");
    }
    set("AWS_IAM");
    is_unchanged(&stand);

    // One that no template has.
    let mut bare = json!({"FunctionName": "heart-dev-reader", "AuthType": "NONE"});
    let account = &stand.account;
    account.call_in(
        "us-west-2",
        "lambda",
        "CreateFunctionUrlConfig",
        bare.clone(),
    );
    let refused = stand.run(&["deploy", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("auth type NONE"), "{refused:#?}");
    bare.as_object_mut().unwrap().remove("AuthType");
    account.call_in("us-west-2", "lambda", "DeleteFunctionUrlConfig", bare);
    is_unchanged(&stand);
}

/// Another version of the reader, and the one before it is collected.
#[test]
fn a_changed_reader_is_another_version() {
    let stand = Stand::new();
    let manifest = reads_in("us-west-2");
    stand.write(&manifest);
    stand.deploy();
    let (before, _) = live(&stand, "us-west-2").unwrap();
    stand.write(&format!("{manifest}logs: {{functions: {{level: info}}}}\n"));
    let changed = run(&stand, &["deploy", "--format", "json"]);
    let (after, digest) = live(&stand, "us-west-2").unwrap();
    assert_ne!(after, before);
    assert_eq!(digest, packaged(&stand));
    let asked = json!({"FunctionName": "heart-dev-reader"});
    let listed = stand
        .account
        .call_in("us-west-2", "lambda", "ListVersionsByFunction", asked);
    let listed = listed["Versions"].as_array().unwrap().iter();
    let listed: Vec<&str> = listed.map(|it| it["Version"].as_str().unwrap()).collect();
    assert_eq!(listed, ["$LATEST", after.as_str()]);
    is_read_in(&stand, "us-west-2", &closing(&changed));
    is_unchanged(&stand);
    // Nobody takes it for a function at the edge.
    let info = stand.json(&["info"]);
    let functions = info["result"]["functions"].to_string();
    assert!(!functions.contains("heart-dev-reader"), "{functions}");
}

/// Whatever the manifest says by then, or without one.
#[test]
fn a_removal_finds_it_where_it_is() {
    for arguments in [
        &["remove", "--yes"][..],
        &["remove", "--yes", "--service", "heart", "--env", "dev"],
    ] {
        let stand = Stand::new();
        stand.write(&reads_in("us-west-2"));
        stand.deploy();
        stand.write(&without_reads("eu-west-1"));
        let info = stand.json(&["info"]);
        let reads = &info["result"]["stages"][1];
        assert_eq!(
            (&reads["name"], &reads["region"]),
            (&json!("reads"), &json!("us-west-2"))
        );
        let removed = run(&stand, arguments);
        assert!(removed.stderr.contains("heart-dev-reads"), "{removed:#?}");
        let left = stand.account.state();
        let kept = left.iter().all(|line| is_kept(line));
        assert!(kept, "{arguments:?}: {left:#?}");
        has_no_zips(&stand, "us-west-2");
    }
}

/// Least privilege: it reads frames, of the data stores that are listed, in its own Region.
#[test]
fn the_role_that_reads_is_limited_as_iam_allow_is() {
    let stand = Stand::new();
    stand.write(&reads_in("us-west-2"));
    stand.deploy();
    let template = stand.account.call_in(
        "us-west-2",
        "cloudformation",
        "GetTemplate",
        json!({"StackName": "heart-dev-reads"}),
    );
    let body = &template["TemplateBody"];
    let body = body
        .as_str()
        .map_or_else(|| body.clone(), |text| serde_json::from_str(text).unwrap());
    let policy = &body["Resources"]["ReaderReadPolicy"]["Properties"]["PolicyDocument"];
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 1, "{policy:#}");
    assert_eq!(
        statements[0]["Action"],
        json!(["medical-imaging:GetImageFrame"])
    );
    for resource in statements[0]["Resource"].as_array().unwrap() {
        let text = resource["Fn::Sub"].as_str().unwrap();
        assert!(
            text.contains(&format!(":us-west-2:${{AWS::AccountId}}:datastore/{STORE}")),
            "{text}"
        );
    }
}
