//! `frames policy`: what it prints. A user with just that can deploy and remove, and a
//! user who lacks an action is told which.
//!
//! The tests' AWS checks what frames calls itself; what CloudFormation does on the
//! user's behalf it lets pass. `policy_reference` holds that against AWS's schemas.

mod reads;

use crate::support::aws::{Account, Aws};
use crate::support::frames::{Project, Run};
use crate::support::read;
use serde_json::{Value, json};

const MANIFEST: &str = "
service: SERVICE
auth: {mode: cognito, userPoolId: POOL, clientIds: [CLIENT], jwksFile: ./jwks.json}
iam: {allow: [{datastore: '12345678901234567890123456789012'}]}
deploy: {tags: {team: imaging}}
";

/// What a first deployment asks for, in its order; `sts:GetCallerIdentity` is
/// everybody's, whatever a policy says.
const DEPLOY: &[&str] = &[
    "cloudformation:DescribeStacks",
    "s3:CreateBucket",
    "s3:PutBucketPublicAccessBlock",
    // From here on there is a bucket.
    "s3:ListBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketTagging",
    "s3:GetObject",
    "s3:PutObject",
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:ExecuteChangeSet",
    // Between the stages.
    "lambda:InvokeFunction",
    "cloudformation:SetStackPolicy",
    "lambda:ListVersionsByFunction",
];

/// What a deployment without changes asks for.
const NO_CHANGE: &[&str] = &[
    "cloudformation:GetTemplate",
    "cloudformation:GetStackPolicy",
];

/// What is asked of deployed stacks.
const INFO: &[&str] = &[
    "cloudfront:GetDistribution",
    "cloudformation:ListStackResources",
    "lambda:ListVersionsByFunction",
];
const DRIFT: &[&str] = &[
    "cloudformation:DetectStackDrift",
    "cloudformation:DescribeStackDriftDetectionStatus",
    "cloudformation:DescribeStackResourceDrifts",
];
const CHECK: &[&str] = &[
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
];
const PROTECT: &[&str] = &["cloudformation:UpdateTerminationProtection"];
const PURGE: &[&str] = &[
    "cloudfront:CreateInvalidation",
    "cloudfront:GetInvalidation",
];
const DIFF: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
];

/// What is read of earlier deployments.
const HISTORY: &[&str] = &[
    "s3:ListBucketVersions",
    "s3:GetObject",
    "cloudformation:GetTemplate",
];

/// What a removal asks for, in its order.
const REMOVE: &[&str] = &[
    "cloudformation:DescribeStacks",
    "cloudformation:ListStackResources",
    "cloudformation:GetTemplate",
    "cloudformation:CreateChangeSet",
    "cloudfront:GetDistribution",
    "cloudformation:DeleteStack",
    "lambda:ListVersionsByFunction",
    "lambda:DeleteFunction",
    "s3:ListBucketVersions",
    "s3:DeleteObjectVersion",
];

const ONLINE: &[&str] = &[
    "cognito-idp:DescribeUserPool",
    "cognito-idp:DescribeUserPoolClient",
    "medical-imaging:GetDatastore",
];

/// Why nobody misses these here.
const NOT_MISSED: &[(&str, &str)] = &[
    (
        "cloudformation:BatchDescribeTypeConfigurations",
        "CloudFormation's own call",
    ),
    (
        "cloudformation:ContinueUpdateRollback",
        "only after a failed rollback",
    ),
    (
        "cloudformation:DetectStackResourceDrift",
        "CloudFormation's own call",
    ),
    (
        "cloudformation:ListChangeSets",
        "only of a stack that was never deployed",
    ),
    (
        "cloudformation:TagResource",
        "checked only by AWS, with the change set",
    ),
    (
        "cloudformation:UntagResource",
        "checked only by AWS, with the change set",
    ),
    (
        "cloudfront:AllowVendedLogDeliveryForResource",
        "CloudWatch Logs' own call",
    ),
    (
        "cloudfront:ListOriginRequestPolicies",
        "a count that can't be had is no finding",
    ),
    (
        "cloudfront:ListResponseHeadersPolicies",
        "a count that can't be had is no finding",
    ),
    (
        "cloudfront:GetDistributionConfig",
        "where CloudFormation by itself can't remove a distribution",
    ),
    (
        "cloudfront:UpdateDistribution",
        "where CloudFormation by itself can't remove a distribution",
    ),
    (
        "logs:DeleteLogGroup",
        "where a viewer's Region has a log group",
    ),
    (
        "logs:DescribeLogGroups",
        "a line names it, and the command goes on",
    ),
    (
        "logs:PutRetentionPolicy",
        "where a viewer's Region has a log group",
    ),
    (
        "s3:GetObjectVersion",
        "CloudFormation's own call, for a large template",
    ),
    (
        "s3:DeleteObject",
        "AWS wants it beside s3:DeleteObjectVersion",
    ),
];

