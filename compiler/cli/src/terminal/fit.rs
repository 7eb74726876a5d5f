//! Lines that are wider than the terminal: it would break them in mid-word, and begin the
//! rest at its left edge.

use frames_compiler::diagnostic::wrap;
use std::borrow::Cow;

/// Narrower ones are left alone: nothing reads well there.
const NARROWEST: usize = 30;

/// The same text, with its lines broken between words. What goes on is below where the line
/// began, or `hanging` columns in.
pub(super) fn fitted(text: &str, columns: Option<usize>, hanging: Option<usize>) -> Cow<'_, str> {
    let Some(columns) = columns.filter(|columns| *columns >= NARROWEST) else {
        return Cow::Borrowed(text);
    };
    if text.lines().all(|line| wrap::columns(line) <= columns) {
        return Cow::Borrowed(text);
    }
    let fit = |line: &str| {
        if wrap::columns(line) <= columns {
            return line.to_owned();
        }
        let indent = hanging.unwrap_or_else(|| indentation(line));
        // Something has to have room beside it.
        wrap::hanging(line, indent.min(columns / 2), columns)
    };
    let lines: Vec<String> = text.split('\n').map(fit).collect();
    Cow::Owned(lines.join("\n"))
}

/// Where a line's words begin, behind spaces and a mark such as `-` or `✓`.
fn indentation(line: &str) -> usize {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let words = plain.trim_start_matches(' ');
    let spaces = plain.len() - words.len();
    let mut chars = words.chars();
    let is_mark = |c: char| !c.is_alphanumeric() && !"`'\"(/<$".contains(c);
    match (chars.next(), chars.next()) {
        (Some(mark), Some(' ')) if is_mark(mark) => spaces + 2,
        _ => spaces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "   - one two three four five six seven eight nine";

    #[test]
    fn a_long_line_goes_on_below_its_words() {
        let broken = "   - one two three four five six\n     seven eight nine";
        assert_eq!(fitted(LINE, Some(33), None), broken);
        assert_eq!(
            fitted(LINE, Some(33), Some(4)),
            broken.replace("     seven", "    seven")
        );
        // No word is broken, and no command within its quotes.
        let arn = format!("  {}", "arn:aws:".repeat(10));
        assert_eq!(fitted(&arn, Some(40), None), arn);
        let text = "say `frames remove --env prod --delete-logs` once more";
        assert_eq!(
            fitted(text, Some(43), None),
            "say\n`frames remove --env prod --delete-logs`\nonce more"
        );
    }

    #[test]
    fn what_fits_or_has_no_width_is_left_alone() {
        for columns in [None, Some(0), Some(29), Some(LINE.len())] {
            assert_eq!(fitted(LINE, columns, None), LINE);
        }
        assert_eq!(fitted("a\n\n b\n", Some(80), None), "a\n\n b\n");
    }

    #[test]
    fn colours_have_no_width() {
        let painted = format!(
            "\u{1b}[1;31merror\u{1b}[0m{}",
            "\u{1b}[1m: one two three four five six\u{1b}[0m"
        );
        assert_eq!(fitted(&painted, Some(35), Some(7)), painted);
        assert_eq!(
            fitted(&painted, Some(31), Some(7)),
            "\u{1b}[1;31merror\u{1b}[0m\u{1b}[1m: one two three four five\n       six\u{1b}[0m"
        );
        assert_eq!(indentation("\u{1b}[2m  ✓\u{1b}[0m one"), 4);
    }
}
