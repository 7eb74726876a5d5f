//! The web ACL and its log.

use super::Verdict;
use super::value::{canon, given, is, same};
use serde_json::{Value, json};

pub(super) fn web_acl(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let default = &new["DefaultAction"];
    let fine = given(default, "Block").is_some()
        || same(Some(default), old.get("DefaultAction"))
        || canon(default) == json!({ "Block": {} });
    verdict.unless(fine, "acl-rules", at, "another default");
    verdict.kept("acl-rules", at, new, old, &["Scope"]);
    samples(at, new, verdict);
    let none = vec![];
    let Some(rules) = new["Rules"].as_array() else {
        return verdict.open("acl-rules", at, "has rules that can't be told");
    };
    let before = old["Rules"].as_array().unwrap_or(&none);
    for rule in before {
        // In which place doesn't matter: every rule but these ends in a refusal or goes on.
        let still = rules
            .iter()
            .any(|one| same(Some(&unplaced(one)), Some(&unplaced(rule))));
        verdict.unless(still, "acl-rules", at, &format!("{} is gone", rule["Name"]));
    }
    for rule in rules {
        let known = before
            .iter()
            .any(|one| same(Some(&unplaced(one)), Some(&unplaced(rule))));
        let fine = known || only_refuses(rule);
        verdict.unless(fine, "acl-rules", at, "has a rule that lets through");
    }
    let known = [
        "AssociationConfig",
        "CaptchaConfig",
        "ChallengeConfig",
        "CustomResponseBodies",
        "DataProtectionConfig",
        "DefaultAction",
        "Description",
        "Name",
        "OnSourceDDoSProtectionConfig",
        "Rules",
        "Scope",
        "Tags",
        "TokenDomains",
        "VisibilityConfig",
    ];
    verdict.only(at, new, &known);
}

/// Samples show headers and queries, and with them tokens.
pub(super) fn samples(at: &str, acl: &Value, verdict: &mut Verdict) {
    let rules = acl["Rules"].as_array().into_iter().flatten();
    for part in rules.chain([acl]) {
        let visibility = &part["VisibilityConfig"];
        let unsampled = is(visibility.get("SampledRequestsEnabled"), "false");
        verdict.unless(unsampled, "acl-samples", at, "keeps samples");
    }
}

fn unplaced(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(map) = rule.as_object_mut() {
        map.remove("Priority");
        if let Some(visibility) = map
            .get_mut("VisibilityConfig")
            .and_then(Value::as_object_mut)
        {
            // How it is counted is no part of what it does.
            visibility.retain(|key, _| key == "SampledRequestsEnabled");
        }
    }
    rule
}

/// A rule that refuses, asks for a proof, or counts; of groups, AWS's own without overrides.
fn only_refuses(rule: &Value) -> bool {
    let actions = ["Block", "Captcha", "Challenge", "Count"];
    let action = rule["Action"].as_object();
    let own = action.is_some_and(|action| {
        action.len() == 1 && action.keys().all(|key| actions.contains(&key.as_str()))
    });
    let statement = &rule["Statement"];
    let group = &statement["ManagedRuleGroupStatement"];
    let managed = is(group.get("VendorName"), "AWS")
        && group.get("RuleActionOverrides").is_none()
        && given(&rule["OverrideAction"], "Count").is_none();
    let references = given(statement, "RuleGroupReferenceStatement").is_some();
    (own || managed) && !references
}

pub(super) fn logging(at: &str, new: &Value, old: &Value, verdict: &mut Verdict) {
    let kept = ["LogDestinationConfigs", "ResourceArn"];
    verdict.kept("acl-log", at, new, old, &kept);
    let none = vec![];
    let fields = |properties: &Value| -> Vec<Value> {
        let fields = properties["RedactedFields"].as_array().unwrap_or(&none);
        fields.iter().map(canon).collect()
    };
    let redacted = fields(new);
    let fine = fields(old).iter().all(|field| redacted.contains(field));
    verdict.unless(fine, "acl-log", at, "logs where tokens may be");
    let known = [
        "LogDestinationConfigs",
        "LoggingFilter",
        "ManagedByFirewallManager",
        "RedactedFields",
        "ResourceArn",
    ];
    verdict.only(at, new, &known);
}
