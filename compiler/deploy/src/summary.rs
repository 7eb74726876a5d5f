//! What a change set would do, in words, and whether that has to be confirmed.

use crate::aws::stacks::Change;
use frames_compiler::difference::{self, Became, Group, Leaf};
use frames_compiler::mermaid::Fate;
use frames_compiler::printable::{Style, Styled};
use frames_compiler::secrets::{MASK, Masks};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What each change means for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Add,
    Change,
    /// Deleted and made again.
    Replace,
    /// CloudFormation can't tell before.
    MayReplace,
    Remove,
    /// The stack drops it; the resource stays.
    Keep,
}

pub(crate) fn kind(change: &Change) -> Kind {
    let retained = change
        .policy
        .as_deref()
        .is_some_and(|policy| policy.starts_with("Retain"));
    match (change.action.as_str(), change.replacement.as_deref()) {
        ("Add" | "Import", _) => Kind::Add,
        ("Remove", _) if retained || outlives_its_stack(change) => Kind::Keep,
        ("Remove", _) => Kind::Remove,
        ("Modify", Some("True")) => Kind::Replace,
        ("Modify", Some("Conditional")) => Kind::MayReplace,
        _ => Kind::Change,
    }
}

/// The same for a picture.
pub(crate) fn fate(change: &Change) -> Fate {
    match kind(change) {
        Kind::Add => Fate::Added,
        Kind::Change => Fate::Changed,
        Kind::Replace | Kind::MayReplace => Fate::Replaced,
        Kind::Remove => Fate::Removed,
        Kind::Keep => Fate::Kept,
    }
}

/// What a change says of a resource that goes with its stack.
pub(crate) const WITH_ITS_STACK: &str = "Delete";

/// Versions are always retained: replicas hold those at the edge, the alias that of the reader.
/// Old ones are collected later. A version goes with its function, though, and so with its stack.
fn outlives_its_stack(change: &Change) -> bool {
    change.kind == "AWS::Lambda::Version" && change.policy.as_deref() != Some(WITH_ITS_STACK)
}

/// Something that was there is removed or replaced.
pub(crate) fn needs_a_yes(change: &Change) -> bool {
    matches!(
        kind(change),
        Kind::Replace | Kind::MayReplace | Kind::Remove
    )
}

/// The same, or permissions that go: policies that a role loses, statements that a policy loses.
pub(crate) fn takes_away(change: &Change) -> bool {
    let loses = |leaf: &Leaf| matches!(leaf.became, Became::Removed(_));
    let permits = change.kind.starts_with("AWS::IAM::");
    needs_a_yes(change) || (permits && change.leaves.iter().any(loses))
}

/// What happens to each resource, by what a reader asks, the worst of each group last. `everything`:
/// the leaves of those as well that are nothing of the delivery's own.
pub(crate) fn shown<'a>(changes: impl IntoIterator<Item = &'a Change>, everything: bool) -> Styled {
    by_group(
        sorted(changes),
        |change| Group::of(&change.kind),
        |change| {
            let text = line(
                kind(change),
                &change.resource,
                &change.kind,
                &because(change),
            );
            if Group::of(&change.kind) != Group::Other || everything {
                text.append(&difference::text(&change.leaves, LEAVES))
            } else if change.leaves.is_empty() {
                text
            } else {
                let more = format!("{:LEAVES$}(-v shows what changes in it)", "");
                text.paint(Style::Dim, &more).text("\n")
            }
        },
    )
}

/// What becomes of a stack's tags. CloudFormation hands them on to the resources, and names no value
/// of theirs in a change set.
pub(crate) fn tags(before: &Tags, after: &Tags, masks: &Masks) -> Vec<Leaf> {
    let named = |tags: &Tags| json!({ "tags": tags });
    let mut leaves = difference::leaves(&named(before), &named(after));
    difference::mask(&mut leaves, masks);
    leaves
}

type Tags = BTreeMap<String, String>;

/// They are the stack's, and so said once, above its resources.
pub(crate) fn shown_tags(leaves: &[Leaf]) -> Styled {
    difference::text(leaves, STACK)
}

/// A resource of a stack that is removed.
pub(crate) struct Leaving<'a> {
    pub resource: &'a str,
    pub kind: &'a str,
    /// `Remove` or `Keep`.
    pub what: Kind,
    /// Why it is kept: `, which is ...`.
    pub why: &'a str,
}

/// The same for a removal, whose resources have nothing more to show.
pub(crate) fn removed(mut leaving: Vec<Leaving<'_>>) -> Styled {
    leaving.sort_by_key(|one| (Group::of(one.kind), one.what, one.resource));
    by_group(
        leaving,
        |one| Group::of(one.kind),
        |one| line(one.what, one.resource, one.kind, one.why),
    )
}

/// Sorted by groups already. Each has its name above it, unless there is only one.
fn by_group<T>(all: Vec<T>, group: impl Fn(&T) -> Group, shown: impl Fn(&T) -> Styled) -> Styled {
    let mut text = Styled::new();
    let several = all.first().map(&group) != all.last().map(&group);
    let mut before = None;
    for one in &all {
        let group = group(one);
        if several && before != Some(group) {
            text = text.text("   ").paint(Style::Dim, group.name()).text("\n");
        }
        before = Some(group);
        text = text.append(&shown(one));
    }
    text
}

