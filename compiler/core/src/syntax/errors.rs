//! The parser's errors in a user's terms, at the place that is to be mended, with
//! a label where they begin.

use super::node::too_deep;
use super::unquoted::{self, Plain};
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::printable;
use crate::source::Source;
use crate::span::Span;
use granit_parser::{ErrorKind as Kind, ScanError};

/// YAML's line ends.
const LINE_END: [char; 2] = ['\n', '\r'];

/// YAML's white space, which is less than Unicode's.
const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// What had been read when the parser gave up.
pub(super) struct Read {
    /// The innermost `[` or `{` that is open.
    pub bracket: Option<usize>,
    /// The innermost collection that is open.
    pub collection: Option<usize>,
    /// The document's value, where it was complete.
    pub root: Option<Span>,
    /// Where the last event ended.
    pub until: usize,
}

pub(super) fn explained(source: &Source, error: &ScanError, read: &Read) -> Diagnostic {
    let text = source.text();
    let marker = error.marker().byte_offset().unwrap_or(text.len());
    let marked = marker.min(text.len());
    let reason = error.kind().to_string();
    if reason.contains("nesting") || reason.contains("limit") {
        let message = too_deep();
        return Diagnostic::new(codes::TOO_LARGE, "", character(text, marked), message);
    }
    if let Some(tab) = tab_in_indentation(text, marked) {
        let span = Span::new(tab, tab + 1);
        return Diagnostic::new(codes::SYNTAX, "", span, "a tab in the indentation")
            .help("indent with spaces: YAML takes no tabs there");
    }
    let found = without_quotes(error.kind(), text, marked, read).unwrap_or_else(|| {
        let (message, help) = said(error.kind(), &text[marked..]);
        let message = message.map_or_else(|| format!("this isn't YAML: {reason}"), str::to_owned);
        Diagnostic::new(codes::SYNTAX, "", character(text, marked), message).help(help)
    });
    let line = |byte| source.position(byte).line;
    match begun(error.kind(), text, marked, read) {
        Some((span, label)) if line(span.start) != line(found.span.start) => {
            found.related(span, label)
        }
        _ => found,
    }
}

/// A value that lacks its quotes, with the line as it is with them.
fn without_quotes(kind: &Kind, text: &str, marked: usize, read: &Read) -> Option<Diagnostic> {
    let plain = unquoted::in_line(text, marked, open_above(text, marked, read));
    // The parser stops within a value, or behind it.
    let here = |value: &&Plain| value.place.start <= marked && marked <= value.place.end;
    let value = plain.iter().rfind(here);
    let (value, message) = match kind {
        Kind::ExpectedFlowMappingSeparator
        | Kind::ExpectedFlowSequenceSeparator
        | Kind::InvalidColonPlacement => {
            let value = value.filter(|value| value.is_variable(text))?;
            let shown = printable::line(value.text(text)).into_owned();
            (
                value,
                format!("`{shown}` needs quotes: it is within brackets"),
            )
        }
        Kind::MissingAnchorOrAliasName | Kind::UnexpectedCharacter { .. } => {
            let value = value?;
            let first = value.text(text).chars().next()?;
            let what = match first {
                '*' => "`*` without quotes names an anchor".to_owned(),
                '&' => "`&` without quotes begins an anchor".to_owned(),
                '`' => "a text without quotes can't begin with a backtick".to_owned(),
                _ => format!("a text without quotes can't begin with `{first}`"),
            };
            (value, what)
        }
        Kind::UnknownAnchor => {
            let value = value.filter(|value| value.text(text).starts_with('*'))?;
            let mended = unquoted::mended(text, &[value]);
            let found = Diagnostic::new(
                codes::SYNTAX,
                "",
                character(text, marked),
                "this alias names nothing above it",
            );
            return Some(found.help(format!(
                "put the text in quotes: `{mended}`; an alias names a value with an `&` before it"
            )));
        }
        Kind::MappingValueNotAllowed => {
            let help = unquoted::mended_after_colon(text, marked)?;
            let found = Diagnostic::new(
                codes::SYNTAX,
                "",
                character(text, marked),
                "there can't be a key here: a text with `: ` in it needs quotes",
            );
            return Some(found.help(format!("if it is one text, put it in quotes: `{help}`")));
        }
        _ => return None,
    };
    let alike =
        |other: &&Plain| *other == value || (value.is_variable(text) && other.is_variable(text));
    let alike: Vec<&Plain> = plain.iter().filter(alike).collect();
    let mended = unquoted::mended(text, &alike);
    let span = Span::new(value.place.start, value.place.end);
    // The message's own quotes can't hold one.
    let help = if mended.contains('`') {
        "put it in quotes".to_owned()
    } else {
        format!("put it in quotes: `{}`", printable::line(&mended))
    };
    Some(Diagnostic::new(codes::SYNTAX, "", span, message).help(help))
}

