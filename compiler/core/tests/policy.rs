//! The policy and the sources of frames: whatever call they make, the deployer
//! may make, and the table of calls has none that nobody makes.

use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, online, policy};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Everything that asks AWS something.
const FULL: &str = "
service: full
auth: {mode: cognito, userPoolId: us-east-1_AbCdEfGhI, clientIds: [3n4b5urk1ft4fl3mg5e62d9ado]}
domain:
  cnames: [frames.example.org]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
delivery: {cachedReads: true, dicomweb: true, webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11'}
iam: {allow: [{datastore: '12345678901234567890123456789012'}]}
";

/// What AWS itself asks for beside the calls that frames makes by name.
const BESIDE: &[(&str, &str)] = &[
    (
        "cloudformation:BatchDescribeTypeConfigurations",
        "part of drift detection",
    ),
    (
        "cloudformation:DetectStackResourceDrift",
        "part of drift detection",
    ),
    ("cloudformation:TagResource", "a change set with tags"),
    (
        "cloudformation:UntagResource",
        "a change set with fewer tags",
    ),
    (
        "s3:DeleteObject",
        "DeleteObjects needs it even for versions",
    ),
];

fn statements() -> Vec<Value> {
    let source = Source::new("frames.yml", FULL);
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let compiled = compile(&source, target, &Fixed::empty());
    let plan = compiled
        .plan
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let resolved = compiled.resolved.unwrap();
    let mut questions = online::questions(&resolved);
    questions.extend(online::quotas::questions(&resolved, &plan));
    let request = policy::Request {
        account: Some("111122223333"),
        uses: policy::Uses {
            subjects: questions
                .into_iter()
                .map(|question| question.subject)
                .collect(),
            references: vec!["cf:network.Zone".to_owned(), "ssm:/pool".to_owned()],
            region: Some("us-east-1".to_owned()),
            delete_logs: true,
            read_logs: true,
        },
    };
    let policy = serde_json::to_value(policy::policy(&plan, &request).unwrap().policy).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

fn actions<'a>(statements: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let actions = |statement: &'a Value| statement["Action"].as_array().unwrap();
    let all = statements.into_iter().flat_map(actions);
    all.map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into)
        } else {
            into.push(path)
        }
    }
}

/// Every literal `"service:Action"` where frames talks to AWS.
fn calls() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for directory in ["deploy/src", "cli/src/commands"] {
        sources(&root.join(directory), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let literals = text.split('"').filter(|literal| is_action(literal));
        found.extend(literals.map(str::to_owned));
    }
    assert!(found.len() > 40, "{found:?}");
    found
}

fn is_action(literal: &str) -> bool {
    let Some((service, name)) = literal.split_once(':') else {
        return false;
    };
    // `aws:` begins a condition's key.
    service != "aws"
        && !service.is_empty()
        && service
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// What isn't a deployer's: `init --online` lists what an account has, and says what it may not;
/// credentials are had before anybody is asked for permissions.
const OF_OTHERS: &[&str] = &[
    "acm:ListCertificates",
    "cognito-idp:ListUserPoolClients",
    "cognito-idp:ListUserPools",
    "medical-imaging:ListDatastores",
    "route53:ListHostedZones",
    "sso:GetRoleCredentials",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
];

#[test]
fn whatever_frames_calls_is_allowed() {
    let (allowed, calls) = (actions(&statements()), calls());
    for action in OF_OTHERS {
        assert!(
            calls.contains(*action) && !allowed.contains(*action),
            "{action}"
        );
    }
    let missing: Vec<_> = calls
        .into_iter()
        .filter(|call| !allowed.contains(call) && !OF_OTHERS.contains(&call.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "add these to policy/direct.rs: {missing:?}"
    );
}

#[test]
fn nothing_is_allowed_that_frames_doesnt_call() {
    let statements = statements();
    // Those that the table of calls makes alone.
    let direct = statements.iter().filter(|statement| {
        let sid = statement["Sid"].as_str().unwrap();
        [
            "Stacks",
            "ArtifactBucket",
            "Artifacts",
            "LogBucket",
            "Logs",
            "LogLines",
            "UserPool",
            "Certificate",
            "DataStores",
            "ReferredStacks",
            "Parameters",
        ]
        .contains(&sid)
    });
    let calls = calls();
    let stale: Vec<_> = actions(direct)
        .into_iter()
        .filter(|action| !calls.contains(action))
        .filter(|action| !BESIDE.iter().any(|(beside, _)| beside == action))
        .collect();
    assert!(stale.is_empty(), "nobody calls these: {stale:?}");
}