/// Where the lines of resources begin, and of what else a stack has.
const STACK: usize = 3;

/// Where leaves begin: below the resource.
const LEAVES: usize = 7;

fn sorted<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<&'a Change> {
    let mut sorted: Vec<&Change> = changes.into_iter().collect();
    sorted.sort_by_key(|change| {
        (
            Group::of(&change.kind),
            kind(change),
            change.resource.as_str(),
        )
    });
    sorted
}

fn line(what: Kind, resource: &str, kind: &str, why: &str) -> Styled {
    let (mark, style, what) = match what {
        Kind::Add => ("+", Style::Green, "add"),
        Kind::Change => ("~", Style::Yellow, "change"),
        Kind::Replace => ("!", Style::BoldRed, "replace"),
        Kind::MayReplace => ("!", Style::BoldRed, "may replace"),
        Kind::Remove => ("-", Style::BoldRed, "remove"),
        Kind::Keep => ("·", Style::Dim, "keep"),
    };
    let resource = format!(" {what:<11} {resource} ({kind}){why}");
    let text = Styled::new().text("   ").paint(style, mark);
    text.line(&resource).text("\n")
}

/// What makes CloudFormation replace a resource.
fn because(change: &Change) -> String {
    let causes = change.details.iter().filter(|detail| detail.recreates);
    let mut causes: Vec<String> = causes
        .map(|detail| match &detail.cause {
            Some(cause) => format!("{}, by {cause}", property(&detail.property)),
            None => property(&detail.property),
        })
        .collect();
    causes.sort_unstable();
    causes.dedup();
    if causes.is_empty() {
        return String::new();
    }
    format!(", because of {}", causes.join("; "))
}

/// `/Properties/Code/S3Key`, as CloudFormation names it, is `Code.S3Key`.
fn property(path: &str) -> String {
    let path = path.strip_prefix("/Properties").unwrap_or(path);
    path.trim_start_matches('/').replace('/', ".")
}