/// An account with what the manifest names, and the manifest.
struct Stage {
    account: Account,
    project: Project,
}

impl Stage {
    fn new(service: &str) -> Self {
        let account = Aws::with_auth().account();
        account.set(&json!({
            "step": 0,
            "datastores": {"12345678901234567890123456789012": "ACTIVE"},
        }));
        let pool = json!({"PoolName": "radiology"});
        let pool = account.call("cognito-idp", "CreateUserPool", pool);
        let pool = pool["UserPool"]["Id"].as_str().unwrap();
        let client = json!({"UserPoolId": pool, "ClientName": "viewer"});
        let client = account.call("cognito-idp", "CreateUserPoolClient", client);
        let client = client["UserPoolClient"]["ClientId"].as_str().unwrap();
        let manifest = MANIFEST
            .replace("SERVICE", service)
            .replace("POOL", pool)
            .replace("CLIENT", client);
        let project = Project::new(&manifest);
        project.write("jwks.json", read("tests/manifests/jwks.json"));
        Self { account, project }
    }

    fn manifest(&self) -> String {
        std::fs::read_to_string(self.project.path().join("frames.yml")).unwrap()
    }

    /// What `frames policy` prints for this account.
    fn policy(&self, more: &[&str]) -> Value {
        let account = ["policy", "--account", self.account.number()];
        let run = self.project.frames(&[&account, more].concat());
        assert_eq!(run.code, 0, "{run:#?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn frames(&self, user: &Account, arguments: &[&str]) -> Run {
        let mut command = self.project.command();
        Run::of(command.args(arguments).envs(user.environment()))
    }

    /// Runs the command as one user per action, who has all of the policy but that action.
    /// Each is told which is missing. What one user has done, the next one finds.
    fn lacking(&self, policy: &Value, actions: &[&str], arguments: &[&str]) {
        for action in actions {
            let name = format!("no-{}-{}", arguments[0], action.replace(':', "-"));
            let user = self.account.as_user(&name, &lacking(policy, action));
            let run = self.frames(&user, arguments);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert!(
                told.contains(&format!("`{action}`")),
                "{arguments:?} without {action}: {run:#?}"
            );
            // A check that can't be made is a warning.
            assert_eq!(run.code == 0, arguments[0] == "validate", "{run:#?}");
        }
    }
}

/// The policy without an action.
fn lacking(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let mut taken = 0;
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let actions = statement["Action"].as_array_mut().unwrap();
        let before = actions.len();
        actions.retain(|allowed| allowed != action);
        taken += before - actions.len();
    }
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| !statement["Action"].as_array().unwrap().is_empty());
    assert!(taken > 0, "{action} isn't in the policy");
    policy
}

