//! Whether finished templates leave the endpoint, a log or a key open. Written from what AWS
//! documents, apart from the compiler's own checks: it knows the clean templates of the same
//! manifest and the finished ones, and nothing of the overlay between them. What it can't tell
//! in a place that matters is open.

mod added;
mod behavior;
mod distribution;
mod firewall;
mod functions;
mod headers;
mod logs;
mod names;
mod policy;
mod sections;
pub(crate) mod value;

use crate::delivery::{CDN, EDGE, Stacks};
use serde_json::Value;
use value::{given, same};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub rule: &'static str,
    pub what: String,
}

/// Every rule, so that a test can hold that none is dead.
pub(crate) const RULES: &[&str] = &[
    // sections.rs
    "macro",
    "section",
    "parameter",
    "output",
    "shadow",
    // mod.rs
    "id",
    "reserved-id",
    "type",
    "gone",
    "conditional",
    "deletion",
    "unjudged",
    // distribution.rs
    "origin",
    "origin-tls",
    "origin-group",
    "viewer-certificate",
    "web-acl",
    "geo",
    "error-page",
    "staging",
    "legacy-logging",
    "aliases",
    // behavior.rs
    "viewer-protocol",
    "associations",
    "cloudfront-function",
    "realtime-log",
    "cache-key",
    "forwarding",
    // headers.rs
    "response-headers",
    "cors",
    "security-headers",
    "custom-headers",
    // functions.rs
    "function-code",
    "function-role",
    "function-extras",
    "version",
    "role-trust",
    "role-permissions",
    "policy-attachment",
    // policy.rs
    "policy-statements",
    "resource-policy",
    // logs.rs
    "key-protection",
    "bucket-public",
    "bucket-encryption",
    "bucket-history",
    "bucket-copies",
    "bucket-policy",
    "log-group",
    "record-fields",
    "log-delivery",
    // firewall.rs
    "acl-rules",
    "acl-samples",
    "acl-log",
    // names.rs
    "certificate",
    "record",
    // added.rs
    "added-type",
    "added-iam",
    "added-property",
];

#[derive(Default)]
pub(crate) struct Verdict(Vec<Opening>);

impl Verdict {
    pub(crate) fn open(&mut self, rule: &'static str, at: &str, what: impl std::fmt::Display) {
        assert!(RULES.contains(&rule), "{rule} isn't in the list");
        let what = format!("{at}: {what}");
        self.0.push(Opening { rule, what });
    }

    pub(crate) fn unless(&mut self, fine: bool, rule: &'static str, at: &str, what: &str) {
        if !fine {
            self.open(rule, at, what);
        }
    }

    /// What this judge has never heard of, it can't call closed.
    pub(crate) fn only(&mut self, at: &str, object: &Value, known: &[&str]) {
        match object.as_object() {
            Some(map) => {
                for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
                    self.open("unjudged", at, format!("has `{key}`"));
                }
            }
            None => self.open("unjudged", at, "isn't a mapping"),
        }
    }

    /// Members that have to say what the clean template says.
    pub(crate) fn kept(
        &mut self,
        rule: &'static str,
        at: &str,
        new: &Value,
        clean: &Value,
        keys: &[&str],
    ) {
        for key in keys {
            let fine = same(given(new, key), given(clean, key));
            self.unless(fine, rule, at, &format!("`{key}` has changed"));
        }
    }

    /// Members that must say nothing.
    pub(crate) fn none(&mut self, rule: &'static str, at: &str, object: &Value, keys: &[&str]) {
        for key in keys {
            let fine = given(object, key).is_none();
            self.unless(fine, rule, at, &format!("has `{key}`"));
        }
    }
}

/// A stage's clean and finished template, and what is true of the whole delivery.
pub(crate) struct Stack<'a> {
    pub stage: &'static str,
    pub clean: &'a Value,
    pub finished: &'a Value,
    pub stacks: (&'a Stacks, &'a Stacks),
    /// The compiled distribution's configuration in the clean template.
    pub distribution: &'a Value,
    /// What the clean behaviors send on to the origins.
    ways: &'a [behavior::Taken],
}

impl<'a> Stack<'a> {
    pub(crate) fn compiled(&self, id: &str) -> Option<&'a Value> {
        self.clean["Resources"].get(id)
    }

    pub(crate) fn resource(&self, id: &str) -> Option<&'a Value> {
        self.finished["Resources"].get(id)
    }

    /// The names that the delivery has of its own, in lower case.
    pub(crate) fn names(&self) -> Vec<String> {
        let aliases = value::texts(self.distribution.get("Aliases")).unwrap_or_default();
        aliases.iter().map(|name| name.to_lowercase()).collect()
    }

    /// What a behavior names as a function's version, in this stack.
    pub(crate) fn version(&self, function: &str) -> Value {
        let output = format!("{function}VersionArn");
        match self.stage {
            EDGE => value::canon(&self.finished["Outputs"][&output]["Value"]),
            _ => serde_json::json!({ "Ref": output }),
        }
    }
}

