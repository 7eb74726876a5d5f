//! A variable brings one text where a list is due: the texts between its commas.

use super::field::{Field, Kind, Table};
use super::tables::MANIFEST;
use crate::syntax::{Node, Value};
use crate::variables::{Origin, Secret};
use std::collections::HashSet;

/// No key takes more, and a hostile text has a million.
const MOST: usize = 1_000;

/// Makes lists of the texts that came from a variable as a whole, where keys take lists of
/// texts. What is left out between two commas is nothing. A part of a secret is one.
pub fn split_lists(root: &mut Node, origins: &[Origin], secrets: &mut Vec<Secret>) {
    let whole = origins.iter().filter(|origin| origin.whole);
    let whole: HashSet<_> = whole.map(|origin| origin.span).collect();
    if whole.is_empty() {
        return;
    }
    let mut split = Split {
        is_whole: &|node| whole.contains(&node.span),
        secrets,
    };
    split.table(root, &MANIFEST);
}

struct Split<'a> {
    is_whole: &'a dyn Fn(&Node) -> bool,
    secrets: &'a mut Vec<Secret>,
}

impl Split<'_> {
    fn table(&mut self, node: &mut Node, table: &'static Table) {
        let Value::Mapping(entries) = &mut node.value else {
            return;
        };
        for entry in entries {
            let known = |field: &&Field| field.key == entry.key.text;
            if let Some(field) = table.fields.iter().find(known) {
                self.value(&mut entry.value, &field.kind);
            }
        }
    }

    fn value(&mut self, node: &mut Node, kind: &'static Kind) {
        match (kind, &mut node.value) {
            (Kind::Table(table), Value::Mapping(_)) => self.table(node, table),
            (Kind::List(Kind::Table(table)), Value::Sequence(items)) => {
                for item in items {
                    self.table(item, table);
                }
            }
            // One text is as good as a list there.
            (Kind::OneOrMany(_), Value::Scalar { text, .. }) if !text.contains(',') => {}
            (
                Kind::OneOrMany(_) | Kind::List(Kind::Text(_) | Kind::Choice(_)),
                Value::Scalar { .. },
            ) => self.text(node),
            _ => {}
        }
    }

    fn text(&mut self, node: &mut Node) {
        let Value::Scalar { text, .. } = &node.value else {
            return;
        };
        // JSON's lists are no texts with commas between; there is a finding for them.
        if !(self.is_whole)(node) || text.trim_start().starts_with('[') {
            return;
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() || parts.len() > MOST {
            return;
        }
        let is_secret = |secret: &Secret| secret.span == node.span && secret.text == *text;
        if parts.len() > 1 && self.secrets.iter().any(is_secret) {
            self.secrets.extend(parts.iter().map(|part| Secret {
                span: node.span,
                text: (*part).to_owned(),
            }));
        }
        let items = parts.into_iter().map(|part| Node {
            span: node.span,
            value: Value::Scalar {
                text: part.to_owned(),
                plain: false,
            },
        });
        node.value = Value::Sequence(items.collect());
    }
}

#[cfg(test)]
mod tests {
    use crate::world::{AwsValue, Fixed};
    use crate::{Compiled, Source, Target, compile};

    fn compiled(text: &str) -> Compiled {
        let world = Fixed::empty()
            .variable("ORIGINS", "https://a.example, https://b.example,")
            .variable("ONE", "https://a.example")
            .variable("EMPTY", "")
            .variable("COMMAS", " , ")
            .variable("MANY", &"a,".repeat(1_001))
            .variable("JSON", "[\"https://a.example\"]")
            .variable("COUNTRIES", "US,CA")
            .aws("ssm:/list", AwsValue::Value("one,two".to_owned()))
            .aws(
                "ssm:/secret",
                AwsValue::Secret("hunter2-a,hunter2-b".to_owned()),
            );
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        let text = format!("service: x\n{text}\n");
        compile(&Source::new("f", text), target, &world)
    }

