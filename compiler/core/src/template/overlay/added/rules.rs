//! The rules of the types that may be added. A resource of a compiled type obeys what holds
//! for the compiled one.

use super::super::references::{Reference, refers_to};
use super::super::tunable::{self, Change};
use super::super::{
    Found, Place, distribution as behaviors, is_dynamic, is_literal, resources, rows, walk,
};
use super::{Added, policy};
use serde_json::Value;

pub(super) type Rule = fn(&Added<'_>, &mut Found);

pub(super) fn nothing(_: &Added<'_>, _: &mut Found) {}

/// A bucket that nobody outside may read, whoever says so later.
pub(crate) fn bucket(resource: &Value, place: &Place, found: &mut Found) {
    let nothing = Value::Null;
    let properties = resource.get("Properties").unwrap_or(&nothing);
    let block = properties.get("PublicAccessBlockConfiguration");
    let blocked = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ]
    .iter()
    .all(|key| block.and_then(|block| block.get(*key)) == Some(&true.into()));
    let place = place.at("Properties");
    if !blocked {
        let place = place.at("PublicAccessBlockConfiguration");
        found.push((place, "a bucket that can be made public".to_owned()));
    }
    if let Some(acl) = properties.get("AccessControl") {
        let place = place.at("AccessControl");
        let what = match acl.as_str().filter(|acl| !is_dynamic(acl)) {
            Some(acl) if !acl.starts_with("Public") && acl != "AuthenticatedRead" => None,
            Some(_) => Some("a public bucket"),
            None => Some("an ACL that can't be checked"),
        };
        found.extend(what.map(|what| (place, what.to_owned())));
    }
    if let Some(controls) = properties.get("OwnershipControls") {
        let place = place.at("OwnershipControls");
        let enforced =
            |rule: &Value| rule.get("ObjectOwnership") == Some(&"BucketOwnerEnforced".into());
        let rules = controls.get("Rules").and_then(Value::as_array);
        if !rules.is_some_and(|rules| !rules.is_empty() && rules.iter().all(enforced)) {
            found.push((place, "a bucket with ACLs".to_owned()));
        }
    }
}

/// On a bucket of the overlay's own; a service is let in for this account's sake only.
pub(super) fn bucket_policy(added: &Added<'_>, found: &mut Found) {
    let bucket = added.property("Bucket");
    let own = bucket.and_then(|bucket| match refers_to(bucket)? {
        Reference::Whole(id) => added.stage.kind_of(id),
        Reference::Attribute(..) => None,
    });
    if own != Some(("AWS::S3::Bucket", false)) {
        let what = "a policy of a bucket that isn't one of the overlay's own";
        found.push((added.at("Bucket"), what.to_owned()));
    }
    let document = added.property("PolicyDocument").unwrap_or(&Value::Null);
    for (i, statement) in policy::statements(document).iter().enumerate() {
        let service = statement.pointer("/Principal/Service").is_some();
        if service
            && statement["Effect"] == "Allow"
            && !policy::for_this_account(statement, added.stage)
        {
            let place = added.at("PolicyDocument").at("Statement").at(i);
            let what = "a bucket that a service opens to other accounts: it has no condition on `aws:SourceAccount` or `aws:SourceArn`";
            found.push((place.at("Condition"), what.to_owned()));
        }
    }
}

pub(super) fn topic_policy(added: &Added<'_>, found: &mut Found) {
    each_own(added, "Topics", "AWS::SNS::Topic", found);
}

pub(super) fn queue_policy(added: &Added<'_>, found: &mut Found) {
    each_own(added, "Queues", "AWS::SQS::Queue", found);
}

/// Each of a list is a resource of the overlay's own.
fn each_own(added: &Added<'_>, property: &str, kind: &str, found: &mut Found) {
    let items = match added.property(property) {
        None => return,
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => &[Value::Null],
    };
    for (i, item) in items.iter().enumerate() {
        let id = refers_to(item).map(Reference::id);
        if id.and_then(|id| added.stage.kind_of(id)) != Some((kind, false)) {
            let what = "a policy of something that isn't the overlay's own";
            found.push((added.at(property).at(i), what.to_owned()));
        }
    }
}

pub(super) fn key(added: &Added<'_>, found: &mut Found) {
    let symmetric = added
        .property("KeySpec")
        .is_none_or(|spec| spec == "SYMMETRIC_DEFAULT");
    if symmetric && added.property("EnableKeyRotation") != Some(&true.into()) {
        let what = "a key without the rotation that the compiled one has";
        found.push((added.at("EnableKeyRotation"), what.to_owned()));
    }
}

/// Events go to what the overlay adds in this stack.
pub(super) fn events(added: &Added<'_>, found: &mut Found) {
    let targets = match added.property("Targets") {
        None => return,
        Some(Value::Array(targets)) => targets.as_slice(),
        Some(_) => &[Value::Null],
    };
    for (i, target) in targets.iter().enumerate() {
        let id = target.get("Arn").and_then(refers_to).map(Reference::id);
        let kind = id.and_then(|id| added.stage.kind_of(id));
        let own = matches!(
            kind,
            Some((
                "AWS::SNS::Topic" | "AWS::SQS::Queue" | "AWS::Logs::LogGroup",
                false
            ))
        );
        if !own || target.get("RoleArn").is_some() {
            let what = "events that go to something that isn't the overlay's own";
            found.push((added.at("Targets").at(i), what.to_owned()));
        }
    }
}

/// A sample of a request shows headers and queries, and with them tokens. A response of a rule's
/// own could redirect a viewer, and its token, to another host.
pub(super) fn firewall(added: &Added<'_>, found: &mut Found) {
    const OWN_ANSWERS: [&str; 3] = [
        "CustomRequestHandling",
        "CustomResponse",
        "CustomResponseBodies",
    ];
    let place = added.place.at("Properties");
    walk(added.properties, &place, &mut |value, place| {
        for key in OWN_ANSWERS.iter().filter(|key| value.get(**key).is_some()) {
            let what = "answers of a web ACL's own, which may send viewers and tokens elsewhere";
            found.push((place.at(key), what.to_owned()));
        }
        let Some(visibility) = value.get("VisibilityConfig") else {
            return;
        };
        let place = place.at("VisibilityConfig").at("SampledRequestsEnabled");
        if visibility.get("SampledRequestsEnabled") != Some(&false.into()) {
            found.push((place, "samples of requests, which show tokens".to_owned()));
        }
    });
}

/// A wildcard's label, as Route 53 shows it.
const STAR: &str = "\\052.";

/// A record of another name: not one that the delivery has, below it, or that decides who
/// answers for it.
pub(super) fn record(added: &Added<'_>, found: &mut Found) {
    let names = added.stage.names;
    if names.is_empty() {
        return;
    }
    let text = |property| {
        let value = added.property(property).and_then(Value::as_str);
        value.filter(|text| !is_dynamic(text))
    };
    // Route 53 takes any character as `\\ooo` too.
    let name = text("Name").filter(|name| !name.replacen(STAR, "", 1).contains('\\'));
    let (Some(name), Some(kind)) = (name, text("Type")) else {
        let what = "a record whose name or type can't be checked";
        return found.push((added.at("Name"), what.to_owned()));
    };
    let wildcard = name.starts_with("*.") || name.starts_with(STAR);
    let name = plain_name(name);
    let what = names.iter().map(|own| plain_name(own)).find_map(|own| {
        let above = |name: &str| own.ends_with(&format!(".{name}"));
        let below = |name: &str| name == own || name.ends_with(&format!(".{own}"));
        // Records that prove to a certificate authority, or to CloudFront, whose a name is.
        let proof_for = name.strip_prefix('_').and_then(|name| name.split_once('.'));
        if below(&name) {
            Some("a record of a name that belongs to the delivery")
        } else if proof_for.is_some_and(|(_, name)| above(name) || below(name)) {
            Some("a validation record, by which others may claim the delivery's name or get a certificate for it")
        } else if above(&name) && matches!(kind, "NS" | "DS" | "SOA") {
            Some("a zone above the delivery's name that others answer for")
        } else if above(&name) && matches!(kind, "CAA" | "TXT") {
            Some("a record above the delivery's name by which others may get certificates for it")
        } else if above(&name) && wildcard {
            Some("a record that covers the delivery's name")
        } else {
            None
        }
    });
    found.extend(what.map(|what| (added.at("Name"), what.to_owned())));
}

/// A log group by a name that isn't one of the delivery's: the functions' have the same name
/// in every Region.
pub(super) fn log_group(added: &Added<'_>, found: &mut Found) {
    const OURS: [&str; 3] = ["/frames/", "aws-waf-logs-", "/aws/cloudfront/"];
    let Some(name) = added.property("LogGroupName") else {
        return;
    };
    let text = name.as_str().or_else(|| name.get("Fn::Sub")?.as_str());
    let Some(text) = text.filter(|text| !is_dynamic(text)) else {
        let what = "a log group whose name can't be checked";
        return found.push((added.at("LogGroupName"), what.to_owned()));
    };
    // What CloudFormation fills in may complete one of these beginnings.
    let plain = text.split("${").next().unwrap_or_default();
    let what = match OURS
        .iter()
        .find_map(|start| match plain.starts_with(start) {
            true => Some("a log group by a name that belongs to the delivery"),
            false if plain != text && start.starts_with(plain) => {
                Some("a log group whose name can't be checked")
            }
            false => None,
        }) {
        Some(what) => what,
        None => return,
    };
    found.push((added.at("LogGroupName"), what.to_owned()));
}

/// In lower case, without the root's dot and without a wildcard's label.
fn plain_name(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let unescaped = name.replace("\\052", "*");
    unescaped
        .strip_prefix("*.")
        .unwrap_or(&unescaped)
        .to_owned()
}

/// A second distribution: it differs from the compiled one in what may be tuned, in its names
/// and their certificate.
pub(super) fn distribution(added: &Added<'_>, found: &mut Found) {
    let compiled = resources(added.stage.compiled)
        .find(|(_, resource)| resource.get("Type") == Some(&rows::CONFIG.into()));
    let Some((_, compiled)) = compiled else {
        let what = "a distribution in a stack where frames makes none, so there is nothing to compare it with";
        return found.push((added.place.at("Type"), what.to_owned()));
    };
    let Some(resource) = added.place.of(added.stage.finished) else {
        return;
    };
    let told = found.len();
    let mut changes = Vec::new();
    behaviors::changes(compiled, resource, added.place, &mut changes);
    let config = added.place.at("Properties").at("DistributionConfig");
    let attributes = [
        "Condition",
        "DependsOn",
        "DeletionPolicy",
        "UpdateReplacePolicy",
    ];
    // The compiled one has them, and so they make no difference.
    let aliases = config.at("Aliases");
    let others = other_names(aliases.of(added.stage.finished), added.stage.names);
    if !others {
        let what = "a second distribution by a name of the delivery, or one that can't be checked";
        found.push((aliases.clone(), what.to_owned()));
    }
    let own = |change: &Change<'_>| {
        attributes
            .iter()
            .any(|key| change.place.starts_with(&added.place.at(key)))
            || change.place.starts_with(&aliases)
            || (change.place.starts_with(&config.at("ViewerCertificate"))
                && certificate(
                    config.at("ViewerCertificate").of(added.stage.finished),
                    compiled.pointer("/Properties/DistributionConfig/ViewerCertificate"),
                ))
    };
    for change in changes.iter().filter(|change| !own(change)) {
        let known = found[..told]
            .iter()
            .any(|(place, _)| place.starts_with(&change.place));
        if let Some(what) = tunable::weakens(change).filter(|_| !known) {
            found.push((change.place.clone(), what));
        }
    }
}

/// Names in plain sight, none of which is the delivery's.
fn other_names(aliases: Option<&Value>, names: &[String]) -> bool {
    let Some(aliases) = aliases else {
        return true;
    };
    aliases.as_array().is_some_and(|all| {
        all.iter().all(|alias| {
            let alias = alias.as_str().filter(|alias| !is_dynamic(alias));
            alias.is_some_and(|alias| names.iter().all(|own| plain_name(own) != plain_name(alias)))
        })
    })
}

/// One with a TLS that the manifest could ask for. CloudFront's own comes with TLS 1.0
/// ("Supported protocols and ciphers between viewers and CloudFront"), so only where the
/// compiled distribution has it too.
fn certificate(value: Option<&Value>, compiled: Option<&Value>) -> bool {
    let Some(value) = value.filter(|value| is_literal(value)) else {
        return false;
    };
    let version = value.get("MinimumProtocolVersion");
    let own = compiled.is_none_or(|compiled| compiled.get("AcmCertificateArn").is_none());
    (own && value.get("CloudFrontDefaultCertificate") == Some(&true.into()))
        || (value.get("SslSupportMethod") == Some(&"sni-only".into())
            && rows::newer_tls(Some(&rows::OLDEST_TLS.into()), version))
}
