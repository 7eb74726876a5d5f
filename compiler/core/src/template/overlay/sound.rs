//! What CloudFormation would refuse for sure, found before anything is deployed.

use super::references::{self, Named, PSEUDO_PARAMETERS, What};
use super::{Finding, Kind, Overlaid, Place, SECTIONS};
use super::{innermost, is_intrinsic, locate, resources, walk};
use crate::diagnostic::did_you_mean;
use crate::syntax::{Node, Value as Yaml};
use crate::variables::SOURCES;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const OTHER_SECTIONS: [&str; 5] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Hooks",
    "Metadata",
    "Transform",
];

const ATTRIBUTES: [&str; 9] = [
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

const PARAMETER: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

const OUTPUT: [&str; 4] = ["Condition", "Description", "Export", "Value"];

const NOT_IN_STACK: &str = "correct the name, or add it to this stage below `resources`: a stack can't refer to what only another stack has";

/// Those that work without a transform, outside the section `Rules`.
const INTRINSICS: [&str; 17] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::Transform",
    "Ref",
];

/// A logical id, in characters.
const LONGEST_ID: usize = 255;

/// What `Fn::GetAtt` returns, by the resource types' pages of the CloudFormation Template Reference.
const RETURNED: [(&str, &[&str]); 4] = [
    ("AWS::CloudFront::Distribution", &["DomainName", "Id"]),
    ("AWS::IAM::Role", &["Arn", "RoleId"]),
    ("AWS::KMS::Key", &["Arn", "KeyId"]),
    ("AWS::SNS::Topic", &["TopicArn", "TopicName"]),
];

/// Resources of a stack, at the most.
const STACK: usize = 500;

struct Findings<'a> {
    stage: &'a Overlaid<'a>,
    found: Vec<Finding>,
}

pub(super) fn check(stage: &Overlaid<'_>) -> Vec<Finding> {
    let mut findings = Findings {
        stage,
        found: Vec::new(),
    };
    findings.sections();
    findings.nothing(stage.overlay, &Place::root());
    findings.ids();
    findings.resources();
    findings.members();
    findings.intrinsics();
    findings.references();
    findings.circles();
    findings.found
}

