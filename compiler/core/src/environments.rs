//! `environments`: the chosen one is merged over the rest of the manifest.
//! Mappings merge key by key; whatever else is replaced. A merged value keeps
//! the place where it was written, so findings are where the value that won is.

use crate::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::span::Span;
use crate::syntax::{Entry, Node, Value};

pub const KEY: &str = "environments";

/// A manifest as one environment sees it.
#[derive(Debug)]
pub struct Selected {
    pub root: Node,
    /// The environments that weren't chosen, to be checked for themselves.
    pub others: Vec<Entry>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes `environments` out of the tree and merges the one named `env` over it.
/// `chosen`: the user named it, so it has to be there.
pub fn select(root: Node, env: &str, chosen: bool) -> Selected {
    let mut selected = Selected {
        root,
        others: Vec::new(),
        diagnostics: Vec::new(),
    };
    let Value::Mapping(entries) = &mut selected.root.value else {
        return selected;
    };
    let Some(at) = entries.iter().position(|entry| entry.key.text == KEY) else {
        return selected;
    };
    let environments = entries.remove(at);
    let Value::Mapping(list) = environments.value.value else {
        let message = format!(
            "{KEY} takes a mapping; here is {}",
            environments.value.kind()
        );
        let finding = Diagnostic::new(codes::WRONG_TYPE, KEY, environments.value.span, message);
        selected
            .diagnostics
            .push(finding.help("name each environment, and below it what differs"));
        return selected;
    };
    if chosen && !list.iter().any(|entry| entry.key.text == env) {
        selected
            .diagnostics
            .push(unknown(env, environments.key.span, &list));
    }
    for entry in list {
        if !matches!(entry.value.value, Value::Mapping(_)) {
            let path = format!("{KEY}.{}", entry.key.text);
            let message = format!("{path} takes a mapping; here is {}", entry.value.kind());
            selected.diagnostics.push(Diagnostic::new(
                codes::WRONG_TYPE,
                path,
                entry.value.span,
                message,
            ));
        } else if entry.key.text == env {
            merge(&mut selected.root, entry.value);
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
fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        // Of an overlay: half of one function and half of another is none.
        (Value::Mapping(entries), Value::Mapping(overs))
            if !entries.iter().chain(&overs).any(is_function) =>
        {
            for over in overs {
                match entries
                    .iter_mut()
                    .find(|entry| entry.key.text == over.key.text)
                {
                    Some(entry) => {
                        entry.key.span = over.key.span;
                        merge(&mut entry.value, over.value);
                    }
                    None => entries.push(over),
                }
            }
        }
        (_, value) => {
            *base = Node {
                span: over.span,
                value,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax::parse;

    fn selected(text: &str, env: &str, chosen: bool) -> (serde_json::Value, Vec<&'static str>) {
        let (node, _) = parse(&Source::new("f", text));
        let selected = select(node.unwrap(), env, chosen);
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
