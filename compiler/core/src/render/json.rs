//! `--format json`: the shape that scripts rely on.

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use serde_json::{Value, json};

pub fn json(source: &Source, diagnostics: &[Diagnostic]) -> Value {
    json!({
        "ok": !diagnostics.iter().any(Diagnostic::is_error),
        "file": source.name(),
        "diagnostics": diagnostics.iter().map(|d| one(source, d)).collect::<Vec<_>>(),
    })
}

fn one(source: &Source, diagnostic: &Diagnostic) -> Value {
    let start = source.position(diagnostic.span.start);
    let end = source.position(diagnostic.span.end);
    json!({
        "code": diagnostic.code.name,
        "severity": diagnostic.severity().as_str(),
        "message": diagnostic.message,
        "path": diagnostic.path,
        "file": source.name(),
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "help": diagnostic.help,
    })
}