impl Findings<'_> {
    fn push(&mut self, place: &Place, what: impl Into<String>, help: Option<String>) {
        self.push_kind(Kind::Invalid, place, what, help);
    }

    /// A finding in a key, not in its value.
    fn push_key(&mut self, place: &Place, what: impl Into<String>, help: Option<String>) {
        let (_, span, _) = innermost(self.stage.overlay, place);
        self.push(place, what, help);
        if let Some(last) = self.found.last_mut() {
            last.span = span;
        }
    }

    fn push_kind(
        &mut self,
        kind: Kind,
        place: &Place,
        what: impl Into<String>,
        help: Option<String>,
    ) {
        self.found.push(Finding {
            help,
            ..locate(self.stage.overlay, place, kind, what.into())
        });
    }

    fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.stage.finished.get(name)?.as_object()
    }

    fn is_compiled(&self, section: &str, id: &str) -> bool {
        let section = self.stage.compiled.get(section);
        section.is_some_and(|section| section.get(id).is_some())
    }

    fn sections(&mut self) {
        let Yaml::Mapping(entries) = &self.stage.overlay.value else {
            return;
        };
        for entry in entries {
            let name = entry.key.text.as_str();
            let place = Place::root().at(name);
            let known = SECTIONS.into_iter().chain(OTHER_SECTIONS);
            if !known.clone().any(|section| section == name) {
                let help = did_you_mean(name, known.clone())
                    .unwrap_or_else(|| format!("known: {}", known.collect::<Vec<_>>().join(", ")));
                self.push(
                    &place,
                    format!("a template has no section `{name}`"),
                    Some(help),
                );
            } else if SECTIONS.contains(&name)
                && !matches!(entry.value.value, Yaml::Mapping(_) | Yaml::Open(_))
                && !entry.value.is_null()
            {
                let what = format!("`{name}` takes a mapping; here is {}", entry.value.kind());
                let help = "write one id per line below it, each with its value";
                self.push(&place, what, Some(help.to_owned()));
            }
        }
        let version = self.stage.finished.get("AWSTemplateFormatVersion");
        if version != self.stage.compiled.get("AWSTemplateFormatVersion") {
            let place = Place::root().at("AWSTemplateFormatVersion");
            self.push(&place, "there is no other format than `2010-09-09`", None);
        }
    }

    /// Keys without a value, below the sections.
    fn nothing(&mut self, node: &Node, place: &Place) {
        match &node.value {
            Yaml::Mapping(entries) => {
                for entry in entries {
                    self.nothing(&entry.value, &place.at(&entry.key.text));
                }
            }
            Yaml::Sequence(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.nothing(item, &place.at(i));
                }
            }
            Yaml::Scalar { .. } if node.is_null() && place.0.len() > 1 => {
                let key = place.0.last().map_or("", String::as_str);
                let what = format!("`{key}` has no value, which CloudFormation doesn't take");
                let help = "give it a value, or leave the key out; `!Ref AWS::NoValue` takes a property away";
                self.push(place, what, Some(help.to_owned()));
            }
            Yaml::Scalar { .. } | Yaml::Open(_) => {}
        }
    }

    fn ids(&mut self) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        let mut found = Vec::new();
        for section in SECTIONS {
            for (id, _) in self.section(section).into_iter().flatten() {
                let place = Place::root().at(section).at(id);
                let fits = id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_alphanumeric());
                if !fits || id.is_empty() {
                    let help = format!("an id has letters and digits only, at most {LONGEST_ID}");
                    found.push((place, format!("`{id}` can't be an id"), help));
                } else if matches!(section, "Resources" | "Parameters")
                    && let Some(other) = seen.insert(id.clone(), section)
                {
                    let what = format!("`{id}` is in `{other}` and in `{section}`");
                    found.push((place, what, "give one of them another name".to_owned()));
                }
            }
        }
        for (place, what, help) in found {
            self.push(&place, what, Some(help));
        }
    }

    fn resources(&mut self) {
        for (id, resource) in resources(self.stage.finished) {
            let place = Place::root().at("Resources").at(id);
            let Some(members) = resource.as_object() else {
                if !resource.is_null() {
                    self.push(&place, format!("`{id}` isn't a mapping"), None);
                }
                continue;
            };
            if !members.contains_key("Type") {
                let known = resources(self.stage.compiled).map(|(id, _)| id.as_str());
                let help = did_you_mean(id, known)
                    .unwrap_or_else(|| "a resource of your own needs a `Type`".to_owned());
                let what = format!("`{id}` has no `Type`, and isn't a resource of this stack");
                self.push_kind(Kind::Nameless, &place, what, Some(help));
            }
            for (key, value) in members {
                let at = place.at(key);
                if !ATTRIBUTES.contains(&key.as_str()) {
                    let help = did_you_mean(key, ATTRIBUTES)
                        .unwrap_or_else(|| "properties belong below `Properties`".to_owned());
                    self.push_key(&at, format!("a resource has no `{key}`"), Some(help));
                } else if key == "Properties" && !value.is_object() && !value.is_null() {
                    let help = "write one property per line below it, each with its value";
                    self.push(&at, "`Properties` takes a mapping", Some(help.to_owned()));
                } else if key.ends_with("Policy")
                    && key != "CreationPolicy"
                    && key != "UpdatePolicy"
                {
                    self.retention(key, value, &at);
                }
            }
        }
    }

    fn retention(&mut self, key: &str, value: &Value, place: &Place) {
        let known = ["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"];
        let taken = known.iter().any(|word| value == word);
        if !taken && !value.is_null() {
            let help = Some(format!("known: {}", known.join(", ")));
            self.push(place, format!("`{key}` is one of four words"), help);
        }
    }

    /// What parameters and outputs have, and what they can't do without.
    fn members(&mut self) {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for (section, known, needed) in [
            ("Parameters", &PARAMETER[..], &["Type", "Default"][..]),
            ("Outputs", &OUTPUT[..], &["Value"][..]),
        ] {
            for (id, member) in self.section(section).into_iter().flatten() {
                let place = Place::root().at(section).at(id);
                let Some(members) = member.as_object() else {
                    if !member.is_null() {
                        found.push((place, format!("`{id}` isn't a mapping"), None));
                    }
                    continue;
                };
                let slips = members.keys().filter(|key| !known.contains(&key.as_str()));
                let slips: Vec<&String> = slips.collect();
                for key in &slips {
                    let help = did_you_mean(key, known.iter().copied())
                        .unwrap_or_else(|| format!("known: {}", known.join(", ")));
                    let what = format!("`{key}` isn't among the keys of `{section}`");
                    unknown.push((place.at(key), what, Some(help)));
                }
                let missing = needed.iter().find(|key| !members.contains_key(**key));
                // A slip is told once, where it is.
                if let Some(key) =
                    missing.filter(|_| slips.is_empty() && !self.is_compiled(section, id))
                {
                    let help = match *key {
                        "Default" => {
                            "add `Default`: frames passes no values to parameters of your own. A variable such as `${env:NAME}` is possible there"
                        }
                        "Type" => "for example `Type: String`",
                        _ => "add `Value`: what the output gives",
                    };
                    found.push((
                        place,
                        format!("`{id}` has no `{key}`"),
                        Some(help.to_owned()),
                    ));
                }
            }
        }
        for (place, what, help) in unknown {
            self.push_key(&place, what, help);
        }
        for (place, what, help) in found {
            self.push(&place, what, help);
        }
    }

    /// Functions that there aren't, or that share a mapping with something else.
    fn intrinsics(&mut self) {
        let mut found = Vec::new();
        for section in ["Conditions", "Outputs", "Resources"] {
            let Some(value) = self.stage.finished.get(section) else {
                continue;
            };
            walk(value, &Place::root().at(section), &mut |value, place| {
                let Some(map) = value.as_object() else { return };
                let Some((function, _)) = map.iter().find(|(key, _)| is_intrinsic(key)) else {
                    return;
                };
                let at = place.at(function);
                let transformed = function.starts_with("Fn::ForEach");
                if !INTRINSICS.contains(&function.as_str()) && !transformed {
                    let help = did_you_mean(function, INTRINSICS);
                    found.push((at, format!("there is no function `{function}` here"), help));
                } else if map.len() > 1 && !transformed {
                    let what = format!("`{function}` is beside other keys");
                    let help = "a function is a mapping of its own, with no other key";
                    found.push((at, what, Some(help.to_owned())));
                }
            });
        }
        for (place, what, help) in found {
            self.push_key(&place, what, help);
        }
    }

    fn references(&mut self) {
        let mut names = Vec::new();
        for section in ["Conditions", "Outputs", "Resources"] {
            for (id, member) in self.section(section).into_iter().flatten() {
                let place = Place::root().at(section).at(id);
                names.extend(references::names(member, &place));
                let condition = member.get("Condition").and_then(Value::as_str);
                names.extend(condition.map(|name| Named {
                    place: place.at("Condition"),
                    what: What::Condition,
                    name: name.to_owned(),
                }));
            }
        }
        for named in names {
            self.name(&named);
        }
        for (id, resource) in resources(self.stage.finished) {
            let place = Place::root().at("Resources").at(id).at("DependsOn");
            for name in depends_on(resource) {
                if self
                    .section("Resources")
                    .is_none_or(|all| !all.contains_key(name))
                {
                    let known = resources(self.stage.finished).map(|(id, _)| id.as_str());
                    let help = did_you_mean(name, known);
                    self.push(
                        &place,
                        format!("there is no resource `{name}` in this stack"),
                        help,
                    );
                }
            }
        }
    }

    fn name(&mut self, named: &Named) {
        let in_conditions = named
            .place
            .0
            .first()
            .is_some_and(|section| section == "Conditions");
        let name = named.name.as_str();
        let id = match named.what {
            What::Substitution | What::Attribute => name.split('.').next().unwrap_or(name),
            _ => name,
        };
        let sections: &[&str] = match named.what {
            What::Condition => &["Conditions"],
            What::Mapping => &["Mappings"],
            What::Attribute => &["Resources"],
            _ if in_conditions => &["Parameters"],
            What::Value => &["Resources", "Parameters"],
            What::Substitution if id == name => &["Resources", "Parameters"],
            What::Substitution => &["Resources"],
        };
        let pseudo = matches!(named.what, What::Value | What::Substitution);
        let is_there = sections.iter().any(|section| {
            self.section(section)
                .is_some_and(|all| all.contains_key(id))
        }) || (pseudo && PSEUDO_PARAMETERS.contains(&name));
        if is_there {
            return self.attribute(named);
        }
        let resource = self
            .section("Resources")
            .is_some_and(|all| all.contains_key(id));
        if in_conditions && resource {
            let what = "conditions refer to parameters only, and not to resources";
            return self.push(&named.place, what, None);
        }
        let (what, help) = match (named.what, name.split_once(':')) {
            // `${slef:service}` is meant for frames.
            (What::Substitution, Some((source, _))) if !name.starts_with("AWS::") => (
                format!("`${{{name}}}` is neither CloudFormation's nor a variable of frames"),
                Some(match did_you_mean(source, SOURCES.iter().copied()) {
                    Some(guess) if !SOURCES.contains(&source) => guess,
                    _ => format!("a variable of IAM's is written `${{!{name}}}` in `Fn::Sub`"),
                }),
            ),
            _ => {
                let kind = match named.what {
                    What::Condition => "condition",
                    What::Mapping => "mapping",
                    What::Attribute => "resource",
                    _ if name.starts_with("AWS::") => "pseudo parameter",
                    _ => "resource or parameter",
                };
                let all = sections.iter().filter_map(|section| self.section(section));
                let ids = all.flatten().map(|(id, _)| id.as_str());
                let pseudo = PSEUDO_PARAMETERS.iter().copied().filter(|_| pseudo);
                let help = did_you_mean(id, ids.chain(pseudo)).or_else(|| {
                    // Nobody can add what only CloudFormation gives.
                    let is_addable = !name.starts_with("AWS::");
                    is_addable.then(|| NOT_IN_STACK.to_owned())
                });
                (format!("there is no {kind} `{id}` in this stack"), help)
            }
        };
        self.push(&named.place, what, help);
    }

    /// Attributes of compiled resources, as far as they are few and known.
    fn attribute(&mut self, named: &Named) {
        let Some((id, attribute)) = named.name.split_once('.') else {
            return;
        };
        let Some((kind, _)) = self.stage.kind_of(id) else {
            return;
        };
        let Some((_, known)) = RETURNED.iter().find(|(known, _)| *known == kind) else {
            return;
        };
        if !known.contains(&attribute) {
            let help = did_you_mean(attribute, known.iter().copied())
                .unwrap_or_else(|| format!("known: {}", known.join(", ")));
            let what = format!("`{id}` has no attribute `{attribute}`");
            self.push(&named.place, what, Some(help));
        }
    }

    /// Resources that wait for each other.
    fn circles(&mut self) {
        let mut waits: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (id, resource) in resources(self.stage.finished) {
            let properties = resource.get("Properties").unwrap_or(&Value::Null);
            let named = references::names(properties, &Place::root()).into_iter();
            let named = named.map(|named| {
                let id = named.name.split('.').next().unwrap_or_default();
                id.to_owned()
            });
            let listed = depends_on(resource).into_iter().map(str::to_owned);
            waits.insert(id, named.chain(listed).collect());
        }
        // More are a finding of their own, and a chain of them would fill the stack.
        if waits.len() > STACK {
            return;
        }
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let ids: Vec<&str> = waits.keys().copied().collect();
        for id in ids {
            let mut path = Vec::new();
            if let Some(circle) = circle(id, &waits, &mut done, &mut path) {
                let place = Place::root().at("Resources").at(&circle[0]);
                let what = format!("resources wait for each other: {}", circle.join(" -> "));
                let help = "take one of the references or `DependsOn` away".to_owned();
                self.push(&place, what, Some(help));
            }
        }
    }
}

/// The ids from one back to itself, if any can be reached that way.
fn circle<'a>(
    id: &'a str,
    waits: &'a BTreeMap<&'a str, BTreeSet<String>>,
    done: &mut BTreeSet<&'a str>,
    path: &mut Vec<&'a str>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|other| *other == id) {
        let ring = path[start..].iter().copied().chain([id]);
        return Some(ring.map(str::to_owned).collect());
    }
    let next = waits.get(id).filter(|_| !done.contains(id))?;
    path.push(id);
    let found = next.iter().find_map(|next| circle(next, waits, done, path));
    path.pop();
    done.insert(id);
    found
}

fn depends_on(resource: &Value) -> Vec<&str> {
    match resource.get("DependsOn") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
