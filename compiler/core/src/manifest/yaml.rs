//! What is printed, as YAML that any reader takes for the same values: those of YAML 1.1,
//! to which `NO` is false and `22:30:00` a number, as well as those of 1.2.

use super::print::Printed;
use std::fmt::Write;

impl Printed {
    /// A YAML document.
    pub fn to_yaml(&self) -> String {
        self.to_yaml_within(0)
    }

    /// The same, with a list of scalars on one line where that has so many columns at most.
    pub(crate) fn to_yaml_within(&self, columns: usize) -> String {
        let mut out = String::new();
        block(self, 0, columns, &mut out);
        out
    }

    /// `[GET, HEAD]`
    fn flow(&self, columns: usize) -> Option<String> {
        let Self::List(items) = self else {
            return None;
        };
        let has_parts = |item: &Self| matches!(item, Self::List(_) | Self::Map(_));
        if items.is_empty() || items.iter().any(has_parts) {
            return None;
        }
        let items: Vec<String> = items.iter().map(inline).collect();
        let flow = format!("[{}]", items.join(", "));
        (flow.chars().count() <= columns).then_some(flow)
    }
}

/// A value on lines of its own.
fn block(value: &Printed, indent: usize, flow: usize, out: &mut String) {
    if let Some(list) = value.flow(flow) {
        let _ = writeln!(out, "{list}");
        return;
    }
    match value {
        Printed::Map(entries) if !entries.is_empty() => {
            for (i, (key, value)) in entries.iter().enumerate() {
                // The first goes on behind a dash, or begins the document.
                let columns = if i == 0 && !out.ends_with('\n') {
                    0
                } else {
                    indent
                };
                let _ = write!(out, "{:columns$}{}:", "", scalar(key));
                if let Some(list) = value.flow(flow) {
                    let _ = writeln!(out, " {list}");
                    continue;
                }
                match value {
                    // A list begins where its key does.
                    Printed::List(items) if !items.is_empty() => {
                        out.push('\n');
                        block(value, indent, flow, out);
                    }
                    Printed::Map(entries) if !entries.is_empty() => {
                        out.push('\n');
                        block(value, indent + 2, flow, out);
                    }
                    value => {
                        let _ = writeln!(out, " {}", inline(value));
                    }
                }
            }
        }
        Printed::List(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                let columns = if i == 0 && !out.ends_with('\n') {
                    0
                } else {
                    indent
                };
                let _ = write!(out, "{:columns$}- ", "");
                block(item, indent + 2, flow, out);
            }
        }
        value => {
            let _ = writeln!(out, "{}", inline(value));
        }
    }
}

/// A value that has no parts.
fn inline(value: &Printed) -> String {
    match value {
        Printed::Nothing => "null".to_owned(),
        Printed::Text(text) => scalar(text),
        Printed::Flag(flag) => flag.to_string(),
        Printed::Number(number) => number.to_string(),
        Printed::List(_) => "[]".to_owned(),
        Printed::Map(_) => "{}".to_owned(),
    }
}

/// A text as plain as can be. It is in quotes where YAML, of whichever version, could read
/// anything but this text.
pub fn scalar(text: &str) -> String {
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    // Numbers, dates and times all begin with a digit, a sign or a dot.
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = (begins || text.starts_with("./"))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@+".contains(c))
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain || is_duration(text) || is_uuid(text) {
        return text.to_owned();
    }
    if text.chars().any(|c| is_unprintable(c) || c == '\'') {
        return of_json(&text.into());
    }
    format!("'{text}'")
}

/// `12h` is a text to every reader.
fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// No number, date or time has its four dashes and 36 digits, so it is plain whatever it begins with.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let is_digit = |c: char| c == '-' || c.is_ascii_hexdigit();
    groups == [8, 4, 4, 4, 12] && text.chars().all(is_digit)
}

/// JSON is YAML, but for a few characters that only JSON takes unescaped.
pub fn of_json(value: &serde_json::Value) -> String {
    let escaped = |c: char| {
        if is_unprintable(c) {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    value.to_string().chars().map(escaped).collect()
}

/// YAML 1.2, 5.1; and what its older versions read as line breaks.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::syntax;

    fn text(text: &str) -> Printed {
        Printed::Text(text.to_owned())
    }

    #[test]
    fn what_another_reader_takes_for_something_else_is_quoted() {
        for word in [
            "01234567-0123-0123-0123-0123456789a",
            "NO",
            "no",
            "Yes",
            "on",
            "OFF",
            "y",
            "N",
            "null",
            "~",
            "",
            "True",
            "2024-01-01",
            "22:30:00",
            "1_000",
            "0x1f",
            "0o7",
            "017",
            "1.10",
            "1e3",
            ".inf",
            "-.INF",
            ".nan",
            "+1",
            "-1",
            "=",
            "<<",
            "a:",
            "a b",
            "a: b",
            "a #b",
            "#a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "-",
            "- a",
            "?",
            "[a",
            "{a",
            "a]",
            "a}",
            "a,b",
            "'a",
            "\"a",
            "it's",
            "a\nb",
            "a\tb",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            " a",
            "a ",
            "é",
        ] {
            let written = scalar(word);
            assert!(written.starts_with(['\'', '"']), "{word}: {written}");
        }
        for word in [
            "a",
            "arn:aws:s3:::a",
            "https://a.example:8443/b",
            "a@b.example",
            "noon",
            "yes-man",
            "a+b_c",
            "365d",
            "./jwks.json",
            "/imaging/",
            "0s",
        ] {
            assert_eq!(scalar(word), word);
        }
    }

    #[test]
    fn a_document_is_what_was_printed() {
        let map = |entries: Vec<(&str, Printed)>| {
            Printed::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect(),
            )
        };
        let whole = map(vec![
            ("a", text("NO")),
            (
                "b",
                map(vec![
                    ("c", Printed::Number(7)),
                    ("no", Printed::Flag(true)),
                    ("d", map(vec![])),
                ]),
            ),
            (
                "e",
                Printed::List(vec![
                    text("x"),
                    map(vec![
                        ("f", text("it's\n\u{2028}\u{1b}\\")),
                        ("g", Printed::List(vec![text("1")])),
                    ]),
                    Printed::List(vec![
                        text("x"),
                        Printed::List(vec![]),
                        Printed::List(vec![text("z")]),
                    ]),
                    Printed::Nothing,
                ]),
            ),
            ("Fn::Sub", text("${A} b")),
        ]);
        let yaml = whole.to_yaml();
        let expected = "a: 'NO'\nb:\n  c: 7\n  'no': true\n  d: {}\ne:\n- x\n- f: \"it's\\n\\u2028\\u001b\\\\\"\n  g:\n  - '1'\n- - x\n  - []\n  - - z\n- null\nFn::Sub: '${A} b'\n";
        assert_eq!(yaml, expected);
        let (node, found) = syntax::parse(&Source::new("f", &*yaml));
        assert_eq!(found, []);
        assert_eq!(
            node.unwrap().to_json(),
            serde_json::to_value(&whole).unwrap()
        );
        assert_eq!(text("NO").to_yaml(), "'NO'\n");
        assert_eq!(map(vec![]).to_yaml(), "{}\n");
    }
}
