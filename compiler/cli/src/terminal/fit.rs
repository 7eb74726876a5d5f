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

/// Words behind `indent` columns of something else, as many on a line as fit. What goes on is as
/// far in. A word that no line has room for is broken at its spaces, where it has some.
pub(super) fn packed(words: &[Cow<'_, str>], indent: usize, columns: usize) -> String {
    let indentation = " ".repeat(indent);
    let mut text = String::new();
    let mut column = indent;
    for word in words {
        let width = wrap::columns(word);
        if column > indent && column + 1 + width <= columns {
            text.push(' ');
            text.push_str(word);
            column += 1 + width;
            continue;
        }
        if column > indent {
            text.push('\n');
            text.push_str(&indentation);
        }
        if indent + width <= columns || columns < NARROWEST {
            text.push_str(word);
        } else {
            let broken = wrap::hanging(&format!("{indentation}{word}"), indent, columns);
            text.push_str(broken.get(indent..).unwrap_or(word));
        }
        // Behind one that is wider than a line there is no room.
        column = indent + width;
    }
    text
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
    fn a_word_is_broken_only_where_no_line_has_room_for_it() {
        let packed = |words: &[&str], indent, columns| {
            let words: Vec<_> = words.iter().map(|word| Cow::Borrowed(*word)).collect();
            packed(&words, indent, columns)
        };
        assert_eq!(
            packed(&["warn", "rule=\"no row has it\"", "a=1", "b=2"], 2, 32),
            "warn rule=\"no row has it\" a=1\n  b=2"
        );
        assert_eq!(
            packed(&["access", "rule=\"no row has this study\"", "a=1"], 2, 32),
            "access\n  rule=\"no row has this study\"\n  a=1"
        );
        let uid = format!("study={}", "1.2.840.".repeat(8));
        assert_eq!(packed(&["a", &uid, "b"], 2, 40), format!("a\n  {uid}\n  b"));
        assert_eq!(
            packed(&["Task timed out after five whole seconds"], 4, 30),
            "Task timed out after five\n    whole seconds"
        );
        assert_eq!(packed(&[], 2, 40), "");
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
