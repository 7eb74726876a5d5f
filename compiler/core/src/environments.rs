//! `environments`: the chosen one is merged over the rest of the manifest.
//! Mappings merge key by key; `null` takes a key away; whatever else is replaced. A merged value keeps
//! the place where it was written, so findings are where the value that won is.

use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::span::Span;
use crate::syntax::{Entry, Node, Value};

pub const KEY: &str = "environments";

/// The one that is meant where none is named. A manifest need not list it.
pub const DEFAULT: &str = "dev";

/// The block that is CloudFormation's.
pub const OVERLAY: &str = "resources";

/// What the names of the user's own keys begin with.
const OWN: &str = "x-";

/// Keys of the user's own may hold a part of the overlay.
pub fn may_be_overlay(key: &str) -> bool {
    key == OVERLAY || key.starts_with(OWN)
}

/// A manifest as one environment sees it.
#[derive(Debug)]
pub struct Selected {
    pub root: Node,
    /// The environments that weren't chosen, to be checked for themselves.
    pub others: Vec<Entry>,
    /// What the environments are called, the chosen one included.
    pub names: Vec<String>,
    /// Nothing of the chosen one is still to be brought in by a variable.
    pub is_whole: bool,
    pub diagnostics: Vec<Diagnostic>,
}

/// What follows a `${…}` that stands where a mapping is due.
pub trait Follow {
    /// What it brings in, as it was written; any other value as it is.
    fn follow(&mut self, node: Node) -> Node;

    /// The mapping that it brings in, if it does.
    fn mapping(&mut self, node: &Node) -> Option<Node>;
}

/// Takes `environments` out of the tree and merges the one named `env` over it.
/// `chosen`: the user named it, so it has to be there.
pub fn select(root: Node, env: &str, chosen: bool, references: &mut dyn Follow) -> Selected {
    let mut selected = Selected {
        root,
        others: Vec::new(),
        names: Vec::new(),
        is_whole: true,
        diagnostics: Vec::new(),
    };
    let Value::Mapping(entries) = &mut selected.root.value else {
        return selected;
    };
    let Some(at) = entries.iter().position(|entry| entry.key.text == KEY) else {
        return selected;
    };
    let environments = entries.remove(at);
    let environments_key = environments.key.span;
    let environments = references.follow(environments.value);
    let kind = environments.kind();
    let is_empty = environments.is_null();
    let list = match environments.value {
        Value::Mapping(list) => list,
        // Said already.
        Value::Open(_) => {
            selected.is_whole = false;
            return selected;
        }
        _ if is_empty => Vec::new(),
        _ => {
            let message = format!("{KEY} takes a mapping; here is {kind}");
            let finding = Diagnostic::new(codes::WRONG_TYPE, KEY, environments.span, message);
            selected
                .diagnostics
                .push(finding.help("name each environment, and below it what differs"));
            return selected;
        }
    };
    let names = list.iter().map(|entry| entry.key.text.clone());
    selected.names = names.collect();
    if chosen && !list.iter().any(|entry| entry.key.text == env) {
        selected
            .diagnostics
            .push(unknown(env, environments_key, &list));
    }
    for mut entry in list {
        entry.value = references.follow(entry.value);
        if entry.value.is_null() {
            // Nothing differs.
            entry.value.value = Value::Mapping(Vec::new());
        }
        if let Value::Open(_) = entry.value.value {
            selected.is_whole &= entry.key.text != env;
            continue;
        }
        if !matches!(entry.value.value, Value::Mapping(_)) {
            let path = format!("{KEY}.{}", entry.key.text);
            let message = format!("{path} takes a mapping; here is {}", entry.value.kind());
            let finding = Diagnostic::new(codes::WRONG_TYPE, path, entry.value.span, message);
            selected
                .diagnostics
                .push(finding.help("write below it what differs in this environment"));
        } else if entry.key.text == env {
            let mut merge = Merge {
                references: &mut *references,
                is_free: false,
            };
            let nothing = merge.over(&mut selected.root, entry.value);
            // Its keys are looked at all the same.
            selected.others.extend(nothing.map(|value| Entry {
                key: entry.key,
                value,
            }));
        } else {
            selected.others.push(entry);
        }
    }
    selected
}