    fn list(text: &str, path: &str) -> serde_json::Value {
        let compiled = compiled(text);
        let errors: Vec<_> = compiled
            .diagnostics
            .iter()
            .filter(|d| d.is_error())
            .collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
        compiled.resolved.unwrap().at(path).unwrap().to_json()
    }

    #[test]
    fn a_text_with_commas_is_a_list_where_one_is_due() {
        use serde_json::json;
        let origins = |value: &str| {
            let text = format!("auth: {{mode: none}}\ndelivery: {{cors: {{origins: {value}}}}}");
            list(&text, "delivery.cors.origins")
        };
        let both = json!(["https://a.example", "https://b.example"]);
        assert_eq!(origins("'${env:ORIGINS}'"), both);
        assert_eq!(origins("'${env:ONE}'"), json!(["https://a.example"]));
        assert_eq!(
            origins("\"${env:NO, 'https://a.example, https://b.example'}\""),
            both
        );
        let own =
            "auth: {mode: none}\nx-o: ${env:ORIGINS}\ndelivery: {cors: {origins: '${self:x-o}'}}";
        assert_eq!(list(own, "delivery.cors.origins"), both);
    }

    #[test]
    fn every_list_of_texts_takes_one() {
        use serde_json::json;
        let geo = "auth: {mode: none}\ndelivery: {geo: {allow: '${env:COUNTRIES}'}}";
        assert_eq!(list(geo, "delivery.geo.allow"), json!(["US", "CA"]));
        let oidc = |key: &str, value: &str| {
            let audience = if key == "audience" {
                ""
            } else {
                ", audience: a"
            };
            let text = format!(
                "auth: {{mode: oidc, issuer: 'https://i.example'{audience}, {key}: '{value}'}}"
            );
            list(&text, &format!("auth.{key}"))
        };
        assert_eq!(oidc("audience", "${ssm:/list}"), json!(["one", "two"]));
        assert_eq!(oidc("scopes", "${ssm:/list}"), json!(["one", "two"]));
        assert_eq!(oidc("audience", "${self:service}"), "x");
        // A text of the manifest's own keeps its commas.
        assert_eq!(oidc("audience", "one,two"), "one,two");
        assert_eq!(oidc("audience", "x-${ssm:/list}"), "x-one,two");
        let rows = "auth: {mode: none}\ndelivery: {dicomweb: true}\niam: {allow: [{datastore: 12345678901234567890123456789012, studies: \"${env:NO, '1.2,1.3'}\"}]}";
        assert_eq!(list(rows, "iam.allow.0.studies"), json!(["1.2", "1.3"]));
    }

    #[test]
    fn nothing_and_json_are_no_lists() {
        for (name, help) in [
            (
                "EMPTY",
                "the value comes from the environment variable EMPTY",
            ),
            ("COMMAS", "write the values with commas between"),
            ("JSON", "write the values with commas between"),
            ("MANY", "the environment variable MANY"),
        ] {
            let text =
                format!("auth: {{mode: none}}\ndelivery: {{cors: {{origins: '${{env:{name}}}'}}}}");
            let found = compiled(&text).diagnostics;
            let wrong: Vec<_> = found
                .iter()
                .filter(|d| d.code.name == "wrong-type")
                .collect();
            assert_eq!(wrong.len(), 1, "{name}: {found:?}");
            assert!(
                wrong[0].help.as_deref().unwrap().contains(help),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_secrets_parts_are_secrets() {
        let compiled = compiled(
            "auth: {mode: oidc, issuer: 'https://i.example', audience: '${ssm:/secret}', scopes: ['hunter2-b c']}",
        );
        let texts: Vec<&str> = compiled.secrets.iter().map(|s| s.text.as_str()).collect();
        assert!(
            texts.contains(&"hunter2-a") && texts.contains(&"hunter2-b"),
            "{texts:?}"
        );
        let shown = format!("{:?}", compiled.diagnostics);
        assert!(
            shown.contains("isn't a scope") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
