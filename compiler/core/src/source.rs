//! The text of a manifest.

use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;
use std::ops::Range;

/// A hostile file is refused before it is read.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A line and a column, both from 1; the column in Unicode characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A file's name and text.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Reads bytes as UTF-8, with or without a byte order mark.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Box<Unreadable>> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            let message = "the file is larger than 1 MiB".to_owned();
            return Err(Unreadable::new(
                name,
                "",
                codes::TOO_LARGE,
                message,
                Span::default(),
            ));
        }
        if is_utf16(bytes) {
            let message = "the file is UTF-16, not UTF-8".to_owned();
            let mut unreadable =
                Unreadable::new(name, "", codes::NOT_UTF8, message, Span::default());
            unreadable.diagnostic.help = Some("save it as UTF-8".to_owned());
            return Err(unreadable);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(
                name,
                text.strip_prefix('\u{feff}').unwrap_or(text),
            )),
            Err(error) => {
                let (valid, _) = bytes.split_at(error.valid_up_to());
                let text = String::from_utf8_lossy(valid).into_owned();
                let at = text.len();
                let message = "the file isn't UTF-8 text from here on".to_owned();
                let span = Span::new(at, at);
                let mut unreadable = Unreadable::new(name, &text, codes::NOT_UTF8, message, span);
                unreadable.diagnostic.help = Some("save it as UTF-8".to_owned());
                Err(unreadable)
            }
        }
    }

    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        // A single carriage return ends a line too: to YAML, and to editors.
        let ends = text.match_indices(['\n', '\r']).map(|(at, _)| at + 1);
        let within = |end: &usize| !text[..*end].ends_with('\r') || !text[*end..].starts_with('\n');
        let line_starts = std::iter::once(0).chain(ends.filter(within)).collect();
        Self {
            name: name.into(),
            text,
            line_starts,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole lines from one byte's to another's, line ends included.
    pub fn lines(&self, from: usize, to: usize) -> Range<usize> {
        let after = |byte| self.line_starts.partition_point(|&start| start <= byte);
        let end = self.line_starts.get(after(to));
        self.line_starts[after(from) - 1]..end.copied().unwrap_or(self.text.len())
    }

    pub fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start <= byte);
        let start = self.line_starts[line - 1];
        let column = self.text[start..]
            .char_indices()
            .take_while(|(i, _)| start + i < byte)
            .count();
        Position {
            line,
            column: column + 1,
        }
    }
}

/// By its byte order mark, or by the zero beside its first letter.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

/// A file that can't be read as text, with what could be.
#[derive(Debug)]
pub struct Unreadable {
    pub source: Source,
    pub diagnostic: Diagnostic,
}

impl Unreadable {
    fn new(
        name: String,
        text: &str,
        code: &'static codes::Code,
        message: String,
        span: Span,
    ) -> Box<Self> {
        Box::new(Self {
            source: Source::new(name, text),
            diagnostic: Diagnostic::new(code, "", span, message),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = Source::new("f", "a: b\r\n😀é: x\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        let x = source.text().find('x').unwrap();
        assert_eq!(source.position(x), Position { line: 2, column: 5 });
        assert_eq!(source.position(9_999).line, 3);
        let source = Source::new("f", "a\rb\r\nc");
        let lines = [0, 2, 3, 5].map(|byte| source.position(byte).line);
        assert_eq!(lines, [1, 2, 2, 3]);
        assert_eq!(source.lines(2, 2), 2..5);
    }

    #[test]
    fn utf_16_is_known_with_and_without_its_mark() {
        for bytes in [b"\xff\xfea\0", b"\xfe\xff\0a", b"a\0:\0", b"\0a\0:"] {
            let error = Source::from_bytes("f", bytes).unwrap_err();
            assert!(error.diagnostic.message.contains("UTF-16"));
        }
        assert!(Source::from_bytes("f", b"a: b").is_ok());
    }

    #[test]
    fn other_encodings_point_at_the_first_bad_byte() {
        let error = Source::from_bytes("f", b"a: b\nc: \xff").unwrap_err();
        let at = error.source.position(error.diagnostic.span.start);
        assert_eq!((at.line, at.column), (2, 4));
    }
}
