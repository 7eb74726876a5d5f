//! What a change set says of a resource, leaf by leaf.

use frames_compiler::difference::{Became, Leaf, Step, leaves};
use serde_json::Value;

/// A property that changes, and what makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    pub property: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub recreates: bool,
    pub cause: Option<String>,
}

/// By the whole resource, before and after; where CloudFormation doesn't give both, by the
/// properties that it names, whose values it may have cut.
pub(super) fn of(contexts: (Option<&str>, Option<&str>), details: &[Detail]) -> Vec<Leaf> {
    match contexts {
        (Some(before), Some(after)) => whole(before, after),
        _ => None,
    }
    .unwrap_or_else(|| details.iter().flat_map(property).collect())
}

fn whole(before: &str, after: &str) -> Option<Vec<Leaf>> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    let mut found = leaves(&parse(before)?, &parse(after)?);
    for leaf in &mut found {
        // `Properties` is in front of nearly all, and says nothing.
        if leaf.path.first() == Some(&Step::Key("Properties".to_owned())) {
            leaf.path.remove(0);
        }
    }
    Some(found)
}

fn property(detail: &Detail) -> Vec<Leaf> {
    let path = detail.property.strip_prefix("/Properties");
    let path = path.unwrap_or(&detail.property).split('/');
    let path: Vec<Step> = path.filter(|step| !step.is_empty()).map(step).collect();
    let parse = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
    let (before, after): (Option<Value>, Option<Value>) = (
        detail.before.as_ref().map(parse),
        detail.after.as_ref().map(parse),
    );
    let mut found = match (before, after) {
        (Some(before), Some(after)) => leaves(&before, &after),
        (None, Some(after)) => vec![Leaf {
            path: vec![],
            became: Became::Added(after),
        }],
        (Some(before), None) => vec![Leaf {
            path: vec![],
            became: Became::Removed(before),
        }],
        (None, None) => vec![Leaf {
            path: vec![],
            became: Became::Unknown { before: None },
        }],
    };
    for leaf in &mut found {
        leaf.path.splice(0..0, path.iter().cloned());
    }
    found
}

fn step(text: &str) -> Step {
    text.parse()
        .map_or_else(|_| Step::Key(text.to_owned()), Step::Position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_compiler::difference;

    fn detail(property: &str, before: Option<&str>, after: Option<&str>) -> Detail {
        Detail {
            property: property.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            recreates: false,
            cause: None,
        }
    }

    fn paths(leaves: &[Leaf]) -> Vec<Value> {
        let shown = leaves.iter().map(difference::json);
        shown.map(|leaf| leaf["path"].clone()).collect()
    }

    #[test]
    fn the_whole_resource_decides_where_it_is_given() {
        let before =
            r#"{"Properties": {"A": 1, "B": [{"Id": "x", "C": 1}]}, "DeletionPolicy": "Delete"}"#;
        let after =
            r#"{"Properties": {"A": 1, "B": [{"Id": "x", "C": 2}]}, "DeletionPolicy": "Retain"}"#;
        let found = of(
            (Some(before), Some(after)),
            &[detail("/Properties/A", None, None)],
        );
        assert_eq!(paths(&found), ["DeletionPolicy", "B[x].C"]);
    }

    #[test]
    fn properties_that_are_named_are_shown_even_where_their_values_are_cut() {
        let details = [
            detail("/Properties/A/0/B", Some("\"x\""), Some("y")),
            detail("/Properties/List", Some("[1,2"), Some("[1,2,3]")),
            detail("Tags", None, None),
        ];
        let found = of((None, Some("{}")), &details);
        assert_eq!(paths(&found), ["A[0].B", "List", "Tags"]);
        let cut = of((Some("{\"Prop"), Some("{}")), &details);
        assert_eq!(cut, found);
    }
}