fn unknown(env: &str, span: Span, list: &[Entry]) -> Diagnostic {
    let names: Vec<&str> = list.iter().map(|entry| entry.key.text.as_str()).collect();
    let all = format!("defined here: {}", names.join(", "));
    let help = match did_you_mean(env, names) {
        Some(guess) => format!("{guess} ({all})"),
        None => all,
    };
    Diagnostic::new(
        codes::UNKNOWN_ENVIRONMENT,
        KEY,
        span,
        format!("there is no environment `{env}`"),
    )
    .help(help)
}

fn is_function(entry: &Entry) -> bool {
    entry.key.text == "Ref" || entry.key.text.starts_with("Fn::")
}

/// The depth is the parser's: it bounds how deep either tree is.
struct Merge<'a> {
    references: &'a mut dyn Follow,
    /// What is merged is read by CloudFormation, or is the user's own: a `null` there is a value,
    /// unless it takes something away.
    is_free: bool,
}

impl Merge<'_> {
    /// Merges one node over another. Returns the keys that are `null` and took nothing away,
    /// within the mappings around them.
    fn over(&mut self, base: &mut Node, mut over: Node) -> Option<Node> {
        // A variable stands for the mapping that it brings in.
        let is_mapping = |node: &Node| matches!(node.value, Value::Mapping(_));
        if is_mapping(&over)
            && !is_mapping(base)
            && let Some(mapping) = self.references.mapping(base)
        {
            *base = mapping;
        }
        if is_mapping(base)
            && !is_mapping(&over)
            && let Some(mapping) = self.references.mapping(&over)
        {
            over = mapping;
        }
        let span = over.span;
        match (&mut base.value, over.value) {
            // Of an overlay: half of one function and half of another is none.
            (Value::Mapping(entries), Value::Mapping(overs))
                if !entries.iter().chain(&overs).any(is_function) =>
            {
                let nothing = self.entries(entries, overs);
                (!nothing.is_empty()).then_some(Node {
                    span,
                    value: Value::Mapping(nothing),
                })
            }
            (_, value) => {
                let mut value = Node { span, value };
                let nothing = if self.is_free {
                    None
                } else {
                    without_nulls(&mut value)
                };
                *base = value;
                nothing
            }
        }
    }

    fn entries(&mut self, entries: &mut Vec<Entry>, overs: Vec<Entry>) -> Vec<Entry> {
        let mut nothing = Vec::new();
        for mut over in overs {
            let around = self.is_free;
            self.is_free |= may_be_overlay(&over.key.text);
            let at = entries
                .iter()
                .position(|entry| entry.key.text == over.key.text);
            let left = match at.and_then(|at| Some((at, entries.get_mut(at)?))) {
                Some((at, _)) if over.value.is_null() => {
                    entries.remove(at);
                    None
                }
                Some((_, entry)) => {
                    entry.key.span = over.key.span;
                    self.over(&mut entry.value, over.value)
                }
                None if self.is_free => {
                    entries.push(over.clone());
                    None
                }
                None if over.value.is_null() => Some(over.value),
                None => {
                    let left = without_nulls(&mut over.value);
                    entries.push(over.clone());
                    left
                }
            };
            nothing.extend(left.map(|value| Entry {
                key: over.key,
                value,
            }));
            self.is_free = around;
        }
        nothing
    }
}

