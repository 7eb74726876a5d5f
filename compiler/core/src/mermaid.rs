//! A plan as a graph in Mermaid, which GitHub draws in a pull request: the stages in their order,
//! and what happens to the resources of each.

use crate::difference::Group;
use std::fmt::Write;

/// What a deployment does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is part of a plan that is compared with nothing.
    Planned,
    Added,
    Changed,
    /// Deleted and made again; or perhaps, where only CloudFormation knows.
    Replaced,
    Removed,
    /// It leaves the stack, and stays.
    Kept,
}

#[derive(Debug, Clone)]
pub struct Resource<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub fate: Fate,
}

#[derive(Debug, Clone)]
pub struct Stage<'a> {
    pub name: &'a str,
    /// In a few words: `2 to add, 1 to change`.
    pub what: String,
    pub resources: Vec<Resource<'a>>,
    /// How many resources stay as they are.
    pub same: usize,
}

/// GitHub draws no graph of more than 50,000 characters (Mermaid's `maxTextSize`).
const MOST: usize = 200;

impl Fate {
    fn class(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Kept => "kept",
        }
    }

    /// Not by colour alone.
    fn mark(self) -> &'static str {
        match self {
            Self::Planned => "",
            Self::Added => "+ ",
            Self::Changed => "~ ",
            Self::Replaced => "! ",
            Self::Removed => "- ",
            Self::Kept => "· ",
        }
    }
}

/// Borders alone have colours: these can be seen on a light page and on a dark one.
const CLASSES: &str = "  \
  classDef planned stroke:#8c959f
  classDef added stroke:#2da44e,stroke-width:2px
  classDef changed stroke:#bf8700,stroke-width:2px
  classDef replaced stroke:#cf222e,stroke-width:4px
  classDef removed stroke:#cf222e,stroke-width:2px,stroke-dasharray:6
  classDef kept stroke:#8c959f,stroke-dasharray:2
";

/// Titles of two lines, which Mermaid makes of long ones, have room above the first node.
const START: &str = "\
%%{init: {\"flowchart\": {\"subGraphTitleMargin\": {\"top\": 4, \"bottom\": 28}}}}%%
flowchart TB
";

/// A Mermaid flowchart.
pub fn graph(stages: &[Stage<'_>]) -> String {
    let mut out = START.to_owned();
    for (number, stage) in stages.iter().enumerate() {
        let title = label(&format!("{}: {}", stage.name, stage.what));
        let _ = writeln!(out, "  subgraph s{number}[\"{title}\"]");
        out.push_str("    direction TB\n");
        let mut resources: Vec<&Resource<'_>> = stage.resources.iter().collect();
        resources.sort_by_key(|one| (Group::of(one.kind), one.fate, one.id));
        for (at, one) in resources.iter().take(MOST).enumerate() {
            let kind = one.kind.strip_prefix("AWS::").unwrap_or(one.kind);
            let text = format!("{}{}", one.fate.mark(), one.id);
            let (text, kind) = (label(&text), label(kind));
            let class = one.fate.class();
            let _ = writeln!(out, "    s{number}r{at}[\"{text}<br/>{kind}\"]:::{class}");
        }
        // A column per group: without links all of them would be in one row.
        let shown = resources.iter().take(MOST).enumerate();
        for ((_, above), (at, below)) in shown.clone().zip(shown.skip(1)) {
            if Group::of(above.kind) == Group::of(below.kind) {
                let _ = writeln!(out, "    s{number}r{} ~~~ s{number}r{at}", at - 1);
            }
        }
        let more = resources.len().saturating_sub(MOST);
        for (name, count, what) in [("more", more, "more"), ("same", stage.same, "unchanged")] {
            if count > 0 {
                let _ = writeln!(out, "    s{number}{name}([\"{count} {what}\"])");
            }
        }
        // A subgraph without a node is none.
        if resources.is_empty() && stage.same == 0 {
            let _ = writeln!(out, "    s{number}none([\"nothing\"])");
        }
        out.push_str("  end\n");
    }
    for number in 1..stages.len() {
        let _ = writeln!(out, "  s{} --> s{number}", number - 1);
    }
    out + CLASSES
}

/// Text between quotes, in which nothing is Mermaid's or HTML's.
fn label(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-.,:+~!/()·".contains(c);
    text.chars()
        .map(|c| {
            if plain(c) {
                c.to_string()
            } else {
                format!("#{};", u32::from(c))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_in_their_order_with_what_happens_to_their_resources() {
        let resource = |id, kind, fate| Resource { id, kind, fate };
        let stages = [
            Stage {
                name: "lambda-edge",
                what: "1 to add, 1 to replace".to_owned(),
                resources: vec![
                    resource("Role", "AWS::IAM::Role", Fate::Replaced),
                    resource("Version", "AWS::Lambda::Version", Fate::Added),
                    resource("Function", "AWS::Lambda::Function", Fate::Changed),
                ],
                same: 3,
            },
            Stage {
                name: "cdn",
                what: "nothing".to_owned(),
                resources: vec![],
                same: 0,
            },
        ];
        let expected = "  subgraph s0[\"lambda-edge: 1 to add, 1 to replace\"]
    direction TB
    s0r0[\"+ Version<br/>Lambda::Version\"]:::added
    s0r1[\"~ Function<br/>Lambda::Function\"]:::changed
    s0r2[\"! Role<br/>IAM::Role\"]:::replaced
    s0r0 ~~~ s0r1
    s0same([\"3 unchanged\"])
  end
  subgraph s1[\"cdn: nothing\"]
    direction TB
    s1none([\"nothing\"])
  end
  s0 --> s1
";
        assert_eq!(graph(&stages), format!("{START}{expected}{CLASSES}"));
    }

    #[test]
    fn nothing_in_a_name_is_drawn_as_anything_else() {
        assert_eq!(
            label("a\"]:::x<b>`;\n#é"),
            "a#34;#93;:::x#60;b#62;#96;#59;#10;#35;#233;"
        );
    }

    #[test]
    fn a_graph_stays_small_enough_to_be_drawn() {
        let ids: Vec<String> = (0..3000).map(|id| format!("Resource{id}")).collect();
        let resources = ids.iter().map(|id| Resource {
            id,
            kind: "AWS::Lambda::Version",
            fate: Fate::Removed,
        });
        let stage = Stage {
            name: "cdn",
            what: String::new(),
            resources: resources.collect(),
            same: 0,
        };
        let graph = graph(&[stage]);
        assert!(
            graph.len() < 50_000 && graph.contains("2800 more"),
            "{}",
            graph.len()
        );
    }
}
