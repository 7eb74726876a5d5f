//! Text for a terminal. Much of it is somebody else's: a control sequence in it would
//! rewrite what the terminal shows, a bidirectional mark its order, and what can't be seen
//! makes two names look alike. All of these are shown as what they are: `\u{9b}`.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal obeys it, or shows nothing at all: controls, separators of lines, and
/// what Unicode calls default-ignorable, to which bidirectional marks and tags belong.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `1 study`, `2 studies`
pub fn counted(count: usize, one: &str, more: &str) -> String {
    let what = if count == 1 { one } else { more };
    format!("{count} {what}")
}

/// A piece of a line: what would end the line is shown too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |c, out| out.extend(c.escape_default()))
}

/// Lines: line feeds are left.
pub fn block(text: &str) -> Cow<'_, str> {
    let hidden = |c| c != '\n' && is_hidden(c);
    escaped(text, hidden, |c, out| out.extend(c.escape_default()))
}

/// A JSON document, which stays one: what is hidden can only be within its strings.
pub fn json(text: &str) -> Cow<'_, str> {
    let hidden = |c| c != '\n' && is_hidden(c);
    escaped(text, hidden, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escaped(
    text: &str,
    hidden: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            escape(c, &mut out)
        } else {
            out.push(c)
        }
    }
    Cow::Owned(out)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Bold,
    Dim,
    Green,
    Yellow,
    BoldRed,
    BoldCyan,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
            Self::BoldRed => "\x1b[1;31m",
            Self::BoldCyan => "\x1b[1;36m",
        }
    }
}

const RESET: &str = "\x1b[0m";

/// Text with colours of our own in it, and no other control character than line feeds. Put
/// together from pieces, each of which is made printable: there is no other way to get one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Styled(String);

impl Styled {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text; its line feeds stay.
    pub fn text(mut self, text: &str) -> Self {
        self.0.push_str(&block(text));
        self
    }

    /// Adds text of somebody else's within a line.
    pub fn line(mut self, text: &str) -> Self {
        self.0.push_str(&line(text));
        self
    }

    pub fn paint(mut self, style: Style, text: &str) -> Self {
        self.0.push_str(style.code());
        self.0.push_str(&block(text));
        self.0.push_str(RESET);
        self
    }

    pub fn append(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// What a renderer made of text that was printable already: its colours are ours.
    pub(crate) fn rendered(mut self, ansi: &str) -> Self {
        let mut rest = ansi;
        while let Some(at) = rest.find('\x1b') {
            let length = colour(&rest[at..]);
            let (before, after) = rest.split_at(at + length);
            self.0.push_str(&block(&before[..at]));
            self.0.push_str(&before[at..]);
            rest = match length {
                0 => {
                    self.0.push_str("\\u{1b}");
                    &after[1..]
                }
                _ => after,
            };
        }
        self.0.push_str(&block(rest));
        self
    }

    /// With escape sequences, for a stream that takes them away where they aren't wanted.
    pub fn ansi(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Styled {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Styled {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Styled {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Styled {
    fn from(other: &Self) -> Self {
        other.clone()
    }
}

/// The length of the sequence for a colour that a text begins with; 0: it is another one.
fn colour(text: &str) -> usize {
    const START: &str = "\x1b[";
    const LONGEST: usize = 16;
    let Some(rest) = text.strip_prefix(START) else {
        return 0;
    };
    let parameters = rest.bytes().take(LONGEST);
    let count = parameters
        .take_while(|b| b.is_ascii_digit() || *b == b';')
        .count();
    match rest.as_bytes().get(count) {
        Some(b'm') => START.len() + count + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;t\u{7}\u{9b}31m\u{202e}\u{e0041}\u{2028}\r\n\té😀";

    #[test]
    fn what_is_hidden_is_shown() {
        let shown = "a\\u{1b}]0;t\\u{7}\\u{9b}31m\\u{202e}\\u{e0041}\\u{2028}\\r";
        assert_eq!(line(HOSTILE), format!("{shown}\\n\\té😀"));
        assert_eq!(block(HOSTILE), format!("{shown}\n\\té😀"));
        assert!(matches!(line("plain: é 😀 ✓"), Cow::Borrowed(_)));
        for c in [
            '\0', '\u{7f}', '\u{85}', '\u{200e}', '\u{2069}', '\u{feff}', '\u{ad}',
        ] {
            assert!(is_hidden(c), "{c:?}");
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"k\u{9b}": HOSTILE, "x": [1, "\u{7f}"]});
        for text in [value.to_string(), format!("{value:#}")] {
            let shown = json(&text);
            assert!(!shown.contains(|c| c != '\n' && is_hidden(c)), "{shown}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
                value
            );
        }
    }

    #[test]
    fn only_our_own_colours_pass() {
        let styled = Styled::new()
            .paint(Style::BoldRed, "x\u{1b}[0m")
            .text("\u{1b}[1m\n")
            .line("\n");
        assert_eq!(
            styled.ansi(),
            "\u{1b}[1;31mx\\u{1b}[0m\u{1b}[0m\\u{1b}[1m\n\\n"
        );
        assert_eq!(Styled::from("\u{1b}[31m").ansi(), "\\u{1b}[31m");
    }

    #[test]
    fn of_a_renderer_only_colours_pass() {
        let rendered = |ansi| Styled::new().rendered(ansi).0;
        assert_eq!(
            rendered("\u{1b}[1m\u{1b}[91mx\u{1b}[0m"),
            "\u{1b}[1m\u{1b}[91mx\u{1b}[0m"
        );
        for (ansi, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}]0;t\u{7}", "\\u{1b}]0;t\\u{7}"),
            ("\u{1b}", "\\u{1b}"),
            ("\u{1b}[é\u{1b}[0m", "\\u{1b}[é\u{1b}[0m"),
            ("\u{1b}[11111111111111111m", "\\u{1b}[11111111111111111m"),
        ] {
            assert_eq!(rendered(ansi), shown);
        }
    }
}