/// Whether a bracket is open where the marked line begins.
fn open_above(text: &str, marked: usize, read: &Read) -> bool {
    let start = text[..marked].rfind(LINE_END).map_or(0, |at| at + 1);
    read.bracket.is_some_and(|bracket| bracket < start)
}

/// What to do about an error that the tree has, and not the parser.
pub(super) fn helped(text: &str, found: Diagnostic) -> Diagnostic {
    if found.help.is_some() || found.message != NO_KEY {
        return found;
    }
    let before = text.get(..found.span.start).unwrap_or_default();
    let inside = text.get(found.span.range()).unwrap_or_default();
    if !before.ends_with('{') || !inside.starts_with('{') {
        return found.help("write a text before the colon");
    }
    let shown = printable::line(inside.trim_matches(['{', '}', ' ']));
    found.help(format!(
        "`{{{{ {shown} }}}}` is another tool's: write `${{env:NAME}}` for an environment variable, and a text with braces in quotes"
    ))
}

/// What is said of a key that is no text.
pub(super) const NO_KEY: &str = "a list or a mapping can't be a key";

/// What is wrong, where the parser's own words don't say it well, and what to do.
fn said(kind: &Kind, rest: &str) -> (Option<&'static str>, &'static str) {
    match kind {
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => (
            Some("a quote is opened here and not closed"),
            "close it with the same quote",
        ),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => (
            Some("the text goes on behind its closing quote"),
            "look for a quote too many; within single quotes it is written twice, within double ones with a `\\` before it",
        ),
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => (
            Some("this text holds an escape that YAML doesn't know"),
            "write `\\\\` for a backslash, or take single quotes",
        ),
        Kind::UnclosedFlowCollection { .. } => (
            Some("a bracket is opened here and not closed"),
            "close it with its counterpart",
        ),
        Kind::MisplacedFlowCollectionEnd | Kind::MismatchedFlowCollectionEnd { .. } => (
            Some("this bracket closes nothing"),
            "remove it, or open it before this place",
        ),
        Kind::ExpectedFlowMappingSeparator
        | Kind::ExpectedFlowSequenceSeparator
        | Kind::InvalidColonPlacement
        | Kind::BlockEntryInFlowCollection
        | Kind::InvalidFlowScalarIndent => (
            Some("this can't be within brackets"),
            "look for a `[` or `{` that is left open before this place, or for a comma that is missing",
        ),
        Kind::ExpectedBlockMappingKey if rest.starts_with("- ") => (
            Some("a list's item is among the keys of a mapping"),
            "indent it below the key that it belongs to, or remove the `-`",
        ),
        Kind::ExpectedBlockMappingKey => (
            Some("this line's indentation fits none above it"),
            "align it with the keys that it belongs to",
        ),
        Kind::ExpectedBlockSequenceEntry => (
            Some("this is no item of the list above it"),
            "begin it with `- `, or give it the indentation of the keys that it belongs to",
        ),
        Kind::MappingValueNotAllowed => (
            Some("there can't be a key here"),
            "look for a colon without its space in the line before; a text with `: ` in it wants quotes",
        ),
        Kind::SimpleKeyExpected => (
            Some("a key without its colon"),
            "write `key: value`, with a space behind the colon",
        ),
        Kind::UnknownAnchor => (
            Some("this alias names nothing above it"),
            "put the text in quotes; an alias names a value with an `&` before it",
        ),
        Kind::ExpectedDocumentStart => (
            Some("this is outside of the document"),
            "give all keys of the root the same indentation",
        ),
        Kind::UnexpectedCharacter { .. } => (
            Some("a text without quotes can't begin with this character"),
            "put the value in quotes",
        ),
        Kind::MissingAnchorOrAliasName => (
            Some("`*` and `&` without quotes are for anchors, which have names"),
            "put the value in quotes",
        ),
        Kind::BlockSequenceEntryNotAllowed => (
            Some("a list's item can't begin behind its key"),
            "write each `- item` on a line of its own below the key, or the list in brackets: `[item]`",
        ),
        Kind::MappingKeyNotAllowed | Kind::InvalidBlockScalarHeader => (
            Some("a text without quotes can't begin with this character"),
            "put the value in quotes, or, behind `|` and `>`, begin it on the next line",
        ),
        _ => (
            None,
            "look at the indentation and the colons of this line and the one before",
        ),
    }
}

/// Where it began, which may be lines before it shows.
fn begun(kind: &Kind, text: &str, marked: usize, read: &Read) -> Option<(Span, &'static str)> {
    // The parser's events lag behind by what may still become a key.
    let opened = Opened::within(text, read.until, marked);
    if let Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar = kind
    {
        let at = opened.quote?;
        return Some((Span::new(at, at + 1), "the quote is opened here"));
    }
    if let Some(at) = opened.brackets.last().copied().or(read.bracket) {
        return Some((Span::new(at, at + 1), "this bracket is open"));
    }
    match kind {
        Kind::ExpectedDocumentStart => Some(match read.root {
            Some(root) => (first_line(text, root.start), "the document begins here"),
            None => (line_before(text, marked)?, "only `---` can follow this"),
        }),
        Kind::UnknownAnchor => Some((anchor_near(text, marked)?, "an anchor is here")),
        Kind::ExpectedBlockSequenceEntry => {
            Some((first_line(text, read.collection?), "the list begins here"))
        }
        Kind::ExpectedBlockMappingKey => Some((
            first_line(text, read.collection?),
            "the keys above it begin here",
        )),
        Kind::MappingValueNotAllowed => {
            Some((line_before(text, marked)?, "this text goes on below"))
        }
        _ => None,
    }
}

