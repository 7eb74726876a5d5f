//! What a change set would do, in words, and whether that has to be confirmed.

use crate::aws::stacks::Change;
use frames_compiler::printable::{Style, Styled};

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
        ("Remove", _) if retained || is_version(change) => Kind::Keep,
        ("Remove", _) => Kind::Remove,
        ("Modify", Some("True")) => Kind::Replace,
        ("Modify", Some("Conditional")) => Kind::MayReplace,
        _ => Kind::Change,
    }
}

/// Versions are always retained: replicas hold them, and old ones are collected later.
fn is_version(change: &Change) -> bool {
    change.kind == "AWS::Lambda::Version"
}

/// Something that was there is removed.
pub(crate) fn needs_a_yes(changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        matches!(
            kind(change),
            Kind::Replace | Kind::MayReplace | Kind::Remove
        )
    })
}

/// One line per resource, the worst last.
pub(crate) fn lines(changes: &[Change]) -> Vec<Styled> {
    sorted(changes).into_iter().map(line).collect()
}

pub(crate) fn sorted(changes: &[Change]) -> Vec<&Change> {
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| (kind(change), change.resource.clone()));
    sorted
}

pub(crate) fn line(change: &Change) -> Styled {
    let (mark, style, what) = match kind(change) {
        Kind::Add => ("+", Style::Green, "add"),
        Kind::Change => ("~", Style::Yellow, "change"),
        Kind::Replace => ("!", Style::BoldRed, "replace"),
        Kind::MayReplace => ("!", Style::BoldRed, "may replace"),
        Kind::Remove => ("-", Style::BoldRed, "remove"),
        Kind::Keep => ("·", Style::Dim, "detach"),
    };
    let causes = change.details.iter();
    let mut causes: Vec<String> = causes.map(|detail| property(&detail.property)).collect();
    causes.sort_unstable();
    causes.dedup();
    let because = if causes.is_empty() {
        String::new()
    } else {
        format!(": {}", causes.join(", "))
    };
    let resource = format!(" {what:<11} {} ({}){because}", change.resource, change.kind);
    Styled::new().text("   ").paint(style, mark).line(&resource)
}

/// `/Properties/Code/S3Key`, as CloudFormation names it, is `Code.S3Key`.
pub(crate) fn property(path: &str) -> String {
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
        (Kind::Keep, "to take out of the stack but keep"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: &str, kind: &str, replacement: Option<&str>, policy: Option<&str>) -> Change {
        Change {
            action: action.to_owned(),
            resource: "R".to_owned(),
            kind: kind.to_owned(),
            replacement: replacement.map(str::to_owned),
            policy: policy.map(str::to_owned),
            details: vec![],
        }
    }

    #[test]
    fn what_goes_needs_a_yes() {
        let version = change("Remove", "AWS::Lambda::Version", None, None);
        let kept = change("Remove", "AWS::S3::Bucket", None, Some("Retain"));
        let added = change("Add", "AWS::IAM::Role", None, None);
        let changed = change("Modify", "AWS::Lambda::Function", Some("False"), None);
        assert!(!needs_a_yes(&[version, kept, added, changed]));
        for gone in [
            change("Remove", "AWS::IAM::Role", None, None),
            change("Modify", "AWS::IAM::Role", Some("True"), None),
            change("Modify", "AWS::IAM::Role", Some("Conditional"), None),
        ] {
            assert!(needs_a_yes(&[gone]));
        }
    }

    #[test]
    fn the_worst_comes_last() {
        let changes = [
            change("Remove", "AWS::IAM::Role", None, None),
            change("Add", "AWS::IAM::Role", None, None),
        ];
        let lines = lines(&changes);
        assert!(
            lines[0].ansi().contains("add") && lines[1].ansi().contains("remove"),
            "{lines:?}"
        );
        assert_eq!(counts(&changes), "1 to add, 1 to remove");
    }
}
