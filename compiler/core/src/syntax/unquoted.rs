//! Values that need quotes and have none: the line as it is with them.

use std::ops::Range;

/// Longer lines are told by the value only.
const LONGEST: usize = 64;

/// What stands without quotes in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plain {
    /// Its bytes, in the text.
    pub place: Range<usize>,
    in_brackets: bool,
}

impl Plain {
    pub(super) fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.place.clone()).unwrap_or_default()
    }

    /// A variable's brace would open a mapping.
    pub(super) fn is_variable(&self, text: &str) -> bool {
        self.in_brackets && self.text(text).contains("${")
    }
}

/// The values without quotes in the line around a place.
pub(super) fn in_line(text: &str, at: usize, in_brackets: bool) -> Vec<Plain> {
    let line = line_around(text, at);
    let content = text.get(line.clone()).unwrap_or_default();
    let mut scan = Scan {
        rest: content,
        at: line.start,
        depth: usize::from(in_brackets),
        found: Vec::new(),
    };
    scan.run();
    scan.found
}

/// What to write: the line with these values in quotes, or the first one where the line is
/// long.
pub(super) fn mended(text: &str, values: &[&Plain]) -> String {
    let Some(first) = values.first() else {
        return String::new();
    };
    let line = line_around(text, first.place.start);
    let mut mended = String::new();
    let mut shown = line.start;
    for value in values {
        mended.push_str(text.get(shown..value.place.start).unwrap_or_default());
        mended.push_str(&quoted(value.text(text)));
        shown = value.place.end;
    }
    mended.push_str(text.get(shown..line.end).unwrap_or_default());
    let mended = mended.trim();
    // Its own quotes would end the message's.
    if mended.chars().count() > LONGEST || mended.contains('`') {
        quoted(first.text(text))
    } else {
        mended.to_owned()
    }
}

/// Everything behind a line's first colon in quotes: `a: b: c`.
pub(super) fn mended_after_colon(text: &str, at: usize) -> Option<String> {
    let line = line_around(text, at);
    let before = at.checked_sub(line.start)?;
    let content = text.get(line)?;
    let (key, value) = content.split_once(": ")?;
    if key.len() >= before {
        // It is this line's only one.
        return None;
    }
    let value = value.trim();
    let is_plain =
        !value.is_empty() && !value.starts_with(['\'', '"', '[', '{', '&', '*', '|', '>', '#']);
    let mended = format!(
        "{}: {}",
        key.trim_start().trim_start_matches("- "),
        quoted(value)
    );
    let fits = mended.chars().count() <= LONGEST && !mended.contains(['`', '#']);
    (is_plain && fits).then_some(mended)
}

pub(super) fn quoted(text: &str) -> String {
    if text.contains('\'') {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    } else {
        format!("'{text}'")
    }
}

fn line_around(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let end = after.find(['\n', '\r']).map_or(text.len(), |end| at + end);
    start..end
}

struct Scan<'a> {
    rest: &'a str,
    at: usize,
    /// How many brackets are open.
    depth: usize,
    found: Vec<Plain>,
}

impl Scan<'_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '#' => return,
                '\'' | '"' => self.skip_quoted(c),
                '[' | '{' => {
                    self.depth += 1;
                    self.skip(1);
                }
                ']' | '}' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.skip(1);
                }
                ',' | ':' | '-' | '?' if self.ends(1) || c == ',' => self.skip(1),
                c if c.is_whitespace() => self.skip(c.len_utf8()),
                _ => self.plain(),
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.at += bytes;
    }

    /// Whether what follows so many bytes ends an indicator.
    fn ends(&self, bytes: usize) -> bool {
        let after = self.rest.get(bytes..).unwrap_or_default();
        after.is_empty() || after.starts_with([' ', '\t'])
    }

    fn skip_quoted(&mut self, quote: char) {
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == '"' {
                chars.next();
            } else if c == quote {
                return self.skip(at + 1);
            }
        }
        self.skip(self.rest.len());
    }

    fn plain(&mut self) {
        let in_brackets = self.depth > 0;
        let mut braces = 0usize;
        let mut before = ' ';
        let mut end = self.rest.len();
        for (at, c) in self.rest.char_indices() {
            let is_space = |next: &str| next.is_empty() || next.starts_with([' ', '\t']);
            let after = self.rest.get(at + c.len_utf8()..).unwrap_or_default();
            let ends = match c {
                '{' if before == '$' => {
                    braces += 1;
                    false
                }
                '}' if braces > 0 => {
                    braces -= 1;
                    false
                }
                _ if braces > 0 => false,
                ',' | '[' | ']' | '{' | '}' => in_brackets,
                ':' => is_space(after) || (in_brackets && after.starts_with([',', ']', '}'])),
                '#' => before == ' ',
                _ => false,
            };
            if ends {
                end = at;
                break;
            }
            before = c;
        }
        let value = self.rest.get(..end).unwrap_or_default().trim_end();
        self.found.push(Plain {
            place: self.at..self.at + value.len(),
            in_brackets,
        });
        self.skip(end.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        in_line(text, 0, false)
            .iter()
            .map(|value| value.text(text))
            .collect()
    }

    #[test]
    fn what_has_no_quotes_is_found() {
        assert_eq!(
            found("a: {b: ${env:A}, c: [*, 'd', e f]} # g"),
            ["a", "b", "${env:A}", "c", "*", "e f"]
        );
        assert_eq!(
            found("- a: https://${env:H, 'x'}/y"),
            ["a", "https://${env:H, 'x'}/y"]
        );
        assert_eq!(found("a: b: c"), ["a", "b", "c"]);
        assert_eq!(
            found("a: [${self:b.${env:C}}, \"d\\\"\", e]"),
            ["a", "${self:b.${env:C}}", "e"]
        );
        assert_eq!(found("a: [${env:A"), ["a", "${env:A"]);
        assert_eq!(found("é: ü#x #y"), ["é", "ü#x"]);
        assert_eq!(found(""), [""; 0]);
        let text = "a: [b,\n  ${env:C}, d]\n";
        let values = in_line(text, 9, true);
        assert!(values[0].is_variable(text) && !values[1].is_variable(text));
    }

    #[test]
    fn a_line_is_shown_with_the_quotes() {
        let text = "x: 1\n  a: {b: ${env:A}, c: ${env:it's}}\n";
        let values = in_line(text, 10, false);
        let variables: Vec<&Plain> = values.iter().filter(|v| v.is_variable(text)).collect();
        assert_eq!(
            mended(text, &variables),
            "a: {b: '${env:A}', c: \"${env:it's}\"}"
        );
        let long = format!("a: [{}, *]", "x".repeat(80));
        let values = in_line(&long, 0, false);
        assert_eq!(mended(&long, &[values.last().unwrap()]), "'*'");
        assert_eq!(
            mended_after_colon("  a: b: c\n", 6).as_deref(),
            Some("a: 'b: c'")
        );
        assert_eq!(mended_after_colon("a: 'b': c", 6), None);
        assert_eq!(mended_after_colon("a b\nc: d", 5), None);
    }
}