pub(crate) fn judge(clean: &Stacks, finished: &Stacks) -> Vec<Opening> {
    let mut verdict = Verdict::default();
    let distribution = &clean.cdn["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let ways = behavior::ways(&clean.cdn, distribution);
    for ((stage, clean_stage), (_, finished_stage)) in
        clean.stages().into_iter().zip(finished.stages())
    {
        let stack = Stack {
            stage,
            clean: clean_stage,
            finished: finished_stage,
            stacks: (clean, finished),
            distribution,
            ways: &ways,
        };
        sections::judge(&stack, &mut verdict);
        resources(&stack, &mut verdict);
    }
    verdict.0
}

pub(crate) fn resources_of(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
    template["Resources"].as_object().into_iter().flatten()
}

fn resources(stack: &Stack, verdict: &mut Verdict) {
    let versions: Vec<String> = functions::versions(stack);
    for (id, resource) in resources_of(stack.finished) {
        let at = format!("{}.{id}", stack.stage);
        if id.is_empty() || id.len() > 255 || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
            verdict.open("id", &at, "isn't a logical id");
        }
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let is_version = versions.contains(id);
        if !is_version && has_the_form_of_a_version(id) {
            verdict.open("reserved-id", &at, "is what a compiled version is named");
        }
        match (stack.compiled(id), is_version) {
            (_, true) => {
                attributes(&at, resource, functions::clean_version(stack, id), verdict);
                functions::version(stack, &at, id, properties, verdict);
            }
            (Some(clean), false) if !has_the_form_of_a_version(id) => {
                attributes(&at, resource, Some(clean), verdict);
                compiled(stack, &at, resource, clean, verdict);
            }
            _ => added::judge(stack, &at, resource, verdict),
        }
    }
    for (id, clean) in resources_of(stack.clean) {
        let at = format!("{}.{id}", stack.stage);
        let dispensable = clean["Type"] == "AWS::CloudWatch::Alarm";
        let found = stack.resource(id).is_some_and(|found| !found.is_null());
        if !found && !dispensable && !has_the_form_of_a_version(id) {
            verdict.open("gone", &at, "is gone");
        }
    }
}

/// `AuthorizerVersion0123456789ab`: with another zip, such an id is the version that is shipped.
fn has_the_form_of_a_version(id: &str) -> bool {
    ["AuthorizerVersion", "SignerVersion"].iter().any(|prefix| {
        let hash = id.strip_prefix(prefix).unwrap_or_default();
        hash.len() == 12 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Beside the properties: what decides whether a compiled resource is there, and stays.
fn attributes(at: &str, resource: &Value, clean: Option<&Value>, verdict: &mut Verdict) {
    if resource.get("Condition").is_some() {
        verdict.open("conditional", at, "is there under a condition");
    }
    let Some(clean) = clean else { return };
    let fine = same(resource.get("Type"), clean.get("Type"));
    verdict.unless(fine, "type", at, "is of another type");
    for key in ["DeletionPolicy", "UpdateReplacePolicy"] {
        let retains = |resource: &Value| {
            let policy = resource.get(key).and_then(value::literal);
            policy.is_some_and(|policy| policy.starts_with("Retain"))
        };
        if retains(clean) && !retains(resource) {
            verdict.open("deletion", at, format!("`{key}` no longer retains"));
        }
    }
}

fn compiled(stack: &Stack, at: &str, resource: &Value, clean: &Value, verdict: &mut Verdict) {
    let new = resource.get("Properties").unwrap_or(&Value::Null);
    let old = &clean["Properties"];
    match clean["Type"].as_str().unwrap_or_default() {
        "AWS::CloudFront::Distribution" => distribution::judge(stack, at, new, true, verdict),
        // Judged where a behavior uses them.
        "AWS::CloudFront::CachePolicy" | "AWS::CloudFront::OriginRequestPolicy" => {}
        "AWS::CloudFront::ResponseHeadersPolicy" => headers::judge(at, new, old, verdict),
        "AWS::Lambda::Function" => functions::function(at, new, old, verdict),
        "AWS::IAM::Role" => functions::role(at, new, old, verdict),
        "AWS::IAM::ManagedPolicy" => functions::managed_policy(at, new, old, verdict),
        "AWS::KMS::Key" => logs::key(at, new, old, verdict),
        "AWS::S3::Bucket" => logs::bucket(at, new, old, verdict),
        "AWS::S3::BucketPolicy" => logs::bucket_policy(at, new, old, verdict),
        "AWS::Logs::LogGroup" => logs::log_group(at, new, old, verdict),
        "AWS::Logs::Delivery" => logs::delivery(at, new, old, verdict),
        "AWS::Logs::DeliverySource" => logs::source(at, new, old, verdict),
        "AWS::Logs::DeliveryDestination" => logs::destination(at, new, old, verdict),
        "AWS::WAFv2::WebACL" => firewall::web_acl(at, new, old, verdict),
        "AWS::WAFv2::LoggingConfiguration" => firewall::logging(at, new, old, verdict),
        "AWS::CertificateManager::Certificate" => names::certificate(at, new, old, verdict),
        "AWS::Route53::RecordSet" => names::record(at, new, old, verdict),
        // Nothing is served, kept or encrypted by an alarm.
        "AWS::CloudWatch::Alarm" => {}
        other => verdict.open("unjudged", at, format!("a compiled {other}")),
    }
}

/// The finished template of the other stage's name, for what crosses from one to the other.
pub(crate) fn is_cdn(stack: &Stack) -> bool {
    stack.stage == CDN
}
