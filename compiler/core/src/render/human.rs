//! rustc's look.

use crate::diagnostic::{Diagnostic, Severity, wrap};
use crate::printable::{self, Styled};
use crate::source::Source;
use crate::span::Span;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::borrow::Cow;
use std::ops::Range;

/// Longer source lines are cut around what is marked.
const WIDTH: usize = 80;

/// Columns of a mark, beside line numbers and ellipses.
const WIDEST: usize = 64;

/// More than anybody reads; the summary counts them all.
const MOST: usize = 100;

/// All findings and a summary line.
pub fn human(source: &Source, diagnostics: &[Diagnostic]) -> Styled {
    let renderer = Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        // The ellipsis at a cut line's end isn't counted.
        .term_width(WIDTH - "...".len());
    let mut out = Styled::new();
    let visible = Visible::of(source);
    for diagnostic in diagnostics.iter().take(MOST) {
        let diagnostic = visible.diagnostic(diagnostic);
        let rendered = renderer.render(&[group(&visible.source, &diagnostic)]);
        out = out.rendered(&rendered).text("\n\n");
    }
    out.text(&summary(diagnostics))
}

/// A source with everything in it visible, and where its bytes have gone.
struct Visible<'a> {
    source: Cow<'a, Source>,
    /// By the byte; none where each kept its place.
    moved: Option<Vec<usize>>,
}

impl<'a> Visible<'a> {
    fn of(source: &'a Source) -> Self {
        let hidden = |c| !is_layout(c) && printable::is_hidden(c);
        if !source.text().contains(hidden) && !source.name().contains(printable::is_hidden) {
            return Self {
                source: Cow::Borrowed(source),
                moved: None,
            };
        }
        let mut text = String::with_capacity(source.text().len());
        let mut moved = Vec::with_capacity(source.text().len() + 1);
        for c in source.text().chars() {
            moved.extend(std::iter::repeat_n(text.len(), c.len_utf8()));
            if hidden(c) {
                text.extend(c.escape_default())
            } else {
                text.push(c)
            }
        }
        moved.push(text.len());
        Self {
            source: Cow::Owned(Source::new(printable::line(source.name()), text)),
            moved: Some(moved),
        }
    }

    fn span(&self, span: Span) -> Span {
        let Some(moved) = &self.moved else {
            return span;
        };
        let end = moved.last().copied().unwrap_or_default();
        let at = |byte: usize| moved.get(byte).copied().unwrap_or(end);
        Span::new(at(span.start), at(span.end))
    }

    fn diagnostic(&self, diagnostic: &Diagnostic) -> Diagnostic {
        let block = |text: &String| printable::block(text).into_owned();
        let line = |text: &String| printable::line(text).into_owned();
        let related = diagnostic.related.iter();
        Diagnostic {
            code: diagnostic.code,
            message: block(&diagnostic.message),
            path: line(&diagnostic.path),
            span: self.span(diagnostic.span),
            denied: diagnostic.denied,
            help: diagnostic.help.as_ref().map(block),
            related: related
                .map(|(span, label)| (self.span(*span), line(label)))
                .collect(),
        }
    }
}

/// What the renderer lays out itself: ends of lines, and tabs, which it makes spaces.
fn is_layout(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t')
}

fn group<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Only the lines around: the renderer walks all that it is given.
    let marked = cut(source, diagnostic.span, WIDEST);
    let (window, line) = window(source, diagnostic, &marked);
    let within = |range: Range<usize>| range.start - window.start..range.end - window.start;
    let fits = label_fits(source, diagnostic, &marked);
    let primary = AnnotationKind::Primary.span(within(marked));
    let mut snippet = Snippet::source(lines(&source.text()[window.clone()]))
        .line_start(line)
        .path(source.name())
        .annotation(if fits {
            primary.label(diagnostic.path.as_str())
        } else {
            primary
        });
    for (span, label) in &diagnostic.related {
        let most = WIDEST.saturating_sub(wrap::columns(label) + 1);
        let span = within(cut(source, *span, most));
        snippet = snippet.annotation(AnnotationKind::Context.span(span).label(label));
    }
    let id = diagnostic.code.name;
    // `error[id]: `
    let title = diagnostic.severity().as_str().len() + id.len() + "[]: ".len();
    let message = wrap::wrapped(&diagnostic.message, WIDTH - title);
    let mut group = level.primary_title(message).id(id).element(snippet);
    // The gutter, ` = ` and the kind of note come before.
    let notes = WIDTH - gutter(source, diagnostic) - " = help: ".len();
    if !fits {
        let path = wrap::wrapped(&format!("this is {}", diagnostic.path), notes);
        group = group.element(Level::NOTE.message(path));
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(wrap::wrapped(help, notes))),
        None => group,
    }
}

