//! The calls that frames makes itself, in deploy, remove, diff, info, purge and
//! `validate --online`. A test holds them against the sources that make them.

use super::Template;
use super::document::Collected;
use super::scope::{Scope, Shared};
use crate::check::EDGE_REGION;
use crate::names;
use crate::online::Subject;
use crate::online::quotas::Kind;
use crate::plan::{Function, Plan};
use crate::world::AwsReference;
use serde_json::Map;

/// What of a manifest asks AWS, beside its stacks.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// What `validate --online` and `deploy` look up.
    pub subjects: Vec<Subject>,
    /// `cf:stack.Output`, `ssm:/path` and the like, as the manifest refers to them.
    pub references: Vec<String>,
    /// Where these are looked up.
    pub region: Option<String>,
    /// `remove --delete-logs`, which empties the bucket of access logs.
    pub delete_logs: bool,
    /// `logs`, which reads what the functions logged.
    pub read_logs: bool,
}

const STACKS: &[&str] = &[
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStacks",
    "cloudformation:DetectStackDrift",
    // CloudFormation's, for the resources of a stack in turn.
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetStackPolicy",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:SetStackPolicy",
    // The stack's tags come with the change set.
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "cloudformation:UpdateTerminationProtection",
];

const BUCKET: &[&str] = &["s3:ListBucket", "s3:ListBucketVersions"];

const MANAGED_BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

/// CloudFormation and Lambda read the artifacts with the deployer's permissions.
const ARTIFACTS: &[&str] = &[
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    // Of a large template.
    "s3:GetObjectVersion",
    "s3:PutObject",
];

const LOGS: &[&str] = &["s3:DeleteObject", "s3:DeleteObjectVersion"];

/// On every distribution: their ids are made up by AWS.
const DISTRIBUTIONS: &[&str] = &[
    // `frames purge`.
    "cloudfront:CreateInvalidation",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetInvalidation",
    "cloudfront:UpdateDistribution",
];

/// Each new version is invoked once, before CloudFront runs it.
const TRIALS: &[&str] = &["lambda:InvokeFunction"];

/// Whether the reader still answers nobody but whoever signs.
const READER_URL: &[&str] = &["lambda:ListFunctionUrlConfigs"];

/// The functions' own, in every Region where a viewer has been.
const EDGE_LOG_GROUPS: &[&str] = &["logs:DeleteLogGroup", "logs:PutRetentionPolicy"];

/// Who looked at what: not a deployer's, unless that is asked for.
const LOG_LINES: &[&str] = &["logs:FilterLogEvents"];

const NAMELESS: &[&str] = &[
    // Drift detection reads how the resource types are configured.
    "cloudformation:BatchDescribeTypeConfigurations",
    "cloudformation:DescribeStackDriftDetectionStatus",
    // Before a first deployment: whether the same is deployed under another name.
    "cloudformation:ListStacks",
    // Of a template that isn't a stack's yet.
    "cloudformation:ValidateTemplate",
    // Who runs the functions, and whose the manifest's names are.
    "cloudfront:ListDistributions",
    "logs:DescribeLogGroups",
    "sts:GetCallerIdentity",
];

