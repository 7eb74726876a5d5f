//! `frames deploy` and `frames remove` against the tests' AWS: what is there in
//! the end is asked of each service, not of the stacks. What replicas,
//! propagation and CloudFormation's steps do here is our model of AWS's.

mod accounts;
mod by_name;
mod concurrency;
mod consent;
mod credentials;
mod diffs;
mod edge_logs;
mod failures;
mod faults;
mod foreign;
mod history;
mod hostile;
mod in_use;
mod interrupts;
mod keys;
mod kills;
mod letting_go;
mod lifecycle;
mod looking;
mod moves;
mod online;
mod outside;
mod ownership;
mod purge;
mod reach;
mod reads;
mod removal;
mod rollback;
mod secrets;
mod states;
mod swapped;
mod told;
mod trial;
mod walk;
mod words;

use crate::support::aws::{Account, Aws};
use crate::support::frames::{Project, Run};
use crate::support::read;
use crate::support::sample::sample;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;

pub use crate::support::process::PATIENCE;
use crate::support::process::{Background, eventually};

pub const STORE: &str = "12345678901234567890123456789012";

/// Every key that deploy asks AWS about names something that a test has made.
pub const MANIFEST: &str = "
service: heart
auth: {mode: oidc, issuer: 'https://login.example.org/', audience: frames, jwksFile: ./jwks.json}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
";

/// A project, and the account that it is deployed to.
pub struct Stand {
    pub project: Project,
    pub account: Account,
}

impl Stand {
    pub fn new() -> Self {
        Self::with(MANIFEST, Aws::shared().account())
    }

    /// Steps of stacks take next to no time, so that a test sees states, not waits.
    pub fn with(manifest: &str, account: Account) -> Self {
        account.set(&json!({"step": 0.02, "datastores": {STORE: "ACTIVE"}}));
        let project = Project::new(manifest);
        project.write("jwks.json", read("tests/manifests/jwks.json"));
        Self { project, account }
    }

    /// The same project, on another way to the same account.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command();
        command.args(arguments).envs(self.account.environment());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// A run that says that it waits for something, which `end` brings about meanwhile.
    pub fn waits(&self, arguments: &[&str], said: &str, end: impl FnOnce()) -> Run {
        let mut process = Background::start(&mut self.command(arguments));
        eventually("the wait", || {
            assert_eq!(process.exit_code(), None, "{}", process.output());
            process.output().contains(said).then_some(())
        });
        end();
        let code = eventually("the end", || process.exit_code());
        Run {
            code,
            stdout: String::new(),
            stderr: process.output(),
        }
    }

    pub fn write(&self, manifest: &str) {
        self.project.write("frames.yml", manifest);
    }

    /// A deployment that has to succeed: its closing object.
    pub fn deploy(&self) -> Value {
        self.deploy_with(&[])
    }

