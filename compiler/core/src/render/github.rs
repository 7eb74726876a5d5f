//! `--format github`: workflow commands, which GitHub Actions shows beside the line.

use super::sentence_and_help;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use std::fmt::Write;

/// A command a line; nothing where there is nothing to say.
pub fn github(source: &Source, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|d| command(source, d)).collect()
}

fn command(source: &Source, diagnostic: &Diagnostic) -> String {
    let start = source.position(diagnostic.span.start);
    let end = source.position(diagnostic.span.end);
    let mut line = format!(
        "::{} file={},line={},col={},endLine={}",
        diagnostic.severity().as_str(),
        property(source.name()),
        start.line,
        start.column,
        end.line,
    );
    // An end column before the column is refused, and on a later line it may well be.
    if start.line == end.line {
        let _ = write!(line, ",endColumn={}", end.column);
    }
    let _ = writeln!(
        line,
        ",title={}::{}",
        property(diagnostic.code.name),
        data(&sentence_and_help(diagnostic)),
    );
    line
}

/// A command ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;
    use crate::span::Span;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        let source = Source::new("a,b:c%.yml", "x: 1\n");
        let found = [
            Diagnostic::new(
                codes::UNKNOWN_KEY,
                "x",
                Span::new(0, 1),
                "100% :: wrong,\r\n::x",
            )
            .help("mend it"),
            Diagnostic::new(codes::AUTH_NONE, "x", Span::new(0, 5), "open"),
        ];
        assert_eq!(
            github(&source, &found),
            "::error file=a%2Cb%3Ac%25.yml,line=1,col=1,endLine=1,endColumn=2,title=unknown-key::100%25 :: wrong,%0D%0A::x%0Ahelp: mend it\n\
             ::warning file=a%2Cb%3Ac%25.yml,line=1,col=1,endLine=2,title=auth-none::open\n"
        );
        assert_eq!(github(&source, &[]), "");
    }
}