/// `2 to add, 1 to change`
pub(crate) fn counts(changes: &[Change]) -> String {
    let names = [
        (Kind::Add, "to add"),
        (Kind::Change, "to change"),
        (Kind::Replace, "to replace"),
        (Kind::MayReplace, "that may be replaced"),
        (Kind::Remove, "to remove"),
        (Kind::Keep, "to keep outside of the stack"),
    ];
    let parts: Vec<String> = names
        .into_iter()
        .filter_map(|(wanted, name)| {
            let count = changes
                .iter()
                .filter(|change| kind(change) == wanted)
                .count();
            (count > 0).then(|| format!("{count} {name}"))
        })
        .collect();
    if parts.is_empty() {
        "no resource changes, but tags, outputs or metadata do".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Hides all that is told of a property where any of it holds a secret: the rest may be its old or
/// new value.
pub(crate) fn mask(changes: &mut [Change], masks: &Masks) {
    for change in changes {
        difference::mask(&mut change.leaves, masks);
        let hides = |side: &Option<String>| side.as_ref().is_some_and(|text| masks.hides(text));
        let details = change.details.iter();
        let details = details.filter(|it| hides(&it.before) || hides(&it.after));
        let hidden: BTreeSet<String> = details.map(|it| root(&it.property).to_owned()).collect();
        let details = change.details.iter_mut();
        for detail in details.filter(|detail| hidden.contains(root(&detail.property))) {
            for side in [&mut detail.before, &mut detail.after]
                .into_iter()
                .flatten()
            {
                MASK.clone_into(side);
            }
        }
    }
}

/// The property of `/Properties/Property/0/Key`.
fn root(path: &str) -> &str {
    let path = path.strip_prefix("/Properties").unwrap_or(path);
    let path = path.trim_start_matches('/');
    path.split_once('/').map_or(path, |(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::stacks::Detail;

    fn change(action: &str, kind: &str, replacement: Option<&str>, policy: Option<&str>) -> Change {
        Change {
            action: action.to_owned(),
            resource: "R".to_owned(),
            kind: kind.to_owned(),
            replacement: replacement.map(str::to_owned),
            policy: policy.map(str::to_owned),
            details: vec![],
            leaves: vec![],
        }
    }

    #[test]
    fn what_goes_needs_a_yes() {
        let version = change("Remove", "AWS::Lambda::Version", None, None);
        let kept = change("Remove", "AWS::S3::Bucket", None, Some("Retain"));
        let added = change("Add", "AWS::IAM::Role", None, None);
        let changed = change("Modify", "AWS::Lambda::Function", Some("False"), None);
        for stays in [version, kept, added, changed] {
            assert!(!needs_a_yes(&stays), "{stays:?}");
        }
        for gone in [
            change("Remove", "AWS::IAM::Role", None, None),
            change("Modify", "AWS::IAM::Role", Some("True"), None),
            change("Modify", "AWS::IAM::Role", Some("Conditional"), None),
        ] {
            assert!(needs_a_yes(&gone));
        }
        let with_its_stack = change("Remove", "AWS::Lambda::Version", None, Some(WITH_ITS_STACK));
        assert!(needs_a_yes(&with_its_stack));
    }

    /// They are named where something else has to be agreed to.
    #[test]
    fn permissions_that_go_are_taken_away() {
        let policies = |arns: &[&str]| json!({"ManagedPolicyArns": arns});
        let (two, one) = (policies(&["a", "b"]), policies(&["a"]));
        for (kind, before, after, takes) in [
            ("AWS::IAM::Role", &two, &one, true),
            ("AWS::IAM::Role", &one, &two, false),
            ("AWS::Lambda::Function", &two, &one, false),
        ] {
            let mut changed = change("Modify", kind, Some("False"), None);
            changed.leaves = difference::leaves(before, after);
            assert_eq!(takes_away(&changed), takes, "{changed:?}");
            assert!(!needs_a_yes(&changed));
        }
    }

    #[test]
    fn the_worst_comes_last() {
        let changes = [
            change("Remove", "AWS::IAM::Role", None, None),
            change("Add", "AWS::IAM::Role", None, None),
        ];
        let shown = shown(&changes, false);
        let at = |word: &str| shown.ansi().find(word).unwrap();
        assert!(at("add") < at("remove"), "{shown:?}");
        assert_eq!(counts(&changes), "1 to add, 1 to remove");
    }

    #[test]
    fn both_sides_of_a_secret_are_masked() {
        let detail = |property: &str, before: &str, after: &str| Detail {
            property: format!("/Properties/{property}"),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
            recreates: false,
            cause: None,
        };
        let mut changed = change("Modify", "AWS::IAM::Role", None, None);
        changed.details = vec![
            detail("A", "old-secret", "new-secret"),
            detail("B", "new-secret", "plain"),
            detail("C", "a", "an a"),
            detail("D", "one", "two"),
            detail("E/0", "b", "new-secret"),
            detail("E/1", "old-secret", "b"),
        ];
        changed.leaves = difference::leaves(
            &json!({"Description": "old-secret"}),
            &json!({"Description": "new-secret"}),
        );
        mask(
            std::slice::from_mut(&mut changed),
            &Masks::new(["new-secret", "a"]),
        );
        let sides = changed.details.iter();
        let sides: Vec<_> = sides
            .map(|detail| (detail.before.as_deref(), detail.after.as_deref()))
            .collect();
        let masked = (Some(MASK), Some(MASK));
        let plain = (Some("one"), Some("two"));
        assert_eq!(sides, [masked, masked, masked, plain, masked, masked]);
        assert!(
            shown([&changed], false)
                .ansi()
                .contains("Description: '********' -> '********'")
        );
    }

    #[test]
    fn tags_say_what_becomes_of_each_and_hide_secrets() {
        let of = |tags: &[(&str, &str)]| -> Tags {
            let tags = tags.iter();
            tags.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let before = of(&[("by", "hand"), ("kept", "a"), ("team", "heart")]);
        let after = of(&[("kept", "a"), ("team", "lung"), ("ward", "east")]);
        let shown = |masks: &Masks| {
            let shown = shown_tags(&tags(&before, &after, masks));
            shown.ansi().to_owned()
        };
        let open = shown(&Masks::default());
        let lines: Vec<&str> = open.lines().collect();
        assert_eq!(lines.len(), 3, "{open}");
        for (line, said) in lines.iter().zip([
            " tags.by: hand",
            " tags.team: heart -> lung",
            " tags.ward: east",
        ]) {
            assert!(line.ends_with(said), "{open}");
        }
        let hidden = shown(&Masks::new(["lung"]));
        for secret in ["lung", "heart"] {
            assert!(!hidden.contains(secret), "{hidden}");
        }
        assert!(hidden.contains(" tags.by: hand"), "{hidden}");
        assert!(tags(&after, &after, &Masks::default()).is_empty());
    }

    #[test]
    fn what_a_reader_asks_is_shown_together_and_the_rest_on_request() {
        let mut own = change(
            "Modify",
            "AWS::CloudFront::Distribution",
            Some("False"),
            None,
        );
        own.leaves = difference::leaves(&json!({"A": 1}), &json!({"A": 2}));
        let mut other = change("Modify", "AWS::SSM::Parameter", Some("True"), None);
        other.leaves = difference::leaves(&json!({"B": 1}), &json!({"B": 2}));
        other.details = vec![Detail {
            property: "/Properties/Name".to_owned(),
            before: None,
            after: None,
            recreates: true,
            cause: Some("Own.Arn".to_owned()),
        }];
        let changes = [other, own];
        let short = shown(&changes, false);
        let long = shown(&changes, true);
        for (text, has_rest) in [(short.ansi(), false), (long.ansi(), true)] {
            assert!(
                text.contains("delivery") && text.contains("A: 1 -> 2"),
                "{text}"
            );
            assert!(text.contains("because of Name, by Own.Arn"), "{text}");
            assert_eq!(text.contains("B: 1 -> 2"), has_rest, "{text}");
            assert_eq!(text.contains("-v shows"), !has_rest, "{text}");
        }
    }
}