#[test]
fn the_policy_is_enough_and_each_action_missed_is_named() {
    let stage = Stage::new("guarded");
    let policy = stage.policy(&[]);
    let deployer = stage.account.as_user("deployer", &policy);

    stage.lacking(&policy, ONLINE, &["validate", "--online"]);
    let run = stage.frames(&deployer, &["validate", "--online"]);
    assert!(
        run.code == 0 && !run.stdout.contains("no permission"),
        "{run:#?}"
    );

    stage.lacking(&policy, DEPLOY, &["deploy", "--yes"]);
    let run = stage.frames(&deployer, &["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");

    stage.lacking(&policy, NO_CHANGE, &["deploy", "--yes"]);
    stage.lacking(&policy, INFO, &["info"]);
    stage.lacking(&policy, DRIFT, &["info", "--drift"]);
    stage.lacking(&policy, PURGE, &["purge", "--all"]);
    let run = stage.frames(&deployer, &["info"]);
    assert_eq!(run.code, 0, "{run:#?}");
    stage.lacking(&policy, CHECK, &["check"]);
    let run = stage.frames(&deployer, &["check"]);
    assert!(run.stderr.contains("can't be looked at"), "{run:#?}");

    let changed = stage.manifest().replace("team: imaging", "team: radiology");
    stage.project.write("frames.yml", changed);
    stage.lacking(&policy, DIFF, &["diff"]);
    let run = stage.frames(&deployer, &["diff"]);
    assert_eq!(run.code, 0, "{run:#?}");

    let manifest = stage.manifest();
    let protected = manifest.replace("deploy: {", "deploy: {terminationProtection: true, ");
    stage.project.write("frames.yml", protected);
    stage.lacking(&policy, PROTECT, &["deploy", "--yes"]);
    stage.project.write("frames.yml", manifest);
    let run = stage.frames(&deployer, &["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");

    stage.lacking(&policy, HISTORY, &["history"]);
    stage.lacking(&policy, HISTORY, &["rollback", "--yes"]);
    for arguments in [&["history"][..], &["rollback", "--yes"]] {
        let run = stage.frames(&deployer, arguments);
        assert_eq!(run.code, 0, "{run:#?}");
    }

    stage.lacking(&policy, REMOVE, &["remove", "--yes"]);
    let run = stage.frames(&deployer, &["remove", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let left = stage.account.state();
    let stacks = left
        .iter()
        .filter(|entry| entry.contains("guarded-dev"))
        .collect::<Vec<_>>();
    assert!(
        stacks.iter().all(|entry| entry.starts_with("s3 ")),
        "{left:#?}"
    );
}

#[test]
fn each_action_of_frames_own_is_missed_once() {
    let policy = Stage::new("complete").policy(&[]);
    let statements = policy["Statement"].as_array().unwrap().iter();
    let own = statements.filter(|statement| {
        let sid = statement["Sid"].as_str().unwrap();
        [
            "Stacks",
            "ArtifactBucket",
            "Artifacts",
            "Distributions",
            "UserPool",
            "DataStores",
        ]
        .contains(&sid)
    });
    let own = own.flat_map(|statement| statement["Action"].as_array().unwrap());
    let all = [
        ONLINE, DEPLOY, NO_CHANGE, INFO, DRIFT, PURGE, DIFF, PROTECT, REMOVE,
    ]
    .concat();
    for action in own.map(|action| action.as_str().unwrap()) {
        let reason = NOT_MISSED.iter().any(|(known, _)| *known == action);
        assert!(all.contains(&action) != reason, "{action}");
    }
}

#[test]
fn logs_are_deleted_by_those_who_may() {
    let stage = Stage::new("logged");
    let plain = stage.policy(&[]);
    let full = stage.policy(&["--delete-logs"]);
    let deployer = stage.account.as_user("deployer", &plain);
    let run = stage.frames(&deployer, &["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let arguments = ["remove", "--yes", "--delete-logs"];
    let run = stage.frames(&deployer, &arguments);
    assert!(
        run.code == 1 && run.stderr.contains("`s3:ListBucketVersions`"),
        "{run:#?}"
    );
    let run = stage.frames(&stage.account.as_user("remover", &full), &arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    let left = stage.account.state();
    assert!(
        !left.iter().any(|entry| entry.contains("accesslogs")),
        "{left:#?}"
    );
}

/// docs/ci.md: what is left of the policy for a pull request's job.
#[test]
fn a_diff_needs_no_more_than_to_read_and_to_make_change_sets() {
    let stage = Stage::new("compared");
    let policy = stage.policy(&[]);
    let deployer = stage.account.as_user("deployer", &policy);
    let run = stage.frames(&deployer, &["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");

    let mut narrow = policy;
    let reads = |action: &Value| {
        let (_, name) = action.as_str().unwrap().split_once(':').unwrap();
        ["Get", "List", "Describe", "BatchDescribe", "Detect"]
            .iter()
            .any(|verb| name.starts_with(verb))
            || ["CreateChangeSet", "DeleteChangeSet"].contains(&name)
    };
    for statement in narrow["Statement"].as_array_mut().unwrap() {
        statement["Action"].as_array_mut().unwrap().retain(reads);
    }
    let statements = narrow["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| !statement["Action"].as_array().unwrap().is_empty());
    let reader = stage.account.as_user("reader", &narrow);
    let manifest = stage.manifest();
    let changed = manifest.replace("team: imaging", "team: radiology");
    assert_ne!(changed, manifest);
    stage.project.write("frames.yml", changed);
    let before = stage.account.state();
    let run = stage.frames(&reader, &["diff", "--exit-code"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stdout.contains("to change"), "{run:#?}");
    let run = stage.frames(&reader, &["deploy", "--yes"]);
    assert!(run.code == 1 && run.stderr.contains("error"), "{run:#?}");
    assert_eq!(stage.account.state(), before);
}

#[test]
fn a_service_is_nobody_elses() {
    let stage = Stage::new("mine");
    let deployer = stage.account.as_user("deployer", &stage.policy(&[]));
    let theirs = stage.manifest().replace("mine", "theirs");
    stage.project.write("frames.yml", theirs);
    let run = stage.frames(&deployer, &["deploy", "--yes"]);
    assert!(
        run.code == 1 && run.stderr.contains("`cloudformation:DescribeStacks`"),
        "{run:#?}"
    );
}

const PLAIN: &str = "service: plain\nauth: {mode: oidc, issuer: 'https://login.example.org', audience: a}\niam: {allow: []}\n";

#[test]
fn it_prints_json_alone_and_asks_nobody() {
    let run = Project::new(PLAIN).frames(&["policy"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let policy: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    assert!(
        run.stdout
            .contains("arn:aws:lambda:us-east-1:*:function:plain-dev-signer")
    );
    // It doesn't fit, and says what to do.
    assert!(
        run.stderr.contains("6144") && run.stderr.contains("--split"),
        "{run:#?}"
    );
}

#[test]
fn it_is_split_into_policies_that_fit() {
    let run = Project::new(PLAIN).frames(&["policy", "--split", "--account", "111122223333"]);
    assert!(run.code == 0 && !run.stderr.contains("--split"), "{run:#?}");
    let policies: Value = serde_json::from_str(&run.stdout).unwrap();
    let policies = policies.as_array().unwrap();
    assert!(policies.len() > 1);
    for policy in policies {
        let size = policy
            .to_string()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count();
        assert!(size <= 6_144, "{size}");
    }
}

#[test]
fn what_it_doesnt_know_of_an_overlay_is_said() {
    let manifest = format!(
        "{PLAIN}resources: {{cdn: {{Resources: {{Topic: {{Type: 'AWS::SNS::Topic'}}}}}}}}\n"
    );
    let run = Project::new(&manifest).frames(&["policy"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr
            .contains("`resources.cdn.Resources.Topic` (AWS::SNS::Topic)"),
        "{run:#?}"
    );
}

#[test]
fn what_a_manifest_asks_aws_for_takes_online() {
    let stage = Stage::new("asks");
    let parameter = json!({"Name": "/frames/store", "Value": "9".repeat(32), "Type": "String"});
    stage.account.call("ssm", "PutParameter", parameter);
    let manifest = stage.manifest().replace(
        "'12345678901234567890123456789012'",
        "'${ssm:/frames/store}'",
    );
    stage.project.write("frames.yml", manifest);
    let offline = stage.project.frames(&["policy"]);
    assert!(
        offline.code == 1 && offline.stderr.contains("--online"),
        "{offline:#?}"
    );
    let run = stage.frames(&stage.account, &["policy", "--online"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let number = stage.account.number();
    for arn in [
        format!("arn:aws:ssm:us-east-1:{number}:parameter/frames/store"),
        format!(
            "arn:aws:medical-imaging:us-east-1:{number}:datastore/{}",
            "9".repeat(32)
        ),
    ] {
        assert!(run.stdout.contains(&arn), "{arn}: {run:#?}");
    }
}

#[test]
fn an_accounts_id_has_twelve_digits() {
    let run = Project::new(PLAIN).frames(&["policy", "--account", "1111-2222-3333"]);
    assert!(
        run.code == 2 && run.stderr.contains("12 digits"),
        "{run:#?}"
    );
}
