//! `--format sarif`: SARIF 2.1.0, for code scanning services.

use super::sentence_and_help;
use crate::diagnostic::codes::{self, Code, Severity};
use crate::diagnostic::{Diagnostic, first_sentence};
use crate::source::Source;
use crate::span::Span;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Where the tool is told about; empty while the package names no such place.
const INFORMATION_URI: &str = env!("CARGO_PKG_REPOSITORY");

/// RFC 3986's unreserved characters, and what parts a path. A colon isn't among
/// them: in a relative reference's first segment it would end a scheme.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

pub fn sarif(source: &Source, diagnostics: &[Diagnostic]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver()},
            "columnKind": "unicodeCodePoints",
            "results": diagnostics.iter().map(|d| result(source, d)).collect::<Vec<_>>(),
        }],
    })
}

fn driver() -> Value {
    let mut driver = json!({
        "name": "frames",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": codes::all().map(rule).collect::<Vec<_>>(),
    });
    if !INFORMATION_URI.is_empty() {
        driver["informationUri"] = INFORMATION_URI.into();
    }
    driver
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.name,
        "shortDescription": {"text": first_sentence(code.what)},
        "fullDescription": {"text": code.explanation()},
        "help": {"text": code.explained()},
        "defaultConfiguration": {"level": level(code.severity)},
    })
}

fn result(source: &Source, diagnostic: &Diagnostic) -> Value {
    let code = diagnostic.code;
    let mut place = location(source, diagnostic.span);
    if !diagnostic.path.is_empty() {
        place["logicalLocations"] = json!([{"fullyQualifiedName": diagnostic.path}]);
    }
    let mut result = json!({
        "ruleId": code.name,
        "ruleIndex": codes::all().position(|known| known.name == code.name),
        "level": level(diagnostic.severity()),
        "message": {"text": sentence_and_help(diagnostic)},
        "locations": [place],
    });
    if !diagnostic.related.is_empty() {
        result["relatedLocations"] = related(source, &diagnostic.related);
    }
    result
}

fn related(source: &Source, places: &[(Span, String)]) -> Value {
    let one = |(id, (span, label)): (usize, &(Span, String))| {
        let mut place = location(source, *span);
        place["id"] = id.into();
        place["message"] = json!({"text": label});
        place
    };
    places.iter().enumerate().map(one).collect()
}

fn location(source: &Source, span: Span) -> Value {
    let start = source.position(span.start);
    let end = source.position(span.end);
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(source.name())},
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A path as a URI: relative as long as the path is.
fn uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, PATH);
    if path.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("../a b/frames.yml"), "../a%20b/frames.yml");
        assert_eq!(uri("c:d/é#?.yml"), "c%3Ad/%C3%A9%23%3F.yml");
        assert_eq!(uri("/x/frames.yml"), "file:///x/frames.yml");
    }

    #[test]
    fn columns_are_code_points_and_the_end_is_exclusive() {
        let source = Source::new("f.yml", "😀: x\nb: yy\n");
        let at = source.text().find("yy").unwrap();
        let first = source.text().find('x').unwrap();
        let diagnostic = Diagnostic::new(
            codes::DUPLICATE_VALUE,
            "b",
            Span::new(at, at + 2),
            "it is listed twice",
        )
        .help("remove one")
        .related(Span::new(first, first + 1), "first here");
        let result = result(&source, &diagnostic);
        let region = |place: &Value| place["physicalLocation"]["region"].clone();
        assert_eq!(
            region(&result["locations"][0]),
            json!({"startLine": 2, "startColumn": 4, "endLine": 2, "endColumn": 6})
        );
        assert_eq!(
            region(&result["relatedLocations"][0]),
            json!({"startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 5})
        );
        assert_eq!(
            result["message"]["text"],
            "it is listed twice\nhelp: remove one"
        );
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(driver()["rules"][index]["id"], "duplicate-value");
    }

    #[test]
    fn the_tool_says_where_it_is_from_as_soon_as_that_is_known() {
        let known = driver().get("informationUri").is_some();
        assert_eq!(known, !env!("CARGO_PKG_REPOSITORY").is_empty());
    }
}