/// What a stretch of text opens.
#[derive(Debug, Default, PartialEq, Eq)]
struct Opened {
    /// The last quote that begins a text.
    quote: Option<usize>,
    /// The brackets that aren't closed.
    brackets: Vec<usize>,
}

impl Opened {
    fn within(text: &str, from: usize, until: usize) -> Self {
        let mut opened = Self::default();
        let mut before = '\n';
        let mut chars = text
            .get(from..until)
            .unwrap_or_default()
            .char_indices()
            .peekable();
        while let Some((at, c)) = chars.next() {
            let begins = BLANK.contains(&before) || "[{,:-".contains(before);
            let behind_bracket = "]}".contains(before);
            before = c;
            let in_flow = !opened.brackets.is_empty();
            match c {
                '#' if begins => while chars.next_if(|(_, c)| !LINE_END.contains(c)).is_some() {},
                '[' | '{' if begins || in_flow => opened.brackets.push(from + at),
                ']' | '}' => {
                    opened.brackets.pop();
                }
                '\'' | '"' if begins || (in_flow && behind_bracket) => {
                    opened.quote = Some(from + at);
                    while let Some((_, inner)) = chars.next() {
                        let twice = inner == '\'' && chars.peek().is_some_and(|(_, n)| *n == '\'');
                        if (inner == '\\' && c == '"') || (inner == c && twice) {
                            chars.next();
                        } else if inner == c {
                            break;
                        }
                    }
                }
                _ => {}
            }
        }
        opened
    }
}

/// The anchor above an alias that is spelt most like it.
fn anchor_near(text: &str, alias: usize) -> Option<Span> {
    const MOST: usize = 100;
    let name = |at: usize| {
        let rest = &text[at + 1..];
        let ends = |c: char| BLANK.contains(&c) || "[]{},".contains(c);
        &rest[..rest.find(ends).unwrap_or(rest.len())]
    };
    let anchors = text[..alias].rmatch_indices('&').map(|(at, _)| at);
    let anchors = anchors.take(MOST);
    let nearest = nearest(name(alias), anchors.clone().map(name))?;
    let at = anchors.into_iter().find(|at| name(*at) == nearest)?;
    Some(Span::new(at, at + 1 + nearest.len()))
}

/// The text of the nearest line above that says something, where it may go on below.
fn line_before(text: &str, at: usize) -> Option<Span> {
    let start = text[..at].rfind(LINE_END)?;
    // A colon before it on its own line is what is in its way.
    if text[start..at].contains(": ") {
        return None;
    }
    let mut end = start;
    loop {
        let start = text[..end].rfind(LINE_END).map_or(0, |at| at + 1);
        let line = text[start..end].trim_matches(BLANK);
        if !line.is_empty() && !line.starts_with('#') {
            let indent = text[start..end].len() - text[start..end].trim_start_matches(BLANK).len();
            return Some(Span::new(start + indent, start + indent + line.len()));
        }
        end = start.checked_sub(1)?;
    }
}

fn first_line(text: &str, start: usize) -> Span {
    let line = text[start..].lines().next().unwrap_or_default();
    Span::new(start, start + line.trim_end().len())
}

/// The character at a place; where only white space follows, the end of the text before it.
fn character(text: &str, at: usize) -> Span {
    let at = if text[at..].trim().is_empty() {
        text.trim_end().len()
    } else {
        at
    };
    Span::new(at, at + text[at..].chars().next().map_or(0, char::len_utf8))
}

/// A tab that indents the marked line or the next that isn't empty: the parser may
/// stop on either.
fn tab_in_indentation(text: &str, marked: usize) -> Option<usize> {
    let start = text[..marked].rfind(LINE_END).map_or(0, |at| at + 1);
    let mut at = start;
    for line in text[start..].split_inclusive(LINE_END) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(at + tab);
        }
        if at > marked && !line.trim_matches(BLANK).is_empty() {
            return None;
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_known_by_its_place() {
        let open = |text: &str| {
            let opened = Opened::within(text, 0, text.len());
            (opened.quote, opened.brackets)
        };
        assert_eq!(open("a: [b, {c: d}"), (None, vec![3]));
        assert_eq!(open("a: 'it''s [' # \"["), (Some(3), vec![]));
        assert_eq!(open(r#"a: "\"[" b["#), (Some(3), vec![]));
        assert_eq!(open("a: x's [b]"), (None, vec![]));
        assert_eq!(open("]"), (None, vec![]));
    }
}
