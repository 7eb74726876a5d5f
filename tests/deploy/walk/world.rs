//! What there is in an account, asked of each service: nothing here knows frames' own code.

use super::super::Stand;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the walk's service and environment are called in names.
const OURS: [&str; 3] = ["heart-dev", "heart (dev)", "heart/dev/"];

/// Where a walk's manifests may have their cdn stack.
pub const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// Where they may have the reader.
pub const READ_IN: [&str; 2] = ["us-east-1", "us-west-2"];

/// One thing that a service has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub kind: String,
    pub region: String,
    pub id: String,
    pub name: String,
}

/// A resource, as its stack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub id: String,
    pub kind: String,
    pub physical: String,
    pub status: String,
    /// Its stack's, or its own.
    pub region: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    pub stage: &'static str,
    pub name: String,
    pub region: String,
    pub id: String,
    pub status: String,
    pub protected: bool,
    /// Its stack policy.
    pub policy: Value,
    pub parts: Vec<Part>,
    pub template: Value,
}

/// A distribution, by CloudFront's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub id: String,
    pub comment: String,
    pub domain: String,
    pub aliases: Vec<String>,
    pub enabled: bool,
    /// Path, event, and the function's version that runs then.
    pub runs: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Of the cdn stack.
    pub region: &'static str,
    /// Of the reads stack.
    pub read_in: &'static str,
    pub entries: BTreeSet<Entry>,
    pub stacks: Vec<Stack>,
    pub edges: Vec<Edge>,
}

impl Entry {
    pub fn is_ours(&self) -> bool {
        OURS.iter()
            .any(|ours| self.id.contains(ours) || self.name.contains(ours))
    }

    /// The same in every account: versions have no number, since a function has had many.
    pub fn stable(&self) -> String {
        let name = match self.kind.as_str() {
            "versions" => self.name.split(':').next().unwrap_or_default(),
            // A digest of the bucket's name, in which the account's number is.
            "delivery_destinations" => "heart-dev",
            _ => &self.name,
        };
        format!("{} {} {name}", self.kind, self.region)
    }
}

impl Stack {
    pub fn is_at_work(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }

    /// An update is the next thing that can be done to it.
    pub fn is_whole(&self) -> bool {
        let status = self.status.as_str();
        status.ends_with("_COMPLETE") && status != "ROLLBACK_COMPLETE"
    }

    /// Nothing was ever deployed with it, or nothing that is left of it is more than a remnant.
    pub fn is_remnant(&self) -> bool {
        [
            "REVIEW_IN_PROGRESS",
            "CREATE_FAILED",
            "ROLLBACK_COMPLETE",
            "ROLLBACK_FAILED",
            "DELETE_FAILED",
        ]
        .contains(&self.status.as_str())
    }
}

impl World {
    pub fn of(stand: &Stand, region: &'static str, read_in: &'static str) -> Self {
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entries: BTreeSet<Entry> = stand
            .account
            .inventory()
            .iter()
            .filter(|entry| !is_beside(&text(entry, "kind")))
            .map(|entry| Entry {
                kind: text(entry, "kind"),
                region: text(entry, "region"),
                id: text(entry, "id"),
                name: text(entry, "name"),
            })
            .collect();
        let stages = [
            ("lambda-edge", "us-east-1"),
            ("cdn", region),
            ("logs", "us-east-1"),
        ];
        // The manifest's Region first: the other may have one that somebody made, or left.
        let others = REGIONS.into_iter().filter(|other| *other != region);
        let stacks = stages.into_iter().chain(others.map(|other| ("cdn", other)));
        let stacks = stacks.chain([("reads", read_in)]);
        let others = READ_IN.into_iter().filter(|other| *other != read_in);
        let stacks = stacks.chain(others.map(|other| ("reads", other)));
        let stacks = stacks.filter_map(|(stage, region)| stack(stand, stage, region));
        let edges = entries.iter().filter(|entry| entry.kind == "distributions");
        let edges = edges.filter_map(|entry| edge(stand, &entry.id));
        Self {
            region,
            read_in,
            stacks: stacks.collect(),
            edges: edges.collect(),
            entries,
        }
    }