/// Takes the keys away that are `null`, and returns them.
fn without_nulls(node: &mut Node) -> Option<Node> {
    let Value::Mapping(entries) = &mut node.value else {
        return None;
    };
    let mut nothing = Vec::new();
    let all = std::mem::take(entries);
    for mut entry in all {
        if entry.value.is_null() {
            nothing.push(entry);
            continue;
        }
        if let Some(value) = without_nulls(&mut entry.value) {
            nothing.push(Entry {
                key: entry.key.clone(),
                value,
            });
        }
        entries.push(entry);
    }
    (!nothing.is_empty()).then_some(Node {
        span: node.span,
        value: Value::Mapping(nothing),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax::parse;

    /// Without variables.
    struct Nothing;

    impl Follow for Nothing {
        fn follow(&mut self, node: Node) -> Node {
            node
        }

        fn mapping(&mut self, _: &Node) -> Option<Node> {
            None
        }
    }

    fn selected(text: &str, env: &str, chosen: bool) -> (serde_json::Value, Vec<&'static str>) {
        let (node, _) = parse(&Source::new("f", text));
        let selected = select(node.unwrap(), env, chosen, &mut Nothing);
        (
            selected.root.to_json(),
            selected.diagnostics.iter().map(|d| d.code.name).collect(),
        )
    }

    #[test]
    fn mappings_merge_and_the_rest_is_replaced() {
        let text = "a: {b: 1, c: [1, 2], d: {e: 1}}\nenvironments:\n  prod:\n    a: {c: [3], d: {f: 2}}\n    g: 4\n";
        let (value, found) = selected(text, "prod", true);
        assert_eq!(found, [""; 0]);
        assert_eq!(
            value,
            serde_json::json!({"a": {"b": 1, "c": [3], "d": {"e": 1, "f": 2}}, "g": 4})
        );
        let (value, _) = selected(text, "dev", false);
        assert_eq!(value["a"]["c"], serde_json::json!([1, 2]));
    }

    #[test]
    fn a_function_of_an_overlay_is_replaced_whole() {
        let text = "a: {b: !Sub x, c: {d: !Ref y}}\nenvironments:\n  prod: {a: {b: !Ref z, c: {d: text}}}\n";
        let (value, _) = selected(text, "prod", true);
        assert_eq!(
            value["a"],
            serde_json::json!({"b": {"Ref": "z"}, "c": {"d": "text"}})
        );
    }

    #[test]
    fn null_takes_a_key_away() {
        let base = "a: {b: 1, c: [1], d: {e: 1, f: 2}}\nx-g: {h: 1}\nresources: {cdn: {i: 1}}\n";
        let after = |over: &str| {
            let text = format!("{base}environments: {{prod: {over}}}\n");
            let (value, found) = selected(&text, "prod", true);
            assert_eq!(found, [""; 0]);
            value
        };
        let value = after("{a: {b: null, d: {e: ~}}, resources: {cdn: {i: null}}, x-g: {h: }}");
        assert_eq!(value["a"], serde_json::json!({"c": [1], "d": {"f": 2}}));
        assert_eq!(
            (&value["resources"]["cdn"], &value["x-g"]),
            (&serde_json::json!({}), &serde_json::json!({}))
        );
        // A text of that name is a text.
        assert_eq!(after("{a: {b: 'null'}}")["a"]["b"], "null");
        // Whole blocks, and lists; items of a list aren't keys.
        assert_eq!(after("{a: null}").get("a"), None);
        assert_eq!(
            after("{a: {c: null, d: null}}")["a"],
            serde_json::json!({"b": 1})
        );
        assert_eq!(
            after("{a: {c: [null]}}")["a"]["c"],
            serde_json::json!([null])
        );
        // What isn't there can't be taken away; a stage's template knows null.
        let value = after("{a: {j: null, k: {l: null}}, m: null, resources: {cdn: {n: null}}}");
        assert_eq!(value["a"].get("j"), None);
        assert_eq!(value["a"]["k"], serde_json::json!({}));
        assert_eq!(value.get("m"), None);
        assert_eq!(value["resources"]["cdn"]["n"], serde_json::Value::Null);
    }

    #[test]
    fn what_took_nothing_away_is_looked_at_all_the_same() {
        let text = "a: {b: 1}\nenvironments: {prod: {a: {b: null, c: null}, d: {e: null, f: 1}}}\n";
        let (node, _) = parse(&Source::new("f", text));
        let selected = select(node.unwrap(), "prod", true, &mut Nothing);
        let others: Vec<_> = selected
            .others
            .iter()
            .map(|e| (e.key.text.as_str(), e.value.to_json()))
            .collect();
        assert_eq!(
            others,
            [(
                "prod",
                serde_json::json!({"a": {"c": null}, "d": {"e": null}})
            )]
        );
    }

    #[test]
    fn an_environment_that_is_empty_differs_in_nothing() {
        let (value, found) = selected("a: 1\nenvironments: {prod: }\n", "prod", true);
        assert_eq!((value, found), (serde_json::json!({"a": 1}), vec![]));
        assert_eq!(selected("a: 1\nenvironments:\n", "dev", false).1, [""; 0]);
        assert_eq!(
            selected("a: 1\nenvironments:\n", "dev", true).1,
            ["unknown-environment"]
        );
    }

    #[test]
    fn a_named_environment_has_to_be_there() {
        let text = "a: 1\nenvironments: {prod: {}, test: {}}\n";
        assert_eq!(selected(text, "prd", true).1, ["unknown-environment"]);
        assert_eq!(selected(text, "dev", false).1, [""; 0]);
        assert_eq!(selected("a: 1\n", "prod", true).1, [""; 0]);
        assert_eq!(
            selected("environments: [a]\n", "dev", false).1,
            ["wrong-type"]
        );
    }
}