pub(super) fn collect(
    into: &mut Collected,
    plan: &Plan,
    templates: &[Template<'_>],
    account: &str,
    uses: &Uses,
) {
    let mut allow = |sid, actions: &[&str], resources: Vec<String>| {
        into.allow(sid, actions, resources, Map::new());
    };
    let stages = plan.stages.iter().map(|s| (&s.region, &s.stack_name));
    let former = plan.former.iter().map(|f| (&f.region, &f.stack_name));
    let stacks = stages.chain(former);
    let stacks = stacks.map(|(region, name)| stack(region, account, name));
    allow("Stacks", STACKS, stacks.collect());

    // Whatever frames has deployed under another name; no stack of anything else.
    let others = names::any_stack(names::LAMBDA_EDGE);
    let others = stack(EDGE_REGION, account, &others);
    allow(
        "OtherDeliveries",
        &["cloudformation:DescribeStacks"],
        vec![others],
    );

    let footprint = plan.footprint();
    for region in footprint.bucket_regions() {
        let arn = format!("arn:aws:s3:::{}", footprint.bucket(account, region));
        allow("ArtifactBucket", BUCKET, vec![arn.clone()]);
        if footprint.own_bucket(region).is_none() {
            let sid = match plan.artifact_bucket {
                // The same statement would have them for the user's own bucket, too.
                Some(_) => "ManagedArtifactBucket",
                None => "ArtifactBucket",
            };
            allow(sid, MANAGED_BUCKET, vec![arn.clone()]);
        }
        let artifacts = format!("{arn}/{}/{}/*", plan.service, plan.env);
        allow("Artifacts", ARTIFACTS, vec![artifacts]);
    }

    let distributions = format!("arn:aws:cloudfront::{account}:distribution/*");
    allow("Distributions", DISTRIBUTIONS, vec![distributions]);

    let versions = plan.stages.iter().flat_map(|stage| {
        let of_plan = |function: &Function| {
            let name = names::function(&plan.service, &plan.env, function.name);
            format!(
                "arn:aws:lambda:{}:{account}:function:{name}:*",
                stage.region
            )
        };
        let tried = stage.functions.iter().filter(|one| one.trial.is_some());
        tried.map(of_plan)
    });
    allow("Versions", TRIALS, versions.collect());

    let readers = plan.stages.iter().filter(|one| one.name == names::READS);
    let readers = readers.flat_map(|stage| {
        let name = names::function(&plan.service, &plan.env, names::READER);
        let arn = format!("arn:aws:lambda:{}:{account}:function:{name}", stage.region);
        [format!("{arn}:*"), arn]
    });
    let readers: Vec<String> = readers.collect();
    if !readers.is_empty() {
        allow("FunctionUrls", READER_URL, readers);
    }

    let group = |function: &Function| {
        let name = names::function(&plan.service, &plan.env, function.name);
        format!(
            "arn:aws:logs:*:{account}:log-group:{}:*",
            names::log_group(&name)
        )
    };
    let at_the_edge = plan.functions().filter(|function| function.is_replicated());
    let groups = at_the_edge.map(group);
    allow("EdgeLogGroups", EDGE_LOG_GROUPS, groups.collect());
    if uses.read_logs {
        // AWS's pages on IAM have a log group's ARN in both forms.
        let groups = plan.functions().map(group);
        let both = groups.flat_map(|arn| [arn.trim_end_matches(":*").to_owned(), arn]);
        allow("LogLines", LOG_LINES, both.collect());
    }

    if uses.delete_logs {
        for bucket in log_buckets(templates, account) {
            allow("LogBucket", BUCKET, vec![bucket.clone()]);
            allow("Logs", LOGS, vec![format!("{bucket}/*")]);
        }
    }
    for subject in &uses.subjects {
        let (sid, actions, resource) = online(subject, account);
        allow(sid, actions, vec![resource]);
    }
    let region = uses.region.as_deref().unwrap_or("*");
    for reference in &uses.references {
        if let Some((sid, action, resource)) = variable(reference, region, account) {
            allow(sid, &[action], vec![resource]);
        }
    }
    allow("NoResourceCanBeNamed", NAMELESS, vec!["*".to_owned()]);
}

fn stack(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/*")
}

fn log_buckets(templates: &[Template<'_>], account: &str) -> Vec<String> {
    let shared = Shared::default();
    let mut buckets = Vec::new();
    for template in templates {
        let scope = Scope::new(template, account, &shared);
        for (id, resource) in template.resources() {
            if id == names::ACCESS_LOGS && resource["Type"] == "AWS::S3::Bucket" {
                buckets.push(format!("arn:aws:s3:::{}", scope.name(id, resource)));
            }
        }
    }
    buckets
}

/// IAM knows no resource for a list.
const fn listing(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Cache => &["cloudfront:ListCachePolicies"],
        Kind::OriginRequest => &["cloudfront:ListOriginRequestPolicies"],
        Kind::ResponseHeaders => &["cloudfront:ListResponseHeadersPolicies"],
    }
}

fn online(subject: &Subject, account: &str) -> (&'static str, &'static [&'static str], String) {
    let pool = |pool: &str| {
        // A pool's Region is before the underscore.
        let region = pool.split('_').next().unwrap_or("*");
        format!("arn:aws:cognito-idp:{region}:{account}:userpool/{pool}")
    };
    match subject {
        Subject::UserPool { id } => ("UserPool", &["cognito-idp:DescribeUserPool"], pool(id)),
        Subject::Client { pool: id, .. } => (
            "UserPool",
            &["cognito-idp:DescribeUserPoolClient"],
            pool(id),
        ),
        Subject::Certificate { arn, .. } => {
            ("Certificate", &["acm:DescribeCertificate"], arn.clone())
        }
        // CloudFront looks at it with the deployer's permissions.
        Subject::WebAcl { arn } => ("WebAcl", &["wafv2:GetWebACL"], arn.clone()),
        Subject::Policies(policies) => (
            "NoResourceCanBeNamed",
            listing(policies.kind),
            "*".to_owned(),
        ),
        Subject::Template { .. } => (
            "NoResourceCanBeNamed",
            &["cloudformation:ValidateTemplate"],
            "*".to_owned(),
        ),
        Subject::Datastore { id, region } => (
            "DataStores",
            &["medical-imaging:GetDatastore"],
            format!("arn:aws:medical-imaging:{region}:{account}:datastore/{id}"),
        ),
    }
}

/// `aws:accountId` needs sts:GetCallerIdentity, which is there; `aws:region` nothing.
fn variable(
    reference: &str,
    region: &str,
    account: &str,
) -> Option<(&'static str, &'static str, String)> {
    let reference = AwsReference::parse(reference)?;
    let region = reference.region.unwrap_or(region);
    match (reference.source, reference.argument) {
        ("cf", output) => {
            let name = output.split_once('.').map_or(output, |(name, _)| name);
            let arn = stack(region, account, name);
            Some(("ReferredStacks", "cloudformation:DescribeStacks", arn))
        }
        ("ssm", name) => {
            // Without a version or a label.
            let name = name.split(':').next().unwrap_or(name);
            let name = name.trim_start_matches('/');
            let arn = format!("arn:aws:ssm:{region}:{account}:parameter/{name}");
            Some(("Parameters", "ssm:GetParameter", arn))
        }
        _ => None,
    }
}