    /// The enabled distributions that run a version of ours.
    pub fn served(&self) -> Vec<&Edge> {
        let edges = self.edges.iter().filter(|edge| edge.enabled);
        let runs_ours = |edge: &&Edge| {
            let mut runs = edge.runs.iter();
            runs.any(|(_, _, arn)| arn.contains(":function:heart-dev-"))
        };
        edges.filter(runs_ours).collect()
    }

    pub fn stack(&self, stage: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.stage == stage)
    }

    /// Where the manifest has it: a stage that moves is in two Regions for a while.
    pub fn wanted(&self, stage: &str) -> Option<&Stack> {
        match stage {
            "reads" => self.stack_in(stage, self.read_in),
            _ => self.stack(stage),
        }
    }

    pub fn stack_in(&self, stage: &str, region: &str) -> Option<&Stack> {
        let mut stacks = self.stacks.iter();
        stacks.find(|stack| stack.stage == stage && stack.region == region)
    }

    pub fn is_at_work(&self) -> bool {
        self.stacks.iter().any(Stack::is_at_work)
    }

    pub fn ours(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_ours())
    }

    /// What is ours and in no stack, without stacks and artifacts: nobody can find these by the stacks.
    pub fn strays(&self) -> BTreeSet<Entry> {
        let parts = self.stacks.iter().flat_map(|stack| &stack.parts);
        let held: BTreeSet<(&str, String)> = parts.filter_map(place).collect();
        let is_held = |entry: &Entry| {
            let of = |kind, id: &str| held.contains(&(kind, id.to_owned()));
            // A function takes its versions with it.
            let function = entry.id.split(':').next().unwrap_or_default();
            of(&entry.kind, &entry.id) || entry.kind == "versions" && of("functions", function)
        };
        let ours = self.ours();
        let ours = ours.filter(|entry| !["stacks", "objects"].contains(&entry.kind.as_str()));
        ours.filter(|entry| !is_held(entry)).cloned().collect()
    }

    /// Whether what a stack says it has is there; `None` where no service is known to say.
    pub fn has(&self, part: &Part) -> Option<bool> {
        let (kind, id) = place(part)?;
        let mut entries = self.entries.iter();
        Some(entries.any(|entry| entry.kind == kind && entry.id == id))
    }

    /// What a stack's template asks for, and no service has: `Role (AWS::IAM::Role)`.
    pub fn missing(&self, stack: &Stack) -> Vec<String> {
        let resources = stack.template["Resources"].as_object();
        let mut missing = Vec::new();
        for (id, resource) in resources.into_iter().flatten() {
            let part = stack.parts.iter().find(|part| part.id == *id);
            if part.is_none_or(|part| self.has(part) == Some(false)) {
                let kind = resource["Type"].as_str().unwrap_or_default();
                missing.push(format!("{id} ({kind})"));
            }
        }
        missing
    }

    /// All that a run may change.
    pub fn print(&self) -> String {
        let stacks = self.stacks.iter();
        let stacks: Vec<_> = stacks.map(|s| (&s.id, &s.status, s.protected)).collect();
        format!("{stacks:?} {:?} {:?}", self.edges, self.entries)
    }
}

/// Of a resource, beside it: tags, settings.
fn is_beside(kind: &str) -> bool {
    kind.ends_with("tags") || kind.starts_with("bucket_") && kind != "bucket_policies"
}

