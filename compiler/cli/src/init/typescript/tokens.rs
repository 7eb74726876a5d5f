//! Text as tokens: words, numbers, texts and marks, without comments.

use super::place::{Result, Unreadable, place};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text(String),
    /// A template with `${…}`.
    Template,
    Mark(char),
    /// `=>`, `==`, `===`, `!=` and the like: an `=` that assigns nothing.
    Operator,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    pub line: usize,
    /// It is the first one of its line.
    pub first: bool,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut found = Vec::new();
    let mut scanner = Scanner { text, at: 0 };
    let mut first = true;
    let (mut line, mut counted) = (1, 0);
    while let Some(c) = scanner.peek() {
        let start = scanner.at;
        let kind = match c {
            '\n' | '\u{2028}' | '\u{2029}' => {
                first = true;
                scanner.next();
                continue;
            }
            c if c.is_whitespace() || c == '\u{feff}' => {
                scanner.next();
                continue;
            }
            // A comment, or the line that names an interpreter.
            '/' | '#' if scanner.rest().starts_with("//") || (c == '#' && start == 0) => {
                scanner.skip_while(|c| c != '\n');
                continue;
            }
            '/' if scanner.rest().starts_with("/*") => {
                first |= scanner.comment()?;
                continue;
            }
            '\'' | '"' => scanner.quoted(c)?,
            '`' => scanner.template()?,
            c if is_word(c) && !c.is_ascii_digit() => {
                scanner.skip_while(is_word);
                Kind::Word
            }
            c if c.is_ascii_digit() => {
                scanner.skip_while(|c| is_word(c) || c == '.');
                Kind::Number
            }
            '=' | '!' | '<' | '>' if scanner.is_operator() => Kind::Operator,
            c => {
                scanner.next();
                Kind::Mark(c)
            }
        };
        let since = text.get(counted..start).unwrap_or_default();
        line += since.bytes().filter(|byte| *byte == b'\n').count();
        counted = start;
        found.push(Token {
            kind,
            start,
            end: scanner.at,
            line,
            first,
        });
        first = false;
    }
    Ok(found)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    /// Takes it, if it is one.
    fn is_operator(&mut self) -> bool {
        let operators = ["===", "!==", "==", "!=", "=>", "<=", ">="];
        let found = operators.iter().find(|one| self.rest().starts_with(**one));
        self.at += found.map_or(0, |operator| operator.len());
        found.is_some()
    }

    fn unreadable(&self, offset: usize, what: &str) -> Unreadable {
        place(self.text, offset, what)
    }

    /// Whether there was a line's end in it.
    fn comment(&mut self) -> Result<bool> {
        let start = self.at;
        let rest = self.rest();
        let end = rest.get(2..).and_then(|rest| rest.find("*/"));
        let end = end.ok_or_else(|| self.unreadable(start, "this comment has no end"))?;
        self.at += end + 4;
        Ok(rest.get(..end).unwrap_or_default().contains('\n'))
    }

    fn quoted(&mut self, quote: char) -> Result<Kind> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(Kind::Text(text)),
                Some('\\') => self.escape(&mut text)?,
                None | Some('\n') => return Err(self.unreadable(start, "this text has no end")),
                Some(c) => text.push(c),
            }
        }
    }

    /// Without `${…}` it is a text like another.
    fn template(&mut self) -> Result<Kind> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        let mut open = 0_usize;
        let mut is_plain = true;
        loop {
            match self.next() {
                Some('`') if open == 0 => {
                    return Ok(if is_plain {
                        Kind::Text(text)
                    } else {
                        Kind::Template
                    });
                }
                Some('\\') => self.escape(&mut text)?,
                Some('$') if self.peek() == Some('{') => {
                    self.next();
                    open += 1;
                    is_plain = false;
                }
                Some('{') if open > 0 => open += 1,
                Some('}') if open > 0 => open -= 1,
                None => return Err(self.unreadable(start, "this text has no end")),
                Some(c) => text.push(c),
            }
        }
    }

    /// What is behind a backslash (ECMA-262, String Literals).
    fn escape(&mut self, text: &mut String) -> Result<()> {
        let start = self.at.saturating_sub(1);
        let wrong = "this isn't an escape that can be read";
        let c = match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some('0') => '\0',
            Some('\n') => return Ok(()),
            Some('\r') => {
                if self.peek() == Some('\n') {
                    self.next();
                }
                return Ok(());
            }
            Some('x') => self
                .hex(2)
                .and_then(char::from_u32)
                .ok_or_else(|| self.unreadable(start, wrong))?,
            Some('u') => self
                .unicode()
                .ok_or_else(|| self.unreadable(start, wrong))?,
            Some(c) => c,
            None => return Err(self.unreadable(start, wrong)),
        };
        text.push(c);
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }

    /// `\u00e9`, `\u{1f600}`, or the two halves of a surrogate pair.
    fn unicode(&mut self) -> Option<char> {
        if let Some(rest) = self.rest().strip_prefix('{') {
            let digits = rest.split_once('}')?.0;
            // No character has more.
            if digits.is_empty() || digits.len() > 6 {
                return None;
            }
            self.at += 1;
            let c = self.hex(digits.len())?;
            self.at += 1;
            return char::from_u32(c);
        }
        let high = self.hex(4)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.at += self.rest().strip_prefix("\\u").map(|_| 2)?;
        let low = self
            .hex(4)?
            .checked_sub(0xdc00)
            .filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)
    }
}
