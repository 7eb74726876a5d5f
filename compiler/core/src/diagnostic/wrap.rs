//! Lines of a bounded width, broken only between words, and not within `quotes`: an
//! ARN, a command or a key with its value has to be copied in one piece.

use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Wraps at `width` columns; the first line begins behind `first` columns of
/// something else.
pub fn behind(text: &str, first: usize, width: usize) -> String {
    let taken = " ".repeat(first);
    let options = Options::new(width)
        .initial_indent(&taken)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let wrapped = textwrap::fill(&bound(text), options);
    wrapped.get(first..).unwrap_or(text).replace(BOUND, " ")
}

/// A line that begins at the left edge, wrapped at `width` columns; what goes on is `indent`
/// columns in.
pub fn hanging(line: &str, indent: usize, width: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    // What a line begins with isn't a word, and no line ends behind it.
    let words = line.trim_start_matches(' ');
    let begun = BOUND.to_string().repeat(line.len() - words.len());
    let words = match words.split_once(' ') {
        // Nor is a mark, in whatever colour.
        Some((mark, rest)) if is_mark(mark) => format!("{mark}{BOUND}{}", bound(rest)),
        _ => bound(words),
    };
    textwrap::fill(&format!("{begun}{words}"), options).replace(BOUND, " ")
}

/// `+` or `✓`.
fn is_mark(word: &str) -> bool {
    let plain = word.chars().filter(|c| !c.is_alphanumeric()).count();
    display_width(word) == 1 && plain > 0
}

/// Lines are broken between these: at spaces, and before the path that identifies a behavior in a
/// distribution's list, which is long.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((at, _)) = rest.match_indices("[/").find(|(at, _)| *at > 0) {
        let (part, behind) = rest.split_at(at);
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    let spaced = |part| WordSeparator::AsciiSpace.find_words(part);
    Box::new(parts.into_iter().flat_map(spaced))
}

/// Of a private use: stands for a space that no line is broken at.
const BOUND: char = '\u{e000}';

fn bound(text: &str) -> String {
    let mut quoted = false;
    let one = |c| {
        quoted ^= c == '`';
        if quoted && c == ' ' { BOUND } else { c }
    };
    // A quote without its counterpart quotes nothing.
    match text.matches('`').count() % 2 {
        0 => text.chars().map(one).collect(),
        _ => text.to_owned(),
    }
}

/// Wraps at `width` columns.
pub fn wrapped(text: &str, width: usize) -> String {
    behind(text, 0, width)
}

/// How many columns a terminal needs for it.
pub fn columns(text: &str) -> usize {
    display_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_alone() {
        assert_eq!(wrapped("one two-three four", 9), "one\ntwo-three\nfour");
        assert_eq!(wrapped("a-very-long-word b", 4), "a-very-long-word\nb");
        assert_eq!(wrapped("one `a: b` c", 6), "one\n`a: b`\nc");
        assert_eq!(wrapped("one ` two", 5), "one `\ntwo");
        assert_eq!(behind("one two", 4, 8), "one\ntwo");
        assert_eq!(behind("", 4, 8), "");
        assert_eq!(columns("😀é"), 3);
        assert_eq!(hanging("  one two", 4, 6), "  one\n    two");
        assert_eq!(
            hanging("  a-very-long-word b", 2, 6),
            "  a-very-long-word\n  b"
        );
        // A mark is never by itself, and a behavior's path may be.
        assert_eq!(hanging(" + a-long-word b", 3, 6), " + a-long-word\n   b");
        assert_eq!(
            hanging("  \u{1b}[32m+\u{1b}[0m List[/a/*/b].Key: 1", 4, 16),
            "  \u{1b}[32m+\u{1b}[0m List\n    [/a/*/b].Key:\n    1"
        );
    }
}
