//! A line of a function's log: what it says, for people and for programs. Pure.

use serde_json::{Map, Value, json};

/// A line, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In milliseconds since 1970.
    pub time: i64,
    pub region: String,
    /// `authorizer`
    pub function: &'static str,
    pub message: String,
}

/// What every line has. A member of the function's own that is called so would be mistaken for it.
const OURS: [&str; 3] = ["time", "region", "function"];

/// How the lines begin that Lambda writes around each request and each start.
const OF_LAMBDA: [&str; 4] = [
    "START RequestId: ",
    "END RequestId: ",
    "REPORT RequestId: ",
    "INIT_START Runtime Version: ",
];

/// Members that come first, without their names.
const FIRST: [&str; 5] = ["level", "event", "decision", "operation", "reason"];

/// Members that come last: where, and by which token.
const LAST: [&str; 4] = ["datastore", "issuer", "client", "requestId"];

impl Line {
    /// Whether Lambda wrote it, and no function.
    pub fn is_of_lambda(&self) -> bool {
        OF_LAMBDA
            .iter()
            .any(|beginning| self.message.starts_with(beginning))
    }

    /// The members of a line that the functions' own log has written.
    pub fn members(&self) -> Option<Map<String, Value>> {
        match serde_json::from_str(&self.message) {
            Ok(Value::Object(members)) => Some(members),
            _ => None,
        }
    }

    /// One object: `time`, `region`, `function`, and the line's own members. Where it has none,
    /// `message` is the line.
    pub fn json(&self, time: &str) -> Value {
        let mut line = Map::new();
        line.insert("time".to_owned(), json!(time));
        line.insert("region".to_owned(), json!(self.region));
        line.insert("function".to_owned(), json!(self.function));
        let own = self
            .members()
            .filter(|members| !OURS.iter().any(|ours| members.contains_key(*ours)));
        match own {
            Some(members) => line.extend(members),
            None => {
                line.insert("message".to_owned(), json!(self.message.trim_end()));
            }
        }
        Value::Object(line)
    }

    /// What it says: what happened, who, and then what else there is. A line of another shape is one word.
    pub fn words(&self) -> Vec<String> {
        let Some(mut members) = self.members() else {
            return vec![self.message.trim_end().to_owned()];
        };
        let mut words = Vec::new();
        for name in FIRST {
            if let Some(value) = members.remove(name).filter(|value| !value.is_null()) {
                words.push(word(&value));
            }
        }
        if let Some(Value::Object(claims)) = members.remove("claims") {
            words.extend(claims.iter().filter_map(named));
        }
        let last: Vec<(String, Value)> = LAST
            .iter()
            .filter_map(|name| members.remove_entry(*name))
            .collect();
        words.extend(members.iter().filter_map(named));
        words.extend(last.iter().filter_map(|(name, value)| named((name, value))));
        words
    }
}

/// `study=1.2.3`
fn named((name, value): (&String, &Value)) -> Option<String> {
    (!value.is_null()).then(|| format!("{name}={}", word(value)))
}

/// A text as it is, where nobody could take it for more than one.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) if is_word(text) => text.clone(),
        value => value.to_string(),
    }
}

fn is_word(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '=');
    !text.is_empty() && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line {
        Line {
            time: 0,
            region: "eu-west-1".to_owned(),
            function: "authorizer",
            message: message.to_owned(),
        }
    }

    fn text(message: &str) -> String {
        line(message).words().join(" ")
    }

    const AUDIT: &str = r#"{"event":"access","requestId":"r","operation":"GetDICOMInstance","datastore":"d","study":"1.2","series":"1.3","issuer":"https://i","claims":{"email":null,"sub":"a b"}}"#;

    #[test]
    fn people_read_what_happened_and_who_it_was_first() {
        assert_eq!(
            text(AUDIT),
            r#"access GetDICOMInstance sub="a b" series=1.3 study=1.2 datastore=d issuer=https://i requestId=r"#
        );
        let denied = r#"{"decision":"deny","issuer":null,"kid":null,"level":"warn","reason":"no_access_row","requestId":"r","rule":"auth.access: no row has this study"}"#;
        assert_eq!(
            text(denied),
            r#"warn deny no_access_row rule="auth.access: no row has this study" requestId=r"#
        );
        assert_eq!(line("Task timed out\n").words(), ["Task timed out"]);
        assert_eq!(line("[1]").words(), ["[1]"]);
    }

    #[test]
    fn nothing_in_a_line_passes_for_another_member() {
        let forged = r#"{"event":"x study=1.9","claims":{"sub":"a study=1.9"},"s":"="}"#;
        assert_eq!(
            line(forged).words(),
            [r#""x study=1.9""#, r#"sub="a study=1.9""#, r#"s="=""#]
        );
    }

    #[test]
    fn programs_read_its_own_members() {
        let own: Value = serde_json::from_str(AUDIT).unwrap();
        let mut expected = json!({"time": "t", "region": "eu-west-1", "function": "authorizer"});
        let members = own.as_object().unwrap().clone();
        expected.as_object_mut().unwrap().extend(members);
        assert_eq!(line(AUDIT).json("t"), expected);
        // Its Region is never what a line says.
        for message in ["plain\n", r#"{"region":"mars"}"#, "[1]", "{"] {
            let shown = line(message).json("t");
            assert_eq!(shown["message"], message.trim_end());
            assert_eq!(shown["region"], "eu-west-1");
        }
    }

    #[test]
    fn lambdas_own_lines_are_known() {
        for message in [
            "START RequestId: 8f5a Version: 3\n",
            "END RequestId: 8f5a\n",
            "REPORT RequestId: 8f5a\tDuration: 1.2 ms",
            "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn",
        ] {
            assert!(line(message).is_of_lambda(), "{message}");
        }
        for message in [
            AUDIT,
            "2026-03-01T00:00:00Z 8f5a Task timed out after 5.00 seconds",
            "START",
        ] {
            assert!(!line(message).is_of_lambda(), "{message}");
        }
    }
}