    pub fn deploy_with(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[&["deploy", "--yes", "--format", "json"], arguments].concat());
        assert_eq!(run.code, 0, "{run:#?}");
        closing(&run)
    }

    /// What a command that has to succeed says to scripts.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(run.code, 0, "{run:#?}");
        closing(&run)
    }

    pub fn remove(&self) -> Value {
        let run = self.run(&["remove", "--yes", "--format", "json"]);
        assert_eq!(run.code, 0, "{run:#?}");
        closing(&run)
    }

    pub fn plan(&self, env: &str) -> Value {
        let path = format!(".frames/{env}/plan.json");
        let text = std::fs::read(self.project.path().join(path)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    pub fn stack(&self, name: &str) -> Value {
        self.stack_in("us-east-1", name)
    }

    pub fn stack_in(&self, region: &str, name: &str) -> Value {
        let asked = json!({"StackName": name});
        let stacks = self
            .account
            .call_in(region, "cloudformation", "DescribeStacks", asked);
        let mut stack = stacks["Stacks"][0].clone();
        // When somebody last looked for drift is no part of it.
        stack["DriftInformation"].take();
        stack
    }

    pub fn distribution(&self, id: &str) -> Value {
        let answer = self
            .account
            .call("cloudfront", "GetDistribution", json!({"Id": id}));
        answer["Distribution"].clone()
    }

    pub fn versions(&self, function: &str) -> Vec<String> {
        let asked = json!({"FunctionName": function});
        let answer = self
            .account
            .try_call("us-east-1", "lambda", "ListVersionsByFunction", asked);
        let Ok(answer) = answer else { return vec![] };
        let versions = answer["Versions"].as_array().unwrap().iter();
        let versions = versions.map(|version| version["Version"].as_str().unwrap().to_owned());
        versions.filter(|version| version != "$LATEST").collect()
    }

    /// By the word of CloudFront and Lambda: the distribution is open, and every
    /// path runs the functions that were packaged last.
    pub fn serves(&self, closing: &Value) {
        self.serves_env(closing, "dev");
    }

    pub fn serves_env(&self, closing: &Value, env: &str) {
        let id = closing["result"]["distributionId"].as_str().unwrap();
        let distribution = self.distribution(id);
        let config = &distribution["DistributionConfig"];
        assert_eq!(distribution["Status"], "Deployed");
        assert_eq!(config["Enabled"], true);
        let domain = distribution["DomainName"].as_str().unwrap();
        let first = config["Aliases"]["Items"][0].as_str().unwrap_or(domain);
        assert_eq!(closing["result"]["url"], format!("https://{first}"));
        let plan = self.plan(env);
        let artifacts = plan["stages"][0]["artifacts"].as_array().unwrap();
        let wanted = ["viewer-request", "origin-request"].map(|event| {
            let function = if event == "viewer-request" {
                "authorizer"
            } else {
                "signer"
            };
            let artifact = artifacts
                .iter()
                .find(|a| a["function"] == function)
                .unwrap();
            (event, base64_of(artifact["sha256"].as_str().unwrap()))
        });
        let default = &config["DefaultCacheBehavior"];
        let others = config["CacheBehaviors"]["Items"].as_array();
        for behavior in std::iter::once(default).chain(others.into_iter().flatten()) {
            self.runs(behavior, &wanted);
        }
    }

    fn runs(&self, behavior: &Value, wanted: &[(&str, String)]) {
        let associations = &behavior["LambdaFunctionAssociations"]["Items"];
        for (event, code) in wanted {
            let mut found = associations.as_array().unwrap().iter();
            let found = found.find(|association| association["EventType"] == *event);
            let Some(found) = found else {
                // The authorizer runs before every path; the signer before what goes to an origin.
                assert_ne!(*event, "viewer-request", "{behavior:#}");
                continue;
            };
            let arn = &found["LambdaFunctionARN"];
            let asked = json!({"FunctionName": arn});
            let function = self.account.call("lambda", "GetFunction", asked);
            assert_eq!(function["Configuration"]["CodeSha256"], *code, "{arn}");
        }
    }

    /// At no moment was a distribution open without an authorizer before each path.
    pub fn never_open(&self) {
        for state in self.account.history() {
            if state["enabled"] != true {
                continue;
            }
            for (path, functions) in state["behaviors"].as_object().unwrap() {
                let guard = functions["viewer-request"].as_str();
                assert!(guard.is_some(), "open at {path}: {state:#}");
            }
        }
    }

    /// The artifacts' bucket, unless the manifest names another.
    pub fn managed_bucket(&self) -> String {
        format!("frames-artifacts-{}-us-east-1", self.account.number())
    }

    /// The keys of a bucket's objects; none of a bucket that isn't there.
    pub fn keys_in(&self, bucket: &str) -> Vec<String> {
        let asked = json!({"Bucket": bucket});
        let listed = self
            .account
            .try_call("us-east-1", "s3", "ListObjectsV2", asked);
        let listed = listed.unwrap_or_default();
        let objects = listed["Contents"].as_array().into_iter().flatten();
        let keys = objects.map(|object| object["Key"].as_str().unwrap().to_owned());
        keys.collect()
    }

    /// A hosted zone for `example.org`: its id.
    pub fn zone(&self) -> String {
        let asked = json!({"Name": "example.org", "CallerReference": "1"});
        let zone = self.account.call("route53", "CreateHostedZone", asked);
        let id = zone["HostedZone"]["Id"].as_str().unwrap();
        id.rsplit('/').next().unwrap().to_owned()
    }

    /// The ARN of a function's role, and the statements of the role's policies.
    pub fn permitted(&self, function: &str) -> (String, Vec<Value>) {
        let call = |service, operation, asked| self.account.call(service, operation, asked);
        let found = call("lambda", "GetFunction", json!({"FunctionName": function}));
        let role = found["Configuration"]["Role"].as_str().unwrap().to_owned();
        let name = role.rsplit('/').next().unwrap();
        let attached = call("iam", "ListAttachedRolePolicies", json!({"RoleName": name}));
        let attached = attached["AttachedPolicies"].as_array().unwrap().iter();
        let statements = attached.flat_map(|attached| {
            let arn = &attached["PolicyArn"];
            let policy = call("iam", "GetPolicy", json!({"PolicyArn": arn}));
            let version = &policy["Policy"]["DefaultVersionId"];
            let asked = json!({"PolicyArn": arn, "VersionId": version});
            let document = &call("iam", "GetPolicyVersion", asked)["PolicyVersion"]["Document"];
            document["Statement"].as_array().unwrap().clone()
        });
        let statements = statements.collect();
        (role, statements)
    }

    pub fn certificate(&self, names: &[&str]) -> String {
        let asked = json!({"DomainName": names[0], "SubjectAlternativeNames": names});
        let made = self.account.call("acm", "RequestCertificate", asked);
        made["CertificateArn"].as_str().unwrap().to_owned()
    }

    /// Whether the account's state has a line with this in it.
    pub fn has(&self, part: &str) -> bool {
        self.account.state().iter().any(|line| line.contains(part))
    }

    /// The operations that were called, in order.
    pub fn operations(&self) -> Vec<String> {
        let calls = self.account.calls();
        calls
            .iter()
            .map(|call| call.operation().to_owned())
            .collect()
    }
}

/// The last line of a run's JSON, which has the result.
pub fn closing(run: &Run) -> Value {
    let last = lines(run).pop();
    let closing = last.unwrap_or_else(|| panic!("{run:#?}"));
    assert!(closing.get("result").is_some(), "{run:#?}");
    closing
}

pub fn lines(run: &Run) -> Vec<Value> {
    let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    run.stdout.lines().map(parsed).collect()
}

pub fn base64_of(hex: &str) -> String {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    STANDARD.encode(bytes)
}

/// One process each, some at a time; all that fail are told.
pub fn each<T: std::fmt::Debug + Send>(cases: Vec<T>, check: impl Fn(&T) + Sync) {
    const AT_ONCE: usize = 4;
    let (cases, failed) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().unwrap().next() else {
                        return;
                    };
                    if catch_unwind(AssertUnwindSafe(|| check(&case))).is_err() {
                        failed.lock().unwrap().push(format!("{case:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

/// A run that nothing befalls: the state that it leaves, and its calls.
pub fn undisturbed(arguments: &[&str], first: impl Fn(&Stand)) -> (Vec<String>, Vec<Target>) {
    let stand = Stand::new();
    first(&stand);
    let from = stand.account.calls().len();
    let run = stand.run(arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    (stand.account.state(), calls_of(&stand, from))
}

/// The calls of a run, by operation: what a test can have befallen one by one.
/// Of an operation that only asks, and is repeated until an answer changes, the
/// first few are enough.
pub fn calls_of(stand: &Stand, from: usize) -> Vec<Target> {
    const ASKED: usize = 3;
    let mut targets: Vec<Target> = Vec::new();
    for call in &stand.account.calls()[from..] {
        let same = |target: &&Target| {
            target.service == call.service() && target.operation == call.operation()
        };
        let nth = targets.iter().filter(same).count() + 1;
        if call.is_mutating() || nth <= ASKED {
            targets.push(Target {
                service: call.service().to_owned(),
                operation: call.operation().to_owned(),
                nth,
                mutating: call.is_mutating(),
            });
        }
    }
    targets
}

/// `each` of a sample of the cases: see `sample`.
pub fn each_sampled<T: Send>(
    test: &str,
    most: usize,
    cases: Vec<T>,
    name: impl Fn(&T) -> String,
    check: impl Fn(&T) + Sync,
) {
    each(sample(test, most, cases, name), |case| check(&case.value));
}

/// The n-th call of an operation.
#[derive(Debug, Clone)]
pub struct Target {
    pub service: String,
    pub operation: String,
    pub nth: usize,
    pub mutating: bool,
}

impl Target {
    /// What befalls it, and which call it is.
    pub fn case(&self, kind: &str) -> String {
        format!("{kind} {} {} {}", self.service, self.operation, self.nth)
    }

    /// A rule for this very call.
    pub fn rule(&self, kind: Value) -> Value {
        let mut rule = kind;
        rule["service"] = json!(self.service);
        rule["operation"] = json!(self.operation);
        rule["at"] = json!(self.nth);
        rule
    }
}
