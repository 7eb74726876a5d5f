//! Audit lines, and those that are about certain studies: for FilterLogEvents, for CloudWatch Logs
//! Insights, and here. Pure.

use serde_json::{Map, Value};
use std::fmt::Write;

/// Which audit lines are wanted: those of one of these studies or image sets; of all, where none
/// is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Their UIDs, in the form of UIDs.
    pub studies: Vec<String>,
    /// Their ids, in the form of ids.
    pub image_sets: Vec<String>,
}

impl Access {
    /// The filter pattern of CloudWatch Logs.
    ///
    /// Source: "Filter pattern syntax", Amazon CloudWatch Logs User Guide.
    pub fn pattern(&self) -> String {
        let one = |(member, id)| format!("($.{member} = \"{id}\")");
        let wanted: Vec<String> = self.ids().map(one).collect();
        match &wanted[..] {
            [] => r#"{ $.event = "access" }"#.to_owned(),
            [one] => format!(r#"{{ ($.event = "access") && {one} }}"#),
            several => format!(
                r#"{{ ($.event = "access") && ({}) }}"#,
                several.join(" || ")
            ),
        }
    }

    /// Whether a line is one of them.
    pub fn has(&self, members: &Map<String, Value>) -> bool {
        let is =
            |member: &str, text: &str| members.get(member).and_then(Value::as_str) == Some(text);
        let mut ids = self.ids().peekable();
        is("event", "access") && (ids.peek().is_none() || ids.any(|(member, id)| is(member, id)))
    }

    /// A query of CloudWatch Logs Insights: who it was by these claims, what they did, how often, first
    /// and last.
    pub fn query(&self, claims: &[String]) -> String {
        let mut query = "filter event = \"access\"\n".to_owned();
        let one = |(member, id)| format!("{member} = \"{id}\"");
        let wanted: Vec<String> = self.ids().map(one).collect();
        if !wanted.is_empty() {
            let _ = writeln!(query, "| filter {}", wanted.join(" or "));
        }
        let claims: String = claims
            .iter()
            .filter_map(|claim| field(claim))
            .map(|field| field + ", ")
            .collect();
        let _ = write!(
            query,
            "| stats count(*) as requests, min(@timestamp) as first, max(@timestamp) as last by issuer, {claims}operation\n\
             | sort first asc\n\
             | limit 10000\n",
        );
        query
    }

    fn ids(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let studies = self.studies.iter().map(|uid| ("study", uid));
        studies.chain(self.image_sets.iter().map(|id| ("imageSet", id)))
    }
}

/// A claim of an audit line, as a query names it. Insights joins the names of nested members with
/// periods, and so finds one that has periods of its own. `None`: nothing is documented that
/// quotes a backtick.
///
/// Source: "Fields that contain special characters", Amazon CloudWatch Logs User Guide.
pub fn field(claim: &str) -> Option<String> {
    let is_plain = claim.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    match (is_plain, claim.contains('`')) {
        (true, _) => Some(format!("claims.{claim}")),
        (false, false) => Some(format!("`claims.{claim}`")),
        (false, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(studies: &[&str], image_sets: &[&str]) -> Access {
        let owned = |all: &[&str]| all.iter().map(|&id| id.to_owned()).collect();
        Access {
            studies: owned(studies),
            image_sets: owned(image_sets),
        }
    }

    #[test]
    fn a_study_and_its_image_sets_are_asked_for_at_once() {
        assert_eq!(of(&[], &[]).pattern(), r#"{ $.event = "access" }"#);
        assert_eq!(
            of(&["1.2"], &[]).pattern(),
            r#"{ ($.event = "access") && ($.study = "1.2") }"#
        );
        let both = of(&["1.2"], &["a", "b"]);
        assert_eq!(
            both.pattern(),
            r#"{ ($.event = "access") && (($.study = "1.2") || ($.imageSet = "a") || ($.imageSet = "b")) }"#
        );
        let query = both.query(&["sub".to_owned()]);
        assert!(
            query.starts_with(
                "filter event = \"access\"\n| filter study = \"1.2\" or imageSet = \"a\" or imageSet = \"b\"\n| stats "
            ),
            "{query}"
        );
        assert!(!of(&[], &[]).query(&[]).contains("study"));
    }

    #[test]
    fn a_query_has_a_row_for_each_value_of_the_claims() {
        let by = |claims: &[&str]| {
            let claims: Vec<String> = claims.iter().map(|&claim| claim.to_owned()).collect();
            let query = of(&[], &[]).query(&claims);
            let (_, by) = query.split_once(" as last by ").unwrap();
            by.lines().next().unwrap().to_owned()
        };
        assert_eq!(by(&["sub"]), "issuer, claims.sub, operation");
        assert_eq!(
            by(&["sub", "email"]),
            "issuer, claims.sub, claims.email, operation"
        );
        for (claim, named) in [
            ("realm.user", "claims.realm.user"),
            ("custom:staff", "`claims.custom:staff`"),
            ("user_name", "`claims.user_name`"),
            ("a@b", "`claims.a@b`"),
            (
                "https://example.org/name",
                "`claims.https://example.org/name`",
            ),
            ("Größe", "`claims.Größe`"),
        ] {
            assert_eq!(by(&[claim]), format!("issuer, {named}, operation"));
        }
        // Nothing ends a quoted name early.
        assert_eq!(field("a`|delete"), None);
        assert_eq!(by(&["a`|delete", "sub"]), "issuer, claims.sub, operation");
    }

    #[test]
    fn a_line_is_one_of_them_by_its_own_members() {
        let has = |access: &Access, line: Value| access.has(line.as_object().unwrap());
        let all = of(&[], &[]);
        let some = of(&["1.2"], &["a"]);
        for line in [
            json!({"event": "access", "study": "1.2"}),
            json!({"event": "access", "imageSet": "a"}),
        ] {
            assert!(has(&all, line.clone()) && has(&some, line));
        }
        for line in [
            json!({"event": "access", "study": "1.20"}),
            json!({"event": "access", "imageSet": "1.2", "series": "1.2"}),
            json!({"event": "access", "claims": {"study": "1.2"}}),
        ] {
            assert!(has(&all, line.clone()) && !has(&some, line));
        }
        assert!(!has(&all, json!({"event": "keys", "study": "1.2"})));
        assert!(!has(&some, json!({"study": "1.2"})));
    }
}
