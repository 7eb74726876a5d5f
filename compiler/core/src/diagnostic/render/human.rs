//! rustc's look.

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Source;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// Longer source lines are cut around what is marked.
const WIDTH: usize = 80;

/// More than anybody reads; the summary counts them all.
const MOST: usize = 100;

/// All findings and a summary line; with ANSI colours, for the caller to strip
/// where the terminal has none.
pub fn human(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let renderer = Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        .term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MOST) {
        out.push_str(&renderer.render(&[group(source, diagnostic)]));
        out.push_str("\n\n");
    }
    out.push_str(&summary(diagnostics));
    out
}

fn group<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.code.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // The lines around alone: the renderer walks all that it is given.
    let marked = first_line(source, diagnostic);
    let (window, line) = window(source, diagnostic, &marked);
    let within = |range: Range<usize>| range.start - window.start..range.end - window.start;
    let mut snippet = Snippet::source(lines(&source.text()[window.clone()]))
        .line_start(line)
        .path(source.name())
        .annotation(
            AnnotationKind::Primary
                .span(within(marked))
                .label(diagnostic.path.as_str()),
        );
    for (span, label) in &diagnostic.related {
        let span = within(span.range());
        snippet = snippet.annotation(AnnotationKind::Context.span(span).label(label));
    }
    let group = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.name)
        .element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The whole lines from the first place that is marked to the last, and the first one's number.
fn window(
    source: &Source,
    diagnostic: &Diagnostic,
    marked: &Range<usize>,
) -> (Range<usize>, usize) {
    let related = diagnostic.related.iter().map(|(span, _)| span.range());
    let (start, end) = related.fold((marked.start, marked.end), |(start, end), range| {
        (start.min(range.start), end.max(range.end))
    });
    (source.lines(start, end), source.position(start).line)
}

/// The picture's lines are the source's: each byte keeps its place.
fn lines(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let line_end = |c, next: Option<&char>| c == '\r' && next != Some(&'\n');
    std::iter::from_fn(|| {
        let c = chars.next()?;
        Some(if line_end(c, chars.peek()) { '\n' } else { c })
    })
    .collect()
}

/// A block that spans lines is marked on its first alone, or the picture
/// grows with the block.
fn first_line(source: &Source, diagnostic: &Diagnostic) -> Range<usize> {
    let range = diagnostic.span.range();
    let text = source.text().get(range.clone()).unwrap_or("");
    match text.find(['\r', '\n']) {
        Some(at) => range.start..range.start + at.max(1),
        None => range,
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let parts: Vec<String> = [count(errors, "error"), count(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    let all = parts.join(", ");
    match diagnostics.len() {
        0..=MOST => all,
        _ => format!("{all}; the first {MOST} are shown"),
    }
}