/// Where the inventory has a stack's resource: its kind and id there.
fn place(part: &Part) -> Option<(&'static str, String)> {
    let physical = &part.physical;
    if physical.is_empty() || part.status == "DELETE_COMPLETE" {
        return None;
    }
    let last = |separator: char, from_end: usize| {
        let mut pieces = physical.rsplit(separator);
        pieces.nth(from_end).unwrap_or_default().to_owned()
    };
    let (kind, id) = match part.kind.as_str() {
        "AWS::IAM::Role" => ("roles", physical.clone()),
        "AWS::IAM::ManagedPolicy" => ("policies", physical.clone()),
        "AWS::KMS::Key" => ("keys", physical.clone()),
        "AWS::Logs::LogGroup" => ("log_groups", physical.clone()),
        "AWS::Logs::Delivery" => ("deliveries", physical.clone()),
        "AWS::Logs::DeliverySource" => ("delivery_sources", physical.clone()),
        "AWS::Logs::DeliveryDestination" => ("delivery_destinations", physical.clone()),
        "AWS::Lambda::Function" => ("functions", physical.clone()),
        "AWS::Lambda::Url" => ("function_urls", physical.clone()),
        // arn:aws:lambda:us-east-1:111122223333:function:NAME:1
        "AWS::Lambda::Version" => ("versions", format!("{}:{}", last(':', 1), last(':', 0))),
        // NAME|ID|SCOPE
        "AWS::WAFv2::WebACL" => ("web_acls", last('|', 1)),
        "AWS::WAFv2::LoggingConfiguration" => ("logging_configurations", physical.clone()),
        "AWS::S3::Bucket" => ("buckets", physical.clone()),
        "AWS::S3::BucketPolicy" => {
            let bucket = physical.strip_suffix("-policy").unwrap_or(physical);
            ("bucket_policies", bucket.to_owned())
        }
        "AWS::CloudFront::Distribution" => ("distributions", physical.clone()),
        "AWS::CloudFront::CachePolicy" => ("cache_policies", physical.clone()),
        "AWS::CloudFront::OriginRequestPolicy" => ("origin_request_policies", physical.clone()),
        "AWS::CloudFront::ResponseHeadersPolicy" => ("response_headers_policies", physical.clone()),
        "AWS::CloudWatch::Alarm" => ("alarms", physical.clone()),
        _ => return None,
    };
    Some((kind, id))
}

fn stack(stand: &Stand, stage: &'static str, region: &str) -> Option<Stack> {
    let name = format!("heart-dev-{stage}");
    let call = |operation: &str, asked: Value| {
        let service = "cloudformation";
        stand.account.try_call(region, service, operation, asked)
    };
    let found = call("DescribeStacks", json!({"StackName": name})).ok()?;
    let found = &found["Stacks"][0];
    let id = found["StackId"].as_str()?.to_owned();
    let parts = call("DescribeStackResources", json!({"StackName": id})).unwrap_or_default();
    let template = json!({"StackName": id, "TemplateStage": "Original"});
    let template = call("GetTemplate", template).unwrap_or_default();
    let policy = call("GetStackPolicy", json!({"StackName": id})).unwrap_or_default();
    let policy = policy["StackPolicyBody"].as_str().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = parts["StackResources"].as_array().into_iter().flatten();
    Some(Stack {
        stage,
        name,
        region: region.to_owned(),
        id,
        status: text(&found["StackStatus"]),
        policy: serde_json::from_str(policy).unwrap_or_default(),
        protected: found["EnableTerminationProtection"] == true,
        parts: parts
            .map(|part| Part {
                id: text(&part["LogicalResourceId"]),
                kind: text(&part["ResourceType"]),
                physical: text(&part["PhysicalResourceId"]),
                status: text(&part["ResourceStatus"]),
                region: region.to_owned(),
            })
            .collect(),
        template: match &template["TemplateBody"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            parsed => parsed.clone(),
        },
    })
}

fn edge(stand: &Stand, id: &str) -> Option<Edge> {
    let asked = json!({"Id": id});
    let found = stand
        .account
        .try_call("us-east-1", "cloudfront", "GetDistribution", asked);
    let found = found.ok()?["Distribution"].clone();
    let config = &found["DistributionConfig"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = |of: &Value| of["Items"].as_array().cloned().unwrap_or_default();
    let mut runs = Vec::new();
    let others = items(&config["CacheBehaviors"]);
    for behavior in std::iter::once(&config["DefaultCacheBehavior"]).chain(&others) {
        let path = behavior["PathPattern"].as_str().unwrap_or("*");
        for association in items(&behavior["LambdaFunctionAssociations"]) {
            let event = text(&association["EventType"]);
            runs.push((
                path.to_owned(),
                event,
                text(&association["LambdaFunctionARN"]),
            ));
        }
    }
    Some(Edge {
        id: id.to_owned(),
        comment: text(&config["Comment"]),
        domain: text(&found["DomainName"]),
        aliases: items(&config["Aliases"]).iter().map(text).collect(),
        enabled: config["Enabled"] == true,
        runs,
    })
}