/// The digits of the last line's number.
fn gutter(source: &Source, diagnostic: &Diagnostic) -> usize {
    let related = diagnostic.related.iter().map(|(span, _)| span.start);
    let last = related.chain([diagnostic.span.start]).max().unwrap_or(0);
    source.position(last).line.to_string().len()
}

/// Whether the path has room behind the mark, where a long line is cut behind both.
fn label_fits(source: &Source, diagnostic: &Diagnostic, marked: &Range<usize>) -> bool {
    let start = source.lines(marked.start, marked.start).start;
    let until = source.text().get(start..marked.end).unwrap_or("");
    let room = WIDTH - gutter(source, diagnostic) - " | ".len() - "...".len();
    let path = &diagnostic.path;
    path.is_empty() || wrap::columns(until) + " ".len() + wrap::columns(path) <= room
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

/// What is marked of a place: only its first line, or the picture grows with the
/// block, and no more columns than there are.
fn cut(source: &Source, span: Span, most: usize) -> Range<usize> {
    let range = span.range();
    let text = source.text().get(range.clone()).unwrap_or("");
    let text = match text.find(['\r', '\n']) {
        Some(at) => text.get(..at.max(1)).unwrap_or(text),
        None => text,
    };
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let first = text.chars().next().map_or(0, char::len_utf8);
    let fits = ends.take_while(|end| wrap::columns(&text[..*end]) <= most);
    range.start..range.start + fits.last().unwrap_or(first)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    fn shown(text: &str, marked: &str, path: &str) -> String {
        let source = Source::new("frames.yml", text);
        let start = text.find(marked).unwrap();
        let span = Span::new(start, start + marked.len());
        let message = "a message that is so long that it wouldn't fit on the line of a terminal of eighty columns";
        let help = "help that goes on and on, until it is past the right end of the terminal it is read on";
        let found = Diagnostic::new(codes::INVALID_VALUE, path, span, message).help(help);
        plain(&human(&source, &[found]))
    }

    /// Without the colours.
    fn plain(styled: &Styled) -> String {
        let mut parts = styled.ansi().split("\u{1b}[");
        let plain = parts.next().unwrap_or_default().to_owned();
        parts.fold(plain, |all, part| {
            all + part.split_once('m').map_or("", |(_, text)| text)
        })
    }

    #[test]
    fn nothing_hidden_is_left_and_marks_stay_in_place() {
        let text =
            "a: \u{1b}]0;x\u{7}\nb\u{9b}2J: [\u{202e}x, ok, 'y\u{e0041}'] # \u{1b}[0m\ttab\r\n";
        for (name, marked) in [
            ("f", "ok"),
            ("f\u{1b}[2J", "y\u{e0041}"),
            ("f", "\u{202e}x"),
        ] {
            let source = Source::new(name, text);
            let start = text.find(marked).unwrap();
            let span = Span::new(start, start + marked.len());
            let found = Diagnostic::new(
                codes::INVALID_VALUE,
                "b\u{9b}2J[1]",
                span,
                "`\u{1b}[31m\u{200b}` \r no",
            )
            .help("\u{85}help")
            .related(Span::new(0, 1), "\u{2066}here");
            let styled = human(&source, &[found]);
            let shown = plain(&styled);
            let hidden = |c| c != '\n' && printable::is_hidden(c);
            assert!(!shown.contains(hidden), "{shown:?}");
            let visible = printable::line(marked);
            let (above, mark) = shown
                .lines()
                .zip(shown.lines().skip(1))
                .find(|(_, mark)| mark.contains('^'))
                .unwrap();
            let at = above.find(&*visible).unwrap();
            assert_eq!(mark.find('^'), Some(at), "{shown}");
            assert_eq!(mark.matches('^').count(), visible.len(), "{shown}");
        }
    }

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        let arn =
            "arn:aws:acm:eu-west-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";
        let values = [
            "x",
            "frames.example.org",
            arn,
            "a b c d e f g h i j k l m n o p q r s t",
        ];
        for value in values {
            for path in ["a", "domain.certificateArn", "delivery.cors.origins[0]"] {
                for before in [
                    "",
                    "key: ",
                    "a: {b: {c: {d: [1, 2, 3], e: f, g: [h, i, j], k: ",
                ] {
                    let text = format!("{before}{value}, next: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n");
                    let shown = shown(&text, value, path);
                    assert!(shown.contains(path), "{shown}");
                    for line in shown.lines() {
                        assert!(wrap::columns(line) <= WIDTH, "{shown}");
                    }
                }
            }
        }
    }
}
